/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out as one: digests, what quiet hours held, and both once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail_fixture.h"

/* --- digests ------------------------------------------------------------------------------------------------------ */

static void test_a_digest_gathers_by_person_and_category(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\",\"bob\"");
    note(b, "B", "work", "\"ann\"");
    note(b, "C", "LOUD", "\"ann\"");
    note(b, "D", "hub", "\"ann\"");
    arrives(b, "single 1/1 #1 ann: D"); /* by itself, as chosen */
    expect_rows(b, "SELECT state, due, category IS NOT NULL, detail FROM delivery WHERE state = 3 LIMIT 1",
                "3 1700035200000 1 category work is digest by default");
    until_at(b, WINDOW - 1);
    claims(b, "");
    until_at(b, WINDOW);
    struct claimed c;
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A\nsingle 1/1 #1 bob: A\nsingle 1/1 #1 ann: C");
    assert_int_equal(c.claim.items[0].bundle, c.claim.items[0].delivery);
    assert_int_equal(c.claim.items[1].bundle, 0);
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 6 0\nA 4 1\nB 6 0\nC 4 1\nD 6 0");
    expect_rows(b, "SELECT count(*) FROM attempt", "2"); /* one mail, one attempt */
    until_at(b, WINDOW + DAY);
    claims(b, "");
    bench_free(b);
}

/* Between the time a row came due and its window. */
static void test_each_row_is_asked_again_at_the_window(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sql, *trigger, *choice, *claim;
        int state;
    } table[] = {
        {"nothing happened", NULL, NULL, NULL, "digest 2/2 #1 ann: B,A", OUTCOME_sending},
        {"seen", "UPDATE notification SET seen = 1 WHERE id = (SELECT min(id) FROM notification)", NULL, NULL,
         "single 1/1 #1 ann: B", OUTCOME_viewed},
        {"read, which sets seen",
         "UPDATE notification SET seen = 1, read = 1 WHERE id = (SELECT min(id) FROM"
         " notification)",
         NULL, NULL, "single 1/1 #1 ann: B", OUTCOME_viewed},
        {"handled", NULL, "[[\"h\",[\"handled\",\"t/A\",{},\"bob\"]]]", NULL, "single 1/1 #1 ann: B", OUTCOME_handled},
        {"withdrawn", NULL, "[[\"h\",[\"withdraw\",\"t/A\",{}]]]", NULL, "single 1/1 #1 ann: B", OUTCOME_withdrawn},
        {"superseded", NULL, "[[\"h\",[\"supersede\",\"t/A\",{}]]]", NULL, "single 1/1 #1 ann: B", OUTCOME_superseded},
        {"its validity ends within the minute", NULL, "[[\"h\",[\"valid_until\",\"t/A\",{},35259999]]]", NULL,
         "single 1/1 #1 ann: B", OUTCOME_expired},
        {"it is valid for a minute more", NULL, "[[\"h\",[\"valid_until\",\"t/A\",{},35260000]]]", NULL,
         "digest 2/2 #1 ann: B,A", OUTCOME_sending},
        {"both seen", "UPDATE notification SET seen = 1", NULL, NULL, "", OUTCOME_viewed},
        {"off", NULL, NULL, "{\"email\":{\"work\":\"off\"}}", "", OUTCOME_suppressed_preference},
        {"paused", NULL, NULL, "{\"pause_until\":\"2023-12-01\"}", "", OUTCOME_suppressed_preference},
        {"unseen: it goes with this one still", NULL, NULL, "{\"email\":{\"work\":\"unseen\"}}",
         "digest 2/2 #1 ann: B,A", OUTCOME_sending},
        {"an address that takes no mail",
         "INSERT INTO suppression(id, org, address, reason) SELECT 1, org, 'ann@acme.example', 1 FROM person LIMIT 1",
         NULL, NULL, "", OUTCOME_suppressed_address},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench *b = mail_open(MAIL_RULES);
        struct claimed c;
        note(b, "A", "work", "\"ann\"");
        note(b, "B", "work", "\"ann\"");
        claims(b, "");
        if (table[i].sql)
            rows(b, table[i].sql);
        if (table[i].trigger)
            assert_int_equal(send_now(b, table[i].trigger), BELFRY_OK);
        if (table[i].choice)
            choose(b, "ann", table[i].choice);
        until_at(b, WINDOW);
        claim(b, &c, "mail", 0, 10);
        int is = atoi(rows(b, "SELECT d.state FROM delivery d JOIN event e ON e.id = d.event WHERE e.title = 'A'"));
        if (strcmp(claim_text(&c.claim), table[i].claim) != 0 || is != table[i].state)
            fail_msg("%s: %s, state %d", table[i].name, claim_text(&c.claim), is);
        arena_free(c.claim.arena);
        bench_free(b);
    }
}

