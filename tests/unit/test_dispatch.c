/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch over the real ledger and database, with a channel that does what the test says: claims, results, retries,
 * deadlines, breaker, rate. Time is virtual, deadlines of batches are moved by hand.
 */
#include "dispatch_fixture.h"

/* --- one delivery ------------------------------------------------------------------------------------------------- */

static void test_delivered(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[0].user, "ann");
    assert_string_equal(s->held[0].email, "ann@acme.example");
    assert_int_equal(strncmp(s->held[0].href, "https://belfry.example/acme/n/", 30), 0);
    assert_int_equal(s->held[0].attempt, 1);
    assert_false(dispatch_idle(s->d));
    complete_with(s, &s->held[0],
                  (struct belfry_result){
                      .outcome = BELFRY_DELIVERED, .code = 250, .detail = STR("ok"), .record = STR("{\"a\":1}")});
    turn(s);
    assert_true(dispatch_idle(s->d));
    expect_rows(s->b, SQL_STATE, "6 1");
    expect_rows(s->b, "SELECT code, detail, record FROM attempt", "250 ok {\"a\":1}");
    complete(s, 0, BELFRY_RETRY); /* once is enough */
    turn(s);
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.late_completions, 1);
    expect_rows(s->b, SQL_STATE, "6 1");
    close_scene(s);
}

static void test_results(void **state)
{
    (void)state;
    static const struct {
        uint32_t outcome;
        int64_t retry_after;
        const char *state; /* state, attempts, ms until due (0: ended) */
        int64_t earliest, latest;
    } rows_[] = {{BELFRY_DELIVERED, 0, "6 1", 0, 0},
                 {BELFRY_REJECTED, 0, "8 1", 0, 0},
                 {BELFRY_UNKNOWN, 0, "7 1", 900000, 900000},
                 {BELFRY_TARGET_GONE, 0, "8 1", 0, 0},
                 {BELFRY_RETRY, 0, "5 1", 60000, 66000},
                 {BELFRY_RETRY, 3600000, "5 1", 3600000, 3960000},
                 {BELFRY_RETRY, 36000000, "5 1", 36000000, 39600000},
                 {BELFRY_RETRY, 99 * 86400000ll, "8 1", 0, 0}, /* given up long before */
                 {BELFRY_DEFERRED, 0, "0 0", 10000, 10000},
                 {BELFRY_DEFERRED, 90000, "0 0", 90000, 90000},
                 {BELFRY_DEFERRED, 99 * 86400000ll, "0 0", 86400000, 86400000},
                 {BELFRY_RETRY, -5, "5 1", 60000, 66000},
                 {BELFRY_THROTTLED, 0, "5 1", 60000, 66000},
                 {BELFRY_THROTTLED, 3600000, "5 1", 3600000, 3960000},
                 {BELFRY_UNAVAILABLE, 0, "5 0", 30000, 30000},
                 {BELFRY_UNAVAILABLE, 90000, "5 0", 90000, 90000},
                 {BELFRY_UNAVAILABLE, 99 * 86400000ll, "5 0", 86400000, 86400000},
                 {77, 0, "5 1", 60000, 66000},
                 {0, 0, "5 1", 60000, 66000}};
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct scene *s = mail_scene();
        emit(s, "a", "ann");
        turn(s);
        complete_with(s, &s->held[0],
                      (struct belfry_result){.outcome = rows_[i].outcome, .retry_after_ms = rows_[i].retry_after});
        turn(s);
        expect_rows(s->b, SQL_STATE, rows_[i].state);
        if (rows_[i].latest) {
            int64_t due = atoll(rows(s->b, "SELECT due FROM delivery")) - START;
            if (due < rows_[i].earliest || due > rows_[i].latest)
                fail_msg("row %zu: due in %lld", i, (long long)due);
            fresh(s);
            forward(s, rows_[i].earliest - 1);
            assert_int_equal(fresh(s), 0);
            forward(s, rows_[i].latest - rows_[i].earliest + 1);
            assert_int_equal(fresh(s), 1);
            assert_int_equal(s->held[1].attempt,
                             rows_[i].outcome == BELFRY_UNAVAILABLE || rows_[i].outcome == BELFRY_DEFERRED ? 1 : 2);
            assert_string_equal(s->held[1].event, s->held[0].event);
            assert_string_equal(s->held[1].key, s->held[0].key); /* the same mail */
        }
        assert_int_equal(told(s), 0);
        close_scene(s);
    }
}

static void test_attempts_end(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit(s, "a", "ann");
    turn(s);
    for (uint32_t attempt = 1; attempt <= 4; attempt++) {
        assert_int_equal(fresh(s), 1);
        assert_int_equal(s->held[s->count - 1].attempt, attempt);
        complete(s, s->count - 1, BELFRY_RETRY);
        turn(s);
        forward(s, 1980000);
    }
    expect_rows(s->b, SQL_STATE, "8 4");
    assert_int_equal(fresh(s), 0);
    assert_string_equal(told_last(s), "hub.endpoint_failing acme one");
    assert_int_equal(told(s), 1);
    close_scene(s);
}

