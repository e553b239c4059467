/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the diagnostics of one run and the texts they point into. Diagnostics are kept in the order in which they were
 * found and sorted when they are asked for; the sort is by place, then by that order, so output never depends on which
 * check ran first. Strings live in the set's arena.
 */
#include "yaml/diag_set.h"

#include "base/mem.h"
#include "yaml/position.h"

#include <stdlib.h>

struct diag_set *diag_set_new(void)
{
    struct diag_set *set = xcalloc(1, sizeof(*set));
    set->arena = arena_new(0);
    return set;
}

void diag_set_free(struct diag_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->file_count; i++)
        positions_fini(&set->files[i].positions);
    free(set->files);
    free(set->diags);
    free(set->redacted);
    arena_free(set->arena);
    free(set);
}

uint32_t diag_add_file(struct diag_set *set, const char *name, struct belfry_str text)
{
    set->files = xgrow(set->files, &set->file_cap, set->file_count + 1, sizeof(*set->files));
    struct diag_file *file = &set->files[set->file_count];
    *file = (struct diag_file){.name = arena_strdup(set->arena, name)};
    file->text = str_slice(arena_strndup(set->arena, text.ptr ? text.ptr : "", text.len), text.len);
    positions_init(&file->positions, file->text);
    return (uint32_t)set->file_count++;
}

const char *diag_file_name(const struct diag_set *set, uint32_t file)
{
    return file < set->file_count ? set->files[file].name : NULL;
}

struct belfry_str diag_file_text(const struct diag_set *set, uint32_t file)
{
    return file < set->file_count ? set->files[file].text : str_slice("", 0);
}

const struct positions *diag_positions(const struct diag_set *set, uint32_t file)
{
    return file < set->file_count ? &set->files[file].positions : NULL;
}

struct arena *diag_arena(struct diag_set *set)
{
    return set->arena;
}

struct diag_span diag_nowhere(void)
{
    return (struct diag_span){.file = UINT32_MAX};
}

struct diag_span diag_span_at(const struct diag_set *set, uint32_t file, uint32_t begin, uint32_t end)
{
    if (file >= set->file_count)
        return diag_nowhere();
    const struct positions *p = &set->files[file].positions;
    size_t line = position_line(p, begin);
    uint32_t column = position_char(p, begin) - position_char(p, p->line_begin[line]);
    /* A byte order mark is no column: editors do not show it. */
    if (line == 0 && column > 0 && str_has_prefix(p->text, STR("\xEF\xBB\xBF")))
        column--;
    return (struct diag_span){file, (uint32_t)line + 1, column + 1, begin, end < begin ? begin : end};
}

static const char *show(struct diag_set *set, struct belfry_str text, int most)
{
    struct buf out = {0};
    size_t at = 0;
    for (int n = 0; at < text.len && n < most; n++) {
        size_t begin = at;
        uint32_t c = str_utf8_next(text, &at);
        if (c < 0x20 || c == 0x7F)
            buf_addf(&out, "\\x%02X", (unsigned)c);
        else if (c == 0xFFFD)
            buf_addc(&out, '?');
        else
            buf_add(&out, text.ptr + begin, at - begin);
    }
    if (at < text.len)
        buf_addz(&out, "...");
    const char *shown = arena_strndup(set->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return shown;
}

const char *diag_show(struct diag_set *set, struct belfry_str text)
{
    return show(set, text, 60);
}

const char *diag_show_path(struct diag_set *set, const char *path)
{
    return show(set, str_of(path), 1000);
}

struct diag *diag_add(struct diag_set *set, const char *code, enum diag_severity severity, struct diag_span span,
                      const char *format, ...)
{
    struct buf message = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&message, format, args);
    va_end(args);
    struct diag *d = arena_alloc(set->arena, sizeof(*d));
    *d = (struct diag){.code = arena_strdup(set->arena, code), .severity = severity, .span = span};
    d->message = arena_strndup(set->arena, message.ptr ? message.ptr : "", message.len);
    d->order = (uint32_t)set->count;
    buf_free(&message);
    set->diags = xgrow(set->diags, &set->cap, set->count + 1, sizeof(*set->diags));
    set->diags[set->count++] = d;
    set->sorted = 0;
    return d;
}

