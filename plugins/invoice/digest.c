/* SPDX-License-Identifier: Apache-2.0 */
/* The whole content would be ten times as long, and would keep the payer's name and address for ever. */
#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define BYTES 8

struct belfry_str digest_of(struct belfry_txn *txn, const struct belfry_str *texts, size_t count, int64_t number)
{
    char *out = txn->api->alloc(txn, BYTES * 2 + 1);
    unsigned char hash[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = out && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < count; i++) {
        uint64_t len = texts[i].len;
        ok = EVP_DigestUpdate(md, &len, sizeof(len)) && (len == 0 || EVP_DigestUpdate(md, texts[i].ptr, len));
    }
    ok = ok && EVP_DigestUpdate(md, &number, sizeof(number)) && EVP_DigestFinal_ex(md, hash, NULL);
    EVP_MD_CTX_free(md);
    for (int i = 0; ok && i < BYTES; i++)
        snprintf(out + i * 2, 3, "%02x", hash[i]);
    return (struct belfry_str){ok ? out : NULL, ok ? BYTES * 2 : 0};
}

int digest_same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
