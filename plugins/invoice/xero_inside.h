/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the loop half only. Everything here is [loop]. */
#ifndef INVOICE_XERO_INSIDE_H
#define INVOICE_XERO_INSIDE_H

#include "xero.h"

struct xero_fetch;

/* An access token, kept in memory only. */
struct xero_token {
    char *header;       /* "Bearer ..."; NULL: none */
    int64_t expires_ms; /* when it is no longer used, a while before Xero says so */
    uint64_t number;    /* of the token, so that one refusal does not drop its successor */
    uint64_t call;      /* the request for one that is under way */
    int asking, plain;  /* plain: without a scope, because Xero does not know ours for this client */
};

struct xero {
    const struct belfry_host *host;
    const struct belfry_http_client_api *http;
    const struct belfry_http_route_api *route;
    const struct belfry_worker_api *worker;
    const struct belfry_timer_api *timer;
    const struct xero_config *config; /* NULL: not configured */

    size_t open; /* callbacks that others still owe us */
    int stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;

    struct xero_token token;
    struct xero_fetch *waiting, **waiting_end; /* in the order in which they came */
    struct xero_fetch *under_way;
    size_t under_way_count;

    uint32_t failures;     /* in a row, of Xero as a whole */
    int64_t not_before_ms; /* nothing is asked before */
};

void xero_opened(struct xero *x);
void xero_closed(struct xero *x); /* the last one after xero_stop() ends it */
/* printf into one line of the log. */
void xero_log(struct xero *x, uint32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* An HTTP request to an address of the configuration. done is called once when this returns 0; xero_opened() is called
 * here, xero_closed() is the callback's. */
int xero_request(struct xero *x, const char *method, const char *url, const struct belfry_attr *headers, size_t count,
                 struct belfry_str body, void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg,
                 uint64_t *call);

/* xero_token.c: xero_pump() is called when there is a token, or Xero is away (xero_failed()). */
void xero_token_ask(struct xero *x);
/* "Bearer ..." when there is one that is still good, else NULL. */
const char *xero_token_get(struct xero *x);
/* Xero refused this one. */
void xero_token_drop(struct xero *x, uint64_t number);
void xero_token_free(struct xero *x);

/* xero_away.c: Xero as a whole does not answer (what: for the log), or asks for a pause of hint_ms (0: none said). */
void xero_failed(struct xero *x, int64_t hint_ms, const char *what);
void xero_answered(struct xero *x);
/* How long it is asked nothing; 0: it may be asked. */
int64_t xero_pause(const struct xero *x);
/* Retry-After of an answer in ms: seconds only, as Xero sends it. 0: none. */
int64_t xero_retry_after(const struct belfry_http_answer *answer);

/* xero_task.c */
void xero_pump(struct xero *x);
void xero_tasks_end(struct xero *x);

#endif
