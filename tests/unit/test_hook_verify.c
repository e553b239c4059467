/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of hooks: the vectors that Standard Webhooks, Svix, GitHub and Slack publish, those made for the schemes
 * that publish none, and everything that must not count as one.
 */
#include "hook_fixture.h"

#define STANDARD "    verify: {scheme: standard-webhooks, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}"
#define GITHUB "    verify: {scheme: github, secret: \"It's a Secret to Everybody\"}"
#define STRIPE "    verify: {scheme: stripe, secret: whsec_test_secret}"
#define SLACK "    verify: {scheme: slack, secret: 8f742231b10e8888abcd99yyyzzz85a5}"
#define SHOPIFY "    verify: {scheme: shopify, secret: shpss_0123456789abcdef0123456789abcdef}"
#define XERO "    verify: {scheme: xero, secret: test-webhook-key}"
#define PUBLIC "    verify: {scheme: standard-webhooks, secret: whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=}"
#define SVIX "    verify: {scheme: svix, secret: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}"
#define SHA1 "    verify: {header: X-Sum, hash: sha1, secret: 0123456789abcdef0123}"
#define SHA512 "    verify: {header: X-Sum, hash: sha512, encoding: base64, secret: 0123456789abcdef0123}"
#define OWN                                                                                                            \
    "    verify: {header: X-Sum, separator: ';', prefix: s=, timestamp_prefix: t=, id_header: X-Id, key: base64,\n"    \
    "             signed: \"{id};{t}:{body}!\", secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM=, tolerance: 10s}"

#define V1_ID "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\n"
#define V1_HEAD V1_ID "webhook-timestamp: 1614265330\n"
#define V1_BODY "{\"test\": 2432232314}"
#define V1_SUM "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define V1_SIGNED V1_HEAD "webhook-signature: " V1_SUM
#define V1A_SUM "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
#define OTHER_SUM "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
#define GITHUB_SUM "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define STRIPE_SUM "22f7d74836ddad3284a2b80853dd2fe731655c1bfddcff3c3666a500cf3abd80"
#define SLACK_SUM "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
#define SLACK_BODY                                                                                                     \
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"                   \
    "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"                     \
    "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"     \
    "trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
#define XERO_BODY "{\"events\":[],\"lastEventSequence\":0,\"firstEventSequence\":0,\"entropy\":\"S0m3r4Nd0mt3xt\"}"

#define NO_HEADER "the header of its signature is not there, or not once"
#define NO_ID "the header of its id is not there, or not once"
#define NO_TIME "its time is missing or no number of seconds"
#define NO_ENTRY "its header holds no signature of this scheme"
#define WRONG "none of the secrets made its signature"
#define OLD "it is too old"
#define AHEAD "its time lies too far ahead"