static void test_roles_and_addresses_are_asked_at_the_window(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "LOUD", "\"ann\"");
    note(b, "B", "work", "\"bob\"");
    note(b, "C", "work", "\"cid\"");
    claims(b, "");
    json_object_set_new(b->config->people, "ann", json_array());
    json_object_del(b->config->people, "bob");
    bench_stop(b);
    bench_people(b->config);
    ((struct config_user *)(uintptr_t)b->config->config.orgs[0].users)[1].email = NULL; /* cid's */
    bench_start(b, NULL);
    until_at(b, WINDOW);
    claims(b, "");
    expect_rows(b, "SELECT e.title, d.state, d.detail FROM delivery d JOIN event e ON e.id = d.event ORDER BY 1",
                "A 17 the recipient's roles do not see the category\n"
                "B 21 nobody of that name is in the directory\n"
                "C 21 the directory has no mail address of theirs");
    bench_free(b);
}

static void test_a_list_is_capped_and_the_total_is_true(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    for (int i = 0; i < 73; i++) {
        char title[8];
        snprintf(title, sizeof(title), "%02d", i);
        note(b, title, "work", "\"ann\"");
    }
    claims(b, "");
    for (int rounds = 0; rounds < 8; rounds++) /* a claim takes no more than it has slots for */
        claims(b, "");
    expect_rows(b, "SELECT count(*) FROM delivery WHERE state = 3", "73");
    until_at(b, WINDOW);
    struct claimed c;
    claim(b, &c, "mail", 0, 1);
    assert_int_equal(c.claim.count, 1);
    assert_int_equal(c.claim.items[0].total, 73);
    assert_int_equal(c.claim.items[0].rest_count, 49);
    assert_true(str_eqz(c.claim.items[0].title, "72") && str_eqz(c.claim.items[0].rest[48].title, "23"));
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    expect_rows(b, "SELECT state, open, attempts, count(*) FROM delivery GROUP BY 1, 2, 3", "6 0 1 73");
    bench_free(b);
}

static void test_what_comes_after_the_window_waits_for_the_next(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    note(b, "C", "work", "\"ann\""); /* due at that very moment */
    arrives(b, "digest 2/2 #1 ann: B,A");
    claims(b, "");
    note(b, "D", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW + DAY);
    arrives(b, "digest 2/2 #1 ann: D,C");
    bench_free(b);
}

/* The hub slept through some: one mail, and nothing of long ago. */
static void test_windows_that_were_missed_are_one(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\"");
    claims(b, "");
    for (int day = 1; day <= 8; day++) {
        char title[] = {(char)('A' + day), '\0'};
        until_at(b, WINDOW + (day - 1) * DAY + 1);
        note(b, title, "work", "\"ann\"");
        /* only the new one is looked at: the older are given back as if nobody had come */
        rows(b, "UPDATE delivery SET due = due + 1000000000000 WHERE state = 3");
        claims(b, "");
        rows(b, "UPDATE delivery SET due = due - 1000000000000 WHERE state = 3 AND due > 1800000000000");
    }
    until_at(b, WINDOW + 8 * DAY);
    arrives(b, "digest 7/7 #1 ann: I,H,G,F,E,D,C");
    expect_rows(b,
                "SELECT e.title, d.state, d.detail FROM delivery d JOIN event e ON e.id = d.event"
                " WHERE d.state <> 6 ORDER BY 1",
                "A 9 its digest was due more than 7 days ago\nB 9 its digest was due more than 7 days ago");
    bench_free(b);
}

