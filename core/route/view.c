/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the conditions of rules see: the event's own attributes at the root and, under `data`, the tree behind it. The
 * two are told apart by the node: the root's is the view itself, everything else belongs to the view of the data.
 *
 * An attribute that the event does not have is missing, not empty, so that `exists` says what one expects.
 */
#include "base/clock.h"
#include "base/str.h"
#include "event/event.h"
#include "route/route.h"

struct event_view {
    struct belfry_view view;
    const struct route_event *event;
    char time[TIME_TEXT_SIZE]; /* made when first asked for; one thread evaluates */
};

enum { MEMBER_COUNT = 9 };

static struct belfry_str time_text(struct event_view *self)
{
    if (!self->time[0])
        time_format(self->event->time_ms, self->time);
    return str_slice(self->time, TIME_TEXT_SIZE - 1);
}

/* The i-th attribute: its name, and its text (empty: the event has none). `data` is the last. */
static struct belfry_str attribute(struct event_view *self, uint32_t i, struct belfry_str *text)
{
    const struct route_event *event = self->event;
    switch (i) {
    case 0:
        *text = event->org;
        return STR("org");
    case 1:
        *text = event->source;
        return STR("source");
    case 2:
        *text = event->type;
        return STR("type");
    case 3:
        *text = event->category;
        return STR("category");
    case 4:
        *text = str_of(severity_name(event->severity));
        return STR("severity");
    case 5:
        *text = event->subject;
        return STR("subject");
    case 6:
        *text = event->actor;
        return STR("actor");
    case 7:
        *text = event->time_ms ? time_text(self) : (struct belfry_str){0};
        return STR("time");
    default:
        *text = (struct belfry_str){0};
        return STR("data");
    }
}

static void text_value(struct belfry_str text, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = text.len > 0 ? BELFRY_VALUE_STRING : BELFRY_VALUE_MISSING, .s = text};
}

static void data_value(const struct event_view *self, struct belfry_value *out)
{
    const struct belfry_view *data = self->event->data;
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
    if (data)
        data->root(data, out);
}

static void event_root(const struct belfry_view *view, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = MEMBER_COUNT, .node = view->impl};
}

static void event_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                      struct belfry_value *out)
{
    struct event_view *self = (struct event_view *)view->impl;
    const struct belfry_view *data = self->event->data;
    if (object->node != self) {
        data->get(data, object, key, out);
        return;
    }
    if (str_eq(key, STR("data"))) {
        data_value(self, out);
        return;
    }
    for (uint32_t i = 0; i + 1 < MEMBER_COUNT; i++) {
        struct belfry_str text, name = attribute(self, i, &text);
        if (!str_eq(key, name))
            continue;
        text_value(text, out);
        return;
    }
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
}

static void event_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                     struct belfry_value *out)
{
    const struct event_view *self = view->impl;
    const struct belfry_view *data = self->event->data;
    if (array->node != self && data)
        data->at(data, array, index, out);
    else
        *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
}

static void event_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                         struct belfry_str *key, struct belfry_value *out)
{
    struct event_view *self = (struct event_view *)view->impl;
    const struct belfry_view *data = self->event->data;
    if (object->node != self) {
        data->member(data, object, index, key, out);
        return;
    }
    struct belfry_str text;
    *key = attribute(self, index, &text);
    if (index + 1 < MEMBER_COUNT)
        text_value(text, out);
    else
        data_value(self, out);
}

const struct belfry_view *route_view(const struct route_event *event, struct arena *arena)
{
    struct event_view *self = arena_alloc(arena, sizeof(*self));
    self->event = event;
    self->view = (struct belfry_view){sizeof(self->view), 0, self, event_root, event_get, event_at, event_member};
    return &self->view;
}
