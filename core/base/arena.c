/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: blocks in a list, newest first, each twice the size of the one before up to 256 KiB. What does not fit into a
 * block of that size gets a block of its own, linked behind the newest so that the rest of the newest stays in use.
 *
 * Invariants: `newest` is NULL until the first allocation; the oldest block of an arena has `next` NULL and is the one
 * that a reset keeps. Cleanups live in the arena itself, newest first, which is the order they run in.
 *
 * With BELFRY_ARENA_MALLOC every allocation is a block of exactly its size, so that AddressSanitizer sees each edge.
 */
#include "base/arena.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_BLOCK_FIRST 4096
#define ARENA_BLOCK_MAX ((size_t)256 * 1024)

struct block {
    struct block *next;
    size_t size, used;
    size_t reserved; /* keeps data on a 16-byte edge */
    unsigned char data[];
};

_Static_assert(offsetof(struct block, data) % ARENA_ALIGN == 0, "block data must be aligned");

struct cleanup {
    struct cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct block *newest;
    struct cleanup *cleanups;
    size_t block_size; /* of the next block */
    size_t first_size;
    size_t used;
};

static pthread_once_t mode_once = PTHREAD_ONCE_INIT;
static int mode_malloc;

static void read_mode(void)
{
    mode_malloc = getenv("BELFRY_ARENA_MALLOC") != NULL;
}

struct arena *arena_new(size_t block)
{
    pthread_once(&mode_once, read_mode);
    struct arena *arena = xcalloc(1, sizeof(*arena));
    arena->first_size = block ? block : ARENA_BLOCK_FIRST;
    arena->block_size = arena->first_size;
    return arena;
}

static struct block *block_new(size_t size)
{
    struct block *block = xmalloc(sizeof(*block) + size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    block->reserved = 0;
    return block;
}

/* A block with room for size bytes. */
static struct block *block_for(struct arena *arena, size_t size)
{
    struct block *newest = arena->newest;
    if (!mode_malloc && newest && newest->size - newest->used >= size)
        return newest;
    int own = mode_malloc || size > arena->block_size;
    struct block *block = block_new(own ? size : arena->block_size);
    if (own && newest && !mode_malloc) {
        block->next = newest->next;
        newest->next = block;
        return block;
    }
    block->next = newest;
    arena->newest = block;
    if (!own && arena->block_size < ARENA_BLOCK_MAX)
        arena->block_size = arena->block_size * 2 < ARENA_BLOCK_MAX ? arena->block_size * 2 : ARENA_BLOCK_MAX;
    return block;
}

/* Bytes of a block that an allocation takes. */
static size_t taken(size_t size)
{
    /* A size near SIZE_MAX must not wrap to a small one; malloc then refuses and xmalloc aborts. */
    size_t rounded = size > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    return mode_malloc ? size : rounded;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t take = taken(size);
    struct block *block = block_for(arena, take);
    void *ptr = block->data + block->used;
    block->used += take;
    arena->used += size;
    return memset(ptr, 0, take);
}

/* The link to the block that holds ptr and nothing else; NULL: there is none. */
static struct block **block_of(struct arena *arena, const void *ptr, size_t size)
{
    for (struct block **link = &arena->newest; *link; link = &(*link)->next)
        if ((*link)->data == ptr)
            return (*link)->used == taken(size) ? link : NULL;
    return NULL;
}

void *arena_grow(struct arena *arena, void *ptr, size_t old, size_t size)
{
    struct block **link = ptr ? block_of(arena, ptr, old) : NULL;
    if (!link) {
        void *grown = arena_alloc(arena, size);
        return ptr ? memcpy(grown, ptr, old) : grown;
    }
    struct block *block = *link;
    if (block->size < taken(size)) {
        block = xrealloc(block, sizeof(*block) + taken(size));
        block->size = taken(size);
        *link = block;
    }
    block->used = taken(size);
    arena->used += size - old;
    return block->data;
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s, strlen(s));
}

struct belfry_str arena_str(struct arena *arena, struct belfry_str s)
{
    return (struct belfry_str){arena_strndup(arena, s.ptr, s.len), s.len};
}

void *arena_memdup(struct arena *arena, const void *ptr, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size > 0)
        memcpy(copy, ptr, size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(arena, len < 0 ? 1 : (size_t)len + 1);
    if (len > 0)
        vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void arena_cleanup(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct cleanup *cleanup = arena_alloc(arena, sizeof(*cleanup));
    *cleanup = (struct cleanup){arena->cleanups, fn, arg};
    arena->cleanups = cleanup;
}

/* One at a time off the list, so that a cleanup may still use the arena. */
static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups) {
        struct cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->next;
        cleanup->fn(cleanup->arg);
    }
}

void arena_reset(struct arena *arena)
{
    run_cleanups(arena);
    struct block *keep = NULL;
    for (struct block *block = arena->newest, *next; block; block = next) {
        next = block->next;
        if (!next && !mode_malloc && block->size == arena->first_size)
            keep = block;
        else
            free(block);
    }
    if (keep)
        keep->used = 0;
    arena->newest = keep;
    arena->block_size = keep && arena->first_size * 2 <= ARENA_BLOCK_MAX ? arena->first_size * 2 : arena->first_size;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    run_cleanups(arena);
    for (struct block *block = arena->newest, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
