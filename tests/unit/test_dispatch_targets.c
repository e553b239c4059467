/* SPDX-License-Identifier: Apache-2.0 */
/* Targets and channels of dispatch over the real ledger: declared, declared again, their health, and what a reload does
 * while claims and batches are under way. */
#include "dispatch_fixture.h"

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

/* A receiver may change to a new one in its own time. */
static void test_several_secrets(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    char texts[2][8] = {"new", "old"};
    struct belfry_str both[] = {{texts[0], 3}, {texts[1], 3}};
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    specs[0].secrets = (struct belfry_strs){both, 2};
    specs[1].secret = NULL;
    declare(s, specs, 2);
    memset(texts, 'x', sizeof(texts)); /* copied */
    set_channel(s, "hooks", s);
    turn(s);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    size_t one = strcmp(s->held[0].target, "one") == 0 ? 0 : 1;
    const struct belfry_target *target = s->held[one].batch->target, *without = s->held[1 - one].batch->target;
    assert_int_equal(target->secret_count, 2);
    assert_true(str_eqz(target->secret, "new"));
    assert_true(str_eqz(target->secrets[0].text, "new") && str_eqz(target->secrets[1].text, "old"));
    assert_int_equal(target->secrets[1].until_ms, 0);
    assert_int_equal(without->secret_count, 0);
    assert_int_equal(without->secret.len, 0);
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
        assert_int_equal(dispatch_targets(s->d, rows_[i].channel, NULL, rows_[i].specs, rows_[i].count, rows_[i].policy,
                                          config, &err),
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
    prove(s);
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

static void test_a_removed_target_gets_nothing_more(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    specs[0].concurrency = 1;
    declare(s, specs, 2);
    set_channel(s, "hooks", s);
    turn(s);
    prove(s);
    emit_many(s, 0, 3);
    turn(s);
    assert_int_equal(fresh(s), 4); /* the first of one, all of two */
    declare(s, specs + 1, 1);
    turn(s);
    for (size_t i = 0; i < 4; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 0);
    forward(s, 3600000 + 60000);
    expect_rows(s->b,
                "SELECT t.name, d.state, count(*) FROM delivery d JOIN target t ON t.id = d.target GROUP BY 1, 2"
                " ORDER BY 1, 2",
                "one 6 1\none 22 2\ntwo 6 3");
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
    complete(s, 3, BELFRY_RETRY); /* waits for its second attempt when the endpoint goes */
    turn(s);
    assert_int_equal(fresh(s), 1);
    complete(s, 0, BELFRY_TARGET_GONE);
    complete(s, 1, BELFRY_TARGET_GONE); /* one alarm is enough */
    complete(s, 2, BELFRY_RETRY);
    turn(s);
    settle(s->b);
    assert_int_equal(told(s), 1);
    assert_string_equal(told_last(s), "hub.endpoint_disabled acme one");
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT enabled FROM target", "0");
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state", "2 5\n4 5\n8 2");
    for (size_t i = 4; i < 9; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    emit_many(s, 20, 2);
    turn(s);
    assert_int_equal(fresh(s), 0);
    struct belfry_target_spec same[] = {spec_of("one", "http://one.example/")},
                              moved[] = {spec_of("one", "http://one.example/?again=1")};
    declare(s, same, 1);
    turn(s);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 0); /* the same address is the same endpoint */
    declare(s, moved, 1);
    turn(s);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 7); /* what was held leaves at once, that which was put off too */
    expect_rows(s->b, "SELECT enabled, first_failure FROM target", "1 -");
    for (size_t i = 9; i < 16; i++)
        assert_string_equal(s->held[i].url, "http://one.example/?again=1"); /* the address of now */
    complete_with(s, &s->held[9], (struct belfry_result){.outcome = BELFRY_TARGET_GONE});
    turn(s);
    assert_int_equal(told(s), 2);
    close_scene(s);
}

/* The failures before were another receiver's. */
static void test_a_new_address_starts_anew(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    struct belfry_target_spec moved[] = {spec_of("one", "http://new.example/")};
    enum { DAY = 86400000 };
    emit(s, "a", "ann");
    turn(s);
    complete_fresh(s, BELFRY_RETRY);
    turn(s);
    forward(s, 6 * DAY);
    assert_int_equal(fresh(s), 1);
    declare(s, moved, 1);
    turn(s);
    expect_rows(s->b, "SELECT first_failure FROM target", "-");
    complete(s, 1, BELFRY_RETRY);
    turn(s);
    assert_int_equal(told(s), 0);
    expect_rows(s->b, "SELECT enabled FROM target", "1");
    close_scene(s);
}

/* Nor does the pause that it asked for count, nor that it is gone. */
static void test_the_old_receiver_wanted_a_pause(void **state)
{
    static const uint32_t outcomes[] = {BELFRY_UNAVAILABLE, BELFRY_THROTTLED, BELFRY_RETRY, BELFRY_TARGET_GONE};
    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        struct scene *s = hook_scene();
        struct belfry_target_spec moved[] = {spec_of("one", "http://new.example/")};
        emit(s, "a", "ann");
        turn(s);
        declare(s, moved, 1);
        settle(s->b);
        turn(s);
        complete_with(s, &s->held[0], (struct belfry_result){.outcome = outcomes[i], .retry_after_ms = 3600000});
        emit(s, "b", "ann");
        turn(s);
        forward(s, 6000); /* the schedule's, with its jitter */
        assert_int_equal(s->count, 3);
        assert_string_equal(s->held[1].url, "http://new.example/");
        assert_string_equal(s->held[2].url, "http://new.example/");
        close_scene(s);
    }
}

