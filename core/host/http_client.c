/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.http-client/1: the outbound client with the instance as owner, so that its calls end with it. */
#include "base/mem.h"
#include "host/internal.h"
#include "plugin/misuse.h"

struct call {
    struct host_thing thing;
    uint64_t client_id;
    void (*done)(void *arg, const struct belfry_http_answer *answer);
    void *arg;
};

/* The instance is gone: the answer of the cancelled call has nobody to go to. */
static void drop(struct host_thing *thing)
{
    struct call *c = LIST_OF(thing, struct call, thing);
    struct client *client = host_parts(host_of(host_instance_table(thing->instance)))->client;
    c->done = NULL;
    thing->instance = NULL;
    client_cancel(client, c->client_id);
}

static void on_done(void *arg, const struct belfry_http_answer *answer)
{
    struct call *c = arg;
    if (c->done) {
        host_thing_remove(&c->thing);
        c->done(c->arg, answer);
    }
    free(c);
}

static belfry_status request(const struct belfry_host *table, const struct belfry_http_call *http_call,
                             void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg, uint64_t *id)
{
    if (!host_on_loop(table, "http-client.request"))
        return BELFRY_EPERM;
    if (!done || !plugin_struct_known(http_call, sizeof(*http_call)))
        return BELFRY_EINVAL;
    struct call *c = xcalloc(1, sizeof(*c));
    c->done = done;
    c->arg = arg;
    belfry_status status =
        client_request(host_parts(host_of(table))->client, http_call, on_done, c, &c->client_id, NULL);
    if (status != BELFRY_OK) {
        free(c);
        return status;
    }
    uint64_t made = host_thing_add(host_instance_of(table), &c->thing, "http call", drop);
    if (id)
        *id = made;
    return BELFRY_OK;
}

static void cancel(const struct belfry_host *table, uint64_t id)
{
    if (!host_on_loop(table, "http-client.cancel"))
        return;
    struct host_thing *thing = host_thing_find(host_instance_of(table), id, "http call");
    if (!thing)
        misuse_stale(table->instance, "http-client.cancel", "R04", id);
    else
        client_cancel(host_parts(host_of(table))->client, LIST_OF(thing, struct call, thing)->client_id);
}

static int32_t refuses(const struct belfry_host *table, const char *url, const char *const *allow_cidrs)
{
    (void)table;
    return client_url_refused(url, allow_cidrs);
}

const struct belfry_http_client_api host_http_client_api = {sizeof(struct belfry_http_client_api), 0, request, cancel,
                                                            refuses};
