/*
 * inline: the C that is compiled into the Swift code, where no sanitizer of the Swift compiler sees undefined
 * behaviour: every function of CSystem.h and CVectors.h, called with numbers at the ends. For -fsanitize=undefined.
 */
#include "../../Sources/CSystem/CSystem.h"
#include "../../Sources/CVectors/CVectors.h"

#include <float.h>
#include <math.h>

static int failed;

static void check(int ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "FAILED %s\n", what);
    failed += !ok;
}

static void test_formatting(void)
{
    char text[32];
    check(csystem_format_integer(text, sizeof text, INT64_MIN) == 20, "the length of the least integer");
    check(csystem_format_integer(text, 4, INT64_MAX) == 19 && strcmp(text, "922") == 0, "an integer, cut");
    check(csystem_format_real(text, sizeof text, -DBL_MAX) == 13, "the length of the least number");
    check(csystem_format_real(NULL, 0, NAN) == 3, "a number without room");
}

static void test_atomics(void)
{
    int64_t value = INT64_MAX;
    check(csystem_fetch_add(&value, 1) == INT64_MAX && csystem_load(&value) == INT64_MIN, "a sum that wraps");
    check(csystem_exchange(&value, 7) == INT64_MIN, "an exchange");
    check(!csystem_compare_exchange(&value, 8, 9) && csystem_load(&value) == 7, "another value");
    check(csystem_compare_exchange(&value, 7, 9) && csystem_load(&value) == 9, "the expected value");
}

static void *lock_and_count(void *context)
{
    pthread_mutex_t mutex = csystem_mutex();
    pthread_cond_t condition = csystem_condition();
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    csystem_fetch_add((int64_t *)context, 1);
    return NULL;
}

static void test_system(void)
{
    static int64_t ended = 0;
    check(csystem_start_thread(lock_and_count, &ended) == 0, "no thread");
    while (csystem_load(&ended) == 0)
        usleep(1000);
    check(csystem_processor_count() >= 1, "processors");
    check(csystem_has_x86_v3() == 0 || csystem_has_x86_v3() == 1, "the processor's features");
    const uint64_t mode = csystem_exchange_float_mode(0);
    check(csystem_exchange_float_mode(mode) == 0 && csystem_exchange_float_mode(mode) == mode, "float modes");
}

#define TEST_VECTORS(vector, scalar, lanes)                                                                           \
    static void test_##vector(void)                                                                                   \
    {                                                                                                                 \
        _Alignas(64) scalar stored[lanes];                                                                            \
        const vector ones = (vector)(scalar)1;                                                                        \
        for (intptr_t count = -1; count <= lanes + 1; count++) {                                                      \
            vector rest = cvectors_drop_first(ones, count);                                                           \
            for (int i = 0; i < lanes; i++)                                                                           \
                check(rest[i] == (i >= count), #vector ": lanes dropped");                                            \
        }                                                                                                             \
        const scalar ends[] = {(scalar)NAN, (scalar)INFINITY, (scalar)-INFINITY, 0, (scalar)-0.0, 1};                 \
        for (int e = 0; e < 6; e++) {                                                                                 \
            vector chosen = cvectors_where_positive((vector)ends[e], ones);                                           \
            check(chosen[0] == !(ends[e] <= 0) && chosen[lanes - 1] == chosen[0], #vector ": lanes above 0");         \
            cvectors_stream((vector)ends[e], stored);                                                                 \
            cvectors_fence();                                                                                         \
            check(memcmp(&stored[lanes - 1], &ends[e], sizeof(scalar)) == 0, #vector ": lanes stored");               \
        }                                                                                                             \
    }

TEST_VECTORS(cvectors_f32x8, float, 8)
TEST_VECTORS(cvectors_f32x4, float, 4)
TEST_VECTORS(cvectors_f64x4, double, 4)
TEST_VECTORS(cvectors_f64x2, double, 2)

static void test_conversions(void)
{
    const double ends[] = {FLT_MAX, -FLT_MAX, 0.5, INFINITY};
    for (int e = 0; e < 4; e++) {
        check(cvectors_narrow((cvectors_f64x4)ends[e])[3] == (float)ends[e], "narrow, 4 lanes");
        check(cvectors_narrow((cvectors_f64x2)ends[e])[1] == (float)ends[e], "narrow, 2 lanes");
        check(cvectors_widen((cvectors_f32x4)(float)ends[e])[3] == ends[e], "widen, 4 lanes");
        check(cvectors_widen((cvectors_f32x2)(float)ends[e])[1] == ends[e], "widen, 2 lanes");
    }
}

int main(void)
{
    test_formatting();
    test_atomics();
    test_system();
    test_cvectors_f32x8(), test_cvectors_f32x4(), test_cvectors_f64x4(), test_cvectors_f64x2();
    test_conversions();
    puts(failed ? "failed" : "passed");
    return failed;
}
