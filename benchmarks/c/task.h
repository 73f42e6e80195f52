/*
 * One call to be timed: what it reads, where it writes, and how the clock is run over it.
 *
 * Everything that is timed in C has the type `call`, so that one loop times them all and none pays for Python.
 */
#ifndef BENCHMARKS_TASK_H
#define BENCHMARKS_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "pullpush.h"

struct task {
    pullpush_batch batch;     /* rows x dim contiguous float32 features; labels or samples_per_id */
    pullpush_options options; /* of the general call */
    pullpush_result result;   /* of the general call */
    double loss;              /* of every call */
    float *gradient;          /* rows x dim */
    float *scratch;           /* 4 x dim, for the careful C forms */
    double *weights;          /* 3 x samples_per_id, likewise */
};

typedef void call(struct task *);

/* NULL when memory is short. `labels` may be NULL; samples_per_id is then the layout. */
struct task *task_new(const float *features, const int64_t *labels, size_t rows, size_t dim, size_t samples_per_id,
                      float *gradient, int32_t normalize, int32_t push);
void task_free(struct task *task);
double task_loss(const struct task *task);

/* Nanoseconds that `loops` calls take. */
int64_t task_time(call *function, struct task *task, long loops);

/* Nanoseconds of the monotonic clock. */
int64_t now(void);

/* The calls. The library's leave the task's loss NaN on failure. */
call call_plain, call_general, call_careful_none, call_careful_l2;

#endif
