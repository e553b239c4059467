/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers, the mails that wait for them, and the connections that carry one mail after the other.
 *
 * What makes up a server is everything that a connection depends on: its URL, who we are there, and how it is trusted.
 * A reload with another password makes another server; the old one is forgotten with its last connection.
 */
#include "client/smtp_internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CONNECTIONS_DEFAULT 4
#define TIMEOUT_DEFAULT_MS 300000
#define CONNECT_TIMEOUT_DEFAULT_MS 30000

/* --- a mail's end ------------------------------------------------------------------------------------------------- */

static void tell(struct ending *ending)
{
    struct smtp_mail *m = LIST_OF(ending, struct smtp_mail, ending);
    struct belfry_smtp_answer answer = {
        .struct_size = sizeof(answer),
        .error = m->error,
        .stage = m->stage,
        .code = m->code,
        .enhanced = str_of(m->enhanced),
        .text = str_of(m->text),
        .error_text = str_of(m->error_text),
        .reused = m->reused,
        .encrypted = m->encrypted,
        .elapsed_us = m->began_ns ? (int64_t)((uv_hrtime() - m->began_ns) / 1000) : 0,
    };
    m->done(m->arg, &answer);
    buf_free(&m->content);
    free(m);
}

void smtp_mail_end(struct smtp_mail *m)
{
    struct smtp_server *s = m->server;
    list_remove(&m->node);
    m->conn = NULL;
    m->server = NULL;
    engine_end(&m->client->engine, &m->ending, tell);
    if (s)
        smtp_serve(s);
}

void smtp_mail_again(struct smtp_mail *m)
{
    m->fresh = 1;
    m->conn = NULL;
    list_remove(&m->node);
    list_push_front(&m->server->queue, &m->node);
    smtp_serve(m->server);
}

void smtp_mail_answered(struct smtp_mail *m, const struct smtp_reply *reply, uint32_t error, uint32_t stage)
{
    m->error = error;
    m->stage = stage;
    m->code = reply->code;
    snprintf(m->enhanced, sizeof(m->enhanced), "%s", reply->enhanced);
    snprintf(m->text, sizeof(m->text), "%s", reply->text);
}

uint64_t smtp_mail_left(const struct smtp_mail *m)
{
    uint64_t spent = (uv_hrtime() - m->began_ns) / 1000000;
    return spent < m->timeout_ms ? m->timeout_ms - spent : 1;
}

/* --- servers ------------------------------------------------------------------------------------------------------ */

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct smtp_server *server_find(struct client *client, const struct belfry_smtp_mail *mail)
{
    LIST_EACH(it, &client->servers)
    {
        struct smtp_server *s = LIST_OF(it, struct smtp_server, node);
        if (s->tls == mail->tls && same(s->name, mail->url) && same(s->username, mail->username) &&
            same(s->password, mail->password) && same(s->ca_file, mail->ca_file))
            return s;
    }
    return NULL;
}

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

