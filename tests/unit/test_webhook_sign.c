/* SPDX-License-Identifier: Apache-2.0 */
/* Standard Webhooks signatures against the published vectors and against those that other libraries agree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/webhook/sign.h"

#include <openssl/evp.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME 1614265330

static EVP_MAC_CTX *sign; /* used again and again, as in the plugin */

struct vector {
    const char *secret, *id;
    int64_t timestamp;
    const char *body;
    size_t letters; /* instead of a body: so many `a` */
    const char *signature;
};

static const struct vector vectors[] = {
    /* the reference libraries in seven languages */
    {SECRET, ID, TIME, "{\"test\": 2432232314}", 0, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    /* the same secret without its prefix */
    {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ID, TIME, "{\"test\": 2432232314}", 0,
     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    /* the reference library in Rust */
    {"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
     "{\"email\":\"test@example.com\",\"username\":\"test_user\"}", 0,
     "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
    /* large bodies */
    {SECRET, ID, TIME, NULL, 1048576, "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="},
    {SECRET, ID, TIME, NULL, 262144, "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="},
    {SECRET, ID, TIME, NULL, 262143, "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="},
    /* nothing, and what is not ASCII */
    {SECRET, ID, TIME, "", 0, "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
    {SECRET, ID, TIME, "{\"greek\":\"αβγ\",\"emoji\":\"😀\"}", 0, "v1,8Ey1PmOuBUK9icCNpp/kpuRs7rK4Oe9eq6CNeQbk3dQ="},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        uint8_t key[SIGN_KEY_MAX];
        char signature[SIGN_TEXT_SIZE], *letters = malloc(v->letters + 1);
        const char *fault = "unset";
        memset(letters, 'a', v->letters);
        struct belfry_str body = v->body ? belfry_str(v->body) : (struct belfry_str){letters, v->letters};
        size_t len = sign_key(belfry_str(v->secret), key, &fault);
        assert_int_equal(len, 24);
        assert_null(fault);
        sign_v1(sign, key, len, belfry_str(v->id), v->timestamp, body, signature);
        assert_string_equal(signature, v->signature);
        free(letters);
    }
}

static void test_whatever_is_signed_counts(void **state)
{
    (void)state;
    uint8_t key[24] = {1}, other[24] = {2};
    char a[SIGN_TEXT_SIZE], b[SIGN_TEXT_SIZE];
    sign_v1(sign, key, 24, belfry_str("msg_1"), 7, belfry_str("{}"), a);
    sign_v1(sign, other, 24, belfry_str("msg_1"), 7, belfry_str("{}"), b);
    assert_string_not_equal(a, b);
    sign_v1(sign, key, 24, belfry_str("msg_2"), 7, belfry_str("{}"), b);
    assert_string_not_equal(a, b);
    sign_v1(sign, key, 24, belfry_str("msg_1"), 8, belfry_str("{}"), b);
    assert_string_not_equal(a, b);
    sign_v1(sign, key, 24, belfry_str("msg_1"), 7, belfry_str("{ }"), b);
    assert_string_not_equal(a, b);
    sign_v1(sign, key, 24, belfry_str("msg_1"), 7, belfry_str("{}"), b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), SIGN_TEXT_SIZE - 1);
}

/* A long id must not be cut, nor read past its end. */
static void test_a_long_id(void **state)
{
    (void)state;
    uint8_t key[24] = {1};
    char id[300], a[SIGN_TEXT_SIZE], b[SIGN_TEXT_SIZE];
    memset(id, 'x', sizeof(id));
    sign_v1(sign, key, 24, (struct belfry_str){id, 300}, 7, belfry_str("{}"), a);
    sign_v1(sign, key, 24, (struct belfry_str){id, 299}, 7, belfry_str("{}"), b);
    assert_string_not_equal(a, b);
}

#define SHORT "holds fewer than 24 bytes; make one with `openssl rand -base64 32`"
#define BROKEN "is not `whsec_` and base64 of at most 64 bytes"

static void test_secrets(void **state)
{
    static const struct {
        const char *secret;
        size_t len;
        const char *fault;
    } rows[] = {
        {"", 0, SHORT},
        {"whsec_", 0, SHORT},
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0, SHORT},      /* 23 bytes */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 24, NULL},      /* 24 */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", 25, NULL},  /* padded */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 25, NULL},    /* and not */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0, BROKEN},  /* half */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, BROKEN},    /* a letter too many */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA====", 0, BROKEN}, /* padding of nothing */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA-_AA", 0, BROKEN},     /* the URL's alphabet */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA AAA", 0, BROKEN},
        {"WHSEC_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, BROKEN},
        {"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", 0, BROKEN},
        {"whsec_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", 64, NULL},
        {"whsec_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6KvgAA", 0, BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t key[SIGN_KEY_MAX];
        const char *fault = "unset";
        assert_int_equal(sign_key(belfry_str(rows[i].secret), key, &fault), rows[i].len);
        if (rows[i].fault)
            assert_string_equal(fault, rows[i].fault);
        else
            assert_null(fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_whatever_is_signed_counts),
        cmocka_unit_test(test_a_long_id),
        cmocka_unit_test(test_secrets),
    };
    sign = sign_new();
    int failed = cmocka_run_group_tests_name("webhook signatures", tests, NULL, NULL);
    EVP_MAC_CTX_free(sign);
    return failed;
}
