/* SPDX-License-Identifier: Apache-2.0 */
/* What /openapi.json says about the routes, as tables. The routes themselves it takes from the running server. */
#ifndef HUB_OPENAPI_H
#define HUB_OPENAPI_H

#include <stddef.h>

/*
 * A type is written in short: text, int, bool, any, object, null, time, uuid; the name of a schema; [T] a list of T,
 * {T} an object with values of T, T? may be null, A|B either.
 *
 * query:   "name:type" parted by spaces; name* may be repeated
 * body:    "media/type:type" parted by spaces; ":type" is JSON
 * answers: "status", "status:type" (JSON) or "status=media/type", parted by spaces; from 400 on they are problems, or
 *          that media type, or with =nothing no body. What a route's auth can refuse (401, 403, 404) need not be named.
 */
struct openapi_operation {
    const char *method, *pattern, *summary, *query, *body, *answers;
};

/* fields: "name:type" parted by spaces; name? may be absent; "..." at the end: others may follow. Or "=a|b": these
 * words. */
struct openapi_schema {
    const char *name, *fields;
};

extern const struct openapi_operation openapi_operations[];
extern const size_t openapi_operation_count;
extern const struct openapi_schema openapi_schemas[];
extern const size_t openapi_schema_count;

#endif
