/* The gradient may begin where another buffer ends, and end where it begins, but share no byte with it. */
#include "api.h"
#include "check.h"
#include "scene.h"
#include "tests.h"

#include <string.h>

enum { ROWS = 6, DIM = 4, COUNT = DIM + 5, GRADIENT = ROWS * DIM * sizeof(float), PLACE = 512 };
enum neighbour { FEATURES, LABELS, RESULT, TOTAL, LOSS, NEIGHBOURS };

static const char *const names[] = {"features", "labels", "result", "total", "loss"};
static const size_t sizes[] = {ROWS * DIM * sizeof(float), ROWS * sizeof(int64_t), sizeof(pullpush_result),
                               COUNT * sizeof(double), sizeof(double)};

static void run(enum neighbour neighbour, int gradient_first, int shared_elements)
{
    static double memory[2 * PLACE / sizeof(double)];
    char *place = (char *)memory + PLACE;
    float *gradient = (float *)(void *)(gradient_first ? place - GRADIENT : place + sizes[neighbour]);
    gradient += gradient_first ? shared_elements : -shared_elements;

    float features[ROWS * DIM];
    int64_t labels[ROWS];
    double total[COUNT] = {0};
    pullpush_result result;
    for (int i = 0; i < ROWS * DIM; i++)
        features[i] = (float)(i % 7);
    for (int a = 0; a < ROWS; a++)
        labels[a] = a / 2;
    pullpush_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    batch.features = features;
    batch.rows = ROWS;
    batch.dim = DIM;
    batch.labels = labels;
    batch.dtype = PULLPUSH_DTYPE_F32;
    check(api.statistics_accumulate(&batch, NULL, total, COUNT, NULL, 0) == PULLPUSH_OK, "no total");

    memset(memory, 0, sizeof memory);
    if (neighbour == FEATURES)
        batch.features = memcpy(place, features, sizeof features);
    if (neighbour == LABELS)
        batch.labels = (const int64_t *)memcpy(place, labels, sizeof labels);
    if (neighbour == TOTAL)
        memcpy(place, total, sizeof total);
    pullpush_result *where = neighbour == RESULT ? (pullpush_result *)(void *)place : &result;
    where->struct_size = sizeof *where;

    int expected = shared_elements ? PULLPUSH_ERROR_OVERLAP : PULLPUSH_OK;
    int status = neighbour == LOSS ? api.loss_f32(features, ROWS, DIM, 2, (double *)(void *)place, gradient)
                 : neighbour == TOTAL
                     ? api.statistics_finish(&batch, NULL, (double *)(void *)place, COUNT, where, gradient, 0, NULL, 0)
                     : api.evaluate(&batch, NULL, where, gradient, 0, NULL, 0);
    check_case("gradient %s %s, %d elements shared", gradient_first ? "before" : "after", names[neighbour],
               shared_elements);
    check(status == expected, "status %d instead of %d", status, expected);
}

void test_neighbours(void)
{
    for (int neighbour = 0; neighbour < NEIGHBOURS; neighbour++)
        for (int gradient_first = 0; gradient_first < 2; gradient_first++)
            for (int shared_elements = 0; shared_elements < 2; shared_elements++)
                run((enum neighbour)neighbour, gradient_first, shared_elements);
}
