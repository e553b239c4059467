/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP server: libmicrohttpd polled by libuv through its epoll descriptor, one thread (the loop). Requests are read
 * whole (bodies over 64 KiB are parsed on a worker), checked (route, method, credential, org), then handed to a
 * handler, which answers now or later.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "template/pages.h"

#include <belfry/host.h>
#include <uv.h>

struct http;

struct http_settings {
    uv_loop_t *loop;
    struct clock_src *clock;
    struct store *store;
    struct store_readers *readers;
    struct ledger *ledger;
    const uint8_t *secret; /* hub.secret, 32 bytes */
};

struct http *http_new(const struct http_settings *settings, struct error *err);
/* Binds "ADDR:PORT" ("[::1]:0" takes a free port) or "unix:PATH" (0600; callers over it are the operator, no token).
 * With a certificate and key (PEM paths) it speaks TLS. The bound address as text in `bound`. */
belfry_status http_listen(struct http *http, const char *address, const char *cert, const char *key, char bound[128],
                          struct error *err);
/* The configuration that requests are checked against from now on. Keeps a reference. */
void http_configure(struct http *http, struct config *config);
/* Stops accepting, ends streams, waits up to wait_ms until what is under way was answered; done once. */
void http_stop(struct http *http, int64_t wait_ms, void (*done)(void *arg), void *arg);
/* Closes. Whoever could still answer a request by pointer must have ended before (readers, ledger). */
void http_free(struct http *http);

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* A session that a portal link opened speaks for whoever made the link: a token, or a person who is an admin. */
enum http_portal { HTTP_NO_PORTAL, HTTP_PORTAL_OF_TOKEN, HTTP_PORTAL_OF_PERSON };

/* A request in a handler's hands. pub is what plugins see; pub.impl is this. Lives until answered. */
struct http_request {
    struct belfry_http_request pub;
    struct http *http;
    struct arena *arena;
    const struct config_token *token; /* principal is a token; one that stands in for it, in a portal session */
    enum http_portal portal;
    const struct config_org *org; /* NULL for routes without {org} */
    struct config *config;        /* of this request; a reference */
    int operator_socket;          /* came over the control socket */
    int local;                    /* peer is loopback or the socket, and no Forwarded, X-Forwarded-*, Via */
    int64_t session_expires_ms;
    struct belfry_str roles_hash; /* of the person, the effective roles and the language, for entity tags */
    int roles_claimed;            /* the JWT names them; else they are the directory's */
    void *impl;
};

/* Who asks, for the audit: "person:ann", "token:crm", "operator"; in a portal session "token:crm/OWNER" or, when a
 * person made its link, "portal:ann/OWNER" ("/OWNER" when it has one). In the request's arena. [loop] */
struct belfry_str http_who(struct http_request *req);
/* Keeps a request's memory beyond its end, for what a reader still looks at; each hold is let go of once. [loop] */
void http_hold(struct http_request *req);
void http_let_go(struct http_request *req);

/*
 * auth: "none", "person", "token:<may>", "role:<role>", joined with "|"; "token:trigger" means trigger:<{source}>;
 * "operator". Checks in this order: unknown path 404, wrong method 405 with Allow, no or bad credential 401, other or
 * unknown org 404, not allowed 403 naming what is needed.
 */
#define HTTP_BODY_REQUEST (-1) /* as body_limit: hub.limits.request_bytes */
struct http_route {
    const char *method, *pattern, *auth;
    int64_t body_limit; /* bytes; 0: no body */
    uint32_t flags;     /* BELFRY_ROUTE_RAW */
    void (*handle)(void *arg, struct http_request *req);
    void *arg;
};
/* Adds routes; ECONFLICT naming both when a method and pattern collide. owner: for removal. */
belfry_status http_routes_add(struct http *http, const void *owner, const struct http_route *routes, size_t count,
                              struct error *err);
/* Owners of one family may have the same route below {org}, each for orgs of its own: serves() gets the route's arg,
 * meet() those of two and is 1 when there is an org that both serve. */
struct http_family {
    const char *name; /* lives as long as the routes */
    int (*serves)(void *arg, struct belfry_str org);
    int (*meet)(const void *one, const void *other);
};
belfry_status http_routes_add_shared(struct http *http, const void *owner, const struct http_route *route,
                                     const struct http_family *family, struct error *err);
