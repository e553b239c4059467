/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/n/{id}: the link of every notification, from the inbox as from mail. A person who navigates here has read
 * it; a prefetch, a HEAD or an embedded request has not. What is valid or handled leads on to its target, what is not
 * valid any more says so and names what took its place. Validity is asked of the clock itself, because expiry is a
 * write that may come a moment later.
 */
#include "back.h"
#include "item.h"
#include "row.h"

#include <stdlib.h>

struct visit {
    struct call *call;
    struct belfry_str id, title, body, link, replaced_by, handled_by, source;
    int64_t created_ms, valid_until_ms;
    uint32_t validity, handled, hidden;
    const char *severity;
    struct belfry_str successor; /* its title; empty: not visible */
};

static struct belfry_str keep(struct call *call, struct belfry_str s)
{
    char *copy = call_alloc(call, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return (struct belfry_str){copy, s.len};
}

static int is_valid(const struct visit *v)
{
    int64_t now = v->call->app->host->now_ms(v->call->app->host);
    return v->handled || (v->validity == BELFRY_VALID && !(v->valid_until_ms && v->valid_until_ms <= now));
}

/* --- pages ------------------------------------------------------------------------------------ */

static void add_back(const struct call *call, json_t *model)
{
    struct text query = {0}, address = {0};
    back_query(call, &query);
    back_address(call, text_view(&query), &address);
    view_put(model, "back_query", text_view(&query));
    view_put(model, "back", text_view(&address));
    text_free(&query);
    text_free(&address);
}

static json_t *model_of(const struct visit *v)
{
    json_t *model = view_model(v->call);
    struct text created = {0};
    text_time(&created, v->created_ms);
    view_put(model, "id", v->id);
    view_put(model, "title", v->title);
    view_put(model, "body", v->body);
    view_put(model, "source", v->source);
    view_put(model, "severity", belfry_str(v->severity));
    view_put(model, "severity_label", row_severity(v->call, v->severity));
    view_put(model, "created_at", text_view(&created));
    view_put(model, "when", v->call->app->http->datetime(v->call->req, v->created_ms));
    view_put(model, "handled", row_handled(v->call, v->handled_by));
    add_back(v->call, model);
    text_free(&created);
    return model;
}

/* Why it is not valid any more, and until when it was where its time ran out: what was replaced before has a time that
 * is still to come. */
static struct belfry_str why(const struct visit *v)
{
    static const char *const keys[] = {"gone.expired", "gone.expired", "gone.superseded", "gone.withdrawn"};
    struct belfry_str reason = view_text(v->call, keys[v->validity < 4 ? v->validity : 0]);
    int64_t now = v->call->app->host->now_ms(v->call->app->host);
    if (!v->valid_until_ms || v->valid_until_ms > now || v->validity == BELFRY_WITHDRAWN)
        return reason;
    struct belfry_str when = v->call->app->http->datetime(v->call->req, v->valid_until_ms);
    return view_say(v->call, "done.together", reason, view_say(v->call, "gone.until", when, (struct belfry_str){0}));
}

static void show_gone(const struct visit *v)
{
    json_t *model = model_of(v);
    view_put(model, "why", why(v));
    if (v->successor.len) {
        json_t *successor = json_object();
        struct text href = {0};
        item_href(&href, v->call->req->org, v->replaced_by);
        view_put(successor, "title", v->successor);
        view_put(successor, "href", text_view(&href));
        json_object_set_new(model, "successor", successor);
        text_free(&href);
    }
    json_object_set_new(model, "hide", json_boolean(!v->hidden && v->validity != BELFRY_SUPERSEDED));
    view_answer(v->call, 410, view_text(v->call, "gone.title"), "gone", model);
}

static void show_detail(const struct visit *v)
{
    view_answer(v->call, 200, view_text(v->call, "open.title"), "detail", model_of(v));
}

static void go_on(struct visit *v)
{
    if (!is_valid(v)) {
        show_gone(v);
    } else if (v->link.len == 0) {
        show_detail(v);
    } else {
        struct text location = {0};
        text_location(&location, v->link);
        answer_redirect(v->call, text_view(&location));
        text_free(&location);
    }
    free(v);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void on_successor(void *arg, belfry_status status, const struct belfry_inbox_item *item)
{
    struct visit *v = arg;
    if (status == BELFRY_OK)
        v->successor = keep(v->call, item->title);
    go_on(v);
}

static void look_further(struct visit *v)
{
    if (v->replaced_by.len)
        v->call->app->inbox->one(v->call->req, v->replaced_by, on_successor, v);
    else
        go_on(v);
}

/* A mark that could not be written keeps nobody from where they want to go. */
static void on_read(void *arg, const struct belfry_inbox_change *change)
{
    (void)change;
    look_further(arg);
}

static void on_item(void *arg, belfry_status status, const struct belfry_inbox_item *item)
{
    struct call *call = arg;
    if (status != BELFRY_OK) {
        int unknown = status == BELFRY_ENOTFOUND;
        view_notice(call, unknown ? 404 : 503, unknown ? "notice.not_found" : "notice.unavailable",
                    view_text(call, unknown ? "notice.not_found_text" : "notice.unavailable_text"));
        return;
    }
    struct visit *v = calloc(1, sizeof(*v));
    if (!v)
        abort();
    *v = (struct visit){.call = call,
                        .id = keep(call, item->id),
                        .title = keep(call, item->title),
                        .body = keep(call, item->body),
                        .link = keep(call, item->link),
                        .replaced_by = keep(call, item->replaced_by),
                        .handled_by = keep(call, item->handled_by),
                        .source = keep(call, item->source),
                        .created_ms = item->created_ms,
                        .valid_until_ms = item->valid_until_ms,
                        .validity = item->validity,
                        .handled = item->handled_ms != 0,
                        .hidden = item->hidden_ms != 0,
                        .severity = item_severity(item)};
    if ((call->req->flags & BELFRY_HTTP_DOCUMENT) && !item->read_ms)
        call->app->inbox->mark(call->req, BELFRY_MARK_READ, v->id, on_read, v);
    else
        look_further(v);
}

void page_open(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    call->app->inbox->one(req, call_param(call, "id"), on_item, call);
}
