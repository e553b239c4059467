/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed answers (SSE, exports): bytes wait in a buffer until libmicrohttpd asks for them; while there are none the
 * connection is suspended, so an idle stream costs no work at all. A writer that is ahead of a slow client by WATERMARK
 * bytes gets EAGAIN and is called back (drain) when half of it has left.
 */
#include "base/mem.h"
#include "http/internal.h"

#define WATERMARK (256 * 1024)
#define BLOCK 4096

struct stream {
    struct request *r;
    struct buf out;
    size_t sent; /* bytes of out that have left */
    int ended, suspended, full;
    void (*drain)(void *arg);
    void (*closed)(void *arg);
    void *arg;
};

static ssize_t on_read(void *arg, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    struct stream *s = arg;
    size_t have = s->out.len - s->sent;
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
    if (s->sent == s->out.len) {
        buf_clear(&s->out);
        s->sent = 0;
    }
    if (s->full && s->out.len - s->sent < WATERMARK / 2) {
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
    if (r->state == REQUEST_ANSWERED || r->gone)
        return BELFRY_ECLOSED;
    struct stream *s = xcalloc(1, sizeof(*s));
    s->r = r;
    s->drain = drain;
    s->closed = closed;
    s->arg = arg;
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, s, NULL);
    char *type = xstrndup(head->content_type.ptr ? head->content_type.ptr : "text/plain", head->content_type.ptr ? head->content_type.len : 10);
    MHD_add_response_header(response, "Content-Type", type);
    free(type);
    for (size_t i = 0; i < head->header_count; i++) {
        char *name = xstrndup(head->headers[i].name.ptr, head->headers[i].name.len);
        char *value = xstrndup(head->headers[i].value.ptr, head->headers[i].value.len);
        MHD_add_response_header(response, name, value);
        free(name);
        free(value);
    }
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    r->stream = s;
    request_answer(r, head->status, response);
    hash_set(req->http->by_id, str_slice((const char *)&req->pub.id, sizeof(req->pub.id)), r);
    return BELFRY_OK;
}

belfry_status http_write(struct http_request *req, struct belfry_str data)
{
    struct stream *s = request_of(req)->stream;
    if (!s || s->ended)
        return BELFRY_ECLOSED;
    buf_add(&s->out, data.ptr, data.len);
    wake(s);
    if (s->out.len - s->sent < WATERMARK)
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
