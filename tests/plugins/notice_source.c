/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source for end-to-end tests of what the host does with validity, handling and bad manners:
 * notice.posted {to, title, subject?, for_ms?} tells one person something that is valid so long; notice.extended
 * {subject, for_ms}, notice.done {subject, by}, notice.gone {subject} and notice.newer {subject} act on its rows;
 * notice.slow takes 300 ms, notice.crash takes the process down.
 */
#include <belfry/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static belfry_status post(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_str subject,
                          struct belfry_error *err)
{
    struct belfry_str to, title;
    int64_t for_ms = 0;
    if (txn->api->value_str(txn, trigger, "/to", &to, err) != BELFRY_OK ||
        txn->api->value_str(txn, trigger, "/title", &title, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    txn->api->value_int(txn, trigger, "/for_ms", &for_ms, NULL);
    struct belfry_recipient audience = {
        .struct_size = sizeof(audience), .kind = BELFRY_TO_USER, .name = to, .reason = belfry_str("addressed")};
    struct belfry_event event = {
        .struct_size = sizeof(event),
        .type = belfry_str("notice.posted"),
        .subject = subject,
        .severity = -1,
        .title = title,
        .link = belfry_str("https://notices.example/1"),
        .audience = &audience,
        .audience_count = 1,
        .valid_until_ms = for_ms ? txn->now_ms + for_ms : 0,
    };
    return txn->api->emit(txn, &event, err);
}

static void nap(void)
{
    struct timespec t = {.tv_nsec = 300 * 1000 * 1000};
    nanosleep(&t, NULL);
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct belfry_host *host = self;
    const struct belfry_txn_api *api = txn->api;
    struct belfry_str subject = belfry_str("notice/1"), by = {0};
    struct belfry_selection all = {.struct_size = sizeof(all), .reason = belfry_str("taken back")};
    int64_t for_ms = 0;
    api->value_str(txn, trigger, "/subject", &subject, NULL);
    api->value_str(txn, trigger, "/by", &by, NULL);
    api->value_int(txn, trigger, "/for_ms", &for_ms, NULL);
    if (is(trigger->type, "notice.posted"))
        return post(txn, trigger, subject, err);
    if (is(trigger->type, "notice.extended"))
        return api->valid_until(txn, subject, &all, txn->now_ms + for_ms);
    if (is(trigger->type, "notice.done"))
        return api->handled(txn, subject, &all, by);
    if (is(trigger->type, "notice.gone"))
        return api->withdraw(txn, subject, &all);
    if (is(trigger->type, "notice.newer"))
        return api->supersede(txn, subject, &all);
    if (is(trigger->type, "notice.slow"))
        nap();
    else if (is(trigger->type, "notice.crash"))
        abort();
    else
        return host->fail(err, BELFRY_EINVAL, "/type",
                          "expected notice.posted, extended, done, gone, newer, slow or crash");
    return BELFRY_OK;
}

static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_INFO,
     .type = "notice.posted",
     .category = "notice",
     .title = "Notice",
     .body = "",
     .doc = "Somebody was told something that is valid for a while.",
     .example = "{\"to\":\"ann\",\"title\":\"Hi\"}"},
    {0},
};

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "notice_source",
    .version = "1.0.0",
    .summary = "Tells one person something for a while; can be slow and can crash.",
    .roles = roles,
    .events = events,
    .create = create,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
