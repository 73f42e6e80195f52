/* A thread of the host's that is cancelled in a call finishes the call first, and the helpers serve the others. */
#include "../ABITests/check.h"
#include "tests.h"
#include "work.h"

#include <pthread.h>
#include <stdlib.h>

enum { ROUNDS = 200 };

static int calls, wrong, cut_short;

static void note_end(void *in_call)
{
    cut_short += *(int *)in_call;
}

static void *call_until_cancelled(void *gradient)
{
    volatile int in_call = 0;
    pthread_cleanup_push(note_end, (void *)&in_call);
    for (;;) {
        in_call = 1;
        wrong += !work_repeat_into(&api, BIG_WORK, 4, gradient);
        in_call = 0;
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

void test_cancel(void)
{
    load(library_path);
    works_make();
    void *gradient = malloc(work_gradient_bytes(BIG_WORK));
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        void *end = NULL;
        calls = 0;
        check(pthread_create(&thread, NULL, call_until_cancelled, gradient) == 0, "no thread");
        while (__atomic_load_n(&calls, __ATOMIC_SEQ_CST) < round % 4)
            sched_yield();
        check(pthread_cancel(thread) == 0 && pthread_join(thread, &end) == 0, "the thread did not end");
        check(end == PTHREAD_CANCELED, "the thread ended otherwise");
    }
    check(cut_short == 0, "%d of %d calls were cut short", cut_short, ROUNDS);
    check(wrong == 0, "%d calls went wrong", wrong);
    check_faults_on_helpers(1, 1, NULL);
    free(gradient);
}
