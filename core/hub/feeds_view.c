/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/feeds: how feeds do, for the operator. Addresses are shown without query and user, tokens never. */
#include "base/mem.h"
#include "hub/feed.h"

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *feed_json(const struct feed *f, struct arena *arena)
{
    char every[32];
    json_t *doc = json_object();
    json_object_set_new(doc, "source", json_string(f->name));
    json_object_set_new(doc, "org", json_string(f->org));
    json_object_set_new(doc, "url", json_string(feed_shown_url(arena, f->url)));
    json_object_set_new(doc, "every", json_string(duration_format(f->every_ms, every)));
    json_object_set_new(doc, "state",
                        json_string(f->failures               ? "failing"
                                    : f->last_ok_ms == 0      ? "starting"
                                    : f->step == FEED_WAITING ? "waiting"
                                                              : "pulling"));
    json_object_set_new(doc, "cursor", f->cursor && *f->cursor ? json_string(f->cursor) : json_null());
    hub_json_time(doc, "last_success_at", f->last_ok_ms);
    hub_json_time(doc, "next_at", f->step == FEED_WAITING ? f->due_ms : 0);
    json_object_set_new(doc, "failures", json_integer((json_int_t)f->failures));
    json_object_set_new(doc, "fault", text_or_null(f->fault));
    json_object_set_new(doc, "accepted", json_integer((json_int_t)f->accepted));
    json_object_set_new(doc, "duplicate", json_integer((json_int_t)f->duplicate));
    json_object_set_new(doc, "refused", json_integer((json_int_t)f->refused));
    return doc;
}

static int is_before(const struct feed *a, const struct feed *b)
{
    int order = strcmp(a->name, b->name);
    return order < 0 || (order == 0 && strcmp(a->org, b->org) < 0);
}

/* The list goes round with each question; here it is in the order of names. */
static const struct feed *next_of(const struct hub *hub, const struct feed *after)
{
    const struct feed *next = NULL;
    LIST_EACH(it, &hub->feeds)
    {
        const struct feed *f = LIST_OF(it, struct feed, node);
        if ((!after || is_before(after, f)) && (!next || is_before(f, next)))
            next = f;
    }
    return next;
}

static void get_feeds(void *arg, struct http_request *req)
{
    const struct hub *hub = arg;
    json_t *items = json_array();
    for (const struct feed *f = next_of(hub, NULL); f; f = next_of(hub, f))
        json_array_append_new(items, feed_json(f, req->arena));
    http_respond_json(req, 200, json_pack("{s:o, s:n}", "items", items, "next"), NULL, 0);
}

belfry_status hub_feeds_view_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {"GET", "/v1/admin/feeds", "operator", 0, 0, get_feeds, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
