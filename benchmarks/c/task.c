#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct task *task_new(const float *features, const int64_t *labels, size_t rows, size_t dim, size_t samples_per_id,
                      float *gradient, int32_t normalize, int32_t push) {
    struct task *task = calloc(1, sizeof *task);
    if (!task) return NULL;
    task->batch = (pullpush_batch){.struct_size = sizeof task->batch,
                                   .features = features,
                                   .rows = rows,
                                   .dim = dim,
                                   .labels = labels,
                                   .samples_per_id = labels ? 0 : samples_per_id,
                                   .dtype = PULLPUSH_DTYPE_F32};
    pullpush_options_init(&task->options, sizeof task->options);
    task->options.normalize = normalize;
    task->options.push = push;
    task->result.struct_size = sizeof task->result;
    task->loss = NAN;
    task->gradient = gradient;
    task->scratch = aligned_alloc(64, (4 * dim * sizeof(float) + 63) / 64 * 64);
    task->weights = malloc(3 * samples_per_id * sizeof(double));
    if (!task->scratch || !task->weights) {
        task_free(task);
        return NULL;
    }
    return task;
}

void task_free(struct task *task) {
    free(task->scratch);
    free(task->weights);
    free(task);
}

double task_loss(const struct task *task) { return task->loss; }

int64_t task_time(call *function, struct task *task, long loops) {
    int64_t start = now();
    for (long i = 0; i < loops; i++) function(task);
    return now() - start;
}

void call_plain(struct task *task) {
    const pullpush_batch *batch = &task->batch;
    if (pullpush_loss_f32(batch->features, batch->rows, batch->dim, batch->samples_per_id, &task->loss,
                          task->gradient) != PULLPUSH_OK)
        task->loss = NAN;
}

void call_general(struct task *task) {
    int status = pullpush_evaluate(&task->batch, &task->options, &task->result, task->gradient, 0, NULL, 0);
    task->loss = status == PULLPUSH_OK ? task->result.loss : NAN;
}
