/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to an approval: reminders, escalation, substitutes whose period begins and ends. */
#include "approval_fixture.h"

#define SUBMIT                                                                                                         \
    "{'approval':{'id':'42','title':'New printer','url':'/erp/42','submitter':'sam','steps':[{'name':'Finance',"       \
    "'approvers':['ann','bob'],'needs':'all'},{'name':'Chief','approvers':['cara','role:legal'],'needs':'any'}]}}"
#define DECIDE(who, what) "{'approval':{'id':'42'},'by':'" who "','decision':'" what "'}"
#define TYPES "[approval.requested, approval.reminder, approval.escalated]"
#define HANDLED(who) "handled approval/42 " TYPES " by " who
#define ASKED(who) "approval.requested -> " who ": Approve: New printer"
#define REMINDED(who) "approval.reminder -> " who ": Still to approve: New printer"

static void send(struct belfry_test *t, const char *type, const char *data)
{
    belfry_test_send(t, type, json(data));
    belfry_test_expect_error(t, "");
}

static struct belfry_test *submitted(const char *options, const char *at)
{
    struct belfry_test *t = approval_new(options);
    belfry_test_zone(t, "Europe/Berlin");
    belfry_test_until(t, at);
    send(t, "approval.submitted", SUBMIT);
    return t;
}

static void test_reminders_until_the_step_closes(void **state)
{
    (void)state;
    struct belfry_test *t = submitted("remind_after: 2d", "2026-01-06T09:00:00Z");
    belfry_test_expect(t, ASKED("ann, bob") "\ntimer remind/42 in 2d");
    belfry_test_advance(t, "2d");
    belfry_test_expect(t, REMINDED("ann, bob") "\ntimer remind/42 in 2d");
    assert_string_equal(belfry_test_last(t)->body, "Finance, step 1 of 2, has been open for 2 days. Submitted by sam.");
    belfry_test_expect_rows(t, "ann",
                            "approval.requested: Approve: New printer (replaced)\n"
                            "approval.reminder: Still to approve: New printer");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_expect(t, HANDLED("ann") " from ann");
    belfry_test_advance(t, "2d");
    belfry_test_expect(t, REMINDED("bob") "\ntimer remind/42 in 2d"); /* only those who are still open */
    belfry_test_expect_rows(t, "ann",
                            "approval.requested: Approve: New printer (replaced)\n"
                            "approval.reminder: Still to approve: New printer (handled by ann)");
    belfry_test_advance(t, "1d");
    send(t, "approval.decided", DECIDE("bob", "approved"));
    belfry_test_expect(t, HANDLED("bob") "\ntimer remind/42 cleared\n" ASKED("cara") "\ntimer remind/42 in 2d");
    send(t, "approval.decided", DECIDE("cara", "rejected"));
    belfry_test_expect(t, HANDLED("cara") "\ntimer remind/42 cleared\napproval.rejected -> sam: Rejected: New printer");
    assert_string_equal(belfry_test_timers(t), "");
    belfry_test_free(t);
}

static void test_others_are_told_once_a_step(void **state)
{
    (void)state;
    struct belfry_test *t = submitted(
        "escalate: {after: 3d, to: ['role:finance', root, 'email:a@b.example', audience]}", "2026-01-06T09:00:00Z");
    belfry_test_expect(t, ASKED("ann, bob") "\ntimer escalate/42 in 3d");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_expect(t, HANDLED("ann") " from ann");
    belfry_test_advance(t, "3d");
    belfry_test_expect(t, "approval.escalated -> ann, bob, root, email:a@b.example: Not approved yet: New printer");
    assert_string_equal(belfry_test_last(t)->body,
                        "Finance, step 1 of 2, has been open for 3 days and waits for bob. Submitted by sam.");
    assert_int_equal(belfry_test_last(t)->action_count, 0);
    belfry_test_advance(t, "30d");
    belfry_test_expect(t, "");
    send(t, "approval.decided", DECIDE("bob", "approved"));
    belfry_test_expect(t, HANDLED("bob") "\n" ASKED("cara") "\ntimer escalate/42 in 3d");
    belfry_test_expect_rows(t, "root", "approval.escalated: Not approved yet: New printer (handled by bob)");
    belfry_test_expect_inbox(t, "ann", "");
    send(t, "approval.recalled", "{'approval':{'id':'42'},'by':'sam'}");
    belfry_test_expect(t, "withdraw approval/42 " TYPES ": recalled by sam\ntimer escalate/42 cleared");
    belfry_test_free(t);
}

/* Without the option what is due falls away. */
static void test_reminders_end_with_their_option(void **state)
{
    (void)state;
    struct belfry_test *t = submitted("remind_after: 2d", "2026-01-06T09:00:00Z");
    belfry_test_expect(t, ASKED("ann, bob") "\ntimer remind/42 in 2d");
    belfry_test_reload(t, NULL);
    belfry_test_advance(t, "3d");
    belfry_test_expect(t, "");
    assert_string_equal(belfry_test_timers(t), "");
    belfry_test_free(t);
}

