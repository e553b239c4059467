/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this room: a filter made ready for the rows of one person, and search in texts. */
#ifndef STORE_INBOX_MATCH_H
#define STORE_INBOX_MATCH_H

#include "store/events.h"
#include "store/inbox.h"
#include "store/sql.h"

/* --- search (inbox_text.c) -------------------------------------------------------------------- */

struct inbox_needle;

/* Folds the text that is looked for. In arena; one thread at a time. */
struct inbox_needle *inbox_needle(struct arena *arena, struct belfry_str text);
/* 1 when the text contains the needle, both case-folded (Unicode full case folding, without normalisation). */
int inbox_needle_in(struct inbox_needle *needle, struct belfry_str text);

/* --- filters ---------------------------------------------------------------------------------- */

/* A set of ids of names. */
struct inbox_ids {
    int64_t *items;
    size_t count;
    int all; /* 1: no filter */
};

struct inbox_filter {
    struct inbox_ids gated, category, source;
    uint32_t severities;
    int hidden, unread;
    int64_t max_rev;
    struct inbox_needle *needle;  /* NULL: none */
    char words[STORE_TEXTS_PATH]; /* where the texts are that this person reads */
};

void inbox_filter_init(struct inbox_filter *filter, struct store_conn *conn, const struct store_inbox_who *who,
                       const struct store_inbox_filter *wanted, struct belfry_str locale, struct arena *arena);
/* Ids of those names that exist. In arena. */
struct inbox_ids inbox_ids_of(struct store_conn *conn, struct belfry_strs names, struct arena *arena);
int inbox_ids_has(const struct inbox_ids *ids, int64_t id);

/* One row of a scan. */
struct inbox_hit {
    struct store_inbox_marks marks;
    int64_t category, source;
    int32_t severity;
    int unread;
};

/* Bits of what a row fails; 0: it is on the list. */
enum { INBOX_MISS_SEVERITY = 1, INBOX_MISS_CATEGORY = 2, INBOX_MISS_SOURCE = 4 };

/*
 * Listed rows of a person, newest first, before a place. begin, then next until it returns 0, then end. Rows that fail
 * for another reason than a facet are passed over; *miss says which facets a row fails.
 */
struct inbox_scan {
    struct sql *s;
    const struct inbox_filter *filter;
    int marks;       /* rows are read whole */
    int64_t *unread; /* else: ids of unread rows, when they are asked for */
    size_t unread_count;
};
/* marks: fills rev, seen, read and hidden of each hit, which costs a look at its row. With a filter that has max_rev it
 * must be set. */
void inbox_scan_begin(struct inbox_scan *scan, struct store_conn *conn, const struct inbox_filter *filter,
                      int64_t person, int64_t before, int marks, struct arena *arena);
int inbox_scan_next(struct inbox_scan *scan, struct inbox_hit *hit, unsigned *miss);
void inbox_scan_end(struct inbox_scan *scan);

#endif
