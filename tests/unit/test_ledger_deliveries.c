/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries: claims and their gates, outcomes, leases, targets, delayed rows of the inbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "claim_fixture.h"

#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[],\"cid\":[]}"
#define NOTE(id, to) "[[\"" id "\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"to\":[" to "]}]]]"
#define SQL_DELIVERIES                                                                                                 \
    "SELECT coalesce(p.username, d.address, d.target > 0), d.state, d.open, d.attempts FROM delivery d LEFT JOIN"      \
    " person p ON p.id = d.person ORDER BY d.id"

/* --- recipients --------------------------------------------------------------------------------------------------- */

static void test_claim_carries_what_is_sent(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"mail\"]}]", PEOPLE);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"title\":\"Hello\",\"body\":\"World\","
                "\"link\":\"/x\",\"to\":[\"ann\",\"email:pat@shop.example\"],\"data\":{\"a\":1},"
                "\"action\":\"approve\"}]]]");
    assert_int_equal(b->deliveries_told, 1);
    struct claimed c;
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 2);
    const struct ledger_claim_item *item = &c.claim.items[0];
    assert_true(str_eqz(item->username, "ann") && str_eqz(item->address, "ann@acme.example"));
    assert_true(str_eqz(item->title, "Hello") && str_eqz(item->body, "World") && str_eqz(item->link, "/x"));
    assert_true(str_eqz(item->org, "acme") && str_eqz(item->source, "crm") && str_eqz(item->type, "thing.note"));
    assert_true(str_eqz(item->data, "{\"a\":1}") && str_eqz(item->category, "work") && item->attempt == 1);
    assert_true(str_eqz(item->reason, "owner") && str_eqz(item->category_label, "work") && !item->required);
    assert_true(item->total == 1 && item->rest_count == 0 && item->bundle == 0 && item->first_ms == 0);
    assert_true(item->action_count == 1 && str_eqz(item->actions[0].id, "approve"));
    assert_true(c.claim.items[1].action_count == 0);        /* who is outside cannot act */
    assert_true(str_eqz(c.claim.items[1].reason, "owner")); /* an address has no row that could say so */
    assert_true(str_eqz(c.claim.items[1].address, "pat@shop.example") && c.claim.items[1].notification == 0);
    assert_int_equal(claim_count(b, "mail", 0), 0); /* leased */
    outcome(b, item->delivery, OUTCOME_retrying, START + 5000, BELFRY_RETRY);
    outcome(b, c.claim.items[1].delivery, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_DELIVERIES, "ann 5 1 1\npat@shop.example 6 0 1");
    expect_rows(b, "SELECT number, outcome, code, elapsed_us, detail FROM attempt ORDER BY id",
                "1 2 500 1200 tried\n1 1 500 1200 tried");
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 0);
    assert_int_equal(c.claim.next_due_ms, START + 5000);
    arena_free(c.claim.arena);
    clock_advance(b->clock, 5000);
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 1);
    assert_int_equal(c.claim.items[0].attempt, 2);
    arena_free(c.claim.arena);
    bench_free(b);
}

