/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header section of a request: read once, copied, judged for what two parties could read differently.
 *
 * Refused here, because a proxy in front may have understood another thing than we would: more headers than are looked
 * at (one that says "forwarded" could be the 65th), a second value of a header that has one, a length beside chunks
 * (RFC 9112 section 6.3), a name that is none, such as one with a space before its colon (section 5.1).
 */
#include "base/str.h"
#include "client/client.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#define HEADERS_MAX 64

int head_is(struct belfry_str text, const char *lower)
{
    return text.len == strlen(lower) && strncasecmp(text.ptr ? text.ptr : "", lower, text.len) == 0;
}

int head_begins(struct belfry_str text, const char *lower)
{
    size_t len = strlen(lower);
    return text.len >= len && strncasecmp(text.ptr, lower, len) == 0;
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

struct header_walk {
    struct request *r;
    struct belfry_attr *items;
    size_t count;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    (void)kind;
    struct header_walk *w = arg;
    struct arena *arena = w->r->pub.arena;
    char *lower = arena_strndup(arena, name, name_len);
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    /* values stay in libmicrohttpd's memory, which lives as long as the request - unless the client leaves while a
     * handler still works, so they are copied */
    w->items[w->count].name = str_slice(lower, name_len);
    w->items[w->count].value = str_slice(arena_strndup(arena, value ? value : "", value_len), value_len);
    w->count++;
    return MHD_YES;
}

static int headers_read(struct request *r)
{
    int count = MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, NULL, NULL);
    if (count > HEADERS_MAX)
        return -1;
    struct header_walk w = {r, arena_alloc(r->pub.arena, ((size_t)count + 1) * sizeof(struct belfry_attr)), 0};
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, on_header, &w);
    r->pub.pub.headers = w.items;
    r->pub.pub.header_count = w.count;
    r->pub.pub.content_type = http_header(&r->pub, "content-type");
    return 0;
}

static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Names are in lower case by now. */
static int names_are_tokens(const struct request *r)
{
    for (size_t h = 0; h < r->pub.pub.header_count; h++) {
        struct belfry_str name = r->pub.pub.headers[h].name;
        if (!name.len)
            return 0;
        for (size_t i = 0; i < name.len; i++)
            if (!is_token_char(name.ptr[i]))
                return 0;
    }
    return 1;
}

/* The name of a header that is there twice though it has one value, or NULL. */
static const char *repeated(const struct request *r)
{
    static const char *const single[] = {"authorization", "content-length", "content-type",
                                         "host",          "origin",         "transfer-encoding"};
    for (size_t s = 0; s < sizeof(single) / sizeof(single[0]); s++) {
        size_t n = 0;
        for (size_t i = 0; i < r->pub.pub.header_count; i++)
            n += str_eqz(r->pub.pub.headers[i].name, single[s]);
        if (n > 1)
            return single[s];
    }
    return NULL;
}

/* --- who and what ------------------------------------------------------------------------------------------------- */

static int is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24) == 127;
    if (sa->sa_family != AF_INET6)
        return 0;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

/* Written once a connection: it serves many requests. */
static struct belfry_str address_text(struct request *r, const struct sockaddr *sa)
{
    char *text = r->conn->peer;
    if (!text[0] && sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, text, sizeof(r->conn->peer));
    else if (!text[0] && sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, text, sizeof(r->conn->peer));
    return arena_str(r->pub.arena, str_of(text));
}

static int is_trusted(const struct request *r, struct belfry_str address)
{
    const struct config_names *trusted = r->pub.config ? &r->pub.config->hub.trusted_proxies : NULL;
    char text[INET6_ADDRSTRLEN + 1];
    if (!trusted || !trusted->count || address.len >= sizeof(text))
        return 0;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    for (size_t i = 0; i < trusted->count; i++)
        if (client_cidr_has(trusted->items[i], text))
            return 1;
    return 0;
}

/* The address that a chain of trusted proxies speaks for: the last in X-Forwarded-For that is not one of them. */
static struct belfry_str behind_proxies(struct request *r, struct belfry_str peer)
{
    struct belfry_str chain = http_header(&r->pub, "x-forwarded-for");
    while (chain.len && is_trusted(r, peer)) {
        size_t at = chain.len;
        while (at > 0 && chain.ptr[at - 1] != ',')
            at--;
        struct belfry_str last = str_trim(str_slice(chain.ptr + at, chain.len - at));
        uint8_t scratch[16];
        char *text = arena_strndup(r->pub.arena, last.ptr, last.len);
        if (inet_pton(AF_INET, text, scratch) != 1 && inet_pton(AF_INET6, text, scratch) != 1)
            break;
        peer = last;
        chain.len = at > 0 ? at - 1 : 0;
    }
    return peer;
}

