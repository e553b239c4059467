/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each scenario proves a sentence: C1, a new record's owner is told unless they made it, and so is a new owner; C2, a
 * rule's notification tells the recipients that the rule names. Steps are what happened and all that was done about it.
 */
#include "workflow_fixture.h"

#include <stdio.h>

struct step {
    const char *as; /* principal; NULL: as before */
    const char *type, *data;
    const char *told;  /* what was done; NULL: refused */
    const char *error; /* of a refused one */
};

struct scenario {
    const char *sentence, *rules;
    struct step steps[8];
};

#define LEAD "'object':'Lead','id':'7','url':'https://crm.example.org/7'"
#define DEAL "'object':'Opportunity','id':'1','url':'https://crm.example.org/1'"
#define CREATED "record.created"
#define UPDATED "record.updated"
#define DELETED "record.deleted"
#define HOT_FOR_ANN "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{'name':'Acme'}}}"
#define LEAD_7 "'record':{'object':'Lead','id':'7'}"
#define DEAL_1 "'object':'Opportunity','id':'1'"

static const struct scenario owners[] = {
    {"the owner of a new record is told, with its name as title",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL}}},
    {"who made the record for themselves is not told",
     NULL,
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{'name':'Acme'}}}", "", NULL}}},
    {"a record without a name is called by its object and id",
     NULL,
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'bob','fields':{}}}",
       "record.assigned -> ann: Lead 7", NULL}}},
    {"a new owner is told, and the old owner's row is withdrawn",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
       "record.assigned -> cara: Acme",
       NULL}}},
    {"who takes a record over is not told, and the old owner's row goes all the same",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'cara'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now", NULL}}},
    {"a record that nobody owns any more is on nobody's list",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':null},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has no owner now", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'dan'},'changed_by':'bob'}",
       "record.assigned -> dan: Acme", NULL}}},
    {"a change that leaves the owner alone tells nobody",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Lead','id':'7','owner':'ann','fields':{'rating':'hot'}},'changed_by':'bob'}", "", NULL},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'bob'}", "", NULL}}},
    {"a patch keeps what it does not name and removes what is null",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','fields':{'name':'Acme Ltd'}},'changed_by':'bob'}", "",
       NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
       "record.assigned -> cara: Acme Ltd",
       NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'dan','fields':{'name':null}},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from cara: it has another owner now\n"
       "record.assigned -> dan: Lead 7",
       NULL}}},
    {"a record that is created twice is updated by who creates it",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, CREATED, HOT_FOR_ANN, "", NULL},
      {NULL, CREATED, "{'record':{" LEAD ",'owner':'cara','created_by':'cara','fields':{}}}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now", NULL}}},
    {"an update of an unknown record is its first sight: nobody knows that its owner is new",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob'}", "", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
       "record.assigned -> cara: Lead 7",
       NULL}}},
    {"unless `before` says so",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob','before':{'owner':'dan'}}",
       "withdraw record/Lead/7 [record.assigned] from dan: it has another owner now\n"
       "record.assigned -> ann: Lead 7",
       NULL}}},
    {"what the trigger leaves out is as `before` has it",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'Lead','id':'7'},'changed_by':'bob','before':{'owner':'dan'}}", "", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob'}",
       "withdraw record/Lead/7 [record.assigned] from dan: it has another owner now\n"
       "record.assigned -> ann: Lead 7",
       NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Lead','id':'8','owner':null},'changed_by':'bob','before':{'owner':'dan',"
       "'fields':{'name':'Acme'}}}",
       "withdraw record/Lead/8 [record.assigned] from dan: it has no owner now", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'8','owner':'ann'},'changed_by':'bob'}",
       "record.assigned -> ann: Acme", NULL}}},
    {"nobody owned it before",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob','before':{'owner':null}}",
       "record.assigned -> ann: Lead 7", NULL}}},
    {"`before` names the same owner, or only fields",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob','before':{'owner':'ann'}}",
       "", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'8','owner':'ann'},'changed_by':'bob','before':{'fields':{}}}",
       "", NULL}}},
    {"of a known record memory is asked, not `before`",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'ann'},'changed_by':'bob','before':{'owner':'dan'}}",
       "", NULL}}},
    {"a deleted record leaves every list and is forgotten",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, DELETED, "{" LEAD_7 ",'by':'bob'}", "withdraw record/Lead/7: the record was deleted", NULL},
      {NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL}}},
    {"deleting an unknown record does nothing", NULL, {{NULL, DELETED, "{" LEAD_7 ",'by':'bob'}", "", NULL}}},
    {"a person who comes themselves is who acted, whatever the trigger says",
     NULL,
     {{"person:ann", CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'dan','fields':{}}}", "", NULL},
      {"person:bob", UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'cara'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
       "record.assigned -> cara: Lead 7",
       NULL},
      {"person:bob", DELETED, "{" LEAD_7 "}", "withdraw record/Lead/7: the record was deleted", NULL}}},
    {"nor is anybody else the creator of what a person creates",
     "rules: [{name: made, on: update, notify: {to: created_by}}]",
     {{"person:ann", CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'dan','fields':{}}}", "", NULL},
      {"person:bob", UPDATED, "{" LEAD_7 "}", "workflow.made -> ann: Lead 7", NULL}}},
    {"records of the same id in another object are others",
     NULL,
     {{NULL, CREATED, HOT_FOR_ANN, "record.assigned -> ann: Acme", NULL},
      {NULL, CREATED, "{'record':{'object':'Case','id':'7','url':'/c/7','owner':'ann','created_by':'bob','fields':{}}}",
       "record.assigned -> ann: Case 7", NULL},
      {NULL, DELETED, "{" LEAD_7 ",'by':'bob'}", "withdraw record/Lead/7: the record was deleted", NULL}}},
    {"a slash in an object does not make two records one",
     NULL,
     {{NULL, CREATED, "{'record':{'object':'a/b','id':'c','url':'/x','owner':'ann','created_by':'bob','fields':{}}}",
       "record.assigned -> ann: a/b c", NULL},
      {NULL, DELETED, "{'record':{'object':'a','id':'b/c'},'by':'bob'}", "", NULL},
      {NULL, DELETED, "{'record':{'object':'a/b','id':'c'},'by':'bob'}",
       "withdraw record/a%2Fb/c: the record was deleted", NULL}}},
};

