/* What NaN and infinities in the features must, and must not, reach. */
#ifndef NOT_FINITE_H
#define NOT_FINITE_H

#include "whole.h"

/*
 * Checks which numbers of the result, and which rows of the gradient of the whole's first rows, are finite. What
 * depends on no bad row must be, and what is a sum with one must not be; a hinge may lose an infinity on its flat side.
 */
void check_spread(const struct whole *whole, const pullpush_options *options, const pullpush_result *result,
                  const struct scene *scene, int with_gradient);
/* The same of a plain call, which gives the loss alone. */
void check_spread_to_loss(const struct whole *whole, const pullpush_options *options, double loss,
                          const struct scene *scene, int with_gradient);

#endif
