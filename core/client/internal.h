/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the client room only. */
#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

#include "base/hash.h"
#include "base/str.h"
#include "client/client.h"
#include "client/engine.h"

#define HEADERS_MAX 64
#define HTTP_POOLS 32

struct call {
    struct transfer transfer;
    struct ending ending;
    struct list node; /* in calls until it ends, or in spare */
    struct client *client;
    uint64_t id;
    struct curl_slist *headers;
    struct client_cidrs *allow;
    struct arena *arena;
    struct buf url, request, response;
    size_t max_response, header_bytes;
    uint32_t error, truncated, status;
    int blocked, opened; /* an address was refused; a socket was made */
    int long_headers;    /* more than anybody reads */
    int head_over;       /* the blank line behind the last headers was there */
    int refused;         /* the connection that was about to be used leads to a refused address */
    char error_text[CURL_ERROR_SIZE];
    struct belfry_attr answer_headers[HEADERS_MAX];
    size_t answer_header_count;
    int64_t elapsed_us;
    void (*done)(void *arg, const struct belfry_http_answer *answer);
    void *arg;
};

struct client {
    struct engine engine;
    struct pool http[HTTP_POOLS]; /* a host is always in the same */
    struct pool smtp;
    struct list calls, spare; /* of HTTP */
    size_t spare_count;
    struct hash *urls;   /* those that were checked and found right */
    struct list servers; /* of SMTP */
    char *ca_file;       /* PEM; NULL: the system's */
    uint64_t next_id;
    int closing;
};

/* http.c: cancels what is under way; frees what is left. */
void http_calls_stop(struct client *client);
void http_calls_fini(struct client *client);

/* smtp.c: the same */
void smtp_mails_stop(struct client *client);
void smtp_mails_fini(struct client *client);

#endif
