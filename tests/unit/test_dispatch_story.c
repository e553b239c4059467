/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten endpoints, of which one hangs, one answers 500, one resets, one is gone: the six others get every event, in
 * order, before the next is posted. Shown by counts and order while the clock stands still, not by speed. And what
 * dispatch does when the disk fails under it.
 */
#include "dispatch_fixture.h"

#include "vfs_fault.h"

/* --- ten endpoints ------------------------------------------------------------------------------------------------ */

enum { ENDPOINTS = 10, EVENTS = 120 };

struct receiver {
    const char *name;
    uint32_t outcome; /* 0: never answers */
    size_t got;
    char last[64];
};

static struct receiver endpoints[ENDPOINTS];

static struct receiver *endpoint_of(const char *name)
{
    for (size_t i = 0; i < ENDPOINTS; i++)
        if (strcmp(endpoints[i].name, name) == 0)
            return &endpoints[i];
    fail_msg("who is %s?", name);
    return NULL;
}

/* Answers as each does, until nothing new comes. */
static void answer_all_round(struct scene *s)
{
    turn(s);
    while (s->taken < s->count) {
        struct held *h = &s->held[s->taken++];
        struct receiver *e = endpoint_of(h->target);
        if (h->attempt == 1) {
            assert_true(strcmp(e->last, h->event) < 0); /* in order, nothing twice */
            snprintf(e->last, sizeof(e->last), "%s", h->event);
        }
        e->got++;
        if (e->outcome)
            complete_with(s, h, (struct belfry_result){.outcome = e->outcome});
        if (s->taken == s->count)
            turn(s);
    }
}

static void test_ten_endpoints(void **state)
{
    (void)state;
    static const struct receiver all[ENDPOINTS] = {
        {.name = "hangs"},
        {.name = "fails", .outcome = BELFRY_RETRY},
        {.name = "resets", .outcome = BELFRY_RETRY},
        {.name = "gone", .outcome = BELFRY_TARGET_GONE},
        {.name = "a", .outcome = BELFRY_DELIVERED},
        {.name = "b", .outcome = BELFRY_DELIVERED},
        {.name = "c", .outcome = BELFRY_DELIVERED},
        {.name = "d", .outcome = BELFRY_DELIVERED},
        {.name = "e", .outcome = BELFRY_DELIVERED},
        {.name = "f", .outcome = BELFRY_DELIVERED},
    };
    memcpy(endpoints, all, sizeof(all));
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[ENDPOINTS];
    for (size_t i = 0; i < ENDPOINTS; i++)
        specs[i] = spec_of(all[i].name, "http://one.example/");
    declare(s, specs, ENDPOINTS);
    set_channel(s, "hooks", s);
    turn(s);
    for (int event = 0; event < EVENTS; event++) {
        emit_many(s, event, 1);
        answer_all_round(s);
        for (size_t i = 4; i < ENDPOINTS; i++)
            assert_int_equal(endpoints[i].got, event + 1);
    }
    assert_int_equal(clock_now_ms(s->b->clock), START);
    assert_int_equal(endpoints[0].got, 1);  /* what a new one may have */
    assert_int_equal(endpoints[1].got, 10); /* then the breaker */
    assert_int_equal(endpoints[2].got, 10);
    assert_int_equal(endpoints[3].got, 1); /* then it is disabled */
    expect_rows(s->b,
                "SELECT t.name, d.state, count(*) FROM delivery d JOIN target t ON t.id = d.target WHERE t.name IN"
                " ('hangs', 'fails', 'gone') GROUP BY 1, 2 ORDER BY 1, 2",
                "fails 0 110\nfails 5 10\ngone 2 119\ngone 8 1\nhangs 0 119\nhangs 4 1");
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE state = 6", "720");
    assert_int_equal(told(s), 1);
    /* all is well again: nothing was lost meanwhile */
    for (size_t i = 0; i < 3; i++)
        endpoints[i].outcome = BELFRY_DELIVERED;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->held[i].target, "hangs") == 0)
            complete(s, i, BELFRY_DELIVERED);
    forward(s, 31000);
    answer_all_round(s);
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state", "2 119\n6 1080\n8 1");
    close_scene(s);
}

