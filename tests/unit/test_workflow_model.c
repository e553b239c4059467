/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories against a model of a page: valid, repeated, reordered and refused triggers on few records, so that
 * everything meets everything, and time that goes by between them. After each step all that was done is what the model
 * says; on top stand the rules that no history may break: who acted is not told, nobody outside the audience is, what
 * was cancelled is never told, and those triggers that were accepted, given again to an empty state at the same times,
 * give the same state, timers and inboxes.
 */
#include "chance.h"
#include "workflow_fixture.h"

#include <stdio.h>

#define RULES                                                                                                          \
    "rules:\n"                                                                                                         \
    "  - {name: big, fire: on_entering, when: {fields.amount: {gte: 50}},\n"                                           \
    "     notify: {to: ['role:sales-manager', owner]}}\n"                                                              \
    "  - {name: hot, on: update, when: {fields.rating: 1}, notify: {to: [created_by, bob]}}\n"                         \
    "  - {name: left, fire: on_entering, after: 181s, when: {fields.amount: {lt: 20}}, notify: {to: [owner, cara]}}\n" \
    "  - {name: still, after: 5m, when: {fields.rating: 2}, notify: {to: [created_by]}}\n"                             \
    "  - {name: fresh, on: create, when: {owner: {exists: true}}, notify: {to: [dan]}}\n"
#define RECORDS 3
#define STEPS 1500

static const char *const people[] = {"ann", "bob", "cara", "dan"};
enum { NOBODY = -1, ABSENT = -2 }; /* null, not said */

struct record {
    int known, owner, creator, amount, rating;
    int timers_s[2]; /* seconds until those of `waiting` are due; 0: none */
};

struct trigger {
    int kind; /* 0 created, 1 updated, 2 deleted */
    int record, owner, amount, rating, by;
    int has_before, before_owner, before_amount;
    int broken;
    int again;  /* the same trigger as the step before: a duplicate */
    int wait_s; /* time goes by before it */
};

struct model {
    struct record records[RECORDS];
    char told[4000];
};

/* --- the model ---------------------------------------------------------------------------------------------------- */

static void tell(struct model *m, const char *format, ...)
{
    size_t len = strlen(m->told);
    va_list args;
    va_start(args, format);
    if (len)
        m->told[len++] = '\n';
    vsnprintf(m->told + len, sizeof(m->told) - len, format, args);
    va_end(args);
}

static void tell_rule(struct model *m, const char *rule, const int *to, size_t count, int by, int record)
{
    char names[100] = "";
    int told[4] = {0};
    for (size_t i = 0; i < count; i++) {
        if (to[i] < 0 || to[i] == by || told[to[i]]++)
            continue;
        strcat(names, *names ? ", " : "");
        strcat(names, people[to[i]]);
    }
    tell(m, "workflow.%s -> %s: R %d", rule, *names ? names : "nobody", record);
}

/* The rules that wait. A timer that is set counts anew; when its criteria are met no more it is gone. Triggers lie an
 * even number of seconds apart, so that no two timers are ever due at once: one rule waits an odd time, one an even
 * one. */
static const char *const waiting[] = {"left", "still"};
static const int waits_s[] = {181, 300};

static void model_timer(struct model *m, int record, int rule, int on)
{
    int *left = &m->records[record].timers_s[rule];
    if (on)
        tell(m, rule ? "timer after/%s/record/R/%d in 5m" : "timer after/%s/record/R/%d in 181s", waiting[rule],
             record);
    else if (*left)
        tell(m, "timer after/%s/record/R/%d cleared", waiting[rule], record);
    *left = on ? waits_s[rule] : 0;
}

static int is_low(const struct record *r)
{
    return r->amount >= 0 && r->amount < 20;
}

/* `left` fires on entering, `still` every time. */
static void model_timers(struct model *m, int record, const struct record *was, int known, int was_there)
{
    struct record now = m->records[record];
    if (is_low(&now) ? !(was_there && is_low(was)) : known && is_low(was))
        model_timer(m, record, 0, is_low(&now));
    if (now.rating == 2 || (known && was->rating == 2))
        model_timer(m, record, 1, now.rating == 2);
}

/* What comes due within the time, oldest first. */
static void model_wait(struct model *m, int seconds)
{
    for (int s = 1; s <= seconds; s++) {
        for (int i = 0; i < RECORDS; i++) {
            struct record *r = &m->records[i];
            if (r->timers_s[0] && --r->timers_s[0] == 0)
                tell_rule(m, "left", (const int[]){r->owner, 2}, 2, NOBODY, i);
            if (r->timers_s[1] && --r->timers_s[1] == 0)
                tell_rule(m, "still", &r->creator, 1, NOBODY, i);
        }
    }
}

static int patched(int said, int was)
{
    return said == ABSENT ? was : said;
}

