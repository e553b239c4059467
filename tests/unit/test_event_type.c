/* SPDX-License-Identifier: Apache-2.0 */
/* Names of event types and patterns of them: what a source declares, an event replaces, an endpoint asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "event/event.h"

static const struct {
    const char *pattern, *type;
    int is;
} rows[] = {
    {"invoice.paid", "invoice.paid", 1},
    {"invoice.paid", "invoice.paid.late", 0},
    {"invoice.paid", "invoice.pai", 0},
    {"invoice.paid", "Invoice.paid", 0},
    {"invoice.*", "invoice.paid", 1},
    {"invoice.*", "invoice.paid.late", 1},
    {"invoice.*", "invoices.paid", 0},
    {"invoice.*", "invoice", 0},
    {"invoice.*", "invoice.", 0},  /* nothing stands where the * is */
    {"invoice.*", "invoice.*", 1}, /* a source that declares what an endpoint asks for */
    {"*", "invoice.paid", 1},
    {"*", "", 0},
    {"", "", 1},
    {"", "invoice.paid", 0},
    {"*.paid", "invoice.paid", 0}, /* at the end only */
};

static void test_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (event_type_is(str_of(rows[i].pattern), str_of(rows[i].type)) != rows[i].is)
            fail_msg("`%s` and `%s`", rows[i].pattern, rows[i].type);
}

static void test_lists(void **state)
{
    struct belfry_str items[] = {STR("record.assigned"), STR("invoice.*")};
    const struct belfry_strs two = {items, 2}, none = {items, 0};
    (void)state;
    assert_true(event_type_among(STR("record.assigned"), &two));
    assert_true(event_type_among(STR("invoice.paid"), &two));
    assert_false(event_type_among(STR("record.updated"), &two));
    assert_false(event_type_among(STR("record.assigned"), &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests_name("event_type", tests, NULL, NULL);
}
