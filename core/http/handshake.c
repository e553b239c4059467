/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Abuse protection (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4): a sender asks with OPTIONS whether it may
 * deliver to an address, lest somebody enter the address of a stranger. Where triggers come in, the answer is yes to
 * whoever asks: consent opens nothing, for a token or a signature is asked of every delivery. The rate is the one that
 * tokens have, which like the sender's is a minute's.
 */
#include "http/internal.h"

#define ORIGIN_MAX 255

static int takes_deliveries(struct belfry_str path)
{
    return str_has_prefix(path, STR("/v1/")) &&
           (str_has_suffix(path, STR("/triggers")) || str_has_suffix(path, STR("/hook")));
}

/* The standard wants a DNS name. What could not stand in an answer gets no consent, instead of no answer. */
static int is_origin(struct belfry_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return 0;
    return text.len > 0 && text.len <= ORIGIN_MAX;
}

size_t handshake_headers(const struct request *r, struct belfry_attr headers[2])
{
    struct belfry_str origin = http_header(&r->pub, "webhook-request-origin");
    int64_t rate = r->pub.config->hub.limits.per_token_rate;
    if (!is_origin(origin) || !takes_deliveries(r->pub.pub.path))
        return 0;
    headers[0] = (struct belfry_attr){STR("WebHook-Allowed-Origin"), origin};
    headers[1] = (struct belfry_attr){STR("WebHook-Allowed-Rate"),
                                      rate ? str_of(arena_printf(r->pub.arena, "%lld", (long long)rate)) : STR("*")};
    return 2;
}
