/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing buffer of base/str.h. Invariant: when ptr is not NULL, cap > len and ptr[len] is NUL, so a buffer is a C
 * string at any time. Capacity doubles: appending is linear in the whole.
 */
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

char *buf_reserve(struct buf *b, size_t need)
{
    size_t total;
    if (__builtin_add_overflow(b->len, need, &total) || __builtin_add_overflow(total, 1, &total))
        total = SIZE_MAX; /* refused by malloc, which ends in xrealloc's abort */
    if (total > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < total)
            cap = cap > SIZE_MAX / 2 ? total : cap * 2;
        b->ptr = xrealloc(b->ptr, cap);
        b->cap = cap;
        b->ptr[b->len] = '\0';
    }
    return b->ptr + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    char *at = buf_reserve(b, len);
    if (len > 0)
        memcpy(at, data, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_addz(struct buf *b, const char *z)
{
    if (z)
        buf_add(b, z, strlen(z));
}

void buf_adds(struct buf *b, struct belfry_str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_addc(struct buf *b, char c)
{
    char *at = buf_reserve(b, 1);
    at[0] = c;
    at[1] = '\0';
    b->len++;
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    buf_reserve(b, 0);
    size_t room = b->cap - b->len;
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_copy from a parameter */
    int len = vsnprintf(b->ptr + b->len, room, format, again);
    va_end(again);
    if (len >= 0 && (size_t)len >= room)
        vsnprintf(buf_reserve(b, (size_t)len), (size_t)len + 1, format, args);
    if (len > 0)
        b->len += (size_t)len;
    b->ptr[b->len] = '\0';
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vaddf(b, format, args);
    va_end(args);
}

char *buf_steal(struct buf *b)
{
    char *ptr = b->ptr ? b->ptr : xstrdup("");
    *b = (struct buf){0};
    return ptr;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->ptr)
        b->ptr[0] = '\0';
}

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}
