/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders compiled templates. Runs the op array over a stack of scopes that lives on the C stack: a section of an
 * object or a list item is a call with one scope more. Nothing is allocated but the output and, for partials inside
 * indented partials, the joined indentation.
 *
 * Invariants: recursion is bounded by MAX_SCOPES and TEMPLATE_MAX_PARTIALS; every op and every member looked up is a
 * step; a step over a limit sets r->status and unwinds. Texts of parameters are never read as template.
 */
#include "template/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_SCOPES 256
#define MAX_INDENT 1024 /* of partials in indented partials, together: it is copied for each of them */

struct scope {
    struct belfry_value value;
    const struct belfry_view *view; /* whose value it is */
    const struct scope *up;
    uint32_t depth;
};

struct renderer {
    const struct template_how *how;
    struct buf *out;
    size_t limit; /* out->len may reach this */
    uint32_t steps, most_steps, partials;
    belfry_status status;
};

static void put(struct renderer *r, const char *ptr, size_t len)
{
    if (len > r->limit - r->out->len)
        r->status = BELFRY_ELIMIT;
    else if (len > 0)
        buf_add(r->out, ptr, len);
}

static void put_html(struct renderer *r, struct belfry_str s)
{
    size_t begin = 0;

    for (size_t i = 0; i < s.len && r->status == 0; i++) {
        const char *entity;
        switch (s.ptr[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        put(r, s.ptr + begin, i - begin);
        if (r->status == 0)
            put(r, entity, strlen(entity));
        begin = i + 1;
    }
    if (r->status == 0 && begin < s.len)
        put(r, s.ptr + begin, s.len - begin);
}

/* The shortest text that reads back as the same number; whole numbers without a fraction. */
static void put_real(struct renderer *r, double d)
{
    char text[40];
    int len = 0;

    if (!isfinite(d))
        return;
    if (fabs(d) < 1e15 && d == floor(d)) {
        len = snprintf(text, sizeof(text), "%.0f", d == 0 ? 0.0 : d);
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            len = snprintf(text, sizeof(text), "%.*g", digits, d);
            if (strtod(text, NULL) == d)
                break;
        }
        for (char *p = text; *p != '\0'; p++)
            if (strchr("+-0123456789e", *p) == NULL)
                *p = '.'; /* whatever the locale writes as the decimal point */
    }
    put(r, text, (size_t)len);
}

static void put_value(struct renderer *r, const struct belfry_value *value, int raw)
{
    char text[24];

    switch (value->type) {
    case BELFRY_VALUE_STRING:
        if (r->how->escape == TEMPLATE_HTML && !raw)
            put_html(r, value->s);
        else
            put(r, value->s.ptr, value->s.len);
        break;
    case BELFRY_VALUE_INT:
        put(r, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value->i));
        break;
    case BELFRY_VALUE_REAL:
        put_real(r, value->d);
        break;
    case BELFRY_VALUE_BOOL:
        put(r, value->i ? "true" : "false", value->i ? 4 : 5);
        break;
    default:
        break;
    }
}

static void put_text(struct renderer *r, struct belfry_str text, struct belfry_str indent)
{
    size_t begin = 0;

    for (size_t i = 0; indent.len > 0 && i + 1 < text.len && r->status == 0; i++) {
        if (text.ptr[i] != '\n')
            continue;
        put(r, text.ptr + begin, i + 1 - begin);
        if (r->status == 0)
            put(r, indent.ptr, indent.len);
        begin = i + 1;
    }
    if (r->status == 0 && begin < text.len)
        put(r, text.ptr + begin, text.len - begin);
}

static int step(struct renderer *r)
{
    if (++r->steps > r->most_steps)
        r->status = BELFRY_ELIMIT;
    return r->status == 0;
}

static void member(struct renderer *r, const struct belfry_view *view, const struct belfry_value *object,
                   struct belfry_str key, struct belfry_value *out)
{
    memset(out, 0, sizeof(*out));
    if (object->type == BELFRY_VALUE_OBJECT && step(r))
        view->get(view, object, key, out);
}

/* What hides a member of the top level: found at no extra step. */
static int find_over(const struct renderer *r, struct belfry_str key, struct belfry_value *out)
{
    const struct belfry_view *over = r->how->over;
    struct belfry_value root;

    memset(out, 0, sizeof(*out));
    if (over == NULL)
        return 0;
    over->root(over, &root);
    over->get(over, &root, key, out);
    return out->type != BELFRY_VALUE_MISSING;
}

/* The first name is looked for from the innermost scope out; the rest only below what it found. What is found is of
 * found->view; found->up and found->depth are not touched. */
static void resolve(struct renderer *r, const struct scope *scope, struct belfry_strs path, struct scope *found)
{
    struct belfry_value *out = &found->value;

    found->view = scope->view;
    if (path.count == 0) {
        *out = scope->value;
        return;
    }
    memset(out, 0, sizeof(*out));
    for (; scope != NULL && out->type == BELFRY_VALUE_MISSING && r->status == 0; scope = scope->up) {
        found->view = scope->view;
        if (scope->up == NULL && find_over(r, path.items[0], out)) {
            found->view = r->how->over;
            step(r);
        } else {
            member(r, scope->view, &scope->value, path.items[0], out);
        }
    }
    for (size_t i = 1; i < path.count && r->status == 0; i++) {
        struct belfry_value parent = *out;
        member(r, found->view, &parent, path.items[i], out);
    }
}

