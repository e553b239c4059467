/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the client room only. */
#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "base/str.h"
#include "client/client.h"

#include <curl/curl.h>

#define HEADERS_MAX 64

struct call {
    struct list node;      /* in active, waiting, ready or spare */
    struct list handshake; /* in client.handshakes while it counts as one */
    uint64_t turn_ends_ms;
    struct client *client;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    struct client_cidrs *allow;
    struct arena *arena;
    struct buf url, request, response;
    size_t max_response;
    uint32_t error, truncated, status;
    int blocked, opened; /* an address was refused; a socket was made */
    int refused;         /* the connection that was about to be used leads to a refused address */
    int added, secure;
    char error_text[CURL_ERROR_SIZE];
    struct belfry_attr answer_headers[HEADERS_MAX];
    size_t answer_header_count;
    int64_t elapsed_us;
    void (*done)(void *arg, const struct belfry_http_answer *answer);
    void *arg;
};

struct client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer, turns;
    uv_idle_t ready_turn;
    struct list active, waiting, ready, spare;
    struct list handshakes; /* by the end of their turn */
    size_t spare_count, handshake_count;
    struct hash *urls;      /* those that were checked and found right */
    struct watch **watches; /* by socket */
    size_t watch_cap;
    uint64_t next_id;
    int closing;
};

/* client.c: calls back those that have ended. */
void client_on_ready(uv_idle_t *idle);

/* sockets.c */
int sockets_on_want(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg); /* CURLMOPT_SOCKETFUNCTION */
void sockets_keep(struct client *client, curl_socket_t fd); /* of a connection that may be used again */
int sockets_on_close(void *client, curl_socket_t fd);       /* CURLOPT_CLOSESOCKETFUNCTION */
void sockets_fini(struct client *client);                   /* after curl_multi_cleanup */

/* multi.c */
/* Something happened on a socket: CURL_CSELECT_ flags. */
void multi_action(struct client *client, curl_socket_t fd, int flags);
void multi_init(struct client *client, long max_connections);
/* Starts those that wait, as far as they may. Never inside of a call from curl. */
void multi_next(struct client *client);
/* The call has its connection, or will never have one. */
void multi_handshake_over(struct call *c);
/* Takes the call away from curl and puts it on the ready list. */
void multi_end(struct call *c);

#endif
