/* SPDX-License-Identifier: Apache-2.0 */
/* Which targets take which events: by org, pattern and condition; and the index against a plain loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chance.h"
#include "route_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_TYPES 4

struct target_text {
    int64_t id;
    const char *org;
    const char *types[MAX_TYPES + 1];
    const char *only_org; /* of `orgs`; NULL: all */
    const char *when;
};

static const struct target_text targets[] = {
    {9, "acme", {NULL}, NULL, NULL},
    {3, "acme", {"*"}, NULL, NULL},
    {5, "acme", {"record.*"}, NULL, NULL},
    {4, "acme", {"record.assigned", "record.*", "record.assigned", "*"}, NULL, NULL},
    {1, "other", {"*"}, NULL, NULL},
    {7, "", {"record.assigned"}, NULL, NULL},
    {8, "", {"*"}, "other", NULL},
    {6, "", {"record.sub.*"}, "acme", NULL},
    {2, "acme", {"*"}, NULL, "{\"severity\":{\"gte\":\"error\"},\"data.x\":1}"},
};

struct targets_row {
    const char *event, *takes, *refusals;
};

static const struct targets_row targets_rows[] = {
    {"{\"type\":\"record.assigned\"}", "3 4 5 7 9",
     "2 `when` does not hold|6 not one of its types|8 it is for other orgs"},
    {"{\"type\":\"record.sub.x\"}", "3 4 5 6 9",
     "2 `when` does not hold|7 not one of its types|8 it is for other orgs"},
    {"{\"type\":\"record\"}", "3 4 9",
     "2 `when` does not hold|5 not one of its types|6 not one of its types|7 not one of its types|"
     "8 it is for other orgs"},
    {"{\"type\":\"recordx.y\",\"severity\":\"critical\",\"data\":{\"x\":1}}", "2 3 4 9",
     "5 not one of its types|6 not one of its types|7 not one of its types|8 it is for other orgs"},
    {"{\"org\":\"other\",\"type\":\"record.assigned\"}", "1 7 8", "6 not one of its types"},
    {"{\"org\":\"third\",\"type\":\"x\"}", "", "6 not one of its types|7 not one of its types|8 it is for other orgs"},
};

struct answer {
    struct buf takes, refusals;
    int64_t last;
};

static void note_target(void *arg, const struct route_target *target, const char *why_not)
{
    struct answer *answer = arg;
    assert_true(target->id > answer->last);
    answer->last = target->id;
    if (why_not)
        buf_addf(&answer->refusals, "%s%lld %s", answer->refusals.len ? "|" : "", (long long)target->id, why_not);
    else
        buf_addf(&answer->takes, "%s%lld", answer->takes.len ? " " : "", (long long)target->id);
}

static void answer_free(struct answer *answer)
{
    buf_free(&answer->takes);
    buf_free(&answer->refusals);
}

static struct route_target make_target(struct fixture *f, const struct target_text *text)
{
    struct belfry_strs *types = arena_alloc(f->arena, sizeof(*types));
    struct belfry_str *items = arena_alloc(f->arena, MAX_TYPES * sizeof(*items));
    struct config_names *orgs = arena_alloc(f->arena, sizeof(*orgs));
    const char **names = arena_alloc(f->arena, sizeof(*names));
    for (; text->types[types->count]; types->count++)
        items[types->count] = str_of(text->types[types->count]);
    types->items = items;
    names[0] = text->only_org;
    *orgs = (struct config_names){names, text->only_org ? 1 : 0};
    return (struct route_target){.id = text->id,
                                 .org = str_of(text->org),
                                 .name = STR("n"),
                                 .types = types->count ? types : NULL,
                                 .orgs = orgs,
                                 .when = text->when ? fixture_condition(f, fixture_json(f, text->when)) : NULL};
}

static const char *text_of(const struct buf *buf)
{
    return buf->ptr ? buf->ptr : "";
}

static void test_match(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("[]", "{}", "{}");
    struct route_target rows[COUNT(targets)];
    for (size_t i = 0; i < COUNT(targets); i++)
        rows[i] = make_target(f, &targets[i]);
    struct route_targets *index = route_targets_new(rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(targets_rows); i++) {
        struct fixture_event e;
        struct answer few = {0}, all = {0};
        fixture_event(f, &e, targets_rows[i].event);
        route_targets_match(index, &e.event, f->arena, 0, note_target, &few);
        route_targets_match(index, &e.event, f->arena, 1, note_target, &all);
        if (strcmp(text_of(&few.takes), targets_rows[i].takes) || strcmp(text_of(&all.takes), targets_rows[i].takes) ||
            strcmp(text_of(&all.refusals), targets_rows[i].refusals))
            fail_msg("%s: `%s`, `%s`, `%s`", targets_rows[i].event, text_of(&few.takes), text_of(&all.takes),
                     text_of(&all.refusals));
        assert_int_equal(few.refusals.len, 0);
        answer_free(&few);
        answer_free(&all);
    }
    route_targets_free(index);
    fixture_free(f);
}

static void test_none(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("[]", "{}", "{}");
    struct fixture_event e;
    struct answer answer = {0};
    struct route_targets *index = route_targets_new(NULL, 0);
    fixture_event(f, &e, "{\"type\":\"t\"}");
    route_targets_match(index, &e.event, f->arena, 0, note_target, &answer);
    route_targets_match(index, &e.event, f->arena, 1, note_target, &answer);
    assert_int_equal(answer.last, 0);
    route_targets_free(index);
    route_targets_free(NULL);
    fixture_free(f);
}

static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    return (uint32_t)pick(&seed, (int)n);
}

/* Types of up to three segments over a small alphabet, and patterns over the same. */
static const char *random_type(struct fixture *f, int pattern)
{
    if (pattern && draw(6) == 0)
        return "*";
    uint32_t segments = 1 + draw(3);
    const char *type = arena_printf(f->arena, "%c", 'a' + (int)draw(3));
    for (uint32_t i = 1; i < segments; i++)
        type = arena_printf(f->arena, "%s.%c", type, 'a' + (int)draw(3));
    return pattern && draw(2) ? arena_printf(f->arena, "%s.*", type) : type;
}

static void test_index_agrees(void **state)
{
    (void)state;
    static const char *const orgs[] = {"acme", "other", ""};
    for (uint64_t round = 1; round < 100; round++) {
        seed = round;
        uint32_t count = draw(30);
        struct fixture *f = fixture_new("[]", "{}", "{}");
        struct route_target rows[30];
        for (uint32_t i = 0; i < count; i++) {
            struct target_text text = {.id = 1 + (int64_t)((i * 7919) % 1009), .org = orgs[draw(3)]};
            for (uint32_t t = 0, n = draw(MAX_TYPES + 1); t < n; t++)
                text.types[t] = random_type(f, 1);
            if (draw(3) == 0)
                text.only_org = orgs[draw(2)];
            rows[i] = make_target(f, &text);
        }
        struct route_targets *index = route_targets_new(rows, count);
        for (int n = 0; n < 20; n++) {
            struct answer few = {0}, all = {0};
            struct route_event event = {.org = str_of(orgs[draw(2)]), .type = str_of(random_type(f, 0))};
            route_targets_match(index, &event, f->arena, 0, note_target, &few);
            route_targets_match(index, &event, f->arena, 1, note_target, &all);
            assert_string_equal(text_of(&few.takes), text_of(&all.takes));
            answer_free(&few);
            answer_free(&all);
        }
        route_targets_free(index);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_index_agrees),
    };
    return cmocka_run_group_tests_name("route_targets", tests, NULL, NULL);
}
