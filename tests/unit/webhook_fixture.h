/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the webhook delivery have in common: an instance on the fake host and one delivery of it. */
#ifndef TESTS_WEBHOOK_FIXTURE_H
#define TESTS_WEBHOOK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>
#include <jansson.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ENDPOINT "name: crm, url: 'https://hooks.example.org/in?token=abc', secret: " SECRET
#define ONE "endpoints: [{" ENDPOINT "}]"

static inline void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static inline struct belfry_test *make(const char *yaml)
{
    belfry_test_on_failure(failure);
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    belfry_test_expect_error(t, "");
    return t;
}

static inline uint64_t deliver(struct belfry_test *t, const char *payload)
{
    struct belfry_test_item item = {.event_id = "01890a5d-ac96-774b-bcce-b302099a8057", .payload = payload};
    uint64_t batch = belfry_test_deliver(t, &(struct belfry_test_batch){.to = "crm", .items = &item, .count = 1});
    assert_int_not_equal(batch, 0);
    return batch;
}

#define HEADERS(...)                                                                                                   \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static inline const char *state_of(struct belfry_test *t, uint64_t batch)
{
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
    return outcome ? belfry_test_outcome_name(outcome->outcome) : "open";
}

#endif
