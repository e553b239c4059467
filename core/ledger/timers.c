/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable timers. Those of an (instance, org) that are due run before its next trigger, so that a source sees time and
 * triggers in one order, whatever the load. A call that fails is made again, 1 s doubling to 1 h, twelve times; then
 * the timer is dead. Timers of a source that is gone, cannot run or is in quarantine wait.
 */
#include "ledger/inside.h"

#include "base/log.h"

#define TRIES 12
#define WAIT_FIRST_MS INT64_C(1000)
#define WAIT_MAX_MS INT64_C(3600000)

static int64_t wait_after(int tries)
{
    int64_t wait = WAIT_FIRST_MS;
    for (int i = 1; i < tries && wait < WAIT_MAX_MS; i++)
        wait *= 2;
    return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

static struct belfry_str poison_key(struct arena *arena, const struct store_timer *timer)
{
    char *key = arena_alloc(arena, 5 + 16 + timer->key.len);
    memcpy(key, "timer", 5);
    memcpy(key + 5, &timer->inst, 8);
    memcpy(key + 13, &timer->org, 8);
    memcpy(key + 21, timer->key.ptr, timer->key.len);
    return str_slice(key, 21 + timer->key.len);
}

static void failed(struct ledger_txn *txn, const struct gen_source *source, const struct store_timer *timer,
                   belfry_status status, const struct error *err)
{
    int tries = timer->attempts + 1, dead = tries >= TRIES;
    int64_t wait = wait_after(tries);
    store_timer_retry(txn->conn, timer, txn->now + wait, tries, dead);
    log_warn("ledger", dead ? "a timer failed for the last time and is dead" : "a timer failed, it runs again later",
             "source=%s key=%s status=%s error=%s tries=%d wait_ms=%lld", source->live->instance->name,
             log_quote(timer->key.ptr, timer->key.len), status_name(status),
             log_quote(error_text(err), strlen(error_text(err))), tries, (long long)wait);
    if (dead)
        refused_keep(txn, timer->org, timer->inst, "timer", status, err, timer->key);
}

/* The timer is gone unless its own call sets it again. */
static void run_one(struct ledger_txn *txn, struct gen_source *source, struct owner *owner, struct belfry_str org,
                    const struct store_timer *timer)
{
    struct ledger *ledger = txn->ledger;
    struct belfry_principal principal = {.struct_size = sizeof(principal), .kind = BELFRY_PRINCIPAL_TIMER};
    struct error err = {0};
    struct record record;
    struct call call;
    record_init(&record, txn->arena, store_id_key(ledger->store));
    record_add(&record, OP_TIMER_CLEAR)->key = timer->key;
    call_init(&call, txn->conn, txn->gen, source, org, &principal, txn->now, txn->arena, &record, &txn->directory.pub);
    call.inst = timer->inst;
    call.org = timer->org;
    struct belfry_str poison = poison_key(txn->arena, timer);
    belfry_status status;
    if (poison_was(ledger->poison, poison)) {
        status = error_set(&err, BELFRY_EAGAIN, NULL, "the hub stopped while it worked on this timer");
    } else {
        struct stopwatch begin = quarantine_begin();
        poison_hold(ledger->poison, poison);
        status = call_due(&call, timer, &err);
        poison_let_go(ledger->poison);
        quarantine_end(ledger, source->live->instance->name, txn->now, &begin, call.waited_ns);
    }
    if (status == BELFRY_OK)
        apply_record(txn, &record, source, timer->inst, org, timer->org);
    else
        failed(txn, source, timer, status, &err);
    cache_timer(txn, owner, INT64_MIN);
    error_clear(&err);
}

int timers_run(struct ledger_txn *txn, struct gen_source *source, struct owner *owner, struct belfry_str org)
{
    while (owner->next_timer <= txn->now) {
        struct store_timer timer;
        int64_t wait;
        if (txn->timers_left <= 0)
            return 0;
        if (quarantine_check(txn->ledger, source->live->instance->name, txn->now, &wait))
            return 1;
        if (store_timer_due(txn->conn, owner->inst, owner->org, txn->now, txn->arena, &timer)) {
            txn->timers_left--;
            txn->step++;
            run_one(txn, source, owner, org, &timer);
        } else {
            cache_timer(txn, owner, INT64_MIN);
        }
        cache_owner(txn, owner->inst, owner->org); /* looks when the next one is due */
        if (store_fault(txn->conn, NULL))
            return 0;
    }
    return 1;
}

static struct gen_source *source_of(const struct ledger *ledger, const struct gen *gen, int64_t inst,
                                    int64_t *held_until)
{
    *held_until = 0;
    for (size_t i = 0; gen && i < gen->pub->source_count; i++) {
        struct gen_source *source = &gen->sources[i];
        if (source->inst != inst || !source->live->self || !source->live->vtable)
            continue;
        for (size_t j = 0; j < ledger->health_count; j++) {
            if (strcmp(ledger->health[j].name, source->live->instance->name) == 0)
                *held_until = ledger->health[j].until;
        }
        return source;
    }
    return NULL;
}

void timers_load(struct ledger_txn *txn)
{
    int64_t inst = 0, org = 0;
    while (store_timer_owner(txn->conn, &inst, &org))
        cache_owner(txn, inst, org);
    txn->ledger->owners_known = 1;
    txn->ledger->owners_next = INT64_MIN;
}

static size_t count_due(struct ledger_txn *txn)
{
    size_t pos = 0, due = 0;
    struct belfry_str key;
    void *value;
    while (hash_next(txn->ledger->owners, &pos, &key, &value))
        due += ((struct owner *)value)->next_timer <= txn->now;
    return due;
}

void timers_run_all(struct ledger_txn *txn)
{
    struct ledger *ledger = txn->ledger;
    if (!ledger->owners_known)
        timers_load(txn);
    size_t due = count_due(txn), pos = 0;
    struct belfry_str key;
    void *value;
    int left = txn->timers_left, share = due && (size_t)left > due ? left / (int)due : 1;
    /* Calls add no owners, they only change those that are there. */
    while (due && left > 0 && hash_next(ledger->owners, &pos, &key, &value)) {
        struct owner *owner = value;
        int64_t held;
        if (owner->next_timer > txn->now)
            continue;
        struct gen_source *source = source_of(ledger, txn->gen, owner->inst, &held);
        struct belfry_str org = store_name_text(txn->conn, owner->org);
        if (!source || held > txn->now || !config_serves(source->live->instance, org))
            continue;
        txn->timers_left = share < left ? share : left;
        int given = txn->timers_left;
        cache_owner(txn, owner->inst, owner->org);
        timers_run(txn, source, owner, org);
        left -= given - txn->timers_left;
        arena_reset(txn->arena);
    }
    txn->timers_left = left;
    ledger->owners_next = INT64_MIN;
}

int64_t timers_next(struct ledger *ledger)
{
    if (!ledger->owners_known)
        return INT64_MIN;
    if (ledger->owners_next != INT64_MIN)
        return ledger->owners_next;
    int64_t next = INT64_MAX;
    size_t pos = 0;
    struct belfry_str key;
    void *value;
    while (hash_next(ledger->owners, &pos, &key, &value)) {
        const struct owner *owner = value;
        int64_t held;
        if (owner->next_timer == INT64_MAX)
            continue;
        const struct gen_source *source = source_of(ledger, ledger->gen, owner->inst, &held);
        if (!source || !config_serves(source->live->instance, store_name_text(ledger->conn, owner->org)))
            continue;
        int64_t at = owner->next_timer > held ? owner->next_timer : held;
        next = at < next ? at : next;
    }
    ledger->owners_next = next;
    return next;
}
