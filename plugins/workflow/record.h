/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as it stands after a trigger, or stood before it: what the trigger says laid over what is remembered,
 * without merging anything. Conditions and templates read it through its view.
 */
#ifndef WORKFLOW_RECORD_H
#define WORKFLOW_RECORD_H

#include "text.h"

#define WORKFLOW_KEY_MAX 400 /* "record/{object}/{id}": leaves room for the name of a rule in a timer's key */

/* `fields` of one place. */
struct workflow_layer {
    const struct belfry_view *view;
    struct belfry_value fields; /* an object */
};

/* What the values of the view point at. */
struct workflow_node {
    int kind;
    const struct belfry_view *from; /* of a value inside a field */
    struct belfry_value value;
};

struct workflow_record {
    struct belfry_txn *txn;
    struct belfry_str object, id;
    struct belfry_str url, owner, created_by; /* ptr NULL: has none */
    struct workflow_layer layers[3];          /* the first that has a field wins; null there: the field is gone */
    size_t layer_count;
    struct workflow_layer said; /* the trigger's data, for templates that name more than the record; view NULL: none */
    struct workflow_node root, fields;
    uint32_t field_count; /* once it was asked for */
    int counted;
    size_t size;             /* about how long it is as text; 0: do not know */
    struct belfry_view view; /* of the record; also of itself as `record` */
};

/* Fields that are worth remembering: those that a rule or a title names. */
struct workflow_interest {
    struct belfry_str *names; /* sorted, each once */
    size_t count;
    int all;
};

/*
 * "record/{object}/{id}", at once the subject of its events and the key of its state; `/` and `%` of the object are
 * percent-encoded, so that two records never share one. Empty when it would be longer than WORKFLOW_KEY_MAX. [txn]
 */
struct belfry_str workflow_key(struct belfry_txn *txn, struct belfry_str object, struct belfry_str id);
/* Object and id of a key. 0 when it is none. */
int workflow_key_split(struct belfry_txn *txn, struct belfry_str key, struct belfry_str *object, struct belfry_str *id);

/* Sets up the view; txn, object and id are filled. The record must not move afterwards. */
void workflow_record_init(struct workflow_record *record);
void workflow_record_layer(struct workflow_record *record, const struct belfry_view *view,
                           const struct belfry_value *fields);
/* A field, MISSING when it is not there or null. */
void workflow_record_field(const struct workflow_record *record, struct belfry_str name, struct belfry_value *out);

/* The layer that decides on a field; NULL: none has it, or it is gone. The value is that layer's own. */
const struct workflow_layer *workflow_record_layer_of(const struct workflow_record *record, struct belfry_str name,
                                                      struct belfry_value *out);
/* fn for each field that is there, until it returns 0. Earlier layers first, each in its own order. 0 when the scratch
 * memory ended. */
int workflow_record_each(const struct workflow_record *record,
                         int (*fn)(void *arg, struct belfry_str key, const struct belfry_view *view,
                                   const struct belfry_value *value),
                         void *arg);

/*
 * What is remembered, as one line of JSON; the same record gives the same bytes. Empty when the scratch memory ends,
 * and when it would end as this is read again.
 */
struct belfry_str workflow_record_save(const struct workflow_record *record, const struct workflow_interest *interest);
/* Reads it; the text must outlive what is made of it. NULL: it is no state of ours, or, with *failed set, the scratch
 * memory ended. */
struct workflow_memory;
const struct workflow_memory *workflow_record_load(struct belfry_txn *txn, struct belfry_str text, int *failed);
/* Adds it as the last layer, and url, owner and created_by as they are remembered. */
void workflow_record_recall(struct workflow_record *record, const struct workflow_memory *memory);

/* The data of an event: what the trigger said, with the record merged. by: who changed it, empty: do not say. */
struct belfry_str workflow_record_data(const struct workflow_record *record, struct belfry_str by);

#endif
