/* SPDX-License-Identifier: Apache-2.0 */
/* POST of the JSON API: marks, bulk, undo, seen, actions. */
#include "in_app.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define IDS_MAX 10000

static struct belfry_str str_of(const json_t *value)
{
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* The body as an object, or NULL after a 400. An empty body is an empty object when `optional`. */
static json_t *read_body(struct call *call, int optional)
{
    json_error_t error;
    struct belfry_str body = call->req->body;
    json_t *json = optional && body.len == 0
                       ? json_object()
                       : json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &error);
    if (json && json_is_object(json)) {
        call->json = json;
        return json;
    }
    char text[256];
    snprintf(text, sizeof(text), json ? "the body must be a JSON object" : "the body is no JSON: %s", error.text);
    json_decref(json);
    answer_problem(call, 400, NULL, text);
    return NULL;
}

/* --- one row ---------------------------------------------------------------------------------- */

static void write_rev(struct text *out, const struct belfry_inbox_change *change)
{
    text_z(out, "{\"rev\":");
    text_num(out, change->rev);
    text_z(out, ",\"unread\":");
    text_num(out, (int64_t)change->unread);
}

static void on_mark(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    struct text out = {0};
    if (change->status != BELFRY_OK) {
        answer_status(call, change->status, change->message);
        return;
    }
    write_rev(&out, change);
    text_z(&out, "}");
    answer_json(call, 200, &out);
}

static void mark(struct in_app *app, const struct belfry_http_request *req, uint32_t which)
{
    struct call *call = call_new(app, req);
    app->inbox->mark(req, which, call_param(call, "id"), on_mark, call);
}

void api_read(void *self, const struct belfry_http_request *req)
{
    mark(self, req, BELFRY_MARK_READ);
}

void api_unread(void *self, const struct belfry_http_request *req)
{
    mark(self, req, BELFRY_MARK_UNREAD);
}

void api_hide(void *self, const struct belfry_http_request *req)
{
    mark(self, req, BELFRY_MARK_HIDE);
}

void api_unhide(void *self, const struct belfry_http_request *req)
{
    mark(self, req, BELFRY_MARK_UNHIDE);
}

/* --- many rows -------------------------------------------------------------------------------- */

static void on_bulk(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    struct text out = {0};
    if (change->status != BELFRY_OK) {
        answer_status(call, change->status, change->message);
        return;
    }
    write_rev(&out, change);
    text_z(&out, ",\"changed\":");
    text_num(&out, (int64_t)change->changed);
    text_z(&out, ",\"failed\":[");
    for (size_t i = 0; i < change->failed_count; i++) {
        text_z(&out, i ? ",{\"id\":" : "{\"id\":");
        text_json(&out, change->failed[i].id);
        text_z(&out, ",\"code\":");
        text_json(&out, belfry_str(change->failed[i].code));
        text_z(&out, "}");
    }
    text_z(&out, "],\"undo\":");
    text_json_opt(&out, change->undo);
    text_z(&out, "}");
    answer_json(call, 200, &out);
}

/* An empty list of ids changes nothing; it still answers with the state. */
static void on_nothing(void *arg, belfry_status status, const struct belfry_inbox_counts *counts)
{
    struct belfry_inbox_change change = {.struct_size = sizeof(change), .status = status};
    if (status == BELFRY_OK) {
        change.rev = counts->rev;
        change.unread = counts->unread;
    }
    on_bulk(arg, &change);
}

/* The strings of a list, borrowed from the body. NULL when all is well, else what is wrong. */
static const char *read_strings(struct call *call, const json_t *list, size_t max, struct belfry_strs *out)
{
    if (!json_is_array(list))
        return "must be a list of strings";
    size_t count = json_array_size(list);
    if (count > max)
        return "has too many items";
    struct belfry_str *items = call_alloc(call, count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(list, i)))
            return "must be a list of strings";
        items[i] = str_of(json_array_get(list, i));
    }
    *out = (struct belfry_strs){items, count};
    return NULL;
}

static const char *read_word(const json_t *value, const char *first, const char *second, uint32_t *out)
{
    struct belfry_str word = str_of(value);
    if (!json_is_string(value) || !(text_is(word, first) || text_is(word, second)))
        return "is not one of its two words";
    *out = text_is(word, second);
    return NULL;
}

/* One member of a filter. */
static const char *read_member(struct call *call, const char *name, const json_t *value,
                               struct belfry_inbox_filter *out)
{
    if (json_is_null(value))
        return NULL;
    if (strcmp(name, "q") == 0) {
        out->q = str_of(value);
        return json_is_string(value) && out->q.len <= QUERY_TEXT_MAX ? NULL : "must be a text of at most 300 bytes";
    }
    if (strcmp(name, "severity") == 0) {
        const char *wrong = read_strings(call, value, 5, &out->severity);
        for (size_t i = 0; !wrong && i < out->severity.count; i++)
            if (!query_is_severity(out->severity.items[i]))
                wrong = "must name info, success, warning, error or critical";
        return wrong;
    }
    if (strcmp(name, "category") == 0)
        return read_strings(call, value, QUERY_NAMES_MAX, &out->category);
    if (strcmp(name, "source") == 0)
        return read_strings(call, value, QUERY_NAMES_MAX, &out->source);
    if (strcmp(name, "status") == 0)
        return read_word(value, "active", "hidden", &out->hidden);
    if (strcmp(name, "read") == 0)
        return read_word(value, "all", "unread", &out->unread);
    return "is no part of a filter";
}

/* "/filter/NAME" as a JSON Pointer (RFC 6901 section 3). */
static void filter_pointer(const char *name, struct text *out)
{
    text_z(out, "/filter/");
    for (; *name; name++) {
        if (*name == '~' || *name == '/')
            text_z(out, *name == '~' ? "~0" : "~1");
        else
            text_add(out, name, 1);
    }
}

