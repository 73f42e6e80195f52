/* A gradient too large for the caches is written past them where its rows are aligned to 16 bytes: the bits are those
 * of a gradient that is not. */
#include "api.h"
#include "check.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 2048 };

static void run(const struct element *element, size_t dim, int32_t normalize, int32_t num_threads)
{
    uint64_t state = 3;
    const size_t row = dim * element->size, wide = row + element->size;
    struct guarded features = guarded_make(ROWS * row, SIDE_BACK), plain = guarded_make(ROWS * wide, SIDE_BACK);
    char *streamed = (char *)aligned_alloc(64, ROWS * row);
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
    check_case("streaming, %s of dim %zu, normalize %d, threads %d", element->name, dim, (int)normalize,
               (int)num_threads);
    check(api.evaluate(&batch, &options, &results[0], streamed, 0, NULL, 0) == PULLPUSH_OK, "aligned rows refused");
    check(api.evaluate(&batch, &options, &results[1], plain.bytes, dim + 1, NULL, 0) == PULLPUSH_OK,
          "other rows refused");
    check(memcmp(&results[0], &results[1], sizeof results[0]) == 0, "the results differ");
    int differ = 0;
    for (size_t a = 0; a < ROWS; a++)
        differ += memcmp(streamed + a * row, (char *)plain.bytes + a * wide, row) != 0;
    check(differ == 0, "%d of %d gradient rows differ", differ, ROWS);
    free(streamed), guarded_free(&plain), guarded_free(&features);
}

void test_streaming(void)
{
    /* Whole vectors, and 8 or 16 bytes more. */
    for (int32_t num_threads = 1; num_threads < 3; num_threads++) {
        run(element_f32, 1024, PULLPUSH_NORMALIZE_NONE, num_threads);
        run(element_f32, 1004, PULLPUSH_NORMALIZE_RENORM, num_threads);
        run(element_f64, 512, PULLPUSH_NORMALIZE_RENORM, num_threads);
        run(element_f64, 502, PULLPUSH_NORMALIZE_NONE, num_threads);
    }
}
