/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and their order, percent-encoding, queries and forms, escaping, problems, assets, the page shell, TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <zlib.h>

static int setup(void **state)
{
    *state = web_open("{\"ann\":[\"boss\"]}");
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

/* --- router ------------------------------------------------------------------------------------------------------- */

static void test_router_order(void **state)
{
    (void)state;
    /* in every order of being added the same route wins */
    static const char *const patterns[] = {
        "/{org}/runs",      "/v1/{x}",        "/assets/{name}",  "/v1/{org}/{any}",
        "/v1/{org}/things", "/{org}/{a}/{b}", "/{a}/things/{b}", "/v1/{org}/{any}/last"};
    static const struct {
        const char *path, *wins;
    } rows[] = {{"/v1/runs", "/v1/{x}"},
                {"/acme/runs", "/{org}/runs"},
                {"/assets/runs", "/assets/{name}"},
                {"/v1/acme/things", "/v1/{org}/things"},
                {"/v1/acme/other", "/v1/{org}/{any}"},
                {"/v2/things/x", "/{a}/things/{b}"},
                {"/v1/things/x", "/v1/{org}/{any}"},
                {"/v1/a/b/last", "/v1/{org}/{any}/last"},
                {"/v1/a/b/first", NULL}};
    enum { COUNT = sizeof(patterns) / sizeof(patterns[0]) };
    for (size_t shift = 0; shift < COUNT; shift++) {
        struct router router;
        struct arena *arena = arena_new(0);
        router_init(&router);
        for (size_t i = 0; i < COUNT; i++) {
            struct http_route route = {.method = "GET", .pattern = patterns[(i + shift) % COUNT]};
            assert_int_equal(router_add(&router, NULL, &route, NULL, NULL), BELFRY_OK);
        }
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct belfry_attr *params;
            size_t count;
            const char *allow;
            const struct route_entry *found =
                router_find(&router, STR("GET"), str_of(rows[i].path), arena, &params, &count, &allow);
            if (rows[i].wins ? !found || strcmp(found->pattern, rows[i].wins) != 0 : found != NULL)
                fail_msg("shift %zu, %s: %s", shift, rows[i].path, found ? found->pattern : "nothing");
        }
        arena_free(arena);
        router_fini(&router);
    }
}

