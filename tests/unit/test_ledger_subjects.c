/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to rows that exist: replaced, withdrawn, handled, superseded, expired; whose revision moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":300000,\"unless\":[\"seen\"]}]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[],\"cid\":[],\"root\":[\"admin\"]}"

#define ASSIGN(id, who)                                                                                                \
    "[[\"" id "\",[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"thing/1\",\"to\":[" who "]}]]]"
#define SQL_ROWS                                                                                                       \
    "SELECT p.username, n.validity, n.handled_by, n.replaced_by IS NOT NULL, n.note, n.rev FROM notification n"        \
    " JOIN person p ON p.id = n.person ORDER BY n.id"
#define SQL_EVENTS "SELECT validity, live FROM event ORDER BY id"
#define SQL_MAIL "SELECT p.username, d.state, d.open FROM delivery d JOIN person p ON p.id = d.person ORDER BY d.id"

static void test_new_event_replaces_the_old_one(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    assert_int_equal(send_now(b, ASSIGN("1", "\"ann\",\"bob\"")), BELFRY_OK);
    assert_int_equal(send_now(b, ASSIGN("2", "\"bob\",\"cid\"")), BELFRY_OK);
    /* ann is no longer in the audience; bob's new row took the place of his old one */
    expect_rows(b, SQL_ROWS, "ann 3 - 0 no longer addressed to you 2\nbob 2 - 1 - 2\nbob 0 - 0 - 2\ncid 0 - 0 - 1");
    expect_rows(b, SQL_EVENTS, "2 0\n0 1");
    expect_rows(b,
                "SELECT new.id = old.replaced_by FROM notification old JOIN notification new ON new.id > old.id"
                " AND new.person = old.person",
                "1");
    /* withdrawn 11, merged 15 */
    expect_rows(b, SQL_MAIL, "ann 11 0\nbob 15 0\nbob 0 1\ncid 0 1");
    bench_free(b);
}

static void test_other_subject_org_or_source_is_left_alone(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, ASSIGN("1", "\"ann\""));
    struct sent *s = send_begin(b, "erp", ASSIGN("2", "\"ann\""), 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    send_free(s);
    send_now(b, "[[\"3\",[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"thing/2\",\"to\":[\"ann\"]}],"
                "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"thing/1\",\"to\":[\"ann\"]}]]]");
    expect_rows(b, SQL_EVENTS, "0 1\n0 1\n0 1\n0 1");
    bench_free(b);
}

static void test_withdraw(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, ASSIGN("1", "\"ann\",\"bob\""));
    send_now(b, "[[\"2\",[\"withdraw\",\"thing/1\",{\"only\":[\"ann\",\"stranger\"],\"reason\":\"gone\"}]]]");
    expect_rows(b, SQL_ROWS, "ann 3 - 0 gone 2\nbob 0 - 0 - 1");
    expect_rows(b, SQL_EVENTS, "0 1");
    expect_rows(b, SQL_MAIL, "ann 11 0\nbob 0 1");
    send_now(b, "[[\"3\",[\"withdraw\",\"thing/1\",{\"types\":[\"thing.note\"]}]]]");
    expect_rows(b, SQL_EVENTS, "0 1");
    send_now(b, "[[\"4\",[\"withdraw\",\"thing/1\",{}]]]");
    expect_rows(b, SQL_ROWS, "ann 3 - 0 gone 2\nbob 3 - 0 - 2");
    expect_rows(b, SQL_EVENTS, "3 0");
    /* over: nothing left to find */
    send_now(b, "[[\"5\",[\"withdraw\",\"thing/1\",{}]]]");
    expect_rows(b, "SELECT username, rev FROM person", "ann 2\nbob 2");
    bench_free(b);
}

static void test_handled_leaves_rows_valid(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, ASSIGN("1", "\"ann\",\"bob\",\"cid\""));
    send_now(b, "[[\"2\",[\"handled\",\"thing/1\",{\"except\":[\"cid\"]},\"ann\"]]]");
    expect_rows(b, SQL_ROWS, "ann 0 ann 0 - 2\nbob 0 ann 0 - 2\ncid 0 - 0 - 1");
    expect_rows(b, SQL_EVENTS, "0 1");
    /* a handled row is settled: a later withdrawal does not touch it */
    send_now(b, "[[\"3\",[\"withdraw\",\"thing/1\",{}]]]");
    expect_rows(b, SQL_ROWS, "ann 0 ann 0 - 2\nbob 0 ann 0 - 2\ncid 3 - 0 - 2");
    bench_free(b);
}

