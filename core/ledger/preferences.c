/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people chose, replaced as a whole in one command that first compares what is there with what its author saw. A
 * choice that cannot count now, for a category that the person does not see or `off` for a required one, is kept: a
 * role may come back, and who cannot see a choice has not taken it back.
 */
#include "ledger/inside.h"

static int is_expected(const struct ledger_preference *p, int64_t id)
{
    for (size_t i = 0; p->expected && i < p->expected_count; i++)
        if (p->expected[i] == id)
            return 1;
    return !p->expected;
}

/* The wanted choices, then those of before that their author could not see. */
static struct preference merge(struct arena *arena, const struct ledger_preference *p, const struct preference *before)
{
    struct preference merged = *p->wanted;
    size_t count = merged.email_count;
    struct preference_choice *all = arena_alloc(arena, (count + before->email_count + 1) * sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = merged.email[i];
    for (size_t i = 0; i < before->email_count; i++)
        if (!preference_counts(&before->email[i], p->visible, p->required) &&
            preference_of(p->wanted, before->email[i].category) == PREFERENCE_NONE)
            all[count++] = before->email[i];
    merged.email = all;
    merged.email_count = count;
    return merged;
}

/* Digests that are ahead go out at the hour that counts from now on. Returns how many rows got another time. */
static size_t rewindow(struct ledger_txn *txn, int64_t person, struct belfry_str org, struct belfry_str username,
                       const struct preference *chosen)
{
    const struct config *config = txn->gen->pub->config;
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person known = {.struct_size = sizeof(known)};
    size_t moved = store_deliveries_wake_digests(txn->conn, person, txn->now);
    d->person(d->arg, txn->arena, org, username, &known);
    for (size_t i = 0; i < config->channel_count; i++) {
        const struct gen_channel *channel = &txn->gen->channels[i];
        if (channel->flags & BELFRY_DELIVERY_DIGEST)
            moved += store_deliveries_rewindow(
                txn->conn, person, channel->name, txn->now,
                route_digest_next(config, config_org(config, org), &known, chosen, channel->instance, txn->now));
    }
    return moved;
}

int64_t preferences_replace(struct ledger_txn *txn, int64_t org, struct belfry_str username,
                            const struct preference *chosen)
{
    struct buf text = {NULL, 0, 0};
    json_t *doc = preference_json(chosen);
    json_write(doc, &text);
    json_decref(doc);
    int64_t id = ledger_txn_id(txn);
    store_preference_put(txn->conn, org, username, &(struct store_preference){id, buf_str(&text)});
    buf_free(&text);
    txn->directory.no_preferences = 0;
    int64_t person = ledger_txn_person(txn, org, username);
    size_t woken = (size_t)store_deliveries_wake(txn->conn, person, txn->now);
    if (txn->gen)
        woken += rewindow(txn, person, store_name_text(txn->conn, org), username, chosen);
    if (woken)
        ledger_txn_due(txn, 0);
    return id;
}

static belfry_status put_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_preference *p = LIST_OF(command, struct ledger_preference, command);
    struct store_preference row = {0};
    struct preference before;
    int64_t org = store_name(txn->conn, p->org);
    preference_init(&before);
    if (store_preference_get(txn->conn, org, p->username, txn->arena, &row))
        preference_load(row.doc, txn->arena, &before);
    if (!is_expected(p, row.id))
        return BELFRY_ECONFLICT;
    struct preference merged = merge(txn->arena, p, &before);
    p->id = preferences_replace(txn, org, p->username, &merged);
    return BELFRY_OK;
}

static void put_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_preference *p = LIST_OF(command, struct ledger_preference, command);
    p->done(p, status);
}

void ledger_preference_put(struct ledger *ledger, struct ledger_preference *p)
{
    p->command = (struct ledger_command){.run = put_run, .done = put_done};
    if (ledger_submit(ledger, &p->command) != BELFRY_OK)
        put_done(&p->command, BELFRY_ECLOSED);
}
