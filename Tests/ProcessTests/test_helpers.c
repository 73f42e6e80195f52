/* Helper threads work when there is work, all that a call wants, and sleep when there is none. */
#include "../ABITests/check.h"
#include "tests.h"
#include "within.h"
#include "work.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Threads of this process that do not sleep, this one aside. */
static int count_awake(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;) {
        char path[300], state = 'S';
        int thread = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        count += fscanf(file, "%d (%*[^)]) %c", &thread, &state) == 2 && thread != gettid() && state != 'S';
        fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return count;
}

/* Waits until all helpers sleep, and go on to. */
static void wait_for_sleep(void)
{
    const struct timespec moment = {0, 2000000};
    for (int asleep = 0; asleep < 5; asleep = count_awake() == 0 ? asleep + 1 : 0)
        nanosleep(&moment, NULL);
}

void test_all_help(void)
{
    load(library_path);
    works_make();
    check_faults_on_helpers(3, 1, NULL);
}

/* One that sleeps is woken, be it the only one or one of several. */
void test_waking(void)
{
    load(library_path);
    works_make();
    /* The first call starts the helper. */
    for (int time = 0; time < 4; time++) check_faults_on_helpers(1, 1, wait_for_sleep);
    for (int time = 0; time < 4; time++) check_faults_on_helpers(3, 1, wait_for_sleep);
}

enum { MEDIUM_WORK = 4 };

/* As many threads as there are processors where nothing limits them, unless the batch is small. */
void test_processors(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsetenv("PULLPUSH_NUM_THREADS");
    check(api_load(library_path) == 0 && api.set_max_threads(0) == 0, "a limit from the beginning");
    works_make();
    const int before = count_threads();
    api.set_max_threads(1);
    check(work_repeat(&api, BIG_WORK, 3), "a call went wrong");
    check(count_threads() == before, "a helper in spite of the limit");
    api.set_max_threads(0);
    check(work_repeat(&api, MEDIUM_WORK, 0), "a call went wrong");
    check(count_threads() == before, "a helper for a small batch");
    check(work_repeat(&api, BIG_WORK, 0), "a call went wrong");
    int helpers = count_threads() - before;
    check(helpers < processors && (helpers > 0 || processors == 1), "%d helpers, %ld processors", helpers, processors);
}

/* A small batch has helpers where it asks for them. */
void test_asked(void)
{
    load(library_path);
    works_make();
    const int before = count_threads();
    check(work_repeat(&api, MEDIUM_WORK, 2), "a call went wrong");
    check(count_threads() == before + 1, "%d threads of %d", count_threads(), before);
}

/* However the machine is loaded, at some time they all sleep. */
void test_sleep(void)
{
    load(library_path);
    works_make();
    const int before = count_threads();
    for (int i = 0; i < 20; i++) {
        check(work_repeat(&api, BIG_WORK, 4), "a call went wrong");
        check(count_threads() == before + 3, "%d threads of %d", count_threads(), before);
        wait_for_sleep();
    }
}
