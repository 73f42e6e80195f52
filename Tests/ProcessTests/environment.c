#include "environment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *held_variable;
sem_t reading, let_go;
char names_read[READS][64];
int reads;

/* A program's own definition comes before that of libc, for the libraries it loads too. */
char *getenv(const char *name)
{
    size_t length = strlen(name);
    int number = __atomic_fetch_add(&reads, 1, __ATOMIC_SEQ_CST);
    if (number < READS)
        snprintf(names_read[number], sizeof names_read[number], "%s", name);
    if (held_variable && strcmp(name, held_variable) == 0) {
        sem_post(&reading);
        sem_wait(&let_go);
    }
    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}
