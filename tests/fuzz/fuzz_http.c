/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests from bytes: "METHOD TARGET", lines "name: value" up to an empty one, the body. They go through the hub's own
 * router, credential check, readers of query and form, and the door for sessions; only libmicrohttpd is left out. $JWT
 * and $COOKIE in an input stand for credentials of ann of acme that do count, so that what lies behind them is reached.
 *
 * Beyond not crashing: what is decoded is UTF-8 without NUL; nobody gets past a route's auth without the credential and
 * into no org but their own; a redirect leads to a path of ours or to the login page; every request has one answer.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1767225600000)
#define KEY "0123456789abcdef0123456789abcdef"
#define LOGIN "https://app.example/sso?next="
#define MAX_HEADERS 16

static const struct config_user users[] = {{.username = "ann"}};
static const struct config_org orgs[] = {{.name = "acme", .users = users, .user_count = 1}, {.name = "other"}};
static const struct config_token tokens[] = {
    {.name = "reader", .org = "acme", .secret = "read-secret", .secret_len = 11, .may = CONFIG_MAY_READ}};
static const struct config_key keys[] = {{KEY, sizeof(KEY) - 1}};
static const struct id_key id_key = {{1, 2, 3}};

static struct http *http;
static struct listener listener;
static struct conn conn;
static struct belfry_str jwt, cookie;

static void require(int holds)
{
    if (!holds)
        abort();
}

static int decoded_well(struct belfry_str s)
{
    return str_utf8_valid(s) && !memchr(s.ptr ? s.ptr : "", 0, s.len);
}

/* --- what handlers read ------------------------------------------------------------------------------------------- */

static void check_round_trip(struct arena *arena, struct belfry_str value)
{
    struct buf text = {0};
    struct belfry_str again;
    percent_encode(&text, value);
    require(percent_decode(arena, buf_str(&text), 1, &again) == BELFRY_OK && str_eq(again, value));
    buf_free(&text);
}

/* A cursor that is taken is one that the hub would write. */
static void check_cursor(struct belfry_str value)
{
    char text[ID_TEXT_SIZE];
    int64_t id;
    if (id_parse(&id_key, value, &id) != BELFRY_OK)
        return;
    id_format(&id_key, id, text);
    require(value.len == strlen(text) && head_is(value, text));
}

static void check_pairs(struct http_request *req)
{
    static const char *const names[] = {"before", "limit", "q", "severity", "next", "token"};
    struct belfry_str value;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (uint32_t k = 0; k < 3; k++) {
            if (http_query(req, names[i], k, &value) == BELFRY_OK) {
                require(decoded_well(value));
                check_round_trip(req->arena, value);
                check_cursor(value);
            }
            if (http_form(req, names[i], k, &value) == BELFRY_OK)
                require(decoded_well(value));
        }
}

static void handle(void *arg, struct http_request *req)
{
    (void)arg;
    check_pairs(req);
    if (!req->pub.body.len || http_json(req))
        http_respond_json(req, 200, json_object(), NULL, 0);
}

/* --- the server, without sockets ---------------------------------------------------------------------------------- */

static struct belfry_str make_jwt(void)
{
    struct buf text = {0}, claims = {0};
    uint8_t mac[32];
    buf_addf(&claims, "{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":%lld}", (long long)(NOW_MS / 1000 + 3600));
    base64_encode("{\"alg\":\"HS256\"}", 15, 1, &text);
    buf_addc(&text, '.');
    base64_encode(claims.ptr, claims.len, 1, &text);
    hmac_sha256(KEY, sizeof(KEY) - 1, text.ptr, text.len, mac);
    buf_addc(&text, '.');
    base64_encode(mac, sizeof(mac), 1, &text);
    buf_free(&claims);
    return buf_str(&text);
}