static void test_router_collisions(void **state)
{
    (void)state;
    static const struct {
        const char *method, *pattern;
        belfry_status status;
    } rows[] = {{"GET", "/a/{x}", BELFRY_OK},
                {"GET", "/a/{y}", BELFRY_ECONFLICT},
                {"POST", "/a/{y}", BELFRY_OK},
                {"GET", "/a/b", BELFRY_OK},
                {"GET", "/{x}/b", BELFRY_OK},
                {"GET", "/a/b", BELFRY_ECONFLICT},
                {"GET", "no-slash", BELFRY_EINVAL},
                {"GET", "", BELFRY_EINVAL},
                {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", BELFRY_EINVAL}};
    struct router router;
    router_init(&router);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_route route = {.method = rows[i].method, .pattern = rows[i].pattern};
        struct error err = {0};
        assert_int_equal(router_add(&router, i % 2 ? &rows : NULL, &route, NULL, &err), rows[i].status);
        if (rows[i].status == BELFRY_ECONFLICT)
            assert_non_null(strstr(error_text(&err), "collides with GET /a/"));
        error_clear(&err);
    }
    router_remove(&router, &rows);
    struct http_route again = {.method = "GET", .pattern = "/a/b"};
    assert_int_equal(router_add(&router, NULL, &again, NULL, NULL), BELFRY_OK);
    router_fini(&router);
}

static int serves_one(void *arg, struct belfry_str org)
{
    return str_eqz(org, arg);
}

static int meet_in_one(const void *one, const void *other)
{
    return strcmp(one, other) == 0;
}

/* Two instances of one plugin have the same route, each in its own org; another plugin may not have it, nor may a
 * second one in the same org. */
static void test_router_families(void **state)
{
    (void)state;
    static const struct http_family mail = {"email", serves_one, meet_in_one},
                                    other = {"letter", serves_one, meet_in_one};
    static char acme[] = "acme", globex[] = "globex", initech[] = "initech";
    const struct http_route routes[] = {{.method = "GET", .pattern = "/{org}/u/{x}", .arg = acme},
                                        {.method = "GET", .pattern = "/{org}/u/{x}", .arg = globex},
                                        {.method = "GET", .pattern = "/{org}/u/{x}", .arg = initech}};
    static const struct {
        const char *path, *whose;
    } rows[] = {{"/acme/u/1", acme}, {"/globex/u/1", globex}, {"/nobody/u/1", acme}};
    struct arena *arena = arena_new(0);
    struct router router;
    router_init(&router);
    assert_int_equal(router_add(&router, acme, &routes[0], &mail, NULL), BELFRY_OK);
    assert_int_equal(router_add(&router, globex, &routes[1], &mail, NULL), BELFRY_OK);
    assert_int_equal(router_add(&router, initech, &routes[2], &other, NULL), BELFRY_ECONFLICT);
    assert_int_equal(router_add(&router, initech, &routes[2], NULL, NULL), BELFRY_ECONFLICT);
    assert_int_equal(router_add(&router, acme, &routes[0], &mail, NULL), BELFRY_ECONFLICT);
    assert_int_equal(router_add(&router, initech, &routes[0], &mail, NULL), BELFRY_ECONFLICT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_attr *params;
        size_t count;
        const char *allow;
        const struct route_entry *found =
            router_find(&router, STR("HEAD"), str_of(rows[i].path), arena, &params, &count, &allow);
        assert_non_null(found);
        assert_string_equal(found->route.arg, rows[i].whose);
        assert_int_equal(count, 2);
        assert_null(router_find(&router, STR("POST"), str_of(rows[i].path), arena, &params, &count, &allow));
        assert_string_equal(allow, "GET, HEAD");
    }
    arena_free(arena);
    router_fini(&router);
}

/* The most literal pattern is what the path is: another one that fits too adds no methods to it. */
static void test_router_methods(void **state)
{
    (void)state;
    static const struct http_route routes[] = {{.method = "GET", .pattern = "/rows/{id}"},
                                               {.method = "POST", .pattern = "/rows/bulk"},
                                               {.method = "GET", .pattern = "/rows/count"},
                                               {.method = "DELETE", .pattern = "/rows/{name}"}};
    static const struct {
        const char *method, *path, *found, *allow;
    } rows[] = {{"GET", "/rows/1", "/rows/{id}", NULL},
                {"HEAD", "/rows/1", "/rows/{id}", NULL},
                {"DELETE", "/rows/1", "/rows/{name}", NULL},
                {"POST", "/rows/1", NULL, "GET, HEAD, DELETE"},
                {"POST", "/rows/bulk", "/rows/bulk", NULL},
                {"GET", "/rows/bulk", NULL, "POST"},
                {"DELETE", "/rows/count", NULL, "GET, HEAD"},
                {"GET", "/rows/%zz", NULL, NULL},
                {"PUT", "/rows/", NULL, NULL}};
    struct arena *arena = arena_new(0);
    struct router router;
    router_init(&router);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(router_add(&router, NULL, &routes[i], NULL, NULL), BELFRY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_attr *params;
        size_t count;
        const char *allow;
        const struct route_entry *found =
            router_find(&router, str_of(rows[i].method), str_of(rows[i].path), arena, &params, &count, &allow);
        if (rows[i].found ? !found || strcmp(found->pattern, rows[i].found) != 0 : found != NULL)
            fail_msg("%s %s: %s", rows[i].method, rows[i].path, found ? found->pattern : "nothing");
        if (rows[i].allow ? !allow || strcmp(allow, rows[i].allow) != 0 : allow != NULL)
            fail_msg("%s %s allows %s", rows[i].method, rows[i].path, allow ? allow : "nothing");
    }
    arena_free(arena);
    router_fini(&router);
}

static void test_percent(void **state)
{
    (void)state;
    static const struct {
        const char *in, *path, *query; /* NULL: refused */
    } rows[] = {{"abc", "abc", "abc"},
                {"a%20b", "a b", "a b"},
                {"a+b", "a+b", "a b"},
                {"%2B", "+", "+"},
                {"%c3%a4", "\xc3\xa4", "\xc3\xa4"},
                {"%C3", NULL, NULL},
                {"%", NULL, NULL},
                {"%4", NULL, NULL},
                {"%4g", NULL, NULL},
                {"%00", NULL, NULL},
                {"%0%30", NULL, NULL},
                {"%252F", "%2F", "%2F"},
                {"%u0041", NULL, NULL},
                {"%ed%a0%80", NULL, NULL},
                {"\xff", NULL, NULL},
                {"%c0%af", NULL, NULL},
                {"", "", ""},
                {"%41%", NULL, NULL}};
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int plus = 0; plus < 2; plus++) {
            struct belfry_str out;
            const char *expected = plus ? rows[i].query : rows[i].path;
            belfry_status status = percent_decode(arena, str_of(rows[i].in), plus, &out);
            if (expected ? status != BELFRY_OK || !str_eqz(out, expected) : status != BELFRY_EINVAL)
                fail_msg("%s plus %d: %d %.*s", rows[i].in, plus, status, STR_ARG(out));
        }
    struct belfry_str out;
    assert_int_equal(percent_decode(arena, str_slice("a\0b", 3), 0, &out), BELFRY_EINVAL);
    assert_int_equal(percent_decode(arena, str_slice("a%20\0b", 6), 0, &out), BELFRY_EINVAL);
    struct buf text = {0};
    percent_encode(&text, str_slice("a/b?c=%\0\xc3\xa4~", 11));
    assert_string_equal(text.ptr, "a%2Fb%3Fc%3D%25%00%C3%A4~");
    buf_free(&text);
    arena_free(arena);
}

