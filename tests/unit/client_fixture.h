/* SPDX-License-Identifier: Apache-2.0 */
/* The outbound client and a server that says what it is told, on one loop, for the tests of the client. */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client.h"
#include "client/internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* --- a server that says what it is told --------------------------------------------------------------------------- */

struct bed {
    uv_loop_t loop;
    uv_tcp_t listener;
    int port;
    struct client *client;
    const char *say; /* the answer; NULL: none */
    int close_after; /* hang up after the answer, or at once when there is none */
    int accepted, requests, open;
    struct buf seen;   /* of the last request */
    size_t flood;      /* bytes of body sent after `say` */
    struct peer *last; /* that connected, as long as it is open */
};

struct peer {
    uv_tcp_t tcp;
    struct bed *bed;
    struct buf in;
};

static inline void on_peer_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;
    p->bed->open--;
    if (p->bed->last == p)
        p->bed->last = NULL;
    buf_free(&p->in);
    free(p);
}

static inline void on_said(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static inline void say(struct peer *p, const char *text, size_t len)
{
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)text, (unsigned)len);
    uv_write(xcalloc(1, sizeof(uv_write_t)), (uv_stream_t *)&p->tcp, &piece, 1, on_said);
}

static inline void answer(struct peer *p)
{
    static char block[65536];
    struct bed *bed = p->bed;
    bed->requests++;
    buf_clear(&bed->seen);
    buf_adds(&bed->seen, buf_str(&p->in));
    buf_clear(&p->in);
    if (bed->say)
        say(p, bed->say, strlen(bed->say));
    memset(block, 'x', sizeof(block));
    for (size_t sent = 0; sent < bed->flood; sent += sizeof(block))
        say(p, block, sizeof(block));
    if (bed->close_after && !uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
}

static inline int whole(const struct buf *in)
{
    const char *end = in->len ? strstr(in->ptr, "\r\n\r\n") : NULL,
               *length = in->len ? strstr(in->ptr, "Content-Length: ") : NULL;
    return end && in->len >= (size_t)(end - in->ptr) + 4 + (length && length < end ? (size_t)atol(length + 16) : 0);
}

static inline void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle;
    *out = uv_buf_init(xmalloc(size), (unsigned)size);
}

static inline void on_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
{
    struct peer *p = stream->data;
    if (n > 0)
        buf_add(&p->in, data->base, (size_t)n);
    free(data->base);
    if (n < 0 && !uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
    else if (n > 0 && whole(&p->in))
        answer(p);
}

static inline void on_accept(uv_stream_t *listener, int status)
{
    struct bed *bed = listener->data;
    assert_int_equal(status, 0);
    struct peer *p = xcalloc(1, sizeof(*p));
    p->bed = bed;
    uv_tcp_init(&bed->loop, &p->tcp);
    p->tcp.data = p;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->tcp), 0);
    bed->accepted++;
    bed->open++;
    bed->last = p;
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_data);
}

static inline int setup(void **state)
{
    struct bed *bed = xcalloc(1, sizeof(*bed));
    struct sockaddr_in sa;
    int len = sizeof(sa);
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    uv_loop_init(&bed->loop);
    uv_tcp_init(&bed->loop, &bed->listener);
    bed->listener.data = bed;
    uv_ip4_addr("127.0.0.1", 0, &sa);
    uv_tcp_bind(&bed->listener, (struct sockaddr *)&sa, 0);
    assert_int_equal(uv_listen((uv_stream_t *)&bed->listener, 512, on_accept), 0);
    uv_tcp_getsockname(&bed->listener, (struct sockaddr *)&sa, &len);
    bed->port = ntohs(sa.sin_port);
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    bed->client = client_new(&bed->loop, 0, NULL);
    *state = bed;
    return 0;
}

static inline void close_all(uv_handle_t *handle, void *arg)
{
    struct bed *bed = arg;
    if (uv_is_closing(handle))
        return;
    uv_close(handle, handle == (uv_handle_t *)&bed->listener ? NULL : on_peer_closed);
}

static inline int teardown(void **state)
{
    struct bed *bed = *state;
    client_free(bed->client);
    for (int i = 0; i < 10; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    uv_walk(&bed->loop, close_all, bed);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    buf_free(&bed->seen);
    free(bed);
    return 0;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static const char *const loopback[] = {"127.0.0.0/8", "::1/128", NULL};

struct got {
    int done;
    uint32_t status, error, truncated;
    char text[300], body[300], header[100];
    size_t length;
    uint64_t id;
    struct bed *bed;
    struct got *cancels; /* another call that the callback cancels */
};

static inline void on_done(void *arg, const struct belfry_http_answer *a)
{
    struct got *g = arg;
    g->done++;
    g->status = a->status;
    g->error = a->error;
    g->truncated = a->truncated;
    g->length = a->body.len;
    snprintf(g->text, sizeof(g->text), "%.*s", STR_ARG(a->error_text));
    snprintf(g->body, sizeof(g->body), "%.*s", (int)(a->body.len < 200 ? a->body.len : 200),
             a->body.ptr ? a->body.ptr : "");
    for (size_t i = 0; i < a->header_count; i++)
        if (str_eqz(a->headers[i].name, "x-told"))
            snprintf(g->header, sizeof(g->header), "%.*s", STR_ARG(a->headers[i].value));
    if (g->cancels)
        client_cancel(g->bed->client, g->cancels->id);
}

/* Its time is not over before the test says so. */
static inline struct belfry_http_call call_to(struct bed *bed, const char *path)
{
    static char urls[8][300];
    static size_t turn;
    char *url = urls[turn++ % 8];
    snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%d%s", bed->port, path);
    return (struct belfry_http_call){.struct_size = sizeof(struct belfry_http_call),
                                     .method = "GET",
                                     .url = url,
                                     .timeout_ms = 3600000,
                                     .connect_timeout_ms = 3600000,
                                     .allow_cidrs = loopback};
}

static inline void begin(struct bed *bed, const struct belfry_http_call *call, struct got *g)
{
    struct error err = {0};
    g->bed = bed;
    if (client_request(bed->client, call, on_done, g, &g->id, &err) != BELFRY_OK)
        fail_msg("%s: %s", call->url, error_text(&err));
    assert_int_equal(g->done, 0); /* never inline */
}

static inline struct got finish(struct bed *bed, struct got *g)
{
    while (!g->done)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(g->done, 1);
    return *g;
}

static inline struct got run_call(struct bed *bed, const struct belfry_http_call *call)
{
    struct got g = {0};
    begin(bed, call, &g);
    return finish(bed, &g);
}

#endif
