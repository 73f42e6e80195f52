/* A small deterministic generator (splitmix64), so that every run and every compiler sees the same cases. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* One of 0 ... count - 1. */
static inline unsigned random_below(uint64_t *state, unsigned count)
{
    return (unsigned)(random_next(state) % count);
}

/* Uniform in (-1, 1). */
static inline double random_signed(uint64_t *state)
{
    return (double)(random_next(state) >> 11) / 4503599627370496.0 - 1;
}

#endif
