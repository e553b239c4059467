/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer goes over views, so a value of the trigger reaches state or event without a tree being built. Numbers keep
 * their kind: a real is written with a point or an exponent, in the fewest digits that read back as the same number.
 */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 512
#define SMALL_OBJECT 8

static int reserve(struct workflow_text *text, size_t more)
{
    if (text->failed)
        return 0;
    if (text->ptr && text->len + more <= text->cap)
        return 1;
    size_t cap = text->ptr ? text->cap * 2 : text->cap > FIRST_SIZE ? text->cap : FIRST_SIZE;
    while (cap < text->len + more)
        cap *= 2;
    char *grown = text->txn->api->alloc(text->txn, cap);
    if (!grown) {
        text->failed = 1;
        return 0;
    }
    if (text->len)
        memcpy(grown, text->ptr, text->len);
    text->ptr = grown;
    text->cap = cap;
    return 1;
}

void workflow_text_add(struct workflow_text *text, const char *ptr, size_t len)
{
    if (len == 0 || !reserve(text, len))
        return;
    memcpy(text->ptr + text->len, ptr, len);
    text->len += len;
}

void workflow_text_addz(struct workflow_text *text, const char *z)
{
    workflow_text_add(text, z, strlen(z));
}

static void add_escape(struct workflow_text *text, unsigned char c)
{
    char escape[8];
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof(escape), "\\%c", c);
    else if (c == '\n')
        strcpy(escape, "\\n");
    else if (c == '\t')
        strcpy(escape, "\\t");
    else
        snprintf(escape, sizeof(escape), "\\u%04x", c);
    workflow_text_addz(text, escape);
}

void workflow_text_str(struct workflow_text *text, struct belfry_str s)
{
    size_t begin = 0;
    workflow_text_add(text, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        workflow_text_add(text, s.ptr + begin, i - begin);
        add_escape(text, c);
        begin = i + 1;
    }
    if (s.len > begin)
        workflow_text_add(text, s.ptr + begin, s.len - begin);
    workflow_text_add(text, "\"", 1);
}

static void add_real(struct workflow_text *text, double d)
{
    char number[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(number, sizeof(number), "%.*g", digits, d);
        if (strtod(number, NULL) == d)
            break;
    }
    char *comma = strchr(number, ','); /* the process may run in a locale that writes one */
    if (comma)
        *comma = '.';
    workflow_text_addz(text, number);
    if (!strpbrk(number, ".e"))
        workflow_text_addz(text, ".0");
}

const struct workflow_member *workflow_members(struct belfry_txn *txn, const struct belfry_view *view,
                                               const struct belfry_value *object, uint32_t *count, int *failed)
{
    *count = 0;
    if (object->type != BELFRY_VALUE_OBJECT || object->count == 0)
        return NULL;
    struct workflow_member *members = txn->api->alloc(txn, object->count * sizeof(*members));
    if (!members) {
        *failed = 1;
        return NULL;
    }
    for (uint32_t i = 0; i < object->count; i++)
        view->member(view, object, i, &members[i].key, &members[i].value);
    *count = object->count;
    return members;
}

static void add_member(struct workflow_text *text, const struct belfry_view *view, int first, struct belfry_str key,
                       const struct belfry_value *value)
{
    if (!first)
        workflow_text_add(text, ",", 1);
    workflow_text_str(text, key);
    workflow_text_add(text, ":", 1);
    workflow_text_value(text, view, value);
}

static void add_object(struct workflow_text *text, const struct belfry_view *view, const struct belfry_value *object)
{
    uint32_t count = object->count;
    const struct workflow_member *members = NULL;
    if (count > SMALL_OBJECT) /* a few are found again quickly, and need no memory */
        members = workflow_members(text->txn, view, object, &count, &text->failed);
    text->weight += workflow_container_weight(count);
    workflow_text_add(text, "{", 1);
    for (uint32_t i = 0; i < count && !text->failed; i++) {
        struct workflow_member one;
        if (!members)
            view->member(view, object, i, &one.key, &one.value);
        add_member(text, view, i == 0, members ? members[i].key : one.key, members ? &members[i].value : &one.value);
    }
    workflow_text_add(text, "}", 1);
}

static void add_array(struct workflow_text *text, const struct belfry_view *view, const struct belfry_value *array)
{
    text->weight += workflow_container_weight(array->count);
    workflow_text_add(text, "[", 1);
    for (uint32_t i = 0; i < array->count && !text->failed; i++) {
        struct belfry_value item;
        view->at(view, array, i, &item);
        if (i)
            workflow_text_add(text, ",", 1);
        workflow_text_value(text, view, &item);
    }
    workflow_text_add(text, "]", 1);
}

void workflow_text_value(struct workflow_text *text, const struct belfry_view *view, const struct belfry_value *value)
{
    char number[24];
    switch (value->type) {
    case BELFRY_VALUE_BOOL:
        workflow_text_addz(text, value->i ? "true" : "false");
        break;
    case BELFRY_VALUE_INT:
        snprintf(number, sizeof(number), "%" PRId64, value->i);
        workflow_text_addz(text, number);
        break;
    case BELFRY_VALUE_REAL:
        add_real(text, value->d);
        break;
    case BELFRY_VALUE_STRING:
        workflow_text_str(text, value->s);
        break;
    case BELFRY_VALUE_ARRAY:
        add_array(text, view, value);
        break;
    case BELFRY_VALUE_OBJECT:
        add_object(text, view, value);
        break;
    default:
        workflow_text_addz(text, "null");
    }
}
