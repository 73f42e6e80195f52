/*
 * PullPush: metric-learning losses and their gradients on plain float buffers.
 *
 * A mini-batch is a matrix of `rows` feature vectors (embeddings) of `dim` numbers. Every row belongs to an
 * identity. The loss pulls the rows of one identity together and pushes identities apart:
 *
 *     loss = pull_weight * pull + push_weight * push
 *
 * With x the rows after normalisation, s_c the sum of the K_c rows of identity c, r_c its first row and P the number
 * of identities, the default ("original") loss is
 *
 *     pull = sum_c sum_{a,b in c} (1 - x_a . x_b) / N+        N+ = sum_c K_c (K_c - 1)
 *     push = (sum_{i,j} r_i . r_j - P) / N-                   N- = P (P - 1)
 *
 * A sum of pairwise inner products is the squared norm of a sum, so loss and gradient cost one read of the features
 * and one write of the gradient: O(rows * dim), never a rows x rows matrix.
 *
 * Conventions that hold for every function below:
 *   - Sizes and strides count elements, not bytes. Matrices are row-major; rows may be spaced by a stride >= dim.
 *   - A function either returns PULLPUSH_OK and has written all its outputs, or returns another status and has left
 *     the features, the gradient and the result untouched. Only `message` is written on failure.
 *   - Of overlapping arguments only a gradient over another is refused. Result, loss and statistics are written when
 *     all else is done, then the message; what they lie over is lost.
 *   - No pointer is kept after a call returns. Calls on different outputs may run on any number of threads at once.
 *   - Nothing is promised about the bits of a result between versions of the library or between instruction sets.
 *     For one build on one machine the same batch gives the same bits, whatever the number of threads and wherever
 *     its rows are in memory.
 *
 * The header is C99 and C++ clean and is the whole contract; see README.md for Python and Swift.
 */
#ifndef PULLPUSH_H
#define PULLPUSH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ version */

#define PULLPUSH_VERSION_MAJOR 0
#define PULLPUSH_VERSION_MINOR 1
#define PULLPUSH_VERSION_PATCH 0
#define PULLPUSH_VERSION_STRING "0.1.0"
/* MAJOR * 1000000 + MINOR * 1000 + PATCH: compare the header's number with the library's. */
#define PULLPUSH_VERSION 1000

/* The version of the loaded library, as PULLPUSH_VERSION and as PULLPUSH_VERSION_STRING. */
uint32_t pullpush_version(void);
const char *pullpush_version_string(void);

/* The instruction set the kernels run with on this machine: "x86-64-v4" (AVX-512 for float32 where it pays: products of
 * pairs, and identities of four rows; else as the next), "x86-64-v3" (AVX2 and FMA) or "baseline". Chosen once,
 * on first use; the environment variable PULLPUSH_ISA forces a lesser one. */
const char *pullpush_isa(void);

/* ------------------------------------------------------------------------------------------------- status */

/* Every call that can fail returns one of these. The numbers are pinned: a number never changes its meaning. */
enum {
    PULLPUSH_OK = 0,
    PULLPUSH_ERROR_NULL = 10,          /* a required pointer is NULL */
    PULLPUSH_ERROR_STRUCT_SIZE = 20,   /* a struct_size is too small, or larger with a non-zero unknown tail */
    PULLPUSH_ERROR_DTYPE = 30,         /* dtype is not one of PULLPUSH_DTYPE_* */
    PULLPUSH_ERROR_SIZE = 40,          /* rows, dim or samples_per_id is 0, does not divide, or is too large */
    PULLPUSH_ERROR_STRIDE = 50,        /* a row stride is smaller than dim */
    PULLPUSH_ERROR_ALIGNMENT = 60,     /* a buffer is not aligned to its element */
    PULLPUSH_ERROR_OVERLAP = 70,       /* the gradient overlaps the features, the labels, the result or the total */
    PULLPUSH_ERROR_OPTION = 80,        /* an option is not a known value, not finite, or meaningless with another */
    PULLPUSH_ERROR_NOT_FINITE = 90,    /* check_finite found a NaN or an infinity in the features */
    PULLPUSH_ERROR_STATISTICS = 100,   /* the statistics do not fit the batch and options */
    PULLPUSH_ERROR_MEMORY = 110        /* scratch memory could not be allocated */
};

