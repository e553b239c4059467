/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger with a source that does what its triggers say. A trigger's data is {"do":[STEP...]}, a timer's payload and a
 * task's result the same; a step is an array that begins with a word:
 *   ["put",K,V] ["del",K] ["get",K,V|null] ["scan",PREFIX,[K...]] ["emit",{...}] ["withdraw"|"supersede",SUBJECT,{...}]
 *   ["handled",SUBJECT,{...},BY] ["valid_until",SUBJECT,{...},MS] ["timer",K,MS,{...}] ["clear",K] ["task",K,{...},MS]
 *   ["fail",STATUS,TEXT] ["reads",N] ["puts",N] ["slow",MS] ["die"]
 * Times are counted from START. `get` and `scan` fail the call (EINTERNAL) when what they see differs.
 */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "route_fixture.h"

#include "base/log.h"
#include "ledger/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define START INT64_C(1700000000000)
#define MINUTE INT64_C(60000)

/* --- the source --------------------------------------------------------------------------------------------------- */

static belfry_status script_fail(struct belfry_error *err, belfry_status status, const char *pointer,
                                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(err->impl, status, pointer, format, args);
    va_end(args);
    return err->status = status;
}

static const struct belfry_host script_host = {.struct_size = sizeof(script_host), .fail = script_fail};

static struct belfry_strs script_list(struct belfry_txn *txn, const json_t *list)
{
    struct belfry_str *items = txn->api->alloc(txn, (json_array_size(list) + 1) * sizeof(*items));
    for (size_t i = 0; i < json_array_size(list); i++)
        items[i] = json_str(json_array_get(list, i));
    return (struct belfry_strs){items, json_array_size(list)};
}

static struct belfry_selection script_which(struct belfry_txn *txn, const json_t *in)
{
    return (struct belfry_selection){.struct_size = sizeof(struct belfry_selection),
                                     .types = script_list(txn, json_object_get(in, "types")),
                                     .only = script_list(txn, json_object_get(in, "only")),
                                     .except = script_list(txn, json_object_get(in, "except")),
                                     .reason = json_str(json_object_get(in, "reason"))};
}

static belfry_status script_emit(struct belfry_txn *txn, const json_t *in, struct belfry_error *err)
{
    const json_t *to = json_object_get(in, "to"), *severity = json_object_get(in, "severity");
    struct belfry_recipient *audience = txn->api->alloc(txn, (json_array_size(to) + 1) * sizeof(*audience));
    for (size_t i = 0; i < json_array_size(to); i++) {
        struct config_recipient r = fixture_recipient(json_string_value(json_array_get(to, i)));
        audience[i] = (struct belfry_recipient){
            .struct_size = sizeof(audience[i]), .kind = r.kind, .name = str_of(r.name), .reason = STR("owner")};
    }
    struct belfry_action approve = {.struct_size = sizeof(approve), .id = STR("approve"), .data = STR("{\"a\":1}")};
    struct belfry_action bogus = {.struct_size = sizeof(bogus), .id = STR("bogus")};
    const json_t *action = json_object_get(in, "action");
    char *data = json_object_get(in, "data") ? json_dumps(json_object_get(in, "data"), JSON_COMPACT) : NULL;
    struct belfry_event event = {
        .struct_size = sizeof(event),
        .type = json_str(json_object_get(in, "type")),
        .subject = json_str(json_object_get(in, "subject")),
        .category = json_str(json_object_get(in, "category")),
        .severity = severity ? (int32_t)json_integer_value(severity) : -1,
        .title = json_str(json_object_get(in, "title")),
        .body = json_str(json_object_get(in, "body")),
        .link = json_str(json_object_get(in, "link")),
        .actor = json_str(json_object_get(in, "actor")),
        .audience = audience,
        .audience_count = json_array_size(to),
        .actions = action && str_eqz(json_str(action), "approve") ? &approve : &bogus,
        .action_count = action ? 1 : 0,
        .data = str_of(data),
        .valid_until_ms = json_object_get(in, "until") ? START + json_integer_value(json_object_get(in, "until")) : 0,
    };
    /* "words":{"language","title","data"} */
    const json_t *said = json_object_get(in, "words");
    char *over = json_object_get(said, "data") ? json_dumps(json_object_get(said, "data"), JSON_ENCODE_ANY) : NULL;
    struct belfry_event_words words = {.struct_size = sizeof(words),
                                       .language = json_str(json_object_get(said, "language")),
                                       .title = json_str(json_object_get(said, "title")),
                                       .data = str_of(over)};
    event.words = &words;
    event.word_count = said ? 1 : 0;
    belfry_status status = txn->api->emit(txn, &event, err);
    free(over);
    free(data);
    return status;
}

