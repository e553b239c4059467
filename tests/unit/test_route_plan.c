/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: rules and an event in, a line for every rule, recipient, delivery and decision out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chance.h"
#include "route_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void print_unless(struct buf *out, uint32_t unless)
{
    static const char *const words[] = {"seen", "read", "handled", "hidden"};
    for (int i = 0; i < 4; i++)
        if (unless >> i & 1)
            buf_addf(out, " -%s", words[i]);
}

static void print_who(struct buf *out, const struct route_plan *plan, uint32_t i)
{
    if (i == ROUTE_NOBODY)
        buf_addz(out, "*");
    else
        buf_addf(out, "%.*s", STR_ARG(plan->recipients[i].name));
}

/* "rules a b; ann (owner); mail>ann +300 -seen; !hooks>* suppressed_role" */
static void print_plan(struct buf *out, const struct route_plan *plan)
{
    for (size_t i = 0; i < plan->rule_count; i++)
        buf_addf(out, "%s%s", i ? " " : "", plan->rules[i]->name);
    for (size_t i = 0; i < plan->recipient_count; i++) {
        const struct route_recipient *r = &plan->recipients[i];
        buf_addf(out, "; %.*s (%.*s)%s%s", STR_ARG(r->name), STR_ARG(r->reason), r->visible ? "" : " blind",
                 r->via == (ROUTE_VIA_AUDIENCE | ROUTE_VIA_RULE) ? " both" : "");
    }
    for (size_t i = 0; i < plan->delivery_count; i++) {
        const struct route_delivery *d = &plan->deliveries[i];
        buf_addf(out, "; %s>", d->deliver->channel->name);
        print_who(out, plan, d->recipient);
        if (d->after_ms)
            buf_addf(out, " +%lld", (long long)d->after_ms);
        print_unless(out, d->unless);
    }
    for (size_t i = 0; i < plan->decision_count; i++) {
        const struct route_decision *d = &plan->decisions[i];
        buf_addf(out, "; !%s/%s>", d->rule ? d->rule->name : "-", d->channel ? d->channel->name : "-");
        print_who(out, plan, d->recipient);
        buf_addf(out, " %s", outcome_name(d->outcome));
    }
}

static void run_plan(struct fixture *f, const char *event, const struct route_trace *trace, size_t expand_max,
                     int *overflow, struct buf *out)
{
    struct fixture_event e;
    struct route_directory directory = fixture_directory(f);
    struct arena *arena = arena_new(0);
    struct route_plan plan;
    fixture_event(f, &e, event);
    route_plan(f->route, &e.event, &directory, expand_max, overflow, trace, arena, &plan);
    print_plan(out, &plan);
    arena_free(arena);
}

static void quiet_rule(void *arg, const struct config_rule *rule, int matched, const char *why)
{
    size_t *rules = arg;
    assert_non_null(rule);
    assert_int_equal(matched, why == NULL);
    ++*rules;
}

static void quiet_step(void *arg, const struct config_rule *rule, int exception, const struct match_step *step)
{
    (void)arg;
    assert_non_null(rule);
    assert_true(exception == 0 || exception == 1);
    assert_true(step->result == 0 || step->result == 1);
}

static void quiet_recipient(void *arg, const struct config_rule *rule, struct belfry_str name, int kept,
                            const char *what)
{
    (void)arg;
    (void)rule;
    assert_true(kept == 0 || kept == 1);
    assert_true(name.len > 0);
    assert_true(what && what[0]);
}

/* --- tables --- */

struct plan_row {
    const char *name, *rules, *event, *plan;
};

#define CATEGORIES                                                                                                     \
    "{\"BLOCKED\":{\"visible_to\":[\"manager\"]},\"OPEN\":{\"visible_to\":[\"admin\",\"manager\"],"                    \
    "\"webhooks\":true},\"plain\":{}}"
#define PEOPLE                                                                                                         \
    "{\"ann\":[\"manager\",\"sales\"],\"bob\":[\"sales\"],\"cay\":[],\"dan\":[\"admin\",\"manager\"],"                 \
    "\"zoe\":[\"big\"],\"yan\":[\"big\"],\"xia\":[\"big\"]}"

