/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /{org}/runs/{source}: the runs of a source, newest first. Filters are a GET form, so a copied address shows the
 * same rows, and nothing needs a script. A bad filter is left out, with a line that says so.
 */
#include "page.h"

#include <stdlib.h>

/* --- filters ------------------------------------------------------------------------------------------------------ */

static void add_left_out(const struct sync_call *call, const char *bad, json_t *model)
{
    char key[32];
    if (!bad)
        return;
    snprintf(key, sizeof(key), "bad.%s", bad);
    struct belfry_value why = sync_page_string(sync_page_text(call, key));
    sync_page_set(model, "left_out", sync_page_format(call, "list.left_out", &why, 1));
}

/* A day for a field of type date; an instant does not fit into one and stays a text. */
static void add_date(json_t *model, const char *name, const char *type, struct belfry_str value)
{
    sync_page_set(model, name, value);
    json_object_set_new(model, type, json_string(value.len > 10 ? "text" : "date"));
}

static json_t *outcomes(const struct sync_call *call)
{
    static const char *const labels[] = {"outcome.any", "outcome.succeeded", "outcome.partial", "outcome.failed"};
    json_t *list = json_array();
    for (int i = 0; i < 4; i++) {
        json_t *option = json_object();
        json_object_set_new(option, "value", json_string(sync_outcomes[i]));
        json_object_set_new(option, "selected", json_boolean(i == call->query.outcome));
        sync_page_set(option, "label", sync_page_text(call, labels[i]));
        json_array_append_new(list, option);
    }
    return list;
}

static int is_filtered(const struct sync_query *q)
{
    return q->kind.len || q->outcome || q->admin.len || q->from.len || q->to.len;
}

static void add_filters(const struct sync_call *call, json_t *model)
{
    const struct sync_query *q = &call->query;
    sync_page_set(model, "kind", q->kind);
    sync_page_set(model, "admin", q->admin);
    add_date(model, "from", "from_type", q->from);
    add_date(model, "to", "to_type", q->to);
    json_object_set_new(model, "outcomes", outcomes(call));
    json_object_set_new(model, "sees_all", json_boolean(sync_sees_all(call->req)));
    json_object_set_new(model, "filtered", json_boolean(is_filtered(q)));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static json_t *row_of(const struct sync_call *call, const struct sync_run *run)
{
    json_t *row = json_object();
    json_object_set_new(row, "href", sync_page_run_path(call, run->id));
    json_object_set_new(row, "name", sync_page_kind(call, run));
    sync_page_set(row, "id", run->id);
    json_object_set_new(row, "state", sync_page_state(call, run));
    json_object_set_new(row, "at", sync_page_time(call, strtoll(run->place, NULL, 10)));
    if (run->finished.arrived_ms)
        json_object_set_new(row, "took", sync_page_length(call, run));
    sync_page_set(row, "admin", run->admin);
    return row;
}

static void add_rows(const struct sync_call *call, json_t *model)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < call->count; i++)
        json_array_append_new(rows, row_of(call, &call->runs[i].run));
    json_object_set_new(model, "rows", rows);
    json_object_set_new(model, "any", json_boolean(call->count > 0));
    if (call->count == 0)
        sync_page_set(model, "empty",
                      sync_page_text(call, call->next                  ? "empty.so_far"
                                           : is_filtered(&call->query) ? "empty.filtered"
                                           : call->query.before.len    ? "empty.older"
                                                                       : "empty.all"));
}

static void add_pager(const struct sync_call *call, json_t *model)
{
    struct belfry_str none = {NULL, 0};
    json_object_set_new(model, "pager", json_boolean(call->next || call->query.before.len));
    if (call->query.before.len)
        json_object_set_new(model, "newest", sync_page_list_path(call, &call->query, none));
    if (call->next)
        json_object_set_new(model, "older", sync_page_list_path(call, &call->query, belfry_str(call->next)));
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void on_list(struct sync_call *call, belfry_status status)
{
    struct belfry_str none = {NULL, 0};
    const char *why, *bad = sync_query_read(&call->query, call->sync, call->req, &why);
    if (status != BELFRY_OK) {
        sync_page_notice(call, 503, "later");
        return;
    }
    json_t *model = json_object();
    struct belfry_value source = sync_page_string(belfry_str(call->sync->host->instance));
    sync_page_set(model, "heading", sync_page_format(call, "list.heading", &source, 1));
    sync_page_set(model, "org", call->req->org);
    json_object_set_new(model, "list", sync_page_list_path(call, NULL, none));
    add_left_out(call, bad, model);
    add_filters(call, model);
    add_rows(call, model);
    add_pager(call, model);
    sync_page_send(call, 200, "list.title", "list", model, none, NULL);
}

void sync_page_list(void *self, const struct belfry_http_request *req)
{
    struct sync_call *call = sync_call_new(self, req);
    const char *why;
    sync_query_read(&call->query, call->sync, req, &why);
    sync_find(call, on_list);
}
