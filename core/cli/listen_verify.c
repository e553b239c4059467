/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard Webhooks 1.0 from the receiver's side. What is signed is id.timestamp.body; the header has a signature for
 * each key of the sender, of which one that is ours is enough. Entries of versions that are not known are passed over.
 *
 * A secret is used as its decoded bytes. Of a "whsk_..." only the public half is kept: nothing is signed here.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "cli/listen.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define TOLERANCE_S 300
#define KEYS_MAX 16
#define SECRET_MIN 24
#define SECRET_MAX 64
#define PUBLIC_BYTES 32
#define SEED_BYTES 32
#define PAIR_BYTES 64 /* the public key behind the seed */
#define SIGNATURE_BYTES 64

struct key {
    uint8_t bytes[SECRET_MAX];
    size_t len;
    EVP_PKEY *public; /* of v1a; NULL: a secret of v1 */
};

struct listen_verifier {
    struct key keys[KEYS_MAX];
    size_t count;
};

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* Padding may be left out, as signers allow it. */
static int decode(struct belfry_str text, size_t prefix, struct buf *out)
{
    struct buf padded = {0};
    buf_add(&padded, text.ptr + prefix, text.len - prefix);
    while (padded.len % 4)
        buf_addc(&padded, '=');
    int ok = base64_decode(buf_str(&padded), 0, out) == BELFRY_OK;
    if (padded.ptr)
        mem_wipe(padded.ptr, padded.cap);
    buf_free(&padded);
    return ok;
}

static int key_public(struct key *key, const uint8_t *bytes)
{
    key->public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, PUBLIC_BYTES);
    return key->public != NULL;
}

/* The public half that belongs to a seed. */
static int key_of_seed(struct key *key, const char *seed)
{
    uint8_t public[PUBLIC_BYTES];
    size_t len = sizeof(public);
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)seed, SEED_BYTES);
    int ok = pair && EVP_PKEY_get_raw_public_key(pair, public, &len) == 1 && key_public(key, public);
    EVP_PKEY_free(pair);
    return ok;
}

/* 0 and a sentence when it is none. */
static int key_read(struct key *key, struct belfry_str text, char fault[160])
{
    struct buf bytes = {0};
    int is_public = str_has_prefix(text, STR("whpk_")), is_seed = str_has_prefix(text, STR("whsk_"));
    int is_prefixed = is_public || is_seed || str_has_prefix(text, STR("whsec_"));
    int ok = decode(text, is_public || is_seed ? 5 : is_prefixed ? 6 : 0, &bytes);
    if (is_public)
        ok = ok && bytes.len == PUBLIC_BYTES && key_public(key, (const uint8_t *)bytes.ptr);
    else if (is_seed)
        ok = ok && (bytes.len == SEED_BYTES || bytes.len == PAIR_BYTES) && key_of_seed(key, bytes.ptr);
    else
        ok = ok && bytes.len >= SECRET_MIN && bytes.len <= SECRET_MAX;
    if (ok && !key->public) {
        memcpy(key->bytes, bytes.ptr, bytes.len);
        key->len = bytes.len;
    }
    if (!ok)
        snprintf(fault, 160, "%s",
                 is_public ? "a key `whpk_...` is the base64 of 32 bytes"
                 : is_seed ? "a key `whsk_...` is the base64 of 32 or 64 bytes"
                           : "a secret is `whsec_` and the base64 of 24 to 64 bytes");
    if (bytes.ptr)
        mem_wipe(bytes.ptr, bytes.cap);
    buf_free(&bytes);
    return ok;
}

static int is_between(char c)
{
    return c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t';
}

/* The next key of a list, *list moves behind it; empty at the end. */
static struct belfry_str next_key(struct belfry_str *list)
{
    size_t at = 0, end;
    while (at < list->len && is_between(list->ptr[at]))
        at++;
    for (end = at; end < list->len && !is_between(list->ptr[end]); end++) {
    }
    struct belfry_str key = str_slice(list->ptr + at, end - at);
    *list = str_slice(list->ptr + end, list->len - end);
    return key;
}

