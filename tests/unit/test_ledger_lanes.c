/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints that take one of a subject at a time: every way in which the first of a lane may end, wait or come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lane_fixture.h"

#include "ledger/endpoints.h"

#define DEED                                                                                                           \
    {                                                                                                                  \
        .org = STR("acme"), .who = STR("person:root")                                                                  \
    }

static const struct ledger_deed deed = DEED;

struct deed_wait {
    int done;
    belfry_status status;
    char why[200];
};

static void deed_done(void *arg, belfry_status status, const char *why)
{
    struct deed_wait *wait = arg;
    wait->done = 1;
    wait->status = status;
    snprintf(wait->why, sizeof(wait->why), "%s", why ? why : "");
}

static belfry_status by_hand(struct lanes *l, const char *title, int cancel, char *why)
{
    struct deed_wait wait = {0};
    (cancel ? ledger_delivery_cancel : ledger_delivery_retry)(l->b->ledger, &deed, lanes_row(l, title), deed_done,
                                                              &wait);
    while (!wait.done)
        uv_run(&l->b->loop, UV_RUN_ONCE);
    if (why)
        snprintf(why, sizeof(wait.why), "%s", wait.why);
    return wait.status;
}

/* --- one at a time ------------------------------------------------------------------------------------------------ */

static void test_one_of_a_subject_at_a_time(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    lanes_emit(&l, "b1", "b");
    lanes_emit(&l, "a3", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1 b1"); /* another subject goes beside it */
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    lanes_delivered(&l, "b1");
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    lanes_delivered(&l, "a2");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a3");
    bench_free(l.b);
}

static void test_without_a_subject_there_is_no_order(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "x", NULL);
    lanes_emit(&l, "y", NULL);
    assert_string_equal(lanes_claim(&l, 10, NULL), "x y");
    bench_free(l.b);
}

static void test_best_effort_waits_for_nobody(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1 a2");
    expect_rows(l.b, "SELECT count(*) FROM delivery WHERE lane IS NOT NULL", "0");
    bench_free(l.b);
}

/* --- the first fails, and ends ------------------------------------------------------------------------------------ */

static void test_a_failing_one_holds_the_others_until_it_is_given_up(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    outcome(l.b, lanes_row(&l, "a1"), OUTCOME_retrying, START + 5 * MINUTE, BELFRY_RETRY);
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    advance(l.b, 5 * MINUTE);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    outcome(l.b, lanes_row(&l, "a1"), OUTCOME_failed, 0, BELFRY_RETRY);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    bench_free(l.b);
}

static void test_every_end_of_the_first_is_the_turn_of_the_next(void **state)
{
    (void)state;
    static const struct {
        const char *trigger; /* NULL: cancelled by hand */
    } ends[] = {{"[[\"w\",[\"withdraw\",\"a\",{\"types\":[\"free.first\"]}]]]"},
                {"[[\"s\",[\"supersede\",\"a\",{\"types\":[\"free.first\"]}]]]"},
                {"[[\"u\",[\"valid_until\",\"a\",{\"types\":[\"free.first\"]},-1]]]"},
                {NULL}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct lanes l;
        lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
        send_now(l.b, "[[\"1\",[\"emit\",{\"type\":\"free.first\",\"subject\":\"a\",\"title\":\"a1\",\"to\":[\"ann\"]}"
                      "]]]");
        lanes_emit(&l, "a2", "a");
        lanes_emit(&l, "a3", "a");
        uint64_t told = l.b->targets_told;
        if (ends[i].trigger)
            assert_int_equal(send_now(l.b, ends[i].trigger), BELFRY_OK);
        else
            assert_int_equal(by_hand(&l, "a1", 1, NULL), BELFRY_OK);
        settle(l.b);
        assert_true(l.b->targets_told > told); /* dispatch looks */
        assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
        bench_free(l.b);
    }
}

/* Ends in the middle are no turn of anybody. */
static void test_the_end_of_one_that_waits(void **state)
{
    (void)state;
    struct lanes l;
    char why[200];
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    lanes_emit(&l, "a3", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    assert_int_equal(by_hand(&l, "a2", 1, NULL), BELFRY_OK);
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    assert_int_equal(by_hand(&l, "a3", 0, why), BELFRY_ECONFLICT); /* not by hand either */
    assert_string_equal(why, "an earlier one of its subject goes first");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a3");
    bench_free(l.b);
}

/* The gate of the claim ends it, and the next look finds the next. */
static void test_a_gate_ends_the_first(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, "[{\"name\":\"h\",\"deliver\":[{\"via\":\"hooks\",\"unless\":[\"handled\"]}]}]", BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    rows(l.b, "UPDATE notification SET handled_by = 'ann'");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 1, NULL), "a2");
    expect_rows(l.b, "SELECT state FROM delivery ORDER BY id", "13\n4");
    bench_free(l.b);
}

