/* SPDX-License-Identifier: Apache-2.0 */
/* The webhook delivery on the fake host: what goes out, what each answer means, what is kept of it. */
#include "webhook_fixture.h"

#define SEED "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="

/* What became of one delivery with this answer. */
static const struct belfry_test_outcome *answered(struct belfry_test *t, const struct belfry_test_answer *answer)
{
    belfry_test_answer(t, answer);
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, deliver(t, "{}"), 0);
    assert_non_null(outcome);
    return outcome;
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void test_the_request(void **state)
{
    (void)state;
    struct belfry_test *t = make("{" ONE ", timeout: 20s, allow_cidrs: [10.0.0.0/8, 'fd00::/8']}");
    belfry_test_until(t, "2026-02-25T15:02:10.900Z");
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 204});
    uint64_t batch = deliver(t, "{\"test\": 2432232314}");
    const struct belfry_test_request *r = belfry_test_request(t, 0);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->url, "https://hooks.example.org/in?token=abc");
    assert_string_equal(r->body, "{\"test\": 2432232314}");
    assert_int_equal(r->timeout_ms, 20000);
    assert_int_equal(r->connect_timeout_ms, 5000);
    assert_string_equal(r->allow_cidrs[0], "10.0.0.0/8");
    assert_string_equal(r->allow_cidrs[1], "fd00::/8");
    assert_null(r->allow_cidrs[2]);
    assert_string_equal(belfry_test_header(t, 0, "content-type"), "application/json");
    assert_string_equal(belfry_test_header(t, 0, "webhook-id"), "msg_01890a5d-ac96-774b-bcce-b302099a8057");
    assert_string_equal(belfry_test_header(t, 0, "webhook-timestamp"), "1772031730");
    assert_memory_equal(belfry_test_header(t, 0, "webhook-signature"), "v1,", 3);
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
    assert_string_equal(belfry_test_outcome_name(outcome->outcome), "delivered");
    assert_int_equal(outcome->code, 204);
    assert_string_equal(outcome->detail, "http_204");
    belfry_test_free(t);
}

/* A retry has the same id and a time and signature of its own. */
static void test_a_retry(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 500});
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    deliver(t, "{}");
    belfry_test_advance(t, "5s");
    deliver(t, "{}");
    assert_string_equal(belfry_test_header(t, 0, "webhook-id"), belfry_test_header(t, 1, "webhook-id"));
    assert_string_not_equal(belfry_test_header(t, 0, "webhook-timestamp"),
                            belfry_test_header(t, 1, "webhook-timestamp"));
    assert_string_not_equal(belfry_test_header(t, 0, "webhook-signature"),
                            belfry_test_header(t, 1, "webhook-signature"));
    belfry_test_free(t);
}

/* --- what an answer means ----------------------------------------------------------------------------------------- */

