/* SPDX-License-Identifier: Apache-2.0 */
/* Chasers: calendar days around the due date, paused by a dispute, ended by payment and by voiding. */
#include "unit/invoice_fixture.h"

#define REMINDER "invoice.reminder -> email:pay@northwind.example: Reminder: invoice I-7, 100.00 EUR due on 2026-01-20"
#define CHASERS "chasers: [7d, -3d, 14d, 1d]" /* in whatever order they are written */

static void reminders_go_to_the_payer_around_the_due_date(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(CHASERS);
    belfry_test_zone(t, "Europe/Berlin");
    belfry_test_send(t, "invoice.issued", json(I7));
    belfry_test_told(t);
    assert_string_equal(belfry_test_timers(t), "chase/7 at 2026-01-17T08:00:00.000Z");
    belfry_test_until(t, "2026-01-17T07:59:59Z");
    belfry_test_expect(t, "");
    belfry_test_until(t, "2026-01-17T08:00:00Z");
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 4d");
    assert_string_equal(belfry_test_last(t)->reasons[0], "payer");
    assert_string_equal(belfry_test_last(t)->body,
                        "Dear Northwind,\n\ninvoice I-7 over 100.00 EUR is due on 2026-01-20. 100.00 EUR is still "
                        "open.");
    assert_string_equal(belfry_test_inbox(t, "ann"), "");
    belfry_test_until(t, "2026-01-21T08:00:00Z");
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 6d");
    belfry_test_until(t, "2026-03-01T00:00:00Z");
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 1w\n" REMINDER);
    assert_string_equal(belfry_test_timers(t), "");
    belfry_test_free(t);
}

static void a_part_payment_is_told_to_the_payer(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d]");
    invoice_issue(t);
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':7550")));
    belfry_test_until(t, "2026-01-22T00:00:00Z");
    belfry_test_expect(t, "invoice.reminder -> email:pay@northwind.example: Reminder: invoice I-7, 24.50 EUR due on "
                          "2026-01-20");
    belfry_test_free(t);
}

static void a_claim_does_not_stop_them(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d]");
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_told(t);
    belfry_test_until(t, "2026-01-22T00:00:00Z");
    belfry_test_expect(t, REMINDER);
    belfry_test_free(t);
}

static void a_dispute_pauses_the_chasers_until_it_is_resolved(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(CHASERS);
    invoice_issue(t);
    belfry_test_until(t, "2026-01-18T00:00:00Z");
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 4d");
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_expect(t, "timer chase/7 cleared\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice is disputed\n"
                          "invoice.disputed -> ann: Invoice disputed: I-7, 100.00 EUR");
    belfry_test_expect_rows(t, "email:pay@northwind.example",
                            "invoice.reminder: Reminder: invoice I-7, 100.00 EUR due on 2026-01-20 (withdrawn)");
    belfry_test_until(t, "2026-01-28T00:00:00Z"); /* 1d and 7d pass in silence */
    belfry_test_expect(t, "");
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'")));
    belfry_test_expect(t, "handled invoice/7 [invoice.disputed] by ann\ntimer chase/7 in 153h");
    belfry_test_until(t, "2026-03-01T00:00:00Z");
    belfry_test_expect(t, REMINDER);
    belfry_test_free(t);
}

