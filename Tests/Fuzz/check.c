/* The checks of the C tests, but the first that fails stops the program, so that the fuzzer keeps the input. */
#include "../ABITests/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char current_case[512];

void check_case(const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(current_case, sizeof current_case, name, arguments);
    va_end(arguments);
}

void check(int ok, const char *sentence, ...)
{
    if (ok)
        return;
    va_list arguments;
    va_start(arguments, sentence);
    fprintf(stderr, "FAILED %s: ", current_case);
    vfprintf(stderr, sentence, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

int check_report(void)
{
    return 0;
}
