/*
 * abi_tests LIBRARY [EVERY [ISA]]: all tests of the C interface.
 * EVERY thins out the generated cases (see tests.h); ISA is what the library should choose.
 */
#include "api.h"
#include "check.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: %s LIBRARY [EVERY [ISA]]\n", arguments[0]);
        return 2;
    }
    if (api_load(arguments[1]) != 0)
        return 2;
    int every = count > 2 ? atoi(arguments[2]) : 1;
    if (every < 1)
        every = 1;
    test_library(count > 3 ? arguments[3] : NULL);
    test_float_mode(); /* first, for it starts the library's threads */
    test_bad_input();
    test_neighbours();
    test_special();
    test_magnitudes();
    test_streaming();
    test_conformance(every);
    test_statistics(every);
    test_threads(every);
    return check_report();
}
