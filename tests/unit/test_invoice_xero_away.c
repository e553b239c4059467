/* SPDX-License-Identifier: Apache-2.0 */
/* Xero's token, Xero when it is away, events that were missed, and the options, on the fake host. */
#include "invoice_xero_fixture.h"

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
    changed(t, "i-3", "08:59:00", 6003); /* one is missing */
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

/* An event that Xero dates after our now hides nothing of what happens until then. */
static void test_a_clock_that_is_ahead_misses_nothing(void **state)
{
    (void)state;
    struct belfry_test *t = start(NULL);
    changed(t, "i-1", "23:00:00", 10); /* it is 09:00 here */
    give_token(t, "T");
    give(t, "");
    changed(t, "i-2", "23:30:00", 12);
    assert_int_equal(waiting(t), 2);
    const char *since = NULL;
    for (size_t i = 0; i < belfry_test_request_count(t); i++) {
        if (strstr(belfry_test_request(t, i)->url, "&page=1"))
            since = belfry_test_header(t, i, "if-modified-since");
    }
    assert_string_equal(since, "2026-01-05T08:55:00");
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
        TEST(a_clock_that_is_ahead_misses_nothing),
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
