/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/{org}/events/{id}/reveal: what a message says, for somebody to whom it was not sent. The console shows
 * events without; whoever asks for it leaves a row in the audit, which is committed before the answer goes out.
 */
#include "base/mem.h"
#include "hub/internal.h"
#include "store/events.h"

#include <stdlib.h>

#define REASON_MAX 300

struct revealing {
    struct ledger_command command;
    struct http_request *req;
    int64_t id;
    struct belfry_str who, reason;
    struct store_event event; /* in the request's arena */
};

static json_t *detail_json(const struct revealing *r)
{
    json_t *detail = json_object();
    json_set_str(detail, "event", http_param(r->req, "id"));
    if (r->reason.len)
        json_set_str(detail, "reason", r->reason);
    return detail;
}

static belfry_status run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct revealing *r = LIST_OF(command, struct revealing, command);
    struct store_conn *conn = ledger_txn_conn(txn);
    if (!store_event_get(conn, r->id, r->req->arena, &r->event) ||
        !str_eq(store_name_text(conn, r->event.org), r->req->pub.org))
        return BELFRY_ENOTFOUND;
    json_t *detail = detail_json(r);
    ledger_txn_audit(txn, r->req->pub.org, r->who, "event.reveal", detail);
    json_decref(detail);
    return BELFRY_OK;
}

static json_t *text_or_null(struct belfry_str text)
{
    return text.len ? json_stringn(text.ptr, text.len) : json_null();
}

static void done(struct ledger_command *command, belfry_status status)
{
    struct revealing *r = LIST_OF(command, struct revealing, command);
    if (status == BELFRY_OK) {
        json_t *doc = json_object(), *data = json_read(r->event.data, NULL);
        json_set_str(doc, "id", http_param(r->req, "id"));
        json_set_str(doc, "title", r->event.title);
        json_object_set_new(doc, "body", text_or_null(r->event.body));
        json_object_set_new(doc, "link", text_or_null(r->event.link));
        json_object_set_new(doc, "data", data ? data : json_null());
        http_respond_json(r->req, 200, doc, NULL, 0);
    } else {
        http_problem(r->req, status == BELFRY_ENOTFOUND ? 404 : http_status_of(status), NULL, "%s",
                     status == BELFRY_ENOTFOUND ? "there is no such event" : "the audit could not be written now");
    }
    free(r);
}

int hub_reason(struct http_request *req, const json_t *body, struct belfry_str *reason)
{
    const json_t *value = json_object_get(body, "reason");
    *reason = (struct belfry_str){0};
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || json_string_length(value) > REASON_MAX) {
        http_problem(req, 422, "/reason", "must be a text of at most %d bytes", REASON_MAX);
        return -1;
    }
    *reason = text_line(req->arena, json_str(value));
    return 0;
}

int hub_optional_body(struct http_request *req, json_t **body)
{
    *body = req->pub.body.len ? http_json(req) : NULL;
    return req->pub.body.len && !*body ? -1 : 0;
}

int hub_only(struct http_request *req, const json_t *body, const char *const *names, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;
        struct buf pointer = {0};
        json_pointer_add(&pointer, str_of(key));
        const char *near = str_nearest(str_of(key), names, count);
        http_problem(req, 422, pointer.ptr,
                     near ? "there is no such member; did you mean `%s`?" : "there is no such member", near);
        buf_free(&pointer);
        return -1;
    }
    return 0;
}

static void post_reveal(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct revealing *r = xcalloc(1, sizeof(*r));
    json_t *body;
    r->req = req;
    r->who = hub_who(req);
    r->command = (struct ledger_command){.run = run, .done = done};
    if (hub_optional_body(req, &body) != 0 || hub_reason(req, body, &r->reason) != 0) {
        free(r);
    } else if (id_parse(store_id_key(hub->parts.store), http_param(req, "id"), &r->id) != BELFRY_OK) {
        http_problem(req, 404, NULL, "there is no such event");
        free(r);
    } else if (ledger_submit(hub->parts.ledger, &r->command) != BELFRY_OK) {
        done(&r->command, BELFRY_ECLOSED);
    }
}

belfry_status hub_reveal_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {
        "POST", "/v1/{org}/events/{id}/reveal", "role:admin|token:admin", 4096, 0, post_reveal, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
