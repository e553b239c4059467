/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of an endpoint. Its fields become what the API takes, and the API alone says what is wrong: a number that is
 * none goes there as the text that was typed, and comes back with its fault beside it. So a form that was refused shows
 * what was typed, with each fault at the field that its pointer leads to.
 */
#include "portal/internal.h"

#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 200
#define HEADERS_MAX 40
#define HEADERS_SPARE 3 /* empty rows for more */

static const char *const formats[] = {"standard", "thin", "cloudevents-structured", "cloudevents-binary", NULL};
static const char *const orders[] = {"best-effort", "fifo", NULL};

const char *const form_fields[] = {"url",        "description", "types", "when", "headers",
                                   "metadata",   "format",      "order", "rate", "concurrency",
                                   "signatures", "handshake",   NULL};

/* --- from the form ------------------------------------------------------------------------------------------------ */

static int ticked(struct page *page, const char *name)
{
    struct belfry_str value;
    return http_form(page->req, name, 0, &value) == BELFRY_OK;
}

static json_t *text_or_null(struct belfry_str text)
{
    return text.len ? json_stringn(text.ptr, text.len) : json_null();
}

static json_t *number_or_text(struct belfry_str text)
{
    int64_t number;
    return text.len && str_to_i64(text, &number) == BELFRY_OK ? json_integer(number) : text_or_null(text);
}

static void add_words(json_t *list, struct belfry_str text)
{
    while (text.len) {
        size_t n = 0;
        while (n < text.len && !strchr(" ,;\t\r\n", text.ptr[n]))
            n++;
        if (n)
            json_array_append_new(list, json_stringn(text.ptr, n));
        n += n < text.len;
        text = str_slice(text.ptr + n, text.len - n);
    }
}

static json_t *types_of(struct page *page)
{
    json_t *list = json_array();
    struct belfry_str type;
    if (str_eqz(page_field(page, "which"), "every")) {
        json_array_append_new(list, json_string("*"));
        return list;
    }
    for (uint32_t i = 0; i < TYPES_MAX && http_form(page->req, "types", i, &type) == BELFRY_OK; i++)
        json_array_append_new(list, json_stringn(type.ptr, type.len));
    add_words(list, page_field(page, "more_types"));
    return list;
}

static int header_at(struct page *page, uint32_t i, struct belfry_str *name, struct belfry_str *value)
{
    if (http_form(page->req, "header", i, name) != BELFRY_OK || http_form(page->req, "value", i, value) != BELFRY_OK)
        return 0;
    *name = str_trim(*name);
    *value = str_trim(*value);
    return 1;
}

/* Of a name that is there twice one value would be lost. */
static json_t *headers_of(struct page *page, json_t *faults)
{
    json_t *headers = json_object();
    struct belfry_str name, value;
    for (uint32_t i = 0; i < HEADERS_MAX && header_at(page, i, &name, &value); i++) {
        const char *key = arena_printf(page->req->arena, "%.*s", STR_ARG(name));
        if (!name.len && !value.len)
            continue;
        if (json_object_get(headers, key))
            form_fault(faults, "/headers", name, page_text(page, "slip.twice"));
        json_set_str(headers, key, value);
    }
    return headers;
}

static json_t *signatures_of(struct page *page)
{
    json_t *list = json_array();
    struct belfry_str one;
    for (uint32_t i = 0; i < 4 && http_form(page->req, "signatures", i, &one) == BELFRY_OK; i++)
        json_array_append_new(list, json_stringn(one.ptr, one.len));
    return list;
}

static json_t *when_of(struct page *page, json_t *faults)
{
    const char *wrong = NULL;
    json_t *when = NULL;
    struct belfry_str text = page_field(page, "when");
    if (when_read(page, text, &when, &wrong) == 0)
        return when ? when : json_null();
    json_array_append_new(faults, json_pack("{s:s, s:s}", "pointer", "/when", "detail", wrong));
    return text_or_null(text);
}

