/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow source over time: rules with `after`, what is remembered, what events carry, batches, changed rules. */
#include "workflow_fixture.h"

#include <stdio.h>

#define LEAD "'object':'Lead','id':'7','url':'https://crm.example.org/7'"

static void send(struct belfry_test *t, const char *type, const char *data)
{
    belfry_test_send(t, type, json(data));
    belfry_test_expect_error(t, "");
}

/* --- after -------------------------------------------------------------------------------------------------------- */

#define STUCK                                                                                                          \
    "rules: [{name: stuck, fire: on_entering, when: {fields.stage: open}, after: 3d,\n"                                \
    "         notify: {to: [owner, 'field:boss'], title: '{{fields.name}} has been {{fields.stage}} for 3 days'}}]"

#define OPEN_LEAD                                                                                                      \
    "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{'name':'Acme','stage':'open','boss':'cara'}}}"

static void test_after_tells_when_the_time_has_come(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(STUCK);
    send(t, "record.created", OPEN_LEAD);
    belfry_test_expect(t, "timer after/stuck/record/Lead/7 in 3d");
    belfry_test_advance(t, "71h");
    belfry_test_expect(t, "");
    belfry_test_advance(t, "1h");
    /* Ann made it, but nobody acts now: she is told. */
    belfry_test_expect(t, "workflow.stuck -> ann, cara: Acme has been open for 3 days");
    assert_string_equal(belfry_test_last(t)->actor, "");
    assert_string_equal(belfry_test_last(t)->link, "https://crm.example.org/7");
    assert_string_equal(belfry_test_last(t)->data,
                        json("{'record':{'object':'Lead','id':'7','url':'https://crm.example.org/7','owner':'ann',"
                             "'created_by':'ann','fields':{'boss':'cara','name':'Acme','stage':'open'}}}"));
    belfry_test_advance(t, "30d");
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void test_after_is_cancelled_when_the_record_stops_meeting_the_criteria(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(STUCK);
    send(t, "record.created", OPEN_LEAD);
    belfry_test_expect(t, "timer after/stuck/record/Lead/7 in 3d");
    belfry_test_advance(t, "2d");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','fields':{'boss':'dan'}},'changed_by':'bob'}");
    belfry_test_expect(t, ""); /* still met: the time goes on */
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','fields':{'stage':'won'}},'changed_by':'bob'}");
    belfry_test_expect(t, "timer after/stuck/record/Lead/7 cleared");
    belfry_test_advance(t, "3d");
    belfry_test_expect(t, "");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','fields':{'stage':'open'}},'changed_by':'bob'}");
    belfry_test_expect(t, "timer after/stuck/record/Lead/7 in 3d");
    send(t, "record.deleted", "{'record':{'object':'Lead','id':'7'},'by':'bob'}");
    belfry_test_expect(t, "withdraw record/Lead/7: the record was deleted\ntimer after/stuck/record/Lead/7 cleared");
    belfry_test_advance(t, "30d");
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void test_after_tells_whom_the_record_names_by_then(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(STUCK);
    send(t, "record.created", OPEN_LEAD);
    belfry_test_advance(t, "1d");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','owner':'bob'},'changed_by':'bob'}");
    belfry_test_told(t);
    belfry_test_advance(t, "2d");
    belfry_test_expect(t, "workflow.stuck -> bob, cara: Acme has been open for 3 days");
    belfry_test_free(t);
}

static void test_after_every_time_counts_from_the_last_change(void **state)
{
    (void)state;
    struct belfry_test *t =
        workflow_new("rules: [{name: quiet, when: {fields.stage: open}, after: 7d, notify: {to: owner}}]");
    send(t, "record.created", OPEN_LEAD);
    belfry_test_expect(t, "timer after/quiet/record/Lead/7 in 1w");
    belfry_test_advance(t, "6d");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7'},'changed_by':'bob'}");
    belfry_test_expect(t, "timer after/quiet/record/Lead/7 in 1w");
    belfry_test_advance(t, "6d");
    belfry_test_expect(t, "");
    belfry_test_advance(t, "1d");
    belfry_test_expect(t, "workflow.quiet -> ann: Acme");
    belfry_test_free(t);
}

static void test_after_outlives_a_changed_configuration(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(STUCK);
    send(t, "record.created", OPEN_LEAD);
    belfry_test_told(t);
    assert_int_equal(belfry_test_reload(t, STUCK), BELFRY_OK);
    assert_string_equal(belfry_test_timers(t), "after/stuck/record/Lead/7 at 2026-01-08T09:00:00.000Z");
    /* criteria that the record does not meet, and later no such rule at all */
    assert_int_equal(belfry_test_reload(t, "rules: [{name: stuck, when: {fields.stage: lost}, after: 3d, "
                                           "notify: {to: owner}}]"),
                     BELFRY_OK);
    belfry_test_advance(t, "3d");
    belfry_test_expect(t, "");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','fields':{'stage':'lost'}},'changed_by':'bob'}");
    belfry_test_expect(t, "timer after/stuck/record/Lead/7 in 3d");
    assert_int_equal(belfry_test_reload(t, "rules: []"), BELFRY_OK);
    belfry_test_advance(t, "3d");
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void test_only_what_is_named_is_remembered(void **state)
{
    static const struct {
        const char *rules, *kept;
    } rows[] = {
        {"rules: []", "{'name':'Acme'}"},
        {"rules: [{name: r, when: {fields.a: 1}, notify: {to: bob}}]", "{'a':1,'name':'Acme'}"},
        {"rules: [{name: r, when: {any: [{fields.b.c: x}, {not: {'/fields/d~1e': 1}}]}, notify: {to: bob}}]",
         "{'b':{'c':'x'},'d/e':true,'name':'Acme'}"},
        {"rules: [{name: r, notify: {to: ['field:boss'], title: '{{fields.t}}', body: '{{record.fields.u}} {{z}}'}}]",
         "{'boss':'cara','name':'Acme','t':1.5,'u':[1,{'v':null}]}"},
        {"rules: [{name: r, notify: {to: bob, body: '{{#fields.w}}{{fields.a}}{{/fields.w}}'}}]",
         "{'a':1,'name':'Acme','w':'w'}"},
        {"rules: [{name: r, notify: {to: bob, body: '{{#fields}}{{a}}{{/fields}}'}}]",
         "{'a':1,'b':{'c':'x'},'boss':'cara','d/e':true,'name':'Acme','t':1.5,'u':[1,{'v':null}],'w':'w'}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[300];
        struct belfry_test *t = workflow_new(rows[i].rules);
        send(t, "record.created",
             "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{'name':'Acme','w':'w','u':[1,{'v':null}],"
             "'t':1.5,'boss':'cara','d/e':true,'b':{'c':'x'},'a':1,'gone':null}}}");
        snprintf(expected, sizeof(expected),
                 "{'fields':%s,'owner':'ann','created_by':'bob','url':'https://crm.example.org/7'}", rows[i].kept);
        assert_string_equal(belfry_test_get(t, "record/Lead/7"), json(expected));
        belfry_test_free(t);
    }
}

/* A hub's rule says: a hot lead that nobody looked at. It has to match the hand-over, whose trigger names the owner. */
static void test_what_the_hubs_rules_read_is_remembered(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new("rules: []");
    belfry_test_rules(t, "/data/record/fields/a~1b data.record.fields.rating data.record.owner data.invoice.fields.no");
    assert_int_equal(belfry_test_reload(t, "rules: []"), BELFRY_OK);
    send(t, "record.created",
         "{'record':{" LEAD
         ",'owner':'ann','created_by':'bob','fields':{'name':'Acme','rating':'hot','no':1,'a/b':2}}}");
    assert_string_equal(belfry_test_get(t, "record/Lead/7"),
                        json("{'fields':{'a/b':2,'name':'Acme','rating':'hot'},'owner':'ann','created_by':'bob',"
                             "'url':'https://crm.example.org/7'}"));
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}");
    assert_non_null(strstr(belfry_test_last(t)->data, json("'rating':'hot'")));
    belfry_test_free(t);
}

static void test_texts_and_numbers_come_back_as_they_were(void **state)
{
    (void)state;
    static const char values[] =
        "{'name':'a\\'b\\\\c\\u0001\\n\\tä😀','i':-9223372036854775808,'r':0.1,'s':1e300,'t':2.0,"
        "'u':-0.0,'x':{'y':[true,false,null,[],{}]}}";
    struct belfry_test *t = workflow_new("rules: [{name: r, on: update, notify: {to: bob, body: '{{fields}}'}}]");
    char data[600], *state_text;
    snprintf(data, sizeof(data), "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':%s}}", values);
    char *quoted = strdup(json(data));
    /* the inner quote of the name is one in JSON too */
    belfry_test_send(t, "record.created", quoted);
    belfry_test_expect_error(t, "");
    state_text = strdup(belfry_test_get(t, "record/Lead/7"));
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7'},'changed_by':'bob'}");
    assert_string_equal(belfry_test_get(t, "record/Lead/7"), state_text);
    assert_non_null(strstr(belfry_test_last(t)->data, "\"name\":\"a\\\"b\\\\c\\u0001\\n\\tä😀\""));
    assert_non_null(strstr(state_text, "\"i\":-9223372036854775808"));
    assert_non_null(strstr(state_text, "\"r\":0.1,\"s\":1e+300,\"t\":2.0,\"u\":-0.0,"));
    assert_non_null(strstr(state_text, "\"x\":{\"y\":[true,false,null,[],{}]}"));
    free(state_text);
    free(quoted);
    belfry_test_free(t);
}

static void test_what_did_not_change_is_not_written(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    send(t, "record.created", OPEN_LEAD);
    assert_int_equal(belfry_test_writes(t), 1);
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','fields':{'stage':'won'}},'changed_by':'bob'}");
    send(t, "record.created", OPEN_LEAD);
    assert_int_equal(belfry_test_writes(t), 1);
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','url':'/7'},'changed_by':'bob'}");
    assert_int_equal(belfry_test_writes(t), 2);
    belfry_test_free(t);
}

static void test_state_that_cannot_be_read_is_none(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    static const char *const broken[] = {"",
                                         "{",
                                         "{'owner'",
                                         "{'owner':",
                                         "{'owner':'dan'",
                                         "{'owner':'dan",
                                         "{,}",
                                         "{'a':1,}",
                                         "{'owner':'dan'}x",
                                         "{'owner':'da\\x'}",
                                         "{'a':tru}",
                                         "{'a':1e}",
                                         "{'a':-}",
                                         "{'a':[1,]}",
                                         "{'a':99999999999999999999}",
                                         "{'owner':'dan\\",
                                         "{'a':'\\u00e4'}",
                                         "null"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        belfry_test_put(t, "record/Lead/7", json(broken[i]));
        send(t, "record.created", OPEN_LEAD); /* a change of owner, had Dan been remembered */
        belfry_test_expect(t, "");
        assert_string_equal(belfry_test_get(t, "record/Lead/7"),
                            json("{'fields':{'name':'Acme'},'owner':'ann','created_by':'ann',"
                                 "'url':'https://crm.example.org/7'}"));
    }
    belfry_test_put(t, "record/Lead/7", json("{'owner':'dan'}")); /* and had he */
    send(t, "record.created", OPEN_LEAD);
    belfry_test_expect(t, "withdraw record/Lead/7 [record.assigned] from dan: it has another owner now");
    belfry_test_put(t, "record/Lead/7", "[]");
    send(t, "record.deleted", "{'record':{'object':'Lead','id':'7'},'by':'bob'}");
    belfry_test_expect(t, "withdraw record/Lead/7: the record was deleted");
    assert_null(belfry_test_get(t, "record/Lead/7"));
    belfry_test_free(t);
}

static void test_orgs_do_not_know_of_each_other(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    send(t, "record.created", "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{}}}");
    belfry_test_expect(t, "record.assigned -> ann: Lead 7");
    belfry_test_org(t, "other");
    assert_string_equal(belfry_test_state(t), "");
    send(t, "record.deleted", "{'record':{'object':'Lead','id':'7'},'by':'bob'}");
    belfry_test_expect(t, "");
    belfry_test_org(t, "acme");
    belfry_test_expect_inbox(t, "ann", "record.assigned: Lead 7");
    belfry_test_free(t);
}

/* --- what people see ---------------------------------------------------------------------------------------------- */

static void test_rows_follow_the_record(void **state)
{
    (void)state;
    struct belfry_test *t =
        workflow_new("rules: [{name: hot, when: {fields.rating: hot}, notify: {to: [cara, owner]}}]");
    send(t, "record.created",
         "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{'name':'Acme','rating':'hot'}}}");
    belfry_test_expect_inbox(t, "ann", "record.assigned: Acme\nworkflow.hot: Acme");
    belfry_test_expect_inbox(t, "cara", "workflow.hot: Acme");
    send(t, "record.updated",
         "{'record':{'object':'Lead','id':'7','owner':'bob','fields':{'rating':null}},'changed_by':'cara'}");
    belfry_test_expect_inbox(t, "ann", "workflow.hot: Acme"); /* what a rule said is said */
    belfry_test_expect_inbox(t, "bob", "record.assigned: Acme");
    belfry_test_expect_rows(t, "ann", "record.assigned: Acme (withdrawn)\nworkflow.hot: Acme");
    send(t, "record.deleted", "{'record':{'object':'Lead','id':'7'},'by':'cara'}");
    belfry_test_expect_inbox(t, "ann", "");
    belfry_test_expect_inbox(t, "bob", "");
    belfry_test_expect_rows(t, "cara", "workflow.hot: Acme (withdrawn)");
    belfry_test_free(t);
}

static void test_a_hand_over_and_back_leaves_one_row(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    send(t, "record.created", "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{}}}");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob'}");
    belfry_test_expect_rows(t, "ann", "record.assigned: Lead 7 (withdrawn)\nrecord.assigned: Lead 7");
    belfry_test_expect_inbox(t, "cara", "");
    belfry_test_free(t);
}

static void test_what_an_event_carries(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new("rules: [{name: r, on: update, notify: {to: [cara, 'role:sales-manager'], "
                                         "severity: error, category: DEALS, body: 'by {{changed_by}}'}}]");
    belfry_test_category(t, "DEALS");
    send(t, "record.created",
         "{'record':{" LEAD
         ",'owner':'ann','created_by':'bob','team':'x','fields':{'name':'Acme','other':1}},'extra':2}");
    const struct belfry_test_event *e = belfry_test_last(t);
    assert_string_equal(e->subject, "record/Lead/7");
    assert_string_equal(e->category, "workflow");
    assert_int_equal(e->severity, BELFRY_INFO);
    assert_string_equal(e->actor, "bob");
    assert_string_equal(e->body, "Lead assigned to ann by bob");
    assert_string_equal(e->link, "https://crm.example.org/7");
    assert_string_equal(e->reasons[0], "owner");
    /* nothing was merged: the bytes that came */
    assert_string_equal(e->data, json("{'record':{" LEAD ",'owner':'ann','created_by':'bob','team':'x',"
                                      "'fields':{'name':'Acme','other':1}},'extra':2}"));
    send(t, "record.updated",
         "{'record':{'object':'Lead','id':'7','new':[1],'fields':{'other':3}},'changed_by':'dan','extra':{'a':4}}");
    e = belfry_test_last(t);
    assert_string_equal(e->category, "DEALS");
    assert_int_equal(e->severity, BELFRY_ERROR);
    assert_string_equal(e->actor, "dan");
    assert_string_equal(e->body, "by dan");
    assert_string_equal(e->recipients[0], "cara");
    assert_null(e->recipients[1]);
    assert_string_equal(e->reasons[0], "rule r");
    assert_string_equal(e->data, json("{'record':{" LEAD ",'owner':'ann','created_by':'bob','new':[1],"
                                      "'fields':{'other':3,'name':'Acme'}},'changed_by':'dan','extra':{'a':4}}"));
    belfry_test_free(t);
}

static void test_a_person_is_who_acted_in_the_data_too(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    belfry_test_as(t, "person:bob");
    send(t, "record.created", "{'record':{" LEAD ",'owner':'ann','fields':{}}}");
    assert_string_equal(belfry_test_last(t)->data,
                        json("{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{}}}"));
    assert_string_equal(belfry_test_last(t)->body, "Lead assigned to ann by bob");
    send(t, "record.updated", "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'eve'}");
    assert_string_equal(belfry_test_last(t)->actor, "bob");
    assert_string_equal(belfry_test_last(t)->body, "Lead assigned to cara by bob");
    belfry_test_free(t);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void test_a_batch_is_all_or_nothing(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new(NULL);
    char *created = strdup(json("{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{}}}"));
    char *moved = strdup(json("{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}"));
    const struct belfry_test_trigger triggers[] = {
        {.type = "record.created", .data = created}, {.type = "record.updated", .data = moved}, {.type = "x"}};
    assert_int_equal(belfry_test_send_batch(t, triggers, 3), BELFRY_EINVAL);
    belfry_test_expect(t, "");
    assert_string_equal(belfry_test_state(t), "");
    assert_int_equal(belfry_test_send_batch(t, triggers, 2), BELFRY_OK); /* the second sees what the first recorded */
    belfry_test_expect(t, "record.assigned -> ann: Lead 7\n"
                          "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
                          "record.assigned -> cara: Lead 7");
    belfry_test_expect_inbox(t, "ann", "");
    free(created);
    free(moved);
    belfry_test_free(t);
}

static void test_a_repeated_trigger_is_one(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new("rules: [{name: r, notify: {to: cara}}]");
    struct belfry_test_trigger trigger = {.id = "1", .type = "record.updated"};
    trigger.data = json("{'record':{'object':'Lead','id':'7'},'changed_by':'bob'}");
    belfry_test_send_trigger(t, &trigger);
    belfry_test_expect(t, "workflow.r -> cara: Lead 7");
    assert_int_equal(belfry_test_send_trigger(t, &trigger), BELFRY_OK);
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void test_what_is_too_long_is_refused(void **state)
{
    (void)state;
    static char data[3000], id[1000];
    struct belfry_test *t = workflow_new(NULL);
    memset(id, 'x', 393);
    snprintf(data, sizeof(data), "{\"record\":{\"object\":\"%.*s\",\"id\":\"%s\"},\"changed_by\":\"bob\"}", 1, "L", id);
    assert_int_equal(belfry_test_send(t, "record.updated", data), BELFRY_EINVAL);
    belfry_test_expect_error(t, "/data/record/id: is too long: object and id may have some 390 bytes together");
    id[391] = '\0';
    snprintf(data, sizeof(data), "{\"record\":{\"object\":\"L\",\"id\":\"%s\"},\"changed_by\":\"bob\"}", id);
    assert_int_equal(belfry_test_send(t, "record.updated", data), BELFRY_OK);
    belfry_test_free(t);
}

/* A trigger of many small objects takes time that grows with its size, not with its square. */
static void test_a_wide_record_is_worked_off_at_once(void **state)
{
    (void)state;
    size_t count = 5000;
    char *data = malloc(count * 40 + 200), *p = data;
    struct belfry_test *t = workflow_new("rules: [{name: r, notify: {to: cara, body: '{{#fields}}{{x}}{{/fields}}'}}]");
    p += sprintf(p, "{\"record\":{\"object\":\"L\",\"id\":\"1\",\"fields\":{");
    for (size_t i = 0; i < count; i++)
        p += sprintf(p, "%s\"f%zu\":{\"a\":{},\"b\":[]}", i ? "," : "", i);
    sprintf(p, "}},\"changed_by\":\"bob\"}");
    belfry_test_send(t, "record.updated", data);
    belfry_test_expect_error(t, "");
    belfry_test_send(t, "record.updated", json("{'record':{'object':'L','id':'1'},'changed_by':'bob'}"));
    belfry_test_expect_error(t, "");
    belfry_test_expect(t, "workflow.r -> cara: L 1\nworkflow.r -> cara: L 1");
    free(data);
    belfry_test_free(t);
}

#define TOO_MUCH                                                                                                       \
    "/data/record/fields: is more than can be worked with: what rules read of a record may be some 10,000 values"

/* State so wide that it cannot be worked with is a refusal, never a record that seems new. */
static void test_what_cannot_be_read_is_not_forgotten(void **state)
{
    (void)state;
    size_t size = 400000;
    char *kept = malloc(size);
    struct belfry_test *t = workflow_new("rules: [{name: r, when: {fields.a.0: 7}, notify: {to: cara}}]");
    size_t len = (size_t)sprintf(kept, "{\"fields\":{\"a\":[0");
    while (len < size - 40)
        len += (size_t)sprintf(kept + len, ",0");
    sprintf(kept + len, "]},\"owner\":\"ann\"}");
    belfry_test_put(t, "record/Lead/7", kept);
    assert_int_equal(belfry_test_send(t, "record.created", json(OPEN_LEAD)), BELFRY_EINVAL);
    belfry_test_expect_error(t, TOO_MUCH);
    assert_string_equal(belfry_test_get(t, "record/Lead/7"), kept);
    assert_int_equal(belfry_test_send(t, "record.deleted", json("{'record':{'object':'Lead','id':'7'},'by':'bob'}")),
                     BELFRY_OK);
    assert_null(belfry_test_get(t, "record/Lead/7"));
    belfry_test_told(t);
    belfry_test_free(t);
    free(kept);
}

/* Else every later trigger of the record would be refused. */
static void test_what_could_not_be_read_again_is_refused_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int count, taken;
    } rows[] = {{"0", 12000, 1}, {"0", 17000, 0}, {"[[1]]", 3000, 1}, {"[[1]]", 15000, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = workflow_new("rules: [{name: r, when: {fields.a.0: 7}, notify: {to: cara}}]");
        char *data = malloc(200 + 8 * (size_t)rows[i].count), *p = data;
        p += sprintf(p, "{\"record\":{\"object\":\"L\",\"id\":\"1\",\"fields\":{\"a\":[0");
        for (int k = 0; k < rows[i].count; k++)
            p += sprintf(p, ",%s", rows[i].value);
        sprintf(p, "]}},\"changed_by\":\"bob\"}");
        belfry_test_send(t, "record.updated", data);
        belfry_test_expect_error(t, rows[i].taken ? "" : TOO_MUCH);
        assert_int_equal(belfry_test_get(t, "record/L/1") != NULL, rows[i].taken);
        belfry_test_send(t, "record.updated", json("{'record':{'object':'L','id':'1'},'changed_by':'bob'}"));
        belfry_test_expect_error(t, "");
        free(data);
        belfry_test_free(t);
    }
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_options(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"rules: []", ""},
        {NULL, ""},
        {"rules: [{name: r}]", "1:9: `notify` is missing in an item of `rules`"},
        {"rules: [{name: r, notify: {}}]", "1:19: `to` is missing in `notify`"},
        {"rules: [{name: r, notify: {to: []}}]", "1:32: `to` must have between 1 and 100 items, not 0"},
        {"rules: [{name: r, notify: {to: 'filed:x'}}]", "1:32: unknown kind of recipient `filed:`"},
        {"rules: [{name: r, when: {field.x: 1}, notify: {to: owner}}]", "1:26: unknown path `field.x`"},
        {"rules: [{name: r, notify: {to: owner}}, {name: r, notify: {to: owner}}]", NULL},
        {"rules: [{name: 'a b', notify: {to: owner}}]", ""},
    };
    (void)state;
    belfry_test_on_failure(workflow_failure);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = belfry_test_new(&belfry_entry, rows[i].yaml);
        if (rows[i].error)
            belfry_test_expect_error(t, rows[i].error);
        assert_int_equal(belfry_test_status(t), rows[i].error && !*rows[i].error ? BELFRY_OK : BELFRY_EINVAL);
        belfry_test_free(t);
    }
}

/* Whatever the table accepts makes a rule, and two rules never share a type or a timer. */
static void test_names_of_rules_become_types(void **state)
{
    (void)state;
    struct belfry_test *t = workflow_new("rules:\n"
                                         "  - {name: 'a b', notify: {to: ann}}\n"
                                         "  - {name: a-b, notify: {to: ann}}\n"
                                         "  - {name: 'a/b', notify: {to: ann}, after: 1d}\n"
                                         "  - {name: 'große Beträge', notify: {to: ann}}\n"
                                         "  - {name: '?!', notify: {to: ann}}\n"
                                         "  - {name: '-x-', notify: {to: ann}}\n");
    send(t, "record.updated", "{'record':{'object':'R','id':'1'},'changed_by':'bob'}");
    belfry_test_expect(t, "workflow.a-b -> ann: R 1\n"
                          "workflow.a-b-2 -> ann: R 1\n"
                          "timer after/a-b-3/record/R/1 in 1d\n"
                          "workflow.gro-e-Betr-ge -> ann: R 1\n"
                          "workflow.rule -> ann: R 1\n"
                          "workflow.-x- -> ann: R 1");
    belfry_test_advance(t, "1d");
    belfry_test_expect(t, "workflow.a-b-3 -> ann: R 1");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_tells_when_the_time_has_come),
        cmocka_unit_test(test_after_is_cancelled_when_the_record_stops_meeting_the_criteria),
        cmocka_unit_test(test_after_tells_whom_the_record_names_by_then),
        cmocka_unit_test(test_after_every_time_counts_from_the_last_change),
        cmocka_unit_test(test_after_outlives_a_changed_configuration),
        cmocka_unit_test(test_only_what_is_named_is_remembered),
        cmocka_unit_test(test_what_the_hubs_rules_read_is_remembered),
        cmocka_unit_test(test_texts_and_numbers_come_back_as_they_were),
        cmocka_unit_test(test_what_did_not_change_is_not_written),
        cmocka_unit_test(test_state_that_cannot_be_read_is_none),
        cmocka_unit_test(test_orgs_do_not_know_of_each_other),
        cmocka_unit_test(test_rows_follow_the_record),
        cmocka_unit_test(test_a_hand_over_and_back_leaves_one_row),
        cmocka_unit_test(test_what_an_event_carries),
        cmocka_unit_test(test_a_person_is_who_acted_in_the_data_too),
        cmocka_unit_test(test_a_batch_is_all_or_nothing),
        cmocka_unit_test(test_a_repeated_trigger_is_one),
        cmocka_unit_test(test_what_is_too_long_is_refused),
        cmocka_unit_test(test_a_wide_record_is_worked_off_at_once),
        cmocka_unit_test(test_what_cannot_be_read_is_not_forgotten),
        cmocka_unit_test(test_what_could_not_be_read_again_is_refused_at_once),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_names_of_rules_become_types),
    };
    return cmocka_run_group_tests_name("workflow over time", tests, NULL, NULL);
}
