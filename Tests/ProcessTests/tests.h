/* The tests, each to be run in a process of its own that has not used the library before. */
#ifndef TESTS_H
#define TESTS_H

/* The shared library, and the same file under another name. */
extern const char *library_path, *copy_path;
extern long soak_calls;

void test_callers(void);
void test_small_stacks(void);

void test_all_help(void);
void test_waking(void);
void test_sleep(void);
void test_processors(void);
void test_asked(void);

void test_fork_first(void);
void test_fork_later(void);
void test_fork_amid_calls(void);
void test_fork_amid_first_call(void);
void test_fork_amid_first_limit(void);
void test_exit_amid_calls(void);

void test_environment(void);

void test_reload(void);
void test_load_local(void);
void test_load_global(void);
void test_two_copies(void);
void test_two_global_copies(void);

void test_timer(void);
void test_timer_restart(void);
void test_blocked_signals(void);
void test_faults(void);
void test_cancel(void);

void test_scratch(void);
void test_soak(void);

/* Makes calls, each by so many helper threads and one more, until in one of them each helper has handled so many page
 * faults of this program's own; `before`, if there is one, comes before each call. */
void check_faults_on_helpers(int wanted_helpers, int wanted, void (*before)(void));

#endif
