/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory that is freed as one. For a request, a batch, a configuration generation. Not thread-safe: one owner.
 * With BELFRY_ARENA_MALLOC in the environment at start every allocation is its own malloc, for sanitizer runs.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <belfry/plugin.h>
#include <stddef.h>

struct arena;

/* A new arena; block is the size of its first block in bytes, 0 for 4 KiB. Blocks double up to 256 KiB. [any] */
struct arena *arena_new(size_t block);
/* Runs the cleanups in reverse order, frees all. NULL is fine. */
void arena_free(struct arena *arena);
/* Runs the cleanups and keeps the first block, for re-use. */
void arena_reset(struct arena *arena);
/* Zeroed, aligned to 16 bytes. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
/*
 * An allocation of old bytes with room for size, no fewer; ptr NULL: a new one. What is new is not zeroed. It may move,
 * and ptr is then gone; a large one leaves nothing behind.
 */
void *arena_grow(struct arena *arena, void *ptr, size_t old, size_t size);
char *arena_strdup(struct arena *arena, const char *s);
/* Copies len bytes and appends a NUL. */
char *arena_strndup(struct arena *arena, const char *s, size_t len);
struct belfry_str arena_str(struct arena *arena, struct belfry_str s);
void *arena_memdup(struct arena *arena, const void *ptr, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* fn(arg) when the arena is freed or reset. */
void arena_cleanup(struct arena *arena, void (*fn)(void *arg), void *arg);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
