/* Whether a call that was accepted did what it should. */
#ifndef COMPARE_H
#define COMPARE_H

#include "mistakes.h"

/* What the accepted calls were compared with. */
struct compared {
    unsigned long in_full, without_gradient; /* the sum over all pairs, to a part of the size of its terms */
    unsigned long not_finite;                /* which numbers may be finite, and which must be */
    unsigned long beyond;                    /* only the counts: the numbers leave the range of the arithmetic */
};
extern struct compared compared;

/* `other` is the other part of the batch, or NULL. */
void compare(const struct call *call, const struct scene *scene, const struct scene *other,
             const pullpush_options *options, int with_gradient);

#endif
