/* SPDX-License-Identifier: Apache-2.0 */
/* What the hub can say of a value it says itself: absent, or of another type. Here is what this source asks besides. */
#include "read.h"

#include <stdio.h>
#include <strings.h>

#define ID_MAX 256
#define LINK_MAX 2048
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

struct belfry_str sync_read_username(struct sync_read *r, const char *pointer, int required)
{
    struct belfry_str name = sync_read_text(r, pointer, required);
    struct belfry_person person = {.struct_size = sizeof(person)};
    if (name.ptr && r->txn->api->user(r->txn, name, &person) == BELFRY_EINVAL) {
        sync_refuse(r, pointer, "must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters");
        return none;
    }
    return name;
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

/* --- links -------------------------------------------------------------------------------------------------------- */

static int is_unsafe(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i], next = i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0xff;
        if (c <= 0x20 || c == 0x7f || c == '\\' || (c == 0xc2 && next < 0xa0))
            return 1;
    }
    return 0;
}

/* What stands between "//" and the path, without whatever names a user. */
static int has_host(struct belfry_str rest)
{
    size_t len = 0, from = 0;
    while (len < rest.len && !memchr("/?#", rest.ptr[len], 3))
        len++;
    for (size_t i = 0; i < len; i++)
        from = rest.ptr[i] == '@' ? i + 1 : from;
    if (from < len && rest.ptr[from] == '[')
        return memchr(rest.ptr + from, ']', len - from) != NULL && rest.ptr[from + 1] != ']';
    return from < len && rest.ptr[from] != ':';
}

/* As the hub asks it of a link of an event; a path of two slashes is another host to browsers. */
static int is_link(struct belfry_str link)
{
    if (link.len == 0 || link.len > LINK_MAX || is_unsafe(link))
        return 0;
    for (size_t scheme = 7; scheme <= 8; scheme++)
        if (link.len > scheme && strncasecmp(link.ptr, scheme == 7 ? "http://" : "https://", scheme) == 0)
            return has_host((struct belfry_str){link.ptr + scheme, link.len - scheme});
    size_t path = 0;
    while (path < link.len && link.ptr[path] != '?' && link.ptr[path] != '#')
        path++;
    return link.ptr[0] == '/' && !memmem(link.ptr, path, "//", 2);
}

struct belfry_str sync_read_link(struct sync_read *r, const char *pointer, int required)
{
    struct belfry_str link = sync_read_text(r, pointer, required);
    if (link.ptr && !is_link(link)) {
        sync_refuse(r, pointer, "must be http, https or a path, of at most 2048 bytes");
        return none;
    }
    return link;
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
