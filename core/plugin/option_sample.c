/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table as commented YAML. What has a default or is required is live, so that the text loads as it stands; the rest
 * is there behind '#', which is put in front of the indentation so that taking it away leaves correct YAML.
 */
#include "plugin/option_internal.h"

struct sample {
    struct buf *out;
    int margin; /* before the '#', or of live lines */
    int inner;  /* behind the '#' */
    int dead;   /* lines are comments */
};

static void line_start(const struct sample *s)
{
    buf_addf(s->out, "%*s%s%*s", s->margin, "", s->dead ? "#" : "", s->inner, "");
}

static struct sample deeper(struct sample s, int by)
{
    s.inner += by;
    return s;
}

/* --- scalars ---------------------------------------------------------------------------------------------------- */

/* A value that fits where nothing is the default. */
static const char *placeholder(const struct belfry_option *row)
{
    switch (row->type) {
    case BELFRY_OPT_BOOL:
        return "true";
    case BELFRY_OPT_DURATION:
        return "5m";
    case BELFRY_OPT_SIZE:
        return "1MiB";
    case BELFRY_OPT_TIME:
        return "09:00";
    case BELFRY_OPT_DATE:
        return "2026-01-31";
    case BELFRY_OPT_CHOICE:
        return row->choices[0];
    case BELFRY_OPT_RECIPIENT:
        return !option_flag(row, BELFRY_OPT_PERSON) ? "role:admin" : row->unlike ? "somebody-else" : "somebody";
    case BELFRY_OPT_TEMPLATE:
        return "{{subject}}";
    case BELFRY_OPT_CONDITION:
        return "{}";
    default:
        return row->unlike ? "other-name" : "name";
    }
}

static void put_quoted(struct buf *out, const char *text)
{
    buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '\n')
            buf_addz(out, "\\n");
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            buf_addf(out, "\\x%02x", *text);
        else
            buf_addf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    buf_addc(out, '"');
}

/* Plain where every reader agrees that it is a text. */
static int is_plain(const char *text)
{
    int decided = 0;
    int64_t number;
    struct belfry_str word = str_of(text);
    if (!word.len || yaml_classify(word) != YAML_STRING || yaml_boolean_word(word, &decided) ||
        yaml_number_word(word, &number))
        return 0;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        int is_letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!is_letter && !(i > 0 && ((c >= '0' && c <= '9') || strchr("-_./@", c))))
            return 0;
    }
    return 1;
}

static const char *number_placeholder(struct arena *arena, const struct belfry_option *row)
{
    int64_t value = option_limited(row) && (row->min > 1 || row->max < 1) ? (row->min > 1 ? row->min : row->max) : 1;
    if (row->type == BELFRY_OPT_DURATION)
        return option_duration_text(arena, option_limited(row) ? row->min : 300000);
    if (row->type == BELFRY_OPT_SIZE)
        return option_size_text(arena, option_limited(row) && row->min > 0 ? row->min : 1 << 20);
    return option_number_text(arena, value);
}

static void put_scalar(struct buf *out, const struct belfry_option *row)
{
    struct arena *scratch = arena_new(0);
    int literal = row->type == BELFRY_OPT_BOOL || row->type == BELFRY_OPT_CONDITION;
    int number = row->type == BELFRY_OPT_INT || row->type == BELFRY_OPT_DOUBLE || row->type == BELFRY_OPT_SIZE ||
                 row->type == BELFRY_OPT_DURATION;
    const char *text = row->def ? row->def : number ? number_placeholder(scratch, row) : placeholder(row);
    if (!row->def && row->type == BELFRY_OPT_URL)
        text = arena_printf(scratch, "%s://example.org/", row->choices && row->choices[0] ? row->choices[0] : "https");
    if (!row->def && option_flag(row, BELFRY_OPT_SECRET))
        text = "${env:SECRET}";
    if (literal || number || is_plain(text))
        buf_addz(out, text);
    else
        put_quoted(out, text);
    arena_free(scratch);
}

/* --- structure -------------------------------------------------------------------------------------------------- */

static void put_value(struct sample s, const struct belfry_option *row);
static void put_table(struct sample s, const struct belfry_option *table);

static int is_collection(const struct belfry_option *row)
{
    return row->type == BELFRY_OPT_OBJECT || row->type == BELFRY_OPT_LIST || row->type == BELFRY_OPT_MAP;
}

static int is_live(const struct belfry_option *row);

static int is_shown(const struct belfry_option *row)
{
    return !option_flag(row, BELFRY_OPT_DEPRECATED);
}

static const struct belfry_option *first_live(const struct belfry_option *table)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++)
        if (is_shown(row) && is_live(row))
            return row;
    return NULL;
}

/* What depends on its siblings is left to the admin. */
static int is_live(const struct belfry_option *row)
{
    if (option_flag(row, BELFRY_OPT_REQUIRED))
        return 1;
    if (row->requires_ || row->conflicts)
        return 0;
    if (row->type == BELFRY_OPT_OBJECT && !option_flag(row, BELFRY_OPT_POINTER))
        return first_live(row->children) != NULL;
    return row->def != NULL;
}

static void put_row(struct sample s, const struct belfry_option *row, const char *lead)
{
    if (!s.dead && !is_live(row)) {
        s.margin += s.inner;
        s.inner = 0;
        s.dead = 1;
    }
    if (row->doc) {
        line_start(&s);
        buf_addf(s.out, "# %s\n", row->doc);
    }
    line_start(&s);
    buf_addf(s.out, "%s%s:", lead, row->name);
    put_value(deeper(s, (int)strlen(lead) + 2), row);
}

static void put_rows(struct sample s, const struct belfry_option *table, const struct belfry_option *except)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++)
        if (row != except && is_shown(row))
            put_row(s, row, "");
}

/* After "key:": a map of comments alone would be null, so it says that it is empty. */
static void put_table(struct sample s, const struct belfry_option *table)
{
    buf_addz(s.out, s.dead || first_live(table) ? "\n" : " {}\n");
    put_rows(s, table, NULL);
}

/* The dash stands before the first key that is live. */
static void put_item(struct sample s, const struct belfry_option *element)
{
    const struct belfry_option *first = NULL;
    if (element->type == BELFRY_OPT_OBJECT)
        first = s.dead ? element->children : first_live(element->children);
    if (first && first->struct_size) {
        put_row(s, first, "- ");
        put_rows(deeper(s, 2), element->children, first);
        return;
    }
    line_start(&s);
    buf_addc(s.out, '-');
    put_value(deeper(s, 2), element);
}

static void put_value(struct sample s, const struct belfry_option *row)
{
    if (row->def || !is_collection(row)) {
        buf_addc(s.out, ' ');
        if (is_collection(row))
            buf_addz(s.out, row->def);
        else
            put_scalar(s.out, row);
        buf_addc(s.out, '\n');
    } else if (row->type == BELFRY_OPT_OBJECT) {
        put_table(s, row->children);
    } else if (row->type == BELFRY_OPT_LIST) {
        buf_addc(s.out, '\n');
        put_item(s, row->children);
    } else {
        buf_addc(s.out, '\n');
        line_start(&s);
        buf_addz(s.out, "name:");
        put_value(deeper(s, 2), row->children);
    }
}

void option_sample(const struct belfry_option *table, int indent, struct buf *out)
{
    struct sample s = {out, indent, 0, 0};
    put_rows(s, table, NULL);
}
