/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key sets (RFC 7517) behind URLs of `auth.jwt.jwks`: fetched at start and when a reload names them, again every five
 * minutes, and every five seconds while one has never come. What cannot be fetched or read leaves the last good set in
 * force; people whose keys were never there are answered 503 until they are.
 *
 * An admin named the address, so it may be a private one. Redirects are not followed, certificates are verified.
 */
#include "base/log.h"
#include "base/mem.h"
#include "hub/internal.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000
#define AGAIN_MS (5 * 60 * 1000)
#define FIRST_AGAIN_MS 5000
#define TIMEOUT_MS 10000
#define SET_MAX (256 * 1024)

struct key_url {
    struct list node; /* in hub.jwks; unlinked when no configuration names it any more */
    struct hub *hub;  /* NULL then */
    char *url;
    int64_t due_ms;
    int under_way, have, named;
};

static void key_url_free(struct key_url *k)
{
    list_remove(&k->node);
    free(k->url);
    free(k);
}

/* Freed at once, or when the answer comes. */
static void key_url_drop(struct key_url *k)
{
    list_remove(&k->node);
    k->hub = NULL;
    if (!k->under_way)
        key_url_free(k);
}

/* A query may be a credential. */
static struct belfry_str without_query(const char *url)
{
    return str_slice(url, strcspn(url, "?"));
}

static void take(struct key_url *k, const struct belfry_http_answer *answer)
{
    struct belfry_str url = without_query(k->url);
    struct error err = {0};
    json_t *set = answer->status == 200 && !answer->truncated ? json_read(answer->body, &err) : NULL;
    if (json_is_array(json_object_get(set, "keys"))) {
        http_jwks_put(k->hub->parts.http, k->url, set);
        if (!k->have)
            log_info("hub", "key set fetched", "url=%s keys=%zu", log_quote(url.ptr, url.len),
                     json_array_size(json_object_get(set, "keys")));
        k->have = 1;
    } else {
        const char *why = answer->error           ? answer->error_text.ptr
                          : answer->status != 200 ? "the answer is not 200"
                          : answer->truncated     ? "it is longer than 256 KiB"
                          : err.count             ? error_text(&err)
                                                  : "it has no list `keys`";
        log_warn("hub", "key set could not be fetched, it is tried again", "url=%s status=%u kept=%s err=%s",
                 log_quote(url.ptr, url.len), answer->status, k->have ? "yes" : "no", log_quote(why, strlen(why)));
    }
    json_decref(set);
    error_clear(&err);
}

static void on_answer(void *arg, const struct belfry_http_answer *answer)
{
    struct key_url *k = arg;
    k->under_way = 0;
    if (!k->hub) {
        key_url_free(k);
        return;
    }
    take(k, answer);
    k->due_ms = clock_now_ms(k->hub->parts.clock) + (k->have ? AGAIN_MS : FIRST_AGAIN_MS);
}

static void fetch(struct key_url *k)
{
    static const char *const anywhere[] = {"0.0.0.0/0", "::/0", NULL};
    static const struct belfry_attr accept = {{"Accept", 6}, {"application/jwk-set+json, application/json", 42}};
    struct error err = {0};
    struct belfry_http_call call = {.struct_size = sizeof(call),
                                    .method = "GET",
                                    .url = k->url,
                                    .headers = &accept,
                                    .header_count = 1,
                                    .timeout_ms = TIMEOUT_MS,
                                    .max_response = SET_MAX,
                                    .allow_cidrs = anywhere};
    k->due_ms = clock_now_ms(k->hub->parts.clock) + FIRST_AGAIN_MS;
    if (client_request(k->hub->parts.client, &call, on_answer, k, NULL, &err) == BELFRY_OK)
        k->under_way = 1;
    else
        log_warn("hub", "key set cannot be fetched", "err=%s", log_quote(error_text(&err), strlen(error_text(&err))));
    error_clear(&err);
}

static void on_tick(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    int64_t now = clock_now_ms(hub->parts.clock);
    LIST_EACH_SAFE(it, &hub->jwks)
    {
        struct key_url *k = LIST_OF(it, struct key_url, node);
        if (!k->under_way && (k->due_ms <= now || k->due_ms > now + AGAIN_MS)) /* the clock may go back */
            fetch(k);
    }
}

static void name_url(struct hub *hub, const char *where)
{
    if (!where || !strstr(where, "://"))
        return;
    LIST_EACH(it, &hub->jwks)
    {
        struct key_url *k = LIST_OF(it, struct key_url, node);
        if (strcmp(k->url, where) == 0) {
            k->named = 1;
            return;
        }
    }
    struct key_url *k = xcalloc(1, sizeof(*k));
    k->hub = hub;
    k->url = xstrdup(where);
    k->named = 1;
    list_push_back(&hub->jwks, &k->node);
}

void hub_jwks_configure(struct hub *hub, const struct config *config)
{
    LIST_EACH(it, &hub->jwks)
    LIST_OF(it, struct key_url, node)->named = 0;
    name_url(hub, config->jwt.jwks);
    for (size_t i = 0; i < config->org_count; i++)
        name_url(hub, config->orgs[i].jwt.jwks);
    LIST_EACH_SAFE(it, &hub->jwks)
    {
        struct key_url *k = LIST_OF(it, struct key_url, node);
        if (!k->named)
            key_url_drop(k);
    }
    on_tick(&hub->jwks_timer);
}

void hub_jwks_init(struct hub *hub)
{
    list_init(&hub->jwks);
    uv_timer_init(hub->parts.loop, &hub->jwks_timer);
    hub->jwks_timer.data = hub;
    uv_timer_start(&hub->jwks_timer, on_tick, TICK_MS, TICK_MS);
}

void hub_jwks_fini(struct hub *hub)
{
    if (!hub->jwks_timer.data)
        return;
    while (!list_empty(&hub->jwks))
        key_url_drop(LIST_OF(hub->jwks.next, struct key_url, node));
    uv_close((uv_handle_t *)&hub->jwks_timer, NULL);
}
