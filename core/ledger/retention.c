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
#define LOOKED_AT 500 /* targets of a slice */
#define EVEN_MS (10 * MINUTE_MS)

/* --- once a minute ------------------------------------------------------------------------------------------------ */

int64_t upkeep_next(const struct ledger *ledger, int64_t now)
{
    if (ledger->last_upkeep > now)
        return INT64_MIN; /* the clock went back */
    return ledger->last_upkeep + MINUTE_MS;
}

static struct belfry_str gone_mark(struct ledger_txn *txn, int64_t channel)
{
    return str_of(arena_printf(txn->arena, "gone:%lld", (long long)channel));
}

static void mark_gone(struct ledger_txn *txn, int64_t channel)
{
    if (!store_mark_get(txn->conn, gone_mark(txn, channel), 0))
        store_mark_set(txn->conn, gone_mark(txn, channel), txn->now);
}

/* Those that the configuration declared went with their channel. Those of the API are nobody's to declare again: they
 * stay for when it comes back, and only what waits for them ends. */
static void remove_targets(struct ledger_txn *txn, int64_t channel)
{
    int64_t *targets;
    size_t count = store_targets_of(txn->conn, channel, STORE_ORIGIN_CONFIG, txn->arena, &targets);
    for (size_t i = 0; i < count; i++)
        store_target_remove(txn->conn, targets[i], txn->now);
    mark_gone(txn, channel);
}

void upkeep_channels(struct ledger_txn *txn)
{
    int64_t *waiting;
    size_t count = store_deliveries_channels(txn->conn, txn->arena, &waiting);
    for (size_t i = 0; i < count; i++)
        if (!gen_channel_by_name(txn->gen, waiting[i]))
            mark_gone(txn, waiting[i]);
    count = store_targets_channels(txn->conn, txn->arena, &waiting);
    for (size_t i = 0; i < count; i++)
        if (!gen_channel_by_name(txn->gen, waiting[i]))
            remove_targets(txn, waiting[i]);
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

/* 1 when the channel has not been in the configuration for so long that what waits for it ends. */
static int is_long_gone(struct ledger_txn *txn, int64_t channel)
{
    int64_t gone = gen_channel_by_name(txn->gen, channel) ? 0 : store_mark_get(txn->conn, gone_mark(txn, channel), 0);
    return gone && gone <= txn->now - REMOVED_AFTER_MS;
}

/* Targets that were removed, and endpoints of the API on channels that are gone. */
static int is_over(struct ledger_txn *txn, const struct store_target *target)
{
    if (target->removed)
        return target->removed <= txn->now - REMOVED_AFTER_MS;
    return target->origin == STORE_ORIGIN_API && is_long_gone(txn, target->channel);
}

/* Of those that something waits for: whatever else was removed since the hub was first started is not looked at.
 * Thousands may wait, so it goes on from where the last slice came to. 1: more may be left. */
static int end_targets(struct ledger_txn *txn)
{
    struct ledger *ledger = txn->ledger;
    int64_t *ids;
    size_t count = store_deliveries_targets(txn->conn, ledger->upkeep_at, LOOKED_AT, txn->arena, &ids);
    int ended = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_target target;
        if (store_target_get(txn->conn, ids[i], txn->arena, &target) && is_over(txn, &target))
            ended += end_queue(txn, target.channel, ids[i]);
        if (ended >= SLICE)
            return 1; /* this one may have more */
        ledger->upkeep_at = ids[i];
    }
    if (count == LOOKED_AT)
        return 1;
    ledger->upkeep_at = INT64_MAX; /* not again while channels have more */
    return 0;
}

/* 1: more may be left. */
static int end_channels(struct ledger_txn *txn)
{
    int64_t *ids;
    int ended = 0;
    size_t count = store_deliveries_channels(txn->conn, txn->arena, &ids);
    for (size_t i = 0; i < count && ended < SLICE; i++)
        if (is_long_gone(txn, ids[i]))
            ended += end_queue(txn, ids[i], 0);
    return ended >= SLICE;
}

void upkeep_slice(struct ledger_txn *txn)
{
    if (end_targets(txn) || end_channels(txn))
        return;
    txn->ledger->upkeep_at = 0;
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

/* A clock that is wrong for minutes must not cost what is kept for months. */
static int64_t uneven_ms(const struct ledger *ledger)
{
    if (clock_is_virtual(ledger->clock))
        return 0;
    int64_t even = clock_watch_even_ms(&ledger->watch);
    return even < EVEN_MS ? EVEN_MS - even : 0;
}

int64_t retention_next(const struct ledger *ledger, int64_t now)
{
    const struct retention *r = ledger->retention;
    int64_t next = r->running || r->next_pass > now + DAY_MS ? INT64_MIN : r->next_pass;
    int64_t wait = uneven_ms(ledger);
    return wait && next <= now ? now + wait : next;
}

void retention_hold(struct ledger *ledger)
{
    *ledger->retention = (struct retention){.next_pass = INT64_MIN};
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

/* A row that goes is a change that its person sees. */
static void touch_owners(struct ledger_txn *txn, const struct retention *r, int64_t before)
{
    int64_t *persons;
    size_t count = store_trim_notifications_whose(txn->conn, &r->cursor, before, SLICE, txn->arena, &persons);
    for (size_t i = 0; i < count; i++)
        ledger_txn_touch(txn, persons[i]);
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
    if (before != INT64_MIN && table->trim == store_trim_notifications)
        touch_owners(txn, r, before);
    if (before != INT64_MIN && table->trim(txn->conn, &r->cursor, before, SLICE))
        return;
    r->cursor.len = 0;
    if (++r->table < TABLES)
        return;
    store_mark_set(txn->conn, STR("trimmed"), txn->now);
    *r = (struct retention){.next_pass = txn->now + DAY_MS};
}