void http_routes_remove(struct http *http, const void *owner);
/* 1 when something answers this method at this path. */
int http_route_is(const struct http *http, const char *method, const char *path);
/* Calls fn for each route there is, in the order in which they are tried. */
void http_routes_each(const struct http *http, void (*fn)(void *arg, const struct http_route *route), void *arg);
/* Another number after each change of the routes. */
uint64_t http_routes_version(const struct http *http);
/* Answers what this owner's handlers still owe with 503 and ends its streams without calling back. For an owner that is
 * about to go; its routes were removed before. */
void http_requests_drop(struct http *http, const void *owner);
/* The owner of the route that took the request. */
const void *http_request_owner(const struct http_request *req);
/* The API's part of the directory changed: what is remembered of people is asked again. Before the change is answered.
 */
void http_people_changed(struct http *http);
/* The same when one person changed what they chose. */
void http_person_changed(struct http *http, struct belfry_str org, struct belfry_str username);
/* Names the session of the request's cookie, as long as it is open; 0 without a cookie. */
uint64_t http_session_id(const struct http_request *req);
/* fn is called when a browser leaves a session, by signing out or for another one. fn NULL: no more. */
void http_on_sign_out(struct http *http, void (*fn)(void *arg, uint64_t session), void *arg);

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The body is copied. headers: NULL-terminated pairs "name", "value" may be NULL. Each once a request. */
void http_respond(struct http_request *req, uint32_t status, const char *content_type, struct belfry_str body,
                  const struct belfry_attr *headers, size_t header_count);
/* Takes the reference. */
void http_respond_json(struct http_request *req, uint32_t status, json_t *body, const struct belfry_attr *headers,
                       size_t header_count);
