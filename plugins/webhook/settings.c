/* SPDX-License-Identifier: Apache-2.0 */
/* One reader and one writer; whether what people say may be kept is judged by endpoints.c and options.c. */
#include "settings.h"

#include "headers.h"

#include <stdlib.h>
#include <string.h>

const char *const format_names[] = {"standard", "thin", "cloudevents-structured", "cloudevents-binary", NULL};
const char *const signature_names[] = {"v1", "v1a", NULL};

int settings_word(const char *const *words, struct belfry_str word)
{
    for (int i = 0; words[i]; i++)
        if (word.len == strlen(words[i]) && memcmp(words[i], word.ptr, word.len) == 0)
            return i;
    return -1;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static struct belfry_str str_of(const json_t *value)
{
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

static void read_headers(json_t *headers, struct settings *out)
{
    const char *name;
    json_t *value;
    if (!json_object_size(headers))
        return;
    out->headers = calloc(json_object_size(headers), sizeof(*out->headers));
    if (!out->headers)
        abort();
    json_object_foreach(headers, name, value) out->headers[out->header_count++] =
        (struct belfry_attr){belfry_str(name), str_of(value)};
}

static uint32_t read_signatures(const json_t *list)
{
    uint32_t bits = 0;
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        int at = json_is_string(item) ? settings_word(signature_names, str_of(item)) : -1;
        bits |= at >= 0 ? 1u << at : 0;
    }
    return bits;
}

int settings_read(struct belfry_str json, struct settings *out)
{
    *out = (struct settings){.signatures = SIGNATURE_V1};
    if (!json.len || (json.len == 2 && memcmp(json.ptr, "{}", 2) == 0))
        return 0;
    out->doc = json_loadb(json.ptr, json.len, 0, NULL);
    if (!json_is_object(out->doc))
        return -1;
    const json_t *format = json_object_get(out->doc, "format"), *list = json_object_get(out->doc, "signatures");
    int at = json_is_string(format) ? settings_word(format_names, str_of(format)) : 0;
    out->format = at < 0 ? FORMAT_STANDARD : (enum format)at;
    out->signatures = list ? read_signatures(list) : SIGNATURE_V1;
    out->handshake = json_is_true(json_object_get(out->doc, "handshake"));
    read_headers(json_object_get(out->doc, "headers"), out);
    return at < 0 || !out->signatures ? -1 : 0;
}

void settings_free(struct settings *s)
{
    free(s->headers);
    json_decref(s->doc);
    *s = (struct settings){.signatures = SIGNATURE_V1};
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Between members, but not before the first. */
static void begin(struct text *out, const char *name)
{
    if (out->len && out->ptr[out->len - 1] != '{')
        text_addz(out, ",");
    text_string(out, belfry_str(name));
    text_addz(out, ":");
}

static void write_headers(const struct settings *s, int masked, struct text *out)
{
    begin(out, "headers");
    text_addz(out, "{");
    for (size_t i = 0; i < s->header_count; i++) {
        text_addz(out, i ? "," : "");
        text_string(out, s->headers[i].name);
        text_addz(out, ":");
        text_string(out,
                    masked && header_is_secret(s->headers[i].name) ? belfry_str(HEADER_MASK) : s->headers[i].value);
    }
    text_addz(out, "}");
}

static void write_signatures(const struct settings *s, struct text *out)
{
    int count = 0;
    begin(out, "signatures");
    text_addz(out, "[");
    for (int i = 0; signature_names[i]; i++) {
        if (!(s->signatures & 1u << i))
            continue;
        text_addz(out, count++ ? "," : "");
        text_string(out, belfry_str(signature_names[i]));
    }
    text_addz(out, "]");
}

static void write_members(const struct settings *s, int all, struct text *out)
{
    if (all || s->header_count)
        write_headers(s, all, out);
    if (all || s->format != FORMAT_STANDARD) {
        begin(out, "format");
        text_string(out, belfry_str(format_names[s->format]));
    }
    if (all || s->signatures != SIGNATURE_V1)
        write_signatures(s, out);
    if (all || s->handshake) {
        begin(out, "handshake");
        text_addz(out, s->handshake ? "true" : "false");
    }
}

void settings_write(const struct settings *s, struct text *out)
{
    text_addz(out, "{");
    write_members(s, 0, out);
    text_addz(out, "}");
}

void settings_show(const struct settings *s, struct text *out)
{
    write_members(s, 1, out);
}
