/* What no sweep over options shows: structs of other sizes, presets, NaN, nearly equal rows, one batch in two words. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct shape regular = {4, {3}};

static void test_presets(void)
{
    check_case("presets");
    pullpush_options defaults = default_options(), preset, expected = defaults;
    check(defaults.struct_size == sizeof defaults && defaults.normalize == PULLPUSH_NORMALIZE_RENORM &&
              defaults.self_pairs == PULLPUSH_SELF_PAIRS_INCLUDE && defaults.push == PULLPUSH_PUSH_LINEAR &&
              defaults.reduction == PULLPUSH_REDUCTION_MEAN &&
              defaults.push_between == PULLPUSH_PUSH_BETWEEN_REPRESENTATIVES &&
              defaults.objective == PULLPUSH_OBJECTIVE_INNER_PRODUCT && defaults.target == 0 && defaults.margin == 0 &&
              defaults.pull_weight == 1 && defaults.push_weight == 1 && defaults.upstream == 1 &&
              defaults.num_threads == 0 && defaults.check_finite == 0 && defaults.accumulate == 0 &&
              defaults.reserved == 0,
          "the defaults are not those of the header");

    check(api.options_preset(&preset, sizeof preset, PULLPUSH_PRESET_ORIGINAL) == PULLPUSH_OK, "original refused");
    check(memcmp(&preset, &expected, sizeof preset) == 0, "original is not the defaults");
    expected.normalize = PULLPUSH_NORMALIZE_L2;
    expected.self_pairs = PULLPUSH_SELF_PAIRS_EXCLUDE;
    expected.push = PULLPUSH_PUSH_SQUARED;
    check(api.options_preset(&preset, sizeof preset, PULLPUSH_PRESET_ORTHOGONAL) == PULLPUSH_OK, "orthogonal refused");
    check(memcmp(&preset, &expected, sizeof preset) == 0, "orthogonal is not l2, exclude, squared with target 0");
}

/* A NULL for options means the defaults. */
static void test_no_options(void)
{
    check_case("no options");
    struct scene scene = scene_make(&regular, 9, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 7);
    pullpush_options options = default_options();
    pullpush_result without = blank_result(), with = blank_result();
    check(api.evaluate(&scene.batch, NULL, &without, NULL, 0, NULL, 0) == PULLPUSH_OK, "refused");
    check(api.evaluate(&scene.batch, &options, &with, NULL, 0, NULL, 0) == PULLPUSH_OK, "defaults refused");
    check(memcmp(&with, &without, sizeof with) == 0, "not the defaults");
    scene_free(&scene);
}

/* Callers compiled with a longer header are welcome as long as they ask for nothing unknown. */
static void test_longer_structs(void)
{
    struct {
        pullpush_options options;
        char tail[24];
    } options;
    struct {
        pullpush_batch batch;
        char tail[24];
    } batch;
    check_case("longer structs");
    struct scene scene = scene_make(&regular, 9, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 8);
    pullpush_result result = blank_result(), expected = blank_result();
    memset(&options, 0, sizeof options);
    memset(&batch, 0, sizeof batch);
    check(api.options_init(&options.options, sizeof options) == PULLPUSH_OK, "options_init refused");
    check(options.options.struct_size == sizeof options, "struct_size %zu", options.options.struct_size);
    for (size_t i = 0; i < sizeof options.tail; i++)
        check(options.tail[i] == 0, "byte %zu of the tail is not 0", i);
    batch.batch = scene.batch;
    batch.batch.struct_size = sizeof batch;
    check(api.evaluate(&batch.batch, &options.options, &result, NULL, 0, NULL, 0) == PULLPUSH_OK, "refused");
    check(api.evaluate(&scene.batch, NULL, &expected, NULL, 0, NULL, 0) == PULLPUSH_OK, "plain structs refused");
    check(memcmp(&result, &expected, sizeof result) == 0, "another result");
    scene_free(&scene);
}

/* element_store is for numbers. */
static void store_special(const struct element *element, void *bytes, size_t place, double value)
{
    const int nan = isnan(value), negative = value < 0;
    if (element->size > 2)
        element_store(element, bytes, place, value);
    else
        ((uint16_t *)bytes)[place] =
            (uint16_t)((element->exponent_bits == 5 ? 0x7C00 : 0x7F80) | nan | (negative ? 0x8000 : 0));
}

