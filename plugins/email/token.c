/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here is a text, a dot and an HMAC-SHA-256 of it that is cut to 128 bits. A purpose is signed along, so
 * that no signature is good for another thing than it was made for: what stands in a bounce's address stops no mail.
 * What is read is written anew and compared as text in constant time, so each meaning has one spelling; only upper and
 * lower case, which mail servers change, do not matter in local parts.
 */
#include "token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MAC_SIZE 16
#define ID_SIZE 16
#define ID_TEXT 26 /* 16 bytes in base32; a signature is as long */
#define UUID_TEXT 36

/* --- encodings ---------------------------------------------------------------------------------------------------- */

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 without padding, `width` bits a character. Returns the length; out has room for it and a NUL. */
static size_t encode(const char *alphabet, unsigned width, const uint8_t *data, size_t len, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        for (have += 8; have >= width; have -= width)
            out[n++] = alphabet[bits >> (have - width) & ((1u << width) - 1)];
    }
    if (have)
        out[n++] = alphabet[bits << (width - have) & ((1u << width) - 1)];
    out[n] = 0;
    return n;
}

/* The other way. SIZE_MAX when a character is none of the alphabet, or for more than max bytes. Bits that are left over
 * are not looked at: whoever reads writes anew and compares. */
static size_t decode(const char *alphabet, unsigned width, struct belfry_str text, uint8_t *out, size_t max)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
        if (!at)
            return SIZE_MAX;
        bits = bits << width | (uint32_t)(at - alphabet);
        have += width;
        if (have < 8)
            continue;
        have -= 8;
        if (n == max)
            return SIZE_MAX;
        out[n++] = (uint8_t)(bits >> have);
    }
    return n;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A UUID in lower case, as the host writes it. */
static int uuid_read(struct belfry_str text, uint8_t out[ID_SIZE])
{
    size_t digits = 0;
    if (text.len != UUID_TEXT)
        return 0;
    for (size_t i = 0; i < UUID_TEXT; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23, digit = hex_digit(text.ptr[i]);
        if (dash ? text.ptr[i] != '-' : digit < 0)
            return 0;
        if (dash)
            continue;
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | digit : digit << 4);
        digits++;
    }
    return 1;
}

static void uuid_write(const uint8_t id[ID_SIZE], char out[UUID_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < ID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = digits[id[i] >> 4];
        out[n++] = digits[id[i] & 15];
    }
    out[n] = 0;
}

static struct belfry_str slice(struct belfry_str text, size_t from, size_t to)
{
    return (struct belfry_str){text.ptr + from, to - from};
}

static int starts(struct belfry_str text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.len >= n && memcmp(text.ptr, prefix, n) == 0;
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

/* Looking the algorithms up takes as long as a signature, and a mail has eight; the process keeps them. NULL: OpenSSL
 * has none. */
static EVP_MAC_CTX *blank;
static pthread_once_t blank_once = PTHREAD_ONCE_INIT;

static void blank_make(void)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t) "SHA256", 0),
                           OSSL_PARAM_construct_end()};
    blank = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    if (blank && !EVP_MAC_CTX_set_params(blank, params)) {
        EVP_MAC_CTX_free(blank);
        blank = NULL;
    }
    EVP_MAC_free(algorithm);
}

