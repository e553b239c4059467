/* SPDX-License-Identifier: Apache-2.0 */
/* The invoice source as its users would tell of it: claims, confirmations, disputes, payments. */
#include "unit/invoice_fixture.h"

#define CONFLICT(text, by, at) "/data/invoice/id: invoice 7 " text "\nhandled_by = " by "\nhandled_at = " at

static void a_claim_is_a_signal_and_only_confirm_makes_paid(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind','reference':'TRX-42'")));
    belfry_test_expect(t, "invoice.payment_claimed -> ann: Payment claimed: I-7, 100.00 EUR");
    assert_string_equal(belfry_test_last(t)->body,
                        "northwind says that it is paid. Reference: TRX-42. Check your bank, "
                        "then confirm or reject.");
    belfry_test_advance(t, "400d");
    belfry_test_expect(t, "");
    belfry_test_expect_inbox(t, "ann", "invoice.payment_claimed: Payment claimed: I-7, 100.00 EUR");
    belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'")));
    belfry_test_expect(t, "handled invoice/7 [invoice.payment_claimed] by ann\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR");
    assert_string_equal(belfry_test_last(t)->body, "ann confirmed the payment.");
    belfry_test_expect_rows(t, "ann",
                            "invoice.payment_claimed: Payment claimed: I-7, 100.00 EUR (handled by ann)\n"
                            "invoice.paid: Invoice paid: I-7, 100.00 EUR");
    belfry_test_free(t);
}

static void confirm_and_reject_are_actions_of_the_row(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    assert_int_equal(belfry_test_act(t, "ann", "invoice/7", "reject", "Nothing on the account"), BELFRY_OK);
    belfry_test_expect(t, "invoice.payment_claimed -> ann: Payment claimed: I-7, 100.00 EUR\n"
                          "handled invoice/7 [invoice.payment_claimed] by ann");
    assert_int_equal(belfry_test_act(t, "ann", "invoice/7", "confirm", NULL), BELFRY_ENOTFOUND);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    assert_int_equal(belfry_test_act(t, "ann", "invoice/7", "confirm", NULL), BELFRY_OK);
    belfry_test_expect(t, "invoice.payment_claimed -> ann: Payment claimed: I-7, 100.00 EUR\n"
                          "handled invoice/7 [invoice.payment_claimed] by ann\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR");
    belfry_test_free(t);
}

static void a_person_is_who_they_are_whatever_by_says(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_told(t);
    belfry_test_as(t, "person:bob");
    belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'")));
    belfry_test_expect(t, "handled invoice/7 [invoice.payment_claimed] by bob\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR");
    assert_string_equal(belfry_test_last(t)->body, "bob confirmed the payment.");
    belfry_test_free(t);
}

static void a_second_claim_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind','reference':'TRX-42'")));
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind','reference':'TRX-43'")));
    belfry_test_expect_rows(t, "ann",
                            "invoice.payment_claimed: Payment claimed: I-7, 100.00 EUR (replaced)\n"
                            "invoice.payment_claimed: Payment claimed: I-7, 100.00 EUR");
    belfry_test_free(t);
}

