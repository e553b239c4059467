/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action of a row: read the row, ask the gates with the clock itself, submit the source's trigger as this person,
 * and when it was accepted mark the row as seen. The trigger's id names notification, action and person, so a second
 * click is a duplicate and answers as the first did. Who finds the row handled gets a conflict that says by whom, also
 * when it was they themselves: what the row asked is over, and the source may ask something else of that subject now.
 *
 * An act may itself end its row, and the answer may get lost. So who comes back to a row that takes no actions any more
 * is still asked whether this very act was taken before: the trigger is submitted as one that has to be known.
 */
#include "host/inbox.h"

#include "base/json.h"
#include "base/mem.h"
#include "event/event.h"

#include <stdlib.h>

#define COMMENT_MAX 4000

struct act {
    struct host_inbox *inbox;
    struct http_request *req; /* held */
    const struct belfry_principal *principal;
    struct arena *arena;
    struct store_inbox_who who;
    struct store_inbox_row row;
    int64_t id;
    struct belfry_str action, comment;
    const char *closed; /* why the row takes no new action; NULL: it does */
    struct ledger_request request;
    struct ledger_item_result result;
    struct ledger_inbox seen;
    struct belfry_inbox_change answer;
    void (*done)(void *arg, const struct belfry_inbox_change *change);
    void *arg;
};

static void finish(void *arg)
{
    struct act *a = arg;
    a->answer.struct_size = sizeof(a->answer);
    a->done(a->arg, &a->answer);
    error_clear(&a->result.err);
    trigger_set_free(&a->request.triggers);
    http_let_go(a->req);
    inbox_let_go(a->inbox);
    arena_free(a->arena);
    free(a);
}

static void refuse(struct act *a, belfry_status status, struct belfry_str message)
{
    a->answer.status = status;
    a->answer.message = arena_str(a->arena, message);
    finish(a);
}

static void refuse_comment(struct act *a)
{
    struct belfry_fault fault = {.struct_size = sizeof(fault),
                                 .pointer = STR("/comment"),
                                 .detail = str_of(arena_printf(a->arena, "must have at most %d bytes", COMMENT_MAX))};
    a->answer.faults = &fault;
    a->answer.fault_count = 1;
    refuse(a, BELFRY_EINVAL, str_of(arena_printf(a->arena, "the comment %.*s", STR_ARG(fault.detail))));
}

/* --- last: the row was acted on, so it was seen ----------------------------------------------- */

static void on_seen(struct ledger_inbox *seen)
{
    struct act *a = seen->arg;
    a->answer.rev = seen->rev;
    a->answer.unread = seen->unread;
    a->answer.changed = 1;
    finish(a);
}

/* Whatever becomes of the mark, the trigger was accepted: a row that the act itself ended is marked like any other. */
static void mark_seen(struct act *a)
{
    a->seen = (struct ledger_inbox){.kind = LEDGER_INBOX_ONE,
                                    .mark = BELFRY_MARK_SEEN,
                                    .who = a->who,
                                    .ids = &a->id,
                                    .id_count = 1,
                                    .done = on_seen,
                                    .arg = a};
    if (ledger_inbox_change(host_parts(a->inbox->host)->ledger, &a->seen) != BELFRY_OK)
        on_seen(&a->seen);
}

/* --- the trigger ------------------------------------------------------------------------------ */

static struct belfry_str attribute(const struct error *err, const char *name)
{
    for (size_t i = 0; i < err->attr_count; i++)
        if (strcmp(err->attrs[i].name, name) == 0)
            return str_of(err->attrs[i].value);
    return (struct belfry_str){NULL, 0};
}

/* All that the source said, for the answer; borrowed from the result. */
static void take_refusal(struct act *a, const struct error *err)
{
    struct belfry_fault *faults = arena_alloc(a->arena, (err->count + 1) * sizeof(*faults));
    struct belfry_attr *members = arena_alloc(a->arena, (err->attr_count + 1) * sizeof(*members));
    for (size_t i = 0; i < err->count; i++)
        faults[i] = (struct belfry_fault){.struct_size = sizeof(*faults),
                                          .pointer = str_of(err->items[i].pointer ? err->items[i].pointer : ""),
                                          .detail = str_of(err->items[i].detail)};
    for (size_t i = 0; i < err->attr_count; i++)
        members[i] = (struct belfry_attr){str_of(err->attrs[i].name), str_of(err->attrs[i].value)};
    a->answer.faults = faults;
    a->answer.fault_count = err->count;
    a->answer.members = members;
    a->answer.member_count = err->attr_count;
    a->answer.handled_by = attribute(err, "handled_by");
    if (time_parse(attribute(err, "handled_at"), &a->answer.handled_ms) != BELFRY_OK)
        a->answer.handled_ms = 0;
}

static void on_triggered(struct ledger_request *request)
{
    struct act *a = request->arg;
    const struct error *err = &a->result.err;
    if (request->status == BELFRY_OK) {
        mark_seen(a);
        return;
    }
    if (request->status == BELFRY_ECONFLICT && a->closed) {
        a->answer.handled_by = a->row.handled_by;
        a->answer.handled_ms = a->row.handled_at;
        refuse(a, BELFRY_ECONFLICT, str_of(a->closed));
        return;
    }
    take_refusal(a, err);
    refuse(a, request->status, str_of(err->count ? error_text(err) : status_text(request->status)));
}

