/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual clock's socket (test builds): lines `set MS`, `advance MS`, `now`; the answer `ok MS` comes when all that
 * is due by then has committed and been dispatched. One client's lines are answered in order.
 *
 * Settling goes round: host timers and the ledger, then claims of deliveries and tasks, then the ledger again, until
 * nothing is due and nothing is under way. A claim is a command of the ledger, so a look for idleness right after it
 * would never find any. A feed that is asked is waited for as long as its answer takes.
 */
#include "hub/feed.h"
#include "hub/internal.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#ifdef BELFRY_TEST_CLOCK

#include <stdio.h>

struct hub_clock {
    struct hub *hub;
    uv_pipe_t listener;
    struct list clients;
    int handles; /* freed with the last one: a client may wait for its answer when the listener has gone */
};

struct client {
    struct list node;
    uv_pipe_t pipe;
    struct hub_clock *clock;
    struct buf in;
    int busy;    /* a line is being answered */
    int claimed; /* claims were made since something last happened */
    int closed;
};

static void take_line(struct client *c);

static void let_go(struct hub_clock *clock)
{
    if (--clock->handles == 0)
        free(clock);
}

static void client_end(struct client *c)
{
    let_go(c->clock);
    buf_free(&c->in);
    free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    c->closed = 1;
    list_remove(&c->node);
    if (!c->busy) /* else freed by the answer */
        client_end(c);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
    free(write);
}

static void answer(struct client *c, const char *word)
{
    c->busy = 0;
    if (c->closed) {
        client_end(c);
        return;
    }
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    struct hub *hub = c->clock->hub;
    char *text = xasprintf("%s %lld\n", word, (long long)clock_now_ms(hub->parts.clock));
    uv_write_t *write = xcalloc(1, sizeof(*write));
    uv_buf_t out = uv_buf_init(text, (unsigned)strlen(text));
    write->data = text;
    uv_write(write, (uv_stream_t *)&c->pipe, &out, 1, on_written);
    take_line(c);
}

static void settle(struct client *c);

static void on_again(uv_timer_t *timer)
{
    struct client *c = timer->data;
    uv_close((uv_handle_t *)timer, (uv_close_cb)(void *)free);
    settle(c);
}

static void later(struct client *c)
{
    uv_timer_t *timer = xcalloc(1, sizeof(*timer));
    uv_timer_init(c->clock->hub->parts.loop, timer);
    timer->data = c;
    uv_timer_start(timer, on_again, 1, 0);
}

static void on_settled(void *arg)
{
    struct client *c = arg;
    struct hub *hub = c->clock->hub;
    if (hub->stopping) {
        answer(c, "stopping");
        return;
    }
    host_poke(hub->parts.host);
    int posted = host_run_posted(hub->parts.host);
    if (!c->claimed) {
        c->claimed = 1;
        dispatch_wake(hub->parts.dispatch, NULL);
        hub_tasks_look(hub);
        hub_feeds_look(hub);
        hub_refresh_look(hub);
        hub_bounces_look(hub);
        settle(c);
    } else if (!posted && hub_idle(hub)) {
        answer(c, "ok");
    } else {
        c->claimed = 0;
        later(c);
    }
}

static void settle(struct client *c)
{
    struct hub *hub = c->clock->hub;
    if (hub->stopping) {
        answer(c, "stopping");
        return;
    }
    host_poke(hub->parts.host);
    ledger_poke(hub->parts.ledger);
    ledger_settle(hub->parts.ledger, on_settled, c);
}

static void run_line(struct client *c, struct belfry_str line)
{
    struct belfry_str rest;
    struct belfry_str word = str_cut(line, ' ', &rest);
    int64_t ms = 0;
    struct clock_src *clock = c->clock->hub->parts.clock;
    c->busy = 1;
    c->claimed = 0;
    if (str_eqz(word, "now")) {
        answer(c, "ok");
    } else if ((str_eqz(word, "set") || str_eqz(word, "advance")) && str_to_i64(str_trim(rest), &ms) == BELFRY_OK) {
        if (str_eqz(word, "set"))
            clock_set(clock, ms);
        else
            clock_advance(clock, ms);
        settle(c);
    } else {
        answer(c, "error: say `set MS`, `advance MS` or `now`;");
    }
}

static void take_line(struct client *c)
{
    char *end = c->in.len ? memchr(c->in.ptr, '\n', c->in.len) : NULL;
    if (c->busy || !end)
        return;
    size_t len = (size_t)(end - c->in.ptr);
    char *line = xstrndup(c->in.ptr, len);
    memmove(c->in.ptr, end + 1, c->in.len - len - 1);
    c->in.len -= len + 1;
    run_line(c, str_of(line));
    free(line);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle;
    (void)suggested;
    *out = uv_buf_init(xmalloc(256), 256);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
    struct client *c = stream->data;
    if (n > 0)
        buf_add(&c->in, in->base, (size_t)n);
    free(in->base);
    if (n < 0) { /* reading has stopped; a close that has begun does not come here */
        uv_close((uv_handle_t *)&c->pipe, on_client_closed);
        return;
    }
    take_line(c);
}

static void on_connection(uv_stream_t *server, int status)
{
    if (status < 0)
        return;
    struct hub_clock *clock = server->data;
    struct client *c = xcalloc(1, sizeof(*c));
    c->clock = clock;
    clock->handles++;
    list_push_back(&clock->clients, &c->node);
    uv_pipe_init(clock->hub->parts.loop, &c->pipe, 0);
    c->pipe.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->pipe) == 0)
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
    else
        uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

belfry_status hub_clock_init(struct hub *hub, const char *path, struct error *err)
{
    if (!path)
        return BELFRY_OK;
    struct hub_clock *clock = xcalloc(1, sizeof(*clock));
    clock->hub = hub;
    clock->handles = 1;
    list_init(&clock->clients);
    uv_pipe_init(hub->parts.loop, &clock->listener, 0);
    clock->listener.data = clock;
    hub->test_clock = clock;
    int rc = uv_pipe_bind(&clock->listener, path);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&clock->listener, 8, on_connection);
    return rc == 0 ? BELFRY_OK : error_set(err, BELFRY_EIO, NULL, "cannot listen on %s: %s", path, uv_strerror(rc));
}

static void on_listener_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void hub_clock_fini(struct hub *hub)
{
    struct hub_clock *clock = hub->test_clock;
    hub->test_clock = NULL;
    if (!clock)
        return;
    uv_close((uv_handle_t *)&clock->listener, on_listener_closed);
    LIST_EACH(it, &clock->clients)
    {
        uv_handle_t *pipe = (uv_handle_t *)&LIST_OF(it, struct client, node)->pipe;
        if (!uv_is_closing(pipe))
            uv_close(pipe, on_client_closed);
    }
}

#else

belfry_status hub_clock_init(struct hub *hub, const char *path, struct error *err)
{
    (void)hub;
    return path ? error_set(err, BELFRY_EUNSUPPORTED, NULL, "--clock needs a build with --enable-test-clock")
                : BELFRY_OK;
}

void hub_clock_fini(struct hub *hub)
{
    (void)hub;
}

#endif
