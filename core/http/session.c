/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browser sessions: a cookie that holds the claims of a JWT, sealed with a key derived from hub.secret, so that a
 * session needs no row and survives a restart. It ends when the JWT would have, at sign-out (the browser forgets it),
 * or with a new hub.secret. How one begins is in signin.c.
 */
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "http/internal.h"

/* Name and value. libmicrohttpd keeps a request's cookies twice, in the 8 KiB that a connection has: with a browser's
 * own headers and an answer's, one of 3,000 bytes leaves no room for any answer. So there is some for other cookies of
 * the domain, too. */
#define COOKIE_MAX 2000

/* How long the cookie of a portal session outlives it. Who comes back then is an integrator, to be told that the
 * session has ended, and not to be sent to where the staff sign in. */
#define PORTAL_LINGERS_S (7 * 86400)

/* --- the cookie --------------------------------------------------------------------------------------------------- */

static int is_secure(const struct http *http)
{
    return http->config && http->config->hub.public_url && strncmp(http->config->hub.public_url, "https:", 6) == 0;
}

static const char *cookie_name(const struct http *http)
{
    return is_secure(http) ? "__Host-belfry" : "belfry";
}

static struct belfry_str cookie_value(const struct http_request *req)
{
    struct belfry_str rest = http_header(req, "cookie");
    const char *name = cookie_name(req->http);
    while (rest.len) {
        struct belfry_str value, pair = str_trim(str_cut(rest, ';', &rest)), key = str_cut(pair, '=', &value);
        if (str_eqz(key, name))
            return value;
    }
    return (struct belfry_str){0};
}

json_t *session_claims_json(const struct jwt_claims *c)
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
    if (c->portal.maker.len) {
        json_set_str(doc, "j", c->jti);
        json_set_str(doc, "pm", c->portal.maker);
        json_set_str(doc, "pp", c->portal.proof);
        json_set_str(doc, "po", c->portal.owner);
    }
    return doc;
}

void session_claims_read(struct arena *arena, const json_t *doc, struct jwt_claims *c)
{
    *c = (struct jwt_claims){.sub = arena_str(arena, json_str(json_object_get(doc, "s"))),
                             .org = arena_str(arena, json_str(json_object_get(doc, "o"))),
                             .name = arena_str(arena, json_str(json_object_get(doc, "n"))),
                             .locale = arena_str(arena, json_str(json_object_get(doc, "l"))),
                             .zoneinfo = arena_str(arena, json_str(json_object_get(doc, "z"))),
                             .jti = arena_str(arena, json_str(json_object_get(doc, "j"))),
                             .portal = {arena_str(arena, json_str(json_object_get(doc, "pm"))),
                                        arena_str(arena, json_str(json_object_get(doc, "pp"))),
                                        arena_str(arena, json_str(json_object_get(doc, "po")))},
                             .exp_ms = json_integer_value(json_object_get(doc, "e"))};
    json_t *roles = json_object_get(doc, "r"), *role;
    struct belfry_str *items = arena_alloc(arena, (json_array_size(roles) + 1) * sizeof(*items));
    size_t i;
    json_array_foreach(roles, i, role) items[i] = arena_str(arena, json_str(role));
    c->roles = (struct belfry_strs){items, json_array_size(roles)};
    c->has_roles = roles != NULL;
}

belfry_status session_read(struct request *r, struct jwt_claims *claims)
{
    struct http *http = r->pub.http;
    struct belfry_str value = cookie_value(&r->pub);
    struct buf sealed = {0}, plain = {0};
    belfry_status status = BELFRY_ENOTFOUND;
    if (value.len && value.len < 2 * COOKIE_MAX && base64_decode(value, 1, &sealed) == BELFRY_OK &&
        unseal(http->session_key, buf_str(&sealed), STR("session"), &plain) == BELFRY_OK) {
        json_t *doc = json_read(buf_str(&plain), NULL);
        session_claims_read(r->pub.arena, doc, claims);
        json_decref(doc);
        status = claims->exp_ms > clock_now_ms(http->set.clock) ? BELFRY_OK : BELFRY_ECLOSED;
    }
    buf_free(&sealed);
    buf_free(&plain);
    return status;
}