/* --- by their own time -------------------------------------------------------------------------------------------- */

static void test_its_own_time_still_counts_when_its_turn_comes(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l,
               "[{\"name\":\"soon\",\"when\":{\"type\":\"free.note\"},\"deliver\":[\"hooks\"]},"
               "{\"name\":\"late\",\"when\":{\"type\":\"free.late\"},\"deliver\":[{\"via\":\"hooks\",\"after\":60000}"
               "]}]",
               BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    send_now(l.b, "[[\"2\",[\"emit\",{\"type\":\"free.late\",\"subject\":\"a\",\"title\":\"a2\",\"to\":[\"ann\"]}]]]");
    lanes_emit(&l, "a3", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 10, NULL), ""); /* a2 is first, and later */
    advance(l.b, MINUTE);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    bench_free(l.b);
}

/* --- an older one comes again ------------------------------------------------------------------------------------- */

static void test_an_older_one_that_is_tried_again_goes_first(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    outcome(l.b, lanes_row(&l, "a1"), OUTCOME_failed, 0, BELFRY_RETRY);
    lanes_emit(&l, "a2", "a");
    lanes_emit(&l, "a3", "a");
    assert_int_equal(by_hand(&l, "a1", 0, NULL), BELFRY_OK); /* before the next is under way */
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    outcome(l.b, lanes_row(&l, "a1"), OUTCOME_failed, 0, BELFRY_RETRY);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    assert_int_equal(by_hand(&l, "a1", 0, NULL), BELFRY_OK); /* while it is */
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    outcome(l.b, lanes_row(&l, "a2"), OUTCOME_retrying, START, BELFRY_RETRY); /* it comes back behind the older one */
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    lanes_delivered(&l, "a2");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a3");
    bench_free(l.b);
}

/* --- hold, restart, another order --------------------------------------------------------------------------------- */

static void test_what_was_held_goes_in_its_order(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_enable(&l, 0);
    settle(l.b);
    lanes_emit(&l, "a3", "a");
    outcome(l.b, lanes_row(&l, "a1"), OUTCOME_retrying, START + MINUTE, BELFRY_RETRY);
    expect_rows(l.b, "SELECT open FROM delivery ORDER BY id", "2\n2\n2");
    lanes_enable(&l, 1);
    lanes_emit(&l, "a4", "a"); /* before they are all let go */
    settle(l.b);
    const char *order[] = {"a1", "a2", "a3", "a4"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(lanes_claim(&l, 10, NULL), order[i]);
        lanes_delivered(&l, order[i]);
    }
    bench_free(l.b);
}

/* No lane here: the order is that of coming, for what was tried before, what never was, and what came meanwhile. */
static void test_what_was_held_leaves_oldest_first(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_BEST_EFFORT);
    const char *order[] = {"one", "two", "three", "four"};
    lanes_emit(&l, "one", "a");
    advance(l.b, MINUTE);
    lanes_emit(&l, "two", "b");
    assert_string_equal(lanes_claim(&l, 10, NULL), "one two");
    outcome(l.b, lanes_row(&l, "two"), OUTCOME_retrying, START + 5 * MINUTE, BELFRY_RETRY);
    outcome(l.b, lanes_row(&l, "one"), OUTCOME_retrying, START + 90 * MINUTE, BELFRY_RETRY);
    advance(l.b, MINUTE);
    lanes_emit(&l, "three", "c");
    lanes_enable(&l, 0);
    settle(l.b);
    advance(l.b, MINUTE);
    lanes_emit(&l, "four", "d");
    advance(l.b, MINUTE);
    assert_string_equal(lanes_claim(&l, 10, NULL), "");
    lanes_enable(&l, 1);
    settle(l.b);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        assert_string_equal(lanes_claim(&l, 1, NULL), order[i]);
    bench_free(l.b);
}

