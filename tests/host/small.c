/* SPDX-License-Identifier: Apache-2.0 */
/* The small extensions: match, template, calendar, targets, metrics, secret, worker, site, alarm, directory, state,
 * asset. */
#include "fake.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/zone.h"
#include "match/match.h"
#include "template/template.h"

#include <stdlib.h>

/* --- match, template: the hub's own ------------------------------------------------------------------------------- */

static int32_t eval(const struct belfry_condition *condition, const struct belfry_view *view)
{
    return !condition || match_eval(condition, view, NULL, NULL);
}

static void condition_paths(const struct belfry_condition *condition, struct belfry_strs *out)
{
    *out = (struct belfry_strs){NULL, 0};
    if (condition)
        out->items = match_paths(condition, &out->count);
}

static const struct belfry_match_api match_api = {sizeof(match_api), 0, eval, condition_paths};

static void data_paths(const struct belfry_host *host, struct belfry_strs *out)
{
    *out = fake_of(host)->rule_paths;
}

static const struct belfry_rules_api rules_api = {sizeof(rules_api), 0, data_paths};

static belfry_status render(const struct belfry_template *tpl, const struct belfry_view *params,
                            void (*sink)(void *arg, struct belfry_str text), void *arg)
{
    struct buf out = {0};
    belfry_status status = template_render(tpl, params, TEMPLATE_TEXT, NULL, NULL, &out);
    if (status == BELFRY_OK)
        sink(arg, buf_str(&out));
    buf_free(&out);
    return status;
}

static void template_names(const struct belfry_template *tpl, struct belfry_strs *out)
{
    out->items = template_reads(tpl, &out->count);
}

static const struct belfry_template_api template_api = {sizeof(template_api), 0, render, template_names};

/* --- targets ------------------------------------------------------------------------------------------------------ */

static const char *copy_text(struct belfry_test *t, const char *text)
{
    return text ? arena_strdup(t->arena, text) : NULL;
}

/* One that stays keeps its id, and what its receiver allows unless the URL changed. */
static struct fake_target kept(const struct fake_target *before, size_t count, const struct belfry_target_spec *spec)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i].spec.name, spec->name) == 0)
            return (struct fake_target){.id = before[i].id,
                                        .pace = strcmp(before[i].spec.url, spec->url) == 0 ? before[i].pace : 0};
    return (struct fake_target){0};
}

static belfry_status declare(const struct belfry_host *host, const struct belfry_target_spec *specs, uint32_t count,
                             const struct belfry_target_policy *policy, struct belfry_error *err)
{
    struct belfry_test *t = fake_of(host);
    if (!policy || policy->attempts == 0 || (policy->attempts > 1 && !policy->waits_ms))
        return host->fail(err, BELFRY_EINVAL, NULL, "a policy has at least one attempt, and a wait before each other");
    size_t before_count = t->targets.count;
    struct fake_target *before = arena_memdup(t->arena, t->targets.items, before_count * sizeof(*before));
    t->targets.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct belfry_target_spec *in = &specs[i];
        if (!in->name || !in->url)
            return host->fail(err, BELFRY_EINVAL, NULL, "a target has a name and a url");
        if (belfry_test_target(t, in->name))
            return host->fail(err, BELFRY_EINVAL, NULL, "the target `%s` is declared twice", in->name);
        struct belfry_target_spec spec = *in;
        spec.name = copy_text(t, in->name);
        spec.url = copy_text(t, in->url);
        spec.secret = copy_text(t, in->secret ? in->secret : "");
        spec.types = fake_strs(t, in->types);
        spec.orgs = fake_strs(t, in->orgs);
        spec.settings = str_of(fake_text(t, in->settings));
        spec.secrets = fake_strs(t, in->secrets);
        struct fake_target target = kept(before, before_count, &spec);
        target.id = target.id ? target.id : fake_id(t);
        target.spec = spec;
        *FAKE_ADD(t, &t->targets) = target;
    }
    t->policy = *policy;
    t->policy.waits_ms = arena_memdup(t->arena, policy->waits_ms, (policy->attempts - 1) * sizeof(int64_t));
    t->has_policy = 1;
    return BELFRY_OK;
}

static void pace(const struct belfry_host *host, uint64_t target, uint32_t per_minute)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->targets.count; i++)
        if (t->targets.items[i].id == target)
            t->targets.items[i].pace = per_minute;
}

static const struct belfry_targets_api targets_api = {sizeof(targets_api), 0, declare, pace};