static void test_gates(void **state)
{
    (void)state;
    static const struct {
        const char *name, *unless, *marked, *trigger;
        int state;
    } table[] = {
        {"nothing in the way", "[\"seen\",\"handled\"]", NULL, NULL, OUTCOME_sending},
        {"seen in time", "[\"seen\",\"handled\"]", "seen", NULL, OUTCOME_viewed},
        {"read, and only that counts", "[\"read\"]", "read", NULL, OUTCOME_viewed},
        {"seen does not count", "[\"read\"]", "seen", NULL, OUTCOME_sending},
        {"hidden", "[\"hidden\"]", "hidden", NULL, OUTCOME_viewed},
        {"handled", "[\"handled\"]", NULL, "[[\"2\",[\"handled\",\"t/1\",{},\"bob\"]]]", OUTCOME_handled},
        {"handled, and nobody asked", "[\"seen\"]", NULL, "[[\"2\",[\"handled\",\"t/1\",{},\"bob\"]]]",
         OUTCOME_handled},
        {"handled for somebody else", "[\"seen\"]", NULL,
         "[[\"2\",[\"handled\",\"t/1\",{\"except\":[\"ann\"]},\"bob\"]]]", OUTCOME_sending},
        {"withdrawn", "[]", NULL, "[[\"2\",[\"withdraw\",\"t/1\",{}]]]", OUTCOME_withdrawn},
        {"withdrawn for her", "[]", NULL, "[[\"2\",[\"withdraw\",\"t/1\",{\"only\":[\"ann\"]}]]]", OUTCOME_withdrawn},
        {"superseded", "[]", NULL, "[[\"2\",[\"supersede\",\"t/1\",{}]]]", OUTCOME_superseded},
        {"expired", "[]", NULL, "[[\"2\",[\"valid_until\",\"t/1\",{},300000]]]", OUTCOME_expired},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char rules[200], expected[60];
        snprintf(rules, sizeof(rules),
                 "[{\"name\":\"m\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":300000,\"unless\":%s}]}]",
                 table[i].unless);
        struct bench *b = bench_open(rules, PEOPLE);
        send_now(b, NOTE("1", "\"ann\""));
        if (table[i].marked)
            mark(b, table[i].marked, "ann");
        if (table[i].trigger)
            assert_int_equal(send_now(b, table[i].trigger), BELFRY_OK);
        assert_int_equal(claim_count(b, "mail", 0), 0); /* not due yet */
        clock_advance(b->clock, 5 * MINUTE);
        size_t count = claim_count(b, "mail", 0);
        snprintf(expected, sizeof(expected), "%d", table[i].state);
        if (count != (table[i].state == OUTCOME_sending) ||
            strcmp(rows(b, "SELECT state FROM delivery"), expected) != 0)
            fail_msg("%s: claimed %zu, state %s", table[i].name, count, rows(b, "SELECT state FROM delivery"));
        bench_free(b);
    }
}

/* An address has no row that could say so: its mail ends when the whole event is handled, and with nobody's alone. */
static void test_mail_to_an_address_about_what_is_handled(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[{\"via\":\"mail\",\"after\":300000}]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\",\"bob\",\"email:pat@shop.example\""));
    send_now(b, "[[\"2\",[\"handled\",\"t/1\",{\"only\":[\"ann\"]},\"ann\"]]]");
    expect_rows(b, SQL_DELIVERIES, "ann 13 0 0\nbob 0 1 0\npat@shop.example 0 1 0");
    send_now(b, "[[\"3\",[\"handled\",\"t/1\",{},\"bob\"]]]");
    expect_rows(b, SQL_DELIVERIES, "ann 13 0 0\nbob 13 0 0\npat@shop.example 13 0 0");
    expect_rows(b, "SELECT detail FROM delivery WHERE address IS NOT NULL", "handled by bob");
    bench_free(b);
}

/* The last one who could handle it did, one by one. */
static void test_mail_to_an_address_ends_with_the_last_named_row(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[{\"via\":\"mail\",\"after\":300000}]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\",\"bob\",\"email:pat@shop.example\""));
    send_now(b, "[[\"2\",[\"handled\",\"t/1\",{\"only\":[\"ann\"]},\"ann\"]]]");
    expect_rows(b, SQL_DELIVERIES, "ann 13 0 0\nbob 0 1 0\npat@shop.example 0 1 0");
    send_now(b, "[[\"3\",[\"handled\",\"t/1\",{\"only\":[\"bob\"]},\"bob\"]]]");
    expect_rows(b, SQL_DELIVERIES, "ann 13 0 0\nbob 13 0 0\npat@shop.example 13 0 0");
    expect_rows(b, "SELECT validity, live FROM event", "0 0");
    bench_free(b);
}

