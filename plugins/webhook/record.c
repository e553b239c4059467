/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an attempt: what was asked and what came back, so that an integrator can see it. The signature is
 * masked (it lets whoever reads the record replay the call for five minutes), and of the URL only scheme, host and path
 * are kept: user and query may be credentials. Whatever the endpoint answers, the record stays within its limit: first
 * the body is cut, then the headers go.
 */
#include "record.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECORD_MAX (32 * 1024)
#define BODY_MAX 20000
#define HEADER_NAME_MAX 127

const char *record_class(const struct belfry_http_answer *answer, char out[32])
{
    static const char *const names[] = {"ok",      "dns",        "refused",  "reset", "tls",
                                        "timeout", "blocked_ip", "canceled", "url"};
    if (answer->error == BELFRY_HTTP_ERR_NONE)
        snprintf(out, 32, answer->status / 100 == 3 ? "redirect" : "http_%u", answer->status);
    else
        snprintf(out, 32, "%s", answer->error < sizeof(names) / sizeof(names[0]) ? names[answer->error] : "other");
    return out;
}

/* --- JSON as text: one record for each attempt, so no tree is built for it ------------------------------------------
 */

struct text {
    char *ptr;
    size_t len, cap;
};

static void add(struct text *t, const char *ptr, size_t len)
{
    if (t->len + len >= t->cap) {
        t->cap = (t->cap + len + 256) * 2;
        t->ptr = realloc(t->ptr, t->cap);
        if (!t->ptr)
            abort();
    }
    if (len)
        memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

static void addz(struct text *t, const char *z)
{
    add(t, z, strlen(z));
}

static void add_number(struct text *t, int64_t number)
{
    char digits[24];
    add(t, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number));
}

/* Bytes of the well-formed UTF-8 character at p (Unicode table 3-7), 0: it is none. */
static size_t character(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
        return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static int is_text(struct belfry_str s)
{
    for (size_t i = 0, step; i < s.len; i += step)
        if (!(step = character((const unsigned char *)s.ptr + i, s.len - i)))
            return 0;
    return 1;
}

static void add_string(struct text *t, struct belfry_str s)
{
    size_t from = 0;
    if (!s.len)
        s.ptr = "";
    add(t, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        char escape[8];
        int len = snprintf(escape, sizeof(escape), c < 0x20 ? "\\u%04x" : "\\%c", c);
        add(t, s.ptr + from, i - from);
        add(t, escape, (size_t)len);
        from = i + 1;
    }
    add(t, s.ptr + from, s.len - from);
    add(t, "\"", 1);
}

/* --- parts
 * ------------------------------------------------------------------------------------------------------------ */

static int is_name(struct belfry_str name, const char *lower)
{
    return name.len == strlen(lower) && strncasecmp(name.ptr, lower, name.len) == 0;
}

/* Of a header that is there twice the last one counts. */
static int comes_again(const struct belfry_attr *headers, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (headers[i].name.len == headers[at].name.len &&
            memcmp(headers[i].name.ptr, headers[at].name.ptr, headers[at].name.len) == 0)
            return 1;
    return 0;
}

static void add_headers(struct text *t, const struct belfry_attr *headers, size_t count)
{
    int first = 1;
    addz(t, ",\"headers\":{");
    for (size_t i = 0; i < count; i++) {
        struct belfry_str name = headers[i].name, value = headers[i].value;
        if (name.len == 0 || name.len > HEADER_NAME_MAX || !is_text(name) || !is_text(value) ||
            comes_again(headers, count, i))
            continue;
        int secret =
            is_name(name, "webhook-signature") || is_name(name, "set-cookie") || is_name(name, "authorization");
        addz(t, first ? "" : ",");
        add_string(t, name);
        addz(t, ":");
        add_string(t, secret ? belfry_str("...") : value);
        first = 0;
    }
    addz(t, "}");
}

/* Scheme, host and path. */
static void add_url(struct text *t, struct belfry_str url)
{
    struct text kept = {NULL, 0, 0};
    const char *end = url.ptr + url.len, *query = url.len ? memchr(url.ptr, '?', url.len) : NULL;
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    if (query)
        end = query;
    const char *host = scheme ? scheme + 3 : url.ptr,
               *slash = host < end ? memchr(host, '/', (size_t)(end - host)) : NULL;
    const char *authority_end = slash ? slash : end, *at = host;
    for (const char *p = host; p < authority_end; p++)
        at = *p == '@' ? p + 1 : at;
    add(&kept, url.ptr, (size_t)(host - url.ptr));
    add(&kept, at, at < end ? (size_t)(end - at) : 0);
    struct belfry_str s = {kept.ptr, kept.len};
    add_string(t, is_text(s) ? s : belfry_str(""));
    free(kept.ptr);
}

static void add_body(struct text *t, struct belfry_str body, size_t most)
{
    size_t len = body.len < most ? body.len : most;
    while (len > 0 && len < body.len && ((unsigned char)body.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    struct belfry_str kept = {body.ptr, len};
    if (is_text(kept)) {
        addz(t, ",\"body\":");
        add_string(t, kept);
        return;
    }
    char *encoded = malloc(4 * ((len + 2) / 3) + 1);
    if (!encoded)
        abort();
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)body.ptr, (int)len);
    addz(t, ",\"body_base64\":");
    add_string(t, belfry_str(encoded));
    free(encoded);
}

static char *write_record(struct belfry_str url, const struct belfry_attr *headers, size_t header_count,
                          const struct belfry_http_answer *answer, size_t body_most, int with_headers, size_t *len)
{
    struct text t = {NULL, 0, 0};
    char class[32];
    addz(&t, "{\"request\":{\"url\":");
    add_url(&t, url);
    add_headers(&t, headers, header_count);
    addz(&t, "},\"response\":{\"status\":");
    add_number(&t, answer->status);
    addz(&t, ",\"class\":");
    add_string(&t, belfry_str(record_class(answer, class)));
    if (answer->error && answer->error_text.len && is_text(answer->error_text)) {
        addz(&t, ",\"error\":");
        add_string(&t, answer->error_text);
    }
    if (with_headers)
        add_headers(&t, answer->headers, answer->header_count);
    add_body(&t, answer->body, body_most);
    if (answer->truncated || answer->body.len > body_most)
        addz(&t, ",\"truncated\":true");
    addz(&t, ",\"elapsed_us\":");
    add_number(&t, answer->elapsed_us);
    addz(&t, "}}");
    *len = t.len;
    return t.ptr;
}

char *record_make(struct belfry_str url, const struct belfry_attr *headers, size_t header_count,
                  const struct belfry_http_answer *answer)
{
    size_t len;
    for (size_t most = BODY_MAX; most > 0; most /= 4) { /* escapes may make a body six times as long */
        char *out = write_record(url, headers, header_count, answer, most, 1, &len);
        if (len <= RECORD_MAX)
            return out;
        free(out);
    }
    return write_record(url, headers, header_count, answer, 1000, 0, &len);
}
