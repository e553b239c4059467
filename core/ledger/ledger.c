/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room: start and stop, submission with back-pressure, numbers, and what commands see of the running
 * transaction.
 */
#include "ledger/inside.h"

#include "base/log.h"

#include <stdlib.h>

#define ARENA_BLOCK 65536

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static void on_wake(uv_async_t *async)
{
    answer_all(async->data);
}

/* A row that was under way to an endpoint when that was disabled, and a test of one: they are held like all others. */
static void hold_of_disabled(struct ledger_txn *txn)
{
    int64_t *ids;
    struct store_target row;
    size_t count = store_targets_disabled(txn->conn, txn->arena, &ids);
    for (size_t i = 0; i < count; i++)
        if (store_deliveries_next(txn->conn, 0, ids[i]) < INT64_MAX &&
            store_target_get(txn->conn, ids[i], txn->arena, &row))
            job_start(txn, JOB_HOLD, row.org, row.id, 0, (struct belfry_str){NULL, 0});
    arena_reset(txn->arena);
}

/* What a process that died had under way. */
static belfry_status resume(struct ledger *ledger, struct error *err)
{
    struct store_conn *conn = ledger->conn;
    belfry_status status = store_begin(conn, err);
    if (status)
        return status;
    int64_t boot = store_boot(ledger->store);
    ledger->ids.last = store_last_id(conn);
    ledger->txn.now = clock_now_ms(ledger->clock);
    int released = store_deliveries_release(conn, boot, ledger->txn.now);
    released += (int)outcomes_interrupted(&ledger->txn);
    hold_of_disabled(&ledger->txn);
    store_tasks_release(conn, boot);
    ledger->last_generation = store_generation_last(conn);
    status = store_commit(conn, err);
    if (status)
        store_rollback(conn);
    else if (released > 0)
        log_info("ledger",
                 "deliveries that were under way when the hub stopped: those of targets are due again, mail is "
                 "unknown",
                 "count=%d", released);
    return status;
}

static void free_parts(struct ledger *ledger)
{
    poison_close(ledger->poison);
    fanout_drop(ledger);
    retention_free(ledger->retention);
    for (size_t i = 0; i < ledger->target_channels; i++)
        free(ledger->targets[i].channel);
    free(ledger->targets);
    for (size_t i = 0; i < ledger->health_count; i++)
        free(ledger->health[i].name);
    free(ledger->health);
    free(ledger->txn.targets);
    outcome_counts_free(ledger);
    rates_free(ledger);
    hash_free(ledger->people_by_name, NULL);
    hash_free(ledger->people_by_id, free);
    hash_free(ledger->owners, free);
    hash_free(ledger->disabled, NULL);
    made_free(ledger->made);
    hash_free(ledger->told, NULL);
    hash_free(ledger->last_words, free);
    hash_free(ledger->unavailable, NULL);
    arena_free(ledger->txn.arena);
    queue_fini(&ledger->queue);
    queue_fini(&ledger->answers);
    queue_fini(&ledger->settle_queue);
    pthread_mutex_destroy(&ledger->numbers_lock);
}

static void on_closed(uv_handle_t *handle)
{
    struct ledger *ledger = handle->data;
    free_parts(ledger);
    free(ledger);
}

struct ledger *ledger_new(const struct ledger_settings *settings, struct error *err)
{
    struct ledger *ledger = xcalloc(1, sizeof(*ledger));
    ledger->settings = *settings;
    ledger->store = settings->store;
    ledger->conn = store_writer(settings->store);
    ledger->clock = settings->clock;
    ledger->limit_commands = PENDING_TRIGGERS;
    ledger->limit_bytes = PENDING_BYTES;
    ledger->jobs_open = JOBS_ALL;
    ledger->next_expiry = ledger->next_task = ledger->next_shown = INT64_MIN;
    ledger->txn.ledger = ledger;
    ledger->txn.conn = ledger->conn;
    ledger->txn.arena = arena_new(ARENA_BLOCK);
    list_init(&ledger->txn.released);
    list_init(&ledger->txn.swapped);
    queue_init(&ledger->queue);
    queue_init(&ledger->answers);
    queue_init(&ledger->settle_queue);
    list_init(&ledger->todo);
    list_init(&ledger->kept);
    ledger->last_words = hash_new();
    ledger->made = made_new();
    ledger->told = hash_new();
    ledger->unavailable = hash_new();
    list_init(&ledger->settlers);
    pthread_mutex_init(&ledger->numbers_lock, NULL);
    ledger->retention = retention_new();
    clock_watch_init(&ledger->watch, clock_now_ms(ledger->clock), clock_mono_ns(clock_real()));
    cache_drop(ledger);
    atomic_store(&ledger->beat, clock_mono_ns(clock_real()));
    struct error own = {0};
    ledger->poison = poison_open(settings->data_dir, &own);
    if (own.count || resume(ledger, &own)) {
        if (err)
            error_move(err, &own);
        error_clear(&own);
        free_parts(ledger);
        free(ledger);
        return NULL;
    }
    uv_async_init(settings->loop, &ledger->wake, on_wake);
    ledger->wake.data = ledger;
    if (pthread_create(&ledger->thread, NULL, group_main, ledger) != 0) {
        error_set(err, BELFRY_EAGAIN, NULL, "cannot start the ledger's thread");
        uv_close((uv_handle_t *)&ledger->wake, on_closed);
        return NULL;
    }
    pthread_setname_np(ledger->thread, "ledger");
    return ledger;
}

static void let_go(struct ledger *ledger)
{
    struct gen *gen = ledger->gen;
    if (!gen)
        return;
    struct ledger_generation *generation = gen->pub;
    ledger->gen = NULL;
    gen_free(gen);
    generation->inside = NULL;
    if (generation->released)
        generation->released(generation->arg, generation);
}

