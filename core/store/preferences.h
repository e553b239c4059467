/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what people chose: a JSON text each (route/preference.h), under org and username, because somebody may choose
 * before anything was told to them. Writing: the ledger's thread. Faults stick in the connection. */
#ifndef STORE_PREFERENCES_H
#define STORE_PREFERENCES_H

#include "store/store.h"

struct store_preference {
    int64_t id;            /* drawn with each change */
    struct belfry_str doc; /* in the arena of the call */
};

/* 1 when the person chose anything. [owner of conn] */
int store_preference_get(struct store_conn *conn, int64_t org, struct belfry_str username, struct arena *arena,
                         struct store_preference *out);
void store_preference_put(struct store_conn *conn, int64_t org, struct belfry_str username,
                          const struct store_preference *row);
/* 1 when there was one. */
int store_preference_del(struct store_conn *conn, int64_t org, struct belfry_str username);
/* 1 when nobody chose anything yet: one look the less for each mail. [owner of conn] */
int store_preferences_empty(struct store_conn *conn);

#endif
