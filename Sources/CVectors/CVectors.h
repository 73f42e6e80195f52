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

CVECTORS_DEFINE(cvectors_f32x16, float, int32_t, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
CVECTORS_DEFINE(cvectors_f32x4, float, int32_t, 4, 0, 1, 2, 3)
CVECTORS_DEFINE(cvectors_f64x4, double, int64_t, 4, 0, 1, 2, 3)
CVECTORS_DEFINE(cvectors_f64x2, double, int64_t, 2, 0, 1)

typedef float cvectors_f32x8 __attribute__((ext_vector_type(8)));
typedef float cvectors_f32x2 __attribute__((ext_vector_type(2)));
typedef double cvectors_f64x8 __attribute__((ext_vector_type(8)));

CVECTORS_FUNCTION cvectors_f64x8 cvectors_widen(cvectors_f32x8 v) { return __builtin_convertvector(v, cvectors_f64x8); }
CVECTORS_FUNCTION cvectors_f64x2 cvectors_widen(cvectors_f32x2 v) { return __builtin_convertvector(v, cvectors_f64x2); }

/* Stores past the caches, in pieces of 16 bytes: `where` is a multiple of that. Fence before another thread may look. */
#define CVECTORS_PIECE(v, where, i) __builtin_nontemporal_store(v, (cvectors_piece *)(where) + i)

typedef float cvectors_piece __attribute__((ext_vector_type(4)));

CVECTORS_FUNCTION void cvectors_stream(cvectors_f32x4 v, void *where) { CVECTORS_PIECE((cvectors_piece)v, where, 0); }
CVECTORS_FUNCTION void cvectors_stream(cvectors_f64x2 v, void *where) { CVECTORS_PIECE((cvectors_piece)v, where, 0); }

CVECTORS_FUNCTION void cvectors_stream(cvectors_f64x4 v, void *where) {
    CVECTORS_PIECE((cvectors_piece)v.lo, where, 0);
    CVECTORS_PIECE((cvectors_piece)v.hi, where, 1);
}

CVECTORS_FUNCTION void cvectors_stream(cvectors_f32x16 v, void *where) {
    CVECTORS_PIECE(v.lo.lo, where, 0);
    CVECTORS_PIECE(v.lo.hi, where, 1);
    CVECTORS_PIECE(v.hi.lo, where, 2);
    CVECTORS_PIECE(v.hi.hi, where, 3);
}

CVECTORS_FUNCTION void cvectors_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