/* --- substitutes -------------------------------------------------------------------------------------------------- */

#define DAN_FOR_ANN "substitutes: [{for: ann, by: dan, from: 2026-01-07, until: 2026-01-09}]"

static void test_a_substitute_is_told_as_well_and_decides_in_the_seat(void **state)
{
    (void)state;
    struct belfry_test *t = submitted(DAN_FOR_ANN, "2026-01-08T09:00:00Z");
    belfry_test_expect(t, "timer look/42 in 38h\n" ASKED("ann, bob, dan"));
    assert_string_equal(belfry_test_last(t)->reasons[2], "substitute for ann");
    assert_int_equal(belfry_test_act(t, "dan", "approval/42", "approve", NULL), BELFRY_OK);
    belfry_test_expect(t, HANDLED("dan") " from dan\n"
                                         "handled approval/42 [approval.requested, approval.reminder] by dan from ann");
    send(t, "approval.decided", DECIDE("dan", "approved"));
    belfry_test_expect(t, "");
    belfry_test_send(t, "approval.decided", json(DECIDE("ann", "rejected")));
    belfry_test_expect_error(t, "dan has approved for ann\nhandled_by = dan\nhandled_at = 2026-01-08T09:00:00.000Z");
    belfry_test_send(t, "approval.reassigned", json("{'approval':{'id':'42'},'from':'ann','to':'cara','by':'sam'}"));
    belfry_test_expect_error(t,
                             "ann has no open seat in step 1\nhandled_by = dan\nhandled_at = 2026-01-08T09:00:00.000Z");
    send(t, "approval.decided", DECIDE("bob", "approved"));
    send(t, "approval.decided", DECIDE("cara", "approved"));
    assert_non_null(strstr(belfry_test_last(t)->data, json("{'step':1,'by':'dan','seat':'ann','at':")));
    belfry_test_free(t);
}

static void test_the_data_says_in_whose_seat(void **state)
{
    (void)state;
    struct belfry_test *t = submitted(DAN_FOR_ANN, "2026-01-08T09:00:00Z");
    send(t, "approval.decided", "{'approval':{'id':'42'},'by':'dan','decision':'rejected','comment':'No'}");
    assert_non_null(strstr(belfry_test_last(t)->data, json("'decision':'rejected','by':'dan','seat':'ann'")));
    assert_string_equal(belfry_test_last(t)->body, "By dan for ann, in Finance, step 1 of 2: No");
    belfry_test_free(t);
}

/* One person, one vote: bob decides in his own seat, and ann's waits for her. */
static void test_an_approver_who_stands_in_has_one_vote(void **state)
{
    (void)state;
    struct belfry_test *t = submitted("substitutes: [{for: ann, by: bob}]", "2026-01-08T09:00:00Z");
    belfry_test_expect(t, ASKED("ann, bob"));
    send(t, "approval.decided", DECIDE("bob", "approved"));
    belfry_test_expect(t, HANDLED("bob") " from bob");
    send(t, "approval.decided", DECIDE("bob", "approved"));
    belfry_test_expect(t, "");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_expect(t, HANDLED("ann") "\n" ASKED("cara"));
    belfry_test_free(t);
}

/* The days are whole days of Berlin: from the 7th at 00:00+01:00 until the 10th at 00:00+01:00. */
static void test_a_period_begins_and_ends_while_the_step_is_open(void **state)
{
    (void)state;
    struct belfry_test *t = submitted(DAN_FOR_ANN, "2026-01-06T22:59:59Z");
    belfry_test_expect(t, "timer look/42 in 1s\n" ASKED("ann, bob"));
    belfry_test_send(t, "approval.decided", json(DECIDE("dan", "approved")));
    belfry_test_expect_error(t, "dan is no approver of the open step 1");
    belfry_test_advance(t, "1s");
    belfry_test_expect(t, "timer look/42 in 3d\n" ASKED("dan"));
    belfry_test_until(t, "2026-01-09T22:59:59Z");
    belfry_test_expect(t, "");
    belfry_test_expect_inbox(t, "dan", "approval.requested: Approve: New printer");
    belfry_test_advance(t, "1s");
    belfry_test_expect(t,
                       "withdraw approval/42 [approval.requested, approval.reminder] from dan: no longer a substitute");
    belfry_test_expect_inbox(t, "dan", "");
    belfry_test_send(t, "approval.decided", json(DECIDE("dan", "approved")));
    belfry_test_expect_error(t, "dan is no approver of the open step 1");
    belfry_test_free(t);
}

