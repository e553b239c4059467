/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From Mustache source to a flat array of ops. One pass: find a tag, decide whether it has its line to itself, emit.
 * A section knows the index of its end, so that the renderer skips or repeats it without a tree.
 *
 * Invariants: op slices point into the arena's copy of the source; sections nest properly and at most
 * TEMPLATE_MAX_NESTING deep; no segment of a path is empty. Every search for a closing delimiter either consumes what
 * it scanned or ends the compilation, so the time is linear in the source.
 */
#include "template/ops.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_DELIMITER 16
#define MAX_SEGMENTS 64

struct delimiter {
    char bytes[MAX_DELIMITER + 1]; /* the closing one is also searched for with } or = before it */
    size_t len;
};

struct names {
    struct belfry_str *items;
    size_t count, cap;
};

struct open_section {
    struct belfry_str name;
    uint32_t op;
    size_t offset;
};

struct compiler {
    struct arena *arena;
    struct belfry_str text;
    size_t pos;
    struct delimiter open, close;
    struct template_op *ops;
    size_t count, cap;
    struct open_section sections[TEMPLATE_MAX_NESTING];
    size_t depth;
    int line_start; /* nothing of the current source line was emitted yet */
    struct names top, all, partials;
    struct error *err;
};

struct tag {
    char kind;              /* one of # ^ / > ! & = { or 0 for a plain value */
    size_t begin, end;      /* of the whole tag with delimiters */
    struct belfry_str body; /* trimmed */
    int alone;
    size_t line_begin, line_end; /* of its line when alone; line_end is after the newline */
};

static int fault(struct compiler *c, size_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fault(struct compiler *c, size_t offset, const char *format, ...)
{
    char pointer[24];
    va_list args;

    snprintf(pointer, sizeof(pointer), "%zu", offset);
    va_start(args, format);
    error_vset(c->err, BELFRY_EINVAL, pointer, format, args);
    va_end(args);
    return 0;
}

/* At most what fits in a message, whole characters. */
static int shown(struct belfry_str s)
{
    size_t len = s.len;

    if (len > 40)
        for (len = 40; len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80; len--)
            ;
    return (int)len;
}

static int is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

static int is_space(char ch)
{
    return is_blank(ch) || ch == '\r' || ch == '\n';
}

static struct belfry_str trimmed(struct belfry_str text, size_t begin, size_t end)
{
    while (begin < end && is_space(text.ptr[begin]))
        begin++;
    while (end > begin && is_space(text.ptr[end - 1]))
        end--;
    return str_slice(text.ptr + begin, end - begin);
}

static void names_add(struct names *names, struct belfry_str name)
{
    names->items = xgrow(names->items, &names->cap, names->count + 1, sizeof(*names->items));
    names->items[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

/* Sorted, each once, in the arena. */
static struct belfry_strs names_take(struct arena *arena, struct names *names)
{
    struct belfry_strs out = {NULL, 0};
    size_t kept = 0;

    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
        for (size_t i = 0; i < names->count; i++)
            if (kept == 0 || !str_eq(names->items[kept - 1], names->items[i]))
                names->items[kept++] = names->items[i];
        out.items = arena_memdup(arena, names->items, kept * sizeof(*names->items));
        out.count = kept;
    }
    free(names->items);
    return out;
}

static struct template_op *emit(struct compiler *c, enum template_op_kind kind)
{
    struct template_op *op;

    c->ops = xgrow(c->ops, &c->cap, c->count + 1, sizeof(*c->ops));
    op = &c->ops[c->count++];
    memset(op, 0, sizeof(*op));
    op->kind = (uint8_t)kind;
    op->line_start = (uint8_t)c->line_start;
    c->line_start = 0;
    return op;
}

/* The op of a tag. One that has its line to itself prints nothing, so the line still waits for its first output. */
static struct template_op *emit_tag(struct compiler *c, enum template_op_kind kind, const struct tag *tag)
{
    int line_start = c->line_start;
    struct template_op *op;

    if (tag->alone)
        c->line_start = 0;
    op = emit(c, kind);
    if (tag->alone)
        c->line_start = line_start;
    return op;
}

static void emit_text(struct compiler *c, size_t begin, size_t end)
{
    struct template_op *op;

    if (begin >= end)
        return;
    op = emit(c, TEMPLATE_OP_TEXT);
    op->text = str_slice(c->text.ptr + begin, end - begin);
    c->line_start = c->text.ptr[end - 1] == '\n';
}

/* Splits a dotted name. 0 after a fault. */
static int split_path(struct compiler *c, struct belfry_str name, struct belfry_strs *out)
{
    struct belfry_str segments[MAX_SEGMENTS];
    size_t count = 0, begin = 0, base = (size_t)(name.ptr - c->text.ptr);

    *out = (struct belfry_strs){NULL, 0};
    if (name.len == 1 && name.ptr[0] == '.')
        return 1;
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.ptr[i] != '.')
            continue;
        if (i == begin)
            return fault(c, base + i, "empty part in the name `%.*s`", shown(name), name.ptr);
        if (count == MAX_SEGMENTS)
            return fault(c, base, "a name has at most %d parts", MAX_SEGMENTS);
        segments[count++] = str_slice(name.ptr + begin, i - begin);
        begin = i + 1;
    }
    out->items = arena_memdup(c->arena, segments, count * sizeof(segments[0]));
    out->count = count;
    return 1;
}

