/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls of one request change, until all of them have returned OK: a list of operations in the order they were
 * made, and beside it a table of the state keys among them, so that `get` and `scan` see the record laid over the
 * transaction. Dropping it costs nothing: it lives in the command's arena.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define SLOTS_FIRST 16

void record_init(struct record *record, struct arena *arena, const struct id_key *hash_key)
{
    *record = (struct record){.arena = arena, .hash_key = *hash_key};
    record->last = &record->first;
}

static size_t slot_of(const struct record *record, struct op *const *slots, size_t size, struct belfry_str key)
{
    size_t i = siphash(&record->hash_key, key.ptr, key.len) & (size - 1);
    while (slots[i] && !str_eq(slots[i]->key, key))
        i = (i + 1) & (size - 1);
    return i;
}

struct op *record_state(const struct record *record, struct belfry_str key)
{
    return record->used ? record->slots[slot_of(record, record->slots, record->size, key)] : NULL;
}

static void grow(struct record *record)
{
    size_t size = record->size ? record->size * 2 : SLOTS_FIRST;
    struct op **slots = arena_alloc(record->arena, size * sizeof(struct op *));
    for (size_t i = 0; i < record->size; i++) {
        if (record->slots[i])
            slots[slot_of(record, slots, size, record->slots[i]->key)] = record->slots[i];
    }
    record->slots = slots;
    record->size = size;
}

struct op *record_add(struct record *record, enum op_kind kind)
{
    struct op *op = arena_alloc(record->arena, sizeof(*op));
    op->kind = kind;
    *record->last = op;
    record->last = &op->next;
    return op;
}

static struct op *state_op(struct record *record, struct belfry_str key)
{
    if ((record->used + 1) * 2 > record->size)
        grow(record);
    struct op **slot = &record->slots[slot_of(record, record->slots, record->size, key)];
    if (!*slot) {
        *slot = record_add(record, OP_PUT);
        (*slot)->key = arena_str(record->arena, key);
        record->used++;
    }
    record->state_changed = 1;
    return *slot;
}

void record_put(struct record *record, struct belfry_str key, struct belfry_str value)
{
    struct op *op = state_op(record, key);
    op->kind = OP_PUT;
    op->value = arena_str(record->arena, value);
}

void record_del(struct record *record, struct belfry_str key)
{
    struct op *op = state_op(record, key);
    op->kind = OP_DEL;
    op->value = (struct belfry_str){NULL, 0};
}

static int by_key(const void *a, const void *b)
{
    return str_cmp((*(struct op *const *)a)->key, (*(struct op *const *)b)->key);
}

size_t record_keys(const struct record *record, struct belfry_str prefix, struct op ***out)
{
    *out = NULL;
    if (record->used == 0)
        return 0;
    struct op **ops = arena_alloc(record->arena, record->used * sizeof(struct op *));
    size_t count = 0;
    for (size_t i = 0; i < record->size; i++) {
        if (record->slots[i] && str_has_prefix(record->slots[i]->key, prefix))
            ops[count++] = record->slots[i];
    }
    qsort(ops, count, sizeof(struct op *), by_key);
    *out = ops;
    return count;
}