/* 0, or -1 after a 400. A member that is not known is refused, because it would widen what is changed. */
static int read_filter(struct call *call, json_t *filter, struct belfry_inbox_filter *out)
{
    const char *name;
    json_t *value;
    if (!json_is_object(filter)) {
        answer_problem(call, 400, "/filter", "must be an object");
        return -1;
    }
    json_object_foreach(filter, name, value)
    {
        const char *wrong = read_member(call, name, value, out);
        if (!wrong)
            continue;
        struct text pointer = {0};
        filter_pointer(name, &pointer);
        answer_problem(call, 400, pointer.ptr, wrong);
        text_free(&pointer);
        return -1;
    }
    return 0;
}

static void bulk_ids(struct call *call, uint32_t which, const json_t *ids)
{
    struct belfry_inbox_filter filter = {.struct_size = sizeof(filter)};
    const char *wrong = read_strings(call, ids, IDS_MAX, &filter.ids);
    if (wrong)
        answer_problem(call, 400, "/ids", wrong);
    else if (filter.ids.count == 0)
        call->app->inbox->count(call->req, on_nothing, call);
    else
        call->app->inbox->bulk(call->req, which, &filter, 0, on_bulk, call);
}

static void bulk_filter(struct call *call, uint32_t which, json_t *filter, const json_t *as_of)
{
    struct belfry_inbox_filter wanted = {.struct_size = sizeof(wanted)};
    /* Without a revision: as the list stands when the change begins. */
    int64_t rev = as_of ? (int64_t)json_integer_value(as_of) : -1;
    if (as_of && (!json_is_integer(as_of) || rev < 0))
        answer_problem(call, 400, "/as_of_rev", "must be the rev of the list that the filter was applied to");
    else if (read_filter(call, filter, &wanted) == 0)
        call->app->inbox->bulk(call->req, which, &wanted, rev, on_bulk, call);
}

void api_bulk(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    json_t *body = read_body(call, 0);
    if (!body)
        return;
    uint32_t which = mark_of(str_of(json_object_get(body, "action")));
    const json_t *ids = json_object_get(body, "ids");
    json_t *filter = json_object_get(body, "filter");
    if (!which)
        answer_problem(call, 400, "/action", "must be read, unread, hide or unhide");
    else if (!ids == !filter)
        answer_problem(call, 400, "/ids", "give either ids or a filter with as_of_rev");
    else if (ids)
        bulk_ids(call, which, ids);
    else
        bulk_filter(call, which, filter, json_object_get(body, "as_of_rev"));
}

void api_undo(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    json_t *body = read_body(call, 0);
    if (!body)
        return;
    const json_t *op = json_object_get(body, "op");
    if (!json_is_string(op))
        answer_problem(call, 400, "/op", "must be the undo of an earlier answer");
    else
        call->app->inbox->undo(req, str_of(op), on_bulk, call);
}

/* --- seen ------------------------------------------------------------------------------------- */

static void on_seen(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status == BELFRY_OK)
        answer_empty(call, 204);
    else
        answer_status(call, change->status, change->message);
}

void api_seen(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    json_t *body = read_body(call, 0);
    if (!body)
        return;
    struct belfry_inbox_filter filter = {.struct_size = sizeof(filter)};
    const char *wrong = read_strings(call, json_object_get(body, "ids"), IDS_MAX, &filter.ids);
    if (wrong)
        answer_problem(call, 400, "/ids", wrong);
    else if (filter.ids.count == 0)
        answer_empty(call, 204);
    else
        call->app->inbox->bulk(req, BELFRY_MARK_SEEN, &filter, 0, on_seen, call);
}

/* --- actions ---------------------------------------------------------------------------------- */

static struct belfry_str time_text(struct call *call, int64_t ms)
{
    struct text t = {0};
    text_time(&t, ms);
    char *copy = call_alloc(call, t.len + 1);
    memcpy(copy, t.ptr, t.len);
    struct belfry_str out = {copy, t.len};
    text_free(&t);
    return out;
}

/* All that was wrong, and who was first: the source's own words, or the inbox's for a row that takes no action. */
static void answer_refusal(struct call *call, const struct belfry_inbox_change *change)
{
    const struct belfry_fault said = {.struct_size = sizeof(said), .detail = change->message};
    const struct belfry_attr first[] = {{belfry_str("handled_by"), change->handled_by},
                                        {belfry_str("handled_at"), time_text(call, change->handled_ms)}};
    int from_source = change->member_count > 0;
    call->app->http->problems(call->app->host, call->req->id, answer_code(change->status),
                              change->fault_count ? change->faults : &said,
                              change->fault_count ? change->fault_count : 1, from_source ? change->members : first,
                              from_source          ? change->member_count
                              : change->handled_ms ? 2
                                                   : 0);
    call_free(call);
}

static void on_action(void *arg, const struct belfry_inbox_change *change)
{
    struct call *call = arg;
    if (change->status == BELFRY_OK)
        on_mark(call, change);
    else
        answer_refusal(call, change);
}

void api_action(void *self, const struct belfry_http_request *req)
{
    struct call *call = call_new(self, req);
    json_t *body = read_body(call, 1);
    if (!body)
        return;
    const json_t *comment = json_object_get(body, "comment");
    if (comment && !json_is_string(comment) && !json_is_null(comment))
        answer_problem(call, 400, "/comment", "must be a text");
    else
        call->app->inbox->act(req, call_param(call, "id"), call_param(call, "action"), str_of(comment), on_action,
                              call);
}
