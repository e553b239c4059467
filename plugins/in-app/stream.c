/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/stream: server-sent events that say "your inbox is at this revision now"; the client then asks the API
 * with its tag. So nothing is replayed: whoever comes back gets the present revision first, whatever Last-Event-ID
 * says. A client that reads too slowly misses hints but the newest, which waits for the drain.
 *
 * A stream lives until the host says that it is closed; only then is its memory freed.
 */
#include "in_app.h"

#include <stdio.h>
#include <stdlib.h>

#define HEARTBEAT_MS 25000

struct stream {
    struct stream *next, **link;
    struct in_app *app;
    uint64_t request, subscription; /* subscription 0: none any more */
    int64_t rev;
    uint64_t unread;
    int full, waiting; /* the client is slow; a hint waits */
};

static void send_text(struct stream *s, struct belfry_str data)
{
    if (s->app->http->write(s->app->host, s->request, data) == BELFRY_EAGAIN)
        s->full = 1;
}

static void send_hint(struct stream *s)
{
    char event[160];
    int n = snprintf(event, sizeof(event), "event: rev\nid: %lld\ndata: {\"rev\":%lld,\"unread\":%llu}\n\n",
                     (long long)s->rev, (long long)s->rev, (unsigned long long)s->unread);
    s->waiting = 0;
    send_text(s, (struct belfry_str){event, (size_t)n});
}

static void finish(struct stream *s)
{
    if (!s->subscription)
        return;
    s->app->inbox->unsubscribe(s->app->host, s->subscription);
    s->subscription = 0;
    send_text(s, belfry_str("event: bye\ndata: {}\n\n"));
    s->app->http->end(s->app->host, s->request);
}

static void on_hint(void *arg, int64_t rev, uint64_t unread)
{
    struct stream *s = arg;
    if (rev < 0) { /* the session or a role has ended */
        finish(s);
        return;
    }
    s->rev = rev;
    s->unread = unread;
    s->waiting = 1;
    if (!s->full)
        send_hint(s);
}

static void on_drain(void *arg)
{
    struct stream *s = arg;
    s->full = 0;
    if (s->waiting && s->subscription)
        send_hint(s);
}

static void on_closed(void *arg)
{
    struct stream *s = arg;
    struct in_app *app = s->app;
    if (s->subscription)
        app->inbox->unsubscribe(app->host, s->subscription);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    free(s);
    if (!app->streams && app->heartbeat) {
        app->timer->stop(app->host, app->heartbeat);
        app->heartbeat = 0;
    }
    in_app_check_stopped(app);
}

static void on_heartbeat(void *arg)
{
    struct in_app *app = arg;
    for (struct stream *s = app->streams; s; s = s->next)
        if (s->subscription && !s->full)
            send_text(s, belfry_str(":hb\n\n"));
}

static struct stream *stream_new(struct in_app *app, uint64_t request)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->app = app;
    s->request = request;
    s->next = app->streams;
    s->link = &app->streams;
    if (s->next)
        s->next->link = &s->next;
    app->streams = s;
    if (!app->heartbeat)
        app->timer->start(app->host, HEARTBEAT_MS, HEARTBEAT_MS, on_heartbeat, app, &app->heartbeat);
    return s;
}

static const struct belfry_attr vary = {{"Vary", 4}, {"Cookie, Authorization", 21}};

void api_stream(void *self, const struct belfry_http_request *req)
{
    struct in_app *app = self;
    struct belfry_http_response head = {.struct_size = sizeof(head),
                                        .status = 200,
                                        .content_type = belfry_str("text/event-stream"),
                                        .headers = &vary,
                                        .header_count = 1};
    if (req->flags & BELFRY_HTTP_HEAD) {
        app->http->respond(app->host, req->id, &head);
        return;
    }
    if (app->stopping) {
        app->http->problem(app->host, req->id, 503, NULL, belfry_str("the hub is stopping"));
        return;
    }
    struct stream *s = stream_new(app, req->id);
    if (app->inbox->subscribe(req, on_hint, s, &s->subscription) != BELFRY_OK) {
        uint64_t id = req->id;
        on_closed(s);
        app->http->problem(app->host, id, 429, NULL, belfry_str("this person has too many streams open"));
        return;
    }
    if (app->http->begin(app->host, req->id, &head, on_drain, on_closed, s) != BELFRY_OK) {
        uint64_t id = req->id;
        on_closed(s);
        app->http->problem(app->host, id, 503, NULL, belfry_str("the stream could not be opened"));
        return;
    }
    send_text(s, belfry_str("retry: 5000\n\n"));
}

void streams_stop(struct in_app *app)
{
    for (struct stream *s = app->streams, *next; s; s = next) {
        next = s->next;
        finish(s);
    }
}
