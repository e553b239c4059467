/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbound client against a server on the same loop: what goes out, what comes back, errors by class, cancelling,
 * re-use of connections, and the guard as it is used.
 */
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
    struct buf seen; /* of the last request */
    size_t flood;    /* bytes of body sent after `say` */
};

struct peer {
    uv_tcp_t tcp;
    struct bed *bed;
    struct buf in;
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;
    p->bed->open--;
    buf_free(&p->in);
    free(p);
}

static void on_said(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static void say(struct peer *p, const char *text, size_t len)
{
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)text, (unsigned)len);
    uv_write(xcalloc(1, sizeof(uv_write_t)), (uv_stream_t *)&p->tcp, &piece, 1, on_said);
}

static void answer(struct peer *p)
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

static int whole(const struct buf *in)
{
    const char *end = in->len ? strstr(in->ptr, "\r\n\r\n") : NULL,
               *length = in->len ? strstr(in->ptr, "Content-Length: ") : NULL;
    return end && in->len >= (size_t)(end - in->ptr) + 4 + (length && length < end ? (size_t)atol(length + 16) : 0);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle;
    *out = uv_buf_init(xmalloc(size), (unsigned)size);
}

static void on_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
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

static void on_accept(uv_stream_t *listener, int status)
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
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_data);
}

static int setup(void **state)
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

static void close_all(uv_handle_t *handle, void *arg)
{
    struct bed *bed = arg;
    if (uv_is_closing(handle))
        return;
    uv_close(handle, handle == (uv_handle_t *)&bed->listener ? NULL : on_peer_closed);
}

static int teardown(void **state)
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

static void on_done(void *arg, const struct belfry_http_answer *a)
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

static struct belfry_http_call call_to(struct bed *bed, const char *path)
{
    static char urls[8][300];
    static size_t turn;
    char *url = urls[turn++ % 8];
    snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%d%s", bed->port, path);
    return (struct belfry_http_call){.struct_size = sizeof(struct belfry_http_call),
                                     .method = "GET",
                                     .url = url,
                                     .timeout_ms = 5000,
                                     .allow_cidrs = loopback};
}

static void begin(struct bed *bed, const struct belfry_http_call *call, struct got *g)
{
    struct error err = {0};
    g->bed = bed;
    if (client_request(bed->client, call, on_done, g, &g->id, &err) != BELFRY_OK)
        fail_msg("%s: %s", call->url, error_text(&err));
    assert_int_equal(g->done, 0); /* never inline */
}

static struct got finish(struct bed *bed, struct got *g)
{
    while (!g->done)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(g->done, 1);
    return *g;
}

static struct got run_call(struct bed *bed, const struct belfry_http_call *call)
{
    struct got g = {0};
    begin(bed, call, &g);
    return finish(bed, &g);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void test_request(void **state)
{
    struct bed *bed = *state;
    static const struct belfry_attr headers[] = {{{"Content-Type", 12}, {"application/json", 16}},
                                                 {{"webhook-id", 10}, {"msg_1", 5}},
                                                 {{"X-Empty", 7}, {"", 0}}};
    struct belfry_http_call call = call_to(bed, "/hook?a=b#fragment");
    call.method = "POST";
    call.headers = headers;
    call.header_count = 3;
    call.body = STR("{\"a\":1}");
    struct got g = run_call(bed, &call);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_NONE);
    assert_string_equal(g.body, "ok");
    assert_string_equal(g.text, "");
    assert_int_equal(strncmp(bed->seen.ptr, "POST /hook?a=b HTTP/1.1\r\n", 25), 0);
    static const char *const lines[] = {"\r\nwebhook-id: msg_1\r\n", "\r\nContent-Type: application/json\r\n",
                                        "\r\nUser-Agent: Belfry/1\r\n", "\r\nX-Empty:\r\n", "\r\n\r\n{\"a\":1}"};
    for (size_t i = 0; i < 5; i++)
        if (!strstr(bed->seen.ptr, lines[i]))
            fail_msg("%s is missing in %s", lines[i], bed->seen.ptr);
    assert_null(strstr(bed->seen.ptr, "Expect"));
}

