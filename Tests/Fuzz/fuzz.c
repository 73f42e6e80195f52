/*
 * One call for each input of the fuzzer. The input chooses function, shape, layout, element type, options, special
 * numbers and mistakes. A call without a mistake must succeed and agree with the sum over all pairs; a call with one
 * must be refused with a fitting status and leave every byte as it was. Buffers lie between pages that may not be
 * touched.
 */
#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "../ABITests/option_sets.h"
#include "choices.h"
#include "compare.h"
#include "small.h"
#include "whole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MISTAKES = 3, MESSAGE = 200 };

static unsigned long accepted, wild_totals, refused, small;

static void print_counts(void)
{
    fprintf(stderr,
            "%lu calls accepted: %lu compared with the sum over all pairs, %lu but for the gradient, %lu by what is "
            "finite, %lu beyond the range of numbers, %lu with totals of no batch; %lu refused; %lu of functions "
            "without a batch\n",
            accepted, compared.in_full, compared.without_gradient, compared.not_finite, compared.beyond, wild_totals,
            refused, small);
}

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    if (api_load(NULL) != 0)
        return 1;
    /* What a run is called by is what it ran with. */
    const char *isa = getenv("FUZZ_ISA");
    if (isa && strcmp(isa, api.isa()) != 0) {
        fprintf(stderr, "the library chose %s instead of %s\n", api.isa(), isa);
        exit(1);
    }
    atexit(print_counts);
    return 0;
}

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
    check(guarded_intact(&scene->gradient) && guarded_intact(&scene->features), "the memory around was written");
    check(with_gradient || memcmp(now, before, scene->gradient.size) == 0, "a gradient nobody asked for was written");
}

static int is_among(int status, const int *statuses, int count)
{
    for (int i = 0; i < count; i++)
        if (statuses[i] == status)
            return 1;
    return 0;
}

/* What another machine adds to a total. */
static void add_other_part(struct call *call, const struct scene *other)
{
    double *part = (double *)calloc(call->count, sizeof *part);
    int status = api.statistics_accumulate(&other->batch, call->options_pointer, part, call->count, NULL, 0);
    check(status == PULLPUSH_OK, "accumulate of another part returned %d", status);
    check(api.statistics_reduce(call->statistics, part, call->count) == PULLPUSH_OK, "reduce");
    free(part);
}

static int features_are_finite(const struct scene *scene)
{
    struct whole whole = whole_make(scene, NULL);
    int finite = all_finite(&whole);
    whole_free(&whole);
    return finite;
}

/* The call on the scene as it should be made, with structs that may be of a later version. */
static struct call call_make(enum function function, pullpush_options *options, const struct scene *scene,
                             int wants_gradient, struct bytes *bytes)
{
    struct call call;
    memset(&call, 0, sizeof call);
    call.function = function;
    call.batch.known = scene->batch;
    call.batch_pointer = &call.batch.known;
    call.result.known = blank_result();
    memcpy(call.result.tail, long_result_tail, sizeof call.result.tail);
    call.loss = 1234;
    call.gradient = wants_gradient ? scene->gradient.bytes : NULL;
    call.gradient_stride = function == PLAIN || (scene->gradient_stride == scene->dim && choose(bytes, 2))
                               ? 0 : scene->gradient_stride;
    int without_options = function != PLAIN && choose(bytes, 16) == 1;
    if (without_options)
        *options = default_options();
    call.options.known = *options;
    if (choose(bytes, 4) == 1)
        call.batch.known.struct_size = sizeof call.batch;
    if (choose(bytes, 4) == 1)
        call.options.known.struct_size = sizeof call.options;
    if (choose(bytes, 4) == 1)
        call.result.known.struct_size = sizeof call.result;
    call.options_pointer = without_options ? NULL : &call.options.known;
    return call;
}

static void call_with_batch(enum function function, struct bytes *bytes)
{
    pullpush_options options = choose_options(bytes, function);
    struct scene scene = choose_scene(bytes, function);
    put_special_numbers(&scene, bytes);
    int wants_gradient = choose(bytes, 4) != 1;
    struct call call = call_make(function, &options, &scene, wants_gradient, bytes);
    call.batch_pointer = &call.batch.known;
    call.options_pointer = call.options_pointer ? &call.options.known : NULL;
    call.result_pointer = &call.result.known;
    call.loss_pointer = &call.loss;

    /* What the call must come back with: these statuses when there are any, else success. */
    int wrong[3 * MOST_MISTAKES + 4], wrongs = 0;
    int with_statistics = function == ACCUMULATE || function == FINISH;
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
        call.statistics = (double *)statistics.bytes;
    }
    if (options.check_finite && !features_are_finite(&scene))
        wrong[wrongs++] = PULLPUSH_ERROR_NOT_FINITE;
    int wild = 0, in_parts = 0;
    struct scene other;
    if (function == FINISH && wrongs == 0) {
        int status = api.statistics_accumulate(&call.batch.known, &options, call.statistics, call.count, NULL, 0);
        check(status == PULLPUSH_OK, "accumulate returned %d", status);
        in_parts = choose(bytes, 2);
        if (in_parts) {
            other = choose_other_part(bytes, &scene);
            add_other_part(&call, &other);
        }
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
    struct guarded message = guarded_make(choose(bytes, 3) ? MESSAGE : choose(bytes, 12), (enum side)choose(bytes, 2));
    if (message.size)
        memset(message.bytes, 0x55, message.size);
    char *message_pointer = choose(bytes, 8) == 1 ? NULL : (char *)message.bytes;
    check_case("%d, %s, %s %zu x %zu", (int)function, option_set_name(&options), scene.element->name, scene.rows,
               scene.dim);
    int status = perform(&call, message_pointer, message.size);
    const char *sentence = message_pointer && message.size ? message_pointer : "no message";

    check(memcmp(scene.features.bytes, scene.features_before.bytes, scene.features.size) == 0, "features written");
    check_strays(&scene, wants_gradient && status == PULLPUSH_OK);
    if (message_pointer && message.size && function != PLAIN) {
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
        accepted += 1;
        wild_totals += wild != 0;
        check(status == PULLPUSH_OK, "status %d: %s", status, sentence);
        if (!wild)
            compare(&call, &scene, in_parts ? &other : NULL, &options, wants_gradient && function != ACCUMULATE);
    }
    guarded_free(&message), guarded_free(&statistics), guarded_free(&statistics_before);
    if (in_parts)
        scene_free(&other);
    scene_free(&scene);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    enum function function = (enum function)choose(&bytes, FUNCTIONS);
    small += function == SMALL;
    if (function == SMALL)
        call_small_function(&bytes);
    else
        call_with_batch(function, &bytes);
    return 0;
}
