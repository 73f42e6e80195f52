/*
 * fault_tests LIBRARY: every call of the table, with each request for memory or a thread refused in turn; first that
 * request alone, then it and all after it. Each case is a child process of its own, so that each is a first call.
 */
#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "calls.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_REQUESTS = 200, SECONDS = 60 };

static const struct fault no_fault = {-1, 0};
static int cases, failed_cases;

static void check_outcome(const struct call *call, int status)
{
    if (status == PULLPUSH_OK) {
        call_check_right(call);
        return;
    }
    check(status == PULLPUSH_ERROR_MEMORY, "status %d: %s", status, call->message);
    check(call->function == PLAIN || strstr(call->message, "could not be allocated"), "the message is '%s'",
          call->message);
    call_check_untouched(call);
}

/* The call with its fault, then twice without; `live_blocks` is how many such calls may leave, or -1. */
static void run_case(struct call *call, struct fault fault, long live_blocks)
{
    check_outcome(call, call_perform(call, fault));
    long refused_requests = faults->requests;
    const char *kind = faults->kind;
    const void *site = faults->site;
    long live_before = 0;
    for (int again = 0; again < 2; again++) {
        live_before = faults->live_blocks;
        int status = call_perform(call, no_fault);
        check(status == PULLPUSH_OK, "a later call returned %d: %s", status, call->message);
        call_check_right(call);
    }
    check(faults->live_blocks == live_before, "the last call left %ld blocks", faults->live_blocks - live_before);
    /* Fewer may be left: what stays for the next call can also be from a check, whose calls are not counted. */
    check(live_blocks < 0 || faults->live_blocks <= live_blocks, "%ld blocks are left instead of %ld",
          faults->live_blocks, live_blocks);
    faults->requests = refused_requests;
    faults->kind = kind;
    faults->site = site;
}

/* Kind and place of the refused request: the offset is one for addr2line. */
static void print_failure(const char *name, struct fault fault, int status)
{
    Dl_info place;
    memset(&place, 0, sizeof place);
    if (faults->site)
        dladdr(faults->site, &place);
    fprintf(stderr, "FAILED %s, request %ld%s: %s %d; refused was %s for %s+0x%lx\n", name, fault.first,
            fault.and_later ? " and all after it" : "", WIFSIGNALED(status) ? "died by signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), faults->kind ? faults->kind : "nothing",
            place.dli_fname ? place.dli_fname : "?",
            place.dli_fbase ? (unsigned long)((const char *)faults->site - (const char *)place.dli_fbase) : 0);
}

/* A child that runs `body` and ends with 0 if all its checks held. Returns what waitpid says of it. */
static int in_child(void (*body)(void *), void *context)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        if (!freopen("/dev/null", "w", stdout)) /* the parent prints the count of cases */
            _exit(2);
        body(context);
        status = check_report();
        fflush(NULL);
        _exit(status);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("child");
        abort();
    }
    return status;
}

struct case_arguments {
    struct call *call;
    struct fault fault;
    long live_blocks;
};

static void case_body(void *context)
{
    struct case_arguments *arguments = (struct case_arguments *)context;
    check_case("%s, request %ld%s", arguments->call->name, arguments->fault.first,
               arguments->fault.and_later ? " and all after it" : "");
    run_case(arguments->call, arguments->fault, arguments->live_blocks);
}

static void fork_case(struct call *call, struct fault fault, long live_blocks)
{
    struct case_arguments arguments = {call, fault, live_blocks};
    memset(faults, 0, sizeof *faults);
    int status = in_child(case_body, &arguments);
    cases += 1;
    if (status != 0) {
        failed_cases += 1;
        print_failure(call->name, fault, status);
    }
}

static void test_call(struct call *call)
{
    fork_case(call, no_fault, -1);
    long requests = faults->requests, live_blocks = faults->live_blocks;
    if (requests < 1 || requests > MOST_REQUESTS) {
        fprintf(stderr, "FAILED %s: %ld requests, which is no number to go through\n", call->name, requests);
        failed_cases += 1;
        return;
    }
    struct fault fault;
    for (fault.first = 0; fault.first < requests; fault.first++)
        for (fault.and_later = 0; fault.and_later < 2; fault.and_later++)
            fork_case(call, fault, live_blocks);
}

static size_t mapped_bytes(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu", &pages) != 1)
        abort();
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A batch of one identity whose grouping needs more than the process may have. */
static void test_address_space(void *context)
{
    (void)context;
    const size_t rows = (size_t)1 << 20;
    check_case("address space limit");
    void *empty = mmap(NULL, rows * sizeof(int64_t), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pullpush_batch batch = {sizeof batch, empty, rows, 1, 0, (const int64_t *)empty, 0, PULLPUSH_DTYPE_F32, 0};
    pullpush_result result = blank_result(), before = blank_result();
    char message[256] = "";
    struct rlimit limit = {mapped_bytes() + (4 << 20), RLIM_INFINITY}, no_limit;
    check(empty != MAP_FAILED && getrlimit(RLIMIT_AS, &no_limit) == 0, "no memory for the test");
    limit.rlim_max = no_limit.rlim_max;
    check(setrlimit(RLIMIT_AS, &limit) == 0, "no limit");
    int status = api.evaluate(&batch, NULL, &result, NULL, 0, message, sizeof message);
    check(setrlimit(RLIMIT_AS, &no_limit) == 0, "no end of the limit");
    check(status == PULLPUSH_ERROR_MEMORY && strstr(message, "could not be allocated"), "status %d: %s", status,
          message);
    check(memcmp(&result, &before, sizeof result) == 0, "the result was written");
    status = api.evaluate(&batch, NULL, &result, NULL, 0, message, sizeof message);
    check(status == PULLPUSH_OK && result.positive_pairs == (uint64_t)rows * (rows - 1), "then status %d: %s", status,
          message);
}

int main(int count, char **arguments)
{
    if (count != 2 || api_load(arguments[1]) != 0) {
        fprintf(stderr, "usage: %s LIBRARY\n", arguments[0]);
        return 2;
    }
    faults = (struct fault_record *)mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                                         0);
    if (faults == MAP_FAILED)
        return 2;
    struct call call;
    for (int number = 0; call_make(number, &call); number++) {
        test_call(&call);
        call_free(&call);
    }
    cases += 1;
    failed_cases += in_child(test_address_space, NULL) != 0;
    printf("%d cases, %d failed\n", cases, failed_cases);
    return failed_cases > 0;
}
