/* SPDX-License-Identifier: Apache-2.0 */
/* The key is the decoded bytes, not the text. What other libraries would not read is refused here already. */
#include "keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define HMAC_MIN 24
#define HMAC_FRESH 32
#define PUBLIC_SIZE 32

static const struct {
    const char *prefix;
    size_t len;
} prefixes[] = {[KEY_HMAC] = {"whsec_", 6}, [KEY_ED25519] = {"whsk_", 5}};

static int begins(struct belfry_str s, enum key_kind kind)
{
    return s.len >= prefixes[kind].len && memcmp(s.ptr, prefixes[kind].prefix, prefixes[kind].len) == 0;
}

/* The next part of a text with blanks between; empty at the end. */
static struct belfry_str word(struct belfry_str *rest)
{
    while (rest->len && *rest->ptr == ' ') {
        rest->ptr++;
        rest->len--;
    }
    const char *end = rest->len ? memchr(rest->ptr, ' ', rest->len) : NULL;
    struct belfry_str out = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    rest->ptr += out.len;
    rest->len -= out.len;
    return out;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int base64_value(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* RFC 4648 section 4, padding optional. Returns the number of bytes, SIZE_MAX when it is no base64 or longer than max.
 */
static size_t base64_decode(struct belfry_str text, uint8_t *out, size_t max)
{
    size_t n = 0, padded = text.len;
    uint32_t bits = 0;
    int have = 0;
    while (text.len && text.ptr[text.len - 1] == '=' && padded - text.len < 2)
        text.len--;
    if (text.len % 4 == 1 || (padded != text.len && padded % 4 != 0))
        return SIZE_MAX;
    for (size_t i = 0; i < text.len; i++) {
        int v = base64_value(text.ptr[i]);
        if (v < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == max)
            return SIZE_MAX;
        out[n++] = (uint8_t)(bits >> have);
    }
    return n;
}

static int public_of(const uint8_t seed[KEY_SEED], uint8_t out[PUBLIC_SIZE])
{
    size_t len = PUBLIC_SIZE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_SEED);
    int ok = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == PUBLIC_SIZE;
    EVP_PKEY_free(key);
    return ok ? 0 : -1;
}

static const char *read_hmac(struct belfry_str text, struct key *key)
{
    key->has_public = 0;
    if (begins(text, KEY_HMAC)) {
        text.ptr += prefixes[KEY_HMAC].len;
        text.len -= prefixes[KEY_HMAC].len;
    }
    key->kind = KEY_HMAC;
    key->len = base64_decode(text, key->bytes, KEY_BYTES_MAX);
    return key->len == SIZE_MAX ? "is not `whsec_` and base64 of at most 64 bytes"
           : key->len < HMAC_MIN
               ? "holds fewer than 24 bytes; make one with `echo \"whsec_$(openssl rand -base64 32)\"`"
               : NULL;
}

static const char *read_ed25519(struct belfry_str text, struct key *key)
{
    text.ptr += prefixes[KEY_ED25519].len;
    text.len -= prefixes[KEY_ED25519].len;
    key->kind = KEY_ED25519;
    size_t len = base64_decode(text, key->bytes, KEY_BYTES_MAX);
    key->len = KEY_SEED;
    key->has_public = len == KEY_SEED + PUBLIC_SIZE;
    if (len != KEY_SEED && !key->has_public)
        return "is not `whsk_` and base64 of the 32 bytes of an Ed25519 key; make one with `echo \"whsk_$(openssl rand "
               "-base64 32)\"`";
    return NULL;
}

size_t keys_read(struct belfry_str secret, struct key keys[KEYS_OF_SECRET], const char **fault)
{
    size_t count = 0;
    *fault = NULL;
    do {
        struct belfry_str text = word(&secret);
        if (!text.len && count)
            break;
        if (count == KEYS_OF_SECRET) {
            *fault = "holds more than one key of each kind";
            break;
        }
        *fault = begins(text, KEY_ED25519) ? read_ed25519(text, &keys[count]) : read_hmac(text, &keys[count]);
        count++;
    } while (!*fault);
    if (!*fault && count == 2 && keys[0].kind == keys[1].kind)
        *fault = "holds two keys of one kind; a list has them one by one";
    return *fault ? 0 : count;
}

const char *keys_fault(struct belfry_str secret)
{
    struct key keys[KEYS_OF_SECRET];
    uint8_t public[PUBLIC_SIZE];
    const char *fault;
    size_t count = keys_read(secret, keys, &fault);
    for (size_t i = 0; i < count && !fault; i++) {
        if (keys[i].kind != KEY_ED25519)
            continue;
        if (public_of(keys[i].bytes, public) != 0)
            fault = "cannot be used by OpenSSL";
        else if (keys[i].has_public && memcmp(public, keys[i].bytes + KEY_SEED, PUBLIC_SIZE) != 0)
            fault = "has a public half that is another key's";
    }
    OPENSSL_cleanse(keys, sizeof(keys));
    return fault;
}

struct belfry_str keys_shared(struct belfry_str secret)
{
    for (struct belfry_str part = word(&secret); part.len; part = word(&secret))
        if (!begins(part, KEY_ED25519))
            return part;
    return (struct belfry_str){0};
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

int keys_public(const struct key *key, char out[KEY_PUBLIC_TEXT])
{
    uint8_t public[PUBLIC_SIZE];
    if (public_of(key->bytes, public) != 0)
        return -1;
    memcpy(out, "whpk_", 5);
    EVP_EncodeBlock((unsigned char *)out + 5, public, sizeof(public));
    return 0;
}

/* Seed and public key together, which is how others write it. Returns what was written. */
static size_t write_key(const struct key *key, char *out)
{
    uint8_t bytes[KEY_BYTES_MAX];
    size_t len = key->len, prefix = prefixes[key->kind].len;
    memcpy(bytes, key->bytes, len);
    if (key->kind == KEY_ED25519) {
        if (public_of(bytes, bytes + KEY_SEED) != 0)
            return 0;
        len = KEY_SEED + PUBLIC_SIZE;
    }
    memcpy(out, prefixes[key->kind].prefix, prefix);
    prefix += (size_t)EVP_EncodeBlock((unsigned char *)out + prefix, bytes, (int)len);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return prefix;
}

int keys_new(const struct key *keys, size_t count, char out[KEY_SECRET_TEXT])
{
    size_t at = 0;
    int ok = 1;
    for (enum key_kind kind = KEY_HMAC; ok && kind <= KEY_ED25519; kind++) {
        struct key fresh = {.kind = kind, .len = kind == KEY_HMAC ? HMAC_FRESH : KEY_SEED};
        const struct key *key = NULL;
        for (size_t i = 0; i < count; i++)
            key = keys[i].kind == kind ? &keys[i] : key;
        if (!key)
            ok = RAND_priv_bytes(fresh.bytes, (int)fresh.len) == 1;
        if (at)
            out[at++] = ' ';
        size_t len = ok ? write_key(key ? key : &fresh, out + at) : 0;
        ok = len > 0;
        at += len;
        OPENSSL_cleanse(&fresh, sizeof(fresh));
    }
    out[at] = '\0';
    if (!ok)
        OPENSSL_cleanse(out, KEY_SECRET_TEXT);
    return ok ? 0 : -1;
}
