/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on top of jansson: strict reading with limits, RFC 6901 pointers, views for conditions and templates. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/status.h"
#include "base/str.h"

#include <belfry/plugin.h>
#include <jansson.h>

#define JSON_MAX_DEPTH 64

/*
 * Parses one JSON text (RFC 8259). Refuses duplicate keys, invalid UTF-8, NUL in keys, depth over 64 (checked before
 * jansson sees the text, without recursion) and trailing bytes. Any top-level value is allowed. Returns a new
 * reference, or NULL with a message that names line and column in err. [any]
 */
json_t *json_read(struct belfry_str text, struct error *err);
/* Compact text appended to out; keys in insertion order; reals with the fewest digits that read back the same. [any] */
void json_write(const json_t *value, struct buf *out);
/* Appends s as a JSON string with quotes; malformed UTF-8 becomes U+FFFD. */
void json_write_str(struct belfry_str s, struct buf *out);
/* The value at an RFC 6901 pointer ("" is the root), borrowed, or NULL. */
json_t *json_at(const json_t *root, const char *pointer);
/* Escapes one token for a pointer (~ and /). */
void json_pointer_add(struct buf *pointer, struct belfry_str token);
struct belfry_str json_str(const json_t *value); /* empty when no string */
/* json_object_set_new for a slice; value is a slice too. */
void json_set_str(json_t *object, const char *key, struct belfry_str value);
/* A view over a jansson tree, valid as long as root. */
struct belfry_view json_view(const json_t *root);
/*
 * The same with a place to remember where the last call of member() stopped, so that walking an object is linear and
 * not quadratic. The cursor is the caller's and must live as long as the view; one thread at a time.
 */
struct json_cursor {
    const json_t *root, *object;
    void *iter; /* jansson's iterator of member `index` of object */
    uint32_t index;
};
struct belfry_view json_view_cursor(struct json_cursor *cursor, const json_t *root);
/* Fills a value for one node; NULL is BELFRY_VALUE_MISSING. */
void json_value(const json_t *node, struct belfry_value *out);
/* Name of a JSON type for messages: "a string", "an object". */
const char *json_type_text(const json_t *value);

#endif