static void model_apply(struct model *m, const struct trigger *x)
{
    struct record *r = &m->records[x->record], was = *r, now = was;
    int known = r->known, is_new = !known && x->kind == 0, was_there = known;
    if (x->kind == 2) {
        if (known)
            tell(m, "withdraw record/R/%d: the record was deleted", x->record);
        model_timer(m, x->record, 0, 0);
        model_timer(m, x->record, 1, 0);
        *r = (struct record){0};
        return;
    }
    if (!known)
        now = (struct record){0, NOBODY, NOBODY, NOBODY, NOBODY, {0}};
    now.known = 1;
    if (!known && x->kind == 1 && x->has_before) {
        now.owner = patched(x->before_owner, now.owner);
        now.amount = patched(x->before_amount, now.amount);
    }
    now.owner = patched(x->owner, now.owner);
    now.amount = patched(x->amount, now.amount);
    now.rating = patched(x->rating, now.rating);
    if (x->kind == 0)
        now.creator = x->by;
    if (!known && x->kind == 1 && x->has_before) {
        was_there = 1;
        was = now;
        was.owner = patched(x->before_owner, now.owner);
        was.amount = patched(x->before_amount, now.amount);
    }
    *r = now;
    if ((is_new || (was_there && was.owner != now.owner))) {
        if (!is_new && was.owner >= 0)
            tell(m, "withdraw record/R/%d [record.assigned] from %s: it has %s owner now", x->record, people[was.owner],
                 now.owner >= 0 ? "another" : "no");
        if (now.owner >= 0 && now.owner != x->by)
            tell(m, "record.assigned -> %s: R %d", people[now.owner], x->record);
    }
    if (now.amount >= 50 && !(was_there && was.amount >= 50))
        tell_rule(m, "big", (const int[]){2, 3, now.owner}, 3, x->by, x->record);
    if (!is_new && now.rating == 1)
        tell_rule(m, "hot", (const int[]){now.creator, 1}, 2, x->by, x->record);
    model_timers(m, x->record, &was, known, was_there);
    if (is_new && now.owner >= 0)
        tell_rule(m, "fresh", (const int[]){3}, 1, x->by, x->record);
}

/* --- triggers ----------------------------------------------------------------------------------------------------- */

static struct trigger random_trigger(uint64_t *seed)
{
    struct trigger x = {.kind = pick(seed, 8), .record = pick(seed, RECORDS), .by = pick(seed, 4)};
    x.kind = x.kind < 2 ? 0 : x.kind < 7 ? 1 : 2;
    x.owner = x.kind == 0 ? pick(seed, 4) : pick(seed, 6) - 2;
    x.amount = pick(seed, 3) ? pick(seed, 100) : pick(seed, 2) - 2;
    x.rating = pick(seed, 5) - 2;
    x.has_before = pick(seed, 2);
    x.before_owner = pick(seed, 6) - 2;
    x.before_amount = pick(seed, 2) ? pick(seed, 100) : pick(seed, 2) - 2;
    x.broken = pick(seed, 12) == 0;
    x.again = pick(seed, 10) == 0;
    x.wait_s = 2 + 2 * pick(seed, pick(seed, 4) ? 20 : 120);
    return x;
}

static char *add_person(char *p, const char *key, int who)
{
    if (who == ABSENT)
        return p;
    return p + (who == NOBODY ? sprintf(p, ",\"%s\":null", key) : sprintf(p, ",\"%s\":\"%s\"", key, people[who]));
}

static char *add_fields(char *p, int amount, int rating)
{
    const char *comma = "";
    p += sprintf(p, ",\"fields\":{");
    if (amount != ABSENT) {
        p += amount == NOBODY ? sprintf(p, "\"amount\":null") : sprintf(p, "\"amount\":%d", amount);
        comma = ",";
    }
    if (rating != ABSENT)
        p += rating == NOBODY ? sprintf(p, "%s\"rating\":null", comma) : sprintf(p, "%s\"rating\":%d", comma, rating);
    return p + sprintf(p, "}");
}

static const char *trigger_json(const struct trigger *x)
{
    static char out[1000];
    char *p = out;
    p += sprintf(p, "{\"record\":{\"object\":\"R\",\"%s\":\"%d\"", x->broken ? "idd" : "id", x->record);
    if (x->kind == 0)
        p += sprintf(p, ",\"url\":\"/r/%d\",\"created_by\":\"%s\"", x->record, people[x->by]);
    if (x->kind < 2) {
        p = add_person(p, "owner", x->owner);
        p = add_fields(p, x->amount, x->rating);
    }
    p += sprintf(p, "}");
    if (x->kind)
        p += sprintf(p, ",\"%s\":\"%s\"", x->kind == 1 ? "changed_by" : "by", people[x->by]);
    if (x->kind == 1 && x->has_before) {
        p += sprintf(p, ",\"before\":{\"x\":1");
        p = add_person(p, "owner", x->before_owner);
        p = add_fields(p, x->before_amount, ABSENT);
        p += sprintf(p, "}");
    }
    sprintf(p, "}");
    return out;
}

