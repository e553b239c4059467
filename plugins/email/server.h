/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mail servers of a channel, in order of preference, with a breaker each: one that does not take mail is left alone
 * for a while, then one mail tries it. Everything is [loop].
 */
#ifndef EMAIL_SERVER_H
#define EMAIL_SERVER_H

#include "answer.h"
#include "email.h"

#define SERVERS_MAX 16

struct server {
    const char *url, *username, *password, *ca_file; /* of the configuration */
    uint32_t tls, connections;
    char name[272];        /* "mail.example.org:25", for people: no credentials */
    int64_t open_until_ms; /* 0: closed, mail goes there */
    uint32_t pauses;       /* that were too short, in a row */
    uint32_t silences;     /* in the middle of mails, in a row */
    uint32_t told;         /* SERVER_DOWN or SERVER_MISCONFIGURED: what people know of this outage; 0: nothing */
    int64_t held_us;       /* how long a mail holds a connection, a moving average; 0: not known */
    int probing;
};

struct servers {
    struct server items[SERVERS_MAX];
    size_t count;
};

/* From `smtp` or `servers`. EINVAL with what is wrong and what to write instead. */
belfry_status servers_read(struct servers *servers, const struct belfry_host *host, const struct config *config,
                           struct belfry_error *err);

/*
 * The first that is not in the set `tried` (a bit each) and may be given a mail; NULL: none, *wait_ms until one may be.
 * *probe: 1 when the mail tries one that was left alone; its answer has to be told to server_note() with it.
 */
struct server *servers_next(struct servers *servers, uint32_t tried, int64_t now_ms, int *probe, int64_t *wait_ms);
/* 1: one of them may be given a mail; else 0, and *wait_ms until one may be. Takes no probe. */
int servers_ready(struct servers *servers, int64_t now_ms, int64_t *wait_ms);
/* A mail held one of its connections for so long. */
void server_held(struct server *server, int64_t elapsed_us);
/*
 * How many mails to have under way, at least two for each connection. Each has passed its gates when it is taken, so it
 * should leave soon: behind those that are being sent there are as many as leave within a quarter of a second.
 */
uint32_t servers_room(const struct servers *servers);
/* How many took no mail when they were last asked. */
uint32_t servers_down(const struct servers *servers);

enum server_change { SERVER_SAME, SERVER_OPENED, SERVER_CLOSED }; /* of the breaker */
/* What an answer said of it. */
enum server_change server_note(struct server *server, enum answer_server what, int probe, int64_t now_ms);
/*
 * Its breaker has opened for `what`: 1, once an outage, when people should be told. A server that restarts is back at
 * the next try, so that is waited for; credentials that do not fit are not, also where it was away before.
 */
int server_is_news(struct server *server, enum answer_server what);

#endif
