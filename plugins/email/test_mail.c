/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test goes through the same code as every mail, past breakers and pauses, and its text is ours. It goes to somebody
 * of the org, or back to the channel's own sender, and not often, so that it is no way to send mail to strangers.
 */
#include "test_mail.h"

#include "deliver.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WINDOW_MS (10 * 60 * INT64_C(1000))
#define WINDOW_TESTS 10
#define ORGS_MAX 64
#define TIMEOUT_MS 60000
#define TO_SIZE 256

/* --- how often ---------------------------------------------------------------------------------------------------- */

struct test_limits {
    struct window {
        char org[64];
        int64_t since_ms; /* 0: not used */
        uint32_t tests;
    } items[ORGS_MAX];
};

struct test_limits *test_limits_new(void)
{
    return calloc(1, sizeof(struct test_limits));
}

void test_limits_free(struct test_limits *limits)
{
    free(limits);
}

/* 0, and the test counts; else how long to wait, in ms. Of too many orgs the one that tested longest ago is forgotten.
 */
static int64_t limit(struct test_limits *limits, const char *org, int64_t now_ms)
{
    struct window *w = NULL, *oldest = limits->items;
    for (size_t i = 0; i < ORGS_MAX && !w; i++) {
        if (strcmp(limits->items[i].org, org) == 0)
            w = &limits->items[i];
        if (limits->items[i].since_ms < oldest->since_ms)
            oldest = &limits->items[i];
    }
    if (!w) {
        w = oldest;
        *w = (struct window){0};
        snprintf(w->org, sizeof(w->org), "%s", org);
    }
    if (now_ms - w->since_ms >= WINDOW_MS || now_ms < w->since_ms) {
        w->since_ms = now_ms;
        w->tests = 0;
    }
    if (w->tests >= WINDOW_TESTS)
        return w->since_ms + WINDOW_MS - now_ms;
    w->tests++;
    return 0;
}

/* --- one test ----------------------------------------------------------------------------------------------------- */

struct test {
    struct email *email;
    const struct belfry_http_request *req; /* valid until answered */
    char username[TO_SIZE];                /* empty: the channel's own sender */
    char to[ADDRESS_MAX + 1];
};

static void problem(struct test *t, uint32_t status, const char *pointer, const char *detail)
{
    t->email->http->problem(t->email->host, t->req->id, status, pointer, belfry_str(detail));
}

static void test_free(struct test *t)
{
    struct email *e = t->email;
    free(t);
    email_idle(e);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void add_text(json_t *to, const char *name, struct belfry_str text)
{
    json_t *value = text.len ? json_stringn(text.ptr, text.len) : NULL;
    if (value)
        json_object_set_new(to, name, value);
}

static void answer_delivered(struct test *t, const struct delivered *d)
{
    json_t *body = json_object();
    json_object_set_new(body, "delivered", json_true());
    add_text(body, "to", belfry_str(t->to));
    add_text(body, "server", belfry_str(d->server));
    json_object_set_new(body, "code", json_integer(d->smtp->code));
    add_text(body, "enhanced", d->smtp->enhanced);
    add_text(body, "text", d->smtp->text);
    add_text(body, "message_id", belfry_str(d->message_id));
    json_object_set_new(body, "tls", json_boolean(d->smtp->encrypted));
    char *text = json_dumps(body, JSON_COMPACT);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(text)};
    t->email->http->respond(t->email->host, t->req->id, &response);
    free(text);
    json_decref(body);
}

static void answer_refused(struct test *t, const struct delivered *d)
{
    char code[16] = "";
    struct belfry_fault fault = {.struct_size = sizeof(fault), .detail = belfry_str(d->detail)};
    struct belfry_attr members[4];
    size_t count = 0;
    if (d->smtp && d->smtp->code)
        snprintf(code, sizeof(code), "%d", d->smtp->code);
    const struct belfry_attr all[] = {{belfry_str("to"), belfry_str(t->to)},
                                      {belfry_str("server"), belfry_str(d->server)},
                                      {belfry_str("code"), belfry_str(code)},
                                      {belfry_str("enhanced"), d->smtp ? d->smtp->enhanced : belfry_str("")}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].value.len)
            members[count++] = all[i];
    t->email->http->problems(t->email->host, t->req->id, d->smtp ? 502 : 422, &fault, 1, members, count);
}

static void on_sent(void *arg, const struct delivered *d)
{
    struct test *t = arg;
    if (d->answer.outcome == BELFRY_DELIVERED)
        answer_delivered(t, d);
    else
        answer_refused(t, d);
    test_free(t);
}

/* --- the mail ----------------------------------------------------------------------------------------------------- */

