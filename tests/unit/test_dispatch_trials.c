/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of endpoints: they go at once, whatever holds up what else there is for it, and change nothing about that. */
#include "dispatch_fixture.h"

#include "dispatch/endpoints.h"
#include "ledger/endpoints.h"

static struct target *target_of(struct scene *s)
{
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *target = NULL;
    struct belfry_str key;
    hash_next(ch->targets, &pos, &key, &target);
    return target;
}

/* One endpoint that takes `rate` a minute, `concurrency` at once. */
static struct scene *scene_of(uint32_t rate, uint32_t concurrency)
{
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec spec = spec_of("one", "http://one.example/");
    spec.rate_per_minute = rate;
    spec.concurrency = concurrency;
    declare(s, &spec, 1);
    set_channel(s, "hooks", s);
    turn(s);
    return s;
}

struct pressed {
    struct scene *s;
    struct bench_wait wait;
};

static void on_tested(void *arg, belfry_status status, const char *why, int64_t event, int64_t delivery)
{
    struct pressed *p = arg;
    (void)why;
    (void)event;
    dispatch_test(p->s->d, target_of(p->s)->id, delivery);
    bench_done(&p->wait, status);
}

/* As the route does. */
static int64_t press(struct scene *s)
{
    const struct ledger_deed deed = {.org = STR("acme"), .who = STR("person:root")};
    int64_t id = target_of(s)->id, wait_ms = dispatch_test_wait(s->d, id);
    struct pressed p = {.s = s};
    if (wait_ms)
        return wait_ms;
    ledger_endpoint_test(s->b->ledger, &deed, id, STR("thing.note"), STR("{}"), on_tested, &p);
    assert_int_equal(bench_until(s->b, &p.wait), BELFRY_OK);
    turn(s);
    return 0;
}

static int last_is_test(const struct scene *s)
{
    return s->count && (s->held[s->count - 1].batch->items[0]->flags & BELFRY_ITEM_TEST) != 0;
}

/* --- past all that holds up a queue ------------------------------------------------------------------------------- */

static void set_breaker(struct scene *s)
{
    target_of(s)->queue->breaker = (struct breaker){.open_until_ms = clock_now_ms(s->b->clock) + 30000};
}

static void set_pause(struct scene *s)
{
    target_of(s)->queue->rests_until_ms = clock_now_ms(s->b->clock) + 30000;
}

static void set_hold(struct scene *s)
{
    target_of(s)->queue->held_until_ms = clock_now_ms(s->b->clock) + 30000;
}

static void set_bucket(struct scene *s)
{
    struct queue_state *q = target_of(s)->queue;
    assert_int_equal(bucket_free(&q->bucket, 1, clock_now_ms(s->b->clock)), 1);
    bucket_take(&q->bucket, 1);
}

static void set_disabled(struct scene *s)
{
    struct bench_wait wait = {0};
    struct target *t = target_of(s);
    ledger_target_enable(s->b->ledger, t->id, 0, "by hand", bench_done, &wait);
    assert_int_equal(bench_until(s->b, &wait), BELFRY_OK);
    t->enabled = 0;
}

static void test_it_goes_at_once(void **state)
{
    (void)state;
    static void (*const obstacles[])(struct scene *) = {set_breaker, set_pause, set_hold, set_bucket, set_disabled};
    for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++) {
        struct scene *s = scene_of(2, 8);
        obstacles[i](s);
        const struct queue_state before = *target_of(s)->queue;
        emit(s, "a", "ann");
        turn(s);
        assert_int_equal(fresh(s), 0);
        assert_int_equal(press(s), 0);
        assert_int_equal(fresh(s), 1);
        assert_true(last_is_test(s));
        const struct queue_state *q = target_of(s)->queue;
        assert_int_equal(q->inflight, 1); /* a slot like any other */
        complete(s, s->count - 1, i % 2 ? BELFRY_THROTTLED : BELFRY_RETRY);
        turn(s);
        assert_int_equal(fresh(s), 0); /* and what waits goes on waiting */
        assert_int_equal(q->breaker.open_until_ms, before.breaker.open_until_ms);
        assert_int_equal(q->rests_until_ms, before.rests_until_ms);
        assert_int_equal(q->held_until_ms, before.held_until_ms);
        assert_true(q->bucket.tokens == before.bucket.tokens);
        assert_int_equal(q->window, before.window);
        expect_rows(s->b, "SELECT state, open, attempts FROM delivery WHERE rule = 0", "8 0 1");
        close_scene(s);
    }
}

