/* SPDX-License-Identifier: Apache-2.0 */
/* Xero and the invoice source: from a signed webhook to a payment that was received, on the fake host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define KEY "test-webhook-key"
#define CLIENT "client_id: my app, client_secret: 's/e+c'"
#define OPTIONS "{chasers: [], xero: {signing_key: " KEY ", " CLIENT "}}"
#define PATH "/v1/acme/sources/invoice/xero"

static void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static const char *json(const char *text)
{
    static char kept[4][8192];
    static unsigned next;
    char *out = kept[next++ % 4];
    size_t len = strlen(text);
    assert_true(len < sizeof(kept[0]));
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    return out;
}

/* --- this side ---------------------------------------------------------------------------------------------------- */

static size_t told_count; /* of events that told() has told */

/* Types of the events since the last call, with blanks between. */
static const char *told(struct belfry_test *t)
{
    static char out[500];
    size_t n = 0;
    out[0] = '\0';
    for (; told_count < belfry_test_event_count(t); told_count++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", belfry_test_event(t, told_count)->type);
    return out;
}

static struct belfry_test *start(const char *options)
{
    told_count = 0;
    struct belfry_test *t = belfry_test_new(&belfry_entry, options ? options : OPTIONS);
    belfry_test_on_failure(failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "");
    return t;
}

static void issue(struct belfry_test *t, const char *id, const char *number, int minor, const char *currency)
{
    char data[600];
    snprintf(data, sizeof(data),
             "{'invoice':{'id':'%s','number':'%s','owner':'ann','payer':{'name':'N','email':'pay@n.example'},"
             "'amount_minor':%d,'currency':'%s','due_on':'2026-03-20','url':'https://books.example.org/%s'}}",
             id, number, minor, currency, id);
    assert_int_equal(belfry_test_send(t, "invoice.issued", json(data)), BELFRY_OK);
}

/* --- Xero's side -------------------------------------------------------------------------------------------------- */

static const struct belfry_test_reply *post_signed(struct belfry_test *t, const char *body, const char *key)
{
    unsigned char mac[32];
    char header[100] = "x-xero-signature: ";
    HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)body, strlen(body), mac, NULL);
    EVP_EncodeBlock((unsigned char *)header + strlen(header), mac, 32);
    const char *headers[] = {header, NULL};
    return belfry_test_call(
        t, &(struct belfry_test_call){.method = "POST", .path = PATH, .body = body, .headers = headers});
}

static void post(struct belfry_test *t, const char *body)
{
    const struct belfry_test_reply *reply = post_signed(t, json(body), KEY);
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->body, "");
    assert_int_equal(reply->header_count, 0);
    assert_string_equal(reply->content_type, "");
}

static const char *event(const char *id, const char *when)
{
    static char kept[4][400];
    static unsigned next;
    char *out = kept[next++ % 4];
    snprintf(out, sizeof(kept[0]),
             "{'resourceUrl':'https://evil.example/%s','resourceId':'%s','eventDateUtc':'2026-01-05T%s','eventType':"
             "'UPDATE','eventCategory':'INVOICE','tenantId':'t-1','tenantType':'ORGANISATION'}",
             id, id, when);
    return out;
}

#define NEXT 0
static int sequence; /* goes on from test to test */

/* A webhook with one event. */
static void changed(struct belfry_test *t, const char *id, const char *when, int number)
{
    char body[800];
    sequence = number == NEXT ? sequence + 1 : number;
    snprintf(body, sizeof(body), "{'events':[%s],'firstEventSequence':%d,'lastEventSequence':%d,'entropy':'x'}",
             event(id, when), sequence, sequence);
    post(t, body);
}

static void answer(struct belfry_test *t, uint32_t status, const char *body, const char *header)
{
    const char *headers[] = {header, NULL};
    belfry_test_answer(t, &(struct belfry_test_answer){.status = status, .body = json(body), .headers = headers});
}

static void give_token(struct belfry_test *t, const char *token)
{
    char body[200];
    snprintf(body, sizeof(body), "{'access_token':'%s','token_type':'Bearer','expires_in':1800}", token);
    answer(t, 200, body, NULL);
}

static const char *theirs(const char *id, const char *number, const char *status, const char *paid)
{
    static char kept[4][400];
    static unsigned next;
    char *out = kept[next++ % 4];
    snprintf(out, sizeof(kept[0]),
             "{'InvoiceID':'%s','InvoiceNumber':'%s','Type':'ACCREC','Status':'%s','CurrencyCode':'EUR','Total':100.00,"
             "'AmountPaid':%s,'AmountCredited':0.00}",
             id, number, status, paid);
    return out;
}

