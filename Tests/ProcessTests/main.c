/*
 * process_tests LIBRARY COPY [CALLS]: the library among threads, processes and signals. COPY is the same file under
 * another name. With CALLS, nothing but so many calls in a row.
 */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

const char *library_path, *copy_path;
long soak_calls = 10000000;

static const struct {
    const char *name;
    void (*test)(void);
} tests[] = {
    {"callers", test_callers},
    {"small-stacks", test_small_stacks},
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

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: %s LIBRARY COPY [CALLS]\n", arguments[0]);
        return 2;
    }
    library_path = arguments[1];
    copy_path = arguments[2];
    int failed = 0;
    if (count > 3) {
        soak_calls = atol(arguments[3]);
        return !within("soak", INT_MAX, test_soak);
    }
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++)
        failed += !within(tests[t].name, 60, tests[t].test);
    return failed > 0;
}
