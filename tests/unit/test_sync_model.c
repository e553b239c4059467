/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two properties. Whatever order the triggers of runs come in, and however often, the runs end the same and the same
 * people were told. And in random histories - valid, repeated, reordered and refused triggers, timers, time that passes
 * - what a small model says holds after each step: who is told of what, once, and which overviews are valid; the
 * accepted triggers alone give the same state again.
 */
#include "chance.h"
#include "sync_fixture.h"

#include <stdio.h>
#include <time.h>

/* --- every order -------------------------------------------------------------------------------------------------- */

struct event {
    const char *type, *data, *time;
};

struct order {
    const char *what;
    struct event events[8];
    const char *told; /* who got what, sorted by event */
};

#define S "sync.started"
#define P "sync.progress"
#define F "sync.finished"
#define T(clock) "2026-01-05T" clock "Z"
#define STARTS(id, kind, admin) "{'run':{'id':'" id "','kind':'" kind "','admin':'" admin "'}}"

static const struct order orders[] = {
    {"a long sync, its end and its start twice",
     {{S, STARTS("1", "sync", "ann"), T("08:50:00")},
      {P, "{'run':{'id':'1'},'done':1,'total':2}", T("08:51:00")},
      {P, "{'run':{'id':'1'},'done':2,'total':2}", T("08:52:00")},
      {F, "{'run':{'id':'1'},'outcome':'succeeded'}", T("08:55:00")},
      {F, "{'run':{'id':'1'},'outcome':'succeeded'}", T("08:55:00")},
      {S, STARTS("1", "sync", "ann"), T("08:50:00")}},
     "ann 1 completed\n"},
    {"a short one",
     {{S, STARTS("1", "sync", "ann"), T("08:59:30")},
      {P, "{'run':{'id':'1'},'done':1,'total':2}", T("08:59:40")},
      {F, "{'run':{'id':'1'},'outcome':'succeeded'}", T("08:59:50")},
      {F, "{'run':{'id':'1'},'outcome':'succeeded'}", T("08:59:50")}},
     ""},
    {"one that goes on: the newest progress stands, of two of the same moment the one that is further",
     {{S, STARTS("1", "sync", "ann"), T("08:50:00")},
      {P, "{'run':{'id':'1'},'done':1,'total':4}", T("08:51:00")},
      {P, "{'run':{'id':'1'},'done':2,'total':4}", T("08:52:00")},
      {P, "{'run':{'id':'1'},'done':3,'total':4}", T("08:52:00")}},
     ""},
    {"a long failure",
     {{S, STARTS("1", "import", "ann"), T("08:50:00")},
      {P, "{'run':{'id':'1'},'done':1,'total':2}", T("08:51:00")},
      {F, "{'run':{'id':'1','admin':'ann'},'outcome':'failed'}", T("08:55:00")},
      {S, STARTS("1", "import", "ann"), T("08:50:00")}},
     "ann 1 failed\nolga 1 failed\n"},
    {"an overview, another one while it ran, and a sync: the second is valid, a week from the sync on",
     {{S, STARTS("1", "overview", "ann"), T("08:00:00")},
      {S, STARTS("2", "overview", "bob"), T("08:10:00")},
      {F, "{'run':{'id':'1','kind':'overview'},'outcome':'succeeded'}", T("08:20:00")},
      {F, "{'run':{'id':'2','kind':'overview'},'outcome':'partial'}", T("08:30:00")},
      {F, "{'run':{'id':'3','kind':'sync'},'outcome':'failed'}", T("08:40:00")},
      {S, STARTS("3", "sync", "bob"), T("08:35:00")}},
     "ann 1 overview_ready superseded\nbob 2 overview_ready until 2026-01-12T08:40\nbob 3 failed\n"
     "olga 2 overview_ready until 2026-01-12T08:40\nolga 3 failed\n"},
};

