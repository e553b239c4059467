/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conditions and documents against a plain model that interprets the condition's JSON on the document's JSON.
 * Also what is claimed without a document must hold on every document: contradictions, required values, covering.
 */
#include "base/json.h"
#include "match/match.h"
#include "chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- chance ------------------------------------------------------------------------------------------------------- */

static uint64_t seed = 1;

static size_t draw(size_t n)
{
    return (size_t)pick(&seed, (int)n);
}

static const char *const texts[] = {"", "a", "b", "ab", "ba", "abc", "A", "aB"};
static const char *const paths[] = {"p", "q", "r.s"};

static json_t *random_scalar(void)
{
    switch (draw(8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(draw(2));
    case 2:
        return json_real(0.5 * (double)draw(8));
    case 3:
    case 4:
        return json_integer((json_int_t)draw(4));
    default:
        return json_string(texts[draw(COUNT(texts))]);
    }
}

static json_t *random_list(json_t *(*item)(void), size_t least)
{
    json_t *list = json_array();

    for (size_t n = least + draw(3); n > 0; n--)
        json_array_append_new(list, item());
    return list;
}

static json_t *random_document(void)
{
    json_t *doc = json_object();

    for (size_t i = 0; i < 2; i++)
        if (draw(5) > 0)
            json_object_set_new(doc, paths[i], draw(4) ? random_scalar() : random_list(random_scalar, 0));
    if (draw(4) > 0)
        json_object_set_new(doc, "r", draw(5) ? json_pack("{s:o}", "s", random_scalar()) : random_scalar());
    return doc;
}

/* --- conditions
 * ------------------------------------------------------------------------------------------------------- */

static json_t *random_test(size_t depth);

static json_t *random_number(void)
{
    return draw(2) ? json_integer((json_int_t)draw(4)) : json_real(0.5 * (double)draw(8));
}

static void add_operator(json_t *test, size_t depth)
{
    static const char *const equal[] = {"eq", "ne"}, *const sets[] = {"in", "not_in"};
    static const char *const parts[] = {"prefix", "suffix", "contains"};
    static const char *const orders[] = {"gt", "gte", "lt", "lte"};
    json_int_t low;

    switch (draw(7)) {
    case 0:
        json_object_set_new(test, equal[draw(2)], random_scalar());
        break;
    case 1:
        json_object_set_new(test, sets[draw(2)], random_list(random_scalar, 1));
        break;
    case 2:
        json_object_set_new(test, parts[draw(3)], json_string(texts[draw(COUNT(texts))]));
        break;
    case 3:
        json_object_set_new(test, orders[draw(4)], random_number());
        break;
    case 4:
        low = (json_int_t)draw(4);
        json_object_set_new(test, "between", json_pack("[I,f]", low, (double)low + 0.5 * (double)draw(4)));
        break;
    case 5:
        json_object_set_new(test, "exists", json_boolean(draw(2)));
        break;
    default:
        if (depth > 0)
            json_object_set_new(test, "not", random_test(depth - 1));
        break;
    }
}

static json_t *random_operators(size_t depth)
{
    json_t *test = json_object();

    while (json_object_size(test) == 0 || draw(3) == 0)
        add_operator(test, depth);
    if (draw(5) == 0)
        json_object_set_new(test, "ignore_case", json_true());
    return test;
}

static json_t *random_test(size_t depth)
{
    json_t *list;

    switch (draw(4)) {
    case 0:
        return random_scalar();
    case 1:
        list = random_list(random_scalar, 0);
        for (size_t n = draw(3); n > 0 || json_array_size(list) == 0; n -= n > 0)
            json_array_append_new(list, random_operators(depth));
        return list;
    default:
        return random_operators(depth);
    }
}

static json_t *random_block(size_t depth)
{
    json_t *block = json_object(), *list;
    size_t n = draw(3);

    if (depth > 0 && draw(6) == 0) {
        list = json_array();
        for (n++; n > 0; n--)
            json_array_append_new(list, random_block(depth - 1));
        json_decref(block);
        return list;
    }
    for (; n > 0; n--)
        json_object_set_new(block, paths[draw(COUNT(paths))], random_test(2));
    if (depth > 0 && draw(2) == 0) {
        list = json_array();
        for (n = 1 + draw(3); n > 0; n--)
            json_array_append_new(list, random_block(depth - 1));
        json_object_set_new(block, draw(2) ? "any" : "all", list);
    }
    if (depth > 0 && draw(4) == 0)
        json_object_set_new(block, "not", random_block(depth - 1));
    return block;
}

/* --- the model
 * -------------------------------------------------------------------------------------------------------- */

static void lower(const char *in, char out[8])
{
    size_t i = 0;

    for (; in[i] != '\0'; i++)
        out[i] = (char)(in[i] >= 'A' && in[i] <= 'Z' ? in[i] + 32 : in[i]);
    out[i] = '\0';
}

static int model_equal(const json_t *a, const json_t *b, int fold)
{
    char x[8], y[8];

    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (!json_is_string(a) || !json_is_string(b) || !fold)
        return json_equal(a, b);
    lower(json_string_value(a), x);
    lower(json_string_value(b), y);
    return strcmp(x, y) == 0;
}

static int model_text(const char *op, const json_t *arg, const json_t *value, int fold)
{
    char a[8], v[8];
    size_t a_len = json_string_length(arg), v_len = json_string_length(value);

    if (!json_is_string(value) || a_len > v_len)
        return 0;
    strcpy(a, json_string_value(arg));
    strcpy(v, json_string_value(value));
    if (fold) {
        lower(json_string_value(arg), a);
        lower(json_string_value(value), v);
    }
    if (strcmp(op, "prefix") == 0)
        return strncmp(v, a, a_len) == 0;
    if (strcmp(op, "suffix") == 0)
        return strcmp(v + v_len - a_len, a) == 0;
    return strstr(v, a) != NULL;
}

/* A positive operator on one value that is no list. */
static int model_item(const char *op, const json_t *arg, const json_t *value, int fold)
{
    double a, v;

    if (strcmp(op, "eq") == 0)
        return value != NULL && model_equal(arg, value, fold);
    if (strcmp(op, "in") == 0) {
        for (size_t i = 0; i < json_array_size(arg); i++)
            if (value != NULL && model_equal(json_array_get(arg, i), value, fold))
                return 1;
        return 0;
    }
    if (json_is_string(arg))
        return model_text(op, arg, value, fold);
    if (!json_is_number(value))
        return 0;
    v = json_number_value(value);
    if (json_is_array(arg))
        return v >= json_number_value(json_array_get(arg, 0)) && v <= json_number_value(json_array_get(arg, 1));
    a = json_number_value(arg);
    return strcmp(op, "gt") == 0 ? v > a : strcmp(op, "gte") == 0 ? v >= a : strcmp(op, "lt") == 0 ? v < a : v <= a;
}

static int model_any_item(const char *op, const json_t *arg, const json_t *value, int fold)
{
    if (!json_is_array(value))
        return model_item(op, arg, value, fold);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (model_item(op, arg, json_array_get(value, i), fold))
            return 1;
    return 0;
}

static int model_test(const json_t *test, const json_t *value, int fold);

static int is_positive(const char *op)
{
    static const char *const others[] = {"ne", "not_in", "not", "exists", "ignore_case"};

    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(op, others[i]) == 0)
            return 0;
    return 1;
}

