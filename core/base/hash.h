/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table from byte-string keys to pointers (open addressing, SipHash under a per-process key). Not thread-safe. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <belfry/plugin.h>
#include <stddef.h>

struct hash;

struct hash *hash_new(void);
/* free_value may be NULL. */
void hash_free(struct hash *h, void (*free_value)(void *value));
/* Copies the key. Returns the previous value or NULL. */
void *hash_set(struct hash *h, struct belfry_str key, void *value);
void *hash_get(const struct hash *h, struct belfry_str key);
/* Returns the removed value or NULL. */
void *hash_del(struct hash *h, struct belfry_str key);
size_t hash_count(const struct hash *h);
/* Iterates in no order: *pos starts at 0; returns 0 at the end. The table must not change meanwhile. */
int hash_next(const struct hash *h, size_t *pos, struct belfry_str *key, void **value);

#endif
