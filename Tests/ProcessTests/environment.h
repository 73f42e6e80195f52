/* The environment, as this program lets the library read it. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <semaphore.h>

/* A variable whose reader is held up until it is let go: the library is in its first call then. */
extern const char *held_variable;
extern sem_t reading, let_go;

enum { READS = 64 };
/* The first names that were asked for, and how often any was. */
extern char names_read[READS][64];
extern int reads;

#endif