/* A short English sentence for a status, never NULL (an unknown status has its own sentence). */
const char *pullpush_status_string(int status);

/* --------------------------------------------------------------------------------------- the plain calls */

/*
 * The original loss on features that are already normalised, identity after identity (a "P x K" batch).
 *
 *   features        rows x dim, contiguous, identity c in rows c*samples_per_id ... (c+1)*samples_per_id - 1
 *   rows, dim       >= 1; rows must be a multiple of samples_per_id
 *   samples_per_id  K >= 1; with K = 1 there is no positive pair and the pull is 0
 *   loss            receives pull + push
 *   gradient        rows x dim, contiguous, receives d loss / d features; NULL if not wanted. Must not overlap the
 *                   features.
 *
 * Returns PULLPUSH_OK, or NULL / SIZE / ALIGNMENT / OVERLAP / MEMORY as above.
 * Cost: one read of the features, one write of the gradient; scratch of O(dim + samples_per_id) numbers.
 */
int pullpush_loss_f32(const float *features, size_t rows, size_t dim, size_t samples_per_id,
                      double *loss, float *gradient);
int pullpush_loss_f64(const double *features, size_t rows, size_t dim, size_t samples_per_id,
                      double *loss, double *gradient);

/* -------------------------------------------------------------------------------------- batch and options */

/* The type of a feature and of a gradient element. Losses and statistics are always double. */
enum {
    PULLPUSH_DTYPE_F32 = 1,
    PULLPUSH_DTYPE_F64 = 2,
    PULLPUSH_DTYPE_F16 = 3,  /* IEEE binary16, as its bits in a uint16_t; sums in float32 or wider */
    PULLPUSH_DTYPE_BF16 = 4  /* bfloat16, as its bits in a uint16_t; sums in float32 or wider */
};

/* How a raw row f of Euclidean norm n becomes the row x the loss sees. The gradient is with respect to f. */
enum {
    PULLPUSH_NORMALIZE_NONE = 0,   /* x = f */
    PULLPUSH_NORMALIZE_L2 = 1,     /* x = f / max(n, 1e-12) */
    PULLPUSH_NORMALIZE_RENORM = 2  /* n > 1e-5: x = f / (n + 1e-7), else x = 1e5 f  (torch renorm(2, 0, 1e-5) * 1e5) */
};

/* Whether the pairs (a, a) count in the pull and in the linear push between representatives. */
enum {
    PULLPUSH_SELF_PAIRS_INCLUDE = 0, /* as the original: d pull / d x_a = -2 s_c / N+ */
    PULLPUSH_SELF_PAIRS_EXCLUDE = 1  /* d pull / d x_a = -2 (s_c - x_a) / N+ */
};

/* What is averaged over the pairs of identities; s is the inner product of a pair. */
enum {
    PULLPUSH_PUSH_LINEAR = 0,  /* s                    (squared_euclidean: minus the squared distance) */
    PULLPUSH_PUSH_SQUARED = 1, /* (s - target)^2       (inner_product only) */
    PULLPUSH_PUSH_HINGE = 2    /* max(0, s - margin)   (squared_euclidean: max(0, margin - squared distance)) */
};

/* What a hinge push is divided by. */
enum {
    PULLPUSH_REDUCTION_MEAN = 0,       /* all N- pairs */
    PULLPUSH_REDUCTION_MEAN_ACTIVE = 1 /* the pairs whose hinge is above 0 (no such pair: the push is 0) */
};

