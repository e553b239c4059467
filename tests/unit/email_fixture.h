/* SPDX-License-Identifier: Apache-2.0 */
/* The email delivery on the fake host: one to deliver with, what servers answer, what went out. */
#ifndef TESTS_EMAIL_FIXTURE_H
#define TESTS_EMAIL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <belfry/test.h>
#include <jansson.h>
#include <openssl/pem.h>

#define FROM "from: 'Acme <notify@acme.example>'"
#define ONE "smtp: 'smtp://127.0.0.1:2525', " FROM
#define TWO "servers: [{url: 'smtp://127.0.0.1:2501'}, {url: 'smtp://127.0.0.1:2502', connections: 2}], " FROM

static inline void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static inline struct belfry_test *make(const char *options)
{
    char *yaml = NULL;
    belfry_test_on_failure(failure);
    assert_true(asprintf(&yaml, "{%s}", options) > 0);
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    free(yaml);
    belfry_test_expect_error(t, "");
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("ann"),
                                                  .name = belfry_str("Ann Lee"),
                                                  .email = belfry_str("ann@acme.example"),
                                                  .locale = belfry_str("en"),
                                                  .timezone = belfry_str("UTC")});
    belfry_test_user(t, "carl", ""); /* has no address */
    return t;
}

#define KEY "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f"

static const struct belfry_test_item deal = {.type = "approval.requested",
                                             .category = "approval",
                                             .category_label = "Approvals",
                                             .subject = "approval/42",
                                             .title = "Discount for Deal X",
                                             .body = "Ann asks for 20 %."};

static inline uint64_t deliver_to(struct belfry_test *t, const char *to)
{
    uint64_t batch =
        belfry_test_deliver(t, &(struct belfry_test_batch){.to = to, .items = &deal, .count = 1, .key = KEY});
    assert_int_not_equal(batch, 0);
    return batch;
}

static inline void answer(struct belfry_test *t, uint32_t error, uint32_t stage, int code, const char *enhanced,
                          const char *text)
{
    belfry_test_smtp_answer(t, &(struct belfry_test_smtp){
                                   .error = error, .stage = stage, .code = code, .enhanced = enhanced, .text = text});
}

static inline void accept(struct belfry_test *t)
{
    answer(t, 0, BELFRY_SMTP_STAGE_END, 250, "2.0.0", "queued as 1");
}

/* "delivered", and so on; "" while it is under way. */
static inline const char *outcome_of(struct belfry_test *t, uint64_t batch)
{
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
    return outcome ? belfry_test_outcome_name(outcome->outcome) : "";
}

static inline const char *outcome_to(struct belfry_test *t, const char *to)
{
    return outcome_of(t, deliver_to(t, to));
}

/* The value of a header of a mail, unfolded. Static memory. */
static inline const char *header(struct belfry_test *t, size_t mail, const char *name)
{
    static char value[4096];
    const char *at = belfry_test_sent(t, mail)->message, *end = strstr(at, "\r\n\r\n");
    size_t len = strlen(name), n = 0;
    while (at && at < end && !(strncmp(at, name, len) == 0 && at[len] == ':')) {
        at = strstr(at, "\r\n");
        at = at ? at + 2 : NULL;
    }
    if (!at || at >= end)
        return NULL;
    for (at += len + 1; *at == ' ' || *at == '\t'; at++)
        ;
    for (; n + 1 < sizeof(value) && *at; at++) {
        if (at[0] == '\r' && at[1] == '\n' && at[2] != ' ' && at[2] != '\t')
            break;
        if (*at != '\r' && *at != '\n')
            value[n++] = *at == '\t' ? ' ' : *at;
    }
    value[n] = '\0';
    return value;
}

static inline json_t *record_of(struct belfry_test *t, uint64_t batch)
{
    json_t *record = json_loads(belfry_test_outcome(t, batch, 0)->record, 0, NULL);
    assert_non_null(record);
    return record;
}

#endif
