/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of Xero: JSON with single quotes, webhooks that are signed, and what Xero answers. */
#ifndef INVOICE_XERO_FIXTURE_H
#define INVOICE_XERO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define KEY "test-webhook-key"
#define CLIENT "client_id: my app, client_secret: 's/e+c'"
#define OPTIONS "{chasers: [], xero: {signing_key: " KEY ", " CLIENT "}}"
#define PATH "/v1/acme/sources/invoice/xero"

static inline void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static inline const char *json(const char *text)
{
    static char kept[4][8192];
    static unsigned next;
    char *out = kept[next++ % 4];
    size_t len = strlen(text);
    assert_true(len < sizeof(kept[0]));
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    return out;
}

/* --- this side ---------------------------------------------------------------------------------------------------- */

static size_t told_count; /* of events that told() has told */

/* Types of the events since the last call, with blanks between. */
static inline const char *told(struct belfry_test *t)
{
    static char out[500];
    size_t n = 0;
    out[0] = '\0';
    for (; told_count < belfry_test_event_count(t); told_count++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", belfry_test_event(t, told_count)->type);
    return out;
}

static inline struct belfry_test *start(const char *options)
{
    told_count = 0;
    struct belfry_test *t = belfry_test_new(&belfry_entry, options ? options : OPTIONS);
    belfry_test_on_failure(failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "");
    return t;
}

static inline void issue(struct belfry_test *t, const char *id, const char *number, int minor, const char *currency)
{
    char data[600];
    snprintf(data, sizeof(data),
             "{'invoice':{'id':'%s','number':'%s','owner':'ann','payer':{'name':'N','email':'pay@n.example'},"
             "'amount_minor':%d,'currency':'%s','due_on':'2026-03-20','url':'https://books.example.org/%s'}}",
             id, number, minor, currency, id);
    assert_int_equal(belfry_test_send(t, "invoice.issued", json(data)), BELFRY_OK);
}

/* --- Xero's side -------------------------------------------------------------------------------------------------- */

static inline const struct belfry_test_reply *post_signed(struct belfry_test *t, const char *body, const char *key)
{
    unsigned char mac[32];
    char header[100] = "x-xero-signature: ";
    HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)body, strlen(body), mac, NULL);
    EVP_EncodeBlock((unsigned char *)header + strlen(header), mac, 32);
    const char *headers[] = {header, NULL};
    return belfry_test_call(
        t, &(struct belfry_test_call){.method = "POST", .path = PATH, .body = body, .headers = headers});
}

static inline void post(struct belfry_test *t, const char *body)
{
    const struct belfry_test_reply *reply = post_signed(t, json(body), KEY);
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->body, "");
    assert_int_equal(reply->header_count, 0);
    assert_string_equal(reply->content_type, "");
}

static inline const char *event(const char *id, const char *when)
{
    static char kept[4][400];
    static unsigned next;
    char *out = kept[next++ % 4];
    snprintf(out, sizeof(kept[0]),
             "{'resourceUrl':'https://evil.example/%s','resourceId':'%s','eventDateUtc':'2026-01-05T%s','eventType':"
             "'UPDATE','eventCategory':'INVOICE','tenantId':'t-1','tenantType':'ORGANISATION'}",
             id, id, when);
    return out;
}

#define NEXT 0
static int sequence; /* goes on from test to test */

/* A webhook with one event. */
static inline void changed(struct belfry_test *t, const char *id, const char *when, int number)
{
    char body[800];
    sequence = number == NEXT ? sequence + 1 : number;
    snprintf(body, sizeof(body), "{'events':[%s],'firstEventSequence':%d,'lastEventSequence':%d,'entropy':'x'}",
             event(id, when), sequence, sequence);
    post(t, body);
}

static inline void answer(struct belfry_test *t, uint32_t status, const char *body, const char *header)
{
    const char *headers[] = {header, NULL};
    belfry_test_answer(t, &(struct belfry_test_answer){.status = status, .body = json(body), .headers = headers});
}

static inline void give_token(struct belfry_test *t, const char *token)
{
    char body[200];
    snprintf(body, sizeof(body), "{'access_token':'%s','token_type':'Bearer','expires_in':1800}", token);
    answer(t, 200, body, NULL);
}

static inline const char *theirs(const char *id, const char *number, const char *status, const char *paid)
{
    static char kept[4][400];
    static unsigned next;
    char *out = kept[next++ % 4];
    snprintf(out, sizeof(kept[0]),
             "{'InvoiceID':'%s','InvoiceNumber':'%s','Type':'ACCREC','Status':'%s','CurrencyCode':'EUR','Total':100.00,"
             "'AmountPaid':%s,'AmountCredited':0.00}",
             id, number, status, paid);
    return out;
}

static inline void give(struct belfry_test *t, const char *invoice)
{
    char body[2000];
    snprintf(body, sizeof(body), "{'Invoices':[%s]}", invoice);
    answer(t, 200, body, NULL);
}

/* Xero tells that its invoice i-7 changed, and when it is asked it says this. */
static inline void pays(struct belfry_test *t, const char *status, const char *paid)
{
    static int seconds;
    char when[20];
    seconds++;
    snprintf(when, sizeof(when), "08:%02d:%02d", seconds / 60 % 60, seconds % 60);
    changed(t, "i-7", when, NEXT);
    give(t, theirs("i-7", "I-7", status, paid));
}

/* A hub that has a token already, and Ann's invoice I-7 over 100.00 EUR. */
static inline struct belfry_test *start_with_token(void)
{
    struct belfry_test *t = start(NULL);
    issue(t, "7", "I-7", 10000, "EUR");
    pays(t, "AUTHORISED", "0.00");
    /* the answer went to the request for a token, which does not understand it */
    belfry_test_advance(t, "5s");
    give_token(t, "T0");
    give(t, theirs("i-7", "I-7", "AUTHORISED", "0.00"));
    assert_string_equal(told(t), "");
    return t;
}

static inline const struct belfry_test_request *last_request(struct belfry_test *t)
{
    return belfry_test_request(t, belfry_test_request_count(t) - 1);
}

static inline size_t waiting(struct belfry_test *t)
{
    size_t open = 0;
    for (size_t i = 0; i < belfry_test_request_count(t); i++)
        open += !belfry_test_request(t, i)->done;
    return open;
}

#define ITR "{'events':[],'lastEventSequence':0,'firstEventSequence':0,'entropy':'S0m3r4Nd0mt3xt'}"

#endif
