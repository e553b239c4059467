/* SPDX-License-Identifier: Apache-2.0 */
/* Xero and the invoice source: from a signed webhook to a payment that was received, on the fake host. */
#include "invoice_xero_fixture.h"

/* --- the webhook -------------------------------------------------------------------------------------------------- */

static void test_intent_to_receive(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    post(t, ITR);
    post(t, "{'events':null,'lastEventSequence':0,'firstEventSequence':0,'entropy':'x'}");
    const struct belfry_test_reply *wrong = post_signed(t, json(ITR), "other");
    assert_int_equal(wrong->status, 401);
    assert_string_equal(wrong->body, "");
    assert_int_equal(wrong->header_count, 0);
    wrong = belfry_test_call(t, &(struct belfry_test_call){.method = "POST", .path = PATH, .body = json(ITR)});
    assert_int_equal(wrong->status, 401);
    assert_int_equal(belfry_test_writes(t), 0);
    belfry_test_free(t);
}

static void test_a_wrong_signature_changes_nothing(void **state)
{
    char body[600];
    (void)state;
    struct belfry_test *t = start(NULL);
    snprintf(body, sizeof(body), "{'events':[%s],'firstEventSequence':1,'lastEventSequence':1}",
             event("i-7", "08:00:00"));
    assert_int_equal(post_signed(t, json(body), "other")->status, 401);
    assert_int_equal(belfry_test_writes(t), 0);
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_free(t);
}

static void test_without_xero_there_is_nothing_there(void **state)
{
    (void)state;
    struct belfry_test *t = start("{chasers: []}");
    assert_int_equal(post_signed(t, json(ITR), KEY)->status, 404);
    belfry_test_free(t);
}

/* Xero could repeat it for a day and disable the webhook, and it would still be no JSON. */
static void test_a_signed_body_that_cannot_be_read_is_taken_and_refused(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    post(t, "not JSON");
    post(t, "{'events':[7]}");
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_free(t);
}

static void test_only_the_webhook_may_say_so(void **state)
{
    static const char *const types[] = {"xero.event",      "xero.delivery",       "xero.enabled",
                                        "xero.unreadable", "xero.invoice.result", "xero.invoices.result",
                                        "xero.other"};
    static const char *const principals[] = {"token:crm", "person:ann", "feed", "hook:other"};
    (void)state;
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    for (size_t p = 0; p < 4; p++) {
        belfry_test_as(t, principals[p]);
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            belfry_status status = belfry_test_send(
                t, types[i],
                json("{'tenant':'t-1','invoices':[{'id':'i','number':'I-7','type':'ACCREC','status':'PAID','currency':"
                     "'EUR','total':'100','paid':'100','credited':'0'}]}"));
            assert_int_equal(status, BELFRY_EPERM);
        }
    }
    assert_string_equal(told(t), "");
    belfry_test_as(t, "hook:xero");
    assert_int_equal(belfry_test_send(t, "xero.invoice.result", "{}"), BELFRY_EPERM);
    belfry_test_as(t, "task:xero.invoice");
    assert_int_equal(belfry_test_send(t, "xero.event", "{}"), BELFRY_EPERM);
    belfry_test_free(t);
}

static void test_an_event_names_its_faults(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    belfry_test_as(t, "hook:xero");
    belfry_test_send(t, "xero.event", json("{'tenantId':'../x','eventCategory':7}"));
    belfry_test_expect_error(t, "/data/eventCategory: must be a string, not an integer\n"
                                "/data/tenantId: must be letters, digits and hyphens, 1 to 64\n"
                                "/data/resourceId: is required");
    static const char *const ids[] = {"",
                                      ".",
                                      "..",
                                      "a.b",
                                      "a/b",
                                      "a%2fb",
                                      "a?b",
                                      "a#b",
                                      "a b",
                                      "a\\\\b",
                                      "00000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char data[200];
        snprintf(data, sizeof(data), "{'tenantId':'t-1','eventCategory':'INVOICE','resourceId':'%s'}", ids[i]);
        belfry_test_send(t, "xero.event", json(data));
        belfry_test_expect_error(t, "/data/resourceId: must be letters, digits and hyphens, 1 to 64");
    }
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_free(t);
}

/* --- paid --------------------------------------------------------------------------------------------------------- */

