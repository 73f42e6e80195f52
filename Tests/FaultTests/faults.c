/*
 * The C library's functions that can run out of something. A program's own definitions come before those of libc, for
 * the libraries it loads too. glibc offers what is underneath by the names that begin with __libc.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static struct fault fault;
static int counting;
static struct fault_record own_record;
struct fault_record *faults = &own_record;

/* Blocks behind which there is a page that may not be touched. */
enum { MOST_FENCED = 64 };
static struct {
    void *block, *mapping;
    size_t mapped;
} fenced[MOST_FENCED];
static pthread_mutex_t fences = PTHREAD_MUTEX_INITIALIZER;

static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static struct rlimit no_limit;

/* Looked up ahead of the span, for that takes memory. */
static void find_create(void)
{
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&create, &symbol, sizeof create);
}

static size_t mapped_bytes(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu", &pages) != 1)
        abort();
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_room(long room)
{
    struct rlimit limit;
    malloc_trim(0);
    if (getrlimit(RLIMIT_AS, &no_limit) != 0)
        abort();
    limit = no_limit;
    limit.rlim_cur = mapped_bytes() + (size_t)room;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        abort();
}

void faults_begin(struct fault wanted)
{
    find_create();
    fault = wanted;
    if (fault.room >= 0)
        limit_room(fault.room);
    faults->requests = 0;
    faults->bytes = 0;
    faults->kind = NULL;
    faults->site = NULL;
    __atomic_store_n(&counting, 1, __ATOMIC_SEQ_CST);
}

void faults_end(void)
{
    __atomic_store_n(&counting, 0, __ATOMIC_SEQ_CST);
    if (fault.room >= 0 && setrlimit(RLIMIT_AS, &no_limit) != 0)
        abort();
    fault.room = -1;
}

static int refuse(const char *kind, const void *site)
{
    if (!__atomic_load_n(&counting, __ATOMIC_SEQ_CST))
        return 0;
    long number = __atomic_fetch_add(&faults->requests, 1, __ATOMIC_SEQ_CST);
    if (number != fault.first && !(fault.and_later && fault.first >= 0 && number > fault.first))
        return 0;
    if (!faults->site) {
        faults->kind = kind;
        faults->site = site;
    }
    errno = ENOMEM;
    return 1;
}

static void *counted(void *block, size_t size)
{
    if (block && __atomic_load_n(&counting, __ATOMIC_SEQ_CST)) {
        __atomic_fetch_add(&faults->live_blocks, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&faults->bytes, (long)size, __ATOMIC_SEQ_CST);
    }
    return block;
}

/* What the library calls its scratch memory comes from aligned_alloc: a byte used beyond it stops the program, and so
 * does an alignment or a size that C11 forbids. */
static void *fenced_block(size_t alignment, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
    void *block = NULL;
    if (alignment & (alignment - 1) || size % alignment)
        abort();
    pthread_mutex_lock(&fences);
    for (int i = 0; i < MOST_FENCED && !block; i++) {
        if (fenced[i].block)
            continue;
        char *mapping = (char *)mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapping == MAP_FAILED)
            break;
        if (mprotect(mapping + room, page, PROT_NONE) != 0)
            abort();
        block = fenced[i].block = mapping + room - size;
        fenced[i].mapping = mapping;
        fenced[i].mapped = room + page;
    }
    pthread_mutex_unlock(&fences);
    return block;
}

/* Whether it was one. */
static int free_fenced(void *block)
{
    int found = 0;
    pthread_mutex_lock(&fences);
    for (int i = 0; block && i < MOST_FENCED && !found; i++) {
        if (fenced[i].block != block)
            continue;
        munmap(fenced[i].mapping, fenced[i].mapped);
        fenced[i].block = NULL;
        found = 1;
    }
    pthread_mutex_unlock(&fences);
    return found;
}

#define REFUSE(kind) refuse(kind, __builtin_return_address(0))

void *malloc(size_t size)
{
    return REFUSE("malloc") ? NULL : counted(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return REFUSE("calloc") ? NULL : counted(__libc_calloc(count, size), count * size);
}

void *realloc(void *block, size_t size)
{
    if (REFUSE("realloc"))
        return NULL;
    return block ? __libc_realloc(block, size) : counted(__libc_realloc(block, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!__atomic_load_n(&counting, __ATOMIC_SEQ_CST))
        return __libc_memalign(alignment, size);
    return REFUSE("aligned_alloc") ? NULL : counted(fenced_block(alignment, size), size);
}

void *memalign(size_t alignment, size_t size)
{
    return REFUSE("memalign") ? NULL : counted(__libc_memalign(alignment, size), size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (REFUSE("posix_memalign"))
        return ENOMEM;
    *block = counted(__libc_memalign(alignment, size), size);
    return *block ? 0 : ENOMEM;
}

void free(void *block)
{
    if (block && __atomic_load_n(&counting, __ATOMIC_SEQ_CST))
        __atomic_fetch_sub(&faults->live_blocks, 1, __ATOMIC_SEQ_CST);
    if (!free_fenced(block))
        __libc_free(block);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *context)
{
    if (REFUSE("pthread_create"))
        return EAGAIN;
    int was_counting = __atomic_exchange_n(&counting, 0, __ATOMIC_SEQ_CST); /* what glibc needs is its own affair */
    if (!create)
        find_create();
    int status = create(thread, attributes, body, context);
    __atomic_store_n(&counting, was_counting, __ATOMIC_SEQ_CST);
    return status;
}
