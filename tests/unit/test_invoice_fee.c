/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fees of cancelled shifts: the edges of the window, changes of clocks, percentages, rounding, currencies. The worked
 * examples of docs/sources/invoice.md are computed again.
 */
#include "unit/invoice_fixture.h"

#ifndef BELFRY_SRCDIR
#define BELFRY_SRCDIR "."
#endif

/* A shift that was to begin at 2026-02-01T09:00:00Z. */
static belfry_status cancel(struct belfry_test *t, const char *id, const char *cancelled_at, const char *terms)
{
    char data[1000];
    snprintf(data, sizeof(data),
             "{'shift':{'id':'%s','url':'/s/9','owner':'ann','starts_at':'2026-02-01T09:00:00Z'},'by':'northwind',"
             "'cancelled_at':'%s','terms':{%s}}",
             id, cancelled_at, terms);
    return belfry_test_send(t, "shift.cancelled", json(data));
}

static void the_edges_of_the_window(void **state)
{
    static const struct {
        const char *name, *cancelled_at, *hours;
        int applies;
    } rows[] = {
        {"exactly the window before", "2026-01-31T09:00:00Z", "24", 0},
        {"a millisecond inside", "2026-01-31T09:00:00.001Z", "24", 1},
        {"a millisecond outside", "2026-01-31T08:59:59.999Z", "24", 0},
        {"at the start", "2026-02-01T09:00:00Z", "24", 1},
        {"after the start", "2026-02-01T09:00:01Z", "24", 1},
        {"long after", "2026-03-01T09:00:00Z", "24", 1},
        {"another zone, the same instant", "2026-01-31T10:00:00+01:00", "24", 0},
        {"another zone, inside", "2026-01-31T10:00:00.001+01:00", "24", 1},
        {"half an hour", "2026-02-01T08:30:00Z", "0.5", 0},
        {"half an hour, inside", "2026-02-01T08:30:00.001Z", "0.5", 1},
        {"a third of an hour, written out", "2026-02-01T08:40:00Z", "0.333333333333333", 0},
        {"no window, before", "2026-02-01T08:59:59.999Z", "0", 0},
        {"no window, at the start", "2026-02-01T09:00:00Z", "0", 0},
        {"no window, after the start", "2026-02-01T09:00:00.001Z", "0", 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_test *t = invoice_new(NULL);
        char terms[200];
        snprintf(terms, sizeof(terms), "'window_hours':%s,'fixed_minor':2500,'currency':'EUR'", rows[i].hours);
        assert_int_equal(cancel(t, "s-9", rows[i].cancelled_at, terms), BELFRY_OK);
        const char *wanted = rows[i].applies ? "Shift cancelled: s-9, fee 25.00 EUR" : "Shift cancelled: s-9";
        if (strcmp(belfry_test_last(t)->title, wanted) != 0)
            fail_msg("%s: %s", rows[i].name, belfry_test_last(t)->title);
        assert_non_null(strstr(belfry_test_last(t)->data, rows[i].applies ? "\"fee_applies\":true,\"fee_minor\":2500"
                                                                          : "\"fee_applies\":false,\"fee_minor\":0"));
        belfry_test_free(t);
    }
}

/* 24 hours are 24 hours, also on the day on which clocks in Berlin go from 02:00 to 03:00. */
static void clocks_that_change_make_no_difference(void **state)
{
    static const struct {
        const char *starts_at, *cancelled_at;
        int applies;
    } rows[] = {
        {"2026-03-29T12:00:00+02:00", "2026-03-28T12:00:00+01:00", 1}, /* the same wall time, 23 hours */
        {"2026-03-29T12:00:00+02:00", "2026-03-28T11:00:00+01:00", 0},
        {"2026-10-25T12:00:00+01:00", "2026-10-24T12:00:00+02:00", 0}, /* the same wall time, 25 hours */
        {"2026-10-25T12:00:00+01:00", "2026-10-24T13:00:00.001+02:00", 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_test *t = invoice_new(NULL);
        char data[600];
        belfry_test_zone(t, "Europe/Berlin");
        snprintf(data, sizeof(data),
                 "{'shift':{'id':'s','url':'/s','owner':'ann','starts_at':'%s'},'by':'x','cancelled_at':'%s',"
                 "'terms':{'window_hours':24,'fixed_minor':1,'currency':'JPY'}}",
                 rows[i].starts_at, rows[i].cancelled_at);
        assert_int_equal(belfry_test_send(t, "shift.cancelled", json(data)), BELFRY_OK);
        assert_string_equal(belfry_test_last(t)->title,
                            rows[i].applies ? "Shift cancelled: s, fee 1 JPY" : "Shift cancelled: s");
        belfry_test_free(t);
    }
}

static void percentages_are_exact(void **state)
{
    static const struct {
        const char *rate, *percent, *currency, *fee;
    } rows[] = {
        {"18000", "50", "EUR", "90.00 EUR"},
        {"18000", "100", "EUR", "180.00 EUR"},
        {"18000", "0", "EUR", "0.00 EUR"},
        {"1", "50", "EUR", "0.00 EUR"}, /* half a cent: to the even 0 */
        {"3", "50", "EUR", "0.02 EUR"}, /* one and a half: to the even 2 */
        {"5", "50", "EUR", "0.02 EUR"}, /* two and a half: to the even 2 */
        {"7", "50", "EUR", "0.04 EUR"}, /* three and a half: to the even 4 */
        {"1", "50.1", "EUR", "0.01 EUR"},
        {"1", "49.9", "EUR", "0.00 EUR"},
        {"10000", "12.345", "EUR", "12.34 EUR"}, /* 1234.5 cents: to the even 1234 */
        {"10000", "12.355", "EUR", "12.36 EUR"}, /* 1235.5: to the even 1236; as doubles it is 1235.4999 */
        {"100000", "0.1115", "EUR", "1.12 EUR"}, /* 111.5 */
        {"333", "33.3333333333333", "EUR", "1.11 EUR"},
        {"12345", "17.5", "JPY", "2160 JPY"}, /* 2160.375 */
        {"12345", "17.5", "KWD", "2.160 KWD"},
        {"12345", "17.5", "XCG", "21.60 XCG"}, /* of 2025 */
        {"12345", "17.5", "ZWG", "21.60 ZWG"}, /* of 2024 */
        {"12345", "1e1", "EUR", "12.34 EUR"},  /* 1234.5 */
        {"999999999999999999", "100", "EUR", "9999999999999999.99 EUR"},
        {"9223372036854775807", "100", "JPY", "9223372036854775807 JPY"},
        {"9223372036854775807", "50", "JPY", "4611686018427387904 JPY"}, /* ...903.5 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_test *t = invoice_new(NULL);
        char terms[200], title[100];
        snprintf(terms, sizeof(terms), "'window_hours':24,'percent':%s,'rate_minor':%s,'currency':'%s'",
                 rows[i].percent, rows[i].rate, rows[i].currency);
        assert_int_equal(cancel(t, "s-9", "2026-02-01T08:00:00Z", terms), BELFRY_OK);
        snprintf(title, sizeof(title), "Shift cancelled: s-9, fee %s", rows[i].fee);
        if (strcmp(belfry_test_last(t)->title, title) != 0)
            fail_msg("%s * %s%%: %s", rows[i].rate, rows[i].percent, belfry_test_last(t)->title);
        belfry_test_free(t);
    }
}

static void terms_that_are_none(void **state)
{
    static const struct {
        const char *terms, *error;
    } rows[] = {
        {"'window_hours':24,'currency':'EUR'", "/data/terms/percent: is required, or fixed_minor"},
        {"'window_hours':24,'percent':5,'fixed_minor':5,'rate_minor':5,'currency':'EUR'",
         "/data/terms/percent: stands beside fixed_minor; one of them it is"},
        {"'window_hours':24,'percent':5,'currency':'EUR'", "/data/terms/rate_minor: is required"},
        {"'window_hours':-1,'fixed_minor':5,'currency':'EUR'", "/data/terms/window_hours: must be at least 0"},
        {"'window_hours':'24','fixed_minor':-5,'currency':'eur'",
         "/data/terms/window_hours: must be a number\n"
         "/data/terms/currency: must be an ISO 4217 currency, such as EUR\n"
         "/data/terms/fixed_minor: must be at least 0"},
        {"'window_hours':24,'percent':-0.5,'rate_minor':5,'currency':'EUR'", "/data/terms/percent: must be at least 0"},
        {"'window_hours':24,'percent':12.34567890123456789,'rate_minor':5,'currency':'EUR'",
         "/data/terms/percent: has more than 15 digits or decimals"},
        {"'window_hours':24,'percent':1e-20,'rate_minor':5,'currency':'EUR'",
         "/data/terms/percent: has more than 15 digits or decimals"},
        {"'window_hours':24,'percent':1e300,'rate_minor':5,'currency':'EUR'",
         "/data/terms/percent: has more than 15 digits or decimals"},
        {"'window_hours':24,'percent':100.1,'rate_minor':9223372036854775807,'currency':'EUR'",
         "/data/terms/rate_minor: makes a fee that is more than can be counted"},
        {"'window_hours':24,'fixed_minor':5,'currency':'ABC'",
         "/data/terms/currency: must be an ISO 4217 currency, such as EUR"},
    };
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(cancel(t, "s-9", "2026-02-01T08:00:00Z", rows[i].terms), BELFRY_EINVAL);
        belfry_test_expect_error(t, rows[i].error);
    }
    assert_int_equal(belfry_test_writes(t), 0);
    belfry_test_free(t);
}

static void a_shift_is_cancelled_once(void **state)
{
    (void)state;
    struct belfry_test *t = invoice_new(NULL);
    const char *terms = "'window_hours':24,'percent':50,'rate_minor':18000,'currency':'EUR'";
    cancel(t, "s-9", "2026-02-01T08:00:00Z", terms);
    belfry_test_expect(t, "shift.cancelled -> ann: Shift cancelled: s-9, fee 90.00 EUR");
    assert_string_equal(belfry_test_last(t)->subject, "shift/s-9");
    assert_int_equal(cancel(t, "s-9", "2026-02-01T09:00:00+01:00", terms), BELFRY_OK);
    belfry_test_expect(t, "");
    assert_int_equal(cancel(t, "s-9", "2026-02-01T08:00:01Z", terms), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, "/data/shift/id: shift/s-9 was cancelled already, otherwise\n"
                                "handled_at = 2026-02-01T08:00:00.000Z\nhandled_by = northwind");
    belfry_test_free(t);
}

/* | 180.00 EUR | 50 | 24 | 23 h 59 min | 90.00 EUR | and so on: rate_minor, percent, window, elapsed minutes, fee. */
static void the_worked_examples_are_right(void **state)
{
    char path[1000], line[1000];
    size_t count = 0;
    (void)state;
    snprintf(path, sizeof(path), "%s/docs/sources/invoice.md", BELFRY_SRCDIR);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char data[1000], wanted[100], starts[40], cancelled[40], rest[500], title[200];
        if (sscanf(line, "| `%39[0-9TZ:.+-]` | `%39[0-9TZ:.+-]` | `%499[^`]` | %99[^|\n] |", starts, cancelled, rest,
                   wanted) != 4)
            continue;
        struct belfry_test *t = invoice_new(NULL);
        snprintf(data, sizeof(data),
                 "{'shift':{'id':'s','url':'/s','owner':'ann','starts_at':'%s'},'by':'x','cancelled_at':'%s',"
                 "'terms':%s}",
                 starts, cancelled, rest);
        assert_int_equal(belfry_test_send(t, "shift.cancelled", json(data)), BELFRY_OK);
        for (size_t len = strlen(wanted); len > 0 && wanted[len - 1] == ' ';)
            wanted[--len] = '\0';
        snprintf(title, sizeof(title), "Shift cancelled: s%s%s", strcmp(wanted, "none") == 0 ? "" : ", fee ",
                 strcmp(wanted, "none") == 0 ? "" : wanted);
        assert_string_equal(belfry_test_last(t)->title, title);
        belfry_test_free(t);
        count++;
    }
    fclose(file);
    assert_in_range(count, 8, 50);
}

/* Whatever a double makes of it. */
static void numbers_are_handed_on_as_they_were_sent(void **state)
{
    static const char *const rows[] = {"'percent':12.345", "'percent':0.1", "'percent':24",
                                       "'percent':33.3333333333333", "'percent':1,'x':[{'y':0.30000000000000004}]"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_test *t = invoice_new(NULL);
        char terms[200];
        snprintf(terms, sizeof(terms), "'window_hours':24,'rate_minor':1,'currency':'EUR',%s", rows[i]);
        assert_int_equal(cancel(t, "s-9", "2026-02-01T08:00:00Z", terms), BELFRY_OK);
        if (!strstr(belfry_test_last(t)->data, json(rows[i])))
            fail_msg("%s: %s", rows[i], belfry_test_last(t)->data);
        belfry_test_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edges_of_the_window),
        cmocka_unit_test(clocks_that_change_make_no_difference),
        cmocka_unit_test(percentages_are_exact),
        cmocka_unit_test(terms_that_are_none),
        cmocka_unit_test(numbers_are_handed_on_as_they_were_sent),
        cmocka_unit_test(a_shift_is_cancelled_once),
        cmocka_unit_test(the_worked_examples_are_right),
    };
    return cmocka_run_group_tests_name("invoice_fee", tests, NULL, NULL);
}
