#include "mistakes.h"

#include <math.h>
#include <string.h>

const char long_result_tail[24] = "here nothing is written";

/* At least that; a power of 2, or near one. */
static size_t wild_size(struct bytes *bytes, size_t least)
{
    size_t size = ((size_t)1 << (choose(bytes, 32) + 32)) + choose(bytes, 5) - 2;
    return size < least ? SIZE_MAX - choose(bytes, 5) : size;
}

/* As the distance of the rows of the scene: they do not fit into memory. The odd one is for rows that are few. */
static size_t wild_distance(struct bytes *bytes, const struct scene *scene)
{
    return wild_size(bytes, ((size_t)1 << 63) / scene->element->size / scene->rows + 1);
}

/* More than there are pairs for. */
static size_t wild_rows(struct bytes *bytes)
{
    return wild_size(bytes, 3037000500);
}

static double not_finite(struct bytes *bytes)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    return values[choose(bytes, 3)];
}

static int32_t unknown_constant(struct bytes *bytes)
{
    static const int32_t values[] = {-1, 3, 4, 5, 256, 65536, INT32_MAX, INT32_MIN};
    return values[choose(bytes, sizeof values / sizeof *values)];
}

static size_t wrong_struct_size(struct bytes *bytes, size_t right)
{
    const size_t sizes[] = {0, 1, 8, right - 8, right - 1, 65537, SIZE_MAX, SIZE_MAX / 2 + 1};
    return sizes[choose(bytes, sizeof sizes / sizeof *sizes)];
}

static int spoil_batch(struct call *call, struct scene *scene, struct bytes *bytes)
{
    static const int32_t unknown_dtypes[] = {0, 5, -1, INT32_MAX};
    pullpush_batch *batch = &call->batch.known;
    switch (choose(bytes, 13)) {
    case 0: call->batch_pointer = NULL; return PULLPUSH_ERROR_NULL;
    case 1: batch->features = NULL; return PULLPUSH_ERROR_NULL;
    case 2: batch->struct_size = wrong_struct_size(bytes, sizeof *batch); return PULLPUSH_ERROR_STRUCT_SIZE;
    case 3:
        batch->struct_size = sizeof call->batch;
        call->batch.tail[choose(bytes, sizeof call->batch.tail)] = 1;
        return PULLPUSH_ERROR_STRUCT_SIZE;
    case 4: batch->dtype = unknown_dtypes[choose(bytes, 4)]; return PULLPUSH_ERROR_DTYPE;
    case 5: batch->reserved = unknown_constant(bytes); return PULLPUSH_ERROR_OPTION;
    case 6: batch->rows = choose(bytes, 2) ? 0 : wild_rows(bytes); return PULLPUSH_ERROR_SIZE;
    case 7: batch->dim = choose(bytes, 2) ? 0 : wild_distance(bytes, scene); return PULLPUSH_ERROR_SIZE;
    case 8: batch->row_stride = wild_distance(bytes, scene); return PULLPUSH_ERROR_SIZE;
    case 9:
        if (scene->dim == 1)
            return 0;
        batch->row_stride = 1 + choose(bytes, (unsigned)scene->dim - 1);
        return PULLPUSH_ERROR_STRIDE;
    case 10:
        if (batch->labels)
            batch->samples_per_id = 1 + choose(bytes, 4);
        else
            batch->samples_per_id = choose(bytes, 2) ? scene->rows + 1 + choose(bytes, 9) : wild_size(bytes, 0);
        return PULLPUSH_ERROR_SIZE;
    case 11:
        batch->features = (const char *)scene->features.bytes - 1;
        return PULLPUSH_ERROR_ALIGNMENT;
    default:
        if (!batch->labels) {
            batch->samples_per_id = 0;
            return PULLPUSH_ERROR_SIZE;
        }
        batch->labels = (const int64_t *)(const void *)((const char *)scene->labels + 1 + choose(bytes, 7));
        return PULLPUSH_ERROR_ALIGNMENT;
    }
}

