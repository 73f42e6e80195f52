/* A batch in parts: accumulate each, reduce, finish each. The whole batch's reference decides what is right. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "scene.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 3 };
static const struct {
    struct shape shape;
    enum layout layout;
} parts[PARTS] = {
    {{2, {3}}, LAYOUT_SAMPLES_PER_ID},
    {{3, {1, 4, 2}}, LAYOUT_LABELS_SHUFFLED},
    {{1, {2}}, LAYOUT_LABELS_SORTED},
};
static const size_t dims[] = {1, 3, 8, 17, 33};

static void run_parts(const pullpush_options *options, size_t dim, const struct element *element, uint64_t seed)
{
    struct scene scenes[PARTS];
    size_t rows = 0, count = 0;
    check_case("statistics, %s %s, dim %zu", option_set_name(options), element->name, dim);
    for (size_t p = 0; p < PARTS; p++) {
        scenes[p] = scene_make(&parts[p].shape, dim, element, DATA_SPREAD, parts[p].layout, p, 2 * p, seed + p);
        rows += scenes[p].rows;
    }
    double *exact = (double *)calloc(rows * dim, sizeof *exact);
    int64_t *labels = (int64_t *)calloc(rows, sizeof *labels);
    for (size_t p = 0, row = 0; p < PARTS; row += scenes[p++].rows) {
        memcpy(exact + row * dim, scenes[p].exact, scenes[p].rows * dim * sizeof *exact);
        memcpy(labels + row, scenes[p].labels, scenes[p].rows * sizeof *labels);
    }
    struct answer answer;
    answer.gradient = (double *)calloc(rows * dim, sizeof(double));
    answer.row_scales = (double *)calloc(rows, sizeof(double));
    reference_evaluate(exact, labels, rows, dim, options, &answer);

    int status = api.statistics_size(dim, options, &count);
    check(status == PULLPUSH_OK, "statistics_size returned %d", status);
    check(count >= dim + 5, "only %zu statistics", count);
    double *total = (double *)calloc(count, sizeof *total);
    double *twice = (double *)calloc(count, sizeof *twice);
    char message[256];
    for (size_t p = 0; p < PARTS && status == PULLPUSH_OK; p++) {
        struct guarded memory = guarded_make(count * sizeof(double), p % 2 ? SIDE_FRONT : SIDE_BACK);
        double *part = (double *)memory.bytes;
        memset(part, 0, memory.size);
        status = api.statistics_accumulate(&scenes[p].batch, options, part, count, message, sizeof message);
        check(status == PULLPUSH_OK, "accumulate of part %zu returned %d: %s", p, status, message);
        status = api.statistics_reduce(total, part, count);
        check(status == PULLPUSH_OK, "reduce returned %d", status);
        /* One vector may also go from part to part. */
        status = api.statistics_accumulate(&scenes[p].batch, options, twice, count, NULL, 0);
        guarded_free(&memory);
    }
    const double *totals[2];
    totals[0] = total, totals[1] = twice;
    for (int way = 0; way < 2; way++) {
        for (size_t p = 0, row = 0; p < PARTS && status == PULLPUSH_OK; row += scenes[p++].rows) {
            pullpush_result result = blank_result();
            memcpy(scenes[p].gradient.bytes, scenes[p].gradient_before.bytes, scenes[p].gradient.size);
            status = api.statistics_finish(&scenes[p].batch, options, totals[way], count, &result,
                                           scenes[p].gradient.bytes, scenes[p].gradient_stride, message,
                                           sizeof message);
            check(status == PULLPUSH_OK, "finish of part %zu returned %d: %s", p, status, message);
            check_result(&result, &answer, options, element, BATCH_ANY);
            check_gradient(&scenes[p], &answer, row, rows, options->accumulate);
        }
    }
    for (size_t p = 0; p < PARTS; p++)
        scene_free(&scenes[p]);
    free(exact), free(labels), free(answer.gradient), free(answer.row_scales), free(total), free(twice);
}

