#include "work.h"

#include "../ABITests/check.h"
#include "../ABITests/option_sets.h"
#include "../ABITests/random.h"
#include "../ABITests/scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 8 };

struct outcome {
    int status;
    char message[256];
    pullpush_result result;
};

static struct work {
    struct scene scene;
    pullpush_options options;
    struct outcome outcome;
    void *gradient;
} works[WORKS];

static const struct {
    struct shape shape;
    size_t dim;
} shapes[] = {
    {{12, {3}}, 5}, {{4, {3}}, 33}, {{9, {1, 4, 2}}, 7}, {{150, {4}}, 65}, {{300, {2}}, 131}, {{512, {4}}, 129},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* What a call leaves of its gradient must be seen. */
static void mark(const struct work *work, void *gradient)
{
    memset(gradient, 0xA5, work->scene.gradient.size);
}

static void perform(const struct api *library, const struct work *work, int32_t num_threads, struct outcome *outcome,
                    void *gradient)
{
    pullpush_options options = work->options;
    options.num_threads = num_threads;
    memset(outcome, 0, sizeof *outcome);
    outcome->result.struct_size = sizeof outcome->result;
    outcome->status = library->evaluate(&work->scene.batch, &options, &outcome->result, gradient, 0, outcome->message,
                                        sizeof outcome->message);
}

void load(const char *path)
{
    if (api_load(path) != 0)
        exit(1);
    api.set_max_threads(MOST_THREADS);
}

/* A random combination of options that means something; big batches are spared the pairs of all rows. */
static pullpush_options some_options(int number, uint64_t *state)
{
    pullpush_options options;
    do
        option_set((int)random_below(state, 216), &options);
    while (!option_set_is_meaningful(&options) ||
           (number % SHAPES >= 4 && options.push_between == PULLPUSH_PUSH_BETWEEN_ALL));
    options.margin = 0.1;
    return options;
}

void works_make(void)
{
    uint64_t state = 41;
    for (int n = 0; n < WORKS; n++) {
        struct work *work = &works[n];
        const struct shape *shape = &shapes[n % SHAPES].shape;
        enum layout layout = shape_is_regular(shape) && n % 2 ? LAYOUT_SAMPLES_PER_ID : LAYOUT_LABELS_SHUFFLED;
        work->scene = scene_make(shape, shapes[n % SHAPES].dim, &elements[n / SHAPES], DATA_ALIKE, layout, 0, 0,
                                 (uint64_t)n + 1);
        work->options = some_options(n, &state);
        /* Calls that fail in different ways are among them. */
        int expected = PULLPUSH_OK;
        if (n == 2 || n == 8) {
            element_store(work->scene.element, work->scene.features.bytes, 3 * work->scene.dim, HUGE_VAL);
            work->options.check_finite = 1;
            expected = PULLPUSH_ERROR_NOT_FINITE;
        } else if (n == 1) {
            work->scene.batch.samples_per_id = 5;
            expected = PULLPUSH_ERROR_SIZE;
        }
        work->gradient = malloc(work->scene.gradient.size);
        if (!work->gradient)
            abort();
        mark(work, work->gradient);
        perform(&api, work, 1, &work->outcome, work->gradient);
        check(work->outcome.status == expected, "call %d returned %d: %s", n, work->outcome.status,
              work->outcome.message);
    }
}

int work_repeat_into(const struct api *library, int number, int32_t num_threads, void *gradient)
{
    const struct work *work = &works[number];
    struct outcome outcome;
    perform(library, work, num_threads, &outcome, gradient);
    return memcmp(&outcome, &work->outcome, sizeof outcome) == 0 &&
           memcmp(gradient, work->gradient, work->scene.gradient.size) == 0;
}

int work_repeat(const struct api *library, int number, int32_t num_threads)
{
    void *gradient = malloc(works[number].scene.gradient.size);
    if (!gradient)
        abort();
    mark(&works[number], gradient);
    int same = work_repeat_into(library, number, num_threads, gradient);
    free(gradient);
    return same;
}

size_t work_gradient_bytes(int number)
{
    return works[number].scene.gradient.size;
}

int works_wrong(int32_t num_threads)
{
    int wrong = 0;
    for (int n = 0; n < WORKS; n++)
        wrong += !work_repeat(&api, n, num_threads);
    return wrong;
}
