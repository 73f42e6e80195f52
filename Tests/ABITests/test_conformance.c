/* Every option with every other, over shapes, widths, types, layouts and strides, against the reference. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct shape shapes[] = {
    {1, {1}}, {1, {5}}, {3, {1}}, {4, {2}}, {3, {4}}, {3, {3}}, {2, {8}}, {2, {9}},
    {4, {2, 3, 1, 4}}, {5, {1, 5, 1, 2, 2}}, {2, {17, 1}}, {9, {1, 2}},
};
/* More pushed vectors than columns and fewer, beyond a tile of either; an identity of many rows; long rows by fours. */
static const struct {
    struct shape shape;
    size_t dim;
} large[] = {
    {{67, {1}}, 9}, {{40, {2}}, 17}, {{33, {1, 3, 2}}, 100}, {{3, {70, 3, 1}}, 13}, {{19, {2}}, 257},
    {{7, {4}}, 523},  {{5, {4, 3}}, 290},
};
/* So many that not all pairs are kept, or are seen in many parts. Some pair is always near the corner of a hinge, but
 * for whole numbers. */
static const struct {
    struct shape shape;
    size_t dim;
} many[] = {{{1061, {1}}, 9}, {{590, {2}}, 5}, {{200, {1, 3}}, 18}};
/* Rows so long that their sums are taken in pieces; in float64, for rounding grows with the length. */
static const struct shape lengthy = {3, {2, 1, 3}};
static const size_t lengths[] = {8193, 8209, 12289, 16421};
/* Second moments of many points, in blocks of columns and of points: about whole blocks of columns, and beyond. */
static const struct shape moments = {260, {1, 1, 1, 2}};
static const size_t moment_dims[] = {101, 47, 48, 49, 95, 96};
static const struct shape ordinary = {16, {4}};
static const size_t dims[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65};
static const double upstreams[] = {1, 1, -2.5, 0.125};
static const size_t paddings[] = {0, 0, 1, 5};

/* Moves the margin until no pair is at the corner of the hinge, where rounding would choose the side. */
static int settle_margin(const struct scene *scene, pullpush_options *options, struct answer *answer)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        reference_evaluate(scene->exact, scene->labels, scene->rows, scene->dim, options, answer);
        if (answer->hinge_distance > 1e-4)
            return 1;
        options->margin += 0.0137;
    }
    return 0;
}

/* A batch of rows of the element, or of one of all. */
static void run_case(const struct shape *shape, size_t dim, const struct element *element, pullpush_options options,
                     enum batch_kind kind, uint64_t seed)
{
    uint64_t state = seed;
    const struct element *any = &elements[random_below(&state, 4)];
    element = element ? element : any;
    enum data data = shape_rows(shape) < 400 ? (enum data)random_below(&state, 3) : DATA_WHOLE;
    /* The gradient of a tiny row is beyond the range of binary16. */
    if (element->dtype == PULLPUSH_DTYPE_F16 && data == DATA_TINY)
        data = DATA_SPREAD;
    enum layout layout = (enum layout)random_below(&state, 3);
    if (layout == LAYOUT_SAMPLES_PER_ID && !shape_is_regular(shape))
        layout = LAYOUT_LABELS_SORTED;
    size_t row_padding = paddings[random_below(&state, 4)], gradient_padding = paddings[random_below(&state, 4)];
    struct scene scene =
        scene_make(shape, dim, element, data, layout, row_padding, gradient_padding, random_next(&state));

    options.upstream = upstreams[random_below(&state, 4)];
    options.accumulate = (int32_t)random_below(&state, 2);
    options.num_threads = (int32_t)random_below(&state, 3);
    options.check_finite = (int32_t)random_below(&state, 2);
    if (random_below(&state, 2)) {
        options.target = 0.3, options.margin = 0.2;
        options.pull_weight = 0.5, options.push_weight = -1.5;
    }

    struct answer answer;
    answer.gradient = (double *)calloc(scene.rows * dim, sizeof(double));
    answer.row_scales = (double *)calloc(scene.rows, sizeof(double));
    int settled = settle_margin(&scene, &options, &answer);
    static const char *const data_names[] = {"spread", "alike", "tiny", "whole"};
    check_case("%s %s, %zu rows of %zu in %zu identities, %s, %s, padding %zu and %zu, upstream %g, threads %d%s",
               option_set_name(&options), element->name, scene.rows, dim, shape->identities,
               layout == LAYOUT_SAMPLES_PER_ID ? "PxK" : layout == LAYOUT_LABELS_SORTED ? "sorted" : "shuffled",
               data_names[data], row_padding, gradient_padding,
               options.upstream, options.num_threads, options.accumulate ? ", accumulated" : "");
    check(settled, "no margin keeps away from the corner of the hinge");

