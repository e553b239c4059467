/* SPDX-License-Identifier: Apache-2.0 */
/* Standard Webhooks 1.0 signatures, symmetric (v1). */
#ifndef WEBHOOK_SIGN_H
#define WEBHOOK_SIGN_H

#include <belfry/plugin.h>

#define SIGN_KEY_MAX 64
#define SIGN_TEXT_SIZE 48 /* "v1," and 44 characters of base64 and NUL */

/*
 * The key of a secret "whsec_<base64>" (the prefix may be absent): 24 to 64 decoded bytes. Returns their number, or 0
 * and a sentence in *fault.
 */
size_t sign_key(struct belfry_str secret, uint8_t key[SIGN_KEY_MAX], const char **fault);

/* What signing needs once, to look up algorithms and allocate. Freed with EVP_MAC_CTX_free. One thread at a time. */
struct evp_mac_ctx_st *sign_new(void);

/* "v1,<base64 of HMAC-SHA256 over id.timestamp.body>". timestamp: Unix seconds of the attempt. */
void sign_v1(struct evp_mac_ctx_st *sign, const uint8_t *key, size_t key_len, struct belfry_str id, int64_t timestamp,
             struct belfry_str body, char out[SIGN_TEXT_SIZE]);

#endif
