/*
 * Children by fork: they have none of their parent's helper threads and none of the locks that those would release, and
 * must neither wait for them nor lack helpers of their own.
 */
#include "../ABITests/check.h"
#include "environment.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLERS = 3, CHILDREN = 10, GENERATIONS = 4 };

static int use_first(void)
{
    api.set_max_threads(8);
    works_make();
    return works_wrong(3) != 0 || count_threads() == 1;
}

void test_fork_first(void)
{
    if (api_load(library_path) != 0)
        exit(1);
    check_in_child("before first use", use_first);
    check(use_first() == 0, "the parent, after its child");
    check_in_child("after use", use_first);
}

static int generation;

/* Uses the library, and so do its children and theirs, each with threads of its own. */
static int use_and_have_children(void)
{
    if (count_threads() != 1 || works_wrong(3) != 0 || count_threads() == 1)
        return 1;
    generation += 1;
    if (generation < GENERATIONS && in_child(use_and_have_children) != 0)
        return 1;
    return works_wrong(2);
}

static int have_children_first(void)
{
    return in_child(use_and_have_children) != 0 || works_wrong(3) != 0;
}

void test_fork_later(void)
{
    load(library_path);
    works_make();
    check(works_wrong(3) == 0 && count_threads() > 1, "no helper has started");
    check_in_child("a child", use_and_have_children);
    check_in_child("a child that leaves the use to its own", have_children_first);
    check(works_wrong(3) == 0, "the parent, after its children");
}

static int still_calling;

static void *call_until_told(void *context)
{
    int *wrong = (int *)context;
    for (int i = 0; __atomic_load_n(&still_calling, __ATOMIC_SEQ_CST); i++)
        *wrong += !work_repeat(&api, i % WORKS, i % 4);
    return NULL;
}

static int use_again(void)
{
    return works_wrong(3);
}

static void *fork_often(void *context)
{
    (void)context;
    for (int child = 0; child < CHILDREN; child++)
        check_in_child("a child of a thread that is not the main one", use_again);
    return NULL;
}

/* The forks come from a thread that is not the main one. */
void test_fork_amid_calls(void)
{
    pthread_t callers[CALLERS], forker;
    int wrong[CALLERS] = {0};
    load(library_path);
    works_make();
    still_calling = 1;
    for (int c = 0; c < CALLERS; c++)
        check(pthread_create(&callers[c], NULL, call_until_told, &wrong[c]) == 0, "no thread");
    check(pthread_create(&forker, NULL, fork_often, NULL) == 0, "no thread");
    pthread_join(forker, NULL);
    __atomic_store_n(&still_calling, 0, __ATOMIC_SEQ_CST);
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(callers[c], NULL);
        check(wrong[c] == 0, "caller %d got %d wrong", c, wrong[c]);
    }
}

/* No help of the other tests' calls, which would all be later than the first. */
static int call_plainly(void)
{
    static float features[1024][33], gradient[1024][33];
    pullpush_batch batch;
    pullpush_options options;
    pullpush_result result;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = 1024;
    batch.dim = 33;
    batch.samples_per_id = 4;
    batch.dtype = PULLPUSH_DTYPE_F32;
    result.struct_size = sizeof result;
    api.options_init(&options, sizeof options);
    options.num_threads = 3;
    return api.evaluate(&batch, &options, &result, gradient, 0, NULL, 0);
}

static void *call_in_thread(void *status)
{
    *(int *)status = call_plainly();
    return NULL;
}

static int call_unheld(void)
{
    held_variable = NULL;
    return call_plainly();
}

static void fork_amid_first(const char *variable)
{
    pthread_t first;
    int status = -1;
    if (api_load(library_path) != 0)
        exit(1);
    sem_init(&reading, 0, 0);
    sem_init(&let_go, 0, 0);
    held_variable = variable;
    check(pthread_create(&first, NULL, call_in_thread, &status) == 0, "no thread");
    sem_wait(&reading);
    check_in_child("a child of a process whose first call is under way", call_unheld);
    held_variable = NULL;
    check(call_plainly() == PULLPUSH_OK, "another thread's call"); /* nor does anyone else wait */
    sem_post(&let_go);
    pthread_join(first, NULL);
    check(status == PULLPUSH_OK, "the first call returned %d", status);
}

void test_fork_amid_first_call(void)
{
    fork_amid_first("PULLPUSH_ISA");
}

void test_fork_amid_first_limit(void)
{
    fork_amid_first("PULLPUSH_NUM_THREADS");
}

static int exit_while_others_call(void)
{
    pthread_t caller;
    static int wrong[CALLERS];
    still_calling = 1;
    for (int c = 0; c < CALLERS; c++)
        if (pthread_create(&caller, NULL, call_until_told, &wrong[c]) != 0)
            return 1;
    return works_wrong(3);
}

void test_exit_amid_calls(void)
{
    load(library_path);
    works_make();
    for (int child = 0; child < CHILDREN; child++)
        check_in_child("exit while other threads call", exit_while_others_call);
}
