/* SPDX-License-Identifier: Apache-2.0 */
/* Abuse protection: nothing goes out before the receiver agreed, and what it says is kept to. */
#include "webhook_fixture.h"

#define ASKS "endpoints: [{" ENDPOINT ", handshake: true}]"
#define YES "WebHook-Allowed-Origin: belfry.example.org"

static void answer(struct belfry_test *t, uint32_t status, const char *header)
{
    belfry_test_answer(t, &(struct belfry_test_answer){.status = status, .headers = header ? HEADERS(header) : NULL});
}

static const char *method_of(struct belfry_test *t, size_t index)
{
    const struct belfry_test_request *r = belfry_test_request(t, index);
    return r ? r->method : "";
}

/* --- consent ------------------------------------------------------------------------------------------------------ */

static void test_the_receiver_is_asked_once(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    uint64_t one = deliver(t, "{\"n\":1}"), two = deliver(t, "{\"n\":2}");
    assert_int_equal(belfry_test_request_count(t), 1);
    assert_string_equal(method_of(t, 0), "OPTIONS");
    assert_string_equal(belfry_test_request(t, 0)->url, "https://hooks.example.org/in?token=abc");
    assert_string_equal(belfry_test_request(t, 0)->body, "");
    assert_string_equal(belfry_test_header(t, 0, "webhook-request-origin"), "belfry.example.org");
    assert_null(belfry_test_header(t, 0, "webhook-request-rate"));
    assert_null(belfry_test_header(t, 0, "webhook-request-callback"));
    assert_null(belfry_test_header(t, 0, "webhook-signature"));
    assert_string_equal(state_of(t, one), "open");
    answer(t, 200, YES);
    assert_int_equal(belfry_test_request_count(t), 3);
    assert_string_equal(belfry_test_request(t, 1)->body, "{\"n\":1}"); /* in the order in which they came */
    assert_string_equal(belfry_test_request(t, 2)->body, "{\"n\":2}");
    for (size_t i = 1; i <= 2; i++) {
        assert_string_equal(method_of(t, i), "POST");
        assert_string_equal(belfry_test_header(t, i, "webhook-request-origin"), "belfry.example.org");
        answer(t, 204, NULL);
    }
    assert_string_equal(state_of(t, one), "delivered");
    assert_string_equal(state_of(t, two), "delivered");
    deliver(t, "{\"n\":3}"); /* the consent is remembered */
    assert_string_equal(method_of(t, 3), "POST");
    answer(t, 200, NULL);
    belfry_test_free(t);
}

static void test_who_does_not_ask_is_not_asked_for(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    deliver(t, "{}");
    assert_string_equal(method_of(t, 0), "POST");
    assert_null(belfry_test_header(t, 0, "webhook-request-origin"));
    answer(t, 200, NULL);
    belfry_test_free(t);
}

/* The header decides, whatever the status. */
static void test_what_is_consent(void **state)
{
    static const struct {
        uint32_t status;
        const char *header;
        int given;
    } rows[] = {
        {200, YES, 1},
        {200, "WebHook-Allowed-Origin: *", 1},
        {200, "webhook-allowed-origin:   BELFRY.example.org ", 1},
        {405, YES, 1},
        {500, "WebHook-Allowed-Origin: *", 1},
        {200, NULL, 0},
        {204, "Allow: POST", 0},
        {200, "WebHook-Allowed-Origin: example.org", 0},
        {200, "WebHook-Allowed-Origin: evil.belfry.example.org", 0},
        {200, "WebHook-Allowed-Origin: https://belfry.example.org", 0},
        {200, "WebHook-Allowed-Origin: belfry.example.org.", 0},
        {200, "WebHook-Allowed-Origin: **", 0},
        {200, "WebHook-Allowed-Origin:", 0},
        {200, "WebHook-Allowed-Rate: 100", 0},
        {301, "Location: https://b.example.org/", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ASKS);
        answer(t, rows[i].status, rows[i].header);
        uint64_t batch = deliver(t, "{}");
        if (strcmp(method_of(t, 1), rows[i].given ? "POST" : "") != 0)
            fail_msg("%u %s", rows[i].status, rows[i].header ? rows[i].header : "");
        assert_string_equal(state_of(t, batch), rows[i].given ? "open" : "unavailable");
        if (rows[i].given)
            answer(t, 200, NULL);
        belfry_test_free(t);
    }
}

/* The host lets nothing through for five minutes, then an hour; what was on its way is told the same. */
static void test_a_receiver_that_does_not_agree(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    static const int64_t waits[] = {300000, 3600000, 3600000};
    for (size_t i = 0; i < 3; i++) {
        answer(t, 404, NULL);
        const struct belfry_test_outcome *o = belfry_test_outcome(t, deliver(t, "{}"), 0);
        assert_string_equal(belfry_test_outcome_name(o->outcome), "unavailable");
        assert_int_equal(o->retry_after_ms, waits[i]);
        assert_string_equal(o->detail, "the receiver gave no consent: it answered OPTIONS with 404 and without "
                                       "WebHook-Allowed-Origin: belfry.example.org");
        assert_int_equal(belfry_test_request_count(t), i + 1);
        belfry_test_advance(t, "9s");
        o = belfry_test_outcome(t, deliver(t, "{}"), 0);
        assert_string_equal(belfry_test_outcome_name(o->outcome), "unavailable");
        assert_int_equal(o->retry_after_ms, waits[i] - 9000);
        assert_non_null(strstr(o->detail, "gave no consent"));
        assert_int_equal(belfry_test_request_count(t), i + 1);
        belfry_test_advance(t, i ? "1h" : "5m");
    }
    answer(t, 200, YES);
    answer(t, 200, NULL);
    assert_string_equal(state_of(t, deliver(t, "{}")), "delivered");
    belfry_test_free(t);
}