/* The hub was away when it was due and when its digest was: it goes out late, but a window never has two. */
static void test_a_window_that_passed_meanwhile(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    note(b, "X", "work", "\"bob\"");
    until_at(b, WINDOW + 2 * DAY / 24);
    /* looked at for the first time, it is their digest's time already: the same claim takes it */
    arrives(b, "digest 2/2 #1 ann: B,A\nsingle 1/1 #1 bob: X");
    /* one that comes to light late, and was due an hour before that window */
    rows(b, "UPDATE delivery SET state = 0, open = 1, ended = NULL, attempts = 0, bundle = NULL, kind = 0,"
            " category = NULL, due = 1700031600000"
            " WHERE notification IN (SELECT id FROM notification ORDER BY id LIMIT 1)");
    claims(b, "");
    expect_rows(b, "SELECT due FROM delivery WHERE state = 3", "1700121600000"); /* a day after WINDOW */
    bench_free(b);
}

/* --- once more ---------------------------------------------------------------------------------------------------- */

/* The same mail about the same things, but for those that have become moot; also when it is the first that has. */
static void test_a_second_try_is_the_same_digest(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    note(b, "C", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 3/3 #1 ann: C,B,A");
    int64_t bundle = c.claim.items[0].bundle;
    came_of(b, &c, OUTCOME_retrying, WINDOW + MINUTE, BELFRY_RETRY);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 5 1\nB 5 1\nC 5 1");
    note(b, "D", "work", "\"ann\"");
    until_at(b, WINDOW + MINUTE);
    assert_int_equal(send_now(b, "[[\"h\",[\"handled\",\"t/C\",{},\"bob\"]]]"), BELFRY_OK);
    expect_claim(b, &c, "digest 2/2 #2 ann: B,A");
    assert_int_equal(c.claim.items[0].bundle, bundle);
    assert_int_equal(c.claim.items[0].first_ms, WINDOW);
    came_of(b, &c, OUTCOME_retrying, WINDOW + 2 * MINUTE, BELFRY_RETRY);
    arena_free(c.claim.arena);
    until_at(b, WINDOW + 2 * MINUTE);
    rows(b, "UPDATE notification SET seen = 1 WHERE event = (SELECT id FROM event WHERE title = 'A')");
    expect_claim(b, &c, "single 1/1 #3 ann: B");
    assert_int_equal(c.claim.items[0].bundle, bundle);
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 12 0\nB 6 0\nC 13 0\nD 3 1");
    bench_free(b);
}

static void test_a_second_try_without_anything_left(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A");
    came_of(b, &c, OUTCOME_retrying, WINDOW + MINUTE, BELFRY_RETRY);
    arena_free(c.claim.arena);
    mark(b, "seen", "ann");
    until_at(b, WINDOW + MINUTE);
    claims(b, "");
    expect_rows(b, SQL_MAIL, "A 12 0\nB 12 0");
    bench_free(b);
}

/* Nobody knows whether it arrived: once more, and then no more. */
static void test_a_digest_that_was_under_way_when_the_hub_died(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A");
    int64_t bundle = c.claim.items[0].bundle;
    arena_free(c.claim.arena);
    bench_stop(b);
    bench_start(b, NULL);
    expect_rows(b, SQL_MAIL, "A 7 1\nB 7 1");
    expect_rows(b, "SELECT count(*), min(outcome) FROM attempt", "1 5");
    claims(b, "");
    until_at(b, WINDOW + 15 * MINUTE);
    expect_claim(b, &c, "digest 2/2 #2 ann: B,A");
    assert_int_equal(c.claim.items[0].bundle, bundle);
    assert_int_equal(c.claim.items[0].unknowns, 1);
    arena_free(c.claim.arena);
    bench_stop(b);
    bench_start(b, NULL);
    expect_rows(b, SQL_MAIL, "A 7 0\nB 7 0");
    until_at(b, WINDOW + 3 * DAY);
    claims(b, "");
    bench_free(b);
}

struct by_hand {
    struct bench_wait wait;
    const char *why;
};

static void on_hand(void *arg, belfry_status status, const char *why)
{
    struct by_hand *hand = arg;
    hand->why = why;
    bench_done(&hand->wait, status);
}

static void by_hand(struct bench *b, int cancel, const char *title)
{
    static const struct ledger_deed deed = {.org = {"acme", 4}, .who = {"ops", 3}};
    struct by_hand hand = {0};
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT d.id FROM delivery d JOIN event e ON e.id = d.event WHERE e.title = '%s'",
             title);
    int64_t id = strtoll(rows(b, sql), NULL, 10);
    (cancel ? ledger_delivery_cancel : ledger_delivery_retry)(b->ledger, &deed, id, on_hand, &hand);
    assert_int_equal(bench_until(b, &hand.wait), BELFRY_OK);
}

