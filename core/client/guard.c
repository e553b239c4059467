/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses may be connected to. Everything that is not plainly public is refused unless an operator allows its
 * range: an endpoint's URL comes from outside, and the hub stands inside.
 *
 * Addresses that carry an IPv4 address inside (v4-mapped; NAT64, which hosts without IPv4 reach everything through) are
 * judged by that address, so 10.0.0.1 cannot be reached by another spelling. Transitions that nobody needs any more
 * (6to4, Teredo, SIIT) are refused whatever is inside.
 */
#include "base/mem.h"
#include "base/str.h"
#include "client/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>

struct range {
    uint8_t family; /* 4 or 6 */
    uint8_t bits;
    uint8_t bytes[16];
};

struct client_cidrs {
    size_t count;
    struct range items[];
};

/* IANA special-purpose registries (RFC 6890) and what clouds hide behind link-local addresses. */
static const struct range refused[] = {
    {4, 8, {0}},
    {4, 8, {10}},
    {4, 10, {100, 64}},
    {4, 8, {127}},
    {4, 16, {169, 254}},
    {4, 12, {172, 16}},
    {4, 24, {192, 0, 0}},
    {4, 24, {192, 0, 2}},
    {4, 24, {192, 88, 99}},
    {4, 16, {192, 168}},
    {4, 15, {198, 18}},
    {4, 24, {198, 51, 100}},
    {4, 24, {203, 0, 113}},
    {4, 4, {224}},
    {4, 4, {240}},
    {6, 8, {0}},
    {6, 48, {0, 0x64, 0xff, 0x9b, 0, 1}},
    {6, 64, {1}},
    {6, 23, {0x20, 0x01, 0, 0}}, /* IETF protocol assignments: Teredo, benchmarking, ORCHID */
    {6, 32, {0x20, 0x01, 0x0d, 0xb8}},
    {6, 16, {0x20, 0x02}},
    {6, 20, {0x3f, 0xff}},
    {6, 16, {0x5f}},
    {6, 7, {0xfc}},
    {6, 10, {0xfe, 0x80}},
    {6, 10, {0xfe, 0xc0}},
    {6, 8, {0xff}},
};

static int in_range(const struct range *r, int family, const uint8_t *address)
{
    if (r->family != family)
        return 0;
    size_t whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->bytes, address, whole) != 0)
        return 0;
    return rest == 0 || ((r->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static int in_any(const struct range *ranges, size_t count, int family, const uint8_t *address)
{
    for (size_t i = 0; i < count; i++)
        if (in_range(&ranges[i], family, address))
            return 1;
    return 0;
}

/* The IPv4 address that a v6 one stands for, or NULL. */
static const uint8_t *inner_v4(const uint8_t *a)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    return memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0 ? a + 12 : NULL;
}

static int allowed(int family, const uint8_t *address, const struct client_cidrs *allow)
{
    if (allow && in_any(allow->items, allow->count, family, address))
        return 1;
    return !in_any(refused, sizeof(refused) / sizeof(refused[0]), family, address);
}

int client_address_allowed(int family, const void *address, const struct client_cidrs *allow)
{
    const uint8_t *bytes = address;
    if (family == AF_INET)
        return allowed(4, bytes, allow);
    if (family != AF_INET6)
        return 0;
    const uint8_t *inner = inner_v4(bytes);
    if (inner)
        return allowed(4, inner, allow) || (allow && in_any(allow->items, allow->count, 6, bytes));
    return allowed(6, bytes, allow);
}

/* Without the brackets of an IPv6 address and its zone. */
static int literal_allowed(char *host, const struct client_cidrs *allow)
{
    uint8_t bytes[16];
    size_t len = strcspn(host, "]%");
    if (*host == '[') {
        host[len] = '\0';
        return inet_pton(AF_INET6, host + 1, bytes) != 1 || client_address_allowed(AF_INET6, bytes, allow);
    }
    return inet_pton(AF_INET, host, bytes) != 1 || client_address_allowed(AF_INET, bytes, allow);
}

static int parse(const char *text, struct range *out)
{
    char copy[64];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len == 0 || len >= sizeof(copy))
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    int64_t bits = -1;
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, copy, out->bytes) == 1)
        out->family = 6;
    else
        return -1;
    int most = out->family == 4 ? 32 : 128;
    if (!slash)
        bits = most;
    else if (str_to_i64(str_of(slash + 1), &bits) != BELFRY_OK || bits < 0 || bits > most)
        return -1;
    out->bits = (uint8_t)bits;
    return 0;
}

struct client_cidrs *client_cidrs_new(const char *const *list, struct error *err)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    struct client_cidrs *cidrs = xcalloc(1, sizeof(*cidrs) + count * sizeof(cidrs->items[0]));
    for (; cidrs->count < count; cidrs->count++)
        if (parse(list[cidrs->count], &cidrs->items[cidrs->count]) != 0) {
            error_set(err, BELFRY_EINVAL, NULL, "`%s` is no address range; write 10.0.0.0/8 or fd00::/8",
                      list[cidrs->count]);
            free(cidrs);
            return NULL;
        }
    return cidrs;
}

void client_cidrs_free(struct client_cidrs *cidrs)
{
    free(cidrs);
}

/* libcurl turns the other spellings of numbers into the usual one when it takes a URL apart. */
int client_url_refused(const char *url, const char *const *allow)
{
    CURLU *parsed = curl_url();
    struct client_cidrs *cidrs = client_cidrs_new(allow, NULL);
    char *host = NULL;
    int refuse = curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && !literal_allowed(host, cidrs);
    curl_free(host);
    curl_url_cleanup(parsed);
    client_cidrs_free(cidrs);
    return refuse;
}

int client_cidr_has(const char *cidr, const char *address)
{
    struct range range, one;
    return parse(cidr, &range) == 0 && parse(address, &one) == 0 && in_range(&range, one.family, one.bytes);
}
