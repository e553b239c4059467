/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be put on the wire. Nothing is repaired here: an address with a line break in it is somebody's command, and
 * a bare LF before a dot is somebody's second message (CVE-2023-51764), so both go back to whoever sent them.
 */
#include "client/smtp_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ADDRESS_MAX 254 /* RFC 5321 section 4.5.3.1.3, without the angle brackets */
#define TEXT_LINE 998   /* RFC 5322 section 2.1.1, without CRLF */

static int plain_byte(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '<' && c != '>';
}

const char *smtp_word_fault(const char *word)
{
    for (const char *p = word; *p; p++)
        if (!plain_byte((unsigned char)*p))
            return "must be printable ASCII without blanks and angle brackets";
    return NULL;
}

const char *smtp_address_fault(const char *address)
{
    if (!address || !address[0])
        return "is empty";
    const char *at = strrchr(address, '@'), *fault = smtp_word_fault(address);
    if (fault)
        return fault;
    if (strlen(address) > ADDRESS_MAX)
        return "is longer than 254 bytes";
    return !at || at == address || !at[1] ? "is no address: it has no local part or no domain" : NULL;
}

/* --- the content -------------------------------------------------------------------------------------------------- */

/* Length of the line without its CRLF, or -1. */
static long line_length(const char *line, size_t len, const char **fault)
{
    const char *cr = memchr(line, '\r', len);
    size_t n = cr ? (size_t)(cr - line) : len;
    for (size_t i = 0; i < n && !*fault; i++)
        if (line[i] == '\n' || line[i] == '\0' || (unsigned char)line[i] > 0x7f)
            *fault = line[i] == '\n'   ? "has a bare LF"
                     : line[i] == '\0' ? "has a NUL"
                                       : "has 8-bit bytes, and no encoding was agreed on";
    if (!*fault && !cr)
        *fault = "does not end with CRLF";
    if (!*fault && (n + 1 == len || line[n + 1] != '\n'))
        *fault = "has a bare CR";
    if (!*fault && n > TEXT_LINE)
        *fault = "has a line of more than 998 bytes";
    return *fault ? -1 : (long)n;
}

const char *smtp_content(struct belfry_str message, struct buf *out)
{
    const char *fault = message.len ? NULL : "is empty", *p = message.ptr, *end = p + message.len;
    buf_reserve(out, message.len + 64);
    while (!fault && p < end) {
        long n = line_length(p, (size_t)(end - p), &fault);
        if (n < 0)
            break;
        if (*p == '.')
            buf_addc(out, '.'); /* RFC 5321 section 4.5.2 */
        buf_add(out, p, (size_t)n + 2);
        p += n + 2;
    }
    buf_addz(out, ".\r\n");
    return fault;
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static int host_is_loopback(const char *host)
{
    char bare[INET6_ADDRSTRLEN];
    unsigned char address[16];
    int n = host[0] == '[' ? (int)strcspn(host + 1, "]") : (int)strlen(host);
    snprintf(bare, sizeof(bare), "%.*s", n, host[0] == '[' ? host + 1 : host);
    if (strcasecmp(host, "localhost") == 0)
        return 1;
    if (inet_pton(AF_INET, bare, address) == 1)
        return smtp_address_is_loopback(AF_INET, address);
    return inet_pton(AF_INET6, bare, address) == 1 && smtp_address_is_loopback(AF_INET6, address);
}

int smtp_address_is_loopback(int family, const void *address)
{
    static const unsigned char one[16] = {[15] = 1}, mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    if (family == AF_INET)
        return *(const unsigned char *)address == 127;
    return family == AF_INET6 && (memcmp(address, one, 16) == 0 || memcmp(address, mapped, 13) == 0);
}

static char *part(CURLU *url, CURLUPart what)
{
    char *value = NULL;
    return curl_url_get(url, what, &value, 0) == CURLUE_OK ? value : NULL;
}

static int has(CURLU *url, CURLUPart what)
{
    char *value = part(url, what);
    int there = value != NULL;
    curl_free(value);
    return there;
}

/* Anything that is more than scheme, host and port. */
static int has_more(CURLU *url)
{
    static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY,
                                      CURLUPART_FRAGMENT};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (has(url, parts[i]))
            return 1;
    char *path = part(url, CURLUPART_PATH);
    int more = path && strcmp(path, "/") != 0;
    curl_free(path);
    return more;
}

const char *smtp_url_read(const char *text, struct smtp_address *out)
{
    const char *fault = NULL;
    char *scheme = NULL, *host = NULL, *port = NULL;
    CURLU *url = curl_url();
    if (!text || smtp_word_fault(text) || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
        fault = "is no URL of the form smtp://HOST[:PORT]";
    else if (!(scheme = part(url, CURLUPART_SCHEME)) || (strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0))
        fault = "must begin with smtp:// or smtps://";
    else if (has_more(url))
        fault = "may hold a host and a port, and nothing else";
    else if (!(host = part(url, CURLUPART_HOST)) || strlen(host) >= sizeof(out->host))
        fault = "has no host that could be looked up";
    if (!fault) {
        port = part(url, CURLUPART_PORT);
        out->implicit_tls = strcmp(scheme, "smtps") == 0;
        out->port = port ? atoi(port) : out->implicit_tls ? 465 : 25;
        out->loopback = host_is_loopback(host);
        snprintf(out->host, sizeof(out->host), "%s", host);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return fault;
}