static void test_one_that_says_when_to_ask_again(void **state)
{
    static const struct {
        const char *header;
        int64_t wait_ms;
    } rows[] = {{"Retry-After: 7200", 7200000},
                {"Retry-After: 10", 300000},
                {"Retry-After: 999999999", 86400000},
                {"Retry-After: soon", 300000}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ASKS);
        answer(t, 429, rows[i].header);
        const struct belfry_test_outcome *o = belfry_test_outcome(t, deliver(t, "{}"), 0);
        assert_string_equal(belfry_test_outcome_name(o->outcome), "unavailable");
        assert_int_equal(o->retry_after_ms, rows[i].wait_ms);
        belfry_test_free(t);
    }
}

/* Who mended it and enabled the endpoint does not wait for the hour to be over. */
static void test_let_through_before_its_time(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    answer(t, 404, NULL);
    assert_string_equal(state_of(t, deliver(t, "{}")), "unavailable");
    belfry_test_advance(t, "10s");
    answer(t, 200, YES);
    answer(t, 200, NULL);
    assert_string_equal(state_of(t, deliver(t, "{}")), "delivered");
    assert_int_equal(belfry_test_request_count(t), 3);
    belfry_test_free(t);
}

static void test_a_receiver_that_cannot_be_asked(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    belfry_test_answer(t, &(struct belfry_test_answer){.error = BELFRY_HTTP_ERR_BLOCKED, .error_text = "private"});
    const struct belfry_test_outcome *o = belfry_test_outcome(t, deliver(t, "{}"), 0);
    assert_string_equal(belfry_test_outcome_name(o->outcome), "unavailable");
    assert_string_equal(o->detail, "the receiver could not be asked for consent (OPTIONS): blocked_ip: private");
    assert_int_equal(o->retry_after_ms, 60000);
    belfry_test_advance(t, "1m");
    answer(t, 200, YES);
    deliver(t, "{}");
    assert_string_equal(method_of(t, 2), "POST");
    answer(t, 200, NULL);
    belfry_test_free(t);
}

/* --- rate --------------------------------------------------------------------------------------------------------- */

static void test_the_rate(void **state)
{
    static const struct {
        const char *header;
        uint32_t pace;
    } rows[] = {{"WebHook-Allowed-Rate: 100", 100}, {"WebHook-Allowed-Rate: *", 0},
                {"webhook-allowed-rate:  7 ", 7},   {"WebHook-Allowed-Rate: 0", 1},
                {"WebHook-Allowed-Rate: many", 0},  {"X: y", 0},
                {"WebHook-Allowed-Rate: -1", 0},    {"WebHook-Allowed-Rate: 99999999999", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make("endpoints: [{" ENDPOINT ", handshake: true, rate: 120}]");
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .headers = HEADERS(YES, rows[i].header)});
        deliver(t, "{}");
        assert_string_equal(belfry_test_header(t, 0, "webhook-request-rate"), "120");
        assert_int_equal(belfry_test_pace(t, "crm"), rows[i].pace);
        assert_int_equal(belfry_test_target(t, "crm")->rate_per_minute, 120);
        assert_null(belfry_test_header(t, 1, "webhook-request-rate"));
        answer(t, 200, NULL);
        belfry_test_free(t);
    }
}

/* --- time, changes, the end --------------------------------------------------------------------------------------- */

/* The delivery has what asking has left of its time. */
static void test_time(void **state)
{
    (void)state;
    struct belfry_test *t = make("{" ASKS ", timeout: 15s}");
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .headers = HEADERS(YES), .after = "6s"});
    uint64_t batch = deliver(t, "{}");
    assert_int_equal(belfry_test_request(t, 0)->timeout_ms, 7500);
    assert_int_equal(belfry_test_request(t, 0)->connect_timeout_ms, 5000);
    belfry_test_advance(t, "6s");
    assert_int_equal(belfry_test_request(t, 1)->timeout_ms, 9000);
    answer(t, 200, NULL);
    assert_string_equal(state_of(t, batch), "delivered");
    belfry_test_free(t);
}

static void test_another_url_is_another_receiver(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    answer(t, 200, YES);
    answer(t, 200, NULL);
    deliver(t, "{}");
    belfry_test_endpoint_make(t, "crm", "https://new.example.org/", "{\"handshake\":true}", SECRET);
    deliver(t, "{}");
    assert_string_equal(method_of(t, 2), "OPTIONS");
    assert_string_equal(belfry_test_request(t, 2)->url, "https://new.example.org/");
    answer(t, 200, YES);
    answer(t, 200, NULL);
    assert_int_equal(belfry_test_request_count(t), 4);
    belfry_test_free(t);
}