static void test_supersede_without_successor(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, ASSIGN("1", "\"ann\""));
    send_now(b, "[[\"2\",[\"supersede\",\"thing/1\",{\"types\":[\"thing.*\"]}]]]");
    expect_rows(b, SQL_ROWS, "ann 2 - 0 - 2");
    expect_rows(b, SQL_EVENTS, "2 0");
    expect_rows(b, SQL_MAIL, "ann 10 0");
    bench_free(b);
}

static void test_operations_of_one_trigger_keep_their_order(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(
        b,
        "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"ann\"]}],[\"withdraw\",\"t/1\",{}],"
        "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"bob\"]}]]]");
    expect_rows(b, SQL_ROWS, "ann 3 - 0 - 1\nbob 0 - 0 - 1");
    bench_free(b);
}

static void test_validity_ends_by_itself(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"ann\"],\"until\":60000}],"
                "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/2\",\"to\":[\"bob\"],\"until\":60000}]]]");
    advance(b, 59999);
    expect_rows(b, SQL_EVENTS, "0 1\n0 1");
    /* t/2 lives on */
    send_now(b, "[[\"2\",[\"valid_until\",\"t/2\",{},120000]]]");
    expect_rows(b, SQL_ROWS, "ann 0 - 0 - 1\nbob 0 - 0 - 2");
    advance(b, 1);
    expect_rows(b, SQL_ROWS, "ann 1 - 0 - 2\nbob 0 - 0 - 2");
    expect_rows(b, SQL_EVENTS, "1 0\n0 1");
    expect_rows(b, SQL_MAIL, "ann 9 0\nbob 0 1");
    send_now(b, "[[\"3\",[\"valid_until\",\"t/2\",{},0]]]");
    advance(b, 100 * MINUTE);
    expect_rows(b, SQL_EVENTS, "1 0\n0 1");
    bench_free(b);
}

static void test_expiry_survives_a_restart(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"ann\"],\"until\":60000}]]]");
    bench_stop(b);
    clock_advance(b->clock, 2 * MINUTE);
    bench_start(b, NULL);
    settle(b);
    expect_rows(b, SQL_ROWS, "ann 1 - 0 - 2");
    bench_free(b);
}

static void test_events_of_the_hub(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    ledger_emit_hub(b->ledger, STR("acme"), "hub.disk_low", STR("disk"), "The disk is nearly full");
    ledger_emit_hub(b->ledger, STR("acme"), "hub.disk_low", STR("disk"), "The disk is full");
    settle(b);
    expect_rows(b, SQL_INBOX, "root The disk is nearly full 2 1 - 1\nroot The disk is full 0 1 - 0");
    expect_rows(b, "SELECT severity, data FROM event ORDER BY id DESC LIMIT 1",
                "3 {\"subject\":\"disk\",\"text\":\"The disk is full\"}");
    bench_free(b);
}

static void test_renamed_instance_keeps_its_memory(void **state)
{
    (void)state;
    struct bench *b = bench_open(RULES, PEOPLE);
    send_now(b, "[[\"1\",[\"put\",\"k\",\"v\"],[\"timer\",\"t\",60000,{\"do\":[[\"put\",\"fired\",\"1\"]]}],"
                "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[\"ann\"]}]]]");
    bench_stop(b);
    struct config_instance *sources = (struct config_instance *)b->config->config.sources;
    sources[0].name = "newcrm";
    sources[0].was = "crm";
    bench_start(b, NULL);
    struct sent *s = send_begin(b, "newcrm", "[[\"1\"]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    assert_int_equal(s->results[0].state, LEDGER_DUPLICATE);
    send_free(s);
    s = send_begin(b, "newcrm", "[[\"2\",[\"get\",\"k\",\"v\"],[\"withdraw\",\"t/1\",{}]]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    send_free(s);
    expect_rows(b, SQL_EVENTS, "3 0");
    advance(b, MINUTE);
    expect_rows(b, "SELECT key FROM state ORDER BY key", "fired\nk");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_event_replaces_the_old_one),
        cmocka_unit_test(test_other_subject_org_or_source_is_left_alone),
        cmocka_unit_test(test_withdraw),
        cmocka_unit_test(test_handled_leaves_rows_valid),
        cmocka_unit_test(test_supersede_without_successor),
        cmocka_unit_test(test_operations_of_one_trigger_keep_their_order),
        cmocka_unit_test(test_validity_ends_by_itself),
        cmocka_unit_test(test_expiry_survives_a_restart),
        cmocka_unit_test(test_events_of_the_hub),
        cmocka_unit_test(test_renamed_instance_keeps_its_memory),
    };
    return cmocka_run_group_tests_name("ledger_subjects", tests, NULL, NULL);
}