json_t *form_read(struct page *page, json_t **faults)
{
    json_t *out = json_object();
    *faults = json_array();
    json_object_set_new(out, "url", text_or_null(page_field(page, "url")));
    json_object_set_new(out, "description", text_or_null(page_field(page, "description")));
    json_object_set_new(out, "types", types_of(page));
    json_object_set_new(out, "when", when_of(page, *faults));
    json_object_set_new(out, "headers", headers_of(page, *faults));
    json_object_set_new(out, "metadata", metadata_read(page, page_field(page, "metadata"), *faults));
    json_object_set_new(out, "format", text_or_null(page_field(page, "format")));
    json_object_set_new(out, "rate", number_or_text(page_field(page, "rate")));
    json_object_set_new(out, "concurrency", number_or_text(page_field(page, "concurrency")));
    json_object_set_new(out, "order", text_or_null(page_field(page, "order")));
    json_object_set_new(out, "signatures", signatures_of(page));
    json_object_set_new(out, "handshake", json_boolean(ticked(page, "handshake")));
    return out;
}

json_t *form_of(const json_t *endpoint)
{
    json_t *out = json_object();
    for (const char *const *name = form_fields; *name; name++) {
        json_t *value = json_object_get(endpoint, *name);
        json_object_set_new(out, *name, value ? json_deep_copy(value) : json_null());
    }
    return out;
}

/* --- to the page -------------------------------------------------------------------------------------------------- */

const char *form_when_text(struct page *page, const json_t *when)
{
    if (json_is_string(when))
        return json_string_value(when);
    return json_is_object(when) || json_is_array(when) ? page_pretty(page, when) : "";
}

/* A number, or what was typed instead of one. */
static void set_number(struct page *page, json_t *form, const char *name, const json_t *value)
{
    const char *text = json_is_integer(value)
                           ? arena_printf(page->req->arena, "%lld", (long long)json_integer_value(value))
                           : json_string_value(value);
    json_object_set_new(form, name, json_string(text ? text : ""));
}

static json_t *options_json(struct page *page, const char *group, const char *const *choices, const json_t *now)
{
    json_t *list = json_array();
    for (; *choices; choices++) {
        json_t *option = json_object();
        json_object_set_new(option, "value", json_string(*choices));
        json_set_str(option, "label", page_word(page, group, *choices));
        json_object_set_new(option, "selected", json_boolean(str_eqz(json_str(now), *choices)));
        json_array_append_new(list, option);
    }
    return list;
}

static int has(const json_t *list, const char *text)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        if (str_eqz(json_str(item), text))
            return 1;
    }
    return 0;
}

/* The group of a source, new when it has none yet. Borrowed. */
static json_t *group_of(json_t *groups, const json_t *source)
{
    json_t *group;
    size_t i;
    json_array_foreach(groups, i, group)
    {
        if (json_equal(json_object_get(group, "source"), source))
            return group;
    }
    group = json_object();
    json_object_set(group, "source", (json_t *)(uintptr_t)source);
    json_object_set_new(group, "types", json_array());
    json_array_append_new(groups, group);
    return group;
}

/* The catalogue by source, with a tick at what is chosen. */
static json_t *groups_json(const json_t *catalogue, const json_t *chosen)
{
    json_t *groups = json_array(), *type;
    size_t i;
    json_array_foreach(json_object_get(catalogue, "items"), i, type)
    {
        const char *name = json_string_value(json_object_get(type, "type"));
        if (!name || json_is_false(json_object_get(type, "webhooks")))
            continue;
        json_t *one = json_object();
        json_object_set_new(one, "type", json_string(name));
        json_object_set(one, "doc", json_object_get(type, "doc"));
        json_object_set_new(one, "checked", json_boolean(has(chosen, name)));
        json_array_append_new(json_object_get(group_of(groups, json_object_get(type, "source")), "types"), one);
    }
    return groups;
}

static int is_offered(const json_t *groups, const char *name)
{
    json_t *group, *type;
    size_t i, k;
    json_array_foreach(groups, i, group)
    {
        json_array_foreach(json_object_get(group, "types"), k, type)
        {
            if (str_eqz(json_str(json_object_get(type, "type")), name))
                return 1;
        }
    }
    return 0;
}

