/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that cannot be had ends the process, as everywhere in the hub. */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void text_add(struct text *t, const char *ptr, size_t len)
{
    if (t->len + len >= t->cap) {
        t->cap = (t->cap + len + 256) * 2;
        t->ptr = realloc(t->ptr, t->cap);
        if (!t->ptr)
            abort();
    }
    if (len)
        memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

void text_addz(struct text *t, const char *z)
{
    text_add(t, z, strlen(z));
}

void text_number(struct text *t, int64_t number)
{
    char digits[24];
    text_add(t, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number));
}

void text_string(struct text *t, struct belfry_str s)
{
    size_t from = 0;
    if (!s.len)
        s.ptr = "";
    text_add(t, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        char escape[8];
        int len = snprintf(escape, sizeof(escape), c < 0x20 ? "\\u%04x" : "\\%c", c);
        text_add(t, s.ptr + from, i - from);
        text_add(t, escape, (size_t)len);
        from = i + 1;
    }
    text_add(t, s.ptr + from, s.len - from);
    text_add(t, "\"", 1);
}

void text_encoded(struct text *t, struct belfry_str s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t i = 0; i < s.len; i++) {
        char code[4];
        if (s.ptr[i] && strchr(plain, s.ptr[i]))
            text_add(t, s.ptr + i, 1);
        else
            text_add(t, code, (size_t)snprintf(code, sizeof(code), "%%%02X", (unsigned char)s.ptr[i]));
    }
}

struct belfry_str text_str(const struct text *t)
{
    return (struct belfry_str){t->ptr, t->len};
}

/* --- UTF-8 -------------------------------------------------------------------------------------------------------- */

/* Bytes of the well-formed character at p, 0: it is none. */
static size_t character(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
        return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

int text_is_utf8(struct belfry_str s)
{
    for (size_t i = 0, step; i < s.len; i += step)
        if (!(step = character((const unsigned char *)s.ptr + i, s.len - i)))
            return 0;
    return 1;
}

struct belfry_str text_cut(struct belfry_str s, size_t most)
{
    size_t len = s.len < most ? s.len : most;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    return (struct belfry_str){s.ptr, len};
}

int text_same(struct belfry_str a, const char *b)
{
    return a.len == strlen(b) && (!a.len || strncasecmp(a.ptr, b, a.len) == 0);
}
