/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browser sessions. /{org}/session takes a JWT once (when it has a jti) and sets a cookie: the claims, sealed with a key
 * derived from hub.secret, so a session needs no row and survives a restart. It ends when the JWT would have, at sign-out
 * (the browser forgets it), or with a new hub.secret.
 *
 * The token is in a query or a form: neither is ever logged, the answer says no-store and no-referrer.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"
#include "store/sessions.h"

#include <stdio.h>
#include <strings.h>

#define COOKIE_MAX 6144

/* --- the cookie --------------------------------------------------------------------------------------------------------- */

static int is_secure(const struct http *http)
{
    return http->config && http->config->hub.public_url && strncmp(http->config->hub.public_url, "https:", 6) == 0;
}

static const char *cookie_name(const struct http *http)
{
    return is_secure(http) ? "__Host-belfry" : "belfry";
}

static struct belfry_str cookie_value(struct request *r)
{
    struct belfry_str rest = http_header(&r->pub, "cookie");
    const char *name = cookie_name(r->pub.http);
    while (rest.len) {
        struct belfry_str value, pair = str_trim(str_cut(rest, ';', &rest)), key = str_cut(pair, '=', &value);
        if (str_eqz(key, name))
            return value;
    }
    return (struct belfry_str){0};
}

static json_t *claims_json(const struct jwt_claims *c)
{
    json_t *doc = json_object(), *roles = json_array();
    json_set_str(doc, "s", c->sub);
    json_set_str(doc, "o", c->org);
    json_set_str(doc, "n", c->name);
    json_set_str(doc, "l", c->locale);
    json_set_str(doc, "z", c->zoneinfo);
    json_object_set_new(doc, "e", json_integer(c->exp_ms));
    for (size_t i = 0; i < c->roles.count; i++)
        json_array_append_new(roles, json_stringn(c->roles.items[i].ptr, c->roles.items[i].len));
    if (c->has_roles)
        json_object_set(doc, "r", roles);
    json_decref(roles);
    return doc;
}

static void claims_read(struct arena *arena, const json_t *doc, struct jwt_claims *c)
{
    *c = (struct jwt_claims){.sub = arena_str(arena, json_str(json_object_get(doc, "s"))),
                             .org = arena_str(arena, json_str(json_object_get(doc, "o"))),
                             .name = arena_str(arena, json_str(json_object_get(doc, "n"))),
                             .locale = arena_str(arena, json_str(json_object_get(doc, "l"))),
                             .zoneinfo = arena_str(arena, json_str(json_object_get(doc, "z"))),
                             .exp_ms = json_integer_value(json_object_get(doc, "e"))};
    json_t *roles = json_object_get(doc, "r"), *role;
    struct belfry_str *items = arena_alloc(arena, (json_array_size(roles) + 1) * sizeof(*items));
    size_t i;
    json_array_foreach(roles, i, role)
        items[i] = arena_str(arena, json_str(role));
    c->roles = (struct belfry_strs){items, json_array_size(roles)};
    c->has_roles = roles != NULL;
}

belfry_status session_read(struct request *r, struct jwt_claims *claims)
{
    struct http *http = r->pub.http;
    struct belfry_str value = cookie_value(r);
    struct buf sealed = {0}, plain = {0};
    belfry_status status = BELFRY_ENOTFOUND;
    if (value.len && value.len <= COOKIE_MAX && base64_decode(value, 1, &sealed) == BELFRY_OK &&
        unseal(http->session_key, buf_str(&sealed), STR("session"), &plain) == BELFRY_OK) {
        json_t *doc = json_read(buf_str(&plain), NULL);
        claims_read(r->pub.arena, doc, claims);
        json_decref(doc);
        if (claims->exp_ms > clock_now_ms(http->set.clock))
            status = BELFRY_OK;
    }
    buf_free(&sealed);
    buf_free(&plain);
    return status;
}

static const char *cookie_header(struct request *r, const struct jwt_claims *claims)
{
    struct http *http = r->pub.http;
    if (!claims)
        return arena_printf(r->pub.arena, "%s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax%s", cookie_name(http),
                            is_secure(http) ? "; Secure" : "");
    struct buf plain = {0}, sealed = {0}, text = {0};
    json_t *doc = claims_json(claims);
    json_write(doc, &plain);
    json_decref(doc);
    seal(http->session_key, buf_str(&plain), STR("session"), &sealed);
    base64_encode(sealed.ptr, sealed.len, 1, &text);
    int64_t left = (claims->exp_ms - clock_now_ms(http->set.clock)) / 1000;
    const char *header = arena_printf(r->pub.arena, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
                                      cookie_name(http), text.ptr, (long long)(left > 0 ? left : 0),
                                      is_secure(http) ? "; Secure" : "");
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&text);
    return header;
}

