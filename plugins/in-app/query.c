/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter grammar of inbox URLs: q, severity, category, source (repeatable), status, read, limit, before. Written
 * back in one order with defaults left out, so that equal filters have equal URLs.
 */
#include "query.h"

#include <stdlib.h>

static const char *const severities[] = {"critical", "error", "warning", "success", "info"};

int query_is_severity(struct belfry_str name)
{
    for (size_t i = 0; i < 5; i++)
        if (name.len == strlen(severities[i]) && memcmp(name.ptr, severities[i], name.len) == 0)
            return 1;
    return 0;
}

static int is(struct belfry_str s, const char *z)
{
    return s.len == strlen(z) && memcmp(s.ptr, z, s.len) == 0;
}

static int has(const struct belfry_str *items, size_t count, struct belfry_str one)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].len == one.len && memcmp(items[i].ptr, one.ptr, one.len) == 0)
            return 1;
    return 0;
}

static int is_name(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return 0;
    return s.len > 0 && s.len <= 128;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    struct query *query;
    const struct belfry_http_request *req;
    query_get get;
    const char *bad, *why;
};

static void complain(struct reader *r, const char *name, const char *why)
{
    if (r->bad)
        return;
    r->bad = name;
    r->why = why;
}

/* The i-th value: 1, 0 when there is none, and -1 after a complaint. */
static int value(struct reader *r, const char *name, uint32_t i, struct belfry_str *out)
{
    belfry_status status = r->get(r->req, name, i, out);
    if (status == BELFRY_OK)
        return 1;
    if (status != BELFRY_ENOTFOUND)
        complain(r, name, "is not well-formed UTF-8 in percent-encoding");
    return status == BELFRY_ENOTFOUND ? 0 : -1;
}

/* Of a parameter that stands once: which of two was meant is anybody's guess. */
static int single(struct reader *r, const char *name, struct belfry_str *out)
{
    struct belfry_str second;
    int found = value(r, name, 0, out);
    if (found > 0 && r->get(r->req, name, 1, &second) != BELFRY_ENOTFOUND) {
        complain(r, name, "is given more than once");
        return -1;
    }
    return found;
}

static void read_names(struct reader *r, const char *name, int (*good)(struct belfry_str), const char *why,
                       struct belfry_str *items, size_t max, size_t *count)
{
    struct belfry_str one;
    int found;
    for (uint32_t i = 0; (found = value(r, name, i, &one)) != 0; i++) {
        if (found < 0 || has(items, *count, one))
            continue;
        if (!good(one))
            complain(r, name, why);
        else if (*count == max)
            complain(r, name, "has more than 50 values");
        else
            items[(*count)++] = one;
    }
}

/* One of two words; the first is the default. */
static int read_choice(struct reader *r, const char *name, const char *first, const char *second, const char *why)
{
    struct belfry_str one;
    if (single(r, name, &one) <= 0 || is(one, first))
        return 0;
    if (is(one, second))
        return 1;
    complain(r, name, why);
    return 0;
}

static void read_limit(struct reader *r, uint32_t limit)
{
    struct belfry_str one;
    r->query->limit = limit;
    if (single(r, "limit", &one) <= 0)
        return;
    uint32_t n = 0;
    for (size_t i = 0; i < one.len && n <= QUERY_LIMIT_MAX; i++)
        n = one.ptr[i] >= '0' && one.ptr[i] <= '9' ? n * 10 + (uint32_t)(one.ptr[i] - '0') : QUERY_LIMIT_MAX + 1;
    if (n < 1 || n > QUERY_LIMIT_MAX)
        complain(r, "limit", "must be a number from 1 to 200");
    else
        r->query->limit = n;
}

static int rank(const struct belfry_str *name)
{
    int i = 0;
    while (i < 5 && !is(*name, severities[i]))
        i++;
    return i;
}

static int by_rank(const void *a, const void *b)
{
    return rank(a) - rank(b);
}