static void test_methods(void **state)
{
    struct bed *bed = *state;
    static const struct {
        const char *method, *body, *line;
    } rows[] = {{"GET", "", "GET /x HTTP/1.1"},       {"HEAD", "", "HEAD /x HTTP/1.1"},
                {"POST", "", "POST /x HTTP/1.1"},     {"PUT", "{}", "PUT /x HTTP/1.1"},
                {"DELETE", "", "DELETE /x HTTP/1.1"}, {"PATCH", "{}", "PATCH /x HTTP/1.1"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/x");
        bed->say =
            i == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        call.method = rows[i].method;
        call.body = str_of(rows[i].body);
        assert_int_equal(run_call(bed, &call).status, 200);
        assert_int_equal(strncmp(bed->seen.ptr, rows[i].line, strlen(rows[i].line)), 0);
        assert_null(strstr(bed->seen.ptr, "urlencoded"));
        assert_true(!rows[i].body[0] || strstr(bed->seen.ptr, "\r\n\r\n{}"));
    }
}

static void test_refused_at_once(void **state)
{
    struct bed *bed = *state;
    static const char *const urls[] = {"",
                                       "nonsense",
                                       "127.0.0.1/x",
                                       "//127.0.0.1/x",
                                       "ftp://example.com/",
                                       "file:///etc/passwd",
                                       "gopher://example.com/",
                                       "http://user@example.com/",
                                       "http://user:pw@example.com/",
                                       "http://:pw@example.com/",
                                       "http://a b/",
                                       "http://",
                                       "http://example.com:99999/",
                                       "http://exa\r\nmple.com/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        struct error err = {0};
        call.url = urls[i];
        for (int again = 0; again < 2; again++)
            if (client_request(bed->client, &call, on_done, NULL, NULL, &err) != BELFRY_EINVAL)
                fail_msg("%s", urls[i]);
        assert_true(err.count > 0);
        error_clear(&err);
    }
    static const struct belfry_attr headers[] = {{{"X\r\nY", 4}, {"1", 1}}, {{"X", 1}, {"a\r\nEvil: 1", 10}},
                                                 {{"X", 1}, {"a\nb", 3}},   {{"X", 1}, {"a\0b", 3}},
                                                 {{"", 0}, {"1", 1}},       {{"X:", 2}, {"1", 1}},
                                                 {{"X Y", 3}, {"1", 1}},    {{"X", 1}, {"\x7f", 1}}};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        struct error err = {0};
        call.headers = &headers[i];
        call.header_count = 1;
        if (client_request(bed->client, &call, on_done, NULL, NULL, &err) != BELFRY_EINVAL)
            fail_msg("header %zu", i);
        error_clear(&err);
    }
    static const char *const ours[] = {
        "Host",   "content-length", "Transfer-Encoding", "Connection", "TE", "Proxy-Authorization",
        "Expect", "Upgrade",        "trailer",           "Keep-Alive"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        struct belfry_attr one = {str_of(ours[i]), STR("1")};
        call.headers = &one;
        call.header_count = 1;
        if (client_request(bed->client, &call, on_done, NULL, NULL, NULL) != BELFRY_EINVAL)
            fail_msg("%s", ours[i]);
    }
    static const char *const bad[] = {"10.0.0.0/33", NULL};
    struct belfry_http_call call = call_to(bed, "/");
    call.allow_cidrs = bad;
    assert_int_equal(client_request(bed->client, &call, on_done, NULL, NULL, NULL), BELFRY_EINVAL);
    assert_int_equal(bed->accepted, 0);
    assert_int_equal(run_call(bed, (call.allow_cidrs = loopback, &call)).status, 200); /* handles are clean again */
}

/* --- what comes back ---------------------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    struct bed *bed = *state;
    static const struct {
        const char *say;
        uint32_t status;
        const char *header, *body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nX-Told:  yes \r\nContent-Length: 2\r\n\r\nok", 200, "yes", "ok"},
        {"HTTP/1.1 100 Continue\r\nX-Told: early\r\n\r\nHTTP/1.1 201 Created\r\nX-TOLD: late\r\nContent-Length: 0\r\n\r\n",
         201, "late", ""},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, "", ""},
        {"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\nbye!", 410, "", "bye!"},
        {"HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n", 503, "", "no!"},
        {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n", 401, "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        bed->say = rows[i].say;
        int before = bed->requests;
        struct got g = run_call(bed, &call);
        assert_int_equal(g.error, BELFRY_HTTP_ERR_NONE);
        assert_int_equal(g.status, rows[i].status);
        assert_string_equal(g.body, rows[i].body);
        assert_string_equal(g.header, rows[i].header);
        assert_int_equal(bed->requests, before + 1); /* no redirect followed, nothing asked again */
    }
}

