/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics as JSON: lines for tools, an array for the API. Version 1 of the form; members are only ever added. */
#include "yaml/diag_set.h"

#include "base/json.h"

#define FORM_VERSION 1

static json_t *text_or_null(const char *z)
{
    if (!z)
        return json_null();
    json_t *value = json_string(z);
    return value ? value : json_string("?");
}

static void add_place(const struct diag_set *set, json_t *object, struct diag_span span)
{
    const struct positions *p = diag_positions(set, span.file);
    json_object_set_new(object, "file", text_or_null(diag_file_name(set, span.file)));
    if (!p || span.line == 0) {
        json_object_set_new(object, "line", json_null());
        json_object_set_new(object, "col", json_null());
        return;
    }
    struct diag_span end = diag_span_at(set, span.file, span.end, span.end);
    json_object_set_new(object, "line", json_integer(span.line));
    json_object_set_new(object, "col", json_integer(span.col));
    json_object_set_new(object, "end_line", json_integer(end.line));
    json_object_set_new(object, "end_col", json_integer(end.col));
    json_object_set_new(object, "byte_start", json_integer(span.begin));
    json_object_set_new(object, "byte_end", json_integer(span.end));
}

static json_t *one(struct diag_set *set, const struct diag *d)
{
    json_t *object = json_object();
    json_object_set_new(object, "v", json_integer(FORM_VERSION));
    json_object_set_new(object, "code", json_string(d->code));
    json_object_set_new(object, "severity", json_string(diag_severity_text(d->severity)));
    json_object_set_new(object, "message", text_or_null(d->message));
    add_place(set, object, d->span);
    json_object_set_new(object, "path", text_or_null(d->path));
    json_object_set_new(object, "label", text_or_null(d->label));
    json_object_set_new(object, "help", text_or_null(d->help));
    json_t *suggestion = json_null();
    /* A replacement repeats what it replaces: never for what must not be shown. */
    if (d->replacement && !diag_is_redacted(set, d->span)) {
        suggestion = json_object();
        json_object_set_new(suggestion, "replacement", text_or_null(d->replacement));
        json_object_set_new(suggestion, "applicability", json_string("machine"));
    }
    json_object_set_new(object, "suggestion", suggestion);
    json_t *related = json_array();
    for (const struct diag_related *r = d->related; r; r = r->next) {
        json_t *item = json_object();
        add_place(set, item, r->span);
        json_object_set_new(item, "label", text_or_null(r->label));
        json_array_append_new(related, item);
    }
    json_object_set_new(object, "related", related);
    return object;
}

void diag_render_json(struct diag_set *set, struct buf *out)
{
    for (size_t i = 0; i < diag_total(set); i++) {
        json_t *object = one(set, diag_get(set, i));
        json_write(object, out);
        json_decref(object);
        buf_addc(out, '\n');
    }
    buf_addf(out, "{\"v\":%d,\"summary\":{\"errors\":%zu,\"warnings\":%zu,\"files\":%zu}}\n", FORM_VERSION,
             diag_count(set, DIAG_ERROR), diag_count(set, DIAG_WARNING), diag_files(set));
}

json_t *diag_to_json(struct diag_set *set)
{
    json_t *array = json_array();
    for (size_t i = 0; i < diag_total(set); i++)
        json_array_append_new(array, one(set, diag_get(set, i)));
    return array;
}
