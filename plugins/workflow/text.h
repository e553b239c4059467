/* SPDX-License-Identifier: Apache-2.0 */
/* JSON written into scratch memory of a transaction: no parsing, no freeing, and the same text for the same values. */
#ifndef WORKFLOW_TEXT_H
#define WORKFLOW_TEXT_H

#include <belfry/plugin.h>

/* Zeroed but for txn is empty; cap may say how long it will be about, so that it need not grow. When the scratch memory
 * ends, `failed` is set and what follows is dropped. [txn] */
struct workflow_text {
    struct belfry_txn *txn;
    char *ptr;
    size_t len, cap;
    size_t weight; /* what workflow_record_load() will need for the containers in it */
    int failed;
};

/* The memory that a container of so many members takes when it is read again. */
size_t workflow_container_weight(uint32_t count);

struct workflow_member {
    struct belfry_str key;
    struct belfry_value value;
};

/*
 * The members of an object, taken in one walk: a view finds the next one cheaply only while nobody asks it for anything
 * else in between. NULL when the object has none or the scratch memory ends (*count 0 either way; failed tells which).
 */
const struct workflow_member *workflow_members(struct belfry_txn *txn, const struct belfry_view *view,
                                               const struct belfry_value *object, uint32_t *count, int *failed);

void workflow_text_add(struct workflow_text *text, const char *ptr, size_t len);
void workflow_text_addz(struct workflow_text *text, const char *z);
/* As a JSON string with quotes. */
void workflow_text_str(struct workflow_text *text, struct belfry_str s);
/* A whole value; members in the view's order. What is missing is written as null. */
void workflow_text_value(struct workflow_text *text, const struct belfry_view *view, const struct belfry_value *value);

#endif
