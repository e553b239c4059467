/* SPDX-License-Identifier: Apache-2.0 */
/* Models are built from what is known of runs, rendered into a memory stream, and shown in the hub's shell. */
#include "page.h"

#include <stdlib.h>

static const char style[] =
#include "plugins/sync/assets/runs.css.inc"
    ;
static const char list[] =
#include "plugins/sync/pages/list.mustache.inc"
    ;
static const char run[] =
#include "plugins/sync/pages/run.mustache.inc"
    ;
static const char run_end[] =
#include "plugins/sync/pages/run_end.mustache.inc"
    ;
static const char state[] =
#include "plugins/sync/pages/state.mustache.inc"
    ;
static const char notice[] =
#include "plugins/sync/pages/notice.mustache.inc"
    ;
static const char english[] =
#include "plugins/sync/texts/en.json.inc"
    ;
static const char german[] =
#include "plugins/sync/texts/de.json.inc"
    ;

belfry_status sync_pages_add(struct sync *sync, struct belfry_error *err)
{
    static const struct {
        const char *name, *text;
    } templates[] = {{"list", list}, {"run", run}, {"run_end", run_end}, {"state", state}, {"notice", notice}};
    belfry_status status =
        sync->asset->add(sync->host, "runs.css", "text/css; charset=utf-8", style, sizeof(style) - 1);
    if (status != BELFRY_OK)
        return sync->host->fail(err, status, NULL, "the style sheet could not be served");
    status = sync->pages->texts(sync->host, "en", belfry_str(english), err);
    if (status == BELFRY_OK)
        status = sync->pages->texts(sync->host, "de", belfry_str(german), err);
    for (size_t i = 0; status == BELFRY_OK && i < sizeof(templates) / sizeof(templates[0]); i++)
        status = sync->pages->add(sync->host, templates[i].name, belfry_str(templates[i].text), err);
    return status;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static void into_stream(void *arg, struct belfry_str html)
{
    if (html.len)
        fwrite(html.ptr, 1, html.len, arg);
}

static belfry_status render(const struct sync_call *call, const char *name, const json_t *model, FILE *out)
{
    const struct sync *sync = call->sync;
    char *json = json_dumps(model, JSON_COMPACT);
    if (!json)
        abort();
    belfry_status status = sync->pages->render(sync->host, call->req, name, belfry_str(json), into_stream, out);
    free(json);
    return status;
}

void sync_page_send(struct sync_call *call, uint32_t status, const char *title, const char *name, json_t *model,
                    struct belfry_str log, const char *after)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    if (!out)
        abort();
    belfry_status rendered = render(call, name, model, out);
    if (log.len)
        fwrite(log.ptr, 1, log.len, out);
    if (after && rendered == BELFRY_OK)
        rendered = render(call, after, model, out);
    fclose(out); /* gives bytes and size their last values */
    json_decref(model);
    struct belfry_http_page page = {.struct_size = sizeof(page),
                                    .status = status,
                                    .title = sync_page_text(call, title),
                                    .main = {bytes, size},
                                    .styles = call->sync->styles};
    if (rendered == BELFRY_OK)
        call->sync->http->page(call->sync->host, call->req->id, &page);
    else
        call->sync->http->problem(call->sync->host, call->req->id, 500, NULL,
                                  belfry_str("there is more to show than fits on a page"));
    free(bytes);
    sync_call_free(call);
}

