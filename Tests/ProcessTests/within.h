/* Processes with a time limit, so that a deadlock is a failure with a sentence and not a hang. */
#ifndef WITHIN_H
#define WITHIN_H

#include <sys/types.h>

/*
 * Runs a test in a new process, which is ended with all its children when the time is up. Prints how its checks went
 * and returns whether all held.
 */
int within(const char *name, int seconds, void (*test)(void));

/* Runs `body` in a forked child that ends as a program does, by exit. Returns its status: 0 if `body` gave 0. */
int in_child(int (*body)(void));
/* The same, and checks that it is 0. */
void check_in_child(const char *what, int (*body)(void));

/* How many pages of memory of its own this process has, less what malloc keeps for later. */
long count_pages(void);

/* The most memory that a call leaves for the next one. */
enum { KEPT_BYTES = 4 << 20 };

#endif
