/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain is remembered only while there is trouble with it: the first mail that it takes clears it. So the table is
 * small, and a walk over hashes is faster than keeping anything in order.
 *
 * A pause doubles each time it turns out to have been too short, from a minute (policy: a quarter of an hour, since
 * somebody has to change DNS first) to an hour. After it one mail goes ahead; the others wait until it has ended. What
 * had to wait comes back spread over time, so that a domain that asked for less is not given all of it at once.
 */
#include "domain.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_SLOW_MS (60 * INT64_C(1000))
#define PAUSE_POLICY_MS (15 * 60 * INT64_C(1000))
#define PAUSE_MAX_MS (60 * 60 * INT64_C(1000))
#define TRANSIENT_MAX 10 /* mails put off in a row; greylisting puts off each sender's first */
#define SPREAD_MS INT64_C(250)
#define PROBE_WAIT_MS 10000 /* while another mail tries it */

struct domain {
    char *name;
    uint32_t hash;
    uint32_t transient; /* in a row */
    int64_t until_ms;   /* of the present or last pause; 0: there was none */
    int64_t pause_ms;   /* its length */
    int64_t asked_ms;   /* last use */
    uint32_t spread;    /* mails that were sent away during the pause */
    int probing;
};

struct domains {
    struct domain items[DOMAINS_MAX];
    size_t count;
};

struct domains *domains_new(void)
{
    return calloc(1, sizeof(struct domains));
}

void domains_free(struct domains *domains)
{
    for (size_t i = 0; domains && i < domains->count; i++)
        free(domains->items[i].name);
    free(domains);
}

/* FNV-1a */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static struct domain *find(struct domains *domains, const char *name)
{
    uint32_t hash = hash_of(name);
    for (size_t i = 0; i < domains->count; i++)
        if (domains->items[i].hash == hash && strcmp(domains->items[i].name, name) == 0)
            return &domains->items[i];
    return NULL;
}

static void forget(struct domains *domains, struct domain *d)
{
    free(d->name);
    *d = domains->items[--domains->count];
}

static struct domain *make(struct domains *domains, const char *name, int64_t now_ms)
{
    if (domains->count == DOMAINS_MAX) {
        struct domain *oldest = domains->items;
        for (size_t i = 1; i < domains->count; i++)
            if (domains->items[i].asked_ms < oldest->asked_ms)
                oldest = &domains->items[i];
        forget(domains, oldest);
    }
    char *copy = strdup(name);
    if (!copy)
        return NULL;
    struct domain *d = &domains->items[domains->count++];
    *d = (struct domain){.name = copy, .hash = hash_of(name), .asked_ms = now_ms};
    return d;
}

int64_t domain_wait(struct domains *domains, const char *domain, int64_t now_ms, int *probe)
{
    struct domain *d = find(domains, domain);
    *probe = 0;
    if (!d || !d->until_ms)
        return 0;
    d->asked_ms = now_ms;
    if (d->until_ms - now_ms > PAUSE_MAX_MS) /* the clock was set back */
        d->until_ms = now_ms;
    if (d->until_ms <= now_ms && !d->probing) {
        d->probing = *probe = 1;
        return 0;
    }
    int64_t rest = d->until_ms > now_ms ? d->until_ms - now_ms : PROBE_WAIT_MS;
    int64_t spread = ++d->spread * SPREAD_MS;
    return rest + (spread < PAUSE_MAX_MS ? spread : PAUSE_MAX_MS);
}

/* A mail that went out before the pause and is answered in it does not prolong it. */
static int64_t pause_begin(struct domain *d, int64_t first_ms, int probe, int64_t now_ms)
{
    if (d->until_ms > now_ms || (d->until_ms && !probe))
        return 0;
    d->pause_ms = d->pause_ms * 2 > first_ms ? d->pause_ms * 2 : first_ms;
    if (d->pause_ms > PAUSE_MAX_MS)
        d->pause_ms = PAUSE_MAX_MS;
    d->until_ms = now_ms + d->pause_ms;
    d->transient = 0;
    d->spread = 0;
    return d->pause_ms;
}

int64_t domain_note(struct domains *domains, const char *domain, enum answer_domain what, int probe, int64_t now_ms)
{
    struct domain *d = find(domains, domain);
    int trouble = what == DOMAIN_TRANSIENT || what == DOMAIN_SLOW || what == DOMAIN_POLICY;
    if (d && probe)
        d->probing = 0;
    if (d && what == DOMAIN_WORKS && d->until_ms <= now_ms) {
        forget(domains, d);
        return 0;
    }
    if (!d && trouble)
        d = make(domains, domain, now_ms);
    if (!d || !trouble)
        return 0;
    d->asked_ms = now_ms;
    if (what == DOMAIN_SLOW)
        return pause_begin(d, PAUSE_SLOW_MS, probe, now_ms);
    if (what == DOMAIN_POLICY)
        return pause_begin(d, PAUSE_POLICY_MS, probe, now_ms);
    d->transient++;
    return probe || d->transient >= TRANSIENT_MAX ? pause_begin(d, PAUSE_SLOW_MS, probe, now_ms) : 0;
}

uint32_t domains_resting(const struct domains *domains)
{
    uint32_t count = 0;
    for (size_t i = 0; i < domains->count; i++)
        count += domains->items[i].until_ms != 0;
    return count;
}
