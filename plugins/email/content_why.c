/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foot of a mail: why this person gets it, how long the inbox had it before, and the links that end it. Sources and
 * rules give reasons in a few words of their own ("owner", "role finance"); those that are known are said in a sentence
 * of the reader's language, another one as it is.
 */
#include "content_inside.h"

#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* --- the reason --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *begin, *key;
    int named; /* a name follows, {0} of the text */
} reasons[] = {
    {"approver by role ", "mail.reason.approver_by_role", 1},
    {"substitute for ", "mail.reason.substitute", 1},
    {"reassigned by ", "mail.reason.reassigned", 1},
    {"role ", "mail.reason.role", 1},
    {"rule ", "mail.reason.rule", 1},
    {"approver still open", "mail.reason.approver_open", 0},
    {"approver", "mail.reason.approver", 0},
    {"submitter", "mail.reason.submitter", 0},
    {"owner", "mail.reason.owner", 0},
    {"payer", "mail.reason.payer", 0},
    {"escalation", "mail.reason.escalation", 0},
    {"initiating admin", "mail.reason.initiator", 0},
    {"failures_to", "mail.reason.failures", 0},
    {"blocked_to", "mail.reason.blocked", 0},
    {"channel test", "mail.reason.test", 0},
    {"audience", "mail.reason.audience", 0},
};

/* Roles, rules and colleagues are nothing to people outside: they are told no names. */
static int may_tell(const struct writing *w, int named)
{
    return !w->outside || !named;
}

static void put_reason(const struct writing *w, json_t *model, struct belfry_str reason)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        size_t n = strlen(reasons[i].begin);
        int fits = reasons[i].named ? reason.len > n : reason.len == n;
        if (!fits || memcmp(reason.ptr, reasons[i].begin, n) != 0 || !may_tell(w, reasons[i].named))
            continue;
        struct belfry_value name = content_arg((struct belfry_str){reason.ptr + n, reason.len - n});
        content_put_text(w, model, "reason", reasons[i].key, &name, 1);
        return;
    }
    struct belfry_value as_it_is = content_arg(reason);
    content_put_text(w, model, "reason", reason.len && may_tell(w, 1) ? "mail.reason.other" : "mail.reason.audience",
                     &as_it_is, 1);
}

static struct belfry_str text_at(const json_t *model, const char *name)
{
    const json_t *value = json_object_get(model, name);
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* "5 minutes"; whole units, and no more than that of a length that somebody wrote in YAML. */
static void put_waited(const struct writing *w, json_t *model, int64_t ms)
{
    static const struct {
        int64_t unit;
        const char *key;
    } units[] = {{DAY, "mail.days"}, {HOUR, "mail.hours"}, {MINUTE, "mail.minutes"}, {SECOND, "mail.seconds"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms < units[i].unit || (ms % units[i].unit && units[i].unit > MINUTE))
            continue;
        struct belfry_value number = content_number(ms / units[i].unit);
        content_put_text(w, model, "waited", units[i].key, &number, 1);
        return;
    }
}

static void put_why_single(const struct writing *w, json_t *model)
{
    put_reason(w, model, w->lead->reason);
    if (!w->outside)
        put_waited(w, model, w->lead->waited_ms);
    struct belfry_value args[] = {content_arg(text_at(model, "reason")), content_arg(text_at(model, "waited"))};
    content_put_text(w, model, "why", args[1].s.len ? "mail.why.waited" : "mail.why.single", args, 2);
}

/* --- the links ---------------------------------------------------------------------------------------------------- */

static int is_required(const struct writing *w)
{
    for (uint32_t i = 0; i < w->batch->item_count; i++)
        if (!(w->batch->items[i]->flags & BELFRY_ITEM_REQUIRED))
            return 0;
    return 1;
}

void content_why(const struct writing *w, json_t *model)
{
    struct belfry_value label = content_arg(text_at(model, "category_label"));
    if (w->batch->kind == BELFRY_BATCH_DIGEST)
        content_put_text(w, model, "why", "mail.why.digest", &label, 1);
    else if (w->batch->kind == BELFRY_BATCH_CATCH_UP)
        content_put_text(w, model, "why", "mail.why.catch_up", NULL, 0);
    else
        put_why_single(w, model);
    int many = w->batch->kind == BELFRY_BATCH_CATCH_UP;
    struct belfry_str stop = many ? w->links->unsubscribe_all : w->links->unsubscribe;
    if (stop.len) {
        content_put(model, "unsubscribe", stop);
        content_put_text(w, model, "unsubscribe_label", many ? "mail.stop_all" : "mail.stop", &label, 1);
    } else if (is_required(w)) {
        content_put_text(w, model, "required", "mail.required", &label, 1);
    }
    if (w->links->unsubscribe_all.len)
        content_put(model, "unsubscribe_all", w->links->unsubscribe_all);
    if (w->links->preferences.len && !w->outside)
        content_put(model, "preferences", w->links->preferences);
}