/* Who asks for one of them again asks for the mail that it was part of. */
static void test_a_dead_digest_is_driven_again_as_a_whole(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    note(b, "C", "work", "\"ann\"");
    claims(b, "");
    by_hand(b, 1, "C");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A");
    int64_t bundle = c.claim.items[0].bundle;
    came_of(b, &c, OUTCOME_failed, 0, BELFRY_REJECTED);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 8 0\nB 8 0\nC 24 0");
    by_hand(b, 0, "A");
    expect_rows(b, SQL_MAIL, "A 5 1\nB 5 1\nC 24 0");
    expect_claim(b, &c, "digest 2/2 #2 ann: B,A");
    assert_int_equal(c.claim.items[0].bundle, bundle);
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    by_hand(b, 0, "C"); /* it waits for no digest: somebody wants it now */
    arrives(b, "single 1/1 #1 ann: C");
    bench_free(b);
}

/* The channel was taken out of the configuration for a while, and the mail may have arrived before. */
static void test_a_digest_whose_channel_comes_back_is_the_same(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A");
    int64_t bundle = c.claim.items[0].bundle;
    came_of(b, &c, OUTCOME_unknown, WINDOW + 15 * MINUTE, BELFRY_UNKNOWN);
    arena_free(c.claim.arena);
    rows(b, "UPDATE delivery SET state = 22, open = 0"); /* as upkeep does an hour later */
    by_hand(b, 0, "A");
    expect_claim(b, &c, "digest 2/2 #2 ann: B,A");
    assert_int_equal(c.claim.items[0].bundle, bundle);
    assert_int_equal(c.claim.items[0].unknowns, 1);
    arena_free(c.claim.arena);
    bench_free(b);
}

/* --- what people change meanwhile --------------------------------------------------------------------------------- */

static void test_another_hour_counts_at_once(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    choose(b, "ann", "{\"digest\":{\"hour\":6}}");
    until_at(b, WINDOW - 120 * MINUTE - 1);
    claims(b, "");
    until_at(b, WINDOW - 120 * MINUTE);
    arrives(b, "digest 2/2 #1 ann: B,A");
    note(b, "C", "work", "\"ann\"");
    claims(b, "");
    choose(b, "ann", "{\"digest\":{\"weekdays\":[\"sun\"]}}");
    until_at(b, WINDOW + DAY);
    claims(b, "");
    until_at(b, WINDOW + 4 * DAY); /* 2023-11-19, a Sunday */
    arrives(b, "single 1/1 #1 ann: C");
    bench_free(b);
}

