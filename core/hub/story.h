/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a stored event, read from its rows. */
#ifndef HUB_STORY_H
#define HUB_STORY_H

#include "hub/hub.h"
#include "route/explain.h"

/* In arena; NULL when the org has no such event. who: only what concerns this person; empty: all. Who may see its
 * category is asked of config and the directory as they are now. [reader] */
struct story *hub_story_read(struct store_conn *conn, struct store *store, const struct config *config, int64_t event,
                             struct belfry_str org, struct belfry_str who, int64_t now_ms, struct arena *arena);

#endif
