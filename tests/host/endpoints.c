/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.endpoints/1: what somebody says of an endpoint over the API, as the hub asks the plugin about it. */
#include "fake.h"

/* What the plugin handed to a sink. */
struct caught {
    struct belfry_test *t;
    const char *text; /* NULL: nothing */
    int times;
};

static void catch_text(void *arg, struct belfry_str text)
{
    struct caught *c = arg;
    c->text = fake_text(c->t, text);
    c->times++;
}

static const struct belfry_endpoints *role_of(struct belfry_test *t, const char *function)
{
    if (!t->created || !t->plugin->endpoints)
        fake_misuse(function, "there is no instance with the role " PLUGIN_ROLE_ENDPOINTS);
    return t->created ? t->plugin->endpoints : NULL;
}

static int is_object(const char *text)
{
    struct error why = {0};
    json_t *value = json_read(str_of(text), &why);
    int is = json_is_object(value);
    json_decref(value);
    error_clear(&why);
    return is;
}

/* Once when it is well, and not at all when it is not. */
static const char *taken(struct caught *c, const char *call, belfry_status status, int object)
{
    fake_end(c->t, status);
    if (c->times != (status == BELFRY_OK))
        fake_fault(c->t, "%s() called its sink %d times and returned %s", call, c->times, status_text(status));
    if (status != BELFRY_OK)
        return NULL;
    if (object && c->text && !is_object(c->text))
        fake_fault(c->t, "%s() gave what is no JSON object", call);
    return c->text;
}

const char *belfry_test_endpoint(struct belfry_test *t, const char *url, const char *settings, const char *before)
{
    return belfry_test_endpoint_moved(t, url, before ? url : "", settings, before);
}

const char *belfry_test_endpoint_moved(struct belfry_test *t, const char *url, const char *url_before,
                                       const char *settings, const char *before)
{
    const struct belfry_endpoints *role = role_of(t, "belfry_test_endpoint");
    struct caught c = {t, NULL, 0};
    struct belfry_endpoint_draft draft = {.struct_size = sizeof(draft),
                                          .org = str_of(t->org),
                                          .url = str_of(url),
                                          .settings = str_of(settings),
                                          .before = str_of(before ? before : ""),
                                          .url_before = str_of(url_before)};
    if (!role)
        return NULL;
    fake_begin(t);
    struct belfry_error err = {sizeof(err), BELFRY_OK, &t->err};
    return taken(&c, "check", role->check(t->self, &draft, catch_text, &c, &err), 1);
}

const char *belfry_test_endpoint_secret(struct belfry_test *t, const char *settings, const char *given)
{
    const struct belfry_endpoints *role = role_of(t, "belfry_test_endpoint_secret");
    struct caught c = {t, NULL, 0};
    if (!role)
        return NULL;
    fake_begin(t);
    struct belfry_error err = {sizeof(err), BELFRY_OK, &t->err};
    belfry_status status = role->secret(t->self, str_of(settings), str_of(given ? given : ""), catch_text, &c, &err);
    return taken(&c, "secret", status, 0);
}

const char *belfry_test_endpoint_shown(struct belfry_test *t, const char *settings, const char *secret, uint32_t flags)
{
    const struct belfry_endpoints *role = role_of(t, "belfry_test_endpoint_shown");
    struct caught c = {t, NULL, 0};
    if (!role)
        return NULL;
    fake_begin(t);
    role->show(t->self, str_of(settings), str_of(secret), flags, catch_text, &c);
    return taken(&c, "show", BELFRY_OK, 1);
}

void belfry_test_endpoint_make(struct belfry_test *t, const char *name, const char *url, const char *settings,
                               const char *secret)
{
    struct fake_target *target = NULL;
    for (size_t i = 0; i < t->targets.count; i++)
        if (strcmp(t->targets.items[i].spec.name, name) == 0)
            target = &t->targets.items[i];
    if (!target) {
        target = FAKE_ADD(t, &t->targets);
        *target = (struct fake_target){.id = fake_id(t)};
    }
    target->removed = 0;
    target->spec = (struct belfry_target_spec){.struct_size = sizeof(target->spec),
                                               .name = arena_strdup(t->arena, name),
                                               .url = arena_strdup(t->arena, url),
                                               .secret = arena_strdup(t->arena, secret),
                                               .settings = str_of(arena_strdup(t->arena, settings))};
}

void belfry_test_endpoint_remove(struct belfry_test *t, const char *name)
{
    const struct belfry_endpoints *role = role_of(t, "belfry_test_endpoint_remove");
    size_t at = 0;
    while (at < t->targets.count && strcmp(t->targets.items[at].spec.name, name) != 0)
        at++;
    if (!role || at == t->targets.count) {
        fake_misuse("belfry_test_endpoint_remove", "there is no such target");
        return;
    }
    t->targets.items[at].removed = 1;
    fake_begin(t);
    if (role->gone)
        role->gone(t->self, t->targets.items[at].id);
    fake_end(t, BELFRY_OK);
}