struct script_scan {
    const json_t *expected;
    size_t at;
    int wrong;
};

static int32_t script_scanned(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct script_scan *scan = arg;
    (void)value;
    scan->wrong |= !str_eq(key, json_str(json_array_get(scan->expected, scan->at++)));
    return 0;
}

static belfry_status script_many(struct belfry_txn *txn, int64_t n, int put)
{
    belfry_status status = BELFRY_OK;
    for (int64_t i = 0; i < n; i++) {
        char key[32];
        struct belfry_str value;
        snprintf(key, sizeof(key), "many/%lld", (long long)i);
        status = put ? txn->api->put(txn, str_of(key), STR("v")) : txn->api->get(txn, str_of(key), &value);
    }
    return put ? BELFRY_OK : status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

static belfry_status script_see(struct belfry_txn *txn, struct belfry_str key, const json_t *expected)
{
    struct belfry_str value = {NULL, 0};
    belfry_status status = txn->api->get(txn, key, &value);
    if (status && status != BELFRY_ENOTFOUND)
        return status;
    int same = json_is_null(expected) ? status == BELFRY_ENOTFOUND : !status && str_eq(value, json_str(expected));
    return same ? BELFRY_OK : BELFRY_EINTERNAL;
}

static belfry_status script_step(struct belfry_txn *txn, const json_t *step, struct belfry_error *err)
{
    const struct belfry_txn_api *api = txn->api;
    const json_t *arg[4];
    for (size_t i = 0; i < 4; i++)
        arg[i] = json_array_get(step, i);
    const char *word = json_string_value(arg[0]);
    struct belfry_str key = json_str(arg[1]);
    struct belfry_selection which;
    belfry_status status = BELFRY_OK;
    if (!strcmp(word, "put"))
        return api->put(txn, key, json_str(arg[2]));
    if (!strcmp(word, "del"))
        return api->del(txn, key);
    if (!strcmp(word, "get"))
        return script_see(txn, key, arg[2]);
    if (!strcmp(word, "scan")) {
        struct script_scan scan = {.expected = arg[2]};
        status = api->scan(txn, key, (struct belfry_str){NULL, 0}, 0, 0, script_scanned, &scan);
        return status ? status : scan.wrong || scan.at != json_array_size(arg[2]) ? BELFRY_EINTERNAL : BELFRY_OK;
    }
    if (!strcmp(word, "emit"))
        return script_emit(txn, arg[1], err);
    if (!strcmp(word, "reads"))
        return script_many(txn, json_integer_value(arg[1]), 0);
    if (!strcmp(word, "puts"))
        return script_many(txn, json_integer_value(arg[1]), 1);
    if (!strcmp(word, "slow"))
        return usleep((useconds_t)json_integer_value(arg[1]) * 1000) ? BELFRY_EINTERNAL : BELFRY_OK;
    if (!strcmp(word, "die"))
        _exit(66);
    if (!strcmp(word, "fail"))
        return script_fail(err, (belfry_status)json_integer_value(arg[1]), "/data/do", "%s", json_string_value(arg[2]));
    if (!strcmp(word, "clear"))
        return api->timer_clear(txn, key);
    if (!strcmp(word, "timer") || !strcmp(word, "task")) {
        int timer = word[1] == 'i';
        char *payload = json_dumps(timer ? arg[3] : arg[2], JSON_COMPACT);
        int64_t when = START + json_integer_value(timer ? arg[2] : arg[3]);
        status = timer ? api->timer_set(txn, key, when, str_of(payload)) : api->task(txn, key, str_of(payload), when);
        free(payload);
        return status;
    }
    which = script_which(txn, arg[2]);
    if (!strcmp(word, "withdraw"))
        return api->withdraw(txn, key, &which);
    if (!strcmp(word, "supersede"))
        return api->supersede(txn, key, &which);
    if (!strcmp(word, "handled"))
        return api->handled(txn, key, &which, json_str(arg[3]));
    if (!strcmp(word, "valid_until"))
        return api->valid_until(txn, key, &which, json_integer_value(arg[3]) ? START + json_integer_value(arg[3]) : 0);
    return script_fail(err, BELFRY_EINTERNAL, NULL, "unknown step %s", word);
}

static belfry_status script_run(struct belfry_txn *txn, const json_t *data, struct belfry_error *err)
{
    const json_t *steps = json_object_get(data, "do");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        belfry_status status = script_step(txn, json_array_get(steps, i), err);
        if (status)
            return status;
    }
    return BELFRY_OK;
}

