/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed comes back whole; nothing else does: no other key, org, purpose, spelling, and no bit that was turned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/token.h"
#include "chance.h"

#define DELIVERY "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f"

static const uint8_t key[32] = {1, 2, 3}, other[32] = {4, 5, 6};

static struct belfry_str str(const char *text)
{
    return belfry_str(text);
}

static int equal(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* --- the unsubscribe link --- */

static const struct {
    const char *org, *username, *address, *category;
} subjects[] = {
    {"acme", "ann", "", "approval"},
    {"acme", "ann", "", ""},
    {"acme", "", "pay@outside.example", "invoice"},
    {"acme", "", "pay@outside.example", ""},
    {"globex", "ann", "", "approval"},
    {"acme", "ann", "", "approva"},
    {"acme", "annapproval", "", ""},
    {"acme", "\xc3\x84nne K\xc3\xb6nig (b\xc3\xbcro)", "", "CALC_BLOCKED"},
    {"acme", "pay@outside.example", "", "invoice"},
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static struct token_subject subject_at(size_t i)
{
    return (struct token_subject){.org = str(subjects[i].org),
                                  .username = str(subjects[i].username),
                                  .address = str(subjects[i].address),
                                  .category = str(subjects[i].category)};
}

static void test_a_token_says_who_and_what(void **state)
{
    char text[SUBJECTS][TOKEN_TEXT_SIZE], memory[TOKEN_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        struct token_subject subject = subject_at(i), read;
        token_write(key, &subject, text[i]);
        assert_memory_equal(text[i], "v1.", 3);
        assert_int_equal(strspn(text[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
                         strlen(text[i]));
        assert_true(token_read(key, subject.org, str(text[i]), memory, &read));
        assert_true(equal(read.org, subject.org));
        assert_true(equal(read.username, subject.username));
        assert_true(equal(read.address, subject.address));
        assert_true(equal(read.category, subject.category));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(text[i], text[j]);
    }
}

static void test_a_token_counts_in_its_org_and_under_its_key(void **state)
{
    struct token_subject subject = subject_at(0), read;
    char text[TOKEN_TEXT_SIZE], again[TOKEN_TEXT_SIZE], memory[TOKEN_TEXT_SIZE];
    (void)state;
    token_write(key, &subject, text);
    token_write(key, &subject, again);
    assert_string_equal(text, again);
    assert_false(token_read(key, str("globex"), str(text), memory, &read));
    assert_false(token_read(key, str(""), str(text), memory, &read));
    assert_false(token_read(other, str("acme"), str(text), memory, &read));
    token_write(other, &subject, again);
    assert_memory_not_equal(text + 3, again + 3, 4); /* the key's id */
}

static void test_a_token_has_one_spelling(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %\n";
    char text[TOKEN_TEXT_SIZE], memory[TOKEN_TEXT_SIZE], changed[TOKEN_TEXT_SIZE + 8];
    struct token_subject read;
    (void)state;
    for (size_t s = 0; s < SUBJECTS; s++) {
        struct token_subject subject = subject_at(s);
        token_write(key, &subject, text);
        size_t len = strlen(text);
        for (size_t i = 0; i < len; i++) {
            for (const char *c = letters; *c; c++) {
                memcpy(changed, text, len + 1);
                changed[i] = *c;
                assert_int_equal(token_read(key, subject.org, str(changed), memory, &read), *c == text[i]);
            }
            assert_false(token_read(key, subject.org, (struct belfry_str){text, i}, memory, &read));
        }
        static const char *const more[] = {"A", "=", "==", ".", ".A", " ", "\n"};
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
            snprintf(changed, sizeof(changed), "%s%s", text, more[i]);
            assert_false(token_read(key, subject.org, str(changed), memory, &read));
        }
    }
}

static void test_what_is_no_token(void **state)
{
    static const char *const texts[] = {"",         "v1",          "v1.",          "v1....",   "v2.AAAA.dWFubgA.AAAA",
                                        "v1.AAAA.", "v1.AAAA..AA", "v1.AAAA.dQA.", "........", "v1.AAAA.dWFubgA."};
    char memory[TOKEN_TEXT_SIZE], huge[4096];
    struct token_subject read;
    uint64_t seed = 7;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(token_read(key, str("acme"), str(texts[i]), memory, &read));
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)pick(&seed, sizeof(huge));
        for (size_t i = 0; i < len; i++)
            huge[i] = (char)(pick(&seed, 8) ? 'A' + pick(&seed, 26) : pick(&seed, 256));
        if (len > 8)
            memcpy(huge, "v1.AAAA.", 8);
        assert_false(token_read(key, str("acme"), (struct belfry_str){huge, len}, memory, &read));
    }
}

static void test_the_longest_names_fit(void **state)
{
    char name[600], text[TOKEN_TEXT_SIZE], memory[TOKEN_TEXT_SIZE];
    struct token_subject read, subject = {.org = str("acme"), .category = str("c")};
    (void)state;
    memset(name, 'n', sizeof(name));
    subject.address = (struct belfry_str){name, 597};
    token_write(key, &subject, text);
    assert_true(token_read(key, str("acme"), str(text), memory, &read));
    assert_int_equal(read.address.len, 597);
    subject.address.len = 598;
    token_write(key, &subject, text);
    assert_string_equal(text, "");
    token_write(key, &(struct token_subject){.org = str("acme")}, text);
    assert_string_equal(text, "");
}

/* --- what a delivery's mail is known by --- */

typedef void write_fn(const uint8_t[32], struct belfry_str, char[TOKEN_LOCAL_SIZE]);
typedef int read_fn(const uint8_t[32], struct belfry_str, char[37]);

static void message_local_write(const uint8_t k[32], struct belfry_str delivery, char out[TOKEN_LOCAL_SIZE])
{
    char whole[TOKEN_MESSAGE_ID_SIZE];
    message_id_write(k, delivery, "hub.example", whole);
    snprintf(out, TOKEN_LOCAL_SIZE, "%.*s", (int)strcspn(whole, "@"), whole);
}

static int message_local_read(const uint8_t k[32], struct belfry_str local, char delivery[37])
{
    char whole[TOKEN_MESSAGE_ID_SIZE];
    snprintf(whole, sizeof(whole), "%.*s@hub.example", (int)local.len, local.ptr);
    return message_id_read(k, str(whole), delivery);
}

static const struct {
    write_fn *write;
    read_fn *read;
    const char *prefix;
    size_t len;
    int any_case;
} kinds[] = {{verp_write, verp_read, "b+", 55, 1},
             {unsub_write, unsub_read, "unsub+", 59, 1},
             {message_local_write, message_local_read, DELIVERY ".", 63, 0}};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void random_uuid(uint64_t *seed, char out[37])
{
    for (size_t i = 0; i < 36; i++)
        out[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : "0123456789abcdef"[pick(seed, 16)];
    out[36] = 0;
}

static void test_each_delivery_comes_back(void **state)
{
    char text[TOKEN_LOCAL_SIZE], uuid[37], read[37];
    uint64_t seed = 3;
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        kinds[k].write(key, str(DELIVERY), text);
        assert_int_equal(strlen(text), kinds[k].len);
        assert_memory_equal(text, kinds[k].prefix, strlen(kinds[k].prefix));
        for (int round = 0; round < 500; round++) {
            random_uuid(&seed, uuid);
            kinds[k].write(key, str(uuid), text);
            assert_int_equal(kinds[k].read(key, str(text), read), 1);
            assert_string_equal(read, uuid);
            assert_int_equal(kinds[k].read(other, str(text), read), 0);
        }
    }
}

static void test_no_signature_is_good_for_another_purpose(void **state)
{
    char mac[KINDS][27], text[TOKEN_LOCAL_SIZE], read[37];
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        kinds[k].write(key, str(DELIVERY), text);
        memcpy(mac[k], text + kinds[k].len - 26, 27);
    }
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t m = 0; m < KINDS; m++) {
            kinds[k].write(key, str(DELIVERY), text);
            memcpy(text + kinds[k].len - 26, mac[m], 27);
            assert_int_equal(kinds[k].read(key, str(text), read), k == m);
        }
    }
}

