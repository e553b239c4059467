/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group keeps in memory: people with their revisions, and (instance, org) with their version and next timer. A
 * revision is raised in memory by each command that changes something for the person, and written once, at the end of
 * the group: rows carry the revision of their command, and nobody can see one before all of them are on disk. After a
 * rollback nothing here can be trusted and all of it is dropped.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define PEOPLE_MAX 16384 /* kept from group to group: 2 MB */

/* --- owners ------------------------------------------------------------------------------------------------------- */

struct owner *cache_owner(struct ledger_txn *txn, int64_t inst, int64_t org)
{
    int64_t ids[2] = {inst, org};
    struct belfry_str key = {(const char *)ids, sizeof(ids)};
    struct owner *owner = hash_get(txn->ledger->owners, key);
    if (!owner) {
        owner = xcalloc(1, sizeof(*owner));
        owner->inst = inst;
        owner->org = org;
        owner->version = store_state_version(txn->conn, inst, org);
        owner->next_timer = INT64_MIN;
        hash_set(txn->ledger->owners, key, owner);
    }
    if (owner->next_timer == INT64_MIN) {
        owner->next_timer = store_timer_next(txn->conn, inst, org);
        txn->ledger->owners_next = INT64_MIN;
    }
    return owner;
}

void cache_state_changed(struct ledger_txn *txn, struct owner *owner)
{
    if (owner->changed)
        return;
    owner->changed = 1;
    owner->version++;
    owner->next_changed = txn->changed_owners;
    txn->changed_owners = owner;
}

void cache_timer(struct ledger_txn *txn, struct owner *owner, int64_t when_ms)
{
    if (when_ms == INT64_MIN || when_ms < owner->next_timer) {
        owner->next_timer = when_ms;
        txn->ledger->owners_next = INT64_MIN;
    }
}

/* --- people ------------------------------------------------------------------------------------------------------- */

static struct belfry_str id_key(const int64_t *id)
{
    return str_slice((const char *)id, sizeof(*id));
}

/* org and username as one key; in buffer when it fits, else in the arena. */
static struct belfry_str name_key(struct ledger_txn *txn, int64_t org, struct belfry_str username, char buffer[160])
{
    size_t len = sizeof(org) + username.len;
    char *key = len <= 160 ? buffer : arena_alloc(txn->arena, len);
    memcpy(key, &org, sizeof(org));
    if (username.len > 0)
        memcpy(key + sizeof(org), username.ptr, username.len);
    return str_slice(key, len);
}

static struct person *remember(struct ledger_txn *txn, int64_t id, int64_t org, struct belfry_str username, int64_t rev)
{
    struct person *person = xcalloc(1, sizeof(*person) + username.len + 1);
    char *copy = (char *)(person + 1);
    memcpy(copy, username.ptr ? username.ptr : "", username.len);
    *person = (struct person){.id = id, .org = org, .rev = rev, .username = {copy, username.len}};
    char buffer[160];
    hash_set(txn->ledger->people_by_name, name_key(txn, org, username, buffer), person);
    hash_set(txn->ledger->people_by_id, id_key(&id), person);
    return person;
}

static struct person *find(struct ledger_txn *txn, int64_t org, struct belfry_str username)
{
    char buffer[160];
    struct person *person = hash_get(txn->ledger->people_by_name, name_key(txn, org, username, buffer));
    if (person)
        return person;
    int64_t rev = 0, id = store_person_find(txn->conn, org, username, &rev);
    return id ? remember(txn, id, org, username, rev) : NULL;
}

static struct person *by_id(struct ledger_txn *txn, int64_t id)
{
    struct person *person = hash_get(txn->ledger->people_by_id, id_key(&id));
    if (person)
        return person;
    int64_t org, rev;
    struct belfry_str username;
    if (!store_person_get(txn->conn, id, txn->arena, &org, &username, &rev))
        return NULL;
    return remember(txn, id, org, username, rev);
}

int64_t ledger_txn_person(struct ledger_txn *txn, int64_t org, struct belfry_str username)
{
    struct person *person = find(txn, org, username);
    if (person)
        return person->id;
    int64_t id = ledger_txn_id(txn);
    store_person_add(txn->conn, id, org, username);
    return remember(txn, id, org, username, 0)->id;
}

int64_t cache_person_find(struct ledger_txn *txn, int64_t org, struct belfry_str username)
{
    const struct person *person = find(txn, org, username);
    return person ? person->id : 0;
}

int64_t ledger_txn_touch(struct ledger_txn *txn, int64_t id)
{
    struct person *person = by_id(txn, id);
    if (!person)
        return 0;
    if (person->step != txn->step) {
        person->step = txn->step;
        person->rev++;
    }
    if (!person->changed) {
        person->changed = 1;
        person->next_changed = txn->changed_people;
        txn->changed_people = person;
        txn->changed_people_count++;
    }
    return person->rev;
}

int64_t cache_person_rev(struct ledger_txn *txn, int64_t id, struct belfry_str *username)
{
    const struct person *person = by_id(txn, id);
    if (username)
        *username = person ? person->username : (struct belfry_str){NULL, 0};
    return person ? person->rev : 0;
}

/* --- the group ---------------------------------------------------------------------------------------------------- */

void cache_flush(struct ledger_txn *txn)
{
    for (const struct person *p = txn->changed_people; p; p = p->next_changed)
        store_person_set_rev(txn->conn, p->id, p->rev);
    for (const struct owner *o = txn->changed_owners; o; o = o->next_changed)
        store_state_set_version(txn->conn, o->inst, o->org, o->version);
}

static void make_caches(struct ledger *ledger)
{
    ledger->people_by_name = hash_new();
    ledger->people_by_id = hash_new();
}

static void drop_people(struct ledger *ledger)
{
    hash_free(ledger->people_by_name, NULL);
    hash_free(ledger->people_by_id, free);
    ledger->people_by_name = ledger->people_by_id = NULL;
}

void cache_drop(struct ledger *ledger)
{
    drop_people(ledger);
    make_caches(ledger);
    hash_free(ledger->owners, free);
    ledger->owners = hash_new();
    ledger->owners_known = 0;
    ledger->owners_next = INT64_MIN;
    ledger->api_empty = ledger->no_preferences = -1;
    hash_free(ledger->disabled, NULL);
    ledger->disabled = NULL;
}

void cache_load(struct ledger_txn *txn)
{
    struct ledger *ledger = txn->ledger;
    if (ledger->disabled)
        return;
    ledger->disabled = hash_new();
    int64_t *ids;
    size_t count = store_targets_disabled(txn->conn, txn->arena, &ids);
    for (size_t i = 0; i < count; i++)
        hash_set(ledger->disabled, id_key(&ids[i]), ledger);
}

void cache_trim(struct ledger *ledger)
{
    if (hash_count(ledger->people_by_id) <= PEOPLE_MAX)
        return;
    drop_people(ledger);
    make_caches(ledger);
}
