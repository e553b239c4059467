/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails over an open connection: MAIL, RCPT, DATA, the content, the final dot (RFC 5321 section 3.3).
 *
 * A server that offers PIPELINING (RFC 2920) gets the envelope in one piece: two round trips a mail instead of four.
 * Its replies are waited for all the same, also behind one that refuses, so the connection stays in step and carries
 * the next mail after RSET.
 *
 * A connection that has rested may have been closed by the server meanwhile, with a 421 or without. Where nothing of
 * the content was sent, a new connection gets the mail and nobody hears of it, once; what fails there is told.
 *
 * Whether a mail that broke off can have arrived is decided by the final dot alone: its bytes have all been given to
 * the socket (STEP_END), or not.
 */
#include "client/smtp_internal.h"

#include <stdio.h>

#define CARRIED_MAX 100
#define IDLE_MS 20000
#define LIFE_MS 300000

/* What is said in each step, and the first digit of the reply that leads on to the next. */
static const char expected[] = {[STEP_RSET] = 2, [STEP_MAIL] = 2, [STEP_RCPT] = 2, [STEP_DATA] = 3, [STEP_END] = 2};

static uint32_t stage_of(const struct smtp_conn *c)
{
    return c->step == STEP_CONNECT   ? c->stage
           : c->step == STEP_CONTENT ? BELFRY_SMTP_STAGE_CONTENT
           : c->step == STEP_END     ? BELFRY_SMTP_STAGE_END
                                     : BELFRY_SMTP_STAGE_ENVELOPE;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void writing(struct smtp_conn *c, int on)
{
    if (c->writing != on)
        sockets_write(c->transfer.pool, c->fd, on);
    c->writing = on;
}

static void flush(struct smtp_conn *c)
{
    while (c->written < c->out.len) {
        size_t n = 0;
        CURLcode code = curl_easy_send(c->transfer.easy, c->out.ptr + c->written, c->out.len - c->written, &n);
        if (code == CURLE_AGAIN) {
            writing(c, 1);
            return;
        }
        if (code != CURLE_OK) {
            smtp_dialog_broken(c);
            return;
        }
        c->written += n;
    }
    writing(c, 0);
    if (c->step == STEP_CONTENT)
        c->step = STEP_END;
}

static void put(struct smtp_conn *c, struct belfry_str out)
{
    c->out = out;
    c->written = 0;
    flush(c);
}

static void add_command(struct smtp_conn *c, enum smtp_step step)
{
    const struct smtp_mail *m = c->mail;
    struct buf *to = &c->commands;
    if (step == STEP_RSET)
        buf_addz(to, "RSET\r\n");
    else if (step == STEP_MAIL && c->sized)
        buf_addf(to, "MAIL FROM:<%s> SIZE=%zu\r\n", m->from, m->size);
    else if (step == STEP_MAIL)
        buf_addf(to, "MAIL FROM:<%s>\r\n", m->from);
    else if (step == STEP_RCPT)
        buf_addf(to, "RCPT TO:<%s>\r\n", m->to);
    else if (step == STEP_DATA)
        buf_addz(to, "DATA\r\n");
}

/* The command of this step; with PIPELINING at once those that follow. */
static void say(struct smtp_conn *c, enum smtp_step first)
{
    buf_clear(&c->commands);
    for (enum smtp_step step = first; step <= (c->pipelining ? STEP_DATA : first); step++)
        add_command(c, step);
    put(c, buf_str(&c->commands));
}

void smtp_dialog_begin(struct smtp_conn *c, struct smtp_mail *m)
{
    c->mail = m;
    m->conn = c;
    c->carried++;
    m->reused = c->carried > 1;
    m->encrypted = (uint32_t)c->encrypted;
    c->over = 0;
    c->step = c->dirty ? STEP_RSET : STEP_MAIL;
    c->dirty = 0;
    uv_timer_start(&c->timer, smtp_dialog_on_timer, smtp_mail_left(m), 0);
    say(c, c->step);
}

/* --- endings ------------------------------------------------------------------------------------------------------ */

/* The mail has its answer. */
static void finish(struct smtp_conn *c)
{
    struct smtp_server *s = c->server;
    struct smtp_mail *m = c->mail;
    uint64_t now = uv_now(s->client->engine.loop);
    c->mail = NULL;
    writing(c, 0);
    if (!c->broken && !c->failing)
        c->step = STEP_IDLE;
    list_remove(&c->node);
    if (c->step != STEP_IDLE || c->carried >= CARRIED_MAX || now - c->opened_ms >= LIFE_MS || s->connections > s->max) {
        smtp_conn_close(c);
    } else {
        list_push_front(&s->idle, &c->node);
        uv_timer_start(&c->timer, smtp_dialog_on_timer, IDLE_MS, 0);
    }
    smtp_mail_end(m);
}

/* A connection that had been open before fails before anything of the content was sent. */
static int is_stale(const struct smtp_conn *c)
{
    return c->carried > 1 && c->step > STEP_IDLE && c->step < STEP_CONTENT && !c->mail->error;
}

static void lost(struct smtp_conn *c, const char *text)
{
    struct smtp_server *s = c->server;
    struct smtp_mail *m = c->mail;
    if (m && !is_stale(c)) {
        smtp_conn_fail(c, BELFRY_SMTP_ERR_LOST, stage_of(c), text);
        return;
    }
    c->mail = NULL;
    c->step = STEP_CONNECT; /* no QUIT */
    smtp_conn_close(c);
    if (m)
        smtp_mail_again(m);
    else
        smtp_serve(s);
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static void advance(struct smtp_conn *c)
{
    if (c->step == STEP_DATA && c->mail->error) { /* wants content though it refused: there is no way to take it back */
        c->over = c->broken = 1;
    } else if (c->step == STEP_DATA) {
        c->step = STEP_CONTENT;
        put(c, buf_str(&c->mail->content));
    } else if (c->step == STEP_END) {
        smtp_mail_answered(c->mail, &c->reply, BELFRY_SMTP_ERR_NONE, BELFRY_SMTP_STAGE_END);
        c->over = 1;
    } else {
        c->step++;
        if (!c->pipelining)
            say(c, c->step);
    }
}

static void refuse(struct smtp_conn *c)
{
    int last = c->reply.code == 421; /* it closes the connection: nothing follows */
    if (!c->mail->error)
        smtp_mail_answered(c->mail, &c->reply, BELFRY_SMTP_ERR_REPLY, stage_of(c));
    c->broken |= last || c->step == STEP_CONTENT;
    c->dirty = c->step < STEP_CONTENT;
    if (last || !c->pipelining || c->step >= STEP_DATA)
        c->over = 1;
    else
        c->step++; /* the commands behind it were sent already, and are answered too */
}

/* Returns -1 when the connection is gone. */
static int on_reply(struct smtp_conn *c)
{
    int class = c->reply.code / 100;
    if (c->reply.code == 421 ? is_stale(c) : c->step == STEP_RSET && class != 2) {
        lost(c, "the server wants no more mails over this connection");
        return -1;
    }
    if (class == 4 || class == 5) {
        refuse(c);
    } else if (class == expected[c->step]) {
        advance(c);
    } else {
        lost(c, "the server's reply makes no sense here");
        return -1;
    }
    return 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Returns -1 when this turn is over for the connection: it is gone, or its mail has ended. */
static int take(struct smtp_conn *c, const char *data, size_t len)
{
    if (!c->mail) { /* said unasked: it is about to close */
        lost(c, "");
        return -1;
    }
    while (len && !c->over) {
        size_t used;
        enum smtp_read read = smtp_reply_read(&c->reply, data, len, &used);
        data += used;
        len -= used;
        if (read == SMTP_READ_NONSENSE) {
            lost(c, "what the server says is no SMTP");
            return -1;
        }
        if (read == SMTP_READ_WHOLE && on_reply(c) != 0)
            return -1;
    }
    if (!c->over)
        return 0;
    c->broken |= len > 0; /* more replies than commands: it is out of step */
    finish(c);
    return -1;
}

/* Reads what there is. Returns -1 as take(). */
static int read_all(struct smtp_conn *c)
{
    char data[4096];
    for (;;) {
        size_t n = 0;
        CURLcode code = curl_easy_recv(c->transfer.easy, data, sizeof(data), &n);
        if (code == CURLE_AGAIN)
            return 0;
        if (code != CURLE_OK || n == 0) {
            lost(c, "the server closed the connection");
            return -1;
        }
        if (take(c, data, n) != 0)
            return -1;
        if (n < sizeof(data) && !c->encrypted) /* a record may hold more */
            return 0;
    }
}

void smtp_dialog_ready(void *arg, int events)
{
    struct smtp_conn *c = arg;
    if (events & UV_WRITABLE && c->mail)
        flush(c);
    if (events & UV_READABLE)
        read_all(c);
}

/* --- time, and others who end it ---------------------------------------------------------------------------------- */

void smtp_dialog_broken(struct smtp_conn *c)
{
    c->failing = 1;
    uv_timer_start(&c->timer, smtp_dialog_on_timer, 0, 0);
}

void smtp_dialog_on_timer(uv_timer_t *timer)
{
    struct smtp_conn *c = timer->data;
    struct smtp_server *s = c->server;
    if (c->failing) {
        if (read_all(c) == 0)
            lost(c, "the connection broke");
    } else if (c->mail) {
        smtp_conn_fail(c, BELFRY_SMTP_ERR_TIMEOUT, stage_of(c), "the server takes too long");
    } else {
        smtp_conn_close(c);
        smtp_serve(s);
    }
}

void smtp_dialog_cancel(struct smtp_conn *c)
{
    smtp_conn_fail(c, BELFRY_SMTP_ERR_CANCELED, stage_of(c), "canceled");
}
