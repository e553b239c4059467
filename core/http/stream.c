/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed answers (SSE, exports): bytes wait in a buffer until libmicrohttpd asks for them; while there are none the
 * connection is suspended, so an idle stream costs no work at all. A writer that is ahead of a slow client by WATERMARK
 * bytes gets EAGAIN and is called back (drain) when half of it has left; one that goes on all the same is cut off.
 *
 * libmicrohttpd does not watch a suspended connection, so a client that leaves an idle stream is not noticed there: the
 * sweep looks at the socket (stream_probe).
 */
#include "base/mem.h"
#include "http/internal.h"

#include <sys/socket.h>

#define WATERMARK (256 * 1024)
#define BEHIND_MAX (1024 * 1024)
#define BLOCK 4096

struct stream {
    struct request *r;
    struct buf out;
    size_t sent; /* bytes of out that have left */
    int ended, broken, suspended, full;
    int endless; /* server-sent events: whole after each of them */
    void (*drain)(void *arg);
    void (*closed)(void *arg);
    void *arg;
};

static size_t waiting(const struct stream *s)
{
    return s->out.len - s->sent;
}

/* Moves what waits to the front when it is less than what has left, so that a stream that is never empty stays small.
 */
static void forget_sent(struct stream *s)
{
    if (s->sent < waiting(s))
        return;
    memmove(s->out.ptr, s->out.ptr + s->sent, waiting(s));
    s->out.len -= s->sent;
    s->sent = 0;
}

static ssize_t on_read(void *arg, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    struct stream *s = arg;
    size_t have = waiting(s);
    if (s->broken)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (have == 0) {
        if (s->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        s->suspended = 1;
        MHD_suspend_connection(s->r->mhd);
        return 0;
    }
    size_t n = have < max ? have : max;
    memcpy(to, s->out.ptr + s->sent, n);
    s->sent += n;
    forget_sent(s);
    if (s->full && waiting(s) < WATERMARK / 2) {
        s->full = 0;
        if (s->drain)
            s->drain(s->arg);
    }
    return (ssize_t)n;
}

static void wake(struct stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = 0;
    listener_resume(s->r->conn->listener, s->r->mhd);
}

belfry_status http_begin(struct http_request *req, const struct belfry_http_response *head, void (*drain)(void *arg),
                         void (*closed)(void *arg), void *arg)
{
    struct request *r = request_of(req);
    if (r->state == REQUEST_ANSWERED)
        return BELFRY_ECLOSED;
    if (r->ask) {
        http_problem(req, 500, NULL, "a stream cannot be asked for from inside");
        return BELFRY_ECLOSED;
    }
    if (r->gone || req->http->stopping) {
        http_problem(req, 503, NULL, "the hub is stopping");
        return BELFRY_ECLOSED;
    }
    struct stream *s = xcalloc(1, sizeof(*s));
    s->r = r;
    s->drain = drain;
    s->closed = closed;
    s->arg = arg;
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, s, NULL);
    struct belfry_str type = head->content_type.len ? head->content_type : STR("text/plain; charset=utf-8");
    int cached = 0;
    s->endless = str_has_prefix(type, STR("text/event-stream"));
    response_add(response, STR("Content-Type"), type);
    for (size_t i = 0; i < head->header_count; i++) {
        response_add(response, head->headers[i].name, head->headers[i].value);
        cached |= head_is(head->headers[i].name, "cache-control");
    }
    if (!cached)
        response_add(response, STR("Cache-Control"), STR("no-store"));
    response_add(response, STR("X-Accel-Buffering"), STR("no"));
    response_add(response, STR("X-Content-Type-Options"), STR("nosniff"));
    r->stream = s;
    request_answer(r, head->status, response);
    request_park(r); /* found by its id until it has ended */
    return BELFRY_OK;
}

belfry_status http_write(struct http_request *req, struct belfry_str data)
{
    struct stream *s = request_of(req)->stream;
    if (!s || s->ended)
        return BELFRY_ECLOSED;
    if (waiting(s) + data.len > BEHIND_MAX && s->full) {
        s->ended = s->broken = 1;
        wake(s);
        return BELFRY_ECLOSED;
    }
    buf_add(&s->out, data.ptr, data.len);
    wake(s);
    if (waiting(s) < WATERMARK)
        return BELFRY_OK;
    s->full = 1;
    return BELFRY_EAGAIN;
}

void http_end(struct http_request *req)
{
    struct stream *s = request_of(req)->stream;
    if (!s)
        return;
    s->ended = 1;
    wake(s);
}

void http_cut(struct http_request *req)
{
    struct stream *s = request_of(req)->stream;
    if (!s)
        return;
    s->ended = s->broken = 1;
    wake(s);
}

void stream_give_up(struct request *r)
{
    if (r->stream->endless)
        http_end(&r->pub);
    else if (!r->stream->ended)
        http_cut(&r->pub);
}

void stream_abandon(struct request *r)
{
    r->stream->closed = NULL;
    r->stream->drain = NULL;
    stream_give_up(r);
}

void stream_probe(struct request *r)
{
    struct stream *s = r->stream;
    char byte;
    if (!s->suspended)
        return;
    ssize_t n = recv(r->conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    /* under TLS the only bytes that a client sends beside a stream are its farewell */
    if (n == 0 || (n > 0 && r->conn->listener->key)) {
        s->ended = s->broken = 1;
        wake(s);
    }
}

void stream_closed(struct request *r)
{
    struct stream *s = r->stream;
    r->stream = NULL;
    hash_del(r->pub.http->by_id, str_slice((const char *)&r->pub.pub.id, sizeof(r->pub.pub.id)));
    if (s->closed)
        s->closed(s->arg);
    buf_free(&s->out);
    free(s);
}
