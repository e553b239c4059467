/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of feeds and calls of hooks, and the job that Refresh is. */
#ifndef LEDGER_FEED_H
#define LEDGER_FEED_H

#include "ledger/ledger.h"

/*
 * A page. request: triggers, org, source, principal, and results whose status is set for items that could not be read
 * (with err). keep_refused: what is refused becomes a row of `refused`. An item of which the source says EAGAIN ends
 * the page: what came before it stays taken, the cursor stays, nothing is kept as refused, and done gets EAGAIN. A page
 * whose source is slow is committed in parts, the cursor with the last, so that others come in between.
 * Everything belongs to the caller and stays as it is until done.
 */
struct ledger_feed_page {
    struct ledger_command command; /* internal */
    struct ledger_request request;
    uint8_t url[32];                /* SHA-256 of the feed's address */
    struct belfry_str cursor, etag; /* from here it goes on, once this is committed */
    int no_place;                   /* a call of a hook, which goes on from nowhere: url, cursor, etag are not read */
    struct ledger *ledger;          /* internal */
    int again;                      /* internal */
    /* [loop] OK, EAGAIN (request.retry_after_ms), ENOTFOUND (no such source now), EIO, ECANCELED */
    void (*done)(struct ledger_feed_page *page, belfry_status status);
    void *arg;
};
/* OK and done() later; EAGAIN (back-pressure), ECLOSED. [loop] */
belfry_status ledger_feed_page(struct ledger *ledger, struct ledger_feed_page *page);

/* A person asks for the Refresh of their org: the one that has not ended, or a new one (created). OK, and done later
 * with the job's id, 0 when it could not be written; or ECLOSED, and done is not called. [loop] */
belfry_status ledger_refresh_join(struct ledger *ledger, struct belfry_str org, struct belfry_str username,
                                  void (*done)(void *arg, belfry_status status, int64_t job, int created), void *arg);
/* It is over, all of it or (failed) with parts that are missing; done once that is on disk, or the hub stops. [loop] */
void ledger_refresh_end(struct ledger *ledger, int64_t job, int failed, int64_t parts_done, int64_t parts,
                        void (*done)(void *arg), void *arg);
/* At the start: jobs that ended with another process have failed. [loop] */
void ledger_refresh_interrupt(struct ledger *ledger);

#endif
