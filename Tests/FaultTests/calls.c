#include "calls.h"

#include "../ABITests/api.h"
#include "../ABITests/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL, WIDE, MANY, BIG, LONG, LONGER, PAIRS, LARGE };
/* More pushed vectors than dimensions, fewer, one identity a row, enough bytes for several threads, and so
 * many rows of an identity, or identities, that what is noted of each fills a block of memory to its end. */
static const struct {
    struct shape shape;
    size_t dim;
} shapes[] = {{{12, {3}}, 5},    {{4, {3}}, 33},    {{9, {1, 4, 2}}, 7}, {{1100, {2}}, 65},
              {{2, {64}}, 16}, {{2, {1024}}, 3}, {{1024, {2}}, 3},    {{64, {2}}, 1024}};

#define F32 (&elements[0])
#define F64 (&elements[1])
#define F16 (&elements[2])
#define BF16 (&elements[3])

static const struct {
    const char *name;
    enum function function;
    int shape;
    const struct element *element;
    enum layout layout;
    int32_t push, push_between, reduction, num_threads, check_finite;
} table[] = {
    {"plain f32", PLAIN, SMALL, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"plain f64", PLAIN, WIDE, F64, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"samples_per_id", EVALUATE, SMALL, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"labels", EVALUATE, MANY, F32, LAYOUT_LABELS_SHUFFLED, 0, 1, 0, 1, 0},
    {"labels, check_finite", EVALUATE, MANY, F64, LAYOUT_LABELS_SHUFFLED, 0, 2, 0, 1, 1},
    {"bf16", EVALUATE, MANY, BF16, LAYOUT_LABELS_SORTED, 0, 0, 0, 1, 1},
    {"f16", EVALUATE, SMALL, F16, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"squared, many", EVALUATE, SMALL, F32, LAYOUT_SAMPLES_PER_ID, 1, 0, 0, 1, 0},
    {"squared, wide", EVALUATE, WIDE, F32, LAYOUT_SAMPLES_PER_ID, 1, 0, 0, 1, 0},
    {"squared, all, f16", EVALUATE, MANY, F16, LAYOUT_LABELS_SHUFFLED, 1, 2, 0, 1, 0},
    {"hinge", EVALUATE, SMALL, F32, LAYOUT_SAMPLES_PER_ID, 2, 0, 0, 1, 0},
    {"hinge, active, centroids, bf16", EVALUATE, MANY, BF16, LAYOUT_LABELS_SHUFFLED, 2, 1, 1, 1, 0},
    {"linear, 3 threads", EVALUATE, BIG, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 3, 1},
    {"squared, labels, 3 threads", EVALUATE, BIG, F32, LAYOUT_LABELS_SHUFFLED, 1, 0, 0, 3, 0},
    {"hinge, 3 threads", EVALUATE, BIG, F32, LAYOUT_SAMPLES_PER_ID, 2, 0, 1, 3, 0},
    {"accumulate", ACCUMULATE, MANY, F32, LAYOUT_LABELS_SHUFFLED, 0, 0, 0, 1, 1},
    {"accumulate, squared, f16", ACCUMULATE, SMALL, F16, LAYOUT_SAMPLES_PER_ID, 1, 1, 0, 1, 0},
    {"accumulate, 3 threads", ACCUMULATE, BIG, F32, LAYOUT_LABELS_SHUFFLED, 1, 0, 0, 3, 0},
    {"plain, long identities", PLAIN, LONG, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"long identities", EVALUATE, LONG, F32, LAYOUT_LABELS_SHUFFLED, 0, 0, 0, 1, 0},
    {"long identities, all, f64", EVALUATE, LONG, F64, LAYOUT_SAMPLES_PER_ID, 0, 2, 0, 1, 0},
    {"numbers of rows", EVALUATE, LONGER, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"numbers of rows, labels", EVALUATE, LONGER, F32, LAYOUT_LABELS_SHUFFLED, 0, 0, 0, 1, 0},
    {"numbers of identities", EVALUATE, PAIRS, F32, LAYOUT_LABELS_SHUFFLED, 0, 0, 0, 1, 0},
    {"sums of several units", EVALUATE, LARGE, F32, LAYOUT_SAMPLES_PER_ID, 0, 0, 0, 1, 0},
    {"finish", FINISH, MANY, F32, LAYOUT_LABELS_SHUFFLED, 0, 0, 0, 1, 1},
    {"finish, squared, bf16", FINISH, SMALL, BF16, LAYOUT_SAMPLES_PER_ID, 1, 0, 0, 1, 0},
    {"finish, 3 threads", FINISH, BIG, F32, LAYOUT_LABELS_SHUFFLED, 1, 0, 0, 3, 0},
};

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