static int check_name(struct compiler *c, const struct tag *tag)
{
    size_t base = (size_t)(tag->body.ptr - c->text.ptr);

    if (tag->body.len == 0)
        return fault(c, tag->begin, "a tag without a name");
    for (size_t i = 0; i < tag->body.len; i++)
        if (is_space(tag->body.ptr[i]))
            return fault(c, base + i, "a name cannot hold spaces: `%.*s` (Mustache has no helpers or arguments)",
                         shown(tag->body), tag->body.ptr);
    return 1;
}

static void remember(struct compiler *c, struct belfry_str name)
{
    if (name.len == 1 && name.ptr[0] == '.')
        return;
    names_add(&c->all, name);
    if (c->depth == 0)
        names_add(&c->top, name);
}

static int add_value(struct compiler *c, const struct tag *tag)
{
    struct belfry_strs path;
    struct template_op *op;

    if (!split_path(c, tag->body, &path))
        return 0;
    remember(c, tag->body);
    op = emit(c, TEMPLATE_OP_VALUE);
    op->path = path;
    op->raw = tag->kind != 0;
    return 1;
}

static int open_section(struct compiler *c, const struct tag *tag)
{
    struct belfry_strs path;

    if (c->depth == TEMPLATE_MAX_NESTING)
        return fault(c, tag->begin, "sections nest more than %d deep", TEMPLATE_MAX_NESTING);
    if (!split_path(c, tag->body, &path))
        return 0;
    remember(c, tag->body);
    emit_tag(c, tag->kind == '#' ? TEMPLATE_OP_SECTION : TEMPLATE_OP_INVERTED, tag)->path = path;
    c->sections[c->depth++] = (struct open_section){tag->body, (uint32_t)(c->count - 1), tag->begin};
    return 1;
}

static int close_section(struct compiler *c, const struct tag *tag)
{
    struct open_section *section;

    if (c->depth == 0)
        return fault(c, tag->begin, "`%.*s` is closed but was not opened", shown(tag->body), tag->body.ptr);
    section = &c->sections[c->depth - 1];
    if (!str_eq(section->name, tag->body))
        return fault(c, tag->begin, "`%.*s` is closed while `%.*s` is open", shown(tag->body), tag->body.ptr,
                     shown(section->name), section->name.ptr);
    /* The indentation of a line that starts with this tag belongs to the section's body. */
    if (c->line_start && !tag->alone)
        emit(c, TEMPLATE_OP_TEXT);
    c->ops[section->op].end = (uint32_t)c->count;
    c->depth--;
    return 1;
}

static int add_partial(struct compiler *c, const struct tag *tag)
{
    struct template_op *op = emit_tag(c, TEMPLATE_OP_PARTIAL, tag);

    names_add(&c->partials, tag->body);
    op->name = tag->body;
    op->alone = (uint8_t)tag->alone;
    if (tag->alone)
        op->indent = str_slice(c->text.ptr + tag->line_begin, tag->begin - tag->line_begin);
    return 1;
}

static int set_delimiter(struct compiler *c, struct delimiter *d, struct belfry_str text)
{
    if (text.len == 0 || text.len > MAX_DELIMITER || memchr(text.ptr, '=', text.len) != NULL)
        return fault(c, (size_t)(text.ptr - c->text.ptr), "a delimiter is 1 to %d characters without spaces or `=`",
                     MAX_DELIMITER);
    memcpy(d->bytes, text.ptr, text.len);
    d->len = text.len;
    return 1;
}

static int change_delimiters(struct compiler *c, const struct tag *tag)
{
    struct belfry_str body = tag->body, first, second;
    size_t i = 0;

    while (i < body.len && !is_space(body.ptr[i]))
        i++;
    first = str_slice(body.ptr, i);
    second = trimmed(body, i, body.len);
    for (i = 0; i < second.len && !is_space(second.ptr[i]); i++)
        ;
    if (second.len == 0 || i < second.len)
        return fault(c, tag->begin, "a change of delimiters names two: {{=<%% %%>=}}");
    return set_delimiter(c, &c->open, first) && set_delimiter(c, &c->close, second);
}

