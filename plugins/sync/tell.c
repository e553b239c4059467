/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of an event is what the trigger said, with `run` as it stands now. The log is left out: it is kept once,
 * behind the link, and may be half a megabyte.
 */
#include "tell.h"

#include <stdio.h>

int sync_is_overview(const struct sync_run *run)
{
    return sync_same(run->kind, "overview") && run->outcome != SYNC_FAILED;
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *name, struct belfry_str value)
{
    json_object_set_new(object, name, value.ptr ? json_stringn(value.ptr, value.len) : json_null());
}

static void set_time(json_t *object, const char *name, struct sync_moment moment)
{
    char text[SYNC_TIME_TEXT];
    sync_time_text(sync_moment_ms(moment), text);
    json_object_set_new(object, name, moment.arrived_ms ? json_string(text) : json_null());
}

static void set_length(json_t *object, const struct sync_run *run)
{
    char text[SYNC_LENGTH_TEXT];
    int64_t length = sync_run_length(run);
    if (length < 0)
        return;
    sync_length_text(length, text);
    json_object_set_new(object, "duration_ms", json_integer(length));
    json_object_set_new(object, "duration", json_string(text));
}

/* A kind has a German name when it is one of those that the hub's pages know. */
static struct belfry_str words_in_german(const struct sync_telling *t)
{
    static const char *const names[][2] = {{"sync", "Synchronisierung"},
                                           {"overview", "Übersicht"},
                                           {"import", "Import"},
                                           {"export", "Export"},
                                           {"recalculation", "Neuberechnung"}};
    const char *name = t->run->kind.len ? NULL : "Lauf";
    for (size_t i = 0; !name && i < sizeof(names) / sizeof(names[0]); i++)
        if (sync_same(t->run->kind, names[i][0]))
            name = names[i][1];
    char *text = name ? t->txn->api->alloc(t->txn, SYNC_NAME_TEXT) : NULL;
    int len = text ? snprintf(text, SYNC_NAME_TEXT, "{\"run\":{\"name\":\"%s\"}}", name) : 0;
    return (struct belfry_str){text, (size_t)len};
}

static json_t *run_json(const struct sync_run *run, json_t *object)
{
    char name[SYNC_NAME_TEXT];
    sync_kind_name(run->kind, name);
    set_text(object, "id", run->id);
    set_text(object, "kind", run->kind);
    set_text(object, "admin", run->admin);
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "state", json_string(sync_run_state(run)));
    json_object_set_new(object, "background", json_boolean(run->background));
    json_object_set_new(object, "outcome", run->outcome ? json_string(sync_outcomes[run->outcome]) : json_null());
    json_object_set_new(object, "partial", json_boolean(run->outcome == SYNC_PARTIAL));
    set_time(object, "started_at", run->started);
    set_time(object, "finished_at", run->finished);
    set_length(object, run);
    set_text(object, "url", run->url);
    json_object_set(object, "counts", run->counts ? run->counts : json_null());
    return object;
}

/* How long nothing has been heard of its end. */
static void set_waited(json_t *object, const struct sync_telling *t)
{
    char text[SYNC_LENGTH_TEXT];
    sync_length_text(t->txn->now_ms - sync_moment_ms(t->run->started), text);
    json_object_set_new(object, "waited", json_string(text));
}

/* In scratch memory; empty when that ends. */
static struct belfry_str data_of(const struct sync_telling *t)
{
    json_t *data = t->said ? json_copy((json_t *)t->said) : json_object();
    json_t *said_run = json_object_get(data, "run");
    json_t *run = run_json(t->run, json_is_object(said_run) ? json_copy(said_run) : json_object());
    if (t->run->stalled && !t->run->finished.arrived_ms)
        set_waited(run, t);
    json_object_set_new(data, "run", run);
    json_object_del(data, "log");
    size_t size = json_dumpb(data, NULL, 0, JSON_COMPACT);
    char *text = t->txn->api->alloc(t->txn, size + 1);
    if (text)
        json_dumpb(data, text, size, JSON_COMPACT);
    json_decref(data);
    return (struct belfry_str){text, text ? size : 0};
}

/* --- link --------------------------------------------------------------------------------------------------------- */

