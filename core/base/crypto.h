/* SPDX-License-Identifier: Apache-2.0 */
/* The few primitives that several rooms share, over OpenSSL. All [any]. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <belfry/plugin.h>
#include <stdint.h>

/* HMAC-SHA256 (RFC 2104, FIPS 180-4). */
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32]);
void sha256(const void *data, size_t len, uint8_t out[32]);
/* HKDF-SHA256 (RFC 5869) without salt: out_len (at most 8160) bytes derived from ikm for what info names. */
void hkdf_sha256(struct belfry_str ikm, struct belfry_str info, uint8_t *out, size_t out_len);
/* hkdf_sha256 with the purpose as info: a key of 32 bytes for a purpose, derived from the hub's secret. */
void key_derive(const uint8_t secret[32], const char *purpose, uint8_t out[32]);
/* AES-256-GCM: out = 12-byte nonce || ciphertext || 16-byte tag. `context` is authenticated. */
struct buf;
void seal(const uint8_t key[32], struct belfry_str plain, struct belfry_str context, struct buf *out);
/* 0, or BELFRY_EINVAL when it was not sealed with this key and context. */
belfry_status unseal(const uint8_t key[32], struct belfry_str sealed, struct belfry_str context, struct buf *out);

#endif