/* Under way when it was handled: what comes back is not tried again, to an address as little as to a person. */
static void test_mail_that_comes_back_after_it_was_handled(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",\"mail\"]}]", PEOPLE);
    struct claimed c;
    send_now(b, NOTE("1", "\"ann\",\"email:pat@shop.example\""));
    send_now(b, "[[\"2\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"email:no@subject.example\"]}]]]");
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 3);
    send_now(b, "[[\"3\",[\"handled\",\"t/1\",{},\"bob\"]]]");
    for (size_t i = 0; i < 3; i++)
        outcome(b, c.claim.items[i].delivery, OUTCOME_retrying, START + MINUTE, BELFRY_RETRY);
    arena_free(c.claim.arena);
    advance(b, MINUTE);
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 1); /* what has no subject cannot be handled */
    assert_true(str_eqz(c.claim.items[0].address, "no@subject.example"));
    arena_free(c.claim.arena);
    expect_rows(b, SQL_DELIVERIES, "ann 13 0 1\npat@shop.example 13 0 1\nno@subject.example 4 1 1");
    bench_free(b);
}

/* Mail needs a minute of validity more than it takes to leave; what goes to targets needs none. */
static void test_the_last_minute_of_validity(void **state)
{
    (void)state;
    static const struct {
        int64_t until;
        size_t claimed;
        const char *row;
    } table[] = {{60000, 1, "4 -"},
                 {59999, 0, "9 its validity ends within a minute"},
                 {1, 0, "9 its validity ends within a minute"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[200];
        struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",\"mail\"]}]", PEOPLE);
        snprintf(text, sizeof(text), "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"until\":%lld,\"to\":[\"ann\"]}]]]",
                 (long long)table[i].until);
        assert_int_equal(send_now(b, text), BELFRY_OK);
        assert_int_equal(claim_count(b, "mail", 0), table[i].claimed);
        expect_rows(b, "SELECT state, detail FROM delivery", table[i].row);
        expect_rows(b, "SELECT validity FROM notification", "0");
        bench_free(b);
    }
}

static void test_to_asks_the_rows_of_the_audience(void **state)
{
    (void)state;
    struct bench *b = bench_open(
        "[{\"name\":\"esc\",\"deliver\":[\"inbox\",{\"via\":\"inbox\",\"to\":[\"role:boss\"],\"after\":60000,"
        "\"unless\":[\"seen\"]}]}]",
        PEOPLE);
    send_now(b, NOTE("1", "\"bob\",\"cid\""));
    expect_rows(b, SQL_INBOX, "bob Note 0 1 - 0\ncid Note 0 1 - 0\nann Note 0 0 - 0");
    mark(b, "seen", "cid");
    advance(b, MINUTE);
    expect_rows(b, SQL_INBOX, "bob Note 0 1 - 0\ncid Note 0 1 - 0\nann Note 0 0 - 0");
    expect_rows(b, SQL_DELIVERIES, "ann 12 0 0");
    /* nobody saw the next one */
    assert_int_equal(send_now(b, "[[\"2\",[\"emit\",{\"type\":\"thing.note\",\"to\":[\"bob\"]}]]]"), BELFRY_OK);
    advance(b, MINUTE);
    expect_rows(b, SQL_DELIVERIES, "ann 12 0 0\nann 6 0 0");
    expect_rows(b, "SELECT n.pos > n.id, n.rev FROM notification n WHERE via = 2 AND pos IS NOT NULL", "1 1");
    bench_free(b);
}

static void test_nothing_is_escalated_when_the_audience_is_gone(void **state)
{
    (void)state;
    struct bench *b =
        bench_open("[{\"name\":\"esc\",\"deliver\":[\"inbox\",\"hooks\",{\"via\":\"inbox\",\"to\":[\"role:boss\"],"
                   "\"after\":60000,\"unless\":[\"seen\"]}]}]",
                   PEOPLE);
    send_now(b, NOTE("1", "\"bob\",\"cid\""));
    send_now(b, "[[\"2\",[\"withdraw\",\"t/1\",{\"only\":[\"bob\"]}]]]");
    expect_rows(b, "SELECT validity, live FROM event", "0 1");
    expect_rows(b, SQL_DELIVERIES, "ann 0 1 0");
    send_now(b, "[[\"3\",[\"withdraw\",\"t/1\",{\"only\":[\"cid\"]}]]]");
    expect_rows(b, "SELECT validity, live FROM event", "3 0");
    expect_rows(b, SQL_DELIVERIES, "ann 11 0 0");
    advance(b, MINUTE);
    expect_rows(b, SQL_INBOX, "bob Note 3 1 - 0\ncid Note 3 1 - 0\nann Note 3 0 - 0");
    bench_free(b);
}

