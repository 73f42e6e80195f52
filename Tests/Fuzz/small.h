/* The functions that work on no batch. */
#ifndef SMALL_H
#define SMALL_H

#include "bytes.h"

/* Calls one of them, and checks what it returns and writes. */
void call_small_function(struct bytes *bytes);

#endif