/* The length of the vector: what the options need, and the greatest of which the bytes can be counted. */
static void test_size(void)
{
    const size_t most = SIZE_MAX / 2 / sizeof(double), root = ((size_t)1 << 30) - 1;
    pullpush_options options = default_options();
    size_t count = 0;
    check_case("statistics_size");
    check(api.statistics_size(128, NULL, &count) == PULLPUSH_OK && count == 133, "the defaults need %zu for dim 128",
          count);
    check(api.statistics_size(most - 5, NULL, &count) == PULLPUSH_OK && count == most, "as many as there can be: %zu",
          count);
    options.push_between = PULLPUSH_PUSH_BETWEEN_ALL;
    check(api.statistics_size(128, &options, &count) == PULLPUSH_OK && count == 133,
          "inner products between all rows need %zu for dim 128", count);
    options.push_between = PULLPUSH_PUSH_BETWEEN_REPRESENTATIVES;
    options.objective = PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN;
    check(api.statistics_size(128, &options, &count) == PULLPUSH_OK && count == 133, "distances need %zu for dim 128",
          count);
    options.push_between = PULLPUSH_PUSH_BETWEEN_ALL;
    check(api.statistics_size(128, &options, &count) == PULLPUSH_OK && count == 135,
          "distances between all rows need %zu for dim 128", count);
    options = default_options();
    options.push = PULLPUSH_PUSH_SQUARED;
    check(api.statistics_size(root, &options, &count) == PULLPUSH_OK && count == root * root + root + 6,
          "the squared push needs %zu for dim %zu", count, root);
    count = 77;
    check(api.statistics_size(root + 1, &options, &count) == PULLPUSH_ERROR_SIZE, "a square too large");
    check(api.statistics_size(most - 4, NULL, &count) == PULLPUSH_ERROR_SIZE, "one more than there can be");
    check(count == 77, "the count was written");
}

/* One identity and no other has no pair to push, in parts as well. */
static void test_one_identity(void)
{
    static const struct shape shape = {1, {4}};
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options) || options.push == PULLPUSH_PUSH_HINGE)
            continue;
        struct scene scene = scene_make(&shape, 9, element_f64, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 5);
        struct answer answer;
        answer.gradient = (double *)calloc(scene.rows * scene.dim, sizeof(double));
        answer.row_scales = (double *)calloc(scene.rows, sizeof(double));
        reference_evaluate(scene.exact, scene.labels, scene.rows, scene.dim, &options, &answer);
        double total[9 * 9 + 9 + 8] = {0};
        size_t count = 0;
        pullpush_result result = blank_result();
        check_case("statistics of one identity, %s", option_set_name(&options));
        check(api.statistics_size(scene.dim, &options, &count) == PULLPUSH_OK, "no size");
        check(api.statistics_accumulate(&scene.batch, &options, total, count, NULL, 0) == PULLPUSH_OK, "no total");
        check(api.statistics_finish(&scene.batch, &options, total, count, &result, scene.gradient.bytes, 0, NULL, 0) ==
                  PULLPUSH_OK, "refused");
        check_result(&result, &answer, &options, element_f64, BATCH_ANY);
        check_gradient(&scene, &answer, 0, scene.rows, 0);
        free(answer.gradient), free(answer.row_scales);
        scene_free(&scene);
    }
}

void test_statistics(int every)
{
    test_size();
    test_one_identity();
    pullpush_options options;
    unsigned turn = 0;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options))
            continue;
        if (options.push == PULLPUSH_PUSH_HINGE) {
            size_t count = 77;
            check_case("statistics, %s", option_set_name(&options));
            check(api.statistics_size(4, &options, &count) == PULLPUSH_ERROR_OPTION, "a hinge was accepted");
            check(count == 77, "the count was written");
            continue;
        }
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            if (turn++ % (unsigned)every != 0)
                continue;
            options.target = 0.1, options.push_weight = 0.5;
            options.upstream = turn % 2 ? 1 : -3;
            options.accumulate = turn % 3 == 0;
            run_parts(&options, dims[d], &elements[turn % 4], 1000 + 10 * turn);
        }
    }
}