/* Which vectors are pushed apart. */
enum {
    PULLPUSH_PUSH_BETWEEN_REPRESENTATIVES = 0, /* the first row of each identity, in batch order */
    PULLPUSH_PUSH_BETWEEN_CENTROIDS = 1,       /* the mean row of each identity, s_c / K_c */
    PULLPUSH_PUSH_BETWEEN_ALL = 2              /* all rows, paired across identities: N- = rows^2 - sum_c K_c^2 */
};

/* What a pair is judged by. */
enum {
    PULLPUSH_OBJECTIVE_INNER_PRODUCT = 0,    /* pull = mean (1 - x_a . x_b) */
    PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN = 1 /* pull = mean |x_a - x_b|^2 */
};

/*
 * A view of the batch. Set struct_size to sizeof(pullpush_batch) and every unused field to 0.
 * Identities come either from `labels` (rows int64 values: any values, any order, unequal counts) or, when labels is
 * NULL, from `samples_per_id` as in the plain call. Giving both is an error.
 */
typedef struct pullpush_batch {
    size_t struct_size;
    const void *features;   /* rows x dim elements of `dtype` */
    size_t rows;            /* B >= 1, up to 3037000499, whose pairs can be counted */
    size_t dim;             /* D >= 1 */
    size_t row_stride;      /* elements from one row to the next, >= dim; 0 means dim */
    const int64_t *labels;  /* NULL, or one label a row */
    size_t samples_per_id;  /* K >= 1 dividing rows when labels is NULL, else 0 */
    int32_t dtype;          /* PULLPUSH_DTYPE_* */
    int32_t reserved;       /* 0 */
} pullpush_batch;

/* Fill it with pullpush_options_init or pullpush_options_preset, then change what you need. */
typedef struct pullpush_options {
    size_t struct_size;    /* set by the initialisers; smaller structs of older headers stay valid */
    int32_t normalize;     /* PULLPUSH_NORMALIZE_*,    default RENORM */
    int32_t self_pairs;    /* PULLPUSH_SELF_PAIRS_*,   default INCLUDE */
    int32_t push;          /* PULLPUSH_PUSH_*,         default LINEAR */
    int32_t reduction;     /* PULLPUSH_REDUCTION_*,    default MEAN; MEAN_ACTIVE needs HINGE */
    int32_t push_between;  /* PULLPUSH_PUSH_BETWEEN_*, default REPRESENTATIVES */
    int32_t objective;     /* PULLPUSH_OBJECTIVE_*,    default INNER_PRODUCT */
    double target;         /* of the squared push, default 0; any finite number */
    double margin;         /* of the hinge push, default 0; any finite number */
    double pull_weight;    /* default 1; any finite number */
    double push_weight;    /* default 1; any finite number */
    double upstream;       /* the gradient is that of upstream * loss, default 1; any finite number */
    int32_t num_threads;   /* default 0: chosen by size; 1 uses the calling thread alone */
    int32_t check_finite;  /* default 0; 1 refuses features with a NaN or an infinity and names the first such row */
    int32_t accumulate;    /* default 0: the gradient is overwritten; 1: it is added to what is there */
    int32_t reserved;      /* 0 */
} pullpush_options;

/* What comes back beside the gradient. Set struct_size to sizeof(pullpush_result) before the call. */
typedef struct pullpush_result {
    size_t struct_size;
    double loss;             /* pull_weight * pull + push_weight * push */
    double pull;
    double push;
    double mean_positive;    /* mean x_a . x_b over the N+ ordered pairs of rows of one identity; 0 without */
    double mean_negative;    /* mean inner product over the N- ordered pairs the push is between; 0 without */
    uint64_t positive_pairs; /* N+ */
    uint64_t negative_pairs; /* N- */
    uint64_t active_pairs;   /* hinge: the pairs above 0; other pushes: N- */
} pullpush_result;

/* The named sets of options. */
enum {
    PULLPUSH_PRESET_ORIGINAL = 0,  /* every default above */
    PULLPUSH_PRESET_ORTHOGONAL = 1 /* l2, self pairs excluded, squared push with target 0 between representatives */
};