static void test_long_answers_are_cut(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    call.max_response = 1000;
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
    bed->flood = 4 << 20;
    struct got g = run_call(bed, &call);
    assert_int_equal(g.status, 200);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_NONE);
    assert_int_equal(g.truncated, 1);
    assert_int_equal(g.length, 1000);
    assert_string_equal(g.text, "");
    bed->flood = 0;
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    g = run_call(bed, &call); /* on a new connection */
    assert_int_equal(g.status, 200);
    assert_int_equal(g.truncated, 0);
    assert_int_equal(bed->accepted, 2);
}

/* An answer of headers alone, however they come, is cut off too. */
static void test_long_headers(void **state)
{
    struct bed *bed = *state;
    static const struct {
        const char *head, *line;
        int lines;
        uint32_t error;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", "X-Some: 0123456789\r\n", 1000, BELFRY_HTTP_ERR_NONE},
        {"HTTP/1.1 200 OK\r\n", "X-Some: 0123456789\r\n", 100000, BELFRY_HTTP_ERR_OTHER},
        {"", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 5, BELFRY_HTTP_ERR_NONE},
        {"", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 100000, BELFRY_HTTP_ERR_OTHER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf text = {0};
        buf_addz(&text, rows[i].head);
        for (int n = 0; n < rows[i].lines; n++)
            buf_addz(&text, rows[i].line);
        buf_addz(&text, i == 2 ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "Content-Length: 0\r\n\r\n");
        bed->say = text.ptr;
        struct belfry_http_call call = call_to(bed, "/");
        struct got g = run_call(bed, &call);
        assert_int_equal(g.error, rows[i].error);
        assert_int_equal(g.status, g.error ? 0 : 200);
        assert_true(!g.error || strstr(g.text, "headers"));
        buf_free(&text);
    }
}

static void test_error_classes(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    bed->say = NULL;
    bed->close_after = 1;
    assert_int_equal(run_call(bed, &call).error, BELFRY_HTTP_ERR_RESET);
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    assert_int_equal(run_call(bed, &call).error, BELFRY_HTTP_ERR_RESET);
    bed->say = NULL;
    bed->close_after = 0;
    bed->say = "SSH-2.0-OpenSSH_9.2\r\n";
    bed->close_after = 1;
    struct got g = run_call(bed, &call); /* an answer that is no HTTP says nothing of the URL */
    assert_int_equal(g.error, BELFRY_HTTP_ERR_OTHER);
    assert_int_equal(g.status, 0);
    bed->say = NULL;
    bed->close_after = 0;
    call.timeout_ms = 50;
    g = run_call(bed, &call);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_TIMEOUT);
    assert_int_equal(g.status, 0);
    assert_true(strlen(g.text) > 0);
    call = call_to(bed, "/");
    call.url = "http://no-such-name.invalid/";
    g = run_call(bed, &call);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_DNS);
    call.url = "http://127.0.0.1:1/";
    assert_int_equal(run_call(bed, &call).error, BELFRY_HTTP_ERR_REFUSED);
    char https[64];
    snprintf(https, sizeof(https), "https://127.0.0.1:%d/", bed->port);
    call.url = https;
    bed->say = "HTTP/1.1 400 What\r\n\r\n";
    bed->close_after = 1;
    call.timeout_ms = 300; /* the server waits for a blank line that never comes */
    g = run_call(bed, &call);
    assert_true(g.error == BELFRY_HTTP_ERR_TLS || g.error == BELFRY_HTTP_ERR_TIMEOUT);
}

