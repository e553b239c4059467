/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of preferences. Required mail cannot be stopped, only gathered in a digest; a pause stops the rest for good:
 * what waited for its end would come all at once, weeks old, and is in the inbox anyway. Then what the person said of
 * the category, then of all of them, then what the configuration says.
 */
#include "route/preference.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/str.h"
#include "base/zone.h"

const char *preference_how(int how)
{
    static const char *const words[] = {"off", "unseen", "digest"};
    return how >= 0 && how < 3 ? words[how] : NULL;
}

int preference_of(const struct preference *p, struct belfry_str category)
{
    for (size_t i = 0; p && i < p->email_count; i++)
        if (str_eq(p->email[i].category, category))
            return p->email[i].how;
    return PREFERENCE_NONE;
}

int preference_counts(const struct preference_choice *choice, const struct belfry_strs *visible,
                      const struct belfry_strs *required)
{
    return str_among(choice->category, visible) &&
           !(choice->how == CONFIG_EMAIL_OFF && str_among(choice->category, required));
}

static int required(const struct config *config, struct belfry_str name)
{
    const struct config_category *category = config_category(config, name);
    return category && category->required;
}

int preference_stopped(const struct preference *p, const struct config *config, const struct config_category *category,
                       struct belfry_str name)
{
    int how = preference_of(p, name);
    if (how == PREFERENCE_NONE)
        how = p->fallback;
    if (name.len && how == PREFERENCE_NONE)
        how = category ? (int)category->email : CONFIG_EMAIL_UNSEEN;
    for (size_t i = 0; !name.len && i < p->email_count; i++)
        if (p->email[i].how != CONFIG_EMAIL_OFF && !required(config, p->email[i].category))
            return 0;
    return how == CONFIG_EMAIL_OFF && !(category && category->required);
}

struct belfry_str preference_zone(const struct config *config, const struct config_org *org, const struct preference *p,
                                  struct belfry_str directory)
{
    const struct belfry_str zones[] = {p ? p->timezone : (struct belfry_str){0}, directory,
                                       str_of(org ? org->timezone : NULL), str_of(config->hub.timezone)};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
        if (zone_exists(zones[i]))
            return zones[i];
    return STR("UTC");
}

int64_t preference_paused_until(const struct preference *p, struct belfry_str zone)
{
    struct belfry_date date;
    int64_t until = 0;
    if (!p || !p->pause.len)
        return 0;
    if (date_parse(p->pause, &date) == BELFRY_OK)
        return zone_instant(zone, &date, 0, ZONE_FIRST, &until) == BELFRY_OK ? until : 0;
    return time_parse(p->pause, &until) == BELFRY_OK ? until : 0;
}

static void say(struct preference_verdict *out, int how, const char *why)
{
    *out = (struct preference_verdict){.goes = how != CONFIG_EMAIL_OFF, .how = how, .why = why};
}

/* What was chosen, and by whom. */
static void by_choice(const struct preference *p, const struct config_category *category, struct belfry_str name,
                      struct arena *arena, struct preference_verdict *out)
{
    int own = preference_of(p, name), fallback = p ? p->fallback : PREFERENCE_NONE;
    if (own != PREFERENCE_NONE)
        say(out, own, arena_printf(arena, "the person chose %s for category %.*s", preference_how(own), STR_ARG(name)));
    else if (fallback != PREFERENCE_NONE)
        say(out, fallback, arena_printf(arena, "the person chose %s for all categories", preference_how(fallback)));
    else if (category)
        say(out, category->email,
            arena_printf(arena, "category %.*s is %s by default", STR_ARG(name), preference_how(category->email)));
    else
        say(out, CONFIG_EMAIL_UNSEEN, "the category is not in the configuration any more");
}

void preference_judge(const struct preference *p, const struct config_category *category, struct belfry_str name,
                      struct belfry_str zone, int64_t now_ms, struct arena *arena, struct preference_verdict *out)
{
    by_choice(p, category, name, arena, out);
    if (category && category->required) {
        say(out, out->how == CONFIG_EMAIL_DIGEST ? CONFIG_EMAIL_DIGEST : CONFIG_EMAIL_UNSEEN,
            arena_printf(arena, "category %.*s is required", STR_ARG(name)));
        return;
    }
    int64_t until = preference_paused_until(p, zone);
    if (until > now_ms) {
        char text[TIME_TEXT_SIZE];
        time_format(until, text);
        say(out, CONFIG_EMAIL_OFF, arena_printf(arena, "the person paused mail until %s", text));
    }
}
