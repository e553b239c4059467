/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may hold how many of the hub's slots. The receivers are a script: some answer, some refuse, some never say a
 * word. The stopwatch stands: that time went by is said by making what is under way older.
 */
#include "dispatch_fixture.h"

#define MANY 700 /* more than the slots of slow ones */

static char urls[MANY][40];
static struct clock_src *stopwatch;

/* So many targets t0, t1...; those below `sick` have "sick" in their name. */
static struct scene *scene_of(int targets, int sick, uint32_t concurrency)
{
    static struct belfry_target_spec specs[MANY];
    struct scene *s = open_scene(HOOKS);
    s->d->stopwatch = stopwatch;
    for (int i = 0; i < targets; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://%s%d.example/", i < sick ? "sick" : "well", i);
        specs[i] = spec_of(urls[i] + 7, urls[i]);
        specs[i].concurrency = concurrency;
    }
    declare(s, specs, (uint32_t)targets);
    set_channel(s, "hooks", s);
    turn(s);
    return s;
}

static int is_sick(const struct held *h)
{
    return strncmp(h->target, "sick", 4) == 0;
}

static uint32_t sick_slots(struct scene *s)
{
    uint32_t count = 0;
    LIST_EACH(it, &s->d->open)
    count += strncmp(LIST_OF(it, struct batch, node)->facts->pub.name.ptr, "sick", 4) == 0;
    return count;
}

/* What came is answered until nothing comes any more; the sick ones keep theirs. How many arrived. */
static size_t answer_the_well(struct scene *s)
{
    size_t arrived = 0;
    while (s->taken < s->count) {
        for (size_t end = s->count; s->taken < end; s->taken++)
            if (!is_sick(&s->held[s->taken])) {
                complete(s, s->taken, BELFRY_DELIVERED);
                arrived++;
            }
        turn(s);
    }
    return arrived;
}

static void grow_older(struct scene *s, uint64_t ms)
{
    LIST_EACH(it, &s->d->open)
    LIST_OF(it, struct batch, node)->started_ns -= ms * 1000000;
    dispatch_tick(s->d);
    turn(s);
}

static void end_the_sick(struct scene *s, uint32_t outcome)
{
    for (size_t i = 0; i < s->count; i++)
        if (is_sick(&s->held[i]))
            complete(s, i, outcome); /* a stale one is a no-op */
    turn(s);
}

/* --- slow start --------------------------------------------------------------------------------------------------- */

static void test_one_then_two_then_four(void **state)
{
    (void)state;
    struct scene *s = scene_of(1, 0, 8);
    static const size_t rounds[] = {1, 2, 4, 8, 8, 8};
    emit_many(s, 0, 40);
    turn(s);
    for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
        size_t from = s->taken;
        assert_int_equal(s->count - from, rounds[i]);
        for (size_t end = s->count; s->taken < end; s->taken++)
            complete(s, s->taken, BELFRY_DELIVERED);
        turn(s);
    }
    close_scene(s);
}

static void test_after_a_failure(void **state)
{
    (void)state;
    static const struct {
        uint32_t outcome;
        uint64_t ms;
        uint32_t window;
    } rows_[] = {
        {BELFRY_DELIVERED, 0, 9},   {BELFRY_DELIVERED, 5000, 9}, /* slow, but it takes them */
        {BELFRY_REJECTED, 0, 9},                                 /* an answer, too */
        {BELFRY_RETRY, 0, 4},       {BELFRY_RETRY, 5000, 1},     {BELFRY_UNAVAILABLE, 0, 4},
        {BELFRY_UNAVAILABLE, 1, 4}, {BELFRY_RETRY, 1000, 1},
    };
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct scene *s = scene_of(1, 0, 8);
        emit_many(s, 0, 1);
        turn(s);
        struct channel *ch = hash_get(s->d->channels, STR("hooks"));
        size_t pos = 0;
        void *value;
        struct belfry_str key;
        assert_true(hash_next(ch->targets, &pos, &key, &value));
        struct queue_state *q = ((struct target *)value)->queue;
        q->window = 8;
        grow_older(s, rows_[i].ms);
        complete(s, 0, rows_[i].outcome);
        assert_int_equal(q->window, rows_[i].window);
        assert_int_equal(q->slow, rows_[i].ms >= 1000);
        close_scene(s);
    }
}

