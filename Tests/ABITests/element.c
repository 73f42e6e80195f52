#include "element.h"

#include <math.h>
#include <pullpush.h>
#include <string.h>

const struct element elements[4] = {
    {"f32", PULLPUSH_DTYPE_F32, 4, 8, 23, 1e-6, 1e-7},
    {"f64", PULLPUSH_DTYPE_F64, 8, 11, 52, 1e-13, 1e-14},
    {"f16", PULLPUSH_DTYPE_F16, 2, 5, 10, 2e-6, 5e-7},
    {"bf16", PULLPUSH_DTYPE_BF16, 2, 8, 7, 2e-6, 5e-7},
};
const struct element *const element_f32 = &elements[0];
const struct element *const element_f64 = &elements[1];

static int bias(const struct element *element)
{
    return (1 << (element->exponent_bits - 1)) - 1;
}

double element_half_ulp(const struct element *element, double value)
{
    int lowest = 1 - bias(element);
    int exponent = value == 0 ? lowest : ilogb(value);
    if (exponent < lowest)
        exponent = lowest;
    return ldexp(0.5, exponent - element->mantissa_bits);
}

static double decode16(const struct element *element, uint16_t bits)
{
    int mantissa_bits = element->mantissa_bits;
    int mantissa = bits & ((1 << mantissa_bits) - 1);
    int exponent = (bits >> mantissa_bits) & ((1 << element->exponent_bits) - 1);
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == (1 << element->exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - bias(element) - mantissa_bits);
    return sign * ldexp(mantissa + (1 << mantissa_bits), exponent - bias(element) - mantissa_bits);
}

static uint16_t encode16(const struct element *element, double value)
{
    double ulp = 2 * element_half_ulp(element, value);
    double magnitude = fabs(nearbyint(value / ulp) * ulp);
    /* The bits of a positive float are its ulps counted from 0, binade after binade. */
    int binade = magnitude == 0 ? 0 : ilogb(magnitude) + bias(element);
    if (binade < 1)
        binade = 1;
    double ulps = magnitude / ldexp(1, binade - bias(element) - element->mantissa_bits);
    unsigned bits = (unsigned)ulps + ((unsigned)(binade - 1) << element->mantissa_bits);
    return (uint16_t)(bits | (signbit(value) ? 0x8000u : 0u));
}

double element_load(const struct element *element, const void *array, size_t index)
{
    const char *place = (const char *)array + index * element->size;
    if (element->size == 2) {
        uint16_t bits;
        memcpy(&bits, place, sizeof bits);
        return decode16(element, bits);
    }
    if (element->size == 4) {
        float value;
        memcpy(&value, place, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, place, sizeof value);
    return value;
}

void element_store(const struct element *element, void *array, size_t index, double value)
{
    char *place = (char *)array + index * element->size;
    float single = (float)value;
    uint16_t bits;
    switch (element->size) {
    case 2:
        bits = encode16(element, value);
        memcpy(place, &bits, sizeof bits);
        break;
    case 4:
        memcpy(place, &single, sizeof single);
        break;
    default:
        memcpy(place, &value, sizeof value);
    }
}
