/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes known of mail addresses, and what people say through a mail: one command each, so that whoever comes
 * second meets what the first one left. Each deed is a row of the audit in the same commit; no address is in the audit
 * as a whole, for it stays when the person is erased.
 */
#ifndef LEDGER_ADDRESSES_H
#define LEDGER_ADDRESSES_H

#include "ledger/ledger.h"
#include "store/suppressions.h"

#include <belfry/host.h>

/*
 * A mail came back, or its reader called it junk. From the fifth mail within 14 days that came back for now, and at
 * once in the other cases, the address is suppressed; the person whose address it is now finds a notice in the inbox. A
 * mail that came back and counted as delivered, or may have been, has failed. The same report again changes nothing.
 * Owned by the caller until done, with all that it points to.
 */
struct ledger_address_report {
    struct ledger_command command; /* internal */
    const char *channel;           /* instance that says so; it must serve the org */
    uint32_t what;                 /* BELFRY_ADDRESS_* */
    struct belfry_str org;
    struct belfry_str address; /* empty: where the delivery went */
    struct belfry_str detail;  /* for people; may be empty */
    int64_t delivery;          /* 0: none */
    /* [loop] OK; ENOTFOUND: no such org, no such delivery in it, or the person is no longer in the directory, and then
     * nothing is kept of the address; EINVAL: no address; or why it could not be written */
    void (*done)(struct ledger_address_report *report, belfry_status status);
    void *arg;
};
void ledger_address_report(struct ledger *ledger, struct ledger_address_report *report);

/* Mail goes to an address again. Owned by the caller until done. */
struct ledger_address_release {
    struct ledger_command command; /* internal */
    struct belfry_str org, who;    /* who: for the audit */
    struct belfry_str username;    /* not empty: the address that this person has now, and not what was
                                    * unsubscribed; else: */
    struct belfry_str address;
    struct belfry_str category; /* only what was said of it alone; empty: everything */
    int removed;                /* rows */
    void (*done)(struct ledger_address_release *release, belfry_status status); /* [loop] */
    void *arg;
};
void ledger_address_release(struct ledger *ledger, struct ledger_address_release *release);

/*
 * No more mail of a category, or of all that can be stopped; or as it was. For a person that is what they chose, and
 * `default`; for an outside address a suppression. Owned by the caller until done.
 */
struct ledger_subscription {
    struct ledger_command command; /* internal */
    const char *channel;           /* instance through which it was said; it must serve the org */
    struct belfry_str org;
    struct belfry_str username; /* empty: an outside address */
    struct belfry_str address;
    struct belfry_str category; /* empty: all */
    int restore;
    struct belfry_str given; /* restore: `before` of a stop; what is none of it is passed over. Empty: nothing chosen */
    struct arena *arena;     /* the caller's, takes: */
    struct belfry_str before;
    int changed;
    /* [loop] OK; ENOTFOUND: no such org, or nobody of that name in the directory who chose anything; EPERM: the
     * category is required; EINVAL: no address, no category; or why it could not be written */
    void (*done)(struct ledger_subscription *subscription, belfry_status status);
    void *arg;
};
void ledger_subscription(struct ledger *ledger, struct ledger_subscription *subscription);

/* In a command that changed somebody's address, or removed it: a notice about another one is withdrawn. [ledger] */
void ledger_txn_address_changed(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username);
/* In a command that erases a person: nothing is kept of the address. [ledger] */
void ledger_txn_address_erase(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username);

#endif
