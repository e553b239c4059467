/* SPDX-License-Identifier: Apache-2.0 */
/* A channel that writes mails and sends none: what a batch comes to, for tests of a mail's words. */
#ifndef UNIT_MAILS_H
#define UNIT_MAILS_H

#include "../../plugins/email/content.h"

#include <belfry/test.h>
#include <stdlib.h>
#include <string.h>

struct mails_config {
    struct belfry_map templates;
};

struct mails {
    const struct belfry_host *host;
    struct content *content;
    struct content_links links;
    struct content_trial *trial; /* NULL: none */
    struct content_mail mail;    /* the newest */
};

static void mails_deliver(void *self, const struct belfry_batch *batch)
{
    struct mails *m = self;
    struct content_links links = m->links;
    struct belfry_str none = {NULL, 0};
    content_mail_free(&m->mail);
    if (batch->items[0]->flags & BELFRY_ITEM_REQUIRED)
        links.unsubscribe = links.unsubscribe_all = none;
    int made = m->trial ? content_render_trial(m->content, batch, &links, m->trial, &m->mail)
                        : content_render(m->content, batch, &links, &m->mail);
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = made ? BELFRY_DELIVERED : BELFRY_REJECTED};
    m->host->complete(m->host, batch->id, &result, 1);
}

static void mails_cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch;
}

static belfry_status mails_create(const struct belfry_host *host, const void *config, void **self,
                                  struct belfry_error *err)
{
    const struct mails_config *options = config;
    struct mails *m = calloc(1, sizeof(*m));
    m->host = host;
    m->links = (struct content_links){belfry_str("https://belfry.example.org/acme/u/one"),
                                      belfry_str("https://belfry.example.org/acme/u/all"),
                                      belfry_str("https://belfry.example.org/acme/preferences")};
    m->content = content_new(host, &options->templates, err);
    *self = m;
    return m->content ? BELFRY_OK : BELFRY_EINVAL;
}

static belfry_status mails_start(void *self, struct belfry_error *err)
{
    struct mails *m = self;
    return content_start(m->host, err);
}

static void mails_destroy(void *self)
{
    struct mails *m = self;
    content_mail_free(&m->mail);
    content_free(m->content);
    free(m);
}

static const struct belfry_delivery mails_delivery = {.struct_size = sizeof(mails_delivery),
                                                      .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_DIGEST,
                                                      .max_batch = 50,
                                                      .max_inflight = 1,
                                                      .deliver = mails_deliver,
                                                      .cancel = mails_cancel};
static const struct belfry_role mails_roles[] = {{"belfry.delivery/1", &mails_delivery}, {0}};
static const char *const mails_needs[] = {CONTENT_NEEDS, NULL};

static const struct belfry_option mails_options[] = {{.struct_size = sizeof(struct belfry_option),
                                                      .type = BELFRY_OPT_MAP,
                                                      .offset = offsetof(struct mails_config, templates),
                                                      .name = "templates",
                                                      .children = content_templates_option},
                                                     {0}};
static const struct belfry_plugin mails_plugin = {.struct_size = sizeof(mails_plugin),
                                                  .id = "mails",
                                                  .version = "1",
                                                  .summary = "Writes mails",
                                                  .roles = mails_roles,
                                                  .needs = mails_needs,
                                                  .options = mails_options,
                                                  .config_size = sizeof(struct mails_config),
                                                  .create = mails_create,
                                                  .start = mails_start,
                                                  .destroy = mails_destroy};
static const struct belfry_plugin *const mails_plugins[] = {&mails_plugin};
static const struct belfry_entry mails_entry_ = {BELFRY_MAGIC, BELFRY_ABI_MAJOR, BELFRY_ABI_MINOR, 1, 0, mails_plugins};

static const struct belfry_entry *mails_entry(void)
{
    return &mails_entry_;
}

#endif
