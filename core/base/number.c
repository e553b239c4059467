/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as text. Nothing here obeys the locale: an administrator's LC_NUMERIC must not change what "1.5" means, and
 * snprintf and strtod would let it.
 */
#include "base/mem.h"
#include "base/str.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

belfry_status str_to_i64(struct belfry_str s, int64_t *out)
{
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    int negative = i && s.ptr[0] == '-';
    if (i == s.len)
        return BELFRY_EINVAL;
    /* Counts downwards: the negative range is the larger one. */
    int64_t value = 0;
    for (; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.ptr[i] - '0', &value))
            return BELFRY_EINVAL;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return BELFRY_EINVAL;
    *out = value;
    return BELFRY_OK;
}

static size_t skip_digits(struct belfry_str s, size_t i)
{
    while (i < s.len && is_digit(s.ptr[i]))
        i++;
    return i;
}

/* [-+] (digits [. digits*] | . digits) [e [-+] digits]: what strtod takes minus hexadecimal, inf, nan and spaces. */
static int is_decimal(struct belfry_str s)
{
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    size_t from = i;
    i = skip_digits(s, i);
    size_t digits = i - from;
    if (i < s.len && s.ptr[i] == '.') {
        from = ++i;
        i = skip_digits(s, i);
        digits += i - from;
    }
    if (digits == 0)
        return 0;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        i += i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+');
        from = i;
        i = skip_digits(s, i);
        if (i == from)
            return 0;
    }
    return i == s.len;
}

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        abort();
}

belfry_status str_to_double(struct belfry_str s, double *out)
{
    if (!is_decimal(s))
        return BELFRY_EINVAL;
    pthread_once(&c_locale_once, make_c_locale);
    char small[64];
    char *copy = s.len < sizeof(small) ? memcpy(small, s.ptr, s.len) : xmalloc(s.len + 1);
    if (copy != small)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    double value = strtod_l(copy, NULL, c_locale);
    if (copy != small)
        free(copy);
    if (!isfinite(value))
        return BELFRY_EINVAL;
    *out = value;
    return BELFRY_OK;
}

void buf_add_i64(struct buf *b, int64_t value)
{
    char text[24], *end = text + sizeof(text), *p = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--p = '-';
    buf_add(b, p, (size_t)(end - p));
}

void buf_add_double(struct buf *b, double value)
{
    if (!isfinite(value)) {
        buf_addz(b, isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    for (char *p = text; *p; p++)
        if (!is_digit(*p) && !strchr("+-e", *p))
            *p = '.'; /* the locale's decimal point */
    buf_addz(b, text);
}
