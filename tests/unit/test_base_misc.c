/* SPDX-License-Identifier: Apache-2.0 */
/* Status and errors, heap helpers, arena, list, hash table. */
#include "base/arena.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* --- status ------------------------------------------------------------------------------------------------------- */

static void every_status_has_name_and_text(void **state)
{
    (void)state;
    for (int i = 0; i < BELFRY_STATUS_COUNT; i++) {
        assert_string_not_equal(status_text(-i), "unknown status");
        assert_string_not_equal(status_name(-i), "UNKNOWN");
    }
    assert_string_equal(status_name(BELFRY_ECONFLICT), "ECONFLICT");
    assert_string_equal(status_text(BELFRY_ENOTFOUND), "not found");
    assert_string_equal(status_text(-BELFRY_STATUS_COUNT), "unknown status");
    assert_string_equal(status_text(1), "unknown status");
    assert_string_equal(status_name(INT32_MIN), "UNKNOWN");
}

static void an_error_holds_faults_and_attributes(void **state)
{
    (void)state;
    struct error err = {0}, other = {0};
    assert_string_equal(error_text(&err), "ok");
    err.status = BELFRY_EIO;
    assert_string_equal(error_text(&err), "input or output error");
    char *line = error_line(&err);
    assert_string_equal(line, "input or output error");
    free(line);
    assert_int_equal(error_set(&err, BELFRY_ECONFLICT, "/data/id", "record %d is %s", 7, "closed"), BELFRY_ECONFLICT);
    assert_int_equal(error_set(&err, BELFRY_EINVAL, NULL, "second"), BELFRY_EINVAL);
    line = error_line(&err);
    assert_string_equal(line, "/data/id: record 7 is closed");
    free(line);
    assert_int_equal(err.status, BELFRY_ECONFLICT); /* of the first fault */
    assert_int_equal(err.count, 2);
    assert_string_equal(error_text(&err), "record 7 is closed");
    assert_string_equal(err.items[0].pointer, "/data/id");
    assert_string_equal(err.items[1].pointer, "");
    error_attr(&err, "handled_by", "alice and more", 5);
    assert_string_equal(err.attrs[0].name, "handled_by");
    assert_string_equal(err.attrs[0].value, "alice");
    error_set(&other, BELFRY_EPERM, "", "goes away");
    error_move(&other, &err);
    assert_int_equal(other.count, 2);
    assert_int_equal(other.attr_count, 1);
    assert_int_equal(err.count + err.attr_count, 0);
    assert_null(err.items);
    assert_int_equal(err.status, BELFRY_OK);
    error_move(&other, &other);
    assert_int_equal(other.count, 2);
    error_clear(&other);
    error_clear(&other);
    error_clear(NULL);
    assert_int_equal(other.status, BELFRY_OK);
    assert_int_equal(error_set(NULL, BELFRY_ELIMIT, "", "%s", "nobody listens"), BELFRY_ELIMIT);
    error_attr(NULL, "a", "b", 1);
}

/* --- heap --------------------------------------------------------------------------------------------------------- */

static void heap_helpers(void **state)
{
    (void)state;
    size_t cap = 0;
    int *numbers = NULL;
    for (int i = 0; i < 1000; i++) {
        numbers = xgrow(numbers, &cap, (size_t)i + 1, sizeof(*numbers));
        assert_true(cap > (size_t)i);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    int *same = xgrow(numbers, &cap, 10, sizeof(*numbers));
    assert_ptr_equal(same, numbers);
    free(numbers);
    char *text = xstrndup("abcdef", 3);
    assert_string_equal(text, "abc");
    free(text);
    text = xstrndup(NULL, 0);
    assert_string_equal(text, "");
    free(text);
    text = xasprintf("%s-%d", "a", 5);
    assert_string_equal(text, "a-5");
    char *copy = xmemdup(text, 4);
    assert_memory_equal(copy, "a-5", 4);
    mem_wipe(copy, 4);
    assert_memory_equal(copy, "\0\0\0\0", 4);
    free(copy);
    free(text);
    unsigned char *zero = xcalloc(10, 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
    free(zero);
    void *empty = xmalloc(0);
    assert_non_null(empty);
    free(empty);
}

static void compares_in_constant_time(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int want;
    } rows[] = {
        {"", "", 1},       {"a", "a", 1},     {"a", "b", 0},      {"a", "", 0},
        {"abc", "abd", 0}, {"xbc", "abc", 0}, {"abc", "abcd", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(mem_equal_ct(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b)), rows[i].want);
    assert_int_equal(mem_equal_ct(NULL, 0, NULL, 0), 1);
    unsigned char a[64] = {0}, b[64] = {0};
    for (int byte = 0; byte < 64; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            b[byte] ^= (unsigned char)(1 << bit);
            assert_int_equal(mem_equal_ct(a, 64, b, 64), 0);
            b[byte] ^= (unsigned char)(1 << bit);
        }
    }
    assert_int_equal(mem_equal_ct(a, 64, b, 64), 1);
}

/* --- arena -------------------------------------------------------------------------------------------------------- */

static void note(void *arg)
{
    struct buf **pair = arg;
    buf_addz(pair[0], pair[1]->ptr);
}

static void fill_and_check(struct arena *arena)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4096, 5000, 300000, 3, 8};
    unsigned char *made[COUNT(sizes)];
    size_t total = 0;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        made[i] = arena_alloc(arena, sizes[i]);
        assert_int_equal((uintptr_t)made[i] % 16, 0);
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(made[i][b], 0);
        memset(made[i], (int)i + 1, sizes[i]);
        total += sizes[i];
        assert_int_equal(arena_used(arena), total);
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(made[i][b], i + 1);
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    static const size_t blocks[] = {0, 16, 64, 4096, 1 << 20};
    for (size_t i = 0; i < COUNT(blocks); i++) {
        struct arena *arena = arena_new(blocks[i]);
        for (int round = 0; round < 3; round++) {
            fill_and_check(arena);
            arena_reset(arena);
            assert_int_equal(arena_used(arena), 0);
        }
        arena_free(arena);
    }
    arena_free(NULL);
}

