/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints that are made over the API, on a scene whose channel `hooks` takes them. */
#ifndef TESTS_ENDPOINT_FIXTURE_H
#define TESTS_ENDPOINT_FIXTURE_H

#include "dispatch_fixture.h"

#include "dispatch/endpoints.h"

static const struct belfry_endpoints endpoint_role = {.struct_size = sizeof(endpoint_role)};

struct deed_answer {
    int done;
    belfry_status status;
    int64_t id, version;
};

static inline void on_deed(void *arg, belfry_status status, int64_t id, int64_t version)
{
    *(struct deed_answer *)arg = (struct deed_answer){1, status, id, version};
}

static inline struct plugin *hooks_plugin(struct scene *s)
{
    return (struct plugin *)(uintptr_t)fixture_channel(s->b->config, "hooks")->plugin;
}

static inline struct scene *endpoint_scene(void)
{
    struct scene *s = open_scene(HOOKS);
    hooks_plugin(s)->endpoints = &endpoint_role;
    declare(s, NULL, 0);
    set_channel(s, "hooks", s);
    turn(s);
    return s;
}

#define CRM ((struct ledger_deed){.org = STR("acme"), .who = STR("token:crm-app")})

static inline struct dispatch_endpoint draft(const char *url)
{
    return (struct dispatch_endpoint){.url = str_of(url), .settings = STR("{\"x\":1}"), .enabled = 1};
}

static inline struct deed_answer finish_deed(struct scene *s, struct deed_answer *answer)
{
    while (!answer->done)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    prove(s);
    turn(s);
    return *answer;
}

static inline struct deed_answer make(struct scene *s, const struct dispatch_endpoint *endpoint, const char *secret)
{
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_create(s->d, "hooks", &deed, endpoint, str_of(secret), on_deed, &answer);
    return finish_deed(s, &answer);
}

static inline int64_t make_at(struct scene *s, const char *url)
{
    struct dispatch_endpoint endpoint = draft(url);
    struct deed_answer answer = make(s, &endpoint, "s3cret");
    assert_int_equal(answer.status, BELFRY_OK);
    assert_int_equal(answer.version, 1);
    return answer.id;
}

static inline struct deed_answer change(struct scene *s, int64_t id, int64_t if_version,
                                        const struct dispatch_endpoint *endpoint)
{
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_change(s->d, &deed, id, if_version, endpoint, on_deed, &answer);
    return finish_deed(s, &answer);
}

static inline struct deed_answer take_away(struct scene *s, int64_t id, int64_t if_version)
{
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_remove(s->d, &deed, id, if_version, on_deed, &answer);
    return finish_deed(s, &answer);
}

static inline struct deed_answer rotate(struct scene *s, int64_t id, const char *secret, int64_t overlap_ms)
{
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_rotate(s->d, &deed, id, 0, str_of(secret), overlap_ms, on_deed, &answer);
    return finish_deed(s, &answer);
}

static inline struct deed_answer enable(struct scene *s, int64_t id, int on)
{
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_enable(s->d, &deed, id, on, on_deed, &answer);
    return finish_deed(s, &answer);
}

static inline struct dispatch_target_view view(struct scene *s, int64_t id)
{
    struct dispatch_target_view out = {0};
    dispatch_target_get(s->d, STR("acme"), id, &out);
    return out;
}

/* Ends the scene's daemon and starts another on the same database; key: of hub.secret. */
static inline void restart(struct scene *s, uint8_t key)
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
    s->taken = s->count;
    s->stopped = 0;
    bench_start(s->b, scene_vfs);
    scene_dispatch(s, key);
}

static inline void hooks_again(struct scene *s)
{
    declare(s, NULL, 0);
    set_channel(s, "hooks", s);
    turn(s);
    settle(s->b);
    turn(s);
    prove(s);
    turn(s);
}

#endif
