/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard Webhooks 1.0 from the receiver's side: the proof is that of the hub's own hooks (hub/hook_verify.c), asked
 * key by key, so that it can be said which signature it was. What is missing or too old is said first, in numbers.
 *
 * A secret is used as its decoded bytes. Of a "whsk_..." only the public half is kept: nothing is signed here.
 */
#include "base/id.h"
#include "base/mem.h"
#include "cli/listen.h"
#include "hub/hook.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define TOLERANCE_S 300
#define KEYS_MAX 16
#define SECRET_MIN 24
#define SECRET_MAX 64
#define PUBLIC_BYTES 32
#define SEED_BYTES 32
#define PAIR_BYTES 64 /* the public key behind the seed */

struct listen_verifier {
    uint8_t bytes[KEYS_MAX][SECRET_MAX];
    struct config_hook_key keys[KEYS_MAX];
    size_t count;
};

static const struct config_verify standard_webhooks = {.scheme = "standard-webhooks",
                                                       .header = "webhook-signature",
                                                       .prefix = "v1,",
                                                       .public_prefix = "v1a,",
                                                       .separator = ' ',
                                                       .hash = CONFIG_HOOK_SHA256,
                                                       .base64 = 1,
                                                       .timestamp_header = "webhook-timestamp",
                                                       .id_header = "webhook-id",
                                                       .head = "{id}.{t}.",
                                                       .tail = "",
                                                       .tolerance_ms = TOLERANCE_S * 1000};

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

/* The public half that belongs to a seed. */
static int public_of(const char *seed, uint8_t out[PUBLIC_BYTES])
{
    size_t len = PUBLIC_BYTES;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)seed, SEED_BYTES);
    int ok = pair && EVP_PKEY_get_raw_public_key(pair, out, &len) == 1;
    EVP_PKEY_free(pair);
    return ok;
}

/* How a key is written, how many bytes it may have, and what to say when it is not like that. */
static const struct kind {
    struct belfry_str prefix;
    size_t min, max;
    int public, seed;
    const char *fault;
} kinds[] = {
    {{"whpk_", 5}, PUBLIC_BYTES, PUBLIC_BYTES, 1, 0, "a key `whpk_...` is the base64 of 32 bytes"},
    {{"whsk_", 5}, SEED_BYTES, PAIR_BYTES, 1, 1, "a key `whsk_...` is the base64 of 32 or 64 bytes"},
    {{"whsec_", 6}, SECRET_MIN, SECRET_MAX, 0, 0, "a secret is `whsec_` and the base64 of 24 to 64 bytes"},
    {{"", 0}, SECRET_MIN, SECRET_MAX, 0, 0, "a secret is `whsec_` and the base64 of 24 to 64 bytes"},
};

/* 0 and a sentence when it is none. */
static int add_key(struct listen_verifier *v, struct belfry_str text, char fault[160])
{
    const struct kind *kind = kinds;
    struct config_hook_key *key = &v->keys[v->count];
    uint8_t *bytes = v->bytes[v->count];
    struct buf decoded = {0};
    while (!str_has_prefix(text, kind->prefix))
        kind++;
    int ok = decode(text, kind->prefix.len, &decoded) && decoded.len >= kind->min && decoded.len <= kind->max &&
             (!kind->seed || decoded.len == SEED_BYTES || decoded.len == PAIR_BYTES);
    if (ok && kind->seed)
        ok = public_of(decoded.ptr, bytes);
    else if (ok)
        memcpy(bytes, decoded.ptr, decoded.len);
    *key = (struct config_hook_key){bytes, kind->seed ? PUBLIC_BYTES : decoded.len, (uint8_t)kind->public};
    v->count += (size_t)ok;
    if (!ok)
        snprintf(fault, 160, "%s", kind->fault);
    if (decoded.ptr)
        mem_wipe(decoded.ptr, decoded.cap);
    buf_free(&decoded);
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
    int ok = 1;
    snprintf(fault, 160, "no key is there");
    for (struct belfry_str one = next_key(&keys); ok && one.len; one = next_key(&keys)) {
        if (v->count == KEYS_MAX)
            snprintf(fault, 160, "at most %d keys are looked at", KEYS_MAX);
        ok = v->count < KEYS_MAX && add_key(v, one, fault);
    }
    if (ok && v->count)
        return v;
    listen_verifier_free(v);
    return NULL;
}

void listen_verifier_free(struct listen_verifier *v)
{
    if (v)
        mem_wipe(v, sizeof(*v));
    free(v);
}

/* --- a delivery --------------------------------------------------------------------------------------------------- */

/* 1 when it has all that it needs and is of now; else `how` says what is wrong. */
static int is_whole(struct listen_delivery *d, int64_t *age)
{
    const char *absent = !d->id.len          ? "webhook-id"
                         : !d->timestamp.len ? "webhook-timestamp"
                         : !d->signature.len ? "webhook-signature"
                                             : NULL;
    int64_t stamp = 0;
    if (absent)
        snprintf(d->how, sizeof(d->how), "%s is missing", absent);
    else if (str_to_i64(d->timestamp, &stamp) != BELFRY_OK || stamp < 0)
        snprintf(d->how, sizeof(d->how), "webhook-timestamp is no number of seconds");
    *age = d->now_ms / 1000 - stamp;
    int of_now = *age >= -TOLERANCE_S && *age <= TOLERANCE_S;
    if (!*d->how && !of_now)
        snprintf(d->how, sizeof(d->how), "its time is %lld s %s, and %d are allowed",
                 (long long)(*age < 0 ? -*age : *age), *age < 0 ? "ahead" : "old", TOLERANCE_S);
    return !*d->how;
}

struct gathered {
    struct belfry_attr headers[8];
    size_t count;
};

/* Those that the proof is made of, each as often as it is there. */
static enum MHD_Result gather(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature"};
    struct gathered *g = arg;
    (void)kind;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0 && g->count < sizeof(g->headers) / sizeof(g->headers[0]))
            g->headers[g->count++] = (struct belfry_attr){str_of(names[i]), str_of(value)};
    return MHD_YES;
}

void listen_verify(const struct listen_verifier *v, struct listen_delivery *d)
{
    struct gathered g = {.count = 0};
    const char *why = NULL;
    int64_t age;
    if (!is_whole(d, &age))
        return;
    MHD_get_connection_values(d->mhd, MHD_HEADER_KIND, gather, &g);
    for (size_t i = 0; i < v->count && !d->verified; i++) {
        struct config_verify one = standard_webhooks;
        one.keys = &v->keys[i];
        one.key_count = 1;
        why = hook_verify(&one, g.headers, g.count, d->body, d->now_ms);
        d->verified = !why;
        if (!why)
            snprintf(d->how, sizeof(d->how), "%s, %lld s old", v->keys[i].ed25519 ? "v1a" : "v1", (long long)age);
    }
    if (!d->verified)
        snprintf(d->how, sizeof(d->how), "%s", why);
}
