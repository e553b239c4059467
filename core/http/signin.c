/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /{org}/session: a JWT becomes a session, once when it has a jti.
 *
 * A link must not swap the person behind an open page, so a browser that is signed in as somebody else is asked first.
 * A form that another site posts comes without our cookie (SameSite=Lax); it is sent on to a GET, which has it. What
 * was verified travels on that way, and through the question, as a ticket: sealed, good for ten minutes, for this use
 * only.
 *
 * Tokens and tickets are in a query or a form: neither is ever logged, the answers say no-store and no-referrer.
 */
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "http/internal.h"
#include "store/sessions.h"

#include <stdio.h>

#define TICKET_LIFE_MS 600000

/* --- where to go next --------------------------------------------------------------------------------------------- */

/* One leading slash, our own origin, nothing that a browser would read as another host. */
static int next_valid(struct belfry_str next)
{
    if (next.len == 0 || next.ptr[0] != '/' || (next.len > 1 && next.ptr[1] == '/'))
        return 0;
    for (size_t i = 0; i < next.len; i++)
        if ((unsigned char)next.ptr[i] < 0x20 || next.ptr[i] == 0x7f || next.ptr[i] == '\\')
            return 0;
    return 1;
}

/* As a Location may hold it: spaces and what is not ASCII are encoded again. */
static struct belfry_str as_location(struct arena *arena, struct belfry_str next)
{
    struct buf out = {0};
    for (size_t i = 0; i < next.len; i++) {
        unsigned char c = (unsigned char)next.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>^`{|}", c))
            buf_addf(&out, "%%%02X", c);
        else
            buf_addc(&out, (char)c);
    }
    struct belfry_str copy = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

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
    const char *cookie = session_cookie(request_of(req), claims);
    if (!cookie) {
        http_problem(req, 400, NULL,
                     "the JWT says more than fits into a session cookie; give it fewer or shorter roles");
        return;
    }
    struct belfry_attr headers[] = {{STR("Set-Cookie"), str_of(cookie)},
                                    {STR("Location"), as_location(req->arena, next)},
                                    {STR("Referrer-Policy"), STR("no-referrer")}};
    session_left(req);
    http_respond(req, 303, NULL, (struct belfry_str){0}, headers, 3);
}

static belfry_status run_once(struct ledger_command *command, struct ledger_txn *txn)
{
    struct opening *o = (struct opening *)(void *)command;
    o->fresh = store_jti_use(ledger_txn_conn(txn), str_slice((const char *)o->key, sizeof(o->key)),
                             o->claims.exp_ms + JWT_LEEWAY_MS);
    return BELFRY_OK;
}

static void done_once(struct ledger_command *command, belfry_status status)
{
    struct opening *o = (struct opening *)(void *)command;
    if (status != BELFRY_OK)
        http_problem(o->req, 503, NULL, "the session could not be opened now; try again");
    else if (!o->fresh && o->claims.portal.maker.len)
        portal_over_page(request_of(o->req), "used");
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

/* --- tickets: what was verified, on its way through the browser --------------------------------------------------- */

static const char *ticket_make(struct http_request *req, const struct jwt_claims *claims, struct belfry_str next)
{
    json_t *doc = session_claims_json(claims);
    json_set_str(doc, "j", claims->jti);
    json_set_str(doc, "next", next);
    json_object_set_new(doc, "until", json_integer(clock_now_ms(req->http->set.clock) + TICKET_LIFE_MS));
    return session_seal(request_of(req), doc, STR("ticket"));
}

static int ticket_read(struct http_request *req, struct belfry_str text, struct jwt_claims *claims,
                       struct belfry_str *next)
{
    struct buf sealed = {0}, plain = {0};
    int ok = 0;
    if (base64_decode(text, 1, &sealed) == BELFRY_OK &&
        unseal(req->http->session_key, buf_str(&sealed), STR("ticket"), &plain) == BELFRY_OK) {
        json_t *doc = json_read(buf_str(&plain), NULL);
        session_claims_read(req->arena, doc, claims);
        *next = arena_str(req->arena, json_str(json_object_get(doc, "next")));
        ok = json_integer_value(json_object_get(doc, "until")) > clock_now_ms(req->http->set.clock);
        json_decref(doc);
    }
    buf_free(&sealed);
    buf_free(&plain);
    return ok;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

/* Where who is signed in by these claims is at home. In the request's arena. */
static const char *home_of(struct http_request *req, struct belfry_str org, const struct jwt_claims *claims)
{
    /* an org's name needs no escaping */
    return arena_printf(req->arena, "/%.*s/%s", STR_ARG(org), claims->portal.maker.len ? "endpoints" : "notifications");
}

static int is_same_person(const struct jwt_claims *a, const struct jwt_claims *b)
{
    return str_eq(a->sub, b->sub) && str_eq(a->org, b->org) && str_eq(a->portal.maker, b->portal.maker);
}

static void ask_first(struct http_request *req, const struct jwt_claims *now, const struct jwt_claims *wanted,
                      struct belfry_str next)
{
    struct belfry_http_page page = {
        .struct_size = sizeof(page), .status = 200, .title = http_text(req, "switch.title")};
    json_t *model = json_object();
    json_set_str(model, "now", now->sub);
    json_set_str(model, "stay", str_of(home_of(req, now->org, now)));
    json_set_str(model, "wanted", wanted->sub);
    json_set_str(model, "org", wanted->org);
    json_set_str(model, "ticket", str_of(ticket_make(req, wanted, next)));
    page_answer(req, &page, "switch", model, NULL, 0);
}

/* Posted by another site: our cookie did not come along, but it will with a GET. */
static int from_elsewhere(struct http_request *req)
{
    int browser = http_header(req, "sec-fetch-site").len || http_header(req, "origin").len;
    return browser && str_eqz(req->pub.method, "POST") && !session_same_origin(request_of(req));
}

static void enter(struct http_request *req, const struct jwt_claims *claims, struct belfry_str next, int may_switch)
{
    struct belfry_str org = http_param(req, "org");
    struct jwt_claims now = {0};
    int signed_in = session_read(request_of(req), &now) == BELFRY_OK;
    if (!str_eq(claims->org, org))
        http_problem(req, 404, NULL, "there is nothing at this path");
    else if (claims->exp_ms <= clock_now_ms(req->http->set.clock) && claims->portal.maker.len)
        portal_over_page(request_of(req), "expired");
    else if (claims->exp_ms <= clock_now_ms(req->http->set.clock))
        http_problem(req, 401, NULL, "the JWT has expired");
    else if (signed_in && claims->portal.maker.len && str_eq(now.jti, claims->jti))
        http_redirect(req, 303, next.ptr); /* the link of this very session, opened again by whoever has it */
    else if (!may_switch && !signed_in && from_elsewhere(req))
        http_redirect(
            req, 303,
            arena_printf(req->arena, "/%.*s/session?ticket=%s", STR_ARG(org), ticket_make(req, claims, next)));
    else if (!may_switch && signed_in && !is_same_person(&now, claims))
        ask_first(req, &now, claims, next);
    else if (claims->jti.len)
        open_once(req, claims, next);
    else
        open_now(req, claims, next);
}

static void on_token(struct request *r, belfry_status status, const struct jwt_claims *claims, const struct error *err,
                     void *arg)
{
    const struct belfry_str *next = arg;
    if (status == BELFRY_OK)
        enter(&r->pub, claims, *next, 0);
    else
        http_problem(&r->pub, status == BELFRY_EAGAIN ? 503 : 401, NULL, "%s", error_text(err));
}

static void enter_with_token(struct http_request *req, struct belfry_str token, struct belfry_str next)
{
    if (!next.len)
        next = str_of(arena_printf(req->arena, "/%.*s/notifications", STR_ARG(http_param(req, "org"))));
    if (!next_valid(next)) {
        http_problem(req, 400, NULL,
                     "`next` must be a path of this hub: one leading slash, no backslash, no control "
                     "characters");
        return;
    }
    jwt_verify(request_of(req), token, on_token, arena_memdup(req->arena, &next, sizeof(next)));
}

static void enter_with_ticket(struct http_request *req, struct belfry_str ticket, int may_switch)
{
    struct jwt_claims claims = {0};
    struct belfry_str next = {0};
    if (ticket_read(req, ticket, &claims, &next))
        enter(req, &claims, next, may_switch);
    else
        http_problem(req, 401, NULL, "this question has expired; open the link again");
}

static void enter_with_link(struct http_request *req, struct belfry_str text)
{
    struct jwt_claims claims = {0};
    if (portal_link_read(req, text, &claims) == BELFRY_OK)
        enter(req, &claims, str_of(home_of(req, claims.org, &claims)), 0);
    else
        portal_over_page(request_of(req), "unknown");
}

static void get_session(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str token = {0}, next = {0};
    if ((req->pub.flags & BELFRY_HTTP_HEAD) || head_begins(http_header(req, "sec-purpose"), "prefetch")) {
        http_respond(req, 204, NULL, (struct belfry_str){0}, NULL, 0); /* looking ahead must not use up the token */
        return;
    }
    if (http_query(req, "next", 0, &next) == BELFRY_EINVAL)
        next = STR("%"); /* what cannot be decoded is refused, not passed over */
    if (http_query(req, "token", 0, &token) == BELFRY_OK)
        enter_with_token(req, token, next);
    else if (http_query(req, "ticket", 0, &token) == BELFRY_OK)
        enter_with_ticket(req, token, 0);
    else if (http_query(req, "portal", 0, &token) == BELFRY_OK)
        enter_with_link(req, token);
    else
        http_problem(req, 400, NULL, "the query needs `token`, a JWT");
}

static void post_session(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_str token = {0}, next = {0};
    if (http_form(req, "next", 0, &next) == BELFRY_EINVAL)
        next = STR("%"); /* what cannot be decoded is refused, not passed over */
    if (http_form(req, "token", 0, &token) == BELFRY_OK)
        enter_with_token(req, token, next);
    else if (http_form(req, "ticket", 0, &token) == BELFRY_OK)
        enter_with_ticket(req, token, session_same_origin(request_of(req)));
    else
        http_problem(req, 400, NULL, "the form needs the field `token`, a JWT");
}

static void end_session(void *arg, struct http_request *req)
{
    (void)arg;
    if (!session_same_origin(request_of(req))) {
        http_problem(req, 403, NULL, "signing out must come from one of our own pages");
        return;
    }
    struct jwt_claims claims = {0};
    belfry_status status = session_read(request_of(req), &claims);
    int portal = (status == BELFRY_OK || status == BELFRY_ECLOSED) && claims.portal.maker.len;
    if (portal && status == BELFRY_OK)
        claims.exp_ms = clock_now_ms(req->http->set.clock);
    const char *cookie = session_cookie(request_of(req), portal ? &claims : NULL);
    struct belfry_attr headers[] = {{STR("Set-Cookie"), str_of(cookie)},
                                    {STR("Location"), str_of(home_of(req, http_param(req, "org"), &claims))},
                                    {STR("Clear-Site-Data"), STR("\"cache\"")}};
    session_left(req);
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
    json_object_set_new(doc, JWT_LINK, json_true());
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
        {"POST", "/{org}/session", "none", 32 << 10, 0, post_session, http},
        {"POST", "/{org}/session/end", "none", 1 << 10, 0, end_session, http},
    };
    return http_routes_add(http, http, routes, 3, err);
}