static const struct plan_row plan_rows[] = {
    /* rules */
    {"one rule, one person", "[{\"name\":\"a\",\"deliver\":[\"inbox\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann owner\"]}", "a; ann (owner); inbox>ann"},
    {"no reason given", "[{\"name\":\"a\",\"deliver\":[\"inbox\"]}]",
     "{\"type\":\"t\",\"audience\":[\"nobody-known\"]}", "a; nobody-known (audience); inbox>nobody-known"},
    {"every matching rule fires, in order",
     "[{\"name\":\"a\",\"when\":{\"type\":\"t\"},\"deliver\":[\"inbox\"]},"
     "{\"name\":\"b\",\"when\":{\"type\":\"u\"},\"deliver\":[\"inbox\"]},"
     "{\"name\":\"c\",\"when\":{\"source\":[\"s\",\"r\"]},\"deliver\":[{\"via\":\"mail\",\"after\":300,"
     "\"unless\":[\"seen\","
     "\"handled\"]}]}]",
     "{\"type\":\"t\",\"source\":\"s\",\"audience\":[\"ann\"]}",
     "a c; ann (audience); inbox>ann; mail>ann +300 -seen -handled"},
    {"stop ends it",
     "[{\"name\":\"a\",\"deliver\":[\"mail\"]},{\"name\":\"b\",\"stop\":true,\"deliver\":[\"inbox\"]},"
     "{\"name\":\"c\",\"deliver\":[\"sms\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "a b; ann (audience); mail>ann; inbox>ann"},
    {"a stop that does not match stops nothing",
     "[{\"name\":\"b\",\"stop\":true,\"when\":{\"type\":\"u\"},\"deliver\":[\"inbox\"]},"
     "{\"name\":\"c\",\"deliver\":[\"sms\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "c; ann (audience); sms>ann"},
    {"unmatched", "[{\"name\":\"a\",\"when\":{\"type\":\"u\"},\"deliver\":[\"mail\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "unmatched; ann (audience); inbox>ann"},
    {"no rules at all", "[]", "{\"type\":\"t\",\"audience\":[\"ann\"]}", "unmatched; ann (audience); inbox>ann"},
    {"rules of other orgs",
     "[{\"name\":\"a\",\"orgs\":[\"other\"],\"deliver\":[\"mail\"]},{\"name\":\"b\",\"orgs\":[\"acme\",\"other\"],"
     "\"deliver\":[\"sms\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "b; ann (audience); sms>ann"},
    {"an exception",
     "[{\"name\":\"a\",\"when\":{\"type\":\"t\"},\"unless\":{\"actor\":\"robot\"},\"deliver\":[\"mail\"]},"
     "{\"name\":\"b\",\"unless\":[{\"data.x\":1},{\"data.x\":2}],\"deliver\":[\"sms\"]}]",
     "{\"type\":\"t\",\"actor\":\"robot\",\"data\":{\"x\":3},\"audience\":[\"ann\"]}", "b; ann (audience); sms>ann"},
    {"explicit nobody", "[{\"name\":\"noise\",\"stop\":true,\"deliver\":[]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "noise; ann (audience); !noise/->* dropped_by_rule"},
    {"every path",
     "[{\"name\":\"a\",\"when\":{\"org\":\"acme\",\"source\":\"s\",\"type\":\"t\",\"category\":\"c\","
     "\"severity\":{\"gte\":"
     "\"warning\"},\"subject\":\"x/1\",\"actor\":{\"exists\":false},\"time\":{\"gt\":\"2026-01-01T00:00:00Z\"},"
     "\"data.a.b\":2},\"deliver\":[\"inbox\"]}]",
     "{\"source\":\"s\",\"type\":\"t\",\"category\":\"c\",\"severity\":\"error\",\"subject\":\"x/1\","
     "\"time\":1800000000000,"
     "\"data\":{\"a\":{\"b\":2}},\"audience\":[\"ann\"]}",
     "a; ann (audience); inbox>ann"},

    /* recipients */
    {"the actor is left out, of roles and of `to` as well",
     "[{\"name\":\"a\",\"deliver\":[\"inbox\",{\"via\":\"sms\",\"to\":[\"bob\",\"role:sales\",\"cay\"]}]}]",
     "{\"type\":\"t\",\"actor\":\"bob\",\"audience\":[\"bob owner\",\"role:sales\"]}",
     "a; ann (role sales) both; cay (rule a); inbox>ann; sms>ann; sms>cay"},
    {"each once, the first reason stays", "[{\"name\":\"a\",\"deliver\":[\"inbox\"]}]",
     "{\"type\":\"t\",\"audience\":[\"bob owner\",\"role:sales\",\"user:ann\",\"bob again\",\"email:bob\"]}",
     "a; bob (owner); ann (role sales); bob (audience); inbox>bob; inbox>ann"},
    {"`to` instead of the audience",
     "[{\"name\":\"esc\",\"deliver\":[{\"via\":\"inbox\",\"to\":[\"role:manager\"],\"after\":900,"
     "\"unless\":[\"seen\"]}]}]",
     "{\"type\":\"t\",\"audience\":[\"bob owner\"]}",
     "esc; bob (owner); ann (rule esc); dan (rule esc); inbox>ann +900 -seen; inbox>dan +900 -seen"},
    {"`to` with the audience",
     "[{\"name\":\"a\",\"deliver\":[{\"via\":\"sms\",\"to\":[\"cay\",\"audience\",\"bob\"]}]}]",
     "{\"type\":\"t\",\"audience\":[\"bob owner\",\"ann\"]}",
     "a; bob (owner) both; ann (audience); cay (rule a); sms>cay; sms>bob; sms>ann"},
    {"outside addresses get mail and no row",
     "[{\"name\":\"a\",\"deliver\":[\"inbox\",\"mail\",{\"via\":\"mail\",\"to\":[\"email:o@x.example\"]}]}]",
     "{\"type\":\"t\",\"audience\":[\"email:p@x.example payer\",\"ann\"]}",
     "a; p@x.example (payer); ann (audience); o@x.example (rule a); inbox>ann; mail>p@x.example; mail>ann; "
     "mail>o@x.example"},
    {"an outside address alone, and only the inbox", "[]", "{\"type\":\"t\",\"audience\":[\"email:p@x.example\"]}",
     "unmatched; p@x.example (audience); !-/->* no_recipient"},
    {"nobody concerned: one decision",
     "[{\"name\":\"a\",\"deliver\":[\"inbox\",\"mail\"]},{\"name\":\"b\",\"deliver\":[\"sms\",\"hooks\"]}]",
     "{\"type\":\"t\"}", "a b; hooks>*; !-/->* no_recipient"},
    {"only the actor concerned", "[]", "{\"type\":\"t\",\"actor\":\"ann\",\"audience\":[\"ann\"]}",
     "unmatched; !-/->* no_recipient"},
    {"an empty role", "[{\"name\":\"a\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"to\":[\"role:none\"]}]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\",\"role:none\"]}", "a; ann (audience); inbox>ann; !a/mail>* no_recipient"},
    {"another org has other people", "[]", "{\"org\":\"other\",\"type\":\"t\",\"audience\":[\"role:sales\",\"bob\"]}",
     "unmatched; bob (audience); inbox>bob"},

    /* channels */
    {"targets once", "[{\"name\":\"a\",\"deliver\":[\"hooks\"]},{\"name\":\"b\",\"deliver\":[\"hooks\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\",\"bob\"]}", "a b; ann (audience); bob (audience); hooks>*"},
    {"the same way once, another way again",
     "[{\"name\":\"a\",\"deliver\":[{\"via\":\"mail\",\"after\":5,\"unless\":[\"seen\"]}]},"
     "{\"name\":\"b\",\"deliver\":[{\"via\":\"mail\",\"after\":5,\"unless\":[\"seen\"],\"to\":[\"audience\",\"bob\"]},"
     "{\"via\":\"mail\",\"after\":5,\"unless\":[\"read\"]},{\"via\":\"mail\",\"after\":9,\"unless\":[\"seen\"]}]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}",
     "a b; ann (audience); bob (rule b); mail>ann +5 -seen; mail>bob +5 -seen; mail>ann +5 -read; mail>ann +9 -seen"},
    {"a channel of another org", "[{\"name\":\"a\",\"deliver\":[\"inbox\",\"other\"]}]",
     "{\"type\":\"t\",\"audience\":[\"ann\"]}", "a; ann (audience); inbox>ann; !a/other>* channel_removed"},
    {"a channel of this org alone", "[{\"name\":\"a\",\"deliver\":[\"other\"]}]",
     "{\"org\":\"other\",\"type\":\"t\",\"audience\":[\"ann\"]}", "a; ann (audience); other>ann"},

    /* visibility */
    {"who may not see a category gets its row and nothing else",
     "[{\"name\":\"a\",\"deliver\":[\"inbox\",\"mail\",{\"via\":\"mail\",\"after\":5},\"sms\"]}]",
     "{\"type\":\"t\",\"category\":\"BLOCKED\",\"audience\":[\"ann\",\"bob\"]}",
     "a; ann (audience); bob (audience) blind; inbox>ann; inbox>bob; mail>ann; mail>ann +5; sms>ann; "
     "!a/mail>bob suppressed_role; !a/sms>bob suppressed_role"},
    {"strangers and outside addresses have no roles",
     "[{\"name\":\"a\",\"deliver\":[\"mail\",{\"via\":\"sms\",\"to\":[\"cay\",\"dan\"]}]}]",
     "{\"type\":\"t\",\"category\":\"OPEN\",\"audience\":[\"stranger\",\"email:p@x.example\"]}",
     "a; stranger (audience) blind; p@x.example (audience) blind; cay (rule a) blind; dan (rule a); sms>dan; "
     "!a/mail>stranger suppressed_role; !a/mail>p@x.example suppressed_role; !a/sms>cay suppressed_role"},
    {"webhooks only when the category says so",
     "[{\"name\":\"a\",\"deliver\":[\"hooks\",{\"via\":\"hooks\",\"after\":5}]},{\"name\":\"b\","
     "\"deliver\":[\"hooks\"]}]",
     "{\"type\":\"t\",\"category\":\"BLOCKED\"}", "a b; !a/hooks>* suppressed_role"},
    {"and when it does", "[{\"name\":\"a\",\"deliver\":[\"hooks\",{\"via\":\"hooks\",\"after\":5}]}]",
     "{\"type\":\"t\",\"category\":\"OPEN\"}", "a; hooks>*; hooks>* +5"},
    {"a category without roles is everybody's", "[{\"name\":\"a\",\"deliver\":[\"mail\",\"hooks\"]}]",
     "{\"type\":\"t\",\"category\":\"plain\",\"audience\":[\"stranger\"]}",
     "a; stranger (audience); mail>stranger; hooks>*"},
    {"so is one that nobody declared", "[{\"name\":\"a\",\"deliver\":[\"mail\",\"hooks\"]}]",
     "{\"type\":\"t\",\"category\":\"unheard\",\"audience\":[\"stranger\"]}",
     "a; stranger (audience); mail>stranger; hooks>*"},
};

static void test_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plan_rows); i++) {
        const struct plan_row *row = &plan_rows[i];
        struct fixture *f = fixture_new(row->rules, CATEGORIES, PEOPLE);
        size_t rules = 0;
        const struct route_trace trace = {&rules, quiet_rule, quiet_step, quiet_recipient}, silent = {0};
        const struct route_trace *traces[] = {NULL, &trace, &silent};
        for (size_t t = 0; t < COUNT(traces); t++) {
            struct buf got = {0};
            int overflow = 7;
            run_plan(f, row->event, traces[t], 0, &overflow, &got);
            if (strcmp(got.ptr, row->plan) != 0)
                fail_msg("%s (trace %zu): %s", row->name, t, got.ptr);
            assert_int_equal(overflow, 0);
            buf_free(&got);
        }
        assert_int_equal(rules, f->config.rule_count + 1);
        fixture_free(f);
    }
}

/* --- reasons of decisions --- */

static void test_reasons(void **state)
{
    (void)state;
    struct fixture *f =
        fixture_new("[{\"name\":\"a\",\"deliver\":[\"mail\",\"hooks\"]},{\"name\":\"b\",\"deliver\":[]}]",
                    "{\"BLOCKED\":{\"visible_to\":[\"admin\",\"manager\"]}}", PEOPLE);
    static const char *const reasons[] = {"category BLOCKED is for role admin, manager only",
                                          "category BLOCKED is not for webhooks", "rule b delivers to nobody"};
    struct fixture_event e;
    struct route_directory directory = fixture_directory(f);
    struct arena *arena = arena_new(0);
    struct route_plan plan;
    fixture_event(f, &e, "{\"type\":\"t\",\"category\":\"BLOCKED\",\"audience\":[\"bob\"]}");
    route_plan(f->route, &e.event, &directory, 0, NULL, NULL, arena, &plan);
    assert_int_equal(plan.decision_count, COUNT(reasons));
    for (size_t i = 0; i < COUNT(reasons); i++)
        assert_string_equal(plan.decisions[i].reason, reasons[i]);
    arena_free(arena);
    fixture_free(f);
}

/* --- expansion of roles --- */

static void test_overflow(void **state)
{
    (void)state;
    static const struct {
        size_t max;
        int overflow;
        const char *plan;
    } rows[] = {
        {0, 0, "a; xia (role big); yan (role big); zoe (role big); sms>xia; sms>yan; sms>zoe"},
        {2, 1, "a; xia (role big); yan (role big); sms>xia; sms>yan"},
        {SIZE_MAX, 0, "a; xia (role big); yan (role big); zoe (role big); sms>xia; sms>yan; sms>zoe"},
        {3, 0, "a; xia (role big); yan (role big); zoe (role big); sms>xia; sms>yan; sms>zoe"},
    };
    struct fixture *f = fixture_new("[{\"name\":\"a\",\"deliver\":[\"sms\"]}]", "{}", PEOPLE);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf got = {0};
        int overflow = 7;
        f->asked = 0;
        run_plan(f, "{\"type\":\"t\",\"audience\":[\"role:big\",\"role:big\"]}", NULL, rows[i].max, &overflow, &got);
        assert_string_equal(got.ptr, rows[i].plan);
        assert_int_equal(overflow, rows[i].overflow);
        assert_int_equal(f->asked, 1);
        buf_free(&got);
    }
    fixture_free(f);
}

/* Roles larger than a page of the directory, and enough recipients for every table to grow. */
static void test_many(void **state)
{
    (void)state;
    struct buf people = {0};
    for (int i = 0; i < 2500; i++)
        buf_addf(&people, "%s\"p%04d\":[\"r\"%s]", i ? "," : "{", i, i % 2 ? ",\"odd\"" : "");
    buf_addc(&people, '}');
    struct fixture *f =
        fixture_new("[{\"name\":\"a\",\"deliver\":[\"inbox\",{\"via\":\"sms\",\"to\":[\"role:odd\",\"role:r\"]},"
                    "{\"via\":\"sms\",\"to\":[\"audience\",\"new\"]}]}]",
                    "{}", people.ptr);
    struct fixture_event e;
    struct route_directory directory = fixture_directory(f);
    struct arena *arena = arena_new(0);
    struct route_plan plan;
    fixture_event(f, &e, "{\"type\":\"t\",\"actor\":\"p0007\",\"audience\":[\"role:r\"]}");
    route_plan(f->route, &e.event, &directory, 0, NULL, NULL, arena, &plan);
    assert_int_equal(plan.recipient_count, 2500);
    assert_int_equal(plan.delivery_count, 2499 + 2500);
    for (size_t i = 0; i < 2499; i++) {
        assert_true(plan.recipients[i].via & ROUTE_VIA_AUDIENCE);
        assert_false(str_eq(plan.recipients[i].name, STR("p0007")));
        assert_int_equal(plan.deliveries[i].recipient, i);
    }
    assert_true(str_eq(plan.recipients[2499].name, STR("new")));
    buf_free(&people);
    arena_free(arena);
    fixture_free(f);
}

/* --- the index and the trace change nothing --- */

static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    return (uint32_t)pick(&seed, (int)n);
}

