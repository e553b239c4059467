/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is left lying: events, results, reloads, replaced instances, a failing disk, a clock that jumps both ways and
 * single turns of the loop in random order (seeded). Whenever dispatch is at rest no row is due and unclaimed that has
 * a slot; at the end, once the disk is well and every endpoint answers, every row of an endpoint has ended.
 *
 * Nobody is woken but by what wakes dispatch in the hub: news of commits, results, its timers.
 */
#include "chance.h"
#include "dispatch_fixture.h"

#include "vfs_fault.h"

enum { TARGETS = 5, STEPS = 500, SENT = STEPS + 100 };

static uint64_t seed;

static unsigned draw(unsigned below)
{
    return (unsigned)pick(&seed, (int)below);
}

struct world {
    struct scene *s;
    struct sent *sent[SENT];
    size_t sent_count, heard; /* of so many the answer came */
    uint64_t seed;
    char selfs[64]; /* addresses of instances */
    size_t self;
    int version[TARGETS];
    unsigned declared; /* bits */
};

static void post(struct world *w)
{
    char text[200];
    int n = snprintf(text, sizeof(text),
                     "[[\"%zu\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"s/%zu\",\"to\":[\"ann\"]}]]]",
                     w->sent_count, w->sent_count);
    assert_true(n > 0 && w->sent_count < SENT);
    w->sent[w->sent_count++] = send_begin(w->s->b, "crm", text, 0);
}

static void declare_some(struct world *w, unsigned set)
{
    static const char *const names[TARGETS] = {"one", "two", "three", "four", "five"};
    struct belfry_target_spec specs[TARGETS];
    char urls[TARGETS][64];
    uint32_t count = 0;
    for (unsigned i = 0; i < TARGETS; i++) {
        if (!(set & 1u << i))
            continue;
        snprintf(urls[i], sizeof(urls[i]), "http://%s.example/%d", names[i], w->version[i]);
        specs[count] = spec_of(names[i], urls[i]);
        specs[count].rate_per_minute = i == 4 ? 240 : 0;
        specs[count++].concurrency = i + 1;
    }
    w->declared = set;
    declare(w->s, specs, count);
}

static void replace_instance(struct world *w)
{
    w->self = (w->self + 1) % sizeof(w->selfs);
    set_channel(w->s, "hooks", &w->selfs[w->self]);
}

static void answer_one(struct world *w)
{
    static const uint32_t outcomes[] = {BELFRY_DELIVERED, BELFRY_DELIVERED, BELFRY_DELIVERED,   BELFRY_DELIVERED,
                                        BELFRY_RETRY,     BELFRY_RETRY,     BELFRY_UNAVAILABLE, BELFRY_REJECTED};
    struct scene *s = w->s;
    if (s->count == 0)
        return;
    size_t from = s->count > 40 ? s->count - 40 : 0;
    const struct held *h = &s->held[from + draw((unsigned)(s->count - from))];
    struct belfry_result r = {.outcome = outcomes[draw(8)], .retry_after_ms = draw(3) ? 0 : draw(100000)};
    if (draw(60) == 0)
        r.outcome = BELFRY_TARGET_GONE;
    complete_with(s, h, r); /* some of them for the second time */
}

static void move_clock(struct world *w)
{
    struct clock_src *clock = w->s->b->clock;
    int64_t by = draw(4) ? (int64_t)draw(20000) : (int64_t)draw(4000000);
    clock_set(clock, clock_now_ms(clock) + (draw(10) ? by : -by / 4));
    dispatch_tick(w->s->d);
}

/* While the first is being committed the claim and the second queue up, so their news come while it is under way. */
static void post_around_a_claim(struct world *w)
{
    post(w);
    dispatch_wake(w->s->d, NULL);
    uv_run(&w->s->b->loop, UV_RUN_NOWAIT);
    post(w);
}

static void step(struct world *w)
{
    static const enum vfs_fault kinds[] = {VFS_FULL, VFS_IOERR};
    unsigned what = draw(100);
    if (what < 10)
        post(w);
    else if (what < 14)
        post_around_a_claim(w);
    else if (what < 50)
        answer_one(w);
    else if (what < 80)
        uv_run(&w->s->b->loop, UV_RUN_NOWAIT);
    else if (what < 88)
        move_clock(w);
    else if (what < 91) {
        w->version[draw(TARGETS)] += draw(3) == 0;
        declare_some(w, w->declared | 1u << draw(TARGETS));
    } else if (what < 92)
        declare_some(w, w->declared & ~(1u << draw(TARGETS)));
    else if (what < 94)
        replace_instance(w);
    else if (what < 96)
        vfs_fault_set(kinds[draw(2)], (int)draw(10), 1 + (int)draw(3));
    else
        dispatch_tick(w->s->d);
}

