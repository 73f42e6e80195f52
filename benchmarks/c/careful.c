/*
 * The closed form as a careful C programmer writes it for gcc -O3: a pass for the sum of the representatives, then a
 * pass over the identities, whose raw rows stay in the first-level cache until they are done with. No intrinsics, no
 * threads; restrict, sums that may be reordered, and samples_per_id as a constant where it is a usual one.
 */
#include <math.h>

#include "task.h"

#define INLINE static inline __attribute__((always_inline))

struct factors {
    double positive_pairs, negative_pairs;
    float pull, push; /* of the gradient: s of an identity, and t */
};

INLINE struct factors factors_of(size_t rows, size_t k) {
    double identities = (double)(rows / k);
    struct factors f = {.positive_pairs = (double)rows * (double)(k - 1),
                        .negative_pairs = identities * (identities - 1)};
    f.pull = f.positive_pairs > 0 ? (float)(-2 / f.positive_pairs) : 0;
    f.push = f.negative_pairs > 0 ? (float)(2 / f.negative_pairs) : 0;
    return f;
}

INLINE double loss_of(struct factors f, size_t rows, size_t k, double sums_squared, double total_squared) {
    double pull = f.positive_pairs > 0 ? ((double)rows * (double)k - sums_squared) / f.positive_pairs : 0;
    double push = f.negative_pairs > 0 ? (total_squared - (double)(rows / k)) / f.negative_pairs : 0;
    return pull + push;
}

typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));

/* Four vectors of sums, so that an addition need not wait for the one before; gcc by itself makes one. */
INLINE float dot(const float *a, const float *b, size_t dim) {
    lanes sums[4] = {{0}};
    size_t d = 0;
    for (; d + 32 <= dim; d += 32)
        for (size_t i = 0; i < 4; i++) sums[i] += *(const lanes *)(a + d + 8 * i) * *(const lanes *)(b + d + 8 * i);
    for (; d + 8 <= dim; d += 8) sums[0] += *(const lanes *)(a + d) * *(const lanes *)(b + d);
    sums[0] += sums[1] + (sums[2] + sums[3]);
    float sum = 0;
    for (size_t i = 0; i < 8; i++) sum += sums[0][i];
    for (; d < dim; d++) sum += a[d] * b[d];
    return sum;
}

INLINE float squared_norm(const float *a, size_t dim) { return dot(a, a, dim); }

/* ------------------------------------------------------------------------------------------- normalised features */

INLINE void careful_none(struct task *task, size_t k) {
    const float *restrict features = task->batch.features;
    float *restrict gradient = task->gradient;
    float *restrict t = task->scratch;
    const size_t rows = task->batch.rows, dim = task->batch.dim;
    const struct factors f = factors_of(rows, k);
    double sums_squared = 0;

    for (size_t d = 0; d < dim; d++) t[d] = 0;
    for (size_t row = 0; row < rows; row += k) {
        const float *restrict x = features + row * dim;
#pragma omp simd
        for (size_t d = 0; d < dim; d++) t[d] += x[d];
    }
    for (size_t row = 0; row < rows; row += k) {
        const float *restrict x = features + row * dim;
        float *restrict g = gradient + row * dim;
        float squared = 0;
#pragma omp simd reduction(+ : squared)
        for (size_t d = 0; d < dim; d++) {
            float s = x[d];
            for (size_t a = 1; a < k; a++) s += x[a * dim + d];
            squared += s * s;
            s *= f.pull;
            g[d] = s + f.push * t[d];
            for (size_t a = 1; a < k; a++) g[a * dim + d] = s;
        }
        sums_squared += squared;
    }
    task->loss = loss_of(f, rows, k, sums_squared, squared_norm(t, dim));
}

void call_careful_none(struct task *task) {
    switch (task->batch.samples_per_id) {
    case 2: careful_none(task, 2); break;
    case 4: careful_none(task, 4); break;
    case 8: careful_none(task, 8); break;
    default: careful_none(task, task->batch.samples_per_id);
    }
}

/* -------------------------------------------------------------------------------------------- raw rows, fused l2 */

/* With u = 1/max(|f|, 1e-12) and g the gradient of x = u f, that of f is u (g - x (x . g)), or u g below the bound. */
INLINE void careful_l2(struct task *task, size_t k) {
    const float *restrict features = task->batch.features;
    float *restrict gradient = task->gradient;
    const size_t rows = task->batch.rows, dim = task->batch.dim;
    float *restrict t = task->scratch, *restrict s = t + dim;
    double *restrict u = task->weights, *restrict along = u + k;
    const struct factors f = factors_of(rows, k);
    const double bound = 1e-12;
    double sums_squared = 0;

    for (size_t d = 0; d < dim; d++) t[d] = 0;
    for (size_t row = 0; row < rows; row += k) {
        const float *restrict x = features + row * dim;
        const float scale = (float)(1 / fmax(sqrt(squared_norm(x, dim)), bound));
#pragma omp simd
        for (size_t d = 0; d < dim; d++) t[d] += scale * x[d];
    }
    for (size_t row = 0; row < rows; row += k) {
        const float *restrict x = features + row * dim;
        float *restrict g = gradient + row * dim;
        for (size_t d = 0; d < dim; d++) s[d] = 0;
        for (size_t a = 0; a < k; a++) {
            const double norm = sqrt(squared_norm(x + a * dim, dim));
            const float scale = (float)(u[a] = 1 / fmax(norm, bound));
            along[a] = norm > bound ? u[a] * u[a] : 0;
#pragma omp simd
            for (size_t d = 0; d < dim; d++) s[d] += scale * x[a * dim + d];
        }
        sums_squared += squared_norm(s, dim);
        for (size_t a = 0; a < k; a++) {
            const float push = a == 0 ? f.push : 0;
            const float with_g = f.pull * dot(x + a * dim, s, dim) + (a == 0 ? push * dot(x, t, dim) : 0);
            const float on_s = (float)u[a] * f.pull, on_t = (float)u[a] * push;
            const float on_x = (float)(-u[a] * along[a] * with_g);
            if (a == 0) {
#pragma omp simd
                for (size_t d = 0; d < dim; d++) g[d] = on_s * s[d] + on_x * x[d] + on_t * t[d];
            } else {
#pragma omp simd
                for (size_t d = 0; d < dim; d++) g[a * dim + d] = on_s * s[d] + on_x * x[a * dim + d];
            }
        }
    }
    task->loss = loss_of(f, rows, k, sums_squared, squared_norm(t, dim));
}

void call_careful_l2(struct task *task) {
    switch (task->batch.samples_per_id) {
    case 2: careful_l2(task, 2); break;
    case 4: careful_l2(task, 4); break;
    case 8: careful_l2(task, 8); break;
    default: careful_l2(task, task->batch.samples_per_id);
    }
}
