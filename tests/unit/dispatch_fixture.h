/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger, a dispatch and a scripted channel on one loop, for the tests of dispatch. */
#ifndef TESTS_DISPATCH_FIXTURE_H
#define TESTS_DISPATCH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"

#include "base/metrics.h"
#include "dispatch/dispatch.h"
#include "dispatch/internal.h"

#define HELD 8000

struct held {
    uint64_t id;
    uint32_t attempt;
    char target[64], url[64], secret[64], org[32], user[64], email[64], event[64], href[128], key[64];
    uint32_t kind, items, total;
    char titles[200]; /* of its items, joined by commas */
    const struct belfry_batch *batch;
    const void *self;
};

struct scene {
    struct bench *b;
    struct dispatch *d;
    struct held held[HELD];
    size_t count, taken, cancelled, released, stopped;
    uint64_t cancelled_id;
    uint32_t auto_outcome; /* answered at once, on the next turn */
    int alarms;
    char alarm[128];
    struct belfry_delivery mail, hooks;
};

static struct scene *scene_now;
static const char *scene_vfs; /* NULL: the system's */

/* --- the channel -------------------------------------------------------------------------------------------------- */

static inline void keep_text(char *to, size_t size, struct belfry_str from)
{
    snprintf(to, size, "%.*s", STR_ARG(from));
}

static inline void deliver(void *self, const struct belfry_batch *batch)
{
    struct scene *s = scene_now;
    struct held *h = &s->held[s->count++];
    assert_true(s->count < HELD);
    assert_true(batch->item_count >= 1 && batch->total >= batch->item_count);
    *h = (struct held){.id = batch->id,
                       .attempt = batch->attempt,
                       .kind = batch->kind,
                       .items = batch->item_count,
                       .total = batch->total,
                       .batch = batch,
                       .self = self};
    for (uint32_t i = 0, len = 0; i < batch->item_count && len < sizeof(h->titles); i++)
        len += (uint32_t)snprintf(h->titles + len, sizeof(h->titles) - len, "%s%.*s", i ? "," : "",
                                  STR_ARG(batch->items[i]->title));
    keep_text(h->key, sizeof(h->key), batch->key);
    keep_text(h->event, sizeof(h->event), batch->items[0]->event_id);
    keep_text(h->href, sizeof(h->href), batch->items[0]->href);
    keep_text(h->org, sizeof(h->org), batch->items[0]->org);
    assert_int_equal(batch->person == NULL, batch->target != NULL);
    if (batch->target) {
        keep_text(h->target, sizeof(h->target), batch->target->name);
        keep_text(h->url, sizeof(h->url), batch->target->url);
        keep_text(h->secret, sizeof(h->secret), batch->target->secret);
    } else {
        keep_text(h->user, sizeof(h->user), batch->person->username);
        keep_text(h->email, sizeof(h->email), batch->person->email);
    }
}

static inline void on_cancel(void *self, uint64_t batch)
{
    (void)self;
    scene_now->cancelled++;
    scene_now->cancelled_id = batch;
}

static inline void on_alarm(void *arg, const char *type, struct belfry_str org, struct belfry_str subject,
                            const char *text)
{
    struct scene *s = arg;
    (void)text;
    s->alarms++;
    snprintf(s->alarm, sizeof(s->alarm), "%s %.*s %.*s", type, STR_ARG(org), STR_ARG(subject));
}

static inline void on_news(void *arg, const struct ledger_news *news)
{
    dispatch_wake(((struct scene *)arg)->d, news);
}

static inline void count_one(void *arg)
{
    ++*(size_t *)arg;
}

/* --- scenes ------------------------------------------------------------------------------------------------------- */

#define MAIL "[{\"name\":\"all\",\"deliver\":[\"mail\"]}]"
/* All that the source tells: what the hub tells of endpoints is not among it. */
#define HOOKS "[{\"name\":\"all\",\"when\":{\"source\":\"crm\"},\"deliver\":[\"hooks\"]}]"
#define PEOPLE "{\"ann\":[\"boss\"],\"bob\":[]}"
#define SQL_STATE "SELECT state, attempts FROM delivery ORDER BY id"

/* key: the first byte of hub.secret */
static inline void scene_dispatch(struct scene *s, uint8_t key)
{
    const uint8_t secret[32] = {key};
    struct dispatch_settings set = {.loop = &s->b->loop,
                                    .clock = s->b->clock,
                                    .ledger = s->b->ledger,
                                    .store = s->b->store,
                                    .arg = s,
                                    .alarm = on_alarm,
                                    .public_url = "https://belfry.example",
                                    .secret = secret};
    s->d = dispatch_new(&set);
}

static inline struct scene *open_scene(const char *rules)
{
    struct scene *s = xcalloc(1, sizeof(*s));
    s->b = bench_new(rules, PEOPLE);
    struct config *config = &s->b->config->config;
    s->mail = (struct belfry_delivery){.struct_size = sizeof(s->mail),
                                       .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                       .max_batch = 1,
                                       .max_inflight = 8,
                                       .deliver = deliver,
                                       .cancel = on_cancel};
    s->hooks = s->mail;
    s->hooks.flags = BELFRY_DELIVERY_PER_TARGET;
    for (size_t i = 0; i < config->channel_count; i++) {
        struct plugin *plugin = (struct plugin *)(uintptr_t)config->channels[i].plugin;
        plugin->delivery = strcmp(config->channels[i].name, "mail") == 0    ? &s->mail
                           : strcmp(config->channels[i].name, "hooks") == 0 ? &s->hooks
                                                                            : plugin->delivery;
    }
    bench_start(s->b, scene_vfs);
    scene_dispatch(s, 1);
    s->b->told = on_news;
    s->b->told_arg = s;
    scene_now = s;
    return s;
}

