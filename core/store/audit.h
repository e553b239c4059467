/* SPDX-License-Identifier: Apache-2.0 */
/* Who did what. Rows are written in the commit of the deed and stay. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/store.h"

struct store_audit {
    int64_t id, org;             /* org 0: of the hub as a whole */
    struct belfry_str who, what; /* "person:ann", "token:crm", "operator"; "delivery.retry" */
    struct belfry_str detail;    /* a JSON object; empty: none. Never a secret, never what a message says */
};
void store_audit_add(struct store_conn *conn, const struct store_audit *row); /* [ledger] */

struct store_audit_query {
    int64_t org;                 /* -1: all orgs and the hub's own */
    struct belfry_str who, what; /* empty: all */
    int64_t from, before;        /* ids from, and below */
    uint32_t limit;
};
/* Newest first, in arena. Returns the count. */
size_t store_audit_list(struct store_conn *conn, const struct store_audit_query *query, struct arena *arena,
                        struct store_audit **out);

#endif
