/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `standard` is the payload as it is stored. The other formats are made of the item; what they carry of the payload,
 * its member `data`, is copied as it stands there, because numbers and the order of members would not survive a parser.
 *
 * CloudEvents 1.0.2: `source` is a reference without scheme and host, so that an event keeps its identity (source and
 * id) when the hub moves to another address between two attempts.
 */
#include "compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *severity_of(const struct belfry_item *item)
{
    static const char *const names[] = {"info", "success", "warning", "error", "critical"};
    return item->severity < sizeof(names) / sizeof(names[0]) ? names[item->severity] : "info";
}

/* --- the payload's own data --------------------------------------------------------------------------------------- */

/* Past the string that begins at `at`. */
static size_t skip_string(struct belfry_str s, size_t at)
{
    for (at++; at < s.len && s.ptr[at] != '"'; at++)
        if (s.ptr[at] == '\\')
            at++;
    return at < s.len ? at + 1 : s.len;
}

/* Past a value: to the comma or brace that ends it, on its own level. */
static size_t skip_value(struct belfry_str s, size_t at)
{
    int depth = 0;
    while (at < s.len) {
        char c = s.ptr[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            break;
        if (c == '"') {
            at = skip_string(s, at);
            continue;
        }
        depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        at++;
    }
    return at;
}

static size_t skip_blanks(struct belfry_str s, size_t at)
{
    while (at < s.len && strchr(" \t\r\n", s.ptr[at]))
        at++;
    return at;
}

/* Where the value of the member `data` of an object lies; 0: there is none. The payload is well-formed: the hub wrote
 * it. */
static int find_data(struct belfry_str s, size_t *from, size_t *to)
{
    size_t at = skip_blanks(s, 0) + 1;
    while ((at = skip_blanks(s, at)) < s.len && s.ptr[at] == '"') {
        size_t name = at, end = skip_string(s, at), value = skip_blanks(s, skip_blanks(s, end) + 1);
        at = skip_value(s, value);
        if (end - name == 6 && memcmp(s.ptr + name, "\"data\"", 6) == 0) {
            *from = value;
            *to = at;
            while (*to > *from && strchr(" \t\r\n", s.ptr[*to - 1]))
                (*to)--;
            return *to > *from;
        }
        at++;
    }
    return 0;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static struct belfry_str own(struct composed *c, struct text *text)
{
    if (!text->ptr)
        return (struct belfry_str){0};
    c->owned[c->owned_count++] = text->ptr;
    return text_str(text);
}

static void member(struct text *out, const char *name, struct belfry_str value)
{
    text_addz(out, out->len && out->ptr[out->len - 1] != '{' ? "," : "");
    text_string(out, belfry_str(name));
    text_addz(out, ":");
    text_string(out, value);
}

static void header(struct composed *c, const char *name, struct belfry_str value)
{
    c->headers[c->header_count++] = (struct belfry_attr){belfry_str(name), value};
}

/* The source's own path in the API of the hub. */
static void write_source(const struct belfry_item *item, struct text *out)
{
    text_addz(out, "/v1/");
    text_encoded(out, item->org);
    text_addz(out, "/sources/");
    text_encoded(out, item->source);
}

/* --- formats ------------------------------------------------------------------------------------------------------ */

static void compose_standard(const struct belfry_item *item, struct composed *c)
{
    header(c, "Content-Type", belfry_str("application/json"));
    c->to = item->payload.len;
    c->body = item->payload;
}

static void compose_thin(const struct composing *with, const struct belfry_item *item, struct composed *c)
{
    struct text out = {0}, url = {0};
    char time[BELFRY_TIME_SIZE];
    with->calendar->format_time(item->time_ms, time);
    text_add(&url, with->site.ptr, with->site.len);
    text_addz(&url, "/v1/");
    text_encoded(&url, item->org);
    text_addz(&url, "/events/");
    text_encoded(&url, item->event_id);
    text_addz(&out, "{");
    member(&out, "type", item->type);
    member(&out, "timestamp", belfry_str(time));
    text_addz(&out, ",\"data\":{");
    member(&out, "id", item->event_id);
    member(&out, "org", item->org);
    member(&out, "source", item->source);
    member(&out, "subject", item->subject);
    member(&out, "category", item->category);
    member(&out, "severity", belfry_str(severity_of(item)));
    member(&out, "url", text_str(&url));
    text_addz(&out, item->flags & BELFRY_ITEM_TEST ? ",\"test\":true}}" : "}}");
    free(url.ptr);
    header(c, "Content-Type", belfry_str("application/json"));
    c->before = c->body = own(c, &out);
}

/* Attributes of the event but for datacontenttype, in the order in which they go out. */
struct attribute {
    const char *name;
    struct belfry_str value;
};

#define ATTRIBUTES 9

static void attributes(const struct composing *with, const struct belfry_item *item, struct text *source,
                       char time[BELFRY_TIME_SIZE], struct attribute out[ATTRIBUTES])
{
    write_source(item, source);
    with->calendar->format_time(item->time_ms, time);
    const struct attribute all[ATTRIBUTES] = {
        {"specversion", belfry_str("1.0")},
        {"id", item->event_id},
        {"source", text_str(source)},
        {"type", item->type},
        {"subject", item->subject},
        {"time", belfry_str(time)},
        {"org", item->org},
        {"category", item->category},
        {"severity", belfry_str(severity_of(item))},
    };
    memcpy(out, all, sizeof(all));
}

static void compose_structured(const struct composing *with, const struct belfry_item *item, struct composed *c)
{
    struct text out = {0}, source = {0};
    struct attribute all[ATTRIBUTES];
    char time[BELFRY_TIME_SIZE];
    attributes(with, item, &source, time, all);
    text_addz(&out, "{");
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (all[i].value.len)
            member(&out, all[i].name, all[i].value);
    member(&out, "datacontenttype", belfry_str("application/json"));
    text_addz(&out, ",\"data\":");
    size_t before = out.len;
    if (find_data(item->payload, &c->from, &c->to))
        text_add(&out, item->payload.ptr + c->from, c->to - c->from);
    else
        text_addz(&out, "null");
    size_t after = c->to > c->from ? out.len : before;
    text_addz(&out, "}");
    free(source.ptr);
    /* npm's library takes exactly this spelling */
    header(c, "Content-Type", belfry_str("application/cloudevents+json; charset=utf-8"));
    c->body = own(c, &out);
    c->before = (struct belfry_str){c->body.ptr, c->to > c->from ? before : c->body.len};
    c->after = c->to > c->from ? (struct belfry_str){c->body.ptr + after, c->body.len - after} : (struct belfry_str){0};
}

/* Blank, quote, percent and what is not visible ASCII as %XX (CloudEvents HTTP binding 1.0.2, section 3.1.3.2). */
static struct belfry_str header_text(struct composed *c, struct belfry_str s)
{
    struct text out = {0};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];
        char code[4];
        if (byte > ' ' && byte < 0x7f && byte != '"' && byte != '%')
            text_add(&out, s.ptr + i, 1);
        else
            text_add(&out, code, (size_t)snprintf(code, sizeof(code), "%%%02X", byte));
    }
    return own(c, &out);
}

