/* The original loss of a batch whose rows are normalised already: one call, no options. */
#include <stdio.h>

#include "pullpush.h"

int main(void) {
    /* Two identities with two rows each, identity after identity. */
    const float features[4][2] = {{1.0f, 0.0f}, {0.8f, 0.6f}, {0.6f, 0.8f}, {0.0f, 1.0f}};
    float gradient[4][2];
    double loss;

    int status = pullpush_loss_f32(&features[0][0], 4, 2, 2, &loss, &gradient[0][0]);
    if (status != PULLPUSH_OK) {
        fprintf(stderr, "%s\n", pullpush_status_string(status));
        return 1;
    }

    printf("loss %.4f\n", loss);
    for (int row = 0; row < 4; row++) printf("gradient %d: %7.4f %7.4f\n", row, gradient[row][0], gradient[row][1]);
    return 0;
}