#define BIG_DEAL                                                                                                       \
    "rules: [{name: big-deal, on: both, fire: on_entering,\n"                                                          \
    "         when: {object: Opportunity, fields.amount: {gte: 100000}},\n"                                            \
    "         notify: {to: [owner, 'role:sales-manager'], title: 'Big deal: {{fields.name}}', severity: success}}]"

static const struct scenario rules[] = {
    {"a rule tells the recipients that it names, minus who acted",
     BIG_DEAL,
     {{NULL, CREATED,
       "{'record':{" DEAL ",'owner':'ann','created_by':'dan','fields':{'name':'Cranes','amount':240000}}}",
       "record.assigned -> ann: Cranes\n"
       "workflow.big-deal -> ann, cara: Big deal: Cranes",
       NULL},
      {NULL, CREATED,
       "{'record':{'object':'Case','id':'1','url':'/1','owner':'ann','created_by':'ann','fields':{'amount':240000}}}",
       "", NULL}}},
    {"on_entering fires when the record starts to meet the criteria, and again only after it had stopped",
     BIG_DEAL,
     {{NULL, CREATED, "{'record':{" DEAL ",'owner':'ann','created_by':'ann','fields':{'name':'Cranes','amount':5}}}",
       "", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':100000}},'changed_by':'ann'}",
       "workflow.big-deal -> cara, dan: Big deal: Cranes", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':100001}},'changed_by':'ann'}", "", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'stage':'won'}},'changed_by':'bob'}", "", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':null}},'changed_by':'bob'}", "", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':300000}},'changed_by':'bob'}",
       "workflow.big-deal -> ann, cara, dan: Big deal: Cranes", NULL}}},
    {"every_time fires whenever a change leaves the record meeting the criteria, whatever changed",
     "rules: [{name: hot, when: {fields.rating: hot}, notify: {to: [bob]}}]",
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{'rating':'hot'}}}",
       "workflow.hot -> bob: Lead 7", NULL},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'ann'}", "workflow.hot -> bob: Lead 7", NULL},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'bob'}", "workflow.hot -> nobody: Lead 7", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','fields':{'rating':'cold'}},'changed_by':'ann'}", "",
       NULL}}},
    {"`on: create` asks when a record is new, `on: update` when it is not",
     "rules: [{name: fresh, on: create, notify: {to: [bob]}}, {name: touched, on: update, notify: {to: [cara]}}]",
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{}}}",
       "workflow.fresh -> bob: Lead 7", NULL},
      {NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{}}}",
       "workflow.touched -> cara: Lead 7", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'8'},'changed_by':'ann'}", "workflow.touched -> cara: Lead 8",
       NULL}}},
    {"an unknown record that is updated met nothing before, unless `before` says what it was",
     BIG_DEAL,
     {{NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':100000}},'changed_by':'ann'}",
       "workflow.big-deal -> cara, dan: Big deal: ", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Opportunity','id':'2','fields':{'amount':100000}},'changed_by':'ann',"
       "'before':{'fields':{'amount':99999}}}",
       "workflow.big-deal -> cara, dan: Big deal: ", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Opportunity','id':'3','fields':{'amount':100000}},'changed_by':'ann',"
       "'before':{'fields':{'amount':150000}}}",
       "", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Opportunity','id':'4','fields':{'amount':100000,'stage':'won'}},'changed_by':'ann',"
       "'before':{'fields':{'stage':'open'}}}",
       "", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Opportunity','id':'5','fields':{'amount':100000}},'changed_by':'ann',"
       "'before':{'fields':{'amount':null}}}",
       "workflow.big-deal -> cara, dan: Big deal: ", NULL},
      {NULL, UPDATED,
       "{'record':{'object':'Opportunity','id':'6','fields':{'stage':'won'}},'changed_by':'ann',"
       "'before':{'owner':'bob','fields':{'amount':150000,'stage':'open'}}}",
       "", NULL},
      {NULL, UPDATED, "{'record':{'object':'Opportunity','id':'6','fields':{'name':'Quay'}},'changed_by':'ann'}", "",
       NULL}}},
    {"criteria see what `before` says where the trigger says nothing",
     "rules: [{name: won, fire: on_entering, when: {fields.stage: won, fields.amount: {gte: 5}}, notify: {to: owner}}]",
     {{NULL, UPDATED,
       "{'record':{" DEAL_1 ",'fields':{'stage':'won'}},'changed_by':'ann',"
       "'before':{'owner':'bob','fields':{'amount':9,'stage':'open'}}}",
       "workflow.won -> bob: Opportunity 1", NULL},
      {NULL, UPDATED, "{'record':{" DEAL_1 ",'fields':{'amount':7}},'changed_by':'ann'}", "", NULL}}},
    {"recipients are people, roles, addresses, the owner, the creator and the people that a field names",
     "rules: [{name: all, notify: {to: [bob, 'user:eve', 'role:sales-manager', 'email:x@example.org', owner, created_by,\n"
     "                                  'field:lead', 'field:team']}}]",
     {{NULL, CREATED,
       "{'record':{" LEAD
       ",'owner':'ann','created_by':'zoe','fields':{'lead':'gus','team':['hal','ann',7,'a/b','e\xcc\x81']}}}",
       "record.assigned -> ann: Lead 7\n"
       "workflow.all -> bob, eve, cara, dan, email:x@example.org, ann, gus, hal: Lead 7",
       NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','fields':{'lead':null,'team':{}}},'changed_by':'ann'}",
       "workflow.all -> bob, eve, cara, dan, email:x@example.org, zoe: Lead 7", NULL}}},
    {"a rule that finds nobody still has its event, so that its story can be told",
     "rules: [{name: lost, notify: {to: ['field:nobody']}}]",
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{}}}",
       "workflow.lost -> nobody: Lead 7", NULL}}},
    {"criteria see what is remembered and what is said as one record",
     "rules: [{name: r, when: {owner: cara, fields.a: 1, '/fields/b~1c/0': x, created_by: ann}, notify: {to: bob}}]",
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{'a':1,'b/c':['x']}}}", "", NULL},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','owner':'cara'},'changed_by':'cara'}",
       "withdraw record/Lead/7 [record.assigned] from ann: it has another owner now\n"
       "workflow.r -> bob: Lead 7",
       NULL}}},
    {"a rule's texts may name the record from its root or as `record`, and who changed it",
     "rules: [{name: r, on: update, notify: {to: bob, title: '{{fields.name}} of {{record.owner}} by {{changed_by}}'}}]",
     {{NULL, CREATED, "{'record':{" LEAD ",'owner':'ann','created_by':'ann','fields':{'name':'Acme'}}}", "", NULL},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'cara'}", "workflow.r -> bob: Acme of ann by cara", NULL}}},
};

