/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail is written at once, on the turn it is claimed; after that nothing of the batch is needed but its id, so it
 * does not matter when the host gives it up. Then it is signed on a worker, when there are keys, and given to the first
 * server that takes mail. Where nothing was handed over and the fault is the server's, the next one gets it within the
 * same attempt. Exactly one end: finish().
 *
 * What a server or domain does to one mail is told to breaker and pause before the mail's own end, so that the host,
 * which may send the next one in the same turn, already finds them changed.
 */
#include "deliver.h"

#include "dkim.h"
#include "domain.h"
#include "letter.h"
#include "record.h"
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MIN_MS 1000

struct sending {
    struct sending *next, **link; /* in email.open */
    struct email *email;
    uint64_t batch; /* 0: of email_send_now() */
    void (*done)(void *arg, const struct delivered *delivered);
    void *arg;

    /* copies of what the end needs */
    struct address to;
    struct letter letter;
    char org[64], delivery[37];
    char *signature; /* DKIM; freed */
    size_t signature_len;
    int64_t signed_s;

    uint64_t call; /* of the SMTP client; 0: none is open */
    int64_t left_ms;
    struct server *server; /* that has it, or had it last */
    uint32_t tried;        /* a bit for each server */
    uint32_t asked;
    int server_probe, domain_probe, canceled, suspect;
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static struct sending *sending_new(struct email *e, const struct belfry_batch *batch)
{
    struct sending *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    struct belfry_str org = batch->items[0]->org;
    s->email = e;
    s->batch = batch->id;
    s->left_ms = batch->deadline_ms - e->host->now_ms(e->host);
    snprintf(s->org, sizeof(s->org), "%.*s", (int)org.len, org.ptr);
    snprintf(s->delivery, sizeof(s->delivery), "%.*s", (int)batch->key.len, batch->key.len ? batch->key.ptr : "");
    s->next = e->open;
    s->link = &e->open;
    if (s->next)
        s->next->link = &s->next;
    e->open = s;
    email_busy(e);
    return s;
}

static void sending_free(struct sending *s)
{
    struct email *e = s->email;
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    free(s->letter.message);
    free(s->signature);
    free(s);
    email_idle(e);
}

static int64_t now_of(const struct email *e)
{
    return e->host->now_ms(e->host);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void gauges(struct email *e)
{
    e->metrics->set(e->host, e->counters.servers_down, servers_down(e->servers));
    e->metrics->set(e->host, e->counters.domains_paused, domains_resting(e->domains));
}

static void count(struct email *e, uint32_t outcome)
{
    const uint32_t of[] = {[BELFRY_DELIVERED] = e->counters.sent,          [BELFRY_RETRY] = e->counters.put_off,
                           [BELFRY_UNAVAILABLE] = e->counters.unavailable, [BELFRY_REJECTED] = e->counters.refused,
                           [BELFRY_UNKNOWN] = e->counters.unknown,         [BELFRY_DEFERRED] = e->counters.deferred};
    e->metrics->add(e->host, of[outcome], 1);
}

static void finish(struct sending *s, const struct answer *answer, const struct belfry_smtp_answer *smtp,
                   const char *detail, int64_t retry_after_ms)
{
    struct email *e = s->email;
    if (s->done) {
        struct delivered delivered = {.answer = *answer,
                                      .smtp = smtp,
                                      .server = s->server ? s->server->name : NULL,
                                      .message_id = smtp ? s->letter.message_id : NULL,
                                      .detail = detail};
        s->done(s->arg, &delivered);
        sending_free(s);
        return;
    }
    struct record_facts facts = {.server = s->server ? s->server->name : NULL,
                                 .from = s->letter.from,
                                 .message_id = s->letter.message_id,
                                 .note = s->letter.note,
                                 .servers_asked = s->asked};
    char *record = smtp ? record_make(&facts, smtp) : NULL;
    struct belfry_result result = {.struct_size = sizeof(result),
                                   .outcome = answer->outcome,
                                   .code = smtp ? smtp->code : 0,
                                   .retry_after_ms = retry_after_ms,
                                   .detail = belfry_str(detail),
                                   .record = belfry_str(record)};
    count(e, answer->outcome);
    gauges(e);
    e->host->complete(e->host, s->batch, &result, 1);
    free(record);
    sending_free(s);
}

/* No server was asked. */
static void finish_early(struct sending *s, uint32_t outcome, const char *detail, int64_t retry_after_ms)
{
    struct answer answer = {.outcome = outcome};
    if (s->domain_probe)
        domain_note(s->email->domains, s->to.domain, DOMAIN_UNKNOWN, 1, now_of(s->email));
    finish(s, &answer, NULL, detail, retry_after_ms);
}

/* --- what an answer tells of others ------------------------------------------------------------------------------- */

static void log_line(struct email *e, uint32_t level, const char *text)
{
    e->host->log(e->host, level, text);
}

static void note_server(struct sending *s, enum answer_server what, const char *detail)
{
    struct email *e = s->email;
    char line[RECORD_DETAIL_SIZE + 700];
    enum server_change change = server_note(s->server, what, s->server_probe, now_of(e));
    s->server_probe = 0;
    if (what == SERVER_DOWN || what == SERVER_MISCONFIGURED)
        e->metrics->add(e->host, e->counters.server_faults, 1);
    if (change == SERVER_SAME)
        return;
    if (change == SERVER_CLOSED)
        snprintf(line, sizeof(line), "mail server %s takes mail again", s->server->name);
    else
        snprintf(line, sizeof(line), "no mail goes to the mail server %s for %" PRId64 " s%s: %s", s->server->name,
                 (s->server->open_until_ms - now_of(e)) / 1000,
                 what == SERVER_MISCONFIGURED ? "; its TLS or AUTH and the options of this channel do not fit" : "",
                 detail);
    log_line(e, change == SERVER_CLOSED ? BELFRY_LOG_INFO : BELFRY_LOG_ERROR, line);
    if (change == SERVER_OPENED && server_is_news(s->server, what))
        e->alarm->raise(e->host, BELFRY_ALARM_FAILING, belfry_str(s->server->name), belfry_str(detail));
}

/* How long the domain rests from now on; 0: it does not begin to. */
static int64_t note_domain(struct sending *s, enum answer_domain what, const char *detail)
{
    struct email *e = s->email;
    char line[RECORD_DETAIL_SIZE + 700];
    int64_t pause = domain_note(e->domains, s->to.domain, what, s->domain_probe, now_of(e));
    s->domain_probe = 0;
    if (what == DOMAIN_POLICY)
        e->metrics->add(e->host, e->counters.policy_refusals, 1);
    if (!pause)
        return 0;
    snprintf(line, sizeof(line), "mail to %s waits for %" PRId64 " s%s: %s", s->to.domain, pause / 1000,
             what == DOMAIN_POLICY ? "; it does not trust mail from us: look at SPF, DKIM, DMARC and reverse DNS"
             : what == DOMAIN_SLOW ? "; it asks for fewer mails"
                                   : "; it puts one mail off after the other",
             detail);
    log_line(e, what == DOMAIN_POLICY ? BELFRY_LOG_ERROR : BELFRY_LOG_WARN, line);
    if (what == DOMAIN_POLICY)
        e->alarm->raise(e->host, BELFRY_ALARM_DISTRUSTED, belfry_str(s->to.domain), belfry_str(detail));
    return pause;
}

static void on_reported(void *arg, belfry_status status)
{
    struct email *e = arg;
    if (status != BELFRY_OK)
        log_line(e, BELFRY_LOG_WARN,
                 "what a mail server said of an address could not be kept; the next mail finds out");
    email_idle(e);
}

static void report(struct sending *s, uint32_t what, const char *detail)
{
    struct email *e = s->email;
    struct belfry_address_report r = {.struct_size = sizeof(r),
                                      .what = what,
                                      .org = belfry_str(s->org),
                                      .address = belfry_str(s->to.spec),
                                      .delivery = belfry_str(s->delivery),
                                      .detail = belfry_str(detail)};
    email_busy(e);
    e->addresses->report(e->host, &r, on_reported, e);
}

/* --- servers ------------------------------------------------------------------------------------------------------ */

static void send_next(struct sending *s, const struct belfry_smtp_answer *last);

static void on_answer(void *arg, const struct belfry_smtp_answer *smtp)
{
    struct sending *s = arg;
    struct answer answer = answer_judge(smtp);
    char detail[RECORD_DETAIL_SIZE];
    struct record_facts facts = {.server = s->server->name};
    s->call = 0;
    s->left_ms -= smtp->elapsed_us / 1000;
    if (smtp->stage >= BELFRY_SMTP_STAGE_ENVELOPE)
        server_held(s->server, smtp->elapsed_us);
    record_detail(&facts, smtp, detail);
    note_server(s, answer.server, detail);
    s->suspect |= answer.server == SERVER_SUSPECT;
    if (answer.elsewhere && !s->canceled) {
        send_next(s, smtp);
        return;
    }
    int64_t pause = note_domain(s, answer.domain, detail);
    if (answer.report && !s->done)
        report(s, answer.report, detail);
    finish(s, &answer, smtp, detail, pause);
}

static int has_time(const struct sending *s)
{
    return s->left_ms >= TIMEOUT_MIN_MS;
}

/* All servers were asked, or are left alone now. */
static void give_up(struct sending *s, const struct belfry_smtp_answer *last, int64_t wait_ms)
{
    char detail[RECORD_DETAIL_SIZE];
    struct record_facts facts = {.server = s->server ? s->server->name : NULL};
    struct answer answer = {.outcome = s->suspect ? BELFRY_RETRY : BELFRY_UNAVAILABLE};
    if (s->domain_probe)
        domain_note(s->email->domains, s->to.domain, DOMAIN_UNKNOWN, 1, now_of(s->email));
    if (last)
        record_detail(&facts, last, detail);
    else
        snprintf(detail, sizeof(detail), "no mail server takes mail now");
    finish(s, &answer, last, detail, s->suspect ? 0 : wait_ms);
}

/* Of email_send_now(): in order, whatever their breakers say. */
static struct server *next_of_all(struct sending *s)
{
    for (size_t i = 0; i < s->email->servers->count; i++)
        if (!(s->tried & UINT32_C(1) << i))
            return &s->email->servers->items[i];
    return NULL;
}

static void send_next(struct sending *s, const struct belfry_smtp_answer *last)
{
    struct email *e = s->email;
    int64_t wait_ms = 0;
    struct server *server =
        s->done ? next_of_all(s) : servers_next(e->servers, s->tried, now_of(e), &s->server_probe, &wait_ms);
    if (!server || !has_time(s)) {
        if (server && s->server_probe) /* nobody asks it after all */
            server_note(server, SERVER_UNKNOWN, 1, now_of(e));
        give_up(s, last, wait_ms);
        return;
    }
    s->server = server;
    s->tried |= UINT32_C(1) << (server - e->servers->items);
    s->asked++;
    struct belfry_smtp_mail mail = {.struct_size = sizeof(mail),
                                    .url = server->url,
                                    .username = server->username,
                                    .password = server->password,
                                    .ca_file = server->ca_file,
                                    .tls = server->tls,
                                    .max_connections = server->connections,
                                    .from = s->letter.from,
                                    .to = s->to.spec,
                                    .message = {s->letter.message, s->letter.size},
                                    .timeout_ms = s->left_ms,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS};
    if (e->smtp->send(e->host, &mail, on_answer, s, &s->call) == BELFRY_OK)
        return;
    struct belfry_smtp_answer refused = {.struct_size = sizeof(refused),
                                         .error = BELFRY_SMTP_ERR_URL,
                                         .error_text = belfry_str("the client refuses it")};
    on_answer(s, &refused);
}

/* --- DKIM --------------------------------------------------------------------------------------------------------- */

/* [worker] */
static void sign(void *arg)
{
    struct sending *s = arg;
    const struct email *e = s->email;
    s->signature = dkim_sign((const struct dkim_key *const *)e->keys, e->key_count, e->from.domain, s->letter.message,
                             s->letter.size, s->signed_s, &s->signature_len);
}

static int prepend_signature(struct sending *s)
{
    char *whole = s->signature ? malloc(s->signature_len + s->letter.size) : NULL;
    if (!whole)
        return -1;
    memcpy(whole, s->signature, s->signature_len);
    memcpy(whole + s->signature_len, s->letter.message, s->letter.size);
    free(s->letter.message);
    s->letter.message = whole;
    s->letter.size += s->signature_len;
    return 0;
}

static void on_signed(void *arg)
{
    struct sending *s = arg;
    if (s->canceled)
        finish_early(s, BELFRY_RETRY, "the attempt was ended before the mail was sent", 0);
    else if (prepend_signature(s) != 0) /* never without: receivers that saw signed mail distrust what has none */
        finish_early(s, BELFRY_RETRY, "the mail could not be signed", 0);
    else
        send_next(s, NULL);
}

/* --- from a batch to a mail --------------------------------------------------------------------------------------- */

static int read_address(struct sending *s, struct belfry_str email)
{
    const char *fault = NULL;
    char detail[400];
    if (email.len && address_read(email, &s->to, &fault))
        return 0;
    snprintf(detail, sizeof(detail), "the address %s", fault ? fault : "");
    finish_early(s, BELFRY_REJECTED, email.len ? detail : "there is no address", 0);
    return -1;
}

/* Whether anything leads to this recipient now. Asked before the mail is written: a queue in front of a server that is
 * away, or of a domain that rests, costs next to nothing. */
static int find_way(struct sending *s)
{
    struct email *e = s->email;
    int64_t wait_ms;
    char detail[ADDRESS_MAX + 64];
    if (!servers_ready(e->servers, now_of(e), &wait_ms)) {
        finish_early(s, BELFRY_UNAVAILABLE, "no mail server takes mail now", wait_ms);
        return -1;
    }
    wait_ms = domain_wait(e->domains, s->to.domain, now_of(e), &s->domain_probe);
    if (!wait_ms)
        return 0;
    snprintf(detail, sizeof(detail), "mail to %s waits", s->to.domain);
    finish_early(s, BELFRY_DEFERRED, detail, wait_ms);
    return -1;
}

static void write_and_send(struct sending *s, const struct belfry_batch *batch)
{
    struct email *e = s->email;
    const char *fault = NULL;
    char detail[400];
    if (letter_write(e, batch, &s->to, &s->letter, &fault) != 0) {
        snprintf(detail, sizeof(detail), "the mail cannot be written: %s", fault);
        log_line(e, BELFRY_LOG_ERROR, detail);
        finish_early(s, BELFRY_REJECTED, detail, 0);
        return;
    }
    if (*s->letter.note)
        log_line(e, BELFRY_LOG_WARN, s->letter.note);
    if (e->key_count == 0) {
        send_next(s, NULL);
        return;
    }
    s->signed_s = now_of(e) / 1000;
    if (e->worker->run(e->host, sign, on_signed, s) != BELFRY_OK)
        finish_early(s, BELFRY_RETRY, "the mail could not be signed", 0);
}

void email_deliver(void *self, const struct belfry_batch *batch)
{
    struct email *e = self;
    struct sending *s = sending_new(e, batch);
    if (!s) {
        struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_RETRY};
        e->host->complete(e->host, batch->id, &result, 1);
        return;
    }
    if (read_address(s, batch->person->email) == 0 && find_way(s) == 0)
        write_and_send(s, batch);
}

void email_send_now(struct email *e, const struct belfry_batch *batch,
                    void (*done)(void *arg, const struct delivered *delivered), void *arg)
{
    struct sending *s = sending_new(e, batch);
    if (!s) {
        struct delivered none = {.answer = {.outcome = BELFRY_RETRY}, .detail = "there is no memory left"};
        done(arg, &none);
        return;
    }
    s->batch = 0;
    s->done = done;
    s->arg = arg;
    if (read_address(s, batch->person->email) == 0)
        write_and_send(s, batch);
}

/* --- cancel ------------------------------------------------------------------------------------------------------- */

static void cancel_one(struct sending *s)
{
    s->canceled = 1; /* while it is signed nothing is open */
    if (s->call)
        s->email->smtp->cancel(s->email->host, s->call);
}

void email_cancel(void *self, uint64_t batch)
{
    struct email *e = self;
    for (struct sending *s = e->open; s; s = s->next)
        if (s->batch == batch) {
            cancel_one(s);
            return;
        }
}

void email_cancel_all(struct email *e)
{
    for (struct sending *s = e->open; s; s = s->next)
        cancel_one(s);
}
