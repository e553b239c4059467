/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/events?refused=true: what came by itself and was refused, so that nobody could be answered: events of
 * feeds and hooks, results of tasks, timers that failed for good, and triggers with which the hub stopped.
 */
#include "base/mem.h"
#include "hub/internal.h"
#include "store/story.h"

#define BODY_MAX ((size_t)4096)

struct listing {
    struct http_request *req;
    struct hub *hub;
    struct belfry_str source;
    uint32_t limit;
    int64_t before, next;
    struct store_refused_view *rows;
    size_t count;
};

static belfry_status read_list(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    int64_t org = store_name_find(conn, l->req->pub.org);
    int64_t source = l->source.len ? store_name_find(conn, l->source) : 0;
    if (!org || (l->source.len && !source))
        return BELFRY_OK;
    l->count = store_refused_list(conn, org, source, l->before, l->limit + 1, BODY_MAX, l->req->arena, &l->rows);
    l->next = l->count > l->limit ? l->rows[--l->count - 1].id : 0;
    return BELFRY_OK;
}

/* It may be cut in the middle of a character, or be no text at all. */
static struct belfry_str as_text(struct arena *arena, struct belfry_str bytes)
{
    struct buf out = {0};
    for (size_t at = 0; at < bytes.len;) {
        size_t from = at;
        uint32_t c = str_utf8_next(bytes, &at);
        int bad = c == 0 || (c == 0xfffd && (at - from != 3 || memcmp(bytes.ptr + from, "\xef\xbf\xbd", 3) != 0));
        if (bad)
            buf_addz(&out, "\xef\xbf\xbd");
        else
            buf_add(&out, bytes.ptr + from, at - from);
    }
    struct belfry_str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static json_t *faults_of(json_t *problem)
{
    json_t *out = json_array();
    size_t i;
    json_t *fault;
    json_array_foreach(json_object_get(problem, "errors"), i, fault)
    {
        json_t *pointer = json_object_get(fault, "pointer");
        json_array_append_new(out, json_pack("{s:o, s:O}", "pointer", pointer ? json_incref(pointer) : json_string(""),
                                             "detail", json_object_get(fault, "detail")));
    }
    return out;
}

static json_t *item_json(const struct listing *l, const struct store_refused_view *v)
{
    json_t *doc = json_object(), *problem = json_read(v->problem, NULL);
    hub_json_id(l->hub, doc, "id", v->id);
    json_set_str(doc, "source", v->source);
    json_set_str(doc, "kind", v->kind);
    hub_json_time(doc, "at", id_time_ms(v->id));
    json_object_set_new(doc, "errors", faults_of(problem));
    json_set_str(doc, "body", as_text(l->req->arena, v->body));
    json_object_set_new(doc, "body_bytes", json_integer((json_int_t)v->body_bytes));
    json_decref(problem);
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
        json_array_append_new(items, item_json(l, &l->rows[i]));
    json_object_set_new(doc, "items", items);
    hub_json_id(l->hub, doc, "next", l->next);
    http_respond_json(l->req, 200, doc, NULL, 0);
}

void hub_refused_list(struct hub *hub, struct http_request *req)
{
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    if (hub_list_window(hub, req, &l->limit, &l->before) != 0 || hub_query(req, "source", &l->source) < 0)
        return;
    if (store_read(hub->parts.readers, read_list, list_done, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}
