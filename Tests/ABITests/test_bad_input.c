/* One row for each mistake: what is spoiled, the status that must come back, and what its message must name. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "tests.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12, DIM = 5, COUNT = DIM + 5 };

/* Everything a call may read or write, in one piece, so that one comparison shows whether anything was written. */
struct memory {
    float features[ROWS * DIM];
    char gap[64];
    float gradient[ROWS * DIM];
    int64_t labels[ROWS * DIM];
    double total[2 * ROWS * DIM];
    pullpush_result result;
    char after_result[ROWS * DIM * 4];
    pullpush_batch batch;
    char after_batch[64];
    pullpush_options options;
    char after_options[64];
};

enum function { EVALUATE = 1, ACCUMULATE = 2, FINISH = 4, EVERY = EVALUATE | ACCUMULATE | FINISH };

struct call {
    enum function function;
    struct memory memory;
    pullpush_batch *batch;
    pullpush_options *options;
    pullpush_result *result;
    double *total;
    size_t count, gradient_stride;
    void *gradient;
};

static void prepare(struct call *call, enum function function)
{
    struct memory *memory = &call->memory;
    memset(call, 0, sizeof *call);
    call->function = function;
    for (int i = 0; i < ROWS * DIM; i++) {
        memory->features[i] = (float)((i * 37 % 11) - 5) / 7;
        memory->gradient[i] = 1;
        memory->labels[i] = i / 3;
    }
    memory->batch.struct_size = sizeof memory->batch;
    memory->batch.features = memory->features;
    memory->batch.rows = ROWS;
    memory->batch.dim = DIM;
    memory->batch.samples_per_id = 3;
    memory->batch.dtype = PULLPUSH_DTYPE_F32;
    api.options_init(&memory->options, sizeof memory->options);
    api.statistics_accumulate(&memory->batch, &memory->options, memory->total, COUNT, NULL, 0);
    memory->result.struct_size = sizeof memory->result;
    call->batch = &memory->batch;
    call->options = &memory->options;
    call->result = &memory->result;
    call->total = memory->total;
    call->count = COUNT;
    call->gradient = memory->gradient;
}

static int perform(const struct call *call, char *message, size_t message_size)
{
    switch (call->function) {
    case EVALUATE:
        return api.evaluate(call->batch, call->options, call->result, call->gradient, call->gradient_stride, message,
                            message_size);
    case ACCUMULATE:
        return api.statistics_accumulate(call->batch, call->options, call->total, call->count, message, message_size);
    default:
        return api.statistics_finish(call->batch, call->options, call->total, call->count, call->result,
                                     call->gradient, call->gradient_stride, message, message_size);
    }
}

static void *shifted(const void *pointer, ptrdiff_t bytes)
{
    return (char *)(uintptr_t)pointer + bytes;
}

/* So many rows of one 16-bit number each, the least there can be, with labels where samples_per_id is 0. */
static void thin_rows(struct call *call, int32_t dtype, size_t rows, size_t samples_per_id)
{
    pullpush_batch *batch = &call->memory.batch;
    batch->dtype = dtype;
    batch->rows = rows;
    batch->dim = 1;
    batch->samples_per_id = samples_per_id;
    batch->labels = samples_per_id ? NULL : call->memory.labels;
    call->count = 1 + 5;
}

