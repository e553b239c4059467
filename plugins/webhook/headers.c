/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who adds a header must not be able to say what only we say (what is signed, how the body is coded and framed, who is
 * asked for consent) nor what proxies and clouds on the way obey.
 */
#include "headers.h"

#include <string.h>
#include <strings.h>

/* A `*` at the end stands for anything. */
const char *const headers_refused[] = {"host",
                                       "connection",
                                       "keep-alive",
                                       "te",
                                       "trailer",
                                       "trailers",
                                       "upgrade",
                                       "transfer-encoding",
                                       "expect",
                                       "user-agent",
                                       "age",
                                       "expires",
                                       "pragma",
                                       "warning",
                                       "date",
                                       "cache-control",
                                       "set-cookie",
                                       "content-*",
                                       "proxy-*",
                                       "webhook-*",
                                       "ce-*",
                                       "x-amz-*",
                                       "clear-site-data",
                                       "x-amzn-*",
                                       "x-google*",
                                       "x-goog-*",
                                       "x-gfe*",
                                       "x-azure-*",
                                       "x-fd-*",
                                       "x-svix-*",
                                       "svix-*",
                                       NULL};

/* Parts of names whose values are credentials. */
static const char *const telling[] = {"authorization", "cookie",    "token", "key", "secret",
                                      "password",      "signature", "auth",  NULL};

/* tchar of RFC 9110 section 5.6.2 */
static int is_token_char(char c)
{
    return c && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c);
}

static int is_meant(const char *word, struct belfry_str name)
{
    size_t len = strlen(word);
    int prefix = word[len - 1] == '*';
    len -= (size_t)prefix;
    return (prefix ? name.len >= len : name.len == len) && strncasecmp(name.ptr, word, len) == 0;
}

const char *header_name_fault(struct belfry_str name)
{
    if (!name.len || name.len > HEADER_NAME_MAX)
        return "must have a name of 1 to 127 characters";
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_char(name.ptr[i]))
            return "is no name of a header: letters, digits and !#$%&'*+-.^_`|~";
    for (size_t i = 0; headers_refused[i]; i++)
        if (is_meant(headers_refused[i], name))
            return "cannot be set: the hub or what is between says it";
    return NULL;
}

const char *header_value_fault(struct belfry_str value)
{
    if (value.len > HEADER_VALUE_MAX)
        return "is longer than 4096 characters";
    for (size_t i = 0; i < value.len; i++)
        if (!(value.ptr[i] >= ' ' && value.ptr[i] <= '~') && value.ptr[i] != '\t')
            return "may only hold visible ASCII, blanks and tabs";
    return NULL;
}

int header_is_secret(struct belfry_str name)
{
    for (size_t k = 0; telling[k]; k++) {
        size_t len = strlen(telling[k]);
        for (size_t i = 0; i + len <= name.len; i++)
            if (strncasecmp(name.ptr + i, telling[k], len) == 0)
                return 1;
    }
    return 0;
}
