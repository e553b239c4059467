/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/notifications: the inbox as a page that needs no script. Filters are a GET form, so they are in the URL
 * and a copied URL shows the same rows; everything that changes rows is one POST form around the list, whose buttons
 * name what to do. The same filter has one address: what a form sent in another way is led to it. Values of filters
 * that are not known are left out, with a line that says so.
 */
#include "banners.h"
#include "facets.h"
#include "row.h"

#include <stdio.h>

/* --- the toolbar ------------------------------------------------------------------------------ */

static void add_tool(json_t *tools, const char *what, struct belfry_str text, int off)
{
    json_t *tool = json_pack("{s:s,s:b}", "do", what, "off", off);
    view_put(tool, "text", text);
    json_array_append_new(tools, tool);
}

/* Of all that the filter lists, with the number in the label. */
static void add_all(const struct call *call, json_t *tools, const char *what, const char *plain, const char *matching,
                    uint64_t plain_count, uint64_t total)
{
    int all = query_is_plain(&call->query);
    uint64_t n = all ? plain_count : total;
    add_tool(tools, what, view_count(call, all ? plain : matching, n), n == 0);
}

static json_t *tools_of(const struct call *call, const struct belfry_inbox_page *page)
{
    json_t *tools = json_array();
    int none = page->count == 0, hidden = call->query.hidden;
    add_tool(tools, "read-selected", view_text(call, "tools.read"), none);
    add_tool(tools, "unread-selected", view_text(call, "tools.unread"), none);
    add_tool(tools, hidden ? "unhide-selected" : "hide-selected", view_text(call, hidden ? "row.unhide" : "row.hide"),
             none);
    if (hidden) {
        add_tool(tools, "unhide-all", view_count(call, "tools.unhide_matching", page->total), none);
    } else {
        add_all(call, tools, "read-all", "tools.read_all", "tools.read_matching", page->unread, page->total);
        add_all(call, tools, "hide-all", "tools.hide_all", "tools.hide_matching", page->total, page->total);
    }
    add_tool(tools, "refresh", view_text(call, call->reload_after_s ? "tools.refreshing" : "tools.refresh"),
             call->reload_after_s != 0);
    return tools;
}

/* --- around the rows -------------------------------------------------------------------------- */

static struct belfry_str caption_of(const struct call *call, const struct belfry_inbox_page *page)
{
    int plain = query_is_plain(&call->query);
    if (call->query.before.len)
        return view_count2(call, plain ? "caption.older" : "caption.older_matching", page->count, page->total);
    if (page->next.len)
        return view_count2(call, plain ? "caption.latest" : "caption.latest_matching", page->count, page->total);
    return view_count(call, plain ? "caption.all" : "caption.all_matching", page->count);
}

/* What there is instead of rows: "empty.KEY", and where its link leads. */
static const char *emptiness(const struct call *call, struct query *way)
{
    const struct query *q = &call->query;
    *way = (struct query){0};
    if (q->before.len) {
        *way = *q;
        return "nothing_older";
    }
    if (q->q.len || q->severity_count || q->category_count || q->source_count || (q->hidden && q->unread))
        return "no_match";
    way->hidden = !q->hidden && !q->unread;
    return q->hidden ? "nothing_hidden" : q->unread ? "all_read" : "caught_up";
}

static json_t *empty_of(const struct call *call, const json_t *applied)
{
    static const char *const parts[] = {"heading", "text", "way_out"};
    static const char *const ends[] = {"", "_text", "_way"};
    json_t *empty = json_object();
    struct query way;
    char key[64];
    const char *which = emptiness(call, &way);
    for (size_t i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "empty.%s%s", which, ends[i]);
        view_put_text(call, empty, parts[i], key);
    }
    view_put_inbox(call, empty, "href", &way, 0);
    if (applied && strcmp(which, "no_match") == 0)
        json_object_set(empty, "active", (json_t *)(uintptr_t)applied);
    return empty;
}

static void add_export(const struct call *call, json_t *model, const char *format)
{
    struct text address = {0};
    char name[32];
    snprintf(name, sizeof(name), "export_%s", format);
    text_z(&address, "/v1/");
    text_url(&address, call->req->org);
    text_z(&address, "/notifications/export?format=");
    text_z(&address, format);
    query_write(&call->query, 0, '&', &address);
    view_put(model, name, text_view(&address));
    text_free(&address);
}

static void add_foot(const struct call *call, const struct belfry_inbox_page *page, json_t *model)
{
    struct query q = call->query;
    q.before = page->next;
    if (page->next.len)
        view_put_inbox(call, model, "older", &q, 1);
    if (call->query.before.len)
        view_put_inbox(call, model, "newest", &q, 0);
    add_export(call, model, "csv");
    add_export(call, model, "json");
}