uint32_t belfry_test_pace(const struct belfry_test *t, const char *name)
{
    for (size_t i = 0; i < t->targets.count; i++)
        if (strcmp(t->targets.items[i].spec.name, name) == 0)
            return t->targets.items[i].pace;
    return 0;
}

const struct belfry_target_spec *belfry_test_target(const struct belfry_test *t, const char *name)
{
    for (size_t i = 0; i < t->targets.count; i++) {
        if (strcmp(t->targets.items[i].spec.name, name) == 0)
            return &t->targets.items[i].spec;
    }
    return NULL;
}

const struct belfry_target_policy *belfry_test_policy(const struct belfry_test *t)
{
    return t->has_policy ? &t->policy : NULL;
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

static struct fake_metric *find_metric(const struct belfry_test *t, const char *name)
{
    for (size_t i = 0; i < t->metrics.count; i++) {
        if (strcmp(t->metrics.items[i].name, name) == 0)
            return &t->metrics.items[i];
    }
    return NULL;
}

static belfry_status metric(const struct belfry_host *host, const char *name, int is_gauge, uint32_t *id)
{
    struct belfry_test *t = fake_of(host);
    struct fake_metric *found = find_metric(t, name);
    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
        (found && found->gauge != is_gauge))
        return BELFRY_EINVAL;
    if (!found) {
        found = FAKE_ADD(t, &t->metrics);
        *found = (struct fake_metric){arena_strdup(t->arena, name), 0, is_gauge};
    }
    *id = (uint32_t)(found - t->metrics.items);
    return BELFRY_OK;
}

static belfry_status counter(const struct belfry_host *host, const char *name, const char *help, uint32_t *id)
{
    (void)help;
    return metric(host, name, 0, id);
}

static belfry_status gauge(const struct belfry_host *host, const char *name, const char *help, uint32_t *id)
{
    (void)help;
    return metric(host, name, 1, id);
}

static void metric_add(const struct belfry_host *host, uint32_t id, double value)
{
    if (id < fake_of(host)->metrics.count)
        fake_of(host)->metrics.items[id].value += value;
}

static void metric_set(const struct belfry_host *host, uint32_t id, double value)
{
    if (id < fake_of(host)->metrics.count)
        fake_of(host)->metrics.items[id].value = value;
}

static const struct belfry_metrics_api metrics_api = {sizeof(metrics_api), 0, counter, gauge, metric_add, metric_set};

double belfry_test_metric(const struct belfry_test *t, const char *name)
{
    const struct fake_metric *found = find_metric(t, name);
    return found ? found->value : 0;
}

/* --- secret, worker ----------------------------------------------------------------------------------------------- */

/* The same for the same instance and purpose, and for no other. */
static void derive(const struct belfry_host *host, const char *purpose, uint8_t out[32])
{
    char *text = xasprintf("%s\n%s", host->instance, purpose);
    sha256(text, strlen(text), out);
    free(text);
}

static const struct belfry_secret_api secret_api = {sizeof(secret_api), 0, derive};

