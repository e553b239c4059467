/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable tasks: rows that a source left in its transaction, performed on the loop at least once. The result of a task
 * is a trigger of its source, taken in the very commit that removes the row, so it is neither lost nor taken twice.
 */
#include "ledger/inside.h"

#include "base/log.h"
#include "plugin/misuse.h"

#include <stdlib.h>

#define TRIES 12
#define WAIT_FIRST_MS INT64_C(1000)
#define WAIT_MAX_MS INT64_C(3600000)
#define UNAVAILABLE_MAX_MS INT64_C(300000) /* what is down says nothing when it is up again */
#define PAGE 64

static const struct gen_source *source_of(const struct ledger_txn *txn, const struct store_task *task)
{
    struct belfry_str org = store_name_text(txn->conn, task->org);
    for (size_t i = 0; i < txn->gen->pub->source_count; i++) {
        const struct gen_source *source = &txn->gen->sources[i];
        if (source->inst == task->inst && source->live->self && config_serves(source->live->instance, org))
            return source;
    }
    return NULL;
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

struct tasks_command {
    struct ledger_command command;
    struct arena *arena;
    struct ledger_task *tasks;
    size_t max, count;
    void (*done)(void *arg, const struct ledger_task *tasks, size_t count);
    void *arg;
};

static belfry_status tasks_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct tasks_command *c = LIST_OF(command, struct tasks_command, command);
    int64_t after_due = INT64_MIN, after_id = 0;
    struct store_task *rows;
    size_t count = PAGE;
    c->count = 0;
    while (txn->gen && count == PAGE && c->count < c->max) {
        count = store_tasks_due(txn->conn, txn->now, after_due, after_id, PAGE, txn->arena, &rows);
        for (size_t i = 0; i < count && c->count < c->max; i++) {
            const struct gen_source *source = source_of(txn, &rows[i]);
            after_due = rows[i].due;
            after_id = rows[i].id;
            if (!source)
                continue; /* held until the source is back */
            c->tasks[c->count++] = (struct ledger_task){.id = rows[i].id,
                                                        .source = arena_strdup(c->arena, source->live->instance->name),
                                                        .org = store_name_text(txn->conn, rows[i].org),
                                                        .key = arena_str(c->arena, rows[i].key),
                                                        .payload = arena_str(c->arena, rows[i].payload)};
            store_task_lease(txn->conn, rows[i].id, store_boot(txn->ledger->store));
        }
    }
    txn->ledger->next_task = c->count < c->max ? store_tasks_next(txn->conn, txn->now) : INT64_MIN;
    return BELFRY_OK;
}

static void tasks_done(struct ledger_command *command, belfry_status status)
{
    struct tasks_command *c = LIST_OF(command, struct tasks_command, command);
    c->done(c->arg, c->tasks, status ? 0 : c->count);
    arena_free(c->arena);
}

