/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: rows of what channels send to besides people, the index that events are matched with, and which of them are
 * disabled. A disabled target goes on collecting rows; they are held until it is enabled, and then leave oldest first.
 */
#include "ledger/inside.h"

#include <stdlib.h>

static void set_healthy(struct ledger_txn *txn, int64_t id, uint64_t number)
{
    if (last_word(txn, id, LAST_WORD_HEALTH, number))
        store_target_failure(txn->conn, id, 0, txn->now);
}

/* A switch is a new beginning, whichever way it goes. */
void targets_switch(struct ledger_txn *txn, const struct store_target *row, int on, int off_by, struct belfry_str why,
                    uint64_t number)
{
    struct belfry_str key = {(const char *)&row->id, sizeof(row->id)};
    if (!last_word(txn, row->id, LAST_WORD_SWITCH, number))
        return;
    set_healthy(txn, row->id, number);
    store_target_enable(txn->conn, row->id, on, off_by, txn->now, why);
    if (on)
        endpoint_news_enabled(txn, row);
    if (on)
        hash_del(txn->ledger->disabled, key);
    else
        hash_set(txn->ledger->disabled, key, txn->ledger);
    job_start(txn, on ? JOB_RELEASE : JOB_HOLD, row->org, row->id, 0, (struct belfry_str){NULL, 0});
}

void targets_moved(struct ledger_txn *txn, const struct store_target *row, uint64_t number)
{
    if (!row->enabled && row->off_by == STORE_OFF_BY_FAILURES) {
        targets_switch(txn, row, 1, 0, STR("the URL changed"), number);
        return;
    }
    if (row->enabled)
        last_word(txn, row->id, LAST_WORD_SWITCH, number);
    set_healthy(txn, row->id, number);
}

/* --- declaration -------------------------------------------------------------------------------------------------- */