#define F16 PULLPUSH_DTYPE_F16
#define BF16 PULLPUSH_DTYPE_BF16
#define BATCH call->memory.batch
#define OPTIONS call->memory.options
/* name, functions, status, argument in the message, value in the message, statement */
#define MISTAKES(X)                                                                                                   \
    X(null_batch, EVERY, NULL, "batch", "NULL", call->batch = NULL)                                                   \
    X(null_features, EVERY, NULL, "features", "NULL", BATCH.features = NULL)                                          \
    X(null_result, EVALUATE | FINISH, NULL, "result", "NULL", call->result = NULL)                                    \
    X(null_statistics, ACCUMULATE, NULL, "statistics", "NULL", call->total = NULL)                                    \
    X(null_total, FINISH, NULL, "total", "NULL", call->total = NULL)                                                  \
    X(batch_size_0, EVERY, STRUCT_SIZE, "batch.struct_size", "0", BATCH.struct_size = 0)                              \
    X(batch_size_8, EVERY, STRUCT_SIZE, "batch.struct_size", "8", BATCH.struct_size = 8)                              \
    X(batch_size_max, EVERY, STRUCT_SIZE, "batch.struct_size", "", BATCH.struct_size = SIZE_MAX)                      \
    X(batch_tail, EVERY, STRUCT_SIZE, "batch.struct_size", "",                                                        \
      (BATCH.struct_size += 16, call->memory.after_batch[15] = 1))                                                    \
    X(options_size_0, EVERY, STRUCT_SIZE, "options.struct_size", "0", OPTIONS.struct_size = 0)                        \
    X(options_size_7, EVERY, STRUCT_SIZE, "options.struct_size", "7", OPTIONS.struct_size = 7)                        \
    X(options_short, EVERY, STRUCT_SIZE, "options.struct_size", "", OPTIONS.struct_size -= 8)                         \
    X(options_size_max, EVERY, STRUCT_SIZE, "options.struct_size", "", OPTIONS.struct_size = SIZE_MAX)                \
    X(options_tail, EVERY, STRUCT_SIZE, "options.struct_size", "",                                                    \
      (OPTIONS.struct_size += 8, call->memory.after_options[0] = 1))                                                  \
    X(result_size_0, EVALUATE | FINISH, STRUCT_SIZE, "result.struct_size", "0", call->result->struct_size = 0)        \
    X(result_short, EVALUATE | FINISH, STRUCT_SIZE, "result.struct_size", "", call->result->struct_size -= 8)         \
    X(result_size_max, EVALUATE | FINISH, STRUCT_SIZE, "result.struct_size", "", call->result->struct_size = SIZE_MAX) \
    X(result_size_8, EVALUATE | FINISH, STRUCT_SIZE, "result.struct_size", "8", call->result->struct_size = 8)        \
    X(dtype_0, EVERY, DTYPE, "dtype", "0", BATCH.dtype = 0)                                                           \
    X(dtype_5, EVERY, DTYPE, "dtype", "5", BATCH.dtype = 5)                                                           \
    X(dtype_negative, EVERY, DTYPE, "dtype", "-1", BATCH.dtype = -1)                                                  \
    X(rows_0, EVERY, SIZE, "rows", "0", BATCH.rows = 0)                                                               \
    X(dim_0, EVERY, SIZE, "dim", "0", BATCH.dim = 0)                                                                  \
    X(samples_0, EVERY, SIZE, "samples_per_id", "0", BATCH.samples_per_id = 0)                                        \
    X(samples_5, EVERY, SIZE, "samples_per_id", "5", BATCH.samples_per_id = 5)                                        \
    X(samples_24, EVERY, SIZE, "samples_per_id", "24", BATCH.samples_per_id = 24)                                     \
    X(samples_and_labels, EVERY, SIZE, "samples_per_id", "3", BATCH.labels = call->memory.labels)                     \
    X(rows_max, EVERY, SIZE, "rows", "", (BATCH.rows = SIZE_MAX, BATCH.samples_per_id = 1))                           \
    X(rows_bytes, EVERY, SIZE, "rows", "", (BATCH.rows = SIZE_MAX / 16, BATCH.samples_per_id = 1))                    \
    X(rows_signed, EVERY, SIZE, "rows", "", (BATCH.rows = SIZE_MAX / 40 + 3, BATCH.samples_per_id = 1))               \
    X(rows_labelled, EVERY, SIZE, "rows", "",                                                                         \
      (BATCH.rows = SIZE_MAX / 4, BATCH.labels = call->memory.labels, BATCH.samples_per_id = 0))                      \
    X(rows_whose_pairs, EVERY, SIZE, "rows", "3037000500", (BATCH.rows = 3037000500, BATCH.samples_per_id = 1))        \
    X(as_many_rows_as_can_be, EVERY, SIZE, "3037000499", "a multiple of samples_per_id, 2",                           \
      (BATCH.rows = 3037000499, BATCH.samples_per_id = 2))                                                            \
    X(f16_labels_2_61, EVERY, SIZE, "rows", "2305843009213693951", thin_rows(call, F16, ((size_t)1 << 61) - 1, 0))     \
    X(bf16_labels_2_61, EVERY, SIZE, "rows", "2305843009213693952", thin_rows(call, BF16, (size_t)1 << 61, 0))         \
    X(bf16_labels_2_60, EVERY, SIZE, "rows", "1152921504606846976", thin_rows(call, BF16, (size_t)1 << 60, 0))         \
    X(f16_rows_2_62, EVERY, SIZE, "rows", "", thin_rows(call, F16, (size_t)1 << 62, 1))                                \
    X(f16_rows_before_2_62, EVERY, SIZE, "rows", "", thin_rows(call, F16, ((size_t)1 << 62) - 2, 2))                   \
    X(bf16_rows_before_2_62, EVERY, SIZE, "rows", "", thin_rows(call, BF16, ((size_t)1 << 62) - 1, 1))                 \
    X(bf16_identity_2_61, EVERY, SIZE, "rows", "", thin_rows(call, BF16, (size_t)1 << 61, (size_t)1 << 61))            \
    X(f16_samples_2_62, EVERY, SIZE, "samples_per_id", "", thin_rows(call, F16, ROWS, (size_t)1 << 62))                \
    X(dim_max, EVERY, SIZE, "dim", "", BATCH.dim = SIZE_MAX)                                                          \
    X(dim_bytes, EVERY, SIZE, "memory", "", BATCH.dim = SIZE_MAX / 8)                                                 \
    X(stride_max, EVERY, SIZE, "row_stride", "", BATCH.row_stride = SIZE_MAX)                                         \
    X(stride_bytes, EVERY, SIZE, "rows", "12", BATCH.row_stride = SIZE_MAX / 32)                                      \
    X(stride_4, EVERY, STRIDE, "row_stride", "4", BATCH.row_stride = 4)                                               \
    X(gradient_stride_4, EVALUATE | FINISH, STRIDE, "gradient_stride", "4", call->gradient_stride = 4)                \
    X(gradient_stride_max, EVALUATE | FINISH, SIZE, "gradient_stride", "", call->gradient_stride = SIZE_MAX)          \
    X(features_odd, EVERY, ALIGNMENT, "features", "", BATCH.features = shifted(BATCH.features, 1))                    \
    X(features_half, EVERY, ALIGNMENT, "features", "", BATCH.features = shifted(BATCH.features, 2))                   \
    X(features_f64, EVERY, ALIGNMENT, "features", "",                                                                 \
      (BATCH.dtype = PULLPUSH_DTYPE_F64, BATCH.rows = 3, BATCH.features = shifted(BATCH.features, 4)))                \
    X(batch_misaligned, EVERY, ALIGNMENT, "batch.struct_size", "",                                                    \
      call->batch = (pullpush_batch *)shifted(call->batch, 4))                                                        \
    X(options_misaligned, EVERY, ALIGNMENT, "options.struct_size", "",                                                \
      call->options = (pullpush_options *)shifted(call->options, 4))                                                  \
    X(result_misaligned, EVALUATE | FINISH, ALIGNMENT, "result", "",                                                  \
      call->result = (pullpush_result *)shifted(call->result, 4))                                                     \
    X(gradient_odd, EVALUATE | FINISH, ALIGNMENT, "gradient", "", call->gradient = shifted(call->gradient, 1))        \
    X(labels_odd, EVERY, ALIGNMENT, "labels", "",                                                                     \
      (BATCH.samples_per_id = 0, BATCH.labels = (const int64_t *)shifted(call->memory.labels, 4)))                    \
    X(statistics_odd, ACCUMULATE, ALIGNMENT, "statistics", "", call->total = (double *)shifted(call->total, 4))       \
    X(total_odd, FINISH, ALIGNMENT, "total", "", call->total = (double *)shifted(call->total, 4))                     \
    X(over_features, EVALUATE | FINISH, OVERLAP, "gradient", "features", call->gradient = call->memory.features)      \
    X(over_last_feature, EVALUATE | FINISH, OVERLAP, "gradient", "features",                                          \
      call->gradient = &call->memory.features[ROWS * DIM - 1])                                                        \
    X(over_labels, EVALUATE | FINISH, OVERLAP, "gradient", "labels",                                                  \
      (BATCH.samples_per_id = 0, BATCH.labels = call->memory.labels, call->gradient = call->memory.labels))           \
    X(over_result, EVALUATE | FINISH, OVERLAP, "gradient", "output", call->gradient = &call->memory.result)           \
    X(over_total, FINISH, OVERLAP, "gradient", "total", call->gradient = call->memory.total)                          \
    X(batch_reserved, EVERY, OPTION, "reserved", "1", BATCH.reserved = 1)                                             \
    X(options_reserved, EVERY, OPTION, "reserved", "1", OPTIONS.reserved = 1)                                         \
    X(normalize_3, EVERY, OPTION, "normalize", "3", OPTIONS.normalize = 3)                                            \
    X(normalize_negative, EVERY, OPTION, "normalize", "-1", OPTIONS.normalize = -1)                                   \
    X(self_pairs_2, EVERY, OPTION, "self_pairs", "2", OPTIONS.self_pairs = 2)                                         \
    X(push_3, EVERY, OPTION, "push", "3", OPTIONS.push = 3)                                                           \
    X(reduction_2, EVERY, OPTION, "reduction", "2", OPTIONS.reduction = 2)                                            \
    X(push_between_3, EVERY, OPTION, "push_between", "3", OPTIONS.push_between = 3)                                   \
    X(objective_2, EVERY, OPTION, "objective", "2", OPTIONS.objective = 2)                                            \
    X(target_nan, EVERY, OPTION, "target", "nan", OPTIONS.target = NAN)                                               \
    X(margin_infinite, EVERY, OPTION, "margin", "inf", OPTIONS.margin = INFINITY)                                     \
    X(pull_weight_nan, EVERY, OPTION, "pull_weight", "nan", OPTIONS.pull_weight = NAN)                                \
    X(push_weight_infinite, EVERY, OPTION, "push_weight", "inf", OPTIONS.push_weight = -INFINITY)                     \
    X(upstream_nan, EVERY, OPTION, "upstream", "nan", OPTIONS.upstream = NAN)                                         \
    X(num_threads_negative, EVERY, OPTION, "num_threads", "-1", OPTIONS.num_threads = -1)                             \
    X(check_finite_2, EVERY, OPTION, "check_finite", "2", OPTIONS.check_finite = 2)                                   \
    X(accumulate_2, EVERY, OPTION, "accumulate", "2", OPTIONS.accumulate = 2)                                         \
    X(squared_euclidean, EVERY, OPTION, "push", "squared_euclidean",                                                  \
      (OPTIONS.push = PULLPUSH_PUSH_SQUARED, OPTIONS.objective = PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN))               \
    X(active_without_hinge, EVERY, OPTION, "reduction", "mean_active",                                                \
      OPTIONS.reduction = PULLPUSH_REDUCTION_MEAN_ACTIVE)                                                             \
    X(statistics_of_a_hinge, ACCUMULATE | FINISH, OPTION, "push", "hinge", OPTIONS.push = PULLPUSH_PUSH_HINGE)        \
    X(count_short, ACCUMULATE | FINISH, STATISTICS, "count", "9", call->count = COUNT - 1)                            \
    X(count_long, ACCUMULATE | FINISH, STATISTICS, "count", "11", call->count = COUNT + 1)                            \
    X(total_of_fewer_points, FINISH, STATISTICS, "total[0]", "3", call->total[0] = 3)                                 \
    X(total_of_too_many_points, FINISH, STATISTICS, "total[0]", "3.037e+09", call->total[0] = 3037000500)             \
    X(total_of_half_a_point, FINISH, STATISTICS, "total[0]", "4.5", call->total[0] = 4.5)                             \
    X(total_of_fewer_pairs, FINISH, STATISTICS, "total[1]", "23", call->total[1] = 23)                                \
    X(total_of_no_number, FINISH, STATISTICS, "total[1]", "nan", call->total[1] = NAN)                                \
    X(no_memory, EVALUATE, MEMORY, "scratch memory", "bytes",                                                         \
      (BATCH.rows = BATCH.samples_per_id = 1, BATCH.dim = SIZE_MAX >> 6, call->gradient = NULL))

