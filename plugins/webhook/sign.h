/* SPDX-License-Identifier: Apache-2.0 */
/* Standard Webhooks 1.0 signatures over "id.timestamp.body". */
#ifndef WEBHOOK_SIGN_H
#define WEBHOOK_SIGN_H

#include "keys.h"
#include "text.h"

enum { SIGNATURE_V1 = 1 << 0, SIGNATURE_V1A = 1 << 1 };

/* What is signed. timestamp: Unix seconds of the attempt. */
struct signing {
    struct belfry_str id;
    int64_t timestamp;
    struct belfry_str body;
};

/* What signing needs once, to look up algorithms and allocate. Freed with EVP_MAC_CTX_free. One thread at a time. */
struct evp_mac_ctx_st *sign_new(void);

/*
 * Adds to `out` the value of the header webhook-signature: a signature with each key of the kinds that are wanted
 * (SIGNATURE_*), in the order of the keys, v1 ("v1,<base64 of HMAC-SHA256>") before v1a ("v1a,<base64 of Ed25519>"),
 * because older libraries look at few; with blanks between. Returns how many.
 */
size_t sign_all(struct evp_mac_ctx_st *mac, const struct key *keys, size_t count, uint32_t wanted,
                const struct signing *what, struct text *out);

#endif