static void test_outcomes(void **state)
{
    static const struct {
        uint32_t status, error;
        const char *text; /* of the error, or a header */
        const char *outcome, *detail;
        int code;
        int64_t retry_after_ms;
    } rows[] = {
        {200, 0, NULL, "delivered", "http_200", 200, 0},
        {202, 0, NULL, "delivered", "http_202", 202, 0},
        {299, 0, NULL, "delivered", "http_299", 299, 0},
        {301, 0, "Location: /x", "retry", "redirect", 301, 0},
        {304, 0, NULL, "retry", "redirect", 304, 0},
        {400, 0, NULL, "retry", "http_400", 400, 0},
        {404, 0, NULL, "retry", "http_404", 404, 0},
        {410, 0, NULL, "target_gone", "http_410", 410, 0},
        {415, 0, NULL, "retry", "http_415", 415, 0},
        {429, 0, "Retry-After: 30", "throttled", "http_429", 429, 30000},
        {429, 0, NULL, "throttled", "http_429", 429, 0},
        {500, 0, NULL, "retry", "http_500", 500, 0},
        {500, 0, "retry-after: 60", "retry", "http_500", 500, 60000},
        {502, 0, NULL, "throttled", "http_502", 502, 0},
        {503, 0, NULL, "retry", "http_503", 503, 0},
        {503, 0, "retry-after: 120", "throttled", "http_503", 503, 120000},
        {504, 0, "retry-after: 7", "throttled", "http_504", 504, 7000},
        {200, 0, "webhook-delivery: disable", "target_gone", "http_200", 200, 0},
        {422, 0, "Webhook-Delivery: abort-message", "rejected", "http_422", 422, 0},
        {200, 0, "webhook-delivery: abort-message", "rejected", "http_200", 200, 0},
        {0, BELFRY_HTTP_ERR_DNS, "no such host", "retry", "dns: no such host", 0, 0},
        {0, BELFRY_HTTP_ERR_REFUSED, "refused", "retry", "refused: refused", 0, 0},
        {0, BELFRY_HTTP_ERR_RESET, "x", "retry", "reset: x", 0, 0},
        {0, BELFRY_HTTP_ERR_TLS, "x", "retry", "tls: x", 0, 0},
        {0, BELFRY_HTTP_ERR_BLOCKED, "private", "retry", "blocked_ip: private", 0, 0},
        {0, BELFRY_HTTP_ERR_URL, "bad", "rejected", "url: bad", 0, 0},
        {0, BELFRY_HTTP_ERR_OTHER, "x", "retry", "other: x", 0, 0},
        {0, 77, "x", "retry", "other: x", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ONE);
        struct belfry_test_answer answer = {
            .status = rows[i].status, .error = rows[i].error, .error_text = rows[i].text};
        answer.headers = rows[i].text ? HEADERS(rows[i].text) : NULL;
        const struct belfry_test_outcome *o = answered(t, &answer);
        assert_string_equal(belfry_test_outcome_name(o->outcome), rows[i].outcome);
        assert_string_equal(o->detail, rows[i].detail);
        assert_int_equal(o->code, rows[i].code);
        assert_int_equal(o->retry_after_ms, rows[i].retry_after_ms);
        belfry_test_free(t);
    }
}

/* The clock stands at Monday, 5 January 2026, 9:00 UTC. */
static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"1", 1000},
        {"86400", 86400000},
        {"86401", 86400000}, /* a day at most */
        {"999999999999999999999", 86400000},
        {"Mon, 05 Jan 2026 09:01:00 GMT", 60000},
        {"Monday, 05-Jan-26 09:01:00 GMT", 60000},
        {"Mon Jan  5 09:01:00 2026", 60000},
        {"Tue, 06 Jan 2027 09:00:00 GMT", 86400000},
        {"Mon, 05 Jan 2026 08:59:59 GMT", 0},
        {"Mon, 05 Jan 2026 09:01:00 GMT+1", 0},
        {"-5", 0},
        {"1.5", 0},
        {"1e3", 0},
        {"0x10", 0},
        {"inf", 0},
        {"soon", 0},
        {"5 5", 0},
        {"00000000000000000000000000000000000000000000000000000000000000000005", 0},
    };
    (void)state;
    struct belfry_test *t = make(ONE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char header[120];
        snprintf(header, sizeof(header), "Retry-After: %s", rows[i].value);
        const struct belfry_test_outcome *o =
            answered(t, &(struct belfry_test_answer){.status = 503, .headers = HEADERS(header)});
        if (o->retry_after_ms != rows[i].ms)
            fail_msg("%s: %lld ms, not %lld", rows[i].value, (long long)o->retry_after_ms, (long long)rows[i].ms);
    }
    belfry_test_free(t);
}

