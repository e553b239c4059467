/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back. What comes from a Referer or from a parameter is never an address: only the filter in it is taken, so
 * that it leads nowhere but to the person's own list.
 */
#include "back.h"

#include <ctype.h>
#include <stdlib.h>

#define LOOKED_AT_MAX 2000

static int is_value(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)ptr[i]) && !strchr("%+-._~", ptr[i]))
            return 0;
    return len > 0;
}

/* "severity=error", of which the name is one of ours. */
static int is_ours(struct belfry_str pair)
{
    const char *equals = memchr(pair.ptr, '=', pair.len);
    return equals && query_is_form(pair) && is_value(equals + 1, pair.len - (size_t)(equals + 1 - pair.ptr));
}

void back_filter(struct belfry_str raw, struct text *out)
{
    if (raw.len > LOOKED_AT_MAX)
        return;
    while (raw.len > 0) {
        const char *end = memchr(raw.ptr, '&', raw.len);
        struct belfry_str pair = {raw.ptr, end ? (size_t)(end - raw.ptr) : raw.len};
        if (is_ours(pair)) {
            text_z(out, out->len ? "&" : "");
            text_str(out, pair);
        }
        size_t taken = pair.len + (end != NULL);
        raw = (struct belfry_str){raw.ptr + taken, raw.len - taken};
    }
}

static int cut(struct belfry_str *s, const char *prefix, size_t len)
{
    if (s->len < len || memcmp(s->ptr, prefix, len) != 0)
        return 0;
    *s = (struct belfry_str){s->ptr + len, s->len - len};
    return 1;
}

/* The query of "http://HOST/ORG/notifications?QUERY"; empty when it is another page. */
static struct belfry_str query_of(const struct call *call, struct belfry_str referer)
{
    struct belfry_str host = call->app->http->header(call->req, "host"), none = {NULL, 0};
    struct text path = {0};
    text_z(&path, "/");
    text_url(&path, call->req->org);
    text_z(&path, "/notifications?");
    int is_list = (cut(&referer, "http://", 7) || cut(&referer, "https://", 8)) && host.len > 0 &&
                  cut(&referer, host.ptr, host.len) && cut(&referer, path.ptr, path.len);
    text_free(&path);
    return is_list ? referer : none;
}

void back_query(const struct call *call, struct text *out)
{
    struct belfry_str raw;
    if (call->app->http->query(call->req, "back", 0, &raw) != BELFRY_OK)
        raw = query_of(call, call->app->http->header(call->req, "referer"));
    back_filter(raw, out);
}

void back_address(const struct call *call, struct belfry_str raw, struct text *out)
{
    struct text query = {0};
    text_z(out, "/");
    text_url(out, call->req->org);
    text_z(out, "/notifications");
    back_filter(raw, &query);
    if (query.len) {
        text_z(out, "?");
        text_str(out, text_view(&query));
    } else {
        query_write(&call->query, 1, '?', out);
    }
    text_free(&query);
}
