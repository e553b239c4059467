/* SPDX-License-Identifier: Apache-2.0 */
/* One mail on its way: from a batch to what a server said. Everything is [loop]. */
#ifndef EMAIL_DELIVER_H
#define EMAIL_DELIVER_H

#include "answer.h"
#include "email.h"

/* How a mail that was not sent for the host ended. */
struct delivered {
    struct answer answer;
    const struct belfry_smtp_answer *smtp; /* NULL: no server was asked */
    const char *server, *message_id;       /* NULL: as above */
    const char *detail;                    /* one line for people */
};

/* belfry.delivery/1 */
void email_deliver(void *self, const struct belfry_batch *batch);
void email_cancel(void *self, uint64_t batch);

/*
 * Sends a batch of the plugin's own to a server now, whatever breakers and pauses say, and reports nothing about its
 * address. done once, on this turn when it cannot be written. batch is borrowed for the call.
 */
void email_send_now(struct email *e, const struct belfry_batch *batch,
                    void (*done)(void *arg, const struct delivered *delivered), void *arg);
/* Ends what is under way as soon as may be. */
void email_cancel_all(struct email *e);

#endif
