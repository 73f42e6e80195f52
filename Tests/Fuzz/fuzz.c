/*
 * One call for each input of the fuzzer. The input chooses function, shape, layout, element type, options, special
 * numbers and mistakes. A call without a mistake must succeed and agree with the sum over all pairs; a call with one
 * must be refused with a fitting status and leave every byte as it was. Buffers end at a page that may not be touched.
 */
#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "../ABITests/option_sets.h"
#include "bytes.h"
#include "mistakes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MISTAKES = 3, MESSAGE = 200 };

static unsigned long accepted, compared, refused;

static void print_counts(void)
{
    fprintf(stderr, "%lu calls accepted, of which %lu compared with the reference; %lu refused\n", accepted, compared,
            refused);
}

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    atexit(print_counts);
    return api_load(NULL);
}

static struct scene choose_scene(struct bytes *bytes, enum function function)
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

/* Numbers at the ends of the type, as bits of the top byte or two. Returns whether any was put in. */
static int put_special_numbers(struct scene *scene, struct bytes *bytes)
{
    static const unsigned char tops[] = {0x00, 0x01, 0x7F, 0xFF, 0x80, 0x7E, 0x7B, 0x7C};
    unsigned count = choose(bytes, 8);
    if (count > 3)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        size_t row = choose(bytes, (unsigned)scene->rows), column = choose(bytes, (unsigned)scene->dim);
        size_t size = scene->element->size, place = (row * scene->row_stride + column) * size;
        unsigned char *number = (unsigned char *)scene->features.bytes + place;
        memset(number, (int)next_byte(bytes), size);
        number[size - 1] = tops[choose(bytes, sizeof tops)];
        number[size - 2] = (unsigned char)next_byte(bytes);
    }
    memcpy(scene->features_before.bytes, scene->features.bytes, scene->features.size);
    return count > 0;
}

/* Totals as no batch has them, for they come from other machines. Returns whether any was put in. */
static int put_wild_totals(double *totals, size_t count, struct bytes *bytes)
{
    static const double numbers[] = {0, -1, 0.5, 4e9, 1e19, 1e300, -1e300, NAN, INFINITY};
    if (choose(bytes, 4) != 1)
        return 0;
    for (unsigned i = 1 + choose(bytes, 3); i > 0; i--)
        totals[choose(bytes, 8) % count] = numbers[choose(bytes, sizeof numbers / sizeof *numbers)];
    return 1;
}

static int all_finite(const struct scene *scene)
{
    for (size_t a = 0; a < scene->rows; a++)
        for (size_t d = 0; d < scene->dim; d++)
            if (!isfinite(element_load(scene->element, scene->features.bytes, a * scene->row_stride + d)))
                return 0;
    return 1;
}

static pullpush_options choose_options(struct bytes *bytes, enum function function)
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
    options.num_threads = (int32_t)choose(bytes, 4);
    options.check_finite = choose(bytes, 4) == 1;
    options.accumulate = (int32_t)choose(bytes, 2);
    return options;
}

/* All that a call can write to, so that one comparison shows whether it did. */
struct outputs {
    struct guarded gradient, statistics;
    pullpush_result result;
    double loss;
};

static int perform(const struct call *call, char *message, size_t message_size)
{
    const pullpush_batch *batch = call->batch_pointer;
    const pullpush_options *options = call->options_pointer;
    switch (call->function) {
    case ACCUMULATE:
        return api.statistics_accumulate(batch, options, call->statistics, call->count, message, message_size);
    case FINISH:
        return api.statistics_finish(batch, options, call->statistics, call->count, call->result_pointer,
                                     call->gradient, call->gradient_stride, message, message_size);
    case PLAIN:
        batch = &call->batch.known;
        if (batch->dtype == PULLPUSH_DTYPE_F32)
            return api.loss_f32((const float *)batch->features, batch->rows, batch->dim, batch->samples_per_id,
                                call->loss_pointer, (float *)call->gradient);
        return api.loss_f64((const double *)batch->features, batch->rows, batch->dim, batch->samples_per_id,
                            call->loss_pointer, (double *)call->gradient);
    default:
        return api.evaluate(batch, options, call->result_pointer, call->gradient, call->gradient_stride, message,
                            message_size);
    }
}

