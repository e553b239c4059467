/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery whose receivers answer: what is done with a message is what the message says. "taken", "later" and
 * anything else ("foreign") are answered at once, "twice" is answered twice, "never" not before the next message.
 */
#include <belfry/plugin.h>

#include <stdlib.h>
#include <string.h>

struct pigeons {
    const struct belfry_host *host;
    uint64_t owed; /* 0: none */
};

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    struct pigeons *p = calloc(1, sizeof(*p));
    if (!p)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    p->host = host;
    *self = p;
    return BELFRY_OK;
}

static void destroy(void *self)
{
    free(self);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct pigeons *p = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    p->host->complete(p->host, batch->id, &result, 1);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch; /* each was completed when it was delivered */
}

static int is(struct belfry_str message, const char *word)
{
    return message.len == strlen(word) && memcmp(message.ptr, word, message.len) == 0;
}

static void take(void *self, uint64_t id, struct belfry_str recipient, struct belfry_str message)
{
    struct pigeons *p = self;
    uint32_t outcome = is(message, "later")   ? BELFRY_FEEDBACK_LATER
                       : is(message, "taken") ? BELFRY_FEEDBACK_TAKEN
                       : is(message, "twice") ? BELFRY_FEEDBACK_TAKEN
                                              : BELFRY_FEEDBACK_FOREIGN;
    p->host->log(p->host, BELFRY_LOG_INFO, "a pigeon came back");
    if (p->owed)
        p->host->feedback_done(p->host, p->owed, BELFRY_FEEDBACK_TAKEN, belfry_str("too late"));
    p->owed = is(message, "never") ? id : 0;
    if (!p->owed)
        p->host->feedback_done(p->host, id, outcome, recipient);
    if (is(message, "twice"))
        p->host->feedback_done(p->host, id, outcome, recipient);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(struct belfry_delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 1,
                                                .max_inflight = 4,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_feedback feedback = {.struct_size = sizeof(struct belfry_feedback), .take = take};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {"belfry.feedback/1", &feedback}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(struct belfry_plugin),
    .id = "feedback_delivery",
    .version = "1.0.0",
    .summary = "Sends pigeons, which come back.",
    .roles = roles,
    .create = create,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
