/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preferences as JSON, both ways. What is written can be read again and says the same. All members are optional, null
 * is "not chosen", and a name that is none is a fault: a choice that is spelt wrongly must not be lost in silence.
 */
#include "route/preference.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/json.h"
#include "base/str.h"
#include "base/zone.h"

#include <stdio.h>
#include <string.h>

#define WEEKDAYS 7
#define LOCALE_MAX 35 /* RFC 5646, 4.4.1 */

static const char *const weekdays[WEEKDAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

void preference_init(struct preference *p)
{
    *p = (struct preference){.fallback = PREFERENCE_NONE,
                             .digest_hour = PREFERENCE_NONE,
                             .quiet_from_min = PREFERENCE_NONE,
                             .quiet_to_min = PREFERENCE_NONE,
                             .shortcuts = 1};
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reading {
    struct arena *arena;
    struct preference *out;
    struct error *err;
    belfry_status status;
};

static void fault(struct reading *r, const char *pointer, const char *what)
{
    r->status = error_set(r->err, BELFRY_EINVAL, pointer, "%s", what);
}

static int given(const json_t *value)
{
    return value && !json_is_null(value);
}

/* 1 with the text; a fault when it is no string. */
static int is_text(struct reading *r, const json_t *value, const char *pointer, struct belfry_str *out)
{
    if (!given(value))
        return 0;
    *out = json_str(value);
    if (!json_is_string(value))
        fault(r, pointer, arena_printf(r->arena, "must be a string, not %s", json_type_text(value)));
    return json_is_string(value);
}

static int read_how(struct reading *r, const json_t *value, const char *pointer)
{
    struct belfry_str text;
    if (!is_text(r, value, pointer, &text))
        return PREFERENCE_NONE;
    for (int how = 0; preference_how(how); how++)
        if (str_eqz(text, preference_how(how)))
            return how;
    fault(r, pointer, "must be off, unseen or digest");
    return PREFERENCE_NONE;
}

static void read_email(struct reading *r, json_t *value)
{
    const char *name;
    json_t *how;
    if (!given(value))
        return;
    if (!json_is_object(value)) {
        fault(r, "/email", "must be an object: {\"<category>\": \"off\"}");
        return;
    }
    struct preference_choice *list = arena_alloc(r->arena, (json_object_size(value) + 1) * sizeof(*list));
    r->out->email = list;
    json_object_foreach(value, name, how)
    {
        struct buf pointer = {0};
        buf_addz(&pointer, "/email");
        json_pointer_add(&pointer, str_of(name));
        const char *at = arena_strndup(r->arena, pointer.ptr, pointer.len);
        int choice = read_how(r, how, at);
        buf_free(&pointer);
        if (choice != PREFERENCE_NONE)
            list[r->out->email_count++] = (struct preference_choice){arena_str(r->arena, str_of(name)), choice};
    }
}

/* Members of an object that have no meaning. */
static void read_others(struct reading *r, const char *prefix, json_t *object, const char *const *known)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (known[i])
            continue;
        struct buf pointer = {0};
        buf_addz(&pointer, prefix);
        json_pointer_add(&pointer, str_of(name));
        fault(r, arena_strndup(r->arena, pointer.ptr, pointer.len), "is no member of preferences");
        buf_free(&pointer);
    }
}

/* 1 for an object whose members are known. */
static int is_object(struct reading *r, json_t *value, const char *pointer, const char *const *known)
{
    if (!given(value))
        return 0;
    if (!json_is_object(value)) {
        fault(r, pointer, arena_printf(r->arena, "must be an object, not %s", json_type_text(value)));
        return 0;
    }
    read_others(r, pointer, value, known);
    return 1;
}

static uint32_t read_weekdays(struct reading *r, const json_t *list)
{
    uint32_t mask = 0;
    size_t i;
    json_t *day;
    if (!given(list))
        return 0;
    json_array_foreach(list, i, day)
    {
        int d = 0;
        while (d < WEEKDAYS && !str_eqz(json_str(day), weekdays[d]))
            d++;
        if (d < WEEKDAYS)
            mask |= 1u << d;
        else
            fault(r, arena_printf(r->arena, "/digest/weekdays/%zu", i), "must be mon, tue, wed, thu, fri, sat or sun");
    }
    if (!json_is_array(list) || !json_array_size(list))
        fault(r, "/digest/weekdays", "must be a list of at least one weekday");
    return mask;
}

