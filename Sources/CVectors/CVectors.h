/* Operations on whole vectors. Swift's SIMD types spell them lane by lane, and leave it to the optimiser to make vectors of
 * that again, or something else. Swift sees the vector types as SIMD4<Float> and so on, and these functions are inlined into
 * its loops. */
#ifndef CVECTORS_H
#define CVECTORS_H

#include <stdint.h>

#define CVECTORS_FUNCTION static inline __attribute__((always_inline, overloadable))

/* Fused where the processor can: elsewhere that would be a library call for every lane. */
#if defined __FMA__ || defined __aarch64__
#define CVECTORS_MULTIPLY_ADD(x, y, z) __builtin_elementwise_fma(x, y, z)
#else
#define CVECTORS_MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#endif

/* Arithmetic on vectors of so many lanes; multiply_add is x * y + z. */
#define CVECTORS_ARITHMETIC(vector, scalar, lanes)                                                                    \
    typedef scalar vector __attribute__((ext_vector_type(lanes)));                                                    \
    CVECTORS_FUNCTION vector cvectors_add(vector x, vector y) { return x + y; }                                       \
    CVECTORS_FUNCTION vector cvectors_subtract(vector x, vector y) { return x - y; }                                  \
    CVECTORS_FUNCTION vector cvectors_multiply(vector x, vector y) { return x * y; }                                  \
    CVECTORS_FUNCTION vector cvectors_multiply_add(vector x, vector y, vector z) {                                    \
        return CVECTORS_MULTIPLY_ADD(x, y, z);                                                                        \
    }

/* For a register of so many lanes, with integers as wide as the scalars:
 *   negate          -v
 *   drop_first      v with zeros in place of the first `count` lanes
 *   where_positive  the lanes of `chosen` where v is above zero, or NaN; else zero */
