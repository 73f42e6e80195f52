#include "not_finite.h"

#include "../ABITests/check.h"

#include <math.h>
#include <stdlib.h>

enum reach { FINITE, EITHER, BAD };

struct spread {
    const struct whole *whole;
    const pullpush_options *options;
    size_t *first, *counts; /* of a row's identity: its first row; at the first row, how many it has */
    size_t identities;
    int bad_pull, bad_push, nan_push;
};

static size_t *indices(size_t count)
{
    size_t *memory = (size_t *)calloc(count, sizeof *memory);
    if (!memory)
        abort();
    return memory;
}

static int is_pushed(const struct spread *spread, size_t row)
{
    int every = spread->options->push_between != PULLPUSH_PUSH_BETWEEN_REPRESENTATIVES;
    return spread->identities > 1 && (every || spread->first[row] == row);
}

/* Normalisation makes NaN of an infinity, for it divides it by itself. */
static int becomes_nan(const struct spread *spread, size_t row)
{
    int nan = 0;
    for (size_t d = 0; d < spread->whole->dim; d++)
        nan |= isnan(spread->whole->exact[row * spread->whole->dim + d]) != 0;
    return nan || (spread->options->normalize != PULLPUSH_NORMALIZE_NONE && !row_is_finite(spread->whole, row));
}

static struct spread spread_make(const struct whole *whole, const pullpush_options *options)
{
    struct spread spread = {whole, options, indices(whole->rows), indices(whole->rows), 0, 0, 0, 0};
    for (size_t a = 0; a < whole->rows; a++) {
        while (whole->labels[spread.first[a]] != whole->labels[a])
            spread.first[a]++;
        spread.identities += spread.first[a] == a;
        spread.counts[spread.first[a]]++;
    }
    for (size_t a = 0; a < whole->rows; a++) {
        if (row_is_finite(whole, a))
            continue;
        spread.bad_pull |= spread.counts[spread.first[a]] > 1;
        spread.bad_push |= is_pushed(&spread, a);
        spread.nan_push |= is_pushed(&spread, a) && becomes_nan(&spread, a);
    }
    return spread;
}

static void spread_free(struct spread *spread)
{
    free(spread->first), free(spread->counts);
}

static enum reach reach_of_push(const struct spread *spread)
{
    if (!spread->bad_push)
        return FINITE;
    return spread->options->push != PULLPUSH_PUSH_HINGE || spread->nan_push ? BAD : EITHER;
}

/* Of the gradient of a row, by the bad rows that its sums are over. */
static enum reach reach_of_row(const struct spread *spread, size_t row)
{
    const pullpush_options *options = spread->options;
    int pulls = options->upstream * options->pull_weight != 0, pushes = options->upstream * options->push_weight != 0;
    enum reach reach = row_is_finite(spread->whole, row) ? FINITE : EITHER;
    for (size_t b = 0; b < spread->whole->rows; b++) {
        int same_identity = spread->first[b] == spread->first[row];
        if (b == row || row_is_finite(spread->whole, b))
            continue;
        if (same_identity)
            reach = pulls ? BAD : reach == BAD ? BAD : EITHER;
        if (!is_pushed(spread, b) || !is_pushed(spread, row))
            continue;
        int certain = pushes && !same_identity &&
                      (options->push != PULLPUSH_PUSH_HINGE || becomes_nan(spread, b));
        reach = certain || reach == BAD ? BAD : EITHER;
    }
    return reach;
}

static void check_number(const char *name, double number, enum reach reach)
{
    check(reach == EITHER || !isfinite(number) == (reach == BAD), "%s is %g, which should %sbe finite", name, number,
          reach == BAD ? "not " : "");
}

static void check_rows(const struct spread *spread, const struct scene *scene)
{
    for (size_t a = 0; a < scene->rows; a++) {
        enum reach reach = reach_of_row(spread, a);
        size_t bad = 0;
        for (size_t d = 0; d < scene->dim; d++)
            bad += !isfinite(element_load(scene->element, scene->gradient.bytes, a * scene->gradient_stride + d));
        check(reach != FINITE || bad == 0, "%zu numbers of gradient row %zu are not finite", bad, a);
        check(reach != BAD || bad > 0, "gradient row %zu is finite", a);
    }
}

void check_spread(const struct whole *whole, const pullpush_options *options, const pullpush_result *result,
                  const struct scene *scene, int with_gradient)
{
    struct spread spread = spread_make(whole, options);
    check_number("pull", result->pull, spread.bad_pull ? BAD : FINITE);
    check_number("mean_positive", result->mean_positive, spread.bad_pull ? BAD : FINITE);
    check_number("push", result->push, reach_of_push(&spread));
    check_number("mean_negative", result->mean_negative, spread.bad_push ? BAD : FINITE);
    check_number("loss", result->loss, isfinite(result->pull) && isfinite(result->push) ? FINITE : BAD);
    if (with_gradient)
        check_rows(&spread, scene);
    spread_free(&spread);
}

void check_spread_to_loss(const struct whole *whole, const pullpush_options *options, double loss,
                          const struct scene *scene, int with_gradient)
{
    struct spread spread = spread_make(whole, options);
    check_number("loss", loss, spread.bad_pull || spread.bad_push ? BAD : FINITE);
    if (with_gradient)
        check_rows(&spread, scene);
    spread_free(&spread);
}
