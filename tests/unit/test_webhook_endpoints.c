/* SPDX-License-Identifier: Apache-2.0 */
/* What people may say of an endpoint over the API, what they are told, and that it goes out as they said. */
#include "webhook_fixture.h"

#define URL "https://a.example.org/in"

static void expect_kept(struct belfry_test *t, const char *settings, const char *before, const char *kept)
{
    const char *got = belfry_test_endpoint(t, URL, settings, before);
    belfry_test_expect_error(t, "");
    assert_non_null(got);
    assert_string_equal(got, kept);
}

static void test_settings_that_are_kept(void **state)
{
    static const struct {
        const char *settings, *before, *kept;
    } rows[] = {
        {"{}", NULL, "{}"},
        {"{\"format\":\"standard\",\"signatures\":[\"v1\"],\"handshake\":false,\"headers\":{}}", NULL, "{}"},
        {"{\"format\":\"thin\"}", NULL, "{\"format\":\"thin\"}"},
        {"{\"signatures\":[\"v1a\",\"v1\"],\"handshake\":true}", NULL,
         "{\"signatures\":[\"v1\",\"v1a\"],\"handshake\":true}"},
        {"{\"headers\":{\"X-B\":\"2\",\"X-A\":\"\\\"\"}}", NULL, "{\"headers\":{\"X-B\":\"2\",\"X-A\":\"\\\"\"}}"},
        /* what is not named stays, null is the default again */
        {"{}", "{\"format\":\"thin\",\"handshake\":true}", "{\"format\":\"thin\",\"handshake\":true}"},
        {"{\"handshake\":null,\"format\":null}", "{\"format\":\"thin\",\"handshake\":true}", "{}"},
        {"{\"signatures\":null}", "{\"signatures\":[\"v1a\"],\"headers\":{\"X\":\"y\"}}",
         "{\"headers\":{\"X\":\"y\"}}"},
        {"{\"headers\":null}", "{\"headers\":{\"X\":\"y\"}}", "{}"},
        /* headers are replaced as a whole, a masked one is the one that was there */
        {"{\"headers\":{\"X-Team\":\"z\"}}", "{\"headers\":{\"X-Team\":\"y\",\"X-More\":\"m\"}}",
         "{\"headers\":{\"X-Team\":\"z\"}}"},
        {"{\"headers\":{\"authorization\":\"***\",\"X-Team\":\"***\"}}",
         "{\"headers\":{\"Authorization\":\"Bearer s3cret\",\"X-Team\":\"y\"}}",
         "{\"headers\":{\"authorization\":\"Bearer s3cret\",\"X-Team\":\"***\"}}"},
    };
    (void)state;
    struct belfry_test *t = make("{}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_kept(t, rows[i].settings, rows[i].before, rows[i].kept);
    belfry_test_free(t);
}

/* The channel's format is for what is made now; a later change of it is not told to endpoints that are there. */
static void test_a_format_of_the_channel(void **state)
{
    (void)state;
    struct belfry_test *t = make("format: cloudevents-binary");
    expect_kept(t, "{}", NULL, "{\"format\":\"cloudevents-binary\"}");
    expect_kept(t, "{\"format\":\"standard\"}", NULL, "{}");
    expect_kept(t, "{}", "{}", "{}");
    belfry_test_free(t);
}

#define NOT_OURS "cannot be set: the hub or what is between says it"

static void test_settings_that_are_refused(void **state)
{
    static const struct {
        const char *settings, *error;
    } rows[] = {
        {"[]", "the settings must be a JSON object without a member twice"},
        {"{\"a\":1,\"a\":2}", "the settings must be a JSON object without a member twice"},
        {"{\"formt\":\"thin\"}", "/formt: is no member of an endpoint"},
        {"{\"format\":\"xml\"}", "/format: must be standard, thin, cloudevents-structured or cloudevents-binary"},
        {"{\"format\":7}", "/format: must be standard, thin, cloudevents-structured or cloudevents-binary"},
        {"{\"signatures\":\"v1\"}", "/signatures: must be a list of v1, v1a or both"},
        {"{\"signatures\":[]}", "/signatures: must be a list of v1, v1a or both"},
        {"{\"signatures\":[\"v1\",\"v1\"]}", "/signatures: must be a list of v1, v1a or both"},
        {"{\"signatures\":[\"v2\"]}", "/signatures: must be a list of v1, v1a or both"},
        {"{\"handshake\":\"yes\"}", "/handshake: must be true or false"},
        {"{\"headers\":[]}", "/headers: must be an object of names and texts"},
        {"{\"headers\":{\"X\":1}}", "/headers/X: must be a text"},
        {"{\"headers\":{\"\":\"x\"}}", "/headers/: must have a name of 1 to 127 characters"},
        {"{\"headers\":{\"X Y\":\"1\"}}", "/headers/X Y: is no name of a header: letters, digits and !#$%&'*+-.^_`|~"},
        {"{\"headers\":{\"a/b~\":\"1\"}}",
         "/headers/a~1b~0: is no name of a header: letters, digits and !#$%&'*+-.^_`|~"},
        {"{\"headers\":{\"X:\":\"1\"}}", "/headers/X:: is no name of a header: letters, digits and !#$%&'*+-.^_`|~"},
        {"{\"headers\":{\"X\":\"a\\r\\nHost: evil\"}}", "/headers/X: may only hold visible ASCII, blanks and tabs"},
        {"{\"headers\":{\"X\":\"a\\u0000b\"}}",
         "the settings must be a JSON object without a member twice"}, /* jansson refuses it */
        {"{\"headers\":{\"X\":\"\\u007f\"}}", "/headers/X: may only hold visible ASCII, blanks and tabs"},
        {"{\"headers\":{\"X\":\"ä\"}}", "/headers/X: may only hold visible ASCII, blanks and tabs"},
        {"{\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}}", "/headers/x-a: is there twice"},
        {"{\"headers\":{\"X-Token\":\"***\"}}",
         "/headers/X-Token: is masked, and there is no value that it could stand for"},
        /* all faults at once */
        {"{\"format\":1,\"handshake\":1}",
         "/format: must be standard, thin, cloudevents-structured or cloudevents-binary\n"
         "/handshake: must be true or false"},
    };
    (void)state;
    struct belfry_test *t = make("{}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(belfry_test_endpoint(t, URL, rows[i].settings, NULL));
        belfry_test_expect_error(t, rows[i].error);
    }
    belfry_test_free(t);
}

static void test_headers_that_are_not_theirs(void **state)
{
    static const char *const names[] = {"Host",
                                        "connection",
                                        "Keep-Alive",
                                        "TE",
                                        "trailer",
                                        "Trailers",
                                        "Upgrade",
                                        "Expect",
                                        "User-Agent",
                                        "Age",
                                        "Expires",
                                        "Pragma",
                                        "Warning",
                                        "Cache-Control",
                                        "Set-Cookie",
                                        "Date",
                                        "content-type",
                                        "Content-Length",
                                        "Content-Foo",
                                        "Proxy-Anything",
                                        "webhook-id",
                                        "Webhook-Foo",
                                        "ce-id",
                                        "CE-X",
                                        "X-Amz-Date",
                                        "x-amzn-x",
                                        "x-google-a",
                                        "X-Goog-B",
                                        "x-gfe-c",
                                        "X-Azure-D",
                                        "x-fd-e",
                                        "X-Svix-F",
                                        "svix-id",
                                        "Transfer-Encoding",
                                        "Clear-Site-Data",
                                        "WebHook-Request-Origin"};
    static const char *const allowed[] = {"Authorization", "X-Api-Key", "Cookie",     "Accept",
                                          "X-Contents",    "Hosted",    "traceparent"};
    (void)state;
    struct belfry_test *t = make("{}");
    char settings[100], error[150];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(settings, sizeof(settings), "{\"headers\":{\"%s\":\"1\"}}", names[i]);
        snprintf(error, sizeof(error), "/headers/%s: " NOT_OURS, names[i]);
        assert_null(belfry_test_endpoint(t, URL, settings, NULL));
        belfry_test_expect_error(t, error);
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        snprintf(settings, sizeof(settings), "{\"headers\":{\"%s\":\"1\"}}", allowed[i]);
        expect_kept(t, settings, NULL, settings);
    }
    belfry_test_free(t);
}