static int by_bytes(const void *a, const void *b)
{
    const struct belfry_str *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

const char *query_read(struct query *query, const struct belfry_http_request *req, query_get get, uint32_t limit,
                       const char **why)
{
    struct reader r = {query, req, get, NULL, NULL};
    memset(query, 0, sizeof(*query));
    if (single(&r, "q", &query->q) < 0) {
        query->q.len = 0;
    } else if (query->q.len > QUERY_TEXT_MAX) {
        complain(&r, "q", "is longer than 300 bytes");
        query->q.len = 0;
    }
    read_names(&r, "severity", query_is_severity, "must be info, success, warning, error or critical", query->severity,
               5, &query->severity_count);
    read_names(&r, "category", is_name, "is no name of a category", query->category, QUERY_NAMES_MAX,
               &query->category_count);
    read_names(&r, "source", is_name, "is no name of a source", query->source, QUERY_NAMES_MAX, &query->source_count);
    query->hidden = read_choice(&r, "status", "active", "hidden", "must be active or hidden");
    query->unread = read_choice(&r, "read", "all", "unread", "must be unread or all");
    read_limit(&r, limit);
    if (single(&r, "before", &query->before) <= 0)
        query->before.len = 0;
    qsort(query->severity, query->severity_count, sizeof(query->severity[0]), by_rank);
    qsort(query->category, query->category_count, sizeof(query->category[0]), by_bytes);
    qsort(query->source, query->source_count, sizeof(query->source[0]), by_bytes);
    *why = r.why;
    return r.bad;
}

void query_filter(const struct query *query, struct belfry_inbox_filter *out)
{
    *out = (struct belfry_inbox_filter){
        .struct_size = sizeof(*out),
        .q = query->q,
        .severity = {query->severity, query->severity_count},
        .category = {query->category, query->category_count},
        .source = {query->source, query->source_count},
        .hidden = (uint32_t)query->hidden,
        .unread = (uint32_t)query->unread,
    };
}

int query_is_picked(const struct query *query)
{
    return query->severity_count || query->category_count || query->source_count || query->hidden || query->unread;
}

int query_is_plain(const struct query *query)
{
    return !query->q.len && !query_is_picked(query);
}

static const char *const form_names[] = {"q", "severity", "category", "source", "status", "read", "before", NULL};

static int is_among(struct belfry_str name, const char *const *names)
{
    for (; *names; names++)
        if (is(name, *names))
            return 1;
    return 0;
}

struct belfry_str query_stranger(struct belfry_str raw, const char *const *more)
{
    while (raw.len > 0) {
        const char *end = memchr(raw.ptr, '&', raw.len);
        size_t len = end ? (size_t)(end - raw.ptr) : raw.len;
        const char *equals = memchr(raw.ptr, '=', len);
        struct belfry_str name = {raw.ptr, equals ? (size_t)(equals - raw.ptr) : len};
        if (name.len && !is_among(name, form_names) && !is_among(name, more))
            return name;
        len += end != NULL;
        raw = (struct belfry_str){raw.ptr + len, raw.len - len};
    }
    return (struct belfry_str){NULL, 0};
}

int query_is_form(struct belfry_str raw)
{
    return query_stranger(raw, (const char *const[]){NULL}).len == 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

void query_each(const struct query *query, int with_place,
                void (*fn)(void *arg, const char *name, struct belfry_str value), void *arg)
{
    if (query->q.len)
        fn(arg, "q", query->q);
    for (size_t i = 0; i < query->severity_count; i++)
        fn(arg, "severity", query->severity[i]);
    for (size_t i = 0; i < query->category_count; i++)
        fn(arg, "category", query->category[i]);
    for (size_t i = 0; i < query->source_count; i++)
        fn(arg, "source", query->source[i]);
    if (query->hidden)
        fn(arg, "status", belfry_str("hidden"));
    if (query->unread)
        fn(arg, "read", belfry_str("unread"));
    if (with_place && query->before.len)
        fn(arg, "before", query->before);
}

struct writer {
    struct text *out;
    char next; /* before the next parameter */
};

static void put(void *arg, const char *name, struct belfry_str value)
{
    struct writer *w = arg;
    text_add(w->out, &w->next, 1);
    text_z(w->out, name);
    text_z(w->out, "=");
    text_url(w->out, value);
    w->next = '&';
}

void query_write(const struct query *query, int with_place, char first, struct text *out)
{
    struct writer w = {out, first};
    query_each(query, with_place, put, &w);
}