int call_make(int number, struct call *call)
{
    if (number >= (int)(sizeof table / sizeof *table))
        return 0;
    memset(call, 0, sizeof *call);
    call->name = table[number].name;
    call->function = table[number].function;
    call->scene = scene_make(&shapes[table[number].shape].shape, shapes[table[number].shape].dim,
                             table[number].element, DATA_SPREAD, table[number].layout, 0, 0, 77);
    call->options = default_options();
    if (call->function == PLAIN)
        call->options.normalize = PULLPUSH_NORMALIZE_NONE;
    call->options.push = table[number].push;
    call->options.push_between = table[number].push_between;
    call->options.reduction = table[number].reduction;
    call->options.num_threads = table[number].num_threads;
    call->options.check_finite = table[number].check_finite;
    call->right.gradient = (double *)zeros(call->scene.rows * call->scene.dim, sizeof(double));
    call->right.row_scales = (double *)zeros(call->scene.rows, sizeof(double));
    reference_evaluate(call->scene.exact, call->scene.labels, call->scene.rows, call->scene.dim, &call->options,
                       &call->right);
    if (api.statistics_size(call->scene.dim, &call->options, &call->count) == PULLPUSH_OK) {
        call->statistics = (double *)zeros(call->count, sizeof(double));
        call->statistics_before = (double *)mmap(NULL, call->count * sizeof(double), PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (call->statistics_before == MAP_FAILED)
            abort();
    }
    return 1;
}

void call_free(struct call *call)
{
    scene_free(&call->scene);
    free(call->right.gradient), free(call->right.row_scales);
    free(call->statistics);
    if (call->count)
        munmap(call->statistics_before, call->count * sizeof(double));
}

static int perform(struct call *call)
{
    const pullpush_batch *batch = &call->scene.batch;
    void *gradient = call->scene.gradient.bytes;
    switch (call->function) {
    case PLAIN:
        if (batch->dtype == PULLPUSH_DTYPE_F32)
            return api.loss_f32((const float *)batch->features, batch->rows, batch->dim, batch->samples_per_id,
                                &call->loss, (float *)gradient);
        return api.loss_f64((const double *)batch->features, batch->rows, batch->dim, batch->samples_per_id,
                            &call->loss, (double *)gradient);
    case ACCUMULATE:
        return api.statistics_accumulate(batch, &call->options, call->statistics, call->count, call->message,
                                         sizeof call->message);
    case FINISH:
        return api.statistics_finish(batch, &call->options, call->statistics, call->count, &call->result, gradient, 0,
                                     call->message, sizeof call->message);
    default:
        return api.evaluate(batch, &call->options, &call->result, gradient, 0, call->message, sizeof call->message);
    }
}

/* In a process of its own, outside of what is made to fail: the memory that this call would leave for the next one is
 * none that the call under test may find. */
static void accumulate_elsewhere(struct call *call)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(api.statistics_accumulate(&call->scene.batch, &call->options, call->statistics_before, call->count, NULL,
                                        0));
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        abort();
}

int call_perform(struct call *call, struct fault fault)
{
    memcpy(call->scene.gradient.bytes, call->scene.gradient_before.bytes, call->scene.gradient.size);
    call->result = blank_result();
    call->loss = 1234;
    strcpy(call->message, "no message");
    for (size_t i = 0; i < call->count; i++)
        call->statistics_before[i] = call->function == ACCUMULATE ? 0.5 * (double)i : 0;
    if (call->function == FINISH)
        accumulate_elsewhere(call);
    if (call->count)
        memcpy(call->statistics, call->statistics_before, call->count * sizeof *call->statistics);
    faults_begin(fault);
    int status = perform(call);
    faults_end();
    return status;
}

/* What was accumulated decides a result, which is easier to know than the statistics themselves. */
static pullpush_result result_of_accumulated(const struct call *call)
{
    pullpush_result result = blank_result();
    double *added = (double *)zeros(call->count, sizeof *added);
    for (size_t i = 0; i < call->count; i++)
        added[i] = call->statistics[i] - call->statistics_before[i];
    int status =
        api.statistics_finish(&call->scene.batch, &call->options, added, call->count, &result, NULL, 0, NULL, 0);
    check(status == PULLPUSH_OK, "what was accumulated is refused with status %d", status);
    free(added);
    return result;
}

void call_check_right(const struct call *call)
{
    pullpush_result result = call->function == ACCUMULATE ? result_of_accumulated(call) : call->result;
    if (call->function == PLAIN)
        check(fabs(call->loss - call->right.result.loss) <= 1e-6, "the loss is %.9g instead of %.9g", call->loss,
              call->right.result.loss);
    else
        check_result(&result, &call->right, &call->options, call->scene.element, BATCH_ANY);
    if (call->function != ACCUMULATE)
        check_gradient(&call->scene, &call->right, 0, call->scene.rows, 0);
}

void call_check_untouched(const struct call *call)
{
    const struct scene *scene = &call->scene;
    pullpush_result blank = blank_result();
    check(memcmp(scene->gradient.bytes, scene->gradient_before.bytes, scene->gradient.size) == 0,
          "the gradient was written");
    check(memcmp(scene->features.bytes, scene->features_before.bytes, scene->features.size) == 0,
          "the features were written");
    check(memcmp(&call->result, &blank, sizeof blank) == 0, "the result was written");
    check(call->loss == 1234, "the loss was written");
    check(!call->count || memcmp(call->statistics, call->statistics_before, call->count * sizeof(double)) == 0,
          "the statistics were written");
}
