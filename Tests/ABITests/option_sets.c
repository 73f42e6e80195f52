#include "option_sets.h"

#include "scene.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
    size_t offset;
    int count;
    const char *names[3];
} fields[] = {
    {offsetof(pullpush_options, normalize), 3, {"none", "l2", "renorm"}},
    {offsetof(pullpush_options, self_pairs), 2, {"include", "exclude", NULL}},
    {offsetof(pullpush_options, push), 3, {"linear", "squared", "hinge"}},
    {offsetof(pullpush_options, reduction), 2, {"mean", "mean_active", NULL}},
    {offsetof(pullpush_options, push_between), 3, {"representatives", "centroids", "all"}},
    {offsetof(pullpush_options, objective), 2, {"inner_product", "squared_euclidean", NULL}},
};
enum { FIELDS = sizeof fields / sizeof *fields };

int option_set(int set, pullpush_options *options)
{
    *options = default_options();
    for (size_t f = 0; f < FIELDS; f++) {
        int32_t value = set % fields[f].count;
        set /= fields[f].count;
        memcpy((char *)options + fields[f].offset, &value, sizeof value);
    }
    return set == 0;
}

int option_set_is_meaningful(const pullpush_options *options)
{
    if (options->push == PULLPUSH_PUSH_SQUARED && options->objective == PULLPUSH_OBJECTIVE_SQUARED_EUCLIDEAN)
        return 0;
    return options->push == PULLPUSH_PUSH_HINGE || options->reduction == PULLPUSH_REDUCTION_MEAN;
}

const char *option_set_name(const pullpush_options *options)
{
    static char name[128];
    name[0] = 0;
    for (size_t f = 0; f < FIELDS; f++) {
        int32_t value;
        memcpy(&value, (const char *)options + fields[f].offset, sizeof value);
        size_t used = strlen(name);
        snprintf(name + used, sizeof name - used, "%s%s", used ? " " : "", fields[f].names[value]);
    }
    return name;
}
