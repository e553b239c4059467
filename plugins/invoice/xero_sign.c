/* SPDX-License-Identifier: Apache-2.0 */
/* The signature is made anew and compared as text: decoding what a stranger sent would be one more parser in front of
 * the check, and base64 has several spellings of the same bytes. */
#include "xero_sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SHA256_SIZE 32
#define SIGNATURE_SIZE 44 /* base64 of 32 bytes */

int xero_signed(const char *key, struct belfry_str body, struct belfry_str signature)
{
    unsigned char mac[SHA256_SIZE];
    unsigned char text[SIGNATURE_SIZE + 1];
    unsigned int size = 0;
    if (!HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)(body.ptr ? body.ptr : ""), body.len, mac,
              &size) ||
        size != SHA256_SIZE || signature.len != SIGNATURE_SIZE)
        return 0;
    EVP_EncodeBlock(text, mac, SHA256_SIZE);
    return CRYPTO_memcmp(text, signature.ptr, SIGNATURE_SIZE) == 0;
}
