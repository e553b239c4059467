/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Located YAML tree: every node knows file, line, column and byte range. Built from libyaml's events. YAML 1.2 core
 * schema by hand: only true, false, null and numbers in plain style are special; nothing is coerced.
 */
#ifndef YAML_TREE_H
#define YAML_TREE_H

#include "yaml/diag.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/* What a plain scalar looks like under the 1.2 core schema. Quoted ones are YAML_STRING. */
enum yaml_scalar { YAML_STRING, YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT };

struct yaml_node;

struct yaml_pair {
    const struct yaml_node *key; /* a scalar */
    const struct yaml_node *value;
};

/* Nodes live in the arena given to yaml_load; strings too. Immutable after loading. */
struct yaml_node {
    enum yaml_kind kind;
    enum yaml_scalar scalar;
    int plain;              /* written without quotes */
    int tainted;            /* holds a secret or the reference to one: never print the value */
    int unresolved;         /* holds a reference that was not substituted: do not judge the value */
    int partial;            /* MAP, LIST: something in it could not be read (reported): do not miss anything in it */
    struct diag_span span;  /* of the value; for maps and lists of the first line */
    struct belfry_str text; /* scalar text, after substitution of secrets */
    struct belfry_str raw;  /* scalar text as written */
    const struct yaml_node *const *items; /* LIST */
    const struct yaml_pair *pairs;        /* MAP, in file order, << merged, explicit keys win */
    size_t count;
    size_t index; /* among the children of its parent */
    const struct yaml_node *parent;
    const struct yaml_node *key; /* of the pair this is the value of */
};

/* Limits: file 1 MiB, depth 64, 100,000 nodes after expansion of aliases. */

/*
 * Reads one file into a tree. All syntax errors of the file go to diags (parsing resumes at the next top-level key);
 * returns what could be read, or NULL when nothing could. Tabs, duplicate keys, second documents, alias bombs, complex
 * keys, unknown anchors are diagnostics. [any]
 */
const struct yaml_node *yaml_load(struct arena *arena, struct diag_set *diags, uint32_t file);

/* The value for a key of a MAP, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const struct yaml_pair *yaml_pair(const struct yaml_node *map, const char *key);
/* "a map", "a list", "the number 5", "the string `x`", "nothing": for messages. In arena. */
const char *yaml_describe(struct arena *arena, const struct yaml_node *node);
/* RFC 6901 path from the root of its file. In arena. */
const char *yaml_path(struct arena *arena, const struct yaml_node *node);

/* Substitutes ${env:X}, ${file:/p}, ${cred:X} (and ${env:X:-default}, $${ for a literal) in a scalar that was read.
 * YAML_SECRETS_SKIP leaves the text and adds a note H601; YAML_SECRETS_REQUIRE adds an error H602 for what is missing.
 * Called for the whole tree by the config room. */
enum yaml_secrets { YAML_SECRETS_SKIP, YAML_SECRETS_REQUIRE };
void yaml_substitute(struct arena *arena, struct diag_set *diags, const struct yaml_node *root, enum yaml_secrets mode);

/* How a plain word is classified by the 1.2 core schema. Numbers with a leading zero, 0x or 0o are strings here: see
 * yaml_number_word. [any] */
enum yaml_scalar yaml_classify(struct belfry_str text);
/* 1 when text is a boolean of YAML 1.1 (yes, No, ON, y ...), for H110; *value says which. [any] */
int yaml_boolean_word(struct belfry_str text, int *value);
/* 1 when text is a number that readers disagree about (0644, 0x1F, 1_000, 1:30), for H111; *decimal is what YAML 1.1
 * makes of it. [any] */
int yaml_number_word(struct belfry_str text, int64_t *decimal);

/* A tree as JSON (for views, JSON options and tests). New reference. */
json_t *yaml_to_json(const struct yaml_node *node);

#endif