static void give(struct belfry_test *t, const char *invoice)
{
    char body[2000];
    snprintf(body, sizeof(body), "{'Invoices':[%s]}", invoice);
    answer(t, 200, body, NULL);
}

/* Xero tells that its invoice i-7 changed, and when it is asked it says this. */
static void pays(struct belfry_test *t, const char *status, const char *paid)
{
    static int seconds;
    char when[20];
    seconds++;
    snprintf(when, sizeof(when), "08:%02d:%02d", seconds / 60 % 60, seconds % 60);
    changed(t, "i-7", when, NEXT);
    give(t, theirs("i-7", "I-7", status, paid));
}

/* A hub that has a token already, and Ann's invoice I-7 over 100.00 EUR. */
static struct belfry_test *start_with_token(void)
{
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    pays(t, "AUTHORISED", "0.00");
    /* the answer went to the request for a token, which does not understand it */
    belfry_test_advance(t, "5s");
    give_token(t, "T0");
    give(t, theirs("i-7", "I-7", "AUTHORISED", "0.00"));
    assert_string_equal(told(t), "");
    return t;
}

static const struct belfry_test_request *last_request(struct belfry_test *t)
{
    return belfry_test_request(t, belfry_test_request_count(t) - 1);
}

static size_t waiting(struct belfry_test *t)
{
    size_t open = 0;
    for (size_t i = 0; i < belfry_test_request_count(t); i++)
        open += !belfry_test_request(t, i)->done;
    return open;
}

/* --- the webhook -------------------------------------------------------------------------------------------------- */

#define ITR "{'events':[],'lastEventSequence':0,'firstEventSequence':0,'entropy':'S0m3r4Nd0mt3xt'}"

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
    assert_string_equal(token->body, "grant_type=client_credentials&scope=accounting.transactions.read");
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

/* --- the token ---------------------------------------------------------------------------------------------------- */

static void test_two_tasks_one_token(void **state)
{
    char body[1500];
    (void)state;
    struct belfry_test *t = start(NULL);
    snprintf(body, sizeof(body), "{'events':[%s,%s,%s],'firstEventSequence':1,'lastEventSequence':3}",
             event("i-1", "08:00:00"), event("i-2", "08:00:01"), event("i-3", "08:00:02"));
    post(t, body);
    assert_int_equal(belfry_test_request_count(t), 1);
    give_token(t, "T1");
    assert_int_equal(belfry_test_request_count(t), 4);
    assert_int_equal(waiting(t), 3);
    for (int i = 1; i < 4; i++) {
        assert_string_equal(belfry_test_header(t, (size_t)i, "authorization"), "Bearer T1");
        give(t, "");
    }
    belfry_test_free(t);
}

static void test_a_token_is_used_until_shortly_before_it_expires(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    belfry_test_advance(t, "28m");
    size_t before = belfry_test_request_count(t);
    pays(t, "AUTHORISED", "0.00");
    assert_int_equal(belfry_test_request_count(t), before + 1);
    belfry_test_advance(t, "61s"); /* 29 of its 30 minutes */
    changed(t, "i-7", "08:50:00", NEXT);
    assert_string_equal(last_request(t)->url, "https://identity.xero.com/connect/token");
    give_token(t, "T2");
    assert_string_equal(belfry_test_header(t, belfry_test_request_count(t) - 1, "authorization"), "Bearer T2");
    give(t, "");
    belfry_test_free(t);
}