/* Two rules, one channel: one item. */
static void test_two_rules_are_one_item(void **state)
{
    (void)state;
    struct bench *b = mail_open("[{\"name\":\"m\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"unless\":[\"seen\"]}]},"
                                "{\"name\":\"n\",\"deliver\":[{\"via\":\"mail\",\"after\":60000}]}]");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    advance(b, MINUTE);
    claims(b, "");
    expect_rows(b, SQL_MAIL, "A 3 1\nA 3 1\nB 3 1\nB 3 1");
    until_at(b, WINDOW);
    arrives(b, "digest 2/2 #1 ann: B,A");
    expect_rows(b, SQL_MAIL, "A 6 0\nA 14 0\nB 6 0\nB 14 0");
    bench_free(b);
}

/* The clock of the configuration counts as it is at the window: a day has one, whatever it was before. */
static void test_a_window_that_is_none_any_more(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    note(b, "A", "work", "\"ann\"");
    claims(b, "");
    b->config->config.hub.timezone = "America/New_York"; /* 8 there is 13 UTC */
    bench_generation(b);
    until_at(b, WINDOW);
    claims(b, "");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    expect_rows(b, "SELECT DISTINCT state, due, detail FROM delivery",
                "3 1700053200000 category work is digest by default");
    until_at(b, WINDOW + 300 * MINUTE);
    arrives(b, "digest 2/2 #1 ann: B,A");
    until_at(b, WINDOW + 3 * DAY);
    claims(b, "");
    bench_free(b);
}

/* Both under way and of a digest: what took the place of one says what became of it. */
static void test_what_is_replaced_while_it_is_under_way(void **state)
{
    static const char assigned[] = "[[\"%d\",[\"emit\",{\"type\":\"thing.assigned\",\"subject\":\"t/A\",\"title\":"
                                   "\"A%d\",\"category\":\"work\",\"to\":[\"ann\"]}]]]";
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    char text[200];
    snprintf(text, sizeof(text), assigned, 1, 1);
    assert_int_equal(send_now(b, text), BELFRY_OK);
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW);
    expect_claim(b, &c, "digest 2/2 #1 ann: B,A1");
    snprintf(text, sizeof(text), assigned, 2, 2);
    assert_int_equal(send_now(b, text), BELFRY_OK);
    came_of(b, &c, OUTCOME_retrying, WINDOW + MINUTE, BELFRY_RETRY);
    arena_free(c.claim.arena);
    until_at(b, WINDOW + MINUTE);
    arrives(b, "single 1/1 #2 ann: B");
    expect_rows(b, SQL_MAIL, "A1 15 0\nA2 3 1\nB 6 0");
    bench_free(b);
}

/* --- quiet hours -------------------------------------------------------------------------------------------------- */

#define MORNING (WINDOW - 60 * MINUTE)

static void test_what_the_night_held_is_one_mail(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    choose(b, "bob", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\",\"bob\"");
    note(b, "B", "hub", "\"ann\"");
    note(b, "C", "LOUD", "\"ann\"");
    note(b, "D", "hub", "\"ann\"");
    claims(b, "");
    expect_rows(b, "SELECT DISTINCT state, due, detail FROM delivery", "1 1700031600000 the person's quiet hours");
    assert_int_equal(send_now(b, "[[\"h\",[\"handled\",\"t/D\",{},\"bob\"]]]"), BELFRY_OK);
    rows(b, "UPDATE notification SET seen = 1 WHERE event = (SELECT id FROM event WHERE title = 'B')");
    until_at(b, MORNING);
    expect_claim(b, &c, "catch-up 2/2 #1 ann: C,A\nsingle 1/1 #1 bob: A");
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 6 0\nA 4 1\nB 12 0\nC 6 0\nD 13 0");
    bench_free(b);
}

