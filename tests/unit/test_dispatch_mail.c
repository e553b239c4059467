/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch and mail: what goes out as one, how long something is tried, and what may have arrived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dispatch_fixture.h"
#include "mail_fixture.h"

#define HOUR (60 * MINUTE)

/* A channel as mail is, category work in digests. */
static struct scene *mails(int digests)
{
    struct scene *s = open_scene(MAIL_RULES);
    struct config *config = &s->b->config->config;
    for (size_t i = 0; i < config->category_count; i++)
        ((struct config_category *)(uintptr_t)&config->categories[i])->email =
            digests ? CONFIG_EMAIL_DIGEST : CONFIG_EMAIL_UNSEEN;
    s->mail.flags |= BELFRY_DELIVERY_PREFERENCE | BELFRY_DELIVERY_DIGEST;
    s->mail.max_batch = 3;
    bench_generation(s->b); /* with what the channel can do */
    set_channel(s, "mail", s);
    turn(s);
    return s;
}

static const struct held *last(const struct scene *s)
{
    return &s->held[s->count - 1];
}

static void notes(struct scene *s, const char *titles)
{
    for (const char *c = titles; *c; c++)
        note(s->b, (char[]){*c, '\0'}, "work", "\"ann\"");
    turn(s);
}

static void to_window(struct scene *s)
{
    forward(s, WINDOW - clock_now_ms(s->b->clock));
}

static void test_a_digest_is_one_batch(void **state)
{
    (void)state;
    struct scene *s = mails(1);
    notes(s, "ABCDE");
    assert_int_equal(fresh(s), 0);
    to_window(s);
    assert_int_equal(fresh(s), 1);
    const struct belfry_batch *batch = last(s)->batch;
    assert_int_equal(batch->kind, BELFRY_BATCH_DIGEST);
    assert_int_equal(batch->item_count, 3); /* what the plugin takes */
    assert_int_equal(batch->total, 5);
    assert_string_equal(last(s)->titles, "E,D,C");
    assert_int_equal(batch->key.len, ID_TEXT_SIZE - 1);
    assert_true(str_eqz(batch->person->username, "ann") && str_eqz(batch->items[2]->category_label, "work"));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(batch->items[i]->href.len > 0 && str_eqz(batch->items[i]->reason, "owner"));
    complete(s, 0, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1\n6 1\n6 1\n6 1\n6 1");
    forward(s, DAY);
    assert_int_equal(fresh(s), 0);
    close_scene(s);
}

/* Each attempt has the key of the first, whatever is left, and no other batch has it. */
static void test_a_batch_keeps_its_key(void **state)
{
    (void)state;
    struct scene *s = mails(1);
    char key[64];
    notes(s, "ABC");
    to_window(s);
    snprintf(key, sizeof(key), "%s", last(s)->key);
    complete(s, 0, BELFRY_RETRY);
    turn(s);
    assert_int_equal(send_now(s->b, "[[\"h\",[\"handled\",\"t/C\",{},\"bob\"]]]"), BELFRY_OK);
    notes(s, "D");
    forward(s, 66000);
    assert_int_equal(s->count, 2);
    assert_string_equal(last(s)->titles, "B,A");
    assert_string_equal(last(s)->key, key);
    assert_int_equal(last(s)->attempt, 2);
    complete(s, 1, BELFRY_UNAVAILABLE); /* no attempt of this mail's */
    turn(s);
    forward(s, 30000);
    assert_int_equal(last(s)->attempt, 2);
    assert_string_equal(last(s)->key, key);
    complete(s, 2, BELFRY_DEFERRED);
    turn(s);
    forward(s, 10000);
    assert_string_equal(last(s)->key, key);
    complete(s, 3, BELFRY_DELIVERED);
    turn(s);
    forward(s, DAY);
    assert_int_equal(s->count, 5);
    assert_string_equal(last(s)->titles, "D");
    assert_string_not_equal(last(s)->key, key);
    close_scene(s);
}

/* A result for each: what arrived has arrived, the rest is tried again. */
static void test_results_item_by_item(void **state)
{
    (void)state;
    struct scene *s = mails(1);
    notes(s, "ABCDE");
    to_window(s);
    struct belfry_result results[3] = {{.struct_size = sizeof(results[0]), .outcome = BELFRY_RETRY},
                                       {.struct_size = sizeof(results[0]), .outcome = BELFRY_DELIVERED},
                                       {.struct_size = sizeof(results[0]), .outcome = BELFRY_REJECTED}};
    dispatch_complete(s->d, s->held[0].id, results, 3);
    turn(s);
    expect_rows(s->b, SQL_MAIL, "A 5 1\nB 5 1\nC 8 0\nD 6 0\nE 5 1");
    forward(s, 66000);
    assert_string_equal(last(s)->titles, "E,B,A");
    results[0].outcome = results[1].outcome = results[2].outcome = BELFRY_DELIVERED;
    dispatch_complete(s->d, last(s)->id, results, 3);
    turn(s);
    expect_rows(s->b, SQL_MAIL, "A 6 0\nB 6 0\nC 8 0\nD 6 0\nE 6 0");
    close_scene(s);
}

/* 1 m, 5 m, 15 m, 1 h, 2 h, 4 h; then it is dead. */
static void test_the_schedule(void **state)
{
    (void)state;
    static const int64_t minutes[] = {1, 5, 15, 60, 120, 240};
    struct scene *s = mails(0);
    notes(s, "A");
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(fresh(s), 1);
        complete(s, s->count - 1, BELFRY_RETRY);
        turn(s);
        forward(s, minutes[i] * MINUTE - 1);
        assert_int_equal(fresh(s), 0);
        forward(s, minutes[i] * MINUTE / 10 + 1001);
    }
    complete(s, s->count - 1, BELFRY_RETRY);
    turn(s);
    expect_rows(s->b, SQL_STATE, "8 7");
    close_scene(s);
}

