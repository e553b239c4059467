/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared between the SMTP files only. A server (with its credentials) has connections; a connection carries one mail
 * after the other; a mail has a connection from when it gets its turn until it ends. All [loop].
 */
#ifndef CLIENT_SMTP_INTERNAL_H
#define CLIENT_SMTP_INTERNAL_H

#include "client/internal.h"
#include "client/smtp.h"
#include "client/smtp_reply.h"

/* --- smtp_check.c: what may be put on the wire (pure) ------------------------------------------------------------- */

struct smtp_address {
    char host[256]; /* as in a URL: an IPv6 address in brackets */
    int port, implicit_tls;
    int loopback; /* a literal loopback address, or `localhost` */
};

/* What is wrong with it, to be put behind its name; NULL: nothing. */
const char *smtp_word_fault(const char *word);
const char *smtp_address_fault(const char *address);
const char *smtp_url_read(const char *url, struct smtp_address *out);
/* The message as it is sent after DATA: dots stuffed, the final one included. */
const char *smtp_content(struct belfry_str message, struct buf *out);
/* family AF_INET or AF_INET6, address in network order. */
int smtp_address_is_loopback(int family, const void *address);

/* --- the parts ---------------------------------------------------------------------------------------------------- */

struct smtp_mail {
    struct list node; /* in server.queue or server.busy */
    struct ending ending;
    struct client *client;
    struct smtp_server *server; /* until it ends */
    struct smtp_conn *conn;     /* NULL: it waits, or has ended */
    uint64_t id, began_ns;
    char from[255], to[255];
    struct buf content;
    size_t size; /* of the message (RFC 1870) */
    uint64_t timeout_ms, connect_timeout_ms;
    int fresh; /* a connection that had been open before was closed under it: only a new one will do */
    uint32_t error, stage, reused, encrypted;
    int code;
    char enhanced[12], text[SMTP_TEXT_MAX + 1], error_text[CURL_ERROR_SIZE];
    void (*done)(void *arg, const struct belfry_smtp_answer *answer);
    void *arg;
};

struct smtp_server {
    struct list node; /* in client.servers */
    struct client *client;
    char *name, *username, *password, *ca_file; /* name: the URL as it was given */
    char *url;                                  /* as curl wants it, with our name for EHLO */
    uint32_t tls;
    int implicit_tls, plain;   /* plain: no TLS, and to loopback addresses only */
    struct list queue, busy;   /* mails */
    struct list idle, working; /* connections; idle: the one used last comes first */
    unsigned connections, max;
    int serving; /* smtp_serve is running */
};

/* In the order in which they happen. */
enum smtp_step {
    STEP_CONNECT, /* curl makes the connection */
    STEP_IDLE,
    STEP_RSET,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT, /* not all of it is written yet */
    STEP_END
};

struct smtp_conn {
    struct list node; /* in server.idle or server.working */
    struct transfer transfer;
    struct smtp_server *server;
    struct smtp_mail *mail; /* whose it is now */
    curl_socket_t fd;       /* CURL_SOCKET_BAD: not connected, or closed */
    enum smtp_step step;
    uint32_t stage; /* while it is made */
    struct smtp_reply reply;
    struct buf commands;
    struct belfry_str out; /* what is being written: commands, or the mail's content */
    size_t written;
    int greeted, authenticated, encrypted, refused_address;
    int pipelining, sized; /* what the server offers: RFC 2920, RFC 1870 */
    int dirty;             /* a mail was refused half-way: RSET comes first */
    int over, broken;      /* its mail has ended; it cannot carry another */
    int writing, failing;  /* waits until it can be written to; there is nothing to be had from it but what it said */
    unsigned carried;      /* mails, this one included */
    uint64_t opened_ms;
    uv_timer_t timer; /* of the mail, or how long it may idle */
    char error_text[CURL_ERROR_SIZE];
};

/* --- smtp.c ------------------------------------------------------------------------------------------------------- */

/* The answer is in the mail; it is told on a later turn. No connection has it any more. */
void smtp_mail_end(struct smtp_mail *mail);
/* It waits again, before all others, for a new connection. */
void smtp_mail_again(struct smtp_mail *mail);
/* This reply decides: its code and text go into the answer. */
void smtp_mail_answered(struct smtp_mail *mail, const struct smtp_reply *reply, uint32_t error, uint32_t stage);
/* What is left of its time, at least 1 ms. */
uint64_t smtp_mail_left(const struct smtp_mail *mail);
/* Gives mails to connections, as far as they may; forgets a server that has neither. */
void smtp_serve(struct smtp_server *server);

/* --- smtp_connect.c ----------------------------------------------------------------------------------------------- */

/* A new connection for this mail. */
void smtp_conn_open(struct smtp_server *server, struct smtp_mail *mail);
/* The connection is over: QUIT if it is at rest, and its memory on a later turn. No mail has it any more. */
void smtp_conn_close(struct smtp_conn *conn);
/* Its mail ends with this, unless it had been refused before, and so does the connection. */
void smtp_conn_fail(struct smtp_conn *conn, uint32_t error, uint32_t stage, const char *text);

/* --- smtp_dialog.c ------------------------------------------------------------------------------------------------ */

/* The connection's mail goes over it. */
void smtp_dialog_begin(struct smtp_conn *conn, struct smtp_mail *mail);
void smtp_dialog_ready(void *conn, int events); /* for sockets_borrow */
void smtp_dialog_on_timer(uv_timer_t *timer);   /* conn.timer: the mail's time is over, or that of an idle connection */
/* curl has closed the socket, or it cannot be written to: looked into on a later turn. */
void smtp_dialog_broken(struct smtp_conn *conn);
void smtp_dialog_cancel(struct smtp_conn *conn);

#endif