/* 32 headers of 4096 characters, and no more. */
static void test_bounds_of_headers(void **state)
{
    (void)state;
    struct belfry_test *t = make("{}");
    char settings[5000], value[4098];
    memset(value, 'v', sizeof(value));
    for (int over = 0; over <= 1; over++) {
        snprintf(settings, sizeof(settings), "{\"headers\":{\"X\":\"%.*s\"}}", 4096 + over, value);
        assert_int_equal(belfry_test_endpoint(t, URL, settings, NULL) == NULL, over);
        belfry_test_expect_error(t, over ? "/headers/X: is longer than 4096 characters" : "");
        char *at = settings + sprintf(settings, "{\"headers\":{");
        for (int i = 0; i < 32 + over; i++)
            at += sprintf(at, "%s\"X-%d\":\"1\"", i ? "," : "", i);
        sprintf(at, "}}");
        assert_int_equal(belfry_test_endpoint(t, URL, settings, NULL) == NULL, over);
        belfry_test_expect_error(t, over ? "/headers: must not be more than 32" : "");
    }
    belfry_test_free(t);
}

static void test_urls(void **state)
{
#define NO_BLANKS                                                                                                      \
    "/url: must not hold blanks, control characters or letters beyond ASCII; a name in other letters begins with "     \
    "xn--, a path has them as %XX"
#define NO_USER "/url: must not hold a user name or password; receivers know us by the signature"
#define INSIDE "/url: leads to a private address, which this hub does not call; the channel may `allow_cidrs` it"
#define NO_SCHEME "/url: must be an absolute URL of scheme http or https"
#define NO_PORT "/url: must have a port from 1 to 65535, or none"
#define NO_HOST "/url: has a host that is neither a name (letters, digits, - _ and dots) nor an address"
#define NO_BACKSLASH "/url: must not hold a backslash, which some read as a slash; a path has it as %5C"
    static const struct {
        const char *url, *error;
    } rows[] = {
        {"https://a.example.org", ""},
        {"https://a_b.example.org.", ""},
        {"HTTP://a.example.org:8080/x?y=z@q#f", ""},
        {"http://[2606:2800::1]:443/x", ""},
        {"http://[2606:2800::1]", ""},
        {"http://xn--bcher-kva.example/%C3%BC", ""},
        {"ftp://a.example.org/", NO_SCHEME},
        {"//a.example.org/", NO_SCHEME},
        {"https:a.example.org/", NO_SCHEME},
        {"javascript:alert(1)", NO_SCHEME},
        {"", NO_SCHEME},
        {"http://", NO_SCHEME},
        {"https:///x", "/url: names no host"},
        {"https://:443/x", "/url: names no host"},
        {"https://good.example\\@evil.example/", NO_BACKSLASH},
        {"https://a.example.org/a\\b", NO_BACKSLASH},
        {"https://a\"b.example/", NO_HOST},
        {"https://a<b>.example/", NO_HOST},
        {"https://a%2Eexample/", NO_HOST},
        {"https://a,b.example/", NO_HOST},
        {"http://[zz]/", NO_HOST},
        {"http://[2606:2800::1/", NO_HOST},
        {"http://[]/", NO_HOST},
        {"http://[1.2.3.4]/", NO_HOST},
        {"https://good.example@10.0.0.1/", NO_USER},
        {"https://user:pass@a.example.org/", NO_USER},
        {"https://a.example.org\\@good.example/", NO_BACKSLASH},
        {"https://127.0.0.1:8080\\@good.example/", NO_BACKSLASH},
        {"https://a.example.org\\x", NO_BACKSLASH},
        {"https://a%00b.example/", NO_HOST},
        {"https://%31%32%37.0.0.1/", NO_HOST},
        {"https://a%2Fb.example/", NO_HOST},
        {"https://a{b}.example/", NO_HOST},
        {"https://a_b.example-1.org./x", ""},
        {"http://[fe80::1%25eth0]/", INSIDE},
        {"https://a.example.org:0/", NO_PORT},
        {"https://a.example.org:65536/", NO_PORT},
        {"https://a.example.org:/", NO_PORT},
        {"https://a.example.org:8o/", NO_PORT},
        {"https://[2001:db8::1]x/", NO_PORT},
        {"http://127.0.0.1:8080/", INSIDE},
        {"http://0x7f.1/", INSIDE},
        {"http://2130706433/", INSIDE},
        {"http://[::ffff:169.254.169.254]/latest/meta-data", INSIDE},
        {"http://[fd00:ec2::254]/", INSIDE},
        {"http://[fe81::1%25eth0]:8080/", ""}, /* allow_cidrs */
        {"http://[fe81::1%25]/", NO_HOST},
        {"http://[fe81::1%25a%25b]/", NO_HOST},
        {"http://[fe81::1%eth0]/", NO_HOST},
        {"http://10.20.0.1/", INSIDE},
        {"http://10.30.0.1/", ""}, /* allow_cidrs */
        {"http://93.184.216.34/", ""},
        {"http://localhost/", ""}, /* a name: judged when it is called */
        {"https://a.example.org/a b", NO_BLANKS},
        {"https://a.example.org/\r\nX: y", NO_BLANKS},
        {"https://bücher.example/", NO_BLANKS},
    };
    (void)state;
    struct belfry_test *t = make("allow_cidrs: [10.30.0.0/16, \"fe81::/16\"]");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(belfry_test_endpoint(t, rows[i].url, "{}", NULL) != NULL, !*rows[i].error);
        belfry_test_expect_error(t, rows[i].error);
    }
    belfry_test_free(t);
}