static void test_paid_at_xero_is_paid_here(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    changed(t, "i-7", "08:00:00", 1);
    assert_int_equal(belfry_test_request_count(t), 1);
    const struct belfry_test_request *token = belfry_test_request(t, 0);
    assert_string_equal(token->method, "POST");
    assert_string_equal(token->url, "https://identity.xero.com/connect/token");
    assert_string_equal(token->body, "grant_type=client_credentials&scope=accounting.invoices.read");
    assert_string_equal(belfry_test_header(t, 0, "content-type"), "application/x-www-form-urlencoded");
    /* base64 of my%20app:s%2Fe%2Bc */
    assert_string_equal(belfry_test_header(t, 0, "authorization"), "Basic bXklMjBhcHA6cyUyRmUlMkJj");
    give_token(t, "T1");
    const struct belfry_test_request *get = belfry_test_request(t, 1);
    assert_string_equal(get->method, "GET");
    assert_string_equal(get->url, "https://api.xero.com/api.xro/2.0/Invoices/i-7"); /* not the event's resourceUrl */
    assert_string_equal(belfry_test_header(t, 1, "authorization"), "Bearer T1");
    assert_string_equal(belfry_test_header(t, 1, "xero-tenant-id"), "t-1");
    assert_string_equal(belfry_test_header(t, 1, "accept"), "application/json");
    assert_null(belfry_test_header(t, 1, "if-modified-since"));
    assert_string_equal(told(t), "");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    assert_null(strstr(belfry_test_logs(t), "T1"));
    belfry_test_free(t);
}

static void test_part_payments_add_up_and_repetitions_add_nothing(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    pays(t, "AUTHORISED", "40.00");
    pays(t, "AUTHORISED", "40.00");
    assert_string_equal(told(t), "");
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "invoice.paid");
    pays(t, "PAID", "100.00");
    pays(t, "AUTHORISED", "40.00"); /* an answer that comes late */
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "");
    pays(t, "PAID", "120.00");
    assert_string_equal(told(t), "invoice.overpaid");
    pays(t, "PAID", "120.00");
    assert_string_equal(told(t), "");
    belfry_test_free(t);
}

static void pays_at(struct belfry_test *t, int updated_ms, const char *paid)
{
    char invoice[400];
    snprintf(invoice, sizeof(invoice),
             "{'InvoiceID':'i-7','InvoiceNumber':'I-7','Type':'ACCREC','Status':'AUTHORISED','CurrencyCode':'EUR',"
             "'AmountPaid':%s,'UpdatedDateUTC':'/Date(%d+0000)/'}",
             paid, updated_ms);
    char when[20];
    snprintf(when, sizeof(when), "07:00:%02d", updated_ms);
    changed(t, "i-7", when, NEXT);
    give(t, invoice);
}

/* Two were asked at once, and the one that saw less came last. */
static void test_an_older_answer_is_no_payment_that_was_taken_back(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    pays_at(t, 20, "60.00");
    pays_at(t, 10, "40.00");
    assert_null(strstr(belfry_test_logs(t), "takes back"));
    pays_at(t, 30, "50.00");
    assert_non_null(strstr(belfry_test_logs(t), "takes back"));
    pays_at(t, 40, "100.00");
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_credits_settle_too(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    give(t, "{'InvoiceID':'i-7','InvoiceNumber':'I-7','Type':'ACCREC','Status':'PAID','CurrencyCode':'EUR','Total':100,"
            "'AmountPaid':70.5,'AmountCredited':29.5}");
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

/* The claim and what Xero says are the same money. */
static void test_a_confirmed_claim_is_not_paid_twice(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    pays(t, "AUTHORISED", "60.00");
    belfry_test_send(t, "payment.claimed", json("{'invoice':{'id':'7'},'by':'pay@n.example'}"));
    belfry_test_send(t, "claim.confirmed", json("{'invoice':{'id':'7'},'by':'ann'}"));
    assert_string_equal(told(t), "invoice.payment_claimed invoice.paid");
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "");
    pays(t, "PAID", "130.00");
    assert_string_equal(told(t), "invoice.overpaid");
    pays(t, "PAID", "130.00");
    assert_string_equal(told(t), "");
    belfry_test_free(t);
}

static void test_paid_by_a_trigger_is_not_paid_twice(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    belfry_test_send(t, "payment.received", json("{'invoice':{'id':'7'},'amount_minor':10000}"));
    assert_string_equal(told(t), "invoice.paid");
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "");
    pays(t, "PAID", "100.01");
    assert_string_equal(told(t), "invoice.overpaid");
    pays(t, "PAID", "100.01");
    assert_string_equal(told(t), "");
    belfry_test_free(t);
}

