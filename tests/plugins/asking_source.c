/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source whose actions show what the hub does with them. ask.put {to, text, subject?, role?, category?, action?,
 * type?} asks with the actions yes and no; action and type name others than those declared. ask.answered {answer,
 * comment?} counts the answers and says to who answered how it was understood. That takes the place of the question, so
 * an answer ends its own row. A comment makes it refuse: "wrong" with two faults, "late" with a conflict, "never" as
 * not allowed.
 */
#include <belfry/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    (void)err;
    *self = (void *)(uintptr_t)host;
    return BELFRY_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static int is(struct belfry_str s, const char *z)
{
    return s.len == strlen(z) && memcmp(s.ptr, z, s.len) == 0;
}

static struct belfry_str optional(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer)
{
    struct belfry_str s = {NULL, 0};
    if (txn->api->value_str(txn, trigger, pointer, &s, NULL) != BELFRY_OK)
        s.len = 0;
    return s;
}

static belfry_status put(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str to, text, role = optional(txn, trigger, "/role"), other = optional(txn, trigger, "/action");
    if (txn->api->value_str(txn, trigger, "/to", &to, err) != BELFRY_OK ||
        txn->api->value_str(txn, trigger, "/text", &text, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    struct belfry_recipient audience[] = {
        {.struct_size = sizeof(*audience), .kind = BELFRY_TO_USER, .name = to, .reason = belfry_str("asked")},
        {.struct_size = sizeof(*audience), .kind = BELFRY_TO_ROLE, .name = role, .reason = belfry_str("asked")}};
    struct belfry_action actions[] = {
        {.struct_size = sizeof(*actions),
         .id = other.len ? other : belfry_str("yes"),
         .type = optional(txn, trigger, "/type"),
         .data = belfry_str("{\"answer\":\"yes\",\"by\":\"mallory\",\"comment\":\"of the source\"}")},
        {.struct_size = sizeof(*actions),
         .id = belfry_str("no"),
         .label = belfry_str("No, <thanks>"),
         .data = belfry_str("{\"answer\":\"no\",\"by\":\"mallory\"}")}};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("ask.put"),
                                 .subject = optional(txn, trigger, "/subject"),
                                 .category = optional(txn, trigger, "/category"),
                                 .severity = -1,
                                 .title = text,
                                 .audience = audience,
                                 .audience_count = role.len ? 2 : 1,
                                 .actions = actions,
                                 .action_count = 2};
    return txn->api->emit(txn, &event, err);
}

static belfry_status refuse(const struct belfry_host *host, struct belfry_str comment, struct belfry_error *err)
{
    if (is(comment, "wrong")) {
        host->fail(err, BELFRY_EINVAL, "/data/comment", "must not be wrong");
        return host->fail(err, BELFRY_EINVAL, "/data/answer", "must be true");
    }
    if (is(comment, "never"))
        return host->fail(err, BELFRY_EPERM, NULL, "who asks may not answer");
    if (!is(comment, "late"))
        return BELFRY_OK;
    host->fail_attr(err, "handled_by", belfry_str("zoe"));
    host->fail_attr(err, "handled_at", belfry_str("2026-01-02T03:04:05Z"));
    host->fail_attr(err, "round", belfry_str("second"));
    return host->fail(err, BELFRY_ECONFLICT, NULL, "the vote is over");
}

static belfry_status answered(const struct belfry_host *host, struct belfry_txn *txn,
                              const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str answer, count, by = txn->principal->name, comment = optional(txn, trigger, "/comment");
    char *title = txn->api->alloc(txn, 8192);
    if (txn->principal->kind != BELFRY_PRINCIPAL_PERSON)
        return host->fail(err, BELFRY_EPERM, NULL, "only people answer");
    if (txn->api->value_str(txn, trigger, "/answer", &answer, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    belfry_status status = refuse(host, comment, err);
    if (status != BELFRY_OK)
        return status;
    long n = txn->api->get(txn, belfry_str("count"), &count) == BELFRY_OK ? strtol(count.ptr, NULL, 10) + 1 : 1;
    size_t len = (size_t)snprintf(title, 32, "%ld", n);
    struct belfry_recipient to = {
        .struct_size = sizeof(to), .kind = BELFRY_TO_USER, .name = by, .reason = belfry_str("answered")};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("ask.understood"),
                                 .subject = trigger->subject,
                                 .severity = -1,
                                 .audience = &to,
                                 .audience_count = 1};
    if ((status = txn->api->put(txn, belfry_str("count"), (struct belfry_str){title, len + 1})) != BELFRY_OK)
        return status;
    int size = snprintf(title, 8192, "%ld %.*s %.*s", n, (int)by.len, by.ptr, (int)answer.len, answer.ptr);
    event.title = (struct belfry_str){title, (size_t)size};
    event.body = comment;
    return txn->api->emit(txn, &event, err);
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct belfry_host *host = self;
    if (is(trigger->type, "ask.put"))
        return put(txn, trigger, err);
    if (is(trigger->type, "ask.answered"))
        return answered(host, txn, trigger, err);
    return host->fail(err, BELFRY_EINVAL, "/type", "expected ask.put or ask.answered");
}

static const struct belfry_action_type actions[] = {
    {.struct_size = sizeof(struct belfry_action_type),
     .id = "yes",
     .label = "Yes",
     .trigger = "ask.answered",
     .comment = "Why <so>"},
    {.struct_size = sizeof(struct belfry_action_type), .id = "no", .label = "No", .trigger = "ask.answered"},
    {0},
};

static const char *const replaces[] = {"ask.put", NULL};

static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "ask.put",
     .category = "questions",
     .actions = actions,
     .title = "Question",
     .body = "",
     .doc = "Somebody was asked something.",
     .example = "{\"to\":\"ann\",\"text\":\"Tea?\"}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_INFO,
     .type = "ask.understood",
     .category = "questions",
     .replaces = replaces,
     .title = "Understood",
     .body = "",
     .doc = "An answer was taken.",
     .example = "{\"answer\":\"yes\"}"},
    {0},
};

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "asking_source",
    .version = "1.0.0",
    .summary = "Asks, and takes answers from people only.",
    .roles = roles,
    .events = events,
    .create = create,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