static void set_types(json_t *form, const json_t *chosen, const json_t *catalogue)
{
    json_t *groups = groups_json(catalogue, chosen), *type;
    int every = has(chosen, "*");
    struct buf more = {0};
    size_t i;
    json_array_foreach(chosen, i, type)
    {
        const char *name = json_string_value(type);
        if (name && strcmp(name, "*") != 0 && !is_offered(groups, name))
            buf_addf(&more, "%s%s", more.len ? " " : "", name);
    }
    json_object_set_new(form, "every", json_boolean(every));
    json_object_set_new(form, "groups", groups);
    json_set_str(form, "more_types", buf_str(&more));
    buf_free(&more);
}

static void add_row(json_t *rows, const json_t *name, const json_t *value)
{
    json_t *row = json_object();
    json_object_set(row, "name", (json_t *)(uintptr_t)name);
    json_object_set(row, "value", (json_t *)(uintptr_t)value);
    json_object_set_new(row, "number", json_integer((json_int_t)json_array_size(rows) + 1));
    json_array_append_new(rows, row);
}

/* rows: taken. */
static void set_rows(json_t *form, json_t *rows)
{
    for (int i = 0; i < HEADERS_SPARE; i++)
        add_row(rows, json_null(), json_null());
    json_object_set_new(form, "rows", rows);
}

static void set_headers(json_t *form, const json_t *headers)
{
    json_t *rows = json_array(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)headers, name, value)
    {
        json_t *text = json_string(name);
        add_row(rows, text, value);
        json_decref(text);
    }
    set_rows(form, rows);
}

void form_keep_typed(struct page *page)
{
    json_t *form = json_object_get(page->model, "form"), *rows = json_array();
    struct belfry_str name, value;
    for (uint32_t i = 0; i < HEADERS_MAX && header_at(page, i, &name, &value); i++) {
        json_t *texts[] = {json_stringn(name.ptr, name.len), json_stringn(value.ptr, value.len)};
        if (name.len || value.len)
            add_row(rows, texts[0], texts[1]);
        json_decref(texts[0]);
        json_decref(texts[1]);
    }
    set_rows(form, rows);
    json_set_str(form, "when", page_field(page, "when"));
    json_set_str(form, "metadata", page_field(page, "metadata"));
}

void form_show(struct page *page, const json_t *values, const json_t *catalogue, const json_t *faults)
{
    json_t *form = json_object(), *signatures = json_object_get(values, "signatures");
    const json_t *format = json_object_get(values, "format"), *order = json_object_get(values, "order");
    json_object_set(form, "url", json_object_get(values, "url"));
    json_object_set(form, "description", json_object_get(values, "description"));
    set_types(form, json_object_get(values, "types"), catalogue);
    json_object_set_new(form, "when", json_string(form_when_text(page, json_object_get(values, "when"))));
    set_headers(form, json_object_get(values, "headers"));
    json_object_set_new(form, "metadata", json_string(metadata_write(page, json_object_get(values, "metadata"))));
    json_object_set_new(form, "formats", options_json(page, "format", formats, format));
    json_object_set_new(form, "orders", options_json(page, "order", orders, order));
    set_number(page, form, "rate", json_object_get(values, "rate"));
    set_number(page, form, "concurrency", json_object_get(values, "concurrency"));
    json_object_set_new(form, "v1", json_boolean(has(signatures, "v1")));
    json_object_set_new(form, "v1a", json_boolean(has(signatures, "v1a")));
    json_object_set_new(form, "handshake", json_boolean(json_is_true(json_object_get(values, "handshake"))));
    faults_show(page, form, values, faults);
    json_set_str(form, "action", page->req->pub.path);
    json_object_set_new(
        form, "cancel",
        json_string(http_param(page->req, "id").len
                        ? arena_printf(page->req->arena, "%s%s", page_base(page), endpoint_page(page, ""))
                        : page_base(page)));
    json_object_set_new(page->model, "form", form);
}
