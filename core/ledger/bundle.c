/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that go out as one. Three ways lead here: a digest whose time has come, what quiet hours held for somebody, and
 * a bundle that is tried again. Every row is asked every gate by itself. What may go is leased under one id, that of
 * its first row, in this transaction; when only one may, it goes by itself as if it had never waited, and when none
 * may, nothing is sent.
 *
 * A digest, and a bundle that is tried again, is one mail: quiet hours hold it when they hold all of its rows, and else
 * it goes as a whole, for one that disturbs is no quieter with less in it. Rows of a catch-up are held one by one,
 * because those that may not go yet were never promised together.
 *
 * A person may have thousands of rows here. What the gates read is dropped row by row; only the newest become items.
 */
#include "ledger/inside.h"

#define DIGEST_BACK_MS (7 * 24 * 3600 * INT64_C(1000))
#define REASON_OLD "its digest was due more than 7 days ago"

struct gathering {
    struct ledger_txn *txn;
    struct arena *kept; /* of the claim */
    int again;          /* it is a bundle already */
    int kind;
    int64_t bundle;
    struct ledger_claim_item *items;
    size_t count, most;
    uint32_t total, loud;    /* rows that were taken, and those of them that may go now */
    int64_t quiet_until;     /* the last end of quiet hours that would hold one */
    struct belfry_str quiet; /* why; in kept */
};

static int is_digest(const struct store_delivery *row)
{
    return row->state == OUTCOME_digested && row->person && row->category;
}

static int is_held(const struct store_delivery *row)
{
    return row->state == OUTCOME_held_quiet_hours && row->person && !row->attempts;
}

int bundle_wanted(const struct ledger_txn *txn, const struct store_delivery *row)
{
    const struct gen_channel *channel = gen_channel_by_name(txn->gen, row->channel);
    return channel && channel->most > 1 && (row->bundle || is_digest(row) || is_held(row));
}

static void take(struct gathering *g, const struct store_delivery *row)
{
    if (!g->bundle)
        g->bundle = row->id;
    if (g->count < g->most)
        claim_item_fill(g->txn, g->kept, row, &g->items[g->count++]);
    claim_item_lease(g->txn, &g->items[0], row->id, g->bundle, g->kind); /* they are all of one person */
    g->total++;
}

static void take_quiet(struct gathering *g, const struct gate *gate)
{
    if (gate->due > g->quiet_until) {
        g->quiet_until = gate->due;
        g->quiet = arena_str(g->kept, str_of(gate->why));
    }
    take(g, gate->row);
}

static void ask(struct gathering *g, int64_t id)
{
    struct ledger_txn *txn = g->txn;
    struct store_delivery row;
    struct store_event event;
    struct gate gate = {.row = &row, .event = &event};
    if (!store_delivery_get(txn->conn, id, txn->arena, &row))
        return;
    if (g->kind == BELFRY_BATCH_DIGEST && !g->again && row.due <= txn->now - DIGEST_BACK_MS) {
        outcome_end(txn, &row, OUTCOME_expired, STR(REASON_OLD));
    } else if (!store_event_get_sent(txn->conn, row.event, txn->arena, &event)) {
        outcome_end(txn, &row, OUTCOME_cancelled, STR("its event is gone"));
    } else if (gates_pass(txn, &gate)) {
        g->loud++;
        take(g, &row);
    } else if (gate.outcome == OUTCOME_held_quiet_hours && (g->again || g->kind == BELFRY_BATCH_DIGEST)) {
        take_quiet(g, &gate);
    } else {
        gate_obey(txn, &gate);
    }
}

static void ask_all(struct gathering *g, const int64_t *ids, size_t count)
{
    struct arena *command = g->txn->arena, *row = arena_new(0);
    for (size_t i = 0; i < count; i++) {
        g->txn->arena = row;
        ask(g, ids[i]);
        g->txn->arena = command;
        arena_reset(row);
    }
    arena_free(row);
}

/* All of them are quiet: the whole waits, a digest as one that is to come. */
static void put_off(struct gathering *g, const struct store_delivery *row)
{
    struct ledger_txn *txn = g->txn;
    int64_t boot = store_boot(txn->ledger->store);
    if (g->again)
        store_bundle_wait(txn->conn, g->bundle, boot, OUTCOME_held_quiet_hours, g->quiet_until, 0, g->quiet);
    else
        store_bundle_disband(txn->conn, g->bundle, boot, g->quiet_until, g->quiet);
    outcome_count(txn, row->channel, OUTCOME_held_quiet_hours, g->total);
}

static void hand_over(struct gathering *g, struct ledger_claim *claim)
{
    struct ledger_claim_item *head = &claim->items[claim->count++];
    *head = g->items[0];
    head->rest = g->items + 1;
    head->rest_count = g->count - 1;
    head->total = g->total;
    head->bundle = g->bundle;
    if (g->total > 1) {
        head->kind = (uint32_t)g->kind;
    } else if (!g->again) {
        head->bundle = 0;
        claim_item_lease(g->txn, head, head->delivery, 0, BELFRY_BATCH_SINGLE);
    }
}

size_t bundle_take(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *row)
{
    int64_t *ids;
    struct gathering g = {.txn = txn, .kept = claim->arena, .again = row->bundle != 0, .bundle = row->bundle};
    g.kind = g.again ? row->kind : is_digest(row) ? BELFRY_BATCH_DIGEST : BELFRY_BATCH_CATCH_UP;
    g.most = gen_channel_by_name(txn->gen, row->channel)->most;
    size_t count = g.again          ? store_deliveries_bundle(txn->conn, row->bundle, txn->arena, &ids)
                   : is_digest(row) ? store_deliveries_digest(txn->conn, row, txn->now, txn->arena, &ids)
                                    : store_deliveries_held(txn->conn, row, txn->now, txn->arena, &ids);
    g.items = arena_alloc(claim->arena, (count < g.most ? count : g.most) * sizeof(*g.items) + 1);
    ask_all(&g, ids, count);
    if (g.loud && g.kind == BELFRY_BATCH_DIGEST && !g.again)
        store_digest_made(txn->conn, row->person, row->channel, row->category, txn->now);
    if (g.loud)
        hand_over(&g, claim);
    else if (g.total)
        put_off(&g, row);
    return count ? count : 1;
}