static void read_digest(struct reading *r, json_t *value)
{
    static const char *const known[] = {"hour", "weekdays", NULL};
    if (!is_object(r, value, "/digest", known))
        return;
    const json_t *hour = json_object_get(value, "hour");
    if (given(hour)) {
        json_int_t h = json_integer_value(hour);
        if (json_is_integer(hour) && h >= 0 && h <= 23)
            r->out->digest_hour = (int)h;
        else
            fault(r, "/digest/hour", "must be a whole hour from 0 to 23");
    }
    r->out->digest_weekdays = read_weekdays(r, json_object_get(value, "weekdays"));
}

/* "HH:MM" as minutes, or PREFERENCE_NONE. */
static int minutes_of(struct belfry_str s)
{
    if (s.len != 5 || s.ptr[2] != ':')
        return PREFERENCE_NONE;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.ptr[i] < '0' || s.ptr[i] > '9'))
            return PREFERENCE_NONE;
    int hour = (s.ptr[0] - '0') * 10 + s.ptr[1] - '0', minute = (s.ptr[3] - '0') * 10 + s.ptr[4] - '0';
    return hour < 24 && minute < 60 ? hour * 60 + minute : PREFERENCE_NONE;
}

static int read_minutes(struct reading *r, const json_t *value, const char *pointer)
{
    struct belfry_str text;
    if (!is_text(r, value, pointer, &text))
        return PREFERENCE_NONE;
    int minutes = minutes_of(text);
    if (minutes == PREFERENCE_NONE)
        fault(r, pointer, "must be a time of the day, HH:MM from 00:00 to 23:59");
    return minutes;
}

static void read_quiet(struct reading *r, json_t *value)
{
    static const char *const known[] = {"from", "to", NULL};
    if (!is_object(r, value, "/quiet", known))
        return;
    const json_t *from = json_object_get(value, "from"), *to = json_object_get(value, "to");
    r->out->quiet_from_min = read_minutes(r, from, "/quiet/from");
    r->out->quiet_to_min = read_minutes(r, to, "/quiet/to");
    if (given(from) != given(to))
        fault(r, given(from) ? "/quiet/to" : "/quiet/from", "is missing: quiet hours have a beginning and an end");
    else if (given(from) && r->out->quiet_from_min == r->out->quiet_to_min && r->out->quiet_to_min != PREFERENCE_NONE)
        fault(r, "/quiet/to", "must be another time than `from`; to have no mail at all, pause it");
}

/* A tag of BCP 47 as far as anything is done with it. */
static int is_locale(struct belfry_str s)
{
    size_t part = 0, parts = 0;
    if (s.len > LOCALE_MAX)
        return 0;
    for (size_t i = 0; i <= s.len; i++) {
        char c = i < s.len ? s.ptr[i] : '-';
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
        if (c == '-') {
            if (part < (parts ? 1u : 2u) || part > 8)
                return 0;
            part = 0;
            parts++;
        } else if (!letter && !(digit && parts)) {
            return 0;
        } else {
            part++;
        }
    }
    return 1;
}

static void read_pause(struct reading *r, const json_t *value)
{
    struct belfry_str text;
    struct belfry_date date;
    int64_t ms;
    char utc[TIME_TEXT_SIZE];
    if (!is_text(r, value, "/pause_until", &text))
        return;
    if (date_parse(text, &date) == BELFRY_OK) {
        r->out->pause = arena_str(r->arena, text);
    } else if (time_parse(text, &ms) == BELFRY_OK) {
        time_format(ms, utc);
        r->out->pause = arena_str(r->arena, str_of(utc));
    } else {
        fault(r, "/pause_until", "must be a date (2026-12-24) or a time (2026-12-24T18:00:00+01:00)");
    }
}

