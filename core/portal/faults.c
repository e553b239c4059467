/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a form, in the reader's words: where (the word of a list, the header, the line), then a text of
 * `wrong` for the field that the fault's pointer leads to. The API's own words are English; they are added where a
 * field can be wrong in so many ways that the text alone would leave somebody guessing.
 */
#include "portal/internal.h"

#include <string.h>

static const char *const guessing[] = {"url", "when", "headers"};

/* The member that a pointer leads into, when the form shows it; NULL: it does not. */
static const char *field_of(struct belfry_str pointer)
{
    struct belfry_str rest,
        name = str_cut(pointer.len ? str_slice(pointer.ptr + 1, pointer.len - 1) : pointer, '/', &rest);
    for (const char *const *field = form_fields; *field; field++)
        if (str_eqz(name, *field))
            return *field;
    return NULL;
}

/* A pointer's token as it was before it became one (RFC 6901 section 4). */
static struct belfry_str unescaped(struct page *page, struct belfry_str token)
{
    char *text = arena_strndup(page->req->arena, token.ptr, token.len);
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++) {
        int escaped = text[i] == '~' && i + 1 < token.len;
        text[len++] = !escaped ? text[i] : text[++i] == '1' ? '/' : '~';
    }
    return str_slice(text, len);
}

/* The line of a form's metadata that has the name. */
static struct belfry_str line_of(struct page *page, struct belfry_str name)
{
    int64_t number = metadata_line(page, page_field(page, "metadata"), name);
    return number ? page_count_text(page, "slip.line", number) : name;
}

/* Where in its field a fault is; empty: it is the field as a whole. */
static struct belfry_str where_of(struct page *page, const json_t *values, struct belfry_str pointer, const char *field)
{
    size_t skip = field ? strlen(field) + 2 : 1;
    if (pointer.len <= skip)
        return STR("");
    struct belfry_str below = str_slice(pointer.ptr + skip, pointer.len - skip);
    if (!field || strcmp(field, "when") == 0)
        return below;
    if (strcmp(field, "metadata") == 0)
        return line_of(page, unescaped(page, below));
    struct belfry_str word = json_str(json_at(values, arena_printf(page->req->arena, "%.*s", STR_ARG(pointer))));
    return json_is_array(json_object_get(values, field)) && word.len ? word : unescaped(page, below);
}

/* A key of `wrong`. Of two of them what is wrong shows in the value. */
static const char *key_of(struct page *page, const json_t *values, struct belfry_str pointer, const char *field)
{
    const json_t *value = json_at(values, arena_printf(page->req->arena, "%.*s", STR_ARG(pointer)));
    if (!field)
        return "other";
    if (strcmp(field, "url") == 0 && !json_is_string(value))
        return "url_missing";
    if (strcmp(field, "headers") == 0 && str_eqz(json_str(value), "***"))
        return "headers_masked";
    return field;
}

static int leaves_guessing(const char *key)
{
    for (size_t i = 0; i < sizeof(guessing) / sizeof(guessing[0]); i++)
        if (strcmp(guessing[i], key) == 0)
            return 1;
    return strcmp(key, "other") == 0;
}

void form_fault(json_t *faults, const char *pointer, struct belfry_str where, struct belfry_str said)
{
    json_t *fault = json_object();
    json_object_set_new(fault, "pointer", json_string(pointer));
    json_set_str(fault, "where", where);
    json_set_str(fault, "said", said);
    json_array_append_new(faults, fault);
}

/* One as the page shows it. New reference. */
static json_t *shown(struct page *page, const json_t *values, const json_t *fault, const char *field)
{
    struct belfry_str pointer = json_str(json_object_get(fault, "pointer"));
    json_t *one = json_object(), *said = json_object_get(fault, "said");
    const char *key = key_of(page, values, pointer, field);
    if (field) {
        json_object_set_new(one, "field", json_string(field));
        json_set_str(one, "label", page_word(page, "form", field));
    }
    json_set_str(one, "where",
                 said ? json_str(json_object_get(fault, "where")) : where_of(page, values, pointer, field));
    json_set_str(one, "said", said ? json_str(said) : page_word(page, "wrong", key));
    if (!said && leaves_guessing(key))
        json_object_set(one, "detail", json_object_get(fault, "detail"));
    return one;
}

/* Those of a field (NULL: of none that the form has) go to the summary, and to the field. */
static void add_faults(struct page *page, json_t *form, const json_t *values, const json_t *faults, const char *field)
{
    json_t *here = json_array(), *fault;
    size_t i;
    json_array_foreach(faults, i, fault)
    {
        if (field_of(json_str(json_object_get(fault, "pointer"))) == field)
            json_array_append_new(here, shown(page, values, fault, field));
    }
    json_array_extend(json_object_get(page->model, "faults"), here);
    if (field && json_array_size(here)) {
        json_object_set(json_object_get(form, "at"), field, here);
        json_object_set_new(json_object_get(form, "has_at"), field, json_true());
    }
    json_decref(here);
}

void faults_show(struct page *page, json_t *form, const json_t *values, const json_t *faults)
{
    json_object_set_new(page->model, "has_faults", json_boolean(json_array_size(faults) > 0));
    json_object_set_new(page->model, "faults", json_array());
    json_object_set_new(form, "at", json_object());
    json_object_set_new(form, "has_at", json_object());
    for (const char *const *field = form_fields; *field; field++)
        add_faults(page, form, values, faults, *field);
    add_faults(page, form, values, faults, NULL);
}

void refusal_show(struct page *page, uint32_t status, const json_t *problem)
{
    struct belfry_str said = page_refusal(page, status);
    json_t *refused = json_object();
    json_set_str(refused, "said", said.len ? said : page_text(page, "refused.other"));
    json_object_set(refused, "detail", json_object_get(problem, "detail"));
    json_object_set_new(page->model, "refused", refused);
}
