/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to this room: what a condition is read from (input), what it is compiled to (nodes, tests, operators), and
 * the state of compiling and of one evaluation.
 */
#ifndef MATCH_TREE_H
#define MATCH_TREE_H

#include "match/match.h"

#include <stdarg.h>

/* --- input: one shape for YAML and JSON -------------------------------------------------------------------------- */

enum match_input_kind { IN_NULL, IN_BOOL, IN_INT, IN_REAL, IN_STRING, IN_LIST, IN_MAP };

/* Where something was written: a span for YAML, a pointer for JSON. */
struct match_place {
    const struct yaml_node *yaml; /* NULL for JSON */
    const char *pointer;          /* NULL for YAML */
};

struct match_input;

struct match_member {
    struct belfry_str key; /* of a map */
    struct match_place key_place;
    const struct match_input *value;
};

struct match_input {
    enum match_input_kind kind;
    int plain;      /* YAML, written without quotes */
    int tainted;    /* holds a secret: never print it */
    int unresolved; /* holds a secret that was not read: do not judge it */
    int64_t i;
    double d;
    struct belfry_str text; /* of a scalar, as written */
    const struct match_member *members;
    size_t count;
    struct match_place place;
};

/* --- the compiled form -------------------------------------------------------------------------------------------- */

/* One constant. Times and severities are constants of ordering operators only. */
enum match_value_type { MV_NULL, MV_BOOL, MV_INT, MV_REAL, MV_STRING, MV_INSTANT, MV_DATE, MV_SEVERITY };

struct match_value {
    enum match_value_type type;
    union {
        int64_t i;
        double d;
        struct belfry_str s;
    };
};

/* eq is `in` with one value; ne, not_in and `not` are negative operators. */
enum match_code {
    MC_IN,
    MC_PREFIX,
    MC_SUFFIX,
    MC_CONTAINS,
    MC_GLOB,
    MC_REGEX,
    MC_GT,
    MC_GTE,
    MC_LT,
    MC_LTE,
    MC_BETWEEN,
    MC_EXISTS,
    MC_TEST
};

struct match_regex;
struct match_test;

struct match_op {
    uint8_t code;
    uint8_t negative;
    uint8_t fold; /* compare without case; strings of args are folded already */
    uint32_t count;
    const struct match_value *args;
    union {
        const struct match_regex *regex;
        const struct match_test *test;
    };
};

/* All of its operators hold. */
struct match_group {
    const struct match_op *ops;
    uint32_t count;
};

/* Any of its groups holds. */
struct match_test {
    const struct match_group *groups;
    uint32_t count;
};

struct match_path {
    struct belfry_str name; /* as written */
    struct belfry_strs segments;
    int severity; /* ordered by name */
    /* Values that it must have, see match_required. */
    struct belfry_strs required;
    int is_required;
};

enum match_node_kind { MN_ALL, MN_ANY, MN_NOT, MN_LEAF };

/* Nodes stand in preorder: the children of i are i + 1 and then `end` after `end`, up to its own end. */
struct match_node {
    enum match_node_kind kind;
    uint32_t end;
    uint32_t path; /* LEAF */
    const struct match_test *test;
    const char *label;
    struct diag_span span;
};

struct belfry_condition {
    const struct match_node *nodes; /* none: matches all; else the first is the root */
    uint32_t count;
    const struct match_path *paths; /* each once */
    const struct belfry_str *names; /* of the paths */
    uint32_t path_count;
};

/* --- compiling ---------------------------------------------------------------------------------------------------- */

struct match_compiler {
    struct arena *arena;
    struct diag_set *diags; /* or err */
    struct error *err;
    const char *const *allowed;
    uint32_t flags;
    size_t errors;
    int too_large; /* reported already */
    int regexes;
    struct match_node *nodes;
    size_t count, cap;
    struct match_path *paths;
    size_t path_count, path_cap;
};

/* For "%.*s": at most 60 bytes of what was written, whole characters. */
#define SHOWN(s) match_shown(s), (s).ptr ? (s).ptr : ""
static inline int match_shown(struct belfry_str s)
{
    size_t len = s.len;

    if (len > 60)
        for (len = 60; len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80; len--)
            ;
    return (int)len;
}