void diag_suggest(struct diag_set *set, struct diag *d, const char *nearest)
{
    if (!nearest)
        return;
    d->label = arena_printf(set->arena, "did you mean `%s`?", nearest);
    d->replacement = arena_strdup(set->arena, nearest);
}

void diag_relate(struct diag_set *set, struct diag *d, struct diag_span span, const char *label)
{
    struct diag_related *related = arena_alloc(set->arena, sizeof(*related));
    *related = (struct diag_related){span, arena_strdup(set->arena, label), NULL};
    struct diag_related **tail = &d->related;
    while (*tail)
        tail = &(*tail)->next;
    *tail = related;
}

void diag_help(struct diag_set *set, struct diag *d, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    d->help = arena_strndup(set->arena, text.ptr ? text.ptr : "", text.len);
    buf_free(&text);
}

void diag_redact(struct diag_set *set, struct diag_span span)
{
    if (span.file >= set->file_count || span.end <= span.begin)
        return;
    set->redacted = xgrow(set->redacted, &set->redacted_cap, set->redacted_count + 1, sizeof(*set->redacted));
    set->redacted[set->redacted_count++] = span;
    set->redacted_sorted = 0;
}

static int compare_spans(const void *left, const void *right)
{
    const struct diag_span *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static void sort_redacted(struct diag_set *set)
{
    if (set->redacted_sorted || set->redacted_count == 0)
        return;
    qsort(set->redacted, set->redacted_count, sizeof(*set->redacted), compare_spans);
    size_t kept = 0;
    for (size_t i = 1; i < set->redacted_count; i++) {
        struct diag_span *last = &set->redacted[kept], *next = &set->redacted[i];
        if (next->file == last->file && next->begin <= last->end)
            last->end = next->end > last->end ? next->end : last->end;
        else
            set->redacted[++kept] = *next;
    }
    set->redacted_count = kept + 1;
    set->redacted_sorted = 1;
}

/* The first secret of a file that ends after a byte; NULL without. */
static const struct diag_span *find_redacted(struct diag_set *set, uint32_t file, uint32_t at)
{
    sort_redacted(set);
    size_t low = 0, high = set->redacted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct diag_span *span = &set->redacted[middle];
        if (span->file < file || (span->file == file && span->end <= at))
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->redacted_count && set->redacted[low].file == file ? &set->redacted[low] : NULL;
}

uint32_t diag_redacted_end(struct diag_set *set, uint32_t file, uint32_t at)
{
    const struct diag_span *span = find_redacted(set, file, at);
    return span && span->begin <= at ? span->end : 0;
}

int diag_is_redacted(struct diag_set *set, struct diag_span span)
{
    const struct diag_span *found = find_redacted(set, span.file, span.begin);
    return found && found->begin < span.end;
}

size_t diag_count(const struct diag_set *set, enum diag_severity severity)
{
    size_t n = 0;
    for (size_t i = 0; i < set->count; i++)
        n += set->diags[i]->severity == severity;
    return n;
}

size_t diag_total(const struct diag_set *set)
{
    return set->count;
}

/* What has no place comes last: UINT32_MAX is the largest file. */
static int compare_diags(const void *left, const void *right)
{
    const struct diag *a = *(struct diag *const *)left, *b = *(struct diag *const *)right;
    if (a->span.file != b->span.file)
        return a->span.file < b->span.file ? -1 : 1;
    if (a->span.begin != b->span.begin)
        return a->span.begin < b->span.begin ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

const struct diag *diag_get(struct diag_set *set, size_t i)
{
    if (i >= set->count)
        return NULL;
    if (!set->sorted)
        qsort(set->diags, set->count, sizeof(*set->diags), compare_diags);
    set->sorted = 1;
    return set->diags[i];
}
