/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consent is found by the id of its endpoint, in a tree of libc. All deliveries that come while its receiver is being
 * asked wait for the one answer. When the URL changes meanwhile, the request goes on for those who wait for it, and the
 * consent forgets it. With its endpoint a consent goes.
 *
 * WebHook-Request-Callback is not sent: a receiver that cannot decide at once is asked again.
 */
#include "handshake.h"

#include "answer.h"
#include "record.h"
#include "url.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_TIMEOUT_MS 10000
#define NO_ANSWER_WAIT_MS 60000
#define ASK_AGAIN_MS 10000

/* Before a receiver that did not agree is asked again; the last one repeats. The host holds the endpoint for so long: a
 * delivery that comes before that was let through by somebody who enabled it, so the receiver is asked then too. */
static const int64_t waits_ms[] = {5 * 60000, 60 * 60000};

struct consent {
    uint64_t target;
    char *url;
    int given;
    uint32_t refusals;
    int64_t answered_ms, ask_at_ms; /* 0: never */
    char detail[240];
    struct asking *asking; /* for this URL; NULL: nobody is asked */
};

struct waiter {
    struct waiter *next;
    void (*told)(void *arg, const struct consent_news *news);
    void *arg; /* NULL: does not wait any more */
};

struct asking {
    struct asking *next, **link;
    struct webhook *webhook;
    struct consent *consent; /* NULL: its URL has changed */
    struct waiter *waiting;
    char *url, rate[16];
    struct belfry_attr headers[2];
    size_t header_count;
};

/* --- who asks ----------------------------------------------------------------------------------------------------- */

struct belfry_str handshake_origin(const struct webhook *w)
{
    return url_host(w->site->url(w->host));
}

/* --- consents ----------------------------------------------------------------------------------------------------- */

static int by_target(const void *a, const void *b)
{
    uint64_t x = ((const struct consent *)a)->target, y = ((const struct consent *)b)->target;
    return x < y ? -1 : x > y;
}

static void consent_forget(struct consent *c)
{
    if (c->asking)
        c->asking->consent = NULL;
    free(c->url);
    *c = (struct consent){.target = c->target};
}

static struct consent *consent_of(struct webhook *w, const struct belfry_target *target)
{
    struct consent key = {.target = target->id};
    struct consent **found = tfind(&key, &w->consents, by_target);
    struct consent *c = found ? *found : calloc(1, sizeof(*c));
    if (!found) {
        c->target = target->id;
        tsearch(c, &w->consents, by_target);
    } else if (strlen(c->url) == target->url.len && memcmp(c->url, target->url.ptr, target->url.len) == 0) {
        return c;
    }
    consent_forget(c);
    c->url = strndup(target->url.ptr, target->url.len);
    return c;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static struct belfry_str trimmed(struct belfry_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static int agrees(const struct webhook *w, const struct belfry_http_answer *answer)
{
    struct belfry_str allowed = trimmed(answer_header(answer, "webhook-allowed-origin"));
    char origin[256];
    struct belfry_str own = handshake_origin(w);
    snprintf(origin, sizeof(origin), "%.*s", (int)own.len, own.ptr);
    return !answer->error && (text_same(allowed, "*") || (own.len && text_same(allowed, origin)));
}

/* Deliveries a minute; 0: as many as we like, or nothing that can be understood. */
static uint32_t allowed_rate(const struct belfry_http_answer *answer)
{
    struct belfry_str value = trimmed(answer_header(answer, "webhook-allowed-rate"));
    uint32_t rate = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || rate > 100000000)
            return 0;
        rate = rate * 10 + (uint32_t)(value.ptr[i] - '0');
    }
    return value.len && !rate ? 1 : rate; /* the standard knows no 0; who says it wants as good as nothing */
}

static void say_why_not(struct asking *a, const struct belfry_http_answer *answer, char *out, size_t size)
{
    struct belfry_str own = handshake_origin(a->webhook);
    char class[32];
    if (answer->error)
        snprintf(out, size, "the receiver could not be asked for consent (OPTIONS): %s: %.*s",
                 record_class(answer, class), (int)text_cut(answer->error_text, 100).len, answer->error_text.ptr);
    else
        snprintf(out, size,
                 "the receiver gave no consent: it answered OPTIONS with %u and without "
                 "WebHook-Allowed-Origin: %.*s",
                 answer->status, (int)text_cut(own, 100).len, own.ptr);
}

/* A receiver that says when it may be asked again is not asked before (429 of the standard's section 2.2). */
static int64_t wait_of(struct consent *c, const struct belfry_http_answer *answer, int64_t now_ms)
{
    size_t last = sizeof(waits_ms) / sizeof(waits_ms[0]) - 1;
    if (answer->error)
        return NO_ANSWER_WAIT_MS;
    int64_t wait = waits_ms[c && c->refusals < last ? c->refusals : last];
    int64_t asked_for = answer_retry_after_ms(answer, now_ms);
    if (c)
        c->refusals++;
    return asked_for > wait ? asked_for : wait;
}

/* What everybody who waits is told. */
static void judge(struct asking *a, const struct belfry_http_answer *answer, struct consent_news *news, char *why,
                  size_t size)
{
    struct webhook *w = a->webhook;
    struct consent *c = a->consent;
    news->given = agrees(w, answer);
    if (!news->given) {
        say_why_not(a, answer, why, size);
        news->detail = why;
        news->wait_ms = wait_of(c, answer, w->host->now_ms(w->host));
    }
    if (!c)
        return;
    c->asking = NULL;
    c->given = news->given;
    c->refusals = news->given ? 0 : c->refusals;
    c->answered_ms = w->host->now_ms(w->host);
    c->ask_at_ms = c->answered_ms + news->wait_ms;
    snprintf(c->detail, sizeof(c->detail), "%s", news->given ? "" : why);
    if (news->given)
        w->targets->pace(w->host, c->target, allowed_rate(answer));
}