#define BEHIND ": is for the server of before: give it again for this one, or take it out"
#define KEEPS "{\"headers\":{\"Authorization\":\"Bearer s3cret\",\"X-Team\":\"y\"}}"

/* A credential that nobody is shown must not be read by pointing the endpoint to a server of one's own. */
static void test_credentials_stay_with_their_server(void **state)
{
    static const struct {
        const char *from, *to, *settings, *error;
    } rows[] = {
        {URL, URL "/other?x", "{}", ""},
        {URL, "https://A.example.org:443/x", "{}", ""},
        {"http://a.example.org:0080/", "http://a.example.org", "{}", ""},
        {"http://[2606::1]:8080/", "http://[2606::1]:8080/x", "{}", ""},
        {URL, "https://b.example.org/in", "{}", "/headers/Authorization" BEHIND},
        {URL, "https://a.example.org.evil.example/in", "{}", "/headers/Authorization" BEHIND},
        {URL, "https://a.example.or/in", "{}", "/headers/Authorization" BEHIND},
        {URL, "http://a.example.org/in", "{}", "/headers/Authorization" BEHIND},
        {URL, "http://a.example.org:443/in", "{}", "/headers/Authorization" BEHIND},
        {URL, "https://a.example.org:444/in", "{}", "/headers/Authorization" BEHIND},
        {"http://[2606::1]:8080/", "http://[2606::2]:8080/", "{}", "/headers/Authorization" BEHIND},
        {URL, "https://b.example.org/", "{\"headers\":{\"authorization\":\"***\"}}", "/headers/authorization" BEHIND},
        {URL, "https://b.example.org/", "{\"headers\":{\"Authorization\":\"Bearer s3cret\"}}", ""},
        {URL, "https://b.example.org/", "{\"headers\":{\"X-Team\":\"z\"}}", ""},
        {URL, "https://b.example.org/", "{\"headers\":null}", ""},
    };
    (void)state;
    struct belfry_test *t = make("{}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *kept = belfry_test_endpoint_moved(t, rows[i].to, rows[i].from, rows[i].settings, KEEPS);
        belfry_test_expect_error(t, rows[i].error);
        assert_int_equal(kept != NULL, !*rows[i].error);
    }
    assert_non_null(belfry_test_endpoint_moved(t, "https://b.example.org/", URL, "{}", "{\"headers\":{\"X\":\"y\"}}"));
    belfry_test_free(t);
}

