/* The four element types as one table: how to read and write one, and how fine its grid is. */
#ifndef ELEMENT_H
#define ELEMENT_H

#include <stddef.h>
#include <stdint.h>

struct element {
    const char *name;
    int32_t dtype; /* PULLPUSH_DTYPE_* */
    size_t size;   /* bytes */
    int exponent_bits;
    int mantissa_bits; /* without the hidden one */
    double relative;   /* what the mathematics promises for this type: relative error of values and gradients ... */
    double absolute;   /* ... or absolute error of values near 0 */
};

extern const struct element elements[4];
extern const struct element *const element_f32, *const element_f64;

double element_load(const struct element *element, const void *array, size_t index);
/* Rounds to the nearest, ties to even. `value` must be finite and in range. */
void element_store(const struct element *element, void *array, size_t index, double value);
/* Half the distance between the numbers of this type around `value`: the error of a perfect rounding. */
double element_half_ulp(const struct element *element, double value);

#endif
