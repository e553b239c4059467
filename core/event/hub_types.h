/* SPDX-License-Identifier: Apache-2.0 */
/* What the hub itself tells of, declared as a plugin declares what it tells of. */
#ifndef EVENT_HUB_TYPES_H
#define EVENT_HUB_TYPES_H

#include <belfry/plugin.h>

/* The `source` of these events. */
#define EVENT_HUB_SOURCE "hub"

/* Ends at struct_size 0. Rules may name them, endpoints may take them, GET /v1/{org}/event-types lists them. */
extern const struct belfry_event_type event_hub_types[];

#endif