void ledger_stop(struct ledger *ledger)
{
    if (atomic_exchange(&ledger->stopping, 1))
        return;
    queue_wake(&ledger->queue);
    pthread_join(ledger->thread, NULL);
    answer_all(ledger);
    /* What slipped in after the thread's last look. */
    struct list late;
    if (queue_take_all(&ledger->queue, &late) > 0)
        answer_failed(ledger, &late, BELFRY_ECANCELED);
    answer_all(ledger);
    for (size_t i = 0; i < ledger->target_channels; i++) {
        struct channel_targets *targets = &ledger->targets[i];
        route_targets_free(targets->index);
        if (targets->free_rows)
            targets->free_rows(targets->arg);
        targets->index = NULL;
    }
    let_go(ledger);
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    ledger_stop(ledger);
    uv_close((uv_handle_t *)&ledger->wake, on_closed);
}

/* --- submission --------------------------------------------------------------------------------------------------- */

belfry_status ledger_submit(struct ledger *ledger, struct ledger_command *command)
{
    if (atomic_load(&ledger->stopping))
        return BELFRY_ECLOSED;
    uint64_t weight = command->weight ? command->weight : 1;
    uint64_t commands = atomic_fetch_add(&ledger->pending_commands, weight);
    uint64_t bytes = atomic_fetch_add(&ledger->pending_bytes, command->bytes);
    if (command->bytes && (commands >= (uint64_t)atomic_load(&ledger->limit_commands) ||
                           bytes >= (uint64_t)atomic_load(&ledger->limit_bytes))) {
        atomic_fetch_sub(&ledger->pending_commands, weight);
        atomic_fetch_sub(&ledger->pending_bytes, command->bytes);
        return BELFRY_EAGAIN;
    }
    list_init(&command->node);
    queue_push(&ledger->queue, &command->node);
    return BELFRY_OK;
}

static void request_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_request *request = LIST_OF(command, struct ledger_request, command);
    if (status) { /* nothing of it was written */
        request->status = status;
        for (size_t i = 0; i < request->triggers.count; i++) {
            struct ledger_item_result *result = &request->results[i];
            if (result->passed_over)
                continue;
            error_clear(&result->err);
            result->state = LEDGER_REFUSED;
            result->events = 0;
            result->status = error_set(&result->err, status, NULL, "%s; nothing was taken",
                                       command->ails                ? command->ails
                                       : status == BELFRY_ECANCELED ? "the hub is stopping"
                                                                    : "the trigger could not be written");
        }
    }
    request->done(request);
}

belfry_status ledger_trigger(struct ledger *ledger, struct ledger_request *request)
{
    const struct ledger_generation *generation = ledger->loop_generation;
    const struct config_instance *instance =
        generation ? config_source(generation->config, str_of(request->source)) : NULL;
    if (!instance || !config_serves(instance, request->org) || !generation->sources[instance->index].self)
        return BELFRY_ENOTFOUND;
    size_t bytes = sizeof(*request);
    for (size_t i = 0; i < request->triggers.count; i++) {
        bytes += request->triggers.items[i].pub.data.len + 256;
        request->results[i].passed_over = request->partial && request->results[i].status != BELFRY_OK;
        if (request->results[i].passed_over)
            request->results[i].state = LEDGER_REFUSED;
    }
    request->command = (struct ledger_command){
        .run = trigger_run, .done = request_done, .bytes = bytes, .weight = (uint32_t)request->triggers.count};
    return ledger_submit(ledger, &request->command);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

void ledger_poke(struct ledger *ledger)
{
    queue_wake(&ledger->queue);
}

uint64_t ledger_heartbeat(const struct ledger *ledger)
{
    return atomic_load(&ledger->beat);
}

const char *ledger_ailment(const struct ledger *ledger)
{
    const char *ailment = atomic_load(&ledger->ailment);
    return ailment ? ailment : atomic_load(&ledger->held);
}

void ledger_hold(struct ledger *ledger, const char *why)
{
    atomic_store(&ledger->held, why);
}

int64_t ledger_next_due(const struct ledger *ledger)
{
    return atomic_load(&ledger->next_due);
}

void ledger_numbers(const struct ledger *ledger, struct ledger_numbers *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&ledger->numbers_lock;
    pthread_mutex_lock(lock);
    *out = ledger->published;
    pthread_mutex_unlock(lock);
    out->pending_commands = atomic_load(&ledger->pending_commands);
    out->pending_bytes = atomic_load(&ledger->pending_bytes);
}

/* --- what a command sees ------------------------------------------------------------------------------------------ */

struct store_conn *ledger_txn_conn(struct ledger_txn *txn)
{
    return txn->conn;
}

int64_t ledger_txn_id(struct ledger_txn *txn)
{
    return id_next(&txn->ledger->ids, txn->now);
}

struct arena *ledger_txn_arena(struct ledger_txn *txn)
{
    return txn->arena;
}

void ledger_txn_due(struct ledger_txn *txn, int64_t target)
{
    txn->deliveries = 1;
    if (!target)
        return;
    struct belfry_str key = {(const char *)&target, sizeof(target)};
    if (hash_set(txn->ledger->told, key, (void *)txn->group) == (void *)txn->group)
        return;
    txn->targets = xgrow(txn->targets, &txn->target_cap, txn->target_count + 1, sizeof(int64_t));
    txn->targets[txn->target_count++] = target;
}

void ledger_txn_directory_changed(struct ledger_txn *txn)
{
    txn->directory.api_empty = txn->directory.no_preferences = -1;
}