#define DEFINE_MISTAKE(name, functions, status, argument, value, statement)                                           \
    static void spoil_##name(struct call *call)                                                                       \
    {                                                                                                                 \
        statement;                                                                                                    \
    }
MISTAKES(DEFINE_MISTAKE)

static const struct {
    const char *name;
    int functions, status;
    const char *argument, *value;
    void (*spoil)(struct call *call);
} mistakes[] = {
#define LIST_MISTAKE(name, functions, status, argument, value, statement)                                             \
    {#name, functions, PULLPUSH_ERROR_##status, argument, value, spoil_##name},
    MISTAKES(LIST_MISTAKE)
};

static const enum function functions[] = {EVALUATE, ACCUMULATE, FINISH};
static const char *const function_names[] = {"evaluate", "accumulate", "finish"};

static void test_mistake(size_t mistake, size_t function)
{
    static struct call call;
    static struct memory before;
    char message[256];
    prepare(&call, functions[function]);
    mistakes[mistake].spoil(&call);
    memcpy(&before, &call.memory, sizeof before);
    check_case("bad input, %s of %s", mistakes[mistake].name, function_names[function]);

    memset(message, 'x', sizeof message);
    int status = perform(&call, message, sizeof message);
    check(status == mistakes[mistake].status, "status %d instead of %d", status, mistakes[mistake].status);
    check(memchr(message, 0, sizeof message) != NULL, "the message does not end");
    message[sizeof message - 1] = 0;
    check(strstr(message, mistakes[mistake].argument) && strstr(message, mistakes[mistake].value),
          "the message does not name %s %s: '%s'", mistakes[mistake].argument, mistakes[mistake].value, message);

    for (size_t room = 0; room <= strlen(message); room++) { /* less room: the same sentence, cut */
        char cut[sizeof message];
        memset(cut, 'x', sizeof cut);
        status = perform(&call, cut, room);
        check(status == mistakes[mistake].status, "status %d with %zu bytes for the message", status, room);
        int fits = room == 0 || (strncmp(cut, message, room - 1) == 0 && cut[room - 1] == 0);
        for (size_t i = room; i < sizeof cut; i++)
            fits &= cut[i] == 'x';
        check(fits, "the message was not cut to %zu bytes", room);
    }
    status = perform(&call, NULL, 0);
    check(status == mistakes[mistake].status, "status %d without a message", status);
    status = perform(&call, NULL, 100);
    check(status == mistakes[mistake].status, "status %d with a message of 100 bytes at NULL", status);
    check(memcmp(&before, &call.memory, sizeof before) == 0, "memory was written");
}

/* The calls that the mistakes are made in are themselves right, also with neighbours that touch. */
static void test_right_calls(void)
{
    static struct call call;
    for (size_t function = 0; function < 3; function++) {
        char message[64] = "before";
        prepare(&call, functions[function]);
        check_case("good input of %s", function_names[function]);
        int status = perform(&call, message, sizeof message);
        check(status == PULLPUSH_OK && message[0] == 0, "status %d, message '%s'", status, message);
        message[0] = message[1] = 'x';
        status = perform(&call, message, 0);
        check(status == PULLPUSH_OK && message[0] == 'x', "status %d with no room for a message", status);
        status = perform(&call, message, 1);
        check(status == PULLPUSH_OK && message[0] == 0 && message[1] == 'x', "status %d with room for no message",
              status);
        prepare(&call, functions[function]);
        memset(call.memory.after_batch, 1, sizeof call.memory.after_batch);
        memset(call.memory.after_options, 1, sizeof call.memory.after_options);
        status = perform(&call, message, sizeof message);
        check(status == PULLPUSH_OK, "status %d because of what lies behind the structs: %s", status, message);
        prepare(&call, functions[function]);
        call.gradient = call.memory.features + ROWS * DIM;
        status = perform(&call, NULL, 0);
        check(status == PULLPUSH_OK, "status %d with the gradient right behind the features", status);
        prepare(&call, functions[function]);
        call.memory.options.num_threads = INT32_MAX;
        status = perform(&call, message, sizeof message);
        check(status == PULLPUSH_OK, "status %d with very many threads: %s", status, message);
        prepare(&call, functions[function]);
        call.memory.batch.labels = call.memory.labels;
        call.memory.batch.samples_per_id = 0;
        status = perform(&call, message, sizeof message);
        check(status == PULLPUSH_OK, "status %d with labels: %s", status, message);
    }
}

/* Each combination that means nothing is refused, whatever stands beside it. */
static void test_meaningless_options(void)
{
    static struct call call;
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        if (option_set_is_meaningful(&options))
            continue;
        prepare(&call, EVALUATE);
        call.memory.options = options;
        check_case("meaningless, %s", option_set_name(&options));
        int status = perform(&call, NULL, 0);
        check(status == PULLPUSH_ERROR_OPTION, "status %d", status);
    }
}