static int spoil_options(struct call *call, struct bytes *bytes)
{
    pullpush_options *options = &call->options.known;
    call->options_pointer = options;
    switch (choose(bytes, 17)) {
    case 0: options->struct_size = wrong_struct_size(bytes, sizeof *options); return PULLPUSH_ERROR_STRUCT_SIZE;
    case 1:
        options->struct_size = sizeof call->options;
        call->options.tail[choose(bytes, sizeof call->options.tail)] = (char)0x80;
        return PULLPUSH_ERROR_STRUCT_SIZE;
    case 2: options->normalize = unknown_constant(bytes); break;
    case 3: options->self_pairs = unknown_constant(bytes); break;
    case 4: options->push = unknown_constant(bytes); break;
    case 5: options->reduction = unknown_constant(bytes); break;
    case 6: options->push_between = unknown_constant(bytes); break;
    case 7: options->objective = unknown_constant(bytes); break;
    case 8: options->target = not_finite(bytes); break;
    case 9: options->margin = not_finite(bytes); break;
    case 10: options->pull_weight = not_finite(bytes); break;
    case 11: options->upstream = not_finite(bytes); break;
    case 12: options->check_finite = unknown_constant(bytes); break;
    case 13: options->push_weight = not_finite(bytes); break;
    case 14: options->num_threads = -1 - (int32_t)choose(bytes, 2) * INT32_MAX; break;
    case 15: options->accumulate = unknown_constant(bytes); break;
    default: options->reserved = unknown_constant(bytes);
    }
    return PULLPUSH_ERROR_OPTION;
}

static int spoil_gradient(struct call *call, struct scene *scene, struct bytes *bytes)
{
    size_t size = scene->element->size;
    if (!call->gradient)
        return 0;
    switch (choose(bytes, 7)) {
    case 0: call->gradient = (char *)scene->gradient.bytes - 1; return PULLPUSH_ERROR_ALIGNMENT;
    case 1: call->gradient_stride = wild_distance(bytes, scene); return PULLPUSH_ERROR_SIZE;
    case 2:
        if (scene->dim == 1)
            return 0;
        call->gradient_stride = 1 + choose(bytes, (unsigned)scene->dim - 1);
        return PULLPUSH_ERROR_STRIDE;
    case 3: call->gradient = (char *)scene->features.bytes + choose(bytes, (unsigned)scene->dim) * size; break;
    case 4: call->gradient = call->result_pointer; break;
    case 5: call->gradient = call->batch.known.labels ? scene->labels : scene->features.bytes; break;
    default: call->gradient = call->function == FINISH ? (void *)call->statistics : scene->features.bytes;
    }
    return PULLPUSH_ERROR_OVERLAP;
}

static int spoil_result(struct call *call, struct bytes *bytes)
{
    switch (choose(bytes, 3)) {
    case 0: call->result_pointer = NULL; return PULLPUSH_ERROR_NULL;
    case 1:
        call->result.known.struct_size = wrong_struct_size(bytes, sizeof call->result.known);
        return PULLPUSH_ERROR_STRUCT_SIZE;
    default:
        call->result_pointer = (pullpush_result *)(void *)((char *)&call->result + 4);
        return PULLPUSH_ERROR_ALIGNMENT;
    }
}

static int spoil_statistics(struct call *call, struct bytes *bytes)
{
    switch (choose(bytes, 3)) {
    case 0: call->statistics = NULL; return PULLPUSH_ERROR_NULL;
    case 1:
        if (!call->statistics || (uintptr_t)call->statistics % sizeof(double))
            return 0;
        call->statistics = (double *)(void *)((char *)call->statistics + 1 + choose(bytes, 7));
        return PULLPUSH_ERROR_ALIGNMENT;
    default: call->count = choose(bytes, 2) ? call->count - 1 - choose(bytes, 4) : wild_size(bytes, 0);
    }
    return PULLPUSH_ERROR_STATISTICS;
}

/* A plain call has no structs: what is wrong is in its few arguments. */
static int spoil_plain(struct call *call, struct scene *scene, struct bytes *bytes)
{
    pullpush_batch *batch = &call->batch.known;
    switch (choose(bytes, 6)) {
    case 0: batch->features = NULL; return PULLPUSH_ERROR_NULL;
    case 1: call->loss_pointer = NULL; return PULLPUSH_ERROR_NULL;
    case 2: batch->rows = choose(bytes, 2) ? 0 : wild_rows(bytes); return PULLPUSH_ERROR_SIZE;
    case 3: batch->dim = choose(bytes, 2) ? 0 : wild_distance(bytes, scene); return PULLPUSH_ERROR_SIZE;
    case 4: batch->samples_per_id = choose(bytes, 2) ? 0 : scene->rows + 1; return PULLPUSH_ERROR_SIZE;
    default: call->gradient = scene->features.bytes; return PULLPUSH_ERROR_OVERLAP;
    }
}

int make_mistake(struct call *call, struct scene *scene, struct bytes *bytes)
{
    if (call->function == PLAIN)
        return spoil_plain(call, scene, bytes);
    unsigned place = choose(bytes, 5);
    if (place == 1)
        return spoil_options(call, bytes);
    if (place == 2 && call->function != ACCUMULATE)
        return spoil_gradient(call, scene, bytes);
    if (place == 3 && call->function != ACCUMULATE)
        return spoil_result(call, bytes);
    if (place == 4 && call->function != EVALUATE)
        return spoil_statistics(call, bytes);
    return spoil_batch(call, scene, bytes);
}
