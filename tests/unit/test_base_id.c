/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, their UUIDv7 form, SipHash, base64 and hex. */
#include "base/id.h"
#include "base/str.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct id_key key = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static void ids_strictly_increase(void **state)
{
    (void)state;
    static const struct {
        int64_t now_ms, want;
    } rows[] = {
        {1000, 1000 << 20},
        {1000, (1000 << 20) + 1},
        {1000, (1000 << 20) + 2},
        {1001, 1001 << 20},
        {500, (1001 << 20) + 1}, /* the clock went back */
        {-5, (1001 << 20) + 2},
        {1002, 1002 << 20},
        {INT64_MAX, INT64_MAX - ((1 << 20) - 1)}, /* the last millisecond there is */
    };
    struct id_gen gen = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t id = id_next(&gen, rows[i].now_ms);
        if (id != rows[i].want)
            fail_msg("row %zu: %lld", i, (long long)id);
    }
    /* More ids than a millisecond has run into the next one and stay ahead of the clock. */
    gen = (struct id_gen){0};
    for (int i = 0; i < (1 << 20) + 5; i++)
        id_next(&gen, 7);
    assert_int_equal(id_time_ms(gen.last), 8);
    assert_int_equal(id_next(&gen, 8), (8 << 20) + 5);
}

static void the_first_id_of_an_instant(void **state)
{
    (void)state;
    static const struct {
        int64_t ms, want;
    } rows[] = {{0, 0},
                {1, 1 << 20},
                {-1, 0},
                {INT64_C(10413792000000), INT64_MAX - ((1 << 20) - 1)},  /* the year 2300 */
                {INT64_C(253402300799999), INT64_MAX - ((1 << 20) - 1)}, /* the last of 9999 */
                {INT64_MAX, INT64_MAX - ((1 << 20) - 1)}};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (id_first_at(rows[i].ms) != rows[i].want)
            fail_msg("row %zu: %lld", i, (long long)id_first_at(rows[i].ms));
}

static uint64_t hex_bits(const char *text, int from_digit, int digits)
{
    uint64_t value = 0;
    for (int at = 0; *text; text++) {
        if (*text == '-')
            continue;
        if (at >= from_digit && at < from_digit + digits)
            value = value << 4 | (uint64_t)(isdigit((unsigned char)*text) ? *text - '0' : *text - 'a' + 10);
        at++;
    }
    return value;
}

/* RFC 9562 section 5.7, and what this hub puts into rand_a and rand_b. */
static void uuid_has_the_bits_of_version_7(void **state)
{
    (void)state;
    static const int64_t ids[] = {
        0,
        1,
        (INT64_C(0x017f22e279b0) << 20) | 0xabcde, /* the instant of the RFC's example */
        (INT64_C(1769846709123) << 20) | 0xfffff,
        INT64_MAX,
    };
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[ID_TEXT_SIZE];
        uint8_t le[8];
        for (int b = 0; b < 8; b++)
            le[b] = (uint8_t)((uint64_t)ids[i] >> (8 * b));
        id_format(&key, ids[i], text);
        assert_int_equal(strlen(text), 36);
        assert_true(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        uint64_t high = hex_bits(text, 0, 16), low = hex_bits(text, 16, 16);
        assert_int_equal(high >> 16, (uint64_t)ids[i] >> 20);
        assert_int_equal(high >> 12 & 0xf, 7);
        assert_int_equal(high & 0xfff, (uint64_t)ids[i] >> 8 & 0xfff);
        assert_int_equal(low >> 62, 2);
        assert_int_equal(low >> 54 & 0xff, (uint64_t)ids[i] & 0xff);
        assert_int_equal(low & ((UINT64_C(1) << 54) - 1), siphash(&key, le, 8) & ((UINT64_C(1) << 54) - 1));
    }
    char text[ID_TEXT_SIZE];
    id_format(&key, ids[2], text);
    assert_memory_equal(text, "017f22e2-79b0-7abc-b7", 21);
}

static void uuids_sort_as_their_ids(void **state)
{
    (void)state;
    struct id_gen gen = {0};
    char before[ID_TEXT_SIZE] = "", text[ID_TEXT_SIZE];
    int64_t now = INT64_C(1769846709123);
    for (int i = 0; i < 5000; i++) {
        int64_t id = id_next(&gen, i % 50 == 0 ? ++now : now), again = 0;
        id_format(&key, id, text);
        assert_true(strcmp(before, text) < 0);
        assert_int_equal(id_parse(&key, str_of(text), &again), BELFRY_OK);
        assert_int_equal(again, id);
        memcpy(before, text, sizeof(text));
    }
}

