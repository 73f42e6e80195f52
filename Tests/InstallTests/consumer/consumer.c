/* A C program with the installed library: the plain call against a sum over all pairs, and its gradient against central
 * differences of that sum. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <pullpush.h>

enum { ROWS = 6, SAMPLES = 2, MOST = 33 };

static double inner(const float *a, const float *b, int dim) {
    double sum = 0;
    for (int i = 0; i < dim; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* The original loss by its definition. */
static double reference(const float *rows, int dim) {
    double pull = 0, push = 0, pulled = 0, pushed = 0;
    for (int a = 0; a < ROWS; a++) {
        for (int b = 0; b < ROWS; b++) {
            double s = inner(rows + a * dim, rows + b * dim, dim);
            if (a / SAMPLES == b / SAMPLES) {
                pull += 1 - s;
                pulled += a != b;
            }
            if (a % SAMPLES == 0 && b % SAMPLES == 0) {
                push += s - (a == b);
                pushed += a != b;
            }
        }
    }
    return pull / pulled + push / pushed;
}

static int differs(const char *what, int dim, double got, double wanted, double tolerance) {
    if (fabs(got - wanted) <= tolerance) return 0;
    printf("%s with dim %d: got %.9g, wanted %.9g\n", what, dim, got, wanted);
    return 1;
}

static int check(int dim) {
    float rows[ROWS * MOST], gradient[ROWS * MOST];
    double loss;
    for (int i = 0; i < ROWS * dim; i++) rows[i] = (float)((i * 37 % 101 - 50) / 64.0);
    int status = pullpush_loss_f32(rows, ROWS, (size_t)dim, SAMPLES, &loss, gradient);
    if (status != PULLPUSH_OK) return puts(pullpush_status_string(status)), 1;

    int failures = differs("loss", dim, loss, reference(rows, dim), 1e-5);
    for (int i = 0; i < ROWS * dim; i++) {
        const float at = rows[i], step = 1.0f / 16; /* exact, as the loss is quadratic and the rows are 64ths */
        rows[i] = at + step;
        double above = reference(rows, dim);
        rows[i] = at - step;
        double below = reference(rows, dim);
        rows[i] = at;
        failures += differs("gradient", dim, gradient[i], (above - below) / (2 * step), 1e-5);
    }
    return failures;
}

int main(void) {
    if (strcmp(pullpush_version_string(), PULLPUSH_VERSION_STRING) != 0) return puts("another version"), 1;
    int failures = 0;
    for (int dim = 1; dim <= MOST; dim++) failures += check(dim);
    return failures != 0;
}
