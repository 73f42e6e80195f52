#include "scene.h"

#include "api.h"
#include "check.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t shape_size(const struct shape *shape, size_t c)
{
    size_t period = 0;
    while (period < sizeof shape->sizes / sizeof *shape->sizes && shape->sizes[period] != 0)
        period++;
    return shape->sizes[c % period];
}

size_t shape_rows(const struct shape *shape)
{
    size_t rows = 0;
    for (size_t c = 0; c < shape->identities; c++)
        rows += shape_size(shape, c);
    return rows;
}

int shape_is_regular(const struct shape *shape)
{
    for (size_t c = 1; c < shape->identities; c++)
        if (shape_size(shape, c) != shape->sizes[0])
            return 0;
    return 1;
}

static void fill_row(double *row, size_t dim, uint64_t direction, double noise, double length, uint64_t *state)
{
    double squared = 0;
    for (size_t d = 0; d < dim; d++) {
        row[d] = random_signed(&direction) + noise * random_signed(state);
        squared += row[d] * row[d];
    }
    /* A little off the unit length, for the loss on raw rows would otherwise never see another. */
    length *= 1 + 0.2 * random_signed(state);
    for (size_t d = 0; d < dim; d++)
        row[d] *= length / sqrt(squared);
}

static void *bytes_of(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

/* Rows spaced by `stride`, nothing after the last one, every byte marked so that a stray write shows. */
static struct guarded strided_rows(size_t rows, size_t dim, size_t stride, size_t element_size, enum side side)
{
    struct guarded memory = guarded_make(((rows - 1) * stride + dim) * element_size, side);
    memset(memory.bytes, 0xA5, memory.size);
    return memory;
}

struct scene scene_make(const struct shape *shape, size_t dim, const struct element *element, enum data data,
                        enum layout layout, size_t row_padding, size_t gradient_padding, uint64_t seed)
{
    static const double lengths[] = {0, 1e-13, 1e-7, 0.9e-5, 1.1e-5, 1e-3};
    struct scene scene;
    uint64_t state = seed;
    scene.element = element;
    scene.rows = shape_rows(shape);
    scene.dim = dim;
    scene.row_stride = dim + row_padding;
    scene.gradient_stride = dim + gradient_padding;
    scene.label_memory = guarded_make(scene.rows * sizeof *scene.labels, seed % 2 ? SIDE_BACK : SIDE_FRONT);
    scene.labels = (int64_t *)scene.label_memory.bytes;
    scene.exact = (double *)bytes_of(scene.rows * dim, sizeof *scene.exact);
    scene.features = strided_rows(scene.rows, dim, scene.row_stride, element->size, seed % 3 ? SIDE_BACK : SIDE_FRONT);
    scene.gradient = strided_rows(scene.rows, dim, scene.gradient_stride, element->size,
                                  seed % 5 < 3 ? SIDE_BACK : SIDE_FRONT);

    for (size_t c = 0, a = 0; c < shape->identities; c++) /* an odd factor keeps labels distinct and wild */
        for (size_t k = 0; k < shape_size(shape, c); k++, a++)
            scene.labels[a] = (int64_t)((seed * 1024 + c + 1) * UINT64_C(0xD1342543DE82EF95));
    if (layout == LAYOUT_LABELS_SHUFFLED) {
        for (size_t a = scene.rows; a > 1; a--) {
            size_t b = random_below(&state, (unsigned)a);
            int64_t label = scene.labels[a - 1];
            scene.labels[a - 1] = scene.labels[b];
            scene.labels[b] = label;
        }
    }
    for (size_t a = 0; a < scene.rows; a++) {
        uint64_t direction = data == DATA_SPREAD ? random_next(&state) : (uint64_t)scene.labels[a];
        double length = data == DATA_TINY && random_below(&state, 2) ? lengths[random_below(&state, 6)] : 1;
        fill_row(scene.exact + a * dim, dim, direction, 0.3, length, &state);
        for (size_t d = 0; d < dim; d++) {
            if (data == DATA_WHOLE)
                scene.exact[a * dim + d] = (double)random_below(&state, 3) - 1;
            element_store(element, scene.features.bytes, a * scene.row_stride + d, scene.exact[a * dim + d]);
            scene.exact[a * dim + d] = element_load(element, scene.features.bytes, a * scene.row_stride + d);
            element_store(element, scene.gradient.bytes, a * scene.gradient_stride + d, random_signed(&state));
        }
    }
    scene.features_before = guarded_copy(&scene.features);
    scene.gradient_before = guarded_copy(&scene.gradient);

    memset(&scene.batch, 0, sizeof scene.batch);
    scene.batch.struct_size = sizeof scene.batch;
    scene.batch.features = scene.features.bytes;
    scene.batch.rows = scene.rows;
    scene.batch.dim = dim;
    scene.batch.row_stride = row_padding ? scene.row_stride : 0;
    scene.batch.dtype = element->dtype;
    if (layout == LAYOUT_SAMPLES_PER_ID)
        scene.batch.samples_per_id = shape->sizes[0];
    else
        scene.batch.labels = scene.labels;
    return scene;
}

void scene_free(struct scene *scene)
{
    free(scene->exact);
    guarded_free(&scene->label_memory);
    guarded_free(&scene->features);
    guarded_free(&scene->features_before);
    guarded_free(&scene->gradient);
    guarded_free(&scene->gradient_before);
}

pullpush_options default_options(void)
{
    pullpush_options options;
    int status = api.options_init(&options, sizeof options);
    check(status == PULLPUSH_OK, "options_init returned %d", status);
    return options;
}

pullpush_result blank_result(void)
{
    pullpush_result result;
    memset(&result, 0xA5, sizeof result);
    result.struct_size = sizeof result;
    return result;
}

static void check_number(const char *name, double got, double expected, double tolerance)
{
    check(fabs(got - expected) <= tolerance, "%s is %.17g instead of %.17g (tolerance %.1e)", name, got, expected,
          tolerance);
}

static void check_count(const char *name, uint64_t got, uint64_t expected)
{
    check(got == expected, "%s is %llu instead of %llu", name, (unsigned long long)got, (unsigned long long)expected);
}

static double tolerance_of(double value, double cancelled, const struct element *element, enum batch_kind kind)
{
    double promised = fmax(element->relative * fabs(value), element->absolute);
    return kind == BATCH_ORDINARY ? promised : promised + element->relative * cancelled;
}

void check_result(const pullpush_result *result, const struct answer *expected, const pullpush_options *options,
                  const struct element *element, enum batch_kind kind)
{
    const pullpush_result *right = &expected->result;
    double pull_tolerance = tolerance_of(right->pull, expected->pull_cancelled, element, kind);
    double push_tolerance = tolerance_of(right->push, expected->push_cancelled, element, kind);
    check_number("pull", result->pull, right->pull, pull_tolerance);
    check_number("push", result->push, right->push, push_tolerance);
    check_number("loss", result->loss, right->loss,
                 fabs(options->pull_weight) * pull_tolerance + fabs(options->push_weight) * push_tolerance);
    /* For a person to watch, not to optimise. */
    double mean_tolerance = 2 * element->relative * fmax(1, expected->largest_square);
    check_number("mean_positive", result->mean_positive, right->mean_positive, mean_tolerance);
    check_number("mean_negative", result->mean_negative, right->mean_negative,
                 mean_tolerance + element->relative * expected->mean_cancelled);
    check_count("positive_pairs", result->positive_pairs, right->positive_pairs);
    check_count("negative_pairs", result->negative_pairs, right->negative_pairs);
    check(result->active_pairs + expected->unsettled_pairs >= right->active_pairs &&
              result->active_pairs <= right->active_pairs + expected->unsettled_pairs,
          "active_pairs is %llu instead of %llu, of which %llu are at the corner",
          (unsigned long long)result->active_pairs, (unsigned long long)right->active_pairs,
          (unsigned long long)expected->unsettled_pairs);
    check(result->struct_size == sizeof *result, "struct_size became %zu", result->struct_size);
}

void check_gradient(const struct scene *scene, const struct answer *expected, size_t first_row, size_t all_rows,
                    int accumulate)
{
    const struct element *element = scene->element;
    size_t dim = scene->dim;
    /* A tiny row has a huge gradient behind which the other rows would hide: weigh rows by their length. */
    double squared_error = 0, squared_norm = 0, smallest = 0;
    /* Near the least number above 0 that the library computes with there is no relative accuracy. */
    const double least = ldexp(1, element->size == 8 ? -1074 : -149);
    for (size_t a = 0; a < all_rows * dim; a++) {
        double value = expected->gradient[a] / expected->row_scales[a / dim];
        squared_norm += value * value;
    }
    for (size_t a = 0; a < scene->rows; a++) {
        double scale = expected->row_scales[first_row + a];
        for (size_t d = 0; d < dim; d++) {
            size_t place = a * scene->gradient_stride + d;
            double right = expected->gradient[(first_row + a) * dim + d];
            if (accumulate)
                right += element_load(element, scene->gradient_before.bytes, place);
            double error = fabs(element_load(element, scene->gradient.bytes, place) - right);
            /* The last rounding, to the element type, is not the library's to avoid. */
            error = isnan(error) ? HUGE_VAL : fmax(0, error - element_half_ulp(element, right)) / scale;
            smallest += 4 * least / scale;
            squared_error += error * error;
        }
    }
    /* Where the gradient cancels, even to 0, what rounding leaves is a part of what cancelled. */
    double allowed = element->relative * (sqrt(squared_norm) + 0.2 * expected->gradient_terms);
    allowed += expected->unsettled_gradient + smallest;
    check(sqrt(squared_error) <= allowed, "gradient is off by %.2e of %.2e (allowed %.2e)", sqrt(squared_error),
          sqrt(squared_norm), allowed);

    int strays = 0;
    for (size_t a = 0; a + 1 < scene->rows; a++) {
        size_t gap = (a * scene->gradient_stride + dim) * element->size;
        strays += memcmp((char *)scene->gradient.bytes + gap, (char *)scene->gradient_before.bytes + gap,
                         (scene->gradient_stride - dim) * element->size) != 0;
    }
    check(strays == 0, "the padding after %d gradient rows was written", strays);
    check(memcmp(scene->features.bytes, scene->features_before.bytes, scene->features.size) == 0,
          "the features were written");
    check(guarded_intact(&scene->gradient), "the memory around the gradient was written");
}

void check_evaluation(const struct scene *scene, const pullpush_options *options)
{
    struct answer expected;
    memset(&expected, 0, sizeof expected);
    expected.gradient = (double *)calloc(scene->rows * scene->dim, sizeof(double));
    expected.row_scales = (double *)calloc(scene->rows, sizeof(double));
    reference_evaluate(scene->exact, scene->labels, scene->rows, scene->dim, options, &expected);
    pullpush_result result = blank_result();
    int status = api.evaluate(&scene->batch, options, &result, scene->gradient.bytes, 0, NULL, 0);
    check(status == PULLPUSH_OK, "status %d", status);
    check_result(&result, &expected, options, scene->element, BATCH_ANY);
    check_gradient(scene, &expected, 0, scene->rows, 0);
    free(expected.gradient), free(expected.row_scales);
}