static int model_positives(const json_t *test, const json_t *item, int fold)
{
    const char *op;
    json_t *arg;

    json_object_foreach((json_t *)(uintptr_t)test, op,
                        arg) if (is_positive(op) && !model_item(op, arg, item, fold)) return 0;
    return 1;
}

static int model_operators(const json_t *test, const json_t *value, int outer)
{
    int fold = json_object_get(test, "ignore_case") != NULL || outer, positives = 0;
    const char *op;
    json_t *arg;

    json_object_foreach((json_t *)(uintptr_t)test, op, arg)
    {
        positives |= is_positive(op);
        if (strcmp(op, "exists") == 0 && (value != NULL) != json_is_true(arg))
            return 0;
        if (strcmp(op, "not") == 0 && model_test(arg, value, fold))
            return 0;
        if (strcmp(op, "ne") == 0 && model_any_item("eq", arg, value, fold))
            return 0;
        if (strcmp(op, "not_in") == 0 && model_any_item("in", arg, value, fold))
            return 0;
    }
    if (!positives || !json_is_array(value))
        return !positives || model_positives(test, value, fold);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (model_positives(test, json_array_get(value, i), fold))
            return 1;
    return 0;
}

static int model_test(const json_t *test, const json_t *value, int fold)
{
    if (json_is_object(test))
        return model_operators(test, value, fold);
    if (!json_is_array(test))
        return model_any_item("eq", test, value, fold);
    for (size_t i = 0; i < json_array_size(test); i++)
        if (model_test(json_array_get(test, i), value, fold))
            return 1;
    return 0;
}

static const json_t *model_path(const json_t *doc, const char *path)
{
    return path[0] == 'r' ? json_object_get(json_object_get(doc, "r"), "s") : json_object_get(doc, path);
}

static int model_block(const json_t *block, const json_t *doc)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(block)) {
        for (i = 0; i < json_array_size(block); i++)
            if (model_block(json_array_get(block, i), doc))
                return 1;
        return 0;
    }
    json_object_foreach((json_t *)(uintptr_t)block, key, value)
    {
        int holds = 1;
        if (strcmp(key, "any") == 0)
            holds = model_block(value, doc);
        else if (strcmp(key, "not") == 0)
            holds = !model_block(value, doc);
        else if (strcmp(key, "all") == 0)
            for (i = 0; i < json_array_size(value) && holds; i++)
                holds = model_block(json_array_get(value, i), doc);
        else
            holds = model_test(value, model_path(doc, key), 0);
        if (!holds)
            return 0;
    }
    return 1;
}

/* --- properties
 * ------------------------------------------------------------------------------------------------------- */

