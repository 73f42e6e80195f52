/* Operations on whole vectors that Swift's SIMD types spell lane by lane: comparisons and conversions. Swift sees the
 * vector types as SIMD4<Float> and so on, and these functions are inlined into its loops. */
#ifndef CVECTORS_H
#define CVECTORS_H

#include <stdint.h>

#define CVECTORS_FUNCTION static inline __attribute__((always_inline, overloadable))

/* For vectors of so many lanes, with integers as wide as the scalars:
 *   drop_first  v with zeros in place of the first `count` lanes
 *   where_positive  the lanes of `chosen` where v is above zero, or NaN; else zero */
#define CVECTORS_DEFINE(vector, scalar, integer, lanes, ...)                                             \
    typedef scalar vector __attribute__((ext_vector_type(lanes)));                                       \
    typedef integer vector##_bits __attribute__((ext_vector_type(lanes)));                               \
    CVECTORS_FUNCTION vector cvectors_drop_first(vector v, intptr_t count) {                             \
        const vector##_bits index = {__VA_ARGS__};                                                       \
        return (vector)((vector##_bits)v & (index >= (vector##_bits)(integer)count));                    \
    }                                                                                                    \
    CVECTORS_FUNCTION vector cvectors_where_positive(vector v, vector chosen) {                          \
        return (vector)((vector##_bits)chosen & ~(v <= (vector)(scalar)0));                              \
    }

CVECTORS_DEFINE(cvectors_f32x8, float, int32_t, 8, 0, 1, 2, 3, 4, 5, 6, 7)
CVECTORS_DEFINE(cvectors_f32x4, float, int32_t, 4, 0, 1, 2, 3)
CVECTORS_DEFINE(cvectors_f64x4, double, int64_t, 4, 0, 1, 2, 3)
CVECTORS_DEFINE(cvectors_f64x2, double, int64_t, 2, 0, 1)

typedef float cvectors_f32x2 __attribute__((ext_vector_type(2)));

/* Between vectors of floats and of doubles. */
#define CVECTORS_CONVERT(floats, doubles)                                                                \
    CVECTORS_FUNCTION doubles cvectors_widen(floats v) { return __builtin_convertvector(v, doubles); }   \
    CVECTORS_FUNCTION floats cvectors_narrow(doubles v) { return __builtin_convertvector(v, floats); }

CVECTORS_CONVERT(cvectors_f32x4, cvectors_f64x4)
CVECTORS_CONVERT(cvectors_f32x2, cvectors_f64x2)

/* Stores past the caches, in pieces of 16 bytes: `where` is a multiple of that. Fence before another thread may look. */
#define CVECTORS_PIECE(v, where, i) __builtin_nontemporal_store((cvectors_f32x4)(v), (cvectors_f32x4 *)(where) + i)

#define CVECTORS_STREAM_ONE(vector)                                                                      \
    CVECTORS_FUNCTION void cvectors_stream(vector v, void *where) { CVECTORS_PIECE(v, where, 0); }
#define CVECTORS_STREAM_TWO(vector)                                                                      \
    CVECTORS_FUNCTION void cvectors_stream(vector v, void *where) {                                      \
        CVECTORS_PIECE(v.lo, where, 0);                                                                  \
        CVECTORS_PIECE(v.hi, where, 1);                                                                  \
    }

CVECTORS_STREAM_ONE(cvectors_f32x4)
CVECTORS_STREAM_ONE(cvectors_f64x2)
CVECTORS_STREAM_TWO(cvectors_f32x8)
CVECTORS_STREAM_TWO(cvectors_f64x4)

CVECTORS_FUNCTION void cvectors_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
