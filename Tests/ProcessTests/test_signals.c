/* Signals that arrive in the middle of calls. The host's handlers run on the host's threads alone, but for faults. */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CALLERS = 3, ENOUGH = 300 };

/* Of the thread that asks: whether it is the host's, and whether it is in a call. */
static __thread int is_host, in_call;
/* Signals handled so far: all, those within a call, and those on threads that are not the host's. */
static int handled, handled_in_call, handled_by_helper;

static void count_signal(int signal)
{
    (void)signal;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&handled_in_call, in_call != 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&handled_by_helper, is_host == 0, __ATOMIC_SEQ_CST);
}

static void handle(int signal, int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    action.sa_flags = flags;
    check(sigaction(signal, &action, NULL) == 0, "no handler for signal %d", signal);
}

static void call_until_enough(int *wrong)
{
    for (int i = 0; __atomic_load_n(&handled_in_call, __ATOMIC_SEQ_CST) < ENOUGH; i++) {
        in_call = 1;
        *wrong += !work_repeat(&api, i % 3 ? BIG_WORK : i % WORKS, 1 + i % 4);
        in_call = 0;
    }
}

static pthread_barrier_t all_ready;

static void *call_from_thread(void *wrong)
{
    is_host = 1;
    pthread_barrier_wait(&all_ready);
    call_until_enough((int *)wrong);
    return NULL;
}

static void start_timer(timer_t *timer)
{
    struct sigevent event;
    const struct itimerspec often = {{0, 200000}, {0, 200000}};
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    check(timer_create(CLOCK_MONOTONIC, &event, timer) == 0, "no timer");
    check(timer_settime(*timer, 0, &often, NULL) == 0, "the timer was not set");
}

/* The timer's signals go to the process, that is to any thread that takes them; others go to each caller. */
static void signals_amid_calls(int flags)
{
    const struct timespec pause = {0, 200000};
    pthread_t callers[CALLERS];
    int main_wrong = 0, wrong[CALLERS] = {0};
    timer_t timer;
    load(library_path);
    works_make();
    check(works_wrong(4) == 0 && count_threads() > 1, "no helper has started");
    pthread_barrier_init(&all_ready, NULL, CALLERS + 1);
    handle(SIGALRM, flags);
    handle(SIGUSR1, flags);
    for (int c = 0; c < CALLERS; c++)
        check(pthread_create(&callers[c], NULL, call_from_thread, &wrong[c]) == 0, "no thread");
    is_host = 1;
    pthread_barrier_wait(&all_ready);
    start_timer(&timer);
    while (__atomic_load_n(&handled_in_call, __ATOMIC_SEQ_CST) < ENOUGH / 2) {
        for (int c = 0; c < CALLERS; c++)
            pthread_kill(callers[c], SIGUSR1);
        nanosleep(&pause, NULL);
    }
    call_until_enough(&main_wrong); /* whom the kernel likes best for a signal to the process */
    timer_delete(timer);
    check(main_wrong == 0, "the main thread got %d calls wrong", main_wrong);
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(callers[c], NULL);
        check(wrong[c] == 0, "caller %d got %d calls wrong", c, wrong[c]);
    }
    check(handled_by_helper == 0, "%d of %d signals were handled by a helper thread", handled_by_helper, handled);
}

void test_timer(void)
{
    signals_amid_calls(0);
}

void test_timer_restart(void)
{
    signals_amid_calls(SA_RESTART);
}

/* What all threads of the host block waits for them, and no helper takes it. */
void test_blocked_signals(void)
{
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGUSR1, SIGCHLD, SIGPROF, SIGRTMIN};
    sigset_t ours, before, pending;
    load(library_path);
    is_host = 1;
    works_make();
    check(works_wrong(4) == 0 && count_threads() > 1, "no helper has started");
    for (size_t s = 0; s < sizeof signals / sizeof *signals; s++) {
        check_case("blocked signal %d", signals[s]);
        handled = 0;
        handle(signals[s], 0);
        sigemptyset(&ours);
        sigaddset(&ours, signals[s]);
        pthread_sigmask(SIG_BLOCK, &ours, &before);
        kill(getpid(), signals[s]);
        check(works_wrong(4) == 0, "calls went wrong");
        sigpending(&pending);
        check(handled == 0 && sigismember(&pending, signals[s]), "somebody took it");
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        check(handled == 1 && handled_by_helper == 0, "it was handled %d times, %d times by a helper", handled,
              handled_by_helper);
    }
}

static struct sigaction faults_before;
/* What each helper that has come across a fault has filled in. */
enum { MOST_HELPERS = 16 };
static struct {
    pid_t thread;
    int faults;
} helpers[MOST_HELPERS];
static char *faulting;
static size_t faulting_size, page;

static void count_fault(pid_t thread)
{
    for (int h = 0; h < MOST_HELPERS; h++) {
        pid_t found = 0;
        if (__atomic_compare_exchange_n(&helpers[h].thread, &found, thread, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
            found == thread) {
            __atomic_add_fetch(&helpers[h].faults, 1, __ATOMIC_SEQ_CST);
            return;
        }
    }
}

static int helpers_with(int faults)
{
    int count = 0;
    for (int h = 0; h < MOST_HELPERS; h++)
        count += __atomic_load_n(&helpers[h].faults, __ATOMIC_SEQ_CST) >= faults;
    return count;
}

/* Fills in a page when it is first touched, as hosts do that track their memory or read it from elsewhere. */
static void fill_in(int signal, siginfo_t *info, void *context)
{
    (void)context;
    char *address = (char *)info->si_addr;
    if (address < faulting || address >= faulting + faulting_size) {
        sigaction(signal, &faults_before, NULL);
        return;
    }
    if (!is_host)
        count_fault(gettid());
    mprotect(faulting + (size_t)(address - faulting) / page * page, page, PROT_READ | PROT_WRITE);
}

void check_faults_on_helpers(int wanted_helpers, int wanted, void (*before)(void))
{
    struct sigaction action;
    int wrong = 0;
    page = (size_t)sysconf(_SC_PAGESIZE);
    faulting_size = work_gradient_bytes(BIG_WORK);
    faulting = (char *)mmap(NULL, faulting_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(faulting != MAP_FAILED, "no memory");
    memset(&action, 0, sizeof action);
    action.sa_sigaction = fill_in;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &faults_before);
    is_host = 1;
    do {
        memset(helpers, 0, sizeof helpers);
        if (before)
            before();
        wrong += !work_repeat_into(&api, BIG_WORK, 1 + wanted_helpers, faulting);
        mprotect(faulting, faulting_size, PROT_NONE);
    } while (helpers_with(wanted) < wanted_helpers);
    check(wrong == 0, "%d calls went wrong", wrong);
    sigaction(SIGSEGV, &faults_before, NULL);
    munmap(faulting, faulting_size);
}

void test_faults(void)
{
    load(library_path);
    works_make();
    check_faults_on_helpers(3, 10, NULL);
}