static size_t add_segment(char *out, struct belfry_str s)
{
    size_t len = 0;
    out[len++] = '/';
    for (size_t i = 0; i < s.len; i++)
        len += sync_url_byte(s.ptr[i], out + len);
    return len;
}

struct belfry_str sync_run_path(const struct sync *sync, struct belfry_txn *txn, struct belfry_str id)
{
    struct belfry_str segments[] = {txn->org, belfry_str("runs"), belfry_str(sync->host->instance), id};
    size_t len = 0, most = 8;
    for (size_t i = 0; i < 4; i++)
        most += 3 * segments[i].len;
    char *path = txn->api->alloc(txn, most);
    for (size_t i = 0; path && i < 4; i++)
        len += add_segment(path + len, segments[i]);
    return (struct belfry_str){path, len};
}

/* --- whom --------------------------------------------------------------------------------------------------------- */

size_t sync_recipients(const struct belfry_list *texts, const char *reason, struct belfry_recipient *out, size_t count)
{
    const char *const *items = texts->items;
    for (uint32_t i = 0; i < texts->count; i++) {
        struct belfry_str name = belfry_str(items[i]);
        uint32_t kind = BELFRY_TO_USER;
        if (sync_same(name, "audience"))
            continue; /* those who are told anyway */
        if (sync_cut(&name, "role:"))
            kind = BELFRY_TO_ROLE;
        else if (sync_cut(&name, "email:"))
            kind = BELFRY_TO_EMAIL;
        else
            sync_cut(&name, "user:");
        out[count++] = (struct belfry_recipient){sizeof(*out), kind, name, belfry_str(reason)};
    }
    return count;
}

static belfry_status tell(const struct sync_telling *t, struct belfry_event *event, uint32_t whom)
{
    const struct belfry_list *failures = &t->sync->config->failures_to;
    struct belfry_recipient *to = t->txn->api->alloc(t->txn, (failures->count + 1) * sizeof(*to));
    size_t count = 0;
    struct belfry_event_words words = {
        .struct_size = sizeof(words), .language = belfry_str("de"), .data = words_in_german(t)};
    event->words = &words;
    event->word_count = words.data.len ? 1 : 0;
    event->struct_size = sizeof(*event);
    event->subject = sync_key(t->txn, "run/", t->run->id);
    event->data = data_of(t);
    if (!event->link.ptr)
        event->link = sync_run_path(t->sync, t->txn, t->run->id);
    if (!to || !event->subject.ptr || !event->data.ptr || !event->link.ptr)
        return BELFRY_ELIMIT;
    if (whom & SYNC_TOLD_ADMIN && t->run->admin.ptr)
        to[count++] =
            (struct belfry_recipient){sizeof(*to), BELFRY_TO_USER, t->run->admin, belfry_str("initiating admin")};
    if (whom & SYNC_TOLD_FAILURES)
        count = sync_recipients(failures, "failures_to", to, count);
    event->audience = to;
    event->audience_count = count;
    return t->txn->api->emit(t->txn, event, t->err);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

belfry_status sync_tell_backgrounded(const struct sync_telling *t)
{
    struct belfry_event event = {.type = belfry_str("sync.backgrounded"), .severity = -1};
    return tell(t, &event, 0);
}

belfry_status sync_tell_stalled(const struct sync_telling *t)
{
    struct belfry_event event = {.type = belfry_str("sync.stalled"), .severity = -1};
    return tell(t, &event, SYNC_TOLD_ADMIN | SYNC_TOLD_FAILURES);
}

belfry_status sync_tell_finished(const struct sync_telling *t, uint32_t whom, int64_t valid_until_ms)
{
    int overview = sync_is_overview(t->run);
    struct belfry_event event = {.severity = t->run->outcome == SYNC_PARTIAL && !overview ? BELFRY_WARNING : -1,
                                 .valid_until_ms = overview ? valid_until_ms : 0,
                                 .link = overview ? t->run->url : (struct belfry_str){NULL, 0}};
    event.type = belfry_str(t->run->outcome == SYNC_FAILED ? "sync.failed"
                            : overview                     ? "sync.overview_ready"
                                                           : "sync.completed");
    return tell(t, &event, whom);
}