struct told {
    char lines[20][80];
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int is_end(const char *type)
{
    return strcmp(type, "sync.backgrounded") != 0 && strcmp(type, "sync.stalled") != 0;
}

/* Whom the ends of runs were told, with what is valid of overviews, in an order of its own. */
static const char *summary(struct belfry_test *t)
{
    static char out[2000];
    struct told told = {.count = 0};
    const char *overviews = belfry_test_get(t, "overviews");
    for (size_t i = 0; i < belfry_test_event_count(t); i++) {
        const struct belfry_test_event *e = belfry_test_event(t, i);
        for (size_t k = 0; is_end(e->type) && e->recipients[k]; k++) {
            char *line = told.lines[told.count++];
            snprintf(line, 80, "%s %s %s", e->recipients[k], e->subject + 4, e->type + 5);
            if (strcmp(e->type, "sync.overview_ready") != 0)
                continue;
            char member[40];
            snprintf(member, sizeof(member), "\"i\":\"%s\",\"s\"", e->subject + 4);
            const char *valid = overviews ? strstr(overviews, member) : NULL;
            strcat(line, !valid                                 ? " superseded"
                         : strstr(valid, "\"u\":1768207200000") ? " until 2026-01-12T08:40"
                                                                : " until another time");
        }
    }
    qsort(told.lines, told.count, sizeof(told.lines[0]), by_text);
    out[0] = '\0';
    for (size_t i = 0; i < told.count; i++)
        strcat(strcat(out, told.lines[i]), "\n");
    return out;
}

static int next_order(int *order, int count)
{
    int i = count - 2, j = count - 1;
    while (i >= 0 && order[i] > order[i + 1])
        i--;
    if (i < 0)
        return 0;
    while (order[j] < order[i])
        j--;
    int keep = order[i];
    order[i] = order[j];
    order[j] = keep;
    for (int a = i + 1, b = count - 1; a < b; a++, b--) {
        keep = order[a];
        order[a] = order[b];
        order[b] = keep;
    }
    return 1;
}

static char *play(const struct order *o, const int *order, int count)
{
    struct belfry_test *t = sync_new("failures_to: olga");
    for (int i = 0; i < count; i++) {
        const struct event *e = &o->events[order[i]];
        if (sync_send(t, e->type, json(e->data), e->time) != BELFRY_OK)
            fail_msg("%s: %s", o->what, belfry_test_error(t));
    }
    const char *found = summary(t);
    if (strcmp(found, o->told) != 0) {
        char sequence[20] = "";
        for (int i = 0; i < count; i++)
            sprintf(sequence + strlen(sequence), "%d", order[i]);
        fail_msg("%s, in the order %s:\n%s\nexpected:\n%s", o->what, sequence, found, o->told);
    }
    char *state = strdup(belfry_test_state(t));
    belfry_test_told(t);
    belfry_test_free(t);
    return state;
}

static void test_every_order_ends_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        int order[8], count = 0;
        while (orders[i].events[count].type)
            order[count] = count, count++;
        char *first = play(&orders[i], order, count);
        while (next_order(order, count)) {
            char *other = play(&orders[i], order, count);
            assert_string_equal(first, other);
            free(other);
        }
        free(first);
    }
}

/* --- random histories --------------------------------------------------------------------------------------------- */

#define RUNS 8
#define ITEMS 2
#define STEPS 600
#define MINUTE INT64_C(60000)
#define WEEK (INT64_C(7) * 1440 * MINUTE)

static const char *const kinds[] = {"sync", "overview", "import", "overview"};
static const char *const admins[] = {"ann", "bob", "otto"};
static const char *const outcomes[] = {"succeeded", "partial", "failed"};

/* Kind, admin and outcome of a run are a matter of its number. */
static const char *kind_of(int run)
{
    return kinds[run % 4];
}
static const char *admin_of(int run)
{
    return admins[run % 3];
}

struct run {
    int64_t started, started_said, finished, finished_said; /* 0: not yet, not said */
    int outcome, has_admin, has_kind, superseded, expired, ready;
    int told_admin, told_olga, stalled;
};

struct model {
    struct run runs[RUNS];
    int64_t last_start, last_sync;
    int last_run;
    int64_t until[RUNS];
    int blocked[ITEMS];
    int64_t item_said[ITEMS]; /* when what is known of it was; 0: not said */
};

static int64_t length_of(const struct run *r)
{
    if (!r->started || !r->finished)
        return -1;
    if (r->started_said && r->finished_said && r->finished_said >= r->started_said)
        return r->finished_said - r->started_said;
    return r->finished >= r->started ? r->finished - r->started : -1;
}

static int64_t best(int64_t arrived, int64_t said)
{
    return said ? said : arrived;
}

static int is_overview(const struct model *m, int i)
{
    return m->runs[i].has_kind && strcmp(kind_of(i), "overview") == 0;
}

/* Once it is not valid any more it never is again. */
static void look_at_overviews(struct model *m, int64_t now)
{
    for (int i = 0; i < RUNS; i++) {
        struct run *r = &m->runs[i];
        int64_t start = best(r->started, r->started_said), end = best(r->finished, r->finished_said);
        if (!is_overview(m, i))
            continue;
        if (r->started && (start < m->last_start || (start == m->last_start && i < m->last_run)))
            r->superseded = 1;
        if (!r->started && r->finished && end <= m->last_start)
            r->superseded = 1;
        if (r->ready && m->until[i] <= now)
            r->expired = 1;
    }
}

