#include "compare.h"

#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "not_finite.h"
#include "range.h"

#include <math.h>
#include <string.h>

struct compared compared;

/* The result of a call on structs; what was accumulated gives one when it is finished. */
static pullpush_result result_of(const struct call *call)
{
    pullpush_result result = call->result.known;
    if (call->function == ACCUMULATE) {
        result = blank_result();
        int status = api.statistics_finish(call->batch_pointer, call->options_pointer, call->statistics, call->count,
                                           &result, NULL, 0, NULL, 0);
        check(status == PULLPUSH_OK, "what was accumulated is refused with status %d", status);
    } else {
        check(memcmp(call->result.tail, long_result_tail, sizeof call->result.tail) == 0,
              "the result was written beyond its end");
        check(result.struct_size == sizeof result || result.struct_size == sizeof call->result,
              "the struct_size was written");
        result.struct_size = sizeof result;
    }
    return result;
}

/* Pairs at the corner of a hinge are counted on either side; the mean over the active ones is then over as many. */
static void take_active_pairs(const struct whole *whole, pullpush_options options, uint64_t active,
                              struct answer *answer)
{
    uint64_t unsettled = answer->unsettled_pairs;
    double pairs = (double)answer->result.negative_pairs, times = active ? pairs / (double)active : 0;
    answer_free(answer);
    options.reduction = PULLPUSH_REDUCTION_MEAN;
    options.push_weight *= times;
    *answer = answer_make(whole, &options);
    check(active + unsettled >= answer->result.active_pairs && active <= answer->result.active_pairs + unsettled,
          "%llu active pairs instead of %llu", (unsigned long long)active,
          (unsigned long long)answer->result.active_pairs);
    answer->result.push *= times;
    answer->push_cancelled *= times;
}

static void compare_in_range(const struct call *call, const pullpush_result *result, const struct whole *whole,
                             const struct scene *scene, const pullpush_options *options, struct answer *answer,
                             int with_gradient)
{
    if (options->reduction == PULLPUSH_REDUCTION_MEAN_ACTIVE && answer->unsettled_pairs)
        take_active_pairs(whole, *options, result->active_pairs, answer);
    /* A search for the worst finds batches of two rows in one dimension, where everything cancels. */
    answer->pull_cancelled *= 10, answer->push_cancelled *= 10, answer->gradient_terms *= 10;
    if (call->function == PLAIN) {
        double terms = fabs(answer->result.pull) + fabs(answer->result.push) + answer->pull_cancelled +
                       answer->push_cancelled;
        check(fabs(call->loss - answer->result.loss) <= 1e-7 + 1e-6 * terms, "the loss is %.9g instead of %.9g",
              call->loss, answer->result.loss);
    } else {
        check_result(result, answer, options, scene->element, BATCH_ANY);
    }
    if (with_gradient)
        check_gradient(scene, answer, 0, whole->rows, options->accumulate);
}

/* The rows that are not finite left out: whether the others stay in range. */
static struct range range_of_others(const struct whole *whole, const struct element *element,
                                    const pullpush_options *options)
{
    struct whole others = whole_without_bad_rows(whole);
    struct answer answer = answer_make(&others, options);
    struct range range = range_of(&others, element, options, &answer);
    answer_free(&answer);
    whole_free(&others);
    return range;
}

static void compare_not_finite(const struct call *call, const pullpush_result *result, const struct whole *whole,
                               const struct scene *scene, const pullpush_options *options, int with_gradient)
{
    struct range range = range_of_others(whole, scene->element, options);
    if (!range.values || !range.gradient) {
        compared.beyond += 1;
        return;
    }
    compared.not_finite += 1;
    if (call->function == PLAIN)
        check_spread_to_loss(whole, options, call->loss, scene, with_gradient);
    else
        check_spread(whole, options, result, scene, with_gradient);
}

void compare(const struct call *call, const struct scene *scene, const struct scene *other,
             const pullpush_options *options, int with_gradient)
{
    struct whole whole = whole_make(scene, other);
    struct answer answer = answer_make(&whole, options);
    pullpush_result result = blank_result();
    if (call->function != PLAIN) {
        result = result_of(call);
        check(result.positive_pairs == answer.result.positive_pairs, "positive pairs");
        check(result.negative_pairs == answer.result.negative_pairs, "negative pairs");
        check(result.active_pairs <= result.negative_pairs, "more active pairs than pairs");
    }
    struct range range = range_of(&whole, scene->element, options, &answer);
    if (!all_finite(&whole)) {
        compare_not_finite(call, &result, &whole, scene, options, with_gradient);
    } else if (!range.values) {
        compared.beyond += 1;
    } else {
        compared.in_full += range.gradient;
        compared.without_gradient += !range.gradient;
        compare_in_range(call, &result, &whole, scene, options, &answer, with_gradient && range.gradient);
    }
    answer_free(&answer);
    whole_free(&whole);
}