static void test_a_slow_endpoint(void **state)
{
    (void)state;
    struct belfry_test *t = make("{" ONE ", timeout: 2s}");
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .after = "1999ms"});
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .after = "3s"});
    uint64_t in_time = deliver(t, "{}"), late = deliver(t, "{}");
    assert_null(belfry_test_outcome(t, in_time, 0));
    belfry_test_advance(t, "2s");
    assert_string_equal(belfry_test_outcome_name(belfry_test_outcome(t, in_time, 0)->outcome), "delivered");
    assert_string_equal(belfry_test_outcome_name(belfry_test_outcome(t, late, 0)->outcome), "retry");
    assert_string_equal(belfry_test_outcome(t, late, 0)->detail, "timeout: timed out");
    belfry_test_free(t);
}

static void test_cancel_answers_at_once(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    uint64_t one = deliver(t, "{}"), other = deliver(t, "{}");
    belfry_test_cancel(t, one);
    belfry_test_cancel(t, 12345);
    assert_string_equal(belfry_test_outcome_name(belfry_test_outcome(t, one, 0)->outcome), "retry");
    assert_null(belfry_test_outcome(t, other, 0));
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    assert_string_equal(belfry_test_outcome_name(belfry_test_outcome(t, other, 0)->outcome), "delivered");
    belfry_test_cancel(t, one); /* too late to mean anything */
    belfry_test_free(t);
}

/* What is under way at the end is waited for. */
static void test_stop_waits(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .after = "9s"});
    deliver(t, "{}");
    deliver(t, "{}");
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200, .after = "8s"});
    belfry_test_free(t); /* fails when stopped() did not come */
}

/* --- what is kept of it ------------------------------------------------------------------------------------------- */

static json_t *record_of(struct belfry_test *t, const struct belfry_test_answer *answer)
{
    json_t *record = json_loads(answered(t, answer)->record, 0, NULL);
    assert_non_null(record);
    return record;
}

static const char *text_at(const json_t *record, const char *part, const char *key, const char *sub)
{
    const json_t *value = json_object_get(json_object_get(record, part), key);
    return json_string_value(sub ? json_object_get(value, sub) : value);
}

static void test_the_record(void **state)
{
    (void)state;
    struct belfry_test *t = make("endpoints: [{name: crm, url: 'https://hooks.example.org/in?token=abc#f', "
                                 "secret: " SECRET "}]");
    json_t *record = record_of(t, &(struct belfry_test_answer){
                                      .status = 500, .body = "no", .headers = HEADERS("X-Why: db", "Set-Cookie: s=1")});
    assert_string_equal(text_at(record, "request", "url", NULL), "https://hooks.example.org/in");
    assert_string_equal(text_at(record, "request", "headers", "webhook-signature"), "***");
    assert_string_equal(text_at(record, "request", "headers", "webhook-id"),
                        "msg_01890a5d-ac96-774b-bcce-b302099a8057");
    assert_string_equal(text_at(record, "response", "headers", "x-why"), "db");
    assert_string_equal(text_at(record, "response", "headers", "set-cookie"), "***");
    assert_string_equal(text_at(record, "response", "body", NULL), "no");
    assert_string_equal(text_at(record, "response", "class", NULL), "http_500");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(record, "response"), "status")), 500);
    json_decref(record);
    belfry_test_free(t);
}

static void test_no_secret_is_in_the_record(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    const struct belfry_test_outcome *o = answered(t, &(struct belfry_test_answer){.status = 500});
    assert_null(strstr(o->record, "token"));
    assert_null(strstr(o->record, "MfKQ9r8"));
    assert_null(strstr(o->record, belfry_test_header(t, 0, "webhook-signature") + 3));
    belfry_test_free(t);
}

