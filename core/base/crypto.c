/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC, SHA-256, HKDF and sealing over OpenSSL. A failure of a primitive means a broken library or no memory; going on
 * with an unset digest would be a hole, so the process stops. Only unseal() has input that may be wrong.
 */
#include "base/crypto.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define HASH_LEN 32
#define NONCE_LEN 12
#define TAG_LEN 16
#define HKDF_MAX ((size_t)255 * HASH_LEN)

/* What OpenSSL takes as a length is an int; nothing that is sealed or signed here comes near. */
static int int_len(size_t len)
{
    if (len > INT32_MAX)
        abort();
    return (int)len;
}

static void must(int ok)
{
    if (ok != 1)
        abort();
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
    static const unsigned char none[1];
    /* HMAC() takes a NULL key for "the key of last time". */
    if (!HMAC(EVP_sha256(), key_len ? key : none, int_len(key_len), data, len, out, NULL))
        abort();
}

static pthread_once_t digest_once = PTHREAD_ONCE_INIT;
static EVP_MD *digest;

/* Fetched once: OpenSSL's lookup by name costs more than the digest of a token. */
static void fetch_digest(void)
{
    digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(digest != NULL);
}

void sha256(const void *data, size_t len, uint8_t out[32])
{
    pthread_once(&digest_once, fetch_digest);
    must(EVP_Digest(data, len, out, NULL, digest, NULL));
}

void hkdf_sha256(struct belfry_str ikm, struct belfry_str info, uint8_t *out, size_t out_len)
{
    static const uint8_t no_salt[HASH_LEN];
    uint8_t prk[HASH_LEN], block[HASH_LEN];
    struct buf input = {0};
    if (out_len > HKDF_MAX)
        abort();
    hmac_sha256(no_salt, sizeof(no_salt), ikm.ptr, ikm.len, prk);
    for (size_t done = 0, n = 1; done < out_len; n++) {
        /* T(n) = HMAC(PRK, T(n - 1) || info || n), where T(0) is empty */
        buf_clear(&input);
        if (n > 1)
            buf_add(&input, block, sizeof(block));
        buf_adds(&input, info);
        buf_addc(&input, (char)n);
        hmac_sha256(prk, sizeof(prk), input.ptr, input.len, block);
        size_t take = out_len - done < HASH_LEN ? out_len - done : HASH_LEN;
        memcpy(out + done, block, take);
        done += take;
    }
    mem_wipe(prk, sizeof(prk));
    mem_wipe(block, sizeof(block));
    if (input.ptr)
        mem_wipe(input.ptr, input.cap);
    buf_free(&input);
}

void key_derive(const uint8_t secret[32], const char *purpose, uint8_t out[32])
{
    hkdf_sha256(str_slice((const char *)secret, 32), str_of(purpose), out, 32);
}

static EVP_CIPHER_CTX *cipher_new(void)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        abort();
    return ctx;
}

void seal(const uint8_t key[32], struct belfry_str plain, struct belfry_str context, struct buf *out)
{
    unsigned char *at = (unsigned char *)buf_reserve(out, NONCE_LEN + plain.len + TAG_LEN);
    unsigned char *text = at + NONCE_LEN;
    EVP_CIPHER_CTX *ctx = cipher_new();
    int len = 0;
    random_bytes(at, NONCE_LEN);
    must(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, at));
    if (context.len > 0)
        must(EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)context.ptr, int_len(context.len)));
    if (plain.len > 0)
        must(EVP_EncryptUpdate(ctx, text, &len, (const unsigned char *)plain.ptr, int_len(plain.len)));
    must(EVP_EncryptFinal_ex(ctx, text + plain.len, &len));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + plain.len));
    EVP_CIPHER_CTX_free(ctx);
    out->len += NONCE_LEN + plain.len + TAG_LEN;
    out->ptr[out->len] = '\0';
}

belfry_status unseal(const uint8_t key[32], struct belfry_str sealed, struct belfry_str context, struct buf *out)
{
    if (sealed.len < NONCE_LEN + TAG_LEN)
        return BELFRY_EINVAL;
    size_t plain_len = sealed.len - NONCE_LEN - TAG_LEN;
    const unsigned char *nonce = (const unsigned char *)sealed.ptr, *text = nonce + NONCE_LEN;
    unsigned char *at = (unsigned char *)buf_reserve(out, plain_len), tag[TAG_LEN];
    EVP_CIPHER_CTX *ctx = cipher_new();
    int len = 0;
    memcpy(tag, text + plain_len, TAG_LEN);
    must(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag));
    if (context.len > 0)
        must(EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)context.ptr, int_len(context.len)));
    if (plain_len > 0)
        must(EVP_DecryptUpdate(ctx, at, &len, text, int_len(plain_len)));
    int genuine = EVP_DecryptFinal_ex(ctx, at + plain_len, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (genuine)
        out->len += plain_len;
    else
        mem_wipe(at, plain_len);
    out->ptr[out->len] = '\0';
    return genuine ? BELFRY_OK : BELFRY_EINVAL;
}
