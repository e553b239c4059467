/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interned names: what appears in every row (orgs, instances, types, categories, rules) is a small number there. The
 * whole table lives in memory, for all connections: it has as many lines as the configuration has names.
 *
 * Ids come from a counter and are never re-used. A name that was made in a transaction that rolled back keeps its id in
 * memory; it is written again when it is next asked for. So an id that a reader saw in passing stays right.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "store/sql.h"

#include <pthread.h>
#include <stdlib.h>

struct name {
    int64_t id;
    char *text;
    size_t len;
    int stored;           /* 1: in the table, or in the present transaction */
    struct name *pending; /* next of those that the present transaction wrote */
};

struct names {
    pthread_rwlock_t lock;
    struct hash *by_text;
    struct name **by_id; /* index is the id */
    size_t cap;
    int64_t last;
    struct name *pending;
};

struct names *names_new(void)
{
    struct names *names = xcalloc(1, sizeof(*names));
    pthread_rwlock_init(&names->lock, NULL);
    names->by_text = hash_new();
    return names;
}

static void free_name(void *value)
{
    struct name *name = value;
    free(name->text);
    free(name);
}

void names_free(struct names *names)
{
    if (!names)
        return;
    hash_free(names->by_text, free_name);
    free(names->by_id);
    pthread_rwlock_destroy(&names->lock);
    free(names);
}

/* With the lock held for writing. */
static struct name *add(struct names *names, int64_t id, struct belfry_str text)
{
    size_t before = names->cap;
    names->by_id = xgrow(names->by_id, &names->cap, (size_t)id + 1, sizeof(struct name *));
    for (size_t i = before; i < names->cap; i++)
        names->by_id[i] = NULL;
    struct name *name = xcalloc(1, sizeof(*name));
    *name = (struct name){id, xstrndup(text.ptr, text.len), text.len, 0, NULL};
    names->by_id[id] = name;
    hash_set(names->by_text, text, name);
    if (id > names->last)
        names->last = id;
    return name;
}

void names_load(struct names *names, struct store_conn *conn)
{
    pthread_rwlock_wrlock(&names->lock);
    struct sql *s = sql_use(conn, "SELECT id, text FROM name ORDER BY id");
    while (sql_row(s))
        add(names, sql_get_i64(s, 0), sql_get_str(s, 1))->stored = 1;
    sql_end(s);
    pthread_rwlock_unlock(&names->lock);
}

void names_commit(struct names *names)
{
    names->pending = NULL;
}

void names_rollback(struct names *names)
{
    for (struct name *name = names->pending; name; name = name->pending)
        name->stored = 0;
    names->pending = NULL;
}

static struct name *find(struct names *names, struct belfry_str text)
{
    pthread_rwlock_rdlock(&names->lock);
    struct name *name = hash_get(names->by_text, text);
    pthread_rwlock_unlock(&names->lock);
    return name;
}

int64_t store_name(struct store_conn *writer, struct belfry_str text)
{
    struct names *names = writer->names;
    if (text.len == 0)
        return 0;
    struct name *name = find(names, text);
    if (name && name->stored)
        return name->id;
    if (!name) {
        pthread_rwlock_wrlock(&names->lock);
        name = add(names, names->last + 1, text);
        pthread_rwlock_unlock(&names->lock);
    }
    struct sql *s = sql_use(writer, "INSERT INTO name(id, text) VALUES(?, ?)");
    sql_i64(s, name->id);
    sql_str(s, text);
    sql_run(s);
    name->stored = 1;
    name->pending = names->pending;
    names->pending = name;
    return name->id;
}

int64_t store_name_find(struct store_conn *conn, struct belfry_str text)
{
    const struct name *name = find(conn->names, text);
    return name ? name->id : 0;
}

struct belfry_str store_name_text(struct store_conn *conn, int64_t id)
{
    struct names *names = conn->names;
    struct belfry_str text = {NULL, 0};
    pthread_rwlock_rdlock(&names->lock);
    if (id > 0 && (size_t)id < names->cap && names->by_id[id])
        text = str_slice(names->by_id[id]->text, names->by_id[id]->len);
    pthread_rwlock_unlock(&names->lock);
    return text;
}
