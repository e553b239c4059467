/* SPDX-License-Identifier: Apache-2.0 */
/* An SMTP client and a scripted server, for the tests of the client. */
#ifndef TESTS_SMTP_BED_H
#define TESTS_SMTP_BED_H

#include "smtp_fixture.h"

#include "base/log.h"
#include "client/smtp.h"
#include "client/smtp_internal.h"

#include <signal.h>

#define EHLO_AUTH "250-hello\r\n250 AUTH PLAIN LOGIN"
#define EHLO_PIPELINING "250-hello\r\n250-PIPELINING\r\n250 SIZE 1000000"

struct bed {
    uv_loop_t loop;
    struct client *client;
    struct server server;
};

struct got {
    int done;
    uint32_t error, stage, reused, encrypted;
    int code;
    char enhanced[16], text[600], error_text[300];
    int64_t elapsed_us;
    uint64_t id;
};

static void begin(struct bed *bed, const struct script *script)
{
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&bed->loop);
    server_start(&bed->server, script);
    bed->client = client_new(&bed->loop, 0, NULL);
}

static void end(struct bed *bed)
{
    client_free(bed->client);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    server_stop(&bed->server);
}

#define MESSAGE "Subject: hi\r\n\r\nHello.\r\n"

static struct belfry_smtp_mail mail_to(struct bed *bed, const char *to)
{
    return (struct belfry_smtp_mail){.struct_size = sizeof(struct belfry_smtp_mail),
                                     .url = bed->server.url,
                                     .from = "b+1.x@bounce.acme.example",
                                     .to = to,
                                     .message = STR(MESSAGE),
                                     .timeout_ms = 60000};
}

static void on_done(void *arg, const struct belfry_smtp_answer *a)
{
    struct got *g = arg;
    g->done++;
    g->error = a->error;
    g->stage = a->stage;
    g->code = a->code;
    g->reused = a->reused;
    g->encrypted = a->encrypted;
    g->elapsed_us = a->elapsed_us;
    snprintf(g->enhanced, sizeof(g->enhanced), "%.*s", STR_ARG(a->enhanced));
    snprintf(g->text, sizeof(g->text), "%.*s", STR_ARG(a->text));
    snprintf(g->error_text, sizeof(g->error_text), "%.*s", STR_ARG(a->error_text));
}

static void post(struct bed *bed, const struct belfry_smtp_mail *mail, struct got *g)
{
    *g = (struct got){0};
    assert_int_equal(client_smtp_send(bed->client, mail, on_done, g, &g->id), BELFRY_OK);
    assert_int_equal(g->done, 0); /* never inline */
}

static struct got finish(struct bed *bed, struct got *g)
{
    while (!g->done)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(g->done, 1);
    return *g;
}

static struct got send_mail(struct bed *bed, const struct belfry_smtp_mail *mail)
{
    struct got g;
    post(bed, mail, &g);
    return finish(bed, &g);
}

static inline struct got send_to(struct bed *bed, const char *to)
{
    struct belfry_smtp_mail mail = mail_to(bed, to);
    return send_mail(bed, &mail);
}

#endif
