/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of Standard Webhooks 1.0, and how they are written: `whsec_` and base64 of 24 to 64 random bytes for v1 (the
 * prefix may be absent), `whsk_` and base64 of an Ed25519 seed of 32 bytes, alone or with its public key behind it, for
 * v1a. A secret is one of them, or one of each with a blank between. Any thread.
 */
#ifndef WEBHOOK_KEYS_H
#define WEBHOOK_KEYS_H

#include <belfry/plugin.h>

#define KEY_BYTES_MAX 64
#define KEY_SEED 32
#define KEYS_OF_SECRET 2   /* one of each kind */
#define KEY_PUBLIC_TEXT 51 /* "whpk_", 44 characters of base64, NUL and one to spare */
#define KEY_BASE64(bytes) (((bytes) + 2) / 3 * 4)
/* What keys_new() makes of the longest keys, with its NUL: each is a prefix and as much base64, with a blank between.
 */
#define KEY_SECRET_TEXT (sizeof("whsec_ whsk_") + 2 * KEY_BASE64(KEY_BYTES_MAX))

enum key_kind { KEY_HMAC = 1, KEY_ED25519 = 2 };

struct key {
    enum key_kind kind;
    size_t len;
    uint8_t bytes[KEY_BYTES_MAX]; /* of KEY_ED25519 the seed, and the public key behind it as it was written */
    int has_public;
};

/* Reads a secret. Returns the number of keys, or 0 and in *fault what is wrong, a sentence after "the secret". Whoever
 * called wipes the keys. That a public key is the seed's own is not looked at: it costs as much as a signature. */
size_t keys_read(struct belfry_str secret, struct key keys[KEYS_OF_SECRET], const char **fault);
/* NULL, or what is wrong with a secret that somebody brings in, as keys_read() says it and that one thing more. */
const char *keys_fault(struct belfry_str secret);
/* "whpk_<base64>" of a KEY_ED25519. 0, or -1: OpenSSL would not. */
int keys_public(const struct key *key, char out[KEY_PUBLIC_TEXT]);
/* The text of a secret with these keys, and with fresh random ones of the kinds that are not among them. 0, or -1: no
 * random bytes, or OpenSSL would not. */
int keys_new(const struct key *keys, size_t count, char out[KEY_SECRET_TEXT]);
/* The part of a secret's text that a receiver verifies v1 with; empty: it has none. */
struct belfry_str keys_shared(struct belfry_str secret);

#endif