static void test_the_night_is_over_when_somebody_says_so(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "hub", "\"ann\"");
    claims(b, "");
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"21:00\",\"to\":\"07:00\"}}");
    claims(b, ""); /* asked, and held again */
    expect_rows(b, SQL_MAIL, "A 1 1\nB 1 1");
    choose(b, "ann", "{\"default\":\"unseen\"}");
    arrives(b, "catch-up 2/2 #1 ann: B,A");
    bench_free(b);
}

/* Somebody who now wants digests gets what the night held with the next one. */
static void test_what_was_held_may_become_a_digest(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "hub", "\"ann\"");
    claims(b, "");
    choose(b, "ann", "{\"email\":{\"work\":\"digest\"}}");
    arrives(b, "single 1/1 #1 ann: B");
    expect_rows(b, SQL_MAIL, "A 3 1\nB 6 0");
    bench_free(b);
}

/* A digest whose hour lies in the night goes out as one in the morning, or as one at its hour: if any of it may
 * disturb, the mail disturbs. */
static void test_a_digest_in_the_night(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    choose(b, "ann", "{\"digest\":{\"hour\":3},\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW - 300 * MINUTE);
    claims(b, "");
    expect_rows(b, "SELECT DISTINCT state, open, due, detail, bundle, lease FROM delivery",
                "3 1 1700031600000 the person's quiet hours - -");
    choose(b, "ann", "{\"digest\":{\"hour\":3},\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"},\"locale\":\"de\"}");
    claims(b, ""); /* asked again, and it is night still */
    until_at(b, MORNING);
    arrives(b, "digest 2/2 #1 ann: B,A");
    until_at(b, WINDOW + 840 * MINUTE); /* the next night */
    note(b, "C", "work", "\"ann\"");
    assert_int_equal(send_now(b, "[[\"loud\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/D\",\"title\":\"D\","
                                 "\"severity\":4,\"to\":[\"ann\"]}]]]"),
                     BELFRY_OK);
    claims(b, "");
    until_at(b, WINDOW + DAY - 300 * MINUTE);
    arrives(b, "digest 2/2 #1 ann: D,C");
    bench_free(b);
}

/* Its time had come, so the end of the night is now when somebody says so: not the next window. */
static void test_a_digest_leaves_when_the_night_is_called_off(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    choose(b, "ann", "{\"digest\":{\"hour\":3},\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, WINDOW - 300 * MINUTE);
    claims(b, "");
    note(b, "C", "work", "\"ann\"");
    claims(b, "");
    choose(b, "ann", "{\"digest\":{\"hour\":3}}");
    arrives(b, "digest 2/2 #1 ann: B,A");
    expect_rows(b, SQL_MAIL, "A 6 0\nB 6 0\nC 3 1");
    bench_free(b);
}

/* A mail that may have arrived keeps its own name: it is no part of what the night held. */
static void test_what_was_tried_before_the_night_stays_by_itself(void **state)
{
    (void)state;
    struct bench *b = mail_open(MAIL_RULES);
    struct claimed c;
    choose(b, "ann", "{\"default\":\"unseen\"}");
    note(b, "A", "work", "\"ann\"");
    expect_claim(b, &c, "single 1/1 #1 ann: A");
    came_of(b, &c, OUTCOME_unknown, START + 15 * MINUTE, BELFRY_UNKNOWN);
    arena_free(c.claim.arena);
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "B", "work", "\"ann\"");
    note(b, "C", "work", "\"ann\"");
    advance(b, 15 * MINUTE);
    claims(b, "");
    expect_rows(b, SQL_MAIL, "A 1 1\nB 1 1\nC 1 1");
    until_at(b, MORNING);
    expect_claim(b, &c, "single 1/1 #2 ann: A\ncatch-up 2/2 #1 ann: C,B");
    arena_free(c.claim.arena);
    bench_free(b);
}

