/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the servers that HTTP calls, by scheme, name and port: how many connections to them are open and how
 * many calls use one, and whether the last handshake came to nothing. Shared between the files of the client room only.
 * All [loop].
 */
#ifndef CLIENT_HOSTS_H
#define CLIENT_HOSTS_H

#include "base/hash.h"
#include "base/str.h"

struct host {
    char *name;           /* "https://example.org:8443" */
    unsigned refs;        /* calls and connections that name it */
    unsigned connections; /* kept, idle or in use */
    unsigned calls;       /* that have begun and not ended */
    int sick;             /* the last one that wanted a new connection got none */
};

struct hosts {
    struct hash *by_name;
    size_t sick;
};

void hosts_init(struct hosts *hosts);
void hosts_fini(struct hosts *hosts);
/* The host of an absolute URL, with a reference. */
struct host *host_ref(struct hosts *hosts, const char *url);
/* One without calls and connections is forgotten, unless it is sick. host may be NULL. */
void host_unref(struct hosts *hosts, struct host *host);
/* How its last handshake went. At most SICK_MAX are remembered; of any more it is forgotten. */
void host_learn(struct hosts *hosts, struct host *host, int sick);
/* A number that all URLs of a host have in common. Pure. */
unsigned host_hash(const char *url);
/* 1 when a call that begins now finds a connection that nobody uses. */
int host_has_idle(const struct host *host);

#endif