int session_same_origin(struct request *r)
{
    struct belfry_str site = http_header(&r->pub, "sec-fetch-site"), origin = http_header(&r->pub, "origin");
    if (site.len)
        return str_eqz(site, "same-origin");
    struct belfry_str host = http_header(&r->pub, "host");
    const char *scheme = is_secure(r->pub.http) ? "https://" : "http://";
    if (!origin.len || !host.len || !str_has_prefix(origin, str_of(scheme)))
        return 0;
    size_t skip = strlen(scheme);
    return str_eq(str_slice(origin.ptr + skip, origin.len - skip), host);
}

/* --- redirects ------------------------------------------------------------------------------------------------------------ */

/* One leading slash, our own origin, nothing that a browser would read as another host. */
static int next_valid(struct belfry_str next)
{
    if (next.len == 0 || next.ptr[0] != '/' || (next.len > 1 && next.ptr[1] == '/'))
        return 0;
    for (size_t i = 0; i < next.len; i++)
        if ((unsigned char)next.ptr[i] <= 0x20 || next.ptr[i] == 0x7f || next.ptr[i] == '\\')
            return 0;
    return 1;
}

void session_to_login(struct request *r, const char *login_url)
{
    struct buf out = {0};
    const char *hole = strstr(login_url, "{next}");
    buf_add(&out, login_url, hole ? (size_t)(hole - login_url) : strlen(login_url));
    if (hole) {
        struct belfry_str query = r->pub.pub.query;
        char *here = arena_printf(r->pub.arena, "%.*s%s%.*s", STR_ARG(r->pub.pub.path), query.len ? "?" : "",
                                  STR_ARG(query));
        percent_encode(&out, str_of(here));
        buf_addz(&out, hole + strlen("{next}"));
    }
    http_redirect(&r->pub, 303, out.ptr);
    buf_free(&out);
}

void session_signed_out_page(struct request *r)
{
    struct belfry_http_page page = {.struct_size = sizeof(page),
                                    .status = 401,
                                    .title = http_text(&r->pub, "signed_out.title"),
                                    .main = STR("")};
    char *html = arena_printf(r->pub.arena, "<h1>%.*s</h1><p>%.*s</p>", STR_ARG(page.title),
                              STR_ARG(http_text(&r->pub, "signed_out.text")));
    page.main = str_of(html);
    http_page(&r->pub, &page);
}

/* --- opening ------------------------------------------------------------------------------------------------------------------ */

struct opening {
    struct ledger_command command;
    struct http_request *req;
    struct jwt_claims claims;
    struct belfry_str next;
    uint8_t key[32];
    int fresh;
};

static void open_now(struct http_request *req, const struct jwt_claims *claims, struct belfry_str next)
{
    struct belfry_attr headers[] = {{STR("Set-Cookie"), str_of(cookie_header(request_of(req), claims))},
                                    {STR("Location"), next},
                                    {STR("Referrer-Policy"), STR("no-referrer")}};
    http_respond(req, 303, NULL, (struct belfry_str){0}, headers, 3);
}

static belfry_status run_once(struct ledger_command *command, struct ledger_txn *txn)
{
    struct opening *o = (struct opening *)(void *)command;
    o->fresh = store_jti_use(ledger_txn_conn(txn), str_slice((const char *)o->key, sizeof(o->key)), o->claims.exp_ms);
    return BELFRY_OK;
}

static void done_once(struct ledger_command *command, belfry_status status)
{
    struct opening *o = (struct opening *)(void *)command;
    if (status != BELFRY_OK)
        http_problem(o->req, 503, NULL, "the session could not be opened now; try again");
    else if (!o->fresh)
        http_problem(o->req, 401, NULL, "this sign-in link was used already; ask for a new one");
    else
        open_now(o->req, &o->claims, o->next);
    free(o);
}

/* A JWT with jti works once: the id is noted before the cookie is given. */
static void open_once(struct http_request *req, const struct jwt_claims *claims, struct belfry_str next)
{
    struct opening *o = xcalloc(1, sizeof(*o));
    o->command.run = run_once;
    o->command.done = done_once;
    o->req = req;
    o->claims = *claims;
    o->next = next;
    char *text = arena_printf(req->arena, "%.*s\n%.*s", STR_ARG(claims->org), STR_ARG(claims->jti));
    sha256(text, strlen(text), o->key);
    if (ledger_submit(req->http->set.ledger, &o->command) == BELFRY_OK)
        return;
    http_problem(req, 503, NULL, "the session could not be opened now; try again");
    free(o);
}

