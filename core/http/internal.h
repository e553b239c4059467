/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the http room only. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "http/http.h"

#include <microhttpd.h>

/* --- one listener: a socket and its daemon ------------------------------------------------------------------------ */

struct listener {
    struct list node;
    struct http *http;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_idle_t again; /* the daemon has work left that no descriptor will announce */
    uv_timer_t spun; /* the same, after so many turns in which nothing came of it */
    unsigned idle_turns;
    int fd, control;
    int closing;
    char *unlink_path, *cert, *key;
};

/* --- one connection: its deadline for the next whole request ------------------------------------------------------ */

struct conn {
    struct list node; /* in http.conns, by deadline; unlinked while a request is answered */
    struct http *http;
    struct MHD_Connection *mhd;
    struct listener *listener;
    uint64_t deadline_ns;
    int fd;
    char peer[46]; /* its address as text, once somebody asked (INET6_ADDRSTRLEN) */
};

/* --- routes ------------------------------------------------------------------------------------------------------- */

struct route_entry {
    struct list node;
    const void *owner;
    struct http_route route;
    char *pattern, *method, *auth;
    struct belfry_str *segments; /* a parameter begins with '{' */
    size_t segment_count;
    struct http_family family; /* name NULL: the route is its owner's alone */
    uint32_t literals;         /* how many segments are no parameter: more goes first */
};

struct router {
    struct list routes; /* most literal first */
};

void router_init(struct router *router);
void router_fini(struct router *router);
/* family: NULL for a route that is one owner's alone. */
belfry_status router_add(struct router *router, const void *owner, const struct http_route *route,
                         const struct http_family *family, struct error *err);
void router_remove(struct router *router, const void *owner);
/* The entry for method and path, with params in arena. NULL and *allow (methods of the path, comma separated, NULL when
 * the path is unknown). */
const struct route_entry *router_find(const struct router *router, struct belfry_str method, struct belfry_str path,
                                      struct arena *arena, struct belfry_attr **params, size_t *param_count,
                                      const char **allow);
/* One round of percent-decoding; EINVAL for bad escapes, NUL and invalid UTF-8. plus: '+' is a space. In arena. */
belfry_status percent_decode(struct arena *arena, struct belfry_str s, int plus, struct belfry_str *out);

/* --- one request -------------------------------------------------------------------------------------------------- */

enum request_state { REQUEST_READING, REQUEST_HANDLING, REQUEST_ANSWERED };

struct stream;
struct ask;

struct request {
    struct http_request pub; /* first: the public part */
    struct list node;        /* in http.open, http.dead or http.spare */
    struct conn *conn;       /* NULL once the client has gone */
    struct MHD_Connection *mhd;
    const struct route_entry *route; /* until the handler is called; NULL when it was removed meanwhile */
    const char *passed;              /* the auth that the credential was checked against, once the route was removed */
    const void *owner;               /* of the route */
    enum request_state state;
    int begun;       /* headers were looked at */
    int waiting;     /* the credential is checked elsewhere; suspended meanwhile */
    int comes_again; /* libmicrohttpd repeats its call with the headers after that suspension */
    int expects;     /* the client holds the body back until it is asked for it (Expect: 100-continue) */
    uint32_t holds;  /* a request that has ended is freed when there are none */
    int suspended, in_handler, gone; /* gone: the client left; the answer is dropped */
    int unframed;      /* where the body ends is in doubt: what follows on the connection is not read as a request */
    int64_t announced; /* Content-Length; -1: unknown, the body is chunked */
    int64_t dropped;   /* bytes of the body that came after the answer was known */
    struct buf body;
    int64_t body_limit;
    struct belfry_str origin; /* of hub.allowed_origins, when the request names one */
    struct MHD_Response *response;
    uint32_t status;
    struct stream *stream;
    struct ask *ask; /* asked from inside: no connection, and the answer goes there */
    json_t *json;
    void *date_format; /* ICU's, for this request's locale and zone; the arena closes it */
};

