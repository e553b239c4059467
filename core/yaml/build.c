/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From events to nodes. Open maps and lists are frames on a stack; their children collect in the frame and go to the
 * arena as one array when it ends. A syntax error does not throw the stack away: what was complete stays, the frames
 * are marked as partial, and reading goes on in the frame that the next sound line belongs to.
 */
#include "yaml/loader.h"

#include "base/mem.h"

#include <stdlib.h>

static struct frame *top(struct loader *l)
{
    return l->depth ? &l->frames[l->depth - 1] : NULL;
}

static int wants_key(const struct frame *frame)
{
    return frame && frame->node->kind == YAML_MAP && !frame->key;
}

/* --- spans -------------------------------------------------------------------------------------------------- */

/* Byte at which the value itself begins, after an anchor and a tag. */
static uint32_t skip_properties(const struct loader *l, uint32_t at, uint32_t end)
{
    const char *text = l->source.text;
    while (at < end && (text[at] == '&' || text[at] == '!')) {
        while (at < end && !strchr(" \t\r\n", text[at]))
            at++;
        while (at < end && strchr(" \t\r\n", text[at]))
            at++;
    }
    return at;
}

/* The first line of a stretch, without blanks and comment at its end. */
static struct diag_span first_line(const struct loader *l, uint32_t begin, uint32_t end)
{
    uint32_t line_end = source_value_end(&l->source, begin);
    return load_span(l, begin, end < line_end && end > begin ? end : line_end);
}

static void check_tag(struct loader *l, const yaml_char_t *tag, uint32_t begin)
{
    static const char core[] = "tag:yaml.org,2002:";
    if (!tag || strcmp((const char *)tag, "!") == 0 || strncmp((const char *)tag, core, sizeof(core) - 1) == 0)
        return;
    uint32_t end = begin;
    while (end < l->source.original.len && !strchr(" \t\r\n", l->source.text[end]))
        end++;
    diag_add(l->diags, "H107", DIAG_ERROR, load_span(l, begin, end), "unknown tag `%s`",
             diag_show(l->diags, str_of((const char *)tag)));
}

/* --- adding ------------------------------------------------------------------------------------------------- */

static void set_key(struct loader *l, struct frame *frame, struct yaml_node *node)
{
    frame->key = node;
    if (node->kind == YAML_SCALAR)
        return;
    frame->key = &l->dropped;
}

void build_add(struct loader *l, struct yaml_node *node, const yaml_event_t *event)
{
    struct frame *frame = top(l);
    if (event) {
        l->last = node;
        l->last_end = load_byte(l, event->end_mark);
    }
    if (!frame) {
        l->root = node;
        return;
    }
    node->parent = frame->node;
    if (wants_key(frame)) {
        set_key(l, frame, node);
        return;
    }
    const struct yaml_node *key = frame->key;
    frame->key = NULL;
    if (key == &l->dropped) {
        frame->node->partial = 1;
        return;
    }
    node->key = key;
    frame->entries = xgrow(frame->entries, &frame->cap, frame->count + 1, sizeof(*frame->entries));
    frame->entries[frame->count++] = (struct entry){key, node};
}

/* Pasted no-break spaces at the edge of a word are invisible and make it another word. */
static void check_spaces(struct loader *l, const struct yaml_node *node, int is_key)
{
    static const char space[] = "\xC2\xA0";
    struct belfry_str text = node->text;
    if (!node->plain || text.len < 2)
        return;
    int found = str_has_prefix(text, STR(space)) || str_has_suffix(text, STR(space)) ||
                (is_key && memmem(text.ptr, text.len, space, 2));
    struct source *s = &l->source;
    size_t line = node->span.line ? node->span.line - 1 : 0;
    if (!found || s->flags[line] & LINE_FAULTY)
        return;
    const char *at = memmem(s->original.ptr + node->span.begin, node->span.end - node->span.begin, space, 2);
    uint32_t begin = at ? (uint32_t)(at - s->original.ptr) : node->span.begin;
    s->flags[line] |= LINE_FAULTY;
    diag_add(l->diags, "H003", DIAG_ERROR, load_span(l, begin, begin + 2), "no-break space U+00A0 %s",
             is_key ? "in a key" : "at the edge of a value");
}

void build_scalar(struct loader *l, const yaml_event_t *event)
{
    uint32_t begin = load_byte(l, event->start_mark), end = load_byte(l, event->end_mark);
    check_tag(l, event->data.scalar.tag, begin);
    begin = skip_properties(l, begin, end);
    struct diag_span span = load_span(l, begin, end);
    if (!load_count(l, 1, span))
        return;
    struct yaml_node *node = arena_alloc(l->arena, sizeof(*node));
    node->kind = YAML_SCALAR;
    node->span = span;
    node->raw = arena_str(l->arena, str_slice((const char *)event->data.scalar.value, event->data.scalar.length));
    node->text = node->raw;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit;
    node->scalar = node->plain ? yaml_classify(node->text) : YAML_STRING;
    check_spaces(l, node, wants_key(top(l)));
    if (event->data.scalar.anchor)
        alias_define(l, (const char *)event->data.scalar.anchor, node, 0);
    l->last_flow = 0;
    l->last_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    build_add(l, node, event);
}

/* --- maps and lists ----------------------------------------------------------------------------------------- */