struct listen_verifier *listen_verifier_new(struct belfry_str keys, char fault[160])
{
    struct listen_verifier *v = xcalloc(1, sizeof(*v));
    snprintf(fault, 160, "no key is there");
    for (struct belfry_str one = next_key(&keys); one.len; one = next_key(&keys)) {
        if (v->count == KEYS_MAX)
            snprintf(fault, 160, "at most %d keys are looked at", KEYS_MAX);
        if (v->count == KEYS_MAX || !key_read(&v->keys[v->count], one, fault)) {
            listen_verifier_free(v);
            return NULL;
        }
        v->count++;
    }
    if (v->count)
        return v;
    listen_verifier_free(v);
    return NULL;
}

void listen_verifier_free(struct listen_verifier *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count; i++)
        EVP_PKEY_free(v->keys[i].public);
    mem_wipe(v, sizeof(*v));
    free(v);
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

static int is_by(const struct key *key, struct belfry_str content, const struct buf *signature)
{
    uint8_t mac[32];
    if (!key->public) {
        hmac_sha256(key->bytes, key->len, content.ptr, content.len, mac);
        return mem_equal_ct(mac, sizeof(mac), signature->ptr, signature->len);
    }
    if (signature->len != SIGNATURE_BYTES)
        return 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->public) == 1 &&
             EVP_DigestVerify(context, (const uint8_t *)signature->ptr, signature->len, (const uint8_t *)content.ptr,
                              content.len) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

/* 1 when an entry of the header is by one of the keys; *version names its version. */
static int any_by(const struct listen_verifier *v, struct belfry_str content, struct belfry_str header,
                  const char **version)
{
    int found = 0;
    while (header.len && !found) {
        struct belfry_str text, entry = str_cut(header, ' ', &header), name = str_cut(entry, ',', &text);
        struct buf signature = {0};
        int is_v1 = str_eq(name, STR("v1")), is_v1a = str_eq(name, STR("v1a"));
        int readable = (is_v1 || is_v1a) && base64_decode(text, 0, &signature) == BELFRY_OK;
        for (size_t i = 0; readable && !found && i < v->count; i++)
            found = (v->keys[i].public != NULL) == is_v1a && is_by(&v->keys[i], content, &signature);
        *version = is_v1a ? "v1a" : "v1";
        buf_free(&signature);
    }
    return found;
}

/* --- a delivery --------------------------------------------------------------------------------------------------- */

static const char *missing(const struct listen_delivery *d)
{
    return !d->id.len          ? "webhook-id"
           : !d->timestamp.len ? "webhook-timestamp"
           : !d->signature.len ? "webhook-signature"
                               : NULL;
}

/* 1 when it is of now; else `how` says what is wrong. */
static int is_fresh(struct listen_delivery *d, int64_t *age)
{
    int64_t stamp;
    if (str_to_i64(d->timestamp, &stamp) != BELFRY_OK || stamp < 0 || stamp > INT64_MAX / 2) {
        snprintf(d->how, sizeof(d->how), "webhook-timestamp is no number of seconds");
        return 0;
    }
    *age = d->now_ms / 1000 - stamp;
    if (*age >= -TOLERANCE_S && *age <= TOLERANCE_S)
        return 1;
    snprintf(d->how, sizeof(d->how), "its time is %lld s %s, and %d are allowed", (long long)(*age < 0 ? -*age : *age),
             *age < 0 ? "ahead" : "old", TOLERANCE_S);
    return 0;
}

void listen_verify(const struct listen_verifier *v, struct listen_delivery *d)
{
    const char *absent = missing(d), *version = NULL;
    int64_t age;
    if (absent) {
        snprintf(d->how, sizeof(d->how), "%s is missing", absent);
        return;
    }
    if (!is_fresh(d, &age))
        return;
    struct buf content = {0};
    buf_addf(&content, "%.*s.%.*s.", STR_ARG(d->id), STR_ARG(d->timestamp));
    buf_adds(&content, d->body);
    d->verified = any_by(v, buf_str(&content), d->signature, &version);
    if (d->verified)
        snprintf(d->how, sizeof(d->how), "%s, %lld s old", version, (long long)age);
    else
        snprintf(d->how, sizeof(d->how), "no signature of it is by the secret here over these bytes");
    buf_free(&content);
}
