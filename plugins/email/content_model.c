/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What templates read: one JSON object for a batch, ours and the configuration's alike. docs/admin.md lists its
 * members; one that has nothing to say is absent, so that a section tests for it.
 */
#include "content_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = {"info", "success", "warning", "error", "critical"};

static int same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void put_if(json_t *object, const char *name, struct belfry_str value)
{
    if (value.len)
        content_put(object, name, value);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* "https://hub.example/acme/notifications?category=approval" */
static void put_inbox(const struct writing *w, json_t *model)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    struct belfry_str site = w->content->site->url(w->content->host), org = w->lead->org, category = w->lead->category;
    size_t size = site.len + org.len + 40 + 3 * category.len;
    char *text = w->outside ? NULL : malloc(size);
    if (!text)
        return;
    size_t len = (size_t)snprintf(text, size, "%.*s/%.*s/notifications%s", (int)site.len, site.ptr, (int)org.len,
                                  org.ptr, w->batch->kind == BELFRY_BATCH_DIGEST ? "?category=" : "");
    for (size_t i = 0; w->batch->kind == BELFRY_BATCH_DIGEST && i < category.len; i++)
        len += (size_t)snprintf(text + len, size - len,
                                category.ptr[i] && strchr(plain, category.ptr[i]) ? "%c" : "%%%02X",
                                (unsigned char)category.ptr[i]);
    content_put(model, "inbox", (struct belfry_str){text, len});
    free(text);
}

/* Where the title leads: ours, which asks who comes; outside people have no way in, and get the event's own link. */
static void put_href(const struct writing *w, json_t *object, const struct belfry_item *item)
{
    struct belfry_str site, link = item->link;
    if (item->href.len) {
        content_put(object, "href", item->href);
        return;
    }
    if (!link.len || link.ptr[0] != '/') {
        put_if(object, "href", link);
        return;
    }
    site = w->content->site->url(w->content->host);
    size_t size = site.len + link.len + 1;
    char *text = malloc(size);
    if (!text)
        return;
    snprintf(text, size, "%.*s%.*s", (int)site.len, site.ptr, (int)link.len, link.ptr);
    content_put(object, "href", (struct belfry_str){text, size - 1});
    free(text);
}

/* --- one item ----------------------------------------------------------------------------------------------------- */

static json_t *item_model(const struct writing *w, const struct belfry_item *item)
{
    json_t *object = json_object();
    char key[40];
    uint32_t severity = item->severity <= BELFRY_CRITICAL ? item->severity : BELFRY_INFO;
    snprintf(key, sizeof(key), "mail.severity.%s", severities[severity]);
    content_put(object, "title", item->title);
    content_put(object, "severity", belfry_str(severities[severity]));
    json_object_set_new(object, severities[severity], json_true());
    content_put_text(w, object, "severity_label", key, NULL, 0);
    content_put(object, "category", item->category);
    content_put(object, "category_label", item->category_label.len ? item->category_label : item->category);
    content_put(object, "type", item->type);
    content_put(object, "source", item->source);
    put_if(object, "subject", item->subject);
    put_if(object, "actor", item->actor);
    put_if(object, "link", item->link);
    put_href(w, object, item);
    content_put_time(w, object, "time", BELFRY_TIME_ZONED, item->time_ms);
    return object;
}

static json_t *data_of(const struct belfry_item *item)
{
    json_t *data = item->data.len ? json_loadb(item->data.ptr, item->data.len, 0, NULL) : NULL;
    if (json_is_object(data))
        return data;
    json_decref(data);
    return json_object();
}

/* A body as HTML; ours is made of what the reader sees in the text. */
static void put_body(const struct writing *w, json_t *model)
{
    struct belfry_str href = {json_string_value(json_object_get(model, "href")),
                              json_string_length(json_object_get(model, "href"))};
    if (!w->lead->body.len)
        return;
    json_t *cut = content_cut(w->lead->body, w->body_bytes);
    char *html = content_html((struct belfry_str){json_string_value(cut), json_string_length(cut)}, &href, 1);
    json_object_set_new(model, "body", cut);
    if (html)
        content_put(model, "body_html", belfry_str(html));
    free(html);
}

static void put_actions(const struct writing *w, json_t *model)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->lead->action_count; i++) {
        const struct belfry_action *action =
            (const struct belfry_action *)((const char *)w->lead->actions + i * w->lead->actions->struct_size);
        json_t *one = json_object();
        content_put(one, "label", action->label.len ? action->label : action->id);
        json_object_set_new(one, "last", json_boolean(i + 1 == w->lead->action_count));
        json_array_append_new(list, one);
    }
    if (json_array_size(list) && !w->outside)
        json_object_set(model, "actions", list);
    json_decref(list);
}

/* The data of an event may be half a megabyte: it is parsed for facts, and given on only to templates that are not
 * ours.
 */
static void put_data(const struct writing *w, json_t *model)
{
    int read = w->trial || (w->content->templates && w->content->templates->count);
    if (!read && !content_has_facts(w->lead->type))
        return;
    json_t *data = data_of(w->lead), *facts = content_facts(w, w->lead, data);
    if (json_array_size(facts))
        json_object_set(model, "facts", facts);
    json_decref(facts);
    if (read)
        json_object_set(model, "data", data);
    json_decref(data);
}