/* A receiver that answers with what it got. In JSON of some languages a slash has a backslash before it. */
static void test_an_echo_is_masked(void **state)
{
    (void)state;
    struct belfry_test *t = make("endpoints: [{" ENDPOINT ", headers: {Authorization: 'Bearer s3cret/of-them', "
                                 "Cookie: 'a=1; session=0123456789', X-Key: 'k3y', X-Auth: 'of\\\\them', "
                                 "X-Team: shopping-team}}]");
    json_t *record =
        record_of(t, &(struct belfry_test_answer){
                         .status = 500,
                         .headers = HEADERS("X-Got: Bearer s3cret/of-them.", "X-Twice: s3cret/of-them s3cret/of-them",
                                            "X-Raw: of\\\\them"),
                         .body = "{\"authorization\": \"Bearer s3cret\\/of-them\", \"q\": \"/in?token=abc\", "
                                 "\"cookies\": {\"a\": \"1\", \"session\": \"0123456789\"}, \"why\": \"no Bearer\", "
                                 "\"team\": \"shopping-team\", \"s\": \"s3cret/of-the\", \"last\": \"s3cret/of-them"});
    assert_string_equal(text_at(record, "response", "body", NULL),
                        "{\"authorization\": \"***\", \"q\": \"/in?***\", "
                        "\"cookies\": {\"a\": \"1\", \"session\": \"***\"}, \"why\": \"no Bearer\", "
                        "\"team\": \"shopping-team\", \"s\": \"s3cret/of-the\", \"last\": \"***");
    assert_string_equal(text_at(record, "response", "headers", "x-got"), "***.");
    assert_string_equal(text_at(record, "response", "headers", "x-twice"), "*** ***");
    assert_string_equal(text_at(record, "response", "headers", "x-raw"), "***");
    json_decref(record);
    belfry_test_free(t);
}

