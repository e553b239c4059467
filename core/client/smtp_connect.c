/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection from nothing to EHLO, TLS and AUTH done, and its end.
 *
 * libcurl makes it (CURLOPT_CONNECT_ONLY) and lends us the socket; the mails go over it by smtp_dialog.c. libcurl could
 * send them too, but not in a loop: it waits for the reply to the final dot, and for the one to QUIT, without coming
 * back (measured with 7.88.1: as long as the server likes, up to two minutes). This way it also has no part in who uses
 * a connection again: each belongs to its handle, and so to one server and its credentials.
 *
 * Two things libcurl would let pass are looked at here: a server that offers no AUTH though there is a user name, and a
 * plain connection to somewhere else than loopback, whatever the name said.
 */
#include "base/id.h"
#include "base/mem.h"
#include "client/smtp_internal.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* --- what the server says meanwhile ------------------------------------------------------------------------------- */

/* A line of the reply to EHLO, without "250-": what follows STARTTLS replaces what came before. */
static void on_capability(struct smtp_conn *c, const char *line)
{
    if (strncmp(line, "250", 3) != 0 || !line[3])
        return;
    c->pipelining |= strcasecmp(line + 4, "PIPELINING") == 0;
    c->sized |= strncasecmp(line + 4, "SIZE", 4) == 0;
}

static void on_reply(struct smtp_conn *c)
{
    const struct smtp_server *s = c->server;
    int code = c->reply.code;
    if (!c->greeted) {
        c->greeted = code / 100 == 2;
        c->encrypted = s->implicit_tls;
    } else if (code == 220) { /* to STARTTLS */
        c->encrypted = 1;
        c->pipelining = c->sized = 0;
    } else if (code == 250) { /* to EHLO */
        c->stage = !s->plain && !c->encrypted ? BELFRY_SMTP_STAGE_TLS
                   : s->username              ? BELFRY_SMTP_STAGE_AUTH
                                              : BELFRY_SMTP_STAGE_CONNECT;
    } else if (code == 235) {
        c->authenticated = 1;
    }
}

/* One line at a time, those in pieces included. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct smtp_conn *c = arg;
    size_t len = size * count, used;
    for (size_t done = 0; done < len; done += used) {
        enum smtp_read read = smtp_reply_read(&c->reply, data + done, len - done, &used);
        if (read == SMTP_READ_NONSENSE)
            return 0;
        if (read != SMTP_READ_MORE && c->greeted)
            on_capability(c, c->reply.line);
        if (read == SMTP_READ_WHOLE)
            on_reply(c);
    }
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count; /* libcurl gives replies as a body too when it makes a connection only */
}

/* --- how it ended ------------------------------------------------------------------------------------------------- */

static const struct {
    CURLcode curl;
    uint32_t error;
    int stage; /* -1: as far as it had got */
} endings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, BELFRY_SMTP_ERR_DNS, -1},
    {CURLE_COULDNT_CONNECT, BELFRY_SMTP_ERR_CONNECT, -1},
    {CURLE_OPERATION_TIMEDOUT, BELFRY_SMTP_ERR_TIMEOUT, -1},
    {CURLE_USE_SSL_FAILED, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_SSL_CONNECT_ERROR, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_SSL_CERTPROBLEM, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_SSL_CIPHER, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_SSL_ISSUER_ERROR, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_SSL_CACERT_BADFILE, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS},
    {CURLE_LOGIN_DENIED, BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH},
    {CURLE_WEIRD_SERVER_REPLY, BELFRY_SMTP_ERR_REPLY, -1},  /* to the greeting, STARTTLS */
    {CURLE_REMOTE_ACCESS_DENIED, BELFRY_SMTP_ERR_REPLY, -1} /* to EHLO */
};

/* A server that says our password back must not get it into a log. */
static int repeats_password(const struct smtp_server *s, const char *text)
{
    struct buf plain = {0}, words[3] = {{0}, {0}, {0}};
    int found = 0;
    buf_addf(&plain, "%c%s%c%s", 0, s->username, 0, s->password);
    base64_encode(plain.ptr, plain.len, 0, &words[0]);
    base64_encode(s->password, strlen(s->password), 0, &words[1]);
    buf_addz(&words[2], s->password);
    for (size_t i = 0; i < 3; i++) {
        if (words[i].len > 8)
            words[i].ptr[8] = '\0'; /* the text may end in the middle of it */
        found |= words[i].len && strstr(text, words[i].ptr) != NULL;
        mem_wipe(words[i].ptr, words[i].cap);
        buf_free(&words[i]);
    }
    mem_wipe(plain.ptr, plain.cap);
    buf_free(&plain);
    return found;
}

void smtp_conn_fail(struct smtp_conn *c, uint32_t error, uint32_t stage, const char *text)
{
    struct smtp_mail *m = c->mail;
    c->mail = NULL;
    if (!m->error) { /* else it was refused before */
        m->error = error;
        m->stage = stage;
    }
    if (m->error != BELFRY_SMTP_ERR_REPLY)
        snprintf(m->error_text, sizeof(m->error_text), "%s", text);
    m->encrypted = (uint32_t)c->encrypted;
    smtp_conn_close(c);
    smtp_mail_end(m);
}