/* Everything that the ledger has done was told, and dispatch did what it could. */
static void come_to_rest(struct world *w)
{
    for (; w->heard < w->sent_count; w->heard++)
        send_end(w->s->b, w->sent[w->heard]);
    settle(w->s->b);
    turn(w->s);
}

/* An endpoint with a free slot, and nothing that keeps it waiting, has rows that are due. */
static const struct target *one_that_lies(struct world *w)
{
    struct scene *s = w->s;
    struct channel *ch = hash_get(s->d->channels, STR("hooks"));
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    int64_t now = clock_now_ms(s->b->clock);
    while (hash_next(ch->targets, &pos, &key, &value)) {
        const struct target *t = value;
        const struct queue_state *q = t->queue;
        char sql[200];
        if (!t->enabled || t->removed || q->inflight >= q->concurrency || q->inflight >= q->window ||
            q->held_until_ms > now || q->breaker.open_until_ms || q->bucket.per_minute ||
            (q->heap_at && q->next_due_ms > now))
            continue;
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM delivery WHERE target = %lld AND open = 1 AND lease IS NULL AND due <= %lld",
                 (long long)t->id, (long long)now);
        if (strcmp(rows(s->b, sql), "0") != 0)
            return t;
    }
    return NULL;
}

static void nothing_lies(struct world *w, int at)
{
    const struct target *t = NULL;
    for (int look = 0; look < 3; look++) { /* a job of the ledger may have ended between the rest and the look */
        come_to_rest(w);
        t = one_that_lies(w);
        if (!t)
            return;
    }
    fail_msg("seed %llu, step %d: %s has rows that are due", (unsigned long long)w->seed, at, t->facts->pub.url.ptr);
}

/* The disk is well, every endpoint is there and takes what it is given. */
static void end_well(struct world *w)
{
    struct scene *s = w->s;
    vfs_fault_set(VFS_NONE, 0, 0);
    come_to_rest(w);
    for (size_t i = 0; i < w->sent_count; i++)
        send_free(w->sent[i]);
    dispatch_tick(s->d);
    turn(s);
    for (int i = 0; i < TARGETS; i++)
        w->version[i] += 1000;
    declare_some(w, (1u << TARGETS) - 1);
    turn(s);
    while (strcmp(rows(s->b, "SELECT count(*) FROM job WHERE state < 2"), "0") != 0)
        settle(s->b); /* the ledger rests for a second after a transaction that failed */
    turn(s);
    for (int round = 0; round < 400; round++) {
        for (size_t i = 0; i < s->count; i++)
            complete(s, i, BELFRY_DELIVERED);
        turn(s);
        clock_advance(s->b->clock, 1800000);
        dispatch_tick(s->d);
        turn(s);
    }
    assert_true(dispatch_idle(s->d));
    assert_true(dispatch_idle(s->d));
    expect_rows(s->b,
                "SELECT t.name, t.enabled, t.removed, d.state, d.open, count(*) FROM delivery d LEFT JOIN target t"
                " ON t.id = d.target WHERE d.open > 0 GROUP BY 1, 2, 3, 4, 5",
                "");
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE lease IS NOT NULL", "0");
}

static void test_nothing_is_left_lying(void **state)
{
    (void)state;
    static const int some[] = {0, 1, 2, 3, 4, 5, 6, 86}; /* 86: a claim between an outcome's failure and its success */
    int all = getenv("BELFRY_LONG") != NULL, lives = all ? 200 : (int)(sizeof(some) / sizeof(some[0]));
    scene_vfs = vfs_fault_name();
    for (int life = 0; life < lives; life++) {
        seed = (uint64_t)(all ? life : some[life]) * 7919 + 1;
        struct world w = {.declared = 3, .seed = seed};
        vfs_fault_set(VFS_NONE, 0, 0);
        w.s = open_scene(HOOKS);
        declare_some(&w, 3);
        set_channel(w.s, "hooks", &w.selfs[0]);
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            if (i % 5 == 4)
                nothing_lies(&w, i);
        }
        end_well(&w);
        close_scene(w.s);
    }
    scene_vfs = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left_lying)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