void ledger_tasks_claim(struct ledger *ledger, size_t max,
                        void (*done)(void *arg, const struct ledger_task *tasks, size_t count), void *arg)
{
    struct arena *arena = arena_new(1024);
    struct tasks_command *c = arena_alloc(arena, sizeof(*c));
    *c = (struct tasks_command){.arena = arena, .max = max, .done = done, .arg = arg};
    c->tasks = arena_alloc(arena, (max + 1) * sizeof(*c->tasks));
    c->command = (struct ledger_command){.run = tasks_run, .done = tasks_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        tasks_done(&c->command, BELFRY_ECLOSED);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

struct result_command {
    struct ledger_command command;
    struct ledger *ledger;
    char *instance;
    int64_t task;
    uint32_t outcome;
    int in_a_row; /* answers UNAVAILABLE of this task, with this one; 0: not counted yet */
    int64_t retry_after_ms;
    char *result;
    size_t len;
};

/* How often the task was answered UNAVAILABLE since anything else; in memory only, a start begins anew. */
static int unavailable(struct ledger *ledger, struct result_command *c)
{
    struct belfry_str key = {(const char *)&c->task, sizeof(c->task)};
    if (c->outcome != BELFRY_UNAVAILABLE) {
        hash_del(ledger->unavailable, key);
        return 0;
    }
    if (!c->in_a_row) /* once, though a command may run twice */
        c->in_a_row = (int)(uintptr_t)hash_get(ledger->unavailable, key) + 1;
    hash_set(ledger->unavailable, key, (void *)(uintptr_t)c->in_a_row);
    return c->in_a_row;
}

static int64_t wait_after(int tries)
{
    int64_t wait = WAIT_FIRST_MS;
    for (int i = 1; i < tries && wait < WAIT_MAX_MS; i++)
        wait *= 2;
    return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

/* For the log, `refused` and belfry_tasks_dead: nobody asks for it again. */
static void bury(struct ledger_txn *txn, const struct store_task *task, int tries, struct belfry_str why)
{
    struct error err = {0};
    belfry_status status =
        error_set(&err, BELFRY_EAGAIN, NULL, "task %.*s is dead after %d %s%s%.*s", STR_ARG(task->key), tries,
                  tries == 1 ? "try" : "tries", why.len ? ": " : "", STR_ARG(why));
    store_task_retry(txn->conn, task->id, txn->now, tries, 1, why);
    refused_keep(txn, task->org, task->inst, "task", status, &err, task->payload);
    error_clear(&err);
    log_error("ledger", "a task is dead, nothing performs it again", "source=%.*s org=%.*s key=%s tries=%d why=%s",
              STR_ARG(store_name_text(txn->conn, task->inst)), STR_ARG(store_name_text(txn->conn, task->org)),
              log_quote(task->key.ptr, task->key.len), tries, log_quote(why.ptr, why.len));
}

static void try_again(struct ledger_txn *txn, const struct store_task *task, int64_t wait, int count, const char *why)
{
    int tries = task->attempts + count;
    if (tries >= TRIES)
        bury(txn, task, tries, str_of(why));
    else
        store_task_retry(txn->conn, task->id, txn->now + wait, tries, 0, str_of(why));
    txn->ledger->next_task = INT64_MIN;
    txn->tasks = 1;
}

/* The result as a trigger. LEDGER_LATER when the source's timers come first. */
static belfry_status submit_result(struct ledger_txn *txn, const struct result_command *c,
                                   const struct store_task *task, const struct gen_source *source)
{
    struct ledger_item_result result = {0};
    struct ledger_request request = {
        .org = store_name_text(txn->conn, task->org),
        .source = source->live->instance->name,
        .principal = {.struct_size = sizeof(request.principal), .kind = BELFRY_PRINCIPAL_TASK, .name = task->key},
        .keep_refused = 1,
        .results = &result};
    struct belfry_submission sub = {.struct_size = sizeof(sub),
                                    .org = request.org,
                                    .id = str_of(arena_printf(txn->arena, "%lld", (long long)task->id)),
                                    .source = STR("belfry:task"),
                                    .type = str_of(arena_printf(txn->arena, "%.*s.result", STR_ARG(task->key))),
                                    .data = c->len ? str_slice(c->result, c->len) : STR("{}")};
    struct error err = {0};
    belfry_status status = trigger_make(&request.triggers, &sub, txn->now, &err);
    if (status) {
        refused_keep(txn, task->org, task->inst, "task", status, &err, sub.data);
        error_clear(&err);
        return status;
    }
    status = trigger_run(&request.command, txn);
    if (status != LEDGER_LATER)
        status = request.status;
    error_clear(&result.err);
    trigger_set_free(&request.triggers);
    return status;
}

static belfry_status result_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct result_command *c = LIST_OF(command, struct result_command, command);
    struct store_task task;
    if (!store_task_get(txn->conn, c->task, txn->arena, &task) || task.dead ||
        task.lease != store_boot(txn->ledger->store))
        return BELFRY_ENOTFOUND;
    const struct gen_source *source = txn->gen ? source_of(txn, &task) : NULL;
    if (!source) { /* removed meanwhile: the task waits for it */
        try_again(txn, &task, 0, 0, NULL);
        return BELFRY_OK;
    }
    int in_a_row = unavailable(txn->ledger, c);
    if (c->outcome == BELFRY_REJECTED) {
        bury(txn, &task, task.attempts + 1, str_slice(c->result, c->len));
        return BELFRY_OK;
    }
    if (c->outcome != BELFRY_DELIVERED) {
        int64_t wait = wait_after(in_a_row ? in_a_row : task.attempts + 1);
        if (in_a_row && wait > UNAVAILABLE_MAX_MS)
            wait = UNAVAILABLE_MAX_MS;
        if (c->retry_after_ms > wait)
            wait = c->retry_after_ms;
        log_info("ledger", "a task is not done and is tried again", "source=%s key=%s tries=%d wait_ms=%lld",
                 source->live->instance->name, log_quote(task.key.ptr, task.key.len), task.attempts + 1,
                 (long long)wait);
        try_again(txn, &task, wait, c->outcome != BELFRY_UNAVAILABLE, NULL);
        return BELFRY_OK;
    }
    belfry_status status = submit_result(txn, c, &task, source);
    if (status == LEDGER_LATER)
        return LEDGER_LATER;
    if (status == BELFRY_EAGAIN) /* performed again: at least once */
        try_again(txn, &task, wait_after(task.attempts + 1), 1, "the source could not take the result");
    else
        store_task_del(txn->conn, task.id);
    return BELFRY_OK;
}

static void result_done(struct ledger_command *command, belfry_status status)
{
    struct result_command *c = LIST_OF(command, struct result_command, command);
    if (status == BELFRY_ENOTFOUND)
        misuse_stale(c->instance, "task_done", "R04", (uint64_t)c->task);
    if (status == BELFRY_EINTERNAL && c->outcome == BELFRY_DELIVERED) /* given up: another try may bring another one */
        ledger_task_done(c->ledger, c->instance, c->task, BELFRY_RETRY, 0, STR(""));
    free(c->instance);
    free(c->result);
    free(c);
}

void ledger_task_done(struct ledger *ledger, const char *instance, int64_t task, uint32_t outcome,
                      int64_t retry_after_ms, struct belfry_str result)
{
    struct result_command *c = xcalloc(1, sizeof(*c));
    *c = (struct result_command){
        .ledger = ledger, .task = task, .outcome = outcome, .retry_after_ms = retry_after_ms, .len = result.len};
    c->instance = xstrdup(instance);
    c->result = xstrndup(result.ptr ? result.ptr : "", result.len);
    c->command = (struct ledger_command){.run = result_run, .done = result_done, .must = "the result of a task"};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        result_done(&c->command, BELFRY_ECLOSED);
}