static void a_reset_keeps_the_first_block(void **state)
{
    (void)state;
    if (getenv("BELFRY_ARENA_MALLOC"))
        skip();
    struct arena *arena = arena_new(1024);
    void *first = arena_alloc(arena, 100);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++)
            arena_alloc(arena, 100);
        arena_reset(arena);
        assert_ptr_equal(arena_alloc(arena, 100), first);
    }
    /* One that is too large for any block leaves the current block in use. */
    char *before = arena_alloc(arena, 16);
    arena_alloc(arena, 100000);
    assert_ptr_equal(arena_alloc(arena, 16), before + 16);
    arena_free(arena);
}

static void arena_copies(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    assert_string_equal(arena_strdup(arena, "abc"), "abc");
    assert_string_equal(arena_strndup(arena, "abcdef", 2), "ab");
    assert_string_equal(arena_strndup(arena, NULL, 0), "");
    struct belfry_str s = arena_str(arena, STR("slice"));
    assert_true(str_eqz(s, "slice"));
    assert_int_equal(s.ptr[s.len], '\0');
    s = arena_str(arena, (struct belfry_str){0});
    assert_int_equal(s.len, 0);
    assert_memory_equal(arena_memdup(arena, "\1\2\3", 3), "\1\2\3", 3);
    assert_string_equal(arena_printf(arena, "%05d|%s", 42, "x"), "00042|x");
    assert_string_equal(arena_printf(arena, "%s", ""), "");
    char *padded = arena_printf(arena, "%10000d", 1);
    assert_int_equal(strlen(padded), 10000);
    arena_free(arena);
}

/* What it held stays, whatever is allocated in between, and so do its neighbours; used is what is handed out. */
static void arena_grows(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024);
    for (int round = 0; round < 3; round++) {
        size_t sizes[] = {4, 8, 100, 1000, 5000, 100000, 3000000}, sum = 0;
        char *grown[2] = {NULL, NULL}, *between = NULL;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t old = i > 0 ? sizes[i - 1] : 0;
            for (int k = 0; k < 2; k++) {
                grown[k] = arena_grow(arena, grown[k], old, sizes[i]);
                assert_int_equal((uintptr_t)grown[k] % 16, 0);
                for (size_t at = 0; at < old; at += 97)
                    assert_int_equal(grown[k][at], 'a' + k);
                memset(grown[k], 'a' + k, sizes[i]);
            }
            assert_true(!between || strcmp(between, "between") == 0);
            between = arena_strdup(arena, "between");
            sum += sizes[i];
        }
        /* A large one moves with its block: the 100,000 bytes are not there twice. */
        assert_in_range(arena_used(arena), 2 * 3000000, 2 * (sum - 100000));
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    arena_free(arena);
}

static void arena_cleans_up_in_reverse(void **state)
{
    (void)state;
    struct buf trace = {0}, names[3] = {{0}};
    struct buf *pairs[3][2];
    struct arena *arena = arena_new(0);
    for (int i = 0; i < 3; i++) {
        buf_addf(&names[i], "%d", i);
        pairs[i][0] = &trace;
        pairs[i][1] = &names[i];
        arena_cleanup(arena, note, pairs[i]);
    }
    arena_reset(arena);
    assert_string_equal(trace.ptr, "210");
    arena_reset(arena);
    assert_string_equal(trace.ptr, "210"); /* once */
    arena_cleanup(arena, note, pairs[1]);
    arena_free(arena);
    assert_string_equal(trace.ptr, "2101");
    buf_free(&trace);
    for (int i = 0; i < 3; i++)
        buf_free(&names[i]);
}

