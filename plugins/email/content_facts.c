/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the data of an event says in a few words, for the types that Belfry's own sources tell of: who submitted it,
 * when it is due, what a run counted. A type that has no row here is mailed without; its title and body say what it is.
 */
#include "content_inside.h"

#include <stdio.h>
#include <string.h>

enum kind { TEXT, DATE, INSTANT, STEP, COUNTS, OBJECT_AND_ID };

static const struct fact {
    const char *types; /* what the type begins with */
    const char *key;   /* of the label, below mail.fact */
    const char *path;  /* in data */
    enum kind kind;
} facts[] = {
    {"record.", "record", "record", OBJECT_AND_ID},
    {"workflow.", "record", "record", OBJECT_AND_ID},
    {"approval.", "submitter", "approval.submitter", TEXT},
    {"approval.", "step", "step", STEP},
    {"invoice.", "number", "invoice.number", TEXT},
    {"invoice.", "amount", "invoice.amount", TEXT},
    {"invoice.", "due", "invoice.due_on", DATE},
    {"invoice.", "payer", "invoice.payer.name", TEXT},
    {"invoice.", "reference", "reference", TEXT},
    {"shift.", "starts", "shift.starts_at", INSTANT},
    {"shift.", "fee", "fee", TEXT},
    {"sync.", "duration", "run.duration", TEXT},
    {"sync.", "counts", "run.counts", COUNTS},
};

static const json_t *at(const json_t *data, const char *path)
{
    const char *dot;
    for (; data && (dot = strchr(path, '.')); path = dot + 1)
        data = json_object_getn(data, path, (size_t)(dot - path));
    return data ? json_object_get(data, path) : NULL;
}

static struct belfry_str text_of(const json_t *value)
{
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

static void put_date(const struct writing *w, json_t *fact, struct belfry_str text)
{
    const struct belfry_calendar_api *calendar = w->content->calendar;
    struct belfry_date date;
    int64_t noon;
    if (calendar->parse(text, &date) == BELFRY_OK &&
        calendar->instant(belfry_str("UTC"), &date, 720, &noon) == BELFRY_OK) {
        struct writing utc = *w;
        utc.zone = belfry_str("UTC");
        content_put_time(&utc, fact, "value", BELFRY_TIME_DATE, noon);
    }
}

static void put_instant(const struct writing *w, json_t *fact, struct belfry_str text)
{
    int64_t ms;
    if (w->content->calendar->parse_time(text, &ms) == BELFRY_OK)
        content_put_time(w, fact, "value", BELFRY_TIME_ZONED, ms);
}

/* "Finance (1 of 2)"; of an approval with one step the name alone. */
static void put_step(const struct writing *w, json_t *fact, const json_t *step)
{
    json_int_t of = json_integer_value(json_object_get(step, "of"));
    struct belfry_str name = text_of(json_object_get(step, "name"));
    struct belfry_value args[] = {content_arg(name), content_number(json_integer_value(json_object_get(step, "index"))),
                                  content_number(of)};
    if (name.len && of > 1)
        content_put_text(w, fact, "value", "mail.step", args, 3);
    else if (name.len)
        content_put(fact, "value", name);
}

/* "12 created, 480 updated"; a name that the texts do not know is said as it is. */
static void put_counts(const struct writing *w, json_t *fact, const json_t *counts)
{
    char line[512] = "", key[96];
    const char *name;
    json_t *value;
    size_t len = 0;
    json_object_foreach((json_t *)(uintptr_t)counts, name, value)
    {
        if (!json_is_integer(value) || strlen(name) > 64 || strchr(name, '.'))
            continue;
        struct belfry_value number = content_number(json_integer_value(value));
        json_t *one = json_object();
        snprintf(key, sizeof(key), "mail.count.%s", name);
        if (content_has_text(w, key)) {
            content_put_text(w, one, "text", key, &number, 1);
        } else {
            struct belfry_value args[] = {number, content_arg(belfry_str(name))};
            content_put_text(w, one, "text", "mail.count_other", args, 2);
        }
        struct belfry_str text = text_of(json_object_get(one, "text"));
        if (len + text.len + 3 < sizeof(line))
            len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%.*s", len ? ", " : "", (int)text.len, text.ptr);
        json_decref(one);
    }
    if (len)
        content_put(fact, "value", (struct belfry_str){line, len});
}

static void put_record(json_t *fact, const json_t *record)
{
    char text[300];
    const char *object = json_string_value(json_object_get(record, "object"));
    const char *id = json_string_value(json_object_get(record, "id"));
    int len = object && id ? snprintf(text, sizeof(text), "%s %s", object, id) : 0;
    if (len > 0 && (size_t)len < sizeof(text))
        content_put(fact, "value", (struct belfry_str){text, (size_t)len});
}

static void put_value(const struct writing *w, json_t *fact, enum kind kind, const json_t *value)
{
    struct belfry_str text = text_of(value);
    if (kind == TEXT && text.len)
        content_put(fact, "value", text);
    else if (kind == DATE)
        put_date(w, fact, text);
    else if (kind == INSTANT)
        put_instant(w, fact, text);
    else if (kind == STEP)
        put_step(w, fact, value);
    else if (kind == COUNTS)
        put_counts(w, fact, value);
    else if (kind == OBJECT_AND_ID)
        put_record(fact, value);
}

static int concerns(const struct fact *fact, struct belfry_str type)
{
    size_t n = strlen(fact->types);
    return type.len >= n && memcmp(type.ptr, fact->types, n) == 0;
}

int content_has_facts(struct belfry_str type)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        if (concerns(&facts[i], type))
            return 1;
    return 0;
}

json_t *content_facts(const struct writing *w, const struct belfry_item *item, json_t *data)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        char key[64];
        if (!concerns(&facts[i], item->type))
            continue;
        json_t *fact = json_object();
        put_value(w, fact, facts[i].kind, at(data, facts[i].path));
        if (json_object_get(fact, "value")) {
            snprintf(key, sizeof(key), "mail.fact.%s", facts[i].key);
            content_put_text(w, fact, "label", key, NULL, 0);
            json_array_append(list, fact);
        }
        json_decref(fact);
    }
    return list;
}
