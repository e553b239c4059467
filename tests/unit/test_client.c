/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbound client against a server on the same loop: what goes out, what comes back, errors by class, cancelling,
 * re-use of connections, and the guard as it is used.
 */
#include "client_fixture.h"

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
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Told\r\n\r\n2\r\nok\r\n0\r\nX-Told: late\r\n\r\n",
         200, "", "ok"},
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

/* A status is no answer as long as its head is not over, whatever it says. */
static void test_closed_in_the_head(void **state)
{
    struct bed *bed = *state;
    static const char *const heads[] = {"HTTP/1.1 200 OK",
                                        "HTTP/1.1 200 OK\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Le",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 0",
                                        "HTTP/1.1 204 No Content\r\nX-Told: yes\r\n",
                                        "HTTP/1.0 200 OK\r\nX-Told: yes\r\n",
                                        "HTTP/1.1 103 Early Hints\r\nX-Told: yes\r\n\r\nHTTP/1.1 200 OK\r\n",
                                        "HTTP/1.1 103 Early Hints\r\nX-Told: yes\r\n\r\n"};
    bed->close_after = 1;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        bed->say = heads[i];
        struct got g = run_call(bed, &call);
        assert_int_equal(g.error, BELFRY_HTTP_ERR_RESET);
        assert_int_equal(g.status, 0);
        assert_true(strlen(g.text) > 0);
    }
    struct belfry_http_call call = call_to(bed, "/");
    bed->say = "HTTP/1.0 200 OK\n\nuntil it closes";
    struct got g = run_call(bed, &call);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_NONE);
    assert_string_equal(g.body, "until it closes");
}

/* What a line of blanks goes on with is a header, and the head is not over (RFC 9112 section 5.2). */
static void test_a_folded_line_of_blanks(void **state)
{
    struct bed *bed = *state;
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nX-Long: a\r\n \t\r\nX-Told: yes\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-Told: yes\r\n \r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\nX-Long: a\n \nX-Told: yes\nContent-Length: 2\n\nok"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct belfry_http_call call = call_to(bed, "/");
        bed->say = heads[i];
        struct got g = run_call(bed, &call);
        assert_int_equal(g.error, BELFRY_HTTP_ERR_NONE);
        assert_string_equal(g.header, "yes");
        assert_string_equal(g.body, "ok");
    }
    struct belfry_http_call call = call_to(bed, "/");
    bed->say = "HTTP/1.1 200 OK\r\nX-Told: yes\r\n \r\n";
    bed->close_after = 1;
    struct got g = run_call(bed, &call);
    assert_int_equal(g.error, BELFRY_HTTP_ERR_RESET);
    assert_int_equal(g.status, 0);
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

/* What comes while nobody asks is not the answer to who asks next. */
static void test_what_comes_on_an_idle_connection_answers_nobody(void **state)
{
    struct bed *bed = *state;
    static const char *const strays[] = {"HTTP/1.1 299 Stray\r\nContent-Length: 0\r\n\r\n",
                                         "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
                                         "the rest of a body that was too long"};
    struct belfry_http_call call = call_to(bed, "/");
    for (size_t i = 0; i < 6; i++) {
        for (size_t n = 0; n <= i % 2; n++) /* idle for the first time, and again */
            assert_int_equal(run_call(bed, &call).status, 200);
        assert_int_equal(bed->accepted, i + 1);
        say(bed->last, strays[i / 2], strlen(strays[i / 2]));
        for (uv_run(&bed->loop, UV_RUN_NOWAIT); bed->last; uv_run(&bed->loop, UV_RUN_NOWAIT)) { /* until it hangs up */
            struct pollfd loop = {.fd = uv_backend_fd(&bed->loop), .events = POLLIN};
            assert_int_equal(poll(&loop, 1, 10000), 1);
        }
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
        cmocka_unit_test_setup_teardown(test_closed_in_the_head, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_folded_line_of_blanks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_error_classes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proxies_of_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_idle_connection_is_closed_by_the_receiver, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_comes_on_an_idle_connection_answers_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_is_judged_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_of_large_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freed_with_calls_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spellings_of_loopback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_private_addresses_are_not_tried, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