/* NaN and infinity go through as in IEEE arithmetic, unless check_finite is set: then the first bad row is named. */
static void test_not_finite(void)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    static const size_t bad_rows[] = {0, 5, 11};
    for (size_t e = 0; e < 4; e++) {
        for (size_t b = 0; b < 3; b++) {
            for (size_t r = 0; r < 3; r++) {
                const struct element *element = &elements[e];
                const size_t dim = 9, row = bad_rows[r];
                struct scene scene =
                    scene_make(&regular, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 1, 0, 100 + b);
                size_t place = row * scene.row_stride + r * 4;
                store_special(element, scene.features.bytes, place, bad[b]);
                check_case("%s %g in row %zu", element->name, bad[b], row);

                pullpush_options options = default_options();
                options.normalize = PULLPUSH_NORMALIZE_NONE;
                pullpush_result result = blank_result(), before = blank_result();
                char message[256], row_name[32] = "row ";
                row_name[4] = (char)(row < 10 ? '0' + row : '1');
                row_name[5] = (char)(row < 10 ? 0 : '0' + row % 10);
                options.check_finite = 1;
                int status =
                    api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes, 0, message, sizeof message);
                check(status == PULLPUSH_ERROR_NOT_FINITE, "status %d", status);
                check(strstr(message, "features") && strstr(message, row_name), "message '%s'", message);
                check(memcmp(&result, &before, sizeof result) == 0, "the result was written");
                check(memcmp(scene.gradient.bytes, scene.gradient_before.bytes, scene.gradient.size) == 0,
                      "the gradient was written");

                options.check_finite = 0;
                status = api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes, 0, NULL, 0);
                check(status == PULLPUSH_OK, "status %d without check_finite", status);
                check(!isfinite(result.loss) && !isfinite(result.pull), "loss %g, pull %g", result.loss, result.pull);
                int spoiled = 0;
                for (size_t d = 0; d < dim; d++)
                    spoiled += !isfinite(element_load(element, scene.gradient.bytes, row * dim + d));
                check(spoiled > 0, "the gradient of the bad row is finite");

                options.push = PULLPUSH_PUSH_HINGE;
                status = api.evaluate(&scene.batch, &options, &result, NULL, 0, NULL, 0);
                check(status == PULLPUSH_OK, "status %d of a hinge", status);
                check(result.active_pairs <= result.negative_pairs, "%d active pairs of %d", (int)result.active_pairs,
                      (int)result.negative_pairs);
                scene_free(&scene);
            }
        }
    }
}

/* What is not finite stays within its identity where the push has no weight, whose sum of representatives it spoils. */
static void test_not_finite_without_push(void)
{
    static const size_t dims[] = {9, 16, 37, 100};
    static const struct shape fours = {3, {4}}, twos = {3, {2}};
    for (size_t t = 0; t < 64; t++) {
        const struct element *element = &elements[t % 4];
        const struct shape *shape = t / 4 % 2 ? &fours : &twos;
        const size_t dim = dims[t / 8 % 4], first_after = t / 4 % 2 ? 4 : 2;
        struct scene scene = scene_make(shape, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 300 + t);
        store_special(element, scene.features.bytes, 3, INFINITY);
        pullpush_options options = default_options();
        options.normalize = t / 32 ? PULLPUSH_NORMALIZE_L2 : PULLPUSH_NORMALIZE_NONE;
        options.push_weight = 0;
        pullpush_result result = blank_result();
        check_case("%s, %zu numbers, infinity in an identity of %zu", element->name, dim, first_after);
        int status = api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes, 0, NULL, 0);
        check(status == PULLPUSH_OK, "status %d", status);
        for (size_t i = first_after * dim; i < scene.rows * dim; i++)
            check(isfinite(element_load(element, scene.gradient.bytes, i)), "number %zu of the gradient", i);
        scene_free(&scene);
    }
}

/* Another number in a scene of float32. */
static void set_feature(struct scene *scene, size_t i, double value)
{
    element_store(element_f32, scene->features.bytes, i, value);
    element_store(element_f32, scene->features_before.bytes, i, value);
    scene->exact[i] = element_load(element_f32, scene->features.bytes, i);
}