static void fail_case(const char *what, const json_t *block, const json_t *doc)
{
    struct buf out = {0};

    json_write(block, &out);
    buf_addz(&out, " on ");
    json_write(doc, &out);
    fail_msg("%s: %s", what, out.ptr);
}

static void count_step(void *arg, const struct match_step *step)
{
    *(int *)arg += step->result;
}

static void test_model(void **state)
{
    size_t compiled = 0, trues = 0;

    (void)state;
    for (int i = 0; i < 6000; i++) {
        struct arena *arena = arena_new(0);
        json_t *block = random_block(3);
        const struct belfry_condition *cond = match_compile_json(arena, block, NULL, 0, NULL);
        for (int j = 0; j < 12 && cond != NULL; j++) {
            json_t *doc = random_document();
            struct belfry_view view = json_view(doc);
            int steps = 0, expected = model_block(block, doc);
            if (match_eval(cond, &view, NULL, NULL) != expected)
                fail_case("eval differs from the model", block, doc);
            if (match_eval(cond, &view, count_step, &steps) != expected)
                fail_case("the traced eval differs", block, doc);
            trues += (size_t)expected;
            compiled++;
            json_decref(doc);
        }
        json_decref(block);
        arena_free(arena);
    }
    /* the rows must not be all of one kind */
    assert_true(compiled > 20000);
    assert_true(trues > compiled / 10 && trues < compiled - compiled / 10);
}

static void test_contradictions(void **state)
{
    size_t refused = 0;

    (void)state;
    for (int i = 0; i < 6000; i++) {
        struct arena *arena = arena_new(0);
        json_t *block = json_pack("{s:o}", "p", random_operators(0));
        if (match_compile_json(arena, block, NULL, 0, NULL) == NULL) {
            refused++;
            for (int j = 0; j < 40; j++) {
                json_t *doc = random_document();
                if (model_block(block, doc))
                    fail_case("refused as a contradiction, but it holds", block, doc);
                json_decref(doc);
            }
        }
        json_decref(block);
        arena_free(arena);
    }
    assert_true(refused > 300 && refused < 4000);
}

static int has_required(const json_t *value, const struct belfry_str *required, size_t count)
{
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (has_required(json_array_get(value, i), required, count))
            return 1;
    for (size_t i = 0; i < count; i++)
        if (json_is_string(value) && str_eq(json_str(value), required[i]))
            return 1;
    return 0;
}

static json_t *random_text(void)
{
    return json_string(texts[draw(COUNT(texts))]);
}

/* Blocks whose p is often one of a few texts. */
static json_t *random_index_block(void)
{
    json_t *block = random_block(1), *more = json_object();

    json_object_set_new(more, "p", random_list(random_text, 1));
    if (draw(3) == 0) {
        json_object_update(more, block);
        json_decref(block);
        return more;
    }
    return json_pack("{s:[o,o]}", draw(2) ? "any" : "all", block, more);
}

static void test_required(void **state)
{
    size_t checked = 0;

    (void)state;
    for (int i = 0; i < 6000; i++) {
        struct arena *arena = arena_new(0);
        json_t *block = random_index_block();
        const struct belfry_condition *cond = match_compile_json(arena, block, NULL, 0, NULL);
        size_t count = 0;
        const struct belfry_str *required = cond != NULL ? match_required(cond, "p", &count) : NULL;
        for (int j = 0; j < 20 && required != NULL; j++) {
            json_t *doc = random_document();
            int holds = model_block(block, doc);
            if (holds && !has_required(json_object_get(doc, "p"), required, count))
                fail_case("holds without a required value", block, doc);
            checked += (size_t)holds;
            json_decref(doc);
        }
        json_decref(block);
        arena_free(arena);
    }
    assert_true(checked > 1000);
}

static void check_covering(const json_t *a, const json_t *b)
{
    for (int i = 0; i < 30; i++) {
        json_t *doc = random_document();
        if (model_block(b, doc) && !model_block(a, doc))
            fail_case("covered, but the first does not hold", b, doc);
        json_decref(doc);
    }
}

static void test_covers(void **state)
{
    size_t covered = 0;

    (void)state;
    for (int i = 0; i < 40000; i++) {
        struct arena *arena = arena_new(0);
        json_t *a = random_block((size_t)i % 2), *b = random_block((size_t)i % 2);
        const struct belfry_condition *ca = match_compile_json(arena, a, NULL, 0, NULL);
        const struct belfry_condition *cb = match_compile_json(arena, b, NULL, 0, NULL);
        if (ca != NULL && !match_covers(ca, ca))
            fail_case("does not cover itself", a, a);
        if (ca != NULL && cb != NULL && json_object_size(a) + json_array_size(a) > 0 && match_covers(ca, cb)) {
            covered++;
            check_covering(a, b);
        }
        json_decref(a);
        json_decref(b);
        arena_free(arena);
    }
    assert_true(covered > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_covers),
    };
    return cmocka_run_group_tests_name("match model", tests, NULL, NULL);
}
