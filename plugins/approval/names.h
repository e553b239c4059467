/* SPDX-License-Identifier: Apache-2.0 */
/* A set of names in byte order, in scratch memory of a transaction. The texts are borrowed. */
#ifndef APPROVAL_NAMES_H
#define APPROVAL_NAMES_H

#include <belfry/plugin.h>

/* Zeroed is empty. [txn] */
struct approval_names {
    struct belfry_str *items;
    size_t count, cap;
};

int approval_names_has(const struct approval_names *names, struct belfry_str name);
/* 1 when the name is new, 0 when it was there, -1 when the scratch memory ended. */
int approval_names_add(struct belfry_txn *txn, struct approval_names *names, struct belfry_str name);
/* 1 when it was there. */
int approval_names_remove(struct approval_names *names, struct belfry_str name);
struct belfry_strs approval_names_view(const struct approval_names *names);

#endif