/* A server that is away for hours uses up no attempts; the twelve hours go by all the same. */
static void test_twelve_hours(void **state)
{
    (void)state;
    struct scene *s = mails(0);
    notes(s, "A");
    complete(s, 0, BELFRY_RETRY);
    turn(s);
    forward(s, 2 * MINUTE);
    complete_with(s, last(s), (struct belfry_result){.outcome = BELFRY_UNAVAILABLE, .retry_after_ms = 11 * HOUR});
    turn(s);
    forward(s, 11 * HOUR);
    assert_int_equal(s->count, 3);
    complete_with(
        s, last(s),
        (struct belfry_result){.outcome = BELFRY_RETRY, .retry_after_ms = 50 * MINUTE, .detail = STR("451 no")});
    turn(s);
    expect_rows(s->b, "SELECT state, detail FROM delivery WHERE state = 5", "5 451 no");
    forward(s, 55 * MINUTE);
    complete_with(s, last(s), (struct belfry_result){.outcome = BELFRY_RETRY, .detail = STR("451 still no")});
    turn(s);
    expect_rows(s->b, "SELECT state, attempts, detail FROM delivery",
                "8 3 given up 12 hours after the first attempt: 451 still no");
    close_scene(s);
}

/* What could only be tried again in the last minute of its validity, or later, ends at once and says why. */
static void test_retries_are_bounded_by_validity(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t outcome;
        int64_t until;
        const char *row;
    } table[] = {
        {"a retry in time", BELFRY_RETRY, 126001, "5 1 1 450 busy"},
        {"a retry that comes too late", BELFRY_RETRY, 119999,
         "9 0 1 its validity ends before it could be tried again: 450 busy"},
        {"a pause that ends in time", BELFRY_DEFERRED, 70000, "0 1 0 450 busy"},
        {"a pause that ends too late", BELFRY_DEFERRED, 69999,
         "9 0 0 its validity ends before it could be tried again: 450 busy"},
        {"a server that is back in time", BELFRY_UNAVAILABLE, 90000, "5 1 0 450 busy"},
        {"a server that is back too late", BELFRY_UNAVAILABLE, 89999,
         "9 0 0 its validity ends before it could be tried again: 450 busy"},
        {"once more in time", BELFRY_UNKNOWN, 960000, "7 1 1 450 busy"},
        {"no time to send it once more", BELFRY_UNKNOWN, 959999, "7 0 1 450 busy"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct scene *s = mails(0);
        char text[200];
        snprintf(text, sizeof(text), "[[\"1\",[\"emit\",{\"type\":\"thing.note\",\"until\":%lld,\"to\":[\"ann\"]}]]]",
                 (long long)table[i].until);
        assert_int_equal(send_now(s->b, text), BELFRY_OK);
        turn(s);
        complete_with(s, &s->held[0],
                      (struct belfry_result){.outcome = table[i].outcome, .detail = STR("450 busy"), .code = 450});
        turn(s);
        const char *have = rows(s->b, "SELECT state, open, attempts, detail FROM delivery");
        if (strcmp(have, table[i].row) != 0)
            fail_msg("%s: %s", table[i].name, have);
        close_scene(s);
    }
}

