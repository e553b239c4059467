/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-client's refuses(): the addresses that a plugin's tests would write. The hub's own list is longer, and stands on
 * libraries that a plugin's test should not need.
 */
#include "fake.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* As 16 bytes, IPv4 mapped (RFC 4291, 2.5.5.2). */
static int read_address(const char *text, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in_addr four;
    if (inet_pton(AF_INET6, text, out) == 1)
        return 1;
    if (!inet_aton(text, &four))
        return 0;
    memcpy(out, mapped, sizeof(mapped));
    memcpy(out + sizeof(mapped), &four, sizeof(four));
    return 1;
}

static int lies_in(const uint8_t address[16], const char *range)
{
    char copy[64] = "";
    uint8_t base[16];
    size_t len = strcspn(range, "/");
    memcpy(copy, range, len < sizeof(copy) ? len : 0);
    if (!read_address(copy, base))
        return 0;
    size_t whole = strchr(copy, ':') ? 128 : 32, bits = range[len] ? (size_t)atoi(range + len + 1) : whole;
    bits += 128 - whole;
    for (size_t i = 0; i < bits; i++)
        if ((address[i / 8] ^ base[i / 8]) & 0x80 >> i % 8)
            return 0;
    return 1;
}

static int in_any(const uint8_t address[16], const char *const *ranges)
{
    for (; ranges && *ranges; ranges++)
        if (lies_in(address, *ranges))
            return 1;
    return 0;
}

int32_t fake_refuses(const struct belfry_host *host, const char *url, const char *const *allow_cidrs)
{
    static const char *const refused[] = {
        "0.0.0.0/8",      "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "::1/128",    "fc00::/7",    "fe80::/10",      NULL};
    const char *slashes = strstr(url, "://");
    char text[64] = "";
    uint8_t address[16];
    (void)host;
    if (!slashes)
        return 0;
    int six = slashes[3] == '[';
    size_t len = strcspn(slashes + 3 + six, six ? "]%" : ":/?#");
    memcpy(text, slashes + 3 + six, len < sizeof(text) ? len : 0);
    return read_address(text, address) && in_any(address, refused) && !in_any(address, allow_cidrs);
}
