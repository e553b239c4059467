/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for more than a thousand targets under random histories, while targets are disabled, enabled, taken out of the
 * file and put back, recovered, while events are withdrawn and the ledger is started again. Nobody waits for the rows
 * that are still to be made, so each step meets them somewhere else. In the end each event has one row for each target
 * that was there when it happened, or was recovered, and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chance.h"
#include "crowd_fixture.h"

#include "ledger/endpoints.h"

enum { SEEDS = 6, STEPS = 60, MANY = 1300, EVENTS_MAX = STEPS + 1, SUBJECTS = 2 };

struct model_event {
    int subject, over;
    uint8_t wanted[MANY];
};

struct world {
    struct crowd c;
    uint64_t seed;
    struct model_event events[EVENTS_MAX];
    int count, triggers;
    uint8_t disabled[MANY];
};

static const struct ledger_deed deed = {.org = STR("acme"), .who = STR("person:root")};

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void step_emit(struct world *w)
{
    struct model_event *e = &w->events[w->count];
    char text[200];
    e->subject = pick(&w->seed, SUBJECTS);
    for (size_t i = 0; i < MANY; i++)
        e->wanted[i] = !w->c.out[i];
    snprintf(text, sizeof(text),
             "[[\"%d\",[\"emit\",{\"type\":\"free.note\",\"subject\":\"%d\",\"title\":\"e%d\",\"to\":[\"ann\"]}]]]",
             w->triggers++, e->subject, w->count++);
    assert_int_equal(send_now(w->c.b, text), BELFRY_OK);
}

static void step_withdraw(struct world *w)
{
    char text[100];
    int subject = pick(&w->seed, SUBJECTS);
    snprintf(text, sizeof(text), "[[\"%d\",[\"withdraw\",\"%d\",{}]]]", w->triggers++, subject);
    assert_int_equal(send_now(w->c.b, text), BELFRY_OK);
    for (int e = 0; e < w->count; e++)
        w->events[e].over |= w->events[e].subject == subject;
}

static void step_switch(struct world *w)
{
    struct bench_wait wait = {0};
    int i = pick(&w->seed, MANY);
    w->disabled[i] = !w->disabled[i];
    ledger_target_enable(w->c.b->ledger, w->c.ids[i], !w->disabled[i], "by hand", bench_done, &wait);
    assert_int_equal(bench_until(w->c.b, &wait), BELFRY_OK);
}

static void step_file(struct world *w)
{
    for (int n = 0; n < 40; n++) {
        int i = pick(&w->seed, MANY);
        w->c.out[i] = !w->c.out[i];
    }
    crowd_declare(&w->c);
}

static void step_recover(struct world *w)
{
    int i = pick(&w->seed, MANY), missed = 0;
    struct recovered r = {0};
    ledger_endpoint_recover(w->c.b->ledger, &deed, w->c.ids[i], START, 0, on_recovered, &r);
    if (w->c.out[i]) {
        assert_int_equal(bench_until(w->c.b, &r.wait), BELFRY_ENOTFOUND);
        return;
    }
    assert_int_equal(bench_until(w->c.b, &r.wait), BELFRY_OK);
    for (int e = 0; e < w->count; e++) {
        missed += !w->events[e].over && !w->events[e].wanted[i];
        w->events[e].wanted[i] |= !w->events[e].over;
    }
    assert_int_equal(r.count, missed);
}

static void step_restart(struct world *w)
{
    bench_stop(w->c.b);
    bench_start(w->c.b, NULL);
    crowd_declare(&w->c);
}

static void step(struct world *w)
{
    static void (*const steps[])(struct world * w) = {step_emit,   step_emit, step_emit,    step_switch,  step_switch,
                                                      step_switch, step_file, step_recover, step_restart, step_recover};
    int which = pick(&w->seed, 11);
    (which < 10 ? steps[which] : pick(&w->seed, 3) ? step_switch : step_withdraw)(w);
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

#define PLACES                                                                                                         \
    "(SELECT cast(substr(t.name, 2) AS integer) AS i FROM delivery d JOIN target t ON t.id = d.target"                 \
    " WHERE d.event = (SELECT id FROM event WHERE title = 'e%d') ORDER BY i)"

/* Of one that was withdrawn there may be fewer. */
static void check_event(struct world *w, int number)
{
    const struct model_event *e = &w->events[number];
    struct buf wanted = {NULL, 0, 0}, sql = {NULL, 0, 0};
    for (int i = 0; i < MANY; i++)
        if (e->wanted[i])
            buf_addf(&wanted, "%s%d", wanted.len ? "," : "", i);
    if (e->over)
        buf_addf(&sql, "SELECT i FROM " PLACES " WHERE i NOT IN (%s)", number, wanted.ptr);
    else
        buf_addf(&sql, "SELECT group_concat(i) FROM " PLACES, number);
    expect_rows(w->c.b, sql.ptr, e->over ? "" : wanted.ptr);
    buf_free(&wanted);
    buf_free(&sql);
}

static void check_all(struct world *w)
{
    struct bench *b = w->c.b;
    settle(b);
    for (int e = 0; e < w->count; e++)
        check_event(w, e);
    expect_rows(b, "SELECT event, target, count(*) FROM delivery GROUP BY 1, 2 HAVING count(*) > 1", "");
    expect_rows(b, "SELECT count(*) FROM job WHERE state < 2", "0");
    expect_rows(b, "SELECT count(*) FROM delivery d JOIN event e ON e.id = d.event WHERE e.validity > 0 AND d.open > 0",
                "0");
    expect_rows(b,
                "SELECT d.id FROM delivery d JOIN target t ON t.id = d.target WHERE d.open > 0"
                " AND d.open <> 2 - t.enabled",
                "");
    /* of each lane that is not held the first is due, and no other */
    expect_rows(b,
                "SELECT target, lane FROM delivery WHERE lane IS NOT NULL AND open = 1 GROUP BY target, lane"
                " HAVING sum(due < 1 << 60) <> 1 OR min(event) <> min(CASE WHEN due < 1 << 60 THEN event END)",
                "");
}

static void test_random_histories(void **state)
{
    (void)state;
    struct world *w = xcalloc(1, sizeof(*w));
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        *w = (struct world){.seed = seed * 7919};
        crowd_open(&w->c, CROWD_RULES, MANY);
        step_emit(w);
        for (int i = 1; i < STEPS; i++) {
            step(w);
            if (i % 20 == 0)
                check_all(w);
        }
        check_all(w);
        crowd_close(&w->c);
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
    return cmocka_run_group_tests_name("ledger_target_model", tests, NULL, NULL);
}
