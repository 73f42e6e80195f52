/* The same bits for every number of threads, from many threads at once, and in a forked child. */
#include "api.h"
#include "check.h"
#include "option_sets.h"
#include "random.h"
#include "scene.h"
#include "tests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 2048, DIM = 33, LARGEST_DIM = 64, SAMPLES = 4, CALLERS = 4, CALLS = 40, CHILDREN = 10 };

struct outcome {
    pullpush_result result;
    float *gradient;
};

static float *features;

static void make_features(void)
{
    uint64_t state = 5;
    features = (float *)malloc(ROWS * LARGEST_DIM * sizeof *features);
    for (size_t i = 0; i < ROWS * LARGEST_DIM; i++)
        features[i] = (float)random_signed(&state);
}

static int evaluate(const pullpush_options *options, int32_t num_threads, size_t rows, size_t dim,
                    struct outcome *outcome)
{
    pullpush_batch batch;
    pullpush_options threaded = *options;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = rows;
    batch.dim = dim;
    batch.samples_per_id = SAMPLES;
    batch.dtype = PULLPUSH_DTYPE_F32;
    threaded.num_threads = num_threads;
    outcome->result = blank_result();
    return api.evaluate(&batch, &threaded, &outcome->result, outcome->gradient, 0, NULL, 0);
}

static struct outcome outcome_make(void)
{
    struct outcome outcome;
    outcome.gradient = (float *)calloc(ROWS * LARGEST_DIM, sizeof(float));
    return outcome;
}

static int same(const struct outcome *a, const struct outcome *b, size_t rows, size_t dim)
{
    return memcmp(&a->result, &b->result, sizeof a->result) == 0 &&
           memcmp(a->gradient, b->gradient, rows * dim * sizeof(float)) == 0;
}

static void test_same_bits(int every)
{
    unsigned turn = 0;
    static const int32_t thread_counts[] = {2, 3, 8, 0};
    static const size_t dims[] = {DIM, LARGEST_DIM}; /* rows of whole vectors have no padding behind them */
    struct outcome one = outcome_make(), many = outcome_make();
    pullpush_options options;
    for (int set = 0; option_set(set, &options); set++) {
        if (!option_set_is_meaningful(&options) || turn++ % (unsigned)every != 0)
            continue;
        /* Pairs of rows are many: fewer rows do. */
        size_t rows = options.push_between == PULLPUSH_PUSH_BETWEEN_ALL ? 256 : ROWS;
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            check_case("threads, %s, dim %zu", option_set_name(&options), dims[d]);
            check(evaluate(&options, 1, rows, dims[d], &one) == PULLPUSH_OK, "one thread failed");
            for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++) {
                check(evaluate(&options, thread_counts[t], rows, dims[d], &many) == PULLPUSH_OK, "threads failed");
                check(same(&one, &many, rows, dims[d]), "%d threads give other bits than 1", thread_counts[t]);
            }
        }
    }
    free(one.gradient), free(many.gradient);
}

struct caller {
    pthread_t thread;
    const pullpush_options *options;
    const struct outcome *expected;
    int wrong;
};

static void *call_often(void *context)
{
    struct caller *caller = (struct caller *)context;
    struct outcome outcome = outcome_make();
    for (int i = 0; i < CALLS; i++) {
        int status = evaluate(caller->options, i % 4, ROWS, DIM, &outcome);
        caller->wrong += status != PULLPUSH_OK || !same(&outcome, caller->expected, ROWS, DIM);
    }
    free(outcome.gradient);
    return NULL;
}

/* The helper threads of the parent do not exist in the child, which must not wait for them. */
static void test_forked_child(const pullpush_options *options, const struct outcome *expected)
{
    pid_t child = fork();
    check(child >= 0, "no child");
    if (child == 0) {
        struct outcome outcome = outcome_make();
        alarm(60);
        int status = evaluate(options, 3, ROWS, DIM, &outcome);
        _exit(status == PULLPUSH_OK && same(&outcome, expected, ROWS, DIM) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %s %d",
          WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* In a child, which has no helper yet: they start when first needed, as many as a call wants beside itself. */
static void test_helpers(void)
{
    static const int wanted[] = {1, 3, 2, 4, 3}, helpers[] = {0, 2, 2, 3, 3};
    check_case("helper threads");
    pid_t child = fork();
    check(child >= 0, "no child");
    if (child == 0) {
        struct outcome outcome = outcome_make();
        pullpush_options options = default_options();
        options.push = PULLPUSH_PUSH_HINGE; /* which has work for many */
        api.set_max_threads(8);
        alarm(60);
        for (int i = 0, before = count_threads(); i < 5; i++)
            if (evaluate(&options, wanted[i], ROWS, DIM, &outcome) != PULLPUSH_OK ||
                count_threads() != before + helpers[i])
                _exit(1 + i);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFEXITED(status), "the child was killed");
    int call = WEXITSTATUS(status);
    check(call == 0, "call %d did not leave the threads it should", call);
}

static void test_concurrent_calls(const pullpush_options *options, const struct outcome *expected, int with_forks)
{
    struct caller callers[CALLERS];
    check_case("concurrent calls%s", with_forks ? ", forked children among them" : "");
    for (int c = 0; c < CALLERS; c++) {
        callers[c].options = options;
        callers[c].expected = expected;
        callers[c].wrong = 0;
        check(pthread_create(&callers[c].thread, NULL, call_often, &callers[c]) == 0, "no thread");
    }
    for (int child = 0; with_forks && child < CHILDREN; child++)
        test_forked_child(options, expected);
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(callers[c].thread, NULL);
        check(callers[c].wrong == 0, "caller %d got %d of %d wrong", c, callers[c].wrong, CALLS);
    }
}

static void test_max_threads(void)
{
    check_case("max threads");
    const char *wish = getenv("PULLPUSH_NUM_THREADS");
    int initial = api.set_max_threads(3);
    check(initial == (wish ? atoi(wish) : 0), "the initial value is %d, PULLPUSH_NUM_THREADS is %s", initial,
          wish ? wish : "not set");
    check(api.set_max_threads(1) == 3, "3 was not kept");
    check(api.set_max_threads(initial) == 1, "1 was not kept");
    check(api.set_max_threads(initial) == initial, "the initial value was not kept");
}

void test_threads(int every)
{
    make_features();
    test_same_bits(every);
    struct outcome expected = outcome_make();
    pullpush_options options = default_options();
    check_case("threads");
    check(evaluate(&options, 1, ROWS, DIM, &expected) == PULLPUSH_OK, "one thread failed");
    int emulated = getenv("ABI_TESTS_EMULATED") != NULL; /* an emulator need not survive a fork among threads */
    if (!emulated)
        test_helpers();
    test_concurrent_calls(&options, &expected, !emulated);
    test_max_threads();
    free(expected.gradient);
    free(features);
}
