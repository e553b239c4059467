/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted, because a step may have a thousand seats: whether somebody has one is asked by halving, and the same set is
 * the same text in the state, whatever order a step named people in. New names mostly come in order, from the members
 * of a role, and then nothing is moved.
 */
#include "names.h"
#include "text.h"

#include <string.h>

/* Where the name is, or belongs. */
static size_t place(const struct approval_names *names, struct belfry_str name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (approval_compare(names->items[mid], name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int is_at(const struct approval_names *names, size_t at, struct belfry_str name)
{
    return at < names->count && approval_same(names->items[at], name);
}

int approval_names_has(const struct approval_names *names, struct belfry_str name)
{
    return is_at(names, place(names, name), name);
}

static int grow(struct belfry_txn *txn, struct approval_names *names)
{
    size_t cap = names->cap ? names->cap * 2 : 8;
    struct belfry_str *items = txn->api->alloc(txn, cap * sizeof(*items));
    if (!items)
        return 0;
    if (names->count)
        memcpy(items, names->items, names->count * sizeof(*items));
    names->items = items;
    names->cap = cap;
    return 1;
}

int approval_names_add(struct belfry_txn *txn, struct approval_names *names, struct belfry_str name)
{
    size_t at = place(names, name);
    if (is_at(names, at, name))
        return 0;
    if (names->count == names->cap && !grow(txn, names))
        return -1;
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof(name));
    names->items[at] = name;
    names->count++;
    return 1;
}

int approval_names_remove(struct approval_names *names, struct belfry_str name)
{
    size_t at = place(names, name);
    if (!is_at(names, at, name))
        return 0;
    names->count--;
    memmove(names->items + at, names->items + at + 1, (names->count - at) * sizeof(name));
    return 1;
}

struct belfry_strs approval_names_view(const struct approval_names *names)
{
    return (struct belfry_strs){names->items, names->count};
}
