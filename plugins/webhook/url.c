/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address that holds a user misleads who reads it: https://good.example@10.0.0.1/ leads to 10.0.0.1. Names and
 * numbers are not resolved here: what counts is the address that a socket connects to, which the hub's client judges at
 * every call.
 */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_DNS 254 /* RFC 1035 section 2.3.4, and a dot at its end */

/* From "//" to the path; empty: it is no absolute URL. */
static struct belfry_str authority(struct belfry_str url)
{
    const char *slashes = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    if (!slashes)
        return (struct belfry_str){0};
    const char *from = slashes + 3, *end = url.ptr + url.len, *at = from;
    while (at < end && !strchr("/?#\\", *at))
        at++;
    return (struct belfry_str){from, (size_t)(at - from)};
}

struct belfry_str url_host(struct belfry_str url)
{
    struct belfry_str host = authority(url);
    const char *user = host.len ? memrchr(host.ptr, '@', host.len) : NULL;
    if (user) {
        host.len -= (size_t)(user + 1 - host.ptr);
        host.ptr = user + 1;
    }
    const char *bracket = host.len && *host.ptr == '[' ? memchr(host.ptr, ']', host.len) : NULL;
    const char *colon = host.len && !bracket ? memchr(host.ptr, ':', host.len) : NULL;
    if (bracket || colon)
        host.len = (size_t)((bracket ? bracket + 1 : colon) - host.ptr);
    return host;
}

static int has_scheme(struct belfry_str url)
{
    return (url.len > 7 && strncasecmp(url.ptr, "http://", 7) == 0) ||
           (url.len > 8 && strncasecmp(url.ptr, "https://", 8) == 0);
}

/* The link that a link-local address is on, behind %25 (RFC 6874). */
static int zone_is_wrong(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && (isalnum((unsigned char)*at) || strchr("-._~", *at)))
        at++;
    return at == begin || at < end;
}

/* What no resolver and no socket could ever make anything of would be a 201 and then a failure at every delivery. */
static int host_is_wrong(struct belfry_str host)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (*host.ptr != '[') {
        size_t len = 0;
        while (len < host.len && (isalnum((unsigned char)host.ptr[len]) || strchr("-._", host.ptr[len])))
            len++;
        return len < host.len || len > NAME_MAX_DNS;
    }
    if (host.len < 4 || host.ptr[host.len - 1] != ']')
        return 1;
    const char *zone = memmem(host.ptr, host.len, "%25", 3);
    size_t len = (size_t)((zone ? zone : host.ptr + host.len - 1) - host.ptr) - 1;
    if (len >= sizeof(address) || (zone && zone_is_wrong(zone + 3, host.ptr + host.len - 1)))
        return 1;
    memcpy(address, host.ptr + 1, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, bytes) != 1;
}

static int port_is_wrong(struct belfry_str url)
{
    struct belfry_str all = authority(url), host = url_host(url);
    const char *end = host.ptr + host.len, *stop = all.ptr + all.len;
    if (end == stop)
        return 0;
    char digits[8] = "";
    size_t len = (size_t)(stop - end) - 1;
    if (*end != ':' || len == 0 || len > 5)
        return 1;
    memcpy(digits, end + 1, len);
    long port = strspn(digits, "0123456789") == len ? strtol(digits, NULL, 10) : 0;
    return port < 1 || port > 65535;
}

const char *url_fault(struct belfry_str url)
{
    if (url.len > URL_MAX)
        return "must not be longer than 2048 characters";
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] >= 0x7f)
            return "must not hold blanks, control characters or letters beyond ASCII; a name in other letters begins "
                   "with xn--, a path has them as %XX";
    if (memchr(url.ptr ? url.ptr : "", '\\', url.len))
        return "must not hold a backslash, which some read as a slash; a path has it as %5C";
    if (!has_scheme(url))
        return "must be an absolute URL of scheme http or https";
    struct belfry_str all = authority(url);
    if (all.len && memchr(all.ptr, '@', all.len))
        return "must not hold a user name or password; receivers know us by the signature";
    if (!url_host(url).len)
        return "names no host";
    if (host_is_wrong(url_host(url)))
        return "has a host that is neither a name (letters, digits, - _ and dots) nor an address";
    if (port_is_wrong(url))
        return "must have a port from 1 to 65535, or none";
    return NULL;
}

static struct belfry_str port_of(struct belfry_str url, int https)
{
    struct belfry_str all = authority(url), host = url_host(url);
    const char *end = host.ptr + host.len, *stop = all.ptr + all.len;
    if (end >= stop)
        return belfry_str(https ? "443" : "80");
    end++; /* the colon */
    while (end + 1 < stop && *end == '0')
        end++;
    return (struct belfry_str){end, (size_t)(stop - end)};
}

static int same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

int url_same_server(struct belfry_str a, struct belfry_str b)
{
    if (url_fault(a) || url_fault(b))
        return 0;
    int a_https = strncasecmp(a.ptr, "https:", 6) == 0, b_https = strncasecmp(b.ptr, "https:", 6) == 0;
    return a_https == b_https && same(url_host(a), url_host(b)) && same(port_of(a, a_https), port_of(b, b_https));
}

int url_is_range(const char *text)
{
    char address[64];
    unsigned char bytes[16];
    size_t len = strcspn(text, "/");
    if (len >= sizeof(address))
        return 0;
    memcpy(address, text, len);
    address[len] = '\0';
    int most = inet_pton(AF_INET, address, bytes) == 1 ? 32 : inet_pton(AF_INET6, address, bytes) == 1 ? 128 : 0;
    if (!most || !text[len])
        return most != 0;
    const char *bits = text + len + 1;
    size_t digits = strspn(bits, "0123456789");
    return digits > 0 && digits <= 3 && !bits[digits] && atoi(bits) <= most;
}
