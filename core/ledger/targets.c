/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: rows of what channels send to besides people, the index that events are matched with, and which of them are
 * disabled. A disabled target goes on collecting rows; they are held until it is enabled, and then leave oldest first.
 */
#include "ledger/inside.h"

#include <stdlib.h>

/* --- declaration -------------------------------------------------------------------------------------------------- */

struct declare_command {
    struct ledger_command command;
    char *channel;
    struct ledger_target *targets; /* the caller's until done */
    size_t count;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

static void declare_one(struct ledger_txn *txn, int64_t channel, struct ledger_target *target)
{
    struct store_target row;
    int64_t org = store_name(txn->conn, target->org);
    int found = store_target_find(txn->conn, channel, org, target->name, &row);
    if (!found)
        row = (struct store_target){.id = ledger_txn_id(txn), .org = org, .channel = channel, .enabled = 1};
    struct store_target before;
    target->moved =
        found && store_target_get(txn->conn, row.id, txn->arena, &before) && !str_eq(before.url, target->url);
    row.name = target->name;
    row.url = target->url;
    row.secret = target->secret;
    row.settings = target->settings;
    if (found)
        store_target_change(txn->conn, &row);
    else
        store_target_add(txn->conn, &row);
    target->id = row.id;
    target->enabled = row.enabled;
    target->first_failure_ms = row.first_failure;
}

static belfry_status declare_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct declare_command *c = LIST_OF(command, struct declare_command, command);
    int64_t channel = store_name(txn->conn, str_of(c->channel));
    for (size_t i = 0; i < c->count; i++)
        declare_one(txn, channel, &c->targets[i]);
    int64_t *ids;
    size_t count = store_targets_of(txn->conn, channel, txn->arena, &ids);
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < c->count && c->targets[j].id != ids[i])
            j++;
        if (j == c->count)
            store_target_remove(txn->conn, ids[i], txn->now);
    }
    return BELFRY_OK;
}

static void declare_done(struct ledger_command *command, belfry_status status)
{
    struct declare_command *c = LIST_OF(command, struct declare_command, command);
    if (c->done)
        c->done(c->arg, status);
    free(c->channel);
    free(c);
}

void ledger_targets_declare(struct ledger *ledger, const struct config_instance *channel, struct ledger_target *targets,
                            size_t count, void (*done)(void *arg, belfry_status status), void *arg)
{
    struct declare_command *c = xcalloc(1, sizeof(*c));
    *c = (struct declare_command){
        .channel = xstrdup(channel->name), .targets = targets, .count = count, .done = done, .arg = arg};
    c->command = (struct ledger_command){.run = declare_run, .done = declare_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        declare_done(&c->command, BELFRY_ECLOSED);
}

/* --- the index ---------------------------------------------------------------------------------------------------- */

struct index_command {
    struct ledger_command command;
    struct channel_targets fresh; /* after it has run: what was replaced */
    int ran;
};

/* Only memory changes, so a group that is rolled back and run again must not swap twice. */
static belfry_status index_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct index_command *c = LIST_OF(command, struct index_command, command);
    struct ledger *ledger = txn->ledger;
    if (c->ran)
        return BELFRY_OK;
    c->ran = 1;
    for (size_t i = 0; i < ledger->target_channels; i++) {
        struct channel_targets *have = &ledger->targets[i];
        if (strcmp(have->channel, c->fresh.channel) != 0)
            continue;
        struct channel_targets before = *have;
        *have = c->fresh;
        c->fresh = before;
        return BELFRY_OK;
    }
    ledger->targets = xrealloc(ledger->targets, (ledger->target_channels + 1) * sizeof(*ledger->targets));
    ledger->targets[ledger->target_channels++] = c->fresh;
    c->fresh = (struct channel_targets){NULL, NULL, NULL, NULL};
    return BELFRY_OK;
}

static void index_done(struct ledger_command *command, belfry_status status)
{
    struct index_command *c = LIST_OF(command, struct index_command, command);
    (void)status;
    route_targets_free(c->fresh.index);
    if (c->fresh.free_rows)
        c->fresh.free_rows(c->fresh.arg);
    free(c->fresh.channel);
    free(c);
}

void ledger_targets_index(struct ledger *ledger, const struct config_instance *channel, struct route_targets *index,
                          void (*free_rows)(void *arg), void *arg)
{
    struct index_command *c = xcalloc(1, sizeof(*c));
    c->fresh = (struct channel_targets){xstrdup(channel->name), index, free_rows, arg};
    c->command = (struct ledger_command){.run = index_run, .done = index_done, .must = 1};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        index_done(&c->command, BELFRY_ECLOSED);
}

/* --- state -------------------------------------------------------------------------------------------------------- */

struct target_command {
    struct ledger_command command;
    int64_t target, now_ms;
    int on; /* enabled, or failed */
    uint64_t number;
    char *why;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

/* One that was kept when its transaction failed may come to run behind a later one; then that has the last word. */
static int overtaken(struct ledger *ledger, const struct target_command *c)
{
    struct belfry_str key = {(const char *)&c->target, sizeof(c->target)};
    if ((uintptr_t)hash_get(ledger->last_switch, key) > c->number)
        return 1;
    hash_set(ledger->last_switch, key, (void *)(uintptr_t)c->number);
    return 0;
}

static belfry_status enable_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct target_command *c = LIST_OF(command, struct target_command, command);
    struct belfry_str key = {(const char *)&c->target, sizeof(c->target)};
    struct store_target row;
    if (!store_target_get(txn->conn, c->target, txn->arena, &row))
        return BELFRY_ENOTFOUND;
    if (overtaken(txn->ledger, c))
        return BELFRY_OK;
    store_target_enable(txn->conn, c->target, c->on, txn->now, str_of(c->why));
    if (c->on)
        hash_del(txn->ledger->disabled, key);
    else
        hash_set(txn->ledger->disabled, key, txn->ledger);
    job_start(txn, c->on ? JOB_RELEASE : JOB_HOLD, row.org, c->target, 0, (struct belfry_str){NULL, 0});
    return BELFRY_OK;
}

static belfry_status failure_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct target_command *c = LIST_OF(command, struct target_command, command);
    store_target_failure(txn->conn, c->target, c->on, c->now_ms);
    return BELFRY_OK;
}

static void target_done(struct ledger_command *command, belfry_status status)
{
    struct target_command *c = LIST_OF(command, struct target_command, command);
    if (c->done)
        c->done(c->arg, status);
    free(c->why);
    free(c);
}

static void target_submit(struct ledger *ledger, struct target_command *c,
                          belfry_status (*run)(struct ledger_command *command, struct ledger_txn *txn))
{
    c->command = (struct ledger_command){.run = run, .done = target_done, .must = 1};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        target_done(&c->command, BELFRY_ECLOSED);
}

void ledger_target_enable(struct ledger *ledger, int64_t target, int enabled, const char *why,
                          void (*done)(void *arg, belfry_status status), void *arg)
{
    struct target_command *c = xcalloc(1, sizeof(*c));
    *c = (struct target_command){.target = target, .on = enabled != 0, .done = done, .arg = arg};
    c->why = why ? xstrdup(why) : NULL;
    c->number = ++ledger->switches;
    target_submit(ledger, c, enable_run);
}

void ledger_target_failure(struct ledger *ledger, int64_t target, int failed, int64_t now_ms)
{
    struct target_command *c = xcalloc(1, sizeof(*c));
    *c = (struct target_command){.target = target, .on = failed != 0, .now_ms = now_ms};
    target_submit(ledger, c, failure_run);
}