/* The plain calls have no message: their status must tell. */
static void test_plain_calls(void)
{
    static double memory[64], before[64];
    for (int i = 0; i < 64; i++)
        memory[i] = 0.1 * i;
    memcpy(before, memory, sizeof before);
    char *features = (char *)memory, *gradient = (char *)(memory + 32);
    double loss = 5;
    const struct {
        const char *name;
        void *features;
        size_t rows, dim, samples_per_id;
        double *loss;
        void *gradient;
        int status;
    } calls[] = {
        {"features NULL", NULL, 4, 3, 2, &loss, gradient, PULLPUSH_ERROR_NULL},
        {"loss NULL", features, 4, 3, 2, NULL, gradient, PULLPUSH_ERROR_NULL},
        {"rows 0", features, 0, 3, 2, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"dim 0", features, 4, 0, 2, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"samples_per_id 0", features, 4, 3, 0, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"samples_per_id does not divide", features, 4, 3, 3, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"samples_per_id above rows", features, 4, 3, 8, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"rows * dim overflows", features, SIZE_MAX / 2 + 1, 4, 1, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"bytes overflow", features, SIZE_MAX / 8 + 1, 1, 1, &loss, gradient, PULLPUSH_ERROR_SIZE},
        {"features misaligned", features + 2, 4, 3, 2, &loss, gradient, PULLPUSH_ERROR_ALIGNMENT},
        {"gradient misaligned", features, 4, 3, 2, &loss, gradient + 2, PULLPUSH_ERROR_ALIGNMENT},
        {"loss misaligned", features, 4, 3, 2, (double *)shifted(memory + 60, 4), gradient, PULLPUSH_ERROR_ALIGNMENT},
        {"gradient is features", features, 4, 3, 2, &loss, features, PULLPUSH_ERROR_OVERLAP},
        {"gradient starts in features", features, 4, 3, 2, &loss, features + 40, PULLPUSH_ERROR_OVERLAP},
        {"gradient ends in features", features + 40, 4, 3, 2, &loss, features, PULLPUSH_ERROR_OVERLAP},
    };
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        for (int wide = 0; wide < 2; wide++) {
            check_case("plain call %s, %s", wide ? "f64" : "f32", calls[c].name);
            int status = wide ? api.loss_f64((const double *)calls[c].features, calls[c].rows, calls[c].dim,
                                             calls[c].samples_per_id, calls[c].loss, (double *)calls[c].gradient)
                              : api.loss_f32((const float *)calls[c].features, calls[c].rows, calls[c].dim,
                                             calls[c].samples_per_id, calls[c].loss, (float *)calls[c].gradient);
            check(status == calls[c].status, "status %d instead of %d", status, calls[c].status);
            check(loss == 5 && memcmp(memory, before, sizeof before) == 0, "memory was written");
            loss = 5;
            memcpy(memory, before, sizeof before);
        }
    }
}