/* Of a list of texts, each behind its length: no two lists are the same bytes. 0 only without memory. */
static int sign(const uint8_t key[32], const struct belfry_str *parts, size_t count, uint8_t mac[MAC_SIZE])
{
    pthread_once(&blank_once, blank_make);
    EVP_MAC_CTX *ctx = blank ? EVP_MAC_CTX_dup(blank) : NULL;
    uint8_t whole[EVP_MAX_MD_SIZE];
    size_t size = 0;
    int ok = ctx && EVP_MAC_init(ctx, key, 32, NULL);
    for (size_t i = 0; ok && i < count; i++) {
        uint32_t n = (uint32_t)parts[i].len;
        uint8_t len[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        ok = EVP_MAC_update(ctx, len, sizeof(len)) && EVP_MAC_update(ctx, (const uint8_t *)(n ? parts[i].ptr : ""), n);
    }
    ok = ok && EVP_MAC_final(ctx, whole, &size, sizeof(whole)) && size >= MAC_SIZE;
    EVP_MAC_CTX_free(ctx);
    if (ok)
        memcpy(mac, whole, MAC_SIZE);
    return ok;
}

/* The signature in base32, empty when there is none. */
static void sign_text(const uint8_t key[32], const struct belfry_str *parts, size_t count, char out[ID_TEXT + 1])
{
    uint8_t mac[MAC_SIZE];
    out[0] = 0;
    if (sign(key, parts, count, mac))
        encode(base32, 5, mac, sizeof(mac), out);
}

static int sign_id(const uint8_t key[32], const char *purpose, const uint8_t id[ID_SIZE], char out[ID_TEXT + 1])
{
    struct belfry_str parts[] = {belfry_str(purpose), {(const char *)id, ID_SIZE}};
    sign_text(key, parts, 2, out);
    return out[0] != 0;
}

/* --- the unsubscribe link ----------------------------------------------------------------------------------------- */

#define PAYLOAD_MAX 768 /* so that the text fits into TOKEN_TEXT_SIZE */

/* Which key it was: enough to tell a later one from it, too little to say anything of it. */
static int key_id(const uint8_t key[32], char out[5])
{
    uint8_t mac[MAC_SIZE];
    struct belfry_str parts[] = {belfry_str("key id")};
    int ok = sign(key, parts, 1, mac);
    encode(base64url, 6, mac, ok ? 3 : 0, out);
    return ok;
}

/* `u` or `a`, the name or address, NUL, the category: none of them can hold a NUL. 0 when it is too long. */
static size_t payload_write(const struct token_subject *subject, uint8_t out[PAYLOAD_MAX])
{
    struct belfry_str who = subject->username.len ? subject->username : subject->address;
    if (!who.len || who.len + subject->category.len + 2 > 600)
        return 0;
    out[0] = subject->username.len ? 'u' : 'a';
    memcpy(out + 1, who.ptr, who.len);
    out[1 + who.len] = 0;
    if (subject->category.len)
        memcpy(out + 2 + who.len, subject->category.ptr, subject->category.len);
    return 2 + who.len + subject->category.len;
}

static int payload_read(const char *bytes, size_t len, struct token_subject *out)
{
    const char *end = len > 2 ? memchr(bytes, 0, len) : NULL;
    if (!end || end == bytes + 1 || (bytes[0] != 'u' && bytes[0] != 'a'))
        return 0;
    struct belfry_str who = {bytes + 1, (size_t)(end - bytes - 1)};
    *out = (struct token_subject){.category = {end + 1, (size_t)(bytes + len - end - 1)}};
    if (bytes[0] == 'u')
        out->username = who;
    else
        out->address = who;
    return !out->category.len || !memchr(out->category.ptr, 0, out->category.len);
}

void token_write(const uint8_t key[32], const struct token_subject *subject, char out[TOKEN_TEXT_SIZE])
{
    uint8_t payload[PAYLOAD_MAX], mac[MAC_SIZE];
    char kid[5], mac_text[23];
    out[0] = 0;
    size_t len = payload_write(subject, payload);
    if (!len || !key_id(key, kid))
        return;
    size_t n = (size_t)snprintf(out, TOKEN_TEXT_SIZE, "v1.%s.", kid);
    n += encode(base64url, 6, payload, len, out + n);
    struct belfry_str parts[] = {belfry_str("unsubscribe"), subject->org, {out, n}};
    if (sign(key, parts, 3, mac)) {
        encode(base64url, 6, mac, sizeof(mac), mac_text);
        snprintf(out + n, TOKEN_TEXT_SIZE - n, ".%s", mac_text);
    } else {
        out[0] = 0;
    }
}

int token_read(const uint8_t key[32], struct belfry_str org, struct belfry_str text, char memory[TOKEN_TEXT_SIZE],
               struct token_subject *out)
{
    char again[TOKEN_TEXT_SIZE];
    size_t from = strlen("v1.XXXX.");
    if (text.len <= from || text.len >= TOKEN_TEXT_SIZE || !starts(text, "v1."))
        return 0;
    const char *dot = memchr(text.ptr + from, '.', text.len - from);
    if (!dot)
        return 0;
    struct belfry_str payload = slice(text, from, (size_t)(dot - text.ptr));
    size_t len = decode(base64url, 6, payload, (uint8_t *)memory, PAYLOAD_MAX);
    if (len == SIZE_MAX || !payload_read(memory, len, out))
        return 0;
    out->org = org;
    token_write(key, out, again);
    return strlen(again) == text.len && CRYPTO_memcmp(again, text.ptr, text.len) == 0;
}

/* --- addresses of the bounce domain ------------------------------------------------------------------------------- */

/* PREFIX<id>.<mac>, 26 characters each. */
static void local_write(const uint8_t key[32], const char *prefix, struct belfry_str delivery,
                        char out[TOKEN_LOCAL_SIZE])
{
    uint8_t id[ID_SIZE];
    char text[ID_TEXT + 1], mac[ID_TEXT + 1];
    out[0] = 0;
    if (!uuid_read(delivery, id) || !sign_id(key, prefix, id, mac))
        return;
    encode(base32, 5, id, sizeof(id), text);
    snprintf(out, TOKEN_LOCAL_SIZE, "%s%s.%s", prefix, text, mac);
}

static int local_read(const uint8_t key[32], const char *prefix, struct belfry_str address, char delivery[37])
{
    char local[TOKEN_LOCAL_SIZE], again[TOKEN_LOCAL_SIZE] = {0};
    uint8_t id[ID_SIZE];
    const char *at = address.len ? memchr(address.ptr, '@', address.len) : NULL;
    size_t len = at ? (size_t)(at - address.ptr) : address.len, from = strlen(prefix);
    if (len != from + ID_TEXT + 1 + ID_TEXT)
        return 0;
    for (size_t i = 0; i < len; i++)
        local[i] = (char)(address.ptr[i] >= 'A' && address.ptr[i] <= 'Z' ? address.ptr[i] + 32 : address.ptr[i]);
    if (decode(base32, 5, (struct belfry_str){local + from, ID_TEXT}, id, sizeof(id)) != sizeof(id))
        return 0;
    uuid_write(id, delivery);
    local_write(key, prefix, belfry_str(delivery), again);
    return CRYPTO_memcmp(again, local, len) == 0;
}

void verp_write(const uint8_t key[32], struct belfry_str delivery, char out[TOKEN_LOCAL_SIZE])
{
    local_write(key, "b+", delivery, out);
}

int verp_read(const uint8_t key[32], struct belfry_str address, char delivery[37])
{
    return local_read(key, "b+", address, delivery);
}

void unsub_write(const uint8_t key[32], struct belfry_str delivery, char out[TOKEN_LOCAL_SIZE])
{
    local_write(key, "unsub+", delivery, out);
}

int unsub_read(const uint8_t key[32], struct belfry_str address, char delivery[37])
{
    return local_read(key, "unsub+", address, delivery);
}

/* --- Message-IDs -------------------------------------------------------------------------------------------------- */

void message_id_write(const uint8_t key[32], struct belfry_str delivery, const char *domain,
                      char out[TOKEN_MESSAGE_ID_SIZE])
{
    uint8_t id[ID_SIZE];
    char mac[ID_TEXT + 1];
    out[0] = 0;
    if (!uuid_read(delivery, id) || !sign_id(key, "message", id, mac))
        return;
    snprintf(out, TOKEN_MESSAGE_ID_SIZE, "%.36s.%s@%s", delivery.ptr, mac, domain);
}

int message_id_read(const uint8_t key[32], struct belfry_str id, char delivery[37])
{
    uint8_t bytes[ID_SIZE];
    char mac[ID_TEXT + 1];
    if (id.len <= UUID_TEXT + 1 + ID_TEXT + 1 || id.ptr[UUID_TEXT] != '.' || id.ptr[UUID_TEXT + 1 + ID_TEXT] != '@' ||
        !uuid_read(slice(id, 0, UUID_TEXT), bytes) || !sign_id(key, "message", bytes, mac))
        return 0;
    uuid_write(bytes, delivery);
    return CRYPTO_memcmp(mac, id.ptr + UUID_TEXT + 1, ID_TEXT) == 0;
}

void thread_id_write(const uint8_t key[32], struct belfry_str org, struct belfry_str who, struct belfry_str source,
                     struct belfry_str subject, const char *domain, char out[TOKEN_MESSAGE_ID_SIZE])
{
    char text[ID_TEXT + 1];
    struct belfry_str parts[] = {belfry_str("thread"), org, who, source, subject};
    sign_text(key, parts, 5, text);
    snprintf(out, TOKEN_MESSAGE_ID_SIZE, "t.%s@%s", text, domain);
}

/* --- taking back -------------------------------------------------------------------------------------------------- */

void undo_write(const uint8_t key[32], struct belfry_str token, struct belfry_str what, struct belfry_str before,
                char out[TOKEN_SEAL_SIZE])
{
    struct belfry_str parts[] = {belfry_str("undo"), token, what, before};
    sign_text(key, parts, 4, out);
}

int undo_read(const uint8_t key[32], struct belfry_str token, struct belfry_str what, struct belfry_str before,
              struct belfry_str seal)
{
    char again[TOKEN_SEAL_SIZE];
    undo_write(key, token, what, before, again);
    return again[0] && seal.len == ID_TEXT && CRYPTO_memcmp(again, seal.ptr, ID_TEXT) == 0;
}
