/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi handle on the loop: its timer, results, and when a call may start.
 *
 * A TLS handshake costs a hundred times what a request on an open connection does, so a burst to many endpoints would
 * hold the loop: at most HANDSHAKES calls may be between their start and a connection, the others wait. One that does
 * not get there in HANDSHAKE_TURN_MS (a dead host burns no CPU) lets the next start.
 */
#include "base/mem.h"
#include "client/internal.h"

#include <stdio.h>

#define HANDSHAKES 32
#define HANDSHAKE_TURN_MS 500

/* --- handshakes --------------------------------------------------------------------------------------------------- */

void multi_handshake_over(struct call *c)
{
    if (list_empty(&c->handshake))
        return;
    list_remove(&c->handshake);
    c->client->handshake_count--;
}

static void begin(struct call *c)
{
    struct client *client = c->client;
    list_remove(&c->node);
    list_push_back(&client->active, &c->node);
    c->added = 1;
    if (c->secure) {
        c->turn_ends_ms = uv_now(client->loop) + HANDSHAKE_TURN_MS;
        list_push_back(&client->handshakes, &c->handshake);
        client->handshake_count++;
    }
    curl_multi_add_handle(client->multi, c->easy);
}

static void on_turn_over(uv_timer_t *timer)
{
    multi_next(timer->data);
}

/* 1 when the oldest handshake has had its turn, or none is in the way. */
static int may_begin(struct client *client)
{
    if (client->handshake_count < HANDSHAKES)
        return 1;
    struct call *oldest = LIST_OF(client->handshakes.next, struct call, handshake);
    uint64_t now = uv_now(client->loop);
    if (oldest->turn_ends_ms > now) {
        uv_timer_start(&client->turns, on_turn_over, oldest->turn_ends_ms - now, 0);
        return 0;
    }
    multi_handshake_over(oldest);
    return 1;
}

void multi_next(struct client *client)
{
    LIST_EACH_SAFE(it, &client->waiting)
    {
        struct call *c = LIST_OF(it, struct call, node);
        if (!c->secure || may_begin(client))
            begin(c);
    }
    if (list_empty(&client->waiting))
        uv_timer_stop(&client->turns);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

void multi_end(struct call *c)
{
    list_remove(&c->node);
    multi_handshake_over(c);
    if (c->added)
        curl_multi_remove_handle(c->client->multi, c->easy);
    c->added = 0;
    list_push_back(&c->client->ready, &c->node);
    uv_idle_start(&c->client->ready_turn, client_on_ready);
}

static uint32_t error_of(const struct call *c, CURLcode code)
{
    if (code == CURLE_OK)
        return BELFRY_HTTP_ERR_NONE;
    if (code == CURLE_WRITE_ERROR && c->truncated) /* our own cut of a long body is no fault of the receiver */
        return BELFRY_HTTP_ERR_NONE;
    if (c->refused || (c->blocked && !c->opened)) /* of several addresses one that may be used decides */
        return BELFRY_HTTP_ERR_BLOCKED;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return BELFRY_HTTP_ERR_DNS;
    case CURLE_COULDNT_CONNECT:
        return BELFRY_HTTP_ERR_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return BELFRY_HTTP_ERR_TIMEOUT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return BELFRY_HTTP_ERR_RESET;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return BELFRY_HTTP_ERR_TLS;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return BELFRY_HTTP_ERR_URL;
    default:
        return BELFRY_HTTP_ERR_OTHER;
    }
}

/* A connection that was made for this call and stays open. */
static void keep_connection(struct call *c)
{
    curl_socket_t fd;
    if (c->opened && curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        sockets_keep(c->client, fd);
}

static void take_results(struct client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct call *c = NULL;
        CURLcode code = message->data.result;
        curl_off_t total = 0;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &total);
        c->status = (uint32_t)status;
        c->elapsed_us = total;
        c->error = error_of(c, code);
        keep_connection(c);
        if (c->error == BELFRY_HTTP_ERR_NONE)
            c->error_text[0] = '\0';
        else if (c->error == BELFRY_HTTP_ERR_BLOCKED)
            snprintf(c->error_text, sizeof(c->error_text), "the address is private and not in allow_cidrs");
        else if (!c->error_text[0])
            snprintf(c->error_text, sizeof(c->error_text), "%s", curl_easy_strerror(code));
        multi_end(c);
    }
    multi_next(client);
}

/* --- curl and the loop -------------------------------------------------------------------------------------------- */

void multi_action(struct client *client, curl_socket_t fd, int flags)
{
    int running;
    curl_multi_socket_action(client->multi, fd, flags, &running);
    take_results(client);
}

static void on_timeout(uv_timer_t *timer)
{
    struct client *client = timer->data;
    multi_action(client, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct client *client = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

void multi_init(struct client *client, long max_connections)
{
    client->multi = curl_multi_init();
    uv_timer_init(client->loop, &client->timer);
    uv_timer_init(client->loop, &client->turns);
    client->timer.data = client->turns.data = client;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, sockets_on_want);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, max_connections);
}
