/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers, timers and tasks: the calls of a source, each with a record of its own that is applied or dropped. Timers
 * that are due run before a trigger, as in the hub.
 */
#include "fake.h"

#include "base/zone.h"
#include "event/event.h"

#include <stdlib.h>

#define TIMER_TRIES 12

static const struct belfry_source *source_of(struct belfry_test *t, const char *function)
{
    if (!t->created)
        fake_misuse(function, "there is no instance: %s", belfry_test_error(t));
    else if (!t->plugin->source)
        fake_misuse(function, "the plugin is no source");
    else
        return t->plugin->source;
    return NULL;
}

/* --- who ---------------------------------------------------------------------------------------------------------- */

void belfry_test_org(struct belfry_test *t, const char *org)
{
    t->org = arena_strdup(t->arena, org);
}

void belfry_test_zone(struct belfry_test *t, const char *zone)
{
    if (!zone_exists(str_of(zone)))
        fake_misuse("belfry_test_zone", "there is no time zone %s", zone);
    t->zone = arena_strdup(t->arena, zone);
}

void belfry_test_rules(struct belfry_test *t, const char *paths)
{
    struct belfry_str rest = str_of(arena_strdup(t->arena, paths)), next;
    struct belfry_str *items = arena_alloc(t->arena, (rest.len + 1) * sizeof(*items));
    size_t count = 0;
    for (; rest.len; rest = next) {
        struct belfry_str path = str_cut(rest, ' ', &next);
        if (path.len)
            items[count++] = path;
    }
    t->rule_paths = (struct belfry_strs){items, count};
}

void belfry_test_as(struct belfry_test *t, const char *principal)
{
    static const char *const kinds[] = {"", "token", "person", "timer", "feed", "hook", "task"};
    struct belfry_str name, kind = str_cut(str_of(arena_strdup(t->arena, principal)), ':', &name);
    uint32_t number = 0;
    for (uint32_t i = 1; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_eqz(kind, kinds[i]))
            number = i;
    }
    if (!number)
        fake_misuse("belfry_test_as", "\"%s\" is no principal", principal);
    t->principal.kind = number;
    t->principal.name = name;
}

static struct belfry_strs words(struct belfry_test *t, const char *text)
{
    struct belfry_str rest = str_trim(str_of(arena_strdup(t->arena, text ? text : "")));
    struct belfry_str *items = arena_alloc(t->arena, (rest.len + 1) * sizeof(*items));
    size_t count = 0;
    while (rest.len) {
        struct belfry_str word = str_cut(rest, ' ', &rest);
        if (word.len)
            items[count++] = word;
    }
    return (struct belfry_strs){items, count};
}

static struct belfry_person *person_slot(struct belfry_test *t, struct belfry_str username)
{
    struct belfry_person *known = (struct belfry_person *)fake_person(t, str_of(t->org), username);
    if (known)
        return known;
    struct fake_person *made = FAKE_ADD(t, &t->people);
    made->org = str_of(t->org);
    return &made->person;
}

void belfry_test_person(struct belfry_test *t, const struct belfry_person *person)
{
    struct belfry_person copy = *person;
    copy.struct_size = sizeof(copy);
    copy.username = str_of(fake_text(t, person->username));
    copy.name = str_of(fake_text(t, person->name));
    copy.email = str_of(fake_text(t, person->email));
    copy.locale = str_of(fake_text(t, person->locale));
    copy.timezone = str_of(fake_text(t, person->timezone));
    copy.roles = fake_strs(t, person->roles);
    *person_slot(t, copy.username) = copy;
}

void belfry_test_user(struct belfry_test *t, const char *username, const char *roles)
{
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = str_of(username),
                                                  .roles = words(t, roles)});
}

void belfry_test_remove_user(struct belfry_test *t, const char *username)
{
    for (size_t i = 0; i < t->people.count; i++) {
        struct fake_person *p = &t->people.items[i];
        if (str_eqz(p->org, t->org) && str_eqz(p->person.username, username)) {
            *p = t->people.items[--t->people.count];
            return;
        }
    }
}

