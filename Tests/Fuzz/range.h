/* Whether a batch of finite numbers stays, in all that is computed of it, in the range of the library's arithmetic. */
#ifndef RANGE_H
#define RANGE_H

#include "whole.h"

struct range {
    int values, gradient; /* of loss, parts and means; of the gradient */
};

struct range range_of(const struct whole *whole, const struct element *element, const pullpush_options *options,
                      const struct answer *answer);

#endif
