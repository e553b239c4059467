/* SPDX-License-Identifier: Apache-2.0 */
/* What Xero sends, read as bytes: signatures, bodies of webhooks, answers of the API, times and amounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/invoice/xero_body.h"
#include "../../plugins/invoice/xero_sign.h"

static struct belfry_str str(const char *text)
{
    return belfry_str(text);
}

/* --- the signature ------------------------------------------------------------------------------------------------ */

#define ITR "{\"events\":[],\"lastEventSequence\":0,\"firstEventSequence\":0,\"entropy\":\"S0m3r4Nd0mt3xt\"}"
#define ITR_SIGNATURE "qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIws="

static void test_the_vector_is_signed(void **state)
{
    (void)state;
    assert_true(xero_signed("test-webhook-key", str(ITR), str(ITR_SIGNATURE)));
}

static void test_anything_else_is_not(void **state)
{
    static const struct {
        const char *what, *key, *body, *signature;
    } rows[] = {
        {"another key", "test-webhook-kez", ITR, ITR_SIGNATURE},
        {"another body", "test-webhook-key", ITR " ", ITR_SIGNATURE},
        {"no body", "test-webhook-key", "", ITR_SIGNATURE},
        {"no signature", "test-webhook-key", ITR, ""},
        {"its beginning", "test-webhook-key", ITR, "qAYGQdoiCV3g0uAz"},
        {"more behind it", "test-webhook-key", ITR, ITR_SIGNATURE "="},
        {"without padding", "test-webhook-key", ITR, "qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIws"},
        {"the last letter", "test-webhook-key", ITR, "qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIwt="},
        {"other case", "test-webhook-key", ITR, "QAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIws="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (xero_signed(rows[i].key, str(rows[i].body), str(rows[i].signature)))
            fail_msg("%s: is taken as signed", rows[i].what);
    }
}

/* --- bodies of webhooks ------------------------------------------------------------------------------------------- */

#define EVENT(id, type, category, when)                                                                                \
    "{\"resourceUrl\":\"https://evil.example/" id "\",\"resourceId\":\"" id "\",\"eventDateUtc\":\"" when              \
    "\",\"eventType\":\"" type "\",\"eventCategory\":\"" category "\",\"tenantId\":\"t-1\","                           \
    "\"tenantType\":\"ORGANISATION\"}"

/* type, id, and data of a delivery; of others the data is not shown */
static void expect_triggers(const char *body, const char *want)
{
    struct xero_triggers triggers;
    char got[4000] = "";
    size_t n = 0;
    assert_int_equal(xero_body_read(str(body), &triggers), 0);
    for (size_t i = 0; i < triggers.count; i++) {
        const struct xero_trigger *t = &triggers.items[i];
        int delivery = strcmp(t->type, "xero.delivery") == 0;
        const char *id =
            strlen(t->id) > 45 && strchr(t->id, ':') && !strchr(strchr(t->id, ':') + 1, ':') ? "hash" : t->id;
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s %s%s%s", n ? "\n" : "", t->type, id, delivery ? " " : "",
                              delivery ? t->data : "");
    }
    xero_triggers_free(&triggers);
    assert_string_equal(got, want);
}

static void test_a_body_becomes_triggers(void **state)
{
    (void)state;
    expect_triggers(ITR, "xero.enabled hash");
    expect_triggers("{\"events\":null}", "xero.enabled hash");
    expect_triggers("{}", "xero.enabled hash");
    expect_triggers("{\"events\":[" EVENT("i-1", "Update", "INVOICE", "2026-01-05T09:00:00.5") "," EVENT(
                        "c-1", "CREATE", "CONTACT", "2026-01-05T08:59:00") "],\"firstEventSequence\":7,"
                                                                           "\"lastEventSequence\":8}",
                    "xero.delivery hash {\"first\":7,\"last\":8,\"oldest\":1767603540000,\"newest\":1767603600500,"
                    "\"tenants\":[\"t-1\"]}\n"
                    "xero.event t-1:i-1:UPDATE:2026-01-05T09:00:00.5\n"
                    "xero.event t-1:c-1:CREATE:2026-01-05T08:59:00");
    expect_triggers("{\"events\":[{\"tenantId\":\"t-1\"},7]}",
                    "xero.delivery hash {\"first\":0,\"last\":0,\"oldest\":0,\"newest\":0,\"tenants\":[]}\n"
                    "xero.event hash\nxero.event hash");
}

