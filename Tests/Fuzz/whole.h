/* The batch that a result is of: the rows of a scene, and those of the other part if there is one. */
#ifndef WHOLE_H
#define WHOLE_H

#include "../ABITests/scene.h"

struct whole {
    size_t rows, dim;
    double *exact;   /* rows x dim, as they are now */
    int64_t *labels; /* one a row */
};

/* `other` may be NULL. */
struct whole whole_make(const struct scene *scene, const struct scene *other);
void whole_free(struct whole *whole);

/* Zeros in place of the rows that are not finite. */
struct whole whole_without_bad_rows(const struct whole *whole);

int row_is_finite(const struct whole *whole, size_t row);
int all_finite(const struct whole *whole);

/* The reference's answer, with arrays of its own; answer_free gives them back. */
struct answer answer_make(const struct whole *whole, const pullpush_options *options);
void answer_free(struct answer *answer);

#endif