struct token_index;
struct jwt_cache;
struct people;

struct http {
    struct http_settings set;
    struct config *config;
    struct router router;
    uint64_t routes_version;
    struct list listeners, conns, open, spare;
    struct list dead; /* requests that have ended; freed when nobody can be looking at them */
    size_t spare_count, open_count;
    struct hash *by_id;
    uint64_t next_id;
    size_t body_bytes; /* buffered over all requests */
    uint64_t connections;
    uv_timer_t sweep;
    struct token_index *tokens;
    struct jwt_cache *jwts;
    struct hash *jwks;       /* key sets by path or URL */
    uint64_t jwks_looked_ns; /* when files were last looked at */
    struct people *people;
    struct hash *assets;
    struct pages *pages;   /* the hub's own templates and texts */
    struct hash *counters; /* of sources */
    uint8_t session_key[32];
    uint32_t jobs; /* on workers and readers; the memory of this struct waits for them */
    int stopping, closed, handle_closed;
    uint32_t sweeps;
    uint64_t stop_began_ns, stop_deadline_ns;
    void (*stopped)(void *arg);
    void *stopped_arg;
    void (*signed_out)(void *arg, uint64_t session);
    void *signed_out_arg;
};

static inline struct request *request_of(const struct http_request *req)
{
    return (struct request *)(void *)req->impl;
}

/* server.c: the client has REQUEST_WAIT from now on for its next whole request. */
void conn_wait(struct conn *conn);
/* Goes on with a suspended connection on the next turn. */
void listener_resume(struct listener *listener, struct MHD_Connection *mhd);

/* The memory of http goes when it was freed, its handle is closed and no job is left. */
void http_unref(struct http *http);
/* What is due at this instant (monotonic ns): slow connections, gone clients of streams, memory. Called every second.
 */
void http_sweep(struct http *http, uint64_t now_ns);

/* request.c */
struct request *request_new(struct http *http, struct conn *conn, struct MHD_Connection *mhd, const char *uri);
enum MHD_Result request_access(struct request *r, const char *method, const char *upload, size_t *upload_size);
void request_completed(struct http *http, void **state);
void request_answer(struct request *r, uint32_t status, struct MHD_Response *response);
/* An open request with its id, no path and no connection yet. */
struct request *request_take(struct http *http);
/* Finds what the path leads to: 0, or -1 when the request was answered. */
int request_route(struct request *r);
/* Calls the handler of the route; the body is whole. */
void request_handle(struct request *r);
/* Notes the answer: 0, or -1 when there was one. */
int request_answered(struct request *r, uint32_t status);
/* Something is asked elsewhere for this request: http_request_find() finds it when the answer comes, unless it ended.
 */
void request_park(struct request *r);
/* The credential was accepted (nothing is answered yet) or refused (the answer is given): go on. */
void request_judged(struct request *r);
/* Frees requests that have ended. Not while one is in anybody's hands. */
void requests_reap(struct http *http);

/* head.c: the header section. 0, or -1 when the request was answered. */
int head_read(struct request *r, const char *method);
int head_length_fits(struct request *r);
/* Of a body that is whole: 0, or -1 when it is a form with too many fields, and that was answered. */
int head_form_fits(struct request *r);
/* Equal without case; `lower` is in lower case. */
int head_is(struct belfry_str text, const char *lower);
int head_begins(struct belfry_str text, const char *lower);

/* cors.c */
/* Notes the origin when it is allowed. */
void cors_read(struct request *r);
/* Answers OPTIONS for a path that takes the methods of `allow`. */
void cors_preflight(struct request *r, const char *allow);
/* Adds what a page of another origin needs to read the answer. */
void cors_add(const struct request *r, struct MHD_Response *response);

/* handshake.c: what a sender of webhooks that asks first is told, in the request's arena. Returns how many. */
size_t handshake_headers(const struct request *r, struct belfry_attr headers[2]);

