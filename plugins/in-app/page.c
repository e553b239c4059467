/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/notifications: the inbox as a page that needs no script. Filters are a GET form, so they are in the URL
 * and a copied URL shows the same rows; everything that changes rows is one POST form around the list, whose buttons
 * name what to do. Values of filters that are not known are left out, with a line that says so.
 */
#include "in_app.h"
#include "html.h"

static const char *const severity_names[] = {"info", "success", "warning", "error", "critical"};
static const char *const severity_labels[] = {"Info", "Success", "Warning", "Error", "Critical"};

/* --- notices ---------------------------------------------------------------------------------- */

/* before, the number, then one or many; one NULL: before is all. */
static const struct {
    const char *done, *before, *one, *many;
} notices[] = {{"read", "", " notification marked as read.", " notifications marked as read."},
               {"unread", "", " notification marked as unread.", " notifications marked as unread."},
               {"hide", "", " notification hidden.", " notifications hidden."},
               {"unhide", "", " notification shown again.", " notifications shown again."},
               {"undo", "Undone: ", " notification is as it was.", " notifications are as they were."},
               {"act", "Done.", NULL, NULL}};

static struct belfry_str param(const struct call *call, const char *name)
{
    struct belfry_str value = {NULL, 0};
    if (call->app->http->query(call->req, name, 0, &value) != BELFRY_OK)
        value.len = 0;
    return value;
}

static long long number(struct belfry_str s)
{
    long long n = 0;
    for (size_t i = 0; i < s.len && i < 12 && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        n = n * 10 + (s.ptr[i] - '0');
    return n;
}

/* What the last form did, from the URL that it led back to. */
static void write_done(struct call *call, struct text *out)
{
    struct belfry_str done = param(call, "done"), undo = param(call, "undo");
    long long n = number(param(call, "n"));
    for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
        if (!text_is(done, notices[i].done))
            continue;
        text_z(out, "<div class=\"note\" role=\"status\"><p>");
        text_z(out, notices[i].before);
        if (notices[i].one) {
            text_num(out, n);
            text_z(out, n == 1 ? notices[i].one : notices[i].many);
        }
        text_z(out, "</p>");
        if (undo.len > 0 && undo.len < 64) {
            html_form(call, out);
            text_z(out, "<button name=\"do\" value=\"undo:");
            text_html(out, undo);
            text_z(out, "\">Undo</button></form>");
        }
        text_z(out, "</div>");
    }
}

static void write_bad(const char *bad, const char *why, struct text *out)
{
    if (!bad)
        return;
    text_z(out, "<div class=\"note warn\" role=\"status\"><p>Part of the address was left out: ");
    text_z(out, bad);
    text_z(out, " ");
    text_z(out, why);
    text_z(out, ".</p></div>");
}

/* --- filters ---------------------------------------------------------------------------------- */

static void write_tab(struct call *call, const char *label, int hidden, int unread, struct text *out)
{
    struct query q = call->query;
    int here = q.hidden == hidden && q.unread == unread;
    q.hidden = hidden;
    q.unread = unread;
    text_z(out, "<a href=\"");
    html_inbox_path(call, out);
    struct text url = {0};
    query_write(&q, 0, '?', &url);
    text_html(out, text_view(&url));
    text_free(&url);
    text_z(out, here ? "\" aria-current=\"page\">" : "\">");
    text_z(out, label);
    text_z(out, "</a>");
}

static int chosen(const struct belfry_str *items, size_t count, struct belfry_str value)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].len == value.len && memcmp(items[i].ptr, value.ptr, value.len) == 0)
            return 1;
    return 0;
}

static void write_choice(const char *name, struct belfry_str value, struct belfry_str label, uint64_t count,
                         int checked, struct text *out)
{
    text_z(out, "<label><input type=\"checkbox\" name=\"");
    text_z(out, name);
    text_z(out, "\" value=\"");
    text_html(out, value);
    text_z(out, checked ? "\" checked> " : "\"> ");
    text_html(out, label);
    text_z(out, " <span class=\"n\">");
    text_num(out, (int64_t)count);
    text_z(out, "</span></label>");
}

struct facet_group {
    const char *name, *legend;
    uint32_t facet;
    const struct belfry_str *picked;
    size_t picked_count;
};