static void test_401_drops_the_token_once(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    answer(t, 401, "{}", NULL);
    assert_string_equal(last_request(t)->method, "POST");
    give_token(t, "T2");
    assert_string_equal(belfry_test_header(t, belfry_test_request_count(t) - 1, "authorization"), "Bearer T2");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_401_of_a_new_token_waits(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    answer(t, 401, "{}", NULL);
    give_token(t, "T2");
    answer(t, 401, "{}", NULL);
    assert_int_equal(waiting(t), 0);
    assert_non_null(strstr(belfry_test_logs(t), "refuses a new access token"));
    belfry_test_advance(t, "5s");
    give_token(t, "T3");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_a_scope_that_xero_does_not_know_is_left_out(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    changed(t, "i-7", "08:00:00", 1);
    answer(t, 400, "{'error':'invalid_scope'}", NULL);
    assert_string_equal(last_request(t)->body, "grant_type=client_credentials");
    give_token(t, "T1");
    give(t, "");
    belfry_test_free(t);
}

static void test_a_token_that_could_not_be_one_is_none(void **state)
{
    static const char *const answers[] = {"",
                                          "{}",
                                          "[]",
                                          "{'access_token':'a b','token_type':'Bearer'}",
                                          "{'access_token':'T\\r\\nx: y','token_type':'Bearer'}",
                                          "{'access_token':'','token_type':'Bearer'}",
                                          "{'access_token':'T','token_type':'mac'}",
                                          "{'access_token':'T'}",
                                          "{'access_token':'T','token_type':'Bearer','expires_in':0}"};
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct belfry_test *t = start(NULL);
        changed(t, "i-7", "08:00:00", 1);
        answer(t, 200, answers[i], NULL);
        if (belfry_test_request_count(t) != 1)
            fail_msg("%s was taken for a token", answers[i]);
        belfry_test_free(t);
    }
}

static void test_wrong_credentials_wait_for_the_admin(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    changed(t, "i-7", "08:00:00", 1);
    answer(t, 400, "{'error':'invalid_client','error_description':'s/e+c'}", NULL);
    assert_non_null(strstr(belfry_test_logs(t), "the token endpoint answered 400 invalid_client; are client_id"));
    assert_null(strstr(belfry_test_logs(t), "s/e+c"));
    belfry_test_reload(t, "{chasers: [], xero: {signing_key: " KEY ", client_id: a, client_secret: right}}");
    belfry_test_advance(t, "5s");
    give_token(t, "T1");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

/* --- Xero is away ------------------------------------------------------------------------------------------------- */

/* How long it is asked nothing, in seconds: from one request to the next. */
static int64_t pause_of(struct belfry_test *t)
{
    size_t before = belfry_test_request_count(t);
    int64_t from = belfry_test_now(t);
    for (int i = 0; i < 100000 && belfry_test_request_count(t) == before; i++)
        belfry_test_advance(t, "1s");
    return (belfry_test_now(t) - from) / 1000;
}

static void test_xero_is_down_for_hours_and_paid_exactly_once(void **state)
{
    static const int64_t pauses[] = {5, 10, 20, 40, 80, 160, 320, 600, 600, 600};
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        belfry_test_answer(t, &(struct belfry_test_answer){.error = BELFRY_HTTP_ERR_REFUSED, .error_text = "refused"});
        assert_int_equal(pause_of(t), pauses[i]);
    }
    for (int i = 0; i < 20; i++) { /* 3 hours more; also the token has gone by then */
        answer(t, i % 2 ? 503 : 500, "{}", NULL);
        assert_int_equal(pause_of(t), 600);
    }
    if (strstr(last_request(t)->url, "token"))
        give_token(t, "T2");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    assert_non_null(strstr(belfry_test_logs(t), "answers again after 30 failures"));
    belfry_test_advance(t, "1d");
    assert_string_equal(told(t), "");
    belfry_test_free(t);
}

static void test_retry_after_is_kept(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    answer(t, 429, "{}", "Retry-After: 47");
    assert_int_equal(pause_of(t), 47);
    answer(t, 429, "{}", "Retry-After: nonsense");
    assert_int_equal(pause_of(t), 10);
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

/* While it is away nobody tries for himself, and webhooks are taken as ever. */
static void test_tasks_wait_together(void **state)
{
    char when[20];
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    answer(t, 500, "{}", NULL);
    size_t before = belfry_test_request_count(t);
    for (int i = 0; i < 20; i++) {
        snprintf(when, sizeof(when), "08:01:%02d", i);
        changed(t, "i-7", when, NEXT);
    }
    assert_int_equal(belfry_test_request_count(t), before);
    belfry_test_advance(t, "5s");
    assert_int_equal(waiting(t), 4); /* as many at once as Xero takes, less one */
    for (int i = 0; i < 21; i++)
        give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_int_equal(waiting(t), 0);
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_a_refusal_is_final_and_an_answer_that_cannot_be_read_is_not(void **state)
{
    static const uint32_t finals[] = {400, 403, 404, 410};
    (void)state;
    struct belfry_test *t = start_with_token();
    for (size_t i = 0; i < 4; i++) {
        char when[20];
        snprintf(when, sizeof(when), "08:00:%02zu", i);
        changed(t, "i-7", when, NEXT);
        answer(t, finals[i], "{}", NULL);
        size_t before = belfry_test_request_count(t);
        belfry_test_advance(t, "2h");
        assert_int_equal(belfry_test_request_count(t), before);
        changed(t, "i-0", when, NEXT); /* the token has expired */
        if (waiting(t) && strstr(last_request(t)->url, "token"))
            give_token(t, "T");
        give(t, "");
    }
    assert_non_null(strstr(belfry_test_logs(t), "Xero answered 404 to invoice i-7 of tenant t-1; it does not exist"));
    changed(t, "i-7", "08:01:00", NEXT);
    answer(t, 200, "<html>", NULL);
    belfry_test_advance(t, "1m");
    assert_int_equal(waiting(t), 1);
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

static void test_a_reload_in_the_middle_loses_nothing(void **state)
{
    (void)state;
    struct belfry_test *t = start_with_token();
    changed(t, "i-7", "08:00:00", NEXT);
    assert_int_equal(waiting(t), 1);
    belfry_test_reload(t, OPTIONS); /* cancels what is under way */
    belfry_test_advance(t, "2m");
    give_token(t, "T9");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    belfry_test_free(t);
}

/* --- what Xero counts --------------------------------------------------------------------------------------------- */

static void test_a_gap_is_asked_for_page_after_page(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    changed(t, "i-1", "08:00:00", 6000);
    give_token(t, "T");
    give(t, "");
    size_t before = belfry_test_request_count(t);
    changed(t, "i-2", "08:30:00", 6001); /* none */
    give(t, "");
    assert_int_equal(belfry_test_request_count(t), before + 1);
    changed(t, "i-3", "08:59:00", 6005);
    assert_int_equal(belfry_test_request_count(t), before + 3);
    size_t page = before + 1;
    assert_string_equal(belfry_test_request(t, page)->url, "https://api.xero.com/api.xro/2.0/Invoices?where=Type%3D%3D"
                                                           "%22ACCREC%22&order=InvoiceID&page=1");
    assert_string_equal(belfry_test_header(t, page, "if-modified-since"), "2026-01-05T08:25:00");
    assert_string_equal(belfry_test_header(t, page, "xero-tenant-id"), "t-1");
    give(t, theirs("i-5", "I-5", "AUTHORISED", "0.00"));
    give(t, "");
    assert_non_null(strstr(last_request(t)->url, "&page=2"));
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    assert_non_null(strstr(last_request(t)->url, "&page=3"));
    answer(t, 200, "{'Invoices':[]}", NULL);
    assert_int_equal(waiting(t), 0);
    belfry_test_free(t);
}

static void test_repeated_and_late_bodies_are_no_gap(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    changed(t, "i-1", "08:00:00", 10);
    give_token(t, "T");
    give(t, "");
    size_t before = belfry_test_request_count(t);
    changed(t, "i-1", "08:00:00", 10);
    assert_int_equal(belfry_test_request_count(t), before); /* the very same */
    changed(t, "i-2", "07:00:00", 5);                       /* an older one that Xero repeats now */
    give(t, "");
    assert_int_equal(belfry_test_request_count(t), before + 1);
    changed(t, "i-3", "08:10:00", 11);
    give(t, "");
    assert_int_equal(belfry_test_request_count(t), before + 2);
    belfry_test_free(t);
}

static void test_numbers_that_begin_again_are_a_gap(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    changed(t, "i-1", "08:00:00", 500);
    give_token(t, "T");
    give(t, "");
    changed(t, "i-2", "08:30:00", 1);
    assert_int_equal(waiting(t), 2);
    answer(t, 304, "", NULL);
    give(t, "");
    assert_int_equal(waiting(t), 0);
    changed(t, "i-3", "08:31:00", 2);
    assert_int_equal(waiting(t), 1);
    give(t, "");
    belfry_test_free(t);
}

/* A webhook that Xero had given up and that was enabled again: what happened meanwhile was told to nobody. */
static void test_an_intent_to_receive_later_on_asks_for_what_was_missed(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    post(t, ITR);
    assert_int_equal(belfry_test_request_count(t), 0);
    changed(t, "i-1", "08:00:00", 5);
    give_token(t, "T");
    give(t, "");
    belfry_test_advance(t, "20m");
    post(t, "{'events':[],'firstEventSequence':0,'lastEventSequence':0,'entropy':'a'}");
    post(t, "{'events':[],'firstEventSequence':0,'lastEventSequence':0,'entropy':'b'}");
    assert_int_equal(waiting(t), 1);
    assert_string_equal(belfry_test_header(t, belfry_test_request_count(t) - 1, "if-modified-since"),
                        "2026-01-05T07:55:00");
    answer(t, 304, "", NULL);
    belfry_test_free(t);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_tenants_that_are_not_named_are_left_alone(void **state)
{
    (void)state;
    struct belfry_test *t = start("{chasers: [], xero: {signing_key: " KEY ", " CLIENT ", tenants: [T-1, t-2]}}");
    changed(t, "i-1", "08:00:00", 5);
    assert_int_equal(belfry_test_request_count(t), 1);
    give_token(t, "T");
    give(t, "");
    belfry_test_free(t);
    t = start("{chasers: [], xero: {signing_key: " KEY ", " CLIENT ", tenants: t-2}}");
    changed(t, "i-1", "08:00:00", 5);
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_free(t);
}

static void test_other_addresses(void **state)
{
    (void)state;
    struct belfry_test *t = start("{chasers: [], xero: {signing_key: " KEY ", " CLIENT
                                  ", token_url: 'http://10.0.0.1/token', api_url: 'http://10.0.0.1/api/'}}");
    changed(t, "i-1", "08:00:00", 5);
    assert_string_equal(last_request(t)->url, "http://10.0.0.1/token");
    assert_string_equal(last_request(t)->allow_cidrs[0], "0.0.0.0/0");
    give_token(t, "T");
    assert_string_equal(last_request(t)->url, "http://10.0.0.1/api/Invoices/i-1");
    give(t, "");
    belfry_test_free(t);
}

static void test_without_a_client_events_are_taken_and_asked_for_when_there_is_one(void **state)
{
    (void)state;
    struct belfry_test *t = start("{chasers: [], xero: {signing_key: " KEY "}}");
    assert_non_null(strstr(belfry_test_logs(t), "there is no client_id"));
    issue(t, "7", "I-7", 10000, "EUR");
    changed(t, "i-7", "08:00:00", 5);
    changed(t, "i-7", "08:10:00", 6);
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_reload(t, OPTIONS);
    changed(t, "i-1", "08:20:00", 7);
    give_token(t, "T");
    assert_int_equal(waiting(t), 2);
    assert_string_equal(belfry_test_header(t, 1, "if-modified-since"), "2026-01-05T07:55:00");
    give(t, theirs("i-7", "I-7", "PAID", "100.00"));
    assert_string_equal(told(t), "invoice.paid");
    give(t, "");
    answer(t, 200, "{'Invoices':[]}", NULL);
    belfry_test_free(t);
}

static void test_half_a_client_is_an_error(void **state)
{
    (void)state;
    struct belfry_test *t = belfry_test_new(&belfry_entry, "{xero: {signing_key: " KEY ", client_id: a}}");
    assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
    assert_non_null(strstr(belfry_test_error(t), "client_secret"));
    belfry_test_free(t);
    t = belfry_test_new(&belfry_entry, "{xero: {client_id: a, client_secret: b}}");
    assert_non_null(strstr(belfry_test_error(t), "signing_key"));
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
        TEST(credits_settle_too),
        TEST(a_confirmed_claim_is_not_paid_twice),
        TEST(paid_by_a_trigger_is_not_paid_twice),
        TEST(the_number_or_xeros_own_id_names_ours),
        TEST(what_is_not_taken_as_paid),
        TEST(a_payment_that_xero_takes_back_is_said_and_not_undone),
        TEST(paid_at_xero_after_it_was_voided_here),
        TEST(a_number_of_two_invoices_is_nobodys),
        TEST(xero_first_and_issued_later_ends_paid),
        TEST(the_same_by_xeros_own_id),
        TEST(what_nobody_issued_is_forgotten_after_90_days),
        TEST(two_tasks_one_token),
        TEST(a_token_is_used_until_shortly_before_it_expires),
        TEST(401_drops_the_token_once),
        TEST(401_of_a_new_token_waits),
        TEST(a_scope_that_xero_does_not_know_is_left_out),
        TEST(a_token_that_could_not_be_one_is_none),
        TEST(wrong_credentials_wait_for_the_admin),
        TEST(xero_is_down_for_hours_and_paid_exactly_once),
        TEST(retry_after_is_kept),
        TEST(tasks_wait_together),
        TEST(a_refusal_is_final_and_an_answer_that_cannot_be_read_is_not),
        TEST(a_reload_in_the_middle_loses_nothing),
        TEST(a_gap_is_asked_for_page_after_page),
        TEST(repeated_and_late_bodies_are_no_gap),
        TEST(numbers_that_begin_again_are_a_gap),
        TEST(an_intent_to_receive_later_on_asks_for_what_was_missed),
        TEST(tenants_that_are_not_named_are_left_alone),
        TEST(other_addresses),
        TEST(without_a_client_events_are_taken_and_asked_for_when_there_is_one),
        TEST(half_a_client_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
