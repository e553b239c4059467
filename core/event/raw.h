/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where values stand in a JSON text: a walk over one container's items that hands out the bytes as they were sent.
 * It is no parser: the text must have been accepted by json_read, and on any other text the walk only ends early.
 */
#ifndef EVENT_RAW_H
#define EVENT_RAW_H

#include "base/str.h"

struct raw_walk {
    const char *p, *end;
};

/* Begins a walk over the array or object that `text` is (white space around it is fine). [any] */
void raw_enter(struct raw_walk *walk, struct belfry_str text);
/* The next item of an array: 1, or 0 at the end. The slice is part of the text, without white space around it. */
int raw_item(struct raw_walk *walk, struct belfry_str *value);
/* The next member of an object: 1, or 0 at the end. key is with its quotes and escapes. */
int raw_member(struct raw_walk *walk, struct belfry_str *key, struct belfry_str *value);
/* The value of the member `name` of the object that `text` is, or an empty slice with ptr NULL. [any] */
struct belfry_str raw_find(struct belfry_str text, struct belfry_str name);
/*
 * About how many bytes a parsed tree of this text will take (any text): an object costs far more than the two
 * characters that write it, so the size of a body says little about the memory it asks for. [any]
 */
size_t raw_tree_bytes(struct belfry_str text);

#endif