/* A row too short to be divided by its length, or very long, at each place of an identity among ordinary ones. */
static void test_one_unusual_row(void)
{
    static const double lengths[] = {0, 1e-13, 1e-7, 0.9e-5, 0x1.8p61};
    const size_t dim = 21;
    for (size_t samples = 3; samples <= 5; samples++) {
        const struct shape shape = {3, {samples}};
        for (size_t t = 0; t < 2 * 5 * 3 * samples; t++) {
            const size_t row = t / 10;
            const double length = lengths[t / 2 % 5];
            struct scene scene =
                scene_make(&shape, dim, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 400 + t);
            pullpush_options options = default_options();
            options.normalize = t % 2 ? PULLPUSH_NORMALIZE_L2 : PULLPUSH_NORMALIZE_RENORM;
            for (size_t i = row * dim; i < (row + 1) * dim; i++) {
                set_feature(&scene, i, scene.exact[i] * length);
            }
            check_case("row %zu times %g among identities of %zu, %s", row, length, samples,
                       option_set_name(&options));
            check_evaluation(&scene, &options);
            scene_free(&scene);
        }
    }
}

/* What each addition loses, the next does not give back: rows of two numbers, over and over, or of a large one and many
 * equal small ones. */
static void test_sums_that_round_one_way(void)
{
    static const struct shape shapes[] = {{4, {1}}, {2, {2}}, {2, {3}}, {2, {4}}, {2, {5}}, {2, {8}}};
    static const size_t dims[] = {500, 4099};
    for (size_t t = 0; t < 6 * 2 * 2 * 3 * 3 * 3; t++) {
        const struct shape *shape = &shapes[t % 6];
        const size_t dim = dims[t / 6 % 2];
        const int has_large = t / 12 % 2;
        struct scene scene = scene_make(shape, dim, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 500 + t);
        for (size_t i = 0; i < scene.rows * dim; i++) {
            const size_t row = i / dim, column = i % dim;
            const double two_numbers = column * row % 5 == 0 ? -0.1 : 0.37;
            const double large_first = column == row % 3 ? 1 + 0.1 * (double)row : 1e-3;
            set_feature(&scene, i, has_large ? large_first : two_numbers);
        }
        pullpush_options options = default_options();
        options.normalize = (int32_t)(t / 24 % 3);
        options.push_between = (int32_t)(t / 72 % 3);
        options.objective =
            t / 216 == 0 ? PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN : PULLPUSH_OBJECTIVE_INNER_PRODUCT;
        options.self_pairs = t / 216 == 1 ? PULLPUSH_SELF_PAIRS_INCLUDE : PULLPUSH_SELF_PAIRS_EXCLUDE;
        check_case("sums of %zu columns that round one way, %d, %s", dim, has_large, option_set_name(&options));
        check_evaluation(&scene, &options);
        scene_free(&scene);
    }
}

/* The same in double, where it takes more columns to be seen, and rows of one number, whose products are known. */
static void test_long_sums_of_doubles(void)
{
    enum { DIM = 200001, MOST = 4 };
    double *features = (double *)malloc(sizeof(double) * MOST * DIM);
    double *gradient = (double *)malloc(sizeof(double) * MOST * DIM);
    for (size_t i = 0; i < MOST * DIM; i++)
        features[i] = 0.1;
    for (int32_t t = 0; t < 3 * 2 * 2; t++) {
        pullpush_batch batch = {sizeof batch, features, MOST, DIM, 0, NULL, 2, PULLPUSH_DTYPE_F64, 0};
        pullpush_options options = default_options();
        options.normalize = t % 3;
        options.self_pairs = t / 3 % 2;
        options.objective = t / 6 ? PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN : PULLPUSH_OBJECTIVE_INNER_PRODUCT;
        options.self_pairs |= t / 6;
        pullpush_result result = blank_result();
        check_case("long sums of doubles, %s", option_set_name(&options));
        const long double norm = sqrtl(0.1L * DIM * 0.1L);
        const long double length = t % 3 == 0 ? norm : t % 3 == 1 ? 1 : norm / (norm + 1e-7L);
        const double product = (double)(length * length);
        for (int with_gradient = 0; with_gradient < 2; with_gradient++) {
            int status = api.evaluate(&batch, &options, &result, with_gradient ? gradient : NULL, 0, NULL, 0);
            check(status == PULLPUSH_OK, "status %d", status);
            check(fabs(result.mean_positive - product) <= 1e-13 * product, "mean_positive is %.17g instead of %.17g",
                  result.mean_positive, product);
            check(fabs(result.mean_negative - product) <= 1e-13 * product, "mean_negative is %.17g instead of %.17g",
                  result.mean_negative, product);
        }
    }
    free(features);
    free(gradient);
}