static void test_delayed_row_takes_its_place_when_it_appears(void **state)
{
    (void)state;
    struct bench *b = bench_open(
        "[{\"name\":\"later\",\"when\":{\"subject\":\"t/1\"},\"deliver\":[{\"via\":\"inbox\",\"after\":60000}]},"
        "{\"name\":\"now\",\"when\":{\"subject\":\"t/2\"},\"deliver\":[\"inbox\"]}]",
        PEOPLE);
    send_now(b, NOTE("1", "\"ann\""));
    expect_rows(b, "SELECT rev FROM person", "0"); /* nothing is visible yet */
    clock_advance(b->clock, 1000);
    send_now(b, "[[\"2\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/2\",\"to\":[\"ann\"]}]]]");
    advance(b, MINUTE);
    expect_rows(b, "SELECT e.subject FROM notification n JOIN event e ON e.id = n.event ORDER BY n.pos DESC",
                "t/1\nt/2");
    /* the place is an id: a restart must not give it again */
    bench_stop(b);
    clock_set(b->clock, START);
    bench_start(b, NULL);
    send_now(b, "[[\"3\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/2\",\"to\":[\"ann\"]}]]]");
    expect_rows(b, "SELECT count(DISTINCT pos), max(id) = max(pos) FROM notification", "3 1");
    bench_free(b);
}

static void test_candidates_on_one_channel(void **state)
{
    (void)state;
    struct bench *b =
        bench_open("[{\"name\":\"a\",\"deliver\":[{\"via\":\"mail\",\"after\":60000,\"unless\":[\"seen\"]}]},"
                   "{\"name\":\"b\",\"deliver\":[{\"via\":\"mail\",\"after\":120000}]},"
                   "{\"name\":\"c\",\"deliver\":[{\"via\":\"mail\",\"after\":180000}]}]",
                   PEOPLE);
    send_now(b, NOTE("1", "\"ann\",\"bob\""));
    /* c can only come after b, which nothing holds back; a may be suppressed, so b is kept */
    expect_rows(b, "SELECT recipient, outcome, text FROM decision JOIN name ON name.id = rule", "ann 14 c\nbob 14 c");
    mark(b, "seen", "bob");
    clock_advance(b->clock, MINUTE);
    struct claimed c;
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 1);
    outcome(b, c.claim.items[0].delivery, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    clock_advance(b->clock, MINUTE);
    assert_int_equal(claim_count(b, "mail", 0), 1); /* bob's second chance; ann has hers */
    expect_rows(b, SQL_DELIVERIES, "ann 6 0 1\nann 14 0 0\nbob 12 0 0\nbob 4 1 0");
    bench_free(b);
}

static void test_roles_are_asked_again(void **state)
{
    (void)state;
    struct bench *b =
        bench_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":1000}]}]", PEOPLE);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"secret.alarm\",\"to\":[\"ann\",\"bob\"]}]]]");
    expect_rows(b, "SELECT recipient, outcome FROM decision", "bob 17");
    /* ann loses her role before the mail is due */
    json_object_set_new(b->config->people, "ann", json_array());
    bench_stop(b);
    bench_people(b->config);
    bench_start(b, NULL);
    clock_advance(b->clock, 1000);
    assert_int_equal(claim_count(b, "mail", 0), 0);
    expect_rows(b, SQL_DELIVERIES, "ann 17 0 0");
    expect_rows(b, SQL_INBOX, "ann Alarm 0 1 - 0\nbob Alarm 0 1 - 0"); /* asked when read */
    bench_free(b);
}