static const struct scenario refusals[] = {
    {"a type that is none of ours",
     NULL,
     {{NULL, "record.moved", "{}", NULL,
       "/type: must be record.created, record.updated or record.deleted, not \"record.moved\""}}},
    {"nothing, and something else",
     NULL,
     {{NULL, CREATED, "{}", NULL, "/data/record: is required"},
      {NULL, CREATED, "[]", NULL, "/data: must be an object"},
      {NULL, UPDATED, "{'record':'x','changed_by':'bob'}", NULL, "/data/record: must be an object"}}},
    {"all that a new record lacks is named at once",
     NULL,
     {{NULL, CREATED, "{'record':{}}", NULL,
       "/data/record/object: is required\n/data/record/id: is required\n/data/record/url: is required\n"
       "/data/record/owner: is required\n/data/record/fields: is required\n/data/record/created_by: is required"}}},
    {"wrong types",
     NULL,
     {{NULL, CREATED, "{'record':{'object':1,'id':2,'url':3,'owner':4,'created_by':5,'fields':6}}", NULL,
       "/data/record/object: must be a string, not an integer\n/data/record/id: must be a string, not an integer\n"
       "/data/record/url: must be a string, not an integer\n/data/record/owner: must be a string, not an integer\n"
       "/data/record/fields: must be an object\n/data/record/created_by: must be a string, not an integer"},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'bob','before':1}", NULL, "/data/before: must be an object"},
      {NULL, UPDATED, "{" LEAD_7 ",'changed_by':'bob','before':{'owner':1,'fields':2}}", NULL,
       "/data/before/owner: must be a string, not an integer\n/data/before/fields: must be an object"}}},
    {"who acted is required of a token",
     NULL,
     {{NULL, UPDATED, "{" LEAD_7 "}", NULL, "/data/changed_by: is required"},
      {NULL, DELETED, "{" LEAD_7 "}", NULL, "/data/by: is required"}}},
    {"names that are none",
     NULL,
     {{NULL, UPDATED, "{'record':{'object':'','id':'a\\u0007','owner':'a/b'},'changed_by':'x:y'}", NULL,
       "/data/record/object: is empty\n/data/record/id: has a control character\n"
       "/data/record/owner: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters\n"
       "/data/changed_by: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters"},
      {NULL, UPDATED,
       "{'record':{'object':'Lead','id':'7','owner':'ren\xc3\xa9','fields':{}},'changed_by':'rene\xcc\x81'}", NULL,
       "/data/changed_by: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters"},
      {NULL, UPDATED, "{'record':{'object':'Lead','id':'7','url':'javascript:alert(1)'},'changed_by':'bob'}", NULL,
       "/data/record/url: must be http, https or a path, of at most 2048 bytes"}}},
};

