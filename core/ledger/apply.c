/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record becomes rows. Everything was checked when it was recorded, so this can fail for the disk only, and then the
 * whole group is rolled back. An event with more than 1,000 recipients is written without them; a job makes their rows.
 */
#include "ledger/inside.h"

#include "event/event.h"

#include <stdlib.h>

static struct belfry_str finish(struct arena *arena, struct buf *buf)
{
    struct belfry_str text = arena_str(arena, buf_str(buf));
    buf_free(buf);
    return text;
}

static struct belfry_str audience_json(struct arena *arena, const struct emitted *e)
{
    static const char *const kinds[] = {"", "user", "role", "email"};
    if (e->audience_count == 0)
        return STR("[]");
    struct buf out = {NULL, 0, 0};
    for (size_t i = 0; i < e->audience_count; i++) {
        buf_addz(&out, i ? ",{\"" : "[{\"");
        buf_addz(&out, kinds[e->audience[i].kind]);
        buf_addz(&out, "\":");
        json_write_str(e->audience[i].name, &out);
        buf_addz(&out, ",\"reason\":");
        json_write_str(e->audience[i].reason, &out);
        buf_addc(&out, '}');
    }
    buf_addc(&out, ']');
    return finish(arena, &out);
}

static struct belfry_str rules_json(struct arena *arena, const struct route_plan *plan)
{
    if (plan->rule_count == 0)
        return STR("[]");
    struct buf out = {NULL, 0, 0};
    for (size_t i = 0; i < plan->rule_count; i++) {
        buf_addc(&out, i ? ',' : '[');
        json_write_str(str_of(plan->rules[i]->name), &out);
    }
    buf_addc(&out, ']');
    return finish(arena, &out);
}

/* Live events that this one replaces. */
static size_t find_replaced(struct ledger_txn *txn, const struct emitted *e, int64_t subject_key, int64_t inst,
                            int64_t org_id, int64_t **out)
{
    struct store_event *live;
    if (!e->replaces || !e->replaces[0] || e->subject.len == 0)
        return 0;
    size_t count = store_events_live(txn->conn, subject_key, org_id, inst, e->subject, txn->arena, &live), kept = 0;
    int64_t *ids = arena_alloc(txn->arena, (count + 1) * sizeof(*ids));
    for (size_t i = 0; i < count; i++) {
        struct belfry_str type = store_name_text(txn->conn, live[i].type);
        for (const char *const *r = e->replaces; *r; r++)
            if (event_type_is(str_of(*r), type)) {
                ids[kept++] = live[i].id;
                break;
            }
    }
    *out = ids;
    return kept;
}

/* And what those were to replace themselves, where their fan-out is still under way. */
static size_t add_taken_over(struct ledger_txn *txn, int64_t **ids, size_t count)
{
    size_t all = count;
    for (size_t i = 0; (txn->ledger->jobs_open & job_bit(JOB_FANOUT)) && i < count; i++) {
        const int64_t *more;
        size_t n = fanout_take_over(txn, (*ids)[i], &more);
        if (n == 0)
            continue;
        int64_t *joined = arena_alloc(txn->arena, (all + n) * sizeof(*joined));
        memcpy(joined, *ids, all * sizeof(*joined));
        memcpy(joined + all, more, n * sizeof(*joined));
        *ids = joined;
        all += n;
    }
    return all;
}

static void write_decisions(struct ledger_txn *txn, const struct expansion *x)
{
    const struct route_plan *plan = x->plan;
    for (size_t i = 0; i < plan->decision_count; i++) {
        const struct route_decision *d = &plan->decisions[i];
        if (d->recipient == ROUTE_NOBODY)
            expand_decision(txn, x, d, (struct belfry_str){NULL, 0});
    }
}

/* What an event replaces is over at once: nobody can be told of it any more, and it cannot be replaced twice. */
static void end_replaced(struct ledger_txn *txn, const struct expansion *x)
{
    for (size_t i = 0; i < x->replaced_count; i++) {
        store_event_set_validity(txn->conn, x->replaced[i], BELFRY_SUPERSEDED, 0);
        outcome_end_event(txn, x->replaced[i], 0, OUTCOME_superseded, STR(REASON_SUPERSEDED));
    }
}

static void start_fanout(struct ledger_txn *txn, const struct expansion *x)
{
    struct buf payload = {NULL, 0, 0};
    buf_addz(&payload, "{\"replaced\":[");
    for (size_t i = 0; i < x->replaced_count; i++)
        buf_addf(&payload, "%s%lld", i ? "," : "", (long long)x->replaced[i]);
    buf_addz(&payload, "]}");
    job_start(txn, JOB_FANOUT, x->org, x->event, 0, buf_str(&payload));
    buf_free(&payload);
}