static void model_started(struct model *m, int i, int64_t now, int64_t said)
{
    struct run *r = &m->runs[i];
    int64_t start = best(now, said);
    if (r->started)
        return;
    r->started = now;
    r->started_said = said;
    r->has_admin = r->has_kind = 1;
    if (is_overview(m, i) && (start > m->last_start || (start == m->last_start && i > m->last_run))) {
        m->last_start = start;
        m->last_run = i;
    }
}

static void model_finished(struct model *m, int i, int64_t now, int64_t said, int outcome, int with_admin)
{
    struct run *r = &m->runs[i];
    int64_t end = best(now, said);
    r->finished = now;
    r->finished_said = said;
    r->outcome = outcome;
    r->has_admin |= with_admin;
    r->has_kind = 1;
    look_at_overviews(m, now);
    if (is_overview(m, i) && outcome != 2) {
        r->ready = 1;
        m->until[i] = (end > m->last_sync ? end : m->last_sync) + WEEK;
    }
    if (strcmp(kind_of(i), "sync") == 0 && end > m->last_sync) {
        m->last_sync = end;
        for (int k = 0; k < RUNS; k++)
            if (m->runs[k].ready && !m->runs[k].expired && !m->runs[k].superseded && end + WEEK > m->until[k])
                m->until[k] = end + WEEK;
    }
}

/* Of two that say when, the later counts; one that does not say is news. */
static void model_item(struct model *m, int i, int blocked, int64_t said)
{
    if (said && m->item_said[i] > said)
        return;
    if (blocked || said || m->blocked[i])
        m->item_said[i] = said;
    m->blocked[i] = blocked;
}

/* Each event of the step was allowed; counts who was told of what. */
static void check_event(struct model *m, const struct belfry_test_event *e)
{
    if (strncmp(e->subject, "run/", 4) != 0)
        return;
    int i = e->subject[4] - '0';
    struct run *r = &m->runs[i];
    assert_string_equal(e->actor, "");
    for (size_t k = 0; e->recipients[k]; k++) {
        int is_admin = strcmp(e->recipients[k], admin_of(i)) == 0, is_olga = strcmp(e->recipients[k], "olga") == 0;
        assert_true(is_admin || is_olga);
        assert_string_not_equal(e->type, "sync.backgrounded");
        if (strcmp(e->type, "sync.stalled") == 0)
            continue;
        assert_true(r->finished);
        assert_true(length_of(r) < 0 || length_of(r) >= MINUTE);
        assert_true(is_admin || r->outcome != 0);
        r->told_admin += is_admin;
        r->told_olga += is_olga;
    }
    if (strcmp(e->type, "sync.stalled") == 0)
        assert_int_equal(r->stalled++, 0);
}

static void check_runs(struct belfry_test *t, const struct model *m)
{
    for (int i = 0; i < RUNS; i++) {
        const struct run *r = &m->runs[i];
        int counts = r->finished && (length_of(r) < 0 || length_of(r) >= MINUTE);
        assert_in_range(r->told_admin, 0, 1);
        assert_in_range(r->told_olga, 0, 1);
        if (counts) {
            assert_int_equal(r->told_admin, r->has_admin);
            assert_int_equal(r->told_olga, r->outcome != 0);
        }
        if (!r->finished)
            assert_int_equal(r->told_admin + r->told_olga, 0);
        char key[20];
        snprintf(key, sizeof(key), "run/%d", i);
        if (r->started || r->finished)
            assert_non_null(belfry_test_get(t, key));
    }
}

/* How many rows that are valid somebody has of overviews. */
static void check_overviews(struct belfry_test *t, const struct model *m)
{
    for (size_t who = 0; who < 3; who++) {
        int expected = 0, found = 0;
        for (int i = 0; i < RUNS; i++) {
            const struct run *r = &m->runs[i];
            expected += r->told_admin && is_overview(m, i) && r->ready && !r->superseded && !r->expired &&
                        strcmp(admin_of(i), admins[who]) == 0;
        }
        for (const char *p = belfry_test_inbox(t, admins[who]); (p = strstr(p, "sync.overview_ready")); p++)
            found++;
        assert_int_equal(found, expected);
    }
}

static void check_items(struct belfry_test *t, const struct model *m)
{
    int expected = 0, found = 0;
    for (int i = 0; i < ITEMS; i++)
        expected += m->blocked[i];
    for (const char *p = belfry_test_inbox(t, "cara"); (p = strstr(p, "sync.blocked")); p++)
        found++;
    assert_int_equal(found, expected);
}

