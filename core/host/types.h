/* SPDX-License-Identifier: Apache-2.0 */
/* Declared types of events: found by name, and what their default templates say. */
#ifndef HOST_TYPES_H
#define HOST_TYPES_H

#include "config/config.h"

#include <belfry/plugin.h>

/* What the org's sources declare of a type, exact ones before prefixes as emit finds them; source: who does. NULL: none
 * does. Lives as long as the configuration. [any] */
const struct belfry_event_type *host_type_find(const struct config *config, struct belfry_str org,
                                               struct belfry_str type, const struct config_instance **source);
/*
 * Title and body about `data`, made as emit makes them (ledger/emit.c, ledger/languages.c) where a source says nothing
 * of its own; the type's name where it has no title. language: BCP 47, empty: the type's own. In arena. [any]
 */
struct host_type_texts {
    struct belfry_str title, body;
};
struct host_type_texts host_type_texts(struct arena *arena, const struct belfry_event_type *declared,
                                       struct belfry_str type, struct belfry_str language, const json_t *data);

#endif
