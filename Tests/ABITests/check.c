#include "check.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>

static long passed, failed;
static char current_case[512];

void check_case(const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(current_case, sizeof current_case, name, arguments);
    va_end(arguments);
}

void check(int ok, const char *sentence, ...)
{
    if (ok) {
        passed += 1;
        return;
    }
    failed += 1;
    if (failed > 40)
        return;
    va_list arguments;
    va_start(arguments, sentence);
    fprintf(stderr, "FAILED %s: ", current_case);
    vfprintf(stderr, sentence, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int check_report(void)
{
    printf("%ld passed, %ld failed\n", passed, failed);
    return failed > 0 || passed == 0;
}

int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}