static void test_the_number_or_xeros_own_id_names_ours(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    issue(t, "i-8", "ours-8", 5000, "EUR");
    changed(t, "i-8", "08:00:00", NEXT);
    give(t, theirs("i-8", "their number", "PAID", "50.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_what_is_not_taken_as_paid(void **state)
{
    static const struct {
        const char *invoice, *said;
    } rows[] = {
        {"'Type':'ACCPAY','Status':'PAID','CurrencyCode':'EUR','AmountPaid':100", ""},
        {"'Status':'PAID','CurrencyCode':'EUR','AmountPaid':100", ""},
        {"'Type':'ACCREC','Status':'PAID','CurrencyCode':'USD','AmountPaid':100", "the currency is USD"},
        {"'Type':'ACCREC','Status':'PAID','AmountPaid':100", "the currency is "},
        {"'Type':'ACCREC','Status':'PAID','CurrencyCode':'EUR','AmountPaid':100.001", "is no amount of EUR"},
        {"'Type':'ACCREC','Status':'PAID','CurrencyCode':'EUR','AmountPaid':-100", "is no amount of EUR"},
        {"'Type':'ACCREC','Status':'PAID','CurrencyCode':'EUR','AmountPaid':'much'", "is no amount of EUR"},
        {"'Type':'ACCREC','Status':'PAID','CurrencyCode':'EUR','AmountPaid':true", ""},
        {"'Type':'ACCREC','Status':'VOIDED','CurrencyCode':'EUR','AmountPaid':100", "VOIDED at Xero and open here"},
        {"'Type':'ACCREC','Status':'DELETED','CurrencyCode':'EUR','AmountPaid':100", "DELETED at Xero and open here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char invoice[400];
        struct belfry_test *t = start_with_token();
        snprintf(invoice, sizeof(invoice), "{'InvoiceID':'i-7','InvoiceNumber':'I-7',%s}", rows[i].invoice);
        changed(t, "i-7", "08:00:00", NEXT);
        give(t, invoice);
        if (*told(t) || !strstr(belfry_test_logs(t), rows[i].said))
            fail_msg("%s: said %s", rows[i].invoice, belfry_test_logs(t));
        belfry_test_free(t);
    }
}

static void test_paid_at_xero_with_less_than_the_amount_is_said_and_open(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    pays(t, "PAID", "80.00"); /* a fifth was withheld as tax */
    assert_string_equal(told(t), "");
    assert_non_null(strstr(belfry_test_logs(t), "PAID at Xero and open here, where 80.00 EUR of 100.00 EUR were "));
    belfry_test_send(t, "payment.received", json("{'invoice':{'id':'7'},'amount_minor':2000}"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_paid_at_xero_with_the_amount_is_not_called_open(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    belfry_test_send(t, "payment.received", json("{'invoice':{'id':'7'},'amount_minor':2000}"));
    pays(t, "PAID", "80.00");
    assert_string_equal(told(t), "invoice.paid");
    assert_null(strstr(belfry_test_logs(t), "open here"));
    belfry_test_free(t);
}

static void test_a_payment_that_xero_takes_back_is_said_and_not_undone(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    pays(t, "AUTHORISED", "60.00");
    pays(t, "AUTHORISED", "0.00");
    assert_non_null(strstr(belfry_test_logs(t), "takes back a payment"));
    pays(t, "AUTHORISED", "60.00"); /* booked again: the same 60, not 120 */
    assert_string_equal(told(t), "");
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_paid_at_xero_after_it_was_voided_here(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    issue(t, "i-9", "I-9", 10000, "EUR");
    belfry_test_send(t, "invoice.voided", json("{'invoice':{'id':'i-9'},'by':'ann'}"));
    changed(t, "i-9", "08:00:00", NEXT);
    give(t, theirs("i-9", "", "PAID", "100.00"));
    assert_string_equal(told(t), "");
    assert_non_null(strstr(belfry_test_logs(t), "voided here"));
    belfry_test_free(t);
}

static void test_a_number_of_two_invoices_is_nobodys(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    issue(t, "70", "I-7", 10000, "EUR");
    pays(t, "PAID", "100.00");
    assert_string_equal(told(t), "");
    assert_non_null(strstr(belfry_test_logs(t), "several invoices"));
    belfry_test_free(t);
}

/* --- the invoice comes later -------------------------------------------------------------------------------------- */

static void test_xero_first_and_issued_later_ends_paid(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-8", "08:00:00", NEXT);
    give(t, theirs("i-8", "I-8", "PAID", "50.00"));
    assert_string_equal(told(t), "");
    size_t requests = belfry_test_request_count(t);
    issue(t, "8", "I-8", 5000, "EUR");
    assert_int_equal(belfry_test_request_count(t), requests + 1);
    assert_string_equal(last_request(t)->url, "https://api.xero.com/api.xro/2.0/Invoices/i-8");
    give(t, theirs("i-8", "I-8", "PAID", "50.00"));
    assert_string_equal(told(t), "invoice.paid");
    assert_null(belfry_test_get(t, "xero/wait/i-8"));
    assert_null(belfry_test_get(t, "xero/wait#I-8"));
    issue(t, "9", "I-9", 5000, "EUR"); /* another one asks nothing */
    assert_int_equal(belfry_test_request_count(t), requests + 1);
    belfry_test_free(t);
}

static void test_the_same_by_xeros_own_id(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-8", "08:00:00", NEXT);
    give(t, theirs("i-8", "X-8", "PAID", "50.00"));
    issue(t, "i-8", "I-8", 5000, "EUR");
    give(t, theirs("i-8", "X-8", "PAID", "50.00"));
    assert_string_equal(told(t), "invoice.paid");
    assert_null(belfry_test_get(t, "xero/wait#X-8"));
    belfry_test_free(t);
}

static void test_what_nobody_issued_is_forgotten_after_90_days(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-8", "08:00:00", NEXT);
    give(t, theirs("i-8", "I-8", "AUTHORISED", "0.00")); /* nothing was paid: nothing is remembered */
    assert_null(belfry_test_get(t, "xero/wait/i-8"));
    changed(t, "i-8", "08:00:01", NEXT);
    give(t, theirs("i-8", "I-8", "PAID", "50.00"));
    assert_non_null(belfry_test_get(t, "xero/wait/i-8"));
    belfry_test_advance(t, "90d");
    assert_non_null(belfry_test_get(t, "xero/wait/i-8"));
    belfry_test_advance(t, "3d");
    assert_null(belfry_test_get(t, "xero/wait/i-8"));
    assert_null(belfry_test_get(t, "xero/wait#I-8"));
    assert_null(strstr(belfry_test_timers(t), "xero/sweep"));
    belfry_test_free(t);
}

#define TEST(name) cmocka_unit_test(test_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(intent_to_receive),
        TEST(a_wrong_signature_changes_nothing),
        TEST(without_xero_there_is_nothing_there),
        TEST(a_signed_body_that_cannot_be_read_is_taken_and_refused),
        TEST(only_the_webhook_may_say_so),
        TEST(an_event_names_its_faults),
        TEST(paid_at_xero_is_paid_here),
        TEST(part_payments_add_up_and_repetitions_add_nothing),
        TEST(an_older_answer_is_no_payment_that_was_taken_back),
        TEST(credits_settle_too),
        TEST(a_confirmed_claim_is_not_paid_twice),
        TEST(paid_by_a_trigger_is_not_paid_twice),
        TEST(the_number_or_xeros_own_id_names_ours),
        TEST(what_is_not_taken_as_paid),
        TEST(paid_at_xero_with_less_than_the_amount_is_said_and_open),
        TEST(paid_at_xero_with_the_amount_is_not_called_open),
        TEST(a_payment_that_xero_takes_back_is_said_and_not_undone),
        TEST(paid_at_xero_after_it_was_voided_here),
        TEST(a_number_of_two_invoices_is_nobodys),
        TEST(xero_first_and_issued_later_ends_paid),
        TEST(the_same_by_xeros_own_id),
        TEST(what_nobody_issued_is_forgotten_after_90_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
