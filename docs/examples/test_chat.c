/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery of chat.c on the fake host, with an HTTP client that answers what the test says. */
#include <belfry/test.h>

#include <assert.h>
#include <string.h>

static const char *deliver(struct belfry_test *t, struct belfry_test_answer answer)
{
    struct belfry_test_item item = {.title = "Printer is on fire"};
    belfry_test_answer(t, &answer);
    uint64_t batch = belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &item, .count = 1});
    return belfry_test_outcome_name(belfry_test_outcome(t, batch, 0)->outcome);
}

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, "{url: 'https://chat.example.org/post', token: s3cret}");
    belfry_test_expect_error(t, "");

    assert(strcmp(deliver(t, (struct belfry_test_answer){.status = 200}), "delivered") == 0);
    assert(strcmp(belfry_test_request(t, 0)->body, "ann: Printer is on fire") == 0);
    assert(strcmp(belfry_test_header(t, 0, "authorization"), "Bearer s3cret") == 0);

    assert(strcmp(deliver(t, (struct belfry_test_answer){.status = 400}), "rejected") == 0);
    assert(strcmp(deliver(t, (struct belfry_test_answer){.status = 503}), "retry") == 0);
    assert(strcmp(deliver(t, (struct belfry_test_answer){.error = BELFRY_HTTP_ERR_DNS}), "unavailable") == 0);
    belfry_test_free(t); /* fails when a rule was broken: a complete() that is missing or came twice */
    return 0;
}
