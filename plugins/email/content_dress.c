/* SPDX-License-Identifier: Apache-2.0 */
/* What Mustache cannot say by itself: the colour of a severity, one line that sums up, whether a list has anything. */
#include "content_inside.h"

#include <string.h>

#define SUMMARY_BYTES 140

static struct belfry_str text_at(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* Each has 4.5:1 on the light card; the dark ones are in the style of layout.mustache. */
static void put_colour(json_t *item)
{
    static const char *const colours[][2] = {{"info", "#566173"},
                                             {"success", "#1b6e3c"},
                                             {"warning", "#8a5a00"},
                                             {"error", "#a32020"},
                                             {"critical", "#7a0019"}};
    const char *severity = json_string_value(json_object_get(item, "severity"));
    for (size_t i = 0; severity && i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(severity, colours[i][0]) == 0)
            content_put(item, "severity_colour", belfry_str(colours[i][1]));
}

/* What programs show beside the subject: the first line of the body, or the first titles. */
static void put_preheader(json_t *model)
{
    struct belfry_str body = text_at(model, "body");
    const char *eol = body.len ? memchr(body.ptr, '\n', body.len) : NULL;
    if (eol)
        body.len = (size_t)(eol - body.ptr);
    if (!json_object_get(model, "items")) {
        json_object_set_new(model, "preheader",
                            content_cut(body.len ? body : text_at(model, "category_label"), SUMMARY_BYTES));
        return;
    }
    char line[4 * CONTENT_LINE_MAX * 3 + 8];
    size_t i, len = 0;
    json_t *item;
    json_array_foreach(json_object_get(model, "items"), i, item)
    {
        struct belfry_str title = text_at(item, "title");
        if (i == 3 || len + title.len + 3 > sizeof(line))
            break;
        if (i > 0) {
            memcpy(line + len, "; ", 2);
            len += 2;
        }
        memcpy(line + len, title.ptr, title.len);
        len += title.len;
    }
    json_object_set_new(model, "preheader", content_cut((struct belfry_str){line, len}, SUMMARY_BYTES));
}

/* "Approve, Reject" */
static void put_actions_label(const struct writing *w, json_t *model)
{
    char line[400];
    size_t i, len = 0;
    json_t *action;
    json_array_foreach(json_object_get(model, "actions"), i, action)
    {
        struct belfry_str label = text_at(action, "label");
        if (len + label.len + 3 > sizeof(line))
            break;
        if (i > 0) {
            memcpy(line + len, ", ", 2);
            len += 2;
        }
        memcpy(line + len, label.ptr, label.len);
        len += label.len;
    }
    struct belfry_value labels = content_arg((struct belfry_str){line, len});
    if (len && json_object_get(model, "inbox")) {
        json_object_set_new(model, "has_actions", json_true());
        content_put_text(w, model, "actions_label", "mail.actions", &labels, 1);
    }
}

void content_dress(const struct writing *w)
{
    json_t *model = w->model, *item;
    size_t i;
    put_colour(model);
    json_array_foreach(json_object_get(model, "items"), i, item)
    {
        put_colour(item);
    }
    put_preheader(model);
    put_actions_label(w, model);
    if (json_array_size(json_object_get(model, "facts")))
        json_object_set_new(model, "has_facts", json_true());
    if (json_object_get(model, "unsubscribe") || json_object_get(model, "preferences"))
        json_object_set_new(model, "has_links", json_true());
}