static const struct row {
    const char *verify, *headers, *body;
    int64_t now;       /* seconds */
    const char *fault; /* NULL: genuine */
} rows[] = {
    /* Standard Webhooks */
    {STANDARD, V1_SIGNED, V1_BODY, 1614265330, NULL},
    {STANDARD, V1_HEAD "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", V1_BODY, 1614265330,
     WRONG},
    {STANDARD, V1_HEAD "webhook-signature: v1,", V1_BODY, 1614265330, NO_ENTRY},
    {STANDARD, V1_HEAD "webhook-signature: v1,g0hM9SsE", V1_BODY, 1614265330, WRONG},
    {STANDARD, V1_HEAD "webhook-signature: g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", V1_BODY, 1614265330,
     NO_ENTRY},
    {STANDARD, V1_HEAD "webhook-signature: v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", V1_BODY, 1614265330,
     NO_ENTRY},
    {STANDARD, V1_HEAD "webhook-signature: " V1A_SUM, V1_BODY, 1614265330, WRONG},
    {STANDARD, V1_SIGNED, "{\"test\": 2432232315}", 1614265330, WRONG},
    {STANDARD, V1_SIGNED, V1_BODY " ", 1614265330, WRONG},
    {STANDARD, V1_SIGNED, "", 1614265330, WRONG},
    {STANDARD, V1_HEAD "webhook-signature: v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=", "", 1614265330, NULL},
    {STANDARD, V1_HEAD "webhook-signature: v1,8Ey1PmOuBUK9icCNpp/kpuRs7rK4Oe9eq6CNeQbk3dQ=",
     "{\"greek\":\"\xce\xb1\xce\xb2\xce\xb3\",\"emoji\":\"\xf0\x9f\x98\x80\"}", 1614265330, NULL},
    {STANDARD,
     V1_HEAD "webhook-signature: " OTHER_SUM " v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " V1_SUM " " OTHER_SUM,
     V1_BODY, 1614265330, NULL},
    {STANDARD, V1_SIGNED, V1_BODY, 1614265330 + 300, NULL},
    {STANDARD, V1_SIGNED, V1_BODY, 1614265330 + 301, OLD},
    {STANDARD, V1_SIGNED, V1_BODY, 1614265330 - 300, NULL},
    {STANDARD, V1_SIGNED, V1_BODY, 1614265330 - 301, AHEAD},
    {STANDARD, "webhook-timestamp: 1614265330\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_ID},
    {STANDARD, V1_ID "webhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_TIME},
    {STANDARD, V1_HEAD, V1_BODY, 1614265330, NO_HEADER},
    {STANDARD, V1_ID "webhook-timestamp: hello\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_TIME},
    {STANDARD, V1_ID "webhook-timestamp: +1614265330\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_TIME},
    {STANDARD, V1_ID "webhook-timestamp: 9999999999999\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_TIME},
    {STANDARD, V1_SIGNED "\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330, NO_HEADER},
    {STANDARD, V1_SIGNED "\nwebhook-timestamp: 1614265330", V1_BODY, 1614265330, NO_TIME},
    {STANDARD, V1_SIGNED "\nwebhook-id: msg_other", V1_BODY, 1614265330, NO_ID},
    {STANDARD, "webhook-id: msg_other\nwebhook-timestamp: 1614265330\nwebhook-signature: " V1_SUM, V1_BODY, 1614265330,
     WRONG},
    /* the same in Ed25519, and both together while one moves to the other */
    {PUBLIC, V1_HEAD "webhook-signature: " V1A_SUM, V1_BODY, 1614265330, NULL},
    {PUBLIC, V1_HEAD "webhook-signature: " V1_SUM " " V1A_SUM, V1_BODY, 1614265330, NULL},
    {PUBLIC, V1_SIGNED, V1_BODY, 1614265330, WRONG},
    {PUBLIC, V1_HEAD "webhook-signature: " V1A_SUM, V1_BODY " ", 1614265330, WRONG},
    {PUBLIC, V1_HEAD "webhook-signature: v1a,hnO3f9T8", V1_BODY, 1614265330, WRONG},
    {PUBLIC, V1_HEAD "webhook-signature: v1a,!", V1_BODY, 1614265330, WRONG},
    /* Svix, with its own names of headers */
    {SVIX, "svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nsvix-timestamp: 1614265330\nsvix-signature: " V1_SUM, V1_BODY,
     1614265330, NULL},
    {SVIX, V1_SIGNED, V1_BODY, 1614265330, NO_HEADER},
    /* a secret that is changed: both count, a third does not */
    {"    verify: {scheme: standard-webhooks, secret: [whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, "
     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}",
     V1_SIGNED, V1_BODY, 1614265330, NULL},
    {"    verify: {scheme: standard-webhooks, secret: [whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, "
     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}",
     "webhook-id: msg_27UH4WbU6Z5A5EzD8u03UvzRbpk\nwebhook-timestamp: 1649367553\n"
     "webhook-signature: v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
     "{\"email\":\"test@example.com\",\"username\":\"test_user\"}", 1649367553, NULL},
    {"    verify: {scheme: standard-webhooks, secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD}", V1_SIGNED, V1_BODY,
     1614265330, WRONG},
    /* GitHub */
    {GITHUB, "x-hub-signature-256: sha256=" GITHUB_SUM, "Hello, World!", 0, NULL},
    {GITHUB, "x-hub-signature-256: sha256=" GITHUB_SUM, "Hello, World?", 0, WRONG},
    {GITHUB, "x-hub-signature-256: " GITHUB_SUM, "Hello, World!", 0, NO_ENTRY},
    {GITHUB, "x-hub-signature-256: sha256=", "Hello, World!", 0, NO_ENTRY},
    {GITHUB, "x-hub-signature-256: sha256=757107ea", "Hello, World!", 0, WRONG},
    {GITHUB, "x-hub-signature-256: sha256=" GITHUB_SUM "00", "Hello, World!", 0, WRONG},
    {GITHUB, "x-hub-signature-256: sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
     "Hello, World!", 0, WRONG},
    {GITHUB, "x-hub-signature: sha1=" GITHUB_SUM, "Hello, World!", 0, NO_HEADER},
    {GITHUB, "x-hub-signature-256:", "Hello, World!", 0, NO_HEADER},
    {GITHUB, "x-hub-signature-256: sha256=" GITHUB_SUM "\nx-hub-signature-256: sha256=" GITHUB_SUM, "Hello, World!", 0,
     NO_HEADER},
    /* Stripe */
    {STRIPE,
     "stripe-signature: t=1492774577,v1=" STRIPE_SUM ",v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816e",
     "{\"id\":\"evt_test\"}", 1492774577, NULL},
    {STRIPE, "stripe-signature: v1=00,t=1492774577, v1=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774877, NULL},
    {STRIPE, "stripe-signature: t=1492774577,v1=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774878, OLD},
    {STRIPE, "stripe-signature: t=1492774578,v1=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774577, WRONG},
    {STRIPE, "stripe-signature: t=1492774577,t=1492774577,v1=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774577,
     "its time is there more than once"},
    {STRIPE, "stripe-signature: v1=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774577, NO_TIME},
    {STRIPE, "stripe-signature: t=1492774577,v0=" STRIPE_SUM, "{\"id\":\"evt_test\"}", 1492774577, NO_ENTRY},
    {STRIPE, "stripe-signature: t=1492774577", "{\"id\":\"evt_test\"}", 1492774577, NO_ENTRY},
    {STRIPE,
     "stripe-signature: "
     "t=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,"
     "v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1,v1=1",
     "", 1, "its header has too many entries"},
    /* Slack, Shopify, Xero */
    {SLACK, "x-slack-request-timestamp: 1531420618\nx-slack-signature: " SLACK_SUM, SLACK_BODY, 1531420618, NULL},
    {SLACK, "x-slack-request-timestamp: 1531420618\nx-slack-signature: " SLACK_SUM, SLACK_BODY, 1531420919, OLD},
    {SLACK, "x-slack-request-timestamp: 1531420619\nx-slack-signature: " SLACK_SUM, SLACK_BODY, 1531420618, WRONG},
    {SLACK, "x-slack-signature: " SLACK_SUM, SLACK_BODY, 1531420618, NO_TIME},
    {SHOPIFY, "x-shopify-hmac-sha256: 4GHarqKT6Ii21bNJz9F4jAwZD+ZP23np8M9NQRhQqZI=", "{\"id\":1}", 0, NULL},
    {SHOPIFY, "x-shopify-hmac-sha256: 4GHarqKT6Ii21bNJz9F4jAwZD+ZP23np8M9NQRhQqZI", "{\"id\":1}", 0, WRONG},
    {SHOPIFY, "x-shopify-hmac-sha256: 4GHarqKT6Ii21bNJz9F4jAwZD+ZP23np8M9NQRhQqZI=", "{\"id\":2}", 0, WRONG},
    {XERO, "x-xero-signature: qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIws=", XERO_BODY, 0, NULL},
    {XERO, "x-xero-signature: qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIww=", XERO_BODY, 0, WRONG},
    /* other parameters */
    {SHA1, "x-sum: ac3fb16fe9f3b94a239a48e872a567bd57d7c85d", "Hello", 0, NULL},
    {SHA1, "x-sum: AC3FB16FE9F3B94A239A48E872A567BD57D7C85D", "Hello", 0, WRONG},
    {SHA512, "x-sum: K6xvR53slLObJf+sKXxxsY2jXdVR33iKePbAfG8670zfmq+IQOKjk+wr36PZZvZcgcQHYiAG+po+nbwNl5KbIQ==", "Hello",
     0, NULL},
    {OWN, "x-sum: t=100;s=af94e0c75447147a3379ab698ec119f56313659a3472c0338670b0ca9b58d927\nx-id: 7", "Hello", 110,
     NULL},
    {OWN, "x-sum: t=100;s=af94e0c75447147a3379ab698ec119f56313659a3472c0338670b0ca9b58d927\nx-id: 7", "Hello", 111,
     OLD},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *config = hook_config(rows[i].verify);
        struct belfry_attr headers[16];
        size_t count = hook_headers(rows[i].headers, headers);
        const char *fault =
            hook_verify(config->sources[0].verify, headers, count, str_of(rows[i].body), rows[i].now * 1000);
        if ((fault == NULL) != (rows[i].fault == NULL) || (fault && strcmp(fault, rows[i].fault) != 0))
            fail_msg("row %zu: %s", i, fault ? fault : "taken as genuine");
        config_unref(config);
    }
}

/* Bodies of the size at which a worker reads them. */
static void test_long_bodies(void **state)
{
    static const struct {
        size_t len;
        const char *sum;
    } bodies[] = {{1048576, "webhook-signature: v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="},
                  {262144, "webhook-signature: v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="},
                  {262143, "webhook-signature: v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="}};
    (void)state;
    struct config *config = hook_config(STANDARD);
    char *body = xmalloc(bodies[0].len);
    memset(body, 'a', bodies[0].len);
    for (size_t i = 0; i < 3; i++) {
        char *text = xasprintf("%s%s", V1_HEAD, bodies[i].sum);
        struct belfry_attr headers[16];
        size_t count = hook_headers(text, headers);
        assert_null(hook_verify(config->sources[0].verify, headers, count, str_slice(body, bodies[i].len),
                                INT64_C(1614265330000)));
        assert_string_equal(hook_verify(config->sources[0].verify, headers, count, str_slice(body, bodies[i].len - 1),
                                        INT64_C(1614265330000)),
                            WRONG);
        free(text);
    }
    free(body);
    config_unref(config);
}

/* Of a check that was made without secrets: no signature is right by a key that is not there. */
static void test_no_key(void **state)
{
    (void)state;
    struct config *config = hook_config("    verify: {scheme: github, secret: \"${env:BELFRY_NOT_THERE}\"}");
    struct belfry_attr headers[16]; /* the HMAC of "x" by the empty key */
    size_t count = hook_headers(
        "x-hub-signature-256: sha256=4cbc96099a6467ce002461f10549b4898265ebe6188b45efacc44293516e62c4", headers);
    assert_string_equal(hook_verify(config->sources[0].verify, headers, count, STR("x"), 0), WRONG);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_long_bodies),
                                       cmocka_unit_test(test_no_key)};
    setenv("BELFRY_PLUGIN_PATH", BELFRY_SRCDIR "/tests/config/plugins", 1);
    return cmocka_run_group_tests_name("signatures of hooks", tests, NULL, NULL);
}
