/* SPDX-License-Identifier: Apache-2.0 */
/* The key is the decoded bytes of the secret, not its text; what is signed are the raw bytes that go out. */
#include "sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#define KEY_MIN 24

static int base64_value(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* RFC 4648 section 4, padding optional. Returns the number of bytes, SIZE_MAX when it is no base64 or longer than max.
 */
static size_t base64_decode(struct belfry_str text, uint8_t *out, size_t max)
{
    size_t n = 0, padded = text.len;
    uint32_t bits = 0;
    int have = 0;
    while (text.len && text.ptr[text.len - 1] == '=' && padded - text.len < 2)
        text.len--;
    if (text.len % 4 == 1 || (padded != text.len && padded % 4 != 0))
        return SIZE_MAX; /* other libraries would not read it */
    for (size_t i = 0; i < text.len; i++) {
        int v = base64_value(text.ptr[i]);
        if (v < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == max)
            return SIZE_MAX;
        out[n++] = (uint8_t)(bits >> have);
    }
    return n;
}

size_t sign_key(struct belfry_str secret, uint8_t key[SIGN_KEY_MAX], const char **fault)
{
    if (secret.len >= 6 && memcmp(secret.ptr, "whsec_", 6) == 0) {
        secret.ptr += 6;
        secret.len -= 6;
    }
    size_t n = base64_decode(secret, key, SIGN_KEY_MAX);
    *fault = n == SIZE_MAX ? "is not `whsec_` and base64 of at most 64 bytes"
             : n < KEY_MIN ? "holds fewer than 24 bytes; make one with `openssl rand -base64 32`"
                           : NULL;
    return *fault ? 0 : n;
}

EVP_MAC_CTX *sign_new(void)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *sign = EVP_MAC_CTX_new(algorithm);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t) "SHA256", 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX_set_params(sign, params);
    EVP_MAC_free(algorithm);
    return sign;
}

void sign_v1(EVP_MAC_CTX *sign, const uint8_t *key, size_t key_len, struct belfry_str id, int64_t timestamp,
             struct belfry_str body, char out[SIGN_TEXT_SIZE])
{
    uint8_t mac[32];
    char middle[32];
    int middle_len = snprintf(middle, sizeof(middle), ".%" PRId64 ".", timestamp);
    size_t written = 0;
    EVP_MAC_init(sign, key, key_len, NULL);
    EVP_MAC_update(sign, (const unsigned char *)id.ptr, id.len);
    EVP_MAC_update(sign, (const unsigned char *)middle, (size_t)middle_len);
    EVP_MAC_update(sign, (const unsigned char *)body.ptr, body.len);
    EVP_MAC_final(sign, mac, &written, sizeof(mac));
    memcpy(out, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)out + 3, mac, (int)written);
}