/* --- queries and forms -------------------------------------------------------------------------------------------- */

static struct {
    const char *name;
    uint32_t index;
    const char *value; /* NULL: not found */
} wanted;

static void handle_wanted(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str value = {0};
    belfry_status status = req->pub.body.len ? http_form(req, wanted.name, wanted.index, &value)
                                             : http_query(req, wanted.name, wanted.index, &value);
    int same = wanted.value ? status == BELFRY_OK && str_eqz(value, wanted.value) : status != BELFRY_OK;
    http_respond(req, same ? 200 : 409, "text/plain", value, NULL, 0);
}

static void test_query_and_form(void **state)
{
    static const struct {
        const char *text, *name;
        uint32_t index;
        const char *value;
    } rows[] = {
        {"a=1&b=2", "a", 0, "1"},  {"a=1&b=2", "b", 0, "2"},  {"a=1&b=2", "c", 0, NULL},  {"a=1&a=2", "a", 1, "2"},
        {"a=1&a=2", "a", 2, NULL}, {"a", "a", 0, ""},         {"a=", "a", 0, ""},         {"=1", "a", 0, NULL},
        {"a=b=c", "a", 0, "b=c"},  {"%61=1", "a", 0, "1"},    {"a=%zz", "a", 0, NULL},    {"a=x+y%2B", "a", 0, "x y+"},
        {"&&a=1&&", "a", 0, "1"},  {"ab=1&a=2", "a", 0, "2"}, {"%zz=1&a=2", "a", 0, "2"}, {"A=1", "a", 0, NULL}};
    web_route(*state, "GET", "/q", "none", 0, handle_wanted, NULL);
    web_route(*state, "POST", "/q", "none", 1000, handle_wanted, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[200];
        wanted.name = rows[i].name;
        wanted.index = rows[i].index;
        wanted.value = rows[i].value;
        snprintf(target, sizeof(target), "/q?%s", rows[i].text);
        if (ask_status(*state, "GET", target, NULL, NULL) != 200)
            fail_msg("query %s", rows[i].text);
        if (ask_status(*state, "POST", "/q", "Content-Type: Application/x-www-form-urlencoded; charset=utf-8\r\n",
                       rows[i].text) != 200)
            fail_msg("form %s", rows[i].text);
    }
    wanted.value = NULL;
    assert_int_equal(ask_status(*state, "POST", "/q", "Content-Type: text/plain\r\n", "a=1"), 200);
}

