/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.preferences/1: what the person of a request chose, read on a reader and replaced by one command of the ledger.
 * The API and the page are both here, so they check the same. Beside it, why no mail goes to their address, and the end
 * of that.
 *
 * A category that the person may not see is treated as one that does not exist, in the same words. A choice that cannot
 * count now, about such a category or `off` for one that became required, is kept and not shown, so that what is read
 * can be written again. The entity tag names the row, the categories in sight and which of them are required, because
 * what is shown and what may be chosen depends on those.
 */
#include "host/inbox.h"

#include "base/mem.h"
#include "base/zone.h"
#include "ledger/addresses.h"
#include "route/preference.h"
#include "store/people.h"
#include "store/preferences.h"

#include <stdlib.h>

#define TAGS_MAX 16 /* of an If-Match; further ones are not looked at */

/* One call, from the caller's to its answer. Its request is held: a reader and the ledger look at it. */
struct pref_call {
    struct host *host;
    const struct http_request *req;
    struct arena *arena;
    struct belfry_strs visible, required; /* names of categories: in sight, and those of them that cannot be off */
    belfry_status early;
    struct error err;
    /* get */
    struct store_preference row;
    struct store_directory_entry entry;
    struct store_suppression trouble; /* id 0: none */
    int found, listed;                /* a row; an entry in the API's directory */
    void (*got)(void *arg, belfry_status status, const struct belfry_preferences *preferences);
    /* put */
    struct ledger_preference ledger;
    struct preference wanted;
    int64_t expected[TAGS_MAX];
    void (*changed)(void *arg, const struct belfry_preferences_change *change);
    /* trust */
    struct ledger_address_release release;
    void (*trusted)(void *arg, belfry_status status);
    void *arg;
};

static struct belfry_strs see(const struct http_request *req, struct arena *arena, int required)
{
    const struct config *config = req->config;
    struct belfry_str *names = arena_alloc(arena, (config->category_count + 1) * sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; i < config->category_count; i++)
        if ((config->categories[i].required || !required) &&
            config_visible(&config->categories[i], &req->pub.principal->roles))
            names[count++] = str_of(config->categories[i].name);
    return (struct belfry_strs){names, count};
}

static struct pref_call *call_new(const struct belfry_http_request *req, void *arg)
{
    struct pref_call *c = xcalloc(1, sizeof(*c));
    c->host = inbox_of(req)->host;
    c->req = inbox_request(req);
    http_hold(inbox_request(req));
    c->arena = arena_new(0);
    c->arg = arg;
    c->early = inbox_is_person(req) ? BELFRY_OK : BELFRY_EPERM;
    if (c->early == BELFRY_OK) {
        c->visible = see(c->req, c->arena, 0);
        c->required = see(c->req, c->arena, 1);
    }
    return c;
}

static void call_free(struct pref_call *c)
{
    http_let_go(inbox_request(&c->req->pub));
    error_clear(&c->err);
    arena_free(c->arena);
    free(c);
}

/* --- what is answered --------------------------------------------------------------------------------------------- */

static uint64_t sight_hash(const struct pref_call *c)
{
    static const struct id_key key = {{0}}; /* not secret: the same categories give the same tag */
    const struct belfry_strs *lists[] = {&c->visible, &c->required};
    uint64_t sum = c->visible.count;
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            sum = sum * 31 + siphash(&key, lists[l]->items[i].ptr, lists[l]->items[i].len);
    return sum;
}

static const char *tag_of(const struct pref_call *c, int64_t id)
{
    return arena_printf(c->arena, "\"%llx.%llx\"", (unsigned long long)id, (unsigned long long)sight_hash(c));
}