/* Four endpoints with all the slots that one may have, and none of them answers. */
static void test_a_few_do_not_use_up_everybodys_slots(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[5];
    static const char *const names[] = {"h1", "h2", "h3", "h4", "live"};
    for (size_t i = 0; i < 5; i++) {
        specs[i] = spec_of(names[i], "http://one.example/");
        specs[i].concurrency = i < 4 ? 64 : 8;
    }
    declare(s, specs, 4);
    set_channel(s, "hooks", s);
    turn(s);
    emit_many(s, 0, 100);
    turn(s);
    declare(s, specs, 5); /* comes when the others are full */
    turn(s);
    fresh(s);
    for (int i = 100; i < 150; i++) {
        emit_many(s, i, 1);
        turn(s);
        size_t live = 0;
        for (; s->taken < s->count; s->taken++)
            if (strcmp(s->held[s->taken].target, "live") == 0) {
                complete(s, s->taken, BELFRY_DELIVERED);
                live++;
            }
        assert_int_equal(live, 1);
    }
    turn(s);
    struct dispatch_numbers n;
    dispatch_numbers(s->d, &n);
    assert_true(n.inflight <= DISPATCH_INFLIGHT_MAX);
    close_scene(s);
}

/* --- a disk that fails -------------------------------------------------------------------------------------------- */

static struct scene *scene_on_a_bad_disk(void)
{
    scene_vfs = vfs_fault_name();
    vfs_fault_set(VFS_NONE, 0, 0);
    struct scene *s = hook_scene();
    scene_vfs = NULL;
    turn(s); /* nobody looks for work any more, or it would be claimed as soon as it is there */
    return s;
}

static void test_a_claim_that_cannot_be_written(void **state)
{
    (void)state;
    struct scene *s = scene_on_a_bad_disk();
    s->b->told = NULL; /* so that no claim is on its way before the disk is full */
    emit(s, "a", "ann");
    s->b->told = on_news;
    vfs_fault_set(VFS_FULL, 0, 0);
    dispatch_wake(s->d, NULL);
    turn(s);
    assert_int_equal(fresh(s), 0);
    vfs_fault_set(VFS_NONE, 0, 0);
    clock_advance(s->b->clock, 1000);
    dispatch_tick(s->d); /* no news comes of it: dispatch looks by itself */
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(s->held[0].attempt, 1);
    close_scene(s);
}

static void test_outcomes_that_cannot_be_written(void **state)
{
    (void)state;
    static const struct {
        uint32_t outcome;
        const char *state;
    } rows_[] = {{BELFRY_DELIVERED, "6 1"}, {BELFRY_RETRY, "5 1"}, {BELFRY_REJECTED, "8 1"}};
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct scene *s = scene_on_a_bad_disk();
        emit(s, "a", "ann");
        turn(s);
        assert_int_equal(fresh(s), 1);
        vfs_fault_set(VFS_IOERR, 0, 0);
        complete_with(s, &s->held[0],
                      (struct belfry_result){
                          .outcome = rows_[i].outcome, .code = 200, .detail = STR("ok"), .record = STR("{\"a\":1}")});
        turn(s);
        dispatch_tick(s->d);
        turn(s);
        expect_rows(s->b, SQL_STATE, "4 0");
        assert_false(dispatch_idle(s->d));
        vfs_fault_set(VFS_NONE, 0, 0);
        dispatch_tick(s->d);
        turn(s);
        expect_rows(s->b, SQL_STATE, rows_[i].state);
        expect_rows(s->b, "SELECT code, detail, record FROM attempt", "200 ok {\"a\":1}");
        assert_int_equal(fresh(s), 0);
        close_scene(s);
    }
}

static void test_endpoints_that_cannot_be_recorded(void **state)
{
    (void)state;
    struct scene *s = scene_on_a_bad_disk();
    struct belfry_target_spec two[] = {spec_of("one", "http://one.example/"), spec_of("two", "http://two.example/")};
    vfs_fault_set(VFS_FULL, 0, 0);
    declare(s, two, 2);
    turn(s);
    vfs_fault_set(VFS_NONE, 0, 0);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1); /* the set before is in force */
    dispatch_tick(s->d);
    turn(s);
    prove(s);
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 2);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_endpoints),
        cmocka_unit_test(test_a_few_do_not_use_up_everybodys_slots),
        cmocka_unit_test(test_a_claim_that_cannot_be_written),
        cmocka_unit_test(test_outcomes_that_cannot_be_written),
        cmocka_unit_test(test_endpoints_that_cannot_be_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
