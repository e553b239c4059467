/* SPDX-License-Identifier: Apache-2.0 */
/* Claims and outcomes, as dispatch asks for them, and what a recipient does meanwhile. */
#ifndef TESTS_CLAIM_FIXTURE_H
#define TESTS_CLAIM_FIXTURE_H

#include "ledger_fixture.h"

/* Something that the recipient does, as the inbox would write it. */
static inline void mark(const struct bench *b, const char *column, const char *username)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
             "UPDATE notification SET %s = 1 WHERE person = (SELECT id FROM person WHERE username = '%s')", column,
             username);
    rows(b, sql);
}

struct claimed {
    struct ledger_claim claim;
    struct bench_wait wait;
};

static inline void on_claim(struct ledger_claim *claim)
{
    ((struct claimed *)claim->arg)->wait.done = 1;
}

static inline void claim(struct bench *b, struct claimed *c, const char *channel, int64_t target, size_t max)
{
    *c = (struct claimed){
        .claim = {.channel = channel, .target = target, .max = max, .arena = arena_new(0), .done = on_claim}};
    c->claim.arg = c;
    ledger_claim(b->ledger, &c->claim);
    bench_until(b, &c->wait);
}

/* Claims, forgets what it was, returns how many. */
static inline size_t claim_count(struct bench *b, const char *channel, int64_t target)
{
    struct claimed c;
    claim(b, &c, channel, target, 10);
    arena_free(c.claim.arena);
    return c.claim.count;
}

static inline void on_outcomes(struct ledger_outcomes *outcomes, belfry_status status)
{
    bench_done(outcomes->arg, status);
}

static inline void outcome(struct bench *b, int64_t delivery, enum outcome state, int64_t due, uint32_t result)
{
    struct ledger_outcome o = {.delivery = delivery,
                               .state = state,
                               .due_ms = due,
                               .count_attempt = 1,
                               .result = result,
                               .code = 500,
                               .started_ms = clock_now_ms(b->clock),
                               .elapsed_us = 1200,
                               .detail = "tried"};
    struct bench_wait wait = {0};
    struct ledger_outcomes all = {.items = &o, .count = 1, .done = on_outcomes, .arg = &wait};
    ledger_outcomes(b->ledger, &all);
    assert_int_equal(bench_until(b, &wait), BELFRY_OK);
}

#endif