/* Other settings (no handshake any more) are other terms: neither the hold nor the pace of the old ones counts. */
static void test_other_settings_are_other_terms(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct scene *s = hook_scene();
        struct belfry_target_spec again[] = {spec_of("one", "http://one.example/")};
        again[0].settings = other ? STR("{\"handshake\":false}") : (struct belfry_str){0};
        emit(s, "a", "ann");
        turn(s);
        dispatch_target_pace(s->d, "hooks", (int64_t)s->held[0].batch->target->id, 1);
        complete_with(s, &s->held[0], (struct belfry_result){.outcome = BELFRY_UNAVAILABLE, .retry_after_ms = 3600000});
        turn(s);
        declare(s, again, 1);
        settle(s->b);
        turn(s);
        emit(s, "b", "ann");
        turn(s);
        assert_int_equal(s->count, other ? 2 : 1); /* "a" itself was put off by an hour */
        close_scene(s);
    }
}

/* What the old receiver says meanwhile is recorded behind the move. */
static void test_an_answer_while_the_move_is_being_recorded(void **state)
{
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        struct scene *s = hook_scene();
        struct belfry_target_spec moved[] = {spec_of("one", "http://other.example/")};
        emit(s, "a", "ann");
        turn(s);
        declare(s, moved, 1);
        complete(s, 0, gone ? BELFRY_TARGET_GONE : BELFRY_RETRY);
        turn(s);
        settle(s->b);
        turn(s);
        expect_rows(s->b, "SELECT enabled, first_failure, url FROM target", "1 - http://other.example/");
        assert_int_equal(fresh(s), 1);
        emit(s, "b", "ann");
        turn(s);
        assert_int_equal(fresh(s), 1);
        assert_string_equal(s->held[1].url, "http://other.example/");
        close_scene(s);
    }
}

