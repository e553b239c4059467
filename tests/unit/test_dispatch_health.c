/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints that fail: who is told what and when, the end after five days, and that it is over. */
#include "dispatch_fixture.h"

#include "ledger/endpoints.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* Everybody's events go to both endpoints, the hub's too. */
#define EVERYTHING "[{\"name\":\"all\",\"deliver\":[\"inbox\",\"hooks\"]}]"
#define NEWS "SELECT t.text" TOLD " ORDER BY e.id"

static struct scene *scene(const char *rules)
{
    static int64_t days[] = {5000, 300000, 1800000, 400 * HOUR};
    static struct belfry_target_policy long_policy = {
        .struct_size = sizeof(long_policy), .attempts = 5, .waits_ms = days, .timeout_ms = 20000};
    struct scene *s = open_scene(rules);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/")};
    struct error err = {0};
    assert_int_equal(dispatch_targets(s->d, "hooks", NULL, specs, 1, &long_policy, &s->b->config->config, &err),
                     BELFRY_OK);
    set_channel(s, "hooks", s);
    turn(s);
    return s;
}

/* One delivery fails once, and its next attempt is far away because the receiver asked for it. */
static void fails_for_long(struct scene *s, const char *id, int64_t pause)
{
    emit(s, id, "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    complete_with(
        s, &s->held[s->count - 1],
        (struct belfry_result){
            .outcome = BELFRY_RETRY, .code = 503, .detail = STR("503 Service Unavailable"), .retry_after_ms = pause});
    turn(s);
}

/* --- by results --------------------------------------------------------------------------------------------------- */

static void test_the_fourth_attempt_is_told_once(void **state)
{
    (void)state;
    struct scene *s = scene(HOOKS);
    emit(s, "a", "ann");
    turn(s);
    for (int attempt = 1; attempt <= 4; attempt++) {
        assert_int_equal(told(s), 0);
        assert_int_equal(fresh(s), 1);
        complete_with(s, &s->held[s->count - 1],
                      (struct belfry_result){.outcome = BELFRY_RETRY, .detail = STR("connection refused")});
        turn(s);
        if (attempt < 4)
            forward(s, 1980000);
    }
    assert_string_equal(told_last(s), "hub.endpoint_failing acme one");
    assert_int_equal(told(s), 1);
    expect_rows(s->b, "SELECT failures, told FROM target", "4 1"); /* counted to the last */
    const char *body = rows(s->b, "SELECT e.body" TOLD);
    assert_non_null(strstr(body, "None has arrived since 2023-11-14 22:13 UTC."));
    assert_non_null(strstr(body, "The last answer was: connection refused"));
    assert_non_null(strstr(body, "before 2023-11-19 22:13 UTC"));
    assert_non_null(strstr(body, "/acme/endpoints"));
    assert_non_null(strstr(rows(s->b, "SELECT e.texts" TOLD), "Zustellungen an den Endpunkt `one` von `hooks`"));
    expect_rows(s->b,
                "SELECT e.data ->> '$.endpoint.name', e.data ->> '$.since', e.data ->> '$.disabled_at',"
                " e.data ->> '$.answer'" TOLD,
                "one 2023-11-14T22:13:20.000Z 2023-11-19T22:13:20.000Z connection refused");
    close_scene(s);
}

/* It says that it is gone while a claim for it is on its way: what that took is not sent any more, and is held. */
static void test_a_claim_under_way_when_it_is_gone(void **state)
{
    (void)state;
    struct scene *s = scene(HOOKS);
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *target;
    struct belfry_str key;
    assert_true(hash_next(ch->targets, &pos, &key, &target));
    struct queue_state *q = ((struct target *)target)->queue;
    prove(s);
    emit(s, "a", "ann");
    turn(s);
    q->rests_until_ms = INT64_MAX;
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    q->rests_until_ms = 0;
    queue_run(s->d, q);
    assert_true(q->claiming);
    complete(s, 0, BELFRY_TARGET_GONE);
    turn(s);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b,
                "SELECT state, open, attempts FROM delivery WHERE event IN (SELECT id FROM event WHERE type <>"
                " (SELECT id FROM name WHERE text = 'hub.endpoint_disabled')) ORDER BY id",
                "8 0 1\n2 2 0");
    assert_int_equal(q->inflight + q->claimed, 0);
    close_scene(s);
}

/* --- by time ------------------------------------------------------------------------------------------------------ */

