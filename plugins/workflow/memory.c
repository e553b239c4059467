/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a record, read into scratch memory and seen through a view like everything else. The text is
 * written in save.c, so this reader is small; it still believes nothing: whatever is not the JSON it expects is no
 * state. Reading is on the way of every update, hence no tree on the heap: texts are slices of the state's own bytes,
 * and fields, which are written in byte order, are found by halving.
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 80 /* the hub's limit of 64, and ours around it */

/* One value; of a member its key too. */
struct item {
    struct belfry_str key;
    struct belfry_value value; /* node of containers: the struct items */
};

struct items {
    struct item *items;
    uint32_t count, cap;
    int sorted; /* keys in byte order, each once */
};

struct workflow_memory {
    struct belfry_view view;
    struct belfry_value root;
};

struct reader {
    struct belfry_txn *txn;
    const char *p, *end;
    int depth, *failed; /* *failed: the scratch memory ended */
};

static void *alloc(struct reader *r, size_t size)
{
    void *memory = r->txn->api->alloc(r->txn, size);
    if (!memory)
        *r->failed = 1;
    return memory;
}

static int compare(struct belfry_str a, struct belfry_str b)
{
    int cmp = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return cmp ? cmp : (a.len > b.len) - (a.len < b.len);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return 0;
    r->p++;
    return 1;
}

static int take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return 0;
    r->p += len;
    return 1;
}

