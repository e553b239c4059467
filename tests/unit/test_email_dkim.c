/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM: canonical forms after the examples of RFC 6376, the published message of RFC 8463, what our signatures cover,
 * and keys that are none. Others' verifiers read our signatures in tests/e2e/test_mail_message.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/canon.h"
#include "../../plugins/email/dkim.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#define HASH 32

struct hash {
    uint8_t bytes[HASH];
};

static struct hash hash_of(const char *text)
{
    struct hash out;
    EVP_Digest(text, strlen(text), out.bytes, NULL, EVP_sha256(), NULL);
    return out;
}

static struct hash finish(EVP_MD_CTX *md)
{
    struct hash out;
    assert_int_equal(EVP_DigestFinal_ex(md, out.bytes, NULL), 1);
    EVP_MD_CTX_free(md);
    return out;
}

static EVP_MD_CTX *begin(void)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(md, EVP_sha256(), NULL), 1);
    return md;
}

static void assert_same(struct hash a, struct hash b)
{
    assert_memory_equal(a.bytes, b.bytes, HASH);
}

/* --- canonical forms ---------------------------------------------------------------------------------------------- */

static void test_bodies(void **state)
{
    static const struct {
        const char *body, *relaxed;
    } rows[] = {
        {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, /* RFC 6376, 3.4.5 */
        {"", ""},                                       /* 3.4.4 */
        {"\r\n", ""},
        {"\r\n\r\n\r\n", ""},
        {" \t \r\n\t\r\n", ""},
        {" ", ""},
        {"a", "a\r\n"},
        {"a\r\n", "a\r\n"},
        {"a\r\n\r\n", "a\r\n"},
        {"a\r\n \t\r\n", "a\r\n"},
        {"a  \r\n\r\n\r\nb\t\r\n", "a\r\n\r\n\r\nb\r\n"},
        {"\r\n\r\na", "\r\n\r\na\r\n"},
        {"\ta\t\tb", " a b\r\n"},
        {"a\rb\nc", "a\rb\nc\r\n"},
        {"a\r", "a\r\r\n"},
        {"a\r\r\n", "a\r\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EVP_MD_CTX *md = begin();
        assert_int_equal(canon_add_body(md, belfry_str(rows[i].body)), 1);
        assert_same(finish(md), hash_of(rows[i].relaxed));
    }
}

/* Longer than what is handed to the digest at a time, with white space at each of its edges. */
static void test_a_long_body(void **state)
{
    static char body[90001], relaxed[70001];
    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        memcpy(body + 9 * i, "ab \t c \r\n", 9);
        memcpy(relaxed + 6 * i, "ab c\r\n", 6);
    }
    EVP_MD_CTX *md = begin();
    assert_int_equal(canon_add_body(md, belfry_str(body)), 1);
    assert_same(finish(md), hash_of(relaxed));
}

static void test_fields(void **state)
{
    static const struct {
        const char *field, *relaxed;
        int ended;
    } rows[] = {
        {"A: X\r\n", "a:X\r\n", 1}, /* RFC 6376, 3.4.5 */
        {"B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n", 1},
        {"Subject:a\r\n", "subject:a\r\n", 1},
        {"Subject:\r\n", "subject:\r\n", 1},
        {"Subject:  \r\n \r\n", "subject:\r\n", 1},
        {"Subject: a:B  c\r\n", "subject:a:B c\r\n", 1},
        {"Subject:\r\n a\r\n", "subject:a\r\n", 1},
        {"b=\r\n", "b=", 0},
        {"DKIM-Signature: v=1;\r\n b=", "dkim-signature:v=1; b=", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EVP_MD_CTX *md = begin();
        assert_int_equal(canon_add_field(md, belfry_str(rows[i].field), rows[i].ended), 1);
        assert_same(finish(md), hash_of(rows[i].relaxed));
    }
}

static void assert_slice(struct belfry_str slice, const char *text)
{
    assert_int_equal(slice.len, strlen(text));
    if (slice.len)
        assert_memory_equal(slice.ptr, text, slice.len);
}

static void test_finding_fields(void **state)
{
    struct belfry_str header, body;
    (void)state;
    canon_split(belfry_str("From: a\r\nX-From: n\r\nfrom : b\r\n c\r\nFromage: d\r\nTO:e\r\n\r\nFrom: body\r\n"),
                &header, &body);
    assert_slice(body, "From: body\r\n");
    assert_slice(canon_field(header, "from", 0), "from : b\r\n c\r\n"); /* from the bottom up (5.4.2) */
    assert_slice(canon_field(header, "from", 1), "From: a\r\n");
    assert_slice(canon_field(header, "from", 2), "");
    assert_slice(canon_field(header, "to", 0), "TO:e\r\n");
    assert_slice(canon_field(header, "cc", 0), "");
    canon_split(belfry_str("From: a\r\nTo"), &header, &body);
    assert_slice(header, "From: a\r\nTo");
    assert_slice(canon_field(header, "to", 0), "");
    assert_slice(body, "");
    canon_split(belfry_str("\r\nbody"), &header, &body);
    assert_slice(header, "");
    assert_slice(body, "body");
    canon_split((struct belfry_str){NULL, 0}, &header, &body);
    assert_slice(header, "");
    assert_slice(body, "");
}

/* --- RFC 8463, appendix A ----------------------------------------------------------------------------------------- */

#define RFC_FIELDS                                                                                                     \
    "From: Joe SixPack <joe@football.example.com>\r\n"                                                                 \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"                                                                     \
    "Subject: Is dinner ready?\r\n"                                                                                    \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                                                  \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define RFC_BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n"
#define RFC_BODY_HASH "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define RFC_ED25519                                                                                                    \
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"                                                    \
    " d=football.example.com; i=@football.example.com;\r\n"                                                            \
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"                                                          \
    " subject : date : message-id : from : subject : date;\r\n"                                                        \
    " bh=" RFC_BODY_HASH ";\r\n"                                                                                       \
    " b="
#define RFC_ED25519_B "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
#define RFC_RSA                                                                                                        \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"                                                        \
    " d=football.example.com; i=@football.example.com;\r\n"                                                            \
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"                                                    \
    " date : message-id : from : subject : date;\r\n"                                                                  \
    " bh=" RFC_BODY_HASH ";\r\n"                                                                                       \
    " b="
#define RFC_RSA_B                                                                                                      \
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQ"                 \
    "TnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="

#define ED25519_SECRET "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"

#define RFC_RSA_PUBLIC                                                                                                 \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6\n"                                               \
    "Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/\n"                                               \
    "e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G\n"                                               \
    "+2kryOTIKT+l/K4w3QIDAQAB\n"                                                                                       \
    "-----END PUBLIC KEY-----\n"

static char *base64(const uint8_t *bytes, size_t len)
{
    char *out = malloc(len * 4 / 3 + 5);
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
    return out;
}

static struct hash rfc_hash(const char *own)
{
    static const char *const names[] = {"from", "to", "subject", "date", "message-id", "from", "subject", "date"};
    EVP_MD_CTX *md = begin();
    for (size_t i = 0; i < 8; i++) {
        struct belfry_str field = canon_field(belfry_str(RFC_FIELDS), names[i], i < 5 ? 0 : 1);
        if (field.len)
            canon_add_field(md, field, 1);
    }
    canon_add_field(md, belfry_str(own), 0);
    return finish(md);
}

/* What was written, which ends without a NUL in there. Freed by the caller. */
static char *text_of(BIO *bio)
{
    char *data;
    size_t len = (size_t)BIO_get_mem_data(bio, &data);
    char *out = calloc(1, len + 1);
    memcpy(out, data, len);
    BIO_free(bio);
    return out;
}

/* Freed by the caller. */
static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    return text_of(bio);
}

static EVP_PKEY *ed25519(void)
{
    uint8_t secret[32];
    for (size_t i = 0; i < 32; i++)
        sscanf(ED25519_SECRET + 2 * i, "%2hhx", &secret[i]);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
}

static void test_the_published_message(void **state)
{
    (void)state;
    EVP_MD_CTX *md = begin();
    canon_add_body(md, belfry_str(RFC_BODY));
    struct hash body = finish(md), ours = rfc_hash(RFC_ED25519), theirs = rfc_hash(RFC_RSA);
    char *text = base64(body.bytes, HASH);
    assert_string_equal(text, RFC_BODY_HASH);
    free(text);

    /* Ed25519 has one signature for a text: ours is the one that was published. */
    EVP_PKEY *pkey = ed25519();
    char *pem = pem_of(pkey);
    const char *fault = "unset";
    struct dkim_key *key = dkim_key_read("brisbane", belfry_str(pem), &fault);
    uint8_t signature[DKIM_SIGNATURE_MAX];
    assert_non_null(key);
    assert_int_equal(dkim_key_sign(key, ours.bytes, signature), 64);
    text = base64(signature, 64);
    assert_string_equal(text, RFC_ED25519_B);
    free(text);
    dkim_key_free(key);
    free(pem);
    EVP_PKEY_free(pkey);

    /* RSA: the published one is good for what we would hash. */
    BIO *bio = BIO_new_mem_buf(RFC_RSA_PUBLIC, -1);
    EVP_PKEY *public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public, NULL);
    assert_int_equal(EVP_DecodeBlock(signature, (const unsigned char *)RFC_RSA_B, (int)strlen(RFC_RSA_B)), 129);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_verify(ctx, signature, 128, theirs.bytes, HASH), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(public);
    BIO_free(bio);
}