static void test_each_share_of_the_five_days_is_told_once(void **state)
{
    (void)state;
    static const struct {
        int64_t hours;
        int count;
        const char *last;
    } table[] = {{59, 0, NULL},
                 {60, 1, "hub.endpoint_failing acme one"},
                 {83, 1, "hub.endpoint_failing acme one"},
                 {84, 2, "hub.endpoint_failing acme one"},
                 {107, 2, "hub.endpoint_failing acme one"},
                 {108, 3, "hub.endpoint_failing acme one"},
                 {119, 3, "hub.endpoint_failing acme one"},
                 {120, 4, "hub.endpoint_disabled acme one"},
                 {200, 4, "hub.endpoint_disabled acme one"}};
    struct scene *s = scene(HOOKS);
    int64_t now = 0;
    emit(s, "a", "ann");
    turn(s);
    for (int attempt = 1; attempt <= 4; attempt++) { /* the fifth is far away */
        assert_int_equal(fresh(s), 1);
        struct belfry_result failed = {.outcome = attempt < 4 ? BELFRY_UNAVAILABLE : BELFRY_RETRY,
                                       .retry_after_ms = attempt < 4 ? 30000 : 24 * HOUR};
        complete_with(s, &s->held[s->count - 1], failed);
        turn(s);
        forward(s, attempt < 4 ? 30000 : 0);
        if (attempt == 4)
            break;
    }
    rows(s->b, "UPDATE delivery SET due = due + 1000 * 3600000"); /* a pause as long as one likes */
    dispatch_wake(s->d, NULL);
    turn(s);
    int64_t begun = clock_now_ms(s->b->clock) - START;
    now = begun;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        forward(s, table[i].hours * HOUR - now);
        now = table[i].hours * HOUR;
        if (told(s) != table[i].count)
            fail_msg("after %lld hours: %d", (long long)table[i].hours, told(s));
        if (table[i].last)
            assert_string_equal(told_last(s), table[i].last);
    }
    expect_rows(s->b, "SELECT enabled, disabled_why, told FROM target", "0 no delivery has arrived for five days 100");
    expect_rows(s->b, "SELECT state, open FROM delivery", "2 2"); /* held, not lost */
    close_scene(s);
}

/* What is overdue is tried before anything is said. */
static void test_a_clock_that_jumps_disables_nobody(void **state)
{
    (void)state;
    struct scene *s = scene(HOOKS);
    fails_for_long(s, "a", 24 * HOUR);
    forward(s, 6 * DAY);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(told(s), 0);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    assert_int_equal(told(s), 0);
    expect_rows(s->b, "SELECT enabled, first_failure, failures FROM target", "1 - 0");
    close_scene(s);
}

/* --- it is over --------------------------------------------------------------------------------------------------- */