static void test_an_endpoint_that_refuses_is_not_failing(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    enum { DAY = 86400000 };
    for (int day = 0; day < 7; day++) {
        emit_many(s, day * 3, 3);
        turn(s);
        assert_int_equal(s->count - s->taken, 3);
        complete_fresh(s, BELFRY_REJECTED);
        forward(s, DAY);
    }
    assert_int_equal(told(s), 0);
    expect_rows(s->b, "SELECT enabled, first_failure FROM target", "1 -");
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
    assert_int_equal(told(s), 1); /* more than half of them are over */
    forward(s, 2 * DAY);
    emit(s, "c", "ann");
    turn(s);
    complete_fresh(s, BELFRY_RETRY);
    turn(s);
    settle(s->b);
    assert_string_equal(told_last(s), "hub.endpoint_disabled acme one");
    expect_rows(s->b, "SELECT enabled FROM target", "0");
    expect_rows(s->b, "SELECT state FROM delivery ORDER BY id DESC LIMIT 1", "2");
    close_scene(s);
}

/* --- channels come and go ----------------------------------------------------------------------------------------- */

static void test_channel_is_replaced(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    int successor = 0;
    emit_many(s, 0, 3);
    turn(s);
    assert_int_equal(fresh(s), 3);
    set_channel(s, "hooks", &successor);
    emit(s, "next", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_ptr_equal(s->held[3].self, &successor);
    complete(s, 0, BELFRY_DELIVERED); /* the old one finishes what it began */
    complete(s, 1, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(s->released, 0);
    complete(s, 2, BELFRY_DELIVERED);
    assert_int_equal(s->released, 1);
    complete(s, 3, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1\n6 1\n6 1\n6 1");
    close_scene(s);
}

/* The name stays, the plugin is another and knows no targets. */
static void test_channel_of_another_plugin(void **state)
{
    (void)state;
    struct scene *s = hook_scene();
    static const struct belfry_host host;
    struct dispatch_channel channel = channel_of(s, "hooks", s->alarm);
    channel.host = &host;
    emit_many(s, 0, 10);
    turn(s);
    assert_int_equal(fresh(s), 8);
    dispatch_channel_set(s->d, &channel);
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    emit(s, "late", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT removed IS NOT NULL FROM target", "1");
    expect_rows(s->b, "SELECT count(*) FROM delivery", "10");
    close_scene(s);
}

/* --- a channel with another name ---------------------------------------------------------------------------------- */

/* The generation is in force and its instances are not yet. */
static void rename_hooks(struct scene *s)
{
    struct config_instance *ci = (struct config_instance *)(uintptr_t)fixture_channel(s->b->config, "hooks");
    ci->name = "relay";
    ci->was = "hooks";
    bench_generation(s->b);
}

static void activate_renamed(struct scene *s, const struct belfry_target_spec *specs, uint32_t count, void *self,
                             const struct belfry_host *host)
{
    struct error err = {0};
    struct dispatch_channel channel = channel_of(s, "relay", self);
    channel.host = host;
    dispatch_targets_hold(s->d);
    assert_int_equal(dispatch_targets(s->d, "relay", host, specs, count, &policy, &s->b->config->config, &err),
                     BELFRY_OK);
    dispatch_channel_rename(s->d, "hooks", "relay");
    assert_int_equal(dispatch_channel_set(s->d, &channel), 1);
    dispatch_targets_release(s->d);
    dispatch_wake(s->d, NULL);
    turn(s);
    settle(s->b);
    turn(s);
}

static void test_a_renamed_channel_goes_on(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/"), spec_of("off", "http://off.example/")};
    static const struct belfry_host host;
    int successor = 0;
    declare(s, specs, 2);
    set_channel(s, "hooks", s);
    turn(s);
    prove(s);
    char ids[64];
    snprintf(ids, sizeof(ids), "%s", rows(s->b, "SELECT id FROM target ORDER BY name"));
    emit_many(s, 0, 4);
    turn(s);
    assert_int_equal(fresh(s), 8);
    static const uint32_t outcomes[] = {BELFRY_RETRY, BELFRY_DELIVERED, BELFRY_REJECTED};
    size_t under_way = 0, nth = 0;
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(s->held[i].target, "off") == 0)
            complete(s, i, BELFRY_TARGET_GONE);
        else if (nth < 3)
            complete(s, i, outcomes[nth++]);
        else
            under_way = i;
    }
    turn(s);
    settle(s->b);
    turn(s);
    emit(s, "held", "ann");
    turn(s);
    complete_fresh(s, BELFRY_DELIVERED);
    turn(s);
    rename_hooks(s);
    emit(s, "between", "ann");
    activate_renamed(s, specs, 2, &successor, &host);
    assert_string_equal(rows(s->b, "SELECT id FROM target ORDER BY name"), ids);
    expect_rows(s->b, "SELECT t.name, t.enabled, n.text FROM target t JOIN name n ON n.id = t.channel ORDER BY 1",
                "off 0 relay\none 1 relay");
    assert_int_equal(fresh(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED); /* whichever of the two instances was there to take it */
    complete(s, under_way, BELFRY_DELIVERED);    /* ends where it began, and counts */
    turn(s);
    forward(s, 10000);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->held[s->count - 1].attempt, 2);
    assert_ptr_equal(s->held[s->count - 1].self, &successor);
    assert_string_equal(s->held[s->count - 1].event, s->held[0].event);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    turn(s);
    forward(s, 2 * 3600000); /* nothing ends as channel_removed */
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b,
                "SELECT t.name, d.state, count(*) FROM delivery d JOIN target t ON t.id = d.target GROUP BY 1, 2"
                " ORDER BY 1, 2",
                "off 2 2\noff 8 4\none 6 5\none 8 1");
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_int_equal(n.targets, 2);
    assert_int_equal(n.inflight, 0);
    close_scene(s);
}

static void test_replaced_while_a_claim_is_under_way(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    int successor = 0;
    emit(s, "a", "ann");
    while (s->d->claims == 0)
        uv_run(&s->b->loop, UV_RUN_NOWAIT);
    set_channel(s, "mail", &successor);
    assert_int_equal(s->released, 0); /* what was claimed for it is its own */
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_ptr_equal(s->held[0].self, s);
    complete(s, 0, BELFRY_DELIVERED);
    assert_int_equal(s->released, 1);
    close_scene(s);
}

static void test_channel_is_removed(void **state)
{
    (void)state;
    struct scene *s = mail_scene();
    emit(s, "a", "ann");
    turn(s);
    dispatch_channel_remove(s->d, "mail");
    dispatch_channel_remove(s->d, "nothing");
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->released, 0);
    complete(s, 0, BELFRY_DELIVERED);
    assert_int_equal(s->released, 1);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1\n0 0");
    set_channel(s, "mail", s); /* comes back */
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->held[1].attempt, 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declared_before_the_channel_is_in_force),
        cmocka_unit_test(test_several_secrets),
        cmocka_unit_test(test_refused_declarations),
        cmocka_unit_test(test_declared_again),
        cmocka_unit_test(test_a_removed_target_gets_nothing_more),
        cmocka_unit_test(test_orgs_of_targets),
        cmocka_unit_test(test_gone_disables),
        cmocka_unit_test(test_a_new_address_starts_anew),
        cmocka_unit_test(test_the_old_receiver_wanted_a_pause),
        cmocka_unit_test(test_other_settings_are_other_terms),
        cmocka_unit_test(test_an_answer_while_the_move_is_being_recorded),
        cmocka_unit_test(test_an_endpoint_that_refuses_is_not_failing),
        cmocka_unit_test(test_five_days_of_failure),
        cmocka_unit_test(test_channel_is_replaced),
        cmocka_unit_test(test_channel_of_another_plugin),
        cmocka_unit_test(test_a_renamed_channel_goes_on),
        cmocka_unit_test(test_replaced_while_a_claim_is_under_way),
        cmocka_unit_test(test_channel_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
