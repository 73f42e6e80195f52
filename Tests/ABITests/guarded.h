/* Memory that ends where the next page may not be touched: one element read or written too far stops the program. */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

struct guarded {
    void *bytes;
    size_t size;
    void *mapping;
    size_t mapped;
};

struct guarded guarded_make(size_t size);
void guarded_free(struct guarded *memory);

#endif