/* The action's data with the comment; empty when it is malformed, which emit does not let through. */
static struct belfry_str data_of(struct act *a, json_t *action)
{
    json_t *data = json_object_get(action, "data");
    struct buf out = {NULL, 0, 0};
    if (a->comment.len > 0)
        json_set_str(data, "comment", a->comment);
    json_write(data, &out);
    struct belfry_str text = arena_str(a->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static void submit(struct act *a, json_t *action)
{
    const struct host_settings *parts = host_parts(a->inbox->host);
    int64_t now = clock_now_ms(parts->clock);
    struct belfry_str id = inbox_id(parts->store, a->arena, a->id), name = a->principal->name;
    char *trigger = arena_printf(a->arena, "act:%.*s:%.*s:%.*s", STR_ARG(id), STR_ARG(a->action), STR_ARG(name));
    char *source = arena_printf(a->arena, "/%.*s/notifications", STR_ARG(a->who.org));
    struct belfry_submission submission = {
        .struct_size = sizeof(submission),
        .org = a->who.org,
        .id = str_of(trigger),
        .source = str_of(source),
        .type = json_str(json_object_get(action, "type")),
        .subject = a->row.subject,
        .data = data_of(a, action),
        .time_ms = now,
    };
    a->request.org = a->who.org;
    a->request.source = arena_strndup(a->arena, a->row.source.ptr, a->row.source.len);
    a->request.principal = *a->principal;
    a->request.known_only = a->closed != NULL;
    a->request.results = &a->result;
    a->request.done = on_triggered;
    a->request.arg = a;
    belfry_status status = trigger_make(&a->request.triggers, &submission, now, &a->result.err);
    if (status != BELFRY_OK)
        refuse(a, status, str_of(error_text(&a->result.err)));
    else if ((status = ledger_trigger(parts->ledger, &a->request)) != BELFRY_OK)
        refuse(a, status,
               status == BELFRY_ENOTFOUND ? STR("the source of this notification is not configured any more")
                                          : STR("nothing can be taken at the moment; try again in a second"));
}

/* --- the gates -------------------------------------------------------------------------------- */

static void refuse_role(struct act *a)
{
    const struct config_category *category = config_category(a->req->config, a->row.category);
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "this needs the role ");
    for (size_t i = 0; i < category->actions_for.count; i++)
        buf_addf(&text, "%s%s", i ? " or " : "", category->actions_for.items[i]);
    refuse(a, BELFRY_EPERM, buf_str(&text));
    buf_free(&text);
}

static int over(const struct act *a)
{
    int64_t until = a->row.valid_until;
    return a->row.validity != BELFRY_VALID || a->row.replaced_by ||
           (until && until <= clock_now_ms(host_parts(a->inbox->host)->clock));
}

static void on_row(void *arg, belfry_status status)
{
    struct act *a = arg;
    if (status != BELFRY_OK) {
        refuse(a, status,
               status == BELFRY_ENOTFOUND ? STR("there is no such notification here") : str_of(status_text(status)));
        return;
    }
    json_t *action = inbox_find_action(&a->row, a->action);
    if (a->row.handled_at)
        a->closed = "this was handled already";
    else if (over(a))
        a->closed = "this notification is no longer valid";
    if (!action)
        refuse(a, BELFRY_ENOTFOUND, STR("this notification has no such action"));
    else if (!inbox_may_act(a->req->config, a->row.category, &a->principal->roles))
        refuse_role(a);
    else
        submit(a, action);
    json_decref(action);
}

/* --- first: the row --------------------------------------------------------------------------- */

/* [reader] */
static belfry_status read_row(struct store_conn *conn, void *arg)
{
    struct act *a = arg;
    return store_inbox_one(conn, &a->who, a->id, a->req->pub.locale, a->arena, &a->row) ? BELFRY_OK : BELFRY_ENOTFOUND;
}

static void on_early(void *arg)
{
    struct act *a = arg;
    if (a->answer.status == BELFRY_ELIMIT)
        refuse_comment(a);
    else
        on_row(a, a->answer.status);
}

void inbox_act(const struct belfry_http_request *req, struct belfry_str id, struct belfry_str action,
               struct belfry_str comment, void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg)
{
    if (!host_request_on_loop(req, "inbox.act"))
        return;
    struct act *a = xcalloc(1, sizeof(*a));
    a->inbox = inbox_of(req);
    inbox_hold(a->inbox);
    a->req = inbox_request(req);
    http_hold(a->req);
    a->principal = req->principal;
    a->arena = arena_new(0);
    a->who = (struct store_inbox_who){.org = req->org,
                                      .username = req->principal->name,
                                      .gated = inbox_gates(a->req->config, &req->principal->roles, a->arena)};
    a->action = arena_str(a->arena, action);
    a->comment = text_body(a->arena, comment);
    a->done = done;
    a->arg = arg;
    const struct host_settings *parts = host_parts(a->inbox->host);
    belfry_status status = inbox_is_person(req) ? id_parse(store_id_key(parts->store), id, &a->id) : BELFRY_EPERM;
    if (status == BELFRY_OK && comment.len > COMMENT_MAX)
        status = BELFRY_ELIMIT;
    if (status == BELFRY_OK)
        status = store_read(parts->readers, read_row, on_row, a, 0);
    a->answer.status = status;
    if (status != BELFRY_OK)
        host_post(a->inbox->host, on_early, a);
}
