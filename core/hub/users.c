/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/{org}/users: the directory. People of YAML are read-only here; others are rows. */
#include "base/mem.h"
#include "hub/internal.h"
#include "ledger/addresses.h"
#include "store/people.h"
#include "store/preferences.h"

#include <stdlib.h>

#define ROLES_MAX 64

/* --- reading ------------------------------------------------------------------------------------------------------ */

static json_t *or_null(struct belfry_str s)
{
    return s.len ? json_stringn(s.ptr, s.len) : json_null();
}

static json_t *entry_json(const struct store_directory_entry *e, const char *from)
{
    json_t *doc = json_object(), *roles = json_array();
    for (size_t i = 0; i < e->role_count; i++)
        json_array_append_new(roles, json_stringn(e->roles[i].ptr, e->roles[i].len));
    json_set_str(doc, "username", e->username);
    json_object_set_new(doc, "name", or_null(e->name));
    json_object_set_new(doc, "email", or_null(e->email));
    json_object_set_new(doc, "roles", roles);
    json_object_set_new(doc, "locale", or_null(e->locale));
    json_object_set_new(doc, "timezone", or_null(e->timezone));
    json_object_set_new(doc, "from", json_string(from));
    return doc;
}

static json_t *yaml_json(const struct config_user *u)
{
    struct belfry_str roles[ROLES_MAX];
    struct store_directory_entry e = {.username = str_of(u->username),
                                      .name = str_of(u->name),
                                      .email = str_of(u->email),
                                      .locale = str_of(u->locale),
                                      .timezone = str_of(u->timezone),
                                      .roles = roles};
    for (size_t i = 0; i < u->roles.count && i < ROLES_MAX; i++)
        roles[e.role_count++] = str_of(u->roles.items[i]);
    return entry_json(&e, "yaml");
}

struct reading {
    struct http_request *req;
    struct store_directory_entry entry;
    int found;
};

static belfry_status read_one(struct store_conn *conn, void *arg)
{
    struct reading *r = arg;
    int64_t org = store_name_find(conn, r->req->pub.org);
    r->found = org && store_directory_get(conn, org, http_param(r->req, "username"), r->req->arena, &r->entry);
    return BELFRY_OK;
}

static void read_done(void *arg, belfry_status status)
{
    struct reading *r = arg;
    if (status != BELFRY_OK)
        http_problem(r->req, http_status_of(status), NULL, "the directory could not be read now");
    else if (!r->found)
        http_problem(r->req, 404, NULL, "there is no such person in the directory");
    else
        http_respond_json(r->req, 200, entry_json(&r->entry, "api"), NULL, 0);
}

static void get_user(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    const struct config_user *user = config_user(req->config, req->pub.org, http_param(req, "username"));
    if (user) {
        http_respond_json(req, 200, yaml_json(user), NULL, 0);
        return;
    }
    struct reading *r = arena_alloc(req->arena, sizeof(*r));
    r->req = req;
    if (store_read(hub->parts.readers, read_one, read_done, r, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct writing {
    struct ledger_command command;
    struct hub *hub;
    struct http_request *req;
    struct store_directory_entry *entries;
    size_t count;
    int del, many, replace, found;
    struct belfry_str who;
    struct belfry_str *gone; /* people who were not in the list that replaces all */
    size_t gone_count, gone_cap;
    int64_t after, next; /* where erasing stands: committed, and after this slice */
    int more;
};

static int entry_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct store_directory_entry *)a)->username,
                   ((const struct store_directory_entry *)b)->username);
}

static void forget_gone(struct writing *w)
{
    for (size_t i = 0; i < w->gone_count; i++)
        free((void *)(uintptr_t)w->gone[i].ptr);
    w->gone_count = 0;
}

static void writing_free(struct writing *w)
{
    forget_gone(w);
    free(w->gone);
    free(w);
}

/* Everybody of the org who is not in the list goes. */
static void drop_others(struct writing *w, struct store_conn *conn, int64_t org, struct arena *arena)
{
    struct belfry_str *names;
    size_t count = store_directory_names(conn, org, arena, &names);
    qsort(w->entries, w->count, sizeof(*w->entries), entry_cmp);
    forget_gone(w); /* it may run again */
    for (size_t i = 0; i < count; i++) {
        struct store_directory_entry key = {.username = names[i]};
        if (bsearch(&key, w->entries, w->count, sizeof(*w->entries), entry_cmp))
            continue;
        store_directory_del(conn, org, names[i]);
        w->gone = xgrow(w->gone, &w->gone_cap, w->gone_count + 1, sizeof(*w->gone));
        w->gone[w->gone_count++] = str_slice(xstrndup(names[i].ptr, names[i].len), names[i].len);
    }
}

/* Out of the directory first, so that no role brings more, with what they chose and what is known of their
 * address; then what they were told, a slice a transaction. */