/* Again: under the id of before, with other data, as a client does that lost an answer and its memory. */
static void send(struct belfry_test *t, const struct trigger *x, int step)
{
    static const char *const types[] = {"record.created", "record.updated", "record.deleted"};
    char id[20];
    struct belfry_test_trigger trigger = {.type = types[x->kind], .data = trigger_json(x), .id = id};
    snprintf(id, sizeof(id), "%d", step);
    belfry_test_send_trigger(t, &trigger);
    belfry_test_expect_error(t, x->broken && !x->again ? "/data/record/id: is required" : "");
}

static void wait(struct belfry_test *t, int seconds)
{
    char text[20];
    snprintf(text, sizeof(text), "%ds", seconds);
    belfry_test_advance(t, text);
}

/* --- what no history may break ------------------------------------------------------------------------------------ */

/* by_time: of a timer, when nobody acts and any record may be meant. */
static void check_event(const struct belfry_test_event *e, const struct model *m, const struct trigger *x, int by_time)
{
    const struct record *r = &m->records[x->record];
    if (by_time) {
        assert_true(strcmp(e->type, "workflow.left") == 0 || strcmp(e->type, "workflow.still") == 0);
        assert_string_equal(e->actor, "");
        return;
    }
    for (size_t i = 0; e->recipients[i]; i++) {
        const char *who = e->recipients[i];
        int is_owner = r->owner >= 0 && strcmp(who, people[r->owner]) == 0;
        int is_creator = r->creator >= 0 && strcmp(who, people[r->creator]) == 0;
        assert_string_not_equal(who, people[x->by]);
        if (strcmp(e->type, "record.assigned") == 0)
            assert_true(is_owner);
        else if (strcmp(e->type, "workflow.hot") == 0)
            assert_true(is_creator || strcmp(who, "bob") == 0);
        else
            assert_true(is_owner || strcmp(who, "cara") == 0 || strcmp(who, "dan") == 0);
    }
}

/* The rows of record.assigned that are live belong to the present owner, one a record. */
static void check_inboxes(struct belfry_test *t, const struct model *m)
{
    for (int who = 0; who < 4; who++) {
        for (int i = 0; i < RECORDS; i++) {
            const struct record *r = &m->records[i];
            char line[60];
            snprintf(line, sizeof(line), "record.assigned: R %d", i);
            const char *rows = belfry_test_inbox(t, people[who]), *first = strstr(rows, line);
            if (first && !(r->known && r->owner == who))
                fail_msg("%s has a row of record %d", people[who], i);
            if (first && strstr(first + 1, line))
                fail_msg("%s has two rows of record %d", people[who], i);
        }
    }
}

/* All that the source and the rows of everybody have become. */
static char *outcome(struct belfry_test *t)
{
    size_t size = 1 << 20, len = 0;
    char *out = malloc(size);
    len += (size_t)snprintf(out + len, size - len, "%s\n%s\n", belfry_test_state(t), belfry_test_timers(t));
    for (int who = 0; who < 4; who++)
        len += (size_t)snprintf(out + len, size - len, "%s\n%s\n", people[who], belfry_test_inbox(t, people[who]));
    assert_true(len < size);
    return out;
}

static void check_step(struct belfry_test *t, struct model *m, const struct trigger *x, size_t before, size_t waited)
{
    belfry_test_expect(t, m->told);
    for (size_t e = before; e < belfry_test_event_count(t); e++)
        check_event(belfry_test_event(t, e), m, x, e < waited);
}

/* With everything, or only what was accepted: the time goes by all the same. */
static char *history(uint64_t seed, int only_accepted)
{
    struct belfry_test *t = workflow_new(RULES);
    static struct model m;
    int accepted = -1;
    memset(&m, 0, sizeof(m));
    for (int i = 0; i < STEPS; i++) {
        struct trigger x = random_trigger(&seed);
        size_t before = belfry_test_event_count(t);
        m.told[0] = '\0';
        model_wait(&m, x.wait_s);
        wait(t, x.wait_s);
        size_t waited = belfry_test_event_count(t);
        x.again &= accepted >= 0;
        if (!x.broken && !x.again)
            model_apply(&m, &x);
        if (!only_accepted || (!x.broken && !x.again))
            send(t, &x, x.again ? accepted : i);
        if (!x.broken && !x.again)
            accepted = i;
        check_step(t, &m, &x, before, waited);
        if (i % 50 == 0)
            check_inboxes(t, &m);
    }
    char *out = outcome(t);
    for (int i = 0; i < RECORDS; i++) {
        char key[20];
        snprintf(key, sizeof(key), "record/R/%d", i);
        assert_int_equal(belfry_test_get(t, key) != NULL, m.records[i].known);
    }
    belfry_test_free(t);
    return out;
}

static void test_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        char *once = history(seed * UINT64_C(0x9e3779b97f4a7c15), 0);
        char *replayed = history(seed * UINT64_C(0x9e3779b97f4a7c15), 1);
        assert_string_equal(once, replayed);
        free(once);
        free(replayed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests_name("workflow against a model", tests, NULL, NULL);
}