static void test_what_nobody_can_read_is_said_so(void **state)
{
    static const char *const bodies[] = {
        "", "not JSON", "[]", "7", "{\"events\":{}}", "{\"events\":7}", "{\"a\":1,\"a\":2}", "{\"events\":[]"};
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        expect_triggers(bodies[i], "xero.unreadable hash");
}

static void test_the_same_bytes_have_the_same_ids(void **state)
{
    struct xero_triggers a, b;
    (void)state;
    xero_body_read(str(ITR), &a);
    xero_body_read(str(ITR), &b);
    assert_string_equal(a.items[0].id, b.items[0].id);
    xero_triggers_free(&b);
    xero_body_read(str(ITR " "), &b);
    assert_string_not_equal(a.items[0].id, b.items[0].id);
    xero_triggers_free(&a);
    xero_triggers_free(&b);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void expect_answer(const char *body, const struct xero_question *question, const char *want)
{
    char *got = xero_answer_read(str(body), question);
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
    free(got);
}

static void test_an_answer_is_cut_down_to_what_decides(void **state)
{
    struct xero_question one = {.tenant = "t-1", .id = "i-1"}, page = {.tenant = "t-1", .since_ms = 5, .page = 2};
    (void)state;
    expect_answer(
        "{\"Invoices\":[{\"InvoiceID\":\"i-1\",\"InvoiceNumber\":\"INV-1\",\"Type\":\"ACCREC\",\"Status\":"
        "\"PAID\",\"CurrencyCode\":\"EUR\",\"Total\":1234.50,\"AmountPaid\":1234.5,\"AmountCredited\":0,\"UpdatedDateUTC\":\"/Date(1518685950940+0000)/\"}]}",
        &one,
        "{\"tenant\":\"t-1\",\"more\":false,\"invoices\":[{\"id\":\"i-1\",\"number\":\"INV-1\",\"type\":"
        "\"ACCREC\",\"status\":\"PAID\",\"currency\":\"EUR\",\"paid\":\"1234.5\","
        "\"credited\":\"0\",\"updated\":1518685950940}],\"id\":\"i-1\"}");
    expect_answer("{\"Invoices\":[{}]}", &page,
                  "{\"tenant\":\"t-1\",\"more\":true,\"invoices\":[{\"id\":\"\",\"number\":\"\",\"type\":\"\","
                  "\"status\":\"\",\"currency\":\"\",\"paid\":\"0\",\"credited\":\"0\",\"updated\":0}],\"since\":5,"
                  "\"page\":2}");
    expect_answer("{\"Invoices\":[]}", &page,
                  "{\"tenant\":\"t-1\",\"more\":false,\"invoices\":[],\"since\":5,\"page\":2}");
    expect_answer("{\"Invoices\":[],\"pagination\":{\"pageCount\":9}}", &page,
                  "{\"tenant\":\"t-1\",\"more\":false,\"invoices\":[],\"since\":5,\"page\":2}");
    expect_answer("{}", &one, NULL);
    expect_answer("<html>", &one, NULL);
    expect_answer("{\"Invoices\":{}}", &one, NULL);
}

/* What AmountPaid in an answer comes to, or -1. */
static int64_t paid(const char *amount, int digits)
{
    struct xero_question one = {.tenant = "t", .id = "i"};
    char body[200];
    int64_t minor;
    snprintf(body, sizeof(body), "{\"Invoices\":[{\"AmountPaid\":%s}]}", amount);
    char *answer = xero_answer_read(str(body), &one);
    assert_non_null(answer);
    char *from = strstr(answer, "\"paid\":\"") + strlen("\"paid\":\""), *to = strchr(from, '"');
    int rc = xero_minor((struct belfry_str){from, (size_t)(to - from)}, digits, &minor);
    free(answer);
    return rc ? -1 : minor;
}

static void test_amounts_are_exact(void **state)
{
    static const struct {
        const char *amount;
        int digits;
        int64_t minor;
    } rows[] = {
        {"0", 2, 0},
        {"0.00", 2, 0},
        {"1", 2, 100},
        {"0.1", 2, 10},
        {"0.29", 2, 29},  /* 28.999999999999996 as a double */
        {"1.15", 2, 115}, /* 114.99999999999999 */
        {"4.35", 2, 435}, /* 434.99999999999994 */
        {"8.20", 2, 820},
        {"1234.56", 2, 123456},
        {"\"1234.56\"", 2, 123456},
        {"\"1234.5600\"", 2, 123456},
        {"1000.00", 0, 1000},
        {"1.234", 3, 1234},
        {"9999999999999.99", 2, 999999999999999},
        {"9007199254740993", 2, 900719925474099300}, /* not a double: jansson has it as an integer */
        {"0.005", 2, -1},
        {"1.5", 0, -1},
        {"99999999999999999.99", 2, -1},
        {"1e30", 2, -1},
        {"\"12,50\"", 2, -1},
        {"\"\"", 2, -1},
        {"\".5\"", 2, -1},
        {"\"5.\"", 2, -1},
        {"\"-\"", 2, -1},
        {"\"1.2.3\"", 2, -1},
        {"\" 1\"", 2, -1},
        {"9223372036854775807", 2, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = paid(rows[i].amount, rows[i].digits);
        if (got != rows[i].minor)
            fail_msg("%s with %d digits: %lld, expected %lld", rows[i].amount, rows[i].digits, (long long)got,
                     (long long)rows[i].minor);
    }
}

/* Every amount up to 1,000.00, and some larger ones, survive the way through a JSON number. */
static void test_every_cent_survives(void **state)
{
    char text[40];
    (void)state;
    for (int64_t cents = 0; cents < 900000000000000; cents = cents < 100000 ? cents + 1 : cents * 3 + 1) {
        snprintf(text, sizeof(text), "%lld.%02lld", (long long)(cents / 100), (long long)(cents % 100));
        assert_int_equal(paid(text, 2), cents);
    }
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static void test_a_time_without_a_zone_is_utc(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-01-05T09:00:00", 1767603600000},
        {"2026-01-05T09:00:00Z", 1767603600000},
        {"2026-01-05 09:00:00", 1767603600000},
        {"2026-01-05T09:00:00.123", 1767603600123},
        {"2026-01-05T09:00:00.1234567", 1767603600123},
        {"2026-01-05T10:00:00+01:00", 1767603600000},
        {"2026-01-05T07:30:00-01:30", 1767603600000},
        {"2026-01-05", -1},
        {"2026-13-05T09:00:00", -1},
        {"2026-01-05T25:00:00", -1},
        {"2026-01-05T09:00:00X", -1},
        {"0001-01-01T00:00:00", -1},
        {"yesterday", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (xero_time(str(rows[i].text)) != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)xero_time(str(rows[i].text)));
    }
}

static void test_an_instant_of_the_api(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"/Date(1518685950940+0000)/", 1518685950940},
                {"/Date(1518685950940)/", 1518685950940},
                {"/Date(1518685950940", 0},
                {"/Date()/", 0},
                {"/Date(99999999999999999999)/", 0},
                {"2026-01-05T09:00:00", 0},
                {"", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(xero_instant(str(rows[i].text)), rows[i].ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vector_is_signed),
        cmocka_unit_test(test_anything_else_is_not),
        cmocka_unit_test(test_a_body_becomes_triggers),
        cmocka_unit_test(test_what_nobody_can_read_is_said_so),
        cmocka_unit_test(test_the_same_bytes_have_the_same_ids),
        cmocka_unit_test(test_an_answer_is_cut_down_to_what_decides),
        cmocka_unit_test(test_amounts_are_exact),
        cmocka_unit_test(test_every_cent_survives),
        cmocka_unit_test(test_a_time_without_a_zone_is_utc),
        cmocka_unit_test(test_an_instant_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