    char message[256];
    pullpush_result result = blank_result();
    int status = api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes,
                              gradient_padding ? scene.gradient_stride : 0, message, sizeof message);
    check(status == PULLPUSH_OK, "status %d: %s", status, message);
    if (status == PULLPUSH_OK) {
        check(message[0] == 0, "success left the message '%s'", message);
        check_result(&result, &answer, &options, element, kind);
        check_gradient(&scene, &answer, 0, scene.rows, options.accumulate);
        pullpush_result alone = blank_result();
        status = api.evaluate(&scene.batch, &options, &alone, NULL, 0, NULL, 0);
        check(status == PULLPUSH_OK, "status %d without a gradient", status);
        check_result(&alone, &answer, &options, element, kind);
    }
    free(answer.gradient), free(answer.row_scales);
    scene_free(&scene);
}

/* The plain call is the original loss without normalisation. */
static void run_plain(const struct shape *shape, size_t dim, const struct element *element, uint64_t seed)
{
    struct scene scene = scene_make(shape, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, seed);
    pullpush_options options = default_options();
    options.normalize = PULLPUSH_NORMALIZE_NONE;
    struct answer answer;
    answer.gradient = (double *)calloc(scene.rows * dim, sizeof(double));
    answer.row_scales = (double *)calloc(scene.rows, sizeof(double));
    reference_evaluate(scene.exact, scene.labels, scene.rows, dim, &options, &answer);
    check_case("plain call %s, %zu rows of %zu in %zu identities", element->name, scene.rows, dim, shape->identities);

    for (int with_gradient = 0; with_gradient < 2; with_gradient++) {
        double loss = 0;
        void *gradient = with_gradient ? scene.gradient.bytes : NULL;
        size_t samples = shape->sizes[0];
        const void *features = scene.features.bytes;
        int status = element == element_f32
                         ? api.loss_f32((const float *)features, scene.rows, dim, samples, &loss, (float *)gradient)
                         : api.loss_f64((const double *)features, scene.rows, dim, samples, &loss, (double *)gradient);
        check(status == PULLPUSH_OK, "status %d", status);
        double tolerance = fmax(element->relative * (fabs(answer.result.pull) + fabs(answer.result.push)),
                                2 * element->absolute);
        check(fabs(loss - answer.result.loss) <= tolerance, "loss is %.17g instead of %.17g", loss, answer.result.loss);
    }
    check_gradient(&scene, &answer, 0, scene.rows, 0);
    free(answer.gradient), free(answer.row_scales);
    scene_free(&scene);
}

/*
 * Weights with which the coefficients of rows and sums in the gradient are 0, 1 and -1, alone and together: numbers
 * that a kernel may take for special, and that other weights seldom give.
 */
static void run_coefficients(const struct shape *shape, pullpush_options options, uint64_t seed)
{
    const double samples = (double)shape->sizes[0], identities = (double)shape->identities;
    const double positive = identities * samples * (samples - 1), negative = identities * (identities - 1);
    const double pulls[] = {0, positive / 2, positive / 4, positive / 4 / samples};
    const double pushes[] = {0, negative / 2, negative / 4, negative / 4 / identities};
    struct scene scene = scene_make(shape, 41, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, seed);
    for (int weights = 0; weights < 64; weights++) {
        options.pull_weight = pulls[weights % 4] * (weights / 4 % 2 ? -1 : 1);
        options.push_weight = pushes[weights / 8 % 4] * (weights / 32 ? -1 : 1);
        check_case("weights %g and %g, %zu identities of %zu, %s", options.pull_weight, options.push_weight,
                   shape->identities, shape->sizes[0], option_set_name(&options));
        check_evaluation(&scene, &options);
    }
    scene_free(&scene);
}

/* So wide that blocks of columns change places, and that sums are cut: about some blocks, and 256 and 512 columns. */
static const size_t wide[] = {95, 96, 127, 128, 129, 160, 191, 224, 255, 256, 257, 300, 384, 511, 513, 560, 801};

static void run_width(const struct shape *shape, size_t dim, const pullpush_options *options, uint64_t seed)
{
    struct scene scene = scene_make(shape, dim, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, seed);
    check_case("width %zu, %zu identities of %zu, %s", dim, shape->identities, shape->sizes[0],
               option_set_name(options));
    check_evaluation(&scene, options);
    scene_free(&scene);
}

/*
 * Every width around several vectors, for the last vector of a row may reach back over columns that are done, and wide
 * rows, of so many identities that their first rows are added up in fours, too.
 */
