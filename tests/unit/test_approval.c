/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C3 of the mission, sentence by sentence: who is asked when an approval is submitted, what a decision does, who is
 * told how it ended, and what is refused. Steps are what happened and all that was done about it.
 */
#include "approval_fixture.h"

struct step {
    const char *as; /* principal; NULL: as before */
    const char *type, *data;
    const char *told;  /* what was done; NULL: refused */
    const char *error; /* of a refused one */
};

struct scenario {
    const char *sentence, *options;
    struct step steps[12];
};

#define SUBMITTED "approval.submitted"
#define DECIDED "approval.decided"
#define REASSIGNED "approval.reassigned"
#define RECALLED "approval.recalled"

#define WITH_STEPS(steps)                                                                                              \
    "{'approval':{'id':'42','title':'New printer','url':'https://erp.example.org/42','submitter':'sam','steps':"       \
    "[" steps "]}}"
#define ANY "{'name':'Finance','approvers':['ann','bob'],'needs':'any'}"
#define ALL "{'name':'Finance','approvers':['ann','user:bob'],'needs':'all'}"
#define CHIEF "{'name':'Chief','approvers':['cara'],'needs':'any'}"
#define TWO_OF "{'name':'Board','approvers':['ann','bob','cara'],'needs':2}"
#define SUBMIT(steps) NULL, SUBMITTED, WITH_STEPS(steps)
#define DECIDE(who, what) "{'approval':{'id':'42'},'by':'" who "','decision':'" what "'}"
#define DECIDE_IN(who, what, round) "{'approval':{'id':'42'},'by':'" who "','decision':'" what "','round':" round "}"
#define APPROVES(who) NULL, DECIDED, DECIDE(who, "approved")
#define REJECTS(who) NULL, DECIDED, DECIDE(who, "rejected")
#define MOVES(who, to) NULL, REASSIGNED, "{'approval':{'id':'42'},'from':'" who "','to':'" to "','by':'sam'}"
#define RECALLS(who) NULL, RECALLED, "{'approval':{'id':'42'},'by':'" who "'}"

#define TYPES "[approval.requested, approval.reminder, approval.escalated]"
#define TYPES_OF_OTHERS "[approval.requested, approval.reminder]"
#define HANDLED(who) "handled approval/42 " TYPES " by " who
#define VOTED(who) "handled approval/42 " TYPES " by " who " from " who
#define ASKED(who) "approval.requested -> " who ": Approve: New printer"
#define APPROVED "approval.approved -> sam: Approved: New printer"
#define REJECTED "approval.rejected -> sam: Rejected: New printer"
#define AT "2026-01-05T09:00:00.000Z"
#define BY(who) "\nhandled_by = " who "\nhandled_at = " AT
#define CLOSED(how, who) "approval 42 was " how " by " who " at " AT BY(who)