/* The fake host fails a test whose record is over 32 KiB or no JSON. */
static void test_records_are_bounded(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    char *body = malloc(SIZE + 1), *header = malloc(SIZE + 1);
    struct belfry_test *t = make(ONE);
    static const struct {
        const char *unit;
        const char *key;
    } rows[] = {
        {"a", "body"},          {"\"", "body"}, {"\x01", "body"}, {"\xc3\xa4", "body"}, {"\xf0\x9f\x98\x80", "body"},
        {"\xff", "body_base64"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t unit = strlen(rows[i].unit);
        for (size_t k = 0; k + unit <= SIZE; k += unit)
            memcpy(body + k, rows[i].unit, unit);
        body[SIZE / unit * unit] = '\0';
        json_t *record = record_of(t, &(struct belfry_test_answer){.status = 500, .body = body});
        assert_non_null(text_at(record, "response", rows[i].key, NULL));
        assert_true(json_is_true(json_object_get(json_object_get(record, "response"), "truncated")));
        json_decref(record);
    }
    memset(header, 'x', SIZE);
    memcpy(header, "x-long:", 7);
    header[SIZE] = '\0';
    json_t *record = record_of(t, &(struct belfry_test_answer){.status = 500, .body = "b", .headers = HEADERS(header)});
    assert_string_equal(text_at(record, "response", "body", NULL), "b");
    json_decref(record);
    belfry_test_free(t);
    free(body);
    free(header);
}

/* --- configuration ------------------------------------------------------------------------------------------------ */

static void test_targets(void **state)
{
    (void)state;
    struct belfry_test *t =
        make("endpoints:\n"
             "  - {" ENDPOINT "}\n"
             "  - {name: b, url: 'http://b.example.org/', secret: [" SECRET ", " SEED "], types: 'invoice.*',\n"
             "     orgs: [acme, zeta], when: {severity: {gte: warning}}, concurrency: 2, rate: 90, order: fifo,\n"
             "     description: For b, metadata: {team: crm}, format: thin, signatures: [v1, v1a],\n"
             "     handshake: true, headers: {X-B: '1'}}\n");
    const struct belfry_target_spec *crm = belfry_test_target(t, "crm"), *b = belfry_test_target(t, "b");
    assert_string_equal(crm->secret, SECRET);
    assert_int_equal(crm->types.count, 0);
    assert_int_equal(crm->orgs.count, 0);
    assert_int_equal(crm->concurrency, 8);
    assert_null(crm->when);
    assert_string_equal(b->types.items[0].ptr, "invoice.*");
    assert_string_equal(b->orgs.items[1].ptr, "zeta");
    assert_int_equal(b->concurrency, 2);
    assert_int_equal(b->rate_per_minute, 90);
    assert_int_equal(b->order, BELFRY_ORDER_FIFO);
    assert_string_equal(b->secret, SECRET);
    assert_int_equal(b->secrets.count, 2);
    assert_string_equal(b->secrets.items[1].ptr, SEED);
    assert_string_equal(b->settings.ptr, "{\"headers\":{\"X-B\":\"1\"},\"format\":\"thin\",\"signatures\":[\"v1\","
                                         "\"v1a\"],\"handshake\":true}");
    assert_int_equal(crm->rate_per_minute, 0);
    assert_int_equal(crm->order, BELFRY_ORDER_BEST_EFFORT);
    assert_string_equal(crm->settings.ptr, "{}");
    assert_non_null(b->when);
    const struct belfry_target_policy *policy = belfry_test_policy(t);
    static const int64_t waits[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
    assert_int_equal(policy->attempts, 10);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(policy->waits_ms[i], waits[i] * 1000);
    belfry_test_free(t);
}

static void test_a_schedule_of_ones_own(void **state)
{
    (void)state;
    struct belfry_test *t = make("{" ONE ", schedule: [1s, 2m]}");
    const struct belfry_target_policy *policy = belfry_test_policy(t);
    assert_int_equal(policy->attempts, 3);
    assert_int_equal(policy->waits_ms[0], 1000);
    assert_int_equal(policy->waits_ms[1], 120000);
    belfry_test_free(t);
}

static void test_warnings(void **state)
{
    (void)state;
    struct belfry_test *t =
        make("{endpoints: [{name: in, url: 'http://10.1.2.3/', secret: " SECRET "}, {name: allowed, "
             "url: 'http://127.0.0.1/', secret: " SECRET "}], allow_cidrs: 127.0.0.0/8}");
    assert_string_equal(belfry_test_logs(t), "warn: endpoint `in` leads to a private address, which is refused unless "
                                             "allow_cidrs names its range");
    belfry_test_free(t);
}

static void test_reload(void **state)
{
    (void)state;
    struct belfry_test *t = make("{" ONE ", timeout: 9s, allow_cidrs: 10.0.0.0/8}");
    uint64_t under_way = deliver(t, "{}");
    assert_int_equal(
        belfry_test_reload(t, "endpoints: [{name: new, url: 'https://n.example.org/', secret: " SECRET "}]"),
        BELFRY_OK);
    assert_null(belfry_test_target(t, "crm"));
    assert_non_null(belfry_test_target(t, "new"));
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    assert_string_equal(belfry_test_outcome_name(belfry_test_outcome(t, under_way, 0)->outcome), "delivered");
    /* bad, and the last good one goes on */
    assert_int_equal(belfry_test_reload(t, "endpoints: [{name: worse, url: 'https://w.example.org/', secret: whsec_}]"),
                     BELFRY_EINVAL);
    assert_non_null(belfry_test_target(t, "new"));
    assert_int_equal(belfry_test_reload(t, ONE), BELFRY_OK);
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    deliver(t, "{}");
    assert_int_equal(belfry_test_request(t, 1)->timeout_ms, 15000);
    belfry_test_free(t);
}

static void test_refused_options(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"endpoints: [{name: a, url: 'https://a.example.org/', secret: whsec_AAAA}]",
         "endpoint `a`: its secret holds fewer than 24 bytes; make one with `echo \"whsec_$(openssl rand -base64 32)\"`"},
        {"endpoints: [{name: a, url: 'https://a.example.org/', secret: whsec_äöü}]",
         "endpoint `a`: its secret is not `whsec_` and base64 of at most 64 bytes"},
        {"endpoints: [{name: a, url: 'ftp://a.example.org/', secret: " SECRET "}]",
         "1:28: `url` must be a URL of scheme http or https"},
        {"endpoints: [{name: a, url: 'https://good.example@10.0.0.1/', secret: " SECRET "}]",
         "endpoint `a`: its url must not hold a user name or password; receivers know us by the signature"},
        {"endpoints: [{name: a, url: 'https://a.example.org/x?to=b@c', secret: " SECRET "}]", ""},
        {"allow_cidrs: [10.0.0.0/33]",
         "allow_cidrs: `10.0.0.0/33` is no range of addresses, such as 10.0.0.0/8 or fd00::/8"},
        {"allow_cidrs: [example.org]",
         "allow_cidrs: `example.org` is no range of addresses, such as 10.0.0.0/8 or fd00::/8"},
        {"allow_cidrs: [10.0.0.0/]",
         "allow_cidrs: `10.0.0.0/` is no range of addresses, such as 10.0.0.0/8 or fd00::/8"},
        {"allow_cidrs: ['fd00::/8', 127.0.0.1, '::1/128', 0.0.0.0/0]", ""},
        {"endpoints: [{" ENDPOINT ", signatures: [v1, v1a]}]",
         "endpoint `crm`: v1a signs with a key that begins with whsk_, and there is none in `secret`; make one with "
         "`echo \"whsk_$(openssl rand -base64 32)\"`, and the hub's API shows its public half as `public_key`"},
        {"endpoints: [{name: crm, url: 'https://a.example/', secret: " SEED "}]",
         "endpoint `crm`: v1 signs with a secret that begins with whsec_, and there is none in `secret`; make one with "
         "`echo \"whsec_$(openssl rand -base64 32)\"`"},
        {"endpoints: [{name: crm, url: 'https://a.example/', secret: [" SECRET ", whsk_AAAA]}]",
         "endpoint `crm`: its secret is not `whsk_` and base64 of the 32 bytes of an Ed25519 key; make one with "
         "`echo \"whsk_$(openssl rand -base64 32)\"`"},
        {"endpoints: [{" ENDPOINT ", headers: {Host: a}}]", "1:130: `Host` cannot be among the `headers`"},
        {"endpoints: [{" ENDPOINT ", headers: {proxy-FOO: a}}]", "1:130: `proxy-FOO` cannot be among the `headers`"},
        {"endpoints: [{" ENDPOINT ", headers: {X-A: \"a\\r\\nb\"}}]",
         "endpoint `crm`: its header `X-A` may only hold visible ASCII, blanks and tabs"},
        {"endpoints: [{" ENDPOINT ", headers: {X-A: a, x-a: b}}]", "endpoint `crm`: its header `x-a` is there twice"},
        {"endpoints: [{name: crm, url: 'https://a.example:0/', secret: " SECRET "}]",
         "1:30: `url` must be a URL with a host, and a port of 1 to 65535 if any"},
        {"endpoints: [{" ENDPOINT ", format: xml}]",
         "1:128: `format` must be one of standard, thin, cloudevents-structured, cloudevents-binary"},
        {"timeout: 10ms", "1:10: `timeout` must be between 1s and 2m"},
        {"{}", ""},
    };
    (void)state;
    belfry_test_on_failure(failure);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = belfry_test_new(&belfry_entry, rows[i].yaml);
        belfry_test_expect_error(t, rows[i].error);
        belfry_test_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_request),
        cmocka_unit_test(test_a_retry),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_a_slow_endpoint),
        cmocka_unit_test(test_cancel_answers_at_once),
        cmocka_unit_test(test_stop_waits),
        cmocka_unit_test(test_the_record),
        cmocka_unit_test(test_no_secret_is_in_the_record),
        cmocka_unit_test(test_an_echo_is_masked),
        cmocka_unit_test(test_records_are_bounded),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_a_schedule_of_ones_own),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_refused_options),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
