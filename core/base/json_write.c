/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON straight into a buffer. jansson's own printer calls back for every token and keeps a table against
 * cycles, which costs more than the text itself; trees here are read from text or built as trees, so they have no
 * cycles.
 */
#include "base/json.h"

static const char hex[] = "0123456789abcdef";

static void write_escape(unsigned char c, struct buf *out)
{
    static const char short_form[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c == '"' || c == '\\' || (c < sizeof(short_form) && short_form[c])) {
        text[1] = c == '"' || c == '\\' ? (char)c : short_form[c];
        buf_add(out, text, 2);
    } else {
        buf_add(out, text, sizeof(text));
    }
}

static int needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* s is well-formed UTF-8 */
static void write_valid(struct belfry_str s, struct buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (!needs_escape(c))
            continue;
        buf_add(out, s.ptr + from, i - from);
        write_escape(c, out);
        from = i + 1;
    }
    if (s.len > from)
        buf_add(out, s.ptr + from, s.len - from);
}

static void write_repaired(struct belfry_str s, struct buf *out)
{
    for (size_t pos = 0; pos < s.len;) {
        size_t from = pos;
        uint32_t point = str_utf8_next(s, &pos);
        if (point == 0xfffd)
            buf_addz(out, "\xef\xbf\xbd");
        else
            write_valid(str_slice(s.ptr + from, pos - from), out);
    }
}

void json_write_str(struct belfry_str s, struct buf *out)
{
    buf_addc(out, '"');
    if (str_utf8_valid(s))
        write_valid(s, out);
    else
        write_repaired(s, out);
    buf_addc(out, '"');
}

/* A point or an exponent keeps a real a real when it is read again. */
static void write_real(double value, struct buf *out)
{
    size_t from = out->len;
    buf_add_double(out, value);
    if (!strpbrk(out->ptr + from, ".e"))
        buf_add(out, ".0", 2);
}

static void write_object(const json_t *object, struct buf *out)
{
    json_t *o = (json_t *)object; /* jansson iterates without const, but does not change it */
    char before = '{';
    for (void *iter = json_object_iter(o); iter; iter = json_object_iter_next(o, iter)) {
        buf_addc(out, before);
        json_write_str(str_slice(json_object_iter_key(iter), json_object_iter_key_len(iter)), out);
        buf_addc(out, ':');
        json_write(json_object_iter_value(iter), out);
        before = ',';
    }
    buf_addz(out, before == '{' ? "{}" : "}");
}

static void write_array(const json_t *array, struct buf *out)
{
    size_t count = json_array_size(array);
    buf_addc(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        json_write(json_array_get(array, i), out);
    }
    buf_addc(out, ']');
}

void json_write(const json_t *value, struct buf *out)
{
    if (!value) {
        buf_addz(out, "null");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(value, out);
        break;
    case JSON_ARRAY:
        write_array(value, out);
        break;
    case JSON_STRING:
        json_write_str(json_str(value), out);
        break;
    case JSON_INTEGER:
        buf_add_i64(out, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(json_real_value(value), out);
        break;
    case JSON_TRUE:
        buf_addz(out, "true");
        break;
    case JSON_FALSE:
        buf_addz(out, "false");
        break;
    case JSON_NULL:
        buf_addz(out, "null");
        break;
    }
}
