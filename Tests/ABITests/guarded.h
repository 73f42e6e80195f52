/*
 * Memory between two pages that may not be touched: one element read or written too far stops the program. What is left
 * of its own pages, before or behind it, is marked so that a write shows; AddressSanitizer sees a read as well.
 */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

struct guarded {
    void *bytes;
    size_t size;
    void *mapping;
    size_t mapped;
};

enum side { SIDE_BACK, SIDE_FRONT }; /* the page that it touches */

struct guarded guarded_make(size_t size, enum side side);
struct guarded guarded_copy(const struct guarded *memory);
/* Whether the marks around it are as they were. */
int guarded_intact(const struct guarded *memory);
/* Checks that too. */
void guarded_free(struct guarded *memory);

#endif