static void test_quiet_hours_hold(void **state)
{
    (void)state;
    static const struct config_schedule night = {
        .name = "night", .from_min = 22 * 60, .to_min = 7 * 60, .weekdays = 0x7f};
    struct bench *b = bench_new("[{\"name\":\"m\",\"during_quiet\":\"night\",\"deliver\":[\"mail\"]}]", PEOPLE);
    b->config->config.schedules = &night;
    b->config->config.schedule_count = 1;
    clock_set(b->clock, START + 60 * MINUTE); /* 2023-11-14T23:13:20Z */
    bench_start(b, NULL);
    send_now(b, NOTE("1", "\"ann\""));
    assert_int_equal(claim_count(b, "mail", 0), 0);
    expect_rows(b, "SELECT state, open, due FROM delivery", "1 1 1700031600000"); /* 07:00:00Z */
    clock_set(b->clock, INT64_C(1700031600000));
    assert_int_equal(claim_count(b, "mail", 0), 1);
    bench_free(b);
}

/* It may have arrived: once more a quarter of an hour later, and never a third time. */
static void test_leases_of_a_process_that_died(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",\"mail\"]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\""));
    assert_int_equal(claim_count(b, "mail", 0), 1);
    int64_t id = strtoll(rows(b, "SELECT id FROM delivery"), NULL, 10);
    bench_stop(b);
    bench_start(b, NULL);
    expect_rows(b, "SELECT state, open, attempts, lease, due FROM delivery", "7 1 1 - 1700000900000");
    expect_rows(b, "SELECT number, outcome, detail FROM attempt", "1 5 the hub stopped while it was being sent");
    outcome(b, id, OUTCOME_delivered, 0, BELFRY_DELIVERED); /* late: ignored */
    expect_rows(b, "SELECT state, open, attempts FROM delivery", "7 1 1");
    clock_advance(b->clock, 15 * MINUTE - 1);
    assert_int_equal(claim_count(b, "mail", 0), 0);
    clock_advance(b->clock, 1);
    struct claimed c;
    claim(b, &c, "mail", 0, 10);
    assert_int_equal(c.claim.count, 1);
    assert_int_equal(c.claim.items[0].delivery, id);
    assert_int_equal(c.claim.items[0].attempt, 2);
    assert_int_equal(c.claim.items[0].unknowns, 1);
    arena_free(c.claim.arena);
    bench_stop(b);
    bench_start(b, NULL);
    expect_rows(b, "SELECT state, open, attempts, lease FROM delivery", "7 0 2 -");
    advance(b, 1000 * MINUTE);
    assert_int_equal(claim_count(b, "mail", 0), 0);
    bench_free(b);
}

/* Whoever saw the row meanwhile is not asked a second time. */
static void test_what_may_have_arrived_is_asked_again(void **state)
{
    (void)state;
    struct bench *b =
        bench_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"unless\":[\"seen\"]}]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\""));
    assert_int_equal(claim_count(b, "mail", 0), 1);
    bench_stop(b);
    bench_start(b, NULL);
    mark(b, "seen", "ann");
    clock_advance(b->clock, 15 * MINUTE);
    assert_int_equal(claim_count(b, "mail", 0), 0);
    expect_rows(b, "SELECT state, open FROM delivery", "12 0");
    bench_free(b);
}

static void test_a_clock_that_jumps_ends_no_lease(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"mail\"]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\""));
    assert_int_equal(claim_count(b, "mail", 0), 1);
    advance(b, 1000 * MINUTE);
    expect_rows(b, "SELECT state, open, lease FROM delivery", "4 1 1");
    bench_free(b);
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

struct hooks {
    struct ledger_target targets[2];
    struct route_target rows[2];
    struct bench_wait wait;
};

static void hooks_declare(struct bench *b, struct hooks *h, size_t count)
{
    static const struct belfry_str all[] = {{"*", 1}};
    static const struct belfry_strs types = {all, 1};
    h->wait.done = 0;
    for (size_t i = 0; i < count; i++)
        h->targets[i] = (struct ledger_target){
            .name = i ? STR("two") : STR("one"), .url = STR("https://hook.example/"), .secret = STR("sealed")};
    for (size_t i = 0; i < count; i++)
        h->rows[i] = (struct route_target){.name = h->targets[i].name, .types = &types};
    const struct config_instance *hooks = fixture_channel(b->config, "hooks");
    ledger_targets_declare(b->ledger, hooks, h->targets, count, bench_done, &h->wait);
    ledger_targets_index(b->ledger, hooks, h->rows, h->targets, count, NULL, NULL, NULL);
    assert_int_equal(bench_until(b, &h->wait), BELFRY_OK);
}