/* What follows a backslash. Only control characters are written as \u, so one byte is enough. */
static int escape_of(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    int value = 0;
    if (r->p == r->end)
        return -1;
    const char *at = *r->p ? strchr(names, *r->p) : NULL;
    if (at) {
        r->p++;
        return bytes[at - names];
    }
    if (!take(r, 'u') || r->end - r->p < 4)
        return -1;
    for (int i = 0; i < 4; i++, r->p++) {
        char c = *r->p;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value < 0x80 ? value : -1;
}

static int read_string(struct reader *r, struct belfry_str *out)
{
    if (!take(r, '"'))
        return 0;
    const char *begin = r->p;
    while (r->p < r->end && *r->p != '"' && *r->p != '\\')
        r->p++;
    *out = (struct belfry_str){begin, (size_t)(r->p - begin)};
    if (take(r, '"'))
        return 1;
    const char *quote = r->p; /* the copy is never longer than what is left */
    while (quote < r->end && *quote != '"')
        quote += *quote == '\\' ? 2 : 1;
    if (quote >= r->end)
        return 0;
    char *copy = alloc(r, (size_t)(quote - begin) + 1);
    if (!copy)
        return 0;
    memcpy(copy, begin, out->len);
    while (r->p < quote) {
        int c = (unsigned char)*r->p++;
        if (c == '\\' && (c = escape_of(r)) < 0)
            return 0;
        copy[out->len++] = (char)c;
    }
    out->ptr = copy;
    return take(r, '"');
}

static int read_number(struct reader *r, struct belfry_value *out)
{
    char copy[40], *rest;
    size_t len = 0;
    while (r->p + len < r->end && strchr("+-.0123456789eE", r->p[len]) && r->p[len])
        if (++len == sizeof(copy))
            return 0;
    memcpy(copy, r->p, len);
    copy[len] = '\0';
    r->p += len;
    errno = 0;
    if (strpbrk(copy, ".eE")) {
        out->type = BELFRY_VALUE_REAL;
        out->d = strtod(copy, &rest);
    } else {
        out->type = BELFRY_VALUE_INT;
        out->i = strtoll(copy, &rest, 10);
    }
    return len > 0 && *rest == '\0' && (errno == 0 || out->type == BELFRY_VALUE_REAL);
}

static uint32_t next_cap(uint32_t cap)
{
    return cap ? cap * 2 : 2; /* most containers inside of fields are small */
}

size_t workflow_container_weight(uint32_t count)
{
    size_t weight = sizeof(struct items);
    for (uint32_t cap = 0; cap < count;) {
        cap = next_cap(cap);
        weight += cap * sizeof(struct item);
    }
    return weight;
}

static struct item *add(struct reader *r, struct items *list)
{
    if (list->count == list->cap) {
        uint32_t cap = next_cap(list->cap);
        struct item *grown = alloc(r, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->cap = cap;
    }
    struct item *item = &list->items[list->count++];
    *item = (struct item){{NULL, 0}, {.type = BELFRY_VALUE_MISSING}};
    return item;
}

static int read_value(struct reader *r, struct belfry_value *out);

static int read_items(struct reader *r, char end, struct items *list)
{
    if (take(r, end))
        return 1;
    do {
        struct item *item = add(r, list);
        if (!item || (end == '}' && (!read_string(r, &item->key) || !take(r, ':'))) || !read_value(r, &item->value))
            return 0;
        if (end == '}' && list->count > 1 && compare(item[-1].key, item->key) >= 0)
            list->sorted = 0;
    } while (take(r, ','));
    return take(r, end);
}

static int read_container(struct reader *r, char end, uint32_t type, struct belfry_value *out)
{
    struct items *list = alloc(r, sizeof(*list));
    if (!list || r->depth == MAX_DEPTH)
        return 0;
    *list = (struct items){.sorted = 1};
    r->depth++;
    int ok = read_items(r, end, list);
    r->depth--;
    out->type = type;
    out->count = list->count;
    out->node = list;
    return ok;
}

static int read_value(struct reader *r, struct belfry_value *out)
{
    if (r->p == r->end)
        return 0;
    switch (*r->p) {
    case '"':
        out->type = BELFRY_VALUE_STRING;
        return read_string(r, &out->s);
    case '{':
        r->p++;
        return read_container(r, '}', BELFRY_VALUE_OBJECT, out);
    case '[':
        r->p++;
        return read_container(r, ']', BELFRY_VALUE_ARRAY, out);
    case 't':
    case 'f':
        out->type = BELFRY_VALUE_BOOL;
        out->i = *r->p == 't';
        return take_word(r, out->i ? "true" : "false");
    case 'n':
        out->type = BELFRY_VALUE_NULL;
        return take_word(r, "null");
    default:
        return read_number(r, out);
    }
}

/* --- the view ----------------------------------------------------------------------------------------------------- */

static const struct item *find(const struct belfry_value *object, struct belfry_str key)
{
    const struct items *list = object->node;
    size_t low = 0, high = object->type == BELFRY_VALUE_OBJECT ? list->count : 0;
    while (low < high) {
        size_t mid = list->sorted ? (low + high) / 2 : low;
        int cmp = compare(list->items[mid].key, key);
        if (cmp == 0)
            return &list->items[mid];
        if (!list->sorted || cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void give(const struct item *item, struct belfry_value *out)
{
    *out = item ? item->value : (struct belfry_value){.type = BELFRY_VALUE_MISSING};
}

static void memory_root(const struct belfry_view *view, struct belfry_value *out)
{
    *out = ((const struct workflow_memory *)view->impl)->root;
}

static void memory_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                       struct belfry_value *out)
{
    (void)view;
    give(find(object, key), out);
}

static const struct item *nth(const struct belfry_value *container, uint32_t type, uint32_t index)
{
    const struct items *list = container->node;
    return container->type == type && index < list->count ? &list->items[index] : NULL;
}

static void memory_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                      struct belfry_value *out)
{
    (void)view;
    give(nth(array, BELFRY_VALUE_ARRAY, index), out);
}

static void memory_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                          struct belfry_str *key, struct belfry_value *out)
{
    const struct item *item = nth(object, BELFRY_VALUE_OBJECT, index);
    (void)view;
    *key = item ? item->key : (struct belfry_str){NULL, 0};
    give(item, out);
}

/* --- the record --------------------------------------------------------------------------------------------------- */

const struct workflow_memory *workflow_record_load(struct belfry_txn *txn, struct belfry_str text, int *failed)
{
    struct reader r = {.txn = txn, .p = text.ptr, .end = text.ptr + text.len, .failed = failed};
    struct workflow_memory *memory = alloc(&r, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->root = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
    memory->view =
        (struct belfry_view){sizeof(memory->view), 0, memory, memory_root, memory_get, memory_at, memory_member};
    if (!read_value(&r, &memory->root) || r.p != r.end || memory->root.type != BELFRY_VALUE_OBJECT)
        return NULL;
    return memory;
}

static struct belfry_str recalled(const struct workflow_memory *memory, const char *key)
{
    const struct item *item = find(&memory->root, belfry_str(key));
    return item && item->value.type == BELFRY_VALUE_STRING ? item->value.s : (struct belfry_str){NULL, 0};
}

void workflow_record_recall(struct workflow_record *record, const struct workflow_memory *memory)
{
    const struct item *fields = find(&memory->root, belfry_str("fields"));
    record->owner = recalled(memory, "owner");
    record->created_by = recalled(memory, "created_by");
    record->url = recalled(memory, "url");
    if (fields)
        workflow_record_layer(record, &memory->view, &fields->value);
}