struct step {
    int kind, run, outcome, with_admin, with_time, broken;
    int64_t ago, wait;
};

static struct step random_step(uint64_t *seed)
{
    struct step s = {.kind = pick(seed, 12), .run = pick(seed, RUNS), .outcome = pick(seed, 3)};
    s.with_admin = pick(seed, 2);
    s.with_time = pick(seed, 3);
    s.ago = pick(seed, 300) * 1000;
    s.broken = pick(seed, 15) == 0;
    s.wait = pick(seed, 20) == 0 ? pick(seed, 200) * 60 : pick(seed, 90);
    return s;
}

static void time_text(int64_t ms, char out[40])
{
    time_t seconds = (time_t)(ms / 1000);
    strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
}

/* 1 when it has to be accepted. */
static int send(struct belfry_test *t, const struct step *s, struct model *m)
{
    char data[300], time[40];
    int64_t now = belfry_test_now(t), said = s->with_time ? (now - s->ago) / 1000 * 1000 : 0;
    const char *run = s->broken ? "idd" : "id", *type;
    struct run *r = &m->runs[s->run];
    int item = s->run % ITEMS, ok = !s->broken;
    time_text(said, time);
    if (s->kind < 4) {
        type = "sync.started";
        snprintf(data, sizeof(data), "{\"run\":{\"%s\":\"%d\",\"kind\":\"%s\",\"admin\":\"%s\"}}", run, s->run,
                 kind_of(s->run), admin_of(s->run));
        if (ok)
            model_started(m, s->run, now, said);
    } else if (s->kind < 6) {
        type = "sync.progress";
        snprintf(data, sizeof(data), "{\"run\":{\"%s\":\"%d\"},\"done\":%d,\"total\":9}", run, s->run, s->outcome);
    } else if (s->kind < 10) {
        type = "sync.finished";
        snprintf(data, sizeof(data), "{\"run\":{\"%s\":\"%d\",\"kind\":\"%s\",\"admin\":%s%s%s},\"outcome\":\"%s\"}",
                 run, s->run, kind_of(s->run), s->with_admin ? "\"" : "", s->with_admin ? admin_of(s->run) : "null",
                 s->with_admin ? "\"" : "", outcomes[s->outcome]);
        ok = ok && (!r->finished || r->outcome == s->outcome);
        if (ok && !r->finished)
            model_finished(m, s->run, now, said, s->outcome, s->with_admin);
    } else {
        type = s->kind == 10 ? "work.blocked" : "work.unblocked";
        snprintf(data, sizeof(data), "{\"item\":{\"%s\":\"%d\",\"title\":\"t\",\"url\":\"/i\"},\"reason\":\"r\"}", run,
                 item);
        if (ok)
            model_item(m, item, s->kind == 10, said);
    }
    look_at_overviews(m, now);
    belfry_status status = sync_send(t, type, data, s->with_time ? time : NULL);
    assert_int_equal(status == BELFRY_OK, ok);
    return ok;
}

static char *history(const struct step *steps, const char *skip, char *accepted)
{
    struct belfry_test *t = sync_new("{failures_to: olga, stalled_after: 30m}");
    static struct model m;
    size_t seen = 0;
    memset(&m, 0, sizeof(m));
    for (int i = 0; i < STEPS; i++) {
        char wait[20];
        snprintf(wait, sizeof(wait), "%llds", (long long)steps[i].wait);
        belfry_test_advance(t, wait);
        look_at_overviews(&m, belfry_test_now(t));
        for (; seen < belfry_test_event_count(t); seen++)
            check_event(&m, belfry_test_event(t, seen));
        if (skip && !skip[i])
            continue;
        int ok = send(t, &steps[i], &m);
        if (accepted)
            accepted[i] = (char)ok;
        for (; seen < belfry_test_event_count(t); seen++)
            check_event(&m, belfry_test_event(t, seen));
        check_runs(t, &m);
        check_overviews(t, &m);
        check_items(t, &m);
    }
    char *state = strdup(belfry_test_state(t));
    belfry_test_told(t);
    belfry_test_free(t);
    return state;
}

static void test_histories(void **state)
{
    (void)state;
    static struct step steps[STEPS];
    static char accepted[STEPS];
    for (uint64_t n = 1; n <= 12; n++) {
        uint64_t seed = n * UINT64_C(0x9e3779b97f4a7c15);
        for (int i = 0; i < STEPS; i++)
            steps[i] = random_step(&seed);
        char *once = history(steps, NULL, accepted), *again = history(steps, accepted, NULL);
        assert_string_equal(once, again);
        free(once);
        free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_order_ends_the_same),
                                       cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests_name("sync against a model", tests, NULL, NULL);
}
