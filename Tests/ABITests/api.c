#include "api.h"

#include <stdio.h>
#include <string.h>

struct api api;

#ifdef PULLPUSH_DLOPEN

#include <dlfcn.h>

void *api_handle;

int api_load(const char *path)
{
    api_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!api_handle) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
#define API_LOOK_UP(name)                                                                                             \
    {                                                                                                                 \
        void *symbol = dlsym(api_handle, "pullpush_" #name);                                                          \
        if (!symbol) {                                                                                                \
            fprintf(stderr, "%s has no pullpush_" #name "\n", path);                                                  \
            return 1;                                                                                                 \
        }                                                                                                             \
        memcpy(&api.name, &symbol, sizeof symbol);                                                                    \
    }
    API_FUNCTIONS(API_LOOK_UP)
    return 0;
}

#else

int api_load(const char *path)
{
    (void)path;
#define API_LINK(name) api.name = pullpush_##name;
    API_FUNCTIONS(API_LINK)
    return 0;
}

#endif