static void find_line(const struct compiler *c, struct tag *tag)
{
    size_t begin = tag->begin, end = tag->end;

    while (begin > 0 && is_blank(c->text.ptr[begin - 1]))
        begin--;
    while (end < c->text.len && is_blank(c->text.ptr[end]))
        end++;
    if (end + 1 < c->text.len && c->text.ptr[end] == '\r' && c->text.ptr[end + 1] == '\n')
        end++;
    tag->alone = (begin == 0 || c->text.ptr[begin - 1] == '\n') && (end == c->text.len || c->text.ptr[end] == '\n');
    tag->line_begin = begin;
    tag->line_end = end < c->text.len ? end + 1 : end;
}

/* Reads the tag that begins at `begin`. 0 after a fault. */
static int read_tag(struct compiler *c, size_t begin, struct tag *tag)
{
    char closing[MAX_DELIMITER + 1];
    size_t body = begin + c->open.len, closing_len = 0;
    const char *end;

    memset(tag, 0, sizeof(*tag));
    tag->begin = begin;
    if (body < c->text.len && memchr("#^/>!&={<$*", c->text.ptr[body], 11) != NULL)
        tag->kind = c->text.ptr[body++];
    if (tag->kind == '{')
        closing[closing_len++] = '}';
    if (tag->kind == '=')
        closing[closing_len++] = '=';
    memcpy(closing + closing_len, c->close.bytes, c->close.len);
    closing_len += c->close.len;
    end = memmem(c->text.ptr + body, c->text.len - body, closing, closing_len);
    if (end == NULL)
        return fault(c, begin, "this tag is not closed by `%.*s`", (int)closing_len, closing);
    tag->body = trimmed(c->text, body, (size_t)(end - c->text.ptr));
    tag->end = (size_t)(end - c->text.ptr) + closing_len;
    if (tag->kind != 0 && strchr("#^/>!=", tag->kind) != NULL)
        find_line(c, tag);
    return 1;
}

static int add_tag(struct compiler *c, const struct tag *tag)
{
    if (tag->kind == '!')
        return 1;
    if (tag->kind == '=')
        return change_delimiters(c, tag);
    if (!check_name(c, tag))
        return 0;
    switch (tag->kind) {
    case '#':
    case '^':
        return open_section(c, tag);
    case '/':
        return close_section(c, tag);
    case '>':
        if (tag->body.ptr[0] == '*')
            return fault(c, tag->begin, "dynamic names of partials are not supported");
        return add_partial(c, tag);
    case '<':
    case '$':
    case '*':
        return fault(c, tag->begin, "tags that begin with `%c` are not supported", tag->kind);
    default:
        return add_value(c, tag);
    }
}

static int compile(struct compiler *c)
{
    while (c->pos < c->text.len) {
        const char *open = memmem(c->text.ptr + c->pos, c->text.len - c->pos, c->open.bytes, c->open.len);
        struct tag tag;

        if (open == NULL)
            break;
        if (!read_tag(c, (size_t)(open - c->text.ptr), &tag))
            return 0;
        emit_text(c, c->pos, tag.alone ? tag.line_begin : tag.begin);
        if (!add_tag(c, &tag))
            return 0;
        c->pos = tag.alone ? tag.line_end : tag.end;
    }
    emit_text(c, c->pos, c->text.len);
    if (c->depth > 0) {
        struct open_section *section = &c->sections[c->depth - 1];
        return fault(c, section->offset, "the section `%.*s` is never closed", shown(section->name), section->name.ptr);
    }
    return 1;
}

const struct belfry_template *template_compile(struct arena *arena, struct belfry_str text, struct error *err)
{
    struct compiler c = {.arena = arena, .open = {"{{", 2}, .close = {"}}", 2}, .line_start = 1, .err = err};
    struct belfry_template *tpl = NULL;

    if (text.len > TEMPLATE_MAX_TEXT) {
        fault(&c, TEMPLATE_MAX_TEXT, "a template has at most %d bytes", TEMPLATE_MAX_TEXT);
        return NULL;
    }
    c.text = text.len > 0 ? str_slice(arena_strndup(arena, text.ptr, text.len), text.len) : STR("");
    if (compile(&c)) {
        tpl = arena_alloc(arena, sizeof(*tpl));
        tpl->ops = c.count > 0 ? arena_memdup(arena, c.ops, c.count * sizeof(*c.ops)) : NULL;
        tpl->count = (uint32_t)c.count;
        tpl->paths = names_take(arena, &c.top);
        tpl->reads = names_take(arena, &c.all);
        tpl->partials = names_take(arena, &c.partials);
    } else {
        free(c.top.items);
        free(c.all.items);
        free(c.partials.items);
    }
    free(c.ops);
    return tpl;
}

const struct belfry_str *template_paths(const struct belfry_template *tpl, size_t *count)
{
    *count = tpl->paths.count;
    return tpl->paths.items;
}

const struct belfry_str *template_reads(const struct belfry_template *tpl, size_t *count)
{
    *count = tpl->reads.count;
    return tpl->reads.items;
}

const struct belfry_str *template_partials(const struct belfry_template *tpl, size_t *count)
{
    *count = tpl->partials.count;
    return tpl->partials.items;
}
