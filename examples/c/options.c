/* Raw rows in any order, told apart by labels, with options; and what a wrong argument looks like. */
#include <stdio.h>

#include "pullpush.h"

int main(void) {
    const double features[5][2] = {{2.0, 1.0}, {0.0, 3.0}, {4.0, 3.0}, {1.0, 1.0}, {0.0, 0.5}};
    const int64_t labels[5] = {7, -1, 7, 7, -1};
    double gradient[5][2];
    char message[200];

    pullpush_batch batch = {0};
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = 5;
    batch.dim = 2;
    batch.labels = labels;
    batch.dtype = PULLPUSH_DTYPE_F64;

    pullpush_options options;
    pullpush_options_preset(&options, sizeof options, PULLPUSH_PRESET_ORTHOGONAL);
    options.push_between = PULLPUSH_PUSH_BETWEEN_CENTROIDS;

    pullpush_result result = {0};
    result.struct_size = sizeof result;

    if (pullpush_evaluate(&batch, &options, &result, gradient, 0, message, sizeof message) != PULLPUSH_OK) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    printf("loss %.4f = pull %.4f + push %.4f\n", result.loss, result.pull, result.push);
    printf("mean inner product: %.4f within identities, %.4f between them\n", result.mean_positive,
           result.mean_negative);
    printf("gradient of row 0: %.4f %.4f\n", gradient[0][0], gradient[0][1]);

    batch.row_stride = 1; /* rows would overlap */
    int status = pullpush_evaluate(&batch, &options, &result, gradient, 0, message, sizeof message);
    printf("refused with status %d: %s\n", status, message);
    return 0;
}