/*
 * Fill `options` with the defaults, or with a preset. Pass sizeof(pullpush_options) as struct_size; a program built
 * with an older, shorter struct gets as many fields as it has room for. Returns OK, NULL, STRUCT_SIZE or OPTION.
 */
int pullpush_options_init(pullpush_options *options, size_t struct_size);
int pullpush_options_preset(pullpush_options *options, size_t struct_size, int32_t preset);

/* --------------------------------------------------------------------------------------- the general call */

/*
 * Loss, its parts and, if wanted, the gradient of upstream * loss with respect to the raw features.
 *
 *   batch            see pullpush_batch
 *   options          NULL means the defaults
 *   result           required
 *   gradient         rows x dim elements of batch->dtype, or NULL; must not overlap anything else passed here. Overlap
 *                    is judged from the first to the last byte: rows that interleave overlap.
 *   gradient_stride  elements from one gradient row to the next, >= dim; 0 means dim. Numbers between rows stay as
 *                    they are.
 *   message          NULL, or room for message_size bytes: on failure it receives a sentence, cut to fit and
 *                    NUL-terminated, that names the argument, its value and what was expected; "" on success
 *
 * An identity with one row adds nothing to the pull but is pushed. Without a pair (every identity has one row; there
 * is one identity) the pull, or the push, is 0 with a zero gradient. NaN and infinities propagate unless check_finite.
 *
 * Cost: O(rows * dim) time for the linear push; O(M * dim * min(M, dim)) for the squared push and O(M^2 * dim) for
 * the hinge over M pushed vectors (M = P, or rows for PUSH_BETWEEN_ALL). Scratch: O(rows) for labels and O(dim) a
 * thread; for squared and hinge also M * dim numbers, and M * M of them while those are no more than the features'
 * or 2^20; a dim x dim block for the squared push with M > dim.
 */
int pullpush_evaluate(const pullpush_batch *batch, const pullpush_options *options, pullpush_result *result,
                      void *gradient, size_t gradient_stride, char *message, size_t message_size);

/* ---------------------------------------------------------------------------------- additive statistics */

/*
 * One batch in several parts: many machines, or more rows than memory. Every identity must lie whole in one part.
 *
 *   1. accumulate: each part adds its share to a vector of doubles that starts as zeros;
 *   2. reduce: the vectors of all parts are added up (pullpush_statistics_reduce, MPI_SUM, any all-reduce);
 *   3. finish: with the total, each part gets the loss of the whole batch and the gradient of its own rows.
 *
 * The hinge push has no additive statistics and is refused with PULLPUSH_ERROR_OPTION.
 */

/* The length of the vector for this batch's dim and these options: dim + 5 for the defaults. */
int pullpush_statistics_size(size_t dim, const pullpush_options *options, size_t *count);

/* Add this part's share to statistics[0 ... count-1]. `num_threads` and `check_finite` apply. */
int pullpush_statistics_accumulate(const pullpush_batch *batch, const pullpush_options *options, double *statistics,
                                   size_t count, char *message, size_t message_size);

/* total[i] += part[i] for i in 0 ... count-1. */
int pullpush_statistics_reduce(double *total, const double *part, size_t count);

/* The result of the whole batch and the gradient of this part's rows; arguments as in pullpush_evaluate. */
int pullpush_statistics_finish(const pullpush_batch *batch, const pullpush_options *options, const double *total,
                               size_t count, pullpush_result *result, void *gradient, size_t gradient_stride,
                               char *message, size_t message_size);

/* ------------------------------------------------------------------------------------------------ threads */

/* The most threads any call may use, 0 = as many as the machine has processors. The environment variable
 * PULLPUSH_NUM_THREADS sets the initial value. Returns the value before. Helper threads start when first needed. */
int pullpush_set_max_threads(int max_threads);

#ifdef __cplusplus
}
#endif

#endif /* PULLPUSH_H */
