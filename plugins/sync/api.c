/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/sources/{source}/runs and .../runs/{id}. A list leaves the logs out: each may be half a megabyte. What
 * an app's "processing in background" dialog polls is the second one.
 */
#include "answer.h"

#include <stdlib.h>

struct belfry_str sync_param_id(const struct belfry_http_request *req)
{
    for (size_t i = 0; i < req->param_count; i++)
        if (sync_same(req->params[i].name, "id"))
            return req->params[i].value;
    return (struct belfry_str){NULL, 0};
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static json_t *text_json(struct belfry_str s)
{
    return s.ptr ? json_stringn(s.ptr, s.len) : json_null();
}

static json_t *moment_json(struct sync_moment moment)
{
    char text[SYNC_TIME_TEXT];
    sync_time_text(sync_moment_ms(moment), text);
    return moment.arrived_ms ? json_string(text) : json_null();
}

static json_t *progress_json(const struct sync_progress *p)
{
    if (!p->at_ms)
        return json_null();
    json_t *out = json_pack("{s:I,s:I}", "done", (json_int_t)p->done, "total", (json_int_t)p->total);
    json_object_set_new(out, "note", text_json(p->note));
    return out;
}

static json_t *run_json(const struct sync_run *run)
{
    json_t *doc = json_object();
    int64_t length = sync_run_length(run);
    json_object_set_new(doc, "id", text_json(run->id));
    json_object_set_new(doc, "kind", text_json(run->kind));
    json_object_set_new(doc, "admin", text_json(run->admin));
    json_object_set_new(doc, "state", json_string(sync_run_state(run)));
    json_object_set_new(doc, "background", json_boolean(run->background));
    json_object_set_new(doc, "outcome", run->outcome ? json_string(sync_outcomes[run->outcome]) : json_null());
    json_object_set_new(doc, "started_at", moment_json(run->started));
    json_object_set_new(doc, "finished_at", moment_json(run->finished));
    json_object_set_new(doc, "duration_ms", length < 0 ? json_null() : json_integer(length));
    json_object_set_new(doc, "progress", progress_json(&run->progress));
    json_object_set(doc, "counts", run->counts ? run->counts : json_null());
    json_object_set_new(doc, "url", text_json(run->url));
    return doc;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void answer(struct sync_call *call, json_t *doc)
{
    char *text = json_dumps(doc, JSON_COMPACT);
    struct belfry_attr header = {belfry_str("Cache-Control"), belfry_str("private, no-cache")};
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(text),
                                            .headers = &header,
                                            .header_count = 1};
    call->sync->http->respond(call->sync->host, call->req->id, &response);
    free(text);
    json_decref(doc);
    sync_call_free(call);
}

static void refuse(struct sync_call *call, uint32_t status, const char *text)
{
    call->sync->http->problem(call->sync->host, call->req->id, status, NULL, belfry_str(text));
    sync_call_free(call);
}

static void on_list(struct sync_call *call, belfry_status status)
{
    if (status != BELFRY_OK) {
        refuse(call, 503, "the runs cannot be read at the moment; try again in a second");
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < call->count; i++)
        json_array_append_new(items, run_json(&call->runs[i].run));
    json_object_set_new(doc, "items", items);
    json_object_set_new(doc, "next", call->next ? json_string(call->next) : json_null());
    json_object_set_new(doc, "scanned", json_integer(call->scanned));
    answer(call, doc);
}

void sync_api_list(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    const char *why, *bad = sync_query_read(&call->query, call->sync, req, &why);
    char text[160];
    if (bad) {
        snprintf(text, sizeof(text), "`%s` %s", bad, why);
        refuse(call, 400, text);
        return;
    }
    sync_find(call, on_list);
}

static void on_one(struct sync_call *call, belfry_status status)
{
    if (status != BELFRY_OK) {
        int unknown = status == BELFRY_ENOTFOUND || status == BELFRY_EINVAL;
        refuse(call, unknown ? 404 : 503,
               unknown ? "there is no such run" : "the run cannot be read at the moment; try again in a second");
        return;
    }
    json_t *doc = run_json(&call->runs[0].run);
    json_object_set_new(doc, "log", call->log ? json_stringn(call->log, call->log_len) : json_null());
    answer(call, doc);
}

void sync_api_one(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    call->id = sync_param_id(req);
    sync_find_one(call, on_one);
}