static belfry_status script_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                                    struct belfry_error *err)
{
    (void)self;
    return script_run(txn, trigger->impl, err);
}

static belfry_status script_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                                int64_t was_due_ms, struct belfry_error *err)
{
    (void)self;
    (void)key;
    (void)was_due_ms;
    json_t *data = json_read(payload, NULL);
    belfry_status status = script_run(txn, data, err);
    json_decref(data);
    return status;
}

static const struct belfry_source script_source = {
    .struct_size = sizeof(script_source), .receive = script_receive, .due = script_due};

static const char *const script_replaces[] = {"thing.assigned", NULL};
static const struct belfry_action_type script_actions[] = {
    {.struct_size = sizeof(struct belfry_action_type), .id = "approve", .label = "Approve", .trigger = "thing.decided"},
    {0}};
static const struct belfry_event_type script_types[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "thing.assigned",
     .category = "work",
     .severity = BELFRY_INFO,
     .replaces = script_replaces,
     .title = "Assigned: {{name}}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "thing.note",
     .category = "work",
     .severity = BELFRY_WARNING,
     .actions = script_actions,
     .title = "Note"},
    {.struct_size = sizeof(struct belfry_event_type), .type = "free.*", .category = "work", .severity = BELFRY_ERROR},
    {.struct_size = sizeof(struct belfry_event_type), .type = "secret.alarm", .category = "SECRET", .title = "Alarm"},
    {0}};
static const struct plugin script_plugin = {
    .id = "script",
    .desc = {.struct_size = sizeof(struct belfry_plugin), .events = script_types},
    .source = &script_source};

/* --- the ledger around it ----------------------------------------------------------------------------------------- */

struct bench {
    struct fixture *config;
    char dir[64];
    uv_loop_t loop;
    struct clock_src *clock;
    struct store *store;
    struct ledger *ledger;
    struct ledger_generation generation;
    struct ledger_source sources[2];
    int released, alarms;
    uint64_t news, people_told, deliveries_told, tasks_told, targets_told;
    int64_t last_rev;
    char alarm[64];
    void (*told)(void *arg, const struct ledger_news *news); /* may be NULL */
    void *told_arg;
};

static void bench_news(void *arg, const struct ledger_news *news)
{
    struct bench *b = arg;
    b->news++;
    b->people_told += news->people_count;
    b->deliveries_told += (uint64_t)news->deliveries;
    b->tasks_told += (uint64_t)news->tasks;
    b->targets_told += news->target_count;
    if (news->people_count)
        b->last_rev = news->people[0].rev;
    if (b->told)
        b->told(b->told_arg, news);
}

static void bench_alarm(void *arg, const char *type, struct belfry_str subject, const char *text)
{
    struct bench *b = arg;
    (void)text;
    b->alarms++;
    snprintf(b->alarm, sizeof(b->alarm), "%s %.*s", type, STR_ARG(subject));
}

static void bench_released(void *arg, struct ledger_generation *generation)
{
    (void)generation;
    ((struct bench *)arg)->released++;
}

/* {"ann":["role"]}: one org `acme`; mail addresses are NAME@acme.example. */
static inline void bench_people(struct fixture *f)
{
    size_t count = json_object_size(f->people), at = 0;
    struct config_user *users = arena_alloc(f->arena, (count + 1) * sizeof(*users));
    const char **names = arena_alloc(f->arena, (count + 1) * sizeof(*names));
    const char *name;
    json_t *roles;
    json_object_foreach(f->people, name, roles) names[at++] = name;
    qsort(names, count, sizeof(*names), fixture_by_text);
    for (size_t i = 0; i < count; i++)
        users[i] = (struct config_user){.username = names[i],
                                        .email = arena_printf(f->arena, "%s@acme.example", names[i]),
                                        .roles = fixture_names(f, json_object_get(f->people, names[i]))};
    struct config_org *org = arena_alloc(f->arena, sizeof(*org));
    *org = (struct config_org){.name = "acme", .users = users, .user_count = count};
    f->config.orgs = org;
    f->config.org_count = 1;
}