static void test_every_other_letter_is_refused(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567ABCXYZ0189+.-@ =\n";
    char text[TOKEN_LOCAL_SIZE], changed[TOKEN_LOCAL_SIZE], read[37];
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        kinds[k].write(key, str(DELIVERY), text);
        for (size_t i = 0; i < kinds[k].len; i++) {
            for (const char *c = letters; *c; c++) {
                memcpy(changed, text, sizeof(text));
                changed[i] = *c;
                int same = *c == text[i] || (kinds[k].any_case && *c >= 'A' && *c <= 'Z' && text[i] == *c + 32);
                assert_int_equal(kinds[k].read(key, str(changed), read), same);
            }
        }
        for (size_t i = 0; i < kinds[k].len; i++)
            assert_int_equal(kinds[k].read(key, (struct belfry_str){text, i}, read), 0);
    }
}

static void test_addresses_as_servers_write_them(void **state)
{
    char text[TOKEN_LOCAL_SIZE], address[200], read[37];
    (void)state;
    verp_write(key, str(DELIVERY), text);
    snprintf(address, sizeof(address), "%s@bounce.hub.example", text);
    assert_true(verp_read(key, str(address), read));
    for (char *c = address; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    read[0] = 0;
    assert_true(verp_read(key, str(address), read));
    assert_string_equal(read, DELIVERY);
    assert_false(verp_read(key, str(""), read));
    assert_false(verp_read(key, str("@"), read));
    assert_false(verp_read(key, (struct belfry_str){NULL, 0}, read));
    assert_false(unsub_read(key, str(address), read));
}

static void test_what_is_no_delivery_has_no_address(void **state)
{
    static const char *const ids[] = {"", "1", "01939F4C-8A2B-7C3D-9E4F-5A6B7C8D9E0F",
                                      "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0g", "01939f4c08a2b-7c3d-9e4f-5a6b7c8d9e0f"};
    char text[TOKEN_LOCAL_SIZE], id[TOKEN_MESSAGE_ID_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        verp_write(key, str(ids[i]), text);
        assert_string_equal(text, "");
        unsub_write(key, str(ids[i]), text);
        assert_string_equal(text, "");
        message_id_write(key, str(ids[i]), "hub.example", id);
        assert_string_equal(id, "");
    }
}

static void test_a_thread_is_one_recipients_subject(void **state)
{
    static const char *const who[][4] = {
        {"acme", "ann", "deals", "approval/1"},   {"acme", "ann", "deals", "approval/2"},
        {"acme", "ann", "other", "approval/1"},   {"acme", "bob", "deals", "approval/1"},
        {"globex", "ann", "deals", "approval/1"}, {"acme", "annd", "eals", "approval/1"}};
    char id[6][TOKEN_MESSAGE_ID_SIZE], again[TOKEN_MESSAGE_ID_SIZE], read[37];
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        thread_id_write(key, str(who[i][0]), str(who[i][1]), str(who[i][2]), str(who[i][3]), "hub.example", id[i]);
        thread_id_write(key, str(who[i][0]), str(who[i][1]), str(who[i][2]), str(who[i][3]), "hub.example", again);
        assert_string_equal(id[i], again);
        assert_memory_equal(id[i], "t.", 2);
        assert_false(message_id_read(key, str(id[i]), read));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(id[i], id[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_says_who_and_what),
        cmocka_unit_test(test_a_token_counts_in_its_org_and_under_its_key),
        cmocka_unit_test(test_a_token_has_one_spelling),
        cmocka_unit_test(test_what_is_no_token),
        cmocka_unit_test(test_the_longest_names_fit),
        cmocka_unit_test(test_each_delivery_comes_back),
        cmocka_unit_test(test_no_signature_is_good_for_another_purpose),
        cmocka_unit_test(test_every_other_letter_is_refused),
        cmocka_unit_test(test_addresses_as_servers_write_them),
        cmocka_unit_test(test_what_is_no_delivery_has_no_address),
        cmocka_unit_test(test_a_thread_is_one_recipients_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
