/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound SMTP (RFC 5321): one mail to one recipient at a time over connections that are kept.
 *
 * TLS 1.2 or newer, verified. Where a connection may be plain, it leads to a loopback address, which is judged when its
 * socket is opened. Connections belong to one server, with one user name, password, set of certificates and kind of
 * TLS, and are used for no other. One carries at most 100 mails and lives at most 300 s, 20 s of it idle.
 */
#ifndef CLIENT_SMTP_H
#define CLIENT_SMTP_H

#include "client/client.h"

/* Copies what it needs of the mail. done once, on a later turn, also for a mail that cannot be sent as it is (ERR_URL,
 * ERR_ADDRESS, ERR_MESSAGE); *id for cancel. ECLOSED when the client is closing. [loop] */
belfry_status client_smtp_send(struct client *client, const struct belfry_smtp_mail *mail,
                               void (*done)(void *arg, const struct belfry_smtp_answer *answer), void *arg,
                               uint64_t *id);
/* done comes with ERR_CANCELED; the stage says how far it got. A stale id is a no-op. [loop] */
void client_smtp_cancel(struct client *client, uint64_t id);

#endif
