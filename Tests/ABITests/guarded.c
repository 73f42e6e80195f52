#include "guarded.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

enum { MARK = 0xC7 };

/* The pages between the two that may not be touched. */
struct room {
    char *start, *end;
};

static struct room room_of(const struct guarded *memory)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct room room = {(char *)memory->mapping + page, (char *)memory->mapping + memory->mapped - page};
    return room;
}

struct guarded guarded_make(size_t size, enum side side)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded memory;
    memory.mapped = page + (size + page - 1) / page * page + page;
    memory.mapping = mmap(NULL, memory.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct room room = room_of(&memory);
    size_t room_size = (size_t)(room.end - room.start);
    if (memory.mapping == MAP_FAILED || (size && mprotect(room.start, room_size, PROT_READ | PROT_WRITE) != 0)) {
        perror("guarded memory");
        abort();
    }
    memory.bytes = side == SIDE_FRONT ? room.start : room.end - size;
    memory.size = size;
    memset(room.start, MARK, room_size);
    memset(memory.bytes, 0, size);
    ASAN_POISON_MEMORY_REGION(room.start, room_size);
    ASAN_UNPOISON_MEMORY_REGION(memory.bytes, size);
    return memory;
}

struct guarded guarded_copy(const struct guarded *memory)
{
    struct guarded copy = guarded_make(memory->size, SIDE_BACK);
    memcpy(copy.bytes, memory->bytes, memory->size);
    return copy;
}

static int marked(const char *start, const char *end)
{
    int changed = 0;
    ASAN_UNPOISON_MEMORY_REGION(start, (size_t)(end - start));
    for (const char *byte = start; byte < end; byte++)
        changed += *(const unsigned char *)byte != MARK;
    ASAN_POISON_MEMORY_REGION(start, (size_t)(end - start));
    return changed == 0;
}

int guarded_intact(const struct guarded *memory)
{
    struct room room = room_of(memory);
    char *start = (char *)memory->bytes, *end = start + memory->size;
    return marked(room.start, start) && marked(end, room.end);
}

void guarded_free(struct guarded *memory)
{
    check(guarded_intact(memory), "the memory around a buffer of %zu bytes was written", memory->size);
    ASAN_UNPOISON_MEMORY_REGION(memory->mapping, memory->mapped);
    munmap(memory->mapping, memory->mapped);
}
