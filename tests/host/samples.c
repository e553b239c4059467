/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.samples/1: an item of the type and data that are asked for; stored events there are none. */
#include "fake.h"

struct sample {
    struct belfry_test *test;
    belfry_status status;
    struct belfry_item item;
    void (*done)(void *arg, belfry_status status, const struct belfry_item *item);
    void *arg;
};

static void sample_done(void *arg)
{
    struct sample *s = arg;
    s->done(s->arg, s->status, s->status == BELFRY_OK ? &s->item : NULL);
}

static belfry_status fill(struct belfry_test *t, const struct belfry_sample *what, struct belfry_item *item)
{
    json_t *data = json_read(what->data.len ? what->data : STR("{}"), NULL);
    int object = json_is_object(data);
    json_decref(data);
    if (what->event.len)
        return BELFRY_ENOTFOUND;
    if (!object)
        return BELFRY_EINVAL;
    *item = (struct belfry_item){.struct_size = sizeof(*item),
                                 .org = str_of(t->org),
                                 .source = STR("crm"),
                                 .type = str_of(fake_text(t, what->type)),
                                 .category = STR("workflow"),
                                 .category_label = STR("workflow"),
                                 .title = STR("A title"),
                                 .reason = STR("audience"),
                                 .data = what->data.len ? str_of(fake_text(t, what->data)) : STR("{}"),
                                 .time_ms = clock_now_ms(t->clock)};
    item->href = str_of(arena_printf(t->arena, FAKE_URL "/%s/n/00000000-0000-7000-8000-000000000000", t->org));
    return BELFRY_OK;
}

static void make(const struct belfry_host *host, const struct belfry_http_request *req,
                 const struct belfry_sample *what,
                 void (*done)(void *arg, belfry_status status, const struct belfry_item *item), void *arg)
{
    struct belfry_test *t = fake_of(host);
    struct sample *s = arena_alloc(t->arena, sizeof(*s));
    (void)req;
    *s = (struct sample){.test = t, .done = done, .arg = arg};
    s->status = fill(t, what, &s->item);
    fake_post(t, sample_done, s);
}

const struct belfry_samples_api fake_samples_api = {sizeof(fake_samples_api), 0, make};
