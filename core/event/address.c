/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand behind a click or receive a mail. Both are stricter than their standards: a link is followed by
 * browsers, which read backslashes, spaces and doubled slashes in their own way, and an address ends up in SMTP
 * commands.
 */
#include "event/event.h"

#include "base/str.h"

#include <ctype.h>
#include <strings.h>
#include <unicode/uidna.h>

#define LINK_MAX 2048
#define ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3 */
#define DOMAIN_SIZE 256

/* Characters that no link has; non-ASCII is left alone when it is UTF-8 (browsers encode it). */
static int has_unsafe(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c == 0x7f || c == '\\' || (c == 0xc2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xa0))
            return 1;
    }
    return !str_utf8_valid(s);
}

/* Bytes before the first of the characters in `set`. */
static struct belfry_str until(struct belfry_str s, const char *set)
{
    size_t len = 0;
    while (len < s.len && !strchr(set, s.ptr[len]))
        len++;
    return str_slice(s.ptr, len);
}

/* What follows the scheme begins with an authority that has a host (RFC 3986 section 3.2). */
static int has_host(struct belfry_str rest)
{
    struct belfry_str authority = until(rest, "/?#");
    const char *at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
    struct belfry_str host = at ? str_slice(at + 1, (size_t)(authority.ptr + authority.len - at - 1)) : authority;
    if (host.len > 0 && host.ptr[0] == '[')
        return memchr(host.ptr, ']', host.len) > (const void *)(host.ptr + 1);
    return until(host, ":").len > 0;
}

static int is_own_path(struct belfry_str link)
{
    struct belfry_str path = until(link, "?#");
    return path.len > 0 && path.ptr[0] == '/' && !memmem(path.ptr, path.len, "//", 2);
}

int link_valid(struct belfry_str link)
{
    if (link.len == 0 || link.len > LINK_MAX || has_unsafe(link))
        return 0;
    if (link.len > 7 && strncasecmp(link.ptr, "http://", 7) == 0)
        return has_host(str_slice(link.ptr + 7, link.len - 7));
    if (link.len > 8 && strncasecmp(link.ptr, "https://", 8) == 0)
        return has_host(str_slice(link.ptr + 8, link.len - 8));
    return is_own_path(link);
}

/* RFC 5322 atext. */
static int is_atext(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Dot-string of RFC 5321: atoms with single dots between them. */
static int is_local_part(struct belfry_str s)
{
    if (s.len == 0 || s.len > 64 || s.ptr[0] == '.' || s.ptr[s.len - 1] == '.')
        return 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '.' ? s.ptr[i + 1] == '.' : !is_atext(s.ptr[i]))
            return 0;
    return 1;
}

static int is_label(struct belfry_str s)
{
    if (s.len == 0 || s.len > 63 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return 0;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '-')
            return 0;
    return 1;
}

static int all_digits(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit((unsigned char)s.ptr[i]))
            return 0;
    return 1;
}

/* Labels; the last one has a letter, so that an IP address without brackets is none. */
static int is_domain(struct belfry_str s)
{
    struct belfry_str rest = s, label = {0};
    if (s.len == 0 || s.len > 253 || s.ptr[s.len - 1] == '.')
        return 0;
    while (rest.len > 0) {
        label = str_cut(rest, '.', &rest);
        if (!is_label(label))
            return 0;
    }
    return !all_digits(label);
}

static int is_ascii(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return 0;
    return 1;
}

/* The domain in A-labels, which has to be one (UTS 46, as whoever sends to it asks). Bytes; 0: it is none. */
static size_t a_labels(struct belfry_str domain, char out[DOMAIN_SIZE])
{
    const uint32_t strict = UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_CHECK_CONTEXTO |
                            UIDNA_NONTRANSITIONAL_TO_ASCII;
    UErrorCode code = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UIDNA *idna = uidna_openUTS46(strict, &code);
    int32_t len = uidna_nameToASCII_UTF8(idna, domain.ptr, (int32_t)domain.len, out, DOMAIN_SIZE, &info, &code);
    uidna_close(idna);
    return U_SUCCESS(code) && !info.errors && len > 0 && len < DOMAIN_SIZE ? (size_t)len : 0;
}

int address_valid(struct belfry_str address)
{
    char ascii[DOMAIN_SIZE];
    struct belfry_str domain, local = str_cut(address, '@', &domain);
    if (address.len > ADDRESS_MAX || !is_local_part(local))
        return 0;
    if (is_ascii(domain))
        return is_domain(domain);
    domain = str_slice(ascii, a_labels(domain, ascii));
    return local.len + 1 + domain.len <= ADDRESS_MAX && is_domain(domain);
}

/* --- the same mailbox --------------------------------------------------------------------------------------------- */

static struct belfry_str lower(struct arena *arena, struct belfry_str s)
{
    char *out = arena_strndup(arena, s.ptr ? s.ptr : "", s.len);
    for (size_t i = 0; i < s.len; i++)
        out[i] = (char)(out[i] >= 'A' && out[i] <= 'Z' ? out[i] + 32 : out[i]);
    return str_slice(out, s.len);
}

struct belfry_str address_key(struct arena *arena, struct belfry_str address)
{
    struct belfry_str key = lower(arena, address);
    const char *at = key.len ? memrchr(key.ptr, '@', key.len) : NULL;
    if (!at || is_ascii(key))
        return key;
    size_t local = (size_t)(at + 1 - key.ptr);
    char ascii[DOMAIN_SIZE];
    struct belfry_str domain = str_slice(at + 1, key.len - local);
    size_t len = a_labels(domain, ascii);
    if (len > 0)
        domain = str_slice(ascii, len); /* else as it stands */
    return str_of(arena_printf(arena, "%.*s%.*s", (int)local, key.ptr, STR_ARG(domain)));
}

int64_t address_mark(const struct id_key *key, struct arena *arena, struct belfry_str address)
{
    struct belfry_str text = address_key(arena, address);
    return text.len ? (int64_t)(siphash(key, text.ptr, text.len) >> 1 | 1) : 0;
}

struct belfry_str address_masked(struct arena *arena, struct belfry_str address)
{
    const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
    if (!at || at == address.ptr)
        return STR("\342\200\246");
    size_t first = 1; /* of UTF-8 as many bytes as the character has */
    while (address.ptr + first < at && ((unsigned char)address.ptr[first] & 0xc0) == 0x80)
        first++;
    return str_of(arena_printf(arena, "%.*s\342\200\246%.*s", (int)first, address.ptr,
                               (int)(address.ptr + address.len - at), at));
}
