/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_load: runs libyaml over the text and goes on after errors. libyaml stops for good at the first syntax error, so
 * the rest is parsed as further stretches: from the next line that continues one of the open blocks (same column, looks
 * like a key in a map and like an item in a list) to the end of that block. What a stretch brings goes into the block
 * that it continues. So one broken rule costs that rule, not the file.
 *
 * Invariant: every stretch begins on a later line than the one before, so this ends; and the number of errors is
 * limited, because every stretch costs libyaml's start-up.
 */
#include "yaml/loader.h"

#include "base/mem.h"

#include <stdlib.h>

#define MAX_ERRORS 50
#define MAX_STRETCHES 400
#define NO_LINE SIZE_MAX

uint32_t load_byte(const struct loader *l, yaml_mark_t mark)
{
    return position_byte(l->source.positions, l->base + (uint32_t)mark.index);
}

struct diag_span load_span(const struct loader *l, uint32_t begin, uint32_t end)
{
    return source_span(&l->source, begin, end);
}

int load_count(struct loader *l, size_t nodes, struct diag_span span)
{
    if (l->nodes + nodes <= LOAD_MAX_NODES) {
        l->nodes += nodes;
        return 1;
    }
    if (!l->stopped)
        diag_add(l->diags, "H007", DIAG_ERROR, span, "the file has more than 100,000 values");
    l->stopped = 1;
    return 0;
}

/* --- one stretch -------------------------------------------------------------------------------------------- */

static void report_second_document(struct loader *l, uint32_t begin, uint32_t end)
{
    struct diag *d = diag_add(l->diags, "H104", DIAG_ERROR, load_span(l, begin, end),
                              "a second document begins here; one file holds one");
    diag_help(l->diags, d, "delete this line, or put what follows into a file of its own");
    l->stopped = 1;
}

/* The outermost node of a stretch continues the innermost open frame; libyaml cannot know and must not be surprised. */
static void join(struct loader *l, const yaml_event_t *event)
{
    enum yaml_kind kind = event->type == YAML_MAPPING_START_EVENT    ? YAML_MAP
                          : event->type == YAML_SEQUENCE_START_EVENT ? YAML_LIST
                                                                     : YAML_SCALAR;
    l->joining = 0;
    if (kind == l->frames[l->depth - 1].node->kind)
        return;
    /* The line looked like a key or an item and is none: drop it, the rest of the block too. */
    uint32_t begin = load_byte(l, event->start_mark);
    l->faulty = 1;
    l->joined = 0;
    diag_add(l->diags, "H002", DIAG_ERROR, load_span(l, begin, source_value_end(&l->source, begin)),
             "this does not continue the block above");
}

/* 0 when the stretch is over. */
static int take(struct loader *l, const yaml_event_t *event, size_t *documents)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if ((*documents)++ > 0)
            report_second_document(l, load_byte(l, event->start_mark), load_byte(l, event->end_mark));
        return !l->stopped;
    case YAML_STREAM_END_EVENT:
        return 0;
    case YAML_ALIAS_EVENT:
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (l->joining) {
            join(l, event);
            return l->joined > 0;
        }
        if (event->type == YAML_ALIAS_EVENT)
            alias_use(l, event);
        else if (event->type == YAML_SCALAR_EVENT)
            build_scalar(l, event);
        else
            build_open(l, event);
        return !l->stopped;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        build_close(l, event);
        return !l->stopped;
    default:
        return 1;
    }
}

/* Parses the bytes of a stretch. Returns the line after which to go on when there was a syntax error, else NO_LINE. */
static size_t parse(struct loader *l, uint32_t begin, uint32_t end, uint32_t *indent, int *open)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort(); /* out of memory, as in xmalloc */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)l->source.text + begin, end - begin);
    l->base = position_char(l->source.positions, begin);
    l->last = NULL;
    l->last_end = 0;
    l->last_flow = l->last_quoted = 0;
    l->joined = l->depth;
    l->joining = l->depth > 0;
    size_t documents = 0, line = NO_LINE;
    for (int more = 1; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            if (parser.error == YAML_MEMORY_ERROR)
                abort();
            line = syntax_report(l, &parser, indent, open);
            break;
        }
        more = take(l, &event, &documents);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return line;
}

/* --- going on ------------------------------------------------------------------------------------------------ */

static int is_marker(const struct source *s, size_t line, const char *marker)
{
    struct belfry_str text = position_line_text(s->positions, line);
    return text.len >= 3 && memcmp(text.ptr, marker, 3) == 0 && (text.len == 3 || strchr(" \t", text.ptr[3]));
}

/* Number of frames that stay open when reading goes on at a line; 0 when the line continues none of them. */
static size_t match_frame(const struct loader *l, size_t line)
{
    const struct source *s = &l->source;
    uint32_t indent = s->indent[line];
    int item = s->flags[line] & LINE_ITEM, key = s->flags[line] & LINE_KEY;
    for (size_t depth = l->depth; depth > 0; depth--) {
        const struct frame *frame = &l->frames[depth - 1];
        if (frame->column == indent && (frame->node->kind == YAML_LIST ? item : key))
            return depth;
    }
    return 0;
}

/* Lines that say nothing about structure. */
static int is_skipped(const struct source *s, size_t line)
{
    return s->flags[line] & (LINE_BLOCK | LINE_INDENT | LINE_EMPTY);
}