static const char *reason(const struct smtp_conn *c, CURLcode code)
{
    if (c->refused_address)
        return "a connection without TLS may lead to a loopback address only";
    if (code == CURLE_WRITE_ERROR)
        return "what the server says is no SMTP";
    return c->error_text[0] ? c->error_text : curl_easy_strerror(code);
}

static void failed(struct smtp_conn *c, CURLcode code)
{
    uint32_t error = BELFRY_SMTP_ERR_LOST, stage = c->stage;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (endings[i].curl == code) {
            error = endings[i].error;
            stage = endings[i].stage < 0 ? stage : (uint32_t)endings[i].stage;
        }
    if (c->refused_address) {
        error = BELFRY_SMTP_ERR_TLS;
        stage = BELFRY_SMTP_STAGE_TLS;
    }
    int refused = c->reply.code >= 400 && error != BELFRY_SMTP_ERR_TIMEOUT;
    if (refused && (c->reply.code == 421 || error == BELFRY_SMTP_ERR_LOST)) /* 421: it does not want to at all, now */
        error = BELFRY_SMTP_ERR_REPLY;
    else if (!refused && error == BELFRY_SMTP_ERR_REPLY) /* neither yes nor no */
        error = BELFRY_SMTP_ERR_LOST;
    if (refused && c->server->username && repeats_password(c->server, c->reply.text))
        snprintf(c->reply.text, sizeof(c->reply.text), "(not shown: it holds the password)");
    if (refused)
        smtp_mail_answered(c->mail, &c->reply, error, stage);
    smtp_conn_fail(c, error, stage, reason(c, code));
}

static void on_over(struct transfer *t, CURLcode code)
{
    struct smtp_conn *c = LIST_OF(t, struct smtp_conn, transfer);
    curl_off_t tls_us = 0, connect_us = 0;
    curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    c->encrypted = tls_us > 0;
    if (c->server->implicit_tls && connect_us > 0 && !c->encrypted)
        c->stage = BELFRY_SMTP_STAGE_TLS;
    if (code != CURLE_OK) {
        failed(c, code);
    } else if (!c->server->plain && !c->encrypted) {
        smtp_conn_fail(c, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS, "the connection is not encrypted");
    } else if (c->server->username && !c->authenticated) {
        smtp_conn_fail(c, BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH, "the server does not offer AUTH");
    } else {
        curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &c->fd);
        sockets_borrow(t->pool, c->fd, smtp_dialog_ready, c);
        smtp_dialog_begin(c, c->mail);
    }
}

/* --- making it ---------------------------------------------------------------------------------------------------- */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct smtp_conn *c = arg;
    const void *bytes = address->family == AF_INET
                            ? (const void *)&((struct sockaddr_in *)(void *)&address->addr)->sin_addr
                            : (const void *)&((struct sockaddr_in6 *)(void *)&address->addr)->sin6_addr;
    if (c->server->plain && !smtp_address_is_loopback(address->family, bytes)) {
        c->refused_address = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Also by libcurl of its own accord, when it notices that the other side has closed. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct smtp_conn *c = arg;
    if (fd == c->fd) {
        c->fd = CURL_SOCKET_BAD;
        smtp_dialog_broken(c);
    }
    return sockets_on_close(&c->server->client->engine, fd);
}

static void set_options(struct smtp_conn *c)
{
    const struct smtp_server *s = c->server;
    CURL *e = c->transfer.easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, &c->transfer);
    curl_easy_setopt(e, CURLOPT_URL, s->url);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 86400L); /* how old one may get is for smtp_dialog.c to say */
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_USE_SSL, (long)(s->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL); /* as in http.c */
    if (s->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
    if (s->username) {
        curl_easy_setopt(e, CURLOPT_USERNAME, s->username);
        curl_easy_setopt(e, CURLOPT_PASSWORD, s->password);
        curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    }
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->mail->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error_text);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c);
}

void smtp_conn_open(struct smtp_server *s, struct smtp_mail *m)
{
    struct client *client = s->client;
    struct smtp_conn *c = xcalloc(1, sizeof(*c));
    c->server = s;
    c->mail = m;
    c->fd = CURL_SOCKET_BAD;
    c->opened_ms = uv_now(client->engine.loop);
    uv_timer_init(client->engine.loop, &c->timer);
    client->engine.handles++;
    c->timer.data = c;
    m->conn = c;
    transfer_init(&c->transfer, &client->smtp, curl_easy_init());
    c->transfer.secure = !s->plain;
    c->transfer.over = on_over;
    set_options(c);
    s->connections++;
    list_push_back(&s->working, &c->node);
    uv_timer_start(&c->timer, smtp_dialog_on_timer, smtp_mail_left(m), 0);
    transfer_start(&c->transfer);
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *timer)
{
    struct smtp_conn *c = timer->data;
    struct engine *engine = c->transfer.pool->engine;
    buf_free(&c->commands);
    free(c);
    engine_handle_closed(engine);
}

void smtp_conn_close(struct smtp_conn *c)
{
    size_t n;
    if (c->step == STEP_IDLE && c->fd != CURL_SOCKET_BAD)
        curl_easy_send(c->transfer.easy, "QUIT\r\n", 6, &n); /* nobody waits for what it says to that */
    c->fd = CURL_SOCKET_BAD;
    c->server->connections--;
    list_remove(&c->node);
    transfer_stop(&c->transfer); /* closes the socket */
    curl_easy_cleanup(c->transfer.easy);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}