/* input.c */
const struct match_input *match_input_yaml(struct arena *arena, const struct yaml_node *node);
const struct match_input *match_input_json(struct arena *arena, const json_t *node);
/* "the string `x`", "the number 5", "a list": for messages. */
const char *match_describe(struct arena *arena, const struct match_input *in);
struct diag_span match_span(struct match_place place);

/* report.c. nearest and help may be NULL. */
struct match_hint {
    const char *nearest; /* did you mean */
    const char *replace; /* machine replacement without "did you mean" */
    const char *help;
};
void match_error(struct match_compiler *c, const char *code, struct match_place place, struct match_hint hint,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
void match_warning(struct match_compiler *c, const char *code, struct match_place place, struct match_hint hint,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* path.c. The index of the path, or -1 after an error. */
int64_t match_path_add(struct match_compiler *c, struct belfry_str name, struct match_place place);
void match_path_get(const struct match_path *path, const struct belfry_view *view, struct belfry_value *out);

/* test.c. NULL after an error. */
const struct match_test *match_test_compile(struct match_compiler *c, const struct match_input *in, int severity,
                                            int fold);
/* 1 when the word is an operator or ignore_case. */
int match_is_operator(struct belfry_str word);

/* label.c: what a test says, for traces and messages. In arena. */
const char *match_label(struct arena *arena, const struct match_input *test);
void match_print_value(const struct belfry_view *view, const struct belfry_value *value, struct buf *out);
/* "a string", "a list"; for notes. Static. */
const char *match_type_name(uint32_t type);

/* --- evaluating --------------------------------------------------------------------------------------------------- */

#define MATCH_REGEX_MAX 512         /* bytes of a regex or glob */
#define MATCH_REGEX_TEXT (8 * 1024) /* a longer text is not searched */
#define MATCH_REGEX_STEPS 100000    /* of all regexes of one leaf */
#define MATCH_GLOB_STEPS 4000000    /* of all globs of one leaf */

struct match_run {
    const struct belfry_view *view;
    struct buf folded;
    uint32_t regex_steps, glob_steps;
    size_t regex_at;                  /* in the text, at the last step */
    void *match_data, *match_context; /* PCRE2's, made by the first regex */
    const char *note;                 /* why a pattern gave up */
};

void match_run_end(struct match_run *run);

/* pattern.c. The regex is freed with the arena; NULL with a message and the offset in the pattern after an error. */
const struct match_regex *match_regex_compile(struct arena *arena, struct belfry_str pattern, int fold,
                                              const char **message, size_t *offset);
int match_regex_search(struct match_run *run, const struct match_regex *regex, struct belfry_str text);
int match_regex_same(const struct match_regex *a, const struct match_regex *b);
/* NULL, or what is wrong with a glob. */
const char *match_glob_check(struct belfry_str pattern);
int match_glob(struct match_run *run, struct belfry_str pattern, struct belfry_str text);
/* Simple case folding of every code point (Unicode CaseFolding.txt, C and S), appended to out. */
void match_fold(struct belfry_str text, struct buf *out);

/* value.c */
/* Compares constants of one class: -1, 0, 1; 2 when they are of different classes. */
int match_value_cmp(const struct match_value *a, const struct match_value *b);
/* 1 for YYYY-MM-DD. */
int match_is_date(struct belfry_str s);
void match_value_view(const struct match_value *constant, struct belfry_value *out);
/* Whether one value (not a list) meets the positive form of an operator other than exists and `not`. */
int match_op_holds(struct match_run *run, const struct match_op *op, const struct belfry_value *value);
int match_test_holds(struct match_run *run, const struct match_test *test, const struct belfry_value *value);
/* Bits (1 << BELFRY_VALUE_*) of the types on which a positive operator can hold. */
uint32_t match_op_types(const struct match_op *op);

/* imply.c: 1 when no value can meet the group. */
int match_group_contradicts(const struct match_group *group);
/* 1 when every value that meets b meets a. Stops with 0 when the budget (comparisons) is used up. */
int match_test_covers(const struct match_test *a, const struct match_test *b, int64_t *budget);

/* required.c: fills path->required for all paths. */
void match_fill_required(struct arena *arena, struct belfry_condition *cond, struct match_path *paths);

#endif