static void test_small_functions(void)
{
    pullpush_options options = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const pullpush_options blank = options;
    double a[2] = {1, 2}, b[2] = {10, 20};
    size_t count = 5, counts[2] = {5, 5};
    const struct {
        const char *name;
        int got, expected;
    } calls[] = {
        {"options_init NULL", api.options_init(NULL, sizeof options), PULLPUSH_ERROR_NULL},
        {"options_init 0", api.options_init(&options, 0), PULLPUSH_ERROR_STRUCT_SIZE},
        {"options_init 7", api.options_init(&options, 7), PULLPUSH_ERROR_STRUCT_SIZE},
        {"options_preset NULL", api.options_preset(NULL, sizeof options, 0), PULLPUSH_ERROR_NULL},
        {"options_preset 0", api.options_preset(&options, 0, 0), PULLPUSH_ERROR_STRUCT_SIZE},
        {"preset -1", api.options_preset(&options, sizeof options, -1), PULLPUSH_ERROR_OPTION},
        {"preset 2", api.options_preset(&options, sizeof options, 2), PULLPUSH_ERROR_OPTION},
        {"statistics_size NULL", api.statistics_size(4, NULL, NULL), PULLPUSH_ERROR_NULL},
        {"statistics_size misaligned", api.statistics_size(4, NULL, (size_t *)shifted(counts, 4)),
         PULLPUSH_ERROR_ALIGNMENT},
        {"statistics_size dim 0", api.statistics_size(0, NULL, &count), PULLPUSH_ERROR_SIZE},
        {"statistics_size dim max", api.statistics_size(SIZE_MAX - 2, NULL, &count), PULLPUSH_ERROR_SIZE},
        {"statistics_size dim half of that", api.statistics_size(SIZE_MAX / 2, NULL, &count), PULLPUSH_ERROR_SIZE},
        {"reduce into NULL", api.statistics_reduce(NULL, b, 2), PULLPUSH_ERROR_NULL},
        {"reduce of NULL", api.statistics_reduce(a, NULL, 2), PULLPUSH_ERROR_NULL},
        {"reduce misaligned", api.statistics_reduce((double *)shifted(a, 4), b, 1), PULLPUSH_ERROR_ALIGNMENT},
        {"reduce of misaligned", api.statistics_reduce(a, (double *)shifted(b, 4), 1), PULLPUSH_ERROR_ALIGNMENT},
        {"reduce too many", api.statistics_reduce(a, b, SIZE_MAX / 4), PULLPUSH_ERROR_SIZE},
    };
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        check_case("%s", calls[c].name);
        check(calls[c].got == calls[c].expected, "status %d instead of %d", calls[c].got, calls[c].expected);
    }
    check_case("small functions");
    check(memcmp(&options, &blank, sizeof options) == 0 && count == 5 && counts[0] == 5 && counts[1] == 5 &&
              a[0] == 1 && a[1] == 2, "memory was written");
    check(api.statistics_reduce(a, b, 2) == PULLPUSH_OK && a[0] == 11 && a[1] == 22, "reduce gives %g %g", a[0], a[1]);
}

void test_bad_input(void)
{
    test_right_calls();
    for (size_t mistake = 0; mistake < sizeof mistakes / sizeof *mistakes; mistake++)
        for (size_t function = 0; function < 3; function++)
            if (mistakes[mistake].functions & functions[function])
                test_mistake(mistake, function);
    test_meaningless_options();
    test_plain_calls();
    test_small_functions();
}
