/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a question to a feed, and what of an address may be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/feed.h"

#include <stdlib.h>

static void test_questions(void **state)
{
    (void)state;
    static const struct {
        const char *url, *cursor, *address;
    } rows[] = {
        {"https://a.example/e", "", "https://a.example/e?after=&limit=9"},
        {"https://a.example/e", "12", "https://a.example/e?after=12&limit=9"},
        {"https://a.example/e?", "12", "https://a.example/e?after=12&limit=9"},
        {"https://a.example/e?s=1", "12", "https://a.example/e?s=1&after=12&limit=9"},
        {"https://a.example/e?s=1&", "12", "https://a.example/e?s=1&after=12&limit=9"},
        {"https://a.example/e#part?x", "12", "https://a.example/e?after=12&limit=9"},
        {"https://a.example/e?s=1#part", "12", "https://a.example/e?s=1&after=12&limit=9"},
        {"http://a", "a b&limit=1#/?\xc3\xa9~", "http://a?after=a%20b%26limit%3D1%23%2F%3F%C3%A9~&limit=9"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *address = feed_address(rows[i].url, rows[i].cursor, 9);
        assert_string_equal(address, rows[i].address);
        free(address);
    }
}

static void test_what_is_shown(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"https://a.example/e?key=secret", "https://a.example/e"},
        {"https://user:secret@a.example:8443/e?x#y", "https://a.example:8443/e"},
        {"https://user:s@ecret@a.example", "https://a.example"},
        {"https://a.example/at@home", "https://a.example/at@home"},
        {"http://[::1]:80/e", "http://[::1]:80/e"},
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(feed_shown_url(arena, rows[i][0]), rows[i][1]);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_questions), cmocka_unit_test(test_what_is_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
