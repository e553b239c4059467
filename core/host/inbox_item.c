/* SPDX-License-Identifier: Apache-2.0 */
/* A stored row as the item that a plugin sees: ids as UUIDs, actions only for those who may take them now. */
#include "host/inbox.h"

#include "base/json.h"
#include "store/events.h"

struct belfry_str inbox_id(const struct store *store, struct arena *arena, int64_t id)
{
    if (!id)
        return (struct belfry_str){NULL, 0};
    char *text = arena_alloc(arena, ID_TEXT_SIZE);
    id_format(store_id_key(store), id, text);
    return str_slice(text, ID_TEXT_SIZE - 1);
}

int inbox_may_act(const struct config *config, struct belfry_str category, const struct belfry_strs *roles)
{
    return config_may_act(config_category(config, category), roles);
}

void inbox_item(const struct http_request *req, const struct store *store, const struct store_inbox_row *row,
                struct arena *arena, struct belfry_inbox_item *out)
{
    const struct config_category *category = config_category(req->config, row->category);
    *out = (struct belfry_inbox_item){
        .struct_size = sizeof(*out),
        .severity = (uint32_t)row->severity,
        .id = inbox_id(store, arena, row->id),
        .type = row->type,
        .source = row->source,
        .category = row->category,
        .title = row->title,
        .body = row->body,
        .subject = row->subject,
        .actor = row->actor,
        .reason = row->reason,
        .link = row->link,
        .handled_by = row->handled_by,
        .replaced_by = inbox_id(store, arena, row->replaced_by),
        .created_ms = id_time_ms(row->id),
        .seen_ms = row->seen,
        .read_ms = row->read,
        .hidden_ms = row->hidden,
        .valid_until_ms = row->valid_until,
        .handled_ms = row->handled_at,
        .validity = (uint32_t)row->validity,
        .unread = (uint32_t)row->unread,
        .rev = row->rev,
        .category_label = category ? config_label(category, req->pub.locale) : row->category,
    };
    int open = row->validity == BELFRY_VALID && !row->handled_at && !row->replaced_by;
    if (open && row->actions.len > 0 && inbox_may_act(req->config, row->category, &req->pub.principal->roles))
        out->action_count = store_actions_take(row->actions, row->words, arena, &out->actions);
}

json_t *inbox_find_action(const struct store_inbox_row *row, struct belfry_str id)
{
    json_t *list = row->actions.len > 0 ? json_read(row->actions, NULL) : NULL, *found = NULL;
    for (size_t i = 0; i < json_array_size(list) && !found; i++)
        if (str_eq(json_str(json_object_get(json_array_get(list, i), "id")), id))
            found = json_incref(json_array_get(list, i));
    json_decref(list);
    return found;
}