static void run_widths(size_t samples, const pullpush_options *options, uint64_t seed)
{
    const struct shape pair = {2, {samples}}, five = {5, {samples}};
    for (size_t dim = 1; dim < 70; dim++)
        run_width(&pair, dim, options, seed);
    for (size_t d = 0; d < sizeof wide / sizeof *wide; d++)
        run_width(&five, wide[d], options, seed + d);
}

/* The gradient against central differences of the reference's values alone, in float64. */
static void run_differences(pullpush_options options, uint64_t seed)
{
    static const struct shape shape = {4, {2, 3, 1, 2}};
    const size_t dim = 5;
    const double step = 1e-5;
    struct scene scene = scene_make(&shape, dim, element_f64, DATA_SPREAD, LAYOUT_LABELS_SHUFFLED, 0, 0, seed);
    struct answer answer;
    memset(&answer, 0, sizeof answer);
    options.target = 0.2, options.margin = 0.1, options.push_weight = 0.7, options.upstream = 1.5;
    check_case("differences, %s", option_set_name(&options));
    check(settle_margin(&scene, &options, &answer), "no margin keeps away from the corner of the hinge");

    char message[256];
    pullpush_result result = blank_result();
    int status = api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes, 0, message, sizeof message);
    check(status == PULLPUSH_OK, "status %d: %s", status, message);
    double worst = 0;
    for (size_t i = 0; status == PULLPUSH_OK && i < scene.rows * dim; i++) {
        double value = scene.exact[i], loss[2];
        for (int side = 0; side < 2; side++) {
            scene.exact[i] = value + (side ? step : -step);
            reference_evaluate(scene.exact, scene.labels, scene.rows, dim, &options, &answer);
            loss[side] = answer.result.loss;
        }
        scene.exact[i] = value;
        double slope = options.upstream * (loss[1] - loss[0]) / (2 * step);
        double error = fabs(slope - ((const double *)scene.gradient.bytes)[i]);
        worst = isnan(error) ? HUGE_VAL : fmax(worst, error);
    }
    check(worst <= 1e-8, "the gradient is %.1e from the slope of the loss", worst);
    scene_free(&scene);
}

void test_conformance(int every)
{
    const size_t shape_count = sizeof shapes / sizeof *shapes, dim_count = sizeof dims / sizeof *dims;
    const size_t large_count = sizeof large / sizeof *large;
    pullpush_options options;
    unsigned turn = 0;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options))
            continue;
        run_differences(options, (uint64_t)set);
        for (size_t k = 1; k <= 4; k++) {
            const struct shape pair = {2, {k}};
            if (options.push != PULLPUSH_PUSH_HINGE)
                run_coefficients(&pair, options, (uint64_t)set * 4 + k);
            if (options.push == PULLPUSH_PUSH_LINEAR)
                run_widths(k, &options, (uint64_t)set * 4 + k);
        }
        for (size_t s = 0; s < shape_count; s++)
            for (size_t d = 0; d < dim_count; d++)
                if (turn++ % (unsigned)every == 0)
                    run_case(&shapes[s], dims[d], NULL, options, BATCH_ANY, turn);
        if (turn++ % (unsigned)every == 0)
            run_case(&ordinary, 64, NULL, options, BATCH_ORDINARY, turn);
        for (size_t l = 0; l < large_count; l++)
            if (turn++ % (unsigned)every == 0)
                run_case(&large[l].shape, large[l].dim, NULL, options, BATCH_ANY, turn);
        for (size_t m = 0; m < sizeof many / sizeof *many; m++)
            if (options.push != PULLPUSH_PUSH_LINEAR && options.normalize == PULLPUSH_NORMALIZE_NONE &&
                turn++ % (unsigned)every == 0) {
                options.target = -1;
                run_case(&many[m].shape, many[m].dim, NULL, options, BATCH_ANY, turn);
            }
    }
    for (int set = 0; option_set(set, &options); set++)
        if (option_set_is_meaningful(&options) && turn++ % (unsigned)every == 0)
            run_case(&lengthy, lengths[turn % 4], element_f64, options, BATCH_ANY, turn);
    for (int set = 0; option_set(set, &options); set++)
        if (option_set_is_meaningful(&options) && options.push == PULLPUSH_PUSH_SQUARED &&
            turn++ % (unsigned)every == 0)
            run_case(&moments, moment_dims[turn % 6], NULL, options, BATCH_ANY, turn);
    for (size_t s = 0; s < shape_count; s++)
        for (size_t d = 0; shape_is_regular(&shapes[s]) && d < dim_count; d++)
            for (int e = 0; e < 2; e++)
                run_plain(&shapes[s], dims[d], &elements[e], turn++);
    for (size_t d = 0; d < sizeof wide / sizeof *wide; d++)
        for (size_t k = 1; k <= 8; k++) {
            const struct shape five = {5, {k}};
            run_plain(&five, wide[d], element_f32, turn++);
        }
}
