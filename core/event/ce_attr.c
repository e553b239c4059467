/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Context attributes are one table: name, whether it must be there, how long it may be. Both modes fill the same array,
 * so a rule holds in both. Attributes that are not in the table, extensions among them, pass unread.
 */
#include "event/ce_attr.h"

#include "base/clock.h"

#include <stdio.h>
#include <strings.h>

static const struct attr_row {
    struct belfry_str name;
    int required;
    size_t max; /* bytes */
} rows[CE_COUNT] = {
    [CE_SPECVERSION] = {STR("specversion"), 1, 16},
    [CE_ID] = {STR("id"), 1, 1024},
    [CE_SOURCE] = {STR("source"), 1, 1024},
    [CE_TYPE] = {STR("type"), 1, 255},
    [CE_SUBJECT] = {STR("subject"), 0, 1024},
    [CE_TIME] = {STR("time"), 0, 64},
    [CE_DATACONTENTTYPE] = {STR("datacontenttype"), 0, 255},
};

belfry_status ce_fault(struct ce_faults *faults, belfry_status status, const char *name, const char *format, ...)
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "%s%s%s", faults->prefix, name ? "/" : "", name ? name : "");
    if (faults->status == BELFRY_OK)
        faults->status = status;
    va_list args;
    va_start(args, format);
    error_vset(faults->err, status, pointer, format, args);
    va_end(args);
    return status;
}

void ce_attrs_from_json(struct ce_attrs *attrs, const json_t *event, struct ce_faults *faults)
{
    for (int i = 0; i < CE_COUNT; i++) {
        const json_t *value = json_object_getn(event, rows[i].name.ptr, rows[i].name.len);
        if (!value || json_is_null(value))
            continue;
        attrs->present[i] = 1;
        if (json_is_string(value)) {
            attrs->value[i] = json_str(value);
        } else {
            attrs->bad[i] = 1;
            ce_fault(faults, BELFRY_EINVAL, rows[i].name.ptr, "must be a string, not %s", json_type_text(value));
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Takes the double quotes off (RFC 9110 quoted-string); what is not wholly in quotes stays as it is. */
static struct belfry_str unquote(struct belfry_str s, char *out)
{
    if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
        return s;
    size_t len = 0;
    for (size_t i = 1; i < s.len - 1; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len - 1)
            i++;
        out[len++] = s.ptr[i];
    }
    return str_slice(out, len);
}

/* One round of percent-decoding; out may be s itself. A % without two digits stays: the npm SDK encodes nothing. */
static struct belfry_str percent_decode(struct belfry_str s, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            out[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[len++] = s.ptr[i];
        }
    }
    return str_slice(out, len);
}

static struct belfry_str decode_header(struct arena *arena, struct belfry_str value)
{
    value = str_trim(value);
    char *out = arena_alloc(arena, value.len + 1);
    value = unquote(value, out);
    return percent_decode(value, out);
}

static int row_of(struct belfry_str name)
{
    for (int i = 0; i < CE_COUNT; i++)
        if (str_eq(rows[i].name, name))
            return i;
    return -1;
}

void ce_attrs_require_utf8(struct ce_attrs *attrs, struct ce_faults *faults)
{
    for (int i = 0; i < CE_COUNT; i++) {
        if (!attrs->present[i] || attrs->bad[i] || str_utf8_valid(attrs->value[i]))
            continue;
        attrs->bad[i] = 1;
        ce_fault(faults, BELFRY_EINVAL, rows[i].name.ptr, "is not UTF-8");
    }
}

void ce_attrs_from_headers(struct ce_attrs *attrs, const struct ce_header *headers, size_t count, struct arena *arena,
                           struct ce_faults *faults)
{
    for (size_t h = 0; h < count; h++) {
        if (!str_has_prefix(headers[h].name, STR("ce-")))
            continue;
        int i = row_of(str_slice(headers[h].name.ptr + 3, headers[h].name.len - 3));
        /* In binary mode the Content-Type says what data is; the binding defines no ce-datacontenttype. */
        if (i < 0 || i == CE_DATACONTENTTYPE || attrs->bad[i])
            continue;
        if (attrs->present[i]) {
            attrs->bad[i] = 1;
            ce_fault(faults, BELFRY_EINVAL, rows[i].name.ptr, "the header ce-%s is given twice", rows[i].name.ptr);
            continue;
        }
        attrs->present[i] = 1;
        attrs->value[i] = decode_header(arena, headers[h].value);
    }
    ce_attrs_require_utf8(attrs, faults);
}

static int has_control(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        /* U+0080 to U+009F are c2 80 to c2 9f; the text is known to be UTF-8. */
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xa0))
            return 1;
    }
    return 0;
}

