/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/n/{id}: the link of every notification, from the inbox as from mail. A person who navigates here has read
 * it; a prefetch, a HEAD or an embedded request has not. What is valid or handled leads on to its target, what is not
 * valid any more says so and names what took its place. Validity is asked of the clock itself, because expiry is a
 * write that may come a moment later.
 */
#include "html.h"

#include <stdlib.h>

struct visit {
    struct call *call;
    struct belfry_str id, title, body, link, replaced_by, handled_by, source;
    int64_t created_ms, valid_until_ms;
    uint32_t validity, handled;
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

static void write_what(const struct visit *v, struct text *out)
{
    if (v->body.len) {
        text_z(out, "<p class=\"text\" dir=\"auto\">");
        text_html(out, v->body);
        text_z(out, "</p>");
    }
    text_z(out, "<p class=\"meta\"><span>");
    text_html(out, v->source);
    text_z(out, "</span>");
    html_time(v->call, v->created_ms, out);
    if (v->handled_by.len) {
        text_z(out, "<span class=\"chip\">Handled by ");
        text_html(out, v->handled_by);
        text_z(out, "</span>");
    }
    text_z(out, "</p>");
}

static void write_back(const struct visit *v, struct text *out)
{
    text_z(out, "<p><a class=\"button\" href=\"");
    html_inbox_path(v->call, out);
    text_z(out, "\">Back to notifications</a></p>");
}

static void write_why(const struct visit *v, struct text *out)
{
    text_z(out, "<p>");
    if (v->validity == BELFRY_WITHDRAWN)
        text_z(out, "It was withdrawn.");
    else if (v->validity == BELFRY_SUPERSEDED)
        text_z(out, "Something newer has taken its place.");
    else
        text_z(out, "Its time is over.");
    if (v->valid_until_ms && v->validity != BELFRY_WITHDRAWN) {
        text_z(out, " It was valid until ");
        text_html(out, v->call->app->http->datetime(v->call->req, v->valid_until_ms));
        text_z(out, ".");
    }
    text_z(out, "</p>");
}

static void show_gone(const struct visit *v)
{
    struct text out = {0};
    text_z(&out, "<article class=\"detail\"><h1>This information is no longer valid</h1><h2 dir=\"auto\">");
    text_html(&out, v->title);
    text_z(&out, "</h2>");
    write_why(v, &out);
    if (v->successor.len) {
        text_z(&out, "<p>The newer notification: <a dir=\"auto\" href=\"");
        html_href(v->call, v->replaced_by, &out);
        text_z(&out, "\">");
        text_html(&out, v->successor);
        text_z(&out, "</a></p>");
    }
    write_what(v, &out);
    write_back(v, &out);
    text_z(&out, "</article>");
    answer_page(v->call, 410, "No longer valid", &out);
}

static void show_detail(const struct visit *v)
{
    struct text out = {0};
    text_z(&out, "<article class=\"detail\"><h1 dir=\"auto\">");
    text_html(&out, v->title);
    text_z(&out, "</h1>");
    write_what(v, &out);
    write_back(v, &out);
    text_z(&out, "</article>");
    answer_page(v->call, 200, "Notification", &out);
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
        answer_notice(call, unknown ? 404 : 503, unknown ? "There is no such notification" : "Not available now",
                      belfry_str(unknown ? "It is not addressed to you, or it is not kept any more."
                                         : "The inbox cannot be read at the moment. Try again in a few seconds."));
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
                        .handled = item->handled_ms != 0};
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