static void enable(struct bench *b, int64_t target, int on, belfry_status expected)
{
    struct bench_wait wait = {0};
    ledger_target_enable(b->ledger, target, on, "410", bench_done, &wait);
    assert_int_equal(bench_until(b, &wait), expected);
    settle(b);
}

#define HOOK_RULES "[{\"name\":\"h\",\"deliver\":[\"inbox\",\"hooks\"]},{\"name\":\"h2\",\"deliver\":[\"hooks\"]}]"

static void test_targets_get_a_row_each_and_one_payload(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    send_now(b, NOTE("0", "\"ann\"")); /* before there is a target */
    hooks_declare(b, &h, 2);
    send_now(
        b, "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/1\",\"title\":\"A \\\"b\\\"\",\"to\":[\"ann\"],"
           "\"data\":{\"n\":1}}]]]");
    assert_int_equal(b->targets_told, 2);
    expect_rows(b, SQL_DELIVERIES, "1 0 1 0\n1 0 1 0");
    expect_rows(b, "SELECT count(*) FROM payload", "1");
    struct claimed c;
    claim(b, &c, "hooks", h.targets[1].id, 10);
    assert_int_equal(c.claim.count, 1);
    char uuid[ID_TEXT_SIZE], expected[512];
    id_format(store_id_key(b->store), c.claim.items[0].event, uuid);
    snprintf(
        expected, sizeof(expected),
        "{\"type\":\"thing.note\",\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"data\":{\"id\":\"%s\",\"org\":\"acme\","
        "\"source\":\"crm\",\"subject\":\"t/1\",\"category\":\"work\",\"severity\":\"warning\",\"title\":\"A \\\"b\\\"\","
        "\"body\":null,\"link\":null,\"object\":{\"n\":1}}}",
        uuid);
    assert_int_equal(c.claim.items[0].payload.len, strlen(expected));
    assert_memory_equal(c.claim.items[0].payload.ptr, expected, strlen(expected));
    arena_free(c.claim.arena);
    bench_free(b);
}

static void test_lease_of_a_target_is_due_again_after_a_crash(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 1);
    send_now(b, NOTE("1", "\"ann\""));
    assert_int_equal(claim_count(b, "hooks", h.targets[0].id), 1);
    int64_t id = h.targets[0].id;
    bench_stop(b);
    bench_start(b, NULL);
    hooks_declare(b, &h, 1);
    assert_int_equal(h.targets[0].id, id);
    struct claimed c;
    claim(b, &c, "hooks", id, 10);
    assert_int_equal(c.claim.count, 1);
    assert_int_equal(c.claim.items[0].attempt, 1); /* the broken off one was not counted */
    arena_free(c.claim.arena);
    bench_free(b);
}

static void test_disabled_targets_hold(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 2);
    int64_t id = h.targets[0].id;
    enable(b, 12345, 0, BELFRY_ENOTFOUND);
    send_now(b, NOTE("1", "\"ann\""));
    enable(b, id, 0, BELFRY_OK);
    send_now(b, NOTE("2", "\"ann\""));
    expect_rows(b, "SELECT state, open FROM delivery ORDER BY id", "2 2\n0 1\n2 2\n0 1");
    assert_int_equal(claim_count(b, "hooks", id), 0);
    expect_rows(b, "SELECT enabled, disabled_why FROM target ORDER BY id", "0 410\n1 -");
    bench_stop(b); /* remembered */
    bench_start(b, NULL);
    hooks_declare(b, &h, 2);
    assert_int_equal(h.targets[0].enabled, 0);
    send_now(b, NOTE("3", "\"ann\""));
    assert_int_equal(claim_count(b, "hooks", id), 0);
    clock_advance(b->clock, 1000);
    b->targets_told = 0;
    enable(b, id, 1, BELFRY_OK);
    assert_int_equal(b->targets_told, 1);
    struct claimed c;
    claim(b, &c, "hooks", id, 10);
    assert_int_equal(c.claim.count, 3);
    for (size_t i = 1; i < 3; i++)
        assert_true(c.claim.items[i].event > c.claim.items[i - 1].event); /* oldest first */
    arena_free(c.claim.arena);
    bench_free(b);
}

