/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One person's inbox: list, facets, counts, one row, and the marks that the ledger writes. Rows of categories that the
 * person's roles do not see do not exist for any function here. Reads take any connection; faults stick in it
 * (store_fault()), so what was read counts only when there is none.
 *
 * Unread is a row that is shown, not read, not hidden, valid and not handled. Listed is a row that is shown and was not
 * replaced by another.
 */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include "store/store.h"

/* Whose inbox, and what they may not see. Borrowed for the call. */
struct store_inbox_who {
    struct belfry_str org, username;
    struct belfry_strs gated; /* names of categories that are not visible to this person */
};

struct store_inbox_filter {
    struct belfry_str q;                 /* text that title or body contain, by Unicode case folding; empty: all */
    uint32_t severities;                 /* bit of each severity wanted; 0: all */
    struct belfry_strs category, source; /* names; none: all */
    int hidden, unread;                  /* 1: hidden rows instead of active ones; 1: unread rows only */
    int rows_only;                       /* 1: neither total nor facets are asked for */
    int64_t max_rev;                     /* rows that changed after this revision are left out; 0: none is */
};

struct store_inbox_row {
    int64_t id, event, pos, rev; /* pos 0: not shown yet */
    struct belfry_str type, source, category, title, body, subject, actor, reason, link;
    struct belfry_str actions; /* JSON: [{"id","label","type","data"}]; empty: none */
    struct belfry_str words;   /* JSON: {"actions":{ID:{"label","comment"}}} in the person's language; empty: none */
    struct belfry_str handled_by, note;
    int32_t severity, validity;
    int unread;
    int64_t seen, read, hidden, valid_until, handled_at, replaced_by; /* 0: not */
};

enum { STORE_FACET_SEVERITY, STORE_FACET_CATEGORY, STORE_FACET_SOURCE };

struct store_inbox_facet {
    int facet;
    int32_t severity;       /* of STORE_FACET_SEVERITY */
    struct belfry_str name; /* of the others; lives as long as the store */
    uint64_t count;
};

struct store_inbox_page {
    int64_t rev;
    uint64_t total;               /* rows of the filter */
    uint64_t unread, unseen;      /* of the whole inbox */
    struct store_inbox_row *rows; /* newest first */
    size_t count;
    struct store_inbox_facet *facets; /* severity from the worst, then names in order of bytes; none with count 0 */
    size_t facet_count;
    int64_t next; /* place to go on from; 0: the end */
};

/*
 * Rows of the filter before the place `before` (0: from the newest), at most limit. Each facet counts rows under the
 * filter without its own part. Texts are those of the locale (BCP 47; "de" serves "de-AT") when the event has them.
 * Everything in arena. A person without a row has an empty inbox at revision 0.
 */
void store_inbox_list(struct store_conn *conn, const struct store_inbox_who *who,
                      const struct store_inbox_filter *filter, int64_t before, size_t limit, struct belfry_str locale,
                      struct arena *arena, struct store_inbox_page *page);

struct store_inbox_counts {
    int64_t rev;
    uint64_t unread, unseen; /* unseen: those of the unread that were not seen */
};
/* arena: for scratch. */
void store_inbox_counts(struct store_conn *conn, const struct store_inbox_who *who, struct arena *arena,
                        struct store_inbox_counts *out);
/* 1 when the person has this row and may see it, also when it is not shown yet or was replaced. */
int store_inbox_one(struct store_conn *conn, const struct store_inbox_who *who, int64_t id, struct belfry_str locale,
                    struct arena *arena, struct store_inbox_row *out);

/* --- marks. [ledger] -------------------------------------------------------------------------- */

/* What a mark changes and must know of a row. */
struct store_inbox_marks {
    int64_t id, pos, rev;
    int64_t seen, read, hidden; /* ms, 0: not */
};

/* 1 when person `person` has the row and category is none of the gated ids. */
int store_inbox_marks_get(struct store_conn *conn, int64_t person, int64_t id, const int64_t *gated, size_t gated_count,
                          struct store_inbox_marks *out);
/* Rows of the filter before the place `before` (0: from the newest), at most limit, in arena. who names the person. */
size_t store_inbox_marks_scan(struct store_conn *conn, const struct store_inbox_who *who,
                              const struct store_inbox_filter *filter, int64_t before, size_t limit,
                              struct belfry_str locale, struct arena *arena, struct store_inbox_marks **out);
/* Writes seen, read, hidden and rev. */
void store_inbox_marks_set(struct store_conn *conn, const struct store_inbox_marks *row);
/* Ids of names that exist; returns how many. out holds names.count. */
size_t store_inbox_name_ids(struct store_conn *conn, struct belfry_strs names, int64_t *out);

/* An operation that can be undone, and the rows as they were before it. rev is the revision that it gave them. */
void store_op_add(struct store_conn *conn, int64_t op, int64_t person, uint32_t mark);
/* 1 when it exists. */
int store_op_get(struct store_conn *conn, int64_t op, int64_t *person);
void store_op_row_add(struct store_conn *conn, int64_t op, const struct store_inbox_marks *before, int64_t rev);
/* Rows of the operation with an id above `after`, in order of id, at most limit; in arena. */
size_t store_op_rows(struct store_conn *conn, int64_t op, int64_t after, size_t limit, struct arena *arena,
                     struct store_inbox_marks **out);

#endif
