/* One function for each file of tests. `every` thins out the generated cases: 1 runs all, n each n-th. */
#ifndef TESTS_H
#define TESTS_H

void test_library(const char *expected_isa);
void test_float_mode(void);
void test_conformance(int every);
void test_special(void);
void test_magnitudes(void);
void test_streaming(void);
void test_statistics(int every);
void test_bad_input(void);
void test_neighbours(void);
void test_threads(int every);

#endif
