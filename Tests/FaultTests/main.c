/*
 * fault_tests LIBRARY: every call of the table, with each request for memory or a thread refused in turn; first that
 * request alone, then it and all after it; and with ever more address space, from none on. Each case is a child process
 * of its own, so that each is a first call.
 */
#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "calls.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_REQUESTS = 200, SECONDS = 60 };

static const struct fault no_fault = {-1, 0, -1};
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
    check(faults->requests == 0, "the last call asked %ld times for memory that was left for it", faults->requests);
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
    struct fault fault = no_fault;
    for (fault.first = 0; fault.first < requests; fault.first++)
        for (fault.and_later = 0; fault.and_later < 2; fault.and_later++)
            fork_case(call, fault, live_blocks);
}

/* What became of the calls with little address space, in memory that their processes share. */
struct squeezed {
    int refused, alone, helped; /* calls that got no memory; that had no thread to help them; that had one */
};
static struct squeezed *squeezed;

static void squeeze(void *context)
{
    struct case_arguments *arguments = (struct case_arguments *)context;
    struct call *call = arguments->call;
    check_case("%s, room for %ld bytes", call->name, arguments->fault.room);
    int status = call_perform(call, arguments->fault);
    int helpers = count_threads() - 1;
    check_outcome(call, status);
    squeezed->refused += status != PULLPUSH_OK;
    squeezed->alone += status == PULLPUSH_OK && call->options.num_threads > 1 && helpers == 0;
    squeezed->helped += helpers > 0;
    status = call_perform(call, no_fault);
    check(status == PULLPUSH_OK, "a later call returned %d: %s", status, call->message);
    call_check_right(call);
    check(call->options.num_threads == 1 || count_threads() == call->options.num_threads, "%d threads later",
          count_threads());
}

/* Blocks of memory and stacks of threads that do not fit, for the system says so: a stack alone is 8 MiB. */
static void test_address_space(struct call *call)
{
    static const long step = 512 << 10, most = 20 << 20;
    struct case_arguments arguments = {call, no_fault, -1};
    for (long room = 0; room <= most; room += room < 8 << 20 ? step : 4 * step) {
        arguments.fault.room = room;
        cases += 1;
        failed_cases += in_child(squeeze, &arguments) != 0;
    }
}

/* On one thread the linear push needs scratch for vectors, however many rows there are: here, of 4 MiB. */
static void linear_scratch(void *context)
{
    enum { ROWS = 1 << 16, DIM = 16, MOST = 1 << 16 };
    (void)context;
    float *features = (float *)calloc(ROWS * DIM, sizeof *features);
    pullpush_batch batch = {sizeof batch, features, ROWS, DIM, 0, NULL, 2, PULLPUSH_DTYPE_F32, 0};
    pullpush_options options = default_options();
    options.num_threads = 1;
    for (options.push_between = 0; options.push_between < 3; options.push_between++) {
        pullpush_result result = blank_result();
        check_case("scratch of the linear push, push_between %d", (int)options.push_between);
        faults_begin(no_fault);
        int status = api.evaluate(&batch, &options, &result, NULL, 0, NULL, 0);
        faults_end();
        check(status == PULLPUSH_OK, "status %d", status);
        check(faults->bytes <= MOST, "%ld bytes", faults->bytes);
    }
    free(features);
}

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

int main(int count, char **arguments)
{
    if (count != 2 || api_load(arguments[1]) != 0) {
        fprintf(stderr, "usage: %s LIBRARY\n", arguments[0]);
        return 2;
    }
    faults = (struct fault_record *)shared_memory(sizeof *faults);
    squeezed = (struct squeezed *)shared_memory(sizeof *squeezed);
    api.set_max_threads(3);
    cases += 1;
    failed_cases += in_child(linear_scratch, NULL) != 0;
    struct call call;
    for (int number = 0; call_make(number, &call); number++) {
        test_call(&call);
        test_address_space(&call);
        call_free(&call);
    }
    printf("%d cases, %d failed; with little address space %d calls were refused, %d had no help, %d had\n", cases,
           failed_cases, squeezed->refused, squeezed->alone, squeezed->helped);
    if (!squeezed->refused || !squeezed->alone || !squeezed->helped) {
        fprintf(stderr, "FAILED: the address space was never, or always, too little\n");
        return 1;
    }
    return failed_cases > 0;
}