static void test_instants_and_other_zones(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new("substitutes: [{for: ann, by: dan, until: 2026-01-09}, {for: bob, by: dan, "
                                         "from: '2026-01-09T12:00:00+02:00'}]");
    belfry_test_zone(t, "America/New_York");
    belfry_test_until(t, "2026-01-09T09:00:00Z");
    send(t, "approval.submitted", SUBMIT);
    belfry_test_expect(t, "timer look/42 in 1h\n" ASKED("ann, bob, dan"));
    belfry_test_advance(t, "1h");
    belfry_test_expect(t, "timer look/42 in 19h"); /* dan is told already; the 10th begins at 05:00Z in New York */
    belfry_test_advance(t, "19h");
    belfry_test_expect(t, ""); /* he stands in for bob still */
    send(t, "approval.decided", DECIDE("dan", "approved"));
    belfry_test_expect(t, HANDLED("dan") " from dan\n"
                                         "handled approval/42 [approval.requested, approval.reminder] by dan from bob");
    belfry_test_free(t);
}

static void test_a_seat_moves_with_its_substitutes(void **state)
{
    (void)state;
    struct belfry_test *t =
        submitted("substitutes: [{for: ann, by: dan}, {for: cara, by: root}]", "2026-01-08T09:00:00Z");
    belfry_test_expect(t, ASKED("ann, bob, dan"));
    send(t, "approval.reassigned", "{'approval':{'id':'42'},'from':'ann','to':'cara','by':'sam'}");
    belfry_test_expect(t, "withdraw approval/42 [approval.requested, approval.reminder] from ann, dan: reassigned by "
                          "sam\n" ASKED("cara, root"));
    assert_string_equal(belfry_test_last(t)->reasons[0], "reassigned by sam");
    assert_string_equal(belfry_test_last(t)->body,
                        "Finance, step 1 of 2. Submitted by sam. Reassigned from ann by sam.");
    send(t, "approval.reassigned", "{'approval':{'id':'42'},'from':'cara','to':'root','by':'sam'}");
    belfry_test_expect(t, "withdraw approval/42 [approval.requested, approval.reminder] from cara, root: reassigned by "
                          "sam\n" ASKED("root"));
    belfry_test_expect_inbox(t, "root", "approval.requested: Approve: New printer");
    belfry_test_free(t);
}

static void test_substitutes_are_reminded(void **state)
{
    (void)state;
    struct belfry_test *t = submitted("{remind_after: 1d, " DAN_FOR_ANN "}", "2026-01-08T09:00:00Z");
    belfry_test_expect(t, "timer look/42 in 38h\n" ASKED("ann, bob, dan") "\ntimer remind/42 in 1d");
    belfry_test_advance(t, "1d");
    belfry_test_expect(t, "timer look/42 in 14h\n" REMINDED("ann, bob, dan") "\ntimer remind/42 in 1d");
    belfry_test_advance(t, "14h");
    belfry_test_expect(t,
                       "withdraw approval/42 [approval.requested, approval.reminder] from dan: no longer a substitute");
    belfry_test_free(t);
}

/* A role that nobody had when its step opened is asked again until somebody has it. */
static void test_a_vacant_role_is_filled(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new(NULL);
    send(t, "approval.submitted",
         "{'approval':{'id':'42','title':'New printer','url':'/erp/42','submitter':'sam','steps':[{'name':'F',"
         "'approvers':['ann'],'needs':'any'},{'name':'L','approvers':['role:legal'],'needs':'all'}]}}");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_expect(t,
                       ASKED("ann") "\n" HANDLED(
                           "ann") "\ntimer look/42 in 1h\napproval.escalated -> root: Nobody can approve: New printer");
    assert_string_equal(belfry_test_last(t)->body,
                        "L, step 2 of 2, needs a role that nobody has: legal. Submitted by sam.");
    belfry_test_remove_user(t, "root");
    belfry_test_advance(t, "1h");
    belfry_test_expect(t, "timer look/42 in 1h");
    belfry_test_user(t, "cara", "legal");
    belfry_test_user(t, "dan", "legal");
    belfry_test_advance(t, "30m");
    send(t, "approval.decided", DECIDE("dan", "approved")); /* who comes before they are told has a seat as well */
    belfry_test_expect(t, HANDLED("dan") " from dan\n" ASKED("cara"));
    belfry_test_advance(t, "30m");
    belfry_test_expect(t, "");
    send(t, "approval.decided", DECIDE("cara", "approved"));
    belfry_test_expect(t, HANDLED("cara") "\napproval.approved -> sam: Approved: New printer");
    belfry_test_free(t);
}