static void test_proxies_of_the_environment(void **state)
{
    struct bed *bed = *state;
    char proxy[64];
    struct belfry_http_call call = call_to(bed, "/");
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:1");
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    assert_int_equal(run_call(bed, &call).status, 200);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

/* --- re-use and cancelling ---------------------------------------------------------------------------------------- */

static void test_connections_are_kept(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    for (int i = 0; i < 5; i++)
        assert_int_equal(run_call(bed, &call).status, 200);
    assert_int_equal(bed->accepted, 1);
    assert_int_equal(bed->requests, 5);
}

/* What a receiver does to an idle connection is seen once and does not keep the loop awake; the next call makes its
 * own. */
static void test_an_idle_connection_is_closed_by_the_receiver(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    for (int i = 1; i <= 3; i++) {
        for (bed->close_after = 0; bed->close_after < 2; bed->close_after++)
            assert_int_equal(run_call(bed, &call).status, 200);
        assert_int_equal(bed->accepted, i);
        for (int turn = 0; turn < 10; turn++)
            uv_run(&bed->loop, UV_RUN_NOWAIT);
        struct pollfd loop = {.fd = uv_backend_fd(&bed->loop), .events = POLLIN};
        assert_int_equal(poll(&loop, 1, 0), 0);
    }
}

/* A connection that one call may use must not carry another that may not. */
static void test_a_kept_connection_is_judged_again(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    assert_int_equal(run_call(bed, &call).status, 200);
    call.allow_cidrs = NULL;
    struct got g = run_call(bed, &call);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_BLOCKED);
    assert_int_equal(g.status, 0);
    assert_non_null(strstr(g.text, "private"));
    assert_int_equal(bed->requests, 1);
}

static void test_cancel(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    struct got a = {0}, b = {0};
    bed->say = NULL;
    begin(bed, &call, &a);
    client_cancel(bed->client, a.id);
    assert_int_equal(a.done, 0); /* not inline */
    assert_int_equal(finish(bed, &a).error, BELFRY_HTTP_ERR_CANCELED);
    client_cancel(bed->client, a.id); /* stale */
    client_cancel(bed->client, 0);
    a = (struct got){0};
    begin(bed, &call, &a);
    while (bed->requests < 1)
        uv_run(&bed->loop, UV_RUN_ONCE);
    client_cancel(bed->client, a.id);
    assert_int_equal(finish(bed, &a).error, BELFRY_HTTP_ERR_CANCELED);
    assert_string_equal(a.text, "canceled");
    a = (struct got){0};
    begin(bed, &call, &a);
    begin(bed, &call, &b);
    a.cancels = &b;
    client_cancel(bed->client, a.id);
    finish(bed, &a);
    assert_int_equal(finish(bed, &b).error, BELFRY_HTTP_ERR_CANCELED);
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    a = (struct got){0};
    begin(bed, &call, &a);
    finish(bed, &a);
    client_cancel(bed->client, a.id);
    assert_int_equal(a.status, 200);
}

static void test_many_at_once(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    enum { MANY = 200 };
    static struct got g[MANY];
    memset(g, 0, sizeof(g));
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(finish(bed, &g[i]).status, 200);
    assert_int_equal(bed->requests, MANY);
}

/* A handle that is kept keeps no body of half a megabyte. */
static void test_memory_of_large_bodies(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    static char body[512 * 1024];
    memset(body, 'x', sizeof(body));
    call.method = "POST";
    call.body = str_slice(body, sizeof(body));
    assert_int_equal(run_call(bed, &call).status, 200);
    call.body = STR("small");
    assert_int_equal(run_call(bed, &call).status, 200);
    uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_int_equal(bed->client->spare_count, 1);
    LIST_EACH(it, &bed->client->spare)
    assert_true(LIST_OF(it, struct call, node)->request.cap <= 64 * 1024);
}

static void test_freed_with_calls_under_way(void **state)
{
    struct bed *bed = *state;
    struct belfry_http_call call = call_to(bed, "/");
    static struct got g[40];
    char https[64];
    memset(g, 0, sizeof(g));
    bed->say = NULL;
    snprintf(https, sizeof(https), "https://127.0.0.1:%d/", bed->port);
    for (int i = 0; i < 40; i++) {
        call.url = i % 2 ? https : call.url;
        begin(bed, &call, &g[i]);
    }
    for (int i = 0; i < 5; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    client_free(bed->client);
    bed->client = NULL;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(g[i].done, 1);
        assert_int_equal(g[i].error, BELFRY_HTTP_ERR_CANCELED);
    }
}

/* --- handshakes --------------------------------------------------------------------------------------------------- */

enum { WELL, SICK };

static const struct lane *lane(struct bed *bed, int which)
{
    return &bed->client->engine.lanes[which];
}

