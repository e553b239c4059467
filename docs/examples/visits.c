/* SPDX-License-Identifier: Apache-2.0 */
/* A source with actions: a visitor waits at the gate. The host and the reception are asked; whoever answers first, in
 * the inbox or from the gate's own system, has answered for all. */
#define _POSIX_C_SOURCE 200809L /* gmtime_r() */
#include <belfry/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_MS (INT64_C(60) * 60000) /* nobody waits longer than an hour */

struct visits {
    const struct belfry_host *host;
};

/* visit.announced {id, name, host} */
static belfry_status announced(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str id, name, host;
    int faults = txn->api->value_str(txn, trigger, "/id", &id, err) != BELFRY_OK;
    faults += txn->api->value_str(txn, trigger, "/name", &name, err) != BELFRY_OK;
    faults += txn->api->value_username(txn, trigger, "/host", &host, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    struct belfry_recipient to[] = {
        {.struct_size = sizeof *to, .kind = BELFRY_TO_USER, .name = host, .reason = belfry_str("host")},
        {.struct_size = sizeof *to,
         .kind = BELFRY_TO_ROLE,
         .name = belfry_str("reception"),
         .reason = belfry_str("reception")}};
    /* Which of the declared actions this event has; label, trigger type and comment are the declared ones. The data is
     * what the trigger will have: here that of this trigger, for it says which visit it is. */
    struct belfry_action actions[] = {
        {.struct_size = sizeof *actions, .id = belfry_str("admit"), .data = trigger->data},
        {.struct_size = sizeof *actions, .id = belfry_str("decline"), .data = trigger->data}};
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str("visit.waiting"),
                                 .subject = id,
                                 .severity = -1,
                                 .audience = to,
                                 .audience_count = 2,
                                 .actions = actions,
                                 .action_count = 2,
                                 .valid_until_ms = txn->now_ms + PATIENCE_MS};
    belfry_status status = txn->api->emit(txn, &event, err);
    return status == BELFRY_OK ? txn->api->put(txn, id, belfry_str("")) : status;
}

/* Of a person the hub knows the name, and `by` in the data is nobody's business; from a token it counts. */
static belfry_status who(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_str *by,
                         struct belfry_error *err)
{
    if (txn->principal->kind != BELFRY_PRINCIPAL_PERSON)
        return txn->api->value_username(txn, trigger, "/by", by, err);
    *by = txn->principal->name;
    return BELFRY_OK;
}

/* visit.admitted {id, by}, visit.declined {id, by, comment?} */
static belfry_status answered(struct visits *v, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                              struct belfry_error *err)
{
    struct belfry_str id, by, before;
    int faults = txn->api->value_str(txn, trigger, "/id", &id, err) != BELFRY_OK;
    faults += who(txn, trigger, &by, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    if (txn->api->get(txn, id, &before) != BELFRY_OK)
        return v->host->fail(err, BELFRY_ECONFLICT, NULL, "no such visitor was announced");
    if (before.len) { /* "2026-08-01T09:30:00Z ann" */
        v->host->fail_attr(err, "handled_at", (struct belfry_str){before.ptr, 20});
        v->host->fail_attr(err, "handled_by", (struct belfry_str){before.ptr + 21, before.len - 21});
        return v->host->fail(err, BELFRY_ECONFLICT, NULL, "the visitor does not wait any more");
    }
    struct tm tm;
    time_t now = (time_t)(txn->now_ms / 1000);
    char done[21 + 128 + 1]; /* a username has at most 128 bytes */
    gmtime_r(&now, &tm);
    size_t len = strftime(done, sizeof done, "%Y-%m-%dT%H:%M:%SZ", &tm);
    len += (size_t)snprintf(done + len, sizeof done - len, " %.*s", (int)by.len, by.ptr);
    belfry_status status = txn->api->put(txn, id, (struct belfry_str){done, len < sizeof done ? len : sizeof done - 1});
    /* All rows of the visit say who answered, lose their buttons and stop counting as unread. */
    return status == BELFRY_OK ? txn->api->handled(txn, id, NULL, by) : status;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    struct visits *v = self;
    struct belfry_str type = trigger->type;
    if (type.len == 15 && type.ptr[7] == 'n')
        return announced(txn, trigger, err);
    if (type.len == 14 && (type.ptr[6] == 'a' || type.ptr[6] == 'd'))
        return answered(v, txn, trigger, err);
    return v->host->fail(err, BELFRY_EINVAL, "/type", "must be visit.announced, visit.admitted or visit.declined");
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct visits *v = calloc(1, sizeof *v);
    (void)config;
    if (!v)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    v->host = host;
    *self = v;
    return BELFRY_OK;
}

static const struct belfry_action_type actions[] = {
    {.struct_size = sizeof(struct belfry_action_type), .id = "admit", .label = "Let in", .trigger = "visit.admitted"},
    {.struct_size = sizeof(struct belfry_action_type),
     .id = "decline",
     .label = "Send away",
     .trigger = "visit.declined",
     .comment = "Reason"}, /* the inbox shows a field for it; what is written there comes at /comment */
    {0}};

static const char *const replaces[] = {"visit.waiting", NULL};
static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "visit.waiting",
     .category = "visits",
     .severity = BELFRY_WARNING,
     .replaces = replaces,
     .actions = actions,
     .title = "{{name}} is at the gate",
     .body = "To see {{host}}.",
     .doc = "A visitor waits.",
     .example = "{\"id\":\"V-1\",\"name\":\"Dora Diaz\",\"host\":\"ann\"}"},
    {0}};

static const struct belfry_source source = {.struct_size = sizeof source, .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "visits",
                                            .version = "1.0.0",
                                            .summary = "Asks whether a visitor may come in",
                                            .roles = roles,
                                            .events = events,
                                            .create = create,
                                            .destroy = free};
BELFRY_PLUGIN(plugin);
