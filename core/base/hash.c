/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash table: open addressing with linear probing. The slots are a power of two and at most three quarters full, so a
 * probe always ends at a free one. A removal moves the followers of the gap back instead of leaving a tombstone, so a
 * table that lives long under churn does not degrade.
 */
#include "base/hash.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
    char *key; /* NULL: free */
    size_t len;
    uint64_t hash;
    void *value;
};

struct hash {
    struct slot *slots;
    size_t size; /* power of two, or 0 */
    size_t count;
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static struct id_key process_key;

static void make_key(void)
{
    random_bytes(process_key.bytes, sizeof(process_key.bytes));
}

struct hash *hash_new(void)
{
    pthread_once(&key_once, make_key);
    return xcalloc(1, sizeof(struct hash));
}

void hash_free(struct hash *h, void (*free_value)(void *value))
{
    if (!h)
        return;
    for (size_t i = 0; i < h->size; i++) {
        if (!h->slots[i].key)
            continue;
        if (free_value)
            free_value(h->slots[i].value);
        free(h->slots[i].key);
    }
    free(h->slots);
    free(h);
}

/* The slot of the key, or the free one where it belongs. The table must have a free slot. */
static struct slot *find_slot(const struct hash *h, struct belfry_str key, uint64_t hash)
{
    for (size_t i = hash & (h->size - 1);; i = (i + 1) & (h->size - 1)) {
        struct slot *slot = &h->slots[i];
        if (!slot->key || (slot->hash == hash && str_eq(str_slice(slot->key, slot->len), key)))
            return slot;
    }
}

static void grow(struct hash *h)
{
    struct hash next = {NULL, h->size ? h->size * 2 : 16, h->count};
    next.slots = xcalloc(next.size, sizeof(*next.slots));
    for (size_t i = 0; i < h->size; i++) {
        struct slot *slot = &h->slots[i];
        if (slot->key)
            *find_slot(&next, str_slice(slot->key, slot->len), slot->hash) = *slot;
    }
    free(h->slots);
    *h = next;
}

void *hash_set(struct hash *h, struct belfry_str key, void *value)
{
    if ((h->count + 1) * 4 > h->size * 3)
        grow(h);
    uint64_t hash = siphash(&process_key, key.ptr, key.len);
    struct slot *slot = find_slot(h, key, hash);
    void *before = slot->value;
    if (!slot->key) {
        *slot = (struct slot){xstrndup(key.ptr, key.len), key.len, hash, NULL};
        h->count++;
    }
    slot->value = value;
    return before;
}

void *hash_get(const struct hash *h, struct belfry_str key)
{
    if (h->count == 0)
        return NULL;
    return find_slot(h, key, siphash(&process_key, key.ptr, key.len))->value;
}

void *hash_del(struct hash *h, struct belfry_str key)
{
    if (h->count == 0)
        return NULL;
    struct slot *slot = find_slot(h, key, siphash(&process_key, key.ptr, key.len));
    if (!slot->key)
        return NULL;
    void *value = slot->value;
    free(slot->key);
    h->count--;
    size_t mask = h->size - 1, gap = (size_t)(slot - h->slots);
    for (size_t i = (gap + 1) & mask; h->slots[i].key; i = (i + 1) & mask) {
        size_t home = h->slots[i].hash & mask;
        /* Movable when the gap is not before its home, counted around the end of the table. */
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            h->slots[gap] = h->slots[i];
            gap = i;
        }
    }
    h->slots[gap] = (struct slot){0};
    return value;
}

size_t hash_count(const struct hash *h)
{
    return h->count;
}

int hash_next(const struct hash *h, size_t *pos, struct belfry_str *key, void **value)
{
    for (; *pos < h->size; (*pos)++) {
        const struct slot *slot = &h->slots[*pos];
        if (!slot->key)
            continue;
        if (key)
            *key = str_slice(slot->key, slot->len);
        if (value)
            *value = slot->value;
        (*pos)++;
        return 1;
    }
    return 0;
}
