/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trigger: each function takes what it expects at a pointer below data, or notes the fault under that pointer
 * and gives nothing, so that all faults of a trigger are told at once. All [txn].
 */
#ifndef INVOICE_READ_H
#define INVOICE_READ_H

#include "invoice.h"

struct reading {
    const struct invoice *self;
    struct belfry_txn *txn;
    const struct belfry_trigger *trigger;
    struct belfry_error *err;
    int faults;
};

enum { OPTIONAL, REQUIRED };

void read_fault(struct reading *r, const char *pointer, const char *text);
/* An object must be there; otherwise what is in it is not asked for. 0: it is not. */
int read_object(struct reading *r, const char *pointer);
/* Any string; {NULL, 0} when an optional one is absent or null. */
struct belfry_str read_text(struct reading *r, const char *pointer, int required);
/* Not empty, no control characters, at most max bytes. */
struct belfry_str read_id(struct reading *r, const char *pointer, size_t max);
/* One line for people: control characters are spaces, the ends are trimmed. Not empty. */
struct belfry_str read_line(struct reading *r, const char *pointer);
struct belfry_str read_user(struct reading *r, const char *pointer, int required);
struct belfry_str read_link(struct reading *r, const char *pointer);
struct belfry_str read_address(struct reading *r, const char *pointer);
struct belfry_str read_currency(struct reading *r, const char *pointer);
struct belfry_str read_date(struct reading *r, const char *pointer);
/* At least min. */
int64_t read_minor(struct reading *r, const char *pointer, int64_t min);
int64_t read_time(struct reading *r, const char *pointer);
/* Who acted: a person who came themselves, whatever the trigger says, else `/by`. */
struct belfry_str read_by(struct reading *r, int required);

/* Is the principal a person? [any] */
int read_is_person(const struct belfry_txn *txn);

#endif
