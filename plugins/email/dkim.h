/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM signatures (RFC 6376, Ed25519: RFC 8463), relaxed/relaxed, without l=, the fields that matter signed once more
 * than they occur so that none can be added.
 */
#ifndef EMAIL_DKIM_H
#define EMAIL_DKIM_H

#include <belfry/plugin.h>

struct dkim_key;

/* A private key in PEM (RSA of 2048 to 4096 bits, or Ed25519), for a selector. NULL and a fault that follows "dkim: the
 * key of selector `x` "; the fault is static. [loop] */
struct dkim_key *dkim_key_read(const char *selector, struct belfry_str pem, const char **fault);
/* Wipes it. NULL is none. */
void dkim_key_free(struct dkim_key *key);

/* Of a SHA-256, into out (512 bytes). The length of the signature, 0 when the key cannot. As dkim_sign(). */
#define DKIM_SIGNATURE_MAX 512
size_t dkim_key_sign(const struct dkim_key *key, const uint8_t digest[32], uint8_t out[DKIM_SIGNATURE_MAX]);

/*
 * The DKIM-Signature fields, one for each key, in canonical form and ending with CRLF, to be put before the message; to
 * be freed with free(). domain: of d=. now_s: of t=. NULL when a key cannot sign. RSA takes 200 us to a millisecond:
 * [worker]. A key may sign on several threads at once.
 */
char *dkim_sign(const struct dkim_key *const *keys, size_t key_count, const char *domain, const char *message,
                size_t size, int64_t now_s, size_t *out_size);

#endif
