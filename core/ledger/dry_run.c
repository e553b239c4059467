/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the same call over a reader's snapshot. What it records is routed and told, and dropped; nothing is written
 * and no identity is taken, so a trigger may be explained before and after it is sent.
 */
#include "ledger/inside.h"

/* In the arena, like all that the event is made of: it is told after the call has ended. */
struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

static void tell(const struct call *call, const struct emitted *e, struct ledger_dry *dry)
{
    struct arena *arena = call->arena;
    struct data_view *v = arena_alloc(arena, sizeof(*v));
    struct route_plan *plan = arena_alloc(arena, sizeof(*plan));
    v->view = json_view_cursor(&v->cursor, e->json);
    struct ledger_dry_event told = {.event = {.org = call->pub.org,
                                              .source = str_of(call->source->live->instance->name),
                                              .type = e->type,
                                              .category = e->category,
                                              .subject = e->subject,
                                              .actor = e->actor,
                                              .severity = e->severity,
                                              .time_ms = call->pub.now_ms,
                                              .data = &v->view,
                                              .audience = e->audience,
                                              .audience_count = e->audience_count},
                                    .title = e->title,
                                    .body = e->body,
                                    .link = e->link,
                                    .data = e->data,
                                    .note = e->note,
                                    .plan = plan,
                                    .directory = call->directory};
    route_plan(dry->generation->route, &told.event, call->directory, dry->expand_max, &told.overflow, dry->trace, arena,
               plan);
    dry->fn(dry->arg, &told);
}

/* State is the source's own business, and a timer that is cleared need not have been there. */
static void tell_deed(const struct op *op, struct ledger_dry *dry)
{
    static const char *const words[] = {
        [OP_WITHDRAW] = "withdraw",       [OP_HANDLED] = "handled", [OP_SUPERSEDE] = "supersede",
        [OP_VALID_UNTIL] = "valid_until", [OP_TIMER_SET] = "timer", [OP_TASK] = "task"};
    if ((size_t)op->kind < sizeof(words) / sizeof(words[0]) && words[op->kind])
        dry->deed(dry->arg, &(struct ledger_dry_deed){words[op->kind], op->key, op->when_ms});
}

static struct gen *gen_of(const struct ledger_generation *generation, struct gen **own)
{
    *own = generation->inside ? NULL : gen_new((struct ledger_generation *)generation);
    return *own ? *own : generation->inside;
}

belfry_status ledger_dry_run(struct ledger_dry *dry, struct store_conn *conn, const char *source, struct belfry_str org,
                             const struct belfry_principal *principal, const struct trigger *trigger,
                             struct arena *arena, struct error *err)
{
    struct gen *own, *gen = gen_of(dry->generation, &own);
    struct gen_source *found = gen_source_find(gen, str_of(source));
    belfry_status status;
    if (!found || !config_serves(found->live->instance, org)) {
        status =
            error_set(err, BELFRY_ENOTFOUND, NULL, "there is no source %s that serves org %.*s", source, STR_ARG(org));
        gen_free(own);
        return status;
    }
    struct id_key hash_key;
    struct record record;
    struct directory directory;
    struct call call;
    random_bytes(hash_key.bytes, sizeof(hash_key.bytes));
    record_init(&record, arena, &hash_key);
    directory_init(&directory, gen, conn);
    call_init(&call, conn, gen, found, org, principal, dry->now_ms, arena, &record, &directory.pub);
    call.inst = store_name_find(conn, str_of(source));
    call.org = store_name_find(conn, org);
    struct error own_err = {0};
    status = call_receive(&call, trigger, &own_err);
    if (err)
        error_move(err, &own_err);
    error_clear(&own_err);
    for (const struct op *op = status ? NULL : record.first; op; op = op->next) {
        if (op->kind == OP_EMIT)
            tell(&call, op->event, dry);
        else if (dry->deed)
            tell_deed(op, dry);
    }
    gen_free(own);
    return status;
}

void ledger_plan_again(struct ledger_dry *dry, struct store_conn *conn, const struct store_event *row,
                       struct arena *arena)
{
    struct gen *own, *gen = gen_of(dry->generation, &own);
    struct directory directory;
    struct route_plan *plan = arena_alloc(arena, sizeof(*plan));
    struct ledger_dry_event told = {.plan = plan, .directory = &directory.pub};
    directory_init(&directory, gen, conn);
    event_of_row(conn, row, arena, &told.event);
    route_plan(dry->generation->route, &told.event, &directory.pub, dry->expand_max, &told.overflow, dry->trace, arena,
               plan);
    dry->fn(dry->arg, &told);
    gen_free(own);
}
