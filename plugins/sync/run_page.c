/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/runs/{source}/{id}: what is known of a run, and its log. A completed sync links here, for good. The page
 * of an overview says whether its data is still valid. Control characters of a log, such as the colours of a terminal,
 * are left out here; the API gives it as it came.
 */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- facts -------------------------------------------------------------------------------------------------------- */

static void begin_fact(struct sync_html *html, const char *name)
{
    fprintf(html->out, "<div><dt>%s</dt><dd dir=\"auto\">", name);
}

static void end_fact(struct sync_html *html)
{
    fputs("</dd></div>", html->out);
}

static void write_text(struct sync_html *html, const char *name, struct belfry_str text)
{
    if (!text.len)
        return;
    begin_fact(html, name);
    sync_html_text(html, text);
    end_fact(html);
}

static void write_time(struct sync_html *html, const char *name, struct sync_moment moment)
{
    if (!moment.arrived_ms)
        return;
    begin_fact(html, name);
    sync_html_time(html, sync_moment_ms(moment));
    end_fact(html);
}

static void write_progress(struct sync_html *html, const struct sync_progress *p)
{
    if (!p->at_ms)
        return;
    begin_fact(html, "Progress");
    if (p->total > 0)
        fprintf(html->out, "<progress aria-label=\"Progress\" value=\"%" PRId64 "\" max=\"%" PRId64 "\"></progress> ",
                p->done < p->total ? p->done : p->total, p->total);
    fprintf(html->out, "%" PRId64 " of %" PRId64, p->done, p->total);
    if (p->note.len)
        fputs(": ", html->out);
    sync_html_text(html, p->note);
    end_fact(html);
}

static void write_facts(struct sync_html *html, const struct sync_run *run)
{
    fputs("<dl class=\"facts\">", html->out);
    begin_fact(html, "State");
    sync_html_state(html, run);
    end_fact(html);
    write_text(html, "Kind", run->kind);
    write_text(html, "Started by", run->admin);
    write_time(html, "Started", run->started);
    write_time(html, "Finished", run->finished);
    if (run->finished.arrived_ms) {
        begin_fact(html, "Took");
        sync_html_length(html, run);
        end_fact(html);
    }
    write_progress(html, &run->progress);
    fputs("</dl>", html->out);
}

/* --- overviews ---------------------------------------------------------------------------------------------------- */

/* Data that is not valid any more is not linked to: whoever follows it would trust it. */
static void write_result(struct sync_html *html, const struct sync_run *run)
{
    const struct sync_call *call = html->call;
    int overview = sync_same(run->kind, "overview") && run->finished.arrived_ms && run->outcome != SYNC_FAILED;
    int valid = !overview || call->valid_until > call->sync->host->now_ms(call->sync->host);
    if (overview && valid) {
        fputs("<p class=\"note\">This overview is valid until ", html->out);
        sync_html_time(html, call->valid_until);
        fputs(".</p>", html->out);
    }
    if (overview && !valid)
        fputs("<p class=\"note warn\">The data of this overview is no longer valid. Run a new one to see what would "
              "change now.</p>",
              html->out);
    if (!run->url.len || !valid)
        return;
    fputs("<p><a class=\"button\" rel=\"noreferrer\" href=\"", html->out);
    sync_html_text(html, run->url);
    fputs("\">Open the result</a></p>", html->out);
}

/* --- counts ------------------------------------------------------------------------------------------------------- */

static void write_count(struct sync_html *html, const json_t *value)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15); /* 0.1, not 0.10000000000000001 */
    char *text = json_is_string(value) ? NULL : json_dumps(value, flags);
    if (text)
        sync_html_text(html, belfry_str(text));
    else
        sync_html_text(html, (struct belfry_str){json_string_value(value), json_string_length(value)});
    free(text);
}

static void write_counts(struct sync_html *html, json_t *counts)
{
    const char *name;
    json_t *value;
    if (!json_object_size(counts))
        return;
    fputs("<h2>Counts</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Counts\">"
          "<table class=\"counts\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">How many</th></tr></thead>"
          "<tbody>",
          html->out);
    json_object_foreach(counts, name, value)
    {
        fputs("<tr><th scope=\"row\" dir=\"auto\">", html->out);
        sync_html_text(html, belfry_str(name));
        fputs("</th><td>", html->out);
        write_count(html, value);
        fputs("</td></tr>", html->out);
    }
    fputs("</tbody></table></div>", html->out);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

/* Past a colour of a terminal (ESC [ numbers letter) that begins at i; i itself when there is none. */
static size_t skip_colour(const char *log, size_t len, size_t i)
{
    size_t end = i + 2;
    if (log[i] != 0x1b || i + 1 >= len || log[i + 1] != '[')
        return i;
    while (end < len && ((log[end] >= '0' && log[end] <= '9') || log[end] == ';'))
        end++;
    return end < len ? end + 1 : len;
}

static size_t clean(char *log, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        size_t past = skip_colour(log, len, i);
        unsigned char c = (unsigned char)log[i];
        if (past == i && (c >= 0x20 || c == '\n' || c == '\t') && c != 0x7f)
            log[out++] = (char)c;
        i = past == i ? i + 1 : past;
    }
    return out;
}

static void write_log(struct sync_html *html)
{
    struct sync_call *call = html->call;
    fputs("<h2 id=\"log\">Log</h2>", html->out);
    if (!call->log) {
        fputs(call->runs[0].run.finished.arrived_ms ? "<p>It brought no log.</p>"
                                                    : "<p>The log comes when the run has finished.</p>",
              html->out);
        return;
    }
    fputs("<pre class=\"log\" tabindex=\"0\" role=\"region\" aria-labelledby=\"log\" dir=\"auto\">", html->out);
    sync_html_text(html, (struct belfry_str){call->log, clean(call->log, call->log_len)});
    fputs("</pre>", html->out);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void write_head(struct sync_html *html, const struct sync_run *run)
{
    char name[SYNC_NAME_TEXT];
    sync_kind_name(run->kind, name);
    fputs("<nav aria-label=\"Place\"><a href=\"", html->out);
    sync_html_list_path(html);
    fputs("\">Runs of ", html->out);
    sync_html_text(html, belfry_str(html->call->sync->host->instance));
    fputs("</a></nav><h1 dir=\"auto\">", html->out);
    sync_html_text(html, belfry_str(name));
    fputc(' ', html->out);
    sync_html_text(html, run->id);
    fputs("</h1>", html->out);
}

static void on_run(struct sync_call *call, belfry_status status)
{
    if (status == BELFRY_ENOTFOUND || status == BELFRY_EINVAL) {
        sync_html_notice(call, 404, "There is no such run", "It was never heard of here, or it is not yours to see.");
        return;
    }
    if (status != BELFRY_OK) {
        sync_html_notice(call, 503, "Not available now", "The run cannot be read at the moment. Try again shortly.");
        return;
    }
    const struct sync_run *run = &call->runs[0].run;
    struct sync_html html;
    sync_html_init(&html, call);
    write_head(&html, run);
    write_facts(&html, run);
    write_result(&html, run);
    write_counts(&html, run->counts);
    write_log(&html);
    sync_html_send(&html, 200, "Run");
}

void sync_page_one(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    call->id = sync_param_id(req);
    sync_find_one(call, on_run);
}