static void test_long_texts(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    static char detail[4000], record[40000];
    memset(detail, 'd', sizeof(detail));
    memcpy(detail + 998, "\xe2\x82\xac", 3); /* a character across the cut */
    memset(record, 'r', sizeof(record));
    emit(s, "a", "ann");
    turn(s);
    complete_with(s, &s->held[0],
                  (struct belfry_result){.outcome = BELFRY_DELIVERED,
                                         .detail = {detail, sizeof(detail)},
                                         .record = {record, sizeof(record)}});
    turn(s);
    expect_rows(s->b, "SELECT length(CAST(detail AS BLOB)), length(detail), record IS NULL OR record = '' FROM attempt",
                "998 998 1");
    close_scene(s);
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

static void test_only_free_slots_are_claimed(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit_many(s, 0, 20);
    turn(s);
    assert_int_equal(fresh(s), 8);
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 4", "8");
    turn(s);
    assert_int_equal(fresh(s), 0);
    complete(s, 0, BELFRY_DELIVERED);
    complete(s, 1, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 2);
    for (size_t i = 2; i < 20; i++) {
        complete(s, i, BELFRY_DELIVERED);
        turn(s);
    }
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 6", "20");
    assert_true(dispatch_idle(s->d));
    close_scene(s);
}

static uint32_t wanted;

static uint32_t inflight(void *self)
{
    (void)self;
    return wanted;
}

/* Asked before each claim; no more than the plugin ever takes, and never nothing. */
static void test_a_plugin_says_how_many_it_has_use_for(void **state)
{
    static const struct {
        uint32_t wanted, under_way;
    } rows_[] = {{1, 1}, {3, 3}, {8, 8}, {900, 8}, {0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct scene *s = open_scene(MAIL);
        s->mail.inflight = inflight;
        wanted = rows_[i].wanted;
        set_channel(s, "mail", NULL);
        emit_many(s, 0, 20);
        turn(s);
        assert_int_equal(fresh(s), rows_[i].under_way);
        wanted = 5;
        complete(s, 0, BELFRY_DELIVERED);
        turn(s);
        assert_int_equal(fresh(s), rows_[i].under_way > 5 ? 0 : 6 - rows_[i].under_way);
        close_scene(s);
    }
}

static uint64_t claims(struct scene *s)
{
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    return n.claims;
}

static void test_an_empty_queue_is_not_asked_in_a_circle(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    uint64_t before = claims(s);
    for (int i = 0; i < 50; i++)
        uv_run(&s->b->loop, UV_RUN_NOWAIT);
    assert_int_equal(claims(s), before);
    emit(s, "a", "ann");
    turn(s);
    complete_fresh(s, BELFRY_DELIVERED);
    turn(s);
    before = claims(s);
    for (int i = 0; i < 50; i++)
        uv_run(&s->b->loop, UV_RUN_NOWAIT);
    assert_int_equal(claims(s), before);
    close_scene(s);
}

/* News that come while a claim is under way are looked at after it. */
static void test_news_meanwhile(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit(s, "a", "ann");
    while (s->d->claims == 0) /* the claim is on its way when the second comes */
        uv_run(&s->b->loop, UV_RUN_NOWAIT);
    struct ledger_news news = {.deliveries = 1};
    dispatch_wake(s->d, &news);
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    close_scene(s);
}

static void test_a_dead_target_delays_nobody(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("dead", "http://dead.example/"),
                                         spec_of("live", "http://live.example/")};
    declare(s, specs, 2);
    set_channel(s, "hooks", s);
    turn(s);
    for (int i = 0; i < 60; i++) {
        emit_many(s, i, 1);
        turn(s);
        for (; s->taken < s->count; s->taken++)
            if (strcmp(s->held[s->taken].target, "live") == 0)
                complete(s, s->taken, BELFRY_DELIVERED); /* the dead one never answers */
        turn(s);
    }
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 6", "60");
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 4", "1");
    close_scene(s);
}

static void test_order_of_due_time(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/")};
    specs[0].concurrency = 1;
    declare(s, specs, 1);
    set_channel(s, "hooks", s);
    turn(s);
    for (int i = 0; i < 5; i++) {
        emit_many(s, i, 1);
        clock_advance(s->b->clock, 1000);
    }
    for (int i = 0; i < 5; i++) {
        turn(s);
        assert_int_equal(fresh(s), 1);
        complete(s, (size_t)i, BELFRY_DELIVERED);
    }
    for (int i = 1; i < 5; i++)
        assert_true(strcmp(s->held[i - 1].event, s->held[i].event) != 0);
    close_scene(s);
}

/* Fifty queues with something to do at fifty times: each comes when it is due, none is looked at before. */
static void test_every_queue_in_its_time(void **state)
{
    (void)state;
    enum { TARGETS = 50, MINUTES = 60000 };
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[TARGETS];
    char names[TARGETS][32];
    for (int i = 0; i < TARGETS; i++) {
        snprintf(names[i], sizeof(names[i]), "http://t%d.example/", i);
        specs[i] = spec_of(names[i] + 7, names[i]);
    }
    declare(s, specs, TARGETS);
    set_channel(s, "hooks", s);
    turn(s);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), TARGETS);
    for (size_t i = 0; i < TARGETS; i++)
        complete_with(s, &s->held[i],
                      (struct belfry_result){.outcome = BELFRY_RETRY,
                                             .retry_after_ms = (int64_t)(1 + i * 31 % TARGETS) * 2 * MINUTES});
    turn(s);
    for (int minute = 0; minute < 130; minute++) {
        clock_advance(s->b->clock, MINUTES);
        uint64_t before = claims(s);
        dispatch_tick(s->d); /* the clock jumped: that is all that dispatch is told */
        turn(s);
        size_t came = fresh(s);
        assert_true(claims(s) - before <= came);
        char sql[120];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM delivery WHERE due <= %lld AND state = 5",
                 (long long)clock_now_ms(s->b->clock));
        expect_rows(s->b, sql, "0");
    }
    assert_int_equal(s->count, 2 * TARGETS);
    close_scene(s);
}

