/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: people of the configuration and of the API, as of one transaction. Nobody is in both (the API refuses
 * it), so a look at YAML that succeeds is the answer, and lists are merged. Where the API's table is empty, which is
 * usual, it is not asked.
 */
#include "ledger/inside.h"

#include "store/suppressions.h"

static int api_empty(struct directory *d)
{
    if (d->api_empty < 0)
        d->api_empty = !d->conn || store_directory_empty(d->conn);
    return d->api_empty;
}

static void from_yaml(struct arena *arena, const struct config_user *user, struct belfry_person *out)
{
    struct belfry_str *roles = user->roles.count ? arena_alloc(arena, user->roles.count * sizeof(*roles)) : NULL;
    for (size_t i = 0; i < user->roles.count; i++)
        roles[i] = str_of(user->roles.items[i]);
    *out = (struct belfry_person){.struct_size = sizeof(*out),
                                  .username = str_of(user->username),
                                  .name = str_of(user->name),
                                  .email = str_of(user->email),
                                  .locale = str_of(user->locale),
                                  .timezone = str_of(user->timezone),
                                  .roles = {roles, user->roles.count}};
}

static belfry_status person(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out)
{
    struct directory *d = arg;
    const struct config_user *user = config_user(d->gen->pub->config, org, username);
    if (user) {
        from_yaml(arena, user, out);
        return BELFRY_OK;
    }
    struct store_directory_entry entry;
    int64_t org_id;
    if (api_empty(d) || !(org_id = store_name_find(d->conn, org)) ||
        !store_directory_get(d->conn, org_id, username, arena, &entry))
        return BELFRY_ENOTFOUND;
    *out = (struct belfry_person){.struct_size = sizeof(*out),
                                  .username = entry.username,
                                  .name = entry.name,
                                  .email = entry.email,
                                  .locale = entry.locale,
                                  .timezone = entry.timezone,
                                  .roles = {entry.roles, entry.role_count}};
    return BELFRY_OK;
}

static int nobody_chose(struct directory *d)
{
    if (d->no_preferences < 0)
        d->no_preferences = !d->conn || store_preferences_empty(d->conn);
    return d->no_preferences;
}

static belfry_status preference(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                                struct preference *out)
{
    struct directory *d = arg;
    struct store_preference row;
    int64_t org_id;
    if (nobody_chose(d) || !(org_id = store_name_find(d->conn, org)) ||
        !store_preference_get(d->conn, org_id, username, arena, &row))
        return BELFRY_ENOTFOUND;
    preference_load(row.doc, arena, out);
    return BELFRY_OK;
}

/* Members in the configuration, all of them. */
static struct belfry_strs yaml_members(const struct directory *d, struct arena *arena, struct belfry_str org,
                                       struct belfry_str role)
{
    struct belfry_strs none = {NULL, 0};
    const struct config_org *entry = config_org(d->gen->pub->config, org);
    if (!entry)
        return none;
    size_t org_len = strlen(entry->name);
    char *key = arena_alloc(arena, org_len + 1 + role.len);
    memcpy(key, entry->name, org_len);
    if (role.len > 0)
        memcpy(key + org_len + 1, role.ptr, role.len);
    const struct belfry_strs *list = hash_get(d->gen->members, str_slice(key, org_len + 1 + role.len));
    return list ? *list : none;
}

/* Index of the first that comes after `after`. */
static size_t first_after(struct belfry_strs list, struct belfry_str after)
{
    size_t low = 0, high = list.count;
    while (after.len > 0 && low < high) {
        size_t mid = low + (high - low) / 2;
        if (str_cmp(list.items[mid], after) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static size_t members(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str role,
                      struct belfry_str after, size_t limit, const struct belfry_str **out)
{
    struct directory *d = arg;
    struct belfry_strs yaml = yaml_members(d, arena, org, role);
    size_t from = first_after(yaml, after), left = yaml.count - from;
    int64_t org_id = api_empty(d) ? 0 : store_name_find(d->conn, org);
    struct belfry_str *api = NULL;
    size_t api_count = org_id ? store_directory_members(d->conn, org_id, role, after, limit, arena, &api) : 0;
    if (api_count == 0) {
        *out = yaml.items ? yaml.items + from : NULL;
        return left < limit ? left : limit;
    }
    size_t cap = left + api_count < limit ? left + api_count : limit, count = 0, i = from, j = 0;
    struct belfry_str *merged = arena_alloc(arena, (cap + 1) * sizeof(*merged));
    while (count < cap && (i < yaml.count || j < api_count)) {
        int cmp = i >= yaml.count ? 1 : j >= api_count ? -1 : str_cmp(yaml.items[i], api[j]);
        merged[count++] = cmp <= 0 ? yaml.items[i] : api[j];
        i += cmp <= 0;
        j += cmp >= 0;
    }
    *out = merged;
    return count;
}

static const char *suppressed(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str address,
                              struct belfry_str category, int choice)
{
    struct directory *d = arg;
    struct store_suppression row;
    int64_t org_id = d->conn ? store_name_find(d->conn, org) : 0;
    if (!org_id ||
        !store_suppressed(d->conn, org_id, address, store_name_find(d->conn, category), !choice, arena, &row))
        return NULL;
    return suppression_text(&row, arena);
}

void directory_init(struct directory *d, const struct gen *gen, struct store_conn *conn)
{
    *d = (struct directory){{d, person, members, preference, suppressed}, gen, conn, -1, -1};
}
