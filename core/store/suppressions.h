/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where no mail goes, and why: a row for each address, reason and category of an org. Every function takes an address
 * as people write it and compares its address_key(). Writing: the ledger's thread. Faults stick in the connection.
 */
#ifndef STORE_SUPPRESSIONS_H
#define STORE_SUPPRESSIONS_H

#include "store/store.h"

/* Closed list: numbers are in the database, words in the API. In the order in which they are told. */
#define SUPPRESSION_REASONS(XX)                                                                                        \
    XX(1, bounced)                                                                                                     \
    XX(2, complained)                                                                                                  \
    XX(3, unsubscribed)
enum suppression_reason {
#define XX(number, name) SUPPRESSION_##name = number,
    SUPPRESSION_REASONS(XX)
#undef XX
};
/* "bounced"; NULL for numbers that are none. [any] */
const char *suppression_name(int reason);
/* 0 when there is no such reason. [any] */
int suppression_parse(struct belfry_str name);

#define SUPPRESSION_SOFT_MAX 5                       /* mails that came back for now, within ... */
#define SUPPRESSION_SOFT_MS (INT64_C(14) * 86400000) /* ... 14 days, are one that came back for good */

struct store_suppression {
    int64_t id;       /* drawn when it began */
    int64_t org;      /* name */
    int64_t category; /* name; 0: all */
    int64_t person;   /* who had the address; 0: somebody outside */
    int64_t delivery; /* the mail that showed it; 0: none */
    int reason;
    struct belfry_str address, detail; /* address: its key */
};

/*
 * The gate: 1 when no mail of the category (a name; 0: of none in particular) goes to the address now, and what says
 * so, the heaviest first; out may be NULL, its strings are in arena. required: an unsubscription does not count,
 * because nobody can stop the category, or because it is a person, who has preferences to say so. One look into an
 * index. [owner of conn]
 */
int store_suppressed(struct store_conn *conn, int64_t org, struct belfry_str address, int64_t category, int required,
                     struct arena *arena, struct store_suppression *out);
/* What people read of it: "mail to this address came back on 2026-01-05T09:00:00.000Z: 550 5.1.1 no such user". In
 * arena. [any] */
const char *suppression_text(const struct store_suppression *row, struct arena *arena);

/* 1 when it is new; what is there already stays as it is. */
int store_suppression_add(struct store_conn *conn, const struct store_suppression *row);
/* Those of one address (its bounces of now forgotten), or of one category and one reason: -1 for any of either.
 * Returns how many. */
int store_suppression_del(struct store_conn *conn, int64_t org, struct belfry_str address, int64_t category,
                          int reason);
/* One mail came back for now: the same delivery again changes nothing. Forgets what is too old, everywhere. Returns how
 * many are known of the address, this one included; with SUPPRESSION_SOFT_MAX they are forgotten, because the caller
 * suppresses it then. */
int store_soft_bounce(struct store_conn *conn, const struct store_suppression *row, int64_t now_ms);
/* All of a person, and of the address that they have now (may be empty). Returns how many. */
int store_suppressions_erase(struct store_conn *conn, int64_t org, int64_t person, struct belfry_str address);

struct store_suppression_query {
    int64_t org;
    struct belfry_str address; /* empty: all */
    int reason;                /* 0: all */
    int64_t before;            /* ids below */
    uint32_t limit;
};
/* Newest first, in arena. Returns the count. [owner of conn] */
size_t store_suppressions_list(struct store_conn *conn, const struct store_suppression_query *query,
                               struct arena *arena, struct store_suppression **out);
/* 1 when there is a row about this person's address, whatever that was. */
int store_suppressions_of(struct store_conn *conn, int64_t person);
/* People after `after`, in order of their rows, who had an address that mail does not go to. In arena. Returns the
 * count. [owner of conn] */
size_t store_suppressions_people(struct store_conn *conn, int64_t after, size_t limit, struct arena *arena,
                                 int64_t **out);

#endif
