/* A batch to test with: its description, its bytes as the library sees them, its exact numbers for the reference. */
#ifndef SCENE_H
#define SCENE_H

#include "element.h"
#include "guarded.h"
#include "reference.h"

enum data { /* what the rows look like; they are about 1 long unless said otherwise */
    DATA_SPREAD, /* random directions */
    DATA_ALIKE,  /* the rows of an identity are near each other */
    DATA_TINY,   /* some rows are 0, or of a length around the thresholds of the normalisations */
    DATA_WHOLE   /* small whole numbers, so that no product of two rows is near the corner of a hinge but on it */
};

enum layout {
    LAYOUT_SAMPLES_PER_ID, /* identity after identity, described by samples_per_id; equal sizes only */
    LAYOUT_LABELS_SORTED,  /* the same rows, described by labels */
    LAYOUT_LABELS_SHUFFLED /* rows in any order */
};

struct shape {
    size_t identities;
    size_t sizes[10]; /* rows of each identity; the pattern repeats from the first 0 on */
};

struct scene {
    const struct element *element;
    size_t rows, dim, row_stride, gradient_stride;
    int64_t *labels; /* what `label_memory` holds */
    double *exact; /* rows x dim: the features, widened */
    struct guarded label_memory, features, features_before, gradient, gradient_before;
    pullpush_batch batch;
};

/* `seed` decides the numbers, and the label values too: scenes of different seeds have different labels. */
struct scene scene_make(const struct shape *shape, size_t dim, const struct element *element, enum data data,
                        enum layout layout, size_t row_padding, size_t gradient_padding, uint64_t seed);
void scene_free(struct scene *scene);

/* Rows of identity c. */
size_t shape_size(const struct shape *shape, size_t c);
int shape_is_regular(const struct shape *shape);
size_t shape_rows(const struct shape *shape);

/* The default options, from the library. */
pullpush_options default_options(void);
/* A result with its struct_size set and every other byte marked. */
pullpush_result blank_result(void);

/*
 * Checks loss, parts, means and counts against the reference, to the accuracy of the element type. In a batch of few
 * identities much cancels, of which rounding leaves a part: an ordinary batch is to be right to the promise alone.
 */
enum batch_kind { BATCH_ANY, BATCH_ORDINARY };
void check_result(const pullpush_result *result, const struct answer *expected, const pullpush_options *options,
                  const struct element *element, enum batch_kind kind);
/*
 * Checks the gradient of `scene` against rows `first_row` ... of the reference, which has `all_rows` of them, and that
 * the bytes between rows and the features are as they were.
 */
void check_gradient(const struct scene *scene, const struct answer *expected, size_t first_row, size_t all_rows,
                    int accumulate);
/* Calls evaluate with the options for a scene without padding, and checks what comes out against the reference. */
void check_evaluation(const struct scene *scene, const pullpush_options *options);

#endif
