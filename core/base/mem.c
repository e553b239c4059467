/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heap memory that never fails. A daemon that is out of memory can only tell it and stop: what was acknowledged is on
 * disk, so a restart loses nothing. The message is written without allocating.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char line[] = "level=error msg=\"out of memory, stopping\" component=mem\n";
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
        abort();
    abort();
}

void *xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr)
        out_of_memory();
    return ptr;
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (!ptr)
        out_of_memory();
    return ptr;
}

void *xrealloc(void *ptr, size_t size)
{
    ptr = realloc(ptr, size ? size : 1);
    if (!ptr)
        out_of_memory();
    return ptr;
}

void *xgrow(void *array, size_t *cap, size_t need, size_t item_size)
{
    if (need <= *cap)
        return array;
    size_t next = *cap ? *cap : 8;
    while (next < need)
        next = next > SIZE_MAX / 2 ? need : next * 2;
    size_t size;
    if (__builtin_mul_overflow(next, item_size, &size))
        out_of_memory();
    array = xrealloc(array, size);
    *cap = next;
    return array;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    return text;
}

void *xmemdup(const void *ptr, size_t size)
{
    void *copy = xmalloc(size);
    if (size > 0)
        memcpy(copy, ptr, size);
    return copy;
}

void mem_wipe(void *ptr, size_t size)
{
    if (size > 0)
        explicit_bzero(ptr, size);
}

int mem_equal_ct(const void *a, size_t a_len, const void *b, size_t b_len)
{
    if (a_len != b_len)
        return 0;
    /* volatile: the compiler may not turn the fold into a loop that leaves at the first difference */
    const volatile unsigned char *x = a, *y = b;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a_len; i++)
        diff |= x[i] ^ y[i];
    return diff == 0;
}
