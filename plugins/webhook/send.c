/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook-id is the event's, so it is the same for every endpoint, retry and resend; the timestamp is the attempt's,
 * and so is the signature. Where the receiver has to consent first, the delivery waits for that within its own time.
 *
 * The batch is the host's until complete() or cancel(): what is needed after the request was handed over is ours.
 */
#include "send.h"

#include "answer.h"
#include "handshake.h"
#include "record.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_LEAST_MS 1000
#define SIGNING_HEADERS 3
#define SECRETS_MAX 12

struct sending {
    struct sending *next, **link;
    struct webhook *webhook;
    uint64_t id, call;
    const struct belfry_batch *batch; /* NULL: the request is under way */
    int64_t began_ms;
    struct settings settings;
    struct composed composed;
    struct belfry_attr *headers;
    size_t header_count, own_headers;
    char message_id[64], timestamp[24], *url;
    struct text signature;
};

static struct sending *sending_new(struct webhook *w, const struct belfry_batch *batch)
{
    struct sending *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->webhook = w;
    s->id = batch->id;
    s->batch = batch;
    s->began_ms = w->host->now_ms(w->host);
    s->url = strndup(batch->target->url.ptr, batch->target->url.len);
    s->next = w->open;
    s->link = &w->open;
    if (s->next)
        s->next->link = &s->next;
    w->open = s;
    return s;
}

static void sending_free(struct sending *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    settings_free(&s->settings);
    composed_free(&s->composed);
    free(s->headers);
    free(s->signature.ptr);
    free(s->url);
    free(s);
}

/* The batch is not looked at after this. */
static void finish(struct sending *s, const struct belfry_result *result)
{
    struct webhook *w = s->webhook;
    w->host->complete(w->host, s->id, result, 1);
    sending_free(s);
    webhook_settle(w);
}

static void refuse(struct sending *s, uint32_t outcome, const char *detail)
{
    struct belfry_result result = {
        .struct_size = sizeof(result), .outcome = outcome, .detail = belfry_str(detail), .record = belfry_str("{}")};
    finish(s, &result);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct sending *s = arg;
    const struct belfry_host *host = s->webhook->host;
    char class[32], detail[200];
    struct asked asked = {.url = belfry_str(s->url),
                          .headers = s->headers,
                          .header_count = s->header_count,
                          .own_headers = s->own_headers,
                          .body = &s->composed};
    char *record = record_make(&asked, answer);
    snprintf(detail, sizeof(detail), "%s%s%.*s", record_class(answer, class), answer->error ? ": " : "",
             answer->error ? (int)text_cut(answer->error_text, 150).len : 0,
             answer->error ? answer->error_text.ptr : "");
    struct belfry_result result = {.struct_size = sizeof(result),
                                   .outcome = answer_outcome(answer),
                                   .code = (int32_t)answer->status,
                                   .retry_after_ms = answer_retry_after_ms(answer, host->now_ms(host)),
                                   .detail = belfry_str(detail),
                                   .record = belfry_str(record)};
    finish(s, &result);
    free(record);
}

/* --- the request -------------------------------------------------------------------------------------------------- */

static int is_among(const struct key *keys, size_t count, const struct key *key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i].kind == key->kind && keys[i].len == key->len &&
            CRYPTO_memcmp(keys[i].bytes, key->bytes, key->len) == 0)
            return 1;
    return 0;
}

/* All keys that sign, newest first, each once, also where a secret was changed back to one of before. Those of a secret
 * that cannot be read are left out. */
static size_t read_keys(const struct belfry_target *target, struct key keys[SECRETS_MAX * KEYS_OF_SECRET])
{
    const struct belfry_target_secret one = {.text = target->secret};
    const struct belfry_target_secret *secrets = target->secret_count ? target->secrets : &one;
    size_t count = target->secret_count ? target->secret_count : 1, n = 0;
    struct key fresh[KEYS_OF_SECRET];
    for (size_t i = 0; i < count && i < SECRETS_MAX; i++) {
        const char *fault;
        size_t read = keys_read(secrets[i].text, fresh, &fault);
        for (size_t k = 0; k < read; k++)
            if (!is_among(keys, n, &fresh[k]))
                keys[n++] = fresh[k];
    }
    OPENSSL_cleanse(fresh, sizeof(fresh));
    return n;
}

static int sign(struct sending *s)
{
    struct webhook *w = s->webhook;
    struct key keys[SECRETS_MAX * KEYS_OF_SECRET];
    const struct belfry_item *item = s->batch->items[0];
    size_t count = read_keys(s->batch->target, keys);
    snprintf(s->message_id, sizeof(s->message_id), "msg_%.*s", (int)item->event_id.len, item->event_id.ptr);
    struct signing what = {belfry_str(s->message_id), w->host->now_ms(w->host) / 1000, s->composed.body};
    snprintf(s->timestamp, sizeof(s->timestamp), "%" PRId64, what.timestamp);
    size_t made = sign_all(w->mac, keys, count, s->settings.signatures, &what, &s->signature);
    OPENSSL_cleanse(keys, sizeof(keys));
    return made > 0;
}

