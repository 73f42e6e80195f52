/* Batches of ever more rows, whose labels want ever more scratch memory: little of it stays when a call ends. And the
 * linear push of many identities, and a hinge of many points, in a process that may have little more memory. */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_ROWS = 1 << 20, FEW_PAGES = 16, DIM = 64, LITTLE = 1 << 20 };
/* The weights of all their pairs alone would take six times as much. */
enum { MANY_POINTS = 1 << 12, ROOM_FOR_POINTS = 10 << 20 };

/* Lets the process have so many bytes more, and returns what was its limit. */
static struct rlimit limit_memory(size_t more)
{
    struct rlimit before, limit;
    getrlimit(RLIMIT_AS, &before);
    limit = before;
    limit.rlim_cur = (rlim_t)(count_pages() * sysconf(_SC_PAGESIZE)) + more;
    setrlimit(RLIMIT_AS, &limit);
    return before;
}

static size_t allocated(void)
{
    struct mallinfo2 information = mallinfo2();
    return information.uordblks + information.hblkhd;
}

void test_scratch(void)
{
    load(library_path);
    float *features = (float *)calloc(MOST_ROWS, sizeof *features);
    int64_t *labels = (int64_t *)calloc(MOST_ROWS, sizeof *labels);
    pullpush_result result;
    for (size_t a = 0; a < MOST_ROWS; a++) {
        features[a] = 1;
        labels[a] = (int64_t)(a * a % 1000);
    }
    const long pages = count_pages(), page = sysconf(_SC_PAGESIZE);
    const size_t before = allocated();
    size_t most_kept = 0;
    for (size_t rows = 1024; rows <= MOST_ROWS; rows += rows / 8) {
        pullpush_batch batch = {sizeof batch, features, rows, 1, 0, labels, 0, PULLPUSH_DTYPE_F32, 0};
        pullpush_options options;
        api.options_init(&options, sizeof options);
        options.num_threads = 1;
        result.struct_size = sizeof result;
        check(api.evaluate(&batch, &options, &result, NULL, 0, NULL, 0) == PULLPUSH_OK, "%zu rows refused", rows);
        size_t kept = allocated() - before;
        most_kept = kept > most_kept ? kept : most_kept;
        check(kept <= KEPT_BYTES + (size_t)page, "%zu bytes stay after %zu rows", kept, rows);
        check(count_pages() - pages <= KEPT_BYTES / page + FEW_PAGES, "%ld pages stay after %zu rows",
              count_pages() - pages, rows);
    }
    check(most_kept > KEPT_BYTES / 4, "%zu bytes are all that ever stayed: this test sees none", most_kept);

    struct rlimit before_limit = limit_memory(LITTLE);
    pullpush_batch batch = {sizeof batch, features, MOST_ROWS / DIM, DIM, 0, NULL, 1, PULLPUSH_DTYPE_F32, 0};
    check(api.evaluate(&batch, NULL, &result, NULL, 0, NULL, 0) == PULLPUSH_OK, "more scratch than a few vectors");
    setrlimit(RLIMIT_AS, &before_limit);

    float *gradient = (float *)calloc(MANY_POINTS * DIM, sizeof *gradient);
    pullpush_options hinge;
    api.options_init(&hinge, sizeof hinge);
    hinge.push = PULLPUSH_PUSH_HINGE;
    hinge.num_threads = 1;
    batch.rows = MANY_POINTS;
    before_limit = limit_memory(ROOM_FOR_POINTS);
    check(api.evaluate(&batch, &hinge, &result, gradient, 0, NULL, 0) == PULLPUSH_OK, "all pairs' weights are kept");
    setrlimit(RLIMIT_AS, &before_limit);
    free(features), free(labels), free(gradient);
}
