/* SPDX-License-Identifier: Apache-2.0 */
/* What an event looks like in each format, what is added to it, and what of it is kept with the attempt. */
#include "webhook_fixture.h"

#include "../../plugins/webhook/keys.h"
#include "../../plugins/webhook/sign.h"

#include <openssl/evp.h>

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"
#define DATA                                                                                                           \
    "{\"id\":\"" ID "\",\"title\":\"A \\\"big\\\" {deal}\",\"object\":{\"amount\":1.10,\"z\":[1,{\"data\":2}],\"a\":"  \
    "null}}"
#define PAYLOAD "{\"type\":\"invoice.paid\",\"timestamp\":\"2026-01-05T08:00:00.000Z\",\"data\":" DATA "}"

static const struct belfry_test_item paid = {.event_id = ID,
                                             .type = "invoice.paid",
                                             .source = "billing",
                                             .category = "invoice",
                                             .subject = "invoice/42",
                                             .severity = BELFRY_SUCCESS,
                                             .time_ms = INT64_C(1767600000123),
                                             .payload = PAYLOAD};

static uint64_t deliver_item(struct belfry_test *t, const struct belfry_test_item *item)
{
    uint64_t batch = belfry_test_deliver(t, &(struct belfry_test_batch){.to = "crm", .items = item, .count = 1});
    assert_int_not_equal(batch, 0);
    return batch;
}

static struct belfry_test *make_format(const char *format)
{
    char yaml[400];
    snprintf(yaml, sizeof(yaml), "endpoints: [{" ENDPOINT ", format: %s}]", format);
    return make(yaml);
}

/* The body as who verifies it sees it, and the signature over just that. */
static void expect_signed(struct belfry_test *t, size_t index)
{
    const struct belfry_test_request *r = belfry_test_request(t, index);
    struct key keys[KEYS_OF_SECRET];
    struct text out = {0};
    const char *fault;
    EVP_MAC_CTX *mac = sign_new();
    keys_read(belfry_str(SECRET), keys, &fault);
    sign_all(mac, keys, 1, SIGNATURE_V1,
             &(struct signing){belfry_str(belfry_test_header(t, index, "webhook-id")),
                               atoll(belfry_test_header(t, index, "webhook-timestamp")),
                               {r->body, r->body_len}},
             &out);
    assert_string_equal(belfry_test_header(t, index, "webhook-signature"), out.ptr);
    assert_string_equal(belfry_test_header(t, index, "webhook-id"), "msg_" ID);
    EVP_MAC_CTX_free(mac);
    free(out.ptr);
}

/* What the record says went out, put together as the API does it. */
static void expect_record(struct belfry_test *t, uint64_t batch, const char *payload, const char *body)
{
    json_t *record = json_loads(belfry_test_outcome(t, batch, 0)->record, 0, NULL);
    const json_t *of = json_object_get(json_object_get(record, "request"), "body_of");
    size_t from = (size_t)json_integer_value(json_object_get(of, "from"));
    size_t to = (size_t)json_integer_value(json_object_get(of, "to"));
    char *built = malloc(strlen(body) + strlen(payload) + 1000);
    assert_true(from <= to && to <= strlen(payload));
    sprintf(built, "%s%.*s%s", json_string_value(json_object_get(of, "before")), (int)(to - from), payload + from,
            json_string_value(json_object_get(of, "after")));
    assert_string_equal(built, body);
    free(built);
    json_decref(record);
}

static void test_formats(void **state)
{
    static const struct {
        const char *format, *type, *body;
    } rows[] = {
        {"standard", "application/json", PAYLOAD},
        {"thin", "application/json",
         "{\"type\":\"invoice.paid\",\"timestamp\":\"2026-01-05T08:00:00.123Z\",\"data\":{\"id\":\"" ID
         "\",\"org\":\"acme\",\"source\":\"billing\",\"subject\":\"invoice/42\",\"category\":\"invoice\",\"severity\":"
         "\"success\",\"url\":\"https://belfry.example.org/v1/acme/events/" ID "\"}}"},
        {"cloudevents-structured", "application/cloudevents+json; charset=utf-8",
         "{\"specversion\":\"1.0\",\"id\":\"" ID "\",\"source\":\"/v1/acme/sources/billing\",\"type\":\"invoice.paid\","
         "\"subject\":\"invoice/42\",\"time\":\"2026-01-05T08:00:00.123Z\",\"org\":\"acme\",\"category\":\"invoice\","
         "\"severity\":\"success\",\"datacontenttype\":\"application/json\",\"data\":" DATA "}"},
        {"cloudevents-binary", "application/json", DATA},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make_format(rows[i].format);
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 500});
        uint64_t batch = deliver_item(t, &paid);
        assert_string_equal(belfry_test_request(t, 0)->body, rows[i].body);
        assert_string_equal(belfry_test_header(t, 0, "content-type"), rows[i].type);
        expect_signed(t, 0);
        expect_record(t, batch, PAYLOAD, rows[i].body);
        belfry_test_advance(t, "5m"); /* the same bytes on each attempt */
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
        deliver_item(t, &paid);
        assert_string_equal(belfry_test_request(t, 1)->body, rows[i].body);
        expect_signed(t, 1);
        belfry_test_free(t);
    }
}