/* The same from row to row: identities of one row, over and over. */
static void test_sums_of_equal_rows(void)
{
    static const struct shape shapes[] = {{2, {64}}, {2, {65}}, {2, {300}}};
    for (size_t t = 0; t < 3 * 3 * 2 * 2; t++) {
        const enum layout layout = t % 2 ? LAYOUT_LABELS_SHUFFLED : LAYOUT_SAMPLES_PER_ID;
        const size_t dim = t / 2 % 3 < 2 ? 700 : 21;
        struct scene scene = scene_make(&shapes[t / 2 % 3], dim, element_f32, DATA_SPREAD, layout, 0, 0, 900);
        for (size_t i = 0; i < scene.rows * dim; i++) {
            const double sign = scene.labels[i / dim] == scene.labels[0] ? 1 : -1;
            set_feature(&scene, i, sign * (0.1 + 0.01 * (double)(i % dim % 21)));
        }
        pullpush_options options = default_options();
        options.normalize = (int32_t)(t / 6 % 3);
        options.self_pairs = t / 18 ? PULLPUSH_SELF_PAIRS_EXCLUDE : PULLPUSH_SELF_PAIRS_INCLUDE;
        check_case("equal rows, layout %d, %s", (int)layout, option_set_name(&options));
        check_evaluation(&scene, &options);
        scene_free(&scene);
    }
}

/* Raw rows whose squares float32 holds, but not the square of their sum; or the other way round, for they cancel. */
static void test_squares_that_overflow(void)
{
    static const struct shape shapes[] = {{2, {4}}, {2, {3}}};
    static const size_t dims[] = {8, 40};
    for (size_t t = 0; t < 2 * 2 * 2 * 2; t++) {
        const struct shape *shape = &shapes[t % 2];
        const int cancels = t / 8;
        const size_t dim = dims[t / 2 % 2];
        struct scene scene = scene_make(shape, dim, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 950);
        for (size_t i = 0; i < scene.rows * dim; i++) {
            const double length = cancels ? (i / dim % 2 ? 2e19 : -2e19) : 6e18;
            set_feature(&scene, i, length * (1 + 0.01 * (double)(i % dim % 7)));
        }
        pullpush_options options = default_options();
        options.normalize = PULLPUSH_NORMALIZE_NONE;
        options.self_pairs = (int32_t)(t / 4 % 2);
        options.check_finite = 1; /* they are */
        check_case("squares overflow, %zu x %zu rows of %zu, cancel %d, %s", shape->identities, shape->sizes[0], dim,
                   cancels, option_set_name(&options));
        check_evaluation(&scene, &options);
        if (options.self_pairs == PULLPUSH_SELF_PAIRS_INCLUDE) {
            pullpush_result result = blank_result();
            int status = api.evaluate(&scene.batch, &options, &result, NULL, 0, NULL, 0);
            float *gradient = (float *)malloc(scene.rows * dim * sizeof(float));
            double loss = 0;
            const float *features = (const float *)scene.features.bytes;
            status |= api.loss_f32(features, scene.rows, dim, shape->sizes[0], &loss, gradient);
            check(status == PULLPUSH_OK, "status %d", status);
            check(fabs(loss - result.loss) <= 1e-6 * (fabs(result.pull) + fabs(result.push)),
                  "loss of the plain call is %.17g instead of %.17g", loss, result.loss);
            free(gradient);
        }
        scene_free(&scene);
    }
}

/*
 * Pull of 1e-6 from float32 rows: 1 - mean loses it to rounding, a careful sum does not. The mean squared distance of
 * rows that nothing normalises is as small, also where it has no weight.
 */
