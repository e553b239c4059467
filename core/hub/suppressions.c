/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/{org}/suppressions: addresses that get no mail, and why; taken off the list by hand. */
#include "store/suppressions.h"

#include "base/mem.h"
#include "hub/internal.h"
#include "ledger/addresses.h"
#include "store/people.h"

#include <stdlib.h>

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct listing {
    struct http_request *req;
    struct hub *hub;
    struct store_suppression_query query;
    struct store_suppression *rows;
    struct belfry_str *usernames, *categories; /* of rows; empty: none, all */
    size_t count;
    int64_t next;
};

/* [reader] */
static void fill_names(struct listing *l, struct store_conn *conn)
{
    struct arena *arena = l->req->arena;
    int64_t org, rev;
    l->usernames = arena_alloc(arena, (l->count + 1) * sizeof(*l->usernames));
    l->categories = arena_alloc(arena, (l->count + 1) * sizeof(*l->categories));
    for (size_t i = 0; i < l->count; i++) {
        if (l->rows[i].person)
            store_person_get(conn, l->rows[i].person, arena, &org, &l->usernames[i], &rev);
        l->categories[i] = store_name_text(conn, l->rows[i].category);
    }
}

/* [reader] */
static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    l->query.org = store_name_find(conn, l->req->pub.org);
    l->query.limit++; /* one more, to know whether this is the end */
    l->count = l->query.org ? store_suppressions_list(conn, &l->query, l->req->arena, &l->rows) : 0;
    l->query.limit--;
    l->next = l->count > l->query.limit ? l->rows[--l->count - 1].id : 0;
    fill_names(l, conn);
    return BELFRY_OK;
}

static void set_or_null(json_t *object, const char *key, struct belfry_str value)
{
    json_object_set_new(object, key, value.len ? json_stringn(value.ptr, value.len) : json_null());
}

static json_t *row_json(const struct listing *l, size_t i)
{
    const struct store_suppression *row = &l->rows[i];
    json_t *doc = json_object();
    json_set_str(doc, "address", row->address);
    set_or_null(doc, "username", l->usernames[i]);
    set_or_null(doc, "category", l->categories[i]);
    json_object_set_new(doc, "reason", json_string(suppression_name(row->reason)));
    set_or_null(doc, "detail", row->detail);
    hub_json_time(doc, "since", id_time_ms(row->id));
    hub_json_id(l->hub, doc, "delivery", row->delivery);
    return doc;
}

static void list_done(void *arg, belfry_status status)
{
    struct listing *l = arg;
    if (status != BELFRY_OK) {
        http_problem(l->req, http_status_of(status), NULL, "the list could not be read now: %s", status_text(status));
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, row_json(l, i));
    json_object_set_new(doc, "items", items);
    hub_json_id(l->hub, doc, "next", l->next);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static void get_list(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    struct belfry_str reason;
    l->req = req;
    l->hub = hub;
    if (hub_list_window(hub, req, &l->query.limit, &l->query.before) != 0 ||
        hub_query(req, "address", &l->query.address) < 0)
        return;
    int given = hub_query(req, "reason", &reason);
    if (given < 0)
        return;
    l->query.reason = given ? suppression_parse(reason) : 0;
    if (given && !l->query.reason) {
        http_problem(req, 400, NULL, "`reason` must be bounced, complained or unsubscribed");
        return;
    }
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

/* --- off it ------------------------------------------------------------------------------------------------------- */

static void release_done(struct ledger_address_release *release, belfry_status status)
{
    struct http_request *req = release->arg;
    if (status != BELFRY_OK)
        http_problem(req, http_status_of(status), NULL, "the list could not be written now");
    else if (!release->removed)
        http_problem(req, 404, NULL, "this address is not on the list");
    else
        http_respond(req, 204, NULL, (struct belfry_str){0}, NULL, 0);
}

static void remove_address(struct hub *hub, struct http_request *req, struct belfry_str address)
{
    struct ledger_address_release *release = arena_alloc(req->arena, sizeof(*release));
    *release = (struct ledger_address_release){
        .org = req->pub.org, .who = hub_who(req), .address = address, .done = release_done, .arg = req};
    if (hub_query(req, "category", &release->category) >= 0)
        ledger_address_release(hub->parts.ledger, release);
}

static void delete_by_query(void *arg, struct http_request *req)
{
    struct belfry_str address;
    int given = hub_query(req, "address", &address);
    if (given < 0)
        return;
    if (!given || !address.len)
        http_problem(req, 400, NULL, "`address` says which one is taken off the list");
    else
        remove_address(arg, req, address);
}

static void delete_by_path(void *arg, struct http_request *req)
{
    remove_address(arg, req, http_param(req, "address"));
}

belfry_status hub_suppressions_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:read|token:admin", *const writes = "role:admin|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/suppressions", reads, 0, 0, get_list, hub},
        {"DELETE", "/v1/{org}/suppressions", writes, 0, 0, delete_by_query, hub},
        {"DELETE", "/v1/{org}/suppressions/{address}", writes, 0, 0, delete_by_path, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
