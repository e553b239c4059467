/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/{org}/deliveries: what waits, what failed, and what was tried. redrive.c drives it again. */
#include "base/id.h"
#include "base/mem.h"
#include "event/outcome.h"
#include "hub/internal.h"
#include "route/explain.h"
#include "store/story.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

/* --- list --------------------------------------------------------------------------------------------------------- */

struct listing {
    struct http_request *req;
    struct hub *hub;
    struct store_delivery_query query;
    struct store_delivery_view *rows;
    size_t count;
    int64_t to, next, total, as_of;
    int want_total, more;
};

static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    l->query.org = store_name_find(conn, l->req->pub.org);
    if (!l->query.org)
        return BELFRY_OK;
    l->count = store_deliveries_list(conn, &l->query, l->req->arena, &l->rows, &l->next);
    l->query.before = l->to; /* of the whole list, not of what is behind the cursor */
    if (l->want_total)
        l->total = store_deliveries_count(conn, &l->query, STORE_LOOKED_AT, &l->more);
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

json_t *hub_delivery_json(const struct hub *hub, const struct store_delivery_view *v)
{
    json_t *doc = json_object();
    hub_json_id(hub, doc, "id", v->id);
    hub_json_id(hub, doc, "event", v->event);
    set_or_null(doc, "title", v->title);
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
    struct hub *hub = l->hub;
    if (status != BELFRY_OK) {
        http_problem(l->req, http_status_of(status), NULL, "the list could not be read now: %s", status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, hub_delivery_json(hub, &l->rows[i]));
    json_object_set_new(doc, "items", items);
    hub_json_id(hub, doc, "next", l->next);
    if (l->want_total) {
        json_object_set_new(doc, "total", json_integer(l->total));
        json_object_set_new(doc, "total_more", json_boolean(l->more));
        hub_json_time(doc, "as_of", l->as_of);
    }
    http_respond_json(l->req, 200, doc, NULL, 0);
}

int hub_query(struct http_request *req, const char *name, struct belfry_str *value)
{
    belfry_status status = http_query(req, name, 0, value);
    if (status != BELFRY_EINVAL)
        return status == BELFRY_OK;
    http_problem(req, 400, NULL, "`%s` is not well-formed UTF-8 in percent-encoding", name);
    return -1;
}

/* limit and before of a list. 0, or -1 after a 400. */
int hub_list_window(struct hub *hub, struct http_request *req, uint32_t *limit, int64_t *before)
{
    struct belfry_str text;
    int64_t n = LIMIT_DEFAULT;
    *before = INT64_MAX;
    int given = hub_query(req, "limit", &text);
    if (given < 0)
        return -1;
    if (given && (str_to_i64(text, &n) != BELFRY_OK || n < 1 || n > LIMIT_MAX)) {
        http_problem(req, 400, NULL, "`limit` must be a number from 1 to %d", LIMIT_MAX);
        return -1;
    }
    given = hub_query(req, "before", &text);
    if (given < 0)
        return -1;
    if (given && id_parse(store_id_key(hub->parts.store), text, before) != BELFRY_OK) {
        http_problem(req, 400, NULL, "`before` is no cursor of this hub; take `next` of the page before");
        return -1;
    }
    *limit = (uint32_t)n;
    return 0;
}

/* An instant of the query as the first id of its millisecond. 1, 0 when it is not there, -1 after a 400. */
static int query_time(struct http_request *req, const char *name, int64_t *id)
{
    struct belfry_str text;
    int64_t ms;
    int given = hub_query(req, name, &text);
    if (given <= 0)
        return given;
    if (time_parse(text, &ms) != BELFRY_OK || ms < 0) {
        http_problem(req, 400, NULL, "`%s` must be a time as in RFC 3339: 2026-01-31T09:00:00Z", name);
        return -1;
    }
    *id = id_first_at(ms);
    return 1;
}

int hub_time_window(struct http_request *req, int64_t *from, int64_t *to)
{
    *from = 0;
    *to = INT64_MAX;
    return query_time(req, "from", from) < 0 || query_time(req, "to", to) < 0 ? -1 : 0;
}

static int query_state(struct http_request *req, int *state)
{
    struct belfry_str text;
    int given = hub_query(req, "state", &text);
    *state = -1;
    if (given <= 0)
        return given;
    char *name = arena_strndup(req->arena, text.ptr, text.len);
    *state = outcome_parse(name);
    if (*state >= 0)
        return 0;
    http_problem(req, 400, NULL, "`state` is none of the outcomes: `%s`", name);
    return -1;
}

static int query_event(struct hub *hub, struct http_request *req, int64_t *event)
{
    struct belfry_str text;
    int given = hub_query(req, "event", &text);
    if (given <= 0)
        return given;
    if (id_parse(store_id_key(hub->parts.store), text, event) == BELFRY_OK)
        return 0;
    http_problem(req, 400, NULL, "`event` is no event of this hub");
    return -1;
}

static int query_filter(struct hub *hub, struct http_request *req, struct store_delivery_query *q)
{
    if (query_state(req, &q->state) < 0 || query_event(hub, req, &q->event) < 0)
        return -1;
    return hub_query(req, "channel", &q->channel) < 0 || hub_query(req, "rule", &q->rule) < 0 ||
                   hub_query(req, "recipient", &q->recipient) < 0 || hub_query(req, "target", &q->target) < 0 ||
                   hub_query(req, "reason", &q->reason) < 0
               ? -1
               : 0;
}

int hub_query_bool(struct http_request *req, const char *name)
{
    struct belfry_str value;
    int given = hub_query(req, name, &value);
    if (given <= 0 || str_eqz(value, "false"))
        return given < 0 ? -1 : 0;
    if (str_eqz(value, "true"))
        return 1;
    http_problem(req, 400, NULL, "`%s` must be true or false", name);
    return -1;
}

static void get_deliveries(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    l->as_of = clock_now_ms(hub->parts.clock);
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0 ||
        hub_time_window(req, &l->query.from, &l->to) != 0 || query_filter(hub, req, &l->query) != 0 ||
        (l->want_total = hub_query_bool(req, "total")) < 0)
        return;
    if (l->to < l->query.before)
        l->query.before = l->to;
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

/* --- one, with its attempts --------------------------------------------------------------------------------------- */

#define ATTEMPTS_MAX 200

struct looking {
    struct http_request *req;
    struct hub *hub;
    int64_t id;
    int found;
    struct store_delivery_view row;
    struct store_attempt_record *attempts;
    size_t count;
};

/* What the plugin kept says what was asked and what came back. */
json_t *hub_attempt_json(const struct hub *hub, const struct store_attempt_record *a)
{
    json_t *doc = json_object(), *record = a->record.len ? json_read(a->record, NULL) : NULL;
    const char *result = explain_result_name((uint32_t)a->attempt.outcome);
    hub_attempt_body(record, a->payload);
    hub_json_id(hub, doc, "id", a->id);
    hub_json_id(hub, doc, "delivery", a->attempt.delivery);
    hub_json_id(hub, doc, "event", a->event);
    json_object_set_new(doc, "number", json_integer(a->attempt.number));
    hub_json_time(doc, "at", a->attempt.at);
    json_object_set_new(doc, "elapsed_us", json_integer(a->attempt.elapsed_us));
    json_object_set_new(doc, "result", result ? json_string(result) : json_null());
    json_object_set_new(doc, "code", a->attempt.code ? json_integer(a->attempt.code) : json_null());
    set_or_null(doc, "detail", a->attempt.detail);
    json_object_set_new(doc, "record", record ? record : json_null());
    return doc;
}

/* Whoever reads that is kept in the audit where it is told (endpoint_attempts.c), and here nobody is. */
static json_t *without_message(json_t *attempt)
{
    json_t *request = json_object_get(json_object_get(attempt, "record"), "request");
    json_object_del(request, "body");
    json_object_del(request, "truncated");
    return attempt;
}

static belfry_status read_one(struct store_conn *conn, void *arg)
{
    struct looking *l = arg;
    int64_t org = store_name_find(conn, l->req->pub.org);
    l->found = org && store_delivery_view_get(conn, org, l->id, l->req->arena, &l->row);
    if (l->found)
        l->count = store_attempts_of_delivery(conn, l->id, ATTEMPTS_MAX, l->req->arena, &l->attempts);
    return BELFRY_OK;
}

static void one_done(void *arg, belfry_status status)
{
    struct looking *l = arg;
    if (status != BELFRY_OK || !l->found) {
        http_problem(l->req, status ? http_status_of(status) : 404, NULL, "%s",
                     status ? "the delivery could not be read now" : "there is no such delivery");
        return;
    }
    json_t *doc = hub_delivery_json(l->hub, &l->row), *attempts = json_array(), *unless = json_array();
    static const char *const marks[] = {"seen", "read", "handled", "hidden"};
    for (size_t i = 0; i < 4; i++)
        if (l->row.unless & (1u << i))
            json_array_append_new(unless, json_string(marks[i]));
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(attempts, without_message(hub_attempt_json(l->hub, &l->attempts[i])));
    json_object_set_new(doc, "unless", unless);
    json_object_set_new(doc, "timeline", attempts);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static void get_delivery(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct looking *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    if (id_parse(store_id_key(hub->parts.store), http_param(req, "id"), &l->id) != BELFRY_OK)
        http_problem(req, 404, NULL, "there is no such delivery");
    else if (store_read(hub->parts.readers, read_one, one_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

belfry_status hub_deliveries_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:read|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/deliveries", reads, 0, 0, get_deliveries, hub},
        {"GET", "/v1/{org}/deliveries/{id}", reads, 0, 0, get_delivery, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
