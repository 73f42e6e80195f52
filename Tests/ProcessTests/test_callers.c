/* Many threads of the host's call at once, with calls of many kinds. */
#include "../ABITests/check.h"
#include "../ABITests/random.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <limits.h>
#include <pthread.h>

enum { CALLERS = 8, CALLS = 120 };

struct caller {
    pthread_t thread;
    uint64_t seed;
    int wrong;
};

static void *call_often(void *context)
{
    struct caller *caller = (struct caller *)context;
    for (int i = 0; i < CALLS; i++) {
        int number = (int)random_below(&caller->seed, WORKS);
        caller->wrong += !work_repeat(&api, number, (int32_t)random_below(&caller->seed, 7));
    }
    return NULL;
}

static int still_calling;

static void *change_limit(void *context)
{
    uint64_t state = 3;
    int *strange = (int *)context;
    while (__atomic_load_n(&still_calling, __ATOMIC_SEQ_CST)) {
        int before = api.set_max_threads((int)random_below(&state, 7));
        *strange += before < 0 || before > 8;
        sched_yield();
    }
    return NULL;
}

static void run_callers(const pthread_attr_t *attributes)
{
    struct caller callers[CALLERS];
    for (int c = 0; c < CALLERS; c++) {
        callers[c].seed = (uint64_t)c;
        callers[c].wrong = 0;
        check(pthread_create(&callers[c].thread, attributes, call_often, &callers[c]) == 0, "no thread");
    }
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(callers[c].thread, NULL);
        check(callers[c].wrong == 0, "caller %d got %d of %d wrong", c, callers[c].wrong, CALLS);
    }
}

void test_callers(void)
{
    pthread_t changer;
    int strange = 0;
    load(library_path);
    works_make();
    still_calling = 1;
    check(pthread_create(&changer, NULL, change_limit, &strange) == 0, "no thread");
    run_callers(NULL);
    __atomic_store_n(&still_calling, 0, __ATOMIC_SEQ_CST);
    pthread_join(changer, NULL);
    check(strange == 0, "%d limits were returned that nobody had set", strange);
    check(count_threads() > 1, "no helper has started");
}

/* The least a thread can have, as some hosts give theirs. */
void test_small_stacks(void)
{
    pthread_attr_t attributes;
    load(library_path);
    works_make();
    pthread_attr_init(&attributes);
    check(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0, "no such stack");
    run_callers(&attributes);
    pthread_attr_destroy(&attributes);
}
