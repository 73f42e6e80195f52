#include "small.h"

#include "../ABITests/api.h"
#include "../ABITests/check.h"
#include "../ABITests/guarded.h"
#include "../ABITests/option_sets.h"

#include <limits.h>
#include <string.h>

enum { MOST_SIZE = 65536 };

/* Any size; powers of 2, and what is near them, more often than others. */
static size_t any_size(struct bytes *bytes)
{
    return ((size_t)1 << choose(bytes, 64)) + choose(bytes, 5) - 2;
}

static int any_int(struct bytes *bytes)
{
    static const int numbers[] = {0, 1, 2, 3, 8, 64, 256, 257, -1, INT_MAX, INT_MIN};
    return choose(bytes, 2) ? (int)next_byte(bytes) : numbers[choose(bytes, sizeof numbers / sizeof *numbers)];
}

static void call_preset(struct bytes *bytes)
{
    const size_t right = sizeof(pullpush_options);
    const size_t sizes[] = {right, right + choose(bytes, 200), choose(bytes, (unsigned)right), any_size(bytes)};
    size_t size = sizes[choose(bytes, 4)];
    int32_t preset = choose(bytes, 2) ? (int32_t)choose(bytes, 2) : any_int(bytes);
    int fits = size >= right && size <= MOST_SIZE, plain = choose(bytes, 2) == 1;
    int known = plain || preset == PULLPUSH_PRESET_ORIGINAL || preset == PULLPUSH_PRESET_ORTHOGONAL;
    struct guarded memory = guarded_make(fits ? size : right, (enum side)choose(bytes, 2));
    memset(memory.bytes, 0x5A, memory.size);
    struct guarded before = guarded_copy(&memory);
    pullpush_options *options = (pullpush_options *)memory.bytes;
    int status = plain ? api.options_init(options, size) : api.options_preset(options, size, preset);
    check_case("%s of %zu bytes, preset %d", plain ? "init" : "preset", size, (int)preset);
    if (fits && known) {
        pullpush_options filled;
        memcpy(&filled, memory.bytes, right);
        int orthogonal = !plain && preset == PULLPUSH_PRESET_ORTHOGONAL;
        check(status == PULLPUSH_OK, "status %d", status);
        check(filled.struct_size == size && filled.upstream == 1 && filled.reserved == 0, "not the defaults");
        check(filled.push == (orthogonal ? PULLPUSH_PUSH_SQUARED : PULLPUSH_PUSH_LINEAR), "push %d", (int)filled.push);
        for (size_t i = right; i < size; i++)
            check(((const char *)memory.bytes)[i] == 0, "byte %zu is not 0", i);
    } else {
        check(status == PULLPUSH_ERROR_OPTION ? !known : status == PULLPUSH_ERROR_STRUCT_SIZE && !fits, "status %d",
              status);
        check(memcmp(memory.bytes, before.bytes, memory.size) == 0, "memory was written");
    }
    guarded_free(&before), guarded_free(&memory);
}