static void test_a_test_says_so(void **state)
{
    static const char end[] = "/v1/acme/events/" ID "\",\"test\":true}}";
    (void)state;
    struct belfry_test *t = make_format("thin");
    struct belfry_test_item item = paid;
    item.flags |= BELFRY_ITEM_TEST;
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    deliver_item(t, &item);
    const char *body = belfry_test_request(t, 0)->body;
    assert_string_equal(body + strlen(body) - strlen(end), end);
    belfry_test_free(t);
}

static void test_attributes_in_headers(void **state)
{
    static const char *const rows[][2] = {{"ce-specversion", "1.0"},
                                          {"ce-id", ID},
                                          {"ce-source", "/v1/acme/sources/billing"},
                                          {"ce-type", "invoice.paid"},
                                          {"ce-subject", "invoice/42"},
                                          {"ce-time", "2026-01-05T08:00:00.123Z"},
                                          {"ce-org", "acme"},
                                          {"ce-category", "invoice"},
                                          {"ce-severity", "success"}};
    (void)state;
    struct belfry_test *t = make_format("cloudevents-binary");
    deliver_item(t, &paid);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(belfry_test_header(t, 0, rows[i][0]), rows[i][1]);
    assert_null(belfry_test_header(t, 0, "ce-datacontenttype"));
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    belfry_test_free(t);
}

/* The example of the specification, and what could end a header. */
static void test_what_a_header_cannot_hold(void **state)
{
    static const char *const rows[][2] = {{"Euro \xe2\x82\xac \xf0\x9f\x98\x80", "Euro%20%E2%82%AC%20%F0%9F%98%80"},
                                          {"a\r\nX-Evil: 1", "a%0D%0AX-Evil:%201"},
                                          {"\"100%\"", "%22100%25%22"},
                                          {"!~\x7f", "!~%7F"}};
    (void)state;
    struct belfry_test *t = make_format("cloudevents-binary");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test_item item = paid;
        item.subject = rows[i][0];
        deliver_item(t, &item);
        assert_string_equal(belfry_test_header(t, i, "ce-subject"), rows[i][1]);
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    }
    struct belfry_test_item none = paid;
    none.subject = "";
    deliver_item(t, &none);
    assert_null(belfry_test_header(t, 4, "ce-subject")); /* an empty attribute is none */
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    belfry_test_free(t);
}

/* Numbers, order and blanks stay as they are stored; what looks like the member is not taken for it. */
static void test_the_data_of_a_payload(void **state)
{
    static const char *const rows[][2] = {
        {"{\"data\":{\"a\":1}}", "{\"a\":1}"},
        {"{ \"type\" : \"x,\\\"data\\\":{}\" , \"more\" : {\"data\":[0]}, \"data\" : [ 1.00, \"}\" ] , \"z\":1}",
         "[ 1.00, \"}\" ]"},
        {"{\"data\":\"\\\\\"}", "\"\\\\\""},
        {"{\"data\":17,\"b\":2}", "17"},
        {"{\"x\":1}", "null"},
        {"{}", "null"},
    };
    (void)state;
    struct belfry_test *t = make_format("cloudevents-binary");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test_item item = paid;
        item.payload = rows[i][0];
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
        uint64_t batch = deliver_item(t, &item);
        assert_string_equal(belfry_test_request(t, i)->body, rows[i][1]);
        expect_record(t, batch, item.payload, rows[i][1]);
    }
    belfry_test_free(t);
}

/* Libraries turn the body into text before they verify it: what is none could never be verified. */
static void test_a_body_that_is_no_text(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    uint64_t batch = deliver(t, "{\"a\":\"\xff\"}");
    assert_string_equal(state_of(t, batch), "rejected");
    assert_string_equal(belfry_test_outcome(t, batch, 0)->detail, "the body is not UTF-8");
    assert_int_equal(belfry_test_request_count(t), 0);
    belfry_test_free(t);
}

static void test_a_format_of_the_channel(void **state)
{
    (void)state;
    struct belfry_test *t = make("format: thin\n"
                                 "endpoints:\n"
                                 "  - {" ENDPOINT "}\n"
                                 "  - {name: other, url: 'http://o.example/', secret: " SECRET ", format: standard}\n");
    assert_string_equal(belfry_test_target(t, "crm")->settings.ptr, "{\"format\":\"thin\"}");
    assert_string_equal(belfry_test_target(t, "other")->settings.ptr, "{}");
    belfry_test_free(t);
}