/* Once more after a quarter of an hour, with the same key, unless somebody looked; never a third time. */
static void test_what_may_have_arrived(void **state)
{
    (void)state;
    struct scene *s = mails(0);
    notes(s, "AB");
    complete(s, 0, BELFRY_UNKNOWN);
    complete(s, 1, BELFRY_UNKNOWN);
    turn(s);
    expect_rows(s->b, SQL_MAIL, "A 7 1\nB 7 1");
    forward(s, 14 * MINUTE);
    assert_int_equal(s->count, 2);
    rows(s->b, "UPDATE notification SET seen = 1 WHERE event = (SELECT id FROM event WHERE title = 'B')");
    forward(s, MINUTE);
    assert_int_equal(s->count, 3);
    assert_string_equal(last(s)->key, s->held[0].key);
    complete(s, 2, BELFRY_UNKNOWN);
    turn(s);
    expect_rows(s->b, SQL_MAIL, "A 7 0\nB 12 0");
    forward(s, DAY);
    assert_int_equal(s->count, 3);
    close_scene(s);
}

static void stop_until_cancelled(struct scene *s)
{
    dispatch_stop(s->d, 0, count_one, &s->stopped);
    while (!s->cancelled)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(s->stopped, 0);
}

/* The hub stops while a plugin has it, and hears no more of it: the same, without a crash. */
static void test_a_stop_in_between(void **state)
{
    (void)state;
    struct scene *s = mails(1);
    notes(s, "AB");
    to_window(s);
    assert_int_equal(fresh(s), 1);
    stop_until_cancelled(s);
    s->d->stop_deadline_ns = 0;
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    settle(s->b);
    expect_rows(s->b, SQL_MAIL, "A 7 1\nB 7 1");
    expect_rows(s->b, "SELECT count(*), min(detail) FROM attempt", "1 the hub stopped before the answer came");
    s->stopped = 0;
    close_scene(s);
}

/* What was not handed over to anybody when the hub stops is no mail that may have arrived. */
static void test_a_stop_before_it_was_handed_over(void **state)
{
    (void)state;
    struct scene *s = mails(0);
    notes(s, "A");
    assert_int_equal(fresh(s), 1);
    stop_until_cancelled(s);
    complete(s, 0, BELFRY_RETRY);
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    settle(s->b);
    expect_rows(s->b, SQL_MAIL, "A 5 1");
    expect_rows(s->b, "SELECT count(*) FROM attempt WHERE detail LIKE 'the hub stopped%'", "0");
    s->stopped = 0;
    close_scene(s);
}

/* Whom the mail domain put off waits; everybody else goes on, and nobody is asked in a circle. */
static void test_deferred_rows_are_in_nobodys_way(void **state)
{
    (void)state;
    struct scene *s = mails(0);
    enum { MANY = 300 };
    for (int i = 0; i < MANY; i++)
        notes(s, "A");
    for (int round = 0; s->count < MANY && round < MANY; round++) {
        complete_fresh(s, BELFRY_DEFERRED);
        turn(s);
    }
    complete_fresh(s, BELFRY_DEFERRED);
    turn(s);
    assert_int_equal(s->count, MANY);
    expect_rows(s->b, "SELECT state, open, attempts, count(*) FROM delivery GROUP BY 1, 2, 3", "0 1 0 300");
    uint64_t claims_before = s->d->numbers.claims;
    note(s->b, "B", "work", "\"bob\"");
    turn(s);
    assert_int_equal(s->count, MANY + 1); /* at once */
    assert_string_equal(last(s)->user, "bob");
    complete(s, MANY, BELFRY_DELIVERED);
    turn(s);
    assert_true(s->d->numbers.claims - claims_before <= 3);
    forward(s, 9000);
    assert_int_equal(s->count, MANY + 1);
    forward(s, 1000);
    assert_true(s->count > MANY + 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_digest_is_one_batch),
        cmocka_unit_test(test_a_batch_keeps_its_key),
        cmocka_unit_test(test_results_item_by_item),
        cmocka_unit_test(test_the_schedule),
        cmocka_unit_test(test_twelve_hours),
        cmocka_unit_test(test_retries_are_bounded_by_validity),
        cmocka_unit_test(test_what_may_have_arrived),
        cmocka_unit_test(test_a_stop_in_between),
        cmocka_unit_test(test_a_stop_before_it_was_handed_over),
        cmocka_unit_test(test_deferred_rows_are_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