static void test_outcome_meets_a_disabled_target(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 1);
    send_now(b, NOTE("1", "\"ann\""));
    struct claimed c;
    claim(b, &c, "hooks", h.targets[0].id, 1);
    enable(b, h.targets[0].id, 0, BELFRY_OK);
    outcome(b, c.claim.items[0].delivery, OUTCOME_retrying, START + 5000, BELFRY_RETRY);
    expect_rows(b, "SELECT state, open, attempts FROM delivery", "2 2 1");
    arena_free(c.claim.arena);
    bench_free(b);
}

static void test_removed_target_has_an_hour(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 2);
    send_now(b, NOTE("1", "\"ann\""));
    hooks_declare(b, &h, 1);
    advance(b, 59 * MINUTE);
    expect_rows(b, "SELECT state FROM delivery ORDER BY id", "0\n0");
    advance(b, 2 * MINUTE);
    expect_rows(b, "SELECT state, open FROM delivery ORDER BY id", "0 1\n22 0");
    bench_free(b);
}

static void test_removed_channel_has_an_hour(void **state)
{
    (void)state;
    struct bench *b = bench_open("[{\"name\":\"m\",\"deliver\":[\"mail\"]}]", PEOPLE);
    send_now(b, NOTE("1", "\"ann\""));
    bench_stop(b);
    struct config_instance *channels = (struct config_instance *)b->config->config.channels;
    channels[FIXTURE_MAIL].name = "other-mail";
    bench_start(b, NULL);
    advance(b, 50 * MINUTE);
    expect_rows(b, "SELECT state FROM delivery", "0");
    advance(b, 11 * MINUTE);
    expect_rows(b, "SELECT state, open FROM delivery", "22 0");
    bench_free(b);
}

struct by_hand {
    struct bench_wait wait;
    const char *why;
};

static void on_changed(void *arg, belfry_status status, const char *why)
{
    struct by_hand *h = arg;
    h->wait = (struct bench_wait){1, status};
    h->why = why;
}

static void test_dead_letters_by_hand(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 1);
    send_now(b, NOTE("1", "\"ann\""));
    struct claimed c;
    claim(b, &c, "hooks", h.targets[0].id, 1);
    int64_t id = c.claim.items[0].delivery;
    arena_free(c.claim.arena);
    struct {
        const char *org;
        int64_t id;
        int cancel;
        belfry_status expected;
        const char *why;
    } table[] = {{"acme", id, 0, BELFRY_ECONFLICT, "under way"},
                 {"acme", id, 1, BELFRY_ECONFLICT, "under way"},
                 {"other", id, 0, BELFRY_ENOTFOUND, NULL},
                 {"acme", id + 99, 1, BELFRY_ENOTFOUND, NULL},
                 {"", id, -1, 0, NULL},
                 {"acme", id, 0, BELFRY_OK, NULL},
                 {"acme", id, 1, BELFRY_OK, NULL},
                 {"acme", id, 1, BELFRY_ECONFLICT, "has ended"},
                 {"", 0, -2, 0, NULL},
                 {"acme", id, 0, BELFRY_ECONFLICT, "is disabled"},
                 {"", 1, -2, 0, NULL},
                 {"acme", id, 0, BELFRY_OK, NULL}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct by_hand by_hand = {0};
        if (table[i].cancel == -2) {
            enable(b, h.targets[0].id, (int)table[i].id, BELFRY_OK);
            continue;
        }
        if (table[i].cancel < 0) {
            outcome(b, id, OUTCOME_failed, 0, BELFRY_REJECTED);
            expect_rows(b, "SELECT state, open FROM delivery", "8 0");
            continue;
        }
        const struct ledger_deed deed = {.org = str_of(table[i].org), .who = STR("person:ann")};
        (table[i].cancel ? ledger_delivery_cancel : ledger_delivery_retry)(b->ledger, &deed, table[i].id, on_changed,
                                                                           &by_hand);
        belfry_status status = bench_until(b, &by_hand.wait);
        if (status != table[i].expected || (by_hand.why == NULL) != (table[i].why == NULL) ||
            (by_hand.why && !strstr(by_hand.why, table[i].why)))
            fail_msg("step %zu: %d %s", i, status, by_hand.why);
    }
    assert_int_equal(claim_count(b, "hooks", h.targets[0].id), 1);
    bench_free(b);
}

