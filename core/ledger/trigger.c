/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request: one trigger or a batch. Identity first, then the source's own due timers, then receive(); what the calls
 * recorded is applied when every one of them returned OK. With `partial` each item is a request of its own. A refused
 * trigger leaves no trace, but where it came from a feed or hook, or is suspected of having killed the hub.
 */
#include "ledger/inside.h"

#include "base/crypto.h"
#include "base/log.h"

#include <endian.h>
#include <stdlib.h>

#define ID_PLAIN_MAX 64
#define KEY_SIZE (4 + 4 + 16 + 1 + ID_PLAIN_MAX)
#define IN_ORDER_NS UINT64_C(100000000) /* of a source in one group: so long others wait for a page */
#define DAY_MS INT64_C(86400000)
#define KEPT_MAX ((size_t)512 << 10) /* bytes of a refused trigger */

struct belfry_str principal_text(struct arena *arena, const struct belfry_principal *p)
{
    static const char *const kinds[] = {"", "token", "person", "timer", "feed", "hook", "task"};
    if (p->kind < 1 || p->kind >= sizeof(kinds) / sizeof(kinds[0]))
        return (struct belfry_str){NULL, 0};
    struct belfry_str kind = str_of(kinds[p->kind]);
    if (p->name.len == 0)
        return kind;
    char *text = arena_alloc(arena, kind.len + 1 + p->name.len);
    memcpy(text, kind.ptr, kind.len);
    text[kind.len] = ':';
    memcpy(text + kind.len + 1, p->name.ptr, p->name.len);
    return str_slice(text, kind.len + 1 + p->name.len);
}

void refused_keep(struct ledger_txn *txn, int64_t org, int64_t inst, const char *kind, belfry_status status,
                  const struct error *err, struct belfry_str body)
{
    struct buf out = {NULL, 0, 0};
    buf_addf(&out, "{\"status\":\"%s\",\"errors\":[", status_name(status));
    for (size_t i = 0; i < err->count; i++) {
        buf_addz(&out, i ? ",{" : "{");
        if (err->items[i].pointer && *err->items[i].pointer) {
            buf_addz(&out, "\"pointer\":");
            json_write_str(str_of(err->items[i].pointer), &out);
            buf_addc(&out, ',');
        }
        buf_addz(&out, "\"detail\":");
        json_write_str(str_of(err->items[i].detail), &out);
        buf_addc(&out, '}');
    }
    buf_addz(&out, "]}");
    store_refused_add(txn->conn, ledger_txn_id(txn), org, inst, kind, buf_str(&out), body);
    buf_free(&out);
}

/* --- identity ----------------------------------------------------------------------------------------------------- */

struct identity {
    unsigned char bytes[KEY_SIZE];
    size_t len;
};

static const unsigned char *source_hash(struct ledger *ledger, struct belfry_str source)
{
    unsigned char full[32];
    if (source.len == ledger->last_source.len && source.len > 0 &&
        memcmp(source.ptr, ledger->last_source.source, source.len) == 0)
        return ledger->last_source.sha;
    sha256(source.ptr, source.len, full);
    memcpy(ledger->last_source.sha, full, sizeof(ledger->last_source.sha));
    ledger->last_source.len = 0;
    if (source.len <= sizeof(ledger->last_source.source)) {
        memcpy(ledger->last_source.source, source.ptr ? source.ptr : "", source.len);
        ledger->last_source.len = source.len;
    }
    return ledger->last_source.sha;
}