static struct belfry_http_call secure_call(struct bed *bed, const char *host)
{
    static char urls[8][64];
    static size_t turn;
    char *url = urls[turn++ % 8];
    struct belfry_http_call call = call_to(bed, "/");
    snprintf(url, sizeof(urls[0]), "https://%s:%d/", host, bed->port);
    call.url = url;
    return call;
}

/* Whoever shakes hands has been at it for as long as a turn lasts. */
static void turns_over(struct bed *bed)
{
    for (int i = 0; i < 2; i++)
        LIST_EACH(it, &bed->client->engine.lanes[i].shaking)
    LIST_OF(it, struct transfer, handshake)->turn_ends_ms = 0;
    engine_tell(&bed->client->engine); /* looks whose turn it is */
}

/* Nobody's turn ends while the test looks. */
static void turns_last(struct bed *bed)
{
    for (int i = 0; i < 2; i++)
        LIST_EACH(it, &bed->client->engine.lanes[i].shaking)
    LIST_OF(it, struct transfer, handshake)->turn_ends_ms += 3600000;
}

static void test_handshakes_take_turns(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 80 };
    static struct got g[MANY];
    struct got plain = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL; /* it accepts and says nothing: no handshake ever ends */
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    assert_int_equal(lane(bed, WELL)->count, 24);
    turns_last(bed);
    while (bed->accepted < 24)
        uv_run(&bed->loop, UV_RUN_ONCE);
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    call = call_to(bed, "/");
    begin(bed, &call, &plain); /* others do not wait for them */
    assert_int_equal(finish(bed, &plain).status, 200);
    assert_int_equal(bed->accepted, 25);
    client_cancel(bed->client, g[0].id); /* one that ends makes room */
    client_cancel(bed->client, g[79].id);
    finish(bed, &g[0]);
    finish(bed, &g[79]);
    while (bed->accepted < 26)
        uv_run(&bed->loop, UV_RUN_ONCE);
    turns_over(bed);
    while (bed->accepted < 80) /* the rest, after a while each */
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(lane(bed, WELL)->count, 24);
}

/* Those that never shook hands the last time have a lane of their own, however many they are. */
static void test_sick_hosts_hold_up_each_other_only(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 40 };
    static struct got g[MANY], again[MANY], other;
    memset(g, 0, sizeof(g));
    memset(&other, 0, sizeof(other));
    memset(again, 0, sizeof(again));
    bed->say = NULL;
    struct belfry_http_call sick = secure_call(bed, "127.1"), well = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &sick, &g[i]);
    turns_over(bed);
    while (bed->accepted < 24)
        uv_run(&bed->loop, UV_RUN_ONCE);
    for (int i = 0; i < MANY; i++)
        client_cancel(bed->client, g[i].id);
    for (int i = 0; i < MANY; i++)
        finish(bed, &g[i]);
    assert_int_equal(bed->client->engine.hosts.sick, 1);
    for (int i = 0; i < MANY; i++)
        begin(bed, &sick, &again[i]);
    assert_int_equal(lane(bed, SICK)->count, 8);
    assert_int_equal(lane(bed, WELL)->count, 0);
    turns_last(bed);
    int before = bed->accepted;
    begin(bed, &well, &other); /* begins at once */
    assert_int_equal(lane(bed, WELL)->count, 1);
    while (bed->accepted < before + 9)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(lane(bed, SICK)->count, 8);
    turns_over(bed);
    while (bed->accepted < before + 1 + MANY) /* they have their turns too */
        uv_run(&bed->loop, UV_RUN_ONCE);
}

/* What waited until its time was over is given up, and nothing of it reaches the receiver: by then it may be under way
 * once more. */
static void test_what_waited_too_long_never_begins(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 24 };
    static struct got g[MANY];
    struct got late = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL;
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    turns_last(bed);
    call.timeout_ms = 1;
    begin(bed, &call, &late);
    LIST_OF(lane(bed, WELL)->waiting.next, struct transfer, node)->until_ms = 1; /* long ago */
    while (bed->accepted < MANY)
        uv_run(&bed->loop, UV_RUN_ONCE);
    client_cancel(bed->client, g[0].id); /* now it would be its turn */
    struct got told = finish(bed, &late);
    assert_int_equal(told.error, BELFRY_HTTP_ERR_TIMEOUT);
    assert_non_null(strstr(told.text, "turn"));
    for (int i = 0; i < 10; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_int_equal(bed->accepted, MANY);
}

