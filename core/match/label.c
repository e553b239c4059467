/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests and values in words, for traces and messages: `prefix "check_run."`, `any of [failure, timed_out]`,
 * `gte 5 and lt 10`. Written once when a condition is compiled; values are printed only when a trace is asked for.
 */
#include "match/tree.h"

#include "base/json.h"

#include <stdio.h>

#define MAX_LABEL 200
#define MAX_TEXT 120
#define MAX_ITEMS 8

/* --- tests
 * ------------------------------------------------------------------------------------------------------------ */

static void add_label(struct buf *out, const struct match_input *test);

static void add_scalar(struct buf *out, const struct match_input *in, int quoted)
{
    if (in->tainted)
        buf_addz(out, "<redacted>");
    else if (in->kind == IN_STRING && quoted)
        json_write_str(str_slice(in->text.ptr, (size_t)match_shown(in->text)), out);
    else if (in->kind == IN_NULL)
        buf_addz(out, "null");
    else
        buf_addf(out, "%.*s", SHOWN(in->text));
}

static void add_list(struct buf *out, const struct match_input *in)
{
    buf_addc(out, '[');
    for (size_t i = 0; i < in->count; i++) {
        if (i == MAX_ITEMS) {
            buf_addf(out, ", %zu more", in->count - i);
            break;
        }
        buf_addz(out, i > 0 ? ", " : "");
        add_scalar(out, in->members[i].value, 0);
    }
    buf_addc(out, ']');
}

static void add_operator(struct buf *out, struct belfry_str name, const struct match_input *arg)
{
    if (str_eqz(name, "in") || str_eqz(name, "not_in")) {
        buf_addz(out, str_eqz(name, "in") ? "any of " : "none of ");
        add_list(out, arg);
    } else if (str_eqz(name, "between") && arg->count == 2) {
        buf_addz(out, "between ");
        add_scalar(out, arg->members[0].value, 1);
        buf_addz(out, " and ");
        add_scalar(out, arg->members[1].value, 1);
    } else if (str_eqz(name, "exists")) {
        buf_addz(out, arg->i ? "exists" : "does not exist");
    } else if (str_eqz(name, "not")) {
        buf_addz(out, "not (");
        add_label(out, arg);
        buf_addc(out, ')');
    } else {
        buf_addf(out, "%.*s ", str_eqz(name, "eq") ? 1 : (int)name.len, str_eqz(name, "eq") ? "=" : name.ptr);
        add_scalar(out, arg, 1);
    }
}

static void add_operators(struct buf *out, const struct match_input *in)
{
    const char *suffix = "", *between = "";

    for (size_t i = 0; i < in->count && out->len < MAX_LABEL; i++) {
        if (str_eqz(in->members[i].key, "ignore_case")) {
            suffix = in->members[i].value->i ? " ignoring case" : "";
            continue;
        }
        buf_addz(out, between);
        add_operator(out, in->members[i].key, in->members[i].value);
        between = " and ";
    }
    buf_addz(out, suffix);
}

static int all_scalars(const struct match_input *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->members[i].value->kind >= IN_LIST)
            return 0;
    return 1;
}

static void add_label(struct buf *out, const struct match_input *test)
{
    if (test->kind == IN_MAP) {
        add_operators(out, test);
    } else if (test->kind != IN_LIST) {
        buf_addz(out, "= ");
        add_scalar(out, test, 1);
    } else if (all_scalars(test)) {
        buf_addz(out, "any of ");
        add_list(out, test);
    } else {
        for (size_t i = 0; i < test->count && out->len < MAX_LABEL; i++) {
            buf_addz(out, i > 0 ? " or " : "");
            add_label(out, test->members[i].value);
        }
    }
}

const char *match_label(struct arena *arena, const struct match_input *test)
{
    struct buf out = {0};
    const char *label;

    add_label(&out, test);
    if (out.len > MAX_LABEL) {
        for (out.len = MAX_LABEL; out.len > 0 && ((unsigned char)out.ptr[out.len] & 0xc0) == 0x80;)
            out.len--;
        buf_addz(&out, "...");
    }
    label = arena_strndup(arena, out.ptr, out.len);
    buf_free(&out);
    return label;
}

/* --- values
 * ----------------------------------------------------------------------------------------------------------- */

const char *match_type_name(uint32_t type)
{
    static const char *const names[] = {"nothing",  "null",     "a boolean", "a number",
                                        "a number", "a string", "a list",    "a map"};

    return type < sizeof(names) / sizeof(names[0]) ? names[type] : names[0];
}

static void print_text(struct belfry_str s, struct buf *out)
{
    size_t len = s.len;

    if (len > MAX_TEXT)
        for (len = MAX_TEXT; len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80;)
            len--;
    json_write_str(str_slice(s.ptr, len), out);
    if (len < s.len)
        buf_addf(out, "... (%zu bytes)", s.len);
}

static void print_one(const struct belfry_value *value, struct buf *out)
{
    json_t *real;

    switch (value->type) {
    case BELFRY_VALUE_MISSING:
        buf_addz(out, "missing");
        break;
    case BELFRY_VALUE_NULL:
        buf_addz(out, "null");
        break;
    case BELFRY_VALUE_BOOL:
        buf_addz(out, value->i ? "true" : "false");
        break;
    case BELFRY_VALUE_INT:
        buf_addf(out, "%lld", (long long)value->i);
        break;
    case BELFRY_VALUE_REAL:
        real = json_real(value->d);
        if (real != NULL)
            json_write(real, out);
        json_decref(real);
        break;
    case BELFRY_VALUE_STRING:
        print_text(value->s, out);
        break;
    default:
        buf_addz(out, match_type_name(value->type));
        break;
    }
}

void match_print_value(const struct belfry_view *view, const struct belfry_value *value, struct buf *out)
{
    if (value->type != BELFRY_VALUE_ARRAY) {
        print_one(value, out);
        return;
    }
    buf_addc(out, '[');
    for (uint32_t i = 0; i < value->count; i++) {
        struct belfry_value item = {0};
        if (i == MAX_ITEMS) {
            buf_addf(out, ", %u more", value->count - i);
            break;
        }
        view->at(view, value, i, &item);
        buf_addz(out, i > 0 ? ", " : "");
        print_one(&item, out);
    }
    buf_addc(out, ']');
}