static void run_delete(struct writing *w, struct ledger_txn *txn, int64_t org)
{
    struct store_conn *conn = ledger_txn_conn(txn);
    struct belfry_str username = w->entries[0].username;
    int64_t rev, person = store_person_find(conn, org, username, &rev);
    size_t erased = 0;
    if (!w->after) {
        ledger_txn_address_erase(txn, w->req->pub.org, username);
        w->found = store_directory_del(conn, org, username) + store_preference_del(conn, org, username) > 0;
    }
    w->next = w->after;
    w->more = person && store_person_erase(conn, person, username, &w->next, &erased, ledger_txn_arena(txn));
    if (!erased)
        return;
    w->found = 1;
    ledger_txn_touch(txn, person);
}

/* Who was changed, not what is known of them. Names are many when the whole list is replaced: then how many. */
static void audit(const struct writing *w, struct ledger_txn *txn)
{
    json_t *detail = json_object();
    const char *what = w->del ? "user.delete" : w->many ? "users.put" : "user.put";
    if (!w->many)
        json_set_str(detail, "username", w->entries[0].username);
    if (w->many) {
        json_object_set_new(detail, "count", json_integer((json_int_t)w->count));
        json_object_set_new(detail, "removed", json_integer((json_int_t)w->gone_count));
    }
    ledger_txn_audit(txn, w->req->pub.org, w->who, what, detail);
    json_decref(detail);
}

/* A notice "mail to your address comes back" is about another address now. */
static void tell_of_addresses(const struct writing *w, struct ledger_txn *txn)
{
    for (size_t i = 0; i < w->count; i++)
        ledger_txn_address_changed(txn, w->req->pub.org, w->entries[i].username);
    for (size_t i = 0; i < w->gone_count; i++)
        ledger_txn_address_changed(txn, w->req->pub.org, w->gone[i]);
}

static belfry_status run_write(struct ledger_command *command, struct ledger_txn *txn)
{
    struct writing *w = (struct writing *)(void *)command;
    struct store_conn *conn = ledger_txn_conn(txn);
    int64_t org = store_name(conn, w->req->pub.org);
    if (w->del)
        run_delete(w, txn, org);
    for (size_t i = 0; !w->del && i < w->count; i++)
        store_directory_put(conn, org, &w->entries[i]);
    if (w->replace)
        drop_others(w, conn, org, ledger_txn_arena(txn));
    if (w->after)
        return BELFRY_OK; /* later slices change nobody's roles, and are the same deed */
    ledger_txn_directory_changed(txn);
    tell_of_addresses(w, txn);
    if (!w->del || w->found)
        audit(w, txn);
    return BELFRY_OK;
}

/* Before the answer: whoever calls after it has the roles that were written, and no others. */
static void tell(const struct writing *w)
{
    struct host_inbox *inbox = host_inbox(w->hub->parts.host);
    http_people_changed(w->hub->parts.http);
    for (size_t i = 0; i < w->count; i++) {
        const struct store_directory_entry *e = &w->entries[i];
        struct belfry_strs roles = {e->roles, e->role_count};
        host_inbox_roles(inbox, w->req->pub.org, e->username, &roles);
    }
    for (size_t i = 0; i < w->gone_count; i++)
        host_inbox_roles(inbox, w->req->pub.org, w->gone[i], &(struct belfry_strs){NULL, 0});
}

static void write_done(struct ledger_command *command, belfry_status status)
{
    struct writing *w = (struct writing *)(void *)command;
    if (status == BELFRY_OK && !w->after)
        tell(w);
    if (status == BELFRY_OK && w->more) {
        w->after = w->next;
        status = ledger_submit(w->hub->parts.ledger, &w->command);
        if (status == BELFRY_OK)
            return;
    }
    if (status != BELFRY_OK)
        http_problem(w->req, http_status_of(status), NULL, "the directory could not be written now");
    else if (w->del && !w->found)
        http_problem(w->req, 404, NULL, "there is no such person in the directory, and nothing was told to one");
    else if (w->del)
        http_respond(w->req, 204, NULL, (struct belfry_str){0}, NULL, 0);
    else
        http_respond_json(w->req, 200, json_pack("{s:I}", "changed", (json_int_t)(w->count + w->gone_count)), NULL, 0);
    writing_free(w);
}

static int role_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