static struct belfry_str json_of(const struct pref_call *c, const struct preference *p)
{
    struct buf text = {0};
    json_t *doc = preference_json(p);
    json_write(doc, &text);
    json_decref(doc);
    struct belfry_str copy = arena_str(c->arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

static void hide(const struct pref_call *c, struct preference *p)
{
    struct preference_choice *shown = arena_alloc(c->arena, (p->email_count + 1) * sizeof(*shown));
    size_t count = 0;
    for (size_t i = 0; i < p->email_count; i++)
        if (preference_counts(&p->email[i], &c->visible, &c->required))
            shown[count++] = p->email[i];
    p->email = shown;
    p->email_count = count;
}

static const struct belfry_preference_category *categories_of(const struct pref_call *c, const struct preference *p)
{
    struct belfry_preference_category *list = arena_alloc(c->arena, (c->visible.count + 1) * sizeof(*list));
    for (size_t i = 0; i < c->visible.count; i++) {
        const struct config_category *category = config_category(c->req->config, c->visible.items[i]);
        int fallback = p->fallback == PREFERENCE_NONE ? (int)category->email : p->fallback;
        list[i] = (struct belfry_preference_category){
            .struct_size = sizeof(*list),
            .required = category->required,
            .name = c->visible.items[i],
            .label = config_label(category, c->req->pub.locale),
            .chosen = (uint32_t)(preference_of(p, c->visible.items[i]) - PREFERENCE_NONE),
            .fallback = (uint32_t)(fallback - PREFERENCE_NONE),
        };
    }
    return list;
}

/* 1 when a channel of the person's org asks what people chose, and has the flag. */
static uint32_t has_channel(const struct pref_call *c, uint32_t flag)
{
    const struct config *config = c->req->config;
    for (size_t i = 0; i < config->channel_count; i++) {
        const struct config_instance *channel = &config->channels[i];
        uint32_t flags = channel->plugin->delivery->flags;
        if (config_serves(channel, c->req->pub.org) && flags & BELFRY_DELIVERY_PREFERENCE && flags & flag)
            return 1;
    }
    return 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Where mail to the person goes; empty: nowhere. */
static struct belfry_str address_of(const struct pref_call *c)
{
    const struct config_user *user = config_user(c->req->config, c->req->pub.org, c->req->pub.principal->name);
    return user ? str_of(user->email) : c->entry.email;
}

/* [reader] */
static belfry_status get_read(struct store_conn *conn, void *arg)
{
    struct pref_call *c = arg;
    struct belfry_str who = c->req->pub.principal->name;
    int64_t org = store_name_find(conn, c->req->pub.org);
    c->found = org && store_preference_get(conn, org, who, c->arena, &c->row);
    c->listed = org && store_directory_get(conn, org, who, c->arena, &c->entry);
    if (!org || !store_suppressed(conn, org, address_of(c), 0, 1, c->arena, &c->trouble))
        c->trouble.id = 0;
    return BELFRY_OK;
}

static void get_done(void *arg, belfry_status status)
{
    struct pref_call *c = arg;
    struct preference p;
    const struct config_user *user = config_user(c->req->config, c->req->pub.org, c->req->pub.principal->name);
    preference_init(&p);
    if (c->found)
        preference_load(c->row.doc, c->arena, &p);
    hide(c, &p);
    struct belfry_str directory = user ? str_of(user->timezone) : c->entry.timezone;
    int64_t until = preference_paused_until(&p, preference_zone(c->req->config, c->req->org, &p, directory));
    struct belfry_preferences out = {
        .struct_size = sizeof(out),
        .json = json_of(c, &p),
        .etag = str_of(tag_of(c, c->row.id)),
        .categories = categories_of(c, &p),
        .category_count = c->visible.count,
        .address = address_of(c),
        .paused_until_ms = until > clock_now_ms(host_parts(c->host)->clock) ? until : 0,
        .asked = has_channel(c, BELFRY_DELIVERY_PREFERENCE),
        .gathered = has_channel(c, BELFRY_DELIVERY_DIGEST),
        .trouble = str_of(c->trouble.id ? suppression_name(c->trouble.reason) : NULL),
        .trouble_detail = c->trouble.detail,
        .trouble_since_ms = c->trouble.id ? id_time_ms(c->trouble.id) : 0,
    };
    c->got(c->arg, status, status == BELFRY_OK ? &out : NULL);
    call_free(c);
}

static void get_early(void *arg)
{
    struct pref_call *c = arg;
    c->got(c->arg, c->early, NULL);
    call_free(c);
}

static void get(const struct belfry_http_request *req,
                void (*done)(void *arg, belfry_status status, const struct belfry_preferences *preferences), void *arg)
{
    if (!host_request_on_loop(req, "preferences.get"))
        return;
    struct pref_call *c = call_new(req, arg);
    c->got = done;
    if (c->early == BELFRY_OK)
        c->early = store_read(host_parts(c->host)->readers, get_read, get_done, c, 0);
    if (c->early != BELFRY_OK)
        host_post(c->host, get_early, c);
}

/* --- replacing ---------------------------------------------------------------------------------------------------- */

static void check_categories(struct pref_call *c)
{
    for (size_t i = 0; i < c->wanted.email_count; i++) {
        const struct preference_choice *choice = &c->wanted.email[i];
        const struct config_category *category = config_category(c->req->config, choice->category);
        struct buf pointer = {0};
        buf_addz(&pointer, "/email");
        json_pointer_add(&pointer, choice->category);
        const char *at = arena_strndup(c->arena, pointer.ptr, pointer.len);
        buf_free(&pointer);
        if (!category || !str_among(choice->category, &c->visible))
            error_set(&c->err, BELFRY_EINVAL, at, "is no category of yours");
        else if (category->required && choice->how == CONFIG_EMAIL_OFF)
            error_set(&c->err, BELFRY_EINVAL, at, "is required: its mail cannot be off");
    }
}

/* The ids of the tags that are about the categories in sight; a weak tag never matches (RFC 9110 section 13.1.1). */
static void read_tags(struct pref_call *c, struct belfry_str tags)
{
    if (!tags.len || str_eqz(tags, "*"))
        return;
    c->ledger.expected = c->expected;
    while (tags.ptr && c->ledger.expected_count < TAGS_MAX) {
        struct belfry_str tag = str_trim(str_cut(tags, ',', &tags));
        char *end = NULL, *text = arena_strndup(c->arena, tag.ptr ? tag.ptr : "", tag.len);
        int64_t id = text[0] == '"' ? (int64_t)strtoull(text + 1, &end, 16) : 0;
        if (end && str_eqz(tag, tag_of(c, id)))
            c->expected[c->ledger.expected_count++] = id;
    }
}

static void put_answer(struct pref_call *c, belfry_status status)
{
    struct belfry_fault *faults = arena_alloc(c->arena, (c->err.count + 1) * sizeof(*faults));
    for (size_t i = 0; i < c->err.count; i++)
        faults[i] =
            (struct belfry_fault){sizeof(*faults), 0, str_of(c->err.items[i].pointer), str_of(c->err.items[i].detail)};
    struct belfry_preferences_change change = {
        .struct_size = sizeof(change), .status = status, .faults = faults, .fault_count = c->err.count};
    if (status == BELFRY_OK) {
        change.json = json_of(c, &c->wanted);
        change.etag = str_of(tag_of(c, c->ledger.id));
    }
    c->changed(c->arg, &change);
    call_free(c);
}

/* Who asks from now on has the language and the zone that were just chosen. */
static void put_done(struct ledger_preference *ledger, belfry_status status)
{
    struct pref_call *c = ledger->arg;
    if (status == BELFRY_OK)
        http_person_changed(c->req->http, ledger->org, ledger->username);
    put_answer(c, status == BELFRY_ECLOSED ? BELFRY_ECANCELED : status);
}

static void put_early(void *arg)
{
    put_answer(arg, ((struct pref_call *)arg)->early);
}

static belfry_status read_wanted(struct pref_call *c, struct belfry_str json)
{
    json_t *doc = json_read(json, &c->err);
    if (!doc)
        return BELFRY_EINVAL;
    preference_read(doc, c->arena, &c->wanted, &c->err);
    json_decref(doc);
    check_categories(c);
    return c->err.count ? BELFRY_EINVAL : BELFRY_OK;
}

static void put(const struct belfry_http_request *req, struct belfry_str json, struct belfry_str if_match,
                void (*done)(void *arg, const struct belfry_preferences_change *change), void *arg)
{
    if (!host_request_on_loop(req, "preferences.put"))
        return;
    struct pref_call *c = call_new(req, arg);
    c->changed = done;
    if (c->early == BELFRY_OK)
        c->early = read_wanted(c, json);
    if (c->early != BELFRY_OK) {
        host_post(c->host, put_early, c);
        return;
    }
    c->ledger = (struct ledger_preference){.org = c->req->pub.org,
                                           .username = c->req->pub.principal->name,
                                           .wanted = &c->wanted,
                                           .visible = &c->visible,
                                           .required = &c->required,
                                           .done = put_done,
                                           .arg = c};
    read_tags(c, if_match);
    ledger_preference_put(host_parts(c->host)->ledger, &c->ledger);
}

/* --- the address -------------------------------------------------------------------------------------------------- */

static void trust_answer(struct pref_call *c, belfry_status status)
{
    c->trusted(c->arg, status == BELFRY_ECLOSED ? BELFRY_ECANCELED : status);
    call_free(c);
}

static void trust_early(void *arg)
{
    trust_answer(arg, ((struct pref_call *)arg)->early);
}

static void trust_done(struct ledger_address_release *release, belfry_status status)
{
    trust_answer(release->arg, status);
}

static void trust(const struct belfry_http_request *req, void (*done)(void *arg, belfry_status status), void *arg)
{
    if (!host_request_on_loop(req, "preferences.trust"))
        return;
    struct pref_call *c = call_new(req, arg);
    c->trusted = done;
    if (c->early != BELFRY_OK) {
        host_post(c->host, trust_early, c);
        return;
    }
    struct belfry_str name = c->req->pub.principal->name;
    c->release = (struct ledger_address_release){.org = c->req->pub.org,
                                                 .who = str_of(arena_printf(c->arena, "person:%.*s", STR_ARG(name))),
                                                 .username = name,
                                                 .done = trust_done,
                                                 .arg = c};
    ledger_address_release(host_parts(c->host)->ledger, &c->release);
}

const struct belfry_preferences_api host_preferences_api = {
    sizeof(struct belfry_preferences_api), 0, get, put, zone_names, trust};
