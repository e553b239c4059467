/* SPDX-License-Identifier: Apache-2.0 */
/* A source: whose push breaks a build is told, once, until a build of the project passes again. */
#include <belfry/plugin.h>

/* Trigger build.finished {project, by, passed}. A field that is missing is answered 422 and named. */
static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct belfry_txn_api *api = txn->api;
    struct belfry_str project, by;
    int32_t passed;
    (void)self;
    if (api->value_str(txn, trigger, "/project", &project, err) != BELFRY_OK ||
        api->value_str(txn, trigger, "/by", &by, err) != BELFRY_OK ||
        api->value_bool(txn, trigger, "/passed", &passed, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (passed) {
        struct belfry_selection all = {.struct_size = sizeof all, .reason = belfry_str("passes again")};
        return api->withdraw(txn, project, &all);
    }
    struct belfry_recipient to = {
        .struct_size = sizeof to, .kind = BELFRY_TO_USER, .name = by, .reason = belfry_str("pushed")};
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str("build.broken"),
                                 .subject = project,
                                 .severity = -1, /* the type's */
                                 .audience = &to,
                                 .audience_count = 1};
    return api->emit(txn, &event, err);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config, (void)err;         /* no options */
    *self = (void *)(uintptr_t)host; /* what the functions get as self: enough for a source without memory of its own */
    return BELFRY_OK;
}

static const char *const replaces[] = {"build.broken", NULL};
static const struct belfry_event_type events[] = {{.struct_size = sizeof(struct belfry_event_type),
                                                   .type = "build.broken",
                                                   .category = "builds",
                                                   .severity = BELFRY_ERROR,
                                                   .replaces = replaces,
                                                   .title = "{{project}} is broken",
                                                   .body = "The build failed after a push of {{by}}.",
                                                   .doc = "A build failed.",
                                                   .example = "{\"project\":\"quay\",\"by\":\"ann\",\"passed\":false}"},
                                                  {0}};
static const struct belfry_source source = {.struct_size = sizeof source, .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "builds",
                                            .version = "1.0.0",
                                            .summary = "Tells who broke a build",
                                            .roles = roles,
                                            .events = events,
                                            .create = create};
BELFRY_PLUGIN(plugin);