/* What is accepted when nobody is told can be told later. */
static void test_links_are_judged_where_they_are_said(void **state)
{
    static const char *const links[] = {"http:///x",
                                        "https://?q",
                                        "http://#",
                                        "https://:80/",
                                        "http://[]/",
                                        "http://[::1]/",
                                        "http://user@/",
                                        "http://user@host/",
                                        "HTTPS://X.example/",
                                        "http://",
                                        "/",
                                        "//x",
                                        "/a//b",
                                        "/a?x=//y",
                                        "/a b",
                                        "/a\\\\b",
                                        "/\xc2\x85x",
                                        "/\xc2\xa0x",
                                        "https://\xc3\xa4.example/",
                                        "mailto:x@y",
                                        "javascript:alert(1)",
                                        ""};
    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        char quiet[400], told[400];
        struct belfry_test *t = workflow_new("rules: [{name: r, on: update, notify: {to: owner}}]");
        snprintf(quiet, sizeof(quiet),
                 "{'record':{'object':'Lead','id':'7','url':'%s','owner':'ann','created_by':'ann','fields':{}}}",
                 links[i]);
        snprintf(told, sizeof(told),
                 "{'record':{'object':'Lead','id':'8','url':'%s','owner':'ann','created_by':'bob','fields':{}}}",
                 links[i]);
        belfry_status status = belfry_test_send(t, CREATED, json(quiet));
        if (status)
            belfry_test_expect_error(t, "/data/record/url: must be http, https or a path, of at most 2048 bytes");
        assert_int_equal(belfry_test_send(t, CREATED, json(told)), status);
        if (status == BELFRY_OK) {
            belfry_test_told(t);
            assert_int_equal(belfry_test_send(t, UPDATED, json("{" LEAD_7 ",'changed_by':'bob'}")), BELFRY_OK);
            belfry_test_expect(t, "workflow.r -> ann: Lead 7");
        } else {
            belfry_test_expect_error(t, "/data/record/url: must be http, https or a path, of at most 2048 bytes");
        }
        belfry_test_free(t);
    }
}