static void what_makes_no_sense_says_who_and_when(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    assert_int_equal(belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, "/data/invoice/id: invoice 7 has no open claim");
    assert_int_equal(belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, "/data/invoice/id: invoice 7 is not disputed");
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_advance(t, "1m");
    belfry_test_send(t, "claim.rejected", json(OF_7(",'by':'bob'")));
    assert_int_equal(belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("has no open claim", "bob", "2026-01-05T09:01:00.000Z"));
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_advance(t, "1m");
    belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'")));
    belfry_test_advance(t, "1m");
    assert_int_equal(belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'bob'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("has no open claim", "ann", "2026-01-05T09:02:00.000Z"));
    assert_int_equal(belfry_test_send(t, "claim.rejected", json(OF_7(",'by':'bob'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("has no open claim", "ann", "2026-01-05T09:02:00.000Z"));
    assert_int_equal(belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("is paid", "ann", "2026-01-05T09:02:00.000Z"));
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_advance(t, "1m");
    assert_int_equal(belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'bob'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("is disputed already", "northwind", "2026-01-05T09:03:00.000Z"));
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'bob'")));
    assert_int_equal(belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("is not disputed", "bob", "2026-01-05T09:04:00.000Z"));
    belfry_test_free(t);
}

static void nothing_happens_to_a_void_invoice(void **state)
{
    static const char *const types[] = {"payment.claimed",  "claim.confirmed",  "claim.rejected",
                                        "invoice.disputed", "dispute.resolved", "payment.received"};
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_told(t);
    assert_int_equal(belfry_test_send(t, "invoice.voided", json(OF_7(",'by':'bob'"))), BELFRY_OK);
    belfry_test_expect(t, "withdraw invoice/7 [invoice.payment_claimed]: the invoice was voided\n"
                          "withdraw invoice/7 [invoice.disputed]: the invoice was voided\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice was voided");
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(belfry_test_send(t, types[i], json(OF_7(",'by':'ann','amount_minor':1"))), BELFRY_ECONFLICT);
        belfry_test_expect_error(t, CONFLICT("was voided", "bob", "2026-01-05T09:00:00.000Z"));
    }
    assert_int_equal(belfry_test_send(t, "invoice.voided", json(OF_7(""))), BELFRY_OK);
    assert_int_equal(belfry_test_send(t, "invoice.issued", json(I7)), BELFRY_OK);
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void a_paid_invoice_may_be_voided_by_nobody_in_particular(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':10000")));
    belfry_test_told(t);
    assert_int_equal(belfry_test_send(t, "invoice.voided", json(OF_7(""))), BELFRY_OK);
    belfry_test_expect(t, "");
    assert_int_equal(belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'x'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, "/data/invoice/id: invoice 7 was voided\nhandled_at = 2026-01-05T09:00:00.000Z");
    belfry_test_free(t);
}

static void part_payments_add_up(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':4000")));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':5999")));
    belfry_test_expect(t, "");
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':1")));
    belfry_test_expect(t, "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR");
    assert_string_equal(belfry_test_last(t)->body, "100.00 EUR received.");
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':250")));
    belfry_test_expect(t, "invoice.overpaid -> ann: Invoice overpaid: I-7, 2.50 EUR too much");
    assert_non_null(strstr(belfry_test_last(t)->data, "\"excess_minor\":250"));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':50")));
    belfry_test_expect(t, "invoice.overpaid -> ann: Invoice overpaid: I-7, 3.00 EUR too much");
    belfry_test_free(t);
}

static void too_much_at_once_is_paid_and_overpaid(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.received",
                     json(OF_7(",'amount_minor':12500,'by':'cara','paused':true,'note':'TRX 1.'")));
    belfry_test_expect(t, "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR\n"
                          "invoice.overpaid -> ann: Invoice overpaid: I-7, 25.00 EUR too much");
    assert_string_equal(belfry_test_event(t, 0)->body, "125.00 EUR received. TRX 1."); /* nobody confirmed it */
    assert_null(strstr(belfry_test_event(t, 0)->data, "paused"));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':9223372036854775807")));
    assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
    belfry_test_expect_error(t, "/data/amount_minor: is more than can be counted with what was received before");
    belfry_test_free(t);
}

/* What texts rely on is computed: a trigger cannot say in its own members that somebody confirmed. */
static void what_is_computed_is_not_taken_from_a_trigger(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(
        t, "payment.received",
        json(OF_7(",'amount_minor':10000,'confirmed_by':'bob','excess':'9 EUR','excess_minor':9,'paused':true")));
    assert_string_equal(belfry_test_last(t)->body, "100.00 EUR received.");
    static const char *const names[] = {"confirmed_by", "excess", "paused"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_null(strstr(belfry_test_last(t)->data, names[i]));
    belfry_test_free(t);
}

static void money_that_arrives_settles_an_open_claim(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':9000")));
    belfry_test_expect(t, "invoice.payment_claimed -> ann: Payment claimed: I-7, 100.00 EUR");
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':1000")));
    belfry_test_expect(t, "handled invoice/7 [invoice.payment_claimed] by payment\n"
                          "withdraw invoice/7 [invoice.reminder]: the invoice is paid\n"
                          "invoice.paid -> ann: Invoice paid: I-7, 100.00 EUR");
    assert_int_equal(belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, CONFLICT("has no open claim", "payment", "2026-01-05T09:00:00.000Z"));
    belfry_test_free(t);
}

static void money_after_a_confirmed_claim_is_that_money(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'")));
    belfry_test_told(t);
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':6000")));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':4000")));
    belfry_test_expect(t, "");
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':1")));
    belfry_test_expect(t, "invoice.overpaid -> ann: Invoice overpaid: I-7, 0.01 EUR too much");
    belfry_test_free(t);
}

static void a_dispute_leaves_the_claim_as_it_is(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind'")));
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind','reason':'Not ours'")));
    assert_string_equal(belfry_test_last(t)->body,
                        "northwind disputes it: Not ours\nReminders are paused until the dispute is resolved.");
    belfry_test_expect_inbox(t, "ann",
                             "invoice.payment_claimed: Payment claimed: I-7, 100.00 EUR\n"
                             "invoice.disputed: Invoice disputed: I-7, 100.00 EUR");
    belfry_test_send(t, "claim.confirmed", json(OF_7(",'by':'ann'")));
    belfry_test_expect_inbox(t, "ann",
                             "invoice.disputed: Invoice disputed: I-7, 100.00 EUR\n"
                             "invoice.paid: Invoice paid: I-7, 100.00 EUR");
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'bob'")));
    belfry_test_expect_inbox(t, "ann", "invoice.paid: Invoice paid: I-7, 100.00 EUR");
    belfry_test_free(t);
}

static void a_paid_invoice_may_be_disputed(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d]");
    invoice_issue(t);
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':10000")));
    belfry_test_told(t);
    belfry_test_send(t, "invoice.disputed", json(OF_7(",'by':'northwind'")));
    belfry_test_expect(t, "invoice.disputed -> ann: Invoice disputed: I-7, 100.00 EUR");
    assert_string_equal(belfry_test_last(t)->body, "northwind disputes it");
    belfry_test_send(t, "dispute.resolved", json(OF_7(",'by':'ann'")));
    belfry_test_expect(t, "handled invoice/7 [invoice.disputed] by ann");
    belfry_test_advance(t, "60d");
    belfry_test_expect(t, "");
    belfry_test_free(t);
}

static void issued_again(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    size_t writes = belfry_test_writes(t);
    assert_int_equal(belfry_test_send(t, "invoice.issued", json(I7)), BELFRY_OK);
    belfry_test_expect(t, "");
    assert_int_equal(belfry_test_writes(t), writes);
    static const char *const parts[] = {"10000", "I-7", "ann", "Northwind", "pay@", "EUR", "2026-01-20", "books"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        char other[1000];
        strcpy(other, json(I7));
        char *at = strstr(other, parts[i]);
        memcpy(at, *at == 'E' ? "USD" : "3", *at == 'E' ? 3 : 1);
        if (belfry_test_send(t, "invoice.issued", other) != BELFRY_ECONFLICT)
            fail_msg("taken as the same: %s", other);
        belfry_test_expect_error(
            t, "/data/invoice/id: invoice 7 was issued with other content; void it and issue another");
    }
    belfry_test_free(t);
}

static void every_fault_is_named(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    belfry_test_send(t, "invoice.issued",
                     json("{'invoice':{'id':'','number':'a\\tb','owner':'a/b','payer':{'name':' ','email':'x@'},"
                          "'amount_minor':0,'currency':'EURO','due_on':'2026-02-30','url':'javascript:x'}}"));
    belfry_test_expect_error(t, "/data/invoice/id: is empty\n"
                                "/data/invoice/number: has a control character\n"
                                "/data/invoice/owner: must be a username: 1 to 128 bytes in NFC without `/`, `:` and "
                                "control characters\n"
                                "/data/invoice/payer/name: is empty\n"
                                "/data/invoice/payer/email: must be a mail address, such as a@example.org\n"
                                "/data/invoice/amount_minor: must be at least 1\n"
                                "/data/invoice/currency: must be an ISO 4217 currency, such as EUR\n"
                                "/data/invoice/due_on: must be a date, such as 2026-01-31\n"
                                "/data/invoice/url: must be http, https or a path, of at most 2048 bytes");
    belfry_test_send(t, "invoice.issued", json("{'invoice':{'payer':3}}"));
    belfry_test_expect_error(t, "/data/invoice/id: is required\n"
                                "/data/invoice/number: is required\n"
                                "/data/invoice/owner: is required\n"
                                "/data/invoice/payer: must be an object\n"
                                "/data/invoice/amount_minor: is required\n"
                                "/data/invoice/currency: is required\n"
                                "/data/invoice/due_on: is required\n"
                                "/data/invoice/url: is required");
    belfry_test_send(t, "payment.claimed", json("{'invoice':{'id':'7'},'reference':5}"));
    belfry_test_expect_error(t, "/data/by: is required\n/data/reference: must be a string, not an integer");
    belfry_test_send(t, "payment.claimed", "{}");
    belfry_test_expect_error(t, "/data/invoice: is required");
    belfry_test_send(t, "payment.received", json("{'invoice':{'id':'7'},'amount_minor':-5}"));
    belfry_test_expect_error(t, "/data/amount_minor: must be at least 1");
    belfry_test_send(t, "invoice.eaten", "{}");
    assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
    assert_int_equal(belfry_test_writes(t), 0);
    belfry_test_free(t);
}

static void optional_texts_may_be_null(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    invoice_issue(t);
    belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'northwind','reference':null,'colour':'red'")));
    belfry_test_expect(t, "invoice.payment_claimed -> ann: Payment claimed: I-7, 100.00 EUR");
    assert_non_null(strstr(belfry_test_last(t)->data, "\"colour\":\"red\""));
    assert_string_equal(belfry_test_last(t)->body,
                        "northwind says that it is paid. Check your bank, then confirm or reject.");
    belfry_test_free(t);
}

static void what_was_never_issued_is_a_conflict(void **state)
{
    static const char *const types[] = {"payment.claimed",  "claim.confirmed",  "claim.rejected", "invoice.disputed",
                                        "dispute.resolved", "payment.received", "invoice.voided"};
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(belfry_test_send(t, types[i], json(OF_7(",'by':'ann','amount_minor':1"))), BELFRY_ECONFLICT);
        belfry_test_expect_error(t, "/data/invoice/id: invoice 7 was not issued here");
    }
    invoice_issue(t);
    belfry_test_org(t, "other");
    assert_int_equal(belfry_test_send(t, "payment.claimed", json(OF_7(",'by':'ann'"))), BELFRY_ECONFLICT);
    belfry_test_free(t);
}

/* Only what is needed is remembered: of a paid invoice not the payer, of a void one not even the number. */
static void what_is_remembered(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new("chasers: [1d]");
    invoice_issue(t);
    assert_in_range(strlen(belfry_test_state(t)), 1, 240);
    assert_non_null(strstr(belfry_test_state(t), "pay@northwind.example"));
    belfry_test_send(t, "payment.received", json(OF_7(",'amount_minor':10000")));
    assert_in_range(strlen(belfry_test_state(t)), 1, 180);
    assert_null(strstr(belfry_test_state(t), "orthwind"));
    belfry_test_send(t, "invoice.voided", json(OF_7("")));
    assert_in_range(strlen(belfry_test_state(t)), 1, 60);
    assert_null(strstr(belfry_test_state(t), "I-7"));
    belfry_test_free(t);
}

static void a_booking_is_disputed(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    const char *booking =
        "{'booking':{'id':'b-3','url':'/b/3','owner':'ann'},'by':'northwind','reason':'Not that day'}";
    assert_int_equal(belfry_test_send(t, "booking.disputed", json(booking)), BELFRY_OK);
    belfry_test_expect(t, "booking.disputed -> ann: Booking disputed: b-3");
    assert_string_equal(belfry_test_last(t)->body, "northwind disputes it: Not that day");
    assert_string_equal(belfry_test_last(t)->subject, "booking/b-3");
    assert_int_equal(belfry_test_send(t, "booking.disputed", json(booking)), BELFRY_OK);
    belfry_test_expect(t, "");
    belfry_test_send(t, "booking.disputed",
                     json("{'booking':{'id':'b-3','url':'/b/3','owner':'ann'},'by':'northwind','reason':'Not us'}"));
    belfry_test_expect(t, "booking.disputed -> ann: Booking disputed: b-3");
    belfry_test_send(t, "booking.disputed", json("{'booking':{'id':'','url':'//x','owner':7}}"));
    belfry_test_expect_error(t, "/data/booking/id: is empty\n"
                                "/data/booking/url: must be http, https or a path, of at most 2048 bytes\n"
                                "/data/booking/owner: must be a string, not an integer\n"
                                "/data/by: is required");
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_is_a_signal_and_only_confirm_makes_paid),
        cmocka_unit_test(confirm_and_reject_are_actions_of_the_row),
        cmocka_unit_test(a_person_is_who_they_are_whatever_by_says),
        cmocka_unit_test(a_second_claim_takes_the_place_of_the_first),
        cmocka_unit_test(what_makes_no_sense_says_who_and_when),
        cmocka_unit_test(nothing_happens_to_a_void_invoice),
        cmocka_unit_test(a_paid_invoice_may_be_voided_by_nobody_in_particular),
        cmocka_unit_test(part_payments_add_up),
        cmocka_unit_test(too_much_at_once_is_paid_and_overpaid),
        cmocka_unit_test(what_is_computed_is_not_taken_from_a_trigger),
        cmocka_unit_test(money_that_arrives_settles_an_open_claim),
        cmocka_unit_test(money_after_a_confirmed_claim_is_that_money),
        cmocka_unit_test(a_dispute_leaves_the_claim_as_it_is),
        cmocka_unit_test(a_paid_invoice_may_be_disputed),
        cmocka_unit_test(issued_again),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(optional_texts_may_be_null),
        cmocka_unit_test(what_was_never_issued_is_a_conflict),
        cmocka_unit_test(what_is_remembered),
        cmocka_unit_test(a_booking_is_disputed),
    };
    return cmocka_run_group_tests_name("invoice", tests, NULL, NULL);
}
