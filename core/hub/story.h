/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a stored event, read from its rows. */
#ifndef HUB_STORY_H
#define HUB_STORY_H

#include "hub/hub.h"
#include "route/explain.h"
#include "store/events.h"

/* In arena. who: only of this recipient; empty: of all. [reader] */
struct story *hub_story_read(struct store_conn *conn, struct store *store, const struct config *config,
                             const struct store_event *event, struct belfry_str who, int64_t now_ms,
                             struct arena *arena);
/* Adds what the rules of now say of the same event (a dry run's story): each rule's conditions, whether it would match
 * now as it did then, and who is left out. */
void hub_story_complete(struct story *story, const struct story *now, struct arena *arena);

#endif
