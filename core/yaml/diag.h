/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: what is wrong, exactly where, and what instead. One root cause is one diagnostic. Collected over all
 * files of one run, sorted by file and line, rendered as text or as lines of JSON.
 */
#ifndef YAML_DIAG_H
#define YAML_DIAG_H

#include "base/arena.h"
#include "base/str.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Codes by family: H0xx syntax, H1xx YAML traps, H2xx schema, H3xx references, H4xx rule logic, H5xx plugins, H6xx
 * secrets and permissions, H7xx environment. The table of codes, with the help text of `belfry help CODE`, is
 * yaml/codes.h (one X-macro line each); codes are never re-used.
 */
enum diag_severity { DIAG_NOTE, DIAG_WARNING, DIAG_ERROR };

/* A stretch of one source file. Offsets in bytes; line and col are 1-based, col counts characters. */
struct diag_span {
    uint32_t file; /* index in the diag_set's files */
    uint32_t line, col;
    uint32_t begin, end; /* byte offsets */
};

struct diag_related {
    struct diag_span span;
    const char *label; /* "first set here" */
    struct diag_related *next;
};

struct diag {
    const char *code; /* "H201" */
    enum diag_severity severity;
    const char *message;
    struct diag_span span;   /* file UINT32_MAX: no place */
    const char *label;       /* printed after the carets; may be NULL */
    const char *help;        /* "= help: ..."; may be NULL */
    const char *replacement; /* machine-applicable text for span; may be NULL */
    const char *path;        /* /rules/3/notfy; may be NULL */
    struct diag_related *related;
    uint32_t order;
};

struct diag_set;

struct diag_set *diag_set_new(void);
void diag_set_free(struct diag_set *set);
/* Adds a file; the text is copied and kept for rendering. Returns its index. */
uint32_t diag_add_file(struct diag_set *set, const char *name, struct belfry_str text);
const char *diag_file_name(const struct diag_set *set, uint32_t file);
struct belfry_str diag_file_text(const struct diag_set *set, uint32_t file);
/* The set's arena: strings that diagnostics point at. */
struct arena *diag_arena(struct diag_set *set);

/* Adds a diagnostic and returns it, so that label, help, replacement and related can be set. */
struct diag *diag_add(struct diag_set *set, const char *code, enum diag_severity severity, struct diag_span span,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "did you mean `x`?" as label and a machine replacement; nothing when nearest is NULL. */
void diag_suggest(struct diag_set *set, struct diag *d, const char *nearest);
void diag_relate(struct diag_set *set, struct diag *d, struct diag_span span, const char *label);
void diag_help(struct diag_set *set, struct diag *d, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The span of bytes [begin, end) of a file, with line and column filled in. [any] */
struct diag_span diag_span_at(const struct diag_set *set, uint32_t file, uint32_t begin, uint32_t end);
/* A span without a place: for what belongs to no file, or (with file) to a file as a whole. */
struct diag_span diag_nowhere(void);
struct positions;
/* Line and character tables of a file's text; they live as long as the set. [any] */
const struct positions *diag_positions(const struct diag_set *set, uint32_t file);

/* Text from a file as a message may show it: at most 60 characters, control characters as \xNN. In the set's arena. */
const char *diag_show(struct diag_set *set, struct belfry_str text);
/* The same for a path, which is of no use when its end is missing: at most 1,000 characters. */
const char *diag_show_path(struct diag_set *set, const char *path);

size_t diag_count(const struct diag_set *set, enum diag_severity severity);
/* Sorted by file, line, column; i < diag_total. */
size_t diag_total(const struct diag_set *set);
const struct diag *diag_get(struct diag_set *set, size_t i);

/*
 * Text: "FILE:LINE:COL: error[H201]: text", the source line with line number, carets under the span (display width:
 * tabs are drawn as one cell, East Asian wide characters take two), label, related spans, help; at most 50, then
 * "and N more"; ends with "2 errors, 1 warning in 3 files". Secrets never appear: lines of spans added with
 * diag_redact are drawn with the value as <redacted>.
 */
void diag_render_text(struct diag_set *set, struct buf *out, int colour);
/* NDJSON: one object a diagnostic {v,code,severity,message,file,line,col,end_line,end_col,byte_start,byte_end,path,
 * suggestion,related}, then {"v":1,"summary":{errors,warnings,files}}. */
void diag_render_json(struct diag_set *set, struct buf *out);
/* The same as an array, for the API's 422. New reference. */
json_t *diag_to_json(struct diag_set *set);
void diag_redact(struct diag_set *set, struct diag_span span);
/* Help text of a code, or NULL. Static. [any] */
const char *diag_explain(const char *code);
/* Title of a code ("unknown key"), or NULL. Static. [any] */
const char *diag_title(const char *code);
/* The i-th code in the order of the table, or NULL past the end: for lists and completion. */
const char *diag_code_at(size_t i);

#endif
