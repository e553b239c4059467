/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test from new to free: the descriptor is checked as the loader does it, options are filled by the hub's own walker,
 * so what passes here passes `belfry check`. What a failed expectation does is the framework's business; until it says
 * so, the process aborts, because a test that goes on after a failure proves nothing.
 */
#include "fake.h"

#include "base/mem.h"
#include "plugin/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define START_TIME "2026-01-05T09:00:00Z"

static void (*on_failure)(const char *file, int line, const char *text);

void belfry_test_on_failure(void (*fn)(const char *file, int line, const char *text))
{
    on_failure = fn;
}

void fake_fail(const char *file, int line, const char *text)
{
    if (on_failure) {
        on_failure(file, line, text);
        return;
    }
    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    abort();
}

void fake_misuse(const char *function, const char *format, ...)
{
    static char kept[1000]; /* the failure function may never return */
    va_list args;
    va_start(args, format);
    int len = snprintf(kept, sizeof(kept), "%s: ", function);
    vsnprintf(kept + len, sizeof(kept) - (size_t)len, format, args);
    va_end(args);
    fake_fail("libbelfry-test", 0, kept);
}

/* --- small things ------------------------------------------------------------------------------------------------- */

void *fake_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 8;
    void *grown = arena_alloc(arena, *cap * size);
    if (count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

struct belfry_test *fake_of(const struct belfry_host *host)
{
    return host->impl;
}

const char *fake_text(struct belfry_test *t, struct belfry_str s)
{
    return arena_strndup(t->arena, s.ptr ? s.ptr : "", s.len);
}

struct belfry_strs fake_strs(struct belfry_test *t, struct belfry_strs list)
{
    struct belfry_str *items = arena_alloc(t->arena, (list.count + 1) * sizeof(*items));
    for (size_t i = 0; i < list.count; i++)
        items[i] = str_of(fake_text(t, list.items[i]));
    return (struct belfry_strs){items, list.count};
}

void fake_fault(struct belfry_test *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vaddf(&t->faults, format, args);
    va_end(args);
    buf_addc(&t->faults, '\n');
}

uint64_t fake_id(struct belfry_test *t)
{
    return ++t->last_id;
}

void fake_begin(struct belfry_test *t)
{
    error_clear(&t->err);
    t->status = BELFRY_OK;
}

belfry_status fake_end(struct belfry_test *t, belfry_status status)
{
    t->status = status;
    return status;
}

/* --- the descriptor ----------------------------------------------------------------------------------------------- */

static const void *role_of(const struct belfry_plugin *desc, const char *id)
{
    for (const struct belfry_role *role = desc->roles; role && role->id; role++)
        if (strcmp(role->id, id) == 0)
            return role->vtable;
    return NULL;
}

/* The plugin as a loader would make it of an object: whatever is data goes through the same checks as a sidecar's. */
static const struct plugin *take_linked(struct belfry_test *t, const struct belfry_entry *entry)
{
    static const char *const nothing[] = {NULL};
    if (entry->magic != BELFRY_MAGIC || entry->abi_major != BELFRY_ABI_MAJOR || entry->plugin_count != 1) {
        error_set(&t->err, BELFRY_EINVAL, NULL,
                  "belfry_entry has magic %x, ABI %u and %u plugins, expected %x, %u and 1", entry->magic,
                  entry->abi_major, entry->plugin_count, BELFRY_MAGIC, BELFRY_ABI_MAJOR);
        return NULL;
    }
    struct plugin *p = &t->linked;
    p->desc = *entry->plugins[0];
    p->id = p->desc.id ? p->desc.id : "";
    p->version = p->desc.version;
    p->summary = p->desc.summary;
    p->path = arena_printf(t->arena, "%s.so", p->id);
    p->build_id = "linked";
    p->needs = p->desc.needs ? p->desc.needs : nothing;
    p->source = role_of(&p->desc, PLUGIN_ROLE_SOURCE);
    p->delivery = role_of(&p->desc, PLUGIN_ROLE_DELIVERY);
    p->feedback = role_of(&p->desc, PLUGIN_ROLE_FEEDBACK);
    p->endpoints = role_of(&p->desc, PLUGIN_ROLE_ENDPOINTS);
    p->loaded = 1;
    json_t *sidecar = plugin_sidecar(p);
    const struct plugin *checked = plugin_from_json(t->arena, p->path, sidecar, &t->err);
    json_decref(sidecar);
    return checked ? p : NULL;
}

static int take_plugin(struct belfry_test *t)
{
    const struct plugin *p = t->plugin;
    for (size_t i = 0; p->needs[i]; i++) {
        if (!fake_has_extension(p->needs[i])) {
            error_set(&t->err, BELFRY_EUNSUPPORTED, NULL, "libbelfry-test does not offer the extension %s",
                      p->needs[i]);
            return 0;
        }
    }
    if ((p->source && !p->source->receive) || !p->desc.create || (p->desc.reload && p->source)) {
        error_set(&t->err, BELFRY_EINVAL, NULL, "a plugin has create(), a source has receive() and no reload()");
        return 0;
    }
    return 1;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void keep_diagnostics(struct belfry_test *t, struct diag_set *diags)
{
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        if (d->severity == DIAG_ERROR)
            error_set(&t->err, BELFRY_EINVAL, NULL, "%u:%u: %s", d->span.line, d->span.col, d->message);
    }
}

/* What the hub itself reads of an instance's block. */
static const char *const common_keys[] = {"plugin", "orgs", "was", "feed", "verify", "hook"};

static int fill_options(struct belfry_test *t, const char *yaml, void **config)
{
    static const struct belfry_option none[1];
    const struct belfry_plugin *desc = &t->plugin->desc;
    struct diag_set *diags = diag_set_new();
    uint32_t file = diag_add_file(diags, "options", str_of(yaml ? yaml : ""));
    const struct yaml_node *root = yaml_load(t->arena, diags, file);
    struct option_scope scope = {.also = common_keys, .also_count = sizeof(common_keys) / sizeof(common_keys[0])};
    *config = arena_alloc(t->arena, desc->config_size + 1);
    if (root)
        option_fill(t->arena, diags, desc->options ? desc->options : none, root, &scope, *config, desc->config_size);
    size_t errors = diag_count(diags, DIAG_ERROR);
    keep_diagnostics(t, diags);
    diag_set_free(diags);
    return errors == 0;
}

/* --- the instance ------------------------------------------------------------------------------------------------- */

static belfry_status create(struct belfry_test *t, const char *yaml)
{
    void *config = NULL, *self = NULL;
    if (!fill_options(t, yaml, &config))
        return BELFRY_EINVAL;
    struct belfry_error err = {sizeof(err), BELFRY_OK, &t->err};
    belfry_status status = t->plugin->desc.create(&t->host, config, &self, &err);
    if (status != BELFRY_OK) {
        if (t->err.count == 0)
            error_set(&t->err, status, NULL, "create() refused: %s", status_text(status));
        return status;
    }
    t->self = self;
    t->created = 1;
    t->instance++;
    t->stopping = t->stopped = 0;
    if (t->plugin->desc.start)
        status = t->plugin->desc.start(self, &err);
    if (status != BELFRY_OK && t->err.count == 0)
        error_set(&t->err, status, NULL, "start() refused: %s", status_text(status));
    belfry_test_settle(t);
    return status;
}

/* instance: which one's loop timers end with it. */
static void destroy(struct belfry_test *t, uint32_t instance)
{
    if (!t->created)
        return;
    t->stopping = 1;
    if (t->plugin->desc.stop) {
        t->plugin->desc.stop(t->self);
        belfry_test_settle(t);
        if (!t->stopped)
            belfry_test_advance(t, "10s"); /* what is under way has that long */
        if (!t->stopped)
            fake_fault(t, "R05: stopped() was not called within 10 s of stop()");
    }
    if (fake_calls_open(t))
        fake_fault(t, "R02: %d requests to routes were not answered", fake_calls_open(t));
    for (size_t i = 0; i < t->feedback.count; i++)
        if (!t->feedback.items[i]->pub.answered)
            fake_fault(t, "R02: feedback_done() is owed for message %llu",
                       (unsigned long long)t->feedback.items[i]->id);
    for (size_t i = 0; i < t->loop_timers.count; i++)
        t->loop_timers.items[i].stopped |= t->loop_timers.items[i].instance == instance;
    for (size_t i = 0; i < t->watches.count; i++)
        t->watches.items[i].over |= t->watches.items[i].instance == instance;
    if (t->plugin->desc.destroy)
        t->plugin->desc.destroy(t->self);
    t->created = 0;
    t->self = NULL;
    belfry_test_settle(t);
}

static struct belfry_test *make(void)
{
    struct belfry_test *t = xcalloc(1, sizeof(*t));
    int64_t now = 0;
    time_parse(STR(START_TIME), &now);
    t->arena = arena_new(0);
    t->clock = clock_virtual_new(now);
    t->host = fake_host_table;
    t->host.impl = t;
    t->org = "acme";
    t->zone = "UTC";
    t->principal = (struct belfry_principal){
        .struct_size = sizeof(t->principal), .kind = BELFRY_PRINCIPAL_TOKEN, .name = STR("test")};
    queue_init(&t->posts);
    return t;
}

static struct belfry_test *begin(struct belfry_test *t, const char *yaml)
{
    if (!t->plugin || !take_plugin(t)) {
        t->status = t->err.status;
        return t;
    }
    t->host.instance = t->plugin->id;
    t->status = create(t, yaml);
    return t;
}

struct belfry_test *belfry_test_new(const struct belfry_entry *entry, const char *yaml)
{
    struct belfry_test *t = make();
    t->plugin = take_linked(t, entry);
    return begin(t, yaml);
}

struct belfry_test *belfry_test_open(const char *so_path, const char *yaml)
{
    struct belfry_test *t = make();
    t->plugin = plugin_load(so_path, fake_has_extension, &t->err);
    return begin(t, yaml);
}

static void free_all(struct belfry_test *t)
{
    struct list left;
    queue_take_all(&t->posts, &left);
    LIST_EACH_SAFE(it, &left)
    {
        free(LIST_OF(it, struct fake_post, node));
    }
    queue_fini(&t->posts);
    error_clear(&t->err);
    pages_free(t->pages);
    buf_free(&t->told);
    buf_free(&t->faults);
    buf_free(&t->logs);
    clock_free(t->clock);
    arena_free(t->arena);
    free(t);
}

void belfry_test_free(struct belfry_test *t)
{
    if (!t)
        return;
    destroy(t, t->instance);
    char *faults = t->faults.len ? xstrdup(t->faults.ptr) : NULL;
    free_all(t);
    if (faults) {
        char text[2000];
        snprintf(text, sizeof(text), "rules of the plugin ABI were broken:\n%s", faults);
        free(faults);
        fake_fail("libbelfry-test", 0, text);
    }
}

/* The new instance is there before the old one ends, and when it cannot start the old one goes on. */
static belfry_status replace(struct belfry_test *t, const char *yaml)
{
    void *selves[2] = {t->self};
    int created[2] = {t->created}, ends;
    uint32_t before = t->instance;
    t->created = 0;
    belfry_status status = create(t, yaml);
    selves[1] = t->self;
    created[1] = t->created;
    ends = status == BELFRY_OK ? 0 : 1;
    t->self = selves[ends];
    t->created = created[ends];
    destroy(t, ends ? before + 1 : before);
    t->self = selves[!ends];
    t->created = created[!ends];
    t->stopping = t->stopped = 0;
    return status;
}

belfry_status belfry_test_reload(struct belfry_test *t, const char *yaml)
{
    void *config;
    fake_begin(t);
    if (!fill_options(t, yaml, &config))
        return fake_end(t, BELFRY_EINVAL);
    if (t->created && t->plugin->desc.reload) {
        struct belfry_error err = {sizeof(err), BELFRY_OK, &t->err};
        belfry_status status = t->plugin->desc.reload(t->self, config, &err);
        belfry_test_settle(t);
        return fake_end(t, status);
    }
    return fake_end(t, replace(t, yaml));
}

/* --- what is asked of it ------------------------------------------------------------------------------------------ */

belfry_status belfry_test_status(const struct belfry_test *t)
{
    return t->status;
}

const char *belfry_test_error(const struct belfry_test *t)
{
    struct buf out = {0};
    for (size_t i = 0; i < t->err.count; i++) {
        const struct error_item *item = &t->err.items[i];
        buf_addf(&out, "%s%s%s%s", out.len ? "\n" : "", item->pointer, *item->pointer ? ": " : "", item->detail);
    }
    for (size_t i = 0; i < t->err.attr_count; i++)
        buf_addf(&out, "%s%s = %s", out.len ? "\n" : "", t->err.attrs[i].name, t->err.attrs[i].value);
    const char *text = arena_strndup(t->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

const char *belfry_test_faults(struct belfry_test *t)
{
    size_t len = t->faults.len;
    while (len > 0 && t->faults.ptr[len - 1] == '\n')
        len--;
    const char *text = arena_strndup(t->arena, len ? t->faults.ptr : "", len);
    buf_clear(&t->faults);
    return text;
}

void *belfry_test_self(const struct belfry_test *t)
{
    return t->self;
}

const struct belfry_host *belfry_test_host(const struct belfry_test *t)
{
    return &t->host;
}
