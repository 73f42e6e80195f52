/*
 * process_tests LIBRARY COPY [CALLS | TEST...]: the library among threads, processes and signals. COPY is the same file
 * under another name. With CALLS, nothing but so many calls in a row; with names of tests, only those.
 */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For one test. A sanitizer makes a program many times slower. */
#ifndef SECONDS
#define SECONDS 60
#endif

const char *library_path, *copy_path;
long soak_calls = 10000000;

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {
    {"callers", test_callers},
    {"small-stacks", test_small_stacks},
    {"all-help", test_all_help},
    {"waking", test_waking},
    {"sleep", test_sleep},
    {"processors", test_processors},
    {"asked", test_asked},
    {"fork-first", test_fork_first},
    {"fork-later", test_fork_later},
    {"fork-amid-calls", test_fork_amid_calls},
    {"fork-amid-first-call", test_fork_amid_first_call},
    {"fork-amid-first-limit", test_fork_amid_first_limit},
    {"exit-amid-calls", test_exit_amid_calls},
    {"environment", test_environment},
    {"reload", test_reload},
    {"load-local", test_load_local},
    {"load-global", test_load_global},
    {"two-copies", test_two_copies},
    {"two-global-copies", test_two_global_copies},
    {"timer", test_timer},
    {"timer-restart", test_timer_restart},
    {"blocked-signals", test_blocked_signals},
    {"faults", test_faults},
    {"cancel", test_cancel},
    {"scratch", test_scratch},
    {"soak", test_soak},
};

static int is_among(const char *name, char **names, int count)
{
    for (int n = 0; n < count; n++)
        if (strcmp(names[n], name) == 0)
            return 1;
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: %s LIBRARY COPY [CALLS | TEST...]\n", arguments[0]);
        return 2;
    }
    library_path = arguments[1];
    copy_path = arguments[2];
    if (count > 3 && isdigit((unsigned char)arguments[3][0])) {
        soak_calls = atol(arguments[3]);
        return !within("soak", INT_MAX, test_soak);
    }
    int failed = 0, wanted = count - 3;
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++) {
        if (count > 3 && !is_among(tests[t].name, arguments + 3, count - 3))
            continue;
        failed += !within(tests[t].name, SECONDS, tests[t].test);
        wanted -= 1;
    }
    if (wanted > 0)
        fprintf(stderr, "FAILED: %d of the names are of no test\n", wanted);
    return failed > 0 || wanted > 0;
}