/* Nothing is left of it: one that is declared again under its id is asked for again. */
static void test_with_its_endpoint_a_consent_goes(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    const char *url = belfry_test_target(t, "crm")->url;
    answer(t, 200, YES);
    answer(t, 200, NULL);
    deliver(t, "{}");
    belfry_test_endpoint_remove(t, "crm");
    belfry_test_endpoint_remove(t, "crm"); /* what is not remembered is not there to be forgotten */
    belfry_test_endpoint_make(t, "crm", url, "{\"handshake\":true}", SECRET);
    uint64_t waits = deliver(t, "{}");
    assert_string_equal(method_of(t, 2), "OPTIONS");
    belfry_test_endpoint_remove(t, "crm"); /* while it is asked: who waits is told all the same */
    answer(t, 200, YES);
    answer(t, 200, NULL);
    assert_string_equal(state_of(t, waits), "delivered");
    belfry_test_endpoint_make(t, "crm", url, "{\"handshake\":true}", SECRET);
    answer(t, 200, YES);
    answer(t, 200, NULL);
    deliver(t, "{}");
    assert_string_equal(method_of(t, 4), "OPTIONS");
    assert_int_equal(belfry_test_request_count(t), 6);
    belfry_test_free(t);
}

/* Who waits gets the answer of whom they waited for; it is not taken for the new one's. */
static void test_another_url_while_the_old_one_is_asked(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    uint64_t old = deliver(t, "{}");
    belfry_test_endpoint_make(t, "crm", "https://new.example.org/", "{\"handshake\":true}", SECRET);
    uint64_t fresh = deliver(t, "{}");
    assert_int_equal(belfry_test_request_count(t), 2);
    answer(t, 200, YES);
    assert_string_equal(belfry_test_request(t, 2)->url, "https://hooks.example.org/in?token=abc");
    assert_string_equal(method_of(t, 2), "POST");
    assert_string_equal(state_of(t, fresh), "open");
    answer(t, 403, NULL);
    assert_string_equal(state_of(t, fresh), "unavailable");
    answer(t, 200, NULL);
    assert_string_equal(state_of(t, old), "delivered");
    belfry_test_free(t);
}

static void test_cancel_while_it_waits(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    uint64_t one = deliver(t, "{}"), other = deliver(t, "{}");
    belfry_test_cancel(t, one);
    assert_string_equal(state_of(t, one), "retry");
    assert_string_equal(belfry_test_outcome(t, one, 0)->detail, "canceled: it waited for the receiver's consent");
    answer(t, 200, YES);
    answer(t, 200, NULL);
    assert_int_equal(belfry_test_request_count(t), 2);
    assert_string_equal(state_of(t, other), "delivered");
    belfry_test_free(t);
}

static void test_stop_waits_for_the_answer(void **state)
{
    (void)state;
    struct belfry_test *t = make(ASKS);
    uint64_t batch = deliver(t, "{}");
    belfry_test_cancel(t, batch); /* nobody waits for it any more */
    belfry_test_free(t);          /* fails when stopped() did not come, or came twice */
    t = make(ASKS);
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .headers = HEADERS(YES), .after = "3s"});
    deliver(t, "{}");
    answer(t, 200, NULL);
    belfry_test_free(t);
}

/* A reload goes on with what it knows; an instance that is new asks anew, for who agreed may have changed their mind.
 */
static void test_a_reload_and_a_start(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct belfry_test *t = make(ASKS);
        answer(t, 200, YES);
        answer(t, 200, NULL);
        deliver(t, "{}");
        assert_string_equal(method_of(t, 0), "OPTIONS");
        assert_int_equal(belfry_test_reload(t, "endpoints: [{" ENDPOINT ", handshake: true, concurrency: 2}]"),
                         BELFRY_OK);
        answer(t, 200, NULL);
        deliver(t, "{}");
        assert_string_equal(method_of(t, 2), "POST");
        belfry_test_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_receiver_is_asked_once),
        cmocka_unit_test(test_who_does_not_ask_is_not_asked_for),
        cmocka_unit_test(test_what_is_consent),
        cmocka_unit_test(test_a_receiver_that_does_not_agree),
        cmocka_unit_test(test_one_that_says_when_to_ask_again),
        cmocka_unit_test(test_let_through_before_its_time),
        cmocka_unit_test(test_a_receiver_that_cannot_be_asked),
        cmocka_unit_test(test_the_rate),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_another_url_is_another_receiver),
        cmocka_unit_test(test_with_its_endpoint_a_consent_goes),
        cmocka_unit_test(test_another_url_while_the_old_one_is_asked),
        cmocka_unit_test(test_cancel_while_it_waits),
        cmocka_unit_test(test_stop_waits_for_the_answer),
        cmocka_unit_test(test_a_reload_and_a_start),
    };
    return cmocka_run_group_tests_name("webhook handshake", tests, NULL, NULL);
}