/* No field is passed over: a form has few enough, or it is refused. */
static void test_form_of_many_fields(void **state)
{
    static const char type[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    struct buf form = {0};
    wanted.name = "last";
    wanted.index = 0;
    wanted.value = "1";
    web_route(*state, "POST", "/q", "none", 100000, handle_wanted, NULL);
    const struct http_route raw = {"POST", "/raw", "none", 100000, BELFRY_ROUTE_RAW, handle_wanted, NULL};
    struct error err = {0};
    assert_int_equal(http_routes_add(((struct web *)*state)->http, *state, &raw, 1, &err), BELFRY_OK);
    for (int i = 1; i < HTTP_FORM_MAX; i++)
        buf_addz(&form, "comment%3A0=&");
    buf_addz(&form, "last=1");
    assert_int_equal(ask_status(*state, "POST", "/q", type, form.ptr), 200);
    buf_addz(&form, "&one=more");
    assert_int_equal(ask_status(*state, "POST", "/q", type, form.ptr), 400);
    assert_int_equal(ask_status(*state, "POST", "/raw", type, form.ptr), 200); /* its sender knows what it is */
    wanted.value = NULL;
    assert_int_equal(ask_status(*state, "POST", "/q", "Content-Type: text/plain\r\n", form.ptr), 200);
    buf_free(&form);
}

static void handle_json(void *arg, struct http_request *req)
{
    (void)arg;
    json_t *doc = http_json(req);
    if (doc)
        http_respond_json(req, 200, json_incref(doc), NULL, 0);
}

static void test_json_bodies(void **state)
{
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"{\"a\":1}", 200},        {"{}", 200},   {"", 400},    {"[]", 400}, {"{", 400}, {"{\"a\":1,\"a\":2}", 400},
        {"{\"a\":\"\xff\"}", 400}, {"null", 400}, {"{} x", 400}};
    web_route(*state, "POST", "/json", "none", 1000, handle_json, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = ask_status(*state, "POST", "/json", NULL, rows[i].body);
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].body, status);
    }
}

static void test_escape(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {{"plain", "plain"},
                {"<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"},
                {"&amp;", "&amp;amp;"},
                {"\"\"\"\"", "&quot;&quot;&quot;&quot;"},
                {"", ""}};
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(str_eqz(http_escape(arena, str_of(rows[i].in)), rows[i].out));
    arena_free(arena);
}

