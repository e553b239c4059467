/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP and SMTP have in common, shared between the files of the client room only: libcurl's transfers on the loop,
 * their sockets, and whose turn it is to shake hands. All [loop].
 */
#ifndef CLIENT_ENGINE_H
#define CLIENT_ENGINE_H

#include "base/list.h"

#include <curl/curl.h>
#include <stdint.h>
#include <uv.h>

struct engine;

/* One multi handle, with the connections that its transfers keep. */
struct pool {
    struct engine *engine;
    CURLM *multi;
    uv_timer_t timer;
};

/* Embedded in what a protocol knows of one transfer; the protocol owns it. The easy handle's CURLOPT_PRIVATE is it. */
struct transfer {
    struct list node;      /* in engine.waiting until it begins */
    struct list handshake; /* in engine.handshakes while it counts as one */
    uint64_t turn_ends_ms;
    struct pool *pool;
    CURL *easy;
    int secure, added; /* it begins with a TLS handshake; curl has it */
    /* curl is done with it. Called outside of curl; may free it. */
    void (*over)(struct transfer *t, CURLcode code);
};

/* What ended and is told on a later turn. */
struct ending {
    struct list node;
    void (*tell)(struct ending *ending); /* may free it */
};

struct engine {
    uv_loop_t *loop;
    struct list waiting;    /* transfers that have not begun, in order */
    struct list handshakes; /* by the end of their turn */
    size_t handshake_count;
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

void engine_init(struct engine *engine, uv_loop_t *loop);
/* max_connections: open at once, the idle ones too; 0: any number. */
void engine_pool_init(struct engine *engine, struct pool *pool, long max_connections);
/* Nothing of it is under way. Closes the connections. */
void engine_pool_fini(struct pool *pool);
/* After the pools and the last ending. closed(arg) on a later turn. */
void engine_fini(struct engine *engine, void (*closed)(void *arg), void *arg);

/* One of engine.handles is closed. */
void engine_handle_closed(struct engine *engine);

void transfer_init(struct transfer *t, struct pool *pool, CURL *easy);
/* Begins, or waits for its turn. Never inside of a call from curl. */
void transfer_start(struct transfer *t);
/* It has its connection, or will never have one. */
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
void sockets_keep(struct pool *pool, curl_socket_t fd); /* of a connection that may be used again */
/* Of a connection that curl only made (CURLOPT_CONNECT_ONLY): ready is called when it can be read (UV_READABLE), and
 * when it can be written to (UV_WRITABLE) while sockets_write has it on; until the socket is closed. */
void sockets_borrow(struct pool *pool, curl_socket_t fd, void (*ready)(void *arg, int events), void *arg);
void sockets_write(struct pool *pool, curl_socket_t fd, int on);
int sockets_on_close(void *engine, curl_socket_t fd); /* CURLOPT_CLOSESOCKETFUNCTION */
void sockets_fini(struct engine *engine);             /* after the last connection is closed */

#endif