struct declare_command {
    struct ledger_command command;
    char *channel;
    uint64_t number;
    struct ledger_target *targets; /* the caller's until done */
    size_t count;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

static void declare_one(struct ledger_txn *txn, int64_t channel, struct ledger_target *target, uint64_t number)
{
    struct store_target row, before;
    int64_t org = store_name(txn->conn, target->org);
    int found = store_target_find(txn->conn, channel, org, target->name, txn->arena, &row);
    if (!found)
        row =
            (struct store_target){.id = ledger_txn_id(txn), .org = org, .channel = channel, .enabled = 1, .version = 1};
    before = row;
    if (row.origin == STORE_ORIGIN_API) /* somebody wrote one of the API into the file, under its name */
        made_del(txn, row.id);
    row.origin = STORE_ORIGIN_CONFIG;
    row.owner = row.doc = (struct belfry_str){0};
    row.name = target->name;
    row.url = target->url;
    row.secret = target->secret;
    row.settings = target->sealed_settings;
    if (found)
        store_target_change(txn->conn, &row);
    else
        store_target_add(txn->conn, &row);
    target->id = row.id;
    target->moved = found && !str_eq(before.url, target->url);
    target->enabled = row.enabled || (target->moved && row.off_by == STORE_OFF_BY_FAILURES);
    target->first_failure_ms = target->moved ? 0 : row.first_failure;
    target->told = target->moved && row.told > 0 ? -row.told : row.told;
    if (target->moved)
        targets_moved(txn, &before, number);
    if (found && target->order != BELFRY_ORDER_FIFO)
        lanes_free(txn, row.id, row.org);
}

/* Rows of the channel that the declaration does not have. */
static void remove_others(struct ledger_txn *txn, int64_t channel, const struct declare_command *c)
{
    struct hash *declared = hash_new();
    for (size_t i = 0; i < c->count; i++)
        hash_set(declared, str_slice((const char *)&c->targets[i].id, sizeof(int64_t)), txn);
    int64_t *ids;
    size_t count = store_targets_of(txn->conn, channel, STORE_ORIGIN_CONFIG, txn->arena, &ids);
    for (size_t i = 0; i < count; i++)
        if (!hash_get(declared, str_slice((const char *)&ids[i], sizeof(ids[i]))))
            store_target_remove(txn->conn, ids[i], txn->now);
    hash_free(declared, NULL);
}

static belfry_status declare_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct declare_command *c = LIST_OF(command, struct declare_command, command);
    int64_t channel = store_name(txn->conn, str_of(c->channel));
    for (size_t i = 0; i < c->count; i++)
        declare_one(txn, channel, &c->targets[i], c->number);
    remove_others(txn, channel, c);
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
    *c = (struct declare_command){.channel = xstrdup(channel->name),
                                  .number = ++ledger->target_commands,
                                  .targets = targets,
                                  .count = count,
                                  .done = done,
                                  .arg = arg};
    c->command = (struct ledger_command){.run = declare_run, .done = declare_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        declare_done(&c->command, BELFRY_ECLOSED);
}

/* --- the index ---------------------------------------------------------------------------------------------------- */

/* Two sets that a transaction exchanged: that of `channel`, and a command's own or that of another channel. */
struct swapped {
    struct list node; /* in the transaction's list while it may be rolled back */
    struct channel_targets *own;
    char *channel, *other;
};

struct index_command {
    struct ledger_command command;
    struct channel_targets set; /* the fresh one; once it is in force what was there before */
    struct route_target *routes;
    const struct ledger_target *targets;
    size_t count;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

const struct route_target *target_route(struct ledger_txn *txn, int64_t id)
{
    const struct ledger *ledger = txn->ledger;
    const struct route_target *found = NULL;
    for (size_t i = 0; !found && i < ledger->target_channels; i++)
        found = ledger->targets[i].index ? route_targets_find(ledger->targets[i].index, id) : NULL;
    return found ? found : made_route(txn, id);
}

static int is_recorded(struct ledger_txn *txn, const struct index_command *c)
{
    struct store_target row;
    for (size_t i = 0; i < c->count; i++)
        if (!store_target_get(txn->conn, c->targets[i].id, txn->arena, &row))
            return 0;
    return 1;
}

/* Made when missing; good until the next one is made. */
static struct channel_targets *set_of(struct ledger *ledger, const char *channel)
{
    for (size_t i = 0; i < ledger->target_channels; i++)
        if (strcmp(ledger->targets[i].channel, channel) == 0)
            return &ledger->targets[i];
    ledger->targets = xrealloc(ledger->targets, (ledger->target_channels + 1) * sizeof(*ledger->targets));
    struct channel_targets *set = &ledger->targets[ledger->target_channels++];
    *set = (struct channel_targets){.channel = xstrdup(channel)};
    return set;
}

/* The names stay where they are. */
static void swap(struct ledger *ledger, const struct swapped *s)
{
    if (s->other)
        set_of(ledger, s->other); /* so that none is made below */
    struct channel_targets *a = set_of(ledger, s->channel);
    struct channel_targets *b = s->own ? s->own : set_of(ledger, s->other), before = *a;
    *a = *b;
    a->channel = before.channel;
    before.channel = b->channel;
    *b = before;
}

static void swap_until_commit(struct ledger_txn *txn, struct channel_targets *own, const char *channel,
                              const char *other)
{
    struct swapped *s = xcalloc(1, sizeof(*s));
    *s = (struct swapped){.own = own, .channel = xstrdup(channel), .other = other ? xstrdup(other) : NULL};
    swap(txn->ledger, s);
    list_push_back(&txn->swapped, &s->node);
}

void targets_rename(struct ledger_txn *txn, const char *from, const char *to)
{
    if (set_of(txn->ledger, from)->index)
        swap_until_commit(txn, NULL, to, from);
}

static void swapped_free(struct swapped *s)
{
    list_remove(&s->node);
    free(s->channel);
    free(s->other);
    free(s);
}

/* The rows of what this transaction put in force are not there: newest first, as it was before. */
void targets_roll_back(struct ledger *ledger)
{
    while (!list_empty(&ledger->txn.swapped)) {
        struct swapped *s = LIST_OF(ledger->txn.swapped.prev, struct swapped, node);
        swap(ledger, s);
        swapped_free(s);
    }
}

void targets_commit(struct ledger *ledger)
{
    while (!list_empty(&ledger->txn.swapped))
        swapped_free(LIST_OF(ledger->txn.swapped.next, struct swapped, node));
}

static belfry_status index_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct index_command *c = LIST_OF(command, struct index_command, command);
    if (!is_recorded(txn, c))
        return BELFRY_ENOTFOUND;
    for (size_t i = 0; i < c->count; i++)
        c->routes[i].id = c->targets[i].id;
    route_targets_free(c->set.index);
    c->set.index = route_targets_new(c->routes, c->count);
    swap_until_commit(txn, &c->set, c->set.channel, NULL);
    txn->ledger->jobs_open = JOBS_ALL; /* there may be one that waited for it */
    return BELFRY_OK;
}

static void index_done(struct ledger_command *command, belfry_status status)
{
    struct index_command *c = LIST_OF(command, struct index_command, command);
    if (c->done)
        c->done(c->arg, status);
    route_targets_free(c->set.index);
    if (c->set.free_rows)
        c->set.free_rows(c->set.arg);
    free(c->set.channel);
    free(c);
}

void ledger_targets_index(struct ledger *ledger, const struct config_instance *channel, struct route_target *routes,
                          const struct ledger_target *targets, size_t count,
                          void (*done)(void *arg, belfry_status status), void (*free_rows)(void *arg), void *arg)
{
    struct index_command *c = xcalloc(1, sizeof(*c));
    c->set = (struct channel_targets){xstrdup(channel->name), NULL, free_rows, arg};
    c->routes = routes;
    c->targets = targets;
    c->count = count;
    c->done = done;
    c->arg = arg;
    c->command = (struct ledger_command){.run = index_run, .done = index_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        index_done(&c->command, BELFRY_ECLOSED);
}

struct look_command {
    struct ledger_command command;
    ledger_targets_fn *fn;
    void (*done)(void *arg);
    void *arg;
    int ran;
};

static const struct route_targets *declared_index(const struct ledger *ledger, const char *channel)
{
    for (size_t i = 0; i < ledger->target_channels; i++)
        if (strcmp(ledger->targets[i].channel, channel) == 0)
            return ledger->targets[i].index;
    return NULL;
}

size_t targets_indexes(struct ledger_txn *txn, const struct config_instance *channel,
                       const struct route_targets *out[2])
{
    const struct route_targets *declared = declared_index(txn->ledger, channel->name), *made = made_index(txn, channel);
    size_t count = 0;
    if (declared)
        out[count++] = declared;
    if (made)
        out[count++] = made;
    return count;
}

static belfry_status look_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct look_command *c = LIST_OF(command, struct look_command, command);
    const struct config *config = txn->gen ? txn->gen->pub->config : NULL;
    for (size_t i = 0; config && !c->ran && i < config->channel_count; i++) {
        const struct route_targets *indexes[2];
        size_t count = targets_indexes(txn, &config->channels[i], indexes);
        if (count)
            c->fn(c->arg, config->channels[i].name, indexes, count, txn->ledger->disabled);
    }
    c->ran = 1;
    return BELFRY_OK;
}

static void look_done(struct ledger_command *command, belfry_status status)
{
    struct look_command *c = LIST_OF(command, struct look_command, command);
    (void)status;
    c->done(c->arg);
    free(c);
}

void ledger_targets_look(struct ledger *ledger, ledger_targets_fn *fn, void (*done)(void *arg), void *arg)
{
    struct look_command *c = xcalloc(1, sizeof(*c));
    *c = (struct look_command){.fn = fn, .done = done, .arg = arg};
    c->command = (struct ledger_command){.run = look_run, .done = look_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        look_done(&c->command, BELFRY_ECLOSED);
}

/* --- state -------------------------------------------------------------------------------------------------------- */

struct target_command {
    struct ledger_command command;
    int64_t target, now_ms;
    int on; /* enabled, or failed */
    int off_by;
    uint64_t number;
    char *why;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

static belfry_status enable_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct target_command *c = LIST_OF(command, struct target_command, command);
    struct store_target row;
    if (!store_target_get(txn->conn, c->target, txn->arena, &row))
        return BELFRY_ENOTFOUND;
    if (c->on || row.enabled || row.off_by != STORE_OFF_BY_HAND)
        targets_switch(txn, &row, c->on, c->off_by, str_of(c->why), c->number);
    return BELFRY_OK;
}

static belfry_status failure_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct target_command *c = LIST_OF(command, struct target_command, command);
    if (last_word(txn, c->target, LAST_WORD_HEALTH, c->number))
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
    c->number = ++ledger->target_commands;
    c->command = (struct ledger_command){.run = run, .done = target_done, .must = "the state of an endpoint"};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        target_done(&c->command, BELFRY_ECLOSED);
}

void ledger_target_switch(struct ledger *ledger, int64_t target, int enabled, int off_by, const char *why,
                          void (*done)(void *arg, belfry_status status), void *arg)
{
    struct target_command *c = xcalloc(1, sizeof(*c));
    *c = (struct target_command){.target = target, .on = enabled != 0, .off_by = off_by, .done = done, .arg = arg};
    c->why = why ? xstrdup(why) : NULL;
    target_submit(ledger, c, enable_run);
}

void ledger_target_enable(struct ledger *ledger, int64_t target, int enabled, const char *why,
                          void (*done)(void *arg, belfry_status status), void *arg)
{
    ledger_target_switch(ledger, target, enabled, STORE_OFF_BY_FAILURES, why, done, arg);
}

void ledger_target_failure(struct ledger *ledger, int64_t target, int failed, int64_t now_ms)
{
    struct target_command *c = xcalloc(1, sizeof(*c));
    *c = (struct target_command){.target = target, .on = failed != 0, .now_ms = now_ms};
    target_submit(ledger, c, failure_run);
}
