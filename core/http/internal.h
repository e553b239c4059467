/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the http room only. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "http/http.h"

#include <microhttpd.h>

/* --- one listener: a socket and its daemon ---------------------------------------------------------------------------- */

struct listener {
    struct list node;
    struct http *http;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_idle_t again; /* the daemon has work left that no descriptor will announce */
    int fd, control;
    int closing;
    char *unlink_path;
};

/* --- one connection: its deadline for the next whole request ------------------------------------------------------------- */

struct conn {
    struct list node; /* in http.conns, by deadline; unlinked while a request is answered */
    struct http *http;
    struct MHD_Connection *mhd;
    struct listener *listener;
    uint64_t deadline_ns;
    int fd;
};

/* --- routes ------------------------------------------------------------------------------------------------------------------ */

struct route_entry {
    struct list node;
    const void *owner;
    struct http_route route;
    char *pattern, *method, *auth;
    struct belfry_str *segments; /* a parameter begins with '{' */
    size_t segment_count;
    uint32_t literals; /* how many segments are no parameter: more goes first */
};

struct router {
    struct list routes; /* most literal first */
};

void router_init(struct router *router);
void router_fini(struct router *router);
belfry_status router_add(struct router *router, const void *owner, const struct http_route *route, struct error *err);
void router_remove(struct router *router, const void *owner);
/* The entry for method and path, with params in arena. NULL and *allow (methods of the path, comma separated, NULL when
 * the path is unknown). */
const struct route_entry *router_find(const struct router *router, struct belfry_str method, struct belfry_str path,
                                      struct arena *arena, struct belfry_attr **params, size_t *param_count,
                                      const char **allow);
/* One round of percent-decoding; EINVAL for bad escapes, NUL and invalid UTF-8. plus: '+' is a space. In arena. */
belfry_status percent_decode(struct arena *arena, struct belfry_str s, int plus, struct belfry_str *out);
void percent_encode(struct buf *out, struct belfry_str s);

/* --- one request ------------------------------------------------------------------------------------------------------------- */

enum request_state { REQUEST_READING, REQUEST_HANDLING, REQUEST_ANSWERED };

struct stream;

struct request {
    struct http_request pub; /* first: the public part */
    struct list node;        /* in http.open or http.spare */
    struct conn *conn;
    struct MHD_Connection *mhd;
    const struct route_entry *route; /* may be gone while handled: only used before */
    enum request_state state;
    int begun; /* headers were looked at */
    int suspended, in_handler, gone; /* gone: the client left; the answer is dropped */
    struct buf body;
    int64_t body_limit;
    struct MHD_Response *response;
    uint32_t status;
    struct stream *stream;
    json_t *json;
};

struct token_index;
struct jwt_cache;

struct http {
    struct http_settings set;
    struct config *config;
    struct router router;
    struct list listeners, conns, open, spare;
    size_t spare_count, open_count;
    struct hash *by_id;
    uint64_t next_id;
    size_t body_bytes; /* buffered over all requests */
    uint64_t connections;
    uv_timer_t sweep;
    struct token_index *tokens;
    struct jwt_cache *jwts;
    struct hash *assets;
    uint8_t session_key[32];
    int stopping;
    uint64_t stop_deadline_ns;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static inline struct request *request_of(const struct http_request *req)
{
    return (struct request *)(void *)req->impl;
}

/* server.c: goes on with a suspended connection on the next turn. */
void listener_resume(struct listener *listener, struct MHD_Connection *mhd);

/* request.c */
struct request *request_new(struct http *http, struct conn *conn, struct MHD_Connection *mhd, const char *uri);
enum MHD_Result request_access(struct request *r, const char *method, const char *upload, size_t *upload_size);
void request_completed(struct http *http, void **state);
void request_answer(struct request *r, uint32_t status, struct MHD_Response *response);

/* auth.c: fills principal, token, org of the request; 0 or the status that was answered through http_problem. */
int auth_check(struct request *r, const struct route_entry *route);
void auth_configure(struct http *http);
void auth_free(struct http *http);

/* jwt.c */
struct jwt_claims {
    struct belfry_str sub, org, name, email, locale, zoneinfo, jti;
    struct belfry_strs roles;
    int64_t exp_ms;
    int has_roles;
};
/* Verifies a compact JWS (RFC 7515, RFC 7519) with the keys for the org that it names. In arena. 0 or EPERM with err. */
belfry_status jwt_verify(struct http *http, struct arena *arena, struct belfry_str token, struct jwt_claims *claims,
                         struct error *err);

void jwt_cache_free(struct http *http);

/* session.c */
/* 303 to auth.login_url with {next}; the page that says so without one. */
void session_to_login(struct request *r, const char *login_url);
void session_signed_out_page(struct request *r);
/* The claims of the session cookie, or ENOTFOUND. */
belfry_status session_read(struct request *r, struct jwt_claims *claims);
/* Is a write by cookie from our own page? */
int session_same_origin(struct request *r);

/* stream.c */
void stream_closed(struct request *r);

/* asset.c */
belfry_status assets_init(struct http *http, struct error *err);
void assets_free(struct http *http);
/* page.c */
belfry_status pages_init(struct http *http, struct error *err);

#endif