/* RFC 9562, version 4: nothing is stored of a test. */
static void uuid(char out[37])
{
    uint8_t b[16];
    if (RAND_bytes(b, sizeof(b)) != 1)
        abort();
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static struct belfry_str words(struct test *t, const char *key, const char *argument)
{
    struct email *e = t->email;
    struct belfry_value value = {.type = BELFRY_VALUE_STRING, .s = belfry_str(argument)};
    return e->pages->format(e->host, t->req, key, &value, 1);
}

static void send_test(struct test *t)
{
    struct email *e = t->email;
    char key[37];
    uuid(key);
    struct belfry_person person = {.struct_size = sizeof(person),
                                   .username = belfry_str(t->username),
                                   .email = belfry_str(t->to),
                                   .locale = t->req->locale,
                                   .timezone = t->req->timezone};
    struct belfry_item item = {.struct_size = sizeof(item), /* of no category, so there is none to stop */
                               .severity = BELFRY_INFO,
                               .event_id = belfry_str(key),
                               .org = t->req->org,
                               .source = belfry_str("hub"),
                               .type = belfry_str("hub.channel_test"),
                               .title = words(t, "test.title", e->host->instance),
                               .body = words(t, "test.body", e->from.spec),
                               .reason = belfry_str("channel test"),
                               .data = belfry_str("{}"),
                               .time_ms = e->host->now_ms(e->host)};
    const struct belfry_item *items[] = {&item};
    struct belfry_batch batch = {.struct_size = sizeof(batch),
                                 .item_count = 1,
                                 .deadline_ms = item.time_ms + TIMEOUT_MS,
                                 .attempt = 1,
                                 .total = 1,
                                 .items = items,
                                 .person = &person,
                                 .key = belfry_str(key),
                                 .kind = BELFRY_BATCH_SINGLE};
    email_send_now(e, &batch, on_sent, t);
}

static void on_state(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    struct test *t = arg;
    if (status != BELFRY_OK || !state->address.len || state->address.len > ADDRESS_MAX) {
        problem(t, 422, "/to",
                status == BELFRY_OK || status == BELFRY_ENOTFOUND
                    ? "is neither somebody of this org with an address nor the sender of this channel"
                    : "cannot be looked up now");
        test_free(t);
        return;
    }
    snprintf(t->to, sizeof(t->to), "%.*s", (int)state->address.len, state->address.ptr);
    send_test(t);
}

/* --- the request -------------------------------------------------------------------------------------------------- */

/* {"to": "ann"}; no body is {}. 0, or -1 and a fault with its pointer. */
static int read_to(const struct belfry_http_request *req, char out[TO_SIZE], const char **pointer, const char **fault)
{
    json_error_t why;
    *pointer = NULL;
    *fault = "the body must be a JSON object, such as {\"to\": \"ann\"}, or empty";
    json_t *body =
        req->body.len ? json_loadb(req->body.ptr, req->body.len, JSON_REJECT_DUPLICATES, &why) : json_object();
    json_t *to = json_object_get(body, "to");
    const char *text = json_string_value(to);
    int bad = !json_is_object(body);
    if (!bad && to && !json_is_null(to) && (!text || strlen(text) >= TO_SIZE || !*text)) {
        *pointer = "/to";
        *fault = "must be a username, or the sender of this channel";
        bad = 1;
    }
    snprintf(out, TO_SIZE, "%s", text && !bad ? text : "");
    json_decref(body);
    return bad ? -1 : 0;
}

static int is_sender(const struct email *e, const char *to)
{
    struct address address;
    const char *fault;
    return address_read(belfry_str(to), &address, &fault) && strcasecmp(address.spec, e->from.spec) == 0;
}

/* Who gets it: whoever is named, else who asks, else (an application) the channel's own sender. */
static void choose(struct test *t, const char *to)
{
    struct email *e = t->email;
    const struct belfry_principal *who = t->req->principal;
    int is_person = who && who->kind == BELFRY_PRINCIPAL_PERSON;
    if (is_sender(e, to) || (!*to && !is_person))
        snprintf(t->to, sizeof(t->to), "%s", e->from.spec);
    else if (*to)
        memcpy(t->username, to, strlen(to) + 1);
    else
        snprintf(t->username, sizeof(t->username), "%.*s", (int)who->name.len, who->name.ptr);
}

static void too_often(struct email *e, const struct belfry_http_request *req, int64_t wait_ms)
{
    char seconds[24];
    const char *body =
        "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,\"detail\":\"ten test mails "
        "in ten minutes are all that an org gets\"}";
    snprintf(seconds, sizeof(seconds), "%" PRId64, wait_ms / 1000 + 1);
    struct belfry_attr headers[] = {{belfry_str("Retry-After"), belfry_str(seconds)}};
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 429,
                                            .content_type = belfry_str("application/problem+json"),
                                            .body = belfry_str(body),
                                            .headers = headers,
                                            .header_count = 1};
    e->http->respond(e->host, req->id, &response);
}

void test_mail_route(void *self, const struct belfry_http_request *req)
{
    struct email *e = self;
    char to[TO_SIZE], org[64];
    const char *pointer, *fault;
    if (read_to(req, to, &pointer, &fault) != 0) {
        e->http->problem(e->host, req->id, pointer ? 422 : 400, pointer, belfry_str(fault));
        return;
    }
    snprintf(org, sizeof(org), "%.*s", (int)req->org.len, req->org.ptr);
    int64_t wait_ms = limit(e->test_limits, org, e->host->now_ms(e->host));
    if (wait_ms) {
        too_often(e, req, wait_ms);
        return;
    }
    struct test *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->email = e;
    t->req = req;
    email_busy(e);
    choose(t, to);
    if (*t->to) {
        send_test(t);
        return;
    }
    struct belfry_subscription who = {.struct_size = sizeof(who), .org = req->org, .username = belfry_str(t->username)};
    e->addresses->state(e->host, &who, req->locale, on_state, t);
}