static void set_up(void)
{
    static uv_loop_t loop;
    static uint8_t secret[32] = {7};
    static struct config config = {.orgs = orgs,
                                   .org_count = 2,
                                   .tokens = tokens,
                                   .token_count = 1,
                                   .login_url = LOGIN "{next}",
                                   .jwt = {.hs256 = keys, .hs256_count = 1},
                                   .refs = 1};
    static const struct http_route routes[] = {
        {"GET", "/v1/{org}/notifications", "person", 0, 0, handle, NULL},
        {"GET", "/v1/{org}/notifications/count", "person", 0, 0, handle, NULL},
        {"GET", "/v1/{org}/notifications/{id}", "person", 0, 0, handle, NULL},
        {"POST", "/v1/{org}/notifications/{id}/read", "person", 1024, 0, handle, NULL},
        {"GET", "/{org}/n/{id}", "person", 0, 0, handle, NULL},
        {"GET", "/v1/{org}/events", "role:admin|token:read", 0, 0, handle, NULL},
        {"PUT", "/v1/{org}/users/{username}", "role:admin|token:users", 1024, 0, handle, NULL},
        {"POST", "/v1/admin/reload", "operator", 0, 0, handle, NULL},
    };
    struct clock_src *clock = clock_virtual_new(NOW_MS);
    struct http_settings set = {.loop = &loop, .clock = clock, .secret = secret};
    config.hub.limits.pending_bytes = 1 << 20;
    uv_loop_init(&loop);
    http = http_new(&set, NULL);
    require(http && http_routes_add(http, &http, routes, sizeof(routes) / sizeof(routes[0]), NULL) == BELFRY_OK);
    http_configure(http, &config);
    list_init(&conn.node);
    listener.http = conn.http = http;
    conn.listener = &listener;
    jwt = make_jwt();
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static struct belfry_str take_headers(struct request *r, struct belfry_str rest)
{
    struct belfry_attr *headers = arena_alloc(r->pub.arena, MAX_HEADERS * sizeof(*headers));
    size_t count = 0;
    while (rest.len > 0 && count < MAX_HEADERS) {
        struct belfry_str line = str_cut(rest, '\n', &rest);
        if (line.len == 0)
            break;
        headers[count].name = str_cut(line, ':', &headers[count].value);
        headers[count].value = str_trim(headers[count].value);
        count++;
    }
    r->pub.pub.headers = headers;
    r->pub.pub.header_count = count;
    r->pub.pub.content_type = http_header(&r->pub, "content-type");
    return rest;
}

static void check_redirect(struct request *r)
{
    const char *to = MHD_get_response_header(r->response, "Location");
    if (r->status != 303)
        return;
    require(to != NULL);
    if (head_begins(str_of(to), LOGIN)) {
        for (to += strlen(LOGIN); *to; to++)
            require(strchr("/?&=#+ \\<>\"'", *to) == NULL && *to > 0x20 && *to < 0x7f);
        return;
    }
    require(to[0] == '/' && to[1] != '/' && to[1] != '\\');
    for (; *to; to++)
        require(*to > 0x20 && *to < 0x7f && *to != '\\');
}

static void check_entered(const struct request *r, const struct route_entry *route)
{
    const struct belfry_principal *who = r->pub.pub.principal;
    struct belfry_str org = http_param(&r->pub, "org");
    require(!org.ptr || r->pub.org != NULL);
    if (strcmp(route->auth, "none") == 0)
        return;
    require(who && str_eqz(org, "acme") && strcmp(route->auth, "operator") != 0);
    require(who->kind == BELFRY_PRINCIPAL_PERSON ? str_eqz(who->name, "ann") : str_eqz(who->name, "reader"));
    require(strcmp(route->auth, "person") != 0 || who->kind == BELFRY_PRINCIPAL_PERSON);
}

static void enter(struct request *r, const struct route_entry *route)
{
    r->route = route;
    r->body_limit = route->route.body_limit;
    r->waiting = 1;
    auth_check(r);
    require(!r->waiting);
    if (r->state == REQUEST_ANSWERED)
        return;
    check_entered(r, route);
    r->state = REQUEST_HANDLING;
    r->in_handler = 1;
    route->route.handle(route->route.arg, &r->pub);
    r->in_handler = 0;
}

static void ask(struct belfry_str text)
{
    struct belfry_str rest, target, method = str_cut(str_cut(text, '\n', &rest), ' ', &target);
    struct belfry_attr *params = NULL;
    const char *allow = NULL;
    char *uri = xstrndup(target.ptr ? target.ptr : "", target.len);
    struct request *r = request_new(http, &conn, NULL, uri);
    struct belfry_http_request *pub = &r->pub.pub;
    free(uri);
    pub->method = arena_str(r->pub.arena, method);
    pub->body = take_headers(r, rest);
    check_pairs(&r->pub);
    const struct route_entry *route =
        router_find(&http->router, pub->method, pub->path, r->pub.arena, &params, &pub->param_count, &allow);
    pub->params = params;
    require(!route || !allow);
    if (route) {
        for (size_t i = 0; i < pub->param_count; i++)
            require(pub->params[i].value.len > 0 && decoded_well(pub->params[i].value));
        enter(r, route);
    } else {
        cors_preflight(r, allow ? allow : "GET");
    }
    require(r->state == REQUEST_ANSWERED && r->response);
    check_redirect(r);
    const char *set = cookie.len ? NULL : MHD_get_response_header(r->response, "Set-Cookie");
    if (set)
        cookie = str_of(xstrndup(set, strcspn(set, ";")));
    void *state = r;
    request_completed(http, &state);
    requests_reap(http);
}

/* --- from bytes --------------------------------------------------------------------------------------------------- */

static void add_expanded(struct buf *out, struct belfry_str text)
{
    while (text.len) {
        struct belfry_str rest;
        struct belfry_str plain = str_cut(text, '$', &rest);
        buf_add(out, plain.ptr, plain.len);
        text = rest;
        if (str_has_prefix(rest, STR("JWT"))) {
            buf_add(out, jwt.ptr, jwt.len);
            text = str_slice(rest.ptr + 3, rest.len - 3);
        } else if (str_has_prefix(rest, STR("COOKIE"))) {
            buf_add(out, cookie.ptr, cookie.len);
            text = str_slice(rest.ptr + 6, rest.len - 6);
        } else if (rest.ptr) {
            buf_addc(out, '$');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = {0};
    if (!http) {
        set_up();
        add_expanded(&text, STR("GET /acme/session?token=$JWT"));
        ask(buf_str(&text));
        require(cookie.len > 0);
        buf_clear(&text);
    }
    add_expanded(&text, str_slice((const char *)data, size));
    ask(buf_str(&text));
    buf_free(&text);
    return 0;
}
