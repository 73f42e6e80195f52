#include "choices.h"

#include "../ABITests/api.h"
#include "../ABITests/option_sets.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct scene choose_scene(struct bytes *bytes, enum function function)
{
    static const size_t dims[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 130};
    struct shape shape = {1 + choose(bytes, 14), {0}};
    /* Now and then more points than a block of the library holds: 96 for the hinge, 256 for the squared push. */
    int large = choose(bytes, 32) == 1;
    if (large)
        shape.identities += 90 + choose(bytes, 180);
    int plain = function == PLAIN;
    int regular = plain || choose(bytes, 2);
    size_t period = regular ? 1 : 1 + choose(bytes, 4);
    for (size_t c = 0; c < period; c++)
        shape.sizes[c] = 1 + choose(bytes, large ? 1 : 6);
    enum layout layout = regular ? (enum layout)choose(bytes, plain ? 1 : 3)
                                 : (enum layout)(LAYOUT_LABELS_SORTED + choose(bytes, 2));
    const struct element *element = &elements[choose(bytes, plain ? 2 : 4)];
    size_t dim = dims[choose(bytes, large ? 12 : sizeof dims / sizeof *dims)];
    /* The gradient of a tiny row is too large for the half format. */
    enum data data = (enum data)choose(bytes, element->dtype == PULLPUSH_DTYPE_F16 ? 2 : 3);
    size_t row_padding = plain ? 0 : choose(bytes, 4), gradient_padding = plain ? 0 : choose(bytes, 4);
    uint64_t seed = next_byte(bytes) + 256 * next_byte(bytes);
    return scene_make(&shape, dim, element, data, layout, row_padding, gradient_padding, seed);
}

struct scene choose_other_part(struct bytes *bytes, const struct scene *scene)
{
    struct shape shape = {1 + choose(bytes, 4), {0}};
    shape.sizes[0] = 1 + choose(bytes, 3);
    return scene_make(&shape, scene->dim, scene->element, DATA_SPREAD, LAYOUT_SAMPLES_PER_ID, 0, 0,
                      65536 + next_byte(bytes));
}

void put_special_numbers(struct scene *scene, struct bytes *bytes)
{
    static const unsigned char tops[] = {0x00, 0x01, 0x7F, 0xFF, 0x80, 0x7E, 0x7B, 0x7C};
    unsigned count = choose(bytes, 8);
    if (count > 3)
        return;
    for (unsigned i = 0; i < count; i++) {
        size_t row = choose(bytes, (unsigned)scene->rows), column = choose(bytes, (unsigned)scene->dim);
        size_t size = scene->element->size, place = (row * scene->row_stride + column) * size;
        unsigned char *number = (unsigned char *)scene->features.bytes + place;
        memset(number, (int)next_byte(bytes), size);
        number[size - 1] = tops[choose(bytes, sizeof tops)];
        number[size - 2] = (unsigned char)next_byte(bytes);
    }
    memcpy(scene->features_before.bytes, scene->features.bytes, scene->features.size);
}

int put_wild_totals(double *totals, size_t count, struct bytes *bytes)
{
    static const double numbers[] = {0, -1, 0.5, 4e9, 1e19, 1e300, -1e300, NAN, INFINITY};
    if (choose(bytes, 4) != 1)
        return 0;
    for (unsigned i = 1 + choose(bytes, 3); i > 0; i--)
        totals[choose(bytes, 8) % count] = numbers[choose(bytes, sizeof numbers / sizeof *numbers)];
    return 1;
}

/* Any finite number is one. */
static void choose_extreme(pullpush_options *options, struct bytes *bytes)
{
    static const double numbers[] = {1e300, -1e300, DBL_MAX, 1e30, -1e30, 1e8, 1e-8, 1e-30, 1e-300, DBL_MIN / 4};
    double *const places[] = {&options->target, &options->margin, &options->pull_weight, &options->push_weight,
                              &options->upstream};
    *places[choose(bytes, 5)] = numbers[choose(bytes, sizeof numbers / sizeof *numbers)];
}

pullpush_options choose_options(struct bytes *bytes, enum function function)
{
    static const double numbers[] = {0, 1, -1, 0.3, 2, -0.7};
    pullpush_options options = default_options();
    if (function == PLAIN) {
        options.normalize = PULLPUSH_NORMALIZE_NONE;
        return options;
    }
    option_set((int)choose(bytes, 216), &options);
    options.target = numbers[choose(bytes, 6)];
    options.margin = numbers[choose(bytes, 6)];
    options.pull_weight = numbers[(1 + choose(bytes, 6)) % 6];
    options.push_weight = numbers[(1 + choose(bytes, 6)) % 6];
    options.upstream = numbers[(1 + choose(bytes, 6)) % 6];
    if (choose(bytes, 8) == 1)
        choose_extreme(&options, bytes);
    options.num_threads = (int32_t)choose(bytes, 4);
    options.check_finite = choose(bytes, 4) == 1;
    options.accumulate = (int32_t)choose(bytes, 2);
    return options;
}
