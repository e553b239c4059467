/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes (the public list) and the error text that travels with them. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <belfry/plugin.h>
#include <stdarg.h>

/* Returns the English text of a status; "unknown status" for numbers that are not in the list. [any] */
const char *status_text(belfry_status status);

/* Returns the name of a status without prefix ("EINVAL"). [any] */
const char *status_name(belfry_status status);

/* One fault of an error: where (RFC 6901 pointer, may be "") and what. */
struct error_item {
    char *pointer;
    char *detail;
};

struct error_attr {
    char *name;
    char *value;
};

/*
 * An error with any number of faults and attributes. Starts zeroed ({0}); everything in it is owned by it.
 * status is that of the first fault.
 */
struct error {
    belfry_status status;
    struct error_item *items;
    size_t count;
    struct error_attr *attrs;
    size_t attr_count;
};

/* Adds a fault and returns status, so that `return error_set(...)` reads well. err may be NULL. [any] */
belfry_status error_set(struct error *err, belfry_status status, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
belfry_status error_vset(struct error *err, belfry_status status, const char *pointer, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/* Adds a member for the problem document (handled_by). Copies value. [any] */
void error_attr(struct error *err, const char *name, const char *value, size_t len);

/* The first fault's text, or the status text. Valid until err changes. [any] */
const char *error_text(const struct error *err);

/* The same behind its pointer, where it has one: "/data/id: is required". The caller frees it. [any] */
char *error_line(const struct error *err);

/* Moves what src holds into dst (which is cleared first); src is empty afterwards. [any] */
void error_move(struct error *dst, struct error *src);

/* Frees what err holds and zeroes it. [any] */
void error_clear(struct error *err);

#endif
