/*
 * What the C headers of the Swift sources say, asked in C: Swift's account of what tests run has no word for the C
 * functions that are compiled into it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for pthread_getattr_np */
#endif
#include <CSystem.h>
#include <CVectors.h>
#include <math.h>

static int passed, failed;

static void check(int ok, const char *what)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        fprintf(stderr, "FAILED %s\n", what);
}

static void test_formats(void)
{
    char text[32];
    check(csystem_format_integer(text, sizeof text, INT64_MIN) == 20, "the length of an integer");
    check(!strcmp(text, "-9223372036854775808"), "an integer");
    check(csystem_format_real(text, sizeof text, 1e-12) == 5 && !strcmp(text, "1e-12"), "a real number");
    check(csystem_format_integer(text, 3, 1234) == 4 && !strcmp(text, "12"), "a text too long for its buffer");
    check(csystem_format_real(NULL, 0, 0.5) == 3, "the length of a text that is not wanted");
}

static void test_atomics(void)
{
    int64_t value = 5;
    check(csystem_fetch_add(&value, 3) == 5 && csystem_load(&value) == 8, "add");
    check(csystem_exchange(&value, -1) == 8 && value == -1, "exchange");
    check(!csystem_compare_exchange(&value, 0, 7) && value == -1, "an exchange for another value");
    check(csystem_compare_exchange(&value, -1, 7) && value == 7, "an exchange for the expected value");
}

static pthread_mutex_t mutex;
static pthread_cond_t done;
static sigset_t blocked;
static int detached;