static struct belfry_str identity_of(struct ledger *ledger, int64_t inst, int64_t org, const struct belfry_trigger *t,
                                     struct identity *out)
{
    uint32_t ids[2] = {htobe32((uint32_t)inst), htobe32((uint32_t)org)};
    memcpy(out->bytes, ids, 8);
    memcpy(out->bytes + 8, source_hash(ledger, t->source), 16);
    out->bytes[24] = t->id.len > ID_PLAIN_MAX;
    out->len = 25;
    if (t->id.len > ID_PLAIN_MAX) {
        sha256(t->id.ptr, t->id.len, out->bytes + out->len);
        out->len += 32;
    } else if (t->id.len > 0) {
        memcpy(out->bytes + out->len, t->id.ptr, t->id.len);
        out->len += t->id.len;
    }
    return str_slice((const char *)out->bytes, out->len);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

struct run {
    struct ledger_txn *txn;
    struct ledger_request *request;
    struct gen_source *source;
    int64_t org_id;
    struct call call;
    struct record record;
    /* identities of the record's triggers, by hash: index of the item + 1; only of a batch */
    uint32_t *slots;
    size_t slot_count;
    struct identity *keys;
    size_t first, count; /* items of the record */
    uint64_t spent_ns;   /* by the source */
};

static int known_before(struct run *run, struct belfry_str key, const struct belfry_trigger *trigger, uint32_t *events)
{
    struct ledger_txn *txn = run->txn;
    int32_t days = txn->gen->pub->config->retention.dedupe;
    int64_t since = days > 0 ? txn->now - days * DAY_MS : INT64_MIN;
    if (store_dedupe_find(txn->conn, key, since, events))
        return 1;
    if (!run->source->was)
        return 0;
    struct identity old; /* the instance had another name when it took this trigger first */
    return store_dedupe_find(txn->conn, identity_of(txn->ledger, run->source->was, run->org_id, trigger, &old), since,
                             events);
}

/* Index + 1 of an earlier item of the same batch with the same identity, else the item is entered. */
static uint32_t earlier_in_batch(struct run *run, size_t item)
{
    if (run->slot_count == 0)
        return 0;
    const struct identity *key = &run->keys[item];
    size_t i = siphash(&run->record.hash_key, key->bytes, key->len) & (run->slot_count - 1);
    for (; run->slots[i]; i = (i + 1) & (run->slot_count - 1)) {
        const struct identity *other = &run->keys[run->slots[i] - 1];
        if (other->len == key->len && memcmp(other->bytes, key->bytes, key->len) == 0)
            return run->slots[i];
    }
    run->slots[i] = (uint32_t)item + 1;
    return 0;
}

static void refuse(struct run *run, size_t item, belfry_status status)
{
    struct ledger_item_result *result = &run->request->results[item];
    result->state = LEDGER_REFUSED;
    result->status = status;
    run->txn->refused++;
}

static const char slow[] = "the source is in quarantine because its calls took too long";

#define DEATHS_MAX 2 /* one may be an accident: a kill meant for the hub, the memory of somebody else */

/* The hub stopped while it worked on this trigger. Whoever sent it may do so again; behind an event of a feed or hook
 * nobody stands, so it is taken once more before it is refused for good. */
static belfry_status refuse_poison(struct run *run, size_t item, unsigned deaths)
{
    struct error *err = &run->request->results[item].err;
    const struct belfry_trigger *trigger = &run->request->triggers.items[item].pub;
    int is_feed = run->request->in_order, for_good = is_feed && deaths >= DEATHS_MAX;
    log_error("ledger", "the hub stopped while it worked on this trigger", "source=%s id=%s deaths=%u next=\"%s\"",
              run->request->source, log_quote(trigger->id.ptr, trigger->id.len), deaths,
              for_good  ? "it is refused for good"
              : is_feed ? "its feed or hook brings it again"
                        : "it is refused once and may be sent again");
    if (for_good)
        return error_set(err, BELFRY_EINTERNAL, NULL, "the hub stopped %u times while it worked on this trigger",
                         deaths);
    belfry_status status =
        error_set(err, BELFRY_EAGAIN, NULL, "the hub stopped while it worked on this trigger; it may be sent again");
    if (!is_feed)
        refused_keep(run->txn, run->org_id, run->call.inst, "poison", status, err, trigger->data);
    return status;
}

/* receive() with its time taken and the trigger noted, so that one that never returns is known at the next start. */
static belfry_status receive(struct run *run, size_t item, struct belfry_str key)
{
    struct ledger *ledger = run->txn->ledger;
    struct ledger_item_result *result = &run->request->results[item];
    unsigned deaths = poison_was(ledger->poison, key);
    if (deaths)
        return refuse_poison(run, item, deaths);
    if (run->request->partial &&
        quarantine_check(ledger, run->request->source, run->txn->now, &run->request->retry_after_ms))
        return error_set(&result->err, BELFRY_EAGAIN, NULL, "%s", slow); /* the items before it came to that */
    struct stopwatch begin = quarantine_begin();
    poison_hold(ledger->poison, key);
    belfry_status status = call_receive(&run->call, &run->request->triggers.items[item], &result->err);
    poison_let_go(ledger->poison);
    run->spent_ns += quarantine_end(ledger, run->request->source, run->txn->now, &begin, run->call.waited_ns);
    return status;
}

static belfry_status take(struct run *run, size_t item)
{
    struct ledger_item_result *result = &run->request->results[item];
    const struct belfry_trigger *trigger = &run->request->triggers.items[item].pub;
    struct belfry_str key = identity_of(run->txn->ledger, run->call.inst, run->org_id, trigger, &run->keys[item]);
    if (known_before(run, key, trigger, &result->events)) {
        result->state = LEDGER_DUPLICATE;
        return BELFRY_OK;
    }
    uint32_t earlier = earlier_in_batch(run, item);
    if (earlier) {
        result->state = LEDGER_DUPLICATE;
        result->events = run->request->results[earlier - 1].events;
        return BELFRY_OK;
    }
    if (run->request->known_only)
        return error_set(&result->err, BELFRY_ECONFLICT, NULL, "was not taken before");
    uint32_t before = run->record.events;
    belfry_status status = receive(run, item, key);
    if (status == BELFRY_OK) {
        result->state = LEDGER_ACCEPTED;
        result->events = run->record.events - before;
    }
    return status;
}

static void apply(struct run *run)
{
    struct ledger_txn *txn = run->txn;
    apply_record(txn, &run->record, run->source, run->call.inst, run->request->org, run->org_id);
    for (size_t i = run->first; i < run->first + run->count; i++) {
        const struct ledger_item_result *result = &run->request->results[i];
        if (result->passed_over || result->state == LEDGER_REFUSED)
            continue;
        txn->duplicate += result->state == LEDGER_DUPLICATE;
        txn->accepted += result->state == LEDGER_ACCEPTED;
        if (result->state == LEDGER_ACCEPTED)
            store_dedupe_add(txn->conn, str_slice((const char *)run->keys[i].bytes, run->keys[i].len), txn->now,
                             result->events);
    }
}

static void begin_record(struct run *run, size_t first, size_t count)
{
    run->first = first;
    run->count = count;
    run->slot_count = 0;
    record_init(&run->record, run->txn->arena, store_id_key(run->txn->ledger->store));
    if (count < 2)
        return;
    for (run->slot_count = 4; run->slot_count < count * 2; run->slot_count *= 2)
        ;
    run->slots = arena_alloc(run->txn->arena, run->slot_count * sizeof(uint32_t));
}

/* What was sent: the event itself where it is known, for it may lack an id; else its data. */
static struct belfry_str sent(const struct trigger *trigger)
{
    struct belfry_str body = trigger->text.len ? trigger->text : trigger->pub.data;
    if (body.len > KEPT_MAX)
        body.len = KEPT_MAX;
    return body;
}

static void keep(struct run *run, size_t item)
{
    const struct ledger_item_result *result = &run->request->results[item];
    const struct ledger_request *request = run->request;
    uint32_t kind = request->principal.kind;
    if (request->keep_refused)
        refused_keep(run->txn, run->org_id, run->call.inst,
                     kind == BELFRY_PRINCIPAL_FEED   ? "feed"
                     : kind == BELFRY_PRINCIPAL_TASK ? "task"
                                                     : "hook",
                     result->status, &result->err, sent(&request->triggers.items[item]));
}

/* All or nothing. */
static void run_whole(struct run *run)
{
    struct ledger_request *request = run->request;
    size_t count = request->triggers.count;
    begin_record(run, 0, count);
    for (size_t i = 0; i < count; i++) {
        belfry_status status = take(run, i);
        if (status == BELFRY_OK)
            continue;
        for (size_t j = 0; j < count; j++) {
            if (j != i)
                refuse(run, j, BELFRY_ECANCELED);
        }
        refuse(run, i, status);
        request->status = status;
        keep(run, i);
        return;
    }
    apply(run);
}

static void run_each(struct run *run)
{
    for (size_t i = 0; i < run->request->triggers.count; i++) {
        if (run->request->results[i].passed_over)
            continue;
        begin_record(run, i, 1);
        belfry_status status = take(run, i);
        if (status == BELFRY_OK) {
            apply(run);
        } else {
            refuse(run, i, status);
            keep(run, i);
        }
    }
}

/* As run_each, but a trigger that the source cannot take now ends it: what follows must not overtake it. What was
 * refused is kept only when it is not to be asked for again. After its time the rest is for another group. */
static void run_in_order(struct run *run)
{
    int again = 0;
    for (size_t i = 0; i < run->request->triggers.count; i++) {
        if (run->request->results[i].passed_over)
            continue;
        if (!again && run->spent_ns > IN_ORDER_NS) {
            run->request->next = i;
            return;
        }
        if (again) {
            refuse(run, i, BELFRY_EAGAIN);
            continue;
        }
        begin_record(run, i, 1);
        belfry_status status = take(run, i);
        if (status == BELFRY_OK) {
            apply(run);
            continue;
        }
        refuse(run, i, status);
        again = status == BELFRY_EAGAIN;
    }
    for (size_t i = 0; i < run->request->triggers.count && !again; i++)
        if (run->request->results[i].state == LEDGER_REFUSED)
            keep(run, i);
}

static void refuse_all(struct run *run, belfry_status status, const char *text)
{
    struct ledger_request *request = run->request;
    for (size_t i = 0; i < request->triggers.count; i++) {
        if (request->results[i].passed_over)
            continue;
        refuse(run, i, status);
        error_set(&request->results[i].err, status, NULL, "%s", text);
    }
    if (!request->partial)
        request->status = status;
}

/* What an earlier run of the same request left. */
static void reset(struct ledger_request *request)
{
    request->status = BELFRY_OK;
    request->retry_after_ms = 0;
    request->next = 0;
    for (size_t i = 0; i < request->triggers.count; i++) {
        struct ledger_item_result *result = &request->results[i];
        if (result->passed_over)
            continue;
        error_clear(&result->err);
        result->status = BELFRY_OK;
        result->events = 0;
        result->state = LEDGER_ACCEPTED;
    }
}

belfry_status trigger_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_request *request = LIST_OF(command, struct ledger_request, command);
    struct run run = {.txn = txn, .request = request};
    reset(request);
    run.source = gen_source_find(txn->gen, str_of(request->source));
    if (!run.source || !config_serves(run.source->live->instance, request->org)) {
        refuse_all(&run, BELFRY_ENOTFOUND, "there is no such source");
        return BELFRY_OK;
    }
    if (quarantine_check(txn->ledger, request->source, txn->now, &request->retry_after_ms)) {
        refuse_all(&run, BELFRY_EAGAIN, slow);
        return BELFRY_OK;
    }
    run.org_id = store_name(txn->conn, request->org);
    struct owner *owner = cache_owner(txn, run.source->inst, run.org_id);
    if (owner->next_timer <= txn->now && !timers_run(txn, run.source, owner, request->org))
        return LEDGER_LATER;
    if (quarantine_check(txn->ledger, request->source, txn->now, &request->retry_after_ms)) {
        refuse_all(&run, BELFRY_EAGAIN, slow); /* its timers have just come to that, and some of them still wait */
        return BELFRY_OK;
    }
    run.keys = arena_alloc(txn->arena, (request->triggers.count + 1) * sizeof(*run.keys));
    call_init(&run.call, txn->conn, txn->gen, run.source, request->org, &request->principal, txn->now, txn->arena,
              &run.record, &txn->directory.pub);
    run.call.inst = run.source->inst;
    run.call.org = run.org_id;
    if (request->in_order)
        run_in_order(&run);
    else if (request->partial)
        run_each(&run);
    else
        run_whole(&run);
    return BELFRY_OK;
}