/* --- headers of the endpoint -------------------------------------------------------------------------------------- */

static void test_headers_are_added(void **state)
{
    (void)state;
    struct belfry_test *t = make("endpoints: [{" ENDPOINT ", headers: {Authorization: Bearer s3cret, X-Team: crm, "
                                 "X-Empty: ''}}]");
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 500, .headers = HEADERS("X-Api-Key: k3y", "X-A: b")});
    uint64_t batch = deliver(t, "{}");
    assert_string_equal(belfry_test_header(t, 0, "authorization"), "Bearer s3cret");
    assert_string_equal(belfry_test_header(t, 0, "x-team"), "crm");
    assert_string_equal(belfry_test_header(t, 0, "x-empty"), "");
    const char *record = belfry_test_outcome(t, batch, 0)->record;
    assert_non_null(strstr(record, "\"Authorization\":\"***\""));
    assert_non_null(strstr(record, "\"X-Team\":\"crm\""));
    assert_non_null(strstr(record, "\"x-api-key\":\"***\""));
    assert_non_null(strstr(record, "\"x-a\":\"b\""));
    assert_null(strstr(record, "s3cret"));
    assert_null(strstr(record, "k3y"));
    belfry_test_free(t);
}

/* The fake host fails a test whose record is over 32 KiB. */
static void test_long_headers_are_kept_in_part(void **state)
{
    (void)state;
    char yaml[33 * 4200], *at = yaml;
    at += sprintf(at, "endpoints: [{" ENDPOINT ", headers: {");
    for (int i = 0; i < 32; i++) {
        at += sprintf(at, "X-%d: '", i);
        memset(at, 'x', 4096);
        at += 4096;
        at += sprintf(at, "', ");
    }
    sprintf(at, "}}]");
    struct belfry_test *t = make(yaml);
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 500, .body = "why"});
    uint64_t batch = deliver(t, "{}");
    assert_int_equal(strlen(belfry_test_header(t, 0, "x-31")), 4096);
    json_t *record = json_loads(belfry_test_outcome(t, batch, 0)->record, 0, NULL);
    const json_t *request = json_object_get(record, "request"), *response = json_object_get(record, "response");
    assert_string_equal(json_string_value(json_object_get(json_object_get(request, "headers"), "webhook-id")),
                        "msg_" ID);
    assert_string_equal(json_string_value(json_object_get(response, "body")), "why");
    json_decref(record);
    belfry_test_free(t);
}

/* --- signatures of the endpoint ----------------------------------------------------------------------------------- */

#define SEED "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static void test_signatures(void **state)
{
    static const struct {
        const char *more;
        size_t v1, v1a;
    } rows[] = {
        {"secret: " SECRET, 1, 0},
        {"secret: [" SECRET ", whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD]", 2, 0},
        {"secret: [" SECRET ", " SEED "]", 1, 0},
        {"secret: [" SECRET ", " SEED "], signatures: [v1, v1a]", 1, 1},
        {"secret: [" SECRET ", whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, " SEED "], signatures: [v1a, v1]", 2, 1},
        {"secret: [" SEED "], signatures: v1a", 0, 1},
        {"secret: ['" SECRET " " SEED "'], signatures: [v1, v1a]", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char yaml[500];
        snprintf(yaml, sizeof(yaml), "endpoints: [{name: crm, url: 'https://hooks.example.org/in', %s}]", rows[i].more);
        struct belfry_test *t = make(yaml);
        deliver(t, "{}");
        const char *header = belfry_test_header(t, 0, "webhook-signature");
        assert_int_equal(count_of(header, "v1,"), rows[i].v1);
        assert_int_equal(count_of(header, "v1a,"), rows[i].v1a);
        assert_int_equal(count_of(header, " "), rows[i].v1 + rows[i].v1a - 1);
        if (rows[i].v1 && rows[i].v1a)
            assert_true(strstr(header, "v1a,") > strstr(header, "v1,"));
        assert_int_equal(strstr(belfry_test_logs(t), "v1a alone") != NULL, !rows[i].v1);
        belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
        belfry_test_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_a_test_says_so),
        cmocka_unit_test(test_attributes_in_headers),
        cmocka_unit_test(test_what_a_header_cannot_hold),
        cmocka_unit_test(test_the_data_of_a_payload),
        cmocka_unit_test(test_a_body_that_is_no_text),
        cmocka_unit_test(test_a_format_of_the_channel),
        cmocka_unit_test(test_headers_are_added),
        cmocka_unit_test(test_long_headers_are_kept_in_part),
        cmocka_unit_test(test_signatures),
    };
    return cmocka_run_group_tests_name("webhook formats", tests, NULL, NULL);
}
