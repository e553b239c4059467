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
#define BODY "{\"test\": 2432232314}"
#define V1_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
/* of the Svix server */
#define ED25519_SECRET "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define ED25519_SIGNATURE "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

static EVP_MAC_CTX *mac; /* used again and again, as in the plugin */

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
    {ED25519_SECRET, ID, TIME, BODY, 0, ED25519_SIGNATURE},
    /* both in one secret */
    {SECRET " " ED25519_SECRET, ID, TIME, BODY, 0, V1_SIGNATURE " " ED25519_SIGNATURE},
    {ED25519_SECRET " " SECRET, ID, TIME, BODY, 0, V1_SIGNATURE " " ED25519_SIGNATURE},
    /* large bodies */
    {SECRET, ID, TIME, NULL, 1048576, "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="},
    {SECRET, ID, TIME, NULL, 262144, "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="},
    {SECRET, ID, TIME, NULL, 262143, "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="},
    /* nothing, and what is not ASCII */
    {SECRET, ID, TIME, "", 0, "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
    {SECRET, ID, TIME, "{\"greek\":\"αβγ\",\"emoji\":\"😀\"}", 0, "v1,8Ey1PmOuBUK9icCNpp/kpuRs7rK4Oe9eq6CNeQbk3dQ="},
};

/* The header's value for one secret. */
static struct text sign_with(const char *secret, uint32_t wanted, const char *id, int64_t timestamp,
                             struct belfry_str body)
{
    struct key keys[KEYS_OF_SECRET];
    struct text out = {0};
    const char *fault = "unset";
    size_t count = keys_read(belfry_str(secret), keys, &fault);
    assert_null(fault);
    size_t made = sign_all(mac, keys, count, wanted, &(struct signing){belfry_str(id), timestamp, body}, &out);
    assert_int_equal(made > 0, out.len > 0);
    return out;
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        char *letters = malloc(v->letters + 1);
        memset(letters, 'a', v->letters);
        struct belfry_str body = v->body ? belfry_str(v->body) : (struct belfry_str){letters, v->letters};
        struct text out = sign_with(v->secret, SIGNATURE_V1 | SIGNATURE_V1A, v->id, v->timestamp, body);
        assert_string_equal(out.ptr, v->signature);
        free(out.ptr);
        free(letters);
    }
}