/* --- shares ------------------------------------------------------------------------------------------------------- */

/* The more are at work, the fewer each holds, and the half of all slots is for who comes next. */
static void test_the_more_the_fewer(void **state)
{
    (void)state;
    struct scene *s = scene_of(60, 0, 64);
    prove(s);
    emit_many(s, 0, 40);
    turn(s);
    size_t got = fresh(s);
    assert_true(got >= 60 * 8 && got < DISPATCH_INFLIGHT_MAX);
    uint32_t most = 0;
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value)) {
        uint32_t inflight = ((struct target *)value)->queue->inflight;
        assert_true(inflight > 0);
        most = inflight > most ? inflight : most;
    }
    assert_true(most <= 40);
    s->taken = 0;
    assert_int_equal(answer_the_well(s), 60 * 40);
    assert_int_equal(s->d->working, 0);
    assert_int_equal(s->d->slow, 0);
    close_scene(s);
}

static void test_no_more_than_there_are(void **state)
{
    (void)state;
    struct scene *s = scene_of(MANY, 0, 8);
    prove(s);
    emit_many(s, 0, 3);
    turn(s);
    assert_true(s->count > MANY && s->count <= DISPATCH_INFLIGHT_MAX);
    assert_true(s->d->inflight <= DISPATCH_INFLIGHT_MAX);
    assert_int_equal(answer_the_well(s), 3 * MANY);
    close_scene(s);
}

/* --- neighbours --------------------------------------------------------------------------------------------------- */

/* Issue: 100 of them hang; each of the others gets all it is due as if they were not there. */
static void test_those_that_hang_hold_one_slot_each(void **state)
{
    (void)state;
    enum { ALL = 300, SICK = 100 };
    struct scene *s = scene_of(ALL, SICK, 8);
    for (int event = 0; event < 10; event++) {
        emit_many(s, event, 1);
        turn(s);
        assert_int_equal(answer_the_well(s), ALL - SICK);
        assert_int_equal(sick_slots(s), SICK);
    }
    close_scene(s);
}

/* They took all they could get before they went quiet; the others find slots all the same. */
static void test_those_that_went_quiet_with_many_slots(void **state)
{
    (void)state;
    enum { ALL = 160, SICK = 100 };
    struct scene *s = scene_of(ALL, SICK, 64);
    prove(s);
    emit_many(s, 0, 10);
    turn(s);
    assert_int_equal(answer_the_well(s), (ALL - SICK) * 10);
    assert_true(sick_slots(s) < DISPATCH_INFLIGHT_MAX * 9 / 10);
    close_scene(s);
}

/* However many hang, half of the slots is with those that answer; who hangs waits for a turn, and gets it. */
static void test_slow_ones_have_half(void **state)
{
    (void)state;
    enum { SICK = 600 };
    struct scene *s = scene_of(MANY, SICK, 8);
    emit_many(s, 0, 2);
    turn(s);
    assert_int_equal(answer_the_well(s), 2 * (MANY - SICK));
    assert_int_equal(sick_slots(s), SICK); /* nobody knew */
    grow_older(s, 1000);
    assert_int_equal(s->d->slow, SICK);
    end_the_sick(s, BELFRY_RETRY);
    s->taken = s->count;
    forward(s, 6000); /* their retries, and what waited */
    assert_int_equal(sick_slots(s), DISPATCH_SLOW_MAX);
    assert_int_equal(s->d->slow, DISPATCH_SLOW_MAX);
    emit_many(s, 10, 3);
    turn(s);
    assert_int_equal(answer_the_well(s), 3 * (MANY - SICK));
    assert_int_equal(sick_slots(s), DISPATCH_SLOW_MAX);
    size_t before = s->count;
    end_the_sick(s, BELFRY_DELIVERED); /* each of them is well again: nobody waits any more */
    s->taken = before;
    for (int round = 0; round < 30; round++) {
        answer_the_well(s);
        end_the_sick(s, BELFRY_DELIVERED);
        forward(s, 1000);
    }
    assert_int_equal(s->d->slow, 0);
    assert_int_equal(s->d->working, 0);
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state <> 6", "0");
    close_scene(s);
}

