/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows, forms and times of the pages. A row says in words whatever colour or a dot says too, and each of its buttons
 * names the row for those who hear it.
 */
#include "html.h"

static const char *const severity_names[] = {"info", "success", "warning", "error", "critical"};
static const char *const severity_labels[] = {"Info", "Success", "Warning", "Error", "Critical"};

void html_inbox_path(const struct call *call, struct text *out)
{
    text_z(out, "/");
    text_url(out, call->req->org);
    text_z(out, "/notifications");
}

void html_href(const struct call *call, struct belfry_str id, struct text *out)
{
    text_z(out, "/");
    text_url(out, call->req->org);
    text_z(out, "/n/");
    text_url(out, id);
}

void html_form(const struct call *call, struct text *out)
{
    text_z(out, "<form method=\"post\" action=\"");
    html_inbox_path(call, out);
    text_z(out, "/act\">");
    if (call->req->csrf.len) {
        text_z(out, "<input type=\"hidden\" name=\"csrf\" value=\"");
        text_html(out, call->req->csrf);
        text_z(out, "\">");
    }
    query_fields(&call->query, 1, out);
}

/* --- times ------------------------------------------------------------------------------------ */

static const struct {
    int64_t below_ms, unit_ms;
    const char *one, *many;
} spans[] = {{60000, 1, "just now", "just now"},
             {3600000, 60000, " minute ago", " minutes ago"},
             {86400000, 3600000, " hour ago", " hours ago"},
             {7 * INT64_C(86400000), 86400000, " day ago", " days ago"}};

void html_time(const struct call *call, int64_t ms, struct text *out)
{
    int64_t age = call->app->host->now_ms(call->app->host) - ms;
    text_z(out, "<time datetime=\"");
    text_time(out, ms);
    text_z(out, "\">");
    size_t i = 0, known = sizeof(spans) / sizeof(spans[0]);
    while (i < known && age >= spans[i].below_ms)
        i++;
    if (i == known || age < 0) {
        text_html(out, call->app->http->datetime(call->req, ms));
    } else {
        int64_t n = age / spans[i].unit_ms;
        if (i > 0)
            text_num(out, n);
        text_z(out, n == 1 ? spans[i].one : spans[i].many);
    }
    text_z(out, "</time>");
}

/* --- rows ------------------------------------------------------------------------------------- */

void html_state(const struct belfry_inbox_item *item, struct text *out)
{
    static const char *const states[] = {NULL, "Expired", "Superseded", "Withdrawn"};
    if (item->handled_by.len) {
        text_z(out, "<span class=\"chip\">Handled by ");
        text_html(out, item->handled_by);
        text_z(out, "</span>");
    }
    if (item->validity > 0 && item->validity < 4) {
        text_z(out, "<span class=\"chip gone\">");
        text_z(out, states[item->validity]);
        text_z(out, ", no longer valid</span>");
    }
}

static struct belfry_str category_label(const struct belfry_inbox_page *page, struct belfry_str category)
{
    for (size_t i = 0; i < page->facet_count; i++) {
        const struct belfry_facet *f = &page->facets[i];
        if (f->facet == 1 && f->value.len == category.len && memcmp(f->value.ptr, category.ptr, category.len) == 0)
            return f->label;
    }
    return category;
}

static void write_button(const char *what, const struct belfry_inbox_item *item, struct belfry_str action,
                         struct belfry_str label, struct text *out)
{
    text_z(out, "<button name=\"do\" value=\"");
    text_z(out, what);
    text_z(out, ":");
    text_html(out, item->id);
    if (action.len) {
        text_z(out, ":");
        text_html(out, action);
    }
    text_z(out, "\">");
    text_html(out, label);
    text_z(out, "<span class=\"vh\">: ");
    text_html(out, item->title);
    text_z(out, "</span></button>");
}

/* One field for all actions of a row that take a comment. Several lines, so that Enter presses no button. */
static void write_comment(const struct belfry_inbox_item *item, struct text *out)
{
    size_t i = 0;
    while (i < item->action_count && !item->actions[i].comment.len)
        i++;
    if (i == item->action_count)
        return;
    text_z(out, "<label class=\"comment\"><span>");
    text_html(out, item->actions[i].comment);
    text_z(out, "<span class=\"vh\">: ");
    text_html(out, item->title);
    text_z(out, "</span></span><textarea rows=\"1\" maxlength=\"1000\" name=\"comment:");
    text_html(out, item->id);
    text_z(out, "\"></textarea></label>");
}

static void write_buttons(const struct belfry_inbox_item *item, struct text *out)
{
    struct belfry_str none = {0};
    text_z(out, "<div class=\"acts\">");
    write_comment(item, out);
    for (size_t i = 0; i < item->action_count; i++)
        write_button("act", item, item->actions[i].id, item->actions[i].label, out);
    if (item->read_ms)
        write_button("unread", item, none, belfry_str("Mark unread"), out);
    else
        write_button("read", item, none, belfry_str("Mark read"), out);
    if (item->hidden_ms)
        write_button("unhide", item, none, belfry_str("Unhide"), out);
    else
        write_button("hide", item, none, belfry_str("Hide"), out);
    text_z(out, "</div>");
}

static void write_meta(const struct call *call, const struct belfry_inbox_page *page,
                       const struct belfry_inbox_item *item, struct text *out)
{
    uint32_t severity = item->severity < 5 ? item->severity : 0;
    text_z(out, "<p class=\"meta\"><span class=\"sev ");
    text_z(out, severity_names[severity]);
    text_z(out, "\">");
    text_z(out, severity_labels[severity]);
    text_z(out, "</span><span>");
    text_html(out, category_label(page, item->category));
    text_z(out, "</span><span>");
    text_html(out, item->source);
    text_z(out, "</span>");
    html_time(call, item->created_ms, out);
    html_state(item, out);
    text_z(out, "</p>");
}

void html_row(const struct call *call, const struct belfry_inbox_page *page, const struct belfry_inbox_item *item,
              struct text *out)
{
    text_z(out, item->unread ? "<li class=\"row unread\" id=\"n-" : "<li class=\"row\" id=\"n-");
    text_html(out, item->id);
    text_z(out, "\"><input type=\"checkbox\" name=\"ids\" value=\"");
    text_html(out, item->id);
    text_z(out, "\" aria-label=\"Select: ");
    text_html(out, item->title);
    text_z(out, "\">");
    if (item->unread)
        text_z(out, "<span class=\"dot\"><span class=\"vh\">Unread</span></span>");
    else
        text_z(out, "<span class=\"dot none\"></span>");
    text_z(out, "<div class=\"what\"><a class=\"title\" dir=\"auto\" href=\"");
    html_href(call, item->id, out);
    text_z(out, "\">");
    text_html(out, item->title);
    text_z(out, "</a>");
    if (item->body.len) {
        text_z(out, "<p class=\"text\" dir=\"auto\">");
        text_html(out, item->body);
        text_z(out, "</p>");
    }
    write_meta(call, page, item, out);
    text_z(out, "</div>");
    write_buttons(item, out);
    text_z(out, "</li>");
}
