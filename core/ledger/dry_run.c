/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the same call over a reader's snapshot. What it records is routed and told, and dropped; nothing is written
 * and no identity is taken, so a trigger may be explained before and after it is sent.
 */
#include "ledger/inside.h"

struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

static void tell(const struct ledger_generation *generation, const struct call *call, const struct emitted *e,
                 const struct route_trace *trace, void (*fn)(void *arg, const struct ledger_dry_event *event),
                 void *arg)
{
    struct data_view v;
    v.view = json_view_cursor(&v.cursor, e->json);
    struct route_plan plan = {.arena = call->arena};
    int overflow = 0;
    struct ledger_dry_event dry = {.event = {.org = call->pub.org,
                                             .source = str_of(call->source->live->instance->name),
                                             .type = e->type,
                                             .category = e->category,
                                             .subject = e->subject,
                                             .actor = e->actor,
                                             .severity = e->severity,
                                             .time_ms = call->pub.now_ms,
                                             .data = &v.view,
                                             .audience = e->audience,
                                             .audience_count = e->audience_count},
                                   .title = e->title,
                                   .body = e->body,
                                   .plan = &plan};
    route_plan(generation->route, &dry.event, call->directory, SLICE, &overflow, trace, call->arena, &plan);
    fn(arg, &dry);
}

belfry_status ledger_dry_run(const struct ledger_generation *generation, struct store_conn *conn, const char *source,
                             struct belfry_str org, const struct belfry_principal *principal,
                             const struct trigger *trigger, struct clock_src *clock, const struct route_trace *trace,
                             struct arena *arena, void (*fn)(void *arg, const struct ledger_dry_event *event),
                             void *arg, struct error *err)
{
    struct gen *own = generation->inside ? NULL : gen_new((struct ledger_generation *)generation);
    struct gen *gen = own ? own : generation->inside;
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
    call_init(&call, conn, gen, found, org, principal, clock_now_ms(clock), arena, &record, &directory.pub);
    call.inst = store_name_find(conn, str_of(source));
    call.org = store_name_find(conn, org);
    struct error own_err = {0};
    status = call_receive(&call, trigger, &own_err);
    if (err)
        error_move(err, &own_err);
    error_clear(&own_err);
    for (const struct op *op = status ? NULL : record.first; op; op = op->next) {
        if (op->kind == OP_EMIT)
            tell(generation, &call, op->event, trace, fn, arg);
    }
    gen_free(own);
    return status;
}
