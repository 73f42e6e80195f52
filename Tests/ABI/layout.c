/* Prints the layout of the header's structs. A field that is not listed here would leave a gap, which is an error. */
#include <pullpush.h>
#include <stddef.h>
#include <stdio.h>

static size_t end;
static int gaps;

static void print_field(const char *structure, const char *field, size_t offset, size_t size)
{
    printf("field %s.%s at %zu, %zu bytes\n", structure, field, offset, size);
    gaps += offset != end;
    end = offset + size;
}

static void print_struct(const char *structure, size_t size)
{
    printf("struct %s of %zu bytes\n", structure, size);
    gaps += size != end;
    end = 0;
}

#define FIELD(structure, field)                                                                                       \
    print_field(#structure, #field, offsetof(structure, field), sizeof ((structure *)0)->field);
#define BATCH(field) FIELD(pullpush_batch, field)
#define OPTIONS(field) FIELD(pullpush_options, field)
#define RESULT(field) FIELD(pullpush_result, field)

int main(void)
{
    BATCH(struct_size) BATCH(features) BATCH(rows) BATCH(dim) BATCH(row_stride) BATCH(labels) BATCH(samples_per_id)
    BATCH(dtype) BATCH(reserved)
    print_struct("pullpush_batch", sizeof(pullpush_batch));
    OPTIONS(struct_size) OPTIONS(normalize) OPTIONS(self_pairs) OPTIONS(push) OPTIONS(reduction) OPTIONS(push_between)
    OPTIONS(objective) OPTIONS(target) OPTIONS(margin) OPTIONS(pull_weight) OPTIONS(push_weight) OPTIONS(upstream)
    OPTIONS(num_threads) OPTIONS(check_finite) OPTIONS(accumulate) OPTIONS(reserved)
    print_struct("pullpush_options", sizeof(pullpush_options));
    RESULT(struct_size) RESULT(loss) RESULT(pull) RESULT(push) RESULT(mean_positive) RESULT(mean_negative)
    RESULT(positive_pairs) RESULT(negative_pairs) RESULT(active_pairs)
    print_struct("pullpush_result", sizeof(pullpush_result));
    if (gaps)
        fprintf(stderr, "A struct of the header has a gap, or a field that Tests/ABI/layout.c does not list.\n");
    return gaps != 0;
}
