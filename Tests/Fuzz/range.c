#include "range.h"

#include <float.h>
#include <math.h>

static double largest(const double *numbers, size_t count)
{
    double result = 0;
    for (size_t i = 0; i < count; i++)
        result = fmax(result, fabs(numbers[i]));
    return result;
}

static double longest_square(const struct whole *whole)
{
    double longest = 0;
    for (size_t a = 0; a < whole->rows; a++) {
        double square = 0;
        for (size_t d = 0; d < whole->dim; d++)
            square += whole->exact[a * whole->dim + d] * whole->exact[a * whole->dim + d];
        longest = fmax(longest, square);
    }
    return longest;
}

struct range range_of(const struct whole *whole, const struct element *element, const pullpush_options *options,
                      const struct answer *answer)
{
    const double most = (element->size == 8 ? DBL_MAX : FLT_MAX) / 1e3, rows = (double)whole->rows;
    const double most_written = ldexp(1, (1 << (element->exponent_bits - 1)) - 2);
    struct range range = {0, 0};
    /* The largest product of two sums of rows, and what the push makes of it. */
    double product = 4 * rows * rows * fmax(1, answer->largest_square);
    double pushed = options->push == PULLPUSH_PUSH_SQUARED ? pow(product + fabs(options->target), 2)
                    : options->push == PULLPUSH_PUSH_HINGE ? product + fabs(options->margin)
                                                           : product;
    double weight = fmax(1, fmax(fabs(options->pull_weight), fabs(options->push_weight)));
    range.values = longest_square(whole) < most && product < most && pushed < most && pushed < DBL_MAX / 1e3 / weight;

    double on_pull = fabs(options->upstream * options->pull_weight);
    double on_push = fabs(options->upstream * options->push_weight);
    /* Factors this small are rounded to a few bits, or to 0, before they meet a large sum. */
    int too_small = (on_pull > 0 && on_pull < 1e-20) || (on_push > 0 && on_push < 1e-20);
    /* On its way to a short row the gradient is multiplied with more than what remains of it. */
    double written = largest(answer->gradient, whole->rows * whole->dim);
    double on_the_way = written * fmax(1, largest(answer->row_scales, whole->rows));
    range.gradient = range.values && !too_small && fabs(options->upstream) < most && weight < most &&
                     fmax(1, fmax(on_pull, on_push)) * pushed * sqrt(product) < most &&
                     on_the_way < most && written < most_written;
    return range;
}