static void test_problem_documents(void **state)
{
    (void)state;
    static const struct {
        belfry_status status;
        uint32_t http;
    } rows[] = {{BELFRY_EINVAL, 422},       {BELFRY_ECONFLICT, 409},
                {BELFRY_ENOTFOUND, 404},    {BELFRY_EPERM, 403},
                {BELFRY_EAGAIN, 503},       {BELFRY_ELIMIT, 413},
                {BELFRY_EUNSUPPORTED, 415}, {BELFRY_ECLOSED, 410},
                {BELFRY_EINTERNAL, 500},    {-99, 500}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(http_status_of(rows[i].status), rows[i].http);
    struct error err = {0};
    error_set(&err, BELFRY_ECONFLICT, "/data/by", "%s", "decided \"already\"");
    error_set(&err, BELFRY_ECONFLICT, NULL, "no place");
    error_attr(&err, "handled_by", "ann", 3);
    json_t *doc = http_problem_json(409, &err);
    char *text = json_dumps(doc, JSON_COMPACT);
    assert_string_equal(
        text, "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\"detail\":\"decided \\\"already\\\"\","
              "\"errors\":[{\"pointer\":\"/data/by\",\"detail\":\"decided \\\"already\\\"\"}],\"handled_by\":\"ann\"}");
    free(text);
    json_decref(doc);
    error_clear(&err);
}

/* --- assets ------------------------------------------------------------------------------------------------------- */

static void test_assets(void **state)
{
    struct web *w = *state;
    static char script[4000];
    memset(script, ' ', sizeof(script));
    memcpy(script, "export const a=1", 16);
    http_asset_add(w->http, "inbox/app.js", "text/javascript", script, sizeof(script));
    struct arena *arena = arena_new(0);
    const char *url = http_asset_url(w->http, arena, "inbox/app.js");
    struct answer a = ask(w, "GET", url, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, sizeof(script));
    assert_string_equal(head_value(a.head, "cache-control"), "public, max-age=31536000, immutable");
    assert_string_equal(head_value(a.head, "vary"), "Accept-Encoding");
    assert_null(head_value(a.head, "content-encoding"));
    assert_string_equal(head_value(a.head, "access-control-allow-origin"), "*"); /* a module of a page elsewhere */
    answer_free(&a);
    a = ask(w, "GET", url, "Accept-Encoding: br, GZip;q=0.5\r\n", NULL);
    assert_string_equal(head_value(a.head, "content-encoding"), "gzip");
    z_stream z = {0};
    static char plain[8000];
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)a.body;
    z.avail_in = (uInt)a.length;
    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof(plain);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_memory_equal(plain, script, sizeof(script));
    answer_free(&a);
    static const char *const none[] = {"Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: gzip; q=0.000\r\n",
                                       "Accept-Encoding: gzipped\r\n", "Accept-Encoding: br\r\n"};
    for (size_t i = 0; i < 4; i++) {
        a = ask(w, "GET", url, none[i], NULL);
        assert_null(head_value(a.head, "content-encoding"));
        answer_free(&a);
    }
    a = ask(w, "GET", "/assets/inbox/app.js", NULL, NULL); /* a bare name may mean another thing tomorrow */
    assert_string_equal(head_value(a.head, "cache-control"), "public, no-cache");
    char headers[8300];
    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", head_value(a.head, "etag"));
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", "/assets/inbox/app.js", headers, NULL), 304);
    a = ask(w, "GET", "/assets/inbox/app.js", NULL, NULL); /* a proxy that compresses makes it weak */
    snprintf(headers, sizeof(headers), "If-None-Match: \"x\", W/%s\r\n", head_value(a.head, "etag"));
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", "/assets/inbox/app.js", headers, NULL), 304);
    assert_int_equal(ask_status(w, "HEAD", url, NULL, NULL), 200);
    static const char *const missing[] = {"/assets/nothing", "/assets/../etc/passwd", "/assets/..%2F..%2Fetc%2Fpasswd",
                                          "/assets/inbox/..%2Fbell.svg", "/assets/inbox%2Fapp.js/x/y"};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
        assert_int_equal(ask_status(w, "GET", missing[i], NULL, NULL), 404);
    assert_int_equal(ask_status(w, "GET", "/favicon.ico", NULL, NULL), 200);
    http_asset_add(w->http, "inbox/app.js", "text/javascript", script, 100); /* a reload brings it again */
    a = ask(w, "GET", url, NULL, NULL);
    assert_int_equal(a.length, 100);
    assert_string_equal(head_value(a.head, "cache-control"),
                        "public, no-cache"); /* the old address names other bytes */
    answer_free(&a);
    arena_free(arena);
}