static void test_tight_identities(void)
{
    static const struct shape shapes[] = {{8, {4}}, {8, {2}}, {8, {5}}};
    const size_t dim = 64;
    for (size_t turn = 0; turn < 24; turn++) {
        const struct shape *shape = &shapes[turn / 4 % 3];
        const size_t samples = shape->sizes[0], rows = 8 * samples;
        const int is_raw = turn >= 12, with_gradient = turn % 2;
        const int objective = is_raw ? PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN : (int)(turn / 2 % 2);
        struct scene scene = scene_make(shape, dim, element_f32, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 11);
        for (size_t i = 0; i < rows * dim; i++) {
            size_t a = i / dim, d = i % dim, first = a / samples * samples;
            double value = a == first ? scene.exact[i] : scene.exact[first * dim + d] + 1e-3 * scene.exact[i];
            ((float *)scene.features.bytes)[i] = (float)value;
            if (a != first)
                scene.exact[i] = (float)value;
        }
        pullpush_options options = default_options();
        options.normalize = is_raw ? PULLPUSH_NORMALIZE_NONE : PULLPUSH_NORMALIZE_L2;
        options.pull_weight = is_raw ? (double)(turn / 2 % 2) : 1;
        options.push = is_raw ? PULLPUSH_PUSH_HINGE : PULLPUSH_PUSH_LINEAR;
        options.self_pairs = PULLPUSH_SELF_PAIRS_EXCLUDE;
        options.objective = objective;
        struct answer answer;
        memset(&answer, 0, sizeof answer);
        reference_evaluate(scene.exact, scene.labels, rows, dim, &options, &answer);
        pullpush_result result = blank_result();
        void *gradient = with_gradient ? scene.gradient.bytes : NULL;
        int status = api.evaluate(&scene.batch, &options, &result, gradient, 0, NULL, 0);
        double expected = answer.result.pull;
        check_case("tight identities of %zu, objective %d, gradient %d, %s", samples, objective, with_gradient,
                   option_set_name(&options));
        check(expected > 1e-7 && expected < 1e-5, "the pull of this test is %g, not about 1e-6", expected);
        check(status == PULLPUSH_OK, "status %d", status);
        check(fabs(result.pull - expected) <= 1e-4 * expected, "pull is %.9g instead of %.9g", result.pull, expected);
        scene_free(&scene);
    }
}

/* Gradients of 16 bits are the nearest to what was computed, and of two the even one. For an identity of two rows,
 * which nothing normalises or pushes, that is minus their sum, exact in float32 if they are of like exponents. What is
 * infinite, or no number, stays that. */
static void test_rounding(void)
{
    static const struct shape shape = {1, {2}};
    const size_t dim = 20000;
    for (int e = 2; e < 4; e++) {
        const struct element *element = &elements[e];
        struct scene scene = scene_make(&shape, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 13);
        uint64_t state = 14;
        int wrong = 0, ties = 0;
        for (size_t d = 0; d < dim; d++) {
            /* Exponents from among the subnormal numbers up; few digits, of which many sums are ties. */
            int exponent = element->exponent_bits == 5 ? (int)random_below(&state, 36) - 24
                                                       : (int)random_below(&state, 240) - 130;
            int less = (int)random_below(&state, (unsigned)element->mantissa_bits + 3);
            double one = ldexp((double)random_below(&state, 16) - 8, exponent);
            double other = ldexp((double)random_below(&state, 16) - 8, exponent - less);
            element_store(element, scene.features.bytes, d, one);
            element_store(element, scene.features.bytes, dim + d, other);
        }
        store_special(element, scene.features.bytes, 0, INFINITY);
        store_special(element, scene.features.bytes, 1, NAN);
        pullpush_options options = default_options();
        options.normalize = PULLPUSH_NORMALIZE_NONE;
        pullpush_result result = blank_result();
        check_case("rounding to %s", element->name);
        check(api.evaluate(&scene.batch, &options, &result, scene.gradient.bytes, 0, NULL, 0) == PULLPUSH_OK,
              "refused");
        for (size_t d = 0; d < dim; d++) {
            double exact = -element_load(element, scene.features.bytes, d) -
                           element_load(element, scene.features.bytes, dim + d);
            double expected = exact;
            if (isfinite(exact)) {
                uint16_t nearest;
                element_store(element, &nearest, 0, exact);
                expected = element_load(element, &nearest, 0);
                ties += fabs(exact - expected) == element_half_ulp(element, exact);
            }
            for (size_t a = 0; a < 2; a++) {
                double found = element_load(element, scene.gradient.bytes, a * dim + d);
                wrong += isnan(expected) ? !isnan(found) : found != expected;
            }
        }
        check(ties > 100, "only %d ties", ties);
        check(wrong == 0, "%d numbers of the gradient are not the nearest", wrong);
        scene_free(&scene);
    }
}