static struct store_event row_of(struct ledger_txn *txn, const struct emitted *e, const struct route_plan *plan,
                                 int64_t inst, int64_t org_id)
{
    struct store_event row = {
        .id = ledger_txn_id(txn),
        .org = org_id,
        .source = inst,
        .type = store_name(txn->conn, e->type),
        .category = store_name(txn->conn, e->category),
        .severity = e->severity,
        .live = e->subject.len > 0,
        .subject_key = e->subject.len ? store_subject_key(txn->ledger->store, org_id, inst, e->subject) : 0,
        .valid_until = e->valid_until_ms,
        .time = txn->now,
        .generation = (int64_t)txn->gen->pub->config->generation,
        .subject = e->subject,
        .actor = e->actor,
        .title = e->title,
        .body = e->body,
        .texts = e->texts,
        .link = e->link,
        .data = e->data,
        .actions = e->actions,
        .audience = audience_json(txn->arena, e),
        .rules = rules_json(txn->arena, plan),
        .principal = e->principal ? principal_text(txn->arena, e->principal) : (struct belfry_str){NULL, 0},
        .note = e->note,
    };
    if (e->trigger) {
        row.trigger_source = e->trigger->source;
        row.trigger_id = e->trigger->id;
        row.trigger_type = e->trigger->type;
    }
    return row;
}

struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

int64_t apply_event(struct ledger_txn *txn, const struct emitted *e, struct belfry_str source, int64_t inst,
                    struct belfry_str org, int64_t org_id)
{
    struct data_view v;
    v.view = json_view_cursor(&v.cursor, e->json);
    struct route_event event = {.org = org,
                                .source = source,
                                .type = e->type,
                                .category = e->category,
                                .subject = e->subject,
                                .actor = e->actor,
                                .severity = e->severity,
                                .time_ms = txn->now,
                                .data = &v.view,
                                .audience = e->audience,
                                .audience_count = e->audience_count};
    struct route_plan plan = {.arena = txn->arena};
    int overflow = 0;
    route_plan(txn->gen->pub->route, &event, &txn->directory.pub, SLICE, &overflow, NULL, txn->arena, &plan);
    struct store_event row = row_of(txn, e, &plan, inst, org_id);
    int64_t *replaced = NULL;
    size_t replaced_count = find_replaced(txn, e, row.subject_key, inst, org_id, &replaced);
    replaced_count = add_taken_over(txn, &replaced, replaced_count);
    store_event_add(txn->conn, &row);
    if (row.valid_until && row.valid_until < txn->ledger->next_expiry)
        txn->ledger->next_expiry = row.valid_until;
    txn->events++;
    struct expansion x = {.event = row.id,
                          .org = org_id,
                          .category = row.category,
                          .time = txn->now,
                          .org_name = org,
                          .plan = &plan,
                          .replaced = replaced,
                          .replaced_count = replaced_count};
    expand_prepare(&x, txn->arena);
    write_decisions(txn, &x);
    expand_targets(txn, &x, &event, &row);
    end_replaced(txn, &x);
    if (overflow || plan.recipient_count > SLICE) {
        start_fanout(txn, &x);
        return row.id;
    }
    for (uint32_t i = 0; i < plan.recipient_count; i++)
        expand_recipient(txn, &x, i, NULL);
    sweep_replaced(txn, replaced, replaced_count, org_id);
    return row.id;
}

static void apply_task(struct ledger_txn *txn, const struct op *op, int64_t inst, int64_t org_id)
{
    struct store_task task = {.id = ledger_txn_id(txn),
                              .inst = inst,
                              .org = org_id,
                              .key = op->key,
                              .payload = op->value,
                              .due = op->when_ms > txn->now ? op->when_ms : txn->now};
    store_task_add(txn->conn, &task);
    txn->tasks = 1;
    if (task.due < txn->ledger->next_task)
        txn->ledger->next_task = task.due;
}

void apply_record(struct ledger_txn *txn, const struct record *record, const struct gen_source *source, int64_t inst,
                  struct belfry_str org, int64_t org_id)
{
    struct owner *owner = NULL;
    if (record->first)
        owner = cache_owner(txn, inst, org_id);
    if (record->state_changed)
        cache_state_changed(txn, owner);
    for (const struct op *op = record->first; op; op = op->next) {
        switch (op->kind) {
        case OP_PUT:
            store_state_put(txn->conn, inst, org_id, op->key, op->value);
            break;
        case OP_DEL:
            store_state_del(txn->conn, inst, org_id, op->key);
            break;
        case OP_EMIT:
            apply_event(txn, op->event, str_of(source->live->instance->name), inst, org, org_id);
            break;
        case OP_WITHDRAW:
        case OP_HANDLED:
        case OP_SUPERSEDE:
        case OP_VALID_UNTIL:
            subject_apply(txn, op, inst, org_id);
            break;
        case OP_TIMER_SET:
            store_timer_set(txn->conn, inst, org_id, op->key, op->when_ms, op->value);
            cache_timer(txn, owner, op->when_ms);
            break;
        case OP_TIMER_CLEAR:
            store_timer_clear(txn->conn, inst, org_id, op->key);
            cache_timer(txn, owner, INT64_MIN);
            break;
        case OP_TASK:
            apply_task(txn, op, inst, org_id);
            break;
        }
    }
}
