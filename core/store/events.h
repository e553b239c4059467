/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of events, their payloads and decisions, and of notifications. Functions that write belong to the ledger's
 * thread; those that read take any connection. Faults stick in the connection (store_fault()). Numbers named org,
 * source, type, category, rule and channel are ids of interned names.
 */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/store.h"

struct store_event {
    int64_t id, org, source, type, category;
    int32_t severity, live, validity; /* validity: BELFRY_VALID ... of <belfry/host.h> */
    int64_t subject_key, valid_until, time, generation;
    struct belfry_str subject, actor, title, body, link, data, actions, audience, rules;
    struct belfry_str texts; /* in other languages (schema.h); empty: none */
    struct belfry_str trigger_source, trigger_id, trigger_type, principal, note;
};

/* SipHash of org, source and subject under the database's key. [any] */
int64_t store_subject_key(const struct store *store, int64_t org, int64_t source, struct belfry_str subject);
void store_event_add(struct store_conn *conn, const struct store_event *event);
/* 1 when found; texts are copied into arena. */
int store_event_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_event *out);

/* What gates ask and deliveries say: without audience, rules and where it came from, which may be long. */
int store_event_get_sent(struct store_conn *conn, int64_t id, struct arena *arena, struct store_event *out);

/* The path in `texts` of what is said in a locale's language; one that leads nowhere when it is no locale. [any] */
#define STORE_TEXTS_PATH 16
void store_texts_path(struct belfry_str locale, char out[STORE_TEXTS_PATH]);
/* Title and body become those of words (what the path leads to; may be empty) that are there. In arena. [any] */
void store_texts_take(struct belfry_str words, struct arena *arena, struct belfry_str *title, struct belfry_str *body);
/* The actions of an event (schema.h, `actions`), with the words of a locale's language (as above; may be empty).
 * Returns the count; without the data of their triggers. In arena. [any] */
size_t store_actions_take(struct belfry_str actions, struct belfry_str words, struct arena *arena,
                          const struct belfry_action **out);
/* The same of a whole event. [any] */
size_t store_event_actions(const struct store_event *event, struct belfry_str locale, struct arena *arena,
                           const struct belfry_action **out);
/* Title and body become those of the locale, where there are any. [any] */
void store_event_say(struct store_event *event, struct belfry_str locale, struct arena *arena);

/* Live events of a subject, oldest first; texts are not filled. Returns the count, array in arena. */
size_t store_events_live(struct store_conn *conn, int64_t subject_key, int64_t org, int64_t source,
                         struct belfry_str subject, struct arena *arena, struct store_event **out);
void store_event_set_validity(struct store_conn *conn, int64_t id, int validity, int live);
void store_event_set_live(struct store_conn *conn, int64_t id, int live);
void store_event_set_valid_until(struct store_conn *conn, int64_t id, int64_t when_ms);
/* Valid events whose end has come, earliest first, up to limit. Returns the count. */
size_t store_events_expired(struct store_conn *conn, int64_t now_ms, size_t limit, struct arena *arena, int64_t **out);
/* When the next one ends; INT64_MAX: none. */
int64_t store_events_next_expiry(struct store_conn *conn);

/* Up to limit ids of an org's events in [from, before), oldest first, passing over at most look_at events of whatever
 * org. *next is where to go on; 0: that was all. Array in arena. */
size_t store_events_between(struct store_conn *conn, int64_t org, int64_t from, int64_t before, size_t limit,
                            size_t look_at, struct arena *arena, int64_t **ids, int64_t *next);
/* The oldest there is, of whatever org; 0: none. */
int64_t store_events_first(struct store_conn *conn);

void store_payload_add(struct store_conn *conn, int64_t event, struct belfry_str body);
struct belfry_str store_payload_get(struct store_conn *conn, int64_t event, struct arena *arena);
/* recipient may be empty, rule and channel 0. */
void store_decision_add(struct store_conn *conn, int64_t id, int64_t event, struct belfry_str recipient, int64_t rule,
                        int64_t channel, int outcome, struct belfry_str reason);

/* --- notifications ------------------------------------------------------------------------------------------------ */

enum { STORE_VIA_AUDIENCE = 1, STORE_VIA_RULE = 2 };

struct store_notification {
    int64_t id, person, event, pos, category, rev; /* pos 0: not visible yet */
    struct belfry_str reason;
    int32_t via, validity, handled, replaced; /* replaced: it has a successor */
    int64_t seen, read, hidden;               /* ms, 0: not */
};

/* Returns 0 when the event has a row for the person already (then nothing is written). */
int store_notification_add(struct store_conn *conn, const struct store_notification *row);
/* reason is not filled. */
int store_notification_of(struct store_conn *conn, int64_t event, int64_t person, struct store_notification *out);
int store_notification_get(struct store_conn *conn, int64_t id, struct store_notification *out);
struct belfry_str store_notification_reason(struct store_conn *conn, int64_t id, struct arena *arena);
/* Rows of an event that are valid and not handled, in order of person, persons above after_person, up to limit. reason
 * is not filled. */
size_t store_notifications_live(struct store_conn *conn, int64_t event, int64_t after_person, size_t limit,
                                struct arena *arena, struct store_notification **out);
/* Is there one that came about in one of these ways (STORE_VIA_*)? */
int store_notifications_any_live(struct store_conn *conn, int64_t event, int via);
/* Is there one of the event's audience, not only of people whom a rule brought in? */
int store_notifications_audience_live(struct store_conn *conn, int64_t event);
/* ended: an id that was drawn now, noted with store_id_used(). */
void store_notification_end(struct store_conn *conn, int64_t id, int validity, int64_t replaced_by, int64_t rev,
                            struct belfry_str note, int64_t ended);
void store_notification_handled(struct store_conn *conn, int64_t id, struct belfry_str by, int64_t at_ms, int64_t rev);
void store_notification_show(struct store_conn *conn, int64_t id, int64_t pos, int64_t rev);
void store_notification_set_rev(struct store_conn *conn, int64_t id, int64_t rev);
/* What somebody of the event's audience did: bits of CONFIG_UNLESS_* (seen 1, read 2, handled 4, hidden 8). */
uint32_t store_audience_marks(struct store_conn *conn, int64_t event);

#endif
