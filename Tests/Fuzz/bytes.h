/* The fuzzer's input as a stream of choices; after its end every choice is 0. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *next;
    size_t left;
};

static inline unsigned next_byte(struct bytes *bytes)
{
    if (bytes->left == 0)
        return 0;
    bytes->left -= 1;
    return *bytes->next++;
}

/* One of 0 ... count - 1. */
static inline unsigned choose(struct bytes *bytes, unsigned count)
{
    return next_byte(bytes) % count;
}

#endif
