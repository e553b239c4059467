/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: `when` blocks. Maps mean AND, lists mean OR. Compiled once, evaluated often, traced when asked.
 *
 *   block := { PATH: test, ..., any: [block...], all: [block...], not: block } | [ block, ... ]
 *   test  := scalar | [scalar...] (any of) | { op: arg, ... } (AND of operators) | [ {op...}, ... ] (OR)
 *   op    := eq ne in not_in prefix suffix contains glob regex gt gte lt lte between exists not; ignore_case: true
 *
 * Semantics: strings compare case-sensitively; no coercion between types; missing differs from null; a leaf on a
 * missing path is false, `not`, `ne` and `not_in` on a missing path are true; an array value matches when any element
 * does
 * (`ne`, `not_in`, `not`: none); glob is the whole value, regex a search; the path `severity` of a rule is ordered
 * info < success < warning < error < critical. RFC 3339 strings compare as instants with gt gte lt lte between when the
 * argument is one; dates (2026-01-31) with the date part of such a string as it is written. Everything else has no
 * order. A regex or glob is at most 512 bytes. What a regex may cost is limited: PCRE2's match, depth and heap limits,
 * steps counted over the whole leaf, texts up to 8 KiB; one that gives up does not match and the trace says so.
 *
 * A path is `data.a.b` or a JSON Pointer (RFC 6901) `/data/a~1b`; lists on the way are entered by decimal index. In a
 * list one and the same item must meet all operators of a map. Globs: * any text, ? one character, [a-z] [!a-z] sets,
 * \ takes the next character as it is. ignore_case folds by Unicode's simple case folding. `between` includes both
 * ends.
 */
#ifndef MATCH_MATCH_H
#define MATCH_MATCH_H

#include "base/arena.h"
#include "base/status.h"
#include "yaml/tree.h"

#include <belfry/plugin.h>

enum match_flags {
    MATCH_SEVERITY = 1 << 0, /* path "severity" is ordered by name; unknown names are errors */
};

/*
 * Compiles a block. `paths` (may be NULL: any; else ended by NULL) are the allowed paths: whole ones ("type"), or all
 * below one ("data.*"). A NULL block or an empty map matches all; an empty list is an error. Errors and warnings (H407)
 * go to diags; returns NULL when there were errors. Lives in arena (regexes are freed by its cleanup) and needs neither
 * block nor paths afterwards. Limits: 4096 tests, 256 paths, 64 regexes. [any]
 */
const struct belfry_condition *match_compile(struct arena *arena, struct diag_set *diags, const struct yaml_node *block,
                                             const char *const *paths, uint32_t flags);
/* The same from JSON (endpoints made over the API): faults carry pointers. NULL on errors. */
const struct belfry_condition *match_compile_json(struct arena *arena, const json_t *block, const char *const *paths,
                                                  uint32_t flags, struct error *err);

/* One step of a trace. Strings are valid during the hook. */
struct match_step {
    uint32_t depth;
    int result;         /* 1 true, 0 false */
    const char *path;   /* NULL for any / all / not */
    const char *test;   /* `prefix "check_run."`, "any of [a, b]", "any", "not" */
    const char *actual; /* `"check_run.completed"`, "missing"; NULL for blocks */
    const char *note;   /* "type mismatch: event has a string"; may be NULL */
    struct diag_span span;
};
typedef void (*match_trace_fn)(void *arg, const struct match_step *step);

/* 1 or 0. With a trace everything is evaluated, without it stops early. [any] */
int match_eval(const struct belfry_condition *cond, const struct belfry_view *view, match_trace_fn trace, void *arg);

/* The dotted paths a condition reads, for sources that remember only those. Array in the condition's arena. */
const struct belfry_str *match_paths(const struct belfry_condition *cond, size_t *count);
/* 1 when the condition reads a path that starts with `segment` ("data"): else the event's data need not be parsed. */
int match_reads(const struct belfry_condition *cond, const char *segment);
/* Set of exact strings that path `path` must be one of (a list: hold one of) for the condition to hold, for indexes
 * (type, source); sorted, each once. NULL when it may be anything. */
const struct belfry_str *match_required(const struct belfry_condition *cond, const char *path, size_t *count);
/* Lints between rules: 1 when everything that b matches is matched by a (conservative: 0 when not sure). Two conditions
 * that cover each other are the same. [any] */
int match_covers(const struct belfry_condition *a, const struct belfry_condition *b);

#endif