/* Rounding chooses the side of a pair at the corner of a hinge. */
static int is_settled(const struct answer *answer)
{
    return answer->hinge_distance > 1e-4;
}

static void check_accepted(const struct call *call, const struct scene *scene, const pullpush_options *options,
                           int special, int with_gradient)
{
    accepted += 1;
    struct answer answer;
    answer.gradient = (double *)calloc(scene->rows * scene->dim, sizeof(double));
    answer.row_scales = (double *)calloc(scene->rows, sizeof(double));
    reference_evaluate(scene->exact, scene->labels, scene->rows, scene->dim, options, &answer);
    pullpush_result result = call->result;
    if (call->function == ACCUMULATE) {
        result = blank_result();
        int status = api.statistics_finish(call->batch_pointer, call->options_pointer, call->statistics, call->count,
                                           &result, NULL, 0, NULL, 0);
        check(status == PULLPUSH_OK, "what was accumulated is refused with status %d", status);
    }
    if (call->function != PLAIN) {
        check(result.positive_pairs == answer.result.positive_pairs, "positive pairs");
        check(result.negative_pairs == answer.result.negative_pairs, "negative pairs");
        check(result.struct_size == sizeof result, "the struct_size was written");
    }
    if (!special && is_settled(&answer)) {
        compared += 1;
        /* A search for the worst finds batches of two rows in one dimension, where everything cancels. */
        answer.pull_cancelled *= 10, answer.push_cancelled *= 10, answer.gradient_terms *= 10;
        if (call->function == PLAIN) {
            double terms = fabs(answer.result.pull) + fabs(answer.result.push) + answer.pull_cancelled +
                           answer.push_cancelled;
            check(fabs(call->loss - answer.result.loss) <= 1e-7 + 1e-6 * terms, "the loss is %.9g instead of %.9g",
                  call->loss, answer.result.loss);
        } else {
            check_result(&result, &answer, options, scene->element, BATCH_ANY);
        }
        if (with_gradient)
            check_gradient(scene, &answer, 0, scene->rows, options->accumulate);
    }
    free(answer.gradient), free(answer.row_scales);
}

/* Whatever the numbers are, only the gradient's rows may be written, and only when one was asked for. */
static void check_strays(const struct scene *scene, int with_gradient)
{
    const char *now = (const char *)scene->gradient.bytes, *before = (const char *)scene->gradient_before.bytes;
    size_t size = scene->element->size;
    for (size_t a = 0; a + 1 < scene->rows; a++) {
        size_t gap = (a * scene->gradient_stride + scene->dim) * size;
        size_t gap_size = (scene->gradient_stride - scene->dim) * size;
        check(memcmp(now + gap, before + gap, gap_size) == 0, "the gap after gradient row %zu was written", a);
    }
    check(with_gradient || memcmp(now, before, scene->gradient.size) == 0, "a gradient nobody asked for was written");
}