static void read_place(struct reading *r, json_t *doc)
{
    struct belfry_str text;
    const json_t *shortcuts = json_object_get(doc, "shortcuts");
    if (is_text(r, json_object_get(doc, "locale"), "/locale", &text)) {
        if (is_locale(text))
            r->out->locale = arena_str(r->arena, text);
        else
            fault(r, "/locale", "is no language tag, such as de or en-GB");
    }
    if (is_text(r, json_object_get(doc, "timezone"), "/timezone", &text)) {
        if (zone_exists(text))
            r->out->timezone = arena_str(r->arena, text);
        else
            fault(r, "/timezone", "is no time zone of the IANA database, such as Europe/Berlin");
    }
    if (given(shortcuts) && !json_is_boolean(shortcuts))
        fault(r, "/shortcuts", "must be true or false");
    r->out->shortcuts = !json_is_false(shortcuts);
}

belfry_status preference_read(const json_t *doc, struct arena *arena, struct preference *out, struct error *err)
{
    static const char *const known[] = {"email", "default", "digest",    "timezone", "pause_until",
                                        "quiet", "locale",  "shortcuts", NULL};
    struct reading r = {arena, out, err, BELFRY_OK};
    json_t *body = (json_t *)(uintptr_t)doc; /* jansson's walk over an object wants it so */
    preference_init(out);
    if (!json_is_object(doc)) {
        fault(&r, "", arena_printf(arena, "must be an object, not %s", json_type_text(doc)));
        return r.status;
    }
    read_others(&r, "", body, known);
    read_email(&r, json_object_get(body, "email"));
    out->fallback = read_how(&r, json_object_get(body, "default"), "/default");
    read_digest(&r, json_object_get(body, "digest"));
    read_quiet(&r, json_object_get(body, "quiet"));
    read_pause(&r, json_object_get(body, "pause_until"));
    read_place(&r, body);
    return r.status;
}

void preference_load(struct belfry_str text, struct arena *arena, struct preference *out)
{
    json_t *doc = json_read(text, NULL);
    preference_read(doc, arena, out, NULL);
    json_decref(doc);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static json_t *text_or_null(struct belfry_str s)
{
    return s.len ? json_stringn(s.ptr, s.len) : json_null();
}

static json_t *how_or_null(int how)
{
    return preference_how(how) ? json_string(preference_how(how)) : json_null();
}

static json_t *minutes_or_null(int minutes)
{
    char text[16];
    if (minutes == PREFERENCE_NONE)
        return json_null();
    snprintf(text, sizeof(text), "%02d:%02d", minutes / 60, minutes % 60);
    return json_string(text);
}

static json_t *weekdays_or_null(uint32_t mask)
{
    if (!mask)
        return json_null();
    json_t *list = json_array();
    for (int d = 0; d < WEEKDAYS; d++)
        if (mask >> d & 1)
            json_array_append_new(list, json_string(weekdays[d]));
    return list;
}

json_t *preference_json(const struct preference *p)
{
    json_t *email = json_object(), *doc = json_object(), *digest = json_object(), *quiet = json_object();
    for (size_t i = 0; i < p->email_count; i++)
        json_object_setn_new(email, p->email[i].category.ptr, p->email[i].category.len, how_or_null(p->email[i].how));
    json_object_set_new(digest, "hour", p->digest_hour == PREFERENCE_NONE ? json_null() : json_integer(p->digest_hour));
    json_object_set_new(digest, "weekdays", weekdays_or_null(p->digest_weekdays));
    json_object_set_new(quiet, "from", minutes_or_null(p->quiet_from_min));
    json_object_set_new(quiet, "to", minutes_or_null(p->quiet_to_min));
    json_object_set_new(doc, "email", email);
    json_object_set_new(doc, "default", how_or_null(p->fallback));
    json_object_set_new(doc, "digest", digest);
    json_object_set_new(doc, "timezone", text_or_null(p->timezone));
    json_object_set_new(doc, "locale", text_or_null(p->locale));
    json_object_set_new(doc, "pause_until", text_or_null(p->pause));
    json_object_set_new(doc, "quiet", quiet);
    json_object_set_new(doc, "shortcuts", json_boolean(p->shortcuts));
    return doc;
}