/* RFC 9457. pointer NULL: none. */
void http_problem(struct http_request *req, uint32_t status, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* With all faults and attributes of err; status from err->status when 0. */
void http_problem_error(struct http_request *req, uint32_t status, const struct error *err);
/* The same document as JSON, for items of a batch. New reference. */
json_t *http_problem_json(uint32_t status, const struct error *err);
/* 422 EINVAL, 409 ECONFLICT, 404 ENOTFOUND, 403 EPERM, 503 EAGAIN, 413 ELIMIT, 415 EUNSUPPORTED, 410 ECLOSED, else 500
 */
uint32_t http_status_of(belfry_status status);
/* The page shell: doctype, head with strict CSP (no inline), navigation, main. Escapes title; main is HTML. */
void http_page(struct http_request *req, const struct belfry_http_page *page);
/* The same with one of the shell's own templates over the model, which is taken. page->main is not looked at. */
void http_page_of(struct http_request *req, const struct belfry_http_page *page, const char *name, json_t *model);
void http_redirect(struct http_request *req, uint32_t status, const char *location);

/*
 * Streams (SSE, export): as in belfry.http-route/1. begin: ECLOSED when the client has left or the request was
 * answered; then nothing is called. Otherwise closed() comes once, on a later turn. write: EAGAIN when the client is
 * slow; the data was taken, more should wait for drain(). One that is a megabyte behind is cut off: ECLOSED.
 */
belfry_status http_begin(struct http_request *req, const struct belfry_http_response *head, void (*drain)(void *arg),
                         void (*closed)(void *arg), void *arg);
belfry_status http_write(struct http_request *req, struct belfry_str data);
void http_end(struct http_request *req);
/* Ends a stream so that the client learns that it is not whole. */
void http_cut(struct http_request *req);

/* --- asking the hub's own API ------------------------------------------------------------------------------------- */

/*
 * A page shows what the API says. So it asks, without a socket: the same routes, the same check of the same caller (who
 * may do less than the page thinks gets 403 here as well), the same handlers; only the answer goes to the page.
 */
struct http_question {
    const char *method, *target; /* "/v1/acme/events?limit=20" */
    json_t *body;                /* NULL: none; the reference is taken */
    const char *if_match;        /* an entity tag, quotes and all; NULL: whatever there is */
    uint32_t status;             /* of the answer */
    json_t *answer;              /* borrowed, as long as the request; NULL: no JSON came */
};
/*
 * Asks them all at once. done(arg) comes once when the last is answered, perhaps before this returns; and never when
 * req itself has ended meanwhile, so that what it needs may live in req's arena. `questions` has to live there. What is
 * asked for cannot ask further, and cannot be a stream: 500. Whether req may change anything was judged with req: the
 * handler of a GET asks for no change.
 */
void http_ask(struct http_request *req, struct http_question *questions, size_t count, void (*done)(void *arg),
              void *arg);

/* --- reading requests --------------------------------------------------------------------------------------------- */

/* Percent-decoded query parameter / form field, i-th occurrence; ENOTFOUND. In the request's arena. */
belfry_status http_query(struct http_request *req, const char *name, uint32_t index, struct belfry_str *out);
belfry_status http_form(struct http_request *req, const char *name, uint32_t index, struct belfry_str *out);
struct belfry_str http_header(const struct http_request *req, const char *name);
/* 1 when If-None-Match has this entity tag, quotes and all, strong or weak (RFC 9110 section 13.1.2): the answer is 304
 * then. */
int http_has_tag(const struct http_request *req, struct belfry_str tag);
struct belfry_str http_param(const struct http_request *req, const char *name);
/* The body as JSON object, or NULL after a problem was answered. Borrowed, lives as long as the request. */
json_t *http_json(struct http_request *req);
/* Appends text as a segment of a path or a value of a query. */
void percent_encode(struct buf *out, struct belfry_str text);
struct belfry_str http_escape(struct arena *arena, struct belfry_str text);
int http_has_role(const struct http_request *req, struct belfry_str role);
/* 1 for a local request (loopback or socket, no forwarding header) or one with auth.metrics_token. */
int http_metrics_allowed(const struct http_request *req);
/* An open request by its id (pub.id); NULL when it was answered. */
struct http_request *http_request_find(struct http *http, uint64_t id);
/* The text of a message key in the request's language; the key itself when unknown. */
struct belfry_str http_text(struct http_request *req, const char *key);
/* How long ago, in words; from a week on, and for what lies ahead, http_datetime(). In the request's arena. */
struct belfry_str http_ago(struct http_request *req, int64_t ms);
/* The zone by which http_datetime() writes. As long as the request. */
struct belfry_str http_zone(const struct http_request *req);
/* Date and time for people, in the request's locale and zone (ICU). In the request's arena. */
struct belfry_str http_datetime(struct http_request *req, int64_t ms);

/* --- assets ------------------------------------------------------------------------------------------------------- */

/* Served at /assets/<name>?v=<hash> with a long life, and compressed when asked; bytes live as long as the process. */
belfry_status http_asset_add(struct http *http, const char *name, const char *content_type, const void *bytes,
                             size_t size);
int http_asset_has(const struct http *http, const char *name);
/* The URL with the content hash. In arena. */
const char *http_asset_url(struct http *http, struct arena *arena, const char *name);

/* --- built in: triggers, sessions --------------------------------------------------------------------------------- */

/* POST /v1/{org}/sources/{source}/triggers; /{org}/session and /{org}/session/end. Called by http_new. */
belfry_status http_triggers_init(struct http *http, struct error *err);
/* Triggers that came another way count as those that were posted. */
void http_triggers_count(struct http *http, const char *source, size_t accepted, size_t duplicate, size_t refused);
belfry_status http_sessions_init(struct http *http, struct error *err);
/* A signed one-time link target for `belfry login-link`: "/{org}/session?token=...". In arena. */
const char *http_login_path(struct http *http, struct arena *arena, struct belfry_str org, struct belfry_str user,
                            int64_t ttl_ms);

/*
 * The target of a link that opens, once and until expires_ms, a session for the org's endpoints, which ends then, too;
 * and before that with the right of whoever asks: a token that left the configuration, has another secret or may no
 * longer, a person who is no admin any more. owner: whose endpoints, below the one that asks; empty: as they may. For a
 * token or a signed-in person, and no portal session. In the request's arena. [loop]
 */
const char *http_portal_path(struct http_request *req, struct belfry_str owner, int64_t expires_ms);

/* The key set of an auth.jwt.jwks URL, as the hub fetched it. Copies the reference. */
void http_jwks_put(struct http *http, const char *where, json_t *keys);

/* --- numbers ------------------------------------------------------------------------------------------------------ */
uint64_t http_open_connections(const struct http *http);

#endif
