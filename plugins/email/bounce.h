/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail that came back says: a report that a mail could not be delivered (RFC 3464), a complaint (RFC 5965), a
 * mail that unsubscribes (RFC 2369), or nothing that is understood. Which delivery it is about is believed only where a
 * signature of ours says so. Pure. [any]
 */
#ifndef EMAIL_BOUNCE_H
#define EMAIL_BOUNCE_H

#include "address.h"

#include <belfry/plugin.h>

#define BOUNCE_RECIPIENTS_MAX 20
#define BOUNCE_DETAIL_SIZE 300

enum bounce_kind {
    BOUNCE_NOTHING = 0, /* not understood */
    BOUNCE_REPORT,      /* recipients */
    BOUNCE_COMPLAINT,   /* complaint */
    BOUNCE_UNSUBSCRIBE, /* somebody wrote it */
    BOUNCE_AUTOMATIC    /* a machine wrote it, and it is no report: out of office */
};

enum bounce_action {
    BOUNCE_OTHER = 0,
    BOUNCE_FAILED,
    BOUNCE_DELAYED,
    BOUNCE_DELIVERED,
    BOUNCE_RELAYED,
    BOUNCE_EXPANDED
};

enum bounce_complaint { BOUNCE_NO_COMPLAINT = 0, BOUNCE_ABUSE, BOUNCE_OPT_OUT };

/* What a report says of one recipient. */
struct bounce_recipient {
    char final[ADDRESS_MAX + 1], original[ADDRESS_MAX + 1]; /* as written; empty: not said */
    enum bounce_action action;
    char status[12];                     /* RFC 3463, "5.1.1"; empty: not said */
    char diagnostic[BOUNCE_DETAIL_SIZE]; /* one line of printable ASCII */
};

struct bounce {
    enum bounce_kind kind;
    char delivery[37]; /* its UUID; empty: none of ours signed this */
    enum bounce_complaint complaint;
    struct bounce_recipient recipients[BOUNCE_RECIPIENTS_MAX];
    size_t recipient_count;
};

/* Once before the first bounce_read(), on the loop: GMime makes its tables without a lock. */
void bounce_start(void);
/* key: of token.h. recipient: of the envelope, or empty. The message may be cut and may be anything: what cannot be
 * read is BOUNCE_NOTHING. */
void bounce_read(const uint8_t key[32], struct belfry_str recipient, struct belfry_str message, struct bounce *out);

/* What a report means for the address that the delivery went to. */
enum bounce_verdict {
    BOUNCE_IGNORED = 0, /* no failure */
    BOUNCE_HARD,        /* there is no such address (5.1.x): it is of no use any more */
    BOUNCE_SOFT,        /* this one failed, another may arrive: mailbox full, too long in a queue */
    BOUNCE_POLICY       /* refused for what we are or sent (5.7.x): says nothing of the address */
};
/* about: whose block decided, in bounce; NULL when none did. */
enum bounce_verdict bounce_judge(const struct bounce *bounce, struct belfry_str address,
                                 const struct bounce_recipient **about);
/* What is said about it, one line for people. */
void bounce_describe(const struct bounce_recipient *about, char detail[BOUNCE_DETAIL_SIZE]);

#endif
