/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why did she get this, and why did he not? Collects what a plan was made of (a trace) and shows stories as text for a
 * terminal and as JSON for the API.
 */
#ifndef ROUTE_EXPLAIN_H
#define ROUTE_EXPLAIN_H

#include "route/story.h"

#include <jansson.h>

/* --- making the story of a dry run --- */

struct explain;
struct hash; /* base/hash.h */

/* Lives in arena with all that it makes. config is borrowed. */
struct explain *explain_new(struct arena *arena, const struct config *config);
/* The trace to give to route_plan; valid as long as the explain. */
const struct route_trace *explain_trace(const struct explain *explain);
/*
 * The story of the plan that was made last under the trace; then the trace begins anew, so that one explain serves all
 * events of a trigger. directory (may be NULL) gives people's time zones for quiet hours. The caller may fill in what a
 * plan does not know (title, body, link, data, trigger). In arena; borrows the event's and the plan's strings.
 */
struct story *explain_story(struct explain *explain, const struct route_event *event, const struct route_plan *plan,
                            const struct route_directory *directory, int64_t now_ms);
/*
 * Puts the targets of a channel, which its indexes have, in the place of the story's deliveries to "every target of the
 * channel": one for each that takes the event, or one that says that there is none; the others become notes with the
 * reason. disabled (may be NULL) has the ids of those whose deliveries are held. Once a channel.
 */
void explain_targets(struct explain *explain, struct story *story, const struct config_instance *channel,
                     const struct route_targets *const *indexes, size_t index_count, const struct hash *disabled,
                     const struct route_event *event);

#define EXPLAIN_NO_TARGET "no target takes it"

/* --- showing --- */

/* What to show; empty: everything. With `who` nothing of other people and of targets is shown, but what a rule did with
 * all of them. */
struct explain_filter {
    struct belfry_str who, channel, rule;
};

/* Appends text for a terminal. Texts from outside are cleaned of control characters. */
void explain_text(const struct story *story, const struct explain_filter *filter, struct buf *out);

/* One object; the same for GET /v1/{org}/events/{id} and each event of POST /v1/{org}/explain. New reference. */
json_t *explain_json(const struct story *story, const struct explain_filter *filter);

/* "retry" and so on, of what a plugin said of an attempt; NULL for a number that is none. */
const char *explain_result_name(uint32_t result);

/* --- shared by both ways of showing --- */

/* 1 when the filter (may be NULL) lets the recipient, or the delivery, through. */
int explain_shows_recipient(const struct explain_filter *filter, const struct story_recipient *recipient);
int explain_shows_delivery(const struct explain_filter *filter, const struct story *story,
                           const struct story_delivery *delivery);
int explain_shows_rule(const struct explain_filter *filter, const char *name);

enum explain_state { EXPLAIN_DONE, EXPLAIN_WAITS, EXPLAIN_NOT };
/* Delivered; scheduled, held or under way; or ended (or never begun) otherwise. */
enum explain_state explain_state(const struct story_delivery *delivery);

/* Deliveries by recipient: heads[i] is the first of recipient i (heads[recipient_count]: of nobody), next[d] the one
 * after d, both SIZE_MAX at the end. Freed with free(heads); next is part of it. */
struct explain_index {
    size_t *heads, *next;
};
struct explain_index explain_index(const struct story *story);

#endif
