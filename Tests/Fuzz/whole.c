#include "whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

static void append(struct whole *whole, const struct scene *scene)
{
    for (size_t a = 0; a < scene->rows; a++, whole->rows++) {
        whole->labels[whole->rows] = scene->labels[a];
        for (size_t d = 0; d < scene->dim; d++)
            whole->exact[whole->rows * scene->dim + d] =
                element_load(scene->element, scene->features.bytes, a * scene->row_stride + d);
    }
}

struct whole whole_make(const struct scene *scene, const struct scene *other)
{
    size_t rows = scene->rows + (other ? other->rows : 0);
    struct whole whole = {0, scene->dim, NULL, NULL};
    whole.exact = (double *)zeros(rows * scene->dim, sizeof(double));
    whole.labels = (int64_t *)zeros(rows, sizeof(int64_t));
    append(&whole, scene);
    if (other)
        append(&whole, other);
    return whole;
}

void whole_free(struct whole *whole)
{
    free(whole->exact), free(whole->labels);
}

int row_is_finite(const struct whole *whole, size_t row)
{
    for (size_t d = 0; d < whole->dim; d++)
        if (!isfinite(whole->exact[row * whole->dim + d]))
            return 0;
    return 1;
}

int all_finite(const struct whole *whole)
{
    for (size_t a = 0; a < whole->rows; a++)
        if (!row_is_finite(whole, a))
            return 0;
    return 1;
}

struct whole whole_without_bad_rows(const struct whole *whole)
{
    size_t row_size = whole->dim * sizeof(double);
    struct whole copy = {whole->rows, whole->dim, NULL, NULL};
    copy.exact = (double *)zeros(whole->rows, row_size);
    copy.labels = (int64_t *)zeros(whole->rows, sizeof(int64_t));
    memcpy(copy.labels, whole->labels, whole->rows * sizeof(int64_t));
    for (size_t a = 0; a < whole->rows; a++)
        if (row_is_finite(whole, a))
            memcpy(copy.exact + a * whole->dim, whole->exact + a * whole->dim, row_size);
    return copy;
}

struct answer answer_make(const struct whole *whole, const pullpush_options *options)
{
    struct answer answer;
    memset(&answer, 0, sizeof answer);
    answer.gradient = (double *)zeros(whole->rows * whole->dim, sizeof(double));
    answer.row_scales = (double *)zeros(whole->rows, sizeof(double));
    reference_evaluate(whole->exact, whole->labels, whole->rows, whole->dim, options, &answer);
    return answer;
}

void answer_free(struct answer *answer)
{
    free(answer->gradient), free(answer->row_scales);
}
