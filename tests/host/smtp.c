/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.smtp-client/1 without a network: each mail takes the next scripted answer, after the time it says; without one
 * it stays open until there is one, its timeout or cancel(). done comes on a later turn, once.
 */
#include "fake.h"

#include <stdlib.h>

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void give(struct fake_sent *m, const struct belfry_smtp_answer *answer)
{
    m->pub.done = 1;
    m->due_ms = INT64_MAX;
    m->fn(m->arg, answer);
}

/* Where the mail was when the time was over, or it was cancelled: as the scripted answer says, else the connection. */
static void give_error(struct fake_sent *m, uint32_t error, const char *text)
{
    struct belfry_smtp_answer answer = {.struct_size = sizeof(answer),
                                        .error = error,
                                        .stage = m->answer ? m->answer->stage : BELFRY_SMTP_STAGE_CONNECT,
                                        .error_text = str_of(text)};
    give(m, &answer);
}

static void give_scripted(struct fake_sent *m)
{
    const struct belfry_test_smtp *a = m->answer;
    struct belfry_smtp_answer answer = {.struct_size = sizeof(answer),
                                        .error = a->error,
                                        .stage = a->stage,
                                        .code = a->code,
                                        .enhanced = str_of(a->enhanced),
                                        .text = str_of(a->text),
                                        .error_text = str_of(a->error_text),
                                        .encrypted = a->encrypted,
                                        .reused = a->reused,
                                        .elapsed_us = m->wait_ms * 1000};
    give(m, &answer);
}

static struct fake_sent *first_due(const struct belfry_test *t)
{
    struct fake_sent *first = NULL;
    for (size_t i = 0; i < t->sent.count; i++) {
        struct fake_sent *m = t->sent.items[i];
        if (!m->pub.done && (!first || m->due_ms < first->due_ms))
            first = m;
    }
    return first;
}

int fake_smtp_due(struct belfry_test *t)
{
    struct fake_sent *m = first_due(t);
    if (!m || m->due_ms > clock_now_ms(t->clock))
        return 0;
    if (m->answer && !m->late)
        give_scripted(m);
    else
        give_error(m, BELFRY_SMTP_ERR_TIMEOUT, "timed out");
    return 1;
}

int64_t fake_smtp_next(const struct belfry_test *t)
{
    const struct fake_sent *m = first_due(t);
    return m ? m->due_ms : INT64_MAX;
}

/* Gives waiting mails the answers that were scripted, in order. One that comes after a mail's timeout is used up. */
static void match_answers(struct belfry_test *t)
{
    for (size_t i = 0; i < t->sent.count && t->smtp_answers_used < t->smtp_answers.count; i++) {
        struct fake_sent *m = t->sent.items[i];
        if (m->pub.done || m->answer)
            continue;
        m->answer = t->smtp_answers.items[t->smtp_answers_used++];
        if (m->answer->after && duration_parse(str_of(m->answer->after), &m->wait_ms, NULL) != BELFRY_OK)
            fake_misuse("belfry_test_smtp_answer", "\"%s\" is no duration", m->answer->after);
        m->late = clock_now_ms(t->clock) + m->wait_ms > m->due_ms;
        if (!m->late)
            m->due_ms = clock_now_ms(t->clock) + m->wait_ms;
    }
}

static const char *copy(struct belfry_test *t, const char *text)
{
    return arena_strdup(t->arena, text ? text : "");
}

void belfry_test_smtp_answer(struct belfry_test *t, const struct belfry_test_smtp *answer)
{
    struct belfry_test_smtp *kept = arena_memdup(t->arena, answer, sizeof(*answer));
    kept->enhanced = copy(t, answer->enhanced);
    kept->text = copy(t, answer->text);
    kept->error_text = copy(t, answer->error_text);
    kept->after = answer->after ? copy(t, answer->after) : NULL;
    *FAKE_ADD(t, &t->smtp_answers) = kept;
    match_answers(t);
    belfry_test_settle(t);
}

/* --- the extension ------------------------------------------------------------------------------------------------ */

static const char *copy_or_null(struct belfry_test *t, const char *text)
{
    return text ? arena_strdup(t->arena, text) : NULL;
}

static belfry_status send_mail(const struct belfry_host *host, const struct belfry_smtp_mail *mail,
                               void (*done)(void *arg, const struct belfry_smtp_answer *answer), void *arg,
                               uint64_t *id)
{
    struct belfry_test *t = fake_of(host);
    if (!done || !mail->url || !mail->from || !mail->to)
        return BELFRY_EINVAL;
    struct fake_sent *m = arena_alloc(t->arena, sizeof(*m));
    *m = (struct fake_sent){.id = fake_id(t), .fn = done, .arg = arg};
    m->due_ms = mail->timeout_ms > 0 ? clock_now_ms(t->clock) + mail->timeout_ms : INT64_MAX;
    m->pub = (struct belfry_test_sent){.url = copy(t, mail->url),
                                       .username = copy_or_null(t, mail->username),
                                       .password = copy_or_null(t, mail->password),
                                       .ca_file = copy_or_null(t, mail->ca_file),
                                       .tls = mail->tls,
                                       .max_connections = mail->max_connections,
                                       .from = copy(t, mail->from),
                                       .to = copy(t, mail->to),
                                       .message = fake_text(t, mail->message),
                                       .message_len = mail->message.len,
                                       .timeout_ms = mail->timeout_ms,
                                       .connect_timeout_ms = mail->connect_timeout_ms};
    *FAKE_ADD(t, &t->sent) = m;
    if (id)
        *id = m->id;
    match_answers(t);
    return BELFRY_OK;
}

static void cancelled(void *arg)
{
    struct fake_sent *m = arg;
    if (!m->pub.done)
        give_error(m, BELFRY_SMTP_ERR_CANCELED, "cancelled");
}

static void cancel(const struct belfry_host *host, uint64_t id)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->sent.count; i++) {
        struct fake_sent *m = t->sent.items[i];
        if (m->id != id)
            continue;
        if (!m->pub.done) {
            m->due_ms = INT64_MAX;
            fake_post(t, cancelled, m);
        }
        return;
    }
    fake_fault(t, "R04: cancel() of mail %llu, which there never was", (unsigned long long)id);
}

const struct belfry_smtp_client_api fake_smtp_api = {sizeof(struct belfry_smtp_client_api), 0, send_mail, cancel};

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

const struct belfry_test_sent *belfry_test_sent(const struct belfry_test *t, size_t index)
{
    return index < t->sent.count ? &t->sent.items[index]->pub : NULL;
}

size_t belfry_test_sent_count(const struct belfry_test *t)
{
    return t->sent.count;
}