/* --- list --------------------------------------------------------------------------------------------------------- */

struct thing {
    int value;
    struct list node;
};

static void assert_values(struct list *head, const char *want)
{
    struct buf got = {0};
    buf_addz(&got, "");
    LIST_EACH(it, head)
    buf_addf(&got, "%d", LIST_OF(it, struct thing, node)->value);
    assert_string_equal(got.ptr, want);
    buf_free(&got);
}

static void lists_link_and_move(void **state)
{
    (void)state;
    struct list head, other;
    struct thing things[5];
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop_front(&head));
    for (int i = 0; i < 5; i++) {
        things[i].value = i;
        list_init(&things[i].node);
    }
    list_push_back(&head, &things[1].node);
    list_push_back(&head, &things[2].node);
    list_push_front(&head, &things[0].node);
    assert_values(&head, "012");
    list_insert_before(&things[2].node, &things[4].node);
    assert_values(&head, "0142");
    list_remove(&things[1].node);
    list_remove(&things[1].node); /* unlinked: harmless */
    assert_true(list_empty(&things[1].node));
    assert_values(&head, "042");
    LIST_EACH_SAFE(it, &head)
    if (LIST_OF(it, struct thing, node)->value == 4)
        list_remove(it);
    assert_values(&head, "02");
    list_move(&other, &head);
    assert_true(list_empty(&head));
    assert_values(&other, "02");
    list_push_back(&other, &things[3].node);
    assert_values(&other, "023");
    assert_ptr_equal(list_pop_front(&other), &things[0].node);
    assert_true(list_empty(&things[0].node));
    list_move(&other, &head); /* an empty one */
    assert_true(list_empty(&other));
}

/* --- hash table --------------------------------------------------------------------------------------------------- */

static void hash_sets_gets_and_deletes(void **state)
{
    (void)state;
    int a, b;
    struct hash *h = hash_new();
    assert_null(hash_get(h, STR("x")));
    assert_null(hash_del(h, STR("x")));
    char name[] = "key";
    assert_null(hash_set(h, str_of(name), &a));
    name[0] = 'K'; /* the key was copied */
    assert_ptr_equal(hash_get(h, STR("key")), &a);
    assert_ptr_equal(hash_set(h, STR("key"), &b), &a);
    assert_int_equal(hash_count(h), 1);
    assert_null(hash_set(h, STR("key\0tail"), &a)); /* bytes, not C strings */
    assert_null(hash_set(h, (struct belfry_str){0}, &a));
    assert_ptr_equal(hash_get(h, STR("")), &a);
    assert_int_equal(hash_count(h), 3);
    assert_ptr_equal(hash_del(h, STR("key")), &b);
    assert_null(hash_get(h, STR("key")));
    assert_ptr_equal(hash_get(h, STR("key\0tail")), &a);
    hash_free(h, NULL);
    hash_free(NULL, free);
}

/* A small random history against an array that is the truth. */
static void hash_stands_churn(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 60000 };
    char *truth[KEYS] = {0};
    uint32_t seed = 12345;
    struct hash *h = hash_new();
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        char name[16];
        seed = seed * 1664525u + 1013904223u;
        int k = (int)(seed >> 8) % KEYS;
        int add = (seed >> 28) < (step / 10000 % 2 ? 4u : 12u); /* grows and shrinks in turns */
        snprintf(name, sizeof(name), "k%d", k);
        char *before = truth[k];
        truth[k] = add ? xasprintf("%d", step) : NULL;
        void *got = add ? hash_set(h, str_of(name), truth[k]) : hash_del(h, str_of(name));
        assert_ptr_equal(got, before);
        count += (size_t)(add && !before);
        count -= (size_t)(!add && before);
        assert_int_equal(hash_count(h), count);
        free(before);
        if (step % 1000 != 0)
            continue;
        for (k = 0; k < KEYS; k++) {
            snprintf(name, sizeof(name), "k%d", k);
            assert_ptr_equal(hash_get(h, str_of(name)), truth[k]);
        }
    }
    size_t pos = 0, seen = 0;
    struct belfry_str key;
    void *value;
    while (hash_next(h, &pos, &key, &value)) {
        assert_ptr_equal(truth[atoi(key.ptr + 1)], value);
        seen++;
    }
    assert_int_equal(seen, count);
    hash_free(h, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_name_and_text),
        cmocka_unit_test(an_error_holds_faults_and_attributes),
        cmocka_unit_test(heap_helpers),
        cmocka_unit_test(compares_in_constant_time),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(a_reset_keeps_the_first_block),
        cmocka_unit_test(arena_copies),
        cmocka_unit_test(arena_grows),
        cmocka_unit_test(arena_cleans_up_in_reverse),
        cmocka_unit_test(lists_link_and_move),
        cmocka_unit_test(hash_sets_gets_and_deletes),
        cmocka_unit_test(hash_stands_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