/* What `openssl dgst -sha256 -binary | base64` says of the bytes. */
static void test_integrity(void **state)
{
    struct web *w = *state;
    http_asset_add(w->http, "inbox/app.js", "text/javascript", "abc", 3);
    struct answer a = ask(w, "GET", "/assets/integrity.json", NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(head_value(a.head, "access-control-allow-origin"), "*");
    assert_string_equal(head_value(a.head, "cache-control"), "public, no-cache");
    assert_non_null(strstr(a.body, "\"inbox/app.js\":{\"url\":\"/assets/inbox/app.js?v=ba7816bf8f01cfea\","
                                   "\"integrity\":\"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\"}"));
    assert_non_null(strstr(a.body, "\"shell.css\""));
    answer_free(&a);
}

/* A style is served alone, and behind the shell's. */
static void test_joined_style(void **state)
{
    struct web *w = *state;
    static const char rule[] = ".row{color:red}";
    http_asset_add(w->http, "inbox/list.css", "text/css", rule, sizeof(rule) - 1);
    struct answer shell = ask(w, "GET", "/assets/shell.css", NULL, NULL);
    struct answer alone = ask(w, "GET", "/assets/inbox/list.css", NULL, NULL);
    struct answer both = ask(w, "GET", "/assets/inbox/list.page.css", NULL, NULL);
    assert_string_equal(alone.body, rule);
    assert_int_equal(both.length, shell.length + alone.length);
    assert_memory_equal(both.body, shell.body, shell.length);
    assert_string_equal(both.body + shell.length, rule);
    assert_int_equal(ask_status(w, "GET", "/assets/shell.page.css", NULL, NULL), 404);
    answer_free(&shell);
    answer_free(&alone);
    answer_free(&both);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static void handle_page(void *arg, struct http_request *req)
{
    (void)arg;
    static const char *const scripts[] = {"inbox/app.js", NULL};
    struct belfry_http_page page = {
        .struct_size = sizeof(page), .title = STR("<Title> & more"), .main = STR("<p>main</p>"), .scripts = scripts};
    http_page(req, &page);
}

static void test_page(void **state)
{
    struct web *w = *state;
    web_route(w, "GET", "/{org}/page", "person", 0, handle_page, NULL);
    char sub[] = "ann<b>";
    struct answer a = ask(w, "GET", "/acme/page", bearer_of(jwt_of(sub, "acme", ",\"locale\":\"de\\\"><x>\"")), NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "<title>&lt;Title&gt; &amp; more - Belfry</title>"));
    assert_non_null(strstr(a.body, "ann&lt;b&gt;"));
    assert_null(strstr(a.body, "<b>"));
    assert_null(strstr(a.body, "<x>"));
    assert_non_null(strstr(a.body, "<p>main</p>"));
    assert_non_null(strstr(a.body, "href=\"/acme/notifications\""));
    const char *csp = head_value(a.head, "content-security-policy");
    assert_non_null(strstr(csp, "default-src 'none'"));
    assert_null(strstr(csp, "unsafe"));
    assert_string_equal(head_value(a.head, "x-frame-options"), "DENY");
    assert_null(strstr(a.body, "style="));
    answer_free(&a);
}

static struct {
    const char *locale, *zone, *text;
} date;

static void handle_date(void *arg, struct http_request *req)
{
    (void)arg;
    req->pub.locale = str_of(date.locale);
    req->pub.timezone = str_of(date.zone);
    struct belfry_str text = http_datetime(req, INT64_C(1767225600000)); /* 2026-01-01T00:00Z */
    http_respond(req, 200, "text/plain", text, NULL, 0);
}

static void test_dates(void **state)
{
    static const struct {
        const char *locale, *zone, *text;
    } rows[] = {{"en", "UTC", "Jan 1, 2026, 12:00"},
                {"de", "Europe/Berlin", "01.01.2026, 01:00"},
                {"en-GB", "Asia/Tokyo", "1 Jan 2026, 09:00"},
                {"en", NULL, "Jan 1, 2026, 12:00"},
                {"en", "No/Where", "Jan 1, 2026, 12:00"},
                {"xx-nonsense", "UTC", "2026"},
                {"en", "A/Zone/With/A/Name/That/Is/Far/Too/Long/To/Be/One/In/Any/List/Of/Zones", "2026"}};
    web_route(*state, "GET", "/{org}/date", "none", 0, handle_date, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        date.locale = rows[i].locale;
        date.zone = rows[i].zone;
        for (int again = 0; again < 2; again++) {
            struct answer a = ask(*state, "GET", "/acme/date", NULL, NULL);
            if (!strstr(a.body, rows[i].text))
                fail_msg("%s %s: %s", rows[i].locale, rows[i].zone ? rows[i].zone : "-", a.body);
            answer_free(&a);
        }
    }
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void write_certificate(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
                               -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *f = fopen(cert_path, "we");
    PEM_write_X509(f, cert);
    fclose(f);
    f = fopen(key_path, "we");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Handshake, request, whole answer; returns the status, 0 when no handshake came about. */
static int ask_tls(struct web *w, SSL_CTX *ctx)
{
    struct talk *t = talk_open(w);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, t->fd);
    int rc = 0, status = 0, sent = 0;
    char text[4096] = "";
    size_t len = 0;
    for (int i = 0; i < TALK_TURNS && !strstr(text, "\r\n\r\n"); i++) {
        static const char request[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
        if (!SSL_is_init_finished(ssl))
            rc = SSL_connect(ssl);
        else if (!sent)
            sent = (rc = SSL_write(ssl, request, sizeof(request) - 1)) > 0;
        else if ((rc = SSL_read(ssl, text + len, (int)(sizeof(text) - 1 - len))) > 0)
            len += (size_t)rc;
        int why = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, rc);
        if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            break;
        talk_pump(t, POLLIN);
    }
    if (len > 9)
        status = atoi(text + 9);
    ERR_clear_error();
    SSL_free(ssl);
    talk_close(t);
    return status;
}

static void test_tls(void **state)
{
    struct web *w = *state;
    char cert[160], key[160], other[160], bound[128];
    struct error err = {0};
    snprintf(cert, sizeof(cert), "%s/cert.pem", w->b->dir);
    snprintf(key, sizeof(key), "%s/key.pem", w->b->dir);
    snprintf(other, sizeof(other), "%s/other.pem", w->b->dir);
    write_certificate(other, key);
    write_certificate(cert, key);
    web_route(w, "GET", "/echo", "none", 0, handle_echo, NULL);
    assert_int_equal(http_listen(w->http, "127.0.0.1:0", other, key, bound, &err), BELFRY_EINVAL);
    assert_non_null(strstr(error_text(&err), "belong together"));
    error_clear(&err);
    assert_int_equal(http_listen(w->http, "127.0.0.1:0", cert, key, bound, &err), BELFRY_OK);
    int plain = w->port;
    w->port = atoi(strrchr(bound, ':') + 1);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(ask_tls(w, ctx), 200);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    assert_int_equal(ask_tls(w, ctx), 200);
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    assert_int_equal(ask_tls(w, ctx), 0);
    SSL_CTX_free(ctx);
    assert_int_equal(ask_status(w, "GET", "/echo", NULL, NULL), 0); /* plain text at a TLS port */
    w->port = plain;
    unlink(cert);
    unlink(key);
    unlink(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router_order),
        cmocka_unit_test(test_router_methods),
        cmocka_unit_test(test_router_collisions),
        cmocka_unit_test(test_router_families),
        cmocka_unit_test(test_percent),
        cmocka_unit_test_setup_teardown(test_query_and_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form_of_many_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_bodies, setup, teardown),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_problem_documents),
        cmocka_unit_test_setup_teardown(test_assets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_joined_style, setup, teardown),
        cmocka_unit_test_setup_teardown(test_integrity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
