/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers end to end in the ledger: identity, all or nothing, records, emit, rows and revisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"

#define INBOX_RULE "[{\"name\":\"inbox\",\"deliver\":[\"inbox\"]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[],\"cid\":[\"sales\"],\"dee\":[\"sales\"]}"

static void test_one_trigger_writes_five_rows(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *trigger =
        "[[\"1\",[\"put\",\"k\",\"v\"],[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"thing/1\","
        "\"to\":[\"ann\"]}]]]";
    assert_int_equal(send_now(b, trigger), BELFRY_OK);
    expect_rows(b, "SELECT count(*), max(events) FROM dedupe", "1 1");
    expect_rows(b, "SELECT key, value FROM state", "k v");
    expect_rows(b, "SELECT title, severity, rules, audience, principal, trigger_id, live FROM event",
                "Assigned: Deal 0 [\"inbox\"] [{\"user\":\"ann\",\"reason\":\"owner\"}] token:crm-app 1 1");
    expect_rows(b, SQL_INBOX, "ann Assigned: Deal 0 1 - 0");
    expect_rows(b, "SELECT username, rev FROM person", "ann 1");
    expect_rows(b, "SELECT count(*) FROM delivery UNION ALL SELECT count(*) FROM decision", "0\n0");
    expect_rows(b, "SELECT version FROM state_version", "1");
    assert_int_equal(b->people_told, 1);
    assert_int_equal(b->last_rev, 1);
    bench_free(b);
}

static void test_duplicate_answers_the_original_count(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *trigger = "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}],"
                          "[\"emit\",{\"type\":\"thing.note\",\"to\":[\"bob\"]}]]]";
    assert_int_equal(send_now(b, trigger), BELFRY_OK);
    struct sent *s = send_begin(b, "crm", trigger, 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    assert_int_equal(s->results[0].state, LEDGER_DUPLICATE);
    assert_int_equal(s->results[0].events, 2);
    send_free(s);
    /* another instance knows nothing of it */
    s = send_begin(b, "erp", trigger, 0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    assert_int_equal(s->results[0].state, LEDGER_ACCEPTED);
    send_free(s);
    expect_rows(b, "SELECT count(*) FROM event", "4");
    bench_free(b);
}

static void test_identity_is_remembered_as_long_as_configured(void **state)
{
    (void)state;
    struct bench *b = bench_new(INBOX_RULE, PEOPLE);
    b->config->config.retention.dedupe = 30;
    bench_start(b, NULL);
    const char *trigger = "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]";
    send_now(b, trigger);
    advance(b, 29 * 1440 * MINUTE);
    send_now(b, trigger);
    expect_rows(b, "SELECT count(*) FROM event", "1");
    advance(b, 2 * 1440 * MINUTE);
    send_now(b, trigger);
    expect_rows(b, "SELECT count(*) FROM event", "2");
    bench_free(b);
}

static void test_long_ids_are_told_apart(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    char text[600], id[201];
    memset(id, 'x', 200);
    id[200] = '\0';
    for (int i = 0; i < 3; i++) { /* the third repeats the first */
        id[199] = (char)('a' + i % 2);
        snprintf(text, sizeof(text), "[[\"%s\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]]]", id);
        assert_int_equal(send_now(b, text), BELFRY_OK);
    }
    expect_rows(b, "SELECT count(*) FROM event", "2");
    bench_free(b);
}

static void test_batch_is_all_or_nothing(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct sent *s =
        send_begin(b, "crm",
                   "[[\"1\",[\"put\",\"a\",\"1\"],[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]],"
                   "[\"2\",[\"get\",\"a\",\"1\"],[\"fail\",-4,\"handled already\"]],[\"3\",[\"put\",\"b\",\"1\"]]]",
                   0);
    assert_int_equal(send_end(b, s), BELFRY_ECONFLICT);
    assert_int_equal(s->results[1].status, BELFRY_ECONFLICT);
    assert_string_equal(error_text(&s->results[1].err), "handled already");
    assert_string_equal(s->results[1].err.items[0].pointer, "/data/do");
    assert_int_equal(s->results[0].state, LEDGER_REFUSED);
    assert_int_equal(s->results[2].state, LEDGER_REFUSED);
    send_free(s);
    expect_rows(b, "SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM event) + (SELECT count(*) FROM dedupe)",
                "0");
    bench_free(b);
}

static void test_partial_batch_takes_each_by_itself(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct sent *s = send_begin(b, "crm",
                                "[[\"1\",[\"put\",\"a\",\"1\"]],[\"2\",[\"put\",\"b\",\"1\"],[\"fail\",-1,\"no\"]],"
                                "[\"3\",[\"get\",\"a\",\"1\"],[\"get\",\"b\",null]],[\"1\"]]",
                                1);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    static const enum ledger_item_state states[] = {LEDGER_ACCEPTED, LEDGER_REFUSED, LEDGER_ACCEPTED, LEDGER_DUPLICATE};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s->results[i].state, states[i]);
    assert_int_equal(s->results[1].status, BELFRY_EINVAL);
    send_free(s);
    expect_rows(b, "SELECT key FROM state", "a");
    bench_free(b);
}

static void test_same_identity_twice_in_a_batch(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct sent *s = send_begin(b, "crm",
                                "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]],[\"2\"],"
                                "[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"bob\"]}]]]",
                                0);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    assert_int_equal(s->results[2].state, LEDGER_DUPLICATE);
    assert_int_equal(s->results[2].events, 1);
    send_free(s);
    expect_rows(b, SQL_INBOX, "ann Note 0 1 - 0");
    bench_free(b);
}

static void test_record_is_laid_over_the_transaction(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"put\",\"s/a\",\"1\"],[\"put\",\"s/c\",\"1\"],[\"put\",\"t\",\"1\"],"
                                 "[\"scan\",\"s/\",[\"s/a\",\"s/c\"]]]]"),
                     BELFRY_OK);
    assert_int_equal(send_now(b, "[[\"2\",[\"put\",\"s/b\",\"2\"],[\"del\",\"s/a\"],[\"put\",\"s/c\",\"2\"],"
                                 "[\"get\",\"s/a\",null],[\"get\",\"s/c\",\"2\"],[\"get\",\"t\",\"1\"],"
                                 "[\"scan\",\"s/\",[\"s/b\",\"s/c\"]]]]"),
                     BELFRY_OK);
    /* two requests of one group: the second sees what the first applied */
    struct sent *first = send_begin(b, "crm", "[[\"3\",[\"put\",\"x\",\"1\"]]]", 0);
    struct sent *second = send_begin(b, "crm", "[[\"4\",[\"get\",\"x\",\"1\"],[\"put\",\"x\",\"2\"]]]", 0);
    assert_int_equal(send_end(b, first), BELFRY_OK);
    assert_int_equal(send_end(b, second), BELFRY_OK);
    send_free(first);
    send_free(second);
    expect_rows(b, "SELECT key, value FROM state ORDER BY key", "s/b 2\ns/c 2\nt 1\nx 2");
    bench_free(b);
}