static void nothing_is_resumed_when_all_of_it_has_passed(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(CHASERS);
    invoice_issue(t);
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_until(t, "2026-02-03T09:00:00Z"); /* the last is due this very moment */
    belfry_test_told(t);
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'")));
    belfry_test_expect(t, "handled invoice/7 [invoice.disputed] by ann");
    belfry_test_advance(t, "365d");
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void paid_and_voided_end_them(void **state)
{
    static const struct {
        const char *type, *more, *reason;
    } ends[] = {
        {"payment.received", ",'amount_minor':10000", "the invoice is paid"},
        {"payment.received", ",'amount_minor':10001", "the invoice is paid"},
        {"invoice.voided", "", "the invoice was voided"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct belfry_test *t = invoice_new(CHASERS);
        char data[200], line[200];
        invoice_issue(t);
        belfry_test_until(t, "2026-01-18T00:00:00Z");
        belfry_test_told(t);
        snprintf(data, sizeof(data), "{'invoice':{'id':'7'}%s}", ends[i].more);
        belfry_test_send(t, ends[i].type, json(data));
        snprintf(line, sizeof(line), "timer chase/7 cleared\nwithdraw invoice/7 [invoice.reminder]: %s",
                 ends[i].reason);
        assert_int_equal(strncmp(belfry_test_told(t), line, strlen(line)), 0);
        belfry_test_expect_inbox(t, "email:pay@northwind.example", "");
        belfry_test_advance(t, "365d");
        belfry_test_expect(t, "");
        belfry_test_free(t);
    }
}

static void offsets_before_the_issue_are_dropped(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(CHASERS);
    belfry_test_until(t, "2026-01-17T09:00:00Z"); /* issued when a chaser is due: that one does not lie before */
    belfry_test_send(t, "invoice.issued", json(I7));
    belfry_test_expect(t, "timer chase/7\n" REMINDER "\ntimer chase/7 in 4d");
    belfry_test_free(t);
    t = invoice_new(CHASERS);
    belfry_test_until(t, "2026-01-17T09:00:01Z");
    belfry_test_send(t, "invoice.issued", json(I7));
    belfry_test_expect(t, "timer chase/7 in 345599s");
    belfry_test_until(t, "2026-01-21T09:00:00Z");
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 6d");
    belfry_test_free(t);
    t = invoice_new(CHASERS);
    belfry_test_until(t, "2026-06-01T00:00:00Z");
    belfry_test_send(t, "invoice.issued", json(I7));
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

/* The hub was away, as another configuration would have it: an old timer is due long after several chasers. */
static void of_several_missed_only_the_latest_goes_out(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [8d]");
    invoice_issue(t);
    assert_int_equal(belfry_test_reload(t, CHASERS), BELFRY_OK);
    belfry_test_until(t, "2026-01-29T00:00:00Z"); /* -3d, 1d and 7d lie before 8d, which is no more */
    belfry_test_expect(t, REMINDER "\ntimer chase/7 in 6d");
    belfry_test_free(t);
}

static void another_configuration_holds_from_the_next_on(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d, 20d]");
    invoice_issue(t);
    assert_int_equal(belfry_test_reload(t, "chasers: [2d]\nchase_at: \"18:30\""), BELFRY_OK);
    belfry_test_until(t, "2026-01-21T10:00:00Z");
    belfry_test_expect(t, "timer chase/7 in 2010m");
    belfry_test_until(t, "2026-01-22T18:30:00Z");
    belfry_test_expect(t, REMINDER);
    assert_string_equal(belfry_test_timers(t), "");
    belfry_test_free(t);
}

/* A morning that comes later than it did, by the org's zone or by chase_at, is no second one for what went out. */
static void what_was_done_with_is_not_sent_again_when_mornings_move(void **state)
{
    static const struct {
        const char *zone, *yaml, *timer, *next;
    } rows[] = {
        {"America/New_York", "chasers: [-3d, 1d]", "timer chase/7 in 6h", "2026-01-21T14:00:00Z"},
        {"Europe/Berlin", "chasers: [-3d, 1d]\nchase_at: \"18:30\"", "timer chase/7 in 570m", "2026-01-21T17:30:00Z"},
    };
    static const char *const issues[] = {"2026-01-16T00:00:00Z", "2026-01-17T08:00:01Z"}; /* -3d goes out, is dropped */
    (void)state;
    for (size_t i = 0; i < COUNT(rows) * COUNT(issues); i++) {
        struct belfry_test *t = invoice_new("chasers: [-3d, 1d]");
        belfry_test_zone(t, "Europe/Berlin");
        belfry_test_until(t, issues[i % COUNT(issues)]);
        belfry_test_send(t, "invoice.issued", json(I7));
        belfry_test_until(t, "2026-01-17T08:00:01Z");
        assert_string_equal(belfry_test_timers(t), "chase/7 at 2026-01-21T08:00:00.000Z");
        belfry_test_told(t);
        belfry_test_zone(t, rows[i / COUNT(issues)].zone);
        assert_int_equal(belfry_test_reload(t, rows[i / COUNT(issues)].yaml), BELFRY_OK);
        belfry_test_until(t, "2026-01-21T08:00:00Z");
        belfry_test_expect(t, rows[i / COUNT(issues)].timer);
        belfry_test_until(t, rows[i / COUNT(issues)].next);
        belfry_test_expect(t, REMINDER);
        assert_string_equal(belfry_test_timers(t), "");
        belfry_test_free(t);
    }
}

static void nor_when_a_dispute_is_resolved_before_the_morning_that_moved(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [-3d, 1d]");
    belfry_test_zone(t, "Europe/Berlin");
    belfry_test_send(t, "invoice.issued", json(I7));
    belfry_test_until(t, "2026-01-17T08:00:00Z");
    belfry_test_zone(t, "America/New_York");
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'")));
    assert_string_equal(belfry_test_timers(t), "chase/7 at 2026-01-21T14:00:00.000Z");
    belfry_test_free(t);
}

static void the_time_of_day_is_the_orgs(void **state)
{
    static const struct {
        const char *zone, *due_on, *chase_at, *timer;
    } rows[] = {
        {"Europe/Berlin", "2026-03-28", "02:30", "2026-03-29T01:00:00.000Z"}, /* the hour is skipped */
        {"Europe/Berlin", "2026-10-24", "02:30", "2026-10-25T00:30:00.000Z"}, /* the hour comes twice */
        {"Europe/Berlin", "2026-03-28", "09:00", "2026-03-29T07:00:00.000Z"}, /* a day of 23 hours */
        {"Asia/Kolkata", "2026-01-30", "09:00", "2026-01-31T03:30:00.000Z"},
        {"America/New_York", "2026-12-31", "23:59", "2027-01-02T04:59:00.000Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char yaml[100], data[1000], timer[100];
        snprintf(yaml, sizeof(yaml), "chasers: [1d]\nchase_at: \"%s\"", rows[i].chase_at);
        struct belfry_test *t = invoice_new(yaml);
        belfry_test_zone(t, rows[i].zone);
        strcpy(data, json(I7));
        memcpy(strstr(data, "2026-01-20"), rows[i].due_on, 10);
        belfry_test_send(t, "invoice.issued", data);
        snprintf(timer, sizeof(timer), "chase/7 at %s", rows[i].timer);
        assert_string_equal(belfry_test_timers(t), timer);
        belfry_test_free(t);
    }
}

static void an_invoice_due_at_the_end_of_time(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d]");
    char data[1000];
    strcpy(data, json(I7));
    memcpy(strstr(data, "2026-01-20"), "9999-12-31", 10);
    assert_int_equal(belfry_test_send(t, "invoice.issued", data), BELFRY_OK);
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reminders_go_to_the_payer_around_the_due_date),
        cmocka_unit_test(a_part_payment_is_told_to_the_payer),
        cmocka_unit_test(a_claim_does_not_stop_them),
        cmocka_unit_test(a_dispute_pauses_the_chasers_until_it_is_resolved),
        cmocka_unit_test(nothing_is_resumed_when_all_of_it_has_passed),
        cmocka_unit_test(paid_and_voided_end_them),
        cmocka_unit_test(offsets_before_the_issue_are_dropped),
        cmocka_unit_test(of_several_missed_only_the_latest_goes_out),
        cmocka_unit_test(another_configuration_holds_from_the_next_on),
        cmocka_unit_test(what_was_done_with_is_not_sent_again_when_mornings_move),
        cmocka_unit_test(nor_when_a_dispute_is_resolved_before_the_morning_that_moved),
        cmocka_unit_test(the_time_of_day_is_the_orgs),
        cmocka_unit_test(an_invoice_due_at_the_end_of_time),
    };
    return cmocka_run_group_tests_name("invoice_chasers", tests, NULL, NULL);
}