/* A map as a key. `{{name}}` without quotes is the usual reason, so the whole value is the thing to mend. */
static void report_complex_key(struct loader *l, uint32_t begin)
{
    struct source *s = &l->source;
    size_t line = source_line(s, begin);
    if (s->flags[line] & LINE_FAULTY)
        return;
    s->flags[line] |= LINE_FAULTY;
    int template = begin > 0 && s->text[begin] == '{' && s->text[begin - 1] == '{';
    if (!template) {
        diag_add(l->diags, "H106", DIAG_ERROR, first_line(l, begin, 0),
                 "a key must be a plain word, not a map or list");
        return;
    }
    uint32_t end = source_value_end(s, begin);
    struct diag *d = diag_add(l->diags, "H106", DIAG_ERROR, load_span(l, begin - 1, end),
                              "a template must be quoted: `{{` is the start of a map");
    /* Inside brackets the value's end is anyone's guess. */
    if (l->depth < 2 || !l->frames[l->depth - 2].flow)
        d->replacement = syntax_quoted(l, str_slice(s->original.ptr + begin - 1, end - begin + 1));
    d->label = "quote the value";
    top(l)->node->unresolved = 1; /* what was meant is a text, so nobody judges the map */
}

/* Column of the items of a block. The mark of an anchored block is the anchor's, so ends are looked at; the end of a
 * list that is not indented under its key is after its first dash. */
static uint32_t block_column(const struct loader *l, const yaml_event_t *event)
{
    const char *text = l->source.text;
    uint32_t at = load_byte(l, event->end_mark);
    if (event->type == YAML_SEQUENCE_START_EVENT && at > 0 && text[at] != '-' && text[at - 1] == '-')
        at--;
    return load_span(l, at, at).col - 1;
}

static int is_flow(const yaml_event_t *event)
{
    return event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                                                   : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
}

void build_open(struct loader *l, const yaml_event_t *event)
{
    int map = event->type == YAML_MAPPING_START_EVENT;
    uint32_t begin = load_byte(l, event->start_mark), end = load_byte(l, event->end_mark);
    check_tag(l, map ? event->data.mapping_start.tag : event->data.sequence_start.tag, begin);
    begin = skip_properties(l, begin, end);
    struct diag_span span = first_line(l, begin, 0);
    if (l->depth == LOAD_MAX_DEPTH) {
        diag_add(l->diags, "H006", DIAG_ERROR, load_span(l, begin, begin + 1), "nested more than %d levels deep",
                 LOAD_MAX_DEPTH);
        l->stopped = 1;
        return;
    }
    if (!load_count(l, 1, span))
        return;
    struct yaml_node *node = arena_alloc(l->arena, sizeof(*node));
    node->kind = map ? YAML_MAP : YAML_LIST;
    node->span = span;
    int as_key = wants_key(top(l));
    if (as_key)
        report_complex_key(l, begin);
    struct frame *frame = &l->frames[l->depth++];
    struct entry *entries = frame->entries;
    size_t cap = frame->cap;
    *frame = (struct frame){.node = node, .entries = entries, .cap = cap, .flow = is_flow(event), .as_key = as_key};
    frame->column = frame->flow ? UINT32_MAX : block_column(l, event);
    const yaml_char_t *anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    if (anchor)
        frame->anchor = alias_define(l, (const char *)anchor, node, 1);
}

static void finish_list(struct loader *l, struct frame *frame)
{
    const struct yaml_node **items = arena_alloc(l->arena, frame->count * sizeof(*items));
    for (size_t i = 0; i < frame->count; i++) {
        frame->entries[i].value->index = i;
        items[i] = frame->entries[i].value;
    }
    frame->node->items = items;
    frame->node->count = frame->count;
}

/* Takes the innermost frame off the stack with its node complete, but adds it to nothing. */
static struct frame *pop(struct loader *l)
{
    struct frame *frame = top(l);
    if (frame->node->kind == YAML_MAP)
        alias_pairs(l, frame);
    else
        finish_list(l, frame);
    if (frame->anchor)
        frame->anchor->open = 0;
    l->depth--;
    return frame;
}

void build_finish(struct loader *l)
{
    struct frame *frame = pop(l);
    build_add(l, frame->node, NULL);
}

void build_close(struct loader *l, const yaml_event_t *event)
{
    if (l->depth == l->joined)
        return; /* the outermost node of a stretch: more of it may follow */
    struct yaml_node *node = top(l)->node;
    int flow = top(l)->flow;
    build_finish(l);
    if (flow) {
        l->last = node;
        l->last_flow = 1;
        l->last_quoted = 0;
        l->last_end = load_byte(l, event->end_mark);
    }
}

/* --- after a syntax error ------------------------------------------------------------------------------------ */

/* An unclosed bracket swallows the lines after it: nothing in it can be trusted. */
static void drop_flow(struct loader *l)
{
    while (l->depth && (top(l)->flow || top(l)->as_key)) {
        struct frame *frame = top(l);
        if (frame->anchor)
            frame->anchor->broken = 1;
        l->depth--;
        if (!l->depth)
            l->root = NULL;
    }
}

/* The value just read ends on the line of the error: half of it, or two lines run into one. */
static int is_doubtful(const struct loader *l, const struct frame *frame, size_t line)
{
    return !frame->key && frame->count > 0 && frame->entries[frame->count - 1].value == l->last && l->last_end > 0 &&
           source_line(&l->source, l->last_end - 1) >= line;
}

void build_discard(struct loader *l, size_t line)
{
    drop_flow(l);
    struct frame *frame = top(l);
    if (!frame && l->root && l->root->kind == YAML_SCALAR)
        l->root = NULL;
    if (frame && is_doubtful(l, frame, line))
        frame->count--;
    if (frame)
        frame->key = NULL;
    for (size_t i = 0; i < l->depth; i++)
        l->frames[i].node->partial = 1;
}