static void add_header(struct sending *s, struct belfry_str name, struct belfry_str value)
{
    s->headers[s->header_count++] = (struct belfry_attr){name, value};
}

/* Ours first: nobody's own can take their place, and the record keeps them whatever happens. */
static void make_headers(struct sending *s)
{
    const struct composed *c = &s->composed;
    size_t most = c->header_count + SIGNING_HEADERS + 1 + s->settings.header_count;
    s->headers = calloc(most, sizeof(*s->headers));
    if (!s->headers)
        abort();
    add_header(s, c->headers[0].name, c->headers[0].value);
    add_header(s, belfry_str("webhook-id"), belfry_str(s->message_id));
    add_header(s, belfry_str("webhook-timestamp"), belfry_str(s->timestamp));
    add_header(s, belfry_str("webhook-signature"), text_str(&s->signature));
    for (size_t i = 1; i < c->header_count; i++)
        add_header(s, c->headers[i].name, c->headers[i].value);
    if (s->settings.handshake)
        add_header(s, belfry_str("WebHook-Request-Origin"), handshake_origin(s->webhook));
    s->own_headers = s->header_count;
    for (size_t i = 0; i < s->settings.header_count; i++)
        add_header(s, s->settings.headers[i].name, s->settings.headers[i].value);
}

/* What was not used up by asking for consent. */
static int64_t time_left(const struct sending *s)
{
    const struct webhook *w = s->webhook;
    int64_t left = w->config->timeout_ms - (w->host->now_ms(w->host) - s->began_ms);
    return left > TIMEOUT_LEAST_MS ? left : TIMEOUT_LEAST_MS;
}

static void post(struct sending *s)
{
    struct webhook *w = s->webhook;
    struct belfry_http_call call = {.struct_size = sizeof(call),
                                    .method = "POST",
                                    .url = s->url,
                                    .headers = s->headers,
                                    .header_count = s->header_count,
                                    .body = s->composed.body,
                                    .timeout_ms = time_left(s),
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .max_response = RESPONSE_MAX,
                                    .allow_cidrs = w->cidrs};
    s->batch = NULL;
    if (w->http->request(w->host, &call, on_answer, s, &s->call) != BELFRY_OK)
        refuse(s, BELFRY_REJECTED, "the endpoint's URL or one of its headers cannot be used");
}

static void go(struct sending *s)
{
    struct webhook *w = s->webhook;
    const struct composing with = {w->calendar, w->site->url(w->host)};
    compose(&with, s->settings.format, s->batch->items[0], &s->composed);
    if (!text_is_utf8(s->composed.body)) { /* receivers turn bytes into text before they verify them */
        refuse(s, BELFRY_REJECTED, "the body is not UTF-8");
        return;
    }
    if (!sign(s)) {
        refuse(s, BELFRY_REJECTED, "the endpoint's secret cannot be used");
        return;
    }
    make_headers(s);
    post(s);
}

/* --- from the batch to the request -------------------------------------------------------------------------------- */

static void on_consent(void *arg, const struct consent_news *news)
{
    struct sending *s = arg;
    if (news->given) {
        go(s);
        return;
    }
    struct belfry_result result = {.struct_size = sizeof(result),
                                   .outcome = BELFRY_UNAVAILABLE,
                                   .retry_after_ms = news->wait_ms,
                                   .detail = belfry_str(news->detail),
                                   .record = belfry_str("{}")};
    finish(s, &result);
}

void send_deliver(void *self, const struct belfry_batch *batch)
{
    struct webhook *w = self;
    struct sending *s = sending_new(w, batch);
    if (settings_read(batch->target->settings, &s->settings) != 0)
        refuse(s, BELFRY_REJECTED, "the endpoint's settings cannot be read");
    else if (!s->settings.handshake || handshake_consent(w, batch->target, on_consent, s))
        go(s);
}

/* One that waits for consent has sent nothing, and its batch may be gone after this. */
void send_cancel(void *self, uint64_t batch)
{
    struct webhook *w = self;
    for (struct sending *s = w->open; s; s = s->next) {
        if (s->id != batch)
            continue;
        if (s->batch) {
            handshake_forget(w, s);
            refuse(s, BELFRY_RETRY, "canceled: it waited for the receiver's consent");
        } else {
            w->http->cancel(w->host, s->call);
        }
        return;
    }
}

void send_free(struct webhook *w)
{
    while (w->open)
        sending_free(w->open);
}
