/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata as people write it: a line for each name and its value, with `=` between them. A program may have set what
 * no such line can say, a name with `=` in it, a value of several lines or with blanks at its ends: that stands in
 * quotes, as in JSON, so what is read back is always what was shown.
 */
#include "portal/internal.h"

#include <stdlib.h>
#include <string.h>

#define FAULTS_MAX 60 /* that are shown: what is no metadata at all can have a fault in every line */

struct line {
    int64_t number;
    struct belfry_str name, value; /* as typed, without blanks around; name.ptr is NULL where there is no `=` */
};

/* --- to text ------------------------------------------------------------------------------------------------------ */

/* Whether a reader would give the same text back. */
static int is_plain(struct belfry_str text, int is_name)
{
    if (str_trim(text).len != text.len || (text.len && text.ptr[0] == '"'))
        return 0;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || (is_name && text.ptr[i] == '='))
            return 0;
    return !is_name || text.len > 0;
}

static void write_part(struct buf *out, struct belfry_str text, int is_name)
{
    if (is_plain(text, is_name)) {
        buf_add(out, text.ptr, text.len);
        return;
    }
    json_t *json = json_stringn(text.ptr, text.len);
    char *quoted = json_dumps(json, JSON_ENCODE_ANY);
    buf_addz(out, quoted ? quoted : "");
    free(quoted);
    json_decref(json);
}

const char *metadata_write(struct page *page, const json_t *metadata)
{
    struct buf out = {0};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)metadata, name, value)
    {
        buf_addz(&out, out.len ? "\n" : "");
        write_part(&out, str_of(name), 1);
        buf_addz(&out, " = ");
        write_part(&out, json_str(value), 0);
    }
    const char *text = arena_strndup(page->req->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

/* --- from text ---------------------------------------------------------------------------------------------------- */

/* The bytes of the quoted text that a line begins with; 0: it begins with none that ends. */
static size_t quoted_len(struct belfry_str line)
{
    if (!line.len || line.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < line.len; i++)
        if (line.ptr[i] == '"')
            return i + 1;
        else if (line.ptr[i] == '\\')
            i++;
    return 0;
}

/* The next line that has something in it; 0: there is none. *rest: what is left; line->number counts on. */
static int next_line(struct belfry_str *rest, struct line *line)
{
    while (rest->ptr) {
        struct belfry_str text = str_trim(str_cut(*rest, '\n', rest));
        size_t skip = quoted_len(text);
        const char *sign = text.len ? memchr(text.ptr + skip, '=', text.len - skip) : NULL;
        line->number++;
        line->name = sign ? str_trim(str_slice(text.ptr, (size_t)(sign - text.ptr))) : (struct belfry_str){NULL, 0};
        if (sign)
            line->value = str_trim(str_slice(sign + 1, text.len - (size_t)(sign + 1 - text.ptr)));
        if (text.len)
            return 1;
    }
    return 0;
}

/* What was meant: the text itself, or what is in its quotes. */
static struct belfry_str meant(struct page *page, struct belfry_str part)
{
    if (!part.len || quoted_len(part) != part.len)
        return part;
    json_t *json = json_loadb(part.ptr, part.len, JSON_DECODE_ANY, NULL);
    struct belfry_str text = json_is_string(json) ? arena_str(page->req->arena, json_str(json)) : part;
    json_decref(json);
    return text;
}

static void fault(struct page *page, json_t *faults, const struct line *line, const char *key)
{
    form_fault(faults, "/metadata", page_count_text(page, "slip.line", line->number), page_text(page, key));
}

json_t *metadata_read(struct page *page, struct belfry_str text, json_t *faults)
{
    json_t *metadata = json_object();
    struct line line = {0};
    size_t most = json_array_size(faults) + FAULTS_MAX;
    while (json_array_size(faults) < most && next_line(&text, &line)) {
        struct belfry_str name = meant(page, line.name);
        const char *key = arena_printf(page->req->arena, "%.*s", STR_ARG(name));
        if (!line.name.ptr)
            fault(page, faults, &line, "slip.no_sign");
        else if (!name.len)
            fault(page, faults, &line, "slip.no_name");
        else if (json_object_get(metadata, key))
            fault(page, faults, &line, "slip.twice");
        else
            json_set_str(metadata, key, meant(page, line.value));
    }
    return metadata;
}

int64_t metadata_line(struct page *page, struct belfry_str text, struct belfry_str name)
{
    struct line line = {0};
    while (next_line(&text, &line))
        if (line.name.ptr && str_eq(meant(page, line.name), name))
            return line.number;
    return 0;
}