static const struct scenario decisions[] = {
    {"the approvers of the current step are asked, and nobody else",
     NULL,
     {{SUBMIT(ALL "," CHIEF), ASKED("ann, bob"), NULL}}},
    {"a role is its members",
     NULL,
     {{SUBMIT("{'name':'F','approvers':['cara','role:finance','ann'],'needs':'all'}"), ASKED("cara, ann, bob"), NULL}}},
    {"any: the first to act closes the step for the others, and the submitter is told",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL}, {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"all: the step waits for everybody",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), VOTED("bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" APPROVED, NULL}}},
    {"n: as many as it takes",
     NULL,
     {{SUBMIT(TWO_OF), ASKED("ann, bob, cara"), NULL},
      {APPROVES("cara"), VOTED("cara"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" APPROVED, NULL}}},
    {"a step with fewer members than n opens with all of them",
     NULL,
     {{SUBMIT("{'name':'B','approvers':['ann','bob'],'needs':5}"), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"a complete step leads to the next step's people, the last one to the submitter",
     NULL,
     {{SUBMIT(ANY "," CHIEF), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" ASKED("cara"), NULL},
      {APPROVES("cara"), HANDLED("cara") "\n" APPROVED, NULL}}},
    {"any rejection ends it, whatever the step needs",
     NULL,
     {{SUBMIT(TWO_OF "," CHIEF), ASKED("ann, bob, cara"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {REJECTS("bob"), HANDLED("bob") "\n" REJECTED, NULL}}},
    {"a person has one vote, also where they sit twice",
     NULL,
     {{SUBMIT("{'name':'F','approvers':['ann','role:finance','user:ann'],'needs':2}"), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {APPROVES("ann"), "", NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"and one in each step",
     NULL,
     {{SUBMIT(ANY "," ANY), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" ASKED("ann, bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" APPROVED, NULL}}},
    {"a person who comes themselves is who decides, whatever the trigger says",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {"person:ann", DECIDED, "{'approval':{'id':'42'},'by':'bob','decision':'approved'}", HANDLED("ann") "\n" APPROVED,
       NULL}}},
    {"and who submits",
     NULL,
     {{"person:dan", SUBMITTED, WITH_STEPS(ANY), ASKED("ann, bob"), NULL},
      {"token:erp", DECIDED, DECIDE("ann", "rejected"),
       HANDLED("ann") "\napproval.rejected -> dan: Rejected: New printer", NULL}}},
};

static const struct scenario conflicts[] = {
    {"who is no approver is refused",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {APPROVES("cara"), NULL, "cara is no approver of the open step 1"},
      {APPROVES("sam"), NULL, "sam is no approver of the open step 1"}}},
    {"who comes second hears who was first, and when",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL},
      {APPROVES("ann"), NULL, CLOSED("approved", "bob")},
      {REJECTS("ann"), NULL, CLOSED("approved", "bob")}}},
    {"also while a later step is open",
     NULL,
     {{SUBMIT(ANY "," CHIEF), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" ASKED("cara"), NULL},
      {APPROVES("ann"), NULL, "step 1 was closed by bob, and ann is no approver of the open step 2" BY("bob")}}},
    {"the same person repeating the same decision is accepted, and nothing happens",
     NULL,
     {{SUBMIT(ALL "," CHIEF), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {APPROVES("ann"), "", NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" ASKED("cara"), NULL},
      {APPROVES("ann"), "", NULL},
      {APPROVES("cara"), HANDLED("cara") "\n" APPROVED, NULL},
      {APPROVES("cara"), "", NULL},
      {APPROVES("ann"), "", NULL}}},
    {"a second decision that is another is refused",
     NULL,
     {{SUBMIT(ALL "," CHIEF), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {REJECTS("ann"), NULL, "ann has approved step 1 already" BY("ann")},
      {REJECTS("bob"), HANDLED("bob") "\n" REJECTED, NULL},
      {REJECTS("bob"), "", NULL},
      {APPROVES("bob"), NULL, CLOSED("rejected", "bob")},
      {APPROVES("ann"), "", NULL},
      {REJECTS("ann"), NULL, CLOSED("rejected", "bob")}}},
    {"a decision that names its step decides no other",
     NULL,
     {{SUBMIT(ANY "," ANY), ASKED("ann, bob"), NULL},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'approved','step':2}", NULL,
       "step 2 is not open yet"},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'approved','step':1}",
       HANDLED("ann") "\n" ASKED("ann, bob"), NULL},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'approved','step':1}", "", NULL},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'bob','decision':'approved','step':1}", NULL,
       "step 1 is closed" BY("ann")},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'bob','decision':'approved','step':2}",
       HANDLED("bob") "\n" APPROVED, NULL}}},
    {"nobody decides on what was never submitted",
     NULL,
     {{APPROVES("ann"), NULL, "there is no approval 42: nobody has submitted it"},
      {MOVES("ann", "bob"), NULL, "there is no approval 42: nobody has submitted it"},
      {RECALLS("sam"), NULL, "there is no approval 42: nobody has submitted it"}}},
    {"what was recalled leaves every list, and takes no decision",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {RECALLS("sam"), "withdraw approval/42 " TYPES ": recalled by sam", NULL},
      {APPROVES("bob"), NULL, CLOSED("recalled", "sam")},
      {APPROVES("ann"), NULL, CLOSED("recalled", "sam")},
      {RECALLS("sam"), NULL, CLOSED("recalled", "sam")},
      {MOVES("bob", "cara"), NULL, CLOSED("recalled", "sam")}}},
    {"what is approved is not recalled",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL},
      {RECALLS("sam"), NULL, CLOSED("approved", "bob")}}},
};

static const struct scenario again[] = {
    {"the same submission while it is pending is accepted, and nothing happens",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {SUBMIT(ANY), "", NULL},
      {NULL, SUBMITTED,
       "{ 'approval' : {'title':'New printer','id':'42','submitter':'sam','url':'https://erp.example.org/42',"
       "'steps':[{'needs':'any','name':'Finance','approvers':['ann','bob']}]}}",
       "", NULL}}},
    {"another one is refused, with who submitted the first",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {SUBMIT(ALL), NULL, "approval 42 is pending with other content; recall it to submit it anew" BY("sam")}}},
    {"so is any after it was approved",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" APPROVED, NULL},
      {SUBMIT(ANY), NULL, CLOSED("approved", "ann")}}},
    {"after a rejection it is a new round, in which nobody has decided",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {REJECTS("bob"), HANDLED("bob") "\n" REJECTED, NULL},
      {SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), VOTED("bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\n" APPROVED, NULL}}},
    {"a decision that names a step is of no other",
     NULL,
     {{SUBMIT(ANY "," ANY), ASKED("ann, bob"), NULL},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'approved','step':9000000000}", NULL,
       "step 9000000000 is not open yet"},
      {APPROVES("ann"), HANDLED("ann") "\n" ASKED("ann, bob"), NULL},
      {NULL, DECIDED, "{'approval':{'id':'42'},'by':'bob','decision':'approved','step':1}", NULL,
       "step 1 is closed" BY("ann")}}},
    {"a decision that names its round is of no other",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {NULL, DECIDED, DECIDE_IN("ann", "rejected", "2"), NULL, "this is round 1 of approval 42, and not 2"},
      {NULL, DECIDED, DECIDE_IN("ann", "rejected", "1"), HANDLED("ann") "\n" REJECTED, NULL},
      {SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {NULL, DECIDED, DECIDE_IN("ann", "approved", "1"), NULL, "this is round 2 of approval 42, and not 1"},
      {RECALLS("sam"), "withdraw approval/42 " TYPES ": recalled by sam", NULL},
      {SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {NULL, DECIDED, DECIDE_IN("bob", "approved", "2"), NULL, "this is round 3 of approval 42, and not 2"},
      {NULL, DECIDED, DECIDE_IN("bob", "approved", "3"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"and after it was recalled",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {RECALLS("sam"), "withdraw approval/42 " TYPES ": recalled by sam", NULL},
      {SUBMIT(CHIEF), ASKED("cara"), NULL},
      {APPROVES("cara"), HANDLED("cara") "\n" APPROVED, NULL}}},
};

#define MOVED(who, to) "withdraw approval/42 " TYPES_OF_OTHERS " from " who ": reassigned by sam\n" ASKED(to)

static const struct scenario moves[] = {
    {"a seat that is reassigned is somebody else's",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {MOVES("ann", "cara"), MOVED("ann", "cara"), NULL},
      {APPROVES("ann"), NULL, "ann is no approver of the open step 1"},
      {APPROVES("bob"), VOTED("bob"), NULL},
      {APPROVES("cara"), HANDLED("cara") "\n" APPROVED, NULL}}},
    {"who has a seat already has one still",
     NULL,
     {{SUBMIT(ANY), ASKED("ann, bob"), NULL},
      {MOVES("ann", "bob"), "withdraw approval/42 " TYPES_OF_OTHERS " from ann: reassigned by sam", NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"but of all no seat can be spared",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {MOVES("ann", "bob"), NULL, "bob has a seat already, and no other can be spared in step 1"},
      {APPROVES("bob"), VOTED("bob"), NULL}}},
    {"and of as many as it takes none",
     NULL,
     {{SUBMIT(TWO_OF), ASKED("ann, bob, cara"), NULL},
      {MOVES("ann", "bob"), "withdraw approval/42 " TYPES_OF_OTHERS " from ann: reassigned by sam", NULL},
      {MOVES("cara", "bob"), NULL, "bob has a seat already, and no other can be spared in step 1"},
      {APPROVES("cara"), VOTED("cara"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\n" APPROVED, NULL}}},
    {"nor of a step that has fewer people than it takes",
     NULL,
     {{SUBMIT("{'name':'B','approvers':['ann','bob'],'needs':5}"), ASKED("ann, bob"), NULL},
      {MOVES("ann", "bob"), NULL, "bob has a seat already, and no other can be spared in step 1"}}},
    {"who has decided cannot take another seat, nor give theirs away",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL},
      {APPROVES("bob"), VOTED("bob"), NULL},
      {MOVES("ann", "bob"), NULL, "bob has one vote, and has approved step 1" BY("bob")},
      {MOVES("bob", "cara"), NULL, "bob has no open seat in step 1" BY("bob")}}},
    {"who has no seat has none to give",
     NULL,
     {{SUBMIT(ALL), ASKED("ann, bob"), NULL}, {MOVES("cara", "dan"), NULL, "cara has no open seat in step 1"}}},
};

#define LEGAL "{'name':'Legal','approvers':['role:legal'],'needs':'any'}"
#define VACANT(who) "approval.escalated -> " who ": Nobody can approve: New printer"

static const struct scenario vacancies[] = {
    {"a first step that nobody can decide is refused",
     NULL,
     {{SUBMIT(LEGAL), NULL, "/data/approval/steps/0/approvers: nobody has the role legal"}}},
    {"a later one is escalated at once, and its role may be given to somebody",
     NULL,
     {{SUBMIT(ANY "," LEGAL), ASKED("ann, bob"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\ntimer look/42 in 1h\n" VACANT("root"), NULL},
      {APPROVES("dan"), NULL, "step 1 was closed by ann, and dan is no approver of the open step 2" BY("ann")},
      {MOVES("role:legal", "dan"), ASKED("dan"), NULL},
      {APPROVES("dan"), HANDLED("dan") "\ntimer look/42 cleared\n" APPROVED, NULL}}},
    {"to whom the options name",
     "escalate: {after: 2d, to: [cara, 'email:board@acme.example']}",
     {{SUBMIT(ANY "," LEGAL), ASKED("ann, bob") "\ntimer escalate/42 in 2d", NULL},
      {APPROVES("ann"),
       HANDLED("ann") "\ntimer escalate/42 cleared\ntimer look/42 in 1h\n" VACANT("cara, email:board@acme.example"),
       NULL}}},
    {"any does without a role that nobody has, all does not",
     NULL,
     {{SUBMIT("{'name':'L','approvers':['role:legal','ann'],'needs':'any'},"
              "{'name':'L','approvers':['role:legal','ann'],'needs':'all'}"),
       ASKED("ann"), NULL},
      {APPROVES("ann"), HANDLED("ann") "\ntimer look/42 in 1h\n" ASKED("ann") "\n" VACANT("root"), NULL},
      {APPROVES("ann"), "timer look/42 in 1h\n" VOTED("ann"), NULL}}},
    {"a number does without it where there are as many others, and waits for it where there are not",
     NULL,
     {{SUBMIT("{'name':'L','approvers':['role:legal','ann','bob'],'needs':2},"
              "{'name':'L','approvers':['role:legal','ann'],'needs':2}"),
       ASKED("ann, bob"), NULL},
      {APPROVES("ann"), VOTED("ann"), NULL},
      {APPROVES("bob"), HANDLED("bob") "\ntimer look/42 in 1h\n" ASKED("ann") "\n" VACANT("root"), NULL},
      {MOVES("role:legal", "ann"), NULL, "ann has a seat already, and no other can be spared in step 2"},
      {APPROVES("ann"), "timer look/42 in 1h\n" VOTED("ann"), NULL},
      {MOVES("role:legal", "dan"), ASKED("dan"), NULL},
      {APPROVES("dan"), HANDLED("dan") "\ntimer look/42 cleared\n" APPROVED, NULL}}},
    {"so does a first step",
     NULL,
     {{SUBMIT("{'name':'L','approvers':['role:legal','ann'],'needs':2}"),
       "timer look/42 in 1h\n" ASKED("ann") "\n" VACANT("root"), NULL},
      {APPROVES("ann"), "timer look/42 in 1h\n" VOTED("ann"), NULL}}},
};

static void run_step(struct belfry_test *t, const struct step *step)
{
    char *before = strdup(belfry_test_state(t));
    if (step->as)
        belfry_test_as(t, step->as);
    belfry_status status = belfry_test_send(t, step->type, json(step->data));
    if (step->told) {
        belfry_test_expect_error(t, "");
        assert_int_equal(status, BELFRY_OK);
        belfry_test_expect(t, step->told);
    } else {
        belfry_test_expect_error(t, step->error);
        assert_int_equal(status, step->error[0] == '/' ? BELFRY_EINVAL : BELFRY_ECONFLICT);
        belfry_test_expect(t, "");
    }
    if (!step->told || !*step->told)
        assert_string_equal(belfry_test_state(t), before);
    free(before);
}

static void run_scenarios(const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *s = &scenarios[i];
        struct belfry_test *t = approval_new(s->options);
        belfry_test_until(t, AT);
        print_message("  %s\n", s->sentence);
        for (const struct step *step = s->steps; step->type; step++)
            run_step(t, step);
        belfry_test_free(t);
    }
}

#define SCENARIOS(name)                                                                                                \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_scenarios(name, sizeof(name) / sizeof(name[0]));                                                           \
    }
SCENARIOS(decisions)
SCENARIOS(conflicts)
SCENARIOS(again)
SCENARIOS(moves)
SCENARIOS(vacancies)

/* --- rows, texts, data -------------------------------------------------------------------------------------------- */

static void send(struct belfry_test *t, const char *type, const char *data)
{
    belfry_test_send(t, type, json(data));
    belfry_test_expect_error(t, "");
}

/* From the inbox: the button decides, and the others' rows say who did. */
static void test_actions(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new(NULL);
    send(t, SUBMITTED, WITH_STEPS(ANY "," ANY));
    assert_int_equal(belfry_test_act(t, "ann", "approval/42", "approve", "Fine"), BELFRY_OK);
    belfry_test_expect_rows(t, "bob",
                            "approval.requested: Approve: New printer (handled by ann)\n"
                            "approval.requested: Approve: New printer");
    assert_int_equal(belfry_test_act(t, "sam", "approval/42", "approve", NULL), BELFRY_ENOTFOUND);
    assert_int_equal(belfry_test_act(t, "bob", "approval/42", "reject", "Too dear"), BELFRY_OK);
    belfry_test_expect_inbox(t, "bob", "");
    belfry_test_expect_inbox(t, "sam", "approval.rejected: Rejected: New printer");
    assert_string_equal(belfry_test_last(t)->body, "By bob, in Finance, step 2 of 2: Too dear");
    belfry_test_free(t);
}

/* Everybody is told about the whole object, also of what only the other system knows. */
static void test_events_carry_what_was_submitted(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new(NULL);
#define OBJECT                                                                                                         \
    "'approval':{'id':'42','title':'New \\u0022printer\\u0022','url':'/erp/42','submitter':'sam','steps':["            \
    "{'name':'Finance','approvers':['ann'],'needs':'any'}],'amount':99.99,'big':9007199254740993,'tags':[true,null,"   \
    "'\\u0001'],'more':{}}"
    send(t, SUBMITTED, "{" OBJECT "}");
    const struct belfry_test_event *e = belfry_test_last(t);
    assert_string_equal(e->title, "Approve: New \"printer\"");
    assert_string_equal(e->body, "Finance, step 1 of 1. Submitted by sam.");
    assert_string_equal(e->link, "/erp/42");
    assert_string_equal(e->actor, "");
    assert_string_equal(e->reasons[0], "approver");
    assert_int_equal(e->severity, BELFRY_WARNING);
    assert_non_null(strstr(e->data, json("'amount':99.99,'big':9007199254740993,'tags':[true,null,'\\u0001'],'more':{}}"
                                         ",'step':{'index':1,'of':1,'name':'Finance'}}")));
    assert_int_equal(e->action_count, 2);
    assert_string_equal(e->actions[0].id.ptr, "approve");
    assert_string_equal(e->actions[1].data.ptr,
                        json("{'approval':{'id':'42'},'decision':'rejected','round':1,'step':1}"));
    send(t, DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'approved','comment':null}");
    e = belfry_test_last(t);
    assert_string_equal(e->body, "By ann");
    assert_int_equal(e->severity, BELFRY_SUCCESS);
    const char *computed = strstr(e->data, "\"decision\"");
    assert_non_null(computed);
    assert_non_null(strstr(computed, json("'approvals':[{'step':1,'by':'ann','at':'")));
    assert_null(strstr(computed, "comment"));
    belfry_test_free(t);
}

/* --- what is wrong ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *type, *data, *error;
} faults[] = {
    {SUBMITTED, "{}", "/data/approval: is required"},
    {SUBMITTED, "{'approval':[]}", "/data/approval: must be an object"},
    {SUBMITTED, "{'approval':{}}",
     "/data/approval/id: is required\n/data/approval/title: is required\n/data/approval/url: is required\n"
     "/data/approval/submitter: is required\n/data/approval/steps: is required"},
    {SUBMITTED, "{'approval':{'id':'','title':'','url':'javascript:alert(1)','submitter':'a/b','steps':[]}}",
     "/data/approval/id: is empty\n/data/approval/title: is empty\n"
     "/data/approval/url: must be http, https or a path, of at most 2048 bytes\n"
     "/data/approval/submitter: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters\n"
     "/data/approval/steps: is empty"},
    {SUBMITTED, "{'approval':{'id':7,'title':null,'url':'/x','submitter':'sam','steps':{}}}",
     "/data/approval/id: must be a string, not an integer\n/data/approval/title: is required\n"
     "/data/approval/steps: must be an array"},
    {SUBMITTED,
     "{'approval':{'id':'a\\u0007','title':'T','url':'/x','submitter':'sam','steps':[7,{},"
     "{'name':'','approvers':[],'needs':0},{'name':'N','approvers':['role:','email:a@b.example',3,'user:x'],"
     "'needs':'most'},{'name':'N','approvers':'ann','needs':1.5}]}}",
     "/data/approval/id: has a control character\n"
     "/data/approval/steps/0: must be an object\n"
     "/data/approval/steps/1/name: is required\n/data/approval/steps/1/approvers: is required\n"
     "/data/approval/steps/1/needs: is required\n"
     "/data/approval/steps/2/name: is empty\n/data/approval/steps/2/approvers: is empty\n"
     "/data/approval/steps/2/needs: must be at least 1\n"
     "/data/approval/steps/3/approvers/0: must be a username, user:NAME or role:ROLE; a name has 1 to 128 bytes in NFC "
     "without `/`, `:` and control characters\n"
     "/data/approval/steps/3/approvers/1: must be a username, user:NAME or role:ROLE; a name has 1 to 128 bytes in NFC "
     "without `/`, `:` and control characters\n"
     "/data/approval/steps/3/approvers/2: must be a string, not an integer\n"
     "/data/approval/steps/3/needs: must be any, all or a whole number\n"
     "/data/approval/steps/4/approvers: must be an array\n"
     "/data/approval/steps/4/needs: must be any, all or a whole number"},
    {DECIDED, "{}", "/data/approval: is required\n/data/by: is required\n/data/decision: is required"},
    {DECIDED, "{'approval':{'id':'42'},'by':'ann','decision':'no','comment':null,'step':null,'round':null}",
     "/data/decision: must be approved or rejected"},
    {DECIDED, "{'approval':{'id':'42'},'by':'','decision':'maybe','comment':7,'round':'1','step':0}",
     "/data/by: must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters\n"
     "/data/decision: must be approved or rejected\n/data/comment: must be a string, not an integer\n"
     "/data/round: must be a whole number, not a string\n/data/step: must be at least 1"},
    {REASSIGNED, "{'approval':{}}",
     "/data/approval/id: is required\n/data/from: is required\n/data/to: is required\n/data/by: is required"},
    {REASSIGNED, "{'approval':{'id':'42'},'from':'user:ann','to':'ann','by':'sam'}", "/data/to: must be somebody else"},
    {RECALLED, "{'approval':{'id':null},'by':null}", "/data/approval/id: is required\n/data/by: is required"},
    {"approval.forgotten", "{}",
     "/type: must be approval.submitted, approval.decided, approval.reassigned or approval.recalled, not "
     "\"approval.forgotten\""},
};

static void test_all_faults_are_named(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new(NULL);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        assert_int_equal(belfry_test_send(t, faults[i].type, json(faults[i].data)), BELFRY_EINVAL);
        belfry_test_expect_error(t, faults[i].error);
    }
    belfry_test_expect(t, "");
    assert_string_equal(belfry_test_state(t), "");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_vacancies),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_events_carry_what_was_submitted),
        cmocka_unit_test(test_all_faults_are_named),
    };
    return cmocka_run_group_tests_name("approval", tests, NULL, NULL);
}
