/* What Embedded Swift cannot import or express: the C library's allocation, formatting, environment and threads, and
 * the processor's feature bits. */
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Swift does not import variadic functions. All return the length that the whole text needs. */
static inline int csystem_format_integer(char *buffer, size_t size, int64_t value) {
    return snprintf(buffer, size, "%lld", (long long)value);
}

static inline int csystem_format_real(char *buffer, size_t size, double value) {
    return snprintf(buffer, size, "%g", value);
}

#if defined(__x86_64__)
#include <cpuid.h>

/* 1 if processor and operating system support all of x86-64-v3, 2 if all of x86-64-v4, else 0, from what `cpuid` and `xgetbv`
 * tell: ecx of leaf 1, the state that is saved, ecx of leaf 80000001 and ebx of leaf 7. */
static inline int csystem_x86_level_of(unsigned leaf1, unsigned saved, unsigned leaf80000001, unsigned leaf7) {
    const unsigned sse3 = 1u << 0, ssse3 = 1u << 9, fma = 1u << 12, cx16 = 1u << 13, sse4_1 = 1u << 19;
    const unsigned sse4_2 = 1u << 20, movbe = 1u << 22, popcnt = 1u << 23, avx = 1u << 28, f16c = 1u << 29;
    const unsigned v2 = sse3 | ssse3 | cx16 | sse4_1 | sse4_2 | popcnt;
    const unsigned lahf = 1u << 0, lzcnt = 1u << 5;
    const unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
    const unsigned avx512f = 1u << 16, avx512dq = 1u << 17, avx512cd = 1u << 28, avx512bw = 1u << 30, avx512vl = 1u << 31;
    const unsigned ymm = 0x6, zmm = 0xe0;
    if ((~leaf1 & (v2 | fma | movbe | avx | f16c)) | (~saved & ymm) | (~leaf80000001 & (lahf | lzcnt)) |
        (~leaf7 & (bmi1 | avx2 | bmi2)))
        return 0;
    return ((~saved & zmm) | (~leaf7 & (avx512f | avx512dq | avx512cd | avx512bw | avx512vl))) ? 1 : 2;
}

static inline int csystem_x86_level(void) {
    unsigned a, b, d, leaf1, saved, leaf80000001, leaf7;
    const unsigned osxsave = 1u << 27;
    if (!__get_cpuid(1, &a, &b, &leaf1, &d) || !(leaf1 & osxsave)) return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    if (!__get_cpuid(0x80000001u, &a, &b, &leaf80000001, &d) || !__get_cpuid_count(7, 0, &a, &leaf7, &b, &d)) return 0;
#ifdef CSYSTEM_PLAIN_V4
    return csystem_x86_level_of(leaf1, saved, leaf80000001, leaf7) ? 2 : 0;
#else
    return csystem_x86_level_of(leaf1, saved, leaf80000001, leaf7);
#endif
}
#else
static inline int csystem_x86_level(void) { return 0; }
#endif

static inline int64_t csystem_fetch_add(int64_t *value, int64_t amount) {
    return __atomic_fetch_add(value, amount, __ATOMIC_RELAXED);
}

static inline int64_t csystem_load(const int64_t *value) { return __atomic_load_n(value, __ATOMIC_ACQUIRE); }

static inline int64_t csystem_exchange(int64_t *value, int64_t next) {
    return __atomic_exchange_n(value, next, __ATOMIC_ACQ_REL);
}

/* 1 and stores `next` if `value` is `expected`, else 0. */
static inline int csystem_compare_exchange(int64_t *value, int64_t expected, int64_t next) {
    return __atomic_compare_exchange_n(value, &expected, next, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Lets the other thread of a core run while this one waits for a moment. */
static inline void csystem_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline int64_t csystem_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Swift does not import these initialisers, which unlike pthread_mutex_init cannot fail. */
static inline pthread_mutex_t csystem_mutex(void) {
    const pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    return mutex;
}

static inline pthread_cond_t csystem_condition(void) {
    const pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    return condition;
}

/* A detached thread that leaves to the host's threads all signals but those that its own instructions raise: a host may
 * handle them, say to fill in the page of a buffer, and where they are blocked the process dies. 0 on success. */
static inline int csystem_start_thread(void *(*body)(void *), void *context) {
    static const unsigned char raised[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    for (unsigned i = 0; i < sizeof raised; i++) sigdelset(&all, raised[i]);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return -1;
    int result = pthread_create(&thread, NULL, body, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0) pthread_detach(thread);
    return result;
}

/* Sets the thread's floating-point mode and returns the one before. Mode 0 is plain IEEE arithmetic: rounding to nearest,
 * subnormal numbers kept. */
static inline uint64_t csystem_exchange_float_mode(uint64_t mode) {
#if defined(__x86_64__)
    /* The mode is kept with the bits of plain arithmetic, which masks all exceptions, flipped. */
    const unsigned plain = 0x1F80;
    const uint64_t before = __builtin_ia32_stmxcsr() ^ plain;
    if (before != mode) __builtin_ia32_ldmxcsr((unsigned)mode ^ plain);
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (before != mode) __asm__ volatile("msr fpcr, %0" : : "r"(mode));
    return before;
#else
    return mode;
#endif
}

/* Where AddressSanitizer watches, memory within a block can be forbidden and allowed, and pieces of it keep a distance. */
#ifdef CSYSTEM_ADDRESS_SANITIZER
void __asan_poison_memory_region(const volatile void *start, size_t size);
void __asan_unpoison_memory_region(const volatile void *start, size_t size);

static inline int csystem_distance(void) { return 64; }
static inline void csystem_forbid(void *start, int64_t size) { __asan_poison_memory_region(start, (size_t)size); }
static inline void csystem_allow(void *start, int64_t size) { __asan_unpoison_memory_region(start, (size_t)size); }
#else
static inline int csystem_distance(void) { return 0; }
static inline void csystem_forbid(void *start, int64_t size) { (void)start, (void)size; }
static inline void csystem_allow(void *start, int64_t size) { (void)start, (void)size; }
#endif

static inline int csystem_processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int)count;
}

#endif