#define HTTP_QUERY_MAX 256 /* parameters of a query; one with more is refused */
#define HTTP_FORM_MAX 600  /* fields of a form, the same: 200 rows of the inbox have two each, its filters a hundred */
int http_is_form(const struct http_request *req);
/* respond.c: a header with a name or value that HTTP does not allow is left out. */
void response_add(struct MHD_Response *response, struct belfry_str name, struct belfry_str value);

/* auth.c: fills principal, token, org of the request, or answers; then request_judged(), now or on a later turn. */
void auth_check(struct request *r);
/* The same for what is asked on behalf of a request that was judged; nothing of `parent` is borrowed. May answer. */
void auth_inherit(struct request *r, const struct request *parent);
/* ask.c: takes the answer of a request with `ask`. */
void ask_answer(struct request *r, uint32_t status, struct belfry_str body);
/* A token's triggers of this minute, for hub.limits.per_token_rate. */
void auth_count_triggers(struct request *r, size_t count);
void auth_configure(struct http *http);
void auth_free(struct http *http);

/* people.c: rows of people, kept in memory once they were asked for. */
struct known_person {
    int found; /* in the API's part of the directory, which says the next three */
    struct belfry_strs roles;
    struct belfry_str locale, timezone;
    struct belfry_str own_locale, own_timezone; /* what anybody chose for themself */
    int no_shortcuts;
};
/* fn(r, person, arg) at once or on a later turn, never when the request has ended; person NULL: cannot be read now. */
void people_find(struct request *r, struct belfry_str org, struct belfry_str username,
                 void (*fn)(struct request *r, const struct known_person *person, void *arg), void *arg);
void people_free(struct http *http);

/* page.c: answers with a template of the shell's in the shell. Takes the model over. At most two headers are added. */
void page_answer(struct http_request *req, const struct belfry_http_page *page, const char *name, json_t *model,
                 const struct belfry_attr *headers, size_t header_count);
/* fault.c: answers a browser that asked for a page with one. 0: it is no browser, or no page. */
int fault_page(struct http_request *req, uint32_t status, const struct error *err, const struct belfry_attr *headers,
               size_t header_count);

/* language.c: the locale of the request, from Accept-Language; and from who they are, where that says one. */
void language_of_browser(struct request *r);
void language_of_person(struct request *r, struct belfry_str claimed, const struct known_person *known);
/* The best of an Accept-Language header that texts has a catalogue for, as "de-AT"; "en" when there is none. In arena.
 */
struct belfry_str language_accepted(const struct texts *texts, struct belfry_str wishes, struct arena *arena);
/* A tag of BCP 47 as far as anything is done with it; claims come from outside and end up in pages. */
int language_is_locale(struct belfry_str s);

/* words.c: the locale (as texts_locale) that numbers and times of a page are written by. In arena. */
struct belfry_str words_locale(struct http_request *req);

/* What a portal session is about, beside its org, its id and its end; maker empty: it is no such session. */
struct portal_claims {
    struct belfry_str maker; /* of its link: "token:crm-app", "person:ann" */
    struct belfry_str proof; /* of the token's secret; of a person: "claimed" when a JWT said the roles */
    struct belfry_str owner;
};

/* jwt.c */
struct jwt_claims {
    struct belfry_str sub, org, name, email, locale, zoneinfo, jti;
    struct belfry_strs roles;
    int64_t exp_ms;
    int has_roles;
    int link; /* of `belfry login-link`: opens a session, and nothing else */
    struct portal_claims portal;
};
#define JWT_LEEWAY_MS 60000
#define JWT_LINK "belfry_link" /* the claim that says so */
/*
 * Verifies a compact JWS (RFC 7515, RFC 7519) with the keys for the org that it names, RSA and ECDSA on a worker. fn(r,
 * 0, claims, NULL, arg) with the claims in the request's arena, or with EPERM or EAGAIN and what is wrong: at once or
 * on a later turn; never when the request has ended.
 */
