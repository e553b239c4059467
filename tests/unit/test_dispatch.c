/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch over the real ledger and database, with a channel that does what the test says: claims, results, retries,
 * deadlines, targets and their health, reloads, the end. Time is virtual, deadlines of batches are moved by hand.
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
                 {BELFRY_UNKNOWN, 0, "7 1", 0, 0},
                 {BELFRY_TARGET_GONE, 0, "8 1", 0, 0},
                 {BELFRY_RETRY, 0, "5 1", 60000, 66000},
                 {BELFRY_RETRY, 3600000, "5 1", 3600000, 3960000},
                 {BELFRY_RETRY, 99 * 86400000ll, "5 1", 86400000, 95040000},
                 {BELFRY_RETRY, -5, "5 1", 60000, 66000},
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
            assert_int_equal(s->held[1].attempt, rows_[i].outcome == BELFRY_UNAVAILABLE ? 1 : 2);
            assert_string_equal(s->held[1].event, s->held[0].event);
        }
        assert_true(s->alarms == 0);
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
    assert_string_equal(s->alarm, "hub.endpoint_failing acme one");
    assert_int_equal(s->alarms, 1);
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
    dispatch_wake(s->d, NULL);
    uv_run(&s->b->loop, UV_RUN_NOWAIT); /* the claim is on its way */
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    close_scene(s);
}

