/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks on rows of one person's inbox, as commands: read, unread, hide, unhide, seen; many at once; undo. A change that
 * touches many rows is done in slices of 1,000, each a transaction of its own between other commands, and answered
 * after the last one. What changes nothing raises no revision.
 */
#ifndef LEDGER_INBOX_H
#define LEDGER_INBOX_H

#include "ledger/ledger.h"
#include "store/inbox.h"

enum ledger_inbox_kind {
    LEDGER_INBOX_ONE,    /* ids[0]: ENOTFOUND when it is not this person's or not visible to them */
    LEDGER_INBOX_IDS,    /* each of ids; those that are not found are noted in missing */
    LEDGER_INBOX_FILTER, /* what the filter lists, but for rows that changed after as_of_rev */
    LEDGER_INBOX_UNDO    /* what op did, on rows that nothing changed since. ENOTFOUND, or ECLOSED after 24 h */
};

#define LEDGER_UNDO_MS INT64_C(86400000)

/* Where a change in slices stands. Internal. */
struct ledger_inbox_place {
    int64_t before, as_of, after; /* place in the inbox, revision, row of the operation */
    size_t index;
    int64_t op;
    uint64_t changed;
    int more;
};

/* Owned by the caller until done, with everything that it points to. */
struct ledger_inbox {
    struct ledger_command command; /* internal */
    struct ledger *ledger;         /* internal */
    enum ledger_inbox_kind kind;
    uint32_t mark; /* BELFRY_MARK_* */
    struct store_inbox_who who;
    const int64_t *ids; /* 0: a text that is no id */
    size_t id_count;
    uint8_t *missing;                 /* of LEDGER_INBOX_IDS: id_count zeroed bytes, set to 1; may be NULL */
    struct store_inbox_filter filter; /* max_rev is set from as_of_rev */
    struct belfry_str locale;         /* of the texts that filter.q is looked for in */
    int64_t as_of_rev;                /* below 0: the revision when it begins */
    int64_t undo;                     /* the operation */
    int no_undo;                      /* 1: keep nothing that could be undone */
    /* the answer */
    belfry_status status;
    int64_t rev;
    uint64_t unread, changed;
    int64_t op;                                /* what can be undone; 0: nothing changed, or a single mark */
    void (*done)(struct ledger_inbox *change); /* [loop] once */
    void *arg;
    struct ledger_inbox_place at, next; /* internal */
};

/* OK and done() later, or EAGAIN (back-pressure) or ECLOSED (stopping). [loop] */
belfry_status ledger_inbox_change(struct ledger *ledger, struct ledger_inbox *change);

#endif
