/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plain word means: the core schema of YAML 1.2 (section 10.3.2), minus the spellings of numbers about which
 * readers of 1.1 and 1.2 disagree; those stay text, and where a number is wanted they are an error instead of a guess.
 */
#include "yaml/tree.h"

#include <strings.h>

static int is_one_of(struct belfry_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eqz(text, words[i]))
            return 1;
    }
    return 0;
}

static size_t digits(struct belfry_str text, size_t at)
{
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    return at;
}

/* [-+]? digits, [. digits], [e [-+]? digits], with a digit before or after the point. */
static enum yaml_scalar classify_number(struct belfry_str text)
{
    size_t begin = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t at = digits(text, begin);
    size_t whole = at - begin, part = 0;
    int is_float = 0;
    if (whole > 1 && text.ptr[begin] == '0')
        return YAML_STRING;
    if (at < text.len && text.ptr[at] == '.') {
        size_t end = digits(text, at + 1);
        part = end - at - 1;
        at = end;
        is_float = 1;
    }
    if (whole + part == 0)
        return YAML_STRING;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < text.len && (text.ptr[exponent] == '-' || text.ptr[exponent] == '+'))
            exponent++;
        at = digits(text, exponent);
        if (at == exponent)
            return YAML_STRING;
        is_float = 1;
    }
    if (at != text.len)
        return YAML_STRING;
    return is_float ? YAML_FLOAT : YAML_INT;
}

enum yaml_scalar yaml_classify(struct belfry_str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    static const char *const floats[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                         "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};
    if (is_one_of(text, nulls, sizeof(nulls) / sizeof(nulls[0])))
        return YAML_NULL;
    if (is_one_of(text, booleans, sizeof(booleans) / sizeof(booleans[0])))
        return YAML_BOOL;
    if (is_one_of(text, floats, sizeof(floats) / sizeof(floats[0])))
        return YAML_FLOAT;
    return classify_number(text);
}

int yaml_boolean_word(struct belfry_str text, int *value)
{
    static const char *const words[] = {"no", "yes", "off", "on", "n", "y", "false", "true"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text.len == strlen(words[i]) && strncasecmp(text.ptr, words[i], text.len) == 0) {
            *value = i % 2 != 0;
            return 1;
        }
    }
    return 0;
}

/* Digits of a base, with underscores; 1 when at least one digit and nothing else. */
static int read_base(struct belfry_str text, int base, int64_t *out)
{
    int64_t value = 0;
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;
        if (c == '_' && i > 0)
            continue;
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return 0;
        count++;
    }
    *out = value;
    return count > 0;
}

/* 1:30 is 90 in YAML 1.1, 1:00:00 is 3600. */
static int read_sexagesimal(struct belfry_str text, int64_t *out)
{
    int64_t value = 0;
    size_t groups = 0;
    for (struct belfry_str rest = text; rest.ptr; groups++) {
        struct belfry_str group = str_cut(rest, ':', &rest);
        int64_t part;
        if (group.len == 0 || (groups > 0 && group.len > 2) || memchr(group.ptr, '_', group.len) ||
            !read_base(group, 10, &part) || (groups > 0 && part > 59) || __builtin_mul_overflow(value, 60, &value) ||
            __builtin_add_overflow(value, part, &value))
            return 0;
    }
    *out = value;
    return groups > 1;
}

int yaml_number_word(struct belfry_str text, int64_t *decimal)
{
    int negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = str_slice(text.ptr + 1, text.len - 1);
    if (text.len < 2 || text.ptr[0] < '0' || text.ptr[0] > '9')
        return 0;
    int64_t value;
    struct belfry_str tail = str_slice(text.ptr + 2, text.len - 2);
    int found = 0;
    if (text.ptr[0] == '0' && (text.ptr[1] | 32) == 'x')
        found = read_base(tail, 16, &value);
    else if (text.ptr[0] == '0' && (text.ptr[1] | 32) == 'o')
        found = read_base(tail, 8, &value);
    else if (text.ptr[0] == '0' && (text.ptr[1] | 32) == 'b')
        found = read_base(tail, 2, &value);
    else if (memchr(text.ptr, ':', text.len))
        found = read_sexagesimal(text, &value);
    else if (text.ptr[0] == '0')
        found = read_base(text, 8, &value) || read_base(text, 10, &value);
    else if (memchr(text.ptr, '_', text.len))
        found = read_base(text, 10, &value);
    if (found)
        *decimal = negative ? -value : value;
    return found;
}