static void run_step(struct belfry_test *t, const struct step *step)
{
    if (step->as)
        belfry_test_as(t, step->as);
    belfry_status status = belfry_test_send(t, step->type, json(step->data));
    if (step->told) {
        belfry_test_expect_error(t, "");
        assert_int_equal(status, BELFRY_OK);
        belfry_test_expect(t, step->told);
    } else {
        belfry_test_expect_error(t, step->error);
        assert_int_equal(status, BELFRY_EINVAL);
        belfry_test_expect(t, "");
        assert_string_equal(belfry_test_state(t), "");
    }
}

static void run_scenarios(const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *s = &scenarios[i];
        struct belfry_test *t = workflow_new(s->rules);
        print_message("  %s\n", s->sentence);
        for (const struct step *step = s->steps; step->type; step++)
            run_step(t, step);
        belfry_test_free(t);
    }
}

static void test_owners(void **state)
{
    (void)state;
    run_scenarios(owners, sizeof(owners) / sizeof(owners[0]));
}

static void test_rules(void **state)
{
    (void)state;
    run_scenarios(rules, sizeof(rules) / sizeof(rules[0]));
}

static void test_refusals(void **state)
{
    (void)state;
    run_scenarios(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_links_are_judged_where_they_are_said),
    };
    return cmocka_run_group_tests_name("workflow", tests, NULL, NULL);
}