/* samples_per_id and sorted labels of any values are two words for one batch: the bits agree. */
static void test_same_bits_for_labels(void)
{
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options))
            continue;
        const struct element *element = &elements[set % 4];
        struct scene scene = scene_make(&regular, 17, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 12);
        pullpush_batch labelled = scene.batch;
        labelled.samples_per_id = 0;
        labelled.labels = scene.labels;
        void *second = malloc(scene.gradient.size);
        pullpush_result counted_result = blank_result(), labelled_result = blank_result();
        int counted_status =
            api.evaluate(&scene.batch, &options, &counted_result, scene.gradient.bytes, 0, NULL, 0);
        int labelled_status = api.evaluate(&labelled, &options, &labelled_result, second, 0, NULL, 0);
        check_case("two words for one batch, %s %s", option_set_name(&options), element->name);
        check(counted_status == PULLPUSH_OK && labelled_status == PULLPUSH_OK, "statuses %d and %d", counted_status,
              labelled_status);
        check(memcmp(&counted_result, &labelled_result, sizeof counted_result) == 0, "losses differ");
        check(memcmp(scene.gradient.bytes, second, scene.gradient.size) == 0, "gradients differ");
        free(second);
        scene_free(&scene);
    }
}

/* A copy of rows that begins `offset` elements behind a cache line. */
static void *rows_elsewhere(const struct scene *scene, size_t offset, size_t stride, char **memory)
{
    const size_t size = scene->element->size, row = scene->dim * size;
    *memory = (char *)aligned_alloc(64, (64 + (offset + scene->rows * stride) * size + 63) / 64 * 64);
    char *rows = *memory + offset * size;
    for (size_t a = 0; a < scene->rows; a++)
        memcpy(rows + a * stride * size, (const char *)scene->features.bytes + a * row, row);
    return rows;
}

/* Wherever a batch and its gradient are, and whatever lies between rows: the bits agree. */
static void test_same_bits_for_places(void)
{
    static const size_t dims[] = {5, 16, 17, 32, 48, 100, 128, 272};
    static const struct {
        size_t offset, padding;
    } places[] = {{0, 0}, {4, 0}, {1, 0}, {0, 16}, {2, 5}};
    const struct shape shape = {6, {4}};
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options))
            continue;
        const struct element *element = &elements[set % 4];
        const size_t dim = dims[set / 4 % 8];
        struct scene scene = scene_make(&shape, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 21);
        pullpush_result expected = blank_result();
        check_case("a batch elsewhere, %zu columns, %s %s", dim, option_set_name(&options), element->name);
        for (size_t p = 0; p < 5; p++) {
            const size_t stride = dim + places[p].padding;
            char *memory, *gradient_memory;
            pullpush_batch batch = scene.batch;
            batch.features = rows_elsewhere(&scene, places[p].offset, stride, &memory);
            batch.row_stride = stride;
            char *gradient = (char *)rows_elsewhere(&scene, places[4 - p].offset, stride, &gradient_memory);
            pullpush_result result = blank_result();
            int status = api.evaluate(&batch, &options, &result, gradient, stride, NULL, 0);
            check(status == PULLPUSH_OK, "status %d", status);
            if (p == 0)
                expected = result;
            check(memcmp(&result, &expected, sizeof result) == 0, "the loss at place %zu differs", p);
            for (size_t a = 0; a < scene.rows; a++) {
                char *first = (char *)scene.gradient.bytes + a * dim * element->size;
                if (p == 0)
                    memcpy(first, gradient + a * stride * element->size, dim * element->size);
                check(memcmp(first, gradient + a * stride * element->size, dim * element->size) == 0,
                      "row %zu of the gradient at place %zu differs", a, p);
            }
            free(memory), free(gradient_memory);
        }
        scene_free(&scene);
    }
}

void test_special(void)
{
    test_presets();
    test_no_options();
    test_longer_structs();
    test_not_finite();
    test_not_finite_without_push();
    test_one_unusual_row();
    test_sums_that_round_one_way();
    test_long_sums_of_doubles();
    test_sums_of_equal_rows();
    test_squares_that_overflow();
    test_tight_identities();
    test_rounding();
    test_same_bits_for_labels();
    test_same_bits_for_places();
}