/* One person of a body. 0, or -1 after a 422. prefix: where it stands. */
static int parse_entry(struct http_request *req, const json_t *doc, struct belfry_str username, const char *prefix,
                       struct store_directory_entry *e)
{
    static const char *const texts[] = {"name", "email", "locale", "timezone"};
    struct belfry_str *const fields[] = {&e->name, &e->email, &e->locale, &e->timezone};
    const char *fault = config_username_fault(username);
    if (fault) {
        http_problem(req, 422, arena_printf(req->arena, "%s/username", prefix), "%s", fault);
        return -1;
    }
    e->username = arena_str(req->arena, username);
    for (size_t i = 0; i < 4; i++) {
        json_t *value = json_object_get(doc, texts[i]);
        if (value && !json_is_string(value) && !json_is_null(value)) {
            http_problem(req, 422, arena_printf(req->arena, "%s/%s", prefix, texts[i]), "must be a string, not %s",
                         json_type_text(value));
            return -1;
        }
        *fields[i] = text_line(req->arena, json_str(value));
    }
    if (e->email.len && !address_valid(e->email)) {
        http_problem(req, 422, arena_printf(req->arena, "%s/email", prefix), "is no mail address");
        return -1;
    }
    json_t *roles = json_object_get(doc, "roles"), *role;
    size_t i;
    if ((roles && !json_is_array(roles)) || json_array_size(roles) > ROLES_MAX) {
        http_problem(req, 422, arena_printf(req->arena, "%s/roles", prefix), "must be a list of at most %d names",
                     ROLES_MAX);
        return -1;
    }
    struct belfry_str *list = arena_alloc(req->arena, (json_array_size(roles) + 1) * sizeof(*list));
    json_array_foreach(roles, i, role)
    {
        list[i] = arena_str(req->arena, json_str(role));
        if (!list[i].len) {
            http_problem(req, 422, arena_printf(req->arena, "%s/roles/%zu", prefix, i), "must be a name");
            return -1;
        }
    }
    e->role_count = json_array_size(roles);
    qsort(list, e->role_count, sizeof(*list), role_cmp);
    e->roles = list;
    return 0;
}

/* 409 naming the line of the person in YAML; 1 when so. */
static int is_yaml(struct http_request *req, struct belfry_str username)
{
    const struct config_user *user = config_user(req->config, req->pub.org, username);
    if (!user)
        return 0;
    http_problem(req, 409, NULL, "`%s` is defined in %s:%u and can be changed only there", user->username,
                 config_file_shown(req->config, user->span.file), user->span.line);
    return 1;
}

static void submit(struct hub *hub, struct writing *w)
{
    w->hub = hub;
    w->command.run = run_write;
    w->command.done = write_done;
    if (ledger_submit(hub->parts.ledger, &w->command) == BELFRY_OK)
        return;
    http_problem(w->req, 503, NULL, "too much waits to be written at the moment");
    writing_free(w);
}

static struct writing *writing_new(struct http_request *req, size_t count)
{
    struct writing *w = xcalloc(1, sizeof(*w));
    w->req = req;
    w->count = count;
    w->who = hub_who(req);
    w->entries = arena_alloc(req->arena, (count + 1) * sizeof(*w->entries));
    return w;
}

static void put_user(void *arg, struct http_request *req)
{
    struct belfry_str username = http_param(req, "username");
    json_t *body = http_json(req);
    if (!body || is_yaml(req, username))
        return;
    struct writing *w = writing_new(req, 1);
    if (parse_entry(req, body, username, "", &w->entries[0]) != 0)
        writing_free(w);
    else
        submit(arg, w);
}

/* ?replace=true; -1 after a 400. */
static int wants_replace(struct http_request *req)
{
    struct belfry_str value;
    int given = hub_query(req, "replace", &value);
    if (given <= 0 || str_eqz(value, "false"))
        return given;
    if (str_eqz(value, "true"))
        return 1;
    http_problem(req, 400, NULL, "`replace` must be true or false");
    return -1;
}

static void put_users(void *arg, struct http_request *req)
{
    json_t *body = http_json(req), *item;
    json_t *items = json_object_get(body, "items");
    size_t i;
    if (!body)
        return;
    if (!json_is_array(items)) {
        http_problem(req, 422, "/items", "must be a list of people");
        return;
    }
    int replace = wants_replace(req);
    if (replace < 0)
        return;
    struct writing *w = writing_new(req, json_array_size(items));
    w->replace = replace;
    w->many = 1;
    json_array_foreach(items, i, item)
    {
        struct belfry_str username = json_str(json_object_get(item, "username"));
        char *prefix = arena_printf(req->arena, "/items/%zu", i);
        if (is_yaml(req, username) || parse_entry(req, item, username, prefix, &w->entries[i]) != 0) {
            writing_free(w);
            return;
        }
    }
    submit(arg, w);
}

static void delete_user(void *arg, struct http_request *req)
{
    if (is_yaml(req, http_param(req, "username")))
        return;
    struct writing *w = writing_new(req, 1);
    w->del = 1;
    w->entries[0].username = http_param(req, "username");
    submit(arg, w);
}

belfry_status hub_users_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:users|token:read|token:admin";
    static const char *const writes = "role:admin|token:users|token:admin";
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/users/{username}", reads, 0, 0, get_user, hub},
        {"PUT", "/v1/{org}/users/{username}", writes, 64 << 10, 0, put_user, hub},
        {"PUT", "/v1/{org}/users", writes, 4 << 20, 0, put_users, hub},
        {"DELETE", "/v1/{org}/users/{username}", writes, 0, 0, delete_user, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 4, err);
}
