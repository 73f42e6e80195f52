/* A gradient too large for the caches is written past them where its rows are whole pieces of 16 bytes: the bits are
 * those of a gradient that is not, and one of which only a part is so aligned is no other. */
#include "api.h"
#include "check.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 2048 };

/* A gradient whose rows begin `start` bytes behind a multiple of 64 and are `stride` elements from each other. */
static void run(const struct element *element, size_t dim, size_t stride, size_t start, int32_t normalize,
                int32_t num_threads)
{
    uint64_t state = 3;
    const size_t row = dim * element->size, wide = row + element->size, step = stride * element->size;
    struct guarded features = guarded_make(ROWS * row, SIDE_BACK), plain = guarded_make(ROWS * wide, SIDE_BACK);
    char *memory = (char *)aligned_alloc(64, (start + ROWS * step + 63) / 64 * 64), *streamed = memory + start;
    for (size_t i = 0; i < ROWS * dim; i++)
        element_store(element, features.bytes, i, random_signed(&state));

    pullpush_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features.bytes;
    batch.rows = ROWS;
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
    int differ = 0;
    for (size_t a = 0; a < ROWS; a++)
        differ += memcmp(streamed + a * step, (char *)plain.bytes + a * wide, row) != 0;
    check(differ == 0, "%d of %d gradient rows differ", differ, ROWS);
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
    /* Numbers of bytes that something other than 16 divides: of a row, and from one row to the next. */
    run(element_f32, 1003, 1004, 0, PULLPUSH_NORMALIZE_NONE, 1);
    run(element_f32, 1002, 1004, 0, PULLPUSH_NORMALIZE_NONE, 1);
    run(element_f32, 1104, 1105, 0, PULLPUSH_NORMALIZE_NONE, 1);
    /* And of an address, whatever divides it. */
    for (size_t piece = 0; piece < 17; piece++)
        run(element_f32, 1004, 1004, 16 * piece + 4, PULLPUSH_NORMALIZE_NONE, 1);
}
