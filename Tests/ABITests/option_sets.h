/* All combinations of the enumerated options, and which of them mean something. */
#ifndef OPTION_SETS_H
#define OPTION_SETS_H

#include <pullpush.h>

/* Fills `options` with the defaults and combination number `set`. Returns 0 when there is no such combination. */
int option_set(int set, pullpush_options *options);
/* The squared push needs inner products; dividing by active pairs needs a hinge. */
int option_set_is_meaningful(const pullpush_options *options);
/* Its name, in a static buffer. */
const char *option_set_name(const pullpush_options *options);

#endif
