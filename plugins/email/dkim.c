/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature covers the fields of `signed_fields`, as many as there are and once more: a name in h= without a field
 * stands for "and no other" (RFC 6376, 5.4.2). What is not there yet is signed as missing.
 *
 * Both algorithms sign the SHA-256 of the same bytes; Ed25519 takes the digest for its message (RFC 8463, 3).
 */
#include "dkim.h"
#include "canon.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096 /* more is not for every receiver to check (RFC 8301, 3.2) */
#define LINE_LENGTH 78

struct dkim_key {
    EVP_PKEY *key;
    const char *algorithm; /* of a= */
    char selector[64];
};

static const char *const signed_fields[] = {"from",
                                            "to",
                                            "subject",
                                            "date",
                                            "message-id",
                                            "references",
                                            "in-reply-to",
                                            "mime-version",
                                            "content-type",
                                            "auto-submitted",
                                            "list-id",
                                            "list-unsubscribe",
                                            "list-unsubscribe-post",
                                            "feedback-id"};
#define SIGNED (sizeof(signed_fields) / sizeof(signed_fields[0]))

/* --- keys --------------------------------------------------------------------------------------------------------- */

static int is_selector(const char *selector)
{
    size_t len = strlen(selector);
    return len > 0 && len < sizeof(((struct dkim_key *)0)->selector) &&
           strspn(selector, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len &&
           !strchr("-.", selector[0]) && !strchr("-.", selector[len - 1]) && !strstr(selector, "..");
}

/* Nobody is at a terminal to be asked. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *read_pem(struct belfry_str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
    EVP_PKEY *key = bio && pem.len < INT32_MAX ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static const char *algorithm_of(const EVP_PKEY *key, const char **fault)
{
    *fault = NULL;
    if (EVP_PKEY_is_a(key, "ED25519"))
        return "ed25519-sha256";
    if (!EVP_PKEY_is_a(key, "RSA"))
        *fault = "is neither RSA nor Ed25519";
    else if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        *fault = "has fewer than 2048 bits";
    else if (EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
        *fault = "has more than 4096 bits, which receivers need not accept";
    return *fault ? NULL : "rsa-sha256";
}

struct dkim_key *dkim_key_read(const char *selector, struct belfry_str pem, const char **fault)
{
    *fault = "has a selector that is no name in the DNS: letters, digits and `-`, with dots between";
    if (!is_selector(selector))
        return NULL;
    EVP_PKEY *pkey = read_pem(pem);
    *fault = "is no private key in PEM, or has a passphrase";
    if (!pkey)
        return NULL;
    const char *algorithm = algorithm_of(pkey, fault);
    struct dkim_key *key = algorithm ? calloc(1, sizeof(*key)) : NULL;
    if (!key) {
        *fault = *fault ? *fault : "found no memory";
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key->key = pkey;
    key->algorithm = algorithm;
    strcpy(key->selector, selector);
    return key;
}

void dkim_key_free(struct dkim_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key); /* clears the numbers */
    free(key);
}