static int is_among(int status, const int *statuses, int count)
{
    for (int i = 0; i < count; i++)
        if (statuses[i] == status)
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes stream = {data, size}, *bytes = &stream;
    struct call call;
    memset(&call, 0, sizeof call);
    call.function = (enum function)choose(bytes, FUNCTIONS);
    pullpush_options options = choose_options(bytes, call.function);
    struct scene scene = choose_scene(bytes, call.function);
    int special = put_special_numbers(&scene, bytes);
    int wants_gradient = choose(bytes, 4) != 1;

    call.batch.known = scene.batch;
    call.options.known = options;
    call.result = blank_result();
    call.batch_pointer = &call.batch.known;
    call.options_pointer = &call.options.known;
    call.result_pointer = &call.result;
    call.loss = 1234;
    call.loss_pointer = &call.loss;
    call.gradient = wants_gradient ? scene.gradient.bytes : NULL;
    call.gradient_stride = call.function == PLAIN || (scene.gradient_stride == scene.dim && choose(bytes, 2))
                               ? 0 : scene.gradient_stride;

    /* What the call must come back with: these statuses when there are any, else success. */
    int wrong[3 * MOST_MISTAKES + 4], wrongs = 0;
    int with_statistics = call.function == ACCUMULATE || call.function == FINISH;
    if (!option_set_is_meaningful(&options))
        wrong[wrongs++] = PULLPUSH_ERROR_OPTION;
    struct guarded statistics = guarded_make(8, SIDE_BACK);
    if (with_statistics) {
        int status = api.statistics_size(scene.dim, &options, &call.count);
        check(status == PULLPUSH_OK || status == PULLPUSH_ERROR_OPTION, "statistics_size returned %d", status);
        if (status == PULLPUSH_ERROR_OPTION) {
            wrong[wrongs++] = PULLPUSH_ERROR_OPTION;
            call.count = scene.dim + 5;
        }
        guarded_free(&statistics);
        statistics = guarded_make(call.count * sizeof(double), (enum side)choose(bytes, 2));
        memset(statistics.bytes, 0, statistics.size);
        call.statistics = (double *)statistics.bytes;
    }
    if (options.check_finite && !all_finite(&scene))
        wrong[wrongs++] = PULLPUSH_ERROR_NOT_FINITE;
    int wild = 0;
    if (call.function == FINISH && wrongs == 0) {
        int status = api.statistics_accumulate(&call.batch.known, &options, call.statistics, call.count, NULL, 0);
        check(status == PULLPUSH_OK, "accumulate returned %d", status);
        wild = put_wild_totals(call.statistics, call.count, bytes);
    }
    unsigned mistakes = choose(bytes, 2) ? choose(bytes, MOST_MISTAKES + 1) : 0;
    for (unsigned i = 0; i < mistakes; i++) {
        int status = make_mistake(&call, &scene, bytes);
        if (status)
            wrong[wrongs++] = status;
        if (status == PULLPUSH_ERROR_SIZE) { /* then the strides, or the count, do not fit either */
            wrong[wrongs++] = PULLPUSH_ERROR_STRIDE;
            wrong[wrongs++] = PULLPUSH_ERROR_STATISTICS;
        }
    }

    struct call before = call;
    struct guarded statistics_before = guarded_copy(&statistics);
    struct guarded message = guarded_make(choose(bytes, 3) ? MESSAGE : choose(bytes, 12), SIDE_BACK);
    if (message.size)
        memset(message.bytes, 0x55, message.size);
    char *message_pointer = choose(bytes, 8) == 1 ? NULL : (char *)message.bytes;
    check_case("%d, %s, %s %zu x %zu", (int)call.function, option_set_name(&options), scene.element->name, scene.rows,
               scene.dim);
    int status = perform(&call, message_pointer, message.size);
    const char *sentence = message_pointer && message.size ? message_pointer : "no message";

    check(memcmp(scene.features.bytes, scene.features_before.bytes, scene.features.size) == 0, "features written");
    check_strays(&scene, wants_gradient && status == PULLPUSH_OK);
    if (message_pointer && message.size && call.function != PLAIN) {
        check(memchr(message_pointer, 0, message.size) != NULL, "the message has no end");
        check(message.size == 1 || (message_pointer[0] == 0) == (status == PULLPUSH_OK),
              "status %d with the message '%s'", status, sentence);
    }
    if (wild && status == PULLPUSH_ERROR_STATISTICS)
        wrong[wrongs++] = PULLPUSH_ERROR_STATISTICS;
    if (wrongs) {
        refused += 1;
        check(is_among(status, wrong, wrongs), "status %d (%s) instead of %d", status, sentence, wrong[0]);
        check(memcmp(&call, &before, sizeof call) == 0, "a struct was written");
        check(memcmp(statistics.bytes, statistics_before.bytes, statistics.size) == 0, "the statistics were written");
    } else {
        check(status == PULLPUSH_OK, "status %d: %s", status, sentence);
        if (!wild)
            check_accepted(&call, &scene, &options, special, wants_gradient && call.function != ACCUMULATE);
    }
    guarded_free(&message), guarded_free(&statistics), guarded_free(&statistics_before);
    scene_free(&scene);
    return 0;
}
