/* The library loaded with dlopen: again and again, for all to see or for one, and twice under two names. */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* So many cycles that a page each would be more than the memory that stays for the next call, of which any thread may
 * touch its part late. */
enum { CYCLES = 1600, SETTLED = 160, CALLS = 60 };

/* Helper threads sleep in the library's code, so it must stay where it is when the host has done with it. */
void test_reload(void)
{
    long pages = 0;
    int threads = 0, wrong = 0, wrong_when_closed = 0;
    load(library_path);
    works_make();
    struct api first = api;
    check(dlclose(api_handle) == 0, "dlclose: %s", dlerror());
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        load(library_path);
        wrong += !work_repeat(&api, BIG_WORK, 4) || !work_repeat(&api, cycle % WORKS, 2);
        check(dlclose(api_handle) == 0, "dlclose: %s", dlerror());
        wrong_when_closed += !work_repeat(&first, BIG_WORK, 4);
        if (cycle == SETTLED) {
            pages = count_pages();
            threads = count_threads();
        }
    }
    check(wrong == 0, "%d of %d cycles went wrong", wrong, CYCLES);
    check(wrong_when_closed == 0, "%d of %d calls after dlclose went wrong", wrong_when_closed, CYCLES);
    check((count_pages() - pages) * sysconf(_SC_PAGESIZE) <= KEPT_BYTES, "%ld pages became %ld", pages, count_pages());
    check(threads > 1 && count_threads() == threads, "%d threads became %d", threads, count_threads());
}

void test_load_local(void)
{
    load(library_path); /* with RTLD_LOCAL */
    check(dlsym(RTLD_DEFAULT, "pullpush_evaluate") == NULL, "its names are seen by all");
    works_make();
    check(works_wrong(3) == 0, "calls went wrong");
}

static int is_seen_by_all(const struct api *library)
{
    void *symbol = dlsym(RTLD_DEFAULT, "pullpush_evaluate");
    return memcmp(&symbol, &library->evaluate, sizeof symbol) == 0;
}

void test_load_global(void)
{
    check(dlopen(library_path, RTLD_NOW | RTLD_GLOBAL) != NULL, "dlopen: %s", dlerror());
    load(library_path);
    check(is_seen_by_all(&api), "its names are not seen by all");
    works_make();
    check(works_wrong(3) == 0, "calls went wrong");
}

static void *call_often(void *context)
{
    const struct api *library = (const struct api *)context;
    size_t wrong = 0;
    for (int i = 0; i < CALLS; i++)
        wrong += !work_repeat(library, BIG_WORK, 3) || !work_repeat(library, i % WORKS, 2);
    return wrong ? context : NULL;
}

static void check_two(struct api *one, struct api *other)
{
    pthread_t threads[2];
    void *wrong[2];
    one->set_max_threads(3);
    other->set_max_threads(4);
    check(one->evaluate != other->evaluate, "they are one");
    check(one->set_max_threads(5) == 3, "the limit of one was changed with the other's");
    check(other->set_max_threads(5) == 4, "the limit of the other was changed with the one's");
    check(pthread_create(&threads[0], NULL, call_often, one) == 0, "no thread");
    check(pthread_create(&threads[1], NULL, call_often, other) == 0, "no thread");
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], &wrong[t]);
        check(wrong[t] == NULL, "copy %d got calls wrong", t);
    }
}

void test_two_copies(void)
{
    load(library_path);
    struct api one = api;
    load(copy_path);
    works_make();
    check_two(&one, &api);
    dlclose(api_handle);
    check_two(&one, &api);
}

void test_two_global_copies(void)
{
    check(dlopen(library_path, RTLD_NOW | RTLD_GLOBAL) != NULL, "dlopen: %s", dlerror());
    check(dlopen(copy_path, RTLD_NOW | RTLD_GLOBAL) != NULL, "dlopen: %s", dlerror());
    load(library_path);
    struct api one = api;
    load(copy_path);
    check(is_seen_by_all(&one), "the first is not the one that is seen");
    works_make();
    check_two(&one, &api);
}
