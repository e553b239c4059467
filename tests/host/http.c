/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.http-client/1 without a network: each request takes the next scripted answer, after the time it says; without
 * one it stays open until there is one, its timeout or cancel(). done comes on a later turn, once.
 */
#include "fake.h"

#include <stdlib.h>
#include <strings.h>

static int is_http(const char *url)
{
    return url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

static const struct belfry_attr *copy_headers(struct belfry_test *t, const struct belfry_http_call *call)
{
    struct belfry_attr *out = arena_alloc(t->arena, (call->header_count + 1) * sizeof(*out));
    for (size_t i = 0; i < call->header_count; i++) {
        out[i].name = str_of(fake_text(t, call->headers[i].name));
        out[i].value = str_of(fake_text(t, call->headers[i].value));
    }
    return out;
}

static const char *const *copy_cidrs(struct belfry_test *t, const char *const *cidrs)
{
    size_t count = 0;
    while (cidrs && cidrs[count])
        count++;
    const char **out = arena_alloc(t->arena, (count + 1) * sizeof(*out));
    for (size_t i = 0; i < count; i++)
        out[i] = arena_strdup(t->arena, cidrs[i]);
    return cidrs ? out : NULL;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void give(struct fake_request *r, const struct belfry_http_answer *answer)
{
    r->pub.done = 1;
    r->due_ms = INT64_MAX;
    r->fn(r->arg, answer);
}

static void give_error(struct fake_request *r, uint32_t error, const char *text)
{
    struct belfry_http_answer answer = {.struct_size = sizeof(answer), .error = error, .error_text = str_of(text)};
    give(r, &answer);
}

static void give_scripted(struct belfry_test *t, struct fake_request *r)
{
    const struct belfry_test_answer *a = r->answer;
    struct belfry_str body = str_of(a->body);
    size_t count = 0;
    while (a->headers && a->headers[count])
        count++;
    struct belfry_attr *headers = arena_alloc(t->arena, (count + 1) * sizeof(*headers));
    for (size_t i = 0; i < count; i++) {
        struct belfry_str value, name = str_cut(str_of(arena_strdup(t->arena, a->headers[i])), ':', &value);
        for (size_t k = 0; k < name.len; k++)
            ((char *)(uintptr_t)name.ptr)[k] |= name.ptr[k] >= 'A' && name.ptr[k] <= 'Z' ? 0x20 : 0;
        headers[i] = (struct belfry_attr){str_trim(name), str_trim(value)};
    }
    int truncated = r->max_response && body.len > r->max_response;
    struct belfry_http_answer answer = {.struct_size = sizeof(answer),
                                        .status = a->error ? 0 : a->status,
                                        .error = a->error,
                                        .truncated = (uint32_t)truncated,
                                        .error_text = str_of(a->error_text ? a->error_text : ""),
                                        .body = truncated ? str_slice(body.ptr, r->max_response) : body,
                                        .headers = headers,
                                        .header_count = count};
    give(r, &answer);
}

static struct fake_request *first_due(const struct belfry_test *t)
{
    struct fake_request *first = NULL;
    for (size_t i = 0; i < t->requests.count; i++) {
        struct fake_request *r = t->requests.items[i];
        if (!r->pub.done && (!first || r->due_ms < first->due_ms))
            first = r;
    }
    return first;
}

int fake_http_due(struct belfry_test *t)
{
    struct fake_request *r = first_due(t);
    if (!r || r->due_ms > clock_now_ms(t->clock))
        return 0;
    if (r->answer)
        give_scripted(t, r);
    else
        give_error(r, BELFRY_HTTP_ERR_TIMEOUT, "timed out");
    return 1;
}

int64_t fake_http_next(const struct belfry_test *t)
{
    const struct fake_request *r = first_due(t);
    return r ? r->due_ms : INT64_MAX;
}

/* Gives waiting requests the answers that were scripted, in order. */
static void match_answers(struct belfry_test *t)
{
    for (size_t i = 0; i < t->requests.count && t->answers_used < t->answers.count; i++) {
        struct fake_request *r = t->requests.items[i];
        int64_t wait = 0, now = clock_now_ms(t->clock);
        if (r->pub.done || r->answer)
            continue;
        const struct belfry_test_answer *answer = t->answers.items[t->answers_used++];
        if (answer->after && duration_parse(str_of(answer->after), &wait, NULL) != BELFRY_OK)
            fake_misuse("belfry_test_answer", "\"%s\" is no duration", answer->after);
        if (now + wait > r->due_ms)
            continue; /* later than its timeout: used up, and never seen */
        r->answer = answer;
        r->due_ms = now + wait;
    }
}

void belfry_test_answer(struct belfry_test *t, const struct belfry_test_answer *answer)
{
    struct belfry_test_answer *copy = arena_memdup(t->arena, answer, sizeof(*answer));
    size_t count = 0;
    copy->body = arena_strdup(t->arena, answer->body ? answer->body : "");
    copy->after = answer->after ? arena_strdup(t->arena, answer->after) : NULL;
    copy->error_text = answer->error_text ? arena_strdup(t->arena, answer->error_text) : NULL;
    while (answer->headers && answer->headers[count])
        count++;
    const char **headers = arena_alloc(t->arena, (count + 1) * sizeof(*headers));
    for (size_t i = 0; i < count; i++)
        headers[i] = arena_strdup(t->arena, answer->headers[i]);
    copy->headers = headers;
    *FAKE_ADD(t, &t->answers) = copy;
    match_answers(t);
    belfry_test_settle(t);
}

/* --- the extension ------------------------------------------------------------------------------------------------ */

static belfry_status request(const struct belfry_host *host, const struct belfry_http_call *call,
                             void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg, uint64_t *id)
{
    struct belfry_test *t = fake_of(host);
    if (!done || !call->method || !is_http(call->url))
        return BELFRY_EINVAL;
    struct fake_request *r = arena_alloc(t->arena, sizeof(*r));
    *r = (struct fake_request){.id = fake_id(t), .fn = done, .arg = arg, .max_response = call->max_response};
    r->due_ms = call->timeout_ms > 0 ? clock_now_ms(t->clock) + call->timeout_ms : INT64_MAX;
    r->pub = (struct belfry_test_request){.method = arena_strdup(t->arena, call->method),
                                          .url = arena_strdup(t->arena, call->url),
                                          .body = fake_text(t, call->body),
                                          .body_len = call->body.len,
                                          .headers = copy_headers(t, call),
                                          .header_count = call->header_count,
                                          .timeout_ms = call->timeout_ms,
                                          .connect_timeout_ms = call->connect_timeout_ms,
                                          .allow_cidrs = copy_cidrs(t, call->allow_cidrs)};
    *FAKE_ADD(t, &t->requests) = r;
    if (id)
        *id = r->id;
    match_answers(t);
    return BELFRY_OK;
}

struct cancellation {
    struct fake_request *request;
};

static void cancelled(void *arg)
{
    struct cancellation *c = arg;
    struct fake_request *r = c->request;
    free(c);
    if (!r->pub.done)
        give_error(r, BELFRY_HTTP_ERR_CANCELED, "cancelled");
}

static void cancel(const struct belfry_host *host, uint64_t id)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->requests.count; i++) {
        struct fake_request *r = t->requests.items[i];
        if (r->id != id)
            continue;
        if (!r->pub.done) {
            struct cancellation *c = calloc(1, sizeof(*c));
            r->due_ms = INT64_MAX;
            c->request = r;
            fake_post(t, cancelled, c);
        }
        return;
    }
    fake_fault(t, "R04: cancel() of HTTP request %llu, which there never was", (unsigned long long)id);
}

const struct belfry_http_client_api fake_http_api = {sizeof(struct belfry_http_client_api), 0, request, cancel,
                                                     fake_refuses};

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

const struct belfry_test_request *belfry_test_request(const struct belfry_test *t, size_t index)
{
    return index < t->requests.count ? &t->requests.items[index]->pub : NULL;
}

size_t belfry_test_request_count(const struct belfry_test *t)
{
    return t->requests.count;
}

const char *belfry_test_header(const struct belfry_test *t, size_t index, const char *name)
{
    const struct belfry_test_request *r = belfry_test_request(t, index);
    for (size_t i = 0; r && i < r->header_count; i++) {
        if (strcasecmp(r->headers[i].name.ptr, name) == 0)
            return r->headers[i].value.ptr;
    }
    return NULL;
}
