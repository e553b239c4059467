/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many decimals a currency has is ISO 4217's to say, and what an amount in minor units means depends on it; so the
 * exceptions from two stand here. ICU knows which codes exist, but for those that ISO made after ICU was (version 72
 * ended before 2024), and its digits are those that people like to see: it shows no decimals for the dinar of Iraq, of
 * which a thousand make one.
 *
 * A JSON number arrives as a double. The shortest decimal that reads back as that double is what was written, as long
 * as that had no more than 15 digits; from there on everything is integers.
 */
#include "money.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucurr.h>

/* --- currencies --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *codes;
    int digits;
} exceptions[] = {
    {"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0},
    {"BHD IQD JOD KWD LYD OMR TND", 3},
    {"CLF UYW", 4},
};

static const char newer[] = "XCG ZWG"; /* Caribbean guilder, Zimbabwe gold */

static int is_listed(const char *codes, const char *code)
{
    for (const char *p = codes; (p = strstr(p, code)); p++)
        if ((p - codes) % 4 == 0)
            return 1;
    return 0;
}

int money_digits(struct belfry_str currency)
{
    char code[4] = "";
    UChar wide[4] = {0};
    if (currency.len != 3)
        return -1;
    for (int i = 0; i < 3; i++) {
        if (currency.ptr[i] < 'A' || currency.ptr[i] > 'Z')
            return -1;
        code[i] = currency.ptr[i];
        wide[i] = (UChar)currency.ptr[i];
    }
    if (ucurr_getNumericCode(wide) == 0 && !is_listed(newer, code))
        return -1;
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (is_listed(exceptions[i].codes, code))
            return exceptions[i].digits;
    return 2;
}

char *money_text(int64_t minor, struct belfry_str currency, char out[MONEY_TEXT_SIZE])
{
    int digits = money_digits(currency);
    int64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    int len = snprintf(out, MONEY_TEXT_SIZE, "%" PRId64, minor / unit);
    if (digits > 0)
        len += snprintf(out + len, MONEY_TEXT_SIZE - (size_t)len, ".%0*" PRId64, digits, minor % unit);
    snprintf(out + len, MONEY_TEXT_SIZE - (size_t)len, " %.*s", (int)currency.len, currency.ptr);
    return out;
}

/* --- decimals ----------------------------------------------------------------------------------------------------- */

#define DIGITS_MAX 15

/* "d.ddde-xx" of exactly the digits that matter. */
static int decimal_of_real(double real, struct decimal *out)
{
    char text[40];
    snprintf(text, sizeof(text), "%.*e", DIGITS_MAX - 1, real);
    char *comma = strchr(text, ','); /* the process may run in a locale that writes one */
    if (comma)
        *comma = '.';
    if (strtod(text, NULL) != real && !comma)
        return -1;
    char *exponent = strchr(text, 'e');
    if (!exponent)
        return -1; /* infinite */
    int64_t digits = 0;
    int scale = -(int)strtol(exponent + 1, NULL, 10) - 1;
    for (const char *p = text; p < exponent; p++) {
        if (*p < '0' || *p > '9')
            continue;
        digits = digits * 10 + (*p - '0');
        scale++;
    }
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale--;
    }
    for (; scale < 0 && digits < INT64_C(1000000000000000); scale++)
        digits *= 10;
    if (scale < 0 || scale > DECIMAL_SCALE_MAX)
        return -1;
    *out = (struct decimal){text[0] == '-' ? -digits : digits, scale};
    return 0;
}

int decimal_of(const struct belfry_value *value, struct decimal *out)
{
    if (value->type == BELFRY_VALUE_REAL)
        return decimal_of_real(value->d, out);
    *out = (struct decimal){value->i, 0};
    return value->type == BELFRY_VALUE_INT ? 0 : -1;
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* 63 bits of the rate and 63 of the percentage's digits fit into 127. */
int money_percent(int64_t rate_minor, struct decimal percent, int64_t *out)
{
    __int128 product = (__int128)rate_minor * percent.digits;
    int64_t divisor = power_of_ten(percent.scale + 2);
    __int128 quotient = product / divisor, rest = product % divisor;
    int above_half = rest > divisor - rest, half = rest == divisor - rest;
    if (above_half || (half && quotient % 2 != 0))
        quotient++;
    if (quotient > INT64_MAX)
        return -1;
    *out = (int64_t)quotient;
    return 0;
}

int decimal_hours_exceed(struct decimal hours, int64_t ms)
{
    return (__int128)ms * power_of_ten(hours.scale) < (__int128)hours.digits * 3600000;
}