static void test_failures_of_a_target_are_kept(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 1);
    ledger_target_failure(b->ledger, h.targets[0].id, 1, START + 5);
    ledger_target_failure(b->ledger, h.targets[0].id, 1, START + 9);
    settle(b);
    expect_rows(b, "SELECT first_failure - 1700000000000, failures FROM target", "5 2");
    hooks_declare(b, &h, 1);
    assert_int_equal(h.targets[0].first_failure_ms, START + 5);
    ledger_target_failure(b->ledger, h.targets[0].id, 0, START + 10);
    settle(b);
    expect_rows(b, "SELECT first_failure, failures FROM target", "- 0");
    bench_free(b);
}

static void test_gated_categories_stay_inside(void **state)
{
    (void)state;
    struct bench *b = bench_open(HOOK_RULES, PEOPLE);
    struct hooks h = {0};
    hooks_declare(b, &h, 1);
    send_now(b, "[[\"1\",[\"emit\",{\"type\":\"free.a\",\"category\":\"SECRET\",\"to\":[\"ann\"]}],"
                "[\"emit\",{\"type\":\"free.b\",\"category\":\"LOUD\",\"to\":[\"ann\"]}]]]");
    expect_rows(
        b, "SELECT e.type = (SELECT id FROM name WHERE text = 'free.b') FROM delivery d JOIN event e ON e.id = d.event",
        "1");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim_carries_what_is_sent),
        cmocka_unit_test(test_gates),
        cmocka_unit_test(test_mail_to_an_address_about_what_is_handled),
        cmocka_unit_test(test_mail_to_an_address_ends_with_the_last_named_row),
        cmocka_unit_test(test_mail_that_comes_back_after_it_was_handled),
        cmocka_unit_test(test_the_last_minute_of_validity),
        cmocka_unit_test(test_to_asks_the_rows_of_the_audience),
        cmocka_unit_test(test_nothing_is_escalated_when_the_audience_is_gone),
        cmocka_unit_test(test_delayed_row_takes_its_place_when_it_appears),
        cmocka_unit_test(test_candidates_on_one_channel),
        cmocka_unit_test(test_roles_are_asked_again),
        cmocka_unit_test(test_quiet_hours_hold),
        cmocka_unit_test(test_leases_of_a_process_that_died),
        cmocka_unit_test(test_what_may_have_arrived_is_asked_again),
        cmocka_unit_test(test_a_clock_that_jumps_ends_no_lease),
        cmocka_unit_test(test_targets_get_a_row_each_and_one_payload),
        cmocka_unit_test(test_lease_of_a_target_is_due_again_after_a_crash),
        cmocka_unit_test(test_disabled_targets_hold),
        cmocka_unit_test(test_outcome_meets_a_disabled_target),
        cmocka_unit_test(test_removed_target_has_an_hour),
        cmocka_unit_test(test_removed_channel_has_an_hour),
        cmocka_unit_test(test_dead_letters_by_hand),
        cmocka_unit_test(test_failures_of_a_target_are_kept),
        cmocka_unit_test(test_gated_categories_stay_inside),
    };
    return cmocka_run_group_tests_name("ledger_deliveries", tests, NULL, NULL);
}
