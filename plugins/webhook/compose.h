/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out for an event in each format: body and the headers that say what it is. The same bytes on each attempt,
 * as long as event, format and the hub's address are the same. [loop]
 */
#ifndef WEBHOOK_COMPOSE_H
#define WEBHOOK_COMPOSE_H

#include "settings.h"

#include <belfry/host.h>

#define COMPOSED_HEADERS_MAX 12

struct composed {
    struct belfry_str body;
    struct belfry_attr headers[COMPOSED_HEADERS_MAX]; /* content-type first */
    size_t header_count;
    /* how the body is made of what is stored with the event: own bytes, bytes `from` to `to` of the payload, own bytes.
     * from = to: it is `before` alone. */
    struct belfry_str before, after;
    size_t from, to;
    char *owned[COMPOSED_HEADERS_MAX + 1];
    size_t owned_count;
};

/* What the texts need of the hub. */
struct composing {
    const struct belfry_calendar_api *calendar;
    struct belfry_str site; /* the hub's address, without a slash at its end */
};

/* body and headers live as long as the payload of the item and until composed_free(). */
void compose(const struct composing *with, enum format format, const struct belfry_item *item, struct composed *out);
void composed_free(struct composed *c);

#endif
