/* SPDX-License-Identifier: Apache-2.0 */
/* Types of events, for the catalogue and for test deliveries. */
#ifndef HUB_EVENT_TYPES_H
#define HUB_EVENT_TYPES_H

#include "config/config.h"

#include <jansson.h>

/* Calls fn for each type that the org's sources declare, in the order of the configuration, then for those of the hub,
 * until it is not 0. source: who tells of it. Returns what fn did. */
int hub_event_types_each(const struct config *config, struct belfry_str org,
                         int (*fn)(void *arg, const char *source, const struct belfry_event_type *type), void *arg);
/* What is declared of a type, exact ones before prefixes; NULL: nothing. */
const struct belfry_event_type *hub_event_type(const struct config *config, struct belfry_str org,
                                               struct belfry_str type, const char **source);
/* A type that the declared one stands for: itself, or for a prefix one below it. In arena. */
struct belfry_str hub_event_type_sample(struct arena *arena, const struct belfry_event_type *type);

/* JSON Schema (draft 2020-12) of the body that endpoints get of the type. It says what is there and of which type it
 * is; members may be added, so it forbids none. New reference. */
json_t *hub_event_schema(const char *source, const struct belfry_event_type *type);

#endif