static void test_whatever_is_signed_counts(void **state)
{
    static const struct {
        const char *secret, *id;
        int64_t timestamp;
        const char *body;
    } others[] = {{"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_1", 7, "{}"},
                  {SECRET, "msg_2", 7, "{}"},
                  {SECRET, "msg_1", 8, "{}"},
                  {SECRET, "msg_1", 7, "{ }"}};
    (void)state;
    struct text one = sign_with(SECRET, SIGNATURE_V1, "msg_1", 7, belfry_str("{}"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct text other =
            sign_with(others[i].secret, SIGNATURE_V1, others[i].id, others[i].timestamp, belfry_str(others[i].body));
        assert_string_not_equal(one.ptr, other.ptr);
        free(other.ptr);
    }
    struct text again = sign_with(SECRET, SIGNATURE_V1, "msg_1", 7, belfry_str("{}"));
    assert_string_equal(one.ptr, again.ptr);
    free(again.ptr);
    free(one.ptr);
}

/* All keys sign, newest first, those of v1 before those of v1a; what is not wanted does not. */
static void test_several_keys(void **state)
{
    static const char *const texts[] = {ED25519_SECRET, SECRET, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"};
    struct key keys[3];
    struct signing what = {belfry_str(ID), TIME, belfry_str(BODY)};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *fault;
        struct key read[KEYS_OF_SECRET];
        assert_int_equal(keys_read(belfry_str(texts[i]), read, &fault), 1);
        keys[i] = read[0];
    }
    struct text both = {0}, v1 = {0}, v1a = {0}, none = {0},
                second = sign_with(texts[2], SIGNATURE_V1, ID, TIME, what.body);
    assert_int_equal(sign_all(mac, keys, 3, SIGNATURE_V1 | SIGNATURE_V1A, &what, &both), 3);
    assert_int_equal(sign_all(mac, keys, 3, SIGNATURE_V1, &what, &v1), 2);
    assert_int_equal(sign_all(mac, keys, 3, SIGNATURE_V1A, &what, &v1a), 1);
    assert_int_equal(sign_all(mac, keys + 1, 2, SIGNATURE_V1A, &what, &none), 0);
    assert_null(none.ptr);
    assert_string_equal(v1a.ptr, ED25519_SIGNATURE);
    assert_memory_equal(v1.ptr, V1_SIGNATURE " ", sizeof(V1_SIGNATURE));
    assert_string_equal(v1.ptr + sizeof(V1_SIGNATURE), second.ptr);
    assert_int_equal(both.len, v1.len + 1 + v1a.len);
    assert_memory_equal(both.ptr, v1.ptr, v1.len);
    assert_string_equal(both.ptr + v1.len + 1, v1a.ptr);
    free(both.ptr);
    free(v1.ptr);
    free(v1a.ptr);
    free(second.ptr);
}

/* A long id must not be cut, nor read past its end. */
static void test_a_long_id(void **state)
{
    (void)state;
    char id[300];
    struct key key = {.kind = KEY_HMAC, .len = 24};
    struct text a = {0}, b = {0};
    memset(id, 'x', sizeof(id));
    sign_all(mac, &key, 1, SIGNATURE_V1, &(struct signing){{id, 300}, 7, belfry_str("{}")}, &a);
    sign_all(mac, &key, 1, SIGNATURE_V1, &(struct signing){{id, 299}, 7, belfry_str("{}")}, &b);
    assert_string_not_equal(a.ptr, b.ptr);
    free(a.ptr);
    free(b.ptr);
}

#define SHORT "holds fewer than 24 bytes; make one with `echo \"whsec_$(openssl rand -base64 32)\"`"
#define BROKEN "is not `whsec_` and base64 of at most 64 bytes"
#define NO_SEED                                                                                                        \
    "is not `whsk_` and base64 of the 32 bytes of an Ed25519 key; make one with `echo \"whsk_$(openssl rand -base64 "  \
    "32)\"`"
#define TWINS "holds two keys of one kind; a list has them one by one"

static void test_secrets(void **state)
{
    static const struct {
        const char *secret;
        size_t keys, len; /* of the first */
        const char *fault;
    } rows[] = {
        {"", 0, 0, SHORT},
        {" ", 0, 0, SHORT},
        {"whsec_", 0, 0, SHORT},
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0, 0, SHORT},      /* 23 bytes */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, 24, NULL},      /* 24 */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", 1, 25, NULL},  /* padded */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, 25, NULL},    /* and not */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0, 0, BROKEN},  /* half */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, 0, BROKEN},    /* a letter too many */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA====", 0, 0, BROKEN}, /* padding of nothing */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA-_AA", 0, 0, BROKEN},     /* the URL's alphabet */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA AAA", 0, 0, SHORT},
        {"WHSEC_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, 0, BROKEN},
        {"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", 0, 0, BROKEN},
        {"whsec_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", 1, 64, NULL},
        {"whsec_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6KvgAA", 0, 0,
         BROKEN},
        {ED25519_SECRET, 1, 32, NULL},
        {"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=", 1, 32, NULL}, /* the seed alone */
        {"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6KvQ==", 0, 0,
         "has a public half that is another key's"},
        {"whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, 0, NO_SEED},
        {"whsk_", 0, 0, NO_SEED},
        {SECRET " " ED25519_SECRET, 2, 24, NULL},
        {ED25519_SECRET "  " SECRET " ", 2, 32, NULL},
        {SECRET " " SECRET, 0, 0, TWINS},
        {ED25519_SECRET " " ED25519_SECRET, 0, 0, TWINS},
        {SECRET " " ED25519_SECRET " " SECRET, 0, 0, "holds more than one key of each kind"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct key keys[KEYS_OF_SECRET];
        const char *fault = keys_fault(belfry_str(rows[i].secret)), *unread = "unset";
        if (rows[i].fault) {
            assert_non_null(fault);
            assert_string_equal(fault, rows[i].fault);
            continue;
        }
        assert_null(fault);
        assert_int_equal(keys_read(belfry_str(rows[i].secret), keys, &unread), rows[i].keys);
        assert_null(unread);
        assert_int_equal(keys[0].len, rows[i].len);
    }
}

static void test_the_public_key(void **state)
{
    (void)state;
    struct key keys[KEYS_OF_SECRET];
    char public[KEY_PUBLIC_TEXT];
    const char *fault;
    assert_int_equal(keys_read(belfry_str(ED25519_SECRET), keys, &fault), 1);
    assert_int_equal(keys_public(&keys[0], public), 0);
    assert_string_equal(public, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
}

/* What is brought in stays, the other kind is made. */
static void test_new_secrets(void **state)
{
    static const char *const given[] = {"", SECRET, ED25519_SECRET, ED25519_SECRET " " SECRET};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct key in[KEYS_OF_SECRET], out[KEYS_OF_SECRET];
        char text[KEY_SECRET_TEXT], again[KEY_SECRET_TEXT];
        const char *fault;
        size_t count = *given[i] ? keys_read(belfry_str(given[i]), in, &fault) : 0;
        assert_int_equal(keys_new(in, count, text), 0);
        assert_int_equal(keys_new(in, count, again), 0);
        assert_int_equal(strcmp(text, again) == 0, count == 2); /* random */
        assert_int_equal(keys_read(belfry_str(text), out, &fault), 2);
        assert_int_equal(out[0].kind, KEY_HMAC);
        assert_int_equal(out[0].len, i & 1 ? 24 : 32);
        assert_int_equal(out[1].kind, KEY_ED25519);
        assert_int_equal(strstr(text, SECRET) != NULL, i & 1);
        assert_int_equal(strstr(text, ED25519_SECRET) != NULL, i >= 2);
        assert_memory_equal(keys_shared(belfry_str(text)).ptr, "whsec_", 6);
        assert_null(memchr(keys_shared(belfry_str(text)).ptr, ' ', keys_shared(belfry_str(text)).len));
    }
    assert_int_equal(keys_shared(belfry_str(ED25519_SECRET)).len, 0);
}

/* A key of any length that is taken makes a whole secret, and is in it as it was. */
static void test_a_key_of_any_length(void **state)
{
    (void)state;
    for (size_t len = 24; len <= KEY_BYTES_MAX; len++) {
        struct key in = {.kind = KEY_HMAC, .len = len}, out[KEYS_OF_SECRET];
        char text[KEY_SECRET_TEXT];
        const char *fault;
        memset(in.bytes, (int)len, len);
        assert_int_equal(keys_new(&in, 1, text), 0);
        assert_in_range(strlen(text), 0, sizeof(text) - 1);
        assert_int_equal(keys_read(belfry_str(text), out, &fault), 2);
        assert_int_equal(out[0].len, len);
        assert_memory_equal(out[0].bytes, in.bytes, len);
        assert_int_equal(out[1].kind, KEY_ED25519);
        assert_null(keys_fault(belfry_str(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),      cmocka_unit_test(test_whatever_is_signed_counts),
        cmocka_unit_test(test_several_keys), cmocka_unit_test(test_a_long_id),
        cmocka_unit_test(test_secrets),      cmocka_unit_test(test_the_public_key),
        cmocka_unit_test(test_new_secrets),  cmocka_unit_test(test_a_key_of_any_length),
    };
    mac = sign_new();
    int failed = cmocka_run_group_tests_name("webhook signatures", tests, NULL, NULL);
    EVP_MAC_CTX_free(mac);
    return failed;
}