static void test_a_crash_while_the_first_is_under_way(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_restart(&l);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_restart(&l); /* an older one came while it was under way */
    lanes_emit(&l, "a3", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    lanes_delivered(&l, "a1");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    bench_free(l.b);
}

static void test_another_order(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    for (int i = 0; i < 1500; i++) { /* more than a slice */
        char title[20];
        snprintf(title, sizeof(title), "a%d", i);
        lanes_emit(&l, title, "a");
    }
    assert_string_equal(lanes_claim(&l, 10, NULL), "a0");
    lanes_declare(&l, BELFRY_ORDER_BEST_EFFORT);
    assert_string_equal(lanes_claim(&l, 3, NULL), "a1 a2 a3");
    expect_rows(l.b, "SELECT count(*) FROM delivery WHERE lane IS NOT NULL OR due > 1000000000000000", "0");
    lanes_declare(&l, BELFRY_ORDER_FIFO); /* of what comes after */
    lanes_emit(&l, "z1", "a");
    lanes_emit(&l, "z2", "a");
    expect_rows(l.b, "SELECT count(*) FROM delivery WHERE lane IS NOT NULL", "2");
    bench_free(l.b);
}

static void test_a_removed_endpoint_that_comes_back(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l, LANE_RULES, BELFRY_ORDER_FIFO);
    const struct config_instance *hooks = fixture_channel(l.b->config, "hooks");
    for (int i = 0; i < 3; i++) {
        char title[20];
        snprintf(title, sizeof(title), "a%d", i);
        lanes_emit(&l, title, "a");
    }
    struct bench_wait wait = {0};
    ledger_targets_declare(l.b->ledger, hooks, NULL, 0, NULL, NULL);
    ledger_targets_index(l.b->ledger, hooks, NULL, NULL, 0, bench_done, NULL, &wait);
    bench_until(l.b, &wait);
    lanes_declare(&l, BELFRY_ORDER_FIFO);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a0");
    lanes_delivered(&l, "a0");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    wait.done = 0;
    ledger_targets_declare(l.b->ledger, hooks, NULL, 0, bench_done, &wait);
    bench_until(l.b, &wait);
    advance(l.b, 62 * MINUTE);
    lanes_delivered(&l, "a1");
    expect_rows(l.b, "SELECT state FROM delivery ORDER BY id", "6\n6\n22");
    lanes_declare(&l, BELFRY_ORDER_FIFO);
    assert_int_equal(by_hand(&l, "a2", 0, NULL), BELFRY_OK);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2");
    bench_free(l.b);
}

/* --- what people are told ----------------------------------------------------------------------------------------- */

static void test_two_rules_to_one_endpoint(void **state)
{
    (void)state;
    struct lanes l;
    lanes_open(&l,
               "[{\"name\":\"h\",\"deliver\":[{\"via\":\"hooks\",\"unless\":[\"handled\"]}]},"
               "{\"name\":\"i\",\"deliver\":[\"hooks\"]}]",
               BELFRY_ORDER_FIFO);
    lanes_emit(&l, "a1", "a");
    lanes_emit(&l, "a2", "a");
    assert_string_equal(lanes_claim(&l, 10, NULL), "a1");
    outcome(l.b, atoll(rows(l.b, "SELECT id FROM delivery WHERE state = 4")), OUTCOME_delivered, 0, BELFRY_DELIVERED);
    assert_string_equal(lanes_claim(&l, 10, NULL), "a2"); /* the other of a1 ended as a duplicate on the way */
    expect_rows(l.b, "SELECT state FROM delivery ORDER BY id LIMIT 3", "6\n14\n4");
    bench_free(l.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_a_subject_at_a_time),
        cmocka_unit_test(test_without_a_subject_there_is_no_order),
        cmocka_unit_test(test_best_effort_waits_for_nobody),
        cmocka_unit_test(test_a_failing_one_holds_the_others_until_it_is_given_up),
        cmocka_unit_test(test_every_end_of_the_first_is_the_turn_of_the_next),
        cmocka_unit_test(test_the_end_of_one_that_waits),
        cmocka_unit_test(test_a_gate_ends_the_first),
        cmocka_unit_test(test_its_own_time_still_counts_when_its_turn_comes),
        cmocka_unit_test(test_an_older_one_that_is_tried_again_goes_first),
        cmocka_unit_test(test_what_was_held_goes_in_its_order),
        cmocka_unit_test(test_what_was_held_leaves_oldest_first),
        cmocka_unit_test(test_a_crash_while_the_first_is_under_way),
        cmocka_unit_test(test_another_order),
        cmocka_unit_test(test_a_removed_endpoint_that_comes_back),
        cmocka_unit_test(test_two_rules_to_one_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