static void test_a_clock_that_is_set_back(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit(s, "a", "ann");
    turn(s);
    complete(s, 0, BELFRY_RETRY);
    turn(s);
    clock_set(s->b->clock, START - 3600000);
    dispatch_tick(s->d);
    emit(s, "b", "ann"); /* what is new does not wait for what is put off */
    turn(s);
    assert_int_equal(fresh(s), 2);
    complete(s, 1, BELFRY_DELIVERED);
    turn(s);
    clock_set(s->b->clock, START + 6000);
    dispatch_tick(s->d);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->held[2].attempt, 2);
    close_scene(s);
}

/* --- deadlines ---------------------------------------------------------------------------------------------------- */

static struct batch *batch_at(struct scene *s, size_t i)
{
    return hash_get(s->d->batches, str_slice((const char *)&s->held[i].id, sizeof(uint64_t)));
}

static void test_deadline(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit_many(s, 0, 2);
    turn(s);
    uint64_t now = clock_mono_ns(clock_real());
    batches_expire(s->d);
    assert_int_equal(s->cancelled, 0);
    batch_at(s, 1)->deadline_ns = now - 1; /* the second: deadlines differ from channel to channel */
    batches_expire(s->d);
    batches_expire(s->d);
    assert_int_equal(s->cancelled, 1);
    assert_int_equal(s->cancelled_id, s->held[1].id);
    turn(s);
    expect_rows(s->b, SQL_STATE, "4 0\n4 0"); /* hurry, and a little patience */
    batch_at(s, 1)->deadline_ns = now - 6000000000ull;
    batches_expire(s->d);
    turn(s);
    expect_rows(s->b, SQL_STATE, "4 0\n5 1");
    expect_rows(s->b, "SELECT detail FROM attempt", "the plugin did not answer before the deadline");
    complete(s, 1, BELFRY_DELIVERED); /* too late */
    turn(s);
    expect_rows(s->b, SQL_STATE, "4 0\n5 1");
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.late_completions, 1);
    batch_at(s, 0)->deadline_ns = now - 1; /* hurrying helps */
    batches_expire(s->d);
    complete(s, 0, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1\n5 1");
    close_scene(s);
}

/* --- unavailable, breaker, rate ----------------------------------------------------------------------------------- */

static void test_a_channel_that_is_down_rests(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit_many(s, 0, 30);
    turn(s);
    assert_int_equal(fresh(s), 8);
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_UNAVAILABLE);
    turn(s);
    assert_int_equal(fresh(s), 0); /* nobody else is tried in vain */
    forward(s, 29999);
    assert_int_equal(fresh(s), 0);
    forward(s, 1);
    assert_int_equal(fresh(s), 8);
    complete(s, 8, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 1);
    expect_rows(s->b, "SELECT max(attempts) FROM delivery", "1");
    close_scene(s);
}

