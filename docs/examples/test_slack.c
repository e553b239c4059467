/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery of slack.c on the fake host: its template, its icons, and new options for the running instance. */
#include <belfry/test.h>

#include <assert.h>
#include <string.h>

#define URL "url: 'https://chat.example.org/hook', token: s3cret"

static const char *posted(struct belfry_test *t, size_t index)
{
    struct belfry_test_item item = {.title = "Printer \"A\" is on fire", .severity = BELFRY_CRITICAL};
    belfry_test_answer(t, &(struct belfry_test_answer){.status = 200});
    uint64_t batch = belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &item, .count = 1});
    assert(belfry_test_outcome(t, batch, 0)->outcome == BELFRY_DELIVERED);
    return belfry_test_request(t, index)->body;
}

int main(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, "{" URL ", text: '{{icon}} {{name}}: {{title}}'}");
    belfry_test_expect_error(t, "");
    assert(strcmp(posted(t, 0), "{\"text\":\":fire: ann: Printer \\u0022A\\u0022 is on fire\"}") == 0);
    assert(strcmp(belfry_test_header(t, 0, "authorization"), "Bearer s3cret") == 0);

    void *before = belfry_test_self(t);
    belfry_test_reload(t, "{" URL ", text: '{{severity}}{{missing}}', allow_cidrs: 10.0.0.0/8}");
    belfry_test_expect_error(t, "");
    assert(belfry_test_self(t) == before);
    assert(strcmp(posted(t, 1), "{\"text\":\"critical\"}") == 0);
    assert(strcmp(belfry_test_request(t, 1)->allow_cidrs[0], "10.0.0.0/8") == 0);

    belfry_test_reload(t, "{" URL ", text: '{{#open}}'}");
    assert(belfry_test_status(t) != BELFRY_OK); /* the old options stay */
    assert(strcmp(posted(t, 2), "{\"text\":\"critical\"}") == 0);
    belfry_test_free(t);
    return 0;
}
