/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/{org}/audit: who did what in an org; GET /v1/admin/audit: in all of them, and to the hub as a whole. */
#include "store/audit.h"

#include "base/mem.h"
#include "hub/internal.h"

struct belfry_str hub_who(struct http_request *req)
{
    return http_who(req);
}

struct listing {
    struct http_request *req;
    struct hub *hub;
    struct store_audit_query query;
    struct store_audit *rows;
    struct belfry_str *orgs; /* of rows, when all are asked for */
    size_t count;
    int64_t next;
    int all;
};

static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    l->query.org = l->all ? -1 : store_name_find(conn, l->req->pub.org);
    l->query.limit++; /* one more, to know whether this is the end */
    l->count = l->query.org ? store_audit_list(conn, &l->query, l->req->arena, &l->rows) : 0;
    l->query.limit--;
    l->next = l->count > l->query.limit ? l->rows[--l->count - 1].id : 0;
    l->orgs = arena_alloc(l->req->arena, (l->count + 1) * sizeof(*l->orgs));
    for (size_t i = 0; i < l->count; i++)
        l->orgs[i] = store_name_text(conn, l->rows[i].org);
    return BELFRY_OK;
}

static json_t *row_json(const struct listing *l, size_t i)
{
    const struct store_audit *row = &l->rows[i];
    json_t *doc = json_object(), *detail = row->detail.len ? json_read(row->detail, NULL) : NULL;
    hub_json_id(l->hub, doc, "id", row->id);
    hub_json_time(doc, "at", id_time_ms(row->id));
    if (l->all)
        json_object_set_new(doc, "org", row->org ? json_stringn(l->orgs[i].ptr, l->orgs[i].len) : json_null());
    json_set_str(doc, "who", row->who);
    json_set_str(doc, "what", row->what);
    json_object_set_new(doc, "detail", detail ? detail : json_object());
    return doc;
}

static void list_done(void *arg, belfry_status status)
{
    struct listing *l = arg;
    if (status != BELFRY_OK) {
        http_problem(l->req, http_status_of(status), NULL, "the audit could not be read now: %s", status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, row_json(l, i));
    json_object_set_new(doc, "items", items);
    hub_json_id(l->hub, doc, "next", l->next);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static void list(struct hub *hub, struct http_request *req, int all)
{
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    int64_t to;
    l->req = req;
    l->hub = hub;
    l->all = all;
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0 ||
        hub_time_window(req, &l->query.from, &to) != 0 || hub_query(req, "who", &l->query.who) < 0 ||
        hub_query(req, "what", &l->query.what) < 0)
        return;
    if (to < l->query.before)
        l->query.before = to;
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

static void get_audit(void *arg, struct http_request *req)
{
    list(arg, req, 0);
}

static void get_all(void *arg, struct http_request *req)
{
    list(arg, req, 1);
}

belfry_status hub_audit_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/audit", "role:admin|token:read|token:admin", 0, 0, get_audit, hub},
        {"GET", "/v1/admin/audit", "operator", 0, 0, get_all, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
