/* SPDX-License-Identifier: Apache-2.0 */
/* Pages are written into a memory stream; the hub's shell goes around them. */
#include "html.h"

#include <stdlib.h>

void sync_html_init(struct sync_html *html, struct sync_call *call)
{
    html->call = call;
    html->out = open_memstream(&html->bytes, &html->size);
    if (!html->out)
        abort();
}

/* fclose() gives bytes and size their last values. */
void sync_html_send(struct sync_html *html, uint32_t status, const char *title)
{
    struct sync *sync = html->call->sync;
    fclose(html->out);
    struct belfry_http_page page = {.struct_size = sizeof(page),
                                    .status = status,
                                    .title = belfry_str(title),
                                    .main = {html->bytes, html->size},
                                    .styles = sync->styles};
    sync->http->page(sync->host, html->call->req->id, &page);
    free(html->bytes);
    sync_call_free(html->call);
}

void sync_html_text(struct sync_html *html, struct belfry_str text)
{
    struct belfry_str safe = html->call->sync->http->escape(html->call->req, text);
    fwrite(safe.ptr ? safe.ptr : "", 1, safe.len, html->out);
}

void sync_html_list_path(struct sync_html *html)
{
    fputc('/', html->out);
    sync_url_write(html->call->req->org, html->out);
    fputs("/runs/", html->out);
    sync_url_write(belfry_str(html->call->sync->host->instance), html->out);
}

void sync_html_time(struct sync_html *html, int64_t ms)
{
    char machine[SYNC_TIME_TEXT];
    sync_time_text(ms, machine);
    fprintf(html->out, "<time datetime=\"%s\">", machine);
    sync_html_text(html, html->call->sync->http->datetime(html->call->req, ms));
    fputs("</time>", html->out);
}

void sync_html_state(struct sync_html *html, const struct sync_run *run)
{
    static const struct {
        const char *class, *text;
    } ends[] = {{"", ""}, {"success", "Succeeded"}, {"warning", "Succeeded in part"}, {"error", "Failed"}};
    if (run->finished.arrived_ms)
        fprintf(html->out, "<span class=\"state %s\">%s</span>", ends[run->outcome].class, ends[run->outcome].text);
    else if (run->stalled)
        fputs("<span class=\"state warning\">Stalled</span>", html->out);
    else
        fprintf(html->out, "<span class=\"state info\">%s</span>",
                run->background ? "Running in the background" : "Running");
}

void sync_html_length(struct sync_html *html, const struct sync_run *run)
{
    char text[SYNC_LENGTH_TEXT];
    int64_t length = sync_run_length(run);
    sync_length_text(length < 0 ? 0 : length, text);
    fputs(length < 0 ? "not known" : text, html->out);
}

void sync_html_notice(struct sync_call *call, uint32_t status, const char *title, const char *text)
{
    struct sync_html html;
    sync_html_init(&html, call);
    fprintf(html.out, "<h1>%s</h1><p>%s</p><p><a class=\"button\" href=\"", title, text);
    sync_html_list_path(&html);
    fputs("\">All runs</a></p>", html.out);
    sync_html_send(&html, status, title);
}