static void add_word(struct buf *out, char kind, uint32_t n)
{
    buf_addf(out, "\"%c%u\"", kind, draw(n));
}

/* A condition over a few sources, types and categories, so that hits and misses are both common. */
static void random_block(struct buf *out, int depth)
{
    static const char *const paths[] = {"source", "type", "category", "data.k"};
    uint32_t shape = depth == 0 ? draw(8) : 1 + draw(depth > 2 ? 4 : 7), at = draw(4);
    const char *path = paths[at];
    char kind = "stck"[at];
    switch (shape) {
    case 0:
        buf_addz(out, "{}");
        break;
    case 1:
    case 2:
        buf_addf(out, "{\"%s\":", path);
        add_word(out, kind, 4);
        buf_addc(out, '}');
        break;
    case 3:
        buf_addf(out, "{\"%s\":[", path);
        add_word(out, kind, 4);
        buf_addc(out, ',');
        add_word(out, kind, 4);
        buf_addz(out, "]}");
        break;
    case 4:
        buf_addf(out, "{\"%s\":{\"%s\":", path, draw(2) ? "ne" : "prefix");
        add_word(out, kind, 4);
        buf_addz(out, "}}");
        break;
    case 5:
        buf_addz(out, "{\"not\":");
        random_block(out, depth + 1);
        buf_addc(out, '}');
        break;
    default:
        buf_addf(out, "{\"%s\":[", shape == 6 ? "any" : "all");
        random_block(out, depth + 1);
        buf_addc(out, ',');
        random_block(out, depth + 1);
        buf_addz(out, "]}");
        break;
    }
}

