/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an attempt: what was asked and what came back, so that an integrator can see it. The signature is
 * masked (it lets whoever reads the record replay the call for five minutes), and of the URL only scheme, host and path
 * are kept: user and query may be credentials. Whatever the endpoint answers, the record stays within its limit: first
 * the body is cut, then the headers go.
 */
#include "record.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (32 * 1024)
#define BODY_MAX 20000

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

static json_t *text(struct belfry_str s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static json_t *headers_json(const struct belfry_attr *headers, size_t count)
{
    json_t *out = json_object();
    for (size_t i = 0; i < count; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%.*s", (int)headers[i].name.len, headers[i].name.ptr);
        int secret = strcasecmp(name, "webhook-signature") == 0 || strcasecmp(name, "set-cookie") == 0 ||
                     strcasecmp(name, "authorization") == 0;
        json_t *value = secret ? json_string("...") : text(headers[i].value);
        if (value)
            json_object_set_new(out, name, value);
    }
    return out;
}

/* Scheme, host and path. */
static json_t *url_json(struct belfry_str url)
{
    const char *end = url.ptr + url.len, *query = url.len ? memchr(url.ptr, '?', url.len) : NULL;
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    if (query)
        end = query;
    const char *host = scheme ? scheme + 3 : url.ptr,
               *slash = host < end ? memchr(host, '/', (size_t)(end - host)) : NULL;
    const char *authority_end = slash ? slash : end, *at = host;
    for (const char *p = host; p < authority_end; p++)
        at = *p == '@' ? p + 1 : at;
    return json_sprintf("%.*s%.*s", (int)(host - url.ptr), url.len ? url.ptr : "", (int)(end - at), url.len ? at : "");
}

static json_t *body_json(struct belfry_str body, size_t most, const char **key)
{
    size_t len = body.len < most ? body.len : most;
    while (len > 0 && len < body.len && ((unsigned char)body.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    *key = "body";
    json_t *plain = json_stringn(body.ptr ? body.ptr : "", len);
    if (plain)
        return plain;
    char *encoded = malloc(4 * ((len + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)body.ptr, (int)len);
    json_t *out = json_string(encoded);
    free(encoded);
    *key = "body_base64";
    return out;
}

static char *dump(struct belfry_str url, const struct belfry_attr *headers, size_t header_count,
                  const struct belfry_http_answer *answer, size_t body_most, int with_headers)
{
    const char *key;
    char class[32];
    json_t *doc = json_object(), *request = json_object(), *response = json_object();
    json_object_set_new(request, "url", url_json(url));
    json_object_set_new(request, "headers", headers_json(headers, header_count));
    json_object_set_new(response, "status", json_integer(answer->status));
    json_object_set_new(response, "class", json_string(record_class(answer, class)));
    if (answer->error && answer->error_text.len)
        json_object_set_new(response, "error", text(answer->error_text));
    if (with_headers)
        json_object_set_new(response, "headers", headers_json(answer->headers, answer->header_count));
    json_t *body = body_json(answer->body, body_most, &key);
    json_object_set_new(response, key, body);
    if (answer->truncated || answer->body.len > body_most)
        json_object_set_new(response, "truncated", json_true());
    json_object_set_new(response, "elapsed_us", json_integer(answer->elapsed_us));
    json_object_set_new(doc, "request", request);
    json_object_set_new(doc, "response", response);
    char *out = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    return out;
}

char *record_make(struct belfry_str url, const struct belfry_attr *headers, size_t header_count,
                  const struct belfry_http_answer *answer)
{
    char *out = NULL;
    for (size_t most = BODY_MAX; most > 0; most /= 4) { /* escapes may make a body six times as long */
        free(out);
        out = dump(url, headers, header_count, answer, most, 1);
        if (!out || strlen(out) <= RECORD_MAX)
            return out;
    }
    free(out);
    return dump(url, headers, header_count, answer, 1000, 0);
}