#define CVECTORS_REGISTER(vector, scalar, integer, lanes, ...)                                                        \
    CVECTORS_ARITHMETIC(vector, scalar, lanes)                                                                        \
    typedef integer vector##_bits __attribute__((ext_vector_type(lanes)));                                            \
    CVECTORS_FUNCTION vector cvectors_negate(vector v) { return -v; }                                                 \
    CVECTORS_FUNCTION vector cvectors_drop_first(vector v, intptr_t count) {                                          \
        const vector##_bits index = {__VA_ARGS__};                                                                    \
        return (vector)((vector##_bits)v & (index >= (vector##_bits)(integer)count));                                 \
    }                                                                                                                 \
    CVECTORS_FUNCTION vector cvectors_where_positive(vector v, vector chosen) {                                       \
        return (vector)((vector##_bits)chosen & ~(v <= (vector)(scalar)0));                                           \
    }

CVECTORS_REGISTER(cvectors_f32x16, float, int32_t, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
CVECTORS_REGISTER(cvectors_f32x8, float, int32_t, 8, 0, 1, 2, 3, 4, 5, 6, 7)
CVECTORS_REGISTER(cvectors_f32x4, float, int32_t, 4, 0, 1, 2, 3)
CVECTORS_REGISTER(cvectors_f64x4, double, int64_t, 4, 0, 1, 2, 3)
CVECTORS_REGISTER(cvectors_f64x2, double, int64_t, 2, 0, 1)
CVECTORS_ARITHMETIC(cvectors_f64x8, double, 8)

typedef float cvectors_f32x2 __attribute__((ext_vector_type(2)));

/* Between registers of floats and of doubles, of which it takes two. widened_sum is the lanes in double, added up to one
 * register. */
#define CVECTORS_CONVERT(floats, halves, doubles)                                                                     \
    CVECTORS_FUNCTION doubles cvectors_widen_low(floats v) { return __builtin_convertvector(v.lo, doubles); }         \
    CVECTORS_FUNCTION doubles cvectors_widen_high(floats v) { return __builtin_convertvector(v.hi, doubles); }        \
    CVECTORS_FUNCTION doubles cvectors_widened_sum(floats v) {                                                        \
        return cvectors_widen_low(v) + cvectors_widen_high(v);                                                        \
    }                                                                                                                 \
    CVECTORS_FUNCTION floats cvectors_narrow(doubles low, doubles high) {                                             \
        floats result;                                                                                                \
        result.lo = __builtin_convertvector(low, halves);                                                             \
        result.hi = __builtin_convertvector(high, halves);                                                            \
        return result;                                                                                                \
    }

CVECTORS_CONVERT(cvectors_f32x8, cvectors_f32x4, cvectors_f64x4)
CVECTORS_FUNCTION cvectors_f32x4 cvectors_narrow(cvectors_f64x4 v) { return __builtin_convertvector(v, cvectors_f32x4); }
CVECTORS_CONVERT(cvectors_f32x4, cvectors_f32x2, cvectors_f64x2)

/* widened_sum of what is in double already, and of a register of floats that is two. */
CVECTORS_FUNCTION cvectors_f64x2 cvectors_widened_sum(cvectors_f64x2 v) { return v; }
CVECTORS_FUNCTION cvectors_f64x4 cvectors_widened_sum(cvectors_f64x4 v) { return v; }
CVECTORS_FUNCTION cvectors_f64x4 cvectors_widened_sum(cvectors_f32x16 v) {
    return cvectors_widened_sum(v.lo) + cvectors_widened_sum(v.hi);
}

/* The sum of all lanes. */
CVECTORS_FUNCTION double cvectors_total(cvectors_f64x2 v) { return v.x + v.y; }
CVECTORS_FUNCTION double cvectors_total(cvectors_f64x4 v) { return cvectors_total(v.lo + v.hi); }

/* The sums of all lanes of four registers. */
CVECTORS_FUNCTION cvectors_f64x4 cvectors_totals(cvectors_f64x4 a, cvectors_f64x4 b, cvectors_f64x4 c,
                                                 cvectors_f64x4 d) {
    const cvectors_f64x4 ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const cvectors_f64x4 cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* The same, four lanes to one in float and the rest in double. */
CVECTORS_FUNCTION cvectors_f64x4 cvectors_totals(cvectors_f32x8 a, cvectors_f32x8 b, cvectors_f32x8 c,
                                                 cvectors_f32x8 d) {
    const cvectors_f32x8 ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +
                              __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const cvectors_f32x8 cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13) +
                              __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    const cvectors_f32x8 halves = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) +
                                  __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    return cvectors_widened_sum(halves);
}

/* The same, eight lanes to one in float and the rest in double. */
CVECTORS_FUNCTION cvectors_f64x4 cvectors_totals(cvectors_f32x16 a, cvectors_f32x16 b, cvectors_f32x16 c,
                                                 cvectors_f32x16 d) {
    return cvectors_totals(a.lo + a.hi, b.lo + b.hi, c.lo + c.hi, d.lo + d.hi);
}

/* Lane i of the result is lane i + 1, i + 2 or i + 3 of the vector, the first after the last. */
CVECTORS_FUNCTION cvectors_f64x4 cvectors_turn_one(cvectors_f64x4 v) { return v.yzwx; }
CVECTORS_FUNCTION cvectors_f64x4 cvectors_turn_two(cvectors_f64x4 v) { return v.zwxy; }
CVECTORS_FUNCTION cvectors_f64x4 cvectors_turn_three(cvectors_f64x4 v) { return v.wxyz; }

/* The first two lanes, twice. */
CVECTORS_FUNCTION cvectors_f64x4 cvectors_first_two_twice(cvectors_f64x4 v) { return v.xyxy; }

CVECTORS_FUNCTION cvectors_f64x4 cvectors_square_root(cvectors_f64x4 v) { return __builtin_elementwise_sqrt(v); }
CVECTORS_FUNCTION cvectors_f64x4 cvectors_divide(cvectors_f64x4 x, cvectors_f64x4 y) { return x / y; }

/* Whether all lanes are above `low` and below `high`. A NaN is not. */
CVECTORS_FUNCTION int cvectors_all_between(cvectors_f64x4 v, double low, double high) {
    return __builtin_reduce_and((v > (cvectors_f64x4)low) & (v < (cvectors_f64x4)high)) != 0;
}

/* Writes four rows of four floats as columns; strides are in floats. */
CVECTORS_FUNCTION void cvectors_transpose(const float *from, intptr_t from_stride, float *to, intptr_t to_stride) {
    typedef cvectors_f32x4 unaligned __attribute__((aligned(4)));
    const cvectors_f32x4 a = *(const unaligned *)from, b = *(const unaligned *)(from + from_stride);
    const cvectors_f32x4 c = *(const unaligned *)(from + 2 * from_stride), d = *(const unaligned *)(from + 3 * from_stride);
    const cvectors_f32x4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const cvectors_f32x4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const cvectors_f32x4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const cvectors_f32x4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(unaligned *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(unaligned *)(to + to_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(unaligned *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(unaligned *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* Stores past the caches, in pieces of 16 bytes: `where` is a multiple of that. Fence before another thread may look. */
#define CVECTORS_PIECE(v, where, i) __builtin_nontemporal_store((cvectors_f32x4)(v), (cvectors_f32x4 *)(where) + i)

#define CVECTORS_STREAM_ONE(vector)                                                                                   \
    CVECTORS_FUNCTION void cvectors_stream(vector v, void *where) { CVECTORS_PIECE(v, where, 0); }
#define CVECTORS_STREAM_TWO(vector)                                                                                   \
    CVECTORS_FUNCTION void cvectors_stream(vector v, void *where) {                                                   \
        CVECTORS_PIECE(v.lo, where, 0);                                                                               \
        CVECTORS_PIECE(v.hi, where, 1);                                                                               \
    }

CVECTORS_STREAM_ONE(cvectors_f32x4)
CVECTORS_STREAM_ONE(cvectors_f64x2)
CVECTORS_STREAM_TWO(cvectors_f32x8)
CVECTORS_STREAM_TWO(cvectors_f64x4)

/* Has the first-level cache fetch the line at `address`, which may be no address at all. */
CVECTORS_FUNCTION void cvectors_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

CVECTORS_FUNCTION void cvectors_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* An address of which the compiler does not see how it came about. Of several that it sees it keeps one for every row and
 * step of a loop, more than there are registers. */
CVECTORS_FUNCTION const void *cvectors_address(const void *address) {
    __asm__("" : "+r"(address));
    return address;
}

#endif
