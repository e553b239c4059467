/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is claimed or under way when its target goes: it was deleted, left the configuration, or its channel became part
 * of another. Nothing more is sent to one that is gone, and what comes back finds whoever has its rows now. Time goes
 * by as a daemon sees it, tick by tick: nobody wakes the queues.
 */
#include "endpoint_fixture.h"

#include "ledger/endpoints.h"

static const struct belfry_host relay_host, merged_host;

static struct target *target_of(struct scene *s, const char *channel)
{
    struct channel *ch = hash_get(s->d->channels, str_of(channel));
    size_t pos = 0;
    void *target = NULL;
    struct belfry_str key;
    hash_next(ch->targets, &pos, &key, &target);
    return target;
}

/* Its queue waits, so that the row is still there to be claimed; then it need not any more. */
static struct queue_state *with_a_row(struct scene *s, const char *channel)
{
    struct queue_state *q = target_of(s, channel)->queue;
    q->held_until_ms = clock_now_ms(s->b->clock) + 30000;
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    q->held_until_ms = 0;
    return q;
}

static void by_the_clock(struct scene *s, int64_t ms)
{
    advance(s->b, ms);
    dispatch_tick(s->d);
    turn(s);
}

/* --- claimed, and then gone --------------------------------------------------------------------------------------- */

static void test_an_endpoint_is_deleted(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    struct queue_state *q = with_a_row(s, "hooks");
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_remove(s->d, &deed, id, 0, on_deed, &answer);
    queue_run(s->d, q);
    assert_true(q->claiming);
    finish_deed(s, &answer);
    assert_int_equal(answer.status, BELFRY_OK);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT state, open, attempts, lease FROM delivery", "0 1 0 -");
    forward(s, 3600000 + 60000);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT state, open FROM delivery", "22 0");
    close_scene(s);
}

static void on_tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    (void)why;
    (void)event;
    *(struct deed_answer *)arg = (struct deed_answer){1, status, delivery, 0};
}

/* Also what somebody tries out does not reach it any more. */
static void test_a_test_of_one_that_is_deleted(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    struct queue_state *q = target_of(s, "hooks")->queue;
    struct deed_answer answer = {0}, tested = {0};
    struct ledger_deed deed = CRM;
    q->held_until_ms = clock_now_ms(s->b->clock) + 30000; /* the row waits until it is asked for by its id */
    ledger_endpoint_test(s->b->ledger, &deed, id, STR("thing.note"), STR("{}"), on_tested, &tested);
    finish_deed(s, &tested);
    assert_int_equal(tested.status, BELFRY_OK);
    dispatch_endpoint_remove(s->d, &deed, id, 0, on_deed, &answer);
    dispatch_test(s->d, id, tested.id);
    queue_run(s->d, q);
    assert_true(q->claiming);
    finish_deed(s, &answer);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT attempts, lease FROM delivery", "0 -");
    close_scene(s);
}

static void test_one_leaves_the_file_and_comes_back(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec one = spec_of("one", "http://one.example/");
    declare(s, &one, 1);
    set_channel(s, "hooks", s);
    turn(s);
    struct queue_state *q = with_a_row(s, "hooks");
    declare(s, NULL, 0);
    queue_run(s->d, q);
    assert_true(q->claiming);
    turn(s);
    assert_int_equal(fresh(s), 0);
    assert_null(target_of(s, "hooks"));
    by_the_clock(s, 1800000);
    assert_int_equal(fresh(s), 0);
    declare(s, &one, 1);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->held[0].attempt, 1);
    complete(s, 0, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1");
    close_scene(s);
}

/* --- two channels become one -------------------------------------------------------------------------------------- */

#define TWO                                                                                                            \
    "[{\"name\":\"one\",\"when\":{\"subject\":[\"s/a\",\"s/c\"]},\"deliver\":[\"hooks\"]},"                            \
    "{\"name\":\"two\",\"when\":{\"subject\":\"s/b\"},\"deliver\":[\"sms\"]}]"

static struct config_instance *slot(struct scene *s, const char *name)
{
    return (struct config_instance *)(uintptr_t)fixture_channel(s->b->config, name);
}