/* Nor does another rule's row go in its place, as a mail of another name. */
static void test_what_was_tried_before_the_night_has_no_twin(void **state)
{
    (void)state;
    struct bench *b =
        mail_open("[{\"name\":\"late\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":600000,\"unless\":"
                  "[\"seen\"]}]},{\"name\":\"soon\",\"deliver\":[{\"via\":\"mail\",\"unless\":[\"seen\"]}]}]");
    struct claimed c;
    choose(b, "ann", "{\"default\":\"unseen\"}");
    note(b, "A", "work", "\"ann\"");
    expect_claim(b, &c, "single 1/1 #1 ann: A");
    int64_t tried = c.claim.items[0].delivery;
    came_of(b, &c, OUTCOME_unknown, START + 5 * MINUTE, BELFRY_UNKNOWN);
    arena_free(c.claim.arena);
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    advance(b, 5 * MINUTE);
    claims(b, "");
    advance(b, 5 * MINUTE);
    claims(b, "");
    until_at(b, MORNING);
    expect_claim(b, &c, "single 1/1 #2 ann: A");
    assert_int_equal(c.claim.items[0].delivery, tried);
    arena_free(c.claim.arena);
    expect_rows(b, SQL_MAIL, "A 14 0\nA 4 1");
    bench_free(b);
}

/* A plugin that takes one item at a time is never given more. */
static void test_other_channels_put_nothing_together(void **state)
{
    (void)state;
    struct bench *b = mail_new(MAIL_RULES);
    ((struct belfry_delivery *)(uintptr_t)fixture_channel(b->config, "mail")->plugin->delivery)->max_batch = 1;
    bench_start(b, NULL);
    choose(b, "ann", "{\"default\":\"unseen\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}");
    note(b, "A", "work", "\"ann\"");
    note(b, "B", "work", "\"ann\"");
    claims(b, "");
    until_at(b, MORNING);
    claims(b, "single 1/1 #1 ann: A\nsingle 1/1 #1 ann: B");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_digest_gathers_by_person_and_category),
        cmocka_unit_test(test_each_row_is_asked_again_at_the_window),
        cmocka_unit_test(test_roles_and_addresses_are_asked_at_the_window),
        cmocka_unit_test(test_a_list_is_capped_and_the_total_is_true),
        cmocka_unit_test(test_what_comes_after_the_window_waits_for_the_next),
        cmocka_unit_test(test_windows_that_were_missed_are_one),
        cmocka_unit_test(test_a_window_that_passed_meanwhile),
        cmocka_unit_test(test_a_second_try_is_the_same_digest),
        cmocka_unit_test(test_a_second_try_without_anything_left),
        cmocka_unit_test(test_a_digest_that_was_under_way_when_the_hub_died),
        cmocka_unit_test(test_a_dead_digest_is_driven_again_as_a_whole),
        cmocka_unit_test(test_a_digest_whose_channel_comes_back_is_the_same),
        cmocka_unit_test(test_another_hour_counts_at_once),
        cmocka_unit_test(test_two_rules_are_one_item),
        cmocka_unit_test(test_a_window_that_is_none_any_more),
        cmocka_unit_test(test_what_is_replaced_while_it_is_under_way),
        cmocka_unit_test(test_what_the_night_held_is_one_mail),
        cmocka_unit_test(test_the_night_is_over_when_somebody_says_so),
        cmocka_unit_test(test_what_was_held_may_become_a_digest),
        cmocka_unit_test(test_a_digest_in_the_night),
        cmocka_unit_test(test_a_digest_leaves_when_the_night_is_called_off),
        cmocka_unit_test(test_what_was_tried_before_the_night_stays_by_itself),
        cmocka_unit_test(test_what_was_tried_before_the_night_has_no_twin),
        cmocka_unit_test(test_other_channels_put_nothing_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