/* RSA: PKCS #1 v1.5, for which OpenSSL has to know what the digest is of. */
static int sign_rsa(EVP_PKEY *key, const uint8_t digest[32], uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    int good = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_sign(ctx, out, len, digest, 32) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static int sign_ed25519(EVP_PKEY *key, const uint8_t digest[32], uint8_t *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good =
        ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 && EVP_DigestSign(ctx, out, len, digest, 32) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

size_t dkim_key_sign(const struct dkim_key *key, const uint8_t digest[32], uint8_t out[DKIM_SIGNATURE_MAX])
{
    size_t len = DKIM_SIGNATURE_MAX;
    int rsa = EVP_PKEY_is_a(key->key, "RSA");
    return (rsa ? sign_rsa : sign_ed25519)(key->key, digest, out, &len) ? len : 0;
}

/* --- the field ---------------------------------------------------------------------------------------------------- */

/* A header field that folds itself; grows in memory of its own. */
struct line {
    char *ptr;
    size_t len, cap, column;
    int bad;
};

static void append(struct line *l, const char *text, size_t len)
{
    if (!l->bad && l->cap - l->len < len + 1) {
        size_t cap = 2 * (l->cap + len) + 512;
        char *ptr = realloc(l->ptr, cap);
        l->bad = !ptr;
        l->ptr = ptr ? ptr : l->ptr;
        l->cap = ptr ? cap : l->cap;
    }
    if (l->bad)
        return;
    memcpy(l->ptr + l->len, text, len);
    l->len += len;
    l->ptr[l->len] = '\0';
    l->column += len;
}

static void fold(struct line *l)
{
    append(l, "\r\n", 2);
    l->column = 0;
}

/* A tag, or a piece of one: to the next line when this one has no room for it. */
static void put(struct line *l, const char *before, const char *text, const char *behind)
{
    if (l->column + strlen(before) + strlen(text) + strlen(behind) > LINE_LENGTH) {
        fold(l);
        if (before[0] != ' ')
            append(l, " ", 1);
    }
    append(l, before, strlen(before));
    append(l, text, strlen(text));
    append(l, behind, strlen(behind));
}

static void put_names(struct line *l, struct belfry_str header)
{
    const char *before = " h=";
    for (size_t i = 0; i < SIGNED; i++) {
        for (size_t n = canon_count(header, signed_fields[i]) + 1; n; n--) {
            put(l, before, signed_fields[i], i + 1 == SIGNED && n == 1 ? ";" : "");
            before = ":";
        }
    }
}

/* Base64 goes where there is room. */
static void put_base64(struct line *l, const char *text)
{
    while (*text) {
        if (l->column >= LINE_LENGTH - 1) {
            fold(l);
            append(l, " ", 1);
        }
        size_t room = LINE_LENGTH - 1 - l->column, len = strlen(text);
        append(l, text, len < room ? len : room);
        text += len < room ? len : room;
    }
}

static int body_hash(struct belfry_str body, char out[EVP_MAX_MD_SIZE * 2])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) && canon_add_body(md, body) &&
               EVP_DigestFinal_ex(md, digest, &len);
    EVP_MD_CTX_free(md);
    if (good)
        EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
    return good;
}

/* Everything up to an empty b=. */
static void put_tags(struct line *l, const struct dkim_key *key, const char *domain, struct belfry_str header,
                     const char *bh, int64_t now_s)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, now_s);
    put(l, "DKIM-Signature: v=1; a=", key->algorithm, ";");
    put(l, " c=", "relaxed/relaxed", ";");
    put(l, " d=", domain, ";");
    put(l, " s=", key->selector, ";");
    put(l, " t=", number, ";");
    fold(l);
    put_names(l, header);
    fold(l);
    put(l, " bh=", bh, ";");
    fold(l);
    append(l, " b=", 3);
}

/* --- the signature ------------------------------------------------------------------------------------------------ */

/* SHA-256 of the signed fields and of the signature's own, whose b= is empty (RFC 6376, 3.7). */
static int header_hash(struct belfry_str header, struct belfry_str own, uint8_t out[EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (size_t i = 0; i < SIGNED; i++) {
        size_t count = canon_count(header, signed_fields[i]);
        for (size_t n = 0; good && n < count; n++)
            good = canon_add_field(md, canon_field(header, signed_fields[i], n), 1);
    }
    good = good && canon_add_field(md, own, 0) && EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    return good;
}

static int put_signature(struct line *l, size_t start, const struct dkim_key *key, struct belfry_str header)
{
    uint8_t digest[EVP_MAX_MD_SIZE], signature[DKIM_SIGNATURE_MAX];
    char base64[DKIM_SIGNATURE_MAX * 4 / 3 + 5];
    struct belfry_str own = {l->ptr + start, l->len - start};
    size_t len = !l->bad && header_hash(header, own, digest) ? dkim_key_sign(key, digest, signature) : 0;
    if (!len)
        return 0;
    EVP_EncodeBlock((unsigned char *)base64, signature, (int)len);
    put_base64(l, base64);
    fold(l);
    return !l->bad;
}

char *dkim_sign(const struct dkim_key *const *keys, size_t key_count, const char *domain, const char *message,
                size_t size, int64_t now_s, size_t *out_size)
{
    struct line l = {0};
    struct belfry_str header, body;
    char bh[EVP_MAX_MD_SIZE * 2];
    canon_split((struct belfry_str){message, size}, &header, &body);
    int good = body_hash(body, bh);
    append(&l, "", 0);
    for (size_t i = 0; good && i < key_count; i++) {
        size_t start = l.len;
        put_tags(&l, keys[i], domain, header, bh, now_s);
        good = put_signature(&l, start, keys[i], header);
    }
    if (!good || l.bad) {
        free(l.ptr);
        return NULL;
    }
    *out_size = l.len;
    return l.ptr;
}
