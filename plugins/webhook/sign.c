/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is signed are the raw bytes that go out. HMAC reads them in pieces; Ed25519 goes over its message twice and
 * wants it in one, so a copy is made for v1a, which few endpoints ask for.
 */
#include "sign.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_SIZE 32
#define ED25519_SIZE 64

EVP_MAC_CTX *sign_new(void)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(algorithm);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t) "SHA256", 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX_set_params(mac, params);
    EVP_MAC_free(algorithm);
    return mac;
}

static void add_signature(struct text *out, const char *version, const uint8_t *signature, int len)
{
    char base64[ED25519_SIZE / 3 * 4 + 8];
    EVP_EncodeBlock((unsigned char *)base64, signature, len);
    if (out->len)
        text_addz(out, " ");
    text_addz(out, version);
    text_addz(out, base64);
}

static int sign_v1(EVP_MAC_CTX *mac, const struct key *key, const struct signing *what, struct belfry_str middle,
                   struct text *out)
{
    uint8_t bytes[MAC_SIZE];
    size_t written = 0;
    int ok = EVP_MAC_init(mac, key->bytes, key->len, NULL) == 1 &&
             EVP_MAC_update(mac, (const unsigned char *)what->id.ptr, what->id.len) == 1 &&
             EVP_MAC_update(mac, (const unsigned char *)middle.ptr, middle.len) == 1 &&
             EVP_MAC_update(mac, (const unsigned char *)what->body.ptr, what->body.len) == 1 &&
             EVP_MAC_final(mac, bytes, &written, sizeof(bytes)) == 1;
    if (ok)
        add_signature(out, "v1,", bytes, (int)written);
    return ok;
}

/* To find the public half again takes as long as the signature, so the one that is written with the key is used. It was
 * compared when the secret was brought in (keys_fault): a signature with another's would give the key away. */
static EVP_PKEY *private_key(const struct key *key)
{
    if (!key->has_public)
        return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->bytes, KEY_SEED);
    unsigned char *bytes = (unsigned char *)(uintptr_t)key->bytes; /* OpenSSL only reads them */
    OSSL_PARAM halves[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, bytes, KEY_SEED),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes + KEY_SEED, KEY_BYTES_MAX - KEY_SEED),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *out = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "ED25519", NULL);
    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_KEYPAIR, halves);
    EVP_PKEY_CTX_free(ctx);
    return out;
}

static int sign_v1a(const struct key *key, struct belfry_str whole, struct text *out)
{
    uint8_t bytes[ED25519_SIZE];
    size_t written = sizeof(bytes);
    EVP_PKEY *pkey = private_key(key);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = pkey && md && EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) == 1 &&
             EVP_DigestSign(md, bytes, &written, (const unsigned char *)whole.ptr, whole.len) == 1;
    if (ok)
        add_signature(out, "v1a,", bytes, (int)written);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(pkey);
    return ok;
}

static size_t sign_with(EVP_MAC_CTX *mac, const struct key *keys, size_t count, enum key_kind kind,
                        const struct signing *what, struct belfry_str middle, struct text *out)
{
    struct text whole = {0};
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].kind != kind)
            continue;
        if (kind == KEY_ED25519 && !whole.len) {
            text_add(&whole, what->id.ptr, what->id.len);
            text_add(&whole, middle.ptr, middle.len);
            text_add(&whole, what->body.ptr, what->body.len);
        }
        made += (size_t)(kind == KEY_HMAC ? sign_v1(mac, &keys[i], what, middle, out)
                                          : sign_v1a(&keys[i], text_str(&whole), out));
    }
    free(whole.ptr);
    return made;
}

size_t sign_all(EVP_MAC_CTX *mac, const struct key *keys, size_t count, uint32_t wanted, const struct signing *what,
                struct text *out)
{
    char middle[32];
    int len = snprintf(middle, sizeof(middle), ".%" PRId64 ".", what->timestamp);
    struct belfry_str between = {middle, (size_t)len};
    size_t made = 0;
    if (wanted & SIGNATURE_V1)
        made += sign_with(mac, keys, count, KEY_HMAC, what, between, out);
    if (wanted & SIGNATURE_V1A)
        made += sign_with(mac, keys, count, KEY_ED25519, what, between, out);
    return made;
}
