/* A gradient too large for the caches is written past them where its rows are whole pieces of 16 bytes: the bits are
 * those of a gradient that is not, and one of which only a part is so aligned is no other. Between rows nothing is. */
#include "api.h"
#include "check.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 8000000, PATTERN = 0x5A };

/* Whether `count` bytes are as they were filled. */
static int untouched(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != PATTERN)
            return 0;
    return 1;
}

/* A gradient whose rows begin `start` bytes behind a multiple of 64 and are `stride` elements from each other. */
static void run(const struct element *element, size_t dim, size_t stride, size_t start, int32_t normalize,
                int32_t num_threads)
{
    uint64_t state = 3;
    const size_t row = dim * element->size, wide = row + element->size, step = stride * element->size;
    const size_t rows = LARGE / row / 4 * 4, size = (start + rows * step + 127) / 64 * 64;
    struct guarded features = guarded_make(rows * row, SIDE_BACK), plain = guarded_make(rows * wide, SIDE_BACK);
    char *memory = (char *)aligned_alloc(64, size), *streamed = memory + start;
    memset(memory, PATTERN, size);
    for (size_t i = 0; i < rows * dim; i++)
        element_store(element, features.bytes, i, random_signed(&state));

    pullpush_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features.bytes;
    batch.rows = rows;
    batch.dim = dim;
    batch.samples_per_id = 4;
    batch.dtype = element->dtype;
    pullpush_options options = default_options();
    options.normalize = normalize;
    options.num_threads = num_threads;
    pullpush_result results[2] = {blank_result(), blank_result()};
    check_case("streaming, %s of dim %zu, rows of %zu from byte %zu on, normalize %d, threads %d", element->name, dim,
               stride, start, (int)normalize, (int)num_threads);
    check(api.evaluate(&batch, &options, &results[0], streamed, stride, NULL, 0) == PULLPUSH_OK, "rows refused");
    check(api.evaluate(&batch, &options, &results[1], plain.bytes, dim + 1, NULL, 0) == PULLPUSH_OK,
          "other rows refused");
    check(memcmp(&results[0], &results[1], sizeof results[0]) == 0, "the results differ");
    size_t differ = 0, spoiled = !untouched(memory, start);
    for (size_t a = 0; a < rows; a++) {
        differ += memcmp(streamed + a * step, (char *)plain.bytes + a * wide, row) != 0;
        spoiled += !untouched(streamed + a * step + row, step - row);
    }
    spoiled += !untouched(streamed + rows * step, size - start - rows * step);
    check(differ == 0, "%zu of %zu gradient rows differ", differ, rows);
    check(spoiled == 0, "%zu gaps around gradient rows are written to", spoiled);
    free(memory), guarded_free(&plain), guarded_free(&features);
}

void test_streaming(void)
{
    /* Whole vectors, and 8 or 16 bytes more. */
    for (int32_t num_threads = 1; num_threads < 3; num_threads++) {
        run(element_f32, 1024, 1024, 0, PULLPUSH_NORMALIZE_NONE, num_threads);
        run(element_f32, 1004, 1004, 0, PULLPUSH_NORMALIZE_RENORM, num_threads);
        run(element_f64, 512, 512, 0, PULLPUSH_NORMALIZE_RENORM, num_threads);
        run(element_f64, 502, 502, 0, PULLPUSH_NORMALIZE_NONE, num_threads);
    }
    /* Rows of a vector and less than two, of a block and less than two, with what lies between them. */
    for (size_t dim = 16; dim <= 60; dim += 4)
        run(element_f32, dim, dim + 4, 0, dim % 8 ? PULLPUSH_NORMALIZE_L2 : PULLPUSH_NORMALIZE_NONE, 1);
    /* Numbers of bytes that something other than 16 divides: of a row, and from one row to the next. */
    run(element_f32, 1003, 1004, 0, PULLPUSH_NORMALIZE_NONE, 1);
    run(element_f32, 1002, 1004, 0, PULLPUSH_NORMALIZE_NONE, 1);
    run(element_f32, 1104, 1105, 0, PULLPUSH_NORMALIZE_NONE, 1);
    /* And of an address, whatever divides it. */
    for (size_t piece = 0; piece < 17; piece++)
        run(element_f32, 1004, 1004, 16 * piece + 4, PULLPUSH_NORMALIZE_NONE, 1);
}
