/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most events concern one person or a handful, so a linear look comes first and a table only beyond that. All memory is
 * the arena's, whose large arrays leave nothing behind when they grow: with 100,000 people that was 20 MB.
 */
#include "route/people.h"

#include "base/id.h"
#include "base/str.h"
#include "route/index.h"

#include <string.h>

#define LINEAR_MAX 8
#define ROLE_PAGE 1000 /* members asked of the directory at once when there is no limit */

void *route_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    size_t next = *cap ? *cap * 2 : 4;
    void *grown = arena_grow(arena, items, *cap * size, next * size);
    *cap = next;
    return grown;
}

int route_marks_add(struct arena *arena, struct marks *marks, uint32_t index)
{
    size_t byte = index / 8;
    uint8_t bit = (uint8_t)(1u << (index % 8));
    if (byte >= marks->bytes) {
        size_t bytes = (byte + 16) * 2;
        uint8_t *bits = arena_alloc(arena, bytes);
        if (marks->bytes > 0)
            memcpy(bits, marks->bits, marks->bytes);
        *marks = (struct marks){bits, bytes};
    }
    if (marks->bits[byte] & bit)
        return 0;
    marks->bits[byte] |= bit;
    return 1;
}

static int is_same(const struct route_recipient *r, struct belfry_str name, int email)
{
    return r->email == email && str_eq(r->name, name);
}

/* The slot of the name, or the free one where it belongs. Names come from outside, hence the keyed hash. */
static uint32_t *slot_of(const struct people *people, struct belfry_str name, int email)
{
    size_t mask = people->slot_count - 1;
    for (size_t i = siphash(route_key(), name.ptr, name.len) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &people->slots[i];
        if (*slot == 0 || is_same(&people->items[*slot - 1], name, email))
            return slot;
    }
}

/* At most half of the slots are taken. */
static void make_room(struct people *people)
{
    if (people->count < LINEAR_MAX || (people->count + 1) * 2 <= people->slot_count)
        return;
    people->slot_count = people->slot_count ? people->slot_count * 4 : LINEAR_MAX * 8;
    people->slots = arena_alloc(people->arena, people->slot_count * sizeof(*people->slots));
    for (size_t i = 0; i < people->count; i++)
        *slot_of(people, people->items[i].name, people->items[i].email) = (uint32_t)i + 1;
}

static uint32_t find(const struct people *people, struct belfry_str name, int email)
{
    if (people->slot_count > 0)
        return *slot_of(people, name, email);
    for (size_t i = 0; i < people->count; i++)
        if (is_same(&people->items[i], name, email))
            return (uint32_t)i + 1;
    return 0;
}

uint32_t route_people_add(struct people *people, struct belfry_str name, int email, struct belfry_str reason,
                          unsigned via, int *added)
{
    uint32_t known = find(people, name, email);
    *added = known == 0;
    if (known) {
        people->items[known - 1].via |= (uint8_t)via;
        return known - 1;
    }
    make_room(people);
    people->items = route_grow(people->arena, people->items, people->count, &people->cap, sizeof(*people->items));
    people->items[people->count] = (struct route_recipient){
        .name = name, .reason = reason, .email = (uint8_t)email, .via = (uint8_t)via, .visible = 1};
    if (people->slot_count > 0)
        *slot_of(people, name, email) = (uint32_t)people->count + 1;
    return (uint32_t)people->count++;
}

/* All members, page by page. */
static void expand_all(struct people *people, const struct route_directory *directory, struct belfry_str org,
                       struct people_role *role)
{
    struct belfry_str *members = NULL, after = {0};
    size_t cap = 0, got;
    do {
        const struct belfry_str *page;
        got = directory->members(directory->arg, people->arena, org, role->name, after, ROLE_PAGE, &page);
        for (size_t i = 0; i < got; i++) {
            members = route_grow(people->arena, members, role->count, &cap, sizeof(*members));
            members[role->count++] = page[i];
        }
        if (got > 0)
            after = page[got - 1];
    } while (got == ROLE_PAGE);
    role->members = members;
}

const struct people_role *route_people_role(struct people *people, const struct route_directory *directory,
                                            struct belfry_str org, struct belfry_str name, size_t max, int *overflow)
{
    for (struct people_role *role = people->roles; role; role = role->next)
        if (str_eq(role->name, name))
            return role;
    struct people_role *role = arena_alloc(people->arena, sizeof(*role));
    *role = (struct people_role){.next = people->roles, .name = name};
    people->roles = role;
    if (max == 0 || max == SIZE_MAX) {
        expand_all(people, directory, org, role);
        return role;
    }
    /* One more than wanted tells whether there are more. */
    role->count =
        directory->members(directory->arg, people->arena, org, name, (struct belfry_str){0}, max + 1, &role->members);
    if (role->count > max) {
        role->count = max;
        *overflow = 1;
    }
    return role;
}
