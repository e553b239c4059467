/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/{org}/deliveries: what waits, what failed, and the way to drive it again. */
#include "base/mem.h"
#include "event/outcome.h"
#include "hub/internal.h"
#include "store/story.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

/* --- list
 * -------------------------------------------------------------------------------------------------------------- */

struct listing {
    struct http_request *req;
    struct store_delivery_query query;
    struct store_delivery_view *rows;
    size_t count, limit;
};

static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    l->query.org = store_name_find(conn, l->req->pub.org);
    l->limit = l->query.limit++; /* one more tells whether this is the end */
    l->count = l->query.org ? store_deliveries_list(conn, &l->query, l->req->arena, &l->rows) : 0;
    return BELFRY_OK;
}

void hub_json_id(const struct hub *hub, json_t *object, const char *key, int64_t id)
{
    char text[ID_TEXT_SIZE];
    if (!id) {
        json_object_set_new(object, key, json_null());
        return;
    }
    id_format(store_id_key(hub->parts.store), id, text);
    json_object_set_new(object, key, json_string(text));
}

void hub_json_time(json_t *object, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_format(ms, text);
    json_object_set_new(object, key, ms ? json_string(text) : json_null());
}

static void set_or_null(json_t *object, const char *key, struct belfry_str value)
{
    if (value.len)
        json_set_str(object, key, value);
    else
        json_object_set_new(object, key, json_null());
}

static json_t *view_json(const struct hub *hub, const struct store_delivery_view *v)
{
    json_t *doc = json_object();
    hub_json_id(hub, doc, "id", v->id);
    hub_json_id(hub, doc, "event", v->event);
    json_set_str(doc, "channel", v->channel);
    set_or_null(doc, "rule", v->rule);
    set_or_null(doc, "recipient", v->recipient);
    set_or_null(doc, "target", v->target);
    json_object_set_new(doc, "state", json_string(outcome_name(v->state)));
    hub_json_time(doc, "due_at", v->open ? v->due : 0);
    json_object_set_new(doc, "attempts", json_integer(v->attempts));
    set_or_null(doc, "detail", v->detail);
    hub_json_time(doc, "ended_at", v->ended);
    return doc;
}

static void list_done(void *arg, belfry_status status)
{
    struct listing *l = arg;
    struct hub *hub = l->query.arg;
    if (status != BELFRY_OK) {
        http_problem(l->req, http_status_of(status), NULL, "the list could not be read now: %s", status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count && i < l->limit; i++)
        json_array_append_new(items, view_json(hub, &l->rows[i]));
    json_object_set_new(doc, "items", items);
    hub_json_id(hub, doc, "next", l->count > l->limit ? l->rows[l->limit - 1].id : 0);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

/* limit and before of a list. 0, or -1 after a 400. */
int hub_list_window(struct hub *hub, struct http_request *req, uint32_t *limit, int64_t *before)
{
    struct belfry_str text;
    int64_t n = LIMIT_DEFAULT;
    *before = INT64_MAX;
    if (http_query(req, "limit", 0, &text) == BELFRY_OK &&
        (str_to_i64(text, &n) != BELFRY_OK || n < 1 || n > LIMIT_MAX)) {
        http_problem(req, 400, NULL, "`limit` must be a number from 1 to %d", LIMIT_MAX);
        return -1;
    }
    if (http_query(req, "before", 0, &text) == BELFRY_OK &&
        id_parse(store_id_key(hub->parts.store), text, before) != BELFRY_OK) {
        http_problem(req, 400, NULL, "`before` is no cursor of this hub; take `next` of the page before");
        return -1;
    }
    *limit = (uint32_t)n;
    return 0;
}

static void get_deliveries(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    struct belfry_str state;
    l->req = req;
    l->query.arg = hub;
    l->query.state = -1;
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0)
        return;
    if (http_query(req, "state", 0, &state) == BELFRY_OK) {
        char *name = arena_strndup(req->arena, state.ptr, state.len);
        l->query.state = outcome_parse(name);
        if (l->query.state < 0) {
            http_problem(req, 400, NULL, "`state` is none of the outcomes: `%s`", name);
            return;
        }
    }
    http_query(req, "channel", 0, &l->query.channel);
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

/* --- one
 * ------------------------------------------------------------------------------------------------------------------ */

static void changed(void *arg, belfry_status status)
{
    struct http_request *req = arg;
    if (status == BELFRY_OK)
        http_respond_json(req, 200, json_object(), NULL, 0);
    else if (status == BELFRY_ECONFLICT)
        http_problem(req, 409, NULL, "this delivery is under way or has arrived; there is nothing to change");
    else
        http_problem(req, http_status_of(status), NULL, "%s",
                     status == BELFRY_ENOTFOUND ? "there is no such delivery" : status_text(status));
}

static int delivery_id(struct hub *hub, struct http_request *req, int64_t *id)
{
    if (id_parse(store_id_key(hub->parts.store), http_param(req, "id"), id) == BELFRY_OK)
        return 0;
    http_problem(req, 404, NULL, "there is no such delivery");
    return -1;
}

static void post_retry(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    int64_t id;
    if (delivery_id(hub, req, &id) == 0)
        ledger_delivery_retry(hub->parts.ledger, req->pub.org, id, changed, req);
}

static void post_cancel(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    int64_t id;
    if (delivery_id(hub, req, &id) == 0)
        ledger_delivery_cancel(hub->parts.ledger, req->pub.org, id, changed, req);
}

belfry_status hub_deliveries_init(struct hub *hub, struct error *err)
{
    static const char *const admin = "role:admin|token:admin", *const reads = "role:admin|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/deliveries", reads, 0, 0, get_deliveries, hub},
        {"POST", "/v1/{org}/deliveries/{id}/retry", admin, 1024, 0, post_retry, hub},
        {"POST", "/v1/{org}/deliveries/{id}/cancel", admin, 1024, 0, post_cancel, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
