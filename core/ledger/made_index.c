/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of endpoints that are made over the API, by channel. Each deed moves one row of it, so that the next
 * command meets what this one did and none pays for how many there are. Until the commit the row before is kept: a
 * rollback puts it back, newest first. It is read from the table at first, and again after what moves many at once (a
 * renamed channel); what a transaction read that is rolled back is forgotten with it.
 */
#include "ledger/made.h"

#include "ledger/inside.h"

#include "base/log.h"
#include "match/match.h"

#include <stdlib.h>

struct made_target {
    struct arena *arena; /* this too */
    int64_t channel;
    struct route_target route;
    struct endpoint_doc doc;
};

struct made_channel {
    int64_t channel;
    struct route_targets *index;
};

/* What a transaction did to one. */
struct made_step {
    int64_t id;
    struct made_target *before; /* NULL: it was not there */
    struct made_step *next;     /* the step before */
};

struct made {
    struct hash *targets; /* by id; NULL: not read yet */
    struct made_channel *channels;
    size_t count, cap;
    struct made_step *steps;
    int fresh; /* read in the present transaction */
};

struct made *made_new(void)
{
    return xcalloc(1, sizeof(struct made));
}

static void target_free(void *value)
{
    struct made_target *t = value;
    if (t)
        arena_free(t->arena);
}

static void steps_forget(struct made *made)
{
    while (made->steps) {
        struct made_step *step = made->steps;
        made->steps = step->next;
        target_free(step->before);
        free(step);
    }
}

static void forget(struct made *made)
{
    for (size_t i = 0; i < made->count; i++)
        route_targets_free(made->channels[i].index);
    made->count = 0;
    steps_forget(made);
    hash_free(made->targets, target_free);
    made->targets = NULL;
}

void made_free(struct made *made)
{
    if (!made)
        return;
    forget(made);
    free(made->channels);
    free(made);
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

static struct belfry_str host_of(struct belfry_str url)
{
    size_t from = 0, to;
    for (size_t i = 0; i + 3 <= url.len && !from; i++)
        from = memcmp(url.ptr + i, "://", 3) == 0 ? i + 3 : 0;
    for (to = from; to < url.len && !memchr("/?#", url.ptr[to], 3); to++)
        if (url.ptr[to] == '@')
            from = to + 1;
    return str_slice(url.ptr + from, to - from);
}

/* NULL: its condition cannot be read, so nothing may be taken to be for it. */
static struct made_target *target_new(struct ledger_txn *txn, const struct store_target *row)
{
    struct arena *arena = arena_new(512);
    struct made_target *t = arena_alloc(arena, sizeof(*t));
    t->arena = arena;
    t->channel = row->channel;
    endpoint_doc_read(row->doc, arena, &t->doc);
    struct belfry_str rest, label = str_cut(t->doc.description, '\n', &rest);
    if (!label.len)
        label = host_of(row->url);
    t->route = (struct route_target){.id = row->id,
                                     .org = arena_str(arena, store_name_text(txn->conn, row->org)),
                                     .name = arena_str(arena, row->name),
                                     .types = &t->doc.types,
                                     .order = t->doc.order,
                                     .label = arena_str(arena, label)};
    if (!t->doc.when.len)
        return t;
    json_t *when = json_read(t->doc.when, NULL);
    struct error err = {0};
    t->route.when = match_compile_json(arena, when, config_event_paths, MATCH_SEVERITY, &err);
    json_decref(when);
    if (t->route.when)
        return t;
    log_error("ledger", "the condition of an endpoint cannot be read; it gets nothing until it is changed",
              "endpoint=%.*s error=%s", STR_ARG(row->name), log_quote(error_text(&err), strlen(error_text(&err))));
    error_clear(&err);
    arena_free(arena);
    return NULL;
}

static struct route_targets *index_of(struct made *made, int64_t channel)
{
    for (size_t i = 0; i < made->count; i++)
        if (made->channels[i].channel == channel)
            return made->channels[i].index;
    made->channels = xgrow(made->channels, &made->cap, made->count + 1, sizeof(*made->channels));
    made->channels[made->count] = (struct made_channel){channel, route_targets_new(NULL, 0)};
    return made->channels[made->count++].index;
}

/* Puts it, or nothing, in the place of the one with the id. Returns that one, which nothing knows any more. */
static struct made_target *exchange(struct made *made, int64_t id, struct made_target *target)
{
    struct belfry_str key = {(const char *)&id, sizeof(id)};
    struct made_target *before = hash_get(made->targets, key);
    if (before)
        route_targets_del(index_of(made, before->channel), id);
    if (target) {
        route_targets_put(index_of(made, target->channel), &target->route);
        hash_set(made->targets, key, target);
    } else if (before) {
        hash_del(made->targets, key);
    }
    return before;
}

static void step(struct made *made, int64_t id, struct made_target *target)
{
    struct made_step *step = xcalloc(1, sizeof(*step));
    *step = (struct made_step){.id = id, .before = exchange(made, id, target), .next = made->steps};
    made->steps = step;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static void on_row(void *arg, const struct store_target *row)
{
    struct ledger_txn *txn = arg;
    struct made_target *target = target_new(txn, row);
    if (target)
        exchange(txn->ledger->made, row->id, target);
}

static void load(struct ledger_txn *txn)
{
    struct made *made = txn->ledger->made;
    if (made->targets)
        return;
    made->targets = hash_new();
    made->fresh = 1;
    store_targets_made(txn->conn, 0, on_row, txn);
}

const struct route_targets *made_index(struct ledger_txn *txn, const struct config_instance *channel)
{
    struct made *made = txn->ledger->made;
    const struct gen_channel *known = &txn->gen->channels[channel->index];
    if (!channel->plugin->endpoints)
        return NULL;
    load(txn);
    for (size_t i = 0; i < made->count; i++)
        if (made->channels[i].channel == known->name)
            return made->channels[i].index;
    return NULL;
}

const struct route_target *made_route(struct ledger_txn *txn, int64_t id)
{
    load(txn);
    const struct made_target *t = hash_get(txn->ledger->made->targets, str_slice((const char *)&id, sizeof(id)));
    return t ? &t->route : NULL;
}

void made_put(struct ledger_txn *txn, const struct store_target *row)
{
    struct made *made = txn->ledger->made;
    if (made->targets)
        step(made, row->id, target_new(txn, row));
}

void made_del(struct ledger_txn *txn, int64_t id)
{
    struct made *made = txn->ledger->made;
    if (made->targets)
        step(made, id, NULL);
}

void made_moved(struct ledger_txn *txn)
{
    forget(txn->ledger->made);
}

void made_roll_back(struct ledger *ledger)
{
    struct made *made = ledger->made;
    if (made->fresh)
        forget(made);
    made->fresh = 0;
    while (made->steps) {
        struct made_step *last = made->steps;
        target_free(exchange(made, last->id, last->before));
        last->before = NULL;
        made->steps = last->next;
        free(last);
    }
}

void made_commit(struct ledger *ledger)
{
    steps_forget(ledger->made);
    ledger->made->fresh = 0;
}