/* Our name for EHLO: the sender's domain, since what a machine calls itself is often no name at all. */
static char *url_of(const struct smtp_address *a, const char *from)
{
    const char *domain = strrchr(from, '@') + 1;
    int sane = domain[strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")] == '\0';
    return xasprintf("%s://%s:%d/%s", a->implicit_tls ? "smtps" : "smtp", a->host, a->port,
                     sane ? domain : "localhost");
}

static struct smtp_server *server_new(struct client *client, const struct belfry_smtp_mail *mail,
                                      const struct smtp_address *address)
{
    struct smtp_server *s = xcalloc(1, sizeof(*s));
    s->client = client;
    s->name = copy(mail->url);
    s->username = copy(mail->username);
    s->password = copy(mail->password);
    s->ca_file = copy(mail->ca_file);
    s->url = url_of(address, mail->from);
    s->tls = mail->tls;
    s->implicit_tls = address->implicit_tls;
    s->plain = !address->implicit_tls && address->loopback && mail->tls != BELFRY_SMTP_TLS_REQUIRED;
    list_init(&s->queue);
    list_init(&s->busy);
    list_init(&s->idle);
    list_init(&s->working);
    list_push_back(&client->servers, &s->node);
    return s;
}

static void server_free(struct smtp_server *s)
{
    list_remove(&s->node);
    if (s->password)
        mem_wipe(s->password, strlen(s->password));
    free(s->password);
    free(s->username);
    free(s->ca_file);
    free(s->name);
    free(s->url);
    free(s);
}

/* --- whose turn it is --------------------------------------------------------------------------------------------- */

/* The connection for the next mail: one that rests, NULL for a new one; -1: neither may be had now. */
static int find_connection(struct smtp_server *s, const struct smtp_mail *m, struct smtp_conn **out)
{
    *out = NULL;
    if (!list_empty(&s->idle) && !m->fresh)
        *out = LIST_OF(s->idle.next, struct smtp_conn, node);
    else if (s->connections >= s->max && !list_empty(&s->idle))
        smtp_conn_close(LIST_OF(s->idle.prev, struct smtp_conn, node));
    return *out || s->connections < s->max ? 0 : -1;
}

static void give(struct smtp_server *s, struct smtp_mail *m, struct smtp_conn *c)
{
    list_remove(&m->node);
    list_push_back(&s->busy, &m->node);
    if (!m->began_ns)
        m->began_ns = uv_hrtime();
    if (!c) {
        smtp_conn_open(s, m);
        return;
    }
    list_remove(&c->node);
    list_push_back(&s->working, &c->node);
    smtp_dialog_begin(c, m);
}

void smtp_serve(struct smtp_server *s)
{
    if (s->serving) /* what ends meanwhile is seen by the loop below */
        return;
    s->serving = 1;
    while (!list_empty(&s->queue)) {
        struct smtp_mail *m = LIST_OF(s->queue.next, struct smtp_mail, node);
        struct smtp_conn *c;
        if (find_connection(s, m, &c) != 0)
            break;
        give(s, m, c);
    }
    s->serving = 0;
    if (list_empty(&s->queue) && s->connections == 0)
        server_free(s);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* What keeps the mail from being sent as it is. */
struct fault {
    uint32_t error;
    const char *what, *text; /* "the sender", "is empty" */
};

static struct fault check(const struct belfry_smtp_mail *mail, struct smtp_address *address, struct buf *content)
{
    const char *text;
    if ((text = smtp_url_read(mail->url, address)))
        return (struct fault){BELFRY_SMTP_ERR_URL, "the server's URL", text};
    if (mail->tls == BELFRY_SMTP_TLS_OFF && !address->implicit_tls && !address->loopback)
        return (struct fault){BELFRY_SMTP_ERR_TLS, "a connection without TLS", "may lead to a loopback address only"};
    if (mail->username && (!mail->password || (text = smtp_word_fault(mail->username))))
        return (struct fault){BELFRY_SMTP_ERR_AUTH, "the user name", mail->password ? text : "has no password"};
    if ((text = smtp_address_fault(mail->from)))
        return (struct fault){BELFRY_SMTP_ERR_ADDRESS, "the sender", text};
    if ((text = smtp_address_fault(mail->to)))
        return (struct fault){BELFRY_SMTP_ERR_ADDRESS, "the recipient", text};
    if ((text = smtp_content(mail->message, content)))
        return (struct fault){BELFRY_SMTP_ERR_MESSAGE, "the message", text};
    return (struct fault){0};
}

static void enqueue(struct client *client, struct smtp_mail *m, const struct belfry_smtp_mail *mail,
                    const struct smtp_address *address)
{
    struct smtp_server *s = server_find(client, mail);
    if (!s)
        s = server_new(client, mail, address);
    s->max = mail->max_connections ? mail->max_connections : CONNECTIONS_DEFAULT;
    m->server = s;
    m->size = mail->message.len;
    m->timeout_ms = mail->timeout_ms > 0 ? (uint64_t)mail->timeout_ms : TIMEOUT_DEFAULT_MS;
    m->connect_timeout_ms =
        mail->connect_timeout_ms > 0 ? (uint64_t)mail->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS;
    snprintf(m->from, sizeof(m->from), "%s", mail->from);
    snprintf(m->to, sizeof(m->to), "%s", mail->to);
    list_push_back(&s->queue, &m->node);
    smtp_serve(s);
}

belfry_status client_smtp_send(struct client *client, const struct belfry_smtp_mail *mail,
                               void (*done)(void *arg, const struct belfry_smtp_answer *answer), void *arg,
                               uint64_t *id)
{
    if (client->closing)
        return BELFRY_ECLOSED;
    struct smtp_mail *m = xcalloc(1, sizeof(*m));
    struct smtp_address address;
    m->client = client;
    m->id = ++client->next_id;
    m->done = done;
    m->arg = arg;
    list_init(&m->node);
    if (id)
        *id = m->id;
    struct fault fault = check(mail, &address, &m->content);
    if (!fault.error) {
        enqueue(client, m, mail, &address);
        return BELFRY_OK;
    }
    m->error = fault.error;
    snprintf(m->error_text, sizeof(m->error_text), "%s %s", fault.what, fault.text);
    smtp_mail_end(m);
    return BELFRY_OK;
}

static void cancel(struct smtp_mail *m)
{
    if (m->conn) {
        smtp_dialog_cancel(m->conn);
        return;
    }
    m->error = BELFRY_SMTP_ERR_CANCELED;
    snprintf(m->error_text, sizeof(m->error_text), "canceled");
    smtp_mail_end(m);
}

static struct smtp_mail *find(struct list *mails, uint64_t id)
{
    LIST_EACH(it, mails)
    {
        struct smtp_mail *m = LIST_OF(it, struct smtp_mail, node);
        if (m->id == id)
            return m;
    }
    return NULL;
}

void client_smtp_cancel(struct client *client, uint64_t id)
{
    LIST_EACH(it, &client->servers)
    {
        struct smtp_server *s = LIST_OF(it, struct smtp_server, node);
        struct smtp_mail *m = find(&s->busy, id);
        if (!m)
            m = find(&s->queue, id);
        if (!m)
            continue;
        cancel(m);
        return;
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void server_stop(struct smtp_server *s)
{
    s->serving = 1; /* nobody is given anything any more */
    while (!list_empty(&s->queue))
        cancel(LIST_OF(s->queue.next, struct smtp_mail, node));
    while (!list_empty(&s->busy))
        cancel(LIST_OF(s->busy.next, struct smtp_mail, node));
    while (!list_empty(&s->idle))
        smtp_conn_close(LIST_OF(s->idle.next, struct smtp_conn, node));
    server_free(s);
}

void smtp_mails_stop(struct client *client)
{
    while (!list_empty(&client->servers))
        server_stop(LIST_OF(client->servers.next, struct smtp_server, node));
}

void smtp_mails_fini(struct client *client)
{
    engine_pool_fini(&client->smtp);
}
