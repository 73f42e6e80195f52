/* What the input chooses of a call before any mistake. */
#ifndef CHOICES_H
#define CHOICES_H

#include "mistakes.h"

pullpush_options choose_options(struct bytes *bytes, enum function function);
struct scene choose_scene(struct bytes *bytes, enum function function);
/* Another part of the same batch, small and of other identities. */
struct scene choose_other_part(struct bytes *bytes, const struct scene *scene);
/* Puts numbers at the ends of the type in, as bits of the top byte or two. */
void put_special_numbers(struct scene *scene, struct bytes *bytes);
/* Totals as no batch has them, for they come from other machines. Returns whether any was put in. */
int put_wild_totals(double *totals, size_t count, struct bytes *bytes);

#endif