static void test_no_more_than_the_hub_carries(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    enum { TARGETS = 60 };
    struct belfry_target_spec specs[TARGETS];
    char names[TARGETS][32];
    for (int i = 0; i < TARGETS; i++) {
        snprintf(names[i], sizeof(names[i]), "http://t%d.example/", i);
        specs[i] = spec_of(names[i] + 7, names[i]);
    }
    declare(s, specs, TARGETS);
    set_channel(s, "hooks", s);
    turn(s);
    emit_many(s, 0, 8);
    turn(s);
    size_t got = fresh(s);
    assert_int_equal(got, DISPATCH_INFLIGHT_MAX);
    while (s->count < TARGETS * 8) {
        size_t before = s->count;
        for (size_t i = before - got; i < before; i++)
            complete(s, i, BELFRY_DELIVERED);
        turn(s);
        got = fresh(s);
        assert_true(got > 0 && got <= DISPATCH_INFLIGHT_MAX);
    }
    for (size_t i = s->count - got; i < s->count; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 6", "480");
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
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 4", "8");
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

/* --- targets ------------------------------------------------------------------------------------------------------ */

static void test_declared_before_the_channel_is_in_force(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    char name[] = "one", secret[] = "s3cret";
    specs[0].name = name;
    specs[0].secret = secret;
    declare(s, specs, 2);
    memset(name, 'x', 3); /* copied */
    memset(secret, 'x', 6);
    turn(s);
    expect_rows(s->b, "SELECT count(*) FROM target", "0"); /* the configuration may still be rejected */
    set_channel(s, "hooks", s);
    turn(s);
    expect_rows(s->b, "SELECT name, url, enabled, removed FROM target ORDER BY name",
                "one http://one.example/ 1 -\ntwo http://two.example/ 1 -");
    expect_rows(s->b, "SELECT count(*) FROM target WHERE secret LIKE '%s3cret%'", "0");
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    assert_string_equal(s->held[0].secret, "s3cret");
    assert_string_equal(s->held[0].event, s->held[1].event);
    close_scene(s);
}

static void test_refused_declarations(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    const struct config *config = &s->b->config->config;
    struct belfry_target_spec twice[] = {spec_of("one", "http://a/"), spec_of("one", "http://b/")};
    struct belfry_target_spec nameless[] = {{.struct_size = sizeof(nameless[0]), .url = "http://a/"}};
    struct belfry_target_policy none = policy, no_waits = policy;
    none.attempts = 0;
    no_waits.waits_ms = NULL;
    const struct {
        const char *channel;
        const struct belfry_target_spec *specs;
        uint32_t count;
        const struct belfry_target_policy *policy;
        const char *text;
    } rows_[] = {{"nothing", twice, 1, &policy, "nothing"}, {"hooks", twice, 2, &policy, "`one` is there twice"},
                 {"hooks", nameless, 1, &policy, "a name"}, {"hooks", twice, 1, &none, "at least one attempt"},
                 {"hooks", twice, 1, &no_waits, "a wait"},  {"hooks", twice, 1, NULL, "at least one attempt"}};
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct error err = {0};
        assert_int_equal(
            dispatch_targets(s->d, rows_[i].channel, rows_[i].specs, rows_[i].count, rows_[i].policy, config, &err),
            BELFRY_EINVAL);
        if (!strstr(error_text(&err), rows_[i].text))
            fail_msg("row %zu: %s", i, error_text(&err));
        error_clear(&err);
    }
    close_scene(s);
}

static void test_declared_again(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec first[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    struct belfry_target_spec second[] = {spec_of("two", "http://moved.example/"),
                                          spec_of("three", "http://three.example/")};
    declare(s, first, 2);
    set_channel(s, "hooks", s);
    turn(s);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2); /* both are under way when the set changes */
    size_t one = strcmp(s->held[0].target, "one") == 0 ? 0 : 1, two = 1 - one;
    declare(s, second, 2); /* in force: at once */
    turn(s);
    expect_rows(s->b, "SELECT name, url, removed IS NULL OR removed = 0 FROM target ORDER BY name",
                "one http://one.example/ 0\nthree http://three.example/ 1\ntwo http://moved.example/ 1");
    /* what a batch was given stays as it was */
    assert_true(str_eqz(s->held[two].batch->target->url, "http://two.example/"));
    assert_true(str_eqz(s->held[one].batch->target->secret, "s3cret"));
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    for (size_t i = 2; i < 4; i++)
        assert_true(strcmp(s->held[i].target, "one") != 0);
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.targets, 2);
    complete(s, one, BELFRY_DELIVERED); /* the last of the removed one */
    complete(s, two, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(hash_count(((struct channel *)hash_get(s->d->channels, STR("hooks")))->targets), 2);
    declare(s, first, 2);
    turn(s);
    emit(s, "c", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    close_scene(s);
}

static void test_orgs_of_targets(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_str other = STR("other"), acme = STR("acme");
    struct belfry_target_spec specs[] = {spec_of("all", "http://all.example/"), spec_of("acme", "http://acme.example/"),
                                         spec_of("other", "http://other.example/")};
    specs[1].orgs = (struct belfry_strs){&acme, 1};
    specs[2].orgs = (struct belfry_strs){&other, 1};
    declare(s, specs, 3);
    set_channel(s, "hooks", s);
    turn(s);
    expect_rows(s->b, "SELECT name FROM target ORDER BY name", "acme\nall");
    /* a later generation brings another org and leaves the channel as it is */
    struct config next = s->b->config->config;
    struct config_org orgs[] = {next.orgs[0], {.name = "other"}};
    next.orgs = orgs;
    next.org_count = 2;
    next.refs = 1;
    struct dispatch_channel channel = channel_of(s, "hooks", s);
    channel.config = &next;
    dispatch_channel_set(s->d, &channel);
    turn(s);
    expect_rows(s->b, "SELECT name, count(*) FROM target GROUP BY name ORDER BY name", "acme 1\nall 2\nother 1");
    channel.config = &s->b->config->config; /* so that nobody holds the one on the stack */
    dispatch_channel_set(s->d, &channel);
    turn(s);
    assert_int_equal(next.refs, 1);
    close_scene(s);
}

static void test_gone_disables(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit_many(s, 0, 12);
    turn(s);
    assert_int_equal(fresh(s), 8);
    complete(s, 0, BELFRY_TARGET_GONE);
    complete(s, 1, BELFRY_TARGET_GONE); /* one alarm is enough */
    complete(s, 2, BELFRY_RETRY);
    turn(s);
    settle(s->b);
    assert_int_equal(s->alarms, 1);
    assert_string_equal(s->alarm, "hub.endpoint_disabled acme one");
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT enabled FROM target", "0");
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state", "2 5\n4 5\n8 2");
    for (size_t i = 3; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    emit_many(s, 20, 2);
    turn(s);
    assert_int_equal(fresh(s), 0);
    int64_t id = atoll(rows(s->b, "SELECT id FROM target"));
    ledger_target_enable(s->b->ledger, id, 1, NULL, NULL, NULL);
    dispatch_target_enabled(s->d, id, 1);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 7); /* what was held comes at once */
    dispatch_target_enabled(s->d, 12345, 1);
    close_scene(s);
}

static void test_five_days_of_failure(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    enum { DAY = 86400000 };
    emit(s, "a", "ann");
    turn(s);
    complete_fresh(s, BELFRY_RETRY);
    turn(s);
    expect_rows(s->b, "SELECT first_failure - 1700000000000 FROM target", "0");
    forward(s, 3 * DAY);
    complete_fresh(s, BELFRY_DELIVERED); /* a success starts the count anew */
    turn(s);
    emit(s, "b", "ann");
    turn(s);
    complete_fresh(s, BELFRY_RETRY);
    turn(s);
    forward(s, 3 * DAY);
    complete_fresh(s, BELFRY_REJECTED);
    turn(s);
    assert_int_equal(s->alarms, 0);
    forward(s, 2 * DAY);
    emit(s, "c", "ann");
    turn(s);
    complete_fresh(s, BELFRY_RETRY);
    turn(s);
    settle(s->b);
    assert_string_equal(s->alarm, "hub.endpoint_disabled acme one");
    expect_rows(s->b, "SELECT enabled FROM target", "0");
    expect_rows(s->b, "SELECT state FROM delivery ORDER BY id DESC LIMIT 1", "2");
    close_scene(s);
}

/* --- channels come and go ----------------------------------------------------------------------------------------- */

static void test_channel_is_replaced(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    int old = 0, successor = 0;
    set_channel(s, "mail", &old);
    emit_many(s, 0, 3);
    turn(s);
    assert_int_equal(fresh(s), 3);
    set_channel(s, "mail", &successor);
    complete(s, 0, BELFRY_DELIVERED); /* the old one finishes what it began */
    turn(s);
    dispatch_instance_gone(s->d, &old);
    assert_int_equal(s->cancelled, 0); /* nothing of it is called any more */
    turn(s);
    assert_int_equal(fresh(s), 2); /* the successor gets the rest, as it was */
    assert_int_equal(s->held[3].attempt, 1);
    expect_rows(s->b, "SELECT count(*) FROM attempt", "1");
    complete(s, 1, BELFRY_DELIVERED); /* an answer of the old one's batch is late */
    turn(s);
    expect_rows(s->b, "SELECT count(*) FROM attempt", "1");
    close_scene(s);
}

static void test_gone_while_a_claim_is_under_way(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    int old = 0;
    set_channel(s, "mail", &old);
    turn(s);
    emit(s, "a", "ann");
    dispatch_wake(s->d, NULL);
    uv_run(&s->b->loop, UV_RUN_NOWAIT);
    assert_int_equal(s->d->claimed, 8);
    dispatch_instance_gone(s->d, &old);
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, SQL_STATE, "0 0");
    set_channel(s, "mail", s);
    turn(s);
    assert_int_equal(fresh(s), 1);
    close_scene(s);
}

static void test_channel_is_removed(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit(s, "a", "ann");
    turn(s);
    dispatch_channel_remove(s->d, "mail", count_one, &s->drained);
    dispatch_channel_remove(s->d, "nothing", count_one, &s->drained);
    assert_int_equal(s->drained, 1); /* of the one that never was */
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    complete(s, 0, BELFRY_DELIVERED);
    assert_int_equal(s->drained, 2);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1\n0 0");
    close_scene(s);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void test_stop_waits_for_batches(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit_many(s, 0, 10);
    turn(s);
    dispatch_stop(s->d, 60000, count_one, &s->stopped);
    for (int i = 0; i < 5; i++)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(s->stopped, 0);
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED);
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(s->count, 8); /* nothing new began */
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state", "0 2\n6 8");
    close_scene(s);
}

static void test_stop_gives_back(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    emit(s, "a", "ann");
    turn(s);
    dispatch_stop(s->d, 0, count_one, &s->stopped);
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(s->cancelled, 1);
    while (s->d->pending)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    expect_rows(s->b, "SELECT state, attempts, due <= 1700000000000 FROM delivery", "0 0 1");
    expect_rows(s->b, "SELECT coalesce(first_failure, 0) FROM target", "0"); /* our end is nobody's failure */
    complete(s, 0, BELFRY_DELIVERED);
    close_scene(s);
}

static void test_claimed_while_stopping(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit(s, "a", "ann");
    dispatch_wake(s->d, NULL);
    uv_run(&s->b->loop, UV_RUN_NOWAIT);
    dispatch_stop(s->d, 60000, count_one, &s->stopped);
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(s->count, 0);
    expect_rows(s->b, SQL_STATE, "0 0");
    close_scene(s);
}

static void test_freed_with_everything_open(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    emit_many(s, 0, 10);
    turn(s);
    complete(s, 0, BELFRY_RETRY);
    complete(s, 1, BELFRY_TARGET_GONE);
    declare(s, specs, 2);
    dispatch_wake(s->d, NULL);
    uv_run(&s->b->loop, UV_RUN_NOWAIT);
    dispatch_free(s->d); /* before the ledger has answered */
    s->d = NULL;
    assert_int_equal(s->cancelled, 0);
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
        cmocka_unit_test(test_an_empty_queue_is_not_asked_in_a_circle),
        cmocka_unit_test(test_news_meanwhile),
        cmocka_unit_test(test_no_more_than_the_hub_carries),
        cmocka_unit_test(test_a_dead_target_delays_nobody),
        cmocka_unit_test(test_order_of_due_time),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_a_channel_that_is_down_rests),
        cmocka_unit_test(test_mail_that_is_put_off_opens_no_breaker),
        cmocka_unit_test(test_breaker_of_a_target),
        cmocka_unit_test(test_rate_of_a_target),
        cmocka_unit_test(test_declared_before_the_channel_is_in_force),
        cmocka_unit_test(test_refused_declarations),
        cmocka_unit_test(test_declared_again),
        cmocka_unit_test(test_orgs_of_targets),
        cmocka_unit_test(test_gone_disables),
        cmocka_unit_test(test_five_days_of_failure),
        cmocka_unit_test(test_channel_is_replaced),
        cmocka_unit_test(test_gone_while_a_claim_is_under_way),
        cmocka_unit_test(test_channel_is_removed),
        cmocka_unit_test(test_stop_waits_for_batches),
        cmocka_unit_test(test_stop_gives_back),
        cmocka_unit_test(test_claimed_while_stopping),
        cmocka_unit_test(test_freed_with_everything_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
