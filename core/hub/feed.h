/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: addresses that are asked for events, and Refresh, which asks all of an org's now. Everything is [loop] unless
 * it says otherwise.
 *
 * A feed does one thing at a time: reading its place from the database, asking, decoding the answer, committing it.
 * What happens to it meanwhile (a reload, a Refresh) takes effect when that has ended.
 */
#ifndef HUB_FEED_H
#define HUB_FEED_H

#include "base/list.h"
#include "hub/internal.h"
#include "ledger/feed.h"

#define FEED_PAGE 200                   /* `limit`, at most */
#define FEED_BODY_MAX ((size_t)8 << 20) /* bytes of an answer */
#define FEED_CURSOR_MAX 1024            /* bytes */
#define FEED_ETAG_MAX 512
#define FEED_CLOSED_MAX_MS INT64_C(86400000) /* the longest Retry-After that is obeyed */

enum feed_step { FEED_NEW, FEED_LOADING, FEED_WAITING, FEED_ASKING, FEED_DECODING, FEED_COMMITTING };

/* Somebody who waits for a feed to be pulled to its end. */
struct feed_waiter {
    struct list node; /* in feed.waiters */
    int begun;        /* an answer that was asked for since then is under way */
    void (*done)(void *arg, int ok);
    void *arg;
};

struct feed {
    struct list node;               /* in hub.feeds; the front was asked longest ago */
    struct hub *hub;                /* NULL: no longer configured, freed when its step has ended */
    char *name, *org, *url, *token; /* name: of the source; token NULL: none */
    int64_t every_ms;
    uint8_t url_hash[32];
    enum feed_step step;
    int moved; /* address or token changed during the step: its place is read again */
    int named; /* mark of a reload */
    char *cursor, *etag;
    uint32_t limit;
    int64_t due_ms;
    int64_t closed_until_ms;               /* the other side said when to come again; 0: it did not */
    unsigned failures;                     /* in a row */
    char *fault;                           /* of the last try; NULL: none */
    int64_t last_try_ms, last_ok_ms;       /* when it was asked; when that had ended well */
    uint64_t accepted, duplicate, refused; /* since the start */
    struct list waiters;
    uint64_t call; /* of the client */
    struct feed_cycle {
        char *mark; /* a cursor of this run of full pages (Brent: the place of every power of two) */
        unsigned steps, power;
    } cycle;
};

/* --- an answer (feed_page.c) -------------------------------------------------------------------------------------- */

/* "{url}?after={cursor}&limit={n}": a query of the address stays, a fragment does not. The caller frees. [any] */
char *feed_address(const char *url, const char *cursor, uint32_t limit);
/* Without query and user: what may be shown. In arena. */
const char *feed_shown_url(struct arena *arena, const char *url);

enum feed_verdict { FEED_PAGE_READ, FEED_UNCHANGED, FEED_FAILED };

struct feed_page {
    struct ledger_feed_page ledger;
    struct feed *feed;
    uv_work_t work;
    enum feed_verdict verdict;
    struct error err;       /* of FEED_FAILED */
    int too_long;           /* FEED_FAILED because of FEED_BODY_MAX */
    int64_t retry_after_ms; /* with 429 and 503; -1: it does not say */
    char *body;
    size_t len;
    size_t max_event, max_batch;
    int64_t now_ms;
    uint32_t limit;
    int on_worker; /* it is long: feed_page_decode is for a worker */
    int full;      /* as many events as were asked for: there may be more */
    char *cursor;  /* where it goes on; NULL: it does not say */
    char *etag;    /* NULL: none */
    struct error *faults;
};

/* Takes from the answer what is needed beyond this turn: verdict FEED_PAGE_READ still has to be decoded. */
struct feed_page *feed_page_new(struct feed *feed, const struct belfry_http_answer *answer, uint32_t limit);
/* Fills the triggers. The verdict may become FEED_FAILED. [any] */
void feed_page_decode(struct feed_page *page);
void feed_page_free(struct feed_page *page);

/* --- one feed (feed_pull.c) --------------------------------------------------------------------------------------- */

#define AGAIN_MAX_MS INT64_C(900000) /* the longest pause after failures */

static inline int64_t feed_now(const struct feed *feed)
{
    return clock_now_ms(feed->hub->parts.clock);
}
/* Reads its place from the database, then it is due. Of a feed whose step is NEW; stays NEW when it cannot be read. */
void feed_load(struct feed *feed);
/* One question and what follows from it; of a feed whose step is WAITING. */
void feed_ask(struct feed *feed);
/* Those that wait (begun_only: those that saw a question begin) are told. */
void feed_waiters_end(struct feed *feed, int begun_only, int ok);
/* Its metrics are there from 0; it is no longer failing, because it is no longer configured. */
void feed_numbers_make(const struct feed *feed);
void feed_numbers_rest(const struct feed *feed);
/* *text becomes a copy of with, which may be NULL, and a part of it. */
void feed_text_set(char **text, const char *with);
void feed_free(struct feed *feed);

/* --- the schedule (feeds.c) --------------------------------------------------------------------------------------- */

void hub_feeds_init(struct hub *hub);
/* Those of this configuration, from now on. */
void hub_feeds_configure(struct hub *hub, const struct config *config);
/* Asks what is due. */
void hub_feeds_look(struct hub *hub);
/* 0 while one is due or does something. */
int hub_feeds_idle(const struct hub *hub);
void hub_feeds_fini(struct hub *hub);
/* Pulls a feed to its end, beginning at the next look: done on a later turn, ok 0 when it could not be. 0 when the
 * other side said that it is not to be asked yet; then done is not called. */
int hub_feed_pull(struct feed *feed, void (*done)(void *arg, int ok), void *arg);

/* --- Refresh (refresh.c) ------------------------------------------------------------------------------------------ */

void hub_refresh_init(struct hub *hub);
/* The hooks of host/host.h. */
extern const struct host_jobs hub_refresh_hooks;
/* Parts of sources that are gone, or take too long, end. */
void hub_refresh_look(struct hub *hub);
/* 0 while one is being ended. */
int hub_refresh_idle(const struct hub *hub);
void hub_refresh_fini(struct hub *hub);

#endif
