/* Every function of the header, reached through one table: linked, or looked up with dlsym (-DPULLPUSH_DLOPEN). */
#ifndef API_H
#define API_H

#include <pullpush.h>

#define API_FUNCTIONS(X)                                                                                              \
    X(version) X(version_string) X(isa) X(status_string) X(loss_f32) X(loss_f64) X(options_init) X(options_preset)    \
    X(evaluate) X(statistics_size) X(statistics_accumulate) X(statistics_reduce) X(statistics_finish)                 \
    X(set_max_threads)

struct api {
#define API_FIELD(name) __typeof__(pullpush_##name) *name;
    API_FUNCTIONS(API_FIELD)
#undef API_FIELD
};

extern struct api api;

/* Fills the table; `path` is the shared object for the dlopen form. Returns 0, or 1 after printing what is missing. */
int api_load(const char *path);
/* What dlopen gave; the dlopen form only. */
extern void *api_handle;

#endif
