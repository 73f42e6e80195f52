/* A call on a scene as it goes to the library, and all that can be wrong with it. */
#ifndef MISTAKES_H
#define MISTAKES_H

#include "../ABITests/scene.h"
#include "bytes.h"

enum function { EVALUATE, ACCUMULATE, FINISH, PLAIN, SMALL, FUNCTIONS };

/* Structs with room behind them, for callers whose header is newer. */
struct long_batch {
    pullpush_batch known;
    char tail[40];
};
struct long_options {
    pullpush_options known;
    char tail[40];
};
struct long_result {
    pullpush_result known;
    char tail[24];
};
/* What stands behind a result, and stays there. */
extern const char long_result_tail[24];

struct call {
    enum function function;
    struct long_batch batch;
    struct long_options options;
    struct long_result result;
    const pullpush_batch *batch_pointer;
    const pullpush_options *options_pointer;
    pullpush_result *result_pointer;
    double loss, *loss_pointer;
    void *gradient;
    size_t gradient_stride;
    double *statistics;
    size_t count;
};

/*
 * Puts one mistake into the call, of those that this function of the library can see. Returns the status it must come
 * back with, or 0 when there was nothing to spoil; with several mistakes any of their statuses is right.
 */
int make_mistake(struct call *call, struct scene *scene, struct bytes *bytes);

#endif