static void peer_read(struct request *r)
{
    static const char *const forwarded[] = {
        "forwarded",        "x-forwarded-for",    "x-forwarded-host", "x-forwarded-proto",
        "x-forwarded-port", "x-forwarded-server", "x-real-ip",        "via"};
    if (r->pub.operator_socket) {
        r->pub.local = 1;
        r->pub.pub.peer = STR("control socket");
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return;
    int proxied = 0;
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        for (size_t h = 0; h < r->pub.pub.header_count; h++)
            proxied |= str_eqz(r->pub.pub.headers[h].name, forwarded[i]);
    r->pub.local = is_loopback(info->client_addr) && !proxied;
    r->pub.pub.peer = behind_proxies(r, address_text(r, info->client_addr));
}

/* A document navigation: the browser says so, or says nothing and is no prefetch. */
static uint32_t flags_of(struct request *r)
{
    struct belfry_str dest = http_header(&r->pub, "sec-fetch-dest");
    struct belfry_str purpose = http_header(&r->pub, "sec-purpose");
    if (purpose.len == 0)
        purpose = http_header(&r->pub, "purpose");
    int head = str_eqz(r->pub.pub.method, "HEAD");
    uint32_t flags = head ? BELFRY_HTTP_HEAD : 0;
    if (!head && (dest.len == 0 || head_is(dest, "document")) && !head_begins(purpose, "prefetch"))
        flags |= BELFRY_HTTP_DOCUMENT;
    return flags;
}

static void body_read(struct request *r)
{
    struct belfry_str length = http_header(&r->pub, "content-length");
    if (http_header(&r->pub, "transfer-encoding").len)
        r->announced = -1;
    else if (str_to_i64(length, &r->announced) != BELFRY_OK || r->announced < 0)
        r->announced = 0; /* libmicrohttpd has refused what is no number */
    r->expects = r->announced != 0 && head_is(http_header(&r->pub, "expect"), "100-continue");
}

static int has_more_pairs(struct belfry_str text, size_t most)
{
    size_t pairs = 1;
    for (size_t i = 0; i < text.len; i++)
        pairs += text.ptr[i] == '&';
    return pairs > most;
}

int head_read(struct request *r, const char *method)
{
    r->pub.pub.method = arena_str(r->pub.arena, str_of(method));
    int rc = headers_read(r);
    const char *twice = rc ? NULL : repeated(r);
    body_read(r);
    peer_read(r);
    r->pub.pub.flags = flags_of(r);
    cors_read(r);
    if (rc)
        http_problem(&r->pub, 431, NULL, "there are more than %d headers", HEADERS_MAX);
    else if (!names_are_tokens(r))
        http_problem(&r->pub, 400, NULL, "the name of a header must be a token, with the colon right behind it");
    else if (twice)
        http_problem(&r->pub, 400, NULL, "the header %s is there twice", twice);
    else if (r->announced < 0 && http_header(&r->pub, "content-length").len)
        http_problem(&r->pub, 400, NULL, "Content-Length and Transfer-Encoding exclude each other");
    else if (r->announced < 0 && !head_is(http_header(&r->pub, "transfer-encoding"), "chunked"))
        http_problem(&r->pub, 400, NULL, "the only Transfer-Encoding that is taken is chunked");
    else if (has_more_pairs(r->pub.pub.query, HTTP_QUERY_MAX))
        http_problem(&r->pub, 400, NULL, "the query has more than %d parameters", HTTP_QUERY_MAX);
    r->unframed = !rc && r->state == REQUEST_ANSWERED;
    return r->state == REQUEST_ANSWERED ? -1 : 0;
}

int head_length_fits(struct request *r)
{
    if (r->announced > r->body_limit) {
        http_problem(&r->pub, 413, NULL, "the body has %lld bytes; at most %lld are taken here",
                     (long long)r->announced, (long long)r->body_limit);
        return -1;
    }
    int64_t most = r->pub.config->hub.limits.pending_bytes;
    if (r->announced > 0 && (int64_t)r->pub.http->body_bytes + r->announced > most) {
        http_problem(&r->pub, 503, NULL, "too many bytes of requests wait at the moment; try again in a second");
        return -1;
    }
    return 0;
}

int head_form_fits(struct request *r)
{
    if (!has_more_pairs(buf_str(&r->body), HTTP_FORM_MAX) || !http_is_form(&r->pub))
        return 0;
    http_problem(&r->pub, 400, NULL, "the form has more than %d fields", HTTP_FORM_MAX);
    return -1;
}
