/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints against a model of a few lines: made, changed, taken away, rotated, switched, at random, many in one group,
 * with a disk that fails, restarts and reloads in between. After each step an event goes to those that the model says,
 * at the address and under the secret that it says; what is held leaves when it is switched on again.
 */
#include "endpoint_fixture.h"

#include "chance.h"
#include "vfs_fault.h"

#define ENDPOINTS 12
#define STEPS 80

struct wanted { /* of one endpoint */
    int64_t id;
    int there, enabled, picky; /* picky: takes events of another type only */
    int url, secret;           /* numbers that they are made of */
    int64_t version;
    int held;
};

struct world {
    struct scene *s;
    uint64_t seed;
    struct wanted all[ENDPOINTS];
    size_t count;
    int number, events;
};

/* A deed under way, and what is so when it succeeds. */
struct pending {
    struct deed_answer answer;
    size_t at;
    struct wanted after;
    int64_t if_version;
    int makes;
};

static void text_of(char *out, size_t size, const char *what, int number)
{
    snprintf(out, size, "http://%s-%d.example/", what, number);
}

static struct dispatch_endpoint draft_of(const struct wanted *w, char url[64])
{
    static const struct belfry_str rare = STR("thing.rare");
    text_of(url, 64, "url", w->url);
    struct dispatch_endpoint endpoint = draft(url);
    endpoint.enabled = w->enabled;
    if (w->picky)
        endpoint.types = (struct belfry_strs){&rare, 1};
    else if (w->url % 2)
        endpoint.when = STR("{\"type\":\"thing.note\"}");
    return endpoint;
}

/* --- deeds -------------------------------------------------------------------------------------------------------- */

static void begin(struct world *w, struct pending *p, size_t at)
{
    struct scene *s = w->s;
    const struct ledger_deed deed = CRM;
    char url[64], secret[64];
    int what = pick(&w->seed, 100);
    *p = (struct pending){.at = at};
    const struct wanted *now = &w->all[p->at];
    p->after = *now;
    w->number++;
    p->after.version++;
    text_of(secret, sizeof(secret), "secret", w->number);
    if (!now->there) {
        p->makes = 1;
        p->after = (struct wanted){.there = 1,
                                   .enabled = pick(&w->seed, 4) > 0,
                                   .picky = pick(&w->seed, 3) == 0,
                                   .url = w->number,
                                   .secret = w->number,
                                   .version = 1};
        struct dispatch_endpoint endpoint = draft_of(&p->after, url);
        dispatch_endpoint_create(s->d, "hooks", &deed, &endpoint, str_of(secret), on_deed, &p->answer);
    } else if (what < 45) {
        p->after.enabled = pick(&w->seed, 4) ? now->enabled : !now->enabled;
        p->after.picky = pick(&w->seed, 3) == 0;
        p->after.url = pick(&w->seed, 2) ? now->url : w->number;
        p->if_version = pick(&w->seed, 2) ? now->version : 0;
        if (p->after.enabled == now->enabled && p->after.picky == now->picky && p->after.url == now->url)
            p->after.version = now->version; /* it is so already */
        struct dispatch_endpoint endpoint = draft_of(&p->after, url);
        dispatch_endpoint_change(s->d, &deed, now->id, p->if_version, &endpoint, on_deed, &p->answer);
    } else if (what < 60) {
        p->after = (struct wanted){0};
        p->if_version = pick(&w->seed, 2) ? now->version : 0;
        dispatch_endpoint_remove(s->d, &deed, now->id, p->if_version, on_deed, &p->answer);
    } else if (what < 75) {
        p->after.secret = w->number;
        dispatch_endpoint_rotate(s->d, &deed, now->id, 0, str_of(secret), 1000, on_deed, &p->answer);
    } else {
        p->after.version--;
        p->after.enabled = pick(&w->seed, 2);
        dispatch_endpoint_enable(s->d, &deed, now->id, p->after.enabled, on_deed, &p->answer);
    }
}

