/* Requests of the library to the system (memory, threads) that can be made to fail, each by its number. */
#ifndef FAULTS_H
#define FAULTS_H

/* What to refuse: request number `first` (from 0; -1 for none), and every later one too if `and_later`; and what the
 * system itself refuses when the process may map no more than `room` bytes (-1 for no limit). */
struct fault {
    long first;
    int and_later;
    long room;
};

/* What there was between faults_begin and faults_end, over all such spans together. */
struct fault_record {
    long requests;    /* of the last span */
    long bytes;       /* that the last span was given */
    long live_blocks; /* allocated in a span and not freed in one */
    const char *kind; /* of the first refused request of the last span; NULL when none was refused */
    const void *site; /* where that request returns to */
};

/* Where the record is kept; point it into shared memory and it outlives a crash. */
extern struct fault_record *faults;

/* From here to faults_end requests of this process are counted and refused. */
void faults_begin(struct fault fault);
void faults_end(void);

#endif