static void test_emit_refuses_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *event, *says;
    } table[] = {
        {"{\"type\":\"other.type\"}", "is not an event type"},
        {"{\"type\":\"free.x\",\"category\":\"nope\"}", "is an unknown category"},
        {"{\"type\":\"free.x\",\"link\":\"javascript:alert(1)\"}", "is a link"},
        {"{\"type\":\"free.x\",\"severity\":9}", "severity"},
        {"{\"type\":\"free.x\",\"to\":[\"a/b\"]}", "is no username"},
        {"{\"type\":\"free.x\",\"to\":[\"email:nobody\"]}", "is no mail address"},
        {"{\"type\":\"free.x\",\"actor\":\"a:b\"}", "actor"},
        {"{\"type\":\"thing.note\",\"action\":\"bogus\"}", "is not an action"},
        {"{\"type\":\"free.x\",\"subject\":\"a\\u0001b\"}", "is a subject"},
        {"{\"type\":\"free.x\",\"words\":{\"language\":\"DE\"}}", "is no language"},
        {"{\"type\":\"free.x\",\"words\":{\"language\":\"d\\\"e\"}}", "is no language"},
        {"{\"type\":\"free.x\",\"words\":{\"language\":\"de\",\"data\":7}}", "is no JSON object"},
    };
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), "[[\"%zu\",[\"emit\",%s]]]", i, table[i].event);
        struct sent *s = send_begin(b, "crm", text, 0);
        assert_int_equal(send_end(b, s), BELFRY_EINVAL);
        if (!strstr(error_text(&s->results[0].err), table[i].says))
            fail_msg("%s: %s", table[i].event, error_text(&s->results[0].err));
        send_free(s);
    }
    expect_rows(b, "SELECT count(*) FROM event", "0");
    bench_free(b);
}