const char *session_seal(struct request *r, json_t *doc, struct belfry_str purpose)
{
    struct buf plain = {0}, sealed = {0}, text = {0};
    json_write(doc, &plain);
    json_decref(doc);
    seal(r->pub.http->session_key, buf_str(&plain), purpose, &sealed);
    base64_encode(sealed.ptr, sealed.len, 1, &text);
    const char *copy = arena_strndup(r->pub.arena, text.ptr, text.len);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&text);
    return copy;
}

const char *session_cookie(struct request *r, const struct jwt_claims *claims)
{
    struct http *http = r->pub.http;
    const char *name = cookie_name(http), *secure = is_secure(http) ? "; Secure" : "";
    if (!claims)
        return arena_printf(r->pub.arena, "%s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax%s", name, secure);
    const char *value = session_seal(r, session_claims_json(claims), STR("session"));
    if (strlen(name) + strlen(value) > COOKIE_MAX)
        return NULL;
    int64_t left = (claims->exp_ms - clock_now_ms(http->set.clock)) / 1000;
    if (claims->portal.maker.len)
        left = (left > 0 ? left : 0) + PORTAL_LINGERS_S;
    return arena_printf(r->pub.arena, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", name, value,
                        (long long)(left > 0 ? left : 0), secure);
}

int session_same_origin(struct request *r)
{
    struct belfry_str site = http_header(&r->pub, "sec-fetch-site"), origin = http_header(&r->pub, "origin");
    if (site.len)
        return str_eqz(site, "same-origin");
    if (r->pub.config->hub.public_url && str_eqz(origin, r->pub.config->hub.public_url))
        return 1;
    struct belfry_str host = http_header(&r->pub, "host");
    const char *scheme = is_secure(r->pub.http) ? "https://" : "http://";
    if (!origin.len || !host.len || !str_has_prefix(origin, str_of(scheme)))
        return 0;
    size_t skip = strlen(scheme);
    return str_eq(str_slice(origin.ptr + skip, origin.len - skip), host);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* The cookie is sealed with a nonce, so no two sessions have the same. */
uint64_t http_session_id(const struct http_request *req)
{
    struct belfry_str value = cookie_value(req);
    struct id_key key;
    memcpy(&key, req->http->session_key, sizeof(key));
    return value.len ? siphash(&key, value.ptr, value.len) : 0;
}

void http_on_sign_out(struct http *http, void (*fn)(void *arg, uint64_t session), void *arg)
{
    http->signed_out = fn;
    http->signed_out_arg = arg;
}

void session_left(const struct http_request *req)
{
    uint64_t session = http_session_id(req);
    if (session && req->http->signed_out)
        req->http->signed_out(req->http->signed_out_arg, session);
}

/* --- redirects ---------------------------------------------------------------------------------------------------- */

void session_to_login(struct request *r, const char *login_url)
{
    struct buf out = {0};
    const char *hole = strstr(login_url, "{next}");
    buf_add(&out, login_url, hole ? (size_t)(hole - login_url) : strlen(login_url));
    if (hole) {
        struct belfry_str query = r->pub.pub.query;
        char *here =
            arena_printf(r->pub.arena, "%.*s%s%.*s", STR_ARG(r->pub.pub.path), query.len ? "?" : "", STR_ARG(query));
        percent_encode(&out, str_of(here));
        buf_addz(&out, hole + strlen("{next}"));
    }
    http_redirect(&r->pub, 303, out.ptr);
    buf_free(&out);
}

void session_signed_out_page(struct request *r)
{
    struct belfry_http_page page = {
        .struct_size = sizeof(page), .status = 401, .title = http_text(&r->pub, "signed_out.title")};
    page_answer(&r->pub, &page, "signed_out", json_object(), NULL, 0);
}