static void random_rules(struct buf *out, uint32_t count)
{
    static const char *const delivers[] = {"\"inbox\"",
                                           "\"mail\"",
                                           "\"hooks\"",
                                           "{\"via\":\"mail\",\"after\":5,\"unless\":[\"seen\"]}",
                                           "{\"via\":\"sms\",\"to\":[\"role:sales\",\"cay\"]}",
                                           "{\"via\":\"sms\",\"to\":[\"audience\",\"role:manager\"]}"};
    buf_addc(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        buf_addf(out, "%s{\"name\":\"r%u\",\"when\":", i ? "," : "", i);
        random_block(out, 0);
        if (draw(5) == 0) {
            buf_addz(out, ",\"unless\":");
            random_block(out, 1);
        }
        buf_addf(out, ",\"stop\":%s,\"deliver\":[", draw(9) == 0 ? "true" : "false");
        for (uint32_t d = 0, n = draw(4); d < n; d++)
            buf_addf(out, "%s%s", d ? "," : "", delivers[draw(COUNT(delivers))]);
        buf_addz(out, "]}");
    }
    buf_addc(out, ']');
}

static void random_event(struct buf *out)
{
    static const char *const categories[] = {"c0", "c1", "c2", "c3", "c9", "BLOCKED"};
    buf_addz(out, "{\"source\":");
    add_word(out, 's', 5);
    buf_addz(out, ",\"type\":");
    add_word(out, 't', 5);
    buf_addf(out, ",\"category\":\"%s\",\"data\":{\"k\":", categories[draw(COUNT(categories))]);
    add_word(out, 'k', 5);
    buf_addf(out, "},\"actor\":\"%s\",\"audience\":[%s]}", draw(2) ? "bob" : "",
             draw(3)   ? "\"ann owner\",\"role:sales\""
             : draw(2) ? "\"bob\""
                       : "\"email:x@y.example\",\"stranger\"");
}

static void test_trace_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        struct buf rules = {0};
        seed = round;
        /* over 64 rules need a second word of the sets */
        random_rules(&rules, round % 10 == 0 ? 70 + draw(80) : 1 + draw(12));
        struct fixture *f = fixture_new(rules.ptr, CATEGORIES, PEOPLE);
        for (int n = 0; n < 10; n++) {
            struct buf event = {0}, plain = {0}, traced = {0};
            size_t seen = 0;
            const struct route_trace trace = {&seen, quiet_rule, quiet_step, quiet_recipient};
            random_event(&event);
            run_plan(f, event.ptr, NULL, 0, NULL, &plain);
            run_plan(f, event.ptr, &trace, 0, NULL, &traced);
            if (strcmp(plain.ptr, traced.ptr) != 0)
                fail_msg("seed %u, rules %s, event %s\n%s\n%s", round, rules.ptr, event.ptr, plain.ptr, traced.ptr);
            assert_int_equal(seen, f->config.rule_count + 1);
            buf_free(&event);
            buf_free(&plain);
            buf_free(&traced);
        }
        buf_free(&rules);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_trace_changes_nothing),
    };
    return cmocka_run_group_tests_name("route_plan", tests, NULL, NULL);
}