/* 1 when the attribute is there and well-formed. */
static int check_one(const struct ce_attrs *attrs, enum ce_attr i, struct ce_faults *faults)
{
    const char *name = rows[i].name.ptr;
    struct belfry_str value = attrs->value[i];
    if (attrs->bad[i])
        return 0;
    if (!attrs->present[i]) {
        if (rows[i].required)
            ce_fault(faults, BELFRY_EINVAL, name, "is required (in binary mode the header ce-%s)", name);
        return 0;
    }
    /* An empty optional attribute is what some clients send for none. */
    if (value.len == 0 && !rows[i].required)
        return 0;
    if (value.len == 0)
        ce_fault(faults, BELFRY_EINVAL, name, "must not be empty");
    else if (value.len > rows[i].max)
        ce_fault(faults, BELFRY_EINVAL, name, "has %zu bytes, at most %zu are allowed", value.len, rows[i].max);
    else if (has_control(value))
        ce_fault(faults, BELFRY_EINVAL, name, "must not contain control characters");
    else
        return 1;
    return 0;
}

void ce_attrs_check(const struct ce_attrs *attrs, struct belfry_trigger *out, struct ce_faults *faults)
{
    if (check_one(attrs, CE_SPECVERSION, faults) && !str_eq(attrs->value[CE_SPECVERSION], STR("1.0")))
        ce_fault(faults, BELFRY_EINVAL, "specversion", "must be 1.0, not %.*s", STR_ARG(attrs->value[CE_SPECVERSION]));
    if (check_one(attrs, CE_ID, faults))
        out->id = attrs->value[CE_ID];
    if (check_one(attrs, CE_SOURCE, faults))
        out->source = attrs->value[CE_SOURCE];
    if (check_one(attrs, CE_TYPE, faults))
        out->type = attrs->value[CE_TYPE];
    if (check_one(attrs, CE_SUBJECT, faults))
        out->subject = attrs->value[CE_SUBJECT];
    if (check_one(attrs, CE_TIME, faults) && time_parse(attrs->value[CE_TIME], &out->time_ms) != BELFRY_OK)
        ce_fault(faults, BELFRY_EINVAL, "time", "must be a time such as 2026-01-31T08:05:09Z (RFC 3339)");
    if (check_one(attrs, CE_DATACONTENTTYPE, faults) && !ce_is_json(attrs->value[CE_DATACONTENTTYPE]))
        ce_fault(faults, BELFRY_EUNSUPPORTED, "datacontenttype", "data must be JSON");
}

int ce_is_json(struct belfry_str media_type)
{
    struct belfry_str params, subtype;
    struct belfry_str essence = str_trim(str_cut(media_type, ';', &params));
    struct belfry_str top = str_cut(essence, '/', &subtype);
    if (top.len == 0 || subtype.len < 4)
        return 0;
    if (subtype.len == 4)
        return strncasecmp(subtype.ptr, "json", 4) == 0;
    return subtype.len > 5 && strncasecmp(subtype.ptr + subtype.len - 5, "+json", 5) == 0;
}