static void call_reduce(struct bytes *bytes)
{
    size_t count = choose(bytes, 20);
    struct guarded total = guarded_make(count * sizeof(double), (enum side)choose(bytes, 2));
    struct guarded part = guarded_make(count * sizeof(double), (enum side)choose(bytes, 2));
    double *totals = (double *)total.bytes, *parts = (double *)part.bytes;
    for (size_t i = 0; i < count; i++) {
        totals[i] = (double)i;
        parts[i] = (double)next_byte(bytes);
    }
    struct guarded before = guarded_copy(&total), part_before = guarded_copy(&part);
    unsigned mistake = choose(bytes, 8), shift = 1 + choose(bytes, 7);
    const int statuses[] = {PULLPUSH_ERROR_NULL, PULLPUSH_ERROR_NULL, PULLPUSH_ERROR_ALIGNMENT,
                            PULLPUSH_ERROR_ALIGNMENT, PULLPUSH_ERROR_SIZE};
    int wanted = mistake < 5 ? statuses[mistake] : PULLPUSH_OK;
    void *where = mistake == 0 ? NULL : (char *)total.bytes + (mistake == 2 ? shift : 0);
    const void *from = mistake == 1 ? NULL : (char *)part.bytes + (mistake == 3 ? shift : 0);
    size_t given = mistake == 4 ? ((size_t)1 << (60 + choose(bytes, 4))) + choose(bytes, 5) : count;
    check_case("reduce of %zu, mistake %u", count, mistake);
    int status = api.statistics_reduce((double *)where, (const double *)from, given);
    check(status == wanted, "status %d instead of %d", status, wanted);
    for (size_t i = 0; i < count; i++)
        check(totals[i] == (double)i + (wanted == PULLPUSH_OK ? parts[i] : 0), "total %zu is %g", i, totals[i]);
    check(memcmp(part.bytes, part_before.bytes, part.size) == 0, "the part was written");
    guarded_free(&before), guarded_free(&part_before), guarded_free(&part), guarded_free(&total);
}

/* The length of the vector is the library's own affair but for the defaults; that it is a length is not. */
static void call_size(struct bytes *bytes)
{
    pullpush_options options;
    option_set((int)choose(bytes, 216), &options);
    size_t dim = any_size(bytes), counts[2] = {77, 77};
    const pullpush_options *given = choose(bytes, 2) ? &options : NULL;
    int misaligned = choose(bytes, 8) == 1;
    size_t *count = misaligned ? (size_t *)(void *)((char *)counts + 1 + choose(bytes, 7)) : counts;
    int status = api.statistics_size(dim, given, count);
    int additive = !given || (option_set_is_meaningful(given) && given->push != PULLPUSH_PUSH_HINGE);
    int squared = given && given->push == PULLPUSH_PUSH_SQUARED;
    const size_t most = ((size_t)1 << 60) - 1;
    size_t largest_dim = squared ? ((size_t)1 << 30) - 1 : most - 7; /* the size of whose statistics is a size */
    check_case("statistics_size of %zu, %s", dim, given ? option_set_name(given) : "no options");
    if (status == PULLPUSH_OK) {
        check(!misaligned && additive && dim >= 1 && dim <= most, "accepted");
        check(counts[0] > dim && counts[0] <= most && (given || counts[0] == dim + 5), "%zu numbers", counts[0]);
        return;
    }
    check((status == PULLPUSH_ERROR_ALIGNMENT && misaligned) || (status == PULLPUSH_ERROR_OPTION && !additive) ||
              (status == PULLPUSH_ERROR_SIZE && (dim < 1 || dim > largest_dim)),
          "status %d", status);
    check(counts[0] == 77 && counts[1] == 77, "the count was written");
}

static void call_status_string(struct bytes *bytes)
{
    int status = choose(bytes, 2) ? 10 * (int)choose(bytes, 13) : any_int(bytes);
    int known = status >= 0 && status <= 110 && status % 10 == 0;
    const char *sentence = api.status_string(status), *unknown = api.status_string(-1);
    check_case("status_string of %d", status);
    check(sentence && sentence[0] && (strcmp(sentence, unknown) == 0) == !known, "'%s'", sentence);
}

static void call_set_max_threads(struct bytes *bytes)
{
    int wanted = any_int(bytes), before = api.set_max_threads(wanted), kept = api.set_max_threads(before);
    check_case("set_max_threads of %d", wanted);
    check(wanted >= 0 && wanted <= 64 ? kept == wanted : kept >= 0, "%d was kept", kept);
    check(api.set_max_threads(before) == before, "the value before was not kept");
}

void call_small_function(struct bytes *bytes)
{
    static void (*const functions[])(struct bytes *) = {call_preset, call_reduce, call_size, call_status_string,
                                                        call_set_max_threads};
    functions[choose(bytes, sizeof functions / sizeof *functions)](bytes);
}
