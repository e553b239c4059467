/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hub finds at fault with a URL before anybody calls it. An address in the place of a host is judged by the
 * guard of outgoing calls, so that a private one is refused to whoever writes it and not to a delivery. That is a
 * kindness and no defence: a name is judged only by the address that it leads to, at each call.
 */
#include "hub/endpoint_body.h"

#include "base/mem.h"
#include "client/client.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* The host as it stands, IPv6 without its brackets and zone. In arena. */
static const char *host_in(struct arena *arena, struct belfry_str url)
{
    const char *slashes = memmem(url.ptr, url.len, "://", 3);
    if (!slashes)
        return "";
    const char *text = arena_strndup(arena, slashes + 3, url.len - (size_t)(slashes + 3 - url.ptr));
    const char *end = *text == '[' ? "]%" : ":/?#";
    return arena_strndup(arena, text + (*text == '['), strcspn(text + (*text == '['), end));
}

/* `allow_cidrs` of the channel as it is configured. NULL: none. */
static struct client_cidrs *allowed(const struct config *config, struct arena *arena, const char *channel)
{
    json_t *section = config_describe_channel(config, channel), *list = json_object_get(section, "allow_cidrs");
    size_t count = json_is_array(list) ? json_array_size(list) : json_is_string(list);
    const char **texts = arena_alloc(arena, (count + 1) * sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_is_array(list) ? json_array_get(list, i) : list);
        texts[i] = arena_strdup(arena, text ? text : "");
    }
    json_decref(section);
    return count ? client_cidrs_new(texts, NULL) : NULL;
}

/* 1 when the host is an address, however it is written, that no call may lead to. */
static int is_refused(const struct config *config, struct arena *arena, const char *channel, const char *host)
{
    struct in6_addr six;
    struct in_addr four;
    int family = inet_pton(AF_INET6, host, &six) == 1 ? AF_INET6 : inet_aton(host, &four) ? AF_INET : 0;
    if (!family)
        return 0;
    struct client_cidrs *allow = allowed(config, arena, channel);
    int may = client_address_allowed(family, family == AF_INET6 ? (const void *)&six : &four, allow);
    client_cidrs_free(allow);
    return !may;
}

const char *hub_endpoint_url_fault(const struct http_request *req, const char *channel, struct belfry_str url)
{
    if (memchr(url.ptr, '#', url.len))
        return "must not have a fragment, which nobody would be sent";
    if (is_refused(req->config, req->arena, channel, host_in(req->arena, url)))
        return "leads to an address that nothing is sent to: private, reserved or this machine's own; `allow_cidrs` of "
               "the channel can allow it";
    return NULL;
}
