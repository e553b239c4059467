/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of yaml_load, shared by its files: load.c (events, resuming after errors), build.c (frames to nodes),
 * alias.c (anchors, copies, merge), syntax.c (what libyaml says, in words that help).
 */
#ifndef YAML_LOADER_H
#define YAML_LOADER_H

#include "base/hash.h"
#include "yaml/source.h"
#include "yaml/tree.h"

#include <yaml.h>

#define LOAD_MAX_DEPTH 64
#define LOAD_MAX_NODES 100000

struct entry {
    const struct yaml_node *key; /* NULL in lists */
    struct yaml_node *value;
};

struct anchor {
    struct yaml_node *node;
    int open;   /* its node is not finished yet */
    int broken; /* its node was lost to a syntax error */
};

/* A map or list that is being filled. */
struct frame {
    struct yaml_node *node;
    struct anchor *anchor;
    const struct yaml_node *key; /* MAP: key that waits for its value */
    struct entry *entries;       /* malloced, kept when the frame is re-used */
    size_t count, cap;
    uint32_t column; /* of the block's items, from 0 */
    int flow;
    int as_key; /* it stands where a key belongs: dropped at its end */
};

struct loader {
    struct arena *arena;
    struct diag_set *diags;
    struct source source;
    uint32_t base; /* characters before the stretch that is being parsed */
    struct frame frames[LOAD_MAX_DEPTH];
    size_t depth;
    size_t joined; /* frames that were open when this stretch began; its outermost node continues the last one */
    int joining;   /* the outermost node has not come yet */
    struct yaml_node *root;
    struct hash *anchors;
    struct yaml_node dropped; /* stands for a key that cannot be one */
    size_t nodes;
    int searches; /* for anchors that a syntax error may have taken */
    int errors;   /* syntax errors reported */
    int faulty;   /* some part of the file was lost */
    int stopped;  /* limit reached or second document: read no further */
    /* The last finished scalar, alias or bracketed collection: the suspect when the parser stumbles. */
    const struct yaml_node *last;
    uint32_t last_end;
    int last_flow, last_quoted;
};

/* Byte of a mark. */
uint32_t load_byte(const struct loader *l, yaml_mark_t mark);
/* Counts nodes against the limit; reports and stops at it. 1 while there is room. */
int load_count(struct loader *l, size_t nodes, struct diag_span span);
struct diag_span load_span(const struct loader *l, uint32_t begin, uint32_t end);

/* hide.c: values behind keys that sound like secrets are drawn nowhere; for files that are not whole. */
void hide_secrets(struct loader *l);
/* build.c: what an event adds to the tree. */
void build_scalar(struct loader *l, const yaml_event_t *event);
void build_open(struct loader *l, const yaml_event_t *event);
void build_close(struct loader *l, const yaml_event_t *event);
void build_add(struct loader *l, struct yaml_node *node, const yaml_event_t *event);
/* Ends the innermost frame: its node gets its children. */
void build_finish(struct loader *l);
/* Throws away what a syntax error at a line makes doubtful: open brackets, the key that waits, the last value. */
void build_discard(struct loader *l, size_t line);

/* alias.c */
struct anchor *alias_define(struct loader *l, const char *name, struct yaml_node *node, int open);
void alias_use(struct loader *l, const yaml_event_t *event);
/* A copy of a subtree under a new parent; NULL when it breaks a limit (reported). depth: frames above it. */
struct yaml_node *alias_copy(struct loader *l, const struct yaml_node *from, size_t depth, struct diag_span span);
/* Turns a frame's entries into the pairs of its map: duplicates reported, merge keys expanded. */
void alias_pairs(struct loader *l, struct frame *frame);

/* syntax.c: reports the parser's error. Returns the line after which reading may go on. Lines that are indented more
 * than *indent are part of the fault; with *open (a quote or bracket) any other line may be too. */
size_t syntax_report(struct loader *l, const yaml_parser_t *parser, uint32_t *indent, int *open);
/* A replacement that puts value in quotes. In the diagnostics' arena. */
const char *syntax_quoted(struct loader *l, struct belfry_str value);

#endif
