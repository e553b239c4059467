/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes under random histories: events, claims, every outcome, ends of events, deeds by hand, an endpoint that is
 * disabled and enabled, restarts, another order and back. After each step no lane has two rows under way; what is given
 * out was the first of its lane; and when all is still, every lane has exactly its first row due. In the end everything
 * is delivered, so nothing was stuck.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chance.h"
#include "lane_fixture.h"

enum { SEEDS = 12, STEPS = 220, SUBJECTS = 2, UNDER_WAY = 16 };

struct world {
    struct lanes l;
    uint64_t seed;
    int events;
    int64_t under_way[UNDER_WAY];
    size_t count;
    int enabled;
};

static const struct ledger_deed deed = {.org = STR("acme"), .who = STR("person:root")};

static void deed_done(void *arg, belfry_status status, const char *why)
{
    (void)why;
    bench_done(arg, status);
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

#define TURN "1152921504606846976"

static void check_never_two(struct world *w)
{
    expect_rows(w->l.b,
                "SELECT lane, count(*) FROM delivery WHERE lane IS NOT NULL AND lease IS NOT NULL"
                " GROUP BY target, lane HAVING count(*) > 1",
                "");
}

static void check_still(struct world *w)
{
    settle(w->l.b);
    check_never_two(w);
    if (!w->enabled)
        return;
    /* one row that is due, or under way, in each lane; and it is the first unless it is under way */
    expect_rows(w->l.b,
                "SELECT lane, group_concat(due < " TURN ") FROM delivery WHERE lane IS NOT NULL AND open > 0"
                " GROUP BY target, lane HAVING sum(due < " TURN " OR lease IS NOT NULL) <> 1",
                "");
    expect_rows(w->l.b,
                "SELECT id FROM delivery d WHERE lane IS NOT NULL AND open > 0 AND lease IS NULL AND due < " TURN
                " AND EXISTS (SELECT 1 FROM delivery o WHERE o.target = d.target AND o.lane = d.lane AND o.open > 0"
                " AND o.event < d.event)",
                "");
    expect_rows(w->l.b, "SELECT id FROM delivery WHERE lane IS NULL AND due >= " TURN, "");
}

static void check_first(struct world *w, int64_t id)
{
    char sql[400];
    snprintf(sql, sizeof(sql),
             "SELECT o.id FROM delivery d JOIN delivery o ON o.target = d.target AND o.lane = d.lane AND o.open > 0"
             " AND o.event < d.event WHERE d.id = %lld",
             (long long)id);
    expect_rows(w->l.b, sql, "");
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void step_emit(struct world *w)
{
    static const char *const subjects[] = {"a", "b", NULL};
    char title[20];
    snprintf(title, sizeof(title), "e%d", w->events++);
    lanes_emit(&w->l, title, subjects[pick(&w->seed, SUBJECTS + 1)]);
}

static void step_claim(struct world *w)
{
    int64_t ids[UNDER_WAY];
    if (w->count == UNDER_WAY)
        return;
    struct claimed c;
    claim(w->l.b, &c, "hooks", w->l.target.id, 1 + (size_t)pick(&w->seed, (int)(UNDER_WAY - w->count)));
    for (size_t i = 0; i < c.claim.count; i++)
        ids[i] = c.claim.items[i].delivery;
    for (size_t i = 0; i < c.claim.count; i++) {
        check_first(w, ids[i]);
        w->under_way[w->count++] = ids[i];
    }
    arena_free(c.claim.arena);
}

static void step_outcome(struct world *w, int only_delivered)
{
    static const struct {
        enum outcome state;
        uint32_t result;
        int waits;
    } table[] = {{OUTCOME_delivered, BELFRY_DELIVERED, 0},
                 {OUTCOME_retrying, BELFRY_RETRY, 1},
                 {OUTCOME_failed, BELFRY_RETRY, 0},
                 {OUTCOME_retrying, BELFRY_RETRY, 1},
                 {OUTCOME_unknown, BELFRY_UNKNOWN, 0}};
    if (!w->count)
        return;
    size_t at = (size_t)pick(&w->seed, (int)w->count), how = only_delivered ? 0 : (size_t)pick(&w->seed, 5);
    int64_t id = w->under_way[at], due = clock_now_ms(w->l.b->clock) + pick(&w->seed, 2) * MINUTE;
    w->under_way[at] = w->under_way[--w->count];
    outcome(w->l.b, id, table[how].state, table[how].waits ? due : 0, table[how].result);
}

static void step_end_events(struct world *w)
{
    char text[100];
    snprintf(text, sizeof(text), "[[\"w%d\",[\"withdraw\",\"%c\",{}]]]", w->events++, 'a' + pick(&w->seed, SUBJECTS));
    assert_int_equal(send_now(w->l.b, text), BELFRY_OK);
}

static void step_by_hand(struct world *w)
{
    char sql[120];
    const char *which = pick(&w->seed, 2) ? "WHERE state <> 6" : "WHERE open = 0 AND state <> 6";
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM delivery %s", which);
    int count = atoi(rows(w->l.b, sql));
    if (!count)
        return;
    snprintf(sql, sizeof(sql), "SELECT id FROM delivery %s ORDER BY id LIMIT 1 OFFSET %d", which,
             pick(&w->seed, count));
    int64_t id = atoll(rows(w->l.b, sql));
    struct bench_wait wait = {0};
    (pick(&w->seed, 3) ? ledger_delivery_retry : ledger_delivery_cancel)(w->l.b->ledger, &deed, id, deed_done, &wait);
    bench_until(w->l.b, &wait);
}

static void step_switch(struct world *w)
{
    w->enabled = !w->enabled;
    lanes_enable(&w->l, w->enabled);
    if (pick(&w->seed, 2))
        settle(w->l.b);
}

static void step(struct world *w)
{
    switch (pick(&w->seed, 16)) {
    case 0:
        step_switch(w);
        break;
    case 1:
        lanes_restart(&w->l);
        w->count = 0;
        break;
    case 2:
        step_end_events(w);
        break;
    case 3:
    case 4:
        step_by_hand(w);
        break;
    case 5:
        if (pick(&w->seed, 4) == 0)
            lanes_declare(&w->l, pick(&w->seed, 2) ? BELFRY_ORDER_FIFO : BELFRY_ORDER_BEST_EFFORT);
        break;
    case 6:
        advance(w->l.b, MINUTE);
        break;
    case 7:
    case 8:
    case 9:
        step_claim(w);
        break;
    case 10:
    case 11:
    case 12:
        step_outcome(w, 0);
        break;
    default:
        step_emit(w);
    }
}

/* All that is left goes, in at most as many rounds as there are rows. */
static void drain(struct world *w)
{
    if (!w->enabled)
        step_switch(w);
    for (int round = 0; round < STEPS; round++) {
        advance(w->l.b, 2 * MINUTE);
        while (w->count)
            step_outcome(w, 1);
        step_claim(w);
        check_still(w);
    }
    expect_rows(w->l.b, "SELECT count(*) FROM delivery WHERE open > 0", "0");
}

static void test_random_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world w = {.seed = seed * 7919, .enabled = 1};
        lanes_open(&w.l, LANE_RULES, BELFRY_ORDER_FIFO);
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            check_never_two(&w);
            if (i % 5 == 0)
                check_still(&w);
        }
        drain(&w);
        bench_free(w.l.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