static inline void bench_sources(struct fixture *f)
{
    struct config_instance *sources = arena_alloc(f->arena, 2 * sizeof(*sources));
    sources[0] = (struct config_instance){.name = "crm", .plugin = &script_plugin, .index = 0};
    sources[1] = (struct config_instance){.name = "erp", .plugin = &script_plugin, .index = 1};
    f->config.sources = sources;
    f->config.source_count = 2;
}

struct bench_wait {
    int done;
    belfry_status status;
};

static void bench_done(void *arg, belfry_status status)
{
    struct bench_wait *wait = arg;
    wait->done = 1;
    wait->status = status;
}

static inline belfry_status bench_until(struct bench *b, struct bench_wait *wait)
{
    while (!wait->done)
        uv_run(&b->loop, UV_RUN_ONCE);
    return wait->status;
}

static inline void bench_generation(struct bench *b)
{
    b->generation = (struct ledger_generation){.config = &b->config->config,
                                               .route = b->config->route,
                                               .sources = b->sources,
                                               .source_count = 2,
                                               .released = bench_released,
                                               .arg = b};
    for (size_t i = 0; i < 2; i++)
        b->sources[i] = (struct ledger_source){
            .instance = &b->config->config.sources[i], .vtable = &script_source, .host = &script_host, .self = b};
    struct bench_wait wait = {0};
    ledger_generation_set(b->ledger, &b->generation, "test", bench_done, &wait);
    assert_int_equal(bench_until(b, &wait), BELFRY_OK);
}

/* Opens what is in b->dir: at first, and again after bench_stop(). */
static inline void bench_start(struct bench *b, const char *vfs)
{
    struct error err = {0};
    uv_loop_init(&b->loop);
    b->store = store_open(b->dir, vfs, b->clock, &err);
    if (!b->store)
        fail_msg("store_open: %s", error_text(&err));
    struct ledger_settings settings = {.store = b->store,
                                       .clock = b->clock,
                                       .loop = &b->loop,
                                       .data_dir = b->dir,
                                       .arg = b,
                                       .news = bench_news,
                                       .alarm = bench_alarm};
    b->ledger = ledger_new(&settings, &err);
    if (!b->ledger)
        fail_msg("ledger_new: %s", error_text(&err));
    bench_generation(b);
}

static inline void bench_stop(struct bench *b)
{
    ledger_free(b->ledger);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    store_close(b->store);
    b->ledger = NULL;
    b->store = NULL;
}

