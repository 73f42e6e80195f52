/* One batch in two parts, as two machines would hold it: only a small vector of doubles travels. */
#include <stdio.h>

#include "pullpush.h"

#define DIM 3
#define COUNT (DIM + 5)

static pullpush_batch part_of(const float *rows, size_t count) {
    pullpush_batch batch = {0};
    batch.struct_size = sizeof batch;
    batch.features = rows;
    batch.rows = count;
    batch.dim = DIM;
    batch.samples_per_id = 2;
    batch.dtype = PULLPUSH_DTYPE_F32;
    return batch;
}

int main(void) {
    const float features[6][DIM] = {
        {1, 0, 0}, {3, 1, 0}, /* identity 0, on the first machine */
        {0, 2, 1}, {0, 1, 1}, /* identity 1, on the second */
        {1, 1, 4}, {0, 1, 5}, /* identity 2, on the second */
    };
    const pullpush_batch parts[2] = {part_of(features[0], 2), part_of(features[2], 4)};
    const pullpush_batch whole = part_of(features[0], 6);
    pullpush_result together = {0}, apart = {0};
    together.struct_size = apart.struct_size = sizeof apart;

    size_t count;
    if (pullpush_statistics_size(DIM, NULL, &count) != PULLPUSH_OK || count != COUNT) return 1;

    double total[COUNT] = {0};
    for (int i = 0; i < 2; i++) {
        double share[COUNT] = {0};
        if (pullpush_statistics_accumulate(&parts[i], NULL, share, COUNT, NULL, 0) != PULLPUSH_OK) return 1;
        pullpush_statistics_reduce(total, share, COUNT); /* any all-reduce sum does the same */
    }

    float gradient[6][DIM];
    if (pullpush_evaluate(&whole, NULL, &together, gradient, 0, NULL, 0) != PULLPUSH_OK) return 1;
    printf("whole batch:    loss %.6f, gradient of the last row %8.5f %8.5f %8.5f\n", together.loss, gradient[5][0],
           gradient[5][1], gradient[5][2]);
    if (pullpush_statistics_finish(&parts[1], NULL, total, COUNT, &apart, gradient[2], 0, NULL, 0) != PULLPUSH_OK)
        return 1;
    printf("second machine: loss %.6f, gradient of the last row %8.5f %8.5f %8.5f\n", apart.loss, gradient[5][0],
           gradient[5][1], gradient[5][2]);
    return 0;
}
