/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature is masked like other credentials: it lets whoever reads the record replay the call for five minutes.
 * Whatever the endpoint answers, the record stays within its limit: first its body is cut, then headers go, but for
 * those that are the hub's own.
 */
#include "record.h"

#include "headers.h"
#include "mask.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (32 * 1024)
#define BODY_MAX 20000
#define VALUE_MAX 1000

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

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* Of a header that is there twice the last one counts. */
static int comes_again(const struct belfry_attr *headers, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (headers[i].name.len == headers[at].name.len &&
            memcmp(headers[i].name.ptr, headers[at].name.ptr, headers[at].name.len) == 0)
            return 1;
    return 0;
}

/* What is said of the request's credentials in it is masked. */
static void add_value(struct text *t, const struct asked *echo_of, struct belfry_str value)
{
    size_t len;
    char *masked = mask_new(echo_of, value, &len);
    text_string(t, text_cut((struct belfry_str){masked, len}, VALUE_MAX));
    free(masked);
}

/* echo_of: the request that they answer; NULL: they are of the request itself. */
static void add_headers(struct text *t, const struct asked *echo_of, const struct belfry_attr *headers, size_t count)
{
    int first = 1;
    text_addz(t, ",\"headers\":{");
    for (size_t i = 0; i < count; i++) {
        struct belfry_str name = headers[i].name, value = headers[i].value;
        if (name.len == 0 || name.len > HEADER_NAME_MAX || !text_is_utf8(name) || !text_is_utf8(value) ||
            comes_again(headers, count, i))
            continue;
        text_addz(t, first ? "" : ",");
        text_string(t, name);
        text_addz(t, ":");
        if (header_is_secret(name))
            text_string(t, belfry_str(HEADER_MASK));
        else if (echo_of)
            add_value(t, echo_of, value);
        else
            text_string(t, text_cut(value, VALUE_MAX));
        first = 0;
    }
    text_addz(t, "}");
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
    text_add(&kept, url.ptr, (size_t)(host - url.ptr));
    text_add(&kept, at, at < end ? (size_t)(end - at) : 0);
    text_string(t, text_is_utf8(text_str(&kept)) ? text_str(&kept) : belfry_str(""));
    free(kept.ptr);
}

static void add_body_of(struct text *t, const struct composed *body)
{
    text_addz(t, ",\"body_of\":{\"before\":");
    text_string(t, body->before);
    text_addz(t, ",\"from\":");
    text_number(t, (int64_t)body->from);
    text_addz(t, ",\"to\":");
    text_number(t, (int64_t)body->to);
    text_addz(t, ",\"after\":");
    text_string(t, body->after);
    text_addz(t, "}");
}

static void add_body(struct text *t, struct belfry_str body, size_t most)
{
    struct belfry_str kept = text_cut(body, most);
    if (text_is_utf8(kept)) {
        text_addz(t, ",\"body\":");
        text_string(t, kept);
        return;
    }
    char *encoded = malloc(4 * ((kept.len + 2) / 3) + 1);
    if (!encoded)
        abort();
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)kept.ptr, (int)kept.len);
    text_addz(t, ",\"body_base64\":");
    text_string(t, belfry_str(encoded));
    free(encoded);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void add_request(struct text *t, const struct asked *request, int with_headers)
{
    text_addz(t, "{\"request\":{\"method\":\"POST\",\"url\":");
    add_url(t, request->url);
    add_headers(t, NULL, request->headers, with_headers ? request->header_count : request->own_headers);
    add_body_of(t, request->body);
    text_addz(t, "}");
}

/* An answer, and its body as it may be kept. */
struct answered {
    const struct belfry_http_answer *answer;
    struct belfry_str body;
};

static void add_response(struct text *t, const struct asked *request, const struct answered *answered, size_t body_most,
                         int with_headers)
{
    const struct belfry_http_answer *answer = answered->answer;
    char class[32];
    text_addz(t, ",\"response\":{\"status\":");
    text_number(t, answer->status);
    text_addz(t, ",\"class\":");
    text_string(t, belfry_str(record_class(answer, class)));
    if (answer->error && answer->error_text.len && text_is_utf8(answer->error_text)) {
        text_addz(t, ",\"error\":");
        text_string(t, answer->error_text);
    }
    if (with_headers)
        add_headers(t, request, answer->headers, answer->header_count);
    add_body(t, answered->body, body_most);
    if (answer->truncated || answered->body.len > body_most)
        text_addz(t, ",\"truncated\":true");
    text_addz(t, ",\"elapsed_us\":");
    text_number(t, answer->elapsed_us);
    text_addz(t, "}}");
}

static struct text write_record(const struct asked *request, const struct answered *answered, size_t body_most,
                                int with_headers)
{
    struct text t = {NULL, 0, 0};
    add_request(&t, request, with_headers);
    add_response(&t, request, answered, body_most, with_headers);
    return t;
}

static char *within_limit(const struct asked *request, const struct answered *answered)
{
    for (size_t most = BODY_MAX; most > 0; most /= 4) { /* escapes may make a body six times as long */
        struct text t = write_record(request, answered, most, 1);
        if (t.len <= RECORD_MAX)
            return t.ptr;
        free(t.ptr);
    }
    return write_record(request, answered, 1000, 0).ptr;
}

char *record_make(const struct asked *request, const struct belfry_http_answer *answer)
{
    size_t len;
    char *body = mask_new(request, answer->body, &len);
    const struct answered answered = {answer, {body, len}};
    char *record = within_limit(request, &answered);
    free(body);
    return record;
}
