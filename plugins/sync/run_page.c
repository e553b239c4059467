/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/runs/{source}/{id}: what is known of a run, and its log. A completed sync links here, for good. The page
 * of an overview says whether its data is still valid. Control characters of a log, such as the colours of a terminal,
 * and marks that turn the direction of text are left out here; the API gives it as it came.
 *
 * A log may be longer than a template may make a page, so it is escaped by itself, between two templates.
 */
#include "page.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- facts -------------------------------------------------------------------------------------------------------- */

static json_t *add_fact(const struct sync_call *call, json_t *facts, const char *key)
{
    json_t *fact = json_object();
    sync_page_set(fact, "name", sync_page_text(call, key));
    json_array_append_new(facts, fact);
    return fact;
}

static void add_text(const struct sync_call *call, json_t *facts, const char *key, struct belfry_str text)
{
    if (text.len)
        sync_page_set(add_fact(call, facts, key), "text", text);
}

static void add_time(const struct sync_call *call, json_t *facts, const char *key, struct sync_moment moment)
{
    if (moment.arrived_ms)
        json_object_set_new(add_fact(call, facts, key), "time", sync_page_time(call, sync_moment_ms(moment)));
}

static void add_progress(const struct sync_call *call, json_t *facts, const struct sync_progress *p)
{
    if (!p->at_ms)
        return;
    const struct belfry_value args[] = {sync_page_number(p->done), sync_page_number(p->total),
                                        sync_page_string(p->note)};
    json_t *fact = add_fact(call, facts, "one.progress");
    sync_page_set(fact, "text", sync_page_format(call, p->note.len ? "one.done_note" : "one.done", args, 3));
    if (p->total <= 0)
        return;
    json_t *bar = json_object();
    json_object_set_new(bar, "value", json_integer(p->done < p->total ? p->done : p->total));
    json_object_set_new(bar, "max", json_integer(p->total));
    json_object_set_new(fact, "bar", bar);
}

static void add_facts(const struct sync_call *call, const struct sync_run *run, json_t *model)
{
    json_t *facts = json_array();
    json_object_set_new(add_fact(call, facts, "column.state"), "state", sync_page_state(call, run));
    add_text(call, facts, "filter.kind", run->kind);
    add_text(call, facts, "column.admin", run->admin);
    add_time(call, facts, "one.started", run->started);
    add_time(call, facts, "one.finished", run->finished);
    if (run->finished.arrived_ms)
        json_object_set_new(add_fact(call, facts, "column.took"), "text", sync_page_length(call, run));
    add_progress(call, facts, &run->progress);
    json_object_set_new(model, "facts", facts);
}

/* --- overviews ---------------------------------------------------------------------------------------------------- */

/* Data that is not valid any more is not linked to: whoever follows it would trust it. */
static void add_result(const struct sync_call *call, const struct sync_run *run, json_t *model)
{
    int overview = sync_same(run->kind, "overview") && run->finished.arrived_ms && run->outcome != SYNC_FAILED;
    int valid = !overview || call->valid_until > call->sync->host->now_ms(call->sync->host);
    if (overview && valid) {
        struct belfry_value until = sync_page_string(call->sync->http->datetime(call->req, call->valid_until));
        sync_page_set(model, "valid", sync_page_format(call, "one.valid_until", &until, 1));
    }
    json_object_set_new(model, "invalid", json_boolean(overview && !valid));
    if (run->url.len && valid)
        sync_page_set(model, "result", run->url);
}

/* --- counts ------------------------------------------------------------------------------------------------------- */

static void set_count(const struct sync_call *call, json_t *row, const json_t *value)
{
    if (json_is_integer(value)) {
        struct belfry_value number = sync_page_number(json_integer_value(value));
        sync_page_set(row, "text", sync_page_format(call, "one.count", &number, 1));
        return;
    }
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15); /* 0.1, not 0.10000000000000001 */
    char *text = json_is_string(value) ? NULL : json_dumps(value, flags);
    sync_page_set(row, "text",
                  text ? belfry_str(text) : (struct belfry_str){json_string_value(value), json_string_length(value)});
    free(text);
}

static void add_counts(const struct sync_call *call, json_t *counts, json_t *model)
{
    const char *name;
    json_t *value, *rows = json_array();
    json_object_foreach(counts, name, value)
    {
        json_t *row = json_object();
        json_object_set_new(row, "name", json_string(name));
        set_count(call, row, value);
        json_array_append_new(rows, row);
    }
    json_object_set_new(model, "counted", json_boolean(json_array_size(rows) > 0));
    json_object_set_new(model, "counts", rows);
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

/* Past a mark that turns the direction of what follows: U+202A to 202E, U+2066 to 2069. */
static size_t skip_turn(const char *log, size_t len, size_t i)
{
    const unsigned char *c = (const unsigned char *)log + i;
    if (len - i < 3 || c[0] != 0xe2)
        return i;
    int turns = (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
    return turns ? i + 3 : i;
}

static size_t clean(char *log, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        size_t past = skip_turn(log, len, skip_colour(log, len, i));
        unsigned char c = (unsigned char)log[i];
        if (past == i && (c >= 0x20 || c == '\n' || c == '\t') && c != 0x7f)
            log[out++] = (char)c;
        i = past == i ? i + 1 : past;
    }
    return out;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void on_run(struct sync_call *call, belfry_status status)
{
    struct belfry_str none = {NULL, 0}, log = {NULL, 0};
    if (status == BELFRY_ENOTFOUND || status == BELFRY_EINVAL) {
        sync_page_notice(call, 404, "missing");
        return;
    }
    if (status != BELFRY_OK) {
        sync_page_notice(call, 503, "later");
        return;
    }
    const struct sync_run *run = &call->runs[0].run;
    json_t *model = json_object();
    struct belfry_value source = sync_page_string(belfry_str(call->sync->host->instance));
    sync_page_set(model, "back", sync_page_format(call, "list.heading", &source, 1));
    json_object_set_new(model, "list", sync_page_list_path(call, NULL, none));
    json_object_set_new(model, "name", sync_page_kind(call, run));
    sync_page_set(model, "id", run->id);
    add_facts(call, run, model);
    add_result(call, run, model);
    add_counts(call, run->counts, model);
    json_object_set_new(model, "log", json_boolean(call->log != NULL));
    if (call->log)
        log = call->sync->http->escape(call->req, (struct belfry_str){call->log, clean(call->log, call->log_len)});
    else
        sync_page_set(model, "no_log", sync_page_text(call, run->finished.arrived_ms ? "one.no_log" : "one.log_later"));
    sync_page_send(call, 200, "one.title", "run", model, log, "run_end");
}

void sync_page_one(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    call->id = sync_param_id(req);
    sync_find_one(call, on_run);
}
