/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648 sections 4 and 5) and hex. Decoding is strict, since signatures and tokens come through it: exactly
 * one text decodes to given bytes. So padding is as the variant has it, unused bits are zero, and nothing else is
 * skipped.
 */
#include "base/id.h"
#include "base/str.h"

static const char alphabet_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_encode(const void *data, size_t len, int url, struct buf *out)
{
    const char *alphabet = url ? alphabet_url : alphabet_std;
    const unsigned char *p = data;
    size_t whole = len - len % 3;
    char *q = buf_reserve(out, len / 3 * 4 + 4);
    char *start = q;
    for (size_t i = 0; i < whole; i += 3) {
        uint32_t bits = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        *q++ = alphabet[bits >> 18];
        *q++ = alphabet[bits >> 12 & 63];
        *q++ = alphabet[bits >> 6 & 63];
        *q++ = alphabet[bits & 63];
    }
    if (len > whole) {
        uint32_t bits = (uint32_t)p[whole] << 16 | (len - whole == 2 ? (uint32_t)p[whole + 1] << 8 : 0);
        *q++ = alphabet[bits >> 18];
        *q++ = alphabet[bits >> 12 & 63];
        if (len - whole == 2)
            *q++ = alphabet[bits >> 6 & 63];
        else if (!url)
            *q++ = '=';
        if (!url)
            *q++ = '=';
    }
    out->len += (size_t)(q - start);
    *q = '\0';
}

/* The six bits of a character, -1 when it is not in the alphabet. */
static int sextet(char c, int url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

belfry_status base64_decode(struct belfry_str text, int url, struct buf *out)
{
    if (!url) {
        if (text.len % 4 != 0)
            return BELFRY_EINVAL;
        for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    }
    if (text.len % 4 == 1)
        return BELFRY_EINVAL;
    /* buf_reserve may not change what out holds when the text turns out bad: only len makes bytes part of it. */
    char *q = buf_reserve(out, text.len / 4 * 3 + 3);
    char *start = q;
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int six = sextet(text.ptr[i], url);
        if (six < 0) {
            *start = '\0';
            return BELFRY_EINVAL;
        }
        bits = bits << 6 | (uint32_t)six;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *q++ = (char)(bits >> have & 0xff);
        }
    }
    if ((bits & ((1u << have) - 1)) != 0) {
        *start = '\0';
        return BELFRY_EINVAL;
    }
    out->len += (size_t)(q - start);
    *q = '\0';
    return BELFRY_OK;
}

void hex_encode(const void *data, size_t len, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    char *q = buf_reserve(out, len * 2);
    for (size_t i = 0; i < len; i++) {
        *q++ = digits[p[i] >> 4];
        *q++ = digits[p[i] & 15];
    }
    *q = '\0';
    out->len += len * 2;
}
