/* What the machine can do at most: copy memory, and multiply and add. And whether it can at the moment. */
#include <pthread.h>
#include <string.h>

#include "task.h"

/* ----------------------------------------------------------------------------------------------- one or two threads */

struct share {
    void (*work)(const struct share *);
    long loops;
    pthread_barrier_t *start;
    float *to;         /* of a copy */
    const float *from; /* of a copy */
    size_t count;      /* of a copy: numbers */
    int bytes;         /* of multiply-adds: the size of a vector */
};

static void *begin(void *share) {
    struct share *own = share;
    pthread_barrier_wait(own->start);
    own->work(own);
    return NULL;
}

/*
 * Nanoseconds until `threads` shares, 1 or 2, are done. Two threads wait for one another at the end only, so this is
 * what the machine can do, without the price of handing out work. -1: no thread.
 */
static int64_t time_of(struct share *shares, int threads) {
    pthread_barrier_t start;
    pthread_t helper;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) shares[i].start = &start;
    if (threads == 2 && pthread_create(&helper, NULL, begin, &shares[1]) != 0) return -1;
    int64_t from = now();
    begin(&shares[0]);
    if (threads == 2) pthread_join(helper, NULL);
    int64_t time = now() - from;
    pthread_barrier_destroy(&start);
    return time;
}

/* -------------------------------------------------------------------------------------------------- memory copies */

static void copy(const struct share *share) {
    for (long i = 0; i < share->loops; i++) {
        memcpy(share->to, share->from, share->count * sizeof(float));
        __asm__ volatile("" ::: "memory"); /* every copy is wanted */
    }
}

/* Nanoseconds of `loops` copies of the whole buffer by 1 thread, or by 2 that copy a half each. -1: no thread. */
int64_t copy_time(float *to, const float *from, size_t count, int threads, long loops) {
    size_t half = threads == 2 ? count / 2 / 16 * 16 : count; /* in whole cache lines */
    struct share shares[2] = {{.work = copy, .loops = loops, .to = to, .from = from, .count = half}};
    shares[1] = shares[0];
    shares[1].to += half;
    shares[1].from += half;
    shares[1].count = count - half;
    return time_of(shares, threads);
}

#if defined __AVX512F__
#define WIDEST 64
#elif defined __AVX2__
#define WIDEST 32
#else
#define WIDEST 16
#endif

typedef float vector __attribute__((vector_size(WIDEST), aligned(4)));

static void copy_columns_of_four(float *to, const float *from, size_t dim, size_t column, size_t end) {
    const size_t lanes = WIDEST / sizeof(float);
    for (; column + lanes <= end; column += lanes)
        for (size_t a = 0; a < 4; a++)
            *(vector *)(to + a * dim + column) = *(const vector *)(from + a * dim + column);
    for (; column < end; column++)
        for (size_t a = 0; a < 4; a++) to[a * dim + column] = from[a * dim + column];
}

/*
 * Nanoseconds of `loops` copies of a whole buffer, four rows of `dim` numbers side by side, as whoever adds up rows of
 * four must read them. memcpy tells the processor how much it is about to copy; this cannot, and takes blocks of columns
 * from the middle outwards, the fastest order found. Rows are a multiple of 4.
 */
int64_t copy_fours_time(float *to, const float *from, size_t rows, size_t dim, long loops) {
    enum { BLOCK = 32 };
    const size_t blocks = dim / BLOCK, middle = blocks / 2;
    int64_t begun = now();
    for (long i = 0; i < loops; i++) {
        for (size_t row = 0; row < rows; row += 4) {
            const float *source = from + row * dim;
            float *target = to + row * dim;
            for (size_t n = 0; n < blocks; n++) {
                size_t column = (n % 2 ? middle - (n + 1) / 2 : middle + n / 2) * BLOCK;
                copy_columns_of_four(target, source, dim, column, column + BLOCK);
            }
            copy_columns_of_four(target, source, dim, blocks * BLOCK, dim);
        }
        __asm__ volatile("" ::: "memory"); /* every copy is wanted */
    }
    return now() - begun;
}

/* ------------------------------------------------------------------------------------ multiplications and additions */

/*
 * Chains of a*x + b in vectors of `bytes`, enough of them to hide the latency. The compiler makes them fused, and the
 * empty assembly makes it keep them.
 */
#define CHAINS 14
#define STEPS 64

#define DEFINE_CHAINS(bytes)                                                                                         \
    typedef float vector_##bytes __attribute__((vector_size(bytes)));                                               \
    static void chains_##bytes(long loops) {                                                                        \
        vector_##bytes chains[CHAINS], a = {0}, b = {0};                                                             \
        a += 0.5f, b += 1.0f;                                                                                        \
        for (int c = 0; c < CHAINS; c++) chains[c] = a * (float)c;                                                   \
        for (long i = 0; i < loops * STEPS; i++) {                                                                  \
            _Pragma("GCC unroll 14") for (int c = 0; c < CHAINS; c++) chains[c] = chains[c] * a + b;                 \
            __asm__ volatile("" : "+" IN_REGISTER(a), "+" IN_REGISTER(b));                                           \
        }                                                                                                           \
        for (int c = 0; c < CHAINS; c++) __asm__ volatile("" : "+" IN_REGISTER(chains[c]));                          \
    }

#if defined __x86_64__
#define IN_REGISTER(name) "v"(name)
#elif defined __aarch64__
#define IN_REGISTER(name) "w"(name)
#else
#define IN_REGISTER(name) "m"(name)
#endif

DEFINE_CHAINS(16)
#if defined __AVX2__
DEFINE_CHAINS(32)
#endif
#if defined __AVX512F__
DEFINE_CHAINS(64)
#endif

static void multiply_add(const struct share *share) {
    switch (share->bytes) {
    case 16: chains_16(share->loops); break;
#if defined __AVX2__
    case 32: chains_32(share->loops); break;
#endif
#if defined __AVX512F__
    case 64: chains_64(share->loops); break;
#endif
    }
}

/* The bytes of the widest vectors there are. */
int fma_widest(void) { return WIDEST; }

/* Nanoseconds of `loops` blocks of vectors of so many bytes on each of 1 or 2 threads. -1: no thread. */
int64_t fma_time(int bytes, int threads, long loops) {
    struct share share = {.work = multiply_add, .loops = loops, .bytes = bytes};
    struct share shares[2] = {share, share};
    return time_of(shares, threads);
}

/* Floating-point operations in one block: a multiplication and an addition a lane. */
long fma_operations(int bytes) { return 2L * CHAINS * STEPS * (bytes / (long)sizeof(float)); }

/* ------------------------------------------------------------------------------------------------------ additions */

/*
 * Nanoseconds of `loops` times eight additions of whole numbers that do not wait for one another: as many as the
 * processor can begin in a cycle, which are the first thing that it divides when somebody else runs on the same core.
 */
int64_t add_time(long loops) {
    long a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    int64_t from = now();
    for (long i = 0; i < loops; i++) {
        a++, b++, c++, d++, e++, f++, g++, h++;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
    }
    return now() - from;
}