/* Whoever mends the configuration does not wait for what the instance before said, then or later. */
static void test_a_channel_that_is_mended_rests_no_more(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    int mended = 0;
    emit_many(s, 0, 30);
    turn(s);
    assert_int_equal(fresh(s), 8);
    for (size_t i = 0; i < 7; i++)
        complete(s, i, BELFRY_UNAVAILABLE);
    turn(s);
    assert_int_equal(fresh(s), 0);
    set_channel(s, "mail", s); /* a reload that leaves it as it is */
    turn(s);
    assert_int_equal(fresh(s), 0);
    set_channel(s, "mail", &mended);
    turn(s);
    assert_int_equal(fresh(s), 7);
    complete(s, 7, BELFRY_UNAVAILABLE); /* the instance before had this one all the time */
    turn(s);
    assert_int_equal(fresh(s), 1);
    complete(s, 8, BELFRY_UNAVAILABLE); /* but now it is the one in force */
    turn(s);
    assert_int_equal(fresh(s), 0);
    close_scene(s);
}

/* Nothing else goes to it, whatever else of it arrives meanwhile; but the attempt counts, and there is an end to them.
 */
static void test_a_target_that_has_too_much_to_do_rests(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit_many(s, 0, 3);
    turn(s);
    assert_int_equal(fresh(s), 3);
    complete_with(s, &s->held[0], (struct belfry_result){.outcome = BELFRY_THROTTLED, .retry_after_ms = 90000});
    complete(s, 1, BELFRY_DELIVERED);
    complete(s, 2, BELFRY_DELIVERED);
    emit(s, "later", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT state, attempts FROM delivery ORDER BY id", "5 1\n6 1\n6 1\n0 0");
    forward(s, 89999);
    assert_int_equal(fresh(s), 0);
    forward(s, 1);
    assert_true(fresh(s) >= 1);       /* first the one that came; the other has its jitter */
    complete(s, 3, BELFRY_THROTTLED); /* names no time */
    emit(s, "last", "ann");
    turn(s);
    forward(s, 4999);
    assert_int_equal(fresh(s), 0);
    forward(s, 1);
    assert_true(fresh(s) >= 1);
    close_scene(s);
}

static void test_mail_that_is_put_off_opens_no_breaker(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit_many(s, 0, 40);
    for (int i = 0; i < 10; i++) {
        turn(s);
        complete_fresh(s, i % 2 ? BELFRY_RETRY : BELFRY_REJECTED);
    }
    turn(s);
    assert_int_equal(s->count, 40);
    close_scene(s);
}

static void test_breaker_of_a_target(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit_many(s, 0, 30);
    turn(s);
    while (s->count < 30) {
        size_t before = s->count;
        complete_fresh(s, BELFRY_RETRY);
        turn(s);
        if (s->count == before)
            break;
    }
    assert_true(s->count >= 10 && s->count < 25);
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.breakers_open, 1);
    assert_int_equal(n.targets, 1);
    complete_fresh(s, BELFRY_RETRY);
    forward(s, 29000);
    assert_int_equal(fresh(s), 0);
    forward(s, 1001);
    assert_int_equal(fresh(s), 1); /* half open: one goes ahead */
    complete(s, s->count - 1, BELFRY_RETRY);
    turn(s);
    forward(s, 15000);
    assert_int_equal(fresh(s), 0);
    forward(s, 15001);
    assert_int_equal(fresh(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    turn(s);
    assert_true(fresh(s) > 1);
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.breakers_open, 0);
    close_scene(s);
}

static void test_rate_of_a_target(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/")};
    specs[0].rate_per_minute = 120;
    declare(s, specs, 1);
    set_channel(s, "hooks", s);
    turn(s);
    emit_many(s, 0, 40);
    size_t before = 0;
    for (int second = 0; second < 10; second++) {
        for (int i = 0; i < 4; i++) {
            turn(s);
            complete_fresh(s, BELFRY_DELIVERED);
            forward(s, 250);
        }
        complete_fresh(s, BELFRY_DELIVERED);
        assert_true(s->count - before <= 4); /* two a second, and what had gathered */
        before = s->count;
    }
    assert_true(s->count >= 19 && s->count <= 23);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivered),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_attempts_end),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_only_free_slots_are_claimed),
        cmocka_unit_test(test_a_plugin_says_how_many_it_has_use_for),
        cmocka_unit_test(test_an_empty_queue_is_not_asked_in_a_circle),
        cmocka_unit_test(test_news_meanwhile),
        cmocka_unit_test(test_a_dead_target_delays_nobody),
        cmocka_unit_test(test_order_of_due_time),
        cmocka_unit_test(test_every_queue_in_its_time),
        cmocka_unit_test(test_a_clock_that_is_set_back),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_a_channel_that_is_down_rests),
        cmocka_unit_test(test_a_channel_that_is_mended_rests_no_more),
        cmocka_unit_test(test_a_target_that_has_too_much_to_do_rests),
        cmocka_unit_test(test_mail_that_is_put_off_opens_no_breaker),
        cmocka_unit_test(test_breaker_of_a_target),
        cmocka_unit_test(test_rate_of_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
