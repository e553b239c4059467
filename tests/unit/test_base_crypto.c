/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, HMAC, HKDF and AES-GCM against published vectors; what unseal refuses. */
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void assert_hex(const void *data, size_t len, const char *want)
{
    struct buf text = {0};
    hex_encode(data, len, &text);
    assert_string_equal(text.ptr, want);
    buf_free(&text);
}

static void from_hex(const char *hex, struct buf *out)
{
    for (; *hex; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        buf_addc(out, (char)strtol(digits, NULL, 16));
    }
}

/* FIPS 180-4 examples. */
static void sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t out[32];
        sha256(rows[i].text, strlen(rows[i].text), out);
        assert_hex(out, 32, rows[i].want);
    }
}

/* RFC 4231 section 4; test case 5 is about truncation, which nobody here does. */
static void hmac_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *key; /* or NULL: key_byte key_len times */
        size_t key_byte, key_len;
        const char *data; /* or NULL: data_byte 50 times */
        size_t data_byte;
        const char *want;
    } rows[] = {
        {NULL, 0x0b, 20, "Hi There", 0, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 0, 4, "what do ya want for nothing?", 0,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {NULL, 0xaa, 20, NULL, 0xdd, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", 0, 25,
         NULL, 0xcd, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {NULL, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {NULL, 0xaa, 131,
         "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
         "hashed before being used by the HMAC algorithm.",
         0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        /* empty key and text, which must not mean "the key of the call before" */
        {"", 0, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t key[131], data[50], out[32];
        memset(key, (int)rows[i].key_byte, sizeof(key));
        memset(data, (int)rows[i].data_byte, sizeof(data));
        const void *k = rows[i].key ? (const void *)rows[i].key : key;
        const void *d = rows[i].data ? (const void *)rows[i].data : data;
        hmac_sha256(k, rows[i].key_len, d, rows[i].data ? strlen(rows[i].data) : sizeof(data), out);
        assert_hex(out, 32, rows[i].want);
    }
    uint8_t out[32];
    hmac_sha256(NULL, 0, NULL, 0, out);
    assert_hex(out, 32, rows[COUNT(rows) - 1].want);
}

static void hkdf_vectors(void **state)
{
    (void)state;
    uint8_t secret[32], out[100];
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    struct buf ikm = {0};
    /* RFC 5869 appendix A.3: no salt, no info, two blocks */
    from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", &ikm);
    hkdf_sha256(buf_str(&ikm), (struct belfry_str){0}, out, 42);
    assert_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    buf_free(&ikm);
    /* The rest was computed with `openssl kdf`. */
    hkdf_sha256(str_slice((char *)secret, 32), STR("long"), out, 100);
    assert_hex(
        out, 100,
        "93c0357c755a43b8c916cb79c399c983a12e0497066fe79726dcf9635fcb6d426502b9d278d66c13dc3cc00ee0785df4b7bf3cb4"
        "0d7040e56a1d060fb6a26e745e3de6969d2bd896da6c82be56fd423876b686bad22beb99b243d6d4f3a57616d90d47b6");
    key_derive(secret, "session-cookie", out);
    assert_hex(out, 32, "7a82be10ac7310d933ef70d382fdae4f5590028be7d0694d4436a6e6d5ed40ea");
    uint8_t other[32];
    key_derive(secret, "session-cookif", other);
    assert_memory_not_equal(out, other, 32);
}

#define GCM_KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_PLAIN                                                                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657" \
    "ba637b39"
#define GCM_TEXT                                                                                                       \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a" \
    "bcc9f662"
#define GCM_TAG "76fc6ece0f4e1768cddf8853bb2d551b"

/* Test case 16 of the GCM specification (McGrew and Viega). */
static void unseal_reads_the_gcm_vector(void **state)
{
    (void)state;
    struct buf key = {0}, sealed = {0}, context = {0}, want = {0}, out = {0};
    from_hex(GCM_KEY, &key);
    from_hex(GCM_NONCE GCM_TEXT GCM_TAG, &sealed);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", &context);
    from_hex(GCM_PLAIN, &want);
    assert_int_equal(unseal((uint8_t *)key.ptr, buf_str(&sealed), buf_str(&context), &out), BELFRY_OK);
    assert_true(str_eq(buf_str(&out), buf_str(&want)));
    struct buf *all[] = {&key, &sealed, &context, &want, &out};
    for (size_t i = 0; i < COUNT(all); i++)
        buf_free(all[i]);
}

static void sealed_text_comes_back(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *context;
    } rows[] = {{"", ""}, {"secret", ""}, {"secret", "endpoint 7"}, {"", "context alone"}};
    uint8_t key[32];
    random_bytes(key, sizeof(key));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf a = {0}, b = {0}, out = {0};
        buf_addz(&a, "before:");
        seal(key, str_of(rows[i].plain), str_of(rows[i].context), &a);
        seal(key, str_of(rows[i].plain), str_of(rows[i].context), &b);
        assert_memory_equal(a.ptr, "before:", 7);
        assert_int_equal(b.len, 12 + strlen(rows[i].plain) + 16);
        assert_memory_not_equal(a.ptr + 7, b.ptr, b.len); /* a fresh nonce each time */
        buf_addz(&out, ">");
        struct belfry_str sealed = str_slice(a.ptr + 7, a.len - 7);
        assert_int_equal(unseal(key, sealed, str_of(rows[i].context), &out), BELFRY_OK);
        assert_string_equal(out.ptr + 1, rows[i].plain);
        buf_free(&a);
        buf_free(&b);
        buf_free(&out);
    }
}

static void unseal_refuses_what_was_changed(void **state)
{
    (void)state;
    uint8_t key[32] = {1}, other[32] = {2};
    struct buf sealed = {0}, out = {0};
    buf_addz(&out, "kept");
    seal(key, STR("the secret"), STR("ctx"), &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.ptr[i] ^= 1;
        assert_int_equal(unseal(key, buf_str(&sealed), STR("ctx"), &out), BELFRY_EINVAL);
        sealed.ptr[i] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(unseal(key, str_slice(sealed.ptr, len), STR("ctx"), &out), BELFRY_EINVAL);
    assert_int_equal(unseal(key, buf_str(&sealed), STR("ctx2"), &out), BELFRY_EINVAL);
    assert_int_equal(unseal(key, buf_str(&sealed), STR(""), &out), BELFRY_EINVAL);
    assert_int_equal(unseal(other, buf_str(&sealed), STR("ctx"), &out), BELFRY_EINVAL);
    assert_string_equal(out.ptr, "kept");
    assert_int_equal(unseal(key, buf_str(&sealed), STR("ctx"), &out), BELFRY_OK);
    assert_string_equal(out.ptr, "keptthe secret");
    buf_free(&sealed);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),         cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(hkdf_vectors),           cmocka_unit_test(unseal_reads_the_gcm_vector),
        cmocka_unit_test(sealed_text_comes_back), cmocka_unit_test(unseal_refuses_what_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