static json_t *single_model(const struct writing *w)
{
    json_t *model = item_model(w, w->lead);
    put_body(w, model);
    put_data(w, model);
    put_actions(w, model);
    return model;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

/* The group of a category, in the order in which they come up. */
static json_t *group_for(json_t *groups, const json_t *item)
{
    const json_t *category = json_object_get(item, "category");
    json_t *group;
    size_t i;
    json_array_foreach(groups, i, group)
    {
        if (json_equal(json_object_get(group, "category"), category))
            return json_object_get(group, "items");
    }
    group = json_object();
    json_object_set(group, "category", (json_t *)(uintptr_t)category);
    json_object_set(group, "category_label", json_object_get(item, "category_label"));
    json_object_set_new(group, "items", json_array());
    json_array_append_new(groups, group);
    return json_object_get(group, "items");
}

static json_t *list_model(const struct writing *w)
{
    const struct belfry_batch *batch = w->batch;
    json_t *model = json_object(), *items = json_array(), *groups = json_array();
    uint32_t shown = batch->item_count < w->items ? batch->item_count : w->items;
    uint32_t total = batch->total > batch->item_count ? batch->total : batch->item_count;
    for (uint32_t i = 0; i < shown; i++) {
        json_t *item = item_model(w, batch->items[i]);
        json_array_append(group_for(groups, item), item);
        json_array_append_new(items, item);
    }
    content_put(model, "category", w->lead->category);
    content_put(model, "category_label", w->lead->category_label.len ? w->lead->category_label : w->lead->category);
    json_object_set_new(model, "items", items);
    json_object_set_new(model, "groups", groups);
    json_object_set_new(model, "total", json_integer(total));
    if (total > shown) {
        struct belfry_value more = content_number((int64_t)total - shown);
        json_object_set_new(model, "more", json_integer(more.i));
        content_put_text(w, model, "more_label", "mail.more", &more, 1);
    }
    return model;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* 1 for right to left: none of our own languages is, a catalogue of somebody's may be. */
static int is_rtl(struct belfry_str language)
{
    static const char *const rtl[] = {"ar", "fa", "he", "ur", "yi"};
    for (size_t i = 0; i < sizeof(rtl) / sizeof(rtl[0]); i++)
        if (same(language, belfry_str(rtl[i])))
            return 1;
    return 0;
}

/* How many calendar days before now, where the reader is; -1: not known. */
static int days_ago(const struct writing *w, int64_t ms)
{
    const struct belfry_calendar_api *calendar = w->content->calendar;
    struct belfry_date then, today, day;
    if (calendar->local(w->zone, ms, &then, NULL) != BELFRY_OK ||
        calendar->local(w->zone, w->content->host->now_ms(w->content->host), &today, NULL) != BELFRY_OK)
        return -1;
    for (int days = 0; days < 2; days++)
        if (calendar->add_days(&then, days, &day) == BELFRY_OK && day.year == today.year && day.month == today.month &&
            day.day == today.day)
            return days;
    return 2;
}

/* "Approvals: 7 notifications since yesterday, 4 Jan 2026": with a date, so that no two digests are one conversation.
 * Of more than are shown the oldest is not known, and the date is today's. */
static void put_headline(const struct writing *w)
{
    static const char *const digest[] = {"mail.subject.today", "mail.subject.yesterday", "mail.subject.since"};
    const struct belfry_batch *batch = w->batch;
    int64_t total = json_integer_value(json_object_get(w->model, "total"));
    int64_t oldest = w->content->host->now_ms(w->content->host);
    if (batch->kind == BELFRY_BATCH_SINGLE) {
        content_put(w->model, "headline", w->lead->title);
        return;
    }
    for (uint32_t i = 0; total == batch->item_count && i < batch->item_count; i++)
        if (batch->items[i]->time_ms < oldest)
            oldest = batch->items[i]->time_ms;
    int ago = days_ago(w, oldest), all = total == batch->item_count;
    json_t *words = json_object();
    content_put_time(w, words, "date", BELFRY_TIME_DATE, oldest);
    const json_t *label = json_object_get(w->model, "category_label"), *date = json_object_get(words, "date");
    struct belfry_value args[] = {content_arg((struct belfry_str){json_string_value(label), json_string_length(label)}),
                                  content_number(total),
                                  content_arg((struct belfry_str){json_string_value(date), json_string_length(date)})};
    content_put_text(w, w->model, "headline",
                     batch->kind == BELFRY_BATCH_CATCH_UP ? "mail.subject.catch_up"
                     : all                                ? digest[ago < 0 ? 2 : ago]
                                                          : "mail.subject.many",
                     args, 3);
    json_decref(words);
}

json_t *content_model(struct writing *w)
{
    static const char *const kinds[] = {"single", "digest", "catch_up"};
    w->model = w->batch->kind == BELFRY_BATCH_SINGLE ? single_model(w) : list_model(w);
    json_t *model = w->model;
    json_object_set_new(model, kinds[w->batch->kind <= BELFRY_BATCH_CATCH_UP ? w->batch->kind : 0], json_true());
    content_put(model, "org", w->lead->org);
    content_put(model, "lang", w->language);
    content_put(model, "dir", belfry_str(is_rtl(w->language) ? "rtl" : "ltr"));
    if (w->batch->person)
        put_if(model, "name", w->batch->person->name.len ? w->batch->person->name : w->batch->person->username);
    if (w->outside)
        json_object_set_new(model, "outside", json_true());
    put_inbox(w, model);
    content_why(w, model);
    put_headline(w);
    content_dress(w);
    return model;
}