/* --- secrets ------------------------------------------------------------------------------------------------------ */

static void test_fresh_secrets(void **state)
{
    (void)state;
    struct belfry_test *t = make("{}");
    const char *one = belfry_test_endpoint_secret(t, "{}", NULL), *other = belfry_test_endpoint_secret(t, "{}", NULL);
    assert_string_not_equal(one, other);
    assert_memory_equal(one, "whsec_", 6);
    assert_int_equal(strcspn(one, " "), 6 + 44); /* 32 bytes */
    assert_memory_equal(one + 50, " whsk_", 6);  /* so that v1a can be switched on later */
    belfry_test_free(t);
}

static void test_secrets_of_their_own(void **state)
{
    (void)state;
    struct belfry_test *t = make("{}");
    const char *got = belfry_test_endpoint_secret(t, "{}", SECRET);
    assert_memory_equal(got, SECRET " whsk_", sizeof(SECRET " whsk_") - 1);
    assert_null(belfry_test_endpoint_secret(t, "{}", "whsec_AAAA"));
    belfry_test_expect_error(
        t, "/secret: holds fewer than 24 bytes; make one with `echo \"whsec_$(openssl rand -base64 32)\"`");
    assert_null(belfry_test_endpoint_secret(t, "{}", "whsk_AAAA"));
    assert_null(belfry_test_endpoint_secret(t, "{}", SECRET " " SECRET));
    belfry_test_expect_error(t, "/secret: holds two keys of one kind; a list has them one by one");
    belfry_test_free(t);
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

#define SEED "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define PUBLIC "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

static void test_what_is_shown(void **state)
{
    static const struct {
        const char *settings;
        uint32_t flags;
        const char *shown;
    } rows[] = {
        {"", 0, "{\"headers\":{},\"format\":\"standard\",\"signatures\":[\"v1\"],\"handshake\":false}"},
        {"{}", BELFRY_ENDPOINT_REVEAL,
         "{\"headers\":{},\"format\":\"standard\",\"signatures\":[\"v1\"],\"handshake\":false,\"secret\":\"" SECRET
         "\"}"},
        {"{\"headers\":{\"Authorization\":\"Bearer s3cret\",\"X-Team\":\"crm\",\"My-API-KEY\":\"k\",\"X-Csrf-TOKEN\":"
         "\"t\",\"Cookie\":\"c\",\"X-Password\":\"p\",\"X-Signature\":\"s\",\"X-Secret\":\"s\",\"X-Auth\":\"a\"},"
         "\"format\":\"thin\",\"signatures\":[\"v1\",\"v1a\"],\"handshake\":true}",
         0,
         "{\"headers\":{\"Authorization\":\"***\",\"X-Team\":\"crm\",\"My-API-KEY\":\"***\",\"X-Csrf-TOKEN\":\"***\","
         "\"Cookie\":\"***\",\"X-Password\":\"***\",\"X-Signature\":\"***\",\"X-Secret\":\"***\",\"X-Auth\":\"***\"},"
         "\"format\":\"thin\",\"signatures\":[\"v1\",\"v1a\"],\"handshake\":true,\"public_key\":\"" PUBLIC "\"}"},
        {"{\"signatures\":[\"v1a\"]}", BELFRY_ENDPOINT_REVEAL,
         "{\"headers\":{},\"format\":\"standard\",\"signatures\":[\"v1a\"],\"handshake\":false,\"public_key\":\"" PUBLIC
         "\",\"secret\":\"" SECRET "\"}"},
    };
    (void)state;
    struct belfry_test *t = make("{}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(belfry_test_endpoint_shown(t, rows[i].settings, SECRET " " SEED, rows[i].flags),
                            rows[i].shown);
    belfry_test_free(t);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void test_it_goes_out_as_they_said(void **state)
{
    (void)state;
    struct belfry_test *t = make("{}");
    const char *settings = belfry_test_endpoint(
        t, URL, "{\"headers\":{\"X-Team\":\"a\"},\"format\":\"thin\",\"signatures\":[\"v1\",\"v1a\"]}", NULL);
    belfry_test_endpoint_make(t, "crm", URL, settings, belfry_test_endpoint_secret(t, settings, NULL));
    deliver(t, "{}");
    const struct belfry_test_request *r = belfry_test_request(t, 0);
    assert_string_equal(r->url, URL);
    assert_string_equal(belfry_test_header(t, 0, "x-team"), "a");
    assert_memory_equal(r->body, "{\"type\":\"record.assigned\"", 25);
    assert_non_null(strstr(belfry_test_header(t, 0, "webhook-signature"), " v1a,"));
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    belfry_test_free(t);
}

/* What is stored can be broken (sealed with another hub's secret): it is said, and nothing is sent. */
static void test_what_cannot_be_read(void **state)
{
    static const char *const rows[][3] = {
        {"[]", SECRET, "the endpoint's settings cannot be read"},
        {"{\"format\":\"new\"}", SECRET, "the endpoint's settings cannot be read"},
        {"{\"signatures\":[\"v9\"]}", SECRET, "the endpoint's settings cannot be read"},
        {"{\"signatures\":[\"v1a\"]}", SECRET, "the endpoint's secret cannot be used"},
        {"{}", "", "the endpoint's secret cannot be used"},
        {"{}", "whsec_", "the endpoint's secret cannot be used"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make("{}");
        belfry_test_endpoint_make(t, "crm", URL, rows[i][0], rows[i][1]);
        uint64_t batch = deliver(t, "{}");
        assert_string_equal(state_of(t, batch), "rejected");
        assert_string_equal(belfry_test_outcome(t, batch, 0)->detail, rows[i][2]);
        assert_int_equal(belfry_test_request_count(t), 0);
        belfry_test_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_that_are_kept),
        cmocka_unit_test(test_a_format_of_the_channel),
        cmocka_unit_test(test_settings_that_are_refused),
        cmocka_unit_test(test_headers_that_are_not_theirs),
        cmocka_unit_test(test_bounds_of_headers),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_credentials_stay_with_their_server),
        cmocka_unit_test(test_fresh_secrets),
        cmocka_unit_test(test_secrets_of_their_own),
        cmocka_unit_test(test_what_is_shown),
        cmocka_unit_test(test_it_goes_out_as_they_said),
        cmocka_unit_test(test_what_cannot_be_read),
    };
    return cmocka_run_group_tests_name("webhook endpoints", tests, NULL, NULL);
}