static void test_texts_are_cleaned(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(
        send_now(b, "[[\"1\",[\"emit\",{\"type\":\"free.x\",\"title\":\"a\\n\\u202eb\",\"to\":[\"ann\"],"
                    "\"link\":\"https://x.example/1\"}],[\"emit\",{\"type\":\"free.y\",\"subject\":\"s/1\"}]]]"),
        BELFRY_OK);
    expect_rows(b, "SELECT title, severity, link FROM event ORDER BY id", "a b 3 https://x.example/1\nfree.y: s/1 3 -");
    bench_free(b);
}

static void test_what_is_said_in_a_language_is_kept_beside(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"emit\",{\"type\":\"free.x\",\"title\":\"Hello\",\"words\":{\"language\":"
                                 "\"de\",\"title\":\"Hallo\\n\\u202eWelt\"}}],[\"emit\",{\"type\":\"free.y\",\"title\":"
                                 "\"Hotel\",\"words\":{\"language\":\"de\",\"title\":\"Hotel\"}}]]]"),
                     BELFRY_OK);
    expect_rows(b, "SELECT title, texts FROM event ORDER BY id", "Hello {\"de\":{\"title\":\"Hallo Welt\"}}\nHotel -");
    bench_free(b);
}

static void test_limits_stick(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"reads\",9999]]]"), BELFRY_OK);
    assert_int_equal(send_now(b, "[[\"2\",[\"reads\",10001]]]"), BELFRY_ELIMIT);
    /* the script does not mind that put failed; the ledger does */
    assert_int_equal(send_now(b, "[[\"3\",[\"puts\",10001]]]"), BELFRY_ELIMIT);
    expect_rows(b, "SELECT count(*) FROM state", "0");
    assert_int_equal(send_now(b, "[[\"4\",[\"puts\",9999]]]"), BELFRY_OK);
    expect_rows(b, "SELECT count(*) FROM state", "9999");
    bench_free(b);
}

static void test_actor_and_roles(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    assert_int_equal(send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"role:sales\",\"bob\",\"cid\"],"
                                 "\"actor\":\"dee\",\"action\":\"approve\"}]]]"),
                     BELFRY_OK);
    expect_rows(b, SQL_INBOX, "cid Note 0 1 - 0\nbob Note 0 1 - 0");
    expect_rows(b, "SELECT actions FROM event",
                "[{\"id\":\"approve\",\"label\":\"Approve\",\"type\":\"thing.decided\",\"data\":{\"a\":1}}]");
    bench_free(b);
}

static void test_revision_is_one_step_a_command(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    const char *two =
        "[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}],[\"emit\",{\"type\":\"thing.note\",\"to\":[\"ann\"]}]";
    char text[400];
    snprintf(text, sizeof(text), "[[\"1\",%s],[\"2\",%s]]", two, two);
    assert_int_equal(send_now(b, text), BELFRY_OK);
    expect_rows(b, "SELECT group_concat(rev) FROM notification", "1,1,1,1");
    snprintf(text, sizeof(text), "[[\"3\",%s],[\"4\",%s]]", two, two);
    struct sent *s = send_begin(b, "crm", text, 1);
    assert_int_equal(send_end(b, s), BELFRY_OK);
    send_free(s);
    expect_rows(b, "SELECT max(rev) FROM notification UNION ALL SELECT rev FROM person", "2\n2");
    bench_free(b);
}

static void test_unknown_source_is_refused_at_once(void **state)
{
    (void)state;
    struct bench *b = bench_open(INBOX_RULE, PEOPLE);
    struct sent *s = send_begin(b, "none", "[[\"1\"]]", 0);
    assert_int_equal(send_end(b, s), BELFRY_ENOTFOUND);
    send_free(s);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_trigger_writes_five_rows),
        cmocka_unit_test(test_duplicate_answers_the_original_count),
        cmocka_unit_test(test_identity_is_remembered_as_long_as_configured),
        cmocka_unit_test(test_long_ids_are_told_apart),
        cmocka_unit_test(test_batch_is_all_or_nothing),
        cmocka_unit_test(test_partial_batch_takes_each_by_itself),
        cmocka_unit_test(test_same_identity_twice_in_a_batch),
        cmocka_unit_test(test_record_is_laid_over_the_transaction),
        cmocka_unit_test(test_emit_refuses_what_is_wrong),
        cmocka_unit_test(test_texts_are_cleaned),
        cmocka_unit_test(test_what_is_said_in_a_language_is_kept_beside),
        cmocka_unit_test(test_limits_stick),
        cmocka_unit_test(test_actor_and_roles),
        cmocka_unit_test(test_revision_is_one_step_a_command),
        cmocka_unit_test(test_unknown_source_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("ledger_triggers", tests, NULL, NULL);
}
