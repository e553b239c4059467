/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/categories/{id}/audience: who sees what. Everybody of the directory in the order of names, and whether
 * the gate of the category, which is asked here as it is everywhere else, lets them through. A JWT that names other
 * roles than the directory wins for as long as it is used; nobody can know that beforehand.
 */
#include "base/mem.h"
#include "hub/internal.h"
#include "store/people.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

struct listing {
    struct http_request *req;
    const struct config_category *category;
    struct belfry_str after;
    size_t limit, count;
    struct store_directory_entry *people;
    int more;
};

/* Of YAML's people those after a name, which are sorted. */
static size_t first_after(const struct config_org *org, struct belfry_str after)
{
    size_t i = 0;
    while (org && i < org->user_count && after.len && str_cmp(str_of(org->users[i].username), after) <= 0)
        i++;
    return i;
}

static struct store_directory_entry of_yaml(const struct config_user *user, struct arena *arena)
{
    struct belfry_str *roles = arena_alloc(arena, (user->roles.count + 1) * sizeof(*roles));
    for (size_t i = 0; i < user->roles.count; i++)
        roles[i] = str_of(user->roles.items[i]);
    return (struct store_directory_entry){.username = str_of(user->username),
                                          .name = str_of(user->name),
                                          .roles = roles,
                                          .role_count = user->roles.count};
}

static belfry_status read_people(struct store_conn *conn, void *arg)
{
    struct listing *l = arg;
    struct arena *arena = l->req->arena;
    const struct config_org *org = config_org(l->req->config, l->req->pub.org);
    int64_t id = store_name_find(conn, l->req->pub.org);
    struct belfry_str *names = NULL;
    size_t most = l->limit + 1, api = id ? store_directory_page(conn, id, l->after, most, arena, &names) : 0;
    size_t i = first_after(org, l->after), j = 0, yaml = org ? org->user_count : 0;
    l->people = arena_alloc(arena, most * sizeof(*l->people));
    for (l->count = 0; l->count < most && (i < yaml || j < api); l->count++) {
        struct store_directory_entry *e = &l->people[l->count];
        if (j == api || (i < yaml && str_cmp(str_of(org->users[i].username), names[j]) < 0))
            *e = of_yaml(&org->users[i++], arena);
        else
            store_directory_get(conn, id, names[j++], arena, e);
    }
    l->more = l->count > l->limit;
    l->count -= l->more != 0;
    return BELFRY_OK;
}

/* The first of the category's roles that the person has; NULL: none, or it asks for none. */
static const char *through(const struct config_category *category, const struct belfry_strs *roles)
{
    for (size_t i = 0; i < category->visible_to.count; i++)
        for (size_t r = 0; r < roles->count; r++)
            if (str_eqz(roles->items[r], category->visible_to.items[i]))
                return category->visible_to.items[i];
    return NULL;
}

static json_t *person_json(const struct listing *l, const struct store_directory_entry *e)
{
    const struct belfry_strs roles = {e->roles, e->role_count};
    const char *role = through(l->category, &roles);
    json_t *doc = json_object(), *list = json_array();
    for (size_t i = 0; i < roles.count; i++)
        json_array_append_new(list, json_stringn(roles.items[i].ptr, roles.items[i].len));
    json_set_str(doc, "username", e->username);
    json_object_set_new(doc, "name", e->name.len ? json_stringn(e->name.ptr, e->name.len) : json_null());
    json_object_set_new(doc, "roles", list);
    json_object_set_new(doc, "sees", json_boolean(config_visible(l->category, &roles)));
    json_object_set_new(doc, "through", role ? json_string(role) : json_null());
    return doc;
}

static void answer(void *arg, belfry_status status)
{
    struct listing *l = arg;
    if (status != BELFRY_OK) {
        http_problem(l->req, http_status_of(status), NULL, "the directory could not be read now");
        return;
    }
    json_t *items = json_array(), *doc = json_object();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, person_json(l, &l->people[i]));
    json_object_set_new(doc, "items", items);
    if (l->more)
        json_set_str(doc, "next", l->people[l->count - 1].username);
    else
        json_object_set_new(doc, "next", json_null());
    http_respond_json(l->req, 200, doc, NULL, 0);
}

static int query_limit(struct http_request *req, size_t *limit)
{
    struct belfry_str text;
    int64_t n = LIMIT_DEFAULT;
    int given = hub_query(req, "limit", &text);
    if (given < 0)
        return -1;
    if (given && (str_to_i64(text, &n) != BELFRY_OK || n < 1 || n > LIMIT_MAX)) {
        http_problem(req, 400, NULL, "`limit` must be a number from 1 to %d", LIMIT_MAX);
        return -1;
    }
    *limit = (size_t)n;
    return 0;
}

static void get_audience(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct listing *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->category = config_category(req->config, http_param(req, "id"));
    if (!l->category) {
        http_problem(req, 404, NULL, "there is no such category");
        return;
    }
    /* the cursor is a name: people come in the order of names */
    if (query_limit(req, &l->limit) != 0 || hub_query(req, "before", &l->after) < 0)
        return;
    if (store_read(hub->parts.readers, read_people, answer, l, 0) != BELFRY_OK)
        http_problem(req, 503, NULL, "too many reads wait at the moment");
}

belfry_status hub_audience_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {
        "GET", "/v1/{org}/categories/{id}/audience", "role:admin|token:read|token:admin", 0, 0, get_audience, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
