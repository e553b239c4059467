/* SPDX-License-Identifier: Apache-2.0 */
/* What the hub can say of a value it says itself: absent, or of another type. Here is what this source asks besides. */
#include "read.h"

#include <stdio.h>

#define ID_MAX 256
#define KIND_MAX 64

static const struct belfry_str none = {NULL, 0};

void sync_refuse(struct sync_read *r, const char *pointer, const char *fault)
{
    char full[96];
    snprintf(full, sizeof(full), "/data%s", pointer);
    r->sync->host->fail(r->err, BELFRY_EINVAL, full, "%s", fault);
    r->refused = 1;
}

static int is_there(const struct sync_read *r, const char *pointer)
{
    struct belfry_value value;
    return r->txn->api->value_get(r->txn, r->trigger, pointer, &value) == BELFRY_OK &&
           value.type != BELFRY_VALUE_MISSING && value.type != BELFRY_VALUE_NULL;
}

struct belfry_str sync_read_text(struct sync_read *r, const char *pointer, int required)
{
    struct belfry_str text = none;
    if (!required && !is_there(r, pointer))
        return none;
    if (r->txn->api->value_str(r->txn, r->trigger, pointer, &text, r->err) == BELFRY_OK)
        return text.ptr ? text : (struct belfry_str){"", 0};
    r->refused = 1;
    return none;
}

static int has_control(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return 1;
    return 0;
}

struct belfry_str sync_read_id(struct sync_read *r, const char *pointer)
{
    struct belfry_str id = sync_read_text(r, pointer, 1);
    if (!id.ptr)
        return none;
    if (id.len == 0 || id.len > ID_MAX)
        sync_refuse(r, pointer, id.len ? "is longer than 256 bytes" : "is empty");
    else if (has_control(id))
        sync_refuse(r, pointer, "has a control character");
    else if (sync_same(id, ".") || sync_same(id, ".."))
        sync_refuse(r, pointer, "must not be . or .., which mean another place in a URL");
    return id;
}

/* A string that the hub judges. */
static struct belfry_str judged(struct sync_read *r, const char *pointer, int required,
                                belfry_status (*judge)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
                                                       const char *pointer, struct belfry_str *out,
                                                       struct belfry_error *err))
{
    struct belfry_str text = none;
    if (!required && !is_there(r, pointer))
        return none;
    if (judge(r->txn, r->trigger, pointer, &text, r->err) == BELFRY_OK)
        return text;
    r->refused = 1;
    return none;
}

struct belfry_str sync_read_username(struct sync_read *r, const char *pointer, int required)
{
    return judged(r, pointer, required, r->txn->api->value_username);
}

int sync_is_kind(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return 0;
    }
    return s.len > 0 && s.len <= KIND_MAX;
}

struct belfry_str sync_read_kind(struct sync_read *r, const char *pointer, int required)
{
    struct belfry_str kind = sync_read_text(r, pointer, required);
    if (kind.ptr && !sync_is_kind(kind)) {
        sync_refuse(r, pointer, "must be a word of 1 to 64 of a-z, 0-9, _ and -");
        return none;
    }
    return kind;
}

struct belfry_str sync_read_link(struct sync_read *r, const char *pointer, int required)
{
    return judged(r, pointer, required, r->txn->api->value_link);
}

/* --- numbers and words -------------------------------------------------------------------------------------------- */

int64_t sync_read_count(struct sync_read *r, const char *pointer)
{
    int64_t n = 0;
    if (r->txn->api->value_int(r->txn, r->trigger, pointer, &n, r->err) != BELFRY_OK)
        r->refused = 1;
    else if (n < 0)
        sync_refuse(r, pointer, "must not be negative");
    return n;
}

int sync_read_word(struct sync_read *r, const char *pointer, const char *const *words, int required, const char *fault)
{
    struct belfry_str text = sync_read_text(r, pointer, required);
    for (int i = 0; text.ptr && words[i]; i++)
        if (words[i][0] && sync_same(text, words[i]))
            return i;
    if (text.ptr)
        sync_refuse(r, pointer, fault);
    return -1;
}
