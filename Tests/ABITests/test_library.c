/* What the library says of itself. */
#include "api.h"
#include "check.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

static void test_version(void)
{
    check_case("version");
    check(api.version() == PULLPUSH_VERSION, "number %u, header %u", (unsigned)api.version(),
          (unsigned)PULLPUSH_VERSION);
    check(strcmp(api.version_string(), PULLPUSH_VERSION_STRING) == 0, "string '%s'", api.version_string());
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", PULLPUSH_VERSION_MAJOR, PULLPUSH_VERSION_MINOR, PULLPUSH_VERSION_PATCH);
    check(strcmp(text, PULLPUSH_VERSION_STRING) == 0, "the header's parts make '%s'", text);
    check(PULLPUSH_VERSION == PULLPUSH_VERSION_MAJOR * 1000000 + PULLPUSH_VERSION_MINOR * 1000 + PULLPUSH_VERSION_PATCH,
          "the header's number is not made of its parts");
}

/* The numbers are the contract: a caller compiled long ago must read them right. */
static void test_status_numbers(void)
{
    static const struct {
        int status, number;
    } pinned[] = {
        {PULLPUSH_OK, 0},
        {PULLPUSH_ERROR_NULL, 10},
        {PULLPUSH_ERROR_STRUCT_SIZE, 20},
        {PULLPUSH_ERROR_DTYPE, 30},
        {PULLPUSH_ERROR_SIZE, 40},
        {PULLPUSH_ERROR_STRIDE, 50},
        {PULLPUSH_ERROR_ALIGNMENT, 60},
        {PULLPUSH_ERROR_OVERLAP, 70},
        {PULLPUSH_ERROR_OPTION, 80},
        {PULLPUSH_ERROR_NOT_FINITE, 90},
        {PULLPUSH_ERROR_STATISTICS, 100},
        {PULLPUSH_ERROR_MEMORY, 110},
    };
    static const int unknown[] = {-1, 1, 11, 120, 2147483647, -2147483647 - 1};
    const size_t count = sizeof pinned / sizeof *pinned;
    check_case("status strings");
    const char *sentence_for_unknown = api.status_string(unknown[0]);
    for (size_t i = 0; i < count; i++) {
        const char *sentence = api.status_string(pinned[i].number);
        check(pinned[i].status == pinned[i].number, "status %d moved to %d", pinned[i].number, pinned[i].status);
        check(sentence && strlen(sentence) > 1, "status %d has no sentence", pinned[i].number);
        check(sentence && strcmp(sentence, sentence_for_unknown) != 0, "status %d is unknown", pinned[i].number);
        for (size_t j = 0; j < i; j++)
            check(strcmp(sentence, api.status_string(pinned[j].number)) != 0, "statuses %d and %d say the same",
                  pinned[i].number, pinned[j].number);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        check(strcmp(api.status_string(unknown[i]), sentence_for_unknown) == 0, "status %d is known", unknown[i]);
}

static void test_isa(const char *expected)
{
    check_case("isa");
    const char *isa = api.isa();
    check(strcmp(isa, "x86-64-v4") == 0 || strcmp(isa, "x86-64-v3") == 0 || strcmp(isa, "baseline") == 0,
          "'%s' is none that the header names", isa);
    check(!expected || strcmp(isa, expected) == 0, "'%s' instead of '%s'", isa, expected ? expected : "");
    check(api.isa() == isa || strcmp(api.isa(), isa) == 0, "the second answer differs");
}

void test_library(const char *expected_isa)
{
    test_version();
    test_status_numbers();
    test_isa(expected_isa);
}
