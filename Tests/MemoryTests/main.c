/*
 * memory_tests LIBRARY ISA: for valgrind; ISA is what the library should choose. Buffers of exactly the size the header
 * asks for, from malloc, so that an access beyond them shows; what the library need not read is left uninitialised, so
 * that reading it shows. Afterwards every output must be defined, and what lies between rows must still be undefined,
 * for the library has no business there.
 */
#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "../ABITests/element.h"
#include "../ABITests/option_sets.h"
#include "../ABITests/random.h"
#include "../ABITests/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

static const size_t dims[] = {1, 7, 8, 17, 33};
static const size_t large_dims[] = {65, 64, 16, 100};
static const int32_t thread_counts[] = {1, 3, 0, 2};

struct sizes {
    size_t rows, dim, stride;
};

static void *block(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory)
        abort();
    return memory;
}

/* Rows of random numbers; the numbers between rows are left uninitialised. */
static void *make_rows(const struct element *element, struct sizes sizes, uint64_t *state)
{
    void *memory = block(((sizes.rows - 1) * sizes.stride + sizes.dim) * element->size);
    for (size_t a = 0; a < sizes.rows; a++)
        for (size_t d = 0; d < sizes.dim; d++)
            element_store(element, memory, a * sizes.stride + d, random_signed(state));
    return memory;
}

/* Whether all bytes are defined; always so outside valgrind. */
static int defined(const void *bytes, size_t size)
{
    return VALGRIND_CHECK_MEM_IS_DEFINED(bytes, size) == 0;
}

static void check_rows(const char *name, const void *rows, const struct element *element, struct sizes sizes)
{
    const char *bytes = (const char *)rows;
    size_t undefined = 0, written = 0;
    for (size_t a = 0; a < sizes.rows; a++) {
        const char *row = bytes + a * sizes.stride * element->size;
        undefined += !defined(row, sizes.dim * element->size);
        if (!RUNNING_ON_VALGRIND || a + 1 == sizes.rows)
            continue;
        for (size_t i = sizes.dim * element->size; i < sizes.stride * element->size; i++) {
            unsigned char bits = 0;
            VALGRIND_GET_VBITS(row + i, &bits, 1);
            written += bits == 0;
        }
    }
    check(undefined == 0, "%zu rows of the %s are not all defined", undefined, name);
    check(written == 0, "%zu bytes between the rows of the %s were written", written, name);
}

static void test_statistics(const pullpush_batch *batch, const pullpush_options *options, void *gradient,
                            size_t gradient_stride)
{
    size_t count = 0;
    if (options->push == PULLPUSH_PUSH_HINGE)
        return;
    check(api.statistics_size(batch->dim, options, &count) == PULLPUSH_OK, "no size");
    double *part = (double *)calloc(count, sizeof *part), *total = (double *)calloc(count, sizeof *total);
    pullpush_result result;
    result.struct_size = sizeof result;
    int status = api.statistics_accumulate(batch, options, part, count, NULL, 0);
    check(status == PULLPUSH_OK && defined(part, count * sizeof *part), "accumulate: status %d, or undefined", status);
    check(api.statistics_reduce(total, part, count) == PULLPUSH_OK, "reduce");
    status = api.statistics_finish(batch, options, total, count, &result, gradient, gradient_stride, NULL, 0);
    check(status == PULLPUSH_OK && defined(&result, sizeof result), "finish: status %d, or undefined", status);
    free(part), free(total);
}

static void test_options(const pullpush_options *chosen, unsigned turn)
{
    uint64_t state = turn;
    pullpush_options options = *chosen;
    const struct element *element = &elements[turn % 4];
    /* Now and then a batch large enough for several threads. */
    int large = turn % 16 == 0 && options.push_between != PULLPUSH_PUSH_BETWEEN_ALL;
    struct sizes features_sizes = {large ? 1200 : 1 + turn % 13, large ? large_dims[turn / 16 % 4] : dims[turn % 5],
                                   0};
    struct sizes gradient_sizes = features_sizes;
    features_sizes.stride = features_sizes.dim + turn % 3;
    gradient_sizes.stride = gradient_sizes.dim + turn % 2;
    void *features = make_rows(element, features_sizes, &state);
    void *gradient = turn % 5 == 0 ? make_rows(element, gradient_sizes, &state)
                                   : block(((gradient_sizes.rows - 1) * gradient_sizes.stride + gradient_sizes.dim) *
                                           element->size);
    int64_t *labels = (int64_t *)block(features_sizes.rows * sizeof *labels);
    for (size_t a = 0; a < features_sizes.rows; a++)
        labels[a] = random_below(&state, large ? 400 : 5);

    pullpush_batch batch = {sizeof batch, features, features_sizes.rows, features_sizes.dim, features_sizes.stride,
                            turn % 2 ? labels : NULL, turn % 2 ? 0 : features_sizes.rows / (large ? 300 : 1),
                            element->dtype, 0};
    options.num_threads = thread_counts[turn % 4];
    options.accumulate = turn % 5 == 0;
    options.check_finite = turn % 7 == 0;
    pullpush_result result;
    char *message = (char *)block(64);
    result.struct_size = sizeof result;
    check_case("turn %u, %s, %s", turn, option_set_name(&options), element->name);
    int status = api.evaluate(&batch, &options, &result, gradient, gradient_sizes.stride, message, 64);
    check(status == PULLPUSH_OK && defined(&result, sizeof result), "status %d, or undefined", status);
    check(defined(message, 1), "the message is not written");
    check_rows("gradient", gradient, element, gradient_sizes);
    check_rows("features", features, element, features_sizes);
    test_statistics(&batch, &options, gradient, gradient_sizes.stride);

    /* What is refused after memory was taken, and with a message longer than its room. */
    if (element->size == 4) {
        ((float *)features)[0] = HUGE_VALF;
        options.check_finite = 1;
        status = api.evaluate(&batch, &options, &result, gradient, gradient_sizes.stride, message, 64);
        check(status == PULLPUSH_ERROR_NOT_FINITE && defined(message, strlen(message) + 1), "status %d", status);
    }
    free(message), free(features), free(gradient), free(labels);
}

int main(int count, char **arguments)
{
    if (count != 3 || api_load(arguments[1]) != 0) {
        fprintf(stderr, "usage: %s LIBRARY ISA\n", arguments[0]);
        return 2;
    }
    check_case("isa");
    check(strcmp(api.isa(), arguments[2]) == 0, "'%s' instead of '%s'", api.isa(), arguments[2]);
    pullpush_options options;
    unsigned turn = 0;
    for (int round = 0; round < 12; round++) {
        api.set_max_threads(1 + round % 4);
        for (int set = 0; option_set(set, &options); set++)
            if (option_set_is_meaningful(&options))
                test_options(&options, turn++);
    }
    return check_report();
}
