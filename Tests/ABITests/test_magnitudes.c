/* Features times a power of 2. Normalised rows lose their lengths: the losses are the same, and the gradient is over
 * the power. Of raw rows, what products add up to is times its square, also where no square fits into the features'
 * type; a gradient that is made of rows is times the power. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "scene.h"
#include "tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_scaled(const char *name, double got, double expected, int exponent, double allowed)
{
    check(fabs(ldexp(got, -exponent) - expected) <= allowed, "the %s became %.17g from %.17g", name, got, expected);
}

static void run(const struct element *element, const struct shape *shape, size_t dim, enum data data, int exponent,
                pullpush_options options)
{
    const int raw = options.normalize == PULLPUSH_NORMALIZE_NONE;
    struct scene scene = scene_make(shape, dim, element, data, LAYOUT_LABELS_SORTED, 0, 0, 21);
    const size_t count = scene.rows * dim;
    /* Halfway back, for the gradient over the greatest powers has few digits left. */
    const int lift = raw ? 0 : exponent / 2;
    double *gradient = (double *)malloc(count * sizeof *gradient);
    pullpush_result results[2] = {blank_result(), blank_result()};
    check_case("magnitudes, %s times 2^%d, %zu rows of %zu, %s, %s", element->name, exponent, scene.rows, dim,
               data == DATA_SPREAD ? "spread" : "alike", option_set_name(&options));
    check(api.evaluate(&scene.batch, &options, &results[0], scene.gradient.bytes, 0, NULL, 0) == PULLPUSH_OK,
          "features about 1 long refused");
    for (size_t i = 0; i < count; i++) {
        gradient[i] = element_load(element, scene.gradient.bytes, i);
        element_store(element, scene.features.bytes, i, ldexp(scene.exact[i], exponent));
    }
    options.upstream = ldexp(1, lift);
    check(api.evaluate(&scene.batch, &options, &results[1], scene.gradient.bytes, 0, NULL, 0) == PULLPUSH_OK,
          "other magnitudes refused");

    double squared_error = 0, squared_norm = 0;
    for (size_t i = 0; i < count; i++) {
        double scaled = ldexp(element_load(element, scene.gradient.bytes, i), raw ? -exponent : exponent - lift);
        squared_error += (scaled - gradient[i]) * (scaled - gradient[i]);
        squared_norm += gradient[i] * gradient[i];
    }
    const double allowed = 2 * element->relative;
    check_scaled("mean_positive", results[1].mean_positive, results[0].mean_positive, raw ? 2 * exponent : 0, allowed);
    check_scaled("mean_negative", results[1].mean_negative, results[0].mean_negative, raw ? 2 * exponent : 0, allowed);
    /* An inner product is taken from 1, whatever the rows' lengths. */
    if (!raw || options.objective == PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN)
        check_scaled("loss", results[1].loss, results[0].loss, raw ? 2 * exponent : 0, allowed);
    check(squared_error <= allowed * allowed * squared_norm, "the gradient is off by %.1e of %.1e",
          sqrt(squared_error), sqrt(squared_norm));
    free(gradient);
    scene_free(&scene);
}

/* The product of a row with the sum of all may be too large for the features' type when none of them is. */
static void run_beside_a_longer_row(const struct shape *shape, size_t dim, const pullpush_options *options)
{
    struct scene scene = scene_make(shape, dim, element_f32, DATA_SPREAD, LAYOUT_LABELS_SORTED, 0, 0, 22);
    check_case("a longer row, %zu rows of %zu, %s", scene.rows, dim, option_set_name(options));
    const size_t longer = shape_size(shape, 0);
    for (size_t i = 0; i < scene.rows * dim; i++) {
        scene.exact[i] = ldexp(scene.exact[i], i / dim == longer ? 96 : 48);
        element_store(element_f32, scene.features.bytes, i, scene.exact[i]);
    }
    memcpy(scene.features_before.bytes, scene.features.bytes, scene.features.size);
    check_evaluation(&scene, options);
    scene_free(&scene);
}

void test_magnitudes(void)
{
    static const struct shape regular = {5, {3}}, irregular = {5, {1, 3, 1, 2}}, fours = {6, {4}};
    /* From 1e-12 on, from where rows are normalised, to numbers of which no three can be added up. */
    static const int exponents[2][4] = {{-38, 49, 61, 127}, {-38, 399, 505, 1023}};
    /* With squares in the range of a double, of which the totals are. */
    static const int raw_exponents[2][4] = {{-38, 49, 61, 90}, {-38, 100, 399, 505}};
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        const int raw = options.normalize == PULLPUSH_NORMALIZE_NONE;
        /* The other normalisation adds to a length, the hinge sees on which side of the corner a pair is, and the
         * squared push grows with another power. */
        if (!option_set_is_meaningful(&options) || options.normalize == PULLPUSH_NORMALIZE_RENORM ||
            options.push == PULLPUSH_PUSH_HINGE || (raw && options.push == PULLPUSH_PUSH_SQUARED))
            continue;
        for (int e = 0; e < 2; e++)
            for (int x = 0; x < 4; x++) {
                const struct element *element = e ? element_f64 : element_f32;
                const int exponent = raw ? raw_exponents[e][x] : exponents[e][x];
                for (int data = raw ? DATA_SPREAD : DATA_ALIKE; data <= DATA_ALIKE; data++) {
                    run(element, &regular, 19, (enum data)data, exponent, options);
                    run(element, &irregular, 67, (enum data)data, exponent, options);
                    run(element, &fours, 43, (enum data)data, exponent, options);
                }
            }
        if (raw) {
            run_beside_a_longer_row(&regular, 19, &options);
            run_beside_a_longer_row(&irregular, 67, &options);
            run_beside_a_longer_row(&fours, 43, &options);
        }
    }
}