static void test_recovery_takes_the_place_of_the_warning(void **state)
{
    (void)state;
    struct scene *s = scene("[{\"name\":\"all\",\"deliver\":[\"inbox\"]},"
                            "{\"name\":\"h\",\"when\":{\"source\":\"crm\"},\"deliver\":[\"hooks\"]}]");
    fails_for_long(s, "a", 70 * HOUR);
    rows(s->b, "UPDATE delivery SET due = due + 40 * 3600000 WHERE target > 0");
    dispatch_wake(s->d, NULL);
    forward(s, 61 * HOUR);
    assert_int_equal(told(s), 1);
    forward(s, 60 * HOUR);
    assert_int_equal(fresh(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    assert_string_equal(told_last(s), "hub.endpoint_recovered acme one");
    assert_int_equal(told(s), 2);
    expect_rows(s->b, "SELECT first_failure, failures, told FROM target", "- 0 0");
    emit(s, "b", "ann");
    turn(s);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    assert_int_equal(told(s), 2); /* once */
    close_scene(s);
}

static void test_after_it_was_enabled_by_hand(void **state)
{
    (void)state;
    struct scene *s = scene(HOOKS);
    emit(s, "a", "ann");
    turn(s);
    complete(s, 0, BELFRY_TARGET_GONE);
    assert_string_equal(told_last(s), "hub.endpoint_disabled acme one");
    fresh(s);
    int64_t id = atoll(rows(s->b, "SELECT id FROM target"));
    ledger_target_enable(s->b->ledger, id, 1, NULL, NULL, NULL);
    settle(s->b);
    target_find(s->d, id)->enabled = 1;
    expect_rows(s->b, "SELECT e.validity" TOLD, "3"); /* it is not disabled any more */
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(told(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    assert_string_equal(told_last(s), "hub.endpoint_recovered acme one");
    close_scene(s);
}

/* What was told is written with the telling: nobody hears it twice. */
static void test_after_a_restart(void **state)
{
    (void)state;
    struct scene *s = scene(HOOKS);
    fails_for_long(s, "a", 100 * HOUR);
    rows(s->b, "UPDATE delivery SET due = due + 1000 * 3600000");
    dispatch_wake(s->d, NULL);
    forward(s, 61 * HOUR);
    assert_int_equal(told(s), 1);
    struct target *t = target_find(s->d, atoll(rows(s->b, "SELECT id FROM target")));
    t->warned = t->told = t->failed = 0; /* as a fresh one has it, before its row is known */
    t->first_failure_ms = 0;
    struct belfry_target_spec same[] = {spec_of("one", "http://one.example/")};
    declare(s, same, 1);
    turn(s);
    assert_int_equal(t->warned, 50);
    assert_int_equal(t->told, 1);
    forward(s, HOUR);
    assert_int_equal(told(s), 1);
    forward(s, 60 * HOUR); /* it has not failed since the start: its next attempt says what is the case */
    assert_int_equal(told(s), 1);
    emit(s, "b", "ann");
    turn(s);
    complete(s, s->count - 1, BELFRY_RETRY);
    assert_string_equal(told_last(s), "hub.endpoint_disabled acme one");
    close_scene(s);
}

/* --- who ---------------------------------------------------------------------------------------------------------- */

static void test_the_owner_is_told_too(void **state)
{
    (void)state;
    static const struct {
        const char *owner, *audience;
    } table[] = {{"person:bob", "role admin\nuser bob"},
                 {"portal:bob/customer-42", "role admin\nuser bob"},
                 {"portal:bob", "role admin\nuser bob"},
                 {"token:crm-app", "role admin"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct scene *s = scene(HOOKS);
        char sql[100];
        snprintf(sql, sizeof(sql), "UPDATE target SET owner = '%s'", table[i].owner);
        rows(s->b, sql);
        emit(s, "a", "ann");
        turn(s);
        complete(s, 0, BELFRY_TARGET_GONE);
        assert_int_equal(told(s), 1);
        expect_rows(s->b,
                    "SELECT coalesce('role ' || (a.value ->> '$.role'), 'user ' || (a.value ->> '$.user')) FROM event e"
                    " JOIN name t ON t.id = e.type, json_each(e.audience) a WHERE t.text = 'hub.endpoint_disabled'",
                    table[i].audience);
        close_scene(s);
    }
}

/* Rules may lead it to other endpoints, which is how operations hears of it; not to itself. */
static void test_other_endpoints_are_told_and_itself_is_not(void **state)
{
    (void)state;
    struct scene *s = open_scene(EVERYTHING);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("ops", "http://ops.example/")};
    declare(s, specs, 2);
    set_channel(s, "hooks", s);
    turn(s);
    emit(s, "a", "ann");
    turn(s);
    for (size_t i = 0; i < 2; i++)
        complete(s, i, strcmp(s->held[i].target, "one") == 0 ? BELFRY_TARGET_GONE : BELFRY_DELIVERED);
    assert_int_equal(told(s), 1);
    expect_rows(
        s->b,
        "SELECT g.name FROM delivery d JOIN target g ON g.id = d.target JOIN event e ON e.id = d.event JOIN name"
        " t ON t.id = e.type WHERE t.text = 'hub.endpoint_disabled'",
        "ops");
    assert_int_equal(s->count, 3);
    assert_string_equal(s->held[2].target, "ops");
    close_scene(s);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void on_tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    (void)why;
    (void)event;
    (void)delivery;
    bench_done(arg, status);
}

static void test_health_takes_no_notice_of_a_test(void **state)
{
    (void)state;
    static const uint32_t outcomes[] = {BELFRY_RETRY, BELFRY_UNAVAILABLE, BELFRY_TARGET_GONE, BELFRY_DEFERRED};
    struct scene *s = scene(HOOKS);
    const struct ledger_deed deed = {.org = STR("acme"), .who = STR("person:root")};
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        struct bench_wait wait = {0};
        ledger_endpoint_test(s->b->ledger, &deed, atoll(rows(s->b, "SELECT id FROM target")), STR("thing.note"),
                             STR("{}"), on_tested, &wait);
        assert_int_equal(bench_until(s->b, &wait), BELFRY_OK);
        turn(s);
        assert_int_equal(fresh(s), 1);
        complete(s, s->count - 1, outcomes[i]);
        turn(s);
    }
    expect_rows(s->b, "SELECT state, open, attempts FROM delivery", "8 0 1\n8 0 1\n8 0 1\n8 0 1"); /* tried once */
    expect_rows(s->b, "SELECT enabled, first_failure, failures FROM target", "1 - 0");
    assert_int_equal(told(s), 0);
    emit(s, "a", "ann"); /* no pause either */
    turn(s);
    assert_int_equal(fresh(s), 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fourth_attempt_is_told_once),
        cmocka_unit_test(test_a_claim_under_way_when_it_is_gone),
        cmocka_unit_test(test_each_share_of_the_five_days_is_told_once),
        cmocka_unit_test(test_a_clock_that_jumps_disables_nobody),
        cmocka_unit_test(test_recovery_takes_the_place_of_the_warning),
        cmocka_unit_test(test_after_it_was_enabled_by_hand),
        cmocka_unit_test(test_after_a_restart),
        cmocka_unit_test(test_the_owner_is_told_too),
        cmocka_unit_test(test_other_endpoints_are_told_and_itself_is_not),
        cmocka_unit_test(test_health_takes_no_notice_of_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