static struct belfry_str label_of(uint32_t facet, struct belfry_str value, struct belfry_str label)
{
    for (size_t i = 0; facet == 0 && i < 5; i++)
        if (text_is(value, severity_names[i]))
            return belfry_str(severity_labels[i]);
    return label;
}

/* A value that is picked but has no rows any more stays in sight, or nobody could unpick it. */
static void write_group(const struct facet_group *g, const struct belfry_inbox_page *page, struct text *out)
{
    size_t shown = g->picked_count;
    for (size_t i = 0; i < page->facet_count; i++)
        shown += page->facets[i].facet == g->facet;
    if (!shown)
        return;
    text_z(out, "<fieldset><legend>");
    text_z(out, g->legend);
    text_z(out, "</legend>");
    for (size_t i = 0; i < page->facet_count; i++) {
        const struct belfry_facet *f = &page->facets[i];
        if (f->facet == g->facet)
            write_choice(g->name, f->value, label_of(f->facet, f->value, f->label), f->count,
                         chosen(g->picked, g->picked_count, f->value), out);
    }
    for (size_t i = 0; i < g->picked_count; i++) {
        int there = 0;
        for (size_t j = 0; j < page->facet_count; j++)
            there |= page->facets[j].facet == g->facet && chosen(&page->facets[j].value, 1, g->picked[i]);
        if (!there)
            write_choice(g->name, g->picked[i], label_of(g->facet, g->picked[i], g->picked[i]), 0, 1, out);
    }
    text_z(out, "</fieldset>");
}

static void write_filters(struct call *call, const struct belfry_inbox_page *page, struct text *out)
{
    const struct query *q = &call->query;
    const struct facet_group groups[] = {{"severity", "Severity", 0, q->severity, q->severity_count},
                                         {"category", "Category", 1, q->category, q->category_count},
                                         {"source", "Source", 2, q->source, q->source_count}};
    text_z(out, "<nav class=\"tabs\" aria-label=\"Views\">");
    write_tab(call, "All", 0, 0, out);
    write_tab(call, "Unread", 0, 1, out);
    write_tab(call, "Hidden", 1, 0, out);
    text_z(out, "</nav><form class=\"filters\" method=\"get\" role=\"search\" action=\"");
    html_inbox_path(call, out);
    text_z(out, "\"><div class=\"line\"><label for=\"q\" class=\"vh\">Search in title and text</label><input id=\"q\" "
                "name=\"q\" type=\"search\" maxlength=\"200\" placeholder=\"Search\" value=\"");
    text_html(out, q->q);
    text_z(out, "\"><button>Search</button>");
    if (!query_is_plain(q)) {
        text_z(out, "<a href=\"");
        html_inbox_path(call, out);
        text_z(out, "\">Clear filters</a>");
    }
    text_z(out, "</div>");
    if (q->hidden)
        text_z(out, "<input type=\"hidden\" name=\"status\" value=\"hidden\">");
    if (q->unread)
        text_z(out, "<input type=\"hidden\" name=\"read\" value=\"unread\">");
    text_z(out, q->severity_count + q->category_count + q->source_count ? "<details open>" : "<details>");
    text_z(out, "<summary>Filters</summary><div class=\"groups\">");
    for (size_t i = 0; i < 3; i++)
        write_group(&groups[i], page, out);
    text_z(out, "</div><button>Apply filters</button></details></form>");
}

/* --- the list --------------------------------------------------------------------------------- */

static void write_all_button(const char *what, const char *label, const struct belfry_inbox_page *page,
                             struct text *out)
{
    text_z(out, "<button name=\"do\" value=\"");
    text_z(out, what);
    text_z(out, "-all\">");
    text_z(out, label);
    text_z(out, " (");
    text_num(out, (int64_t)page->total);
    text_z(out, ")</button>");
}

static void write_toolbar(struct call *call, const struct belfry_inbox_page *page, struct text *out)
{
    int plain = query_is_plain(&call->query);
    text_z(out, "<div class=\"tools\" role=\"group\" aria-label=\"Change several\">");
    if (call->query.hidden) {
        text_z(out, "<button name=\"do\" value=\"unhide-selected\">Unhide selected</button>");
        write_all_button("unhide", plain ? "Unhide all" : "Unhide all matching", page, out);
    } else {
        text_z(out, "<button name=\"do\" value=\"read-selected\">Mark selected as read</button>"
                    "<button name=\"do\" value=\"hide-selected\">Hide selected</button>");
        write_all_button("read", plain ? "Mark all as read" : "Mark all matching as read", page, out);
        write_all_button("hide", plain ? "Hide all" : "Hide all matching", page, out);
    }
    text_z(out, "</div>");
}

