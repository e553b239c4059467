/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.smtp-client/1: outbound mail with the instance as owner, so that its mails end with it. */
#include "client/smtp.h"

#include "base/mem.h"
#include "host/internal.h"
#include "plugin/misuse.h"

struct mail {
    struct host_thing thing;
    uint64_t client_id;
    void (*done)(void *arg, const struct belfry_smtp_answer *answer);
    void *arg;
};

/* The instance is gone: the answer of the cancelled mail has nobody to go to. */
static void drop(struct host_thing *thing)
{
    struct mail *m = LIST_OF(thing, struct mail, thing);
    struct client *client = host_parts(host_of(host_instance_table(thing->instance)))->client;
    m->done = NULL;
    thing->instance = NULL;
    client_smtp_cancel(client, m->client_id);
}

static void on_done(void *arg, const struct belfry_smtp_answer *answer)
{
    struct mail *m = arg;
    if (m->done) {
        host_thing_remove(&m->thing);
        m->done(m->arg, answer);
    }
    free(m);
}

static belfry_status send_mail(const struct belfry_host *table, const struct belfry_smtp_mail *smtp_mail,
                               void (*done)(void *arg, const struct belfry_smtp_answer *answer), void *arg,
                               uint64_t *id)
{
    if (!host_on_loop(table, "smtp-client.send"))
        return BELFRY_EPERM;
    if (!done || !plugin_struct_known(smtp_mail, sizeof(*smtp_mail)))
        return BELFRY_EINVAL;
    struct mail *m = xcalloc(1, sizeof(*m));
    m->done = done;
    m->arg = arg;
    belfry_status status = client_smtp_send(host_parts(host_of(table))->client, smtp_mail, on_done, m, &m->client_id);
    if (status != BELFRY_OK) {
        free(m);
        return status;
    }
    uint64_t made = host_thing_add(host_instance_of(table), &m->thing, "mail", drop);
    if (id)
        *id = made;
    return BELFRY_OK;
}

static void cancel(const struct belfry_host *table, uint64_t id)
{
    if (!host_on_loop(table, "smtp-client.cancel"))
        return;
    struct host_thing *thing = host_thing_find(host_instance_of(table), id, "mail");
    if (!thing)
        misuse_stale(table->instance, "smtp-client.cancel", "R04", id);
    else
        client_smtp_cancel(host_parts(host_of(table))->client, LIST_OF(thing, struct mail, thing)->client_id);
}

const struct belfry_smtp_client_api host_smtp_client_api = {sizeof(struct belfry_smtp_client_api), 0, send_mail,
                                                            cancel};