static void asking_free(struct asking *a)
{
    *a->link = a->next;
    if (a->next)
        a->next->link = a->link;
    free(a->url);
    free(a);
}

static void tell_all(struct asking *a, const struct consent_news *news)
{
    while (a->waiting) {
        struct waiter *waiter = a->waiting;
        a->waiting = waiter->next;
        if (waiter->arg)
            waiter->told(waiter->arg, news);
        free(waiter);
    }
}

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct asking *a = arg;
    struct webhook *w = a->webhook;
    struct consent_news news = {0};
    char why[240];
    judge(a, answer, &news, why, sizeof(why));
    tell_all(a, &news);
    asking_free(a);
    webhook_settle(w);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static struct asking *asking_new(struct webhook *w, const struct belfry_target *target)
{
    struct asking *a = calloc(1, sizeof(*a));
    a->webhook = w;
    a->url = strndup(target->url.ptr, target->url.len);
    a->headers[a->header_count++] = (struct belfry_attr){belfry_str("WebHook-Request-Origin"), handshake_origin(w)};
    if (target->rate_per_minute) {
        snprintf(a->rate, sizeof(a->rate), "%" PRIu32, target->rate_per_minute);
        a->headers[a->header_count++] = (struct belfry_attr){belfry_str("WebHook-Request-Rate"), belfry_str(a->rate)};
    }
    a->next = w->asking;
    a->link = &w->asking;
    if (a->next)
        a->next->link = &a->next;
    w->asking = a;
    return a;
}

static void on_no_request(void *arg)
{
    static const struct belfry_http_answer none = {
        .struct_size = sizeof(none), .error = BELFRY_HTTP_ERR_URL, .error_text = {"the URL cannot be used", 22}};
    on_answer(arg, &none);
}

static struct asking *ask(struct webhook *w, const struct belfry_target *target)
{
    struct asking *a = asking_new(w, target);
    int64_t half = w->config->timeout_ms / 2; /* the delivery itself has what is left */
    struct belfry_http_call call = {.struct_size = sizeof(call),
                                    .method = "OPTIONS",
                                    .url = a->url,
                                    .headers = a->headers,
                                    .header_count = a->header_count,
                                    .timeout_ms = half < ASK_TIMEOUT_MS ? half : ASK_TIMEOUT_MS,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .max_response = RESPONSE_MAX,
                                    .allow_cidrs = w->cidrs};
    uint64_t id;
    if (w->http->request(w->host, &call, on_answer, a, &id) != BELFRY_OK)
        w->host->post(w->host, on_no_request, a);
    return a;
}

/* --- those who wait ----------------------------------------------------------------------------------------------- */

static void wait_for(struct asking *a, void (*told)(void *arg, const struct consent_news *news), void *arg)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter)), **end = &a->waiting;
    waiter->told = told;
    waiter->arg = arg;
    while (*end) /* in the order in which they came */
        end = &(*end)->next;
    *end = waiter;
}

/* It was asked just now: those that were on their way are told the same. */
static int tell_at_once(struct webhook *w, const struct consent *c,
                        void (*told)(void *arg, const struct consent_news *news), void *arg)
{
    int64_t now = w->host->now_ms(w->host), wait = c->ask_at_ms - now;
    if (!c->ask_at_ms || wait <= 0 || now >= c->answered_ms + ASK_AGAIN_MS)
        return 0;
    told(arg, &(struct consent_news){.detail = c->detail, .wait_ms = wait});
    return 1;
}

int handshake_consent(struct webhook *w, const struct belfry_target *target,
                      void (*told)(void *arg, const struct consent_news *news), void *arg)
{
    struct consent *c = consent_of(w, target);
    if (c->given)
        return 1;
    if (!c->asking && tell_at_once(w, c, told, arg))
        return 0;
    if (!c->asking) {
        c->asking = ask(w, target);
        c->asking->consent = c;
    }
    wait_for(c->asking, told, arg);
    return 0;
}

static void consent_free(void *node)
{
    struct consent *c = node;
    free(c->url);
    free(c);
}

void handshake_gone(struct webhook *w, uint64_t target)
{
    struct consent key = {.target = target};
    struct consent **found = tfind(&key, &w->consents, by_target), *c = found ? *found : NULL;
    if (!c)
        return;
    tdelete(c, &w->consents, by_target);
    if (c->asking)
        c->asking->consent = NULL;
    consent_free(c);
}

void handshake_forget(struct webhook *w, const void *arg)
{
    for (struct asking *a = w->asking; a; a = a->next)
        for (struct waiter *waiter = a->waiting; waiter; waiter = waiter->next)
            if (waiter->arg == arg)
                waiter->arg = NULL;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void handshake_free(struct webhook *w)
{
    while (w->asking) { /* only of an instance that was not stopped first */
        while (w->asking->waiting) {
            struct waiter *waiter = w->asking->waiting;
            w->asking->waiting = waiter->next;
            free(waiter);
        }
        asking_free(w->asking);
    }
    tdestroy(w->consents, consent_free);
    w->consents = NULL;
}