/* A page that is signed in as somebody else asks first: a link must not swap the person behind an open page. */
static void ask_first(struct http_request *req, const struct jwt_claims *now, const struct jwt_claims *wanted,
                      struct belfry_str token, struct belfry_str next)
{
    struct arena *a = req->arena;
    char *html = arena_printf(
        a,
        "<h1>%.*s</h1><p>%.*s <strong>%.*s</strong>.</p><form method=\"post\"><input type=\"hidden\" name=\"token\""
        " value=\"%.*s\"><input type=\"hidden\" name=\"next\" value=\"%.*s\"><input type=\"hidden\" name=\"switch\""
        " value=\"yes\"><button>%.*s %.*s</button></form>",
        STR_ARG(http_text(req, "switch.title")), STR_ARG(http_text(req, "switch.now")),
        STR_ARG(http_escape(a, now->sub)), STR_ARG(http_escape(a, token)), STR_ARG(http_escape(a, next)),
        STR_ARG(http_text(req, "switch.button")), STR_ARG(http_escape(a, wanted->sub)));
    struct belfry_http_page page = {
        .struct_size = sizeof(page), .status = 200, .title = http_text(req, "switch.title"), .main = str_of(html)};
    http_page(req, &page);
}

static void open_with(struct http_request *req, struct belfry_str token, struct belfry_str next, int may_switch)
{
    struct belfry_str org = http_param(req, "org");
    if (!next.len)
        next = str_of(arena_printf(req->arena, "/%.*s/notifications", STR_ARG(org)));
    if (!next_valid(next)) {
        http_problem(req, 400, NULL, "`next` must be a path of this hub: one leading slash, no backslash, no spaces");
        return;
    }
    struct jwt_claims claims = {0}, now = {0};
    struct error err = {0};
    if (jwt_verify(req->http, req->arena, token, &claims, &err) != BELFRY_OK) {
        http_problem(req, 401, NULL, "%s", error_text(&err));
        error_clear(&err);
        return;
    }
    if (!str_eq(claims.org, org) || !config_org(req->config, org)) {
        http_problem(req, 404, NULL, "there is nothing at this path");
        return;
    }
    if (!may_switch && session_read(request_of(req), &now) == BELFRY_OK && !str_eq(now.sub, claims.sub))
        ask_first(req, &now, &claims, token, next);
    else if (claims.jti.len)
        open_once(req, &claims, next);
    else
        open_now(req, &claims, next);
}

static void get_session(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str token = {0}, next = {0};
    if (http_query(req, "token", 0, &token) != BELFRY_OK) {
        http_problem(req, 400, NULL, "the query needs `token`, a JWT");
        return;
    }
    http_query(req, "next", 0, &next);
    open_with(req, token, next, 0);
}

static void post_session(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str token = {0}, next = {0}, yes = {0};
    if (http_form(req, "token", 0, &token) != BELFRY_OK) {
        http_problem(req, 400, NULL, "the form needs the field `token`, a JWT");
        return;
    }
    http_form(req, "next", 0, &next);
    int may_switch = http_form(req, "switch", 0, &yes) == BELFRY_OK && session_same_origin(request_of(req));
    open_with(req, token, next, may_switch);
}

static void end_session(void *arg, struct http_request *req)
{
    (void)arg;
    if (!session_same_origin(request_of(req))) {
        http_problem(req, 403, NULL, "signing out must come from one of our own pages");
        return;
    }
    struct belfry_str org = http_param(req, "org");
    struct belfry_attr headers[] = {
        {STR("Set-Cookie"), str_of(cookie_header(request_of(req), NULL))},
        {STR("Location"), str_of(arena_printf(req->arena, "/%.*s/notifications", STR_ARG(org)))},
        {STR("Clear-Site-Data"), STR("\"cache\"")}};
    http_respond(req, 303, NULL, (struct belfry_str){0}, headers, 3);
}

const char *http_login_path(struct http *http, struct arena *arena, struct belfry_str org, struct belfry_str user,
                            int64_t ttl_ms)
{
    uint8_t derived[32], mac[32], jti[16];
    struct buf text = {0}, body = {0};
    key_derive(http->set.secret, "login-link", derived);
    random_bytes(jti, sizeof(jti));
    json_t *doc = json_object();
    json_set_str(doc, "sub", user);
    json_set_str(doc, "org", org);
    struct buf id = {0};
    hex_encode(jti, sizeof(jti), &id);
    json_set_str(doc, "jti", buf_str(&id));
    json_object_set_new(doc, "exp", json_integer((clock_now_ms(http->set.clock) + ttl_ms) / 1000));
    json_write(doc, &body);
    json_decref(doc);
    base64_encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", 27, 1, &text);
    buf_addc(&text, '.');
    base64_encode(body.ptr, body.len, 1, &text);
    hmac_sha256(derived, sizeof(derived), text.ptr, text.len, mac);
    mem_wipe(derived, sizeof(derived));
    buf_addc(&text, '.');
    base64_encode(mac, sizeof(mac), 1, &text);
    const char *path = arena_printf(arena, "/%.*s/session?token=%s", STR_ARG(org), text.ptr);
    buf_free(&id);
    buf_free(&text);
    buf_free(&body);
    return path;
}

belfry_status http_sessions_init(struct http *http, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/{org}/session", "none", 0, 0, get_session, http},
        {"POST", "/{org}/session", "none", 16 << 10, 0, post_session, http},
        {"POST", "/{org}/session/end", "none", 1 << 10, 0, end_session, http},
    };
    return http_routes_add(http, http, routes, 3, err);
}
