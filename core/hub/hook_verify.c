/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of inbound webhooks: Standard Webhooks 1.0.0, and the HMACs of GitHub, Stripe, Shopify, Slack and others,
 * which differ in nothing but the parameters of struct config_verify.
 *
 * Every key is tried with every signature, whatever came of those before, and each pair is compared in constant time:
 * how long a refusal takes says nothing about how near it was. A signature is compared as text, so there is one
 * spelling of each. What tells which bytes are signed (time, id) must be there once: of two, a proxy might have read
 * the other.
 */
#include "hub/hook.h"

#include "base/id.h"
#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define ENTRIES_MAX 32 /* of a header; keys that a sender has at a time are a few */
#define DIGEST_MAX 64
#define ED25519_SIGNATURE 64
#define SECONDS_DIGITS 12

struct parts {
    struct belfry_str signatures[ENTRIES_MAX]; /* behind their prefix */
    struct belfry_str publics[ENTRIES_MAX];    /* the same, of Ed25519 */
    size_t count, public_count;
    struct belfry_str time, id;
    int times;
};

/* --- the call ----------------------------------------------------------------------------------------------------- */

/* The value of a header that is there once and is not empty, or an empty text. */
static struct belfry_str only(const struct belfry_attr *headers, size_t count, const char *name)
{
    struct belfry_str found = {0};
    size_t times = 0;
    for (size_t i = 0; i < count; i++) {
        if (!str_eqz(headers[i].name, name))
            continue;
        found = str_trim(headers[i].value);
        times++;
    }
    return times == 1 ? found : (struct belfry_str){0};
}

static struct belfry_str behind(struct belfry_str text, struct belfry_str prefix)
{
    return str_slice(text.ptr + prefix.len, text.len - prefix.len);
}

static const char *read_entries(const struct config_verify *v, struct belfry_str header, struct parts *parts)
{
    struct belfry_str rest = header;
    size_t entries = 0;
    while (rest.len) {
        struct belfry_str entry = v->separator ? str_trim(str_cut(rest, v->separator, &rest)) : rest;
        if (!v->separator)
            rest.len = 0;
        if (entries++ == ENTRIES_MAX)
            return "its header has too many entries";
        if (v->timestamp_prefix && str_has_prefix(entry, str_of(v->timestamp_prefix))) {
            parts->time = behind(entry, str_of(v->timestamp_prefix));
            parts->times++;
        } else if (v->public_prefix && str_has_prefix(entry, str_of(v->public_prefix))) {
            parts->publics[parts->public_count++] = behind(entry, str_of(v->public_prefix));
        } else if (str_has_prefix(entry, str_of(v->prefix)) && entry.len > strlen(v->prefix)) {
            parts->signatures[parts->count++] = behind(entry, str_of(v->prefix));
        }
    }
    return NULL;
}

/* Seconds since 1970 in digits, and nothing else. */
static const char *time_fault(struct belfry_str text, int64_t tolerance_ms, int64_t now_ms)
{
    int64_t seconds = 0, away;
    if (text.len == 0 || text.len > SECONDS_DIGITS)
        return "its time is missing or no number of seconds";
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return "its time is missing or no number of seconds";
        seconds = seconds * 10 + (text.ptr[i] - '0');
    }
    away = now_ms / 1000 - seconds;
    if (away > tolerance_ms / 1000)
        return "it is too old";
    return -away > tolerance_ms / 1000 ? "its time lies too far ahead" : NULL;
}

static const char *read_parts(const struct config_verify *v, const struct belfry_attr *headers, size_t count,
                              int64_t now_ms, struct parts *parts)
{
    struct belfry_str header = only(headers, count, v->header);
    if (header.len == 0)
        return "the header of its signature is not there, or not once";
    const char *fault = read_entries(v, header, parts);
    if (fault)
        return fault;
    if (parts->times > 1)
        return "its time is there more than once";
    if (v->timestamp_header)
        parts->time = only(headers, count, v->timestamp_header);
    if (v->timestamp_header || v->timestamp_prefix)
        fault = time_fault(parts->time, v->tolerance_ms, now_ms);
    if (fault)
        return fault;
    if (v->id_header)
        parts->id = only(headers, count, v->id_header);
    if (v->id_header && parts->id.len == 0)
        return "the header of its id is not there, or not once";
    return parts->count + parts->public_count ? NULL : "its header holds no signature of this scheme";
}

/* --- what is signed ----------------------------------------------------------------------------------------------- */

static void add_pattern(struct buf *out, const char *pattern, const struct parts *parts)
{
    for (const char *p = pattern; *p;) {
        if (strncmp(p, "{t}", 3) == 0) {
            buf_adds(out, parts->time);
            p += 3;
        } else if (strncmp(p, "{id}", 4) == 0) {
            buf_adds(out, parts->id);
            p += 4;
        } else {
            buf_addc(out, *p++);
        }
    }
}

/* --- the proof ---------------------------------------------------------------------------------------------------- */

static int same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0;
}

static int hmac_fits(const struct config_verify *v, const struct config_hook_key *key, struct belfry_str content,
                     const struct parts *parts)
{
    const EVP_MD *md = v->hash == CONFIG_HOOK_SHA512 ? EVP_sha512()
                       : v->hash == CONFIG_HOOK_SHA1 ? EVP_sha1()
                                                     : EVP_sha256();
    unsigned char digest[DIGEST_MAX];
    unsigned len = 0;
    struct buf text = {0};
    int fits = 0;
    if (!HMAC(md, key->bytes, (int)key->len, (const unsigned char *)content.ptr, content.len, digest, &len))
        abort(); /* a broken library or no memory: nothing that a caller could bring about */
    if (v->base64)
        base64_encode(digest, len, 0, &text);
    else
        hex_encode(digest, len, &text);
    for (size_t i = 0; i < parts->count; i++)
        fits |= same(parts->signatures[i], buf_str(&text));
    mem_wipe(text.ptr, text.cap);
    buf_free(&text);
    return fits;
}

static int ed25519_signed(EVP_PKEY *key, struct belfry_str signature, struct belfry_str content)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                              (const unsigned char *)content.ptr, content.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static int ed25519_fits(const struct config_hook_key *key, struct belfry_str content, const struct parts *parts)
{
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, key->len);
    int fits = 0;
    for (size_t i = 0; public && i < parts->public_count; i++) {
        struct buf signature = {0};
        if (base64_decode(parts->publics[i], 0, &signature) == BELFRY_OK && signature.len == ED25519_SIGNATURE)
            fits |= ed25519_signed(public, buf_str(&signature), content);
        buf_free(&signature);
    }
    EVP_PKEY_free(public);
    return fits;
}

const char *hook_verify(const struct config_verify *v, const struct belfry_attr *headers, size_t header_count,
                        struct belfry_str body, int64_t now_ms)
{
    struct parts parts = {0};
    const char *fault = read_parts(v, headers, header_count, now_ms, &parts);
    if (fault)
        return fault;
    struct buf content = {0};
    int fits = 0;
    add_pattern(&content, v->head, &parts);
    buf_adds(&content, body);
    add_pattern(&content, v->tail, &parts);
    struct belfry_str signed_text = content.len ? buf_str(&content) : STR("");
    for (size_t i = 0; i < v->key_count; i++)
        if (v->keys[i].len > 0) /* 0: a check without secrets; such a key is nobody's */
            fits |= v->keys[i].ed25519 ? ed25519_fits(&v->keys[i], signed_text, &parts)
                                       : hmac_fits(v, &v->keys[i], signed_text, &parts);
    buf_free(&content);
    return fits ? NULL : "none of the secrets made its signature";
}