void belfry_test_category(struct belfry_test *t, const char *name)
{
    *FAKE_ADD(t, &t->categories) = arena_strdup(t->arena, name);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static const char *identity(struct belfry_test *t, const struct belfry_test_trigger *trigger)
{
    return trigger->id
               ? arena_printf(t->arena, "%s\n%s\n%s", t->org, trigger->source ? trigger->source : "", trigger->id)
               : NULL;
}

static int was_accepted(const struct belfry_test *t, const char *id)
{
    for (size_t i = 0; id && i < t->accepted.count; i++) {
        if (strcmp(t->accepted.items[i], id) == 0)
            return 1;
    }
    return 0;
}

static belfry_status make(struct belfry_test *t, const struct belfry_test_trigger *in, struct trigger_set *set,
                          struct error *err)
{
    int64_t time = 0, number = ++t->last_trigger;
    if (in->time && time_parse(str_of(in->time), &time) != BELFRY_OK)
        return error_set(err, BELFRY_EINVAL, "/time", "must be an RFC 3339 time");
    struct belfry_submission s = {
        .struct_size = sizeof(s),
        .org = str_of(t->org),
        .id = str_of(in->id ? in->id : arena_printf(t->arena, "t%lld", (long long)number)),
        .source = str_of(in->source ? in->source : "/test"),
        .type = str_of(in->type),
        .subject = str_of(in->subject),
        .data = str_of(in->data ? in->data : "{}"),
        .time_ms = time,
    };
    return trigger_make(set, &s, clock_now_ms(t->clock), err);
}

/* receive() of one trigger into a record. */
static belfry_status receive(struct belfry_test *t, const char *org, const struct belfry_principal *principal,
                             struct trigger_set *set, struct fake_record *record, struct error *err)
{
    struct fake_call call;
    struct belfry_trigger *trigger = arena_memdup(t->arena, &set->items[0].pub, sizeof(*trigger));
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    fake_call_init(&call, t, org, record, principal, trigger);
    return fake_call_end(&call, t->plugin->source->receive(t->self, &call.pub, trigger, &pub), err);
}

static belfry_status run_one(struct belfry_test *t, const struct belfry_test_trigger *in, struct fake_record *record,
                             struct error *err)
{
    struct trigger_set set = {0};
    if (was_accepted(t, identity(t, in)))
        return BELFRY_OK;
    belfry_status status = make(t, in, &set, err);
    if (status == BELFRY_OK)
        status = receive(t, t->org, &t->principal, &set, record, err);
    trigger_set_free(&set);
    return status;
}

belfry_status belfry_test_send_batch(struct belfry_test *t, const struct belfry_test_trigger *triggers, size_t count)
{
    struct fake_record record;
    belfry_status status = BELFRY_OK;
    fake_begin(t);
    if (!source_of(t, "belfry_test_send"))
        return fake_end(t, BELFRY_ECLOSED);
    belfry_test_settle(t);
    fake_begin(t);
    fake_record_init(&record);
    for (size_t i = 0; status == BELFRY_OK && i < count; i++)
        status = run_one(t, &triggers[i], &record, &t->err);
    if (status == BELFRY_OK) {
        for (size_t i = 0; i < count; i++) {
            const char *id = identity(t, &triggers[i]);
            if (id && !was_accepted(t, id))
                *FAKE_ADD(t, &t->accepted) = id;
        }
        fake_apply(t, t->org, &record);
    }
    belfry_test_settle(t);
    return fake_end(t, status);
}

belfry_status belfry_test_send_trigger(struct belfry_test *t, const struct belfry_test_trigger *trigger)
{
    return belfry_test_send_batch(t, trigger, 1);
}

belfry_status belfry_test_send(struct belfry_test *t, const char *type, const char *data)
{
    return belfry_test_send_batch(t, &(struct belfry_test_trigger){.type = type, .data = data}, 1);
}

belfry_status fake_submit(struct belfry_test *t, const struct belfry_submission *submission, struct error *err)
{
    struct trigger_set set = {0};
    struct fake_record record;
    struct belfry_submission s = *submission;
    const char *org = fake_text(t, s.org.len ? s.org : str_of(t->org));
    s.org = str_of(org);
    if (!s.id.len)
        s.id = str_of(arena_printf(t->arena, "t%lld", (long long)++t->last_trigger));
    if (!s.source.len)
        s.source = str_of(t->host.instance);
    if (!t->created || !t->plugin->source)
        return error_set(err, BELFRY_ECLOSED, NULL, "there is no source");
    const char *id =
        submission->id.len ? arena_printf(t->arena, "%s\n%.*s\n%.*s", org, STR_ARG(s.source), STR_ARG(s.id)) : NULL;
    if (was_accepted(t, id))
        return BELFRY_OK;
    belfry_status status = trigger_make(&set, &s, clock_now_ms(t->clock), err);
    fake_record_init(&record);
    if (status == BELFRY_OK)
        status = receive(t, org, submission->principal, &set, &record, err);
    if (status == BELFRY_OK) {
        if (id)
            *FAKE_ADD(t, &t->accepted) = id;
        fake_apply(t, org, &record);
    }
    trigger_set_free(&set);
    return status;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static const struct belfry_action *find_action(const struct belfry_test *t, const char *username, const char *subject,
                                               const char *id)
{
    for (size_t i = t->rows.count; i > 0; i--) {
        const struct fake_row *row = &t->rows.items[i - 1];
        const struct belfry_test_event *e = &row->event->pub;
        if (row->validity != FAKE_LIVE || row->handled_by || strcmp(row->who, username) != 0 ||
            strcmp(e->org, t->org) != 0 || strcmp(e->subject, subject) != 0)
            continue;
        for (size_t k = 0; k < e->action_count; k++) {
            if (str_eqz(e->actions[k].id, id))
                return &e->actions[k];
        }
    }
    return NULL;
}

belfry_status belfry_test_act(struct belfry_test *t, const char *username, const char *subject, const char *action,
                              const char *comment)
{
    const struct belfry_action *found = find_action(t, username, subject, action);
    fake_begin(t);
    if (!found)
        return fake_end(
            t, error_set(&t->err, BELFRY_ENOTFOUND, NULL, "%s has no action \"%s\" on %s", username, action, subject));
    json_t *data = json_read(found->data, NULL);
    if (comment)
        json_object_set_new(data, "comment", json_string(comment));
    struct buf text = {0};
    json_write(data, &text);
    json_decref(data);
    struct belfry_principal before = t->principal;
    t->principal.kind = BELFRY_PRINCIPAL_PERSON;
    t->principal.name = str_of(arena_strdup(t->arena, username));
    belfry_status status = belfry_test_send(t, found->type.ptr, text.ptr);
    t->principal = before;
    buf_free(&text);
    return status;
}

/* --- what comes due by itself ------------------------------------------------------------------------------------- */

void fake_timer_run(struct belfry_test *t, size_t index)
{
    struct fake_timer timer = t->timers.items[index];
    struct belfry_principal principal = {
        .struct_size = sizeof(principal), .kind = BELFRY_PRINCIPAL_TIMER, .name = timer.key};
    struct fake_record record;
    struct fake_call call;
    struct error err = {0};
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, &err};
    belfry_status status = BELFRY_EUNSUPPORTED;
    t->timers.items[index] = t->timers.items[--t->timers.count];
    fake_record_init(&record);
    fake_call_init(&call, t, timer.org.ptr, &record, &principal, NULL);
    if (t->plugin->source->due)
        status = t->plugin->source->due(t->self, &call.pub, timer.key, timer.payload, timer.set_for_ms, &pub);
    status = fake_call_end(&call, status, &err);
    if (status == BELFRY_OK) {
        fake_apply(t, timer.org.ptr, &record);
    } else {
        fake_tell(t, "due %.*s failed: %s", STR_ARG(timer.key), error_text(&err));
        if (timer.failures < TIMER_TRIES) {
            timer.due_ms = clock_now_ms(t->clock) + (INT64_C(1000) << timer.failures++);
            *FAKE_ADD(t, &t->timers) = timer;
        }
    }
    error_clear(&err);
}

void fake_task_run(struct belfry_test *t, size_t index)
{
    struct fake_task *task = &t->tasks.items[index];
    task->running = 1;
    if (t->plugin->source->perform)
        t->plugin->source->perform(t->self, task->id, task->org, task->key, task->payload);
}

void belfry_test_refresh(struct belfry_test *t)
{
    const struct belfry_source *source = source_of(t, "belfry_test_refresh");
    if (source && source->refresh)
        source->refresh(t->self, fake_id(t), str_of(t->org));
    belfry_test_settle(t);
}
