/*
 * A program such as users have, compiled with the header of one version and run with the library of another. It knows
 * what comes out from paper. Behind each of its structs lies memory that no library may touch.
 */
#include <math.h>
#include <pullpush.h>
#include <stdio.h>
#include <string.h>

static int failed;

static void check(int ok, const char *what)
{
    failed += !ok;
    if (!ok)
        fprintf(stderr, "FAILED %s\n", what);
}

static const double features[4][2] = {{1, 0}, {0.8, 0.6}, {0.6, 0.8}, {0, 1}};
static const double expected_gradient[4][2] = {{0.7, 0.5}, {-0.9, -0.3}, {1.3, -0.1}, {-0.3, -0.9}};
static const unsigned char marks[64] = "what lies behind a struct of the caller is none of the library";

static struct {
    pullpush_batch batch;
    unsigned char behind_batch[sizeof marks];
    pullpush_options options;
    unsigned char behind_options[sizeof marks];
    pullpush_result result;
    unsigned char behind_result[sizeof marks];
} of;

static double gradient[4][2];
static char message[256];

static void prepare(void)
{
    memset(&of, 0, sizeof of);
    memset(gradient, 0, sizeof gradient);
    memcpy(of.behind_batch, marks, sizeof marks);
    memcpy(of.behind_options, marks, sizeof marks);
    memcpy(of.behind_result, marks, sizeof marks);
    of.batch.struct_size = sizeof of.batch;
    of.batch.features = features;
    of.batch.rows = 4;
    of.batch.dim = 2;
    of.batch.samples_per_id = 2;
    of.batch.dtype = PULLPUSH_DTYPE_F64;
    of.result.struct_size = sizeof of.result;
    check(pullpush_options_init(&of.options, sizeof of.options) == PULLPUSH_OK, "options_init");
    check(of.options.struct_size == sizeof of.options && of.options.upstream == 1, "what options_init writes");
    of.options.normalize = PULLPUSH_NORMALIZE_NONE;
}

static int near(double got, double expected) { return fabs(got - expected) < 1e-14; }

static void check_answer(int status)
{
    check(status == PULLPUSH_OK && message[0] == 0, message);
    check(near(of.result.loss, 0.8) && near(of.result.pull, 0.2) && near(of.result.push, 0.6), "loss, pull, push");
    check(near(of.result.mean_positive, 0.8) && near(of.result.mean_negative, 0.6), "means");
    check(of.result.positive_pairs == 4 && of.result.negative_pairs == 2 && of.result.active_pairs == 2, "counts");
    check(of.result.struct_size == sizeof of.result, "struct_size of the result");
    for (int i = 0; i < 8; i++)
        check(near(gradient[i / 2][i % 2], expected_gradient[i / 2][i % 2]), "gradient");
    check(!memcmp(of.behind_batch, marks, sizeof marks) && !memcmp(of.behind_options, marks, sizeof marks) &&
              !memcmp(of.behind_result, marks, sizeof marks),
          "memory behind a struct");
}

static int evaluate(void)
{
    return pullpush_evaluate(&of.batch, &of.options, &of.result, gradient, 0, message, sizeof message);
}

static void test_general_call(void)
{
    prepare();
    check_answer(evaluate());
    const int64_t labels[4] = {-5, -5, 9, 9};
    prepare();
    of.batch.samples_per_id = 0;
    of.batch.labels = labels;
    check_answer(evaluate());
}

static void test_plain_calls(void)
{
    float narrow[4][2], narrow_gradient[4][2];
    double loss = 0;
    for (int i = 0; i < 8; i++)
        narrow[i / 2][i % 2] = (float)features[i / 2][i % 2];
    check(pullpush_loss_f64(&features[0][0], 4, 2, 2, &loss, &gradient[0][0]) == 0 && near(loss, 0.8), "loss_f64");
    check(pullpush_loss_f32(&narrow[0][0], 4, 2, 2, &loss, &narrow_gradient[0][0]) == 0, "loss_f32");
    check(fabs(loss - 0.8) < 1e-6 && fabs(narrow_gradient[3][1] + 0.9) < 1e-6, "what loss_f32 writes");
}

static void test_statistics(void)
{
    double total[16] = {0}, part[16] = {0};
    size_t count = 0;
    prepare();
    check(pullpush_statistics_size(2, &of.options, &count) == PULLPUSH_OK && count <= 16, "statistics_size");
    for (int half = 0; half < 2; half++) {
        memset(part, 0, sizeof part);
        of.batch.features = features[2 * half];
        of.batch.rows = 2;
        check(pullpush_statistics_accumulate(&of.batch, &of.options, part, count, message, sizeof message) == 0,
              "statistics_accumulate");
        check(pullpush_statistics_reduce(total, part, count) == PULLPUSH_OK, "statistics_reduce");
    }
    int status = PULLPUSH_OK;
    for (int half = 0; half < 2 && status == PULLPUSH_OK; half++) {
        of.batch.features = features[2 * half];
        status = pullpush_statistics_finish(&of.batch, &of.options, total, count, &of.result, gradient[2 * half], 0,
                                            message, sizeof message);
    }
    check_answer(status);
}

static void test_presets_and_mistakes(void)
{
    prepare();
    check(pullpush_options_preset(&of.options, sizeof of.options, PULLPUSH_PRESET_ORTHOGONAL) == 0, "preset");
    check(of.options.normalize == PULLPUSH_NORMALIZE_L2 && of.options.push == PULLPUSH_PUSH_SQUARED, "orthogonal");
    of.options.margin = NAN;
    check(evaluate() == PULLPUSH_ERROR_OPTION && strstr(message, "margin") != NULL, "a margin that is NaN");
    check(strlen(pullpush_status_string(PULLPUSH_ERROR_OPTION)) > 0, "status_string");
    check(strlen(pullpush_version_string()) > 0 && pullpush_version() > 0 && pullpush_isa() != NULL, "version, isa");
    pullpush_set_max_threads(pullpush_set_max_threads(1));
}

/* The library may know more than this program: what it does not pass has its default. Or less: then what it asks for
 * beyond that is refused, by name. */
static void test_later_fields(void)
{
#ifdef PULLPUSH_OF_A_LATER_VERSION
    prepare();
    of.result.of_a_later_version = 77;
    check_answer(evaluate());
    check(of.result.of_a_later_version == 77, "a result that the library does not know");
    prepare();
    of.options.of_a_later_version = 1;
    check(evaluate() == PULLPUSH_ERROR_STRUCT_SIZE && strstr(message, "options.struct_size"), "an unknown option");
    check(strstr(message, "byte 88") != NULL, "where the unknown option begins");
    prepare();
    of.batch.of_a_later_version = (uint64_t)1 << 63;
    check(evaluate() == PULLPUSH_ERROR_STRUCT_SIZE && strstr(message, "batch.struct_size"), "an unknown field");
    check(strstr(message, "byte 64") != NULL && of.result.loss == 0 && gradient[0][0] == 0, "nothing is written");
#endif
}

int main(void)
{
    test_general_call();
    test_plain_calls();
    test_statistics();
    test_presets_and_mistakes();
    test_later_fields();
    return failed != 0;
}
