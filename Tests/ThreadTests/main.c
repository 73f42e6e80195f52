/*
 * thread_tests: the first calls of a process, all at once. The library settles on an instruction set, reads its
 * environment and makes its pool of threads on first use, and here several threads are the first, while another changes
 * how many threads calls may have. Run it often, and under ThreadSanitizer.
 */
#include "../ABITests/api.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLERS = 6, CALLS = 4, ROWS = 96, DIM = 24, SAMPLES = 4 };

static pthread_barrier_t start;
static double features[ROWS * DIM];

struct caller {
    pthread_t thread;
    int number, failed;
    double gradient[ROWS * DIM];
};

static void *call(void *context)
{
    struct caller *caller = (struct caller *)context;
    pullpush_batch batch = {sizeof batch, features, ROWS, DIM, 0, NULL, SAMPLES, PULLPUSH_DTYPE_F64, 0};
    pullpush_options options;
    pullpush_result result = {sizeof result, 0, 0, 0, 0, 0, 0, 0, 0};
    pthread_barrier_wait(&start);
    for (int i = 0; i < CALLS; i++) {
        caller->failed |= api.options_preset(&options, sizeof options, PULLPUSH_PRESET_ORTHOGONAL);
        options.num_threads = caller->number % 3 == 0 ? 1 : 3;
        caller->failed |= api.evaluate(&batch, &options, &result, caller->gradient, 0, NULL, 0);
        caller->failed |= api.isa()[0] == 0;
        if (caller->number == 1)
            api.set_max_threads(i % 4);
    }
    return NULL;
}

int main(void)
{
    static struct caller callers[CALLERS];
    int wrong = api_load(NULL);
    for (int i = 0; i < ROWS * DIM; i++)
        features[i] = (i * 7919 % 1000) / 1000.0 - 0.5;
    pthread_barrier_init(&start, NULL, CALLERS);
    for (int c = 0; c < CALLERS; c++) {
        callers[c].number = c;
        wrong |= pthread_create(&callers[c].thread, NULL, call, &callers[c]);
    }
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(callers[c].thread, NULL);
        wrong |= callers[c].failed;
        wrong |= memcmp(callers[c].gradient, callers[0].gradient, sizeof callers[c].gradient) != 0;
    }
    if (wrong)
        fprintf(stderr, "FAILED first calls at once: a status, or other bits\n");
    return wrong != 0;
}