static struct queue_state *queue_of(struct scene *s, const char *name)
{
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value))
        if (str_eqz(((struct target *)value)->facts->pub.name, name))
            return ((struct target *)value)->queue;
    fail();
    return NULL;
}

/* The batches that a target has under way, the oldest first. */
static size_t batches_of(struct scene *s, const struct queue_state *q, struct batch **out, size_t max)
{
    size_t count = 0;
    LIST_EACH(it, &s->d->open)
    if (LIST_OF(it, struct batch, node)->queue == q && count < max)
        out[count++] = LIST_OF(it, struct batch, node);
    return count;
}

static void answer(struct scene *s, struct batch *b, uint32_t outcome, uint64_t took_ms)
{
    const struct belfry_result result = {.struct_size = sizeof(result), .outcome = outcome};
    b->started_ns -= took_ms * 1000000;
    assert_true(dispatch_complete(s->d, b->pub.id, &result, 1));
}

/* Those that are sick begin later than the others. */
static void let_the_sick_rest(struct scene *s, int64_t until_ms)
{
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value)) {
        struct target *t = value;
        if (!str_has_prefix(t->facts->pub.name, STR("sick")))
            continue;
        t->queue->rests_until_ms = until_ms;
        t->queue->window = 1;
        queue_ready(s->d, t->queue);
    }
    turn(s);
}

/* One slow answer puts it behind those that hang. The next comes at once: it stands there no longer. */
static void test_one_slow_answer_costs_no_turn(void **state)
{
    (void)state;
    enum { SICK = 600, EVENTS = 12 };
    struct scene *s = scene_of(SICK + 9, SICK, 64);
    struct queue_state *q = queue_of(s, "well605.example/");
    struct batch *held[64];
    prove(s);
    let_the_sick_rest(s, INT64_MAX);
    emit_many(s, 0, EVENTS);
    turn(s);
    assert_int_equal(batches_of(s, q, held, 64), EVENTS);
    emit_many(s, EVENTS, 1);
    let_the_sick_rest(s, 0);
    LIST_EACH_SAFE(it, &s->d->open)
    if (strncmp(LIST_OF(it, struct batch, node)->facts->pub.name.ptr, "sick", 4) == 0)
        answer(s, LIST_OF(it, struct batch, node), BELFRY_RETRY, 1000);
    turn(s);
    assert_int_equal(s->d->slow, DISPATCH_SLOW_MAX); /* and others of them wait */
    for (size_t i = 0; i < EVENTS; i++) {
        answer(s, held[i], BELFRY_DELIVERED, i == 0 ? 1000 : 0);
        turn(s);
        assert_int_equal(q->slow, i == 0);
    }
    assert_int_equal(batches_of(s, q, held, 64), 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_then_two_then_four),
        cmocka_unit_test(test_after_a_failure),
        cmocka_unit_test(test_the_more_the_fewer),
        cmocka_unit_test(test_no_more_than_there_are),
        cmocka_unit_test(test_those_that_hang_hold_one_slot_each),
        cmocka_unit_test(test_those_that_went_quiet_with_many_slots),
        cmocka_unit_test(test_slow_ones_have_half),
        cmocka_unit_test(test_one_slow_answer_costs_no_turn),
    };
    stopwatch = clock_virtual_new(0);
    clock_advance(stopwatch, 3600 * 1000); /* so that what is under way can be made older */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    clock_free(stopwatch);
    return failed;
}
