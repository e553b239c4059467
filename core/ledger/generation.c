/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation comes into force as one command: names get their ids, renamed instances take what was theirs, and the
 * table of generations says who did it. Commands before it in the queue ran under the old one, but for those that wait
 * for timers; commands behind it run under the new one. When it cannot be committed the old one stays.
 */
#include "ledger/inside.h"

#include "base/log.h"

#include <stdlib.h>

struct generation_command {
    struct ledger_command command;
    struct ledger *ledger;
    struct gen *gen;
    char *actor;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

/* A renamed instance takes what was kept under its old name, once. */
static void rename_source(struct ledger_txn *txn, struct gen_source *source, const struct config_instance *instance)
{
    source->was = store_name(txn->conn, str_of(instance->was));
    const char *mark = arena_printf(txn->arena, "renamed:%lld:%lld", (long long)source->was, (long long)source->inst);
    if (store_mark_get(txn->conn, str_of(mark), 0))
        return;
    store_state_rename(txn->conn, source->was, source->inst);
    store_mark_set(txn->conn, str_of(mark), txn->now);
    /* so that a name can come back to where it was */
    const char *back = arena_printf(txn->arena, "renamed:%lld:%lld", (long long)source->inst, (long long)source->was);
    store_mark_del(txn->conn, str_of(back));
    size_t pos = 0;
    struct belfry_str key;
    void *value;
    while (hash_next(txn->ledger->owners, &pos, &key, &value))
        ((struct owner *)value)->next_timer = INT64_MIN;
}

/* What comes to one that is disabled is held there; what was held of one that was goes out again. */
static void switch_twin(struct ledger_txn *txn, const struct store_twin *twin)
{
    if (twin->enabled && twin->held)
        job_start(txn, JOB_RELEASE, twin->org, twin->stays, 0, (struct belfry_str){NULL, 0});
    else if (!twin->enabled && twin->waits)
        job_start(txn, JOB_HOLD, twin->org, twin->stays, 0, (struct belfry_str){NULL, 0});
}

/* Whatever is under the old name belongs to the new one: no other channel may have that name while `was` names it. One
 * that had the new name for a while before it said so has targets twice: those that it had first take what the others
 * have, and what these are still to get. */
static void rename_channel(struct ledger_txn *txn, const struct gen_channel *channel)
{
    const struct config_instance *instance = channel->instance;
    int64_t was = store_name(txn->conn, str_of(instance->was));
    struct store_twin *twins;
    size_t count = store_targets_twins(txn->conn, was, channel->name, txn->arena, &twins);
    if (count)
        target_fanout_merge(txn, twins, count);
    if (store_channel_rename(txn->conn, was, channel->name)) {
        log_info("ledger", "a renamed channel goes on with what was pending", "channel=%s was=%s", instance->name,
                 instance->was);
        made_moved(txn);
    }
    for (size_t i = 0; i < count; i++)
        switch_twin(txn, &twins[i]);
    targets_rename(txn, instance->was, instance->name);
}

static void name_instances(struct ledger_txn *txn, struct gen *gen)
{
    const struct config *config = gen->pub->config;
    for (size_t i = 0; i < gen->pub->source_count; i++) {
        const struct config_instance *instance = gen->sources[i].live->instance;
        if (!instance)
            continue;
        gen->sources[i].inst = store_name(txn->conn, str_of(instance->name));
        if (instance->was)
            rename_source(txn, &gen->sources[i], instance);
    }
    for (size_t i = 0; i < config->channel_count; i++) {
        gen->channels[i].name = store_name(txn->conn, str_of(config->channels[i].name));
        if (config->channels[i].was)
            rename_channel(txn, &gen->channels[i]);
    }
}

/* The one of the start is nobody's deed. */
static void audit(struct ledger_txn *txn, const struct generation_command *c, int64_t id)
{
    if (!txn->gen || !c->actor)
        return;
    json_t *detail = json_pack("{s:I}", "generation", (json_int_t)id);
    ledger_txn_audit(txn, (struct belfry_str){0}, str_of(c->actor), "reload", detail);
    json_decref(detail);
}

static belfry_status generation_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct generation_command *c = LIST_OF(command, struct generation_command, command);
    struct ledger *ledger = txn->ledger;
    struct config *config = c->gen->pub->config;
    int64_t id = store_generation_last(txn->conn) + 1;
    config->generation = (uint64_t)id;
    store_generation_add(txn->conn, id, config->sha256, txn->now, str_of(c->actor), (struct belfry_str){NULL, 0});
    audit(txn, c, id);
    name_instances(txn, c->gen);
    if (txn->gen) {
        struct release *release = xcalloc(1, sizeof(*release));
        release->gen = txn->gen;
        list_push_back(&txn->released, &release->node);
    }
    txn->gen = c->gen;
    directory_init(&txn->directory, txn->gen, txn->conn);
    upkeep_channels(txn);
    notice_check_all(txn);
    timers_load(txn);
    fanout_drop(ledger);
    ledger->next_shown = ledger->next_task = INT64_MIN;
    atomic_store(&ledger->limit_commands,
                 config->hub.limits.pending_triggers > 0 ? config->hub.limits.pending_triggers : PENDING_TRIGGERS);
    atomic_store(&ledger->limit_bytes,
                 config->hub.limits.pending_bytes > 0 ? config->hub.limits.pending_bytes : PENDING_BYTES);
    return BELFRY_OK;
}

static void generation_done(struct ledger_command *command, belfry_status status)
{
    struct generation_command *c = LIST_OF(command, struct generation_command, command);
    if (status) {
        c->gen->pub->inside = NULL;
        gen_free(c->gen);
    } else {
        c->ledger->loop_generation = c->gen->pub;
    }
    if (c->done)
        c->done(c->arg, status);
    free(c->actor);
    free(c);
}

void ledger_generation_set(struct ledger *ledger, struct ledger_generation *generation, const char *actor,
                           void (*done)(void *arg, belfry_status status), void *arg)
{
    struct generation_command *c = xcalloc(1, sizeof(*c));
    c->ledger = ledger;
    c->gen = gen_new(generation);
    c->actor = actor ? xstrdup(actor) : NULL;
    c->done = done;
    c->arg = arg;
    generation->inside = c->gen;
    c->command = (struct ledger_command){.run = generation_run, .done = generation_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        generation_done(&c->command, BELFRY_ECLOSED);
}
