/* Normalised rows lose their lengths: features times a power of 2 give the same losses, and the gradient over it. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "scene.h"
#include "tests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void run(const struct element *element, int exponent, pullpush_options options)
{
    static const struct shape shape = {5, {3}};
    const size_t dim = 19;
    struct scene scene = scene_make(&shape, dim, element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0, 21);
    const size_t count = scene.rows * dim;
    double *gradient = (double *)malloc(count * sizeof *gradient);
    pullpush_result results[2] = {blank_result(), blank_result()};
    check_case("magnitudes, %s times 2^%d, %s", element->name, exponent, option_set_name(&options));
    check(api.evaluate(&scene.batch, &options, &results[0], scene.gradient.bytes, 0, NULL, 0) == PULLPUSH_OK,
          "features about 1 long refused");
    for (size_t i = 0; i < count; i++) {
        gradient[i] = element_load(element, scene.gradient.bytes, i);
        element_store(element, scene.features.bytes, i, ldexp(scene.exact[i], exponent));
    }
    check(api.evaluate(&scene.batch, &options, &results[1], scene.gradient.bytes, 0, NULL, 0) == PULLPUSH_OK,
          "other magnitudes refused");

    double squared_error = 0, squared_norm = 0;
    for (size_t i = 0; i < count; i++) {
        double error = ldexp(element_load(element, scene.gradient.bytes, i), exponent) - gradient[i];
        squared_error += error * error;
        squared_norm += gradient[i] * gradient[i];
    }
    const double allowed = 2 * element->relative;
    check(fabs(results[1].loss - results[0].loss) <= allowed, "the loss is %.17g instead of %.17g", results[1].loss,
          results[0].loss);
    check(squared_error <= allowed * allowed * squared_norm, "the gradient is off by %.1e of %.1e",
          sqrt(squared_error), sqrt(squared_norm));
    free(gradient);
    scene_free(&scene);
}

void test_magnitudes(void)
{
    /* Longer than 1e-12, from where on rows are normalised, and with squares in the range of the element. */
    static const int exponents[2][4] = {{-38, 20, 49, 61}, {-38, 100, 399, 505}};
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        /* The other normalisation adds to a length, the other push sees on which side of the corner a pair is. */
        if (!option_set_is_meaningful(&options) || options.normalize != PULLPUSH_NORMALIZE_L2 ||
            options.push == PULLPUSH_PUSH_HINGE)
            continue;
        for (int e = 0; e < 2; e++)
            for (int x = 0; x < 4; x++)
                run(e ? element_f64 : element_f32, exponents[e][x], options);
    }
}
