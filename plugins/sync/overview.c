/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of `v`: i id, s start (0: not known), f end, u valid until, w 1 when people have rows of it. Entries whose
 * time is over leave when something else is written.
 */
#include "overview.h"

#define KEPT_MAX 100 /* overviews without a start that nothing supersedes; the oldest of more are superseded */

static int64_t number(const json_t *entry, const char *name)
{
    return json_integer_value(json_object_get(entry, name));
}

static void set(json_t *entry, const char *name, int64_t value)
{
    json_object_set_new(entry, name, json_integer(value));
}

static struct belfry_str id_of(const json_t *entry)
{
    const json_t *id = json_object_get(entry, "i");
    return (struct belfry_str){json_string_value(id), json_string_length(id)};
}

static int compare(struct belfry_str a, struct belfry_str b)
{
    int order = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static json_t *entries(const struct sync_overviews *all)
{
    return json_object_get(all->doc, "v");
}

static json_t *find(const struct sync_overviews *all, struct belfry_str id)
{
    size_t i;
    json_t *entry;
    json_array_foreach(entries(all), i, entry) if (compare(id_of(entry), id) == 0) return entry;
    return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void sync_overviews_parse(struct belfry_str value, struct sync_overviews *all)
{
    *all = (struct sync_overviews){value.len ? json_loadb(value.ptr, value.len, 0, NULL) : NULL, 0};
    if (!json_is_object(all->doc) || !json_is_array(entries(all))) {
        json_decref(all->doc);
        all->doc = json_pack("{s:[]}", "v");
    }
}

belfry_status sync_overviews_load(struct belfry_txn *txn, struct sync_overviews *all)
{
    struct belfry_str value = {NULL, 0};
    belfry_status status = txn->api->get(txn, belfry_str(SYNC_OVERVIEWS), &value);
    sync_overviews_parse(status == BELFRY_OK ? value : (struct belfry_str){NULL, 0}, all);
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

static void drop_expired(struct sync_overviews *all, int64_t now_ms)
{
    for (size_t i = json_array_size(entries(all)); i-- > 0;)
        if (number(json_array_get(entries(all), i), "u") <= now_ms)
            json_array_remove(entries(all), i);
}

belfry_status sync_overviews_save(struct belfry_txn *txn, struct sync_overviews *all)
{
    if (!all->changed)
        return BELFRY_OK;
    drop_expired(all, txn->now_ms);
    char *text = json_dumps(all->doc, JSON_COMPACT | JSON_SORT_KEYS);
    belfry_status status = text ? txn->api->put(txn, belfry_str(SYNC_OVERVIEWS), belfry_str(text)) : BELFRY_ENOMEM;
    free(text);
    return status;
}

void sync_overviews_fini(struct sync_overviews *all)
{
    json_decref(all->doc);
    all->doc = NULL;
}

/* --- what is earlier ---------------------------------------------------------------------------------------------- */

/* Whether the overview that started last has started after this one. Of two that started in the same millisecond the id
 * decides, so that both orders of their triggers end the same. */
static int is_earlier(const struct sync_overviews *all, struct belfry_str id, int64_t start, int64_t end)
{
    int64_t last = number(all->doc, "t");
    if (!start)
        return end <= last;
    return start < last || (start == last && compare(id, id_of(all->doc)) < 0);
}

belfry_status sync_overview_supersede(struct belfry_txn *txn, struct belfry_str id)
{
    struct belfry_str type = belfry_str("sync.overview_ready"), subject = sync_key(txn, "run/", id);
    struct belfry_selection which = {
        .struct_size = sizeof(which), .types = {&type, 1}, .reason = belfry_str("a newer overview was started")};
    return subject.ptr ? txn->api->supersede(txn, subject, &which) : BELFRY_ELIMIT;
}

static belfry_status drop(struct belfry_txn *txn, struct sync_overviews *all, size_t index)
{
    json_t *entry = json_array_get(entries(all), index);
    belfry_status status = number(entry, "w") ? sync_overview_supersede(txn, id_of(entry)) : BELFRY_OK;
    json_array_remove(entries(all), index);
    all->changed = 1;
    return status;
}

static belfry_status drop_earlier(struct belfry_txn *txn, struct sync_overviews *all)
{
    belfry_status status = BELFRY_OK;
    for (size_t i = json_array_size(entries(all)); status == BELFRY_OK && i-- > 0;) {
        const json_t *entry = json_array_get(entries(all), i);
        if (is_earlier(all, id_of(entry), number(entry, "s"), number(entry, "f")))
            status = drop(txn, all, i);
    }
    return status;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

belfry_status sync_overviews_started(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run)
{
    int64_t start = sync_moment_ms(run->started);
    json_t *entry = find(all, run->id);
    if (entry)
        set(entry, "s", start);
    if (!is_earlier(all, run->id, start, 0)) {
        set(all->doc, "t", start);
        json_object_set_new(all->doc, "i", json_stringn(run->id.ptr, run->id.len));
    }
    all->changed = 1;
    return drop_earlier(txn, all);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

belfry_status sync_overviews_ready(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run,
                                   const struct sync *sync)
{
    int64_t start = run->started.arrived_ms ? sync_moment_ms(run->started) : 0, end = sync_moment_ms(run->finished);
    int64_t until = later(end, number(all->doc, "y")) + sync->config->overview_valid_for_ms;
    belfry_status status = BELFRY_OK;
    if (is_earlier(all, run->id, start, end))
        return BELFRY_OK;
    json_array_append_new(entries(all), json_pack("{s:s%,s:I,s:I,s:I}", "i", run->id.ptr, run->id.len, "s",
                                                  (json_int_t)start, "f", (json_int_t)end, "u", (json_int_t)until));
    all->changed = 1;
    while (status == BELFRY_OK && json_array_size(entries(all)) > KEPT_MAX)
        status = drop(txn, all, 0);
    return status;
}

static belfry_status extend(struct belfry_txn *txn, json_t *entry, int64_t until)
{
    struct belfry_str type = belfry_str("sync.overview_ready"), subject = sync_key(txn, "run/", id_of(entry));
    struct belfry_selection which = {.struct_size = sizeof(which), .types = {&type, 1}};
    if (!subject.ptr)
        return BELFRY_ELIMIT;
    set(entry, "u", until);
    return number(entry, "w") ? txn->api->valid_until(txn, subject, &which, until) : BELFRY_OK;
}

belfry_status sync_overviews_synced(struct belfry_txn *txn, struct sync_overviews *all, const struct sync_run *run,
                                    const struct sync *sync)
{
    int64_t end = sync_moment_ms(run->finished), until = end + sync->config->overview_valid_for_ms;
    belfry_status status = BELFRY_OK;
    if (end <= number(all->doc, "y"))
        return BELFRY_OK;
    set(all->doc, "y", end);
    all->changed = 1;
    drop_expired(all, txn->now_ms);
    for (size_t i = 0; status == BELFRY_OK && i < json_array_size(entries(all)); i++) {
        json_t *entry = json_array_get(entries(all), i);
        if (until > number(entry, "u"))
            status = extend(txn, entry, until);
    }
    return status;
}

int sync_overviews_superseded(const struct sync_overviews *all, const struct sync_run *run)
{
    int64_t start = run->started.arrived_ms ? sync_moment_ms(run->started) : 0;
    return is_earlier(all, run->id, start, sync_moment_ms(run->finished));
}

int64_t sync_overviews_until(const struct sync_overviews *all, struct belfry_str id)
{
    const json_t *entry = find(all, id);
    return entry ? number(entry, "u") : 0;
}

void sync_overviews_told(struct sync_overviews *all, struct belfry_str id)
{
    json_t *entry = find(all, id);
    if (!entry)
        return;
    set(entry, "w", 1);
    all->changed = 1;
}
