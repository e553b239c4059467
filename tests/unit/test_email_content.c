/* SPDX-License-Identifier: Apache-2.0 */
/* What mails say: whole texts of each kind in both languages, templates of the configuration, and what must not get in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mails.h"

#define APPROVAL                                                                                                       \
    "{\"approval\":{\"id\":\"42\",\"title\":\"New printer\",\"submitter\":\"sam\"},"                                   \
    "\"step\":{\"index\":1,\"of\":2,\"name\":\"Finance\"}}"
#define HREF "https://belfry.example.org/acme/n/0189f0a0-0000-7000-8000-000000000001"

static const struct belfry_action actions[] = {
    {.struct_size = sizeof(*actions), .id = {"approve", 7}, .label = {"Approve", 7}},
    {.struct_size = sizeof(*actions), .id = {"reject", 6}, .label = {"Reject", 6}}};

static const struct belfry_test_item approval = {.type = "approval.requested",
                                                 .category = "approval",
                                                 .category_label = "Approvals",
                                                 .subject = "approval/42",
                                                 .title = "Approve: New printer",
                                                 .body = "Finance, step 1 of 2.\nSubmitted by sam.",
                                                 .data = APPROVAL,
                                                 .severity = BELFRY_WARNING,
                                                 .reason = "approver by role finance",
                                                 .waited_ms = 300000,
                                                 .actions = actions,
                                                 .action_count = 2};

static struct belfry_test *begin(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(mails_entry(), yaml);
    assert_string_equal(belfry_test_error(t), "");
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("ann"),
                                                  .name = belfry_str("Ann Lee"),
                                                  .email = belfry_str("ann@acme.example")});
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("dora"),
                                                  .email = belfry_str("dora@acme.example"),
                                                  .locale = belfry_str("de-AT"),
                                                  .timezone = belfry_str("Europe/Berlin")});
    return t;
}

static const struct content_mail *mail(struct belfry_test *t, const struct belfry_test_batch *batch)
{
    uint64_t id = belfry_test_deliver(t, batch);
    assert_int_equal(belfry_test_outcome(t, id, 0)->outcome, BELFRY_DELIVERED);
    return &((struct mails *)belfry_test_self(t))->mail;
}

static const struct content_mail *one(struct belfry_test *t, const char *to, const struct belfry_test_item *item)
{
    return mail(t, &(struct belfry_test_batch){.to = to, .items = item, .count = 1});
}

static void test_show(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    const struct content_mail *m = one(t, "ann", &approval);
    printf("%s\n%s\n%s\n[%s]\n", m->subject.ptr, m->text.ptr, m->html.ptr, m->note);
    m = one(t, "dora", &approval);
    printf("%s\n%s\n[%s]\n", m->subject.ptr, m->text.ptr, m->note);
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
