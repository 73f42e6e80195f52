#include "within.h"

#include "../ABITests/check.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void print_end(const char *name, int status)
{
    if (WIFSIGNALED(status))
        fprintf(stderr, "FAILED %s: died by signal %d\n", name, WTERMSIG(status));
}

int within(const char *name, int seconds, void (*test)(void))
{
    const struct timespec pause = {0, 1000000};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        check_case("%s", name);
        test();
        printf("%s: ", name);
        int failed = check_report();
        fflush(NULL);
        _exit(failed);
    }
    int status = -1;
    for (time_t end = time(NULL) + seconds; child > 0 && time(NULL) <= end; nanosleep(&pause, NULL))
        if (waitpid(child, &status, WNOHANG) == child) {
            print_end(name, status);
            return status == 0;
        }
    fprintf(stderr, "FAILED %s: did not end within %d s\n", name, seconds);
    if (child > 0 && kill(-child, SIGKILL) == 0)
        waitpid(child, &status, 0);
    return 0;
}

int in_child(int (*body)(void))
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        exit(body() != 0);
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

void check_in_child(const char *what, int (*body)(void))
{
    int status = in_child(body);
    check(status == 0, "%s: the child ended with %s %d", what, WIFEXITED(status) ? "status" : "signal",
          WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

long count_pages(void)
{
    long kilobytes = 0;
    char line[256];
    malloc_trim(0);
    FILE *file = fopen("/proc/self/smaps_rollup", "r"); /* exact, unlike statm */
    if (!file)
        abort();
    while (fgets(line, sizeof line, file) && sscanf(line, "Anonymous: %ld", &kilobytes) != 1)
        ;
    fclose(file);
    return kilobytes * 1024 / sysconf(_SC_PAGESIZE);
}