static void bring_up_relay(struct scene *s, const struct belfry_host *host, uint32_t count, void *self)
{
    const struct belfry_target_spec one = spec_of("one", "http://one.example/");
    struct error err = {0};
    struct dispatch_channel channel = channel_of(s, "relay", self);
    channel.host = host;
    dispatch_targets_hold(s->d);
    assert_int_equal(dispatch_targets(s->d, "relay", host, &one, count, &policy, &s->b->config->config, &err),
                     BELFRY_OK);
    if (channel.instance->was)
        dispatch_channel_rename(s->d, channel.instance->was, "relay");
    assert_int_equal(dispatch_channel_set(s->d, &channel), 1);
    dispatch_targets_release(s->d);
}

/* `hooks` and `relay`, both live. */
static struct scene *scene_of_two(uint32_t relay_targets)
{
    struct scene *s = open_scene(TWO);
    struct belfry_target_spec one = spec_of("one", "http://one.example/");
    struct config_instance *relay = slot(s, "sms");
    relay->name = "relay";
    relay->plugin = slot(s, "hooks")->plugin;
    bench_generation(s->b);
    declare(s, &one, 1);
    set_channel(s, "hooks", s);
    bring_up_relay(s, &relay_host, relay_targets, s);
    turn(s);
    prove(s);
    turn(s);
    return s;
}

/* The next configuration has one of them, under the name of the other. */
static void merge_into_relay(struct scene *s, void *self)
{
    struct config_instance *hooks = slot(s, "hooks"), *relay = slot(s, "relay");
    relay->name = "unused";
    hooks->name = "relay";
    hooks->was = "hooks";
    bench_generation(s->b);
    bring_up_relay(s, &merged_host, 1, self);
    dispatch_channel_remove(s->d, "hooks");
    turn(s);
    prove(s);
    turn(s);
}

/* Each attempt that failed is due at its own time, also while others are still under way where they began. */
static void test_a_retry_of_what_was_under_way(void **state)
{
    (void)state;
    struct scene *s = scene_of_two(0);
    int merged = 0;
    emit(s, "a", "ann");
    emit(s, "c", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    merge_into_relay(s, &merged);
    assert_int_equal(fresh(s), 0);
    for (size_t i = 0; i < 2; i++) {
        complete(s, i, BELFRY_RETRY);
        turn(s);
        by_the_clock(s, 7000);
        assert_int_equal(fresh(s), 1);
        assert_ptr_equal(s->held[2 + i].self, &merged);
        assert_int_equal(s->held[2 + i].attempt, 2);
        assert_string_equal(s->held[2 + i].key, s->held[i].key);
        complete(s, 2 + i, BELFRY_DELIVERED);
        turn(s);
    }
    expect_rows(s->b, SQL_STATE, "6 2\n6 2");
    close_scene(s);
}

/* Both had one of that name: the rows of the one are the other's now. */
static void test_a_retry_of_a_twin(void **state)
{
    (void)state;
    struct scene *s = scene_of_two(1);
    int merged = 0;
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    int64_t stays = target_of(s, "hooks")->id;
    assert_int_not_equal((int64_t)s->held[0].batch->target->id, stays);
    merge_into_relay(s, &merged);
    assert_int_equal(fresh(s), 0);
    complete(s, 0, BELFRY_RETRY);
    turn(s);
    by_the_clock(s, 7000);
    assert_int_equal(fresh(s), 1);
    assert_ptr_equal(s->held[1].self, &merged);
    assert_int_equal((int64_t)s->held[1].batch->target->id, stays);
    assert_int_equal(s->held[1].attempt, 2);
    complete(s, 1, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 2");
    close_scene(s);
}

/* Claimed by the queue that goes: sent by the one that has the rows now. */
static void test_a_claim_of_the_one_that_goes(void **state)
{
    (void)state;
    struct scene *s = scene_of_two(0);
    int merged = 0;
    struct queue_state *q = with_a_row(s, "hooks");
    queue_run(s->d, q);
    assert_true(q->claiming);
    dispatch_channel_rename(s->d, "hooks", "relay");
    merge_into_relay(s, &merged);
    assert_int_equal(fresh(s), 1);
    assert_ptr_equal(s->held[0].self, &merged);
    assert_int_equal(s->held[0].attempt, 1);
    complete(s, 0, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, SQL_STATE, "6 1");
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_endpoint_is_deleted),
        cmocka_unit_test(test_a_test_of_one_that_is_deleted),
        cmocka_unit_test(test_one_leaves_the_file_and_comes_back),
        cmocka_unit_test(test_a_retry_of_what_was_under_way),
        cmocka_unit_test(test_a_retry_of_a_twin),
        cmocka_unit_test(test_a_claim_of_the_one_that_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
