/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one trigger: every fault is named, by its JSON pointer, before anything is done. All [txn]. */
#ifndef SYNC_READ_H
#define SYNC_READ_H

#include "sync.h"

struct sync_read {
    const struct sync *sync;
    struct belfry_txn *txn;
    const struct belfry_trigger *trigger;
    struct belfry_error *err;
    int refused; /* a fault was found */
};

/* Pointers are below data: "/run/id". What is optional may be absent or null and is {NULL, 0} then. */
struct belfry_str sync_read_text(struct sync_read *r, const char *pointer, int required);
/* 1 to 256 bytes without control characters, and no dot segment, since it stands in URLs. */
struct belfry_str sync_read_id(struct sync_read *r, const char *pointer);
struct belfry_str sync_read_username(struct sync_read *r, const char *pointer, int required);
/* [a-z0-9_-], up to 64 of them */
struct belfry_str sync_read_kind(struct sync_read *r, const char *pointer, int required);
/* http, https or a path of ours, up to 2048 bytes */
struct belfry_str sync_read_link(struct sync_read *r, const char *pointer, int required);
/* A whole number, not below 0. */
int64_t sync_read_count(struct sync_read *r, const char *pointer);
/* The index of a word of the list, which ends at NULL; -1: absent. */
int sync_read_word(struct sync_read *r, const char *pointer, const char *const *words, int required, const char *fault);
void sync_refuse(struct sync_read *r, const char *pointer, const char *fault);

/* [a-z0-9_-], up to 64 of them [any] */
int sync_is_kind(struct belfry_str s);

#endif
