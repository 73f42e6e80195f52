/* The calls that are made to fail: each takes another way through the library. */
#ifndef CALLS_H
#define CALLS_H

#include "../ABITests/reference.h"
#include "../ABITests/scene.h"
#include "faults.h"

enum function { PLAIN, EVALUATE, ACCUMULATE, FINISH, FUNCTIONS };

struct call {
    const char *name;
    enum function function;
    struct scene scene;
    pullpush_options options;
    struct answer right;
    size_t count;
    double *statistics, *statistics_before; /* what accumulate adds to; the total of finish */
    double loss;                            /* of a plain call */
    pullpush_result result;
    char message[256];
};

/* Fills `call` with call number `number`; returns 0 when there is none. */
int call_make(int number, struct call *call);
void call_free(struct call *call);

/* Puts all outputs back as they were and makes the call, with the fault in the call alone. Returns its status. */
int call_perform(struct call *call, struct fault fault);
/* Checks that all outputs are right, or as they were before the call. */
void call_check_right(const struct call *call);
void call_check_untouched(const struct call *call);

#endif