static void add_field(void *arg, const char *name, struct belfry_str value)
{
    json_t *field = json_pack("{s:s}", "name", name);
    view_put(field, "value", value);
    json_array_append_new(arg, field);
}

static void add_numbers(const struct call *call, const struct belfry_inbox_page *page, json_t *model)
{
    struct text base = {0};
    text_z(&base, "/v1/");
    text_url(&base, call->req->org);
    view_put(model, "base", text_view(&base));
    text_free(&base);
    view_put(model, "view", belfry_str(call->query.hidden ? "hidden" : "active"));
    view_put(model, "shortcuts", belfry_str(call->req->flags & BELFRY_HTTP_NO_SHORTCUTS ? "off" : "on"));
    json_object_set_new(model, "rev", json_integer(page->rev));
    json_object_set_new(model, "total", json_integer((json_int_t)page->total));
    json_object_set_new(model, "unread", json_integer((json_int_t)page->unread));
    view_put(model, "count",
             page->unread ? view_count(call, "inbox.unread", page->unread) : view_text(call, "inbox.none_unread"));
}

static json_t *model_of(const struct call *call, const struct belfry_inbox_page *page)
{
    json_t *model = view_model(call), *fields = json_array();
    add_numbers(call, page, model);
    facets_model(call, page, model);
    query_each(&call->query, 1, add_field, fields);
    json_object_set_new(model, "fields", fields);
    json_object_set_new(model, "tools", tools_of(call, page));
    json_object_set_new(model, "banners", banners_model(call));
    view_put(model, "caption", caption_of(call, page));
    if (page->count == 0)
        json_object_set_new(model, "empty", empty_of(call, json_object_get(model, "applied")));
    add_foot(call, page, model);
    json_object_set_new(model, "slots", row_slots(call));
    return model;
}

/* --- the page --------------------------------------------------------------------------------- */

static void on_page(void *arg, belfry_status status, const struct belfry_inbox_page *page)
{
    struct call *call = arg;
    struct text main = {0};
    if (status == BELFRY_EINVAL) {
        call->query.before.len = 0;
        view_notice(call, 400, "notice.no_place", view_text(call, "notice.no_place_text"));
        return;
    }
    if (status != BELFRY_OK) {
        view_notice(call, 503, "notice.unavailable", view_text(call, "notice.unavailable_text"));
        return;
    }
    json_t *model = model_of(call, page);
    belfry_status rendered = view_render(call, "inbox", model, &main);
    for (size_t i = 0; i < page->count; i++)
        row_write(call, &page->items[i], &main);
    if (rendered == BELFRY_OK)
        rendered = view_render(call, "end", model, &main);
    json_decref(model);
    if (rendered != BELFRY_OK) {
        view_too_large(call, &main);
        return;
    }
    call->shows_list = 1;
    view_html(call, 200,
              page->unread ? view_count(call, "inbox.title", page->unread) : view_text(call, "inbox.heading"), &main);
}

/* After the look at the job: what one that has ended brought is in the list. */
static void read_list(struct call *call)
{
    struct belfry_inbox_filter filter;
    query_filter(&call->query, &filter);
    call->app->inbox->list(call->req, &filter, call->query.before, call->query.limit, on_page, call);
}

/* Where a filter that was written in another way stands. 1 after the answer. */
static int go_to_address(struct call *call)
{
    struct text address = {0};
    struct belfry_str asked = call->req->query;
    if (!query_is_form(asked))
        return 0;
    text_z(&address, "/");
    text_url(&address, call->req->org);
    text_z(&address, "/notifications");
    size_t path = address.len;
    query_write(&call->query, 1, '?', &address);
    size_t len = address.len > path ? address.len - path - 1 : 0;
    int differs = len != asked.len || (len > 0 && memcmp(address.ptr + path + 1, asked.ptr, len) != 0);
    if (differs)
        answer_redirect(call, text_view(&address));
    text_free(&address);
    return differs;
}

/* What an address of the page may have beside a filter: what the last form did, and a job. */
static const char *const own_names[] = {"limit", "done", "n", "failed", "undo", "job", NULL};

void page_inbox(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    const char *why;
    const char *bad =
        query_read(&call->query, req, call->app->http->query, (uint32_t)call->app->config->page_size, &why);
    call->bad = belfry_str(bad ? bad : "");
    if (!bad && go_to_address(call))
        return;
    if (!call->bad.len)
        call->bad = query_stranger(req->query, own_names);
    refresh_look(call, read_list);
}
