/* Counting checks: a failed one prints its sentence and the run goes on. */
#ifndef CHECK_H
#define CHECK_H

/* Counts one check; when `ok` is 0 prints the current case and the sentence (the first 40 failures only). */
void check(int ok, const char *sentence, ...) __attribute__((format(printf, 2, 3)));

/* Names the case that the next failures belong to. */
void check_case(const char *name, ...) __attribute__((format(printf, 1, 2)));

/* Prints "N passed, N failed" and returns the exit status. */
int check_report(void);

/* How many threads this process has. */
int count_threads(void);

#endif