static int is_false(const struct belfry_value *value)
{
    switch (value->type) {
    case BELFRY_VALUE_MISSING:
    case BELFRY_VALUE_NULL:
        return 1;
    case BELFRY_VALUE_BOOL:
        return value->i == 0;
    case BELFRY_VALUE_STRING:
        return value->s.len == 0;
    case BELFRY_VALUE_ARRAY:
        return value->count == 0;
    default:
        return 0;
    }
}

static void run(struct renderer *r, const struct belfry_template *tpl, uint32_t from, uint32_t to,
                const struct scope *scope, struct belfry_str indent);

static void run_section(struct renderer *r, const struct belfry_template *tpl, uint32_t at, const struct scope *scope,
                        const struct scope *about, struct belfry_str indent)
{
    struct scope inner = {.view = about->view, .up = scope, .depth = scope->depth + 1};
    const struct belfry_value *value = &about->value;
    uint32_t end = tpl->ops[at].end;

    if (inner.depth >= MAX_SCOPES) {
        r->status = BELFRY_ELIMIT;
        return;
    }
    if (value->type != BELFRY_VALUE_ARRAY) {
        inner.value = *value;
        run(r, tpl, at + 1, end, &inner, indent);
        return;
    }
    for (uint32_t i = 0; i < value->count && step(r); i++) {
        memset(&inner.value, 0, sizeof(inner.value));
        about->view->at(about->view, value, i, &inner.value);
        run(r, tpl, at + 1, end, &inner, indent);
    }
}

static void run_partial(struct renderer *r, const struct template_op *op, const struct scope *scope,
                        struct belfry_str indent)
{
    const struct belfry_template *tpl = r->how->partial != NULL ? r->how->partial(r->how->arg, op->name) : NULL;
    struct buf joined = {0};

    if (tpl == NULL)
        return;
    if (r->partials == TEMPLATE_MAX_PARTIALS) {
        r->status = BELFRY_ELIMIT;
        return;
    }
    if (!op->alone) {
        indent = STR("");
    } else if (indent.len == 0) {
        indent = op->indent;
    } else if (op->indent.len > MAX_INDENT || indent.len > MAX_INDENT) {
        r->status = BELFRY_ELIMIT;
        return;
    } else if (op->indent.len > 0) {
        buf_adds(&joined, indent);
        buf_adds(&joined, op->indent);
        indent = buf_str(&joined);
    }
    r->partials++;
    run(r, tpl, 0, tpl->count, scope, indent);
    r->partials--;
    buf_free(&joined);
}

static void run(struct renderer *r, const struct belfry_template *tpl, uint32_t from, uint32_t to,
                const struct scope *scope, struct belfry_str indent)
{
    for (uint32_t i = from; i < to && step(r); i++) {
        const struct template_op *op = &tpl->ops[i];
        struct scope found;

        if (op->line_start && indent.len > 0)
            put(r, indent.ptr, indent.len);
        if (r->status != 0)
            return;
        switch ((enum template_op_kind)op->kind) {
        case TEMPLATE_OP_TEXT:
            put_text(r, op->text, indent);
            break;
        case TEMPLATE_OP_VALUE:
            resolve(r, scope, op->path, &found);
            put_value(r, &found.value, op->raw);
            break;
        case TEMPLATE_OP_SECTION:
            resolve(r, scope, op->path, &found);
            if (!is_false(&found.value))
                run_section(r, tpl, i, scope, &found, indent);
            i = op->end - 1;
            break;
        case TEMPLATE_OP_INVERTED:
            resolve(r, scope, op->path, &found);
            if (!is_false(&found.value))
                i = op->end - 1;
            break;
        case TEMPLATE_OP_PARTIAL:
            run_partial(r, op, scope, indent);
            break;
        }
    }
}

belfry_status template_render_how(const struct belfry_template *tpl, const struct template_how *how, struct buf *out)
{
    struct renderer r = {.how = how, .out = out};
    struct scope root = {.view = how->params};
    size_t before = out->len;

    r.limit = before + (size_t)how->times * TEMPLATE_MAX_OUTPUT;
    r.most_steps = how->times * TEMPLATE_MAX_STEPS;
    if (how->params != NULL)
        how->params->root(how->params, &root.value);
    run(&r, tpl, 0, tpl->count, &root, STR(""));
    if (r.status != 0) {
        out->len = before;
        if (out->ptr != NULL)
            out->ptr[before] = '\0';
    }
    return r.status;
}

belfry_status template_render(const struct belfry_template *tpl, const struct belfry_view *params,
                              enum template_escape escape, template_partial_fn partial, void *arg, struct buf *out)
{
    struct template_how how = {.params = params, .escape = escape, .times = 1, .partial = partial, .arg = arg};
    return template_render_how(tpl, &how, out);
}
