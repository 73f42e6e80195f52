/*
 * The loss as it is defined: float64, one pair at a time, O(rows^2 * dim), no closed form.
 * Written from the formulas of the header so that it shares nothing with the library.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <pullpush.h>

struct answer {
    pullpush_result result;
    double *gradient;      /* rows x dim, of upstream * loss with respect to the raw features; NULL if not wanted */
    double *row_scales;    /* rows: the factor between a raw row and its normalised row; NULL if not wanted */
    double pull_cancelled; /* what a closed form of the pull, and of the push, adds up and takes away again */
    double push_cancelled;
    double mean_cancelled; /* and of the mean inner product of different identities */
    double gradient_terms; /* what the norm of the gradient of the normalised rows would be if no terms cancelled */
    double hinge_distance; /* how close any pair comes to the corner of the hinge; HUGE_VAL without a hinge */
    /* The pairs so close to it that rounding chooses their side, and the norm of what they are to the gradient. */
    uint64_t unsettled_pairs;
    double unsettled_gradient;
    double largest_square; /* the squared norm of the longest normalised row */
};

/* `features` is rows x dim, contiguous; labels[a] names row a's identity. The caller owns the arrays of `answer`. */
void reference_evaluate(const double *features, const int64_t *labels, size_t rows, size_t dim,
                        const pullpush_options *options, struct answer *answer);

#endif
