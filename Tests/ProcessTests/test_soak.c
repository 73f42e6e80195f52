/* Millions of calls: small ones, among them others, mistakes and another number of threads; and nothing grows. */
#include "../ABITests/check.h"
#include "../ABITests/scene.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

/* Pages count once they are touched. A helper that is late touches its stack, and its part of what calls keep, late. */
enum { STACK_BYTES = 8 * (16 << 10), SMALL_CALLS = 10000 };

void test_soak(void)
{
    const float features[4][8] = {{1, 2, 3}, {2, 1, 4, 1}, {0, 3, 1, 2, 5}, {2, 2, 0, 0, 0, 0, 0, 1}};
    float gradient[4][8];
    pullpush_batch batch;
    pullpush_result right, result;
    long wrong = 0, pages = 0;
    /* At most, in the first half and in the second: how much stays for the next call depends on the last ones. */
    size_t bytes[2] = {0, 0};
    int threads = 0;
    load(library_path);
    works_make();
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = 4;
    batch.dim = 8;
    batch.samples_per_id = 2;
    batch.dtype = PULLPUSH_DTYPE_F32;
    memset(&right, 0, sizeof right);
    right.struct_size = sizeof right;
    check(api.evaluate(&batch, NULL, &right, gradient, 0, NULL, 0) == PULLPUSH_OK, "the first call");
    for (long call = 0; call < soak_calls; call++) {
        result = right;
        result.loss = 0;
        wrong += api.evaluate(&batch, NULL, &result, gradient, 0, NULL, 0) != PULLPUSH_OK;
        wrong += memcmp(&result, &right, sizeof right) != 0;
        if (call % SMALL_CALLS == 0) {
            long turn = call / SMALL_CALLS;
            wrong += !work_repeat(&api, (int)(turn % WORKS), (int32_t)(turn % 5));
            api.set_max_threads(1 + (int)(turn % 8));
            size_t now = mallinfo2().uordblks, *most = &bytes[call >= soak_calls / 2];
            *most = now > *most ? now : *most;
        }
        if (call == soak_calls / 10) {
            pages = count_pages();
            threads = count_threads();
        }
    }
    check(wrong == 0, "%ld of %ld calls went wrong", wrong, soak_calls);
    check(bytes[1] <= bytes[0], "%zu bytes allocated became %zu", bytes[0], bytes[1]);
    check((count_pages() - pages) * sysconf(_SC_PAGESIZE) <= KEPT_BYTES + STACK_BYTES, "%ld pages became %ld", pages,
          count_pages());
    check(count_threads() == threads, "%d threads became %d", threads, count_threads());
}
