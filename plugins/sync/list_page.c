/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/runs/{source}: the runs of a source, newest first. Filters are a GET form, so a copied address shows the
 * same rows, and nothing needs a script. A bad filter is left out, with a line that says so.
 */
#include "html.h"

#include <stdlib.h>

static void write_bad(struct sync_html *html, const char *bad, const char *why)
{
    if (bad)
        fprintf(html->out, "<p class=\"note\" role=\"status\">Part of the address was left out: %s %s.</p>", bad, why);
}

/* --- filters ------------------------------------------------------------------------------------------------------ */

static void write_input(struct sync_html *html, const char *name, const char *label, const char *type,
                        struct belfry_str value)
{
    fprintf(html->out, "<label>%s <input name=\"%s\" type=\"%s\" value=\"", label, name, type);
    sync_html_text(html, value);
    fputs("\"></label>", html->out);
}

/* A day for a field of type date; an instant does not fit into one and stays a text. */
static void write_date(struct sync_html *html, const char *name, const char *label, struct belfry_str value)
{
    write_input(html, name, label, value.len > 10 ? "text" : "date", value);
}

static void write_outcomes(struct sync_html *html, int chosen)
{
    static const char *const labels[] = {"Any", "Succeeded", "Succeeded in part", "Failed"};
    fputs("<label>Outcome <select name=\"outcome\">", html->out);
    for (int i = 0; i < 4; i++)
        fprintf(html->out, "<option value=\"%s\"%s>%s</option>", sync_outcomes[i], i == chosen ? " selected" : "",
                labels[i]);
    fputs("</select></label>", html->out);
}

static int is_filtered(const struct sync_query *q)
{
    return q->kind.len || q->outcome || q->admin.len || q->from.len || q->to.len;
}

static void write_filters(struct sync_html *html)
{
    const struct sync_query *q = &html->call->query;
    fputs("<form class=\"filters\" method=\"get\" role=\"search\" action=\"", html->out);
    sync_html_list_path(html);
    fputs("\">", html->out);
    write_input(html, "kind", "Kind", "text", q->kind);
    write_outcomes(html, q->outcome);
    if (sync_sees_all(html->call->req))
        write_input(html, "admin", "Started by", "text", q->admin);
    write_date(html, "from", "From (UTC)", q->from);
    write_date(html, "to", "To (UTC)", q->to);
    fputs("<button>Show</button>", html->out);
    if (is_filtered(q)) {
        fputs("<a href=\"", html->out);
        sync_html_list_path(html);
        fputs("\">Clear filters</a>", html->out);
    }
    fputs("</form>", html->out);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void write_row(struct sync_html *html, const struct sync_run *run)
{
    char name[SYNC_NAME_TEXT];
    sync_kind_name(run->kind, name);
    fputs("<tr><th scope=\"row\"><a dir=\"auto\" href=\"", html->out);
    sync_html_list_path(html);
    fputc('/', html->out);
    sync_url_write(run->id, html->out);
    fputs("\">", html->out);
    sync_html_text(html, belfry_str(name));
    fputc(' ', html->out);
    sync_html_text(html, run->id);
    fputs("</a></th><td>", html->out);
    sync_html_state(html, run);
    fputs("</td><td>", html->out);
    sync_html_time(html, strtoll(run->place, NULL, 10));
    fputs("</td><td>", html->out);
    if (run->finished.arrived_ms)
        sync_html_length(html, run);
    fputs("</td><td dir=\"auto\">", html->out);
    sync_html_text(html, run->admin);
    fputs("</td></tr>", html->out);
}

static void write_rows(struct sync_html *html)
{
    const struct sync_call *call = html->call;
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Runs\"><table class=\"runs\"><thead><tr>"
          "<th scope=\"col\">Run</th><th scope=\"col\">State</th><th scope=\"col\">When</th>"
          "<th scope=\"col\">Took</th><th scope=\"col\">Started by</th></tr></thead><tbody>",
          html->out);
    for (size_t i = 0; i < call->count; i++)
        write_row(html, &call->runs[i].run);
    fputs("</tbody></table></div>", html->out);
}

static void write_empty(struct sync_html *html)
{
    const struct sync_call *call = html->call;
    const char *text = call->next                  ? "None of these runs fits. Older ones have not been looked at yet."
                       : is_filtered(&call->query) ? "No run fits these filters."
                       : call->query.before.len    ? "There is nothing older."
                                                   : "No run yet. Each one will appear here and stay.";
    fprintf(html->out, "<p class=\"empty\">%s</p>", text);
}

static void write_pager(struct sync_html *html)
{
    const struct sync_call *call = html->call;
    struct belfry_str none = {NULL, 0};
    if (!call->next && !call->query.before.len)
        return;
    fprintf(html->out, "<nav class=\"pager\" aria-label=\"Older and newer\">");
    if (call->query.before.len) {
        fputs("<a href=\"", html->out);
        sync_html_list_path(html);
        sync_query_write(&call->query, none, html->out);
        fputs("\">Newest</a>", html->out);
    }
    if (call->next) {
        fputs("<a rel=\"next\" href=\"", html->out);
        sync_html_list_path(html);
        sync_query_write(&call->query, belfry_str(call->next), html->out);
        fputs("\">Older</a>", html->out);
    }
    fputs("</nav>", html->out);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void on_list(struct sync_call *call, belfry_status status)
{
    const char *why, *bad = sync_query_read(&call->query, call->sync, call->req, &why);
    if (status != BELFRY_OK) {
        sync_html_notice(call, 503, "Not available now", "The runs cannot be read at the moment. Try again shortly.");
        return;
    }
    struct sync_html html;
    sync_html_init(&html, call);
    fputs("<h1>Runs of ", html.out);
    sync_html_text(&html, belfry_str(call->sync->host->instance));
    fputs("</h1>", html.out);
    write_bad(&html, bad, why);
    write_filters(&html);
    if (call->count)
        write_rows(&html);
    else
        write_empty(&html);
    write_pager(&html);
    fputs("<p><a href=\"/", html.out);
    sync_url_write(call->req->org, html.out);
    fputs("/runs\">Runs of other sources</a></p>", html.out);
    sync_html_send(&html, 200, "Runs");
}

void sync_page_list(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    const char *why;
    sync_query_read(&call->query, call->sync, req, &why);
    sync_find(call, on_list);
}
