/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-outs that are overtaken: whom they did not reach must not keep what the event replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":60000}]}]"
#define ASSIGN(to) "[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"t/1\",\"to\":[\"" to "\"]}]"
#define BY_VALIDITY "SELECT validity, replaced_by IS NOT NULL, count(*) FROM notification GROUP BY 1, 2"
#define LIVE_WITHOUT_EVENT                                                                                             \
    "SELECT count(*) FROM notification n JOIN event e ON e.id = n.event WHERE n.validity = 0 AND e.validity > 0"

static struct bench *open_with_crowd(int count)
{
    struct buf text = {NULL, 0, 0};
    buf_addz(&text, "{\"root\":[]");
    for (int i = 0; i < count; i++)
        buf_addf(&text, ",\"u%05d\":[\"all\"]", i);
    buf_addz(&text, "}");
    struct bench *b = bench_open(RULES, text.ptr);
    buf_free(&text);
    assert_int_equal(send_now(b, "[[\"1\"," ASSIGN("role:all") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, BY_VALIDITY, "0 0 2500");
    return b;
}

static void test_a_withdrawn_successor_takes_the_rows_along(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") ",[\"withdraw\",\"t/1\",{}]]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "3 0 2500");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE open = 1", "0");
    bench_free(b);
}

static void test_a_successor_of_a_fan_out_replaces_what_that_was_to_replace(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") "," ASSIGN("role:all") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "0 0 2500\n2 1 2500");
    expect_rows(b, "SELECT state, count(*) FROM delivery GROUP BY state", "0 2500\n15 2500");
    bench_free(b);
}

static void test_a_small_successor_of_a_fan_out(void **state)
{
    (void)state;
    struct bench *b = open_with_crowd(2500);
    assert_int_equal(send_now(b, "[[\"2\"," ASSIGN("role:all") "," ASSIGN("u00003") "]]"), BELFRY_OK);
    settle(b);
    expect_rows(b, LIVE_WITHOUT_EVENT, "0");
    expect_rows(b, BY_VALIDITY, "0 0 1\n2 1 1\n3 0 2499");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE open = 1", "1");
    expect_rows(b, "SELECT count(*) FROM job WHERE state < 2", "0");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_withdrawn_successor_takes_the_rows_along),
        cmocka_unit_test(test_a_successor_of_a_fan_out_replaces_what_that_was_to_replace),
        cmocka_unit_test(test_a_small_successor_of_a_fan_out),
    };
    return cmocka_run_group_tests_name("ledger_fanout", tests, NULL, NULL);
}
