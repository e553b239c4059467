/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that cannot be reached, does not greet, or fails at TLS or AUTH will do the same to the next mail, so its
 * breaker opens at once; what falls silent in the middle of a mail may be the mail's fault, so that takes a few in a
 * row. Half a minute, doubling to five: a mail waits no longer than that for a server that is back.
 */
#include "server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SOON_US 250000 /* within which what is taken should begin to leave */
#define ROOM_MAX 128   /* mails behind one connection */
#define PAUSE_MS (30 * INT64_C(1000))
#define PAUSE_MAX_MS (5 * 60 * INT64_C(1000))
#define SILENCES_MAX 5
#define PROBE_WAIT_MS 5000 /* while another mail tries it */

/* --- what the configuration says ---------------------------------------------------------------------------------- */

struct place {
    char host[256], port[8];
    int implicit_tls;
};

/* SCHEME://HOST[:PORT][/]; NULL, or what is wrong. */
static const char *place_read(const char *url, struct place *out)
{
    const char *host = strstr(url, "://");
    out->implicit_tls = strncmp(url, "smtps:", 6) == 0;
    if (!host)
        return "is no address like smtp://mail.example.org:25";
    host += 3;
    size_t len = strcspn(host, "/?#");
    if (memchr(host, '@', len))
        return "must not hold a user name; write `username` and `password` beside it";
    if (host[len] && strcmp(host + len, "/") != 0)
        return "must end behind host and port";
    const char *colon = memrchr(host, ':', len), *bracket = memrchr(host, ']', len);
    size_t host_len = colon && (!bracket || colon > bracket) ? (size_t)(colon - host) : len;
    size_t port_len = host_len < len ? len - host_len - 1 : 0;
    if (host_len == 0 || host_len >= sizeof(out->host))
        return "has no host";
    if (port_len >= sizeof(out->port) || (host_len < len && port_len == 0))
        return "has no port behind the colon";
    memcpy(out->host, host, host_len);
    out->host[host_len] = '\0';
    snprintf(out->port, sizeof(out->port), "%.*s", (int)port_len, host_len < len ? host + host_len + 1 : "");
    if (port_len == 0)
        snprintf(out->port, sizeof(out->port), "%s", out->implicit_tls ? "465" : "25");
    if (strspn(out->port, "0123456789") != strlen(out->port) || atoi(out->port) < 1 || atoi(out->port) > 65535)
        return "has no port between 1 and 65535";
    return NULL;
}

