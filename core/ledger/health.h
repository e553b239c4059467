/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of targets that fail: events of the hub to the admins of the org and, when a person owns the target, to
 * them. Each stage of a failure is told once, also across restarts, because what was told is written in the commit that
 * tells it; a later one takes the place of the earlier in everybody's inbox, and so does the end of it all.
 */
#ifndef LEDGER_HEALTH_H
#define LEDGER_HEALTH_H

#include "ledger/ledger.h"

/* How much was told of a failure; percentages are of the time after which it is disabled. Negative in the row: of a
 * failure before this one, which nobody has been told to be over. */
enum ledger_told {
    LEDGER_TOLD_NOTHING = 0,
    LEDGER_TOLD_ATTEMPTS = 1, /* one delivery failed several times */
    LEDGER_TOLD_HALF = 50,
    LEDGER_TOLD_MOST = 70,
    LEDGER_TOLD_SOON = 90,
    LEDGER_TOLD_DISABLED = 100
};

struct ledger_ailing {
    int64_t target;
    int64_t since_ms, until_ms; /* the first failure; when it is disabled. since 0: it did not fail before */
    enum ledger_told stage;
    const char *answer; /* what came last; may be empty */
    const char *why;    /* of a disabled one */
};
/* hub.endpoint_failing, or with LEDGER_TOLD_DISABLED the end: held from then on, hub.endpoint_disabled. Copied; kept
 * when the disk fails. What was told already, is over or was decided otherwise by a later command is left alone. done
 * (may be NULL) once. [loop] */
void ledger_target_ails(struct ledger *ledger, const struct ledger_ailing *ailing,
                        void (*done)(void *arg, belfry_status status), void *arg);
/* A number for ledger_outcome.word: outcomes are written later than they came, and a command about the target that was
 * submitted meanwhile has the last word. [loop] */
uint64_t ledger_target_word(struct ledger *ledger);

#endif