static inline void close_scene(struct scene *s)
{
    dispatch_stop(s->d, 0, count_one, &s->stopped);
    while (!s->stopped)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    dispatch_detach(s->d);
    ledger_free(s->b->ledger);
    s->b->ledger = NULL;
    dispatch_free(s->d);
    uv_run(&s->b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->b->loop), 0);
    store_close(s->b->store);
    bench_free(s->b);
    free(s);
}

static inline struct dispatch_channel channel_of(struct scene *s, const char *name, void *self)
{
    const struct config_instance *ci = fixture_channel(s->b->config, name);
    return (struct dispatch_channel){.instance = ci,
                                     .config = &s->b->config->config,
                                     .vtable = ci->plugin->delivery,
                                     .self = self,
                                     .released = count_one,
                                     .arg = &s->released};
}

static inline void set_channel(struct scene *s, const char *name, void *self)
{
    struct dispatch_channel channel = channel_of(s, name, self);
    dispatch_channel_set(s->d, &channel);
}

static int64_t standard[] = {5000, 300000, 1800000};
static struct belfry_target_policy policy = {
    .struct_size = sizeof(policy), .attempts = 4, .waits_ms = standard, .timeout_ms = 20000};

static inline struct belfry_target_spec spec_of(const char *name, const char *url)
{
    return (struct belfry_target_spec){
        .struct_size = sizeof(struct belfry_target_spec), .name = name, .url = url, .secret = "s3cret"};
}

static inline void declare(struct scene *s, const struct belfry_target_spec *specs, uint32_t count)
{
    struct error err = {0};
    if (dispatch_targets(s->d, "hooks", NULL, specs, count, &policy, &s->b->config->config, &err) != BELFRY_OK)
        fail_msg("%s", error_text(&err));
}

/* Turns the loop until dispatch has nothing to do at this instant but wait for the plugin. Nobody is woken here: what
 * is looked at was told by the news of a commit, by a result, or by the clock. */
static inline void turn(struct scene *s)
{
    do
        uv_run(&s->b->loop, UV_RUN_NOWAIT);
    while (s->d->claims > 0 || s->d->sheet || uv_is_active((uv_handle_t *)&s->d->turn));
}

static inline void forward(struct scene *s, int64_t ms)
{
    advance(s->b, ms);
    dispatch_wake(s->d, NULL); /* as the hub does when its virtual clock was moved */
    turn(s);
}

static inline void emit(struct scene *s, const char *id, const char *to)
{
    char text[300];
    snprintf(text, sizeof(text), "[[\"%s\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"s/%s\",\"to\":[\"%s\"]}]]]",
             id, id, to);
    assert_int_equal(send_now(s->b, text), BELFRY_OK);
}

static inline void emit_many(struct scene *s, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        emit(s, id, "ann");
    }
}

/* What was told of endpoints: how often, and what and where last ("hub.endpoint_failing acme one"). */
#define TOLD " FROM event e JOIN name t ON t.id = e.type JOIN name o ON o.id = e.org WHERE t.text LIKE 'hub.endpoint_%'"

static inline int told(struct scene *s)
{
    settle(s->b);
    turn(s);
    return atoi(rows(s->b, "SELECT count(*)" TOLD));
}

static inline const char *told_last(struct scene *s)
{
    told(s);
    return rows(s->b, "SELECT t.text, o.text, e.subject" TOLD " ORDER BY e.id DESC LIMIT 1");
}

static inline void complete_with(struct scene *s, const struct held *h, struct belfry_result result)
{
    result.struct_size = sizeof(result);
    dispatch_complete(s->d, h->id, &result, 1);
}

static inline void complete(struct scene *s, size_t i, uint32_t outcome)
{
    complete_with(s, &s->held[i], (struct belfry_result){.outcome = outcome});
}

/* The batches that came since the last call. */
static inline size_t fresh(struct scene *s)
{
    size_t n = s->count - s->taken;
    s->taken = s->count;
    return n;
}

static inline void complete_fresh(struct scene *s, uint32_t outcome)
{
    for (size_t end = s->count; s->taken < end; s->taken++)
        complete(s, s->taken, outcome);
}

/* All targets have had successes enough for their whole concurrency. */
static inline void prove(struct scene *s)
{
    size_t pos = 0;
    void *channel, *target;
    struct belfry_str key;
    while (hash_next(s->d->channels, &pos, &key, &channel)) {
        size_t at = 0;
        while (hash_next(((struct channel *)channel)->targets, &at, &key, &target)) {
            ((struct target *)target)->queue->window = 64;
            queue_ready(s->d, ((struct target *)target)->queue);
        }
    }
}

static inline struct scene *mail_scene(void)
{
    struct scene *s = open_scene(MAIL);
    set_channel(s, "mail", s);
    turn(s);
    return s;
}

static inline struct scene *hook_scene(void)
{
    struct scene *s = open_scene(HOOKS);
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/")};
    declare(s, specs, 1);
    set_channel(s, "hooks", s);
    turn(s);
    prove(s);
    return s;
}

#endif