/* It arrived: the receiver is well, but what waits is sent when its own probe has shown it. */
static void test_one_that_arrives_closes_no_breaker(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 8);
    set_breaker(s);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(press(s), 0);
    assert_int_equal(fresh(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 0);
    assert_true(target_of(s)->queue->breaker.open_until_ms > 0);
    assert_int_equal(target_of(s)->last_success_ms, 0);
    forward(s, 30000); /* the probe is out; a test beside it is none, and takes its place from nobody */
    assert_int_equal(fresh(s), 1);
    assert_false(last_is_test(s));
    emit(s, "b", "ann");
    assert_int_equal(press(s), 0);
    assert_int_equal(fresh(s), 1);
    assert_true(last_is_test(s));
    complete(s, s->count - 1, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 0);
    complete(s, s->count - 2, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(target_of(s)->queue->breaker.open_until_ms, 0);
    assert_int_equal(fresh(s), 1);
    close_scene(s);
}

/* Its plugin said that nothing can be sent to it, and something was. */
static void test_one_that_arrives_ends_a_hold(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 8);
    set_hold(s);
    emit(s, "a", "ann");
    assert_int_equal(press(s), 0);
    assert_int_equal(fresh(s), 1);
    complete(s, s->count - 1, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_false(last_is_test(s));
    close_scene(s);
}

static void test_before_all_that_waits(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 2);
    emit_many(s, 0, 20); /* one goes: slow start */
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(press(s), 0);
    assert_int_equal(fresh(s), 1);
    assert_true(last_is_test(s));
    assert_int_equal(press(s), 0); /* no more at once than people allowed */
    assert_int_equal(fresh(s), 0);
    complete(s, 0, BELFRY_RETRY);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_true(last_is_test(s));
    close_scene(s);
}

/* It says nothing of how fast what there is for it is answered; what goes beside it does. */
static void test_one_that_hangs_makes_no_queue_slow(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 8);
    const struct queue_state *q = target_of(s)->queue;
    struct clock_src *stopwatch = clock_virtual_new(3600 * 1000);
    s->d->stopwatch = stopwatch;
    prove(s);
    assert_int_equal(press(s), 0);
    assert_true(last_is_test(s));
    clock_advance(stopwatch, 2000);
    dispatch_tick(s->d);
    assert_false(q->slow);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    clock_advance(stopwatch, 500);
    dispatch_tick(s->d);
    assert_false(q->slow);
    clock_advance(stopwatch, 500);
    dispatch_tick(s->d);
    assert_true(q->slow);
    assert_int_equal(s->d->slow, 2);
    complete(s, 1, BELFRY_DELIVERED);
    complete(s, 0, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(s->d->slow, 0);
    close_scene(s);
    clock_free(stopwatch);
}

/* --- how many ----------------------------------------------------------------------------------------------------- */

static void test_ten_in_any_minute(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 8);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(press(s), 0);
        complete(s, s->count - 1, BELFRY_RETRY);
        forward(s, 1000);
    }
    assert_int_equal(fresh(s), 10);
    assert_int_equal(press(s), 50000);
    forward(s, 50000);
    assert_int_equal(press(s), 0);
    assert_int_equal(press(s), 1000);
    expect_rows(s->b, "SELECT count(*) FROM delivery", "11");
    close_scene(s);
}

static void test_a_clock_that_was_set_back(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 8);
    int64_t id = target_of(s)->id;
    for (int i = 0; i < 10; i++)
        assert_int_equal(dispatch_test_wait(s->d, id), 0);
    assert_int_equal(dispatch_test_wait(s->d, id), 60000);
    advance(s->b, -86400000);
    assert_int_equal(dispatch_test_wait(s->d, id), 0);
    close_scene(s);
}

/* One that has no slot for long: those that wait are bounded, and all that were taken on go. */
static void test_as_many_that_wait(void **state)
{
    (void)state;
    struct scene *s = scene_of(0, 1);
    size_t asked = 0;
    for (int minute = 0; minute < 3; minute++, forward(s, 60000))
        while (press(s) == 0)
            asked++;
    assert_int_equal(asked, 11); /* one under way, ten behind it */
    assert_int_equal(fresh(s), 1);
    for (size_t i = 0; i < asked; i++) {
        complete(s, i, BELFRY_DELIVERED);
        turn(s);
    }
    assert_int_equal(fresh(s), asked - 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_goes_at_once),
        cmocka_unit_test(test_one_that_arrives_closes_no_breaker),
        cmocka_unit_test(test_one_that_arrives_ends_a_hold),
        cmocka_unit_test(test_before_all_that_waits),
        cmocka_unit_test(test_one_that_hangs_makes_no_queue_slow),
        cmocka_unit_test(test_ten_in_any_minute),
        cmocka_unit_test(test_a_clock_that_was_set_back),
        cmocka_unit_test(test_as_many_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