static void *note_what_it_is(void *context)
{
    pthread_attr_t attributes;
    pthread_mutex_lock(&mutex); /* which the starter holds until it has started this thread */
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getdetachstate(&attributes, &detached);
    pthread_attr_destroy(&attributes);
    *(int *)context = 1;
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void test_a_thread_leaves_signals_to_the_host(void)
{
    static const int raised[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t before, after;
    int is_done = 0;
    mutex = csystem_mutex();
    done = csystem_condition();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    pthread_mutex_lock(&mutex);
    check(csystem_start_thread(note_what_it_is, &is_done) == 0, "a thread starts");
    while (!is_done)
        pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
    check(detached == PTHREAD_CREATE_DETACHED, "nobody needs to join the thread");
    check(sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGUSR1), "blocked");
    for (size_t i = 0; i < sizeof raised / sizeof *raised; i++)
        check(!sigismember(&blocked, raised[i]), "a signal that an instruction raises reaches its thread");
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    check(sigismember(&after, SIGINT) == sigismember(&before, SIGINT), "the caller's signals are as before");
}

/* In a function of its own, for the compiler does not know that the mode of arithmetic matters. */
static __attribute__((noinline)) double quotient(double over, double under)
{
    volatile double result = over / under;
    return result;
}

/* The mode before, without the marks that inexact results have left in it. */
static uint64_t exchange(uint64_t mode) { return csystem_exchange_float_mode(mode) & ~(uint64_t)0x3F; }

static void test_the_float_mode(void)
{
#if defined(__x86_64__)
    const uint64_t flush = 0x8040, upward = 0x4000;
#else
    const uint64_t flush = 1 << 24, upward = 1 << 22;
#endif
    const double third = quotient(1, 3);
    exchange(0);
    check(csystem_exchange_float_mode(0) == 0 && quotient(1, 3) == third, "a mode that is set already");
    check(exchange(0) == 0 && quotient(1e-308, 10) > 0, "the mode is plain");
    check(exchange(flush) == 0 && quotient(1e-308, 10) == 0, "subnormal numbers are zero");
    check(exchange(upward) == flush && quotient(1, 3) > third, "rounding is upward");
    check(exchange(0) == upward && quotient(1, 3) == third, "the plain mode comes back");
    check(exchange(0) == 0 && quotient(1e-308, 10) > 0, "and stays");
}

static void test_the_processor(void)
{
    check(csystem_processor_count() == (int)sysconf(_SC_NPROCESSORS_ONLN), "processors");
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int v3 = __builtin_cpu_supports("x86-64-v3") != 0, v4 = __builtin_cpu_supports("x86-64-v4") != 0;
    check(csystem_x86_level() == v3 + v4, "the compiler finds the same");
    /* What each level needs, as the manuals of Intel and AMD number it. */
    const struct {
        unsigned words[4];
        int level;
    } needed[] = {{{0x30D83201, 0x6, 0x21, 0x128}, 1}, {{0x30D83201, 0xE6, 0x21, 0xD0030128}, 2}};
    check(csystem_x86_level_of(~0u, ~0u, ~0u, ~0u) == 2, "all there is");
    for (int n = 0; n < 2; n++) {
        const unsigned *w = needed[n].words;
        check(csystem_x86_level_of(w[0], w[1], w[2], w[3]) == needed[n].level, "all that a level needs");
        for (int bit = 0; bit < 128; bit++) {
            unsigned without[4] = {~0u, ~0u, ~0u, ~0u};
            without[bit / 32] &= ~(1u << bit % 32);
            if (w[bit / 32] >> bit % 32 & 1)
                check(csystem_x86_level_of(without[0], without[1], without[2], without[3]) < needed[n].level,
                      "a level without a part of it");
        }
    }
#endif
}

#define TEST_ARITHMETIC(vector, lanes, x)                                                                              \
    for (int i = 0; i < lanes; i++) {                                                                                  \
        check(cvectors_add(x, x + 3)[i] == x[i] + (x[i] + 3), #vector ": add");                                        \
        check(cvectors_subtract(x * 4, x)[i] == x[i] * 3, #vector ": subtract");                                       \
        check(cvectors_multiply(x, x + 1)[i] == x[i] * (x[i] + 1), #vector ": multiply");                              \
        check(cvectors_multiply_add(x, x, x + 7)[i] == x[i] * x[i] + (x[i] + 7), #vector ": multiply_add");            \
    }

/* For registers of every type: each lane against plain C. */
#define TEST_REGISTER(name, vector, scalar, lanes)                                                                     \
    static void name(void)                                                                                             \
    {                                                                                                                  \
        vector v, chosen;                                                                                              \
        for (int i = 0; i < lanes; i++) {                                                                              \
            v[i] = i % 3 ? (scalar)(i % 2 ? -1.5 : 2.5) : (scalar)0;                                                   \
            chosen[i] = (scalar)(i + 1);                                                                               \
        }                                                                                                              \
        v[lanes - 1] = (scalar)NAN;                                                                                    \
        for (intptr_t count = 0; count <= lanes; count++) {                                                            \
            vector dropped = cvectors_drop_first(chosen, count);                                                       \
            for (int i = 0; i < lanes; i++)                                                                            \
                check(dropped[i] == (i < count ? 0 : chosen[i]), #vector ": drop_first");                              \
        }                                                                                                              \
        vector where = cvectors_where_positive(v, chosen);                                                             \
        for (int i = 0; i < lanes; i++)                                                                                \
            check(where[i] == (v[i] <= 0 ? 0 : chosen[i]), #vector ": where_positive");                                \
        for (int i = 0; i < lanes; i++)                                                                                \
            check(cvectors_negate(chosen)[i] == -chosen[i], #vector ": negate");                                       \
        TEST_ARITHMETIC(vector, lanes, chosen)                                                                         \
    }

TEST_REGISTER(test_f32x16, cvectors_f32x16, float, 16)
TEST_REGISTER(test_f32x8, cvectors_f32x8, float, 8)
TEST_REGISTER(test_f32x4, cvectors_f32x4, float, 4)
TEST_REGISTER(test_f64x4, cvectors_f64x4, double, 4)
TEST_REGISTER(test_f64x2, cvectors_f64x2, double, 2)

#define TEST_STREAM(vector, scalar, lanes)                                                                             \
    {                                                                                                                  \
        vector v;                                                                                                      \
        scalar stored[lanes] __attribute__((aligned(32))) = {0};                                                       \
        for (int i = 0; i < lanes; i++)                                                                                \
            v[i] = (scalar)(i + 1);                                                                                    \
        cvectors_stream(v, stored);                                                                                    \
        cvectors_fence();                                                                                              \
        for (int i = 0; i < lanes; i++)                                                                                \
            check(stored[i] == v[i], #vector ": stream");                                                              \
    }

static void test_memory(void)
{
    TEST_STREAM(cvectors_f32x8, float, 8)
    TEST_STREAM(cvectors_f32x4, float, 4)
    TEST_STREAM(cvectors_f64x4, double, 4)
    TEST_STREAM(cvectors_f64x2, double, 2)
    check(cvectors_address(&passed) == &passed, "address");
    cvectors_prefetch(NULL);
}

static void test_f64x8(void)
{
    cvectors_f64x8 v;
    for (int i = 0; i < 8; i++)
        v[i] = i - 3;
    TEST_ARITHMETIC(cvectors_f64x8, 8, v)
}

static void test_conversions(void)
{
    const cvectors_f64x4 low = {0.1, -2, 1e300, 3}, high = {5, 16777217, -0.7, 0};
    const cvectors_f64x2 low_two = {0.1, 16777217}, high_two = {-3, 1e-50};
    const cvectors_f32x8 narrow = cvectors_narrow(low, high);
    const cvectors_f32x4 narrow_two = cvectors_narrow(low_two, high_two);
    for (int i = 0; i < 4; i++) {
        check(narrow[i] == (float)low[i] && narrow[4 + i] == (float)high[i], "narrow two fours");
        check(cvectors_narrow(low)[i] == (float)low[i], "narrow four");
        check(cvectors_widen_low(narrow)[i] == (double)narrow[i], "widen the first four");
        check(cvectors_widen_high(narrow)[i] == (double)narrow[4 + i], "widen the last four");
    }
    for (int i = 0; i < 2; i++) {
        check(narrow_two[i] == (float)low_two[i] && narrow_two[2 + i] == (float)high_two[i], "narrow two twos");
        check(cvectors_widen_low(narrow_two)[i] == (double)narrow_two[i], "widen the first two");
        check(cvectors_widen_high(narrow_two)[i] == (double)narrow_two[2 + i], "widen the last two");
    }
}

static void test_four_numbers(void)
{
    const cvectors_f64x4 a = {1, 2, 3, 4}, b = {10, 20, 30, 40}, c = {0.5, 0.25, -3, 7}, d = {-1, 1.5, -2, 5};
    const cvectors_f64x4 totals = cvectors_totals(a, b, c, d);
    check(cvectors_total(a) == 10 && cvectors_total((cvectors_f64x2){3, 4}) == 7, "total");
    check(totals[0] == 10 && totals[1] == 100 && totals[2] == 4.75 && totals[3] == 3.5, "totals");
    for (int i = 0; i < 4; i++) {
        check(cvectors_turn_one(a)[i] == a[(i + 1) % 4], "turn_one");
        check(cvectors_turn_two(a)[i] == a[(i + 2) % 4], "turn_two");
        check(cvectors_turn_three(a)[i] == a[(i + 3) % 4], "turn_three");
        check(cvectors_first_two_twice(a)[i] == a[i % 2], "first_two_twice");
        check(cvectors_square_root(a)[i] == sqrt(a[i]), "square_root");
        check(cvectors_divide(a, b)[i] == 0.1, "divide");
    }
    check(cvectors_all_between(a, 0.5, 4.5), "all_between where all are");
    for (int i = 0; i < 4; i++) {
        cvectors_f64x4 v = a;
        for (int outside = 0; outside < 3; outside++) {
            v[i] = outside == 0 ? 0.5 : outside == 1 ? 4.5 : NAN;
            check(!cvectors_all_between(v, 0.5, 4.5), "all_between where one is a limit, or no number");
        }
    }
}

/* Four registers of floats. Every lane counts, and no two alike. */
#define TEST_TOTALS(vector, lanes)                                                                                     \
    {                                                                                                                  \
        vector v[4];                                                                                                   \
        double expected[4] = {0};                                                                                      \
        for (int i = 0; i < 4 * lanes; i++) {                                                                          \
            v[i / lanes][i % lanes] = (float)(1 << i % lanes) + (float)(i / lanes) * 1000;                             \
            expected[i / lanes] += (double)v[i / lanes][i % lanes];                                                    \
        }                                                                                                              \
        const cvectors_f64x4 totals = cvectors_totals(v[0], v[1], v[2], v[3]);                                         \
        for (int i = 0; i < 4; i++)                                                                                    \
            check(totals[i] == expected[i], #vector ": totals");                                                       \
        /* The last two are added in double: in float a one beside 2^25 is lost. */                                    \
        const vector far = {0x1p25f, 0, 0, 0, 1};                                                                      \
        check(cvectors_totals(far, far, far, far)[1] == 0x1p25 + 1, #vector ": totals in double");                     \
    }

static void test_totals_of_floats(void)
{
    TEST_TOTALS(cvectors_f32x16, 16)
    TEST_TOTALS(cvectors_f32x8, 8)
}

/* Every lane counts, no two alike, and in float all but the first are lost. */
#define TEST_WIDENED_SUM(vector, lanes)                                                                                \
    {                                                                                                                  \
        vector v;                                                                                                      \
        double expected = 0;                                                                                           \
        for (int i = 0; i < lanes; i++) {                                                                              \
            v[i] = i == 0 ? 0x1p40f : (float)(1 << i);                                                                 \
            expected += (double)v[i];                                                                                  \
        }                                                                                                              \
        check(cvectors_total(cvectors_widened_sum(v)) == expected, #vector ": widened_sum");                           \
    }

static void test_widened_sum(void)
{
    TEST_WIDENED_SUM(cvectors_f32x16, 16)
    TEST_WIDENED_SUM(cvectors_f32x8, 8)
    TEST_WIDENED_SUM(cvectors_f32x4, 4)
    TEST_WIDENED_SUM(cvectors_f64x4, 4)
    TEST_WIDENED_SUM(cvectors_f64x2, 2)
}

static void test_transpose(void)
{
    float from[4][7], to[4][5] = {{0}};
    for (int i = 0; i < 28; i++)
        from[i / 7][i % 7] = (float)i;
    cvectors_transpose(from[0], 7, to[0], 5);
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 5; column++)
            check(to[column == 4 ? row : column][column == 4 ? 4 : row] == (column == 4 ? 0 : from[row][column]),
                  "transpose");
}

static int64_t nanoseconds_of(struct timespec time) { return time.tv_sec * INT64_C(1000000000) + time.tv_nsec; }

#ifdef CSYSTEM_ADDRESS_SANITIZER
int __asan_address_is_poisoned(const volatile void *address);
#else
static int __asan_address_is_poisoned(const volatile void *address)
{
    (void)address;
    return 0;
}
#endif

/* Without a sanitizer nothing is forbidden, and pieces touch. */
static void test_forbidden_memory(void)
{
    char *block = (char *)malloc(192);
    const int watched = csystem_distance() != 0;
    csystem_forbid(block, 192);
    csystem_allow(block, 65);
    memset(block, 1, 65);
    check(!__asan_address_is_poisoned(block + 64), "memory that is allowed");
    check(__asan_address_is_poisoned(block + 65) == watched, "memory behind it");
    check(__asan_address_is_poisoned(block + 191) == watched, "the end of memory that is forbidden");
#ifndef CSYSTEM_ADDRESS_SANITIZER
    check(!watched, "pieces at a distance");
#endif
    free(block);
}

static void test_time(void)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    csystem_pause();
    const int64_t between = csystem_nanoseconds();
    clock_gettime(CLOCK_MONOTONIC, &after);
    check(nanoseconds_of(before) <= between && between <= nanoseconds_of(after), "the time of the monotonic clock");
}

int main(void)
{
    test_formats();
    test_atomics();
    test_a_thread_leaves_signals_to_the_host();
    test_the_float_mode();
    test_the_processor();
    test_f32x16();
    test_f32x8();
    test_f32x4();
    test_f64x4();
    test_f64x2();
    test_f64x8();
    test_memory();
    test_conversions();
    test_four_numbers();
    test_totals_of_floats();
    test_widened_sum();
    test_transpose();
    test_forbidden_memory();
    test_time();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