static void end(struct world *w, struct pending *p)
{
    struct wanted *now = &w->all[p->at];
    while (!p->answer.done)
        uv_run(&w->s->b->loop, UV_RUN_ONCE);
    if (p->answer.status == BELFRY_EIO)
        return; /* nothing is as it was to be */
    if (p->answer.status)
        fail_msg("step of seed %llu: %d", (unsigned long long)w->seed, p->answer.status);
    int64_t id = p->makes ? p->answer.id : now->id;
    *now = p->after;
    now->id = now->there ? id : 0;
    if (now->there)
        assert_int_equal(p->answer.version, now->version);
}

/* --- what is so --------------------------------------------------------------------------------------------------- */

static const struct held *batch_of(struct scene *s, size_t from, int64_t id)
{
    const struct held *found = NULL;
    for (size_t i = from; i < s->count; i++)
        if ((int64_t)s->held[i].batch->target->id == id) {
            assert_null(found);
            found = &s->held[i];
        }
    return found;
}

static void deliver_all(struct scene *s)
{
    while (s->taken < s->count) {
        complete_fresh(s, BELFRY_DELIVERED);
        turn(s);
    }
}

/* Nothing that was held is left with one that is enabled, and nothing is with another than it should. */
static void look(struct world *w)
{
    struct scene *s = w->s;
    char id[16], url[64], secret[64];
    int jobs;
    do { /* the ledger rests for a second of its own after a transaction that failed */
        jobs = strcmp(rows(s->b, "SELECT count(*) FROM job WHERE state < 2"), "0") != 0;
        settle(s->b);
        turn(s);
        deliver_all(s);
    } while (jobs);
    s->count = s->taken = 0;
    snprintf(id, sizeof(id), "e%d", w->events++);
    emit(s, id, "ann");
    turn(s);
    size_t expected = 0;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        const struct wanted *e = &w->all[i];
        const struct held *h = e->there ? batch_of(s, 0, e->id) : NULL;
        int takes = e->there && e->enabled && !e->picky;
        text_of(url, sizeof(url), "url", e->url);
        text_of(secret, sizeof(secret), "secret", e->secret);
        expected += takes;
        if (takes != (h != NULL) || (h && (strcmp(h->url, url) || strcmp(h->secret, secret))))
            fail_msg("seed %llu, endpoint %zu: it is there %d, enabled %d, picky %d, %s; what it got: %s",
                     (unsigned long long)w->seed, i, e->there, e->enabled, e->picky, url, h ? h->url : "nothing");
        if (e->there) {
            struct dispatch_target_view v = view(s, e->id);
            assert_int_equal(v.enabled, e->enabled);
            assert_int_equal(v.version, e->version);
            assert_true(str_eqz(v.url, url));
        }
    }
    assert_int_equal(s->count, expected);
    deliver_all(s);
    expect_rows(s->b, "SELECT count(*) FROM delivery d JOIN target t ON t.id = d.target WHERE d.open = 2 AND t.enabled",
                "0");
}

/* --- lives -------------------------------------------------------------------------------------------------------- */

static void step(struct world *w)
{
    static const enum vfs_fault kinds[] = {VFS_FULL, VFS_IOERR};
    struct pending pending[4];
    int what = pick(&w->seed, 100), together = 0;
    unsigned busy = 0;
    if (what < 6)
        restart(w->s, 1);
    if (what < 12) {
        hooks_again(w->s);
        return;
    }
    if (what < 16)
        vfs_fault_set(kinds[pick(&w->seed, 2)], pick(&w->seed, 4), 1 + pick(&w->seed, 3));
    for (int i = pick(&w->seed, 4); i >= 0; i--) { /* as one group, as often as not */
        size_t at = (size_t)pick(&w->seed, ENDPOINTS);
        if (busy & 1u << at)
            continue;
        begin(w, &pending[together++], at);
        busy |= 1u << at;
    }
    for (int i = 0; i < together; i++)
        end(w, &pending[i]);
    vfs_fault_set(VFS_NONE, 0, 0);
}

static void test_a_model(void **state)
{
    (void)state;
    int lives = getenv("BELFRY_LONG") ? 200 : 2;
    scene_vfs = vfs_fault_name();
    for (int life = 0; life < lives; life++) {
        struct world w = {.seed = (uint64_t)life + 1};
        vfs_fault_set(VFS_NONE, 0, 0);
        w.s = endpoint_scene();
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            look(&w);
        }
        close_scene(w.s);
    }
    scene_vfs = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
