/* The library reads two variables of the environment, each once, and no other; SECURITY.md says so. */
#include "../ABITests/check.h"
#include "environment.h"
#include "tests.h"
#include "work.h"

#include <string.h>

static int times_read(const char *name)
{
    int times = 0;
    for (int i = 0; i < reads && i < READS; i++)
        times += strcmp(names_read[i], name) == 0;
    return times;
}

void test_environment(void)
{
    reads = 0;
    load(library_path);
    works_make();
    check(works_wrong(3) == 0, "calls went wrong");
    check(api.isa()[0] && api.status_string(0)[0] && api.version_string()[0], "no strings");
    int isa = times_read("PULLPUSH_ISA"), threads = times_read("PULLPUSH_NUM_THREADS");
    check(isa == 1, "PULLPUSH_ISA was read %d times", isa);
    check(threads == 1, "PULLPUSH_NUM_THREADS was read %d times", threads);
    for (int i = 0; i < reads && i < READS; i++)
        check(strncmp(names_read[i], "PULLPUSH_", 9) == 0, "%s was read", names_read[i]);
    check(reads == 2, "variables were read %d times", reads);
}
