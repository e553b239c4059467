/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories against a model of a page: valid, repeated, reordered and refused triggers on few records, so that
 * everything meets everything. After each step all that was done is what the model says; on top stand the rules that no
 * history may break: who acted is not told, nobody outside the audience is, and the same history gives the same state.
 */
#include "workflow_fixture.h"

#include <stdio.h>

#define RULES                                                                                                          \
    "rules:\n"                                                                                                         \
    "  - {name: big, fire: on_entering, when: {fields.amount: {gte: 50}},\n"                                           \
    "     notify: {to: ['role:sales-manager', owner]}}\n"                                                              \
    "  - {name: hot, on: update, when: {fields.rating: 1}, notify: {to: [created_by, bob]}}\n"                         \
    "  - {name: fresh, on: create, when: {owner: {exists: true}}, notify: {to: [dan]}}\n"
#define RECORDS 3
#define STEPS 1500

static const char *const people[] = {"ann", "bob", "cara", "dan"};
enum { NOBODY = -1, ABSENT = -2 }; /* null, not said */

struct record {
    int known, owner, creator, amount, rating;
};

struct trigger {
    int kind; /* 0 created, 1 updated, 2 deleted */
    int record, owner, amount, rating, by;
    int has_before, before_owner, before_amount;
    int broken;
};

struct model {
    struct record records[RECORDS];
    char told[4000];
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int pick(uint64_t *seed, int count)
{
    return (int)((next_random(seed) >> 20) % (uint64_t)count);
}

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
        *r = (struct record){0};
        return;
    }
    if (!known)
        now = (struct record){0, NOBODY, NOBODY, NOBODY, NOBODY};
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

static void send(struct belfry_test *t, const struct trigger *x)
{
    static const char *const types[] = {"record.created", "record.updated", "record.deleted"};
    belfry_test_send(t, types[x->kind], trigger_json(x));
    belfry_test_expect_error(t, x->broken ? "/data/record/id: is required" : "");
}

/* --- what no history may break ------------------------------------------------------------------------------------ */

static void check_event(const struct belfry_test_event *e, const struct model *m, const struct trigger *x)
{
    const struct record *r = &m->records[x->record];
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

static char *history(uint64_t seed, int check)
{
    struct belfry_test *t = workflow_new(RULES);
    static struct model m;
    memset(&m, 0, sizeof(m));
    for (int i = 0; i < STEPS; i++) {
        struct trigger x = random_trigger(&seed);
        size_t before = belfry_test_event_count(t);
        m.told[0] = '\0';
        if (!x.broken)
            model_apply(&m, &x);
        send(t, &x);
        if (!check)
            continue;
        belfry_test_expect(t, m.told);
        for (size_t e = before; e < belfry_test_event_count(t); e++)
            check_event(belfry_test_event(t, e), &m, &x);
        if (i % 50 == 0)
            check_inboxes(t, &m);
    }
    char *state = strdup(belfry_test_state(t));
    for (int i = 0; i < RECORDS; i++) {
        char key[20];
        snprintf(key, sizeof(key), "record/R/%d", i);
        assert_int_equal(belfry_test_get(t, key) != NULL, m.records[i].known);
    }
    belfry_test_free(t);
    return state;
}

static void test_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        char *once = history(seed * UINT64_C(0x9e3779b97f4a7c15), 1);
        char *again = history(seed * UINT64_C(0x9e3779b97f4a7c15), 0);
        assert_string_equal(once, again);
        free(once);
        free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests_name("workflow against a model", tests, NULL, NULL);
}