static void forged_and_foreign_ids_are_unknown(void **state)
{
    (void)state;
    char text[ID_TEXT_SIZE], forged[ID_TEXT_SIZE];
    int64_t id = (INT64_C(1769846709123) << 20) | 0x12345, out = 77;
    id_format(&key, id, text);
    /* Every single bit of it, and every other character in every place. */
    for (int at = 0; at < 36; at++) {
        for (int c = 1; c < 256; c++) {
            if (tolower(c) == text[at])
                continue;
            memcpy(forged, text, sizeof(text));
            forged[at] = (char)c;
            if (id_parse(&key, str_slice(forged, 36), &out) != BELFRY_ENOTFOUND)
                fail_msg("%.36s was taken for %s", forged, text);
        }
    }
    struct id_key other = key;
    other.bytes[15] ^= 1;
    assert_int_equal(id_parse(&other, str_of(text), &out), BELFRY_ENOTFOUND);
    static const char *const rows[] = {
        "",
        "x",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" /* the RFC's example */,
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(id_parse(&key, str_of(rows[i]), &out), BELFRY_ENOTFOUND);
    assert_int_equal(id_parse(&key, str_slice(text, 35), &out), BELFRY_ENOTFOUND);
    assert_int_equal(id_parse(&key, (struct belfry_str){0}, &out), BELFRY_ENOTFOUND);
    assert_int_equal(out, 77);
    /* RFC 9562 section 4: upper case is read. */
    for (char *p = text; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    assert_int_equal(id_parse(&key, str_of(text), &out), BELFRY_OK);
    assert_int_equal(out, id);
}

/* Message 00 01 02 ... of n bytes under key 00 ... 0f: the reference vectors of SipHash-2-4, bytes little endian. */
static void siphash_gives_the_reference_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *want;
    } rows[] = {
        {0, "310e0edd47db6f72"},  {1, "fd67dc93c539f874"},  {2, "5a4fa9d909806c0d"},  {3, "2d7efbd796666785"},
        {4, "b7877127e09427cf"},  {5, "8da699cd64557618"},  {6, "cee3fe586e46c9cb"},  {7, "37d1018bf50002ab"},
        {8, "6224939a79f5f593"},  {15, "e545be4961ca29a1"}, {16, "db9bc2577fcc2a3f"}, {17, "9447be2cf5e99a69"},
        {31, "42c341d8fa92d832"}, {63, "724506eb4c328a95"},
    };
    uint8_t message[64];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t hash = siphash(&key, message, rows[i].n);
        char got[17];
        for (int b = 0; b < 8; b++)
            snprintf(got + 2 * b, 3, "%02x", (unsigned)(hash >> (8 * b) & 0xff));
        assert_string_equal(got, rows[i].want);
    }
    assert_int_equal(siphash(&key, NULL, 0), siphash(&key, message, 0));
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[600] = {0}, b[600] = {0};
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a + 568, b + 568, 32);
    random_bytes(a, 0);
}

static void base64_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *standard, *url;
    } rows[] = {
        {"", 0, "", ""}, /* RFC 4648 section 10 */
        {"f", 1, "Zg==", "Zg"},
        {"fo", 2, "Zm8=", "Zm8"},
        {"foo", 3, "Zm9v", "Zm9v"},
        {"foob", 4, "Zm9vYg==", "Zm9vYg"},
        {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
        {"\xff\xef\xbe\xfb", 4,
         "/+++"
         "+w==",
         "_---"
         "-w"},
        {"\0\0\0", 3, "AAAA", "AAAA"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int url = 0; url < 2; url++) {
            const char *want = url ? rows[i].url : rows[i].standard;
            struct buf text = {0}, back = {0};
            buf_addz(&text, "<");
            base64_encode(rows[i].bytes, rows[i].len, url, &text);
            assert_string_equal(text.ptr + 1, want);
            assert_int_equal(text.len, strlen(want) + 1);
            assert_int_equal(base64_decode(str_of(want), url, &back), BELFRY_OK);
            assert_true(str_eq(buf_str(&back), str_slice(rows[i].bytes, rows[i].len)));
            buf_free(&text);
            buf_free(&back);
        }
    }
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int url;
    } rows[] = {
        {"Zg", 0},   {"Zg=", 0},    {"Zg===", 0}, {"=", 0},     {"====", 0},     {"Zg==Zg==", 0},
        {"Z===", 0}, {"Zm9v\n", 0}, {"Zm 9v", 0}, {"Zm9_", 0},  {"Zm9-", 0},     {"Zh==", 0}, /* unused bits set */
        {"Zm9=", 0}, {"Zg==", 1},   {"Z", 1},     {"Zm9vY", 1}, {"Zm9/", 1},     {"Zm9+", 1},
        {"Zh", 1},   {"A", 1},      {"AAAAA", 1}, {"Zm9", 1},   {"Zm9v\xff", 0}, {"Zm\x80v", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        buf_addz(&out, "kept");
        if (base64_decode(str_of(rows[i].text), rows[i].url, &out) != BELFRY_EINVAL)
            fail_msg("row %zu: %s was taken", i, rows[i].text);
        assert_string_equal(out.ptr, "kept");
        assert_int_equal(out.len, 4);
        buf_free(&out);
    }
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    struct buf out = {0};
    hex_encode("\x00\x0f\xa0\xff", 4, &out);
    assert_string_equal(out.ptr, "000fa0ff");
    hex_encode(NULL, 0, &out);
    assert_int_equal(out.len, 8);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_strictly_increase),
        cmocka_unit_test(the_first_id_of_an_instant),
        cmocka_unit_test(uuid_has_the_bits_of_version_7),
        cmocka_unit_test(uuids_sort_as_their_ids),
        cmocka_unit_test(forged_and_foreign_ids_are_unknown),
        cmocka_unit_test(siphash_gives_the_reference_vectors),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(hex_is_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
