/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry listen: a receiver of webhooks for whoever builds one. listen.c is the command, listen_answer.c its HTTP side,
 * listen_verify.c says who signed, listen_print.c what people (or scripts) read of a delivery, listen_forward.c hands
 * one on to a program beside it.
 *
 * All but listen.c's start and end runs on the one thread of the HTTP server, so nothing here is locked.
 */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

#include "base/hash.h"
#include "base/str.h"

#include <microhttpd.h>
#include <pthread.h>

#define LISTEN_STATUSES_MAX 32
#define LISTEN_RETRY_AFTER_SIZE 64
#define LISTEN_BODY_MAX ((size_t)1 << 20) /* the hub's are 512 KiB at most */
#define LISTEN_IDS_MAX 100000             /* that "again" is said of; then it begins anew */

struct listen_verifier;

/* What one delivery was, as long as it is looked at. Texts are empty where nothing came. */
struct listen_delivery {
    int64_t now_ms;
    const char *path;
    struct belfry_str id, timestamp, signature, type, body;
    struct MHD_Connection *mhd; /* for the other headers */
    unsigned times;             /* that this id came, with this one; 0: it was not remembered, being refused */
    int verified;
    char how[192]; /* verified: by which key and how old; else why not */
    unsigned status;
};

struct listen_answer {
    unsigned status;
    char retry_after[LISTEN_RETRY_AFTER_SIZE], word[32]; /* of webhook-delivery; "": none */
};

struct listen {
    const struct listen_verifier *verifier;
    unsigned statuses[LISTEN_STATUSES_MAX]; /* answered in turn, the last one from then on */
    size_t status_count, status_at;
    const char *retry_after, *word; /* of webhook-delivery; NULL: none */
    const char *forward;            /* NULL: nowhere */
    int json, no_body, once;
    struct hash *seen; /* webhook-id: how often */
    pthread_t main;    /* gets SIGTERM when `once` has had its delivery */
    unsigned long deliveries, verified, again, answered_2xx;
    int last_verified;
};

/* --- listen_answer.c ---------------------------------------------------------------------------------------------- */

/* Listens on 127.0.0.1 with a thread of its own; NULL with errno. listen outlives it. Ends with MHD_stop_daemon. */
struct MHD_Daemon *listen_start(struct listen *listen, unsigned short port);

/* --- listen_verify.c ---------------------------------------------------------------------------------------------- */

/*
 * Who may have signed. keys: "whsec_..." (several while one is rotated), "whpk_..." for v1a, and "whsk_..." in its
 * stead, of which the public half is taken; parted by blanks, commas or lines. NULL and a sentence in fault.
 */
struct listen_verifier *listen_verifier_new(struct belfry_str keys, char fault[160]);
void listen_verifier_free(struct listen_verifier *verifier);
/* Standard Webhooks 1.0 at delivery->now_ms: sets `verified` and `how`. */
void listen_verify(const struct listen_verifier *verifier, struct listen_delivery *delivery);

/* --- listen_print.c ----------------------------------------------------------------------------------------------- */

/* On standard output, and flushed. */
void listen_print(const struct listen *listen, const struct listen_delivery *delivery);
/* One that asks whether it may send (CloudEvents HTTP webhooks 1.0.2, section 4). */
void listen_print_handshake(const struct listen *listen, struct belfry_str origin, struct belfry_str rate);
void listen_print_summary(const struct listen *listen);

/* --- listen_forward.c --------------------------------------------------------------------------------------------- */

/* Posts the same bytes and headers to listen->forward and waits for its answer, 15 s at most; 502 when none came, and
 * then a sentence on standard error. */
void listen_forward(const struct listen *listen, const struct listen_delivery *delivery, struct listen_answer *answer);

#endif
