/* SPDX-License-Identifier: Apache-2.0 */
/* Heap memory that never fails: out of memory logs and aborts. Sizes from outside are checked before. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory of `size` bytes, owned by the caller, freed with free(). [any] */
void *xcalloc(size_t count, size_t size);
void *xmalloc(size_t size);
void *xrealloc(void *ptr, size_t size);
/* Grows an array so that it holds at least `need` items; doubles. *cap is updated. Returns the array. [any] */
void *xgrow(void *array, size_t *cap, size_t need, size_t item_size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
/* printf into new memory. [any] */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *xmemdup(const void *ptr, size_t size);
/* Overwrites a secret before its memory is freed; the compiler cannot drop it. [any] */
void mem_wipe(void *ptr, size_t size);
/* Constant-time compare: 1 when equal. Lengths are not secret. [any] */
int mem_equal_ct(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