void sync_page_notice(struct sync_call *call, uint32_t status, const char *key)
{
    char title[64], text[64];
    struct belfry_str none = {NULL, 0};
    json_t *model = json_object();
    snprintf(title, sizeof(title), "%s.title", key);
    snprintf(text, sizeof(text), "%s.text", key);
    sync_page_set(model, "title", sync_page_text(call, title));
    sync_page_set(model, "text", sync_page_text(call, text));
    json_object_set_new(model, "list", sync_page_list_path(call, NULL, none));
    sync_page_send(call, status, title, "notice", model, none, NULL);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

void sync_page_set(json_t *model, const char *name, struct belfry_str text)
{
    json_object_set_new(model, name, json_stringn(text.ptr ? text.ptr : "", text.len));
}

struct belfry_str sync_page_text(const struct sync_call *call, const char *key)
{
    return sync_page_format(call, key, NULL, 0);
}

struct belfry_str sync_page_format(const struct sync_call *call, const char *key, const struct belfry_value *args,
                                   size_t count)
{
    return call->sync->pages->format(call->sync->host, call->req, key, args, count);
}

struct belfry_value sync_page_string(struct belfry_str text)
{
    return (struct belfry_value){.type = BELFRY_VALUE_STRING, .s = text};
}

struct belfry_value sync_page_number(int64_t number)
{
    return (struct belfry_value){.type = BELFRY_VALUE_INT, .i = number};
}

static json_t *text_json(struct belfry_str text)
{
    return json_stringn(text.ptr ? text.ptr : "", text.len);
}

/* --- members of models -------------------------------------------------------------------------------------------- */

static json_t *path_json(const struct sync_call *call, const struct sync_query *query, struct belfry_str before,
                         struct belfry_str id)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fputc('/', out);
    sync_url_write(call->req->org, out);
    fputs("/runs/", out);
    sync_url_write(belfry_str(call->sync->host->instance), out);
    if (id.len)
        fputc('/', out);
    sync_url_write(id, out);
    if (query)
        sync_query_write(query, before, out);
    fclose(out);
    json_t *path = json_stringn(text, size);
    free(text);
    return path;
}

json_t *sync_page_run_path(const struct sync_call *call, struct belfry_str id)
{
    return path_json(call, NULL, (struct belfry_str){NULL, 0}, id);
}

json_t *sync_page_list_path(const struct sync_call *call, const struct sync_query *query, struct belfry_str before)
{
    return path_json(call, query, before, (struct belfry_str){NULL, 0});
}

json_t *sync_page_time(const struct sync_call *call, int64_t ms)
{
    char machine[SYNC_TIME_TEXT];
    json_t *time = json_object();
    sync_time_text(ms, machine);
    json_object_set_new(time, "machine", json_string(machine));
    sync_page_set(time, "text", call->sync->http->datetime(call->req, ms));
    return time;
}

json_t *sync_page_state(const struct sync_call *call, const struct sync_run *run_)
{
    static const struct {
        const char *class, *text;
    } ends[] = {
        {"", ""}, {"success", "outcome.succeeded"}, {"warning", "outcome.partial"}, {"error", "outcome.failed"}};
    json_t *model = json_object();
    const char *class = "info", *key = run_->background ? "state.background" : "state.running";
    if (run_->finished.arrived_ms) {
        class = ends[run_->outcome].class;
        key = ends[run_->outcome].text;
    } else if (run_->stalled) {
        class = "warning";
        key = "state.stalled";
    }
    json_object_set_new(model, "class", json_string(class));
    sync_page_set(model, "text", sync_page_text(call, key));
    return model;
}

json_t *sync_page_kind(const struct sync_call *call, const struct sync_run *run_)
{
    char key[SYNC_NAME_TEXT + 8], name[SYNC_NAME_TEXT];
    snprintf(key, sizeof(key), "kind.%.*s", run_->kind.len < SYNC_NAME_TEXT ? (int)run_->kind.len : 0,
             run_->kind.ptr ? run_->kind.ptr : "");
    struct belfry_str text = sync_page_text(call, run_->kind.len ? key : "kind.run");
    if (!sync_same(text, key)) /* a key that is not there comes back as it is */
        return text_json(text);
    sync_kind_name(run_->kind, name);
    return text_json(belfry_str(name));
}

json_t *sync_page_length(const struct sync_call *call, const struct sync_run *run_)
{
    char text[SYNC_LENGTH_TEXT];
    int64_t length = sync_run_length(run_);
    if (length < 0)
        return text_json(sync_page_text(call, "one.length_unknown"));
    sync_length_text(length, text);
    return json_string(text);
}
