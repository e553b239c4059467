/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person chose about mail, and the one gate that asks it: the daemon's claim, `explain` and the page say the
 * same because they call the same function.
 *
 * Order: required, pause, person, category's default. It governs deliveries whose plugin says that people choose
 * (BELFRY_DELIVERY_PREFERENCE), and people: an outside address has nothing to choose with.
 */
#ifndef ROUTE_PREFERENCE_H
#define ROUTE_PREFERENCE_H

#include "base/arena.h"
#include "config/config.h"

#include <jansson.h>

#define PREFERENCE_NONE (-1) /* of what a number says: not chosen */

struct preference_choice {
    struct belfry_str category;
    int how; /* enum config_email */
};

struct preference {
    const struct preference_choice *email;
    size_t email_count;
    int fallback; /* `default`: for categories that are not in email; or PREFERENCE_NONE */
    int digest_hour;
    uint32_t digest_weekdays; /* bit 0 = Monday; 0: not chosen */
    int quiet_from_min, quiet_to_min;
    struct belfry_str timezone, locale; /* empty: not chosen */
    struct belfry_str pause;            /* a date (its beginning in the person's zone) or an instant; empty: none */
    int shortcuts;                      /* 0: pages have no single-key shortcuts for them */
};

/* Nothing chosen. */
void preference_init(struct preference *p);
/*
 * Reads the JSON of PUT /v1/{org}/preferences, of which a missing member says "not chosen". EINVAL with each fault and
 * its pointer in err: unknown members, wrong types, times, zones. Which categories there are is not asked. Strings in
 * arena.
 */
belfry_status preference_read(const json_t *doc, struct arena *arena, struct preference *out, struct error *err);
/* A stored text, which was read with preference_read() before; what this hub does not understand of it is not chosen.
 */
void preference_load(struct belfry_str text, struct arena *arena, struct preference *out);
/* The same as JSON, with all members. New reference. */
json_t *preference_json(const struct preference *p);
/* The choice for a category itself, or PREFERENCE_NONE. */
int preference_of(const struct preference *p, struct belfry_str category);
/* 1 when a choice can count now for somebody who sees the categories of visible, of which required cannot be off. */
int preference_counts(const struct preference_choice *choice, const struct belfry_strs *visible,
                      const struct belfry_strs *required);
/* 1 when the person stopped a category (NULL: one that the configuration does not know); name empty: when they stopped
 * all that can be stopped. */
int preference_stopped(const struct preference *p, const struct config *config, const struct config_category *category,
                       struct belfry_str name);
/* The zone that counts for somebody: the first of these that is one, else the org's, else the hub's, else UTC. */
struct belfry_str preference_zone(const struct config *config, const struct config_org *org, const struct preference *p,
                                  struct belfry_str directory);
/* When the pause ends; 0: there is none. */
int64_t preference_paused_until(const struct preference *p, struct belfry_str zone);

struct preference_verdict {
    int goes;        /* 0: suppressed_preference */
    int how;         /* CONFIG_EMAIL_UNSEEN or CONFIG_EMAIL_DIGEST */
    const char *why; /* which preference decided; in arena */
};

/* p NULL: the person chose nothing. category NULL: one that the configuration does not know (any more). [any] */
void preference_judge(const struct preference *p, const struct config_category *category, struct belfry_str name,
                      struct belfry_str zone, int64_t now_ms, struct arena *arena, struct preference_verdict *out);

/* "off", "unseen", "digest". */
const char *preference_how(int how);

#endif
