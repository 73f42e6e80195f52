#include "guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded guarded_make(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page * page;
    struct guarded memory;
    memory.mapped = pages + page;
    memory.mapping = mmap(NULL, memory.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory.mapping == MAP_FAILED || mprotect((char *)memory.mapping + pages, page, PROT_NONE) != 0) {
        perror("guarded memory");
        abort();
    }
    memory.bytes = (char *)memory.mapping + pages - size;
    memory.size = size;
    return memory;
}

void guarded_free(struct guarded *memory)
{
    munmap(memory->mapping, memory->mapped);
}