/* The time that it waited is taken off the time it has to be answered in. */
static void test_waiting_is_part_of_the_time(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 24 };
    static struct got g[MANY];
    struct got late = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL;
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    turns_last(bed);
    call.timeout_ms = 3600000;
    begin(bed, &call, &late);
    struct transfer *waits = LIST_OF(lane(bed, WELL)->waiting.next, struct transfer, node);
    waits->until_ms = uv_now(&bed->loop) + 50; /* so it has waited all but that */
    client_cancel(bed->client, g[0].id);
    assert_int_equal(finish(bed, &late).error, BELFRY_HTTP_ERR_TIMEOUT);
}

static void test_hosts_are_forgotten(void **state)
{
    struct bed *bed = *state;
    struct hosts *hosts = &bed->client->engine.hosts;
    struct host *a = host_ref(hosts, "https://a.example/x?y"), *b = host_ref(hosts, "https://a.example:8443");
    assert_ptr_equal(host_ref(hosts, "https://a.example#z"), a);
    assert_ptr_not_equal(a, b);
    assert_int_equal(hash_count(hosts->by_name), 2);
    host_learn(hosts, a, 1);
    host_unref(hosts, a);
    host_unref(hosts, a);
    host_unref(hosts, b);
    assert_int_equal(hash_count(hosts->by_name), 1); /* what is sick is remembered */
    assert_int_equal(hosts->sick, 1);
    assert_ptr_equal(host_ref(hosts, "https://a.example"), a);
    host_learn(hosts, a, 0);
    host_unref(hosts, a);
    assert_int_equal(hash_count(hosts->by_name), 0);
    assert_int_equal(hosts->sick, 0);
}

/* --- the guard in use --------------------------------------------------------------------------------------------- */

static void test_spellings_of_loopback(void **state)
{
    struct bed *bed = *state;
    static const char *const hosts[] = {"127.0.0.1",
                                        "127.1",
                                        "127.0.1",
                                        "2130706433",
                                        "0x7f000001",
                                        "0x7f.1",
                                        "0177.0.0.1",
                                        "017700000001",
                                        "0",
                                        "0.0.0.0",
                                        "localhost",
                                        "LOCALHOST",
                                        "[::1]",
                                        "[::]",
                                        "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]",
                                        "[0:0:0:0:0:0:0:1]",
                                        "[::127.0.0.1]",
                                        "127.0.0.1.",
                                        "localhost."};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char url[128];
        struct belfry_http_call call = call_to(bed, "/");
        snprintf(url, sizeof(url), "http://%s:%d/", hosts[i], bed->port);
        call.url = url;
        call.allow_cidrs = NULL;
        struct error err = {0};
        struct got g = {0};
        if (client_request(bed->client, &call, on_done, &g, &g.id, &err) == BELFRY_OK) {
            finish(bed, &g);
            /* a spelling that this resolver does not know is as good */
            if (g.error != BELFRY_HTTP_ERR_BLOCKED && g.error != BELFRY_HTTP_ERR_DNS)
                fail_msg("%s: error %u, status %u", hosts[i], g.error, g.status);
        }
        error_clear(&err);
    }
    assert_int_equal(bed->accepted, 0);
}

static void test_private_addresses_are_not_tried(void **state)
{
    struct bed *bed = *state;
    static const char *const urls[] = {"http://10.0.0.1/",        "http://169.254.169.254/latest/meta-data/",
                                       "http://[fd00:ec2::254]/", "http://100.100.100.200/",
                                       "https://192.168.1.1/",    "http://[64:ff9b::a9fe:a9fe]/",
                                       "http://[2002:7f00:1::]/", "http://255.255.255.255/",
                                       "http://224.0.0.1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        call.url = urls[i];
        call.allow_cidrs = loopback;
        if (run_call(bed, &call).error != BELFRY_HTTP_ERR_BLOCKED)
            fail_msg("%s", urls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_methods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_answers_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_error_classes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proxies_of_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_idle_connection_is_closed_by_the_receiver, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_is_judged_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_of_large_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freed_with_calls_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_handshakes_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sick_hosts_hold_up_each_other_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_waited_too_long_never_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_is_part_of_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spellings_of_loopback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_private_addresses_are_not_tried, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