typedef void (*jwt_fn)(struct request *r, belfry_status status, const struct jwt_claims *claims,
                       const struct error *err, void *arg);
void jwt_verify(struct request *r, struct belfry_str token, jwt_fn fn, void *arg);
/* Forgets what was verified; keys that were fetched stay. */
void jwt_forget(struct http *http);
void jwt_free(struct http *http);

/* jwks.c */
/* The set of a path or URL, {"keys":[...]}, borrowed; NULL: not at hand. */
json_t *jwks_get(struct http *http, const char *where);
/* Looks at files that were read before, once a second, so that a key that was taken out ends what it signed. */
void jwks_look(struct http *http);
/* Adds copies of the keys of a set (may be NULL) that may check this algorithm; kid NULL: the token names none. */
void jwks_pick(json_t *out, const json_t *set, const char *alg, const char *kid);
/* Does one of the keys check the signature of this compact JWS? [worker] */
int jwks_verify(const json_t *keys, struct belfry_str token);
void jwks_sets_free(struct http *http);

/* session.c */
/* 303 to auth.login_url with {next}; the page that says so without one. */
void session_to_login(struct request *r, const char *login_url);
void session_signed_out_page(struct request *r);
/* The claims of the session cookie; ECLOSED: of a session that has ended; ENOTFOUND: there is none. */
belfry_status session_read(struct request *r, struct jwt_claims *claims);
/* Is a write by cookie from our own page? */
int session_same_origin(struct request *r);
/* Tells who wanted to know that the browser leaves the session of its cookie. */
void session_left(const struct http_request *req);
/* Set-Cookie for these claims, in the request's arena; NULL when they are too many for a cookie. claims NULL: the
 * header that ends a session. One of a portal link stays behind when it has ended, so that its page can say so. */
const char *session_cookie(struct request *r, const struct jwt_claims *claims);
/* Sealed for a purpose, as text for a cookie or a query, in the request's arena. Takes the reference. */
const char *session_seal(struct request *r, json_t *doc, struct belfry_str purpose);
json_t *session_claims_json(const struct jwt_claims *claims);
void session_claims_read(struct arena *arena, const json_t *doc, struct jwt_claims *claims);

/* portal.c */
/* The claims of a link that http_portal_path() made: 0, or EINVAL. It may have expired. */
belfry_status portal_link_read(struct http_request *req, struct belfry_str text, struct jwt_claims *claims);
/* Who asks in such a session, or that it has ended: fn(r, token, arg) at once or on a later turn, never when the
 * request has ended. token stands in for the maker of the link and is in the request's arena; NULL: the maker is gone,
 * or may no longer. r->pub.portal is set. */
void portal_find(struct request *r, const struct jwt_claims *claims,
                 void (*fn)(struct request *r, const struct config_token *token, void *arg), void *arg);
/* Is this a page that portal links lead to? */
int portal_is_page(struct belfry_str path);
/* Answers that there is no session (any more), and where one comes from: 401. what: a key of `portal`. */
void portal_over_page(struct request *r, const char *what);

/* stream.c */
void stream_closed(struct request *r);
/* Nothing more is written to it: what is only whole when its writer says so is cut. */
void stream_give_up(struct request *r);
/* The owner is gone, too: nothing is called any more. */
void stream_abandon(struct request *r);
/* Ends it when its client has left without a word. */
void stream_probe(struct request *r);

/* triggers.c */
void triggers_free(struct http *http);
/* Counters for the sources of the configuration in force. */
void triggers_configure(struct http *http);
/* asset.c */
#define SHELL_STYLE "shell.css"
/* The name under which a style (x.css) is served behind the shell's, in one file: x.page.css. In arena. */
const char *http_asset_joined(struct arena *arena, const char *style);
belfry_status assets_init(struct http *http, struct error *err);
void assets_free(struct http *http);
/* page.c */
belfry_status pages_init(struct http *http, struct error *err);

#endif
