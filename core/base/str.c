/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices: comparing, cutting, UTF-8 and numbers. Nothing here reads the locale: an admin's LC_NUMERIC must not change what
 * "1.5" means. Character classes are ASCII for the same reason.
 */
#include "base/str.h"

#include "base/mem.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

int str_cmp(struct belfry_str a, struct belfry_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

int str_has_prefix(struct belfry_str s, struct belfry_str prefix)
{
    return s.len >= prefix.len && str_eq(str_slice(s.ptr, prefix.len), prefix);
}

int str_has_suffix(struct belfry_str s, struct belfry_str suffix)
{
    if (s.len < suffix.len || suffix.len == 0)
        return suffix.len == 0;
    return memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

struct belfry_str str_cut(struct belfry_str s, char sep, struct belfry_str *rest)
{
    const char *at = s.len > 0 ? memchr(s.ptr, sep, s.len) : NULL;
    if (!at) {
        *rest = (struct belfry_str){0};
        return s;
    }
    size_t before = (size_t)(at - s.ptr);
    *rest = str_slice(at + 1, s.len - before - 1);
    return str_slice(s.ptr, before);
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct belfry_str str_trim(struct belfry_str s)
{
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

/* Length in bytes of the well-formed sequence at p (RFC 3629 section 4), 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *p, size_t left, uint32_t *out)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = p[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    uint32_t point = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3f);
    }
    if (point < smallest[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out = point;
    return len;
}

int str_utf8_valid(struct belfry_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        uint64_t word;
        if (s.len - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        uint32_t point;
        size_t len = utf8_sequence(p + i, s.len - i, &point);
        if (len == 0)
            return 0;
        i += len;
    }
    return 1;
}

uint32_t str_utf8_next(struct belfry_str s, size_t *pos)
{
    uint32_t point = 0xfffd;
    if (*pos >= s.len)
        return point;
    size_t len = utf8_sequence((const unsigned char *)s.ptr + *pos, s.len - *pos, &point);
    *pos += len ? len : 1;
    return point;
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