/* --- our signatures ----------------------------------------------------------------------------------------------- */

#define MESSAGE                                                                                                        \
    "From: \"Acme Hub\" <notify@hub.example>\r\n"                                                                      \
    "To: jane@example.org\r\n"                                                                                         \
    "Subject: Hello\r\n"                                                                                               \
    "Date: Thu, 20 Nov 2025 19:59:00 +0000\r\n"                                                                        \
    "Message-ID: <d.1@hub.example>\r\n"                                                                                \
    "MIME-Version: 1.0\r\n"                                                                                            \
    "Content-Type: text/plain; charset=utf-8\r\n"                                                                      \
    "\r\n"                                                                                                             \
    "Hello.\r\n"

#define OUR_NAMES                                                                                                      \
    " h=from:from:to:to:subject:subject:date:date:message-id:message-id:references\r\n"                                \
    " :in-reply-to:mime-version:mime-version:content-type:content-type\r\n"                                            \
    " :auto-submitted:list-id:list-unsubscribe:list-unsubscribe-post:feedback-id;\r\n"
#define OUR_BODY_HASH " bh=yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A=;\r\n"

/* Ed25519 signs the same text the same way each time, so the whole field is known. */
static void test_a_whole_field(void **state)
{
    (void)state;
    EVP_PKEY *pkey = ed25519();
    char *pem = pem_of(pkey);
    const char *fault = "unset";
    struct dkim_key *key = dkim_key_read("e202511", belfry_str(pem), &fault);
    const struct dkim_key *keys[] = {key, key};
    size_t len = 0, twice = 0;
    char *field = dkim_sign(keys, 1, "hub.example", MESSAGE, strlen(MESSAGE), 1763668740, &len);
    assert_non_null(field);
    assert_int_equal(len, strlen(field));
    static const char start[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=hub.example;\r\n"
                                " s=e202511; t=1763668740;\r\n" OUR_NAMES OUR_BODY_HASH " b=";
    assert_memory_equal(field, start, strlen(start));

    char *two = dkim_sign(keys, 2, "hub.example", MESSAGE, strlen(MESSAGE), 1763668740, &twice);
    assert_int_equal(twice, 2 * len); /* neither covers the other */
    assert_memory_equal(two, field, len);
    assert_memory_equal(two + len, field, len);
    for (const char *line = two; *line; line = strstr(line, "\r\n") + 2)
        assert_in_range(strstr(line, "\r\n") - line, 1, 78);
    free(two);
    free(field);
    assert_string_equal(field = dkim_sign(keys, 0, "hub.example", MESSAGE, strlen(MESSAGE), 0, &len), "");
    free(field);
    dkim_key_free(key);
    free(pem);
    EVP_PKEY_free(pkey);
}

/* A second field of a signed name, or another number of them, is another h= and another hash. */
static void test_names_count_what_is_there(void **state)
{
    (void)state;
    EVP_PKEY *pkey = ed25519();
    char *pem = pem_of(pkey);
    const char *fault;
    struct dkim_key *key = dkim_key_read("s", belfry_str(pem), &fault);
    const struct dkim_key *keys[] = {key};
    static const char two[] = "From: a@x\r\nList-Id: <a>\r\nFrom: b@x\r\n\r\n";
    size_t len;
    char *field = dkim_sign(keys, 1, "x", two, strlen(two), 0, &len);
    assert_non_null(strstr(field, " h=from:from:from:to:subject:date:message-id:references:in-reply-to\r\n"
                                  " :mime-version:content-type:auto-submitted:list-id:list-id"));
    assert_non_null(strstr(field, " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;")); /* nothing (RFC 6376, 3.4.4) */
    free(field);
    dkim_key_free(key);
    free(pem);
    EVP_PKEY_free(pkey);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *rsa(unsigned bits)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

static void assert_key(const char *selector, const char *pem, const char *why)
{
    const char *fault = "unset";
    struct dkim_key *key = dkim_key_read(selector, belfry_str(pem), &fault);
    if (why) {
        assert_null(key);
        assert_string_equal(fault, why);
    } else {
        assert_non_null(key);
    }
    dkim_key_free(key);
}

static void assert_made(EVP_PKEY *pkey, const char *why)
{
    char *pem = pem_of(pkey);
    assert_key("s", pem, why);
    free(pem);
    EVP_PKEY_free(pkey);
}

#define NO_KEY "is no private key in PEM, or has a passphrase"
#define NO_SELECTOR "has a selector that is no name in the DNS: letters, digits and `-`, with dots between"

static void test_keys(void **state)
{
    (void)state;
    assert_made(rsa(2048), NULL);
    assert_made(rsa(2047), "has fewer than 2048 bits");
    assert_made(rsa(1024), "has fewer than 2048 bits");
    assert_made(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), "is neither RSA nor Ed25519");
    assert_made(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), "is neither RSA nor Ed25519");
    assert_made(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "is neither RSA nor Ed25519");
    assert_key("s", "", NO_KEY);
    assert_key("s", "/etc/belfry/dkim.pem", NO_KEY);
    assert_key("s", RFC_RSA_PUBLIC, NO_KEY);

    EVP_PKEY *pkey = ed25519();
    char *pem = pem_of(pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(), "secret", 6, NULL, NULL);
    char *locked = text_of(bio);
    assert_key("s", locked, NO_KEY); /* and nobody is asked for it */
    free(locked);

    static const char *const good[] = {"s", "r202511", "a.b-c.2"};
    static const char *const bad[] = {"", "a b", "a;", "a\r\nX: y", ".a", "a.", "a..b", "-a", "a-", "ä", "a_b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_key(good[i], pem, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_key(bad[i], pem, NO_SELECTOR);
    char longest[65] = "";
    memset(longest, 'a', 63);
    assert_key(longest, pem, NULL);
    longest[63] = 'a';
    assert_key(longest, pem, NO_SELECTOR);
    free(pem);
    EVP_PKEY_free(pkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_a_long_body),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_finding_fields),
        cmocka_unit_test(test_the_published_message),
        cmocka_unit_test(test_a_whole_field),
        cmocka_unit_test(test_names_count_what_is_there),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("DKIM", tests, NULL, NULL);
}
