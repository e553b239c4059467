/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints over the API, shared between the files of the hub room that serve them. All [loop]. */
#ifndef HUB_ENDPOINTS_H
#define HUB_ENDPOINTS_H

#include "dispatch/endpoints.h"
#include "hub/internal.h"
#include "store/queue.h"

/* --- one as it is now --------------------------------------------------------------------------------------------- */

struct hub_endpoint {
    struct dispatch_target_view view; /* everything it points to is in the request's arena */
    struct store_target_state state;  /* filled where rows were read */
    int found;                        /* there was a row */
};

/* What the caller may do about endpoints of an owner (empty: one of the configuration). */
enum hub_endpoint_right { ENDPOINT_HIDDEN, ENDPOINT_READ, ENDPOINT_WRITE };
enum hub_endpoint_right hub_endpoint_right(struct http_request *req, struct belfry_str owner);
/* 1 when the caller is an integrator to whom an endpoint of this owner belongs, and so what was sent there. */
int hub_endpoint_is_theirs(struct http_request *req, struct belfry_str owner);

/* A copy of what dispatch says of one, in the request's arena. 0: the org has none of that id. */
int hub_endpoint_get(struct hub *hub, struct http_request *req, int64_t id, struct hub_endpoint *out);
/* The endpoint that the path names, which the caller may see, or with `write` change: NULL after a 404 or 403. In the
 * request's arena. */
struct hub_endpoint *hub_endpoint_find(struct hub *hub, struct http_request *req, int write);
/* 1 when it stands in YAML and a 409 was answered, which names the line. */
int hub_endpoint_is_yaml(struct http_request *req, const struct hub_endpoint *endpoint);

/* 1 when there is no If-Match, it is `*`, or has the tag of this version. */
int hub_endpoint_may_change(struct http_request *req, int64_t version);
/* 1 when If-Match says which version the caller means. */
int hub_endpoint_names_version(struct http_request *req);
/* 412. */
void hub_endpoint_refuse_stale(struct http_request *req);

/* --- as JSON ------------------------------------------------------------------------------------------------------ */

/* What several endpoints of one answer have in common. */
struct hub_endpoint_shower {
    struct hub *hub;
    struct http_request *req;
    json_t *sections; /* of YAML by channel, once one of it was shown; owned */
};
/* New reference. reveal: with the secret. */
json_t *hub_endpoint_json(struct hub_endpoint_shower *shower, const struct hub_endpoint *endpoint, int reveal);
/* The members that people set and the hub knows, of one of the API's. New reference. */
json_t *hub_endpoint_terms_json(const struct hub_endpoint *endpoint);
/* Answers with the endpoint as it is on disk by now, and its ETag. reveal: with the secret. status 201: with its
 * Location. */
void hub_endpoint_answer(struct hub *hub, struct http_request *req, int64_t id, uint32_t status, int reveal);
/* "\"7\"", in the request's arena; empty: one of YAML, whose versions nobody counts. */
struct belfry_str hub_endpoint_tag(struct http_request *req, int64_t version);

/* --- what people say of one --------------------------------------------------------------------------------------- */

/* The plugin that judges the settings, behind the org's one live channel that endpoints can be made of. */
struct hub_endpoint_plugin {
    const char *channel;
    const struct belfry_endpoints *role;
    void *self;
};
/* 0, or -1 after a 409: no channel of the org takes endpoints. */
int hub_endpoint_plugin(struct hub *hub, struct http_request *req, struct hub_endpoint_plugin *out);

/* Members of a body: before NULL a whole one, else what changes (null: the default again). Everything in out is in the
 * request's arena. 0, or -1 after a 422 that names every fault. */
int hub_endpoint_read(struct http_request *req, const struct hub_endpoint_plugin *plugin, const json_t *body,
                      const struct hub_endpoint *before, struct dispatch_endpoint *out);
/* The settings (empty: none) and what of the secret may be told, as the plugin shows them: an object, credentials
 * masked. flags: BELFRY_ENDPOINT_REVEAL. New reference. */
json_t *hub_endpoint_settings_json(const struct hub_endpoint_plugin *plugin, struct belfry_str settings,
                                   struct belfry_str secret, uint32_t flags);
/* A secret for those settings, brought in (given, which may be NULL) or fresh. In the request's arena; wiped with it.
 * 0, or -1 after a 422. */
int hub_endpoint_secret(struct http_request *req, const struct hub_endpoint_plugin *plugin, struct belfry_str settings,
                        const json_t *given, struct belfry_str *out);

/* --- what is done with one ---------------------------------------------------------------------------------------- */

struct hub_endpoint_deed { /* in the request's arena */
    struct hub *hub;
    struct http_request *req;
    const struct hub_endpoint *endpoint;
    json_t *body; /* borrowed; NULL: none */
    struct ledger_deed deed;
};
/* What each of them begins with: the endpoint, the body, its `reason`. NULL after an answer. */
struct hub_endpoint_deed *hub_endpoint_deed_begin(struct hub *hub, struct http_request *req);
/* Answers what came of it when it is not OK. why: of ECONFLICT; may be NULL. */
void hub_endpoint_deed_refuse(const struct hub_endpoint_deed *deed, belfry_status status, const char *why);
/* The body has no members but these (and `reason`): a member that is not known is one that somebody relies on. 0, or -1
 * after a 422. */
int hub_endpoint_deed_only(const struct hub_endpoint_deed *deed, const char *const *names, size_t count);

/* --- routes ------------------------------------------------------------------------------------------------------- */

#define ENDPOINT_WRITES "role:admin|token:endpoints|token:endpoints:own|token:admin"
#define ENDPOINT_READS ENDPOINT_WRITES "|token:read"

belfry_status hub_endpoint_attempts_init(struct hub *hub, struct error *err);
belfry_status hub_endpoint_writes_init(struct hub *hub, struct error *err); /* POST, PATCH, DELETE */
belfry_status hub_endpoint_deeds_init(struct hub *hub, struct error *err);  /* enable, disable, rotate */
belfry_status hub_endpoint_test_init(struct hub *hub, struct error *err);
belfry_status hub_endpoint_again_init(struct hub *hub, struct error *err); /* recover, resend */

#endif