static void compose_binary(const struct composing *with, const struct belfry_item *item, struct composed *c)
{
    static const char *const names[ATTRIBUTES] = {"ce-specversion", "ce-id",  "ce-source",   "ce-type",    "ce-subject",
                                                  "ce-time",        "ce-org", "ce-category", "ce-severity"};
    struct text source = {0};
    struct attribute all[ATTRIBUTES];
    char time[BELFRY_TIME_SIZE];
    attributes(with, item, &source, time, all);
    header(c, "Content-Type", belfry_str("application/json"));
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (all[i].value.len)
            header(c, names[i], header_text(c, all[i].value));
    free(source.ptr);
    c->before = c->body = belfry_str("null");
    if (find_data(item->payload, &c->from, &c->to)) {
        c->body = (struct belfry_str){item->payload.ptr + c->from, c->to - c->from};
        c->before = (struct belfry_str){0};
    }
}

void compose(const struct composing *with, enum format format, const struct belfry_item *item, struct composed *out)
{
    *out = (struct composed){0};
    switch (format) {
    case FORMAT_THIN:
        compose_thin(with, item, out);
        break;
    case FORMAT_CLOUDEVENTS_STRUCTURED:
        compose_structured(with, item, out);
        break;
    case FORMAT_CLOUDEVENTS_BINARY:
        compose_binary(with, item, out);
        break;
    default:
        compose_standard(item, out);
    }
}

void composed_free(struct composed *c)
{
    for (size_t i = 0; i < c->owned_count; i++)
        free(c->owned[i]);
    *c = (struct composed){0};
}