struct work {
    struct belfry_test *test;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void work_done(void *arg)
{
    struct work *w = arg;
    w->done(w->arg);
    free(w);
}

static void work_now(void *arg)
{
    struct work *w = arg;
    w->work(w->arg);
    fake_post(w->test, work_done, w);
}

static belfry_status run(const struct belfry_host *host, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    if (!work || !done)
        return BELFRY_EINVAL;
    struct work *w = xcalloc(1, sizeof(*w));
    *w = (struct work){fake_of(host), work, done, arg};
    fake_post(w->test, work_now, w);
    return BELFRY_OK;
}

static const struct belfry_worker_api worker_api = {sizeof(worker_api), 0, run};

/* --- site --------------------------------------------------------------------------------------------------------- */

static struct belfry_str site_url(const struct belfry_host *host)
{
    (void)host;
    return str_of(FAKE_URL);
}

static const struct belfry_site_api site_api = {sizeof(site_api), 0, site_url};

/* --- alarm -------------------------------------------------------------------------------------------------------- */

static void raise_alarm(const struct belfry_host *host, uint32_t what, struct belfry_str name, struct belfry_str why)
{
    const char *word = what == BELFRY_ALARM_FAILING ? "failing" : "distrusted";
    fake_tell(fake_of(host), "alarm %s %.*s: %.*s", word, STR_ARG(name), STR_ARG(why));
}

static const struct belfry_alarm_api alarm_api = {sizeof(alarm_api), 0, raise_alarm};

/* --- directory, state, asset -------------------------------------------------------------------------------------- */

static belfry_status person(const struct belfry_host *host, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out)
{
    const struct belfry_person *found = fake_person(fake_of(host), org, username);
    if (found)
        *out = *found;
    return found ? BELFRY_OK : BELFRY_ENOTFOUND;
}

static const struct belfry_directory_api directory_api = {sizeof(directory_api), 0, person};

struct look {
    struct belfry_test *test;
    struct belfry_str org, key, after;
    int32_t reverse;
    uint32_t limit;
    void (*done)(void *arg, belfry_status status, struct belfry_str value);
    void (*scan_done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count);
    void *arg;
};

static struct belfry_str keep(struct belfry_test *t, struct belfry_str s)
{
    return str_slice(fake_text(t, s), s.len);
}

static void look_now(void *arg)
{
    struct look *l = arg;
    size_t at;
    const struct fake_state *found = fake_state_find(l->test, l->org, l->key, &at);
    l->done(l->arg, BELFRY_OK, found ? found->value : (struct belfry_str){0});
}

static void state_get(const struct belfry_host *host, struct belfry_str org, struct belfry_str key,
                      void (*done)(void *arg, belfry_status status, struct belfry_str value), void *arg)
{
    struct belfry_test *t = fake_of(host);
    struct look *l = arena_alloc(t->arena, sizeof(*l));
    *l = (struct look){.test = t, .org = keep(t, org), .key = keep(t, key), .done = done, .arg = arg};
    fake_post(t, look_now, l);
}

static void scan_now(void *arg)
{
    struct look *l = arg;
    struct belfry_test *t = l->test;
    struct belfry_attr *items = arena_alloc(t->arena, (t->state.count + 1) * sizeof(*items));
    size_t count = 0, all = t->state.count;
    for (size_t i = 0; i < all && count < l->limit; i++) {
        const struct fake_state *s = &t->state.items[l->reverse ? all - 1 - i : i];
        int cmp = l->after.len ? str_cmp(s->key, l->after) : 0;
        int passed = l->after.len && (l->reverse ? cmp >= 0 : cmp <= 0);
        if (str_eq(s->org, l->org) && str_has_prefix(s->key, l->key) && !passed)
            items[count++] = (struct belfry_attr){s->key, s->value};
    }
    int wrong = l->limit < 1 || l->limit > 1000;
    l->scan_done(l->arg, wrong ? BELFRY_EINVAL : BELFRY_OK, items, wrong ? 0 : count);
}

static void state_scan(const struct belfry_host *host, struct belfry_str org, struct belfry_str prefix,
                       struct belfry_str after, int32_t reverse, uint32_t limit,
                       void (*done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count),
                       void *arg)
{
    struct belfry_test *t = fake_of(host);
    struct look *l = arena_alloc(t->arena, sizeof(*l));
    *l = (struct look){.test = t,
                       .org = keep(t, org),
                       .key = keep(t, prefix),
                       .after = keep(t, after),
                       .reverse = reverse,
                       .limit = limit,
                       .scan_done = done,
                       .arg = arg};
    fake_post(t, scan_now, l);
}

static const struct belfry_state_api state_api = {sizeof(state_api), 0, state_get, state_scan};

static belfry_status asset_add(const struct belfry_host *host, const char *name, const char *content_type,
                               const void *bytes, size_t size)
{
    (void)host;
    return name && *name && content_type && (bytes || !size) ? BELFRY_OK : BELFRY_EINVAL;
}

static const struct belfry_asset_api asset_api = {sizeof(asset_api), 0, asset_add};

/* --- belfry.pages/1 ----------------------------------------------------------------------------------------------- */

static struct pages *pages_of(const struct belfry_host *host)
{
    struct belfry_test *t = fake_of(host);
    if (!t->pages)
        t->pages = pages_new();
    return t->pages;
}

static belfry_status pages_texts_add(const struct belfry_host *host, const char *language, struct belfry_str json,
                                     struct belfry_error *err)
{
    return texts_add(pages_texts(pages_of(host)), language, json, err ? err->impl : NULL);
}

static belfry_status pages_template(const struct belfry_host *host, const char *name, struct belfry_str text,
                                    struct belfry_error *err)
{
    return pages_add(pages_of(host), name, text, err ? err->impl : NULL);
}

static belfry_status pages_html(const struct belfry_host *host, const struct belfry_http_request *req, const char *name,
                                struct belfry_str json, void (*sink)(void *arg, struct belfry_str html), void *arg)
{
    struct buf out = {0};
    json_t *model = json_read(json, NULL);
    belfry_status status = BELFRY_EINVAL;
    if (json_is_object(model))
        status = pages_render(pages_of(host), req->locale, name, model, &out);
    json_decref(model);
    if (status == BELFRY_OK)
        sink(arg, buf_str(&out));
    buf_free(&out);
    return status;
}

static struct belfry_str pages_format(const struct belfry_host *host, const struct belfry_http_request *req,
                                      const char *key, const struct belfry_value *args, size_t count)
{
    struct belfry_test *t = fake_of(host);
    return texts_format(pages_texts(pages_of(host)), req->locale, key, args, count, t->arena);
}

static struct belfry_str pages_ago(const struct belfry_host *host, const struct belfry_http_request *req, int64_t ms)
{
    struct belfry_test *t = fake_of(host);
    char text[TIME_TEXT_SIZE];
    struct belfry_str ago = texts_ago(pages_texts(pages_of(host)), req->locale, clock_now_ms(t->clock), ms, t->arena);
    time_format(ms, text);
    return ago.len ? ago : str_of(arena_strdup(t->arena, text));
}

static belfry_status pages_parts(const struct belfry_host *host, const struct belfry_rendering *what,
                                 void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                 void *arg)
{
    return pages_render_parts(pages_of(host), what, sink, arg);
}

static void pages_format_in(const struct belfry_host *host, struct belfry_str language, const char *key,
                            const struct belfry_value *args, size_t count,
                            void (*sink)(void *arg, struct belfry_str text), void *arg)
{
    sink(arg, texts_format(pages_texts(pages_of(host)), language, key, args, count, fake_of(host)->arena));
}

static void pages_time_in(const struct belfry_host *host, struct belfry_str language, struct belfry_str zone,
                          uint32_t style, int64_t ms, void (*sink)(void *arg, struct belfry_str text), void *arg)
{
    sink(arg, pages_time(pages_of(host), language, zone, style, ms, fake_of(host)->arena));
}

static struct belfry_str pages_language_of(const struct belfry_host *host, struct belfry_str locale)
{
    return str_of(texts_language(pages_texts(pages_of(host)), locale));
}

static struct belfry_str pages_zone_of(const struct belfry_host *host, struct belfry_str org, struct belfry_str zone)
{
    (void)org;
    return zone_exists(zone) ? zone : str_of(fake_of(host)->zone);
}

static const struct belfry_pages_api pages_api = {
    sizeof(pages_api), 0,           pages_texts_add, pages_template, pages_html,        pages_format,
    pages_ago,         pages_parts, pages_format_in, pages_time_in,  pages_language_of, pages_zone_of};

/* --- all of them -------------------------------------------------------------------------------------------------- */

const void *fake_extension(const char *id)
{
    const struct {
        const char *id;
        const void *api;
    } all[] = {
        {BELFRY_EXT_TIMER, &fake_timer_api},
        {BELFRY_EXT_MATCH, &match_api},
        {BELFRY_EXT_TEMPLATE, &template_api},
        {BELFRY_EXT_RULES, &rules_api},
        {BELFRY_EXT_TARGETS, &targets_api},
        {BELFRY_EXT_METRICS, &metrics_api},
        {BELFRY_EXT_SECRET, &secret_api},
        {BELFRY_EXT_HTTP_CLIENT, &fake_http_api},
        {BELFRY_EXT_WORKER, &worker_api},
        {BELFRY_EXT_SITE, &site_api},
        {BELFRY_EXT_ALARM, &alarm_api},
        {BELFRY_EXT_STATE, &state_api},
        {BELFRY_EXT_SMTP_CLIENT, &fake_smtp_api},
        {BELFRY_EXT_SAMPLES, &fake_samples_api},
        {BELFRY_EXT_DIRECTORY, &directory_api},
        {BELFRY_EXT_ASSET, &asset_api},
        {BELFRY_EXT_FD, &fake_fd_api},
        {BELFRY_EXT_CALENDAR, &zone_calendar_api},
        {BELFRY_EXT_HTTP_ROUTE, &fake_route_api},
        {BELFRY_EXT_PAGES, &pages_api},
        {BELFRY_EXT_ADDRESSES, &fake_addresses_api},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].id, id) == 0)
            return all[i].api;
    }
    return NULL;
}

int fake_has_extension(const char *id)
{
    return fake_extension(id) != NULL;
}