static void write_empty(const struct call *call, struct text *out)
{
    struct query q = call->query;
    const char *text = "No notification matches these filters.";
    int search = q.q.len || q.severity_count || q.category_count || q.source_count;
    if (q.before.len)
        text = "There is nothing older.";
    else if (!search)
        text = q.hidden   ? "Nothing is hidden."
               : q.unread ? "You have read everything."
                          : "Nothing here yet. What concerns you will appear on this page.";
    text_z(out, "<p class=\"empty\">");
    text_z(out, text);
    text_z(out, "</p>");
}

static void write_list(struct call *call, const struct belfry_inbox_page *page, struct text *out)
{
    html_form(call, out);
    text_z(out, "<input type=\"hidden\" name=\"as_of_rev\" value=\"");
    text_num(out, page->rev);
    text_z(out, "\">");
    write_toolbar(call, page, out);
    text_z(out, "<ol class=\"rows\">");
    for (size_t i = 0; i < page->count; i++)
        html_row(call, page, &page->items[i], out);
    text_z(out, "</ol></form>");
}

static void write_pager(struct call *call, const struct belfry_inbox_page *page, struct text *out)
{
    if (!call->query.before.len && !page->next.len)
        return;
    text_z(out, "<nav class=\"pager\" aria-label=\"Older and newer\">");
    for (int older = 0; older < 2; older++) {
        struct query q = call->query;
        struct text url = {0};
        if (older ? !page->next.len : !q.before.len)
            continue;
        q.before = older ? page->next : (struct belfry_str){0};
        query_write(&q, 1, '?', &url);
        text_z(out, older ? "<a rel=\"next\" href=\"" : "<a href=\"");
        html_inbox_path(call, out);
        text_html(out, text_view(&url));
        text_z(out, older ? "\">Older</a>" : "\">Newest</a>");
        text_free(&url);
    }
    text_z(out, "</nav>");
}

static void write_heading(const struct call *call, const struct belfry_inbox_page *page, struct text *out)
{
    text_z(out, "<div class=\"head\"><h1>Notifications</h1><p class=\"count\">");
    if (page->unread)
        text_num(out, (int64_t)page->unread);
    text_z(out, page->unread ? " unread" : "Nothing unread");
    text_z(out, "</p>");
    refresh_button(call, out);
    text_z(out, "</div>");
}

/* --- the page --------------------------------------------------------------------------------- */

static const char *bad_param(struct call *call, const char **why)
{
    uint32_t limit = (uint32_t)call->app->config->page_size;
    const char *bad = query_read(&call->query, call->req, call->app->http->query, limit, why);
    return bad;
}

static void on_page(void *arg, belfry_status status, const struct belfry_inbox_page *page)
{
    struct call *call = arg;
    struct text out = {0};
    const char *why = NULL, *bad = bad_param(call, &why);
    if (status == BELFRY_EINVAL) {
        answer_notice(call, 400, "This address leads nowhere",
                      belfry_str("Its place in the list is not one of this inbox."));
        return;
    }
    if (status != BELFRY_OK) {
        answer_notice(call, 503, "Not available now",
                      belfry_str("The inbox cannot be read at the moment. Try again in a few seconds."));
        return;
    }
    write_heading(call, page, &out);
    refresh_note(call, &out);
    write_done(call, &out);
    write_bad(bad, why, &out);
    write_filters(call, page, &out);
    if (page->count)
        write_list(call, page, &out);
    else
        write_empty(call, &out);
    write_pager(call, page, &out);
    answer_page(call, 200, "Notifications", &out);
}

/* After the look at the job: what one that has ended brought is in the list. */
static void read_list(struct call *call)
{
    struct belfry_inbox_filter filter;
    query_filter(&call->query, &filter);
    call->app->inbox->list(call->req, &filter, call->query.before, call->query.limit, on_page, call);
}

void page_inbox(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    const char *why;
    bad_param(call, &why);
    refresh_look(call, read_list);
}