/* Who has voted already gets no second seat by a role, which waits for another; several roles are filled at once. */
static void test_vacant_roles_are_filled_by_others(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new(NULL);
    send(t, "approval.submitted",
         "{'approval':{'id':'42','title':'New printer','url':'/erp/42','submitter':'sam','steps':[{'name':'F',"
         "'approvers':['ann','role:legal','role:audit'],'needs':'all'}]}}");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_user(t, "ann", "legal");
    belfry_test_advance(t, "1h");
    assert_non_null(strstr(belfry_test_state(t), json("'open':['role:audit','role:legal']")));
    belfry_test_user(t, "cara", "legal");
    belfry_test_user(t, "zed", "audit");
    belfry_test_advance(t, "1h");
    assert_non_null(strstr(belfry_test_state(t), json("'open':['cara','zed']")));
    send(t, "approval.decided", DECIDE("zed", "approved"));
    send(t, "approval.decided", DECIDE("cara", "approved"));
    belfry_test_expect_inbox(t, "sam", "approval.approved: Approved: New printer");
    belfry_test_free(t);
}

/* Without admins the submitter hears that nobody can decide. */
static void test_somebody_hears_of_a_vacant_step(void **state)
{
    (void)state;
    struct belfry_test *t = approval_new("escalate: {after: 1d, to: 'role:nobody'}");
    belfry_test_remove_user(t, "root");
    send(t, "approval.submitted",
         "{'approval':{'id':'42','title':'T','url':'/erp/42','submitter':'sam','steps':[{'name':'F',"
         "'approvers':['ann'],'needs':'any'},{'name':'L','approvers':['role:legal'],'needs':'all'}]}}");
    send(t, "approval.decided", DECIDE("ann", "approved"));
    belfry_test_expect_inbox(t, "sam", "approval.escalated: Nobody can approve: T");
    belfry_test_free(t);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *yaml, *error;
} wrong[] = {
    {"substitutes: [{for: ann, by: 'role:finance'}]", "`by` must be one person: NAME or user:NAME"},
    {"substitutes: [{for: ann, by: user:ann}]", "`by` is the same as `for`"},
    {"substitutes: [{for: ann, by: bob, from: 2026-01-09, until: 2026-01-08}]", "`until` lies before `from`"},
};

static void test_options_that_make_no_sense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct belfry_test *t = belfry_test_new(&belfry_entry, wrong[i].yaml);
        assert_non_null(strstr(belfry_test_error(t), wrong[i].error));
        belfry_test_free(t);
    }
    /* one day; and the evening of a day that is over in UTC, but not in New York */
    struct belfry_test *t =
        belfry_test_new(&belfry_entry, "substitutes: [{for: ann, by: 'user:bob', from: 2026-01-09, until: 2026-01-09}, "
                                       "{for: bob, by: ann, from: '2026-01-10T01:00:00Z', until: 2026-01-09}]");
    assert_string_equal(belfry_test_error(t), "");
    belfry_test_free(t);
}

/* --- what it costs ------------------------------------------------------------------------------------------------ */

static void test_a_closed_approval_is_small(void **state)
{
    (void)state;
    struct belfry_test *t = submitted(NULL, "2026-01-08T09:00:00Z");
    size_t live = strlen(belfry_test_get(t, "approval/42"));
    assert_int_equal(belfry_test_writes(t), 1);
    send(t, "approval.decided", DECIDE("ann", "approved"));
    assert_int_equal(belfry_test_writes(t), 2);
    send(t, "approval.decided", DECIDE("ann", "approved"));
    assert_int_equal(belfry_test_writes(t), 2);
    send(t, "approval.decided", DECIDE("bob", "rejected"));
    assert_string_equal(belfry_test_state(t),
                        json("approval/42 = {'closed':'rejected','by':'bob','at':1767862800000,'with':['ann']}"));
    print_message("  bytes: %zu pending, %zu closed\n", live, strlen(belfry_test_get(t, "approval/42")));
    assert_true(live < 330);
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reminders_until_the_step_closes),
        cmocka_unit_test(test_others_are_told_once_a_step),
        cmocka_unit_test(test_reminders_end_with_their_option),
        cmocka_unit_test(test_a_substitute_is_told_as_well_and_decides_in_the_seat),
        cmocka_unit_test(test_the_data_says_in_whose_seat),
        cmocka_unit_test(test_an_approver_who_stands_in_has_one_vote),
        cmocka_unit_test(test_a_period_begins_and_ends_while_the_step_is_open),
        cmocka_unit_test(test_instants_and_other_zones),
        cmocka_unit_test(test_a_seat_moves_with_its_substitutes),
        cmocka_unit_test(test_substitutes_are_reminded),
        cmocka_unit_test(test_a_vacant_role_is_filled),
        cmocka_unit_test(test_vacant_roles_are_filled_by_others),
        cmocka_unit_test(test_somebody_hears_of_a_vacant_step),
        cmocka_unit_test(test_options_that_make_no_sense),
        cmocka_unit_test(test_a_closed_approval_is_small),
    };
    return cmocka_run_group_tests_name("approval and time", tests, NULL, NULL);
}
