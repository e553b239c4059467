/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep: once a minute, rows of targets and channels that are gone; once a day, what is past
 * its time, table by table, 1,000 rows a transaction, and only while nobody waits. Children go before what they belong
 * to.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)
#define REMOVED_AFTER_MS HOUR_MS

/* --- once a minute ------------------------------------------------------------------------------------------------ */

int64_t upkeep_next(const struct ledger *ledger)
{
    return ledger->last_upkeep + MINUTE_MS;
}

static struct belfry_str gone_mark(struct ledger_txn *txn, int64_t channel)
{
    return str_of(arena_printf(txn->arena, "gone:%lld", (long long)channel));
}

void upkeep_channels(struct ledger_txn *txn)
{
    int64_t *waiting;
    size_t count = store_deliveries_channels(txn->conn, txn->arena, &waiting);
    for (size_t i = 0; i < count; i++) {
        if (!gen_channel_by_name(txn->gen, waiting[i]) && !store_mark_get(txn->conn, gone_mark(txn, waiting[i]), 0))
            store_mark_set(txn->conn, gone_mark(txn, waiting[i]), txn->now);
    }
    count = store_targets_channels(txn->conn, txn->arena, &waiting);
    for (size_t i = 0; i < count; i++) {
        int64_t *targets;
        size_t n = gen_channel_by_name(txn->gen, waiting[i])
                       ? 0
                       : store_targets_of(txn->conn, waiting[i], txn->arena, &targets);
        for (size_t t = 0; t < n; t++)
            store_target_remove(txn->conn, targets[t], txn->now);
    }
    for (size_t i = 0; i < txn->gen->pub->config->channel_count; i++)
        store_mark_del(txn->conn, gone_mark(txn, txn->gen->channels[i].name));
}

static int end_queue(struct ledger_txn *txn, int64_t channel, int64_t target)
{
    int ended = store_deliveries_end_queue(txn->conn, target ? 0 : channel, target, txn->now, SLICE);
    if (ended > 0)
        outcome_count(txn, channel, OUTCOME_channel_removed, (size_t)ended);
    return ended;
}

/* 1 when a whole slice was ended, so that more may be left. */
static int end_removed(struct ledger_txn *txn)
{
    int64_t *ids;
    size_t count = store_targets_removed(txn->conn, txn->now - REMOVED_AFTER_MS, txn->arena, &ids);
    int ended = 0;
    for (size_t i = 0; i < count && ended < SLICE; i++) {
        struct store_target target;
        if (store_target_get(txn->conn, ids[i], txn->arena, &target))
            ended += end_queue(txn, target.channel, ids[i]);
    }
    count = store_deliveries_channels(txn->conn, txn->arena, &ids);
    for (size_t i = 0; i < count && ended < SLICE; i++) {
        int64_t gone = gen_channel_by_name(txn->gen, ids[i]) ? 0 : store_mark_get(txn->conn, gone_mark(txn, ids[i]), 0);
        if (gone && gone <= txn->now - REMOVED_AFTER_MS)
            ended += end_queue(txn, ids[i], 0);
    }
    return ended >= SLICE;
}

void upkeep_slice(struct ledger_txn *txn)
{
    if (!end_removed(txn))
        txn->ledger->last_upkeep = txn->now;
}

/* --- once a day --------------------------------------------------------------------------------------------------- */

struct retention {
    int running;
    size_t table;
    struct store_cursor cursor;
    int64_t next_pass; /* wall ms; INT64_MIN: not known yet */
};

struct table {
    int (*trim)(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
    size_t days_offset; /* of an int32_t in struct config_retention */
    int32_t days;       /* 0: by the configuration */
};

static const struct table tables[] = {
    {store_trim_attempts, offsetof(struct config_retention, attempts), 0},
    {store_trim_decisions, offsetof(struct config_retention, decisions), 0},
    {store_trim_ops, 0, 2},
    {store_trim_jobs, 0, 2},
    {store_trim_refused, 0, 90},
    {store_trim_jti, 0, -1},
    {store_trim_notifications, offsetof(struct config_retention, inbox), 0},
    {store_trim_events, offsetof(struct config_retention, events), 0},
    {store_trim_dedupe, offsetof(struct config_retention, dedupe), 0},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct retention *retention_new(void)
{
    struct retention *r = xcalloc(1, sizeof(*r));
    r->next_pass = INT64_MIN;
    return r;
}

void retention_free(struct retention *r)
{
    free(r);
}

int64_t retention_next(const struct ledger *ledger)
{
    return ledger->retention->running ? INT64_MIN : ledger->retention->next_pass;
}

/* When a table's rows are too old; INT64_MIN: never. */
static int64_t too_old(const struct ledger_txn *txn, const struct table *table)
{
    int32_t days = table->days;
    if (days < 0)
        return txn->now;
    if (days == 0)
        days = *(const int32_t *)(const void *)((const char *)&txn->gen->pub->config->retention + table->days_offset);
    return days > 0 ? txn->now - days * DAY_MS : INT64_MIN;
}

void retention_slice(struct ledger_txn *txn)
{
    struct retention *r = txn->ledger->retention;
    if (!r->running) {
        int64_t last = store_mark_get(txn->conn, STR("trimmed"), 0);
        if (last == 0 || last > txn->now)
            store_mark_set(txn->conn, STR("trimmed"), last = txn->now);
        r->next_pass = last + DAY_MS;
        if (r->next_pass > txn->now)
            return;
        *r = (struct retention){.running = 1};
    }
    const struct table *table = &tables[r->table];
    int64_t before = too_old(txn, table);
    if (before != INT64_MIN && table->trim(txn->conn, &r->cursor, before, SLICE))
        return;
    r->cursor.len = 0;
    if (++r->table < TABLES)
        return;
    store_mark_set(txn->conn, STR("trimmed"), txn->now);
    *r = (struct retention){.next_pass = txn->now + DAY_MS};
}