/* First line after the block that a line begins to continue. */
static size_t block_end(const struct loader *l, size_t line)
{
    const struct source *s = &l->source;
    const struct frame *frame = &l->frames[l->depth - 1];
    for (line++; line < s->positions->line_count; line++) {
        if (is_skipped(s, line))
            continue;
        uint32_t indent = s->indent[line];
        if (indent < frame->column ||
            (indent == frame->column && frame->node->kind == YAML_LIST && !(s->flags[line] & LINE_ITEM)))
            break;
    }
    return line;
}

/* What stopped a stretch. */
struct fault {
    size_t line;     /* of the cause; NO_LINE: none, the stretch ended well */
    uint32_t indent; /* lines that are indented more are part of it */
    int open;        /* a quote or bracket was open: any line may be part of it */
};

/* A line in the range of an open block that continues none and is not part of the fault before it. */
static void report_stray(struct loader *l, size_t line)
{
    const struct source *s = &l->source;
    uint32_t begin = s->positions->line_begin[line] + s->indent[line], end = source_value_end(s, begin);
    const struct frame *frame = &l->frames[l->depth - 1];
    const char *message = "wrong indentation: this line belongs to no map or list above it";
    const char *help = "keys of one map begin in the same column, and so do items of one list";
    if (s->text[begin] == '-' && !(s->flags[line] & LINE_ITEM)) {
        message = "an item of a list needs a space after `-`";
        help = NULL;
    } else if (frame->node->kind == YAML_MAP && frame->column == s->indent[line] && !(s->flags[line] & LINE_ITEM)) {
        message = "this key has no `:`";
        help = NULL;
    }
    struct diag *d = diag_add(l->diags, "H002", DIAG_ERROR, load_span(l, begin, end), "%s", message);
    if (help)
        diag_help(l->diags, d, "%s", help);
    l->errors++;
    l->faulty = 1;
}

static int is_stray(const struct loader *l, size_t line, const struct fault *fault)
{
    const struct source *s = &l->source;
    return !fault->open && s->indent[line] <= fault->indent && s->indent[line] <= l->frames[l->depth - 1].column &&
           !(s->flags[line] & LINE_FAULTY);
}

/* Finds the next line at which reading can go on and closes the frames that it does not belong to. */
static size_t resume(struct loader *l, size_t line, struct fault fault)
{
    const struct source *s = &l->source;
    for (; line < s->positions->line_count && l->errors < MAX_ERRORS; line++) {
        if (is_skipped(s, line))
            continue;
        if (is_marker(s, line, "---")) {
            uint32_t begin = s->positions->line_begin[line];
            report_second_document(l, begin, begin + 3);
            return NO_LINE;
        }
        if (fault.open && s->indent[line] > fault.indent)
            continue;
        if (l->depth == 0) {
            if (!l->root && s->indent[line] == 0 && (s->flags[line] & LINE_KEY))
                return line;
            continue;
        }
        size_t depth = match_frame(l, line);
        if (depth == 0) {
            if (is_stray(l, line, &fault)) {
                report_stray(l, line);
                fault = (struct fault){line, s->indent[line], 0};
            }
            continue;
        }
        while (l->depth > depth)
            build_finish(l);
        l->frames[depth - 1].key = NULL;
        return line;
    }
    return NO_LINE;
}

static void load_stretches(struct loader *l)
{
    const struct positions *p = l->source.positions;
    uint32_t begin = l->source.begin;
    size_t next = p->line_count;
    for (int stretches = 0;; stretches++) {
        uint32_t end = next < p->line_count ? p->line_begin[next] : (uint32_t)p->text.len;
        struct fault fault = {.indent = UINT32_MAX};
        fault.line = parse(l, begin, end, &fault.indent, &fault.open);
        if (l->stopped || (fault.line == NO_LINE && next >= p->line_count))
            return;
        size_t line = resume(l, fault.line == NO_LINE ? next : fault.line + 1, fault);
        if (l->errors >= MAX_ERRORS || stretches == MAX_STRETCHES) {
            diag_add(l->diags, "H008", DIAG_ERROR, load_span(l, end, end), "too many syntax errors; reading stopped");
            return;
        }
        if (line == NO_LINE)
            return;
        begin = p->line_begin[line];
        next = l->depth ? block_end(l, line) : p->line_count;
    }
}

/* A file without content is a map without keys: an empty file in an include directory is no fault. */
static void load_nothing(struct loader *l)
{
    int lost = l->faulty || l->stopped;
    for (size_t i = 0; !lost && i < l->source.positions->line_count; i++)
        lost = l->source.flags[i] & LINE_FAULTY;
    if (lost)
        return;
    l->root = arena_alloc(l->arena, sizeof(*l->root));
    l->root->kind = YAML_MAP;
    l->root->span = load_span(l, l->source.begin, l->source.begin);
}

const struct yaml_node *yaml_load(struct arena *arena, struct diag_set *diags, uint32_t file)
{
    struct loader *l = xcalloc(1, sizeof(*l));
    l->arena = arena;
    l->diags = diags;
    struct yaml_node *root = NULL;
    if (source_init(&l->source, diags, file)) {
        l->anchors = hash_new();
        load_stretches(l);
        while (l->depth)
            build_finish(l);
        if (!l->root)
            load_nothing(l);
        else if (l->faulty || l->stopped)
            l->root->partial = 1;
        root = l->root;
        hash_free(l->anchors, NULL);
    }
    for (size_t i = 0; i < LOAD_MAX_DEPTH; i++)
        free(l->frames[i].entries);
    source_fini(&l->source);
    free(l);
    return root;
}
