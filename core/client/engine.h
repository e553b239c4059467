/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP and SMTP have in common, shared between the files of the client room only: libcurl's transfers on the loop,
 * their sockets, and whose turn it is to shake hands. All [loop].
 */
#ifndef CLIENT_ENGINE_H
#define CLIENT_ENGINE_H

#include "base/list.h"
#include "client/hosts.h"

#include <curl/curl.h>
#include <stdint.h>
#include <uv.h>

struct engine;

/* One multi handle, with the connections that its transfers keep. */
struct pool {
    struct engine *engine;
    CURLM *multi;
    uv_timer_t timer;
    long share, limit; /* of the connections that are kept; what the handle was told. 0: any number */
};

/* Embedded in what a protocol knows of one transfer; the protocol owns it. The easy handle's CURLOPT_PRIVATE is it. */
struct transfer {
    struct list node;      /* in lane.waiting until it begins */
    struct list handshake; /* in lane.shaking while it counts as one */
    struct lane *lane;     /* NULL: it did not have to wait for a turn */
    uint64_t turn_ends_ms;
    uint64_t
        until_ms; /* of the loop's clock: it does not begin later, and ends then; 0: whoever owns it sees to that */
    struct pool *pool;
    struct host *host; /* NULL: nothing is known of it; released with the transfer */
    CURL *easy;
    int secure, added;    /* it begins with a TLS handshake, unless a connection is idle; curl has it */
    int overran, has_met; /* its turn was over before it had a connection; it has one */
    /* curl is done with it, or it had no turn in its time (CURLE_OPERATION_TIMEDOUT). Called outside of curl; may free
     * it. */
    void (*over)(struct transfer *t, CURLcode code);
};

/* What ended and is told on a later turn. */
struct ending {
    struct list node;
    void (*tell)(struct ending *ending); /* may free it */
};

/* Who waits for a handshake, and who shakes hands. */
struct lane {
    struct list waiting; /* in order */
    struct list shaking; /* by the end of their turn */
    size_t count, most;
};

struct engine {
    uv_loop_t *loop;
    struct lane lanes[2]; /* of hosts that were well the last time, or are new; of sick ones */
    struct hosts hosts;
    size_t kept, kept_most; /* connections of all pools; how many before each is held to its share */
    uv_timer_t turns;
    struct list endings;
    uv_idle_t endings_turn;
    struct watch **watches; /* by socket */
    size_t watch_cap;
    int handles; /* of libuv that are not closed yet */
    void (*closed)(void *arg);
    void *arg;
};

/* --- engine.c ----------------------------------------------------------------------------------------------------- */

/* kept: connections that are open, the idle ones too, when one of them ends its transfer and may stay. How many may be
 * under way is for those to say who start them. */
void engine_init(struct engine *engine, uv_loop_t *loop, size_t kept);
/* share: how many of those it keeps whatever the others have; 0: any number. */
void engine_pool_init(struct engine *engine, struct pool *pool, long share);
/* Nothing of it is under way. Closes the connections. */
void engine_pool_fini(struct pool *pool);
/* After the pools and the last ending. closed(arg) on a later turn. */
void engine_fini(struct engine *engine, void (*closed)(void *arg), void *arg);

/* One of engine.handles is closed. */
void engine_handle_closed(struct engine *engine);

void transfer_init(struct transfer *t, struct pool *pool, CURL *easy);
/* Begins, or waits for its turn. The time that it waits is part of the time it has. Never inside of a call from curl.
 */
void transfer_start(struct transfer *t);
/* It has its connection. */
void transfer_shaken(struct transfer *t);
/* Takes it away from curl, whatever its state; `over` is not called. Not inside of a call from curl. */
void transfer_stop(struct transfer *t);

void engine_end(struct engine *engine, struct ending *ending, void (*tell)(struct ending *ending));
/* Tells all endings now. */
void engine_tell(struct engine *engine);

/* Something happened on a socket: CURL_CSELECT_ flags. */
void pool_action(struct pool *pool, curl_socket_t fd, int flags);

/* --- sockets.c ---------------------------------------------------------------------------------------------------- */

int sockets_on_want(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg); /* CURLMOPT_SOCKETFUNCTION */
/* Of a connection that may be used again; to this host (NULL: not said), until it is closed. */
void sockets_keep(struct pool *pool, curl_socket_t fd, struct host *host);
/* Of a connection that curl only made (CURLOPT_CONNECT_ONLY): ready is called when it can be read (UV_READABLE), and
 * when it can be written to (UV_WRITABLE) while sockets_write has it on; until the socket is closed. */
void sockets_borrow(struct pool *pool, curl_socket_t fd, void (*ready)(void *arg, int events), void *arg);
void sockets_write(struct pool *pool, curl_socket_t fd, int on);
int sockets_on_close(void *engine, curl_socket_t fd); /* CURLOPT_CLOSESOCKETFUNCTION */
void sockets_fini(struct engine *engine);             /* after the last connection is closed */

#endif