static inline struct bench *bench_new(const char *rules, const char *people)
{
    struct bench *b = xcalloc(1, sizeof(*b));
    log_setup(getenv("BELFRY_TEST_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    b->config = fixture_new(rules,
                            "{\"work\":{},\"hub\":{},\"SECRET\":{\"visible_to\":[\"boss\"]},"
                            "\"LOUD\":{\"visible_to\":[\"boss\"],\"webhooks\":true}}",
                            people);
    bench_people(b->config);
    bench_sources(b->config);
    b->clock = clock_virtual_new(START);
    snprintf(b->dir, sizeof(b->dir), "/tmp/belfry-ledger-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    return b;
}

static inline struct bench *bench_open(const char *rules, const char *people)
{
    struct bench *b = bench_new(rules, people);
    bench_start(b, NULL);
    return b;
}

static inline void bench_free(struct bench *b)
{
    if (b->ledger)
        bench_stop(b);
    static const char *const files[] = {"belfry.db", "belfry.db-wal", "belfry.db-shm", "lock", "in-hand", "copy.db"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
        unlink(path);
    }
    rmdir(b->dir);
    clock_free(b->clock);
    fixture_free(b->config);
    free(b);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

struct sent {
    struct ledger_request request;
    struct ledger_item_result *results;
    struct bench_wait wait;
    belfry_status early;
};

static void sent_done(struct ledger_request *request)
{
    ((struct sent *)request->arg)->wait.done = 1;
}

/* text: an array of [ID, STEP...]; source "crm" unless said otherwise. */
static inline struct sent *send_begin(struct bench *b, const char *source, const char *text, int partial)
{
    struct sent *s = xcalloc(1, sizeof(*s));
    struct error err = {0};
    json_t *list = json_read(str_of(text), &err);
    if (!list)
        fail_msg("bad test data %s: %s", text, error_text(&err));
    size_t count = json_array_size(list);
    s->results = xcalloc(count + 1, sizeof(*s->results));
    struct trigger_set *set = &s->request.triggers;
    set->arena = arena_new(0);
    set->count = count;
    set->batch = count > 1;
    set->items = arena_alloc(set->arena, (count + 1) * sizeof(*set->items));
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(list, i), *steps = json_array(), *data = json_object();
        for (size_t j = 1; j < json_array_size(item); j++)
            json_array_append(steps, json_array_get(item, j));
        json_object_set_new(data, "do", steps);
        json_object_set_new(data, "name", json_string("Deal"));
        char *bytes = json_dumps(data, JSON_COMPACT);
        struct trigger *t = &set->items[i];
        t->index = i;
        t->data = data;
        t->pub = (struct belfry_trigger){.struct_size = sizeof(t->pub),
                                         .id = arena_str(set->arena, json_str(json_array_get(item, 0))),
                                         .source = STR("https://crm.example"),
                                         .type = STR("thing.changed"),
                                         .arrived_ms = clock_now_ms(b->clock),
                                         .data = str_of(arena_strdup(set->arena, bytes)),
                                         .impl = data};
        arena_cleanup(set->arena, (void (*)(void *))json_decref, data);
        free(bytes);
    }
    json_decref(list);
    s->request.org = STR("acme");
    s->request.source = source;
    s->request.partial = partial;
    s->request.principal = (struct belfry_principal){
        .struct_size = sizeof(s->request.principal), .kind = BELFRY_PRINCIPAL_TOKEN, .name = STR("crm-app")};
    s->request.results = s->results;
    s->request.done = sent_done;
    s->request.arg = s;
    s->early = ledger_trigger(b->ledger, &s->request);
    return s;
}

static inline belfry_status send_end(struct bench *b, struct sent *s)
{
    if (!s->early)
        bench_until(b, &s->wait);
    return s->early ? s->early : s->request.status;
}

static inline void send_free(struct sent *s)
{
    for (size_t i = 0; i < s->request.triggers.count; i++)
        error_clear(&s->results[i].err);
    free(s->results);
    arena_free(s->request.triggers.arena);
    free(s);
}

/* Sends and waits; the status of the request. */
static inline belfry_status send_now(struct bench *b, const char *text)
{
    struct sent *s = send_begin(b, "crm", text, 0);
    belfry_status status = send_end(b, s);
    if (status && getenv("BELFRY_TEST_LOG"))
        for (size_t i = 0; i < s->request.triggers.count; i++)
            if (s->results[i].err.count)
                fprintf(stderr, "refused: %s\n", error_text(&s->results[i].err));
    send_free(s);
    return status;
}

static void settle_done(void *arg)
{
    ((struct bench_wait *)arg)->done = 1;
}

static inline void settle(struct bench *b)
{
    struct bench_wait wait = {0};
    ledger_settle(b->ledger, settle_done, &wait);
    bench_until(b, &wait);
}

static inline void advance(struct bench *b, int64_t ms)
{
    clock_advance(b->clock, ms);
    ledger_poke(b->ledger);
    settle(b);
}

/* --- what is in the database -------------------------------------------------------------------------------------- */

/* The rows of a query as text: columns by ' ', rows by '\n'; static memory. */
static inline const char *rows(const struct bench *b, const char *sql)
{
    static char out[65536];
    char path[160];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    size_t len = 0;
    snprintf(path, sizeof(path), "%s/belfry.db", b->dir);
    out[0] = '\0';
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) || sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt) && len < sizeof(out) - 1024; i++) {
            const unsigned char *text = sqlite3_column_text(stmt, i);
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s",
                                    i     ? " "
                                    : len ? "\n"
                                          : "",
                                    text ? (const char *)text : "-");
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

static inline void expect_rows(const struct bench *b, const char *sql, const char *expected)
{
    const char *have = rows(b, sql);
    if (strcmp(have, expected) != 0)
        fail_msg("%s\n--- is\n%s\n--- should be\n%s", sql, have, expected);
}

#define SQL_INBOX                                                                                                      \
    "SELECT p.username, e.title, n.validity, n.pos IS NOT NULL, n.handled_by, n.replaced_by IS NOT NULL FROM"          \
    " notification n JOIN person p ON p.id = n.person JOIN event e ON e.id = n.event ORDER BY n.id"

#endif