/* Literally: a name that resolves to loopback today may lead elsewhere tomorrow. */
static int is_loopback(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* where: "smtp" or "servers[1].url" */
static belfry_status server_read(struct server *s, const struct belfry_host *host, const char *where,
                                 struct belfry_error *err)
{
    struct place place = {0};
    const char *fault = place_read(s->url, &place);
    if (fault)
        return host->fail(err, BELFRY_EINVAL, NULL, "%s: the address %s", where, fault);
    snprintf(s->name, sizeof(s->name), "%s:%s", place.host, place.port);
    if (s->tls == BELFRY_SMTP_TLS_OFF && place.implicit_tls)
        return host->fail(err, BELFRY_EINVAL, NULL, "%s: `tls: off` and smtps:// contradict each other", where);
    if (s->tls == BELFRY_SMTP_TLS_OFF && !is_loopback(place.host))
        return host->fail(err, BELFRY_EINVAL, NULL,
                          "%s: `tls: off` is for 127.0.0.1, [::1] and localhost only; mail to %s goes over STARTTLS "
                          "(`tls: auto`) or smtps://",
                          where, place.host);
    if (s->ca_file && s->ca_file[0] != '/')
        return host->fail(err, BELFRY_EINVAL, NULL, "%s: tls_ca must be an absolute path, not %s", where, s->ca_file);
    return BELFRY_OK;
}

static const struct server_options *options_at(const struct config *config, uint32_t i)
{
    return (const struct server_options *)(const void *)((const char *)config->servers.items +
                                                         (size_t)i * config->servers.stride);
}

belfry_status servers_read(struct servers *servers, const struct belfry_host *host, const struct config *config,
                           struct belfry_error *err)
{
    *servers = (struct servers){0};
    if (config->smtp) {
        servers->count = 1;
        servers->items[0] = (struct server){.url = config->smtp,
                                            .username = config->username,
                                            .password = config->password,
                                            .ca_file = config->tls_ca,
                                            .tls = (uint32_t)config->tls,
                                            .connections = (uint32_t)config->connections};
        return server_read(&servers->items[0], host, "smtp", err);
    }
    if (!config->servers.count)
        return host->fail(err, BELFRY_EINVAL, NULL,
                          "there is no mail server: write `smtp: smtp://mail.example.org`, or several in `servers`");
    for (uint32_t i = 0; i < config->servers.count && i < SERVERS_MAX; i++) {
        const struct server_options *o = options_at(config, i);
        char where[32];
        snprintf(where, sizeof(where), "servers[%u].url", i);
        servers->items[servers->count++] = (struct server){.url = o->url,
                                                           .username = o->username,
                                                           .password = o->password,
                                                           .ca_file = o->tls_ca,
                                                           .tls = (uint32_t)o->tls,
                                                           .connections = (uint32_t)o->connections};
        belfry_status status = server_read(&servers->items[i], host, where, err);
        if (status != BELFRY_OK)
            return status;
    }
    return BELFRY_OK;
}

/* --- breakers ----------------------------------------------------------------------------------------------------- */

/* 0: a mail may go there */
static int64_t wait_of(struct server *s, int64_t now_ms)
{
    if (!s->open_until_ms)
        return 0;
    if (s->open_until_ms - now_ms > PAUSE_MAX_MS) /* the clock was set back */
        s->open_until_ms = now_ms;
    if (s->open_until_ms > now_ms)
        return s->open_until_ms - now_ms;
    return s->probing ? PROBE_WAIT_MS : 0;
}

struct server *servers_next(struct servers *servers, uint32_t tried, int64_t now_ms, int *probe, int64_t *wait_ms)
{
    *probe = 0;
    *wait_ms = PAUSE_MAX_MS;
    for (size_t i = 0; i < servers->count; i++) {
        struct server *s = &servers->items[i];
        int64_t wait = wait_of(s, now_ms);
        if (wait < *wait_ms)
            *wait_ms = wait;
        if (wait || tried & UINT32_C(1) << i)
            continue;
        if (s->open_until_ms)
            s->probing = *probe = 1;
        return s;
    }
    return NULL;
}

int servers_ready(struct servers *servers, int64_t now_ms, int64_t *wait_ms)
{
    *wait_ms = PAUSE_MAX_MS;
    for (size_t i = 0; i < servers->count; i++) {
        int64_t wait = wait_of(&servers->items[i], now_ms);
        if (wait < *wait_ms)
            *wait_ms = wait;
    }
    return *wait_ms == 0;
}

void server_held(struct server *server, int64_t elapsed_us)
{
    int64_t held = elapsed_us > 0 ? elapsed_us : 1;
    server->held_us = server->held_us ? (7 * server->held_us + held + 7) / 8 : held;
}

/* The one that mail goes to now. */
static const struct server *current(const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        if (!servers->items[i].open_until_ms)
            return &servers->items[i];
    return &servers->items[0];
}

uint32_t servers_room(const struct servers *servers)
{
    const struct server *s = current(servers);
    int64_t each = s->held_us ? SOON_US / s->held_us : 1;
    each = each < 1 ? 1 : each < ROOM_MAX ? each : ROOM_MAX;
    return s->connections * (1 + (uint32_t)each);
}

uint32_t servers_down(const struct servers *servers)
{
    uint32_t count = 0;
    for (size_t i = 0; i < servers->count; i++)
        count += servers->items[i].open_until_ms != 0;
    return count;
}

static enum server_change open_breaker(struct server *s, int64_t now_ms)
{
    int64_t pause = PAUSE_MS << (s->pauses < 4 ? s->pauses : 4);
    s->open_until_ms = now_ms + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    s->pauses++;
    s->silences = 0;
    return SERVER_OPENED;
}

enum server_change server_note(struct server *s, enum answer_server what, int probe, int64_t now_ms)
{
    int open = s->open_until_ms != 0;
    if (probe)
        s->probing = 0;
    if (open && !probe && what != SERVER_WORKS)
        return SERVER_SAME; /* was under way when it opened */
    switch (what) {
    case SERVER_WORKS:
        s->open_until_ms = 0;
        s->pauses = s->silences = 0;
        s->told = 0;
        return open ? SERVER_CLOSED : SERVER_SAME;
    case SERVER_SUSPECT:
        return ++s->silences >= SILENCES_MAX || probe ? open_breaker(s, now_ms) : SERVER_SAME;
    case SERVER_DOWN:
    case SERVER_MISCONFIGURED:
        return open_breaker(s, now_ms);
    default:
        return SERVER_SAME;
    }
}

int server_is_news(struct server *s, enum answer_server what)
{
    int misconfigured = what == SERVER_MISCONFIGURED;
    if (s->told == SERVER_MISCONFIGURED || (!misconfigured && (s->told || s->pauses < 2)))
        return 0;
    s->told = misconfigured ? SERVER_MISCONFIGURED : SERVER_DOWN;
    return 1;
}
