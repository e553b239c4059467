/* SPDX-License-Identifier: Apache-2.0 */
/* A source: who gets a ticket is told, reminded once when it stays open, and left in peace when it is closed. */
#include <belfry/plugin.h>

#include <stdlib.h>

struct tickets_config { /* the option table fills it */
    int64_t remind_after_ms;
};

struct tickets {
    const struct belfry_host *host;
    const struct tickets_config *config;
};

static belfry_status tell(struct belfry_txn *txn, const char *type, struct belfry_str id, struct belfry_str assignee,
                          struct belfry_str by, struct belfry_str data, struct belfry_error *err)
{
    struct belfry_recipient to = {
        .struct_size = sizeof to, .kind = BELFRY_TO_USER, .name = assignee, .reason = belfry_str("assignee")};
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str(type),
                                 .subject = id,   /* rows of one subject are replaced and withdrawn together */
                                 .severity = -1,  /* the type's */
                                 .actor = by,     /* who acted knows it already */
                                 .audience = &to, /* the hub expands, de-duplicates, leaves the actor out */
                                 .audience_count = 1,
                                 .data = data}; /* empty: the trigger's own */
    return txn->api->emit(txn, &event, err);
}

/* ticket.opened {id, title, assignee, by} */
static belfry_status opened(struct tickets *t, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                            struct belfry_error *err)
{
    struct belfry_str id, title, assignee, by, none = {NULL, 0};
    /* With err a missing or wrong field is 422, named by its JSON pointer. All are asked, so that all faults are told.
     */
    int faults = txn->api->value_str(txn, trigger, "/id", &id, err) != BELFRY_OK;
    faults += txn->api->value_str(txn, trigger, "/title", &title, err) != BELFRY_OK;
    faults += txn->api->value_username(txn, trigger, "/assignee", &assignee, err) != BELFRY_OK;
    faults += txn->api->value_username(txn, trigger, "/by", &by, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    belfry_status status = txn->api->put(txn, id, trigger->data); /* remembered as it came */
    if (status == BELFRY_OK)
        status = tell(txn, "ticket.assigned", id, assignee, by, none, err);
    if (status == BELFRY_OK && t->config->remind_after_ms > 0)
        status = txn->api->timer_set(txn, id, txn->now_ms + t->config->remind_after_ms, assignee);
    return status;
}

/* ticket.closed {id, by} */
static belfry_status closed(struct tickets *t, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                            struct belfry_error *err)
{
    struct belfry_str id, by, remembered;
    if (txn->api->value_str(txn, trigger, "/id", &id, err) != BELFRY_OK ||
        txn->api->value_username(txn, trigger, "/by", &by, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (txn->api->get(txn, id, &remembered) != BELFRY_OK) {
        t->host->fail_attr(err, "handled_by", by);
        return t->host->fail(err, BELFRY_ECONFLICT, NULL, "the ticket is not open");
    }
    belfry_status status = txn->api->handled(txn, id, NULL, by); /* its rows say so and stop counting as unread */
    if (status == BELFRY_OK)
        status = txn->api->timer_clear(txn, id);
    return status == BELFRY_OK ? txn->api->del(txn, id) : status;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    struct tickets *t = self;
    struct belfry_str type = trigger->type;
    if (type.len == 13 && type.ptr[7] == 'o')
        return opened(t, txn, trigger, err);
    if (type.len == 13 && type.ptr[7] == 'c')
        return closed(t, txn, trigger, err);
    return t->host->fail(err, BELFRY_EINVAL, "/type", "must be ticket.opened or ticket.closed");
}

/* The timer that opened() set. No trigger now: the event's data is what was remembered. */
static belfry_status due(void *self, struct belfry_txn *txn, struct belfry_str id, struct belfry_str assignee,
                         int64_t was_due_ms, struct belfry_error *err)
{
    struct belfry_str remembered, nobody = {NULL, 0};
    (void)self;
    (void)was_due_ms;
    if (txn->api->get(txn, id, &remembered) != BELFRY_OK)
        return BELFRY_OK;
    return tell(txn, "ticket.reminder", id, assignee, nobody, remembered, err);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct tickets *t = calloc(1, sizeof *t);
    if (!t)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    t->host = host;
    t->config = config; /* outlives the instance */
    *self = t;
    return BELFRY_OK;
}

static const struct belfry_option options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_DURATION,
     .offset = offsetof(struct tickets_config, remind_after_ms),
     .name = "remind_after",
     .def = "1d",
     .max = INT64_C(365) * 86400000,
     .doc = "Reminds once of a ticket that has been open for so long; 0s never."},
    {0}};

static const char *const replaces[] = {"ticket.assigned", NULL};
static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "ticket.assigned",
     .category = "tickets",
     .severity = BELFRY_INFO,
     .title = "{{title}}",
     .body = "Assigned to you by {{by}}.",
     .doc = "A ticket was opened for somebody.",
     .example = "{\"id\":\"T-1\",\"title\":\"Printer is on fire\",\"assignee\":\"ann\",\"by\":\"bob\"}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "ticket.reminder",
     .category = "tickets",
     .severity = BELFRY_WARNING,
     .replaces = replaces, /* the reminder's row takes the place of the first one */
     .title = "Still open: {{title}}",
     .doc = "A ticket has been open for a while.",
     .example = "{\"id\":\"T-1\",\"title\":\"Printer is on fire\",\"assignee\":\"ann\",\"by\":\"bob\"}"},
    {0}};

static const struct belfry_source source = {.struct_size = sizeof source, .receive = receive, .due = due};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "tickets", /* tickets.so, `plugin: tickets` */
                                            .version = "1.0.0",
                                            .summary = "Tells people of their tickets",
                                            .roles = roles,
                                            .options = options,
                                            .config_size = sizeof(struct tickets_config),
                                            .events = events,
                                            .create = create,
                                            .destroy = free};
BELFRY_PLUGIN(plugin);
