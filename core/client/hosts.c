/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record lives as long as something names it, and longer only for a sick host: that is what has to be remembered
 * between two calls. URLs come from outside, so the number of those is bounded.
 */
#include "client/hosts.h"

#include "base/mem.h"

#include <stdlib.h>

#define SICK_MAX 20000

void hosts_init(struct hosts *hosts)
{
    *hosts = (struct hosts){.by_name = hash_new()};
}

static void host_free(void *value)
{
    struct host *host = value;
    free(host->name);
    free(host);
}

void hosts_fini(struct hosts *hosts)
{
    hash_free(hosts->by_name, host_free);
    *hosts = (struct hosts){0};
}

/* Scheme and authority: up to the path, the query or the fragment. */
static struct belfry_str name_of(const char *url)
{
    const char *authority = strstr(url, "://");
    size_t scheme = authority ? (size_t)(authority - url) + 3 : 0;
    return str_slice(url, scheme + strcspn(url + scheme, "/?#"));
}

unsigned host_hash(const char *url)
{
    struct belfry_str name = name_of(url);
    unsigned h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.ptr[i]) * 16777619u;
    return h;
}

struct host *host_ref(struct hosts *hosts, const char *url)
{
    struct belfry_str name = name_of(url);
    struct host *host = hash_get(hosts->by_name, name);
    if (!host) {
        host = xcalloc(1, sizeof(*host));
        host->name = xstrndup(name.ptr, name.len);
        hash_set(hosts->by_name, str_of(host->name), host);
    }
    host->refs++;
    return host;
}

static void forget(struct hosts *hosts, struct host *host)
{
    if (host->refs || host->sick)
        return;
    hash_del(hosts->by_name, str_of(host->name));
    host_free(host);
}

void host_unref(struct hosts *hosts, struct host *host)
{
    if (!host)
        return;
    host->refs--;
    forget(hosts, host);
}

void host_learn(struct hosts *hosts, struct host *host, int sick)
{
    if (sick == host->sick || (sick && hosts->sick == SICK_MAX))
        return;
    host->sick = sick;
    hosts->sick += sick ? 1 : (size_t)-1;
}

int host_has_idle(const struct host *host)
{
    return host->connections > host->calls;
}
