/* SPDX-License-Identifier: Apache-2.0 */
/* The recipients of one plan: each once, in the order in which they were first named. */
#ifndef ROUTE_PEOPLE_H
#define ROUTE_PEOPLE_H

#include "route/route.h"

struct people_role { /* members of a role, asked for once a plan */
    struct people_role *next;
    struct belfry_str name;
    const struct belfry_str *members;
    size_t count;
};

struct people {
    struct arena *arena;
    struct route_recipient *items;
    size_t count, cap;
    uint32_t *slots; /* open addressing to index + 1, once there are more than a few */
    size_t slot_count;
    struct people_role *roles;
};

/* The index of the recipient; *added says whether it is new. A known one keeps its reason and gains `via`. Strings are
 * borrowed. */
uint32_t route_people_add(struct people *people, struct belfry_str name, int email, struct belfry_str reason,
                          unsigned via, int *added);
/* Members of a role, at most max of them (0 or SIZE_MAX: all); *overflow is set when there are more. */
const struct people_role *route_people_role(struct people *people, const struct route_directory *directory,
                                            struct belfry_str org, struct belfry_str role, size_t max, int *overflow);

/* An array in an arena that doubles: returns it with room for one more item. */
void *route_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size);

/* A set of indexes that grows. mark: 1 when the index was not in it yet. */
struct marks {
    uint8_t *bits;
    size_t bytes;
};
int route_marks_add(struct arena *arena, struct marks *marks, uint32_t index);

#endif
