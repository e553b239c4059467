/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows. Each is rendered by itself, so that however long titles are, no list is too long for a template; the model of a
 * row is the API's item and what only the page says of it. A row says in words whatever colour or shape says too, and
 * its buttons name it, with a title that is cut, since it stands in every row several times.
 */
#include "row.h"

#include "item.h"

#include <stdio.h>

/* In bytes, as the page's script counts them: of the title in names of buttons, of the body. */
#define LABEL_MAX 80
#define BRIEF_MAX 240

/* At most max bytes, at the border of a character, with an ellipsis when there was more. */
static void write_cut(struct text *out, const char *name, struct belfry_str s, size_t max)
{
    struct text cut = {0};
    size_t len = s.len > max ? max : s.len;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    text_add(&cut, s.ptr, len);
    if (len < s.len)
        text_z(&cut, "…");
    item_text(out, name, text_view(&cut));
    text_free(&cut);
}

struct belfry_str row_severity(const struct call *call, const char *severity)
{
    char key[40];
    snprintf(key, sizeof(key), "severity.%s", severity);
    return view_text(call, key);
}

struct belfry_str row_handled(const struct call *call, struct belfry_str by)
{
    return by.len ? view_say(call, "row.handled", by, (struct belfry_str){0}) : by;
}

/* {"text":"Approve","value":"act:ID:approve"}; without the braces' neighbours */
static void write_button(struct text *out, const char *what, const struct belfry_inbox_item *item,
                         struct belfry_str action, struct belfry_str label)
{
    struct text value = {0};
    text_z(&value, what);
    text_z(&value, ":");
    text_str(&value, item->id);
    if (action.len) {
        text_z(&value, ":");
        text_str(&value, action);
    }
    text_z(out, "{\"text\":");
    text_json(out, label);
    item_text(out, "value", text_view(&value));
    text_z(out, "}");
    text_free(&value);
}

/* One field for all actions of a row that take a comment. Several lines, so that Enter presses no button. */
static void write_comment(struct text *out, const struct belfry_inbox_item *item)
{
    size_t i = 0;
    while (i < item->action_count && !item->actions[i].comment.len)
        i++;
    if (i == item->action_count)
        return;
    text_z(out, ",\"comment\":{\"text\":");
    text_json(out, item->actions[i].comment);
    text_z(out, "}");
}

static void write_buttons(const struct call *call, struct text *out, const struct belfry_inbox_item *item)
{
    int hidden = item->hidden_ms != 0;
    write_comment(out, item);
    text_z(out, ",\"acts\":[");
    for (size_t i = 0; i < item->action_count; i++) {
        text_z(out, i ? "," : "");
        write_button(out, "act", item, item->actions[i].id, item->actions[i].label);
    }
    text_z(out, "]");
    text_z(out, ",\"hide\":");
    write_button(out, hidden ? "unhide" : "hide", item, (struct belfry_str){0},
                 view_text(call, hidden ? "row.unhide" : "row.hide"));
}

void row_write(const struct call *call, const struct belfry_inbox_item *item, struct text *out)
{
    struct text model = {0};
    text_z(&model, "{");
    item_members(&model, call->req->org, item, 1);
    write_cut(&model, "label", item->title, LABEL_MAX);
    write_cut(&model, "brief", item->body, BRIEF_MAX);
    item_text(&model, "severity_label", row_severity(call, item_severity(item)));
    item_text(&model, "ago", call->app->pages->ago(call->app->host, call->req, item->created_ms));
    item_text(&model, "handled", row_handled(call, item->handled_by));
    text_z(&model, item->validity ? ",\"gone\":true" : ",\"gone\":false");
    write_buttons(call, &model, item);
    text_z(&model, "}");
    (void)view_render_text(call, "row", text_view(&model), out); /* fits: its texts are cut */
    text_free(&model);
}

json_t *row_slots(const struct call *call)
{
    json_t *row = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", "-", "rev", "-", "label", "", "severity",
                            "", "severity_label", "", "href", "-", "title", "", "category_label", "", "source", "",
                            "created_at", "-");
    view_put(row, "ago", (struct belfry_str){0});
    view_put(row, "brief", belfry_str(" "));
    view_put(row, "handled", belfry_str(" "));
    json_object_set_new(row, "slot", json_true());
    json_object_set_new(row, "gone", json_true());
    json_object_set_new(row, "unread", json_true());
    json_object_set_new(row, "comment", json_pack("{s:s}", "text", ""));
    json_object_set_new(row, "acts", json_pack("[{s:s,s:s}]", "text", "", "value", ""));
    json_t *hide = json_pack("{s:s}", "value", "-");
    view_put_text(call, hide, "text", call->query.hidden ? "row.unhide" : "row.hide");
    json_object_set_new(row, "hide", hide);
    return row;
}
