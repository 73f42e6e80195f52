#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A gradient of `dim` columns, and for each row the size of all that was added to it, were it never to cancel. */
struct gradient {
    double *rows, *terms;
    size_t dim;
};

/* The vectors that are pushed apart: vector i is of `identity[i]`; row a is a part `share[a]` of vector `of[a]`. */
struct pushed {
    size_t count;
    double *vectors;
    struct gradient gradient;
    double *unsettled; /* of vector i's gradient, what pairs at the corner of the hinge add or do not add */
    double *reach;     /* the length of vector i if its rows did not cancel */
    size_t *identity, *of;
    double *share;
};

static double inner(const double *a, const double *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++)
        sum += a[d] * b[d];
    return sum;
}

static double squared_distance(const double *a, const double *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* What a distance, or an inner product, of two vectors is a difference of. */
static double size_of_terms(const double *a, const double *b, size_t dim, int euclidean)
{
    double a_a = inner(a, a, dim), b_b = inner(b, b, dim);
    return euclidean ? a_a + b_b : sqrt(a_a * b_b);
}

static void add_scaled(double *to, double factor, const double *from, size_t dim)
{
    for (size_t d = 0; d < dim; d++)
        to[d] += factor * from[d];
}

static void add_term(struct gradient *gradient, size_t row, double factor, const double *vector)
{
    add_scaled(gradient->rows + row * gradient->dim, factor, vector, gradient->dim);
    gradient->terms[row] += fabs(factor) * sqrt(inner(vector, vector, gradient->dim));
}

/* The gradient of slope * likeness of a pair; the likeness is a . b, or minus the squared distance. */
static void add_pair(struct gradient *gradient, size_t row_a, size_t row_b, const double *a, const double *b,
                     double slope, int euclidean)
{
    if (euclidean) {
        add_term(gradient, row_a, -2 * slope, a);
        add_term(gradient, row_a, 2 * slope, b);
        add_term(gradient, row_b, -2 * slope, b);
        add_term(gradient, row_b, 2 * slope, a);
    } else {
        add_term(gradient, row_a, slope, b);
        add_term(gradient, row_b, slope, a);
    }
}

static double *zeros(size_t count)
{
    double *memory = (double *)calloc(count ? count : 1, sizeof(double));
    if (!memory)
        abort();
    return memory;
}

static size_t *indices(size_t count)
{
    size_t *memory = (size_t *)calloc(count ? count : 1, sizeof(size_t));
    if (!memory)
        abort();
    return memory;
}

static struct gradient gradient_make(size_t rows, size_t dim)
{
    struct gradient gradient;
    gradient.rows = zeros(rows * dim);
    gradient.terms = zeros(rows);
    gradient.dim = dim;
    return gradient;
}

/* x = scale * f; returns the scale and whether it depends on the norm. */
static double row_scale(int32_t normalize, double norm, int *constant)
{
    *constant = 1;
    switch (normalize) {
    case PULLPUSH_NORMALIZE_L2:
        if (norm <= 1e-12)
            return 1e12;
        *constant = 0;
        return 1 / norm;
    case PULLPUSH_NORMALIZE_RENORM:
        if (norm <= 1e-5)
            return 1e5;
        *constant = 0;
        return 1 / (norm + 1e-7);
    default:
        return 1;
    }
}

/* g_f = u g_x + f u'(n) (f . g_x) / n, with u the scale; u' = -u^2 for 1/n and for 1/(n + 1e-7) alike. */
static void normalize_backward(int32_t normalize, const double *f, const double *g_x, size_t dim, double *g_f)
{
    int constant;
    double norm = sqrt(inner(f, f, dim));
    double u = row_scale(normalize, norm, &constant);
    double slope = constant ? 0 : -u * u * inner(f, g_x, dim) / norm;
    for (size_t d = 0; d < dim; d++)
        g_f[d] = u * g_x[d] + slope * f[d];
}

static double pull_pairs(const double *x, const size_t *identity, const size_t *sizes, size_t rows, size_t dim,
                         const pullpush_options *options, struct answer *answer, struct gradient *gradient)
{
    pullpush_result *result = &answer->result;
    int euclidean = options->objective == PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN;
    double sum = 0, sum_inner = 0, cancelled = 0;
    for (size_t a = 0; a < rows; a++) {
        for (size_t b = 0; b < rows; b++) {
            if (identity[a] != identity[b] || sizes[identity[a]] < 2)
                continue;
            const double *x_a = x + a * dim, *x_b = x + b * dim;
            double s = inner(x_a, x_b, dim);
            if (a == b && options->self_pairs == PULLPUSH_SELF_PAIRS_EXCLUDE) {
                cancelled += euclidean ? 0 : s; /* a closed form has this pair, and subtracts it */
                continue;
            }
            sum += euclidean ? squared_distance(x_a, x_b, dim) : 1 - s;
            cancelled += size_of_terms(x_a, x_b, dim, euclidean);
            if (a != b) {
                sum_inner += s;
                result->positive_pairs += 1;
            }
            add_pair(gradient, a, b, x_a, x_b, -1, euclidean);
        }
    }
    double pairs = (double)result->positive_pairs;
    if (pairs == 0)
        return 0;
    result->mean_positive = sum_inner / pairs;
    result->pull = sum / pairs;
    answer->pull_cancelled = cancelled / pairs;
    return 1 / pairs;
}

static void choose_pushed(const double *x, const size_t *identity, const size_t *sizes, size_t identities, size_t rows,
                          size_t dim, int32_t between, struct pushed *pushed)
{
    int all = between == PULLPUSH_PUSH_BETWEEN_ALL;
    pushed->count = all ? rows : identities;
    pushed->vectors = zeros(pushed->count * dim);
    pushed->gradient = gradient_make(pushed->count, dim);
    pushed->unsettled = zeros(pushed->count);
    pushed->reach = zeros(pushed->count);
    pushed->identity = indices(pushed->count);
    pushed->of = indices(rows);
    pushed->share = zeros(rows);
    size_t *seen = indices(identities);
    for (size_t a = 0; a < rows; a++) {
        size_t c = identity[a], i = all ? a : c;
        if (all)
            pushed->share[a] = 1;
        else if (between == PULLPUSH_PUSH_BETWEEN_CENTROIDS)
            pushed->share[a] = 1 / (double)sizes[c];
        else
            pushed->share[a] = seen[c] == 0;
        seen[c] += 1;
        pushed->of[a] = i;
        pushed->identity[i] = c;
        add_scaled(pushed->vectors + i * dim, pushed->share[a], x + a * dim, dim);
        pushed->reach[i] += pushed->share[a] * sqrt(inner(x + a * dim, x + a * dim, dim));
    }
    free(seen);
}

/* Rounding chooses the side of a pair this close to the corner of a hinge, for a likeness of terms of that size. */
static int is_unsettled(double hinge_distance, double size)
{
    return hinge_distance <= 1e-4 * fmax(1, size / 4);
}

/* What the push makes of one pair, and the slope of that over the pair's likeness. */
struct judgement {
    double value, slope, hinge_distance;
    int active;
};

static struct judgement judge(const pullpush_options *options, double likeness)
{
    struct judgement judgement = {likeness, 1, HUGE_VAL, 1};
    int euclidean = options->objective == PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN;
    double over = euclidean ? likeness + options->margin : likeness - options->margin;
    if (options->push == PULLPUSH_PUSH_SQUARED) {
        judgement.value = (likeness - options->target) * (likeness - options->target);
        judgement.slope = 2 * (likeness - options->target);
    }
    if (options->push == PULLPUSH_PUSH_HINGE) {
        judgement.active = over > 0;
        judgement.value = fmax(0, over);
        judgement.slope = judgement.active;
        judgement.hinge_distance = fabs(over);
    }
    return judgement;
}

static double push_pairs(struct pushed *pushed, size_t dim, const pullpush_options *options, struct answer *answer)
{
    pullpush_result *result = &answer->result;
    int euclidean = options->objective == PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN;
    int squared = options->push == PULLPUSH_PUSH_SQUARED, hinge = options->push == PULLPUSH_PUSH_HINGE;
    int self = options->push == PULLPUSH_PUSH_LINEAR && !euclidean &&
               options->push_between == PULLPUSH_PUSH_BETWEEN_REPRESENTATIVES &&
               options->self_pairs == PULLPUSH_SELF_PAIRS_INCLUDE;
    /* Of very many pairs: rounding of this sum would be more than the library's. */
    long double sum = 0, sum_inner = 0;
    double cancelled = 0, of_one_identity = 0;
    answer->hinge_distance = HUGE_VAL;
    for (size_t i = 0; i < pushed->count; i++) {
        for (size_t j = 0; j < pushed->count; j++) {
            const double *v_i = pushed->vectors + i * dim, *v_j = pushed->vectors + j * dim;
            double s = inner(v_i, v_j, dim), size = size_of_terms(v_i, v_j, dim, euclidean);
            if (i == j && self) { /* the sum has the self pairs, minus one for each identity */
                sum += s - 1;
                add_term(&pushed->gradient, i, 2, v_i);
            }
            if (pushed->identity[i] == pushed->identity[j]) { /* a closed form has these pairs, and subtracts them */
                cancelled += hinge ? 0 : squared ? size * size : size;
                of_one_identity += fabs(s);
                pushed->gradient.terms[i] += (hinge ? 0 : squared ? 4 * fabs(s) : 2) * sqrt(inner(v_j, v_j, dim));
                continue;
            }
            struct judgement judgement = judge(options, euclidean ? -squared_distance(v_i, v_j, dim) : s);
            int unsettled = is_unsettled(judgement.hinge_distance, size);
            if (unsettled) {
                double length_i = sqrt(inner(v_i, v_i, dim)), length_j = sqrt(inner(v_j, v_j, dim));
                answer->unsettled_pairs += 1;
                pushed->unsettled[i] += euclidean ? 2 * (length_i + length_j) : length_j;
                pushed->unsettled[j] += euclidean ? 2 * (length_i + length_j) : length_i;
            }
            /* A hinge, a distance: a difference. */
            cancelled += (judgement.active || unsettled) && (hinge || euclidean) ? size : 0;
            sum += judgement.value;
            sum_inner += s;
            result->negative_pairs += 1;
            result->active_pairs += (uint64_t)judgement.active;
            answer->hinge_distance = fmin(answer->hinge_distance, judgement.hinge_distance);
            add_pair(&pushed->gradient, i, j, v_i, v_j, judgement.slope, euclidean);
            /* A mean of rows that cancel is what rounding makes of them. */
            double slope = fabs(judgement.slope);
            pushed->gradient.terms[i] += slope * fmax(0, pushed->reach[j] / 2 - sqrt(inner(v_j, v_j, dim)));
            pushed->gradient.terms[j] += slope * fmax(0, pushed->reach[i] / 2 - sqrt(inner(v_i, v_i, dim)));
        }
    }
    if (result->negative_pairs == 0)
        return 0;
    result->mean_negative = (double)sum_inner / (double)result->negative_pairs;
    answer->mean_cancelled = of_one_identity / (double)result->negative_pairs;
    uint64_t divisor = options->reduction == PULLPUSH_REDUCTION_MEAN_ACTIVE ? result->active_pairs
                                                                             : result->negative_pairs;
    if (divisor == 0)
        return 0;
    result->push = (double)sum / (double)divisor;
    answer->push_cancelled = cancelled / (double)divisor;
    return 1 / (double)divisor;
}

void reference_evaluate(const double *features, const int64_t *labels, size_t rows, size_t dim,
                        const pullpush_options *options, struct answer *answer)
{
    memset(&answer->result, 0, sizeof answer->result);
    answer->pull_cancelled = answer->push_cancelled = answer->mean_cancelled = answer->largest_square = 0;
    answer->unsettled_pairs = 0;
    answer->result.struct_size = sizeof answer->result;

    size_t *identity = indices(rows), *sizes = indices(rows), identities = 0;
    for (size_t a = 0; a < rows; a++) {
        size_t first = 0;
        while (labels[first] != labels[a])
            first++;
        identity[a] = first == a ? identities++ : identity[first];
        sizes[identity[a]] += 1;
    }

    double *x = zeros(rows * dim), *scales = zeros(rows), *row = zeros(dim);
    for (size_t a = 0; a < rows; a++) {
        int constant;
        const double *f = features + a * dim;
        scales[a] = row_scale(options->normalize, sqrt(inner(f, f, dim)), &constant);
        add_scaled(x + a * dim, scales[a], f, dim);
        answer->largest_square = fmax(answer->largest_square, inner(x + a * dim, x + a * dim, dim));
    }

    struct gradient pull = gradient_make(rows, dim);
    double pull_factor = pull_pairs(x, identity, sizes, rows, dim, options, answer, &pull);
    struct pushed pushed;
    choose_pushed(x, identity, sizes, identities, rows, dim, options->push_between, &pushed);
    double push_factor = push_pairs(&pushed, dim, options, answer);
    answer->result.loss = options->pull_weight * answer->result.pull + options->push_weight * answer->result.push;

    pull_factor *= options->upstream * options->pull_weight;
    push_factor *= options->upstream * options->push_weight;
    double squared_terms = 0, squared_unsettled = 0;
    for (size_t a = 0; a < rows; a++) {
        size_t i = pushed.of[a];
        double part = push_factor * pushed.share[a];
        double terms = fabs(pull_factor) * pull.terms[a] + fabs(part) * pushed.gradient.terms[i];
        double unsettled = part * pushed.unsettled[i];
        squared_terms += terms * terms;
        squared_unsettled += unsettled * unsettled;
        memset(row, 0, dim * sizeof *row);
        add_scaled(row, pull_factor, pull.rows + a * dim, dim);
        add_scaled(row, part, pushed.gradient.rows + i * dim, dim);
        if (answer->gradient)
            normalize_backward(options->normalize, features + a * dim, row, dim, answer->gradient + a * dim);
    }
    answer->gradient_terms = sqrt(squared_terms);
    answer->unsettled_gradient = sqrt(squared_unsettled);
    if (answer->row_scales)
        memcpy(answer->row_scales, scales, rows * sizeof *scales);

    free(identity), free(sizes), free(x), free(scales), free(row), free(pull.rows), free(pull.terms);
    free(pushed.vectors), free(pushed.gradient.rows), free(pushed.gradient.terms);
    free(pushed.unsettled), free(pushed.reach), free(pushed.identity), free(pushed.of), free(pushed.share);
}
