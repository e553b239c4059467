/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People as far as a request needs them and the configuration does not say it: of the API's people roles, locale, time
 * zone, and of everybody the locale and zone that they chose themselves. These are rows, and asking for a row takes a
 * reader's turn, so what was found (or not) is remembered until it changes. A read that began before a change is made
 * again: what lasts longer than its request, as a stream does, would keep what was.
 */
#include "base/mem.h"
#include "http/internal.h"
#include "route/preference.h"
#include "store/people.h"
#include "store/preferences.h"

#define PEOPLE_MAX 20000

struct remembered {
    struct arena *arena;
    struct known_person person;
};

struct people {
    struct hash *known; /* org, NUL, username */
    uint64_t epoch;     /* one more with each change of the directory */
};

struct look {
    struct http *http;
    struct arena *arena; /* becomes the memory's */
    uint64_t request, epoch;
    struct belfry_str org, username, key;
    struct remembered *found;
    void (*fn)(struct request *r, const struct known_person *person, void *arg);
    void *arg;
};

static void remembered_free(void *value)
{
    arena_free(((struct remembered *)value)->arena);
}

static struct people *people_of(struct http *http)
{
    if (!http->people) {
        http->people = xcalloc(1, sizeof(*http->people));
        http->people->known = hash_new();
    }
    return http->people;
}

static void forget(struct people *people)
{
    hash_free(people->known, remembered_free);
    people->known = hash_new();
}

static struct belfry_str key_of(struct arena *arena, struct belfry_str org, struct belfry_str username)
{
    char *key = arena_alloc(arena, org.len + 1 + username.len);
    memcpy(key, org.ptr, org.len);
    memcpy(key + org.len + 1, username.ptr, username.len);
    return str_slice(key, org.len + 1 + username.len);
}

void http_people_changed(struct http *http)
{
    struct people *people = people_of(http);
    people->epoch++;
    forget(people);
}

void http_person_changed(struct http *http, struct belfry_str org, struct belfry_str username)
{
    struct people *people = people_of(http);
    struct arena *arena = arena_new(256);
    struct remembered *known = hash_del(people->known, key_of(arena, org, username));
    people->epoch++;
    if (known)
        remembered_free(known);
    arena_free(arena);
}

void people_free(struct http *http)
{
    if (!http->people)
        return;
    hash_free(http->people->known, remembered_free);
    free(http->people);
    http->people = NULL;
}

/* What is remembered may be forgotten before the request ends. */
static struct known_person copy(struct arena *arena, struct known_person p)
{
    struct belfry_str *roles = arena_alloc(arena, (p.roles.count + 1) * sizeof(*roles));
    for (size_t i = 0; i < p.roles.count; i++)
        roles[i] = arena_str(arena, p.roles.items[i]);
    p.roles.items = roles;
    p.locale = arena_str(arena, p.locale);
    p.timezone = arena_str(arena, p.timezone);
    p.own_locale = arena_str(arena, p.own_locale);
    p.own_timezone = arena_str(arena, p.own_timezone);
    return p;
}

/* [reader] */
static belfry_status read_row(struct store_conn *conn, void *arg)
{
    struct look *look = arg;
    struct store_directory_entry entry;
    struct store_preference row;
    struct preference own;
    int64_t org = store_name_find(conn, look->org);
    struct known_person *person = &look->found->person;
    if (!org)
        return BELFRY_OK;
    if (store_directory_get(conn, org, look->username, look->arena, &entry))
        *person = (struct known_person){
            .found = 1, .roles = {entry.roles, entry.role_count}, .locale = entry.locale, .timezone = entry.timezone};
    if (store_preference_get(conn, org, look->username, look->arena, &row)) {
        preference_load(row.doc, look->arena, &own);
        person->own_locale = own.locale;
        person->own_timezone = own.timezone;
        person->no_shortcuts = !own.shortcuts;
    }
    return BELFRY_OK;
}

static void on_row(void *arg, belfry_status status)
{
    struct look *look = arg;
    struct http *http = look->http;
    struct people *people = http->people;
    int late = !people || look->epoch != people->epoch;
    struct http_request *req = http->closed ? NULL : http_request_find(http, look->request);
    if (req && status == BELFRY_OK && late) {
        people_find(request_of(req), look->org, look->username, look->fn, look->arg);
    } else if (req) {
        struct known_person person = copy(req->arena, look->found->person);
        look->fn(request_of(req), status == BELFRY_OK ? &person : NULL, look->arg);
    }
    http->jobs--;
    if (status != BELFRY_OK || late) {
        arena_free(look->arena);
    } else {
        if (hash_count(people->known) >= PEOPLE_MAX)
            forget(people);
        struct remembered *before = hash_set(people->known, look->key, look->found);
        if (before)
            remembered_free(before);
    }
    http_unref(http);
}

void people_find(struct request *r, struct belfry_str org, struct belfry_str username,
                 void (*fn)(struct request *r, const struct known_person *person, void *arg), void *arg)
{
    static const struct known_person none = {0};
    struct http *http = r->pub.http;
    const struct remembered *known = hash_get(people_of(http)->known, key_of(r->pub.arena, org, username));
    if (known || !http->set.readers) {
        struct known_person person = copy(r->pub.arena, known ? known->person : none);
        fn(r, &person, arg);
        return;
    }
    struct arena *arena = arena_new(512);
    struct look *look = arena_alloc(arena, sizeof(*look));
    *look = (struct look){.http = http,
                          .arena = arena,
                          .request = r->pub.pub.id,
                          .epoch = http->people->epoch,
                          .org = arena_str(arena, org),
                          .username = arena_str(arena, username),
                          .key = key_of(arena, org, username),
                          .found = arena_alloc(arena, sizeof(*look->found)),
                          .fn = fn,
                          .arg = arg};
    look->found->arena = arena;
    if (store_read(http->set.readers, read_row, on_row, look, 0) != BELFRY_OK) {
        arena_free(arena);
        fn(r, NULL, arg);
        return;
    }
    http->jobs++;
    request_park(r);
}
