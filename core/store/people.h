/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of people (revisions) and of the directory that the API fills. Writing: the ledger's thread. */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "store/store.h"

/* The person's row id, or 0; *rev is the revision. */
int64_t store_person_find(struct store_conn *conn, int64_t org, struct belfry_str username, int64_t *rev);
/* 1 when found; username in arena. */
int store_person_get(struct store_conn *conn, int64_t id, struct arena *arena, int64_t *org,
                     struct belfry_str *username, int64_t *rev);
void store_person_add(struct store_conn *conn, int64_t id, int64_t org, struct belfry_str username);
void store_person_set_rev(struct store_conn *conn, int64_t id, int64_t rev);
/*
 * A slice of erasing what a person was told: their notifications with deliveries, attempts and decisions, and at the
 * end what they could undo. Events stay, and so does the row of the person, whose revision goes on. *after begins at 0
 * and moves on; *erased: rows of this slice. 1 when there is more to do.
 */
int store_person_erase(struct store_conn *conn, int64_t person, struct belfry_str username, int64_t *after,
                       size_t *erased, struct arena *arena);

struct store_directory_entry {
    struct belfry_str username, name, email, locale, timezone;
    const struct belfry_str *roles; /* in byte order */
    size_t role_count;
};
/* 1 when found; all in arena. */
int store_directory_get(struct store_conn *conn, int64_t org, struct belfry_str username, struct arena *arena,
                        struct store_directory_entry *out);
/* Usernames with a role, after `after`, up to limit, in byte order. */
size_t store_directory_members(struct store_conn *conn, int64_t org, struct belfry_str role, struct belfry_str after,
                               size_t limit, struct arena *arena, struct belfry_str **out);
/* Everybody's username, in byte order. */
size_t store_directory_names(struct store_conn *conn, int64_t org, struct arena *arena, struct belfry_str **out);
/* Usernames after `after` (empty: from the first), up to limit, in byte order. */
size_t store_directory_page(struct store_conn *conn, int64_t org, struct belfry_str after, size_t limit,
                            struct arena *arena, struct belfry_str **out);
/* Adds or replaces an entry with its roles. */
void store_directory_put(struct store_conn *conn, int64_t org, const struct store_directory_entry *entry);
/* 1 when there was one. */
int store_directory_del(struct store_conn *conn, int64_t org, struct belfry_str username);
/* 1 when nobody is in it: the usual case where people are in YAML, and one look the less for each trigger. */
int store_directory_empty(struct store_conn *conn);

#endif
