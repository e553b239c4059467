/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.inbox/1: the revisions of people who look at their inboxes, in memory, so that asking whether something
 * changed costs no query. An entry is made when a person first asks; from then on the ledger's news keep it right,
 * because they come before anybody is answered. While an entry waits for its first revision from a reader it is pinned,
 * so that news that overtake the reader are not lost: the larger revision wins.
 *
 * Entries are dropped from the one that was used longest ago; a dropped one is loaded again when it is asked for.
 */
#include "host/inbox.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define PEOPLE_MAX 100000
#define KEY_MAX 200 /* an org has at most 63 bytes, a username 128 */

static struct host_inbox *inboxes; /* one, but in tests; loop only */

struct host_inbox *inbox_of(const struct belfry_http_request *req)
{
    const struct http *http = inbox_request(req)->http;
    struct host_inbox *inbox = inboxes;
    while (inbox && host_parts(inbox->host)->http != http)
        inbox = inbox->next;
    return inbox;
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct belfry_str key_of(struct belfry_str org, struct belfry_str username, char buffer[KEY_MAX])
{
    if (org.len + 1 + username.len > KEY_MAX)
        return (struct belfry_str){NULL, 0};
    memcpy(buffer, org.ptr, org.len);
    buffer[org.len] = '\0';
    memcpy(buffer + org.len + 1, username.ptr, username.len);
    return str_slice(buffer, org.len + 1 + username.len);
}

static void forget(struct host_inbox *inbox, struct inbox_person *person)
{
    list_remove(&person->lru);
    hash_del(inbox->people, str_slice(person->key, person->key_len));
    free(person);
}

/* Pinned entries are passed over; there are as many as calls and streams. */
static void make_room(struct host_inbox *inbox)
{
    struct list *at = inbox->lru.prev;
    while (hash_count(inbox->people) >= PEOPLE_MAX && at != &inbox->lru) {
        struct inbox_person *person = LIST_OF(at, struct inbox_person, lru);
        at = at->prev;
        if (!person->pins)
            forget(inbox, person);
    }
}

struct inbox_person *inbox_person(struct host_inbox *inbox, struct belfry_str org, struct belfry_str username, int make)
{
    char buffer[KEY_MAX];
    struct belfry_str key = key_of(org, username, buffer);
    struct inbox_person *person = key.ptr ? hash_get(inbox->people, key) : NULL;
    if (person || !make || !key.ptr)
        return person;
    make_room(inbox);
    person = xcalloc(1, sizeof(*person) + key.len);
    list_init(&person->watchers);
    person->rev = -1;
    person->key_len = (uint8_t)key.len;
    for (int i = 0; i < INBOX_COUNTED; i++)
        person->counted[i].rev = -1;
    memcpy(person->key, key.ptr, key.len);
    hash_set(inbox->people, key, person);
    list_push_front(&inbox->lru, &person->lru);
    return person;
}

void inbox_pin(struct inbox_person *person)
{
    if (person)
        person->pins++;
}

void inbox_unpin(struct host_inbox *inbox, struct inbox_person *person)
{
    if (!person)
        return;
    person->pins--;
    /* A read that failed leaves nothing that is worth keeping, and nothing that news could make half right. */
    if (!person->pins && person->rev < 0)
        forget(inbox, person);
}

void inbox_saw(struct inbox_person *person, int64_t rev)
{
    if (person && rev > person->rev)
        person->rev = rev;
}

const struct inbox_counted *inbox_counted(const struct inbox_person *person, uint64_t roles, uint64_t generation)
{
    for (int i = 0; i < INBOX_COUNTED; i++) {
        const struct inbox_counted *c = &person->counted[i];
        if (person->rev >= 0 && c->rev == person->rev && c->roles == roles && c->generation == generation)
            return c;
    }
    return NULL;
}

void inbox_set_counted(struct inbox_person *person, const struct inbox_counted *counted)
{
    for (int i = 0; i < INBOX_COUNTED; i++) {
        struct inbox_counted *c = &person->counted[i];
        if (c->roles == counted->roles && c->generation == counted->generation) {
            if (counted->rev >= c->rev)
                *c = *counted;
            return;
        }
    }
    person->counted[person->next_counted++ % INBOX_COUNTED] = *counted;
}

/* --- tags ------------------------------------------------------------------------------------- */

uint64_t inbox_roles(struct belfry_str hash)
{
    uint64_t value = 0;
    for (size_t i = 0; i < hash.len; i++)
        value = value << 4 | (uint64_t)(hash.ptr[i] <= '9' ? hash.ptr[i] - '0' : hash.ptr[i] - 'a' + 10);
    return value;
}

/* Made without printf: a hot hub makes 50,000 of them a second. */
struct belfry_str inbox_tag(const struct host_inbox *inbox, struct arena *arena, int64_t rev,
                            struct belfry_str roles_hash, uint64_t generation)
{
    char *out = arena_alloc(arena, 20 + 1 + roles_hash.len + 1 + 20 + 1 + sizeof(inbox->drawn));
    char digits[20], *p = out;
    uint64_t numbers[2] = {(uint64_t)rev, generation};
    for (int i = 0; i < 2; i++) {
        int n = 0;
        do
            digits[n++] = (char)('0' + numbers[i] % 10);
        while (numbers[i] /= 10);
        while (n > 0)
            *p++ = digits[--n];
        *p++ = '.';
    }
    memcpy(p, roles_hash.ptr ? roles_hash.ptr : "", roles_hash.len);
    p += roles_hash.len;
    *p++ = '.';
    memcpy(p, inbox->drawn, sizeof(inbox->drawn) - 1);
    return str_slice(out, (size_t)(p - out) + sizeof(inbox->drawn) - 1);
}

static belfry_status tag(const struct belfry_http_request *req, struct belfry_str *etag, int64_t *rev)
{
    if (!host_request_on_loop(req, "inbox.tag"))
        return BELFRY_EPERM;
    struct host_inbox *inbox = inbox_of(req);
    const struct http_request *http = inbox_request(req);
    struct inbox_person *person = inbox_is_person(req) ? inbox_person(inbox, req->org, req->principal->name, 0) : NULL;
    if (!person || person->rev < 0)
        return BELFRY_EAGAIN;
    list_remove(&person->lru);
    list_push_front(&inbox->lru, &person->lru);
    *rev = person->rev;
    *etag = inbox_tag(inbox, http->arena, person->rev, http->roles_hash, http->config->generation);
    return BELFRY_OK;
}

/* --- gates ------------------------------------------------------------------------------------ */

struct belfry_strs inbox_gates(const struct config *config, const struct belfry_strs *roles, struct arena *arena)
{
    size_t count = 0;
    struct belfry_str *names = arena_alloc(arena, (config->category_count + 1) * sizeof(*names));
    for (size_t i = 0; i < config->category_count; i++)
        if (!config_visible(&config->categories[i], roles))
            names[count++] = arena_str(arena, str_of(config->categories[i].name));
    return (struct belfry_strs){names, count};
}

/* --- life ------------------------------------------------------------------------------------- */

struct host_inbox *host_inbox_new(struct host *host)
{
    struct host_inbox *inbox = xcalloc(1, sizeof(*inbox));
    uint32_t drawn;
    inbox->host = host;
    inbox->people = hash_new();
    inbox->watchers_by_id = hash_new();
    list_init(&inbox->lru);
    list_init(&inbox->watchers);
    list_init(&inbox->dirty);
    random_bytes(&drawn, sizeof(drawn));
    snprintf(inbox->drawn, sizeof(inbox->drawn), "%08x", drawn);
    uv_timer_init(host_parts(host)->loop, &inbox->tick);
    uv_unref((uv_handle_t *)&inbox->tick);
    inbox->tick.data = inbox;
    inbox->next = inboxes;
    inboxes = inbox;
    inbox->busy = 1;
    if (host_parts(host)->http) /* ends before the host does */
        http_on_sign_out(host_parts(host)->http, inbox_live_signed_out, inbox);
    return inbox;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void inbox_hold(struct host_inbox *inbox)
{
    inbox->busy++;
}

void inbox_let_go(struct host_inbox *inbox)
{
    if (--inbox->busy)
        return;
    hash_free(inbox->people, free);
    hash_free(inbox->watchers_by_id, NULL);
    config_unref(inbox->config);
    uv_close((uv_handle_t *)&inbox->tick, on_closed);
}

void host_inbox_free(struct host_inbox *inbox)
{
    struct host_inbox **at = &inboxes;
    while (*at != inbox)
        at = &(*at)->next;
    *at = inbox->next;
    inbox->freed = 1;
    inbox_live_free(inbox);
    inbox_let_go(inbox);
}

void host_inbox_news(struct host_inbox *inbox, const struct ledger_news *news)
{
    for (size_t i = 0; i < news->people_count; i++) {
        const struct ledger_person_change *change = &news->people[i];
        struct inbox_person *person = inbox_person(inbox, change->org_name, change->username, 0);
        if (!person)
            continue;
        inbox_saw(person, change->rev);
        inbox_live_changed(inbox, person);
    }
}

void host_inbox_config(struct host_inbox *inbox, struct config *config)
{
    struct config *old = inbox->config;
    inbox->config = config_ref(config);
    if (old)
        inbox_live_config(inbox, old, config);
    config_unref(old);
}

const struct belfry_inbox_api host_inbox_api = {
    .struct_size = sizeof(struct belfry_inbox_api),
    .tag = tag,
    .list = inbox_list,
    .count = inbox_count,
    .one = inbox_one,
    .mark = inbox_mark,
    .bulk = inbox_bulk,
    .undo = inbox_undo,
    .act = inbox_act,
    .subscribe = inbox_subscribe,
    .unsubscribe = inbox_unsubscribe,
};
