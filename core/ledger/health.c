/* SPDX-License-Identifier: Apache-2.0 */
/* How targets fare, as it is written: failures since the last success, and what was told of them. */
#include "ledger/health.h"

#include "ledger/inside.h"

#include <stdlib.h>

uint64_t ledger_target_word(struct ledger *ledger)
{
    return ++ledger->target_commands;
}

/* --- with outcomes ------------------------------------------------------------------------------------------------ */

static void well(struct ledger_txn *txn, int64_t target, uint64_t word)
{
    struct store_target row;
    if (!last_word(txn, target, LAST_WORD_HEALTH, word) || !store_target_get(txn->conn, target, txn->arena, &row))
        return;
    store_target_well(txn->conn, target);
    if (row.told && row.enabled && !row.removed)
        endpoint_news(txn, &row, ENDPOINT_RECOVERED, &(struct ledger_ailing){.target = target});
}

void health_note(struct ledger_txn *txn, const struct ledger_outcome *o, int64_t target)
{
    if (o->health == LEDGER_HEALTH_WELL)
        well(txn, target, o->word);
    else if (o->health == LEDGER_HEALTH_FAILED && !last_word_later(txn, target, LAST_WORD_HEALTH, o->word))
        store_target_failure(txn->conn, target, 1, txn->now);
}

/* --- told --------------------------------------------------------------------------------------------------------- */

struct ails_command {
    struct ledger_command command;
    struct ledger_ailing pub; /* texts are ours */
    uint64_t number;
    char *answer, *why;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

static belfry_status ails_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct ails_command *c = LIST_OF(command, struct ails_command, command);
    int off = c->pub.stage == LEDGER_TOLD_DISABLED;
    struct store_target row;
    if (!store_target_get(txn->conn, c->pub.target, txn->arena, &row))
        return BELFRY_ENOTFOUND;
    if (!row.enabled || row.removed || row.told >= (int32_t)c->pub.stage ||
        last_word_later(txn, row.id, off ? LAST_WORD_SWITCH : LAST_WORD_HEALTH, c->number))
        return BELFRY_OK;
    if (off)
        targets_switch(txn, &row, 0, STORE_OFF_BY_FAILURES, str_of(c->why), c->number);
    store_target_told(txn->conn, row.id, c->pub.stage);
    endpoint_news(txn, &row, off ? ENDPOINT_DISABLED : ENDPOINT_FAILING, &c->pub);
    return BELFRY_OK;
}

static void ails_done(struct ledger_command *command, belfry_status status)
{
    struct ails_command *c = LIST_OF(command, struct ails_command, command);
    if (c->done)
        c->done(c->arg, status);
    free(c->answer);
    free(c->why);
    free(c);
}

void ledger_target_ails(struct ledger *ledger, const struct ledger_ailing *ailing,
                        void (*done)(void *arg, belfry_status status), void *arg)
{
    struct ails_command *c = xcalloc(1, sizeof(*c));
    *c = (struct ails_command){.pub = *ailing, .number = ledger_target_word(ledger), .done = done, .arg = arg};
    c->pub.answer = c->answer = xstrdup(ailing->answer ? ailing->answer : "");
    c->pub.why = c->why = xstrdup(ailing->why ? ailing->why : "");
    c->command = (struct ledger_command){.run = ails_run, .done = ails_done, .must = "the state of an endpoint"};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        ails_done(&c->command, BELFRY_ECLOSED);
}
