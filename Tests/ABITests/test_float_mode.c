/* A host may round in another way, flush subnormal numbers to zero, or trap on exceptions: the library computes the
 * same bits and leaves the mode as it was. */
#include "api.h"
#include "check.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 4096, DIM = 33, SAMPLES = 4 };

#if defined(__x86_64__)

static uint64_t mode_get(void) { return __builtin_ia32_stmxcsr(); }
static void mode_set(uint64_t mode) { __builtin_ia32_ldmxcsr((unsigned)mode); }
/* Beside the flags of exceptions that were. */
static const uint64_t mode_bits = ~UINT64_C(0x3F);

static const struct {
    const char *name;
    uint64_t mode;
} modes[] = {
    {"rounding up", 0x1F80 | 0x4000}, {"rounding to zero", 0x1F80 | 0x6000}, {"no subnormals", 0x1F80 | 0x8040},
    {"exceptions trap", 0x0000},
};

#elif defined(__aarch64__)

static uint64_t mode_get(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
static void mode_set(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory"); }
static const uint64_t mode_bits = ~UINT64_C(0);

static const struct {
    const char *name;
    uint64_t mode;
} modes[] = {{"rounding up", 1 << 22}, {"rounding to zero", 3 << 22}, {"no subnormals", 1 << 24}};

#endif

struct outcome {
    pullpush_result result;
    double statistics[DIM + 5];
    float gradient[ROWS * DIM];
};

/* All calls that compute, over threads that are started in the mode at hand, if they have not been started before. */
static int call_all(const pullpush_batch *batch, const pullpush_options *options, struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->result = blank_result();
    int status = api.evaluate(batch, options, &outcome->result, outcome->gradient, 0, NULL, 0);
    if (status == PULLPUSH_OK)
        status = api.statistics_accumulate(batch, options, outcome->statistics, DIM + 5, NULL, 0);
    if (status == PULLPUSH_OK)
        status = api.statistics_finish(batch, options, outcome->statistics, DIM + 5, &outcome->result,
                                       outcome->gradient, 0, NULL, 0);
    return status;
}

void test_float_mode(void)
{
    uint64_t state = 11, plain_mode = mode_get();
    float *features = (float *)malloc(ROWS * DIM * sizeof *features);
    struct outcome *plain = (struct outcome *)malloc(sizeof *plain), *other = (struct outcome *)malloc(sizeof *other);
    /* The smallest rows have squares below the normal numbers, and numbers there themselves. */
    for (size_t i = 0; i < ROWS * DIM; i++)
        features[i] = (float)(random_signed(&state) * (i / DIM % 3 == 0 ? 1e-39 : 1));

    pullpush_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = ROWS;
    batch.dim = DIM;
    batch.samples_per_id = SAMPLES;
    batch.dtype = PULLPUSH_DTYPE_F32;
    pullpush_options options = default_options();
    options.num_threads = 1;
    check_case("floating-point mode");
    check(call_all(&batch, &options, plain) == PULLPUSH_OK, "the plain mode failed");

    options.num_threads = 3;
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        check_case("floating-point mode, %s", modes[m].name);
        mode_set(modes[m].mode);
        int status = call_all(&batch, &options, other);
        uint64_t after = mode_get();
        mode_set(plain_mode);
        check(status == PULLPUSH_OK, "status %d", status);
        check((after & mode_bits) == modes[m].mode, "the mode became %llx", (unsigned long long)after);
        check(memcmp(plain, other, sizeof *plain) == 0, "other bits than in the plain mode");
    }
    free(features), free(plain), free(other);
}
