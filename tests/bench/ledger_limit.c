/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger costs: triggers/s of ledger_trigger() in process against a bare loop that writes the same rows into
 * the same schema with 256 triggers a commit, and against one trigger a commit. One line of JSON.
 *
 *   ledger_limit [TRIGGERS [DIR]]
 */
#include "base/json.h"
#include "base/mem.h"
#include "ledger/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEOPLE 1000
#define IN_FLIGHT 768
#define COMMIT_EVERY 256

static char names[PEOPLE][16];
static char dir[256];

static void die(const char *what)
{
    fprintf(stderr, "ledger_limit: %s\n", what);
    exit(1);
}

static double seconds(void)
{
    return (double)clock_mono_ns(clock_real()) / 1e9;
}

static void clean(void)
{
    static const char *const files[] = {"belfry.db", "belfry.db-wal", "belfry.db-shm", "lock", "in-hand"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[300];
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
}

static const char *const data_format =
    "{\"record\":{\"object\":\"Opportunity\",\"id\":\"%d\",\"url\":\"https://crm.example/o/%d\","
    "\"owner\":\"%s\",\"created_by\":\"importer\",\"fields\":{\"name\":\"Deal %d\","
    "\"amount\":%d,\"stage\":\"prospecting\",\"region\":\"EMEA\"}}}";

/* --- the bare loop ------------------------------------------------------------------------------------------------ */

struct bare {
    sqlite3 *db;
    sqlite3_stmt *dedupe, *state, *event, *notification, *person;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    return stmt;
}

static void step(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        die(sqlite3_errmsg(sqlite3_db_handle(stmt)));
    sqlite3_reset(stmt);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void bare_trigger(struct bare *b, int n, int64_t id)
{
    char key[64], state[64], data[600], title[64], link[64], trigger[32], audience[80];
    const char *who = names[n % PEOPLE];
    int len = snprintf(data, sizeof(data), data_format, n, n, who, n, n % 100000);
    snprintf(key, sizeof(key), "%025d%d", 7, n);
    snprintf(state, sizeof(state), "{\"owner\":\"%s\",\"fields\":{\"amount\":%d}}", who, n % 100000);
    snprintf(title, sizeof(title), "Deal %d was assigned to you", n);
    snprintf(link, sizeof(link), "https://crm.example/o/%d", n);
    snprintf(trigger, sizeof(trigger), "%d", n);
    snprintf(audience, sizeof(audience), "[{\"user\":\"%s\",\"reason\":\"owner\"}]", who);
    sqlite3_bind_blob(b->dedupe, 1, key, (int)strlen(key), SQLITE_STATIC);
    sqlite3_bind_int64(b->dedupe, 2, id >> 20);
    sqlite3_bind_int64(b->dedupe, 3, 1);
    step(b->dedupe);
    char record[32];
    snprintf(record, sizeof(record), "record/Opportunity/%d", n);
    sqlite3_bind_blob(b->state, 1, record, (int)strlen(record), SQLITE_STATIC);
    sqlite3_bind_blob(b->state, 2, state, (int)strlen(state), SQLITE_STATIC);
    step(b->state);
    sqlite3_bind_int64(b->event, 1, id);
    bind_text(b->event, 2, record);
    sqlite3_bind_int64(b->event, 3, (int64_t)((uint64_t)n * UINT64_C(0x9e3779b97f4a7c15)));
    sqlite3_bind_int64(b->event, 4, id >> 20);
    bind_text(b->event, 5, title);
    bind_text(b->event, 6, link);
    sqlite3_bind_text(b->event, 7, data, len, SQLITE_STATIC);
    bind_text(b->event, 8, audience);
    bind_text(b->event, 9, trigger);
    step(b->event);
    sqlite3_bind_int64(b->notification, 1, id + 1);
    sqlite3_bind_int64(b->notification, 2, n % PEOPLE + 1);
    sqlite3_bind_int64(b->notification, 3, id);
    step(b->notification);
    sqlite3_bind_int64(b->person, 1, n % PEOPLE + 1);
    step(b->person);
}

static double run_bare(int count, int commit_every)
{
    struct error err = {0};
    struct store *store = store_open(dir, NULL, clock_real(), &err);
    if (!store)
        die(error_text(&err));
    store_checkpoint_start(store, NULL);
    struct bare b;
    /* The store keeps its connection, its settings and its checkpoint thread; this one writes. */
    char *path = xstrdup(store_path(store));
    if (sqlite3_open_v2(path, &b.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        die("cannot open");
    free(path);
    sqlite3_exec(b.db,
                 "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=memory;"
                 "PRAGMA cache_size=-16384;",
                 NULL, NULL, NULL);
    b.dedupe = prepare(b.db, "INSERT OR REPLACE INTO dedupe VALUES(?, ?, ?)");
    b.state = prepare(b.db, "INSERT OR REPLACE INTO state VALUES(1, 2, ?, ?)");
    b.event = prepare(
        b.db, "INSERT INTO event(id, org, source, type, category, severity, subject, subject_key, live, validity,"
              " valid_until, time, actor, title, body, link, data, actions, audience, rules, generation,"
              " trigger_source, trigger_id, trigger_type, principal, note) VALUES(?, 1, 2, 3, 4, 0, ?, ?, 1, 0,"
              " NULL, ?, NULL, ?, NULL, ?, ?, NULL, ?, '[\"inbox-first\"]', 1, 'https://crm.example', ?,"
              " 'record.created', 'token:crm-app', NULL)");
    b.notification =
        prepare(b.db, "INSERT INTO notification(id, person, event, pos, category, reason, rev, via, validity)"
                      " VALUES(?1, ?2, ?3, ?1, 4, 'owner', 1, 1, 0)");
    b.person = prepare(b.db, "UPDATE person SET rev = rev + 1 WHERE id = ?");
    for (int i = 0; i < PEOPLE; i++) {
        char text[128];
        snprintf(text, sizeof(text), "INSERT INTO person VALUES(%d, 1, 'u%04d', 0)", i + 1, i);
        sqlite3_exec(b.db, text, NULL, NULL, NULL);
    }
    struct id_gen ids = {0};
    double begin = seconds();
    for (int n = 0; n < count; n++) {
        if (n % commit_every == 0)
            sqlite3_exec(b.db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        int64_t id = id_next(&ids, clock_now_ms(clock_real()));
        id_next(&ids, 0);
        bare_trigger(&b, n, id);
        if (n % commit_every == commit_every - 1 || n == count - 1)
            sqlite3_exec(b.db, "COMMIT", NULL, NULL, NULL);
    }
    double took = seconds() - begin;
    sqlite3_stmt *all[] = {b.dedupe, b.state, b.event, b.notification, b.person};
    for (size_t i = 0; i < 5; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(b.db);
    store_close(store);
    clean();
    return count / took;
}

/* --- the ledger --------------------------------------------------------------------------------------------------- */

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    (void)self;
    struct belfry_str object, id, owner, name, url, before;
    int64_t amount = 0;
    belfry_status status;
    if ((status = txn->api->value_str(txn, trigger, "/record/object", &object, err)) ||
        (status = txn->api->value_str(txn, trigger, "/record/id", &id, err)) ||
        (status = txn->api->value_str(txn, trigger, "/record/owner", &owner, err)) ||
        (status = txn->api->value_str(txn, trigger, "/record/url", &url, err)) ||
        (status = txn->api->value_str(txn, trigger, "/record/fields/name", &name, err)) ||
        (status = txn->api->value_int(txn, trigger, "/record/fields/amount", &amount, err)))
        return status;
    char key[128], state[256], title[128];
    int key_len = snprintf(key, sizeof(key), "record/%.*s/%.*s", (int)object.len, object.ptr, (int)id.len, id.ptr);
    struct belfry_str k = {key, (size_t)key_len};
    txn->api->get(txn, k, &before);
    snprintf(state, sizeof(state), "{\"owner\":\"%.*s\",\"fields\":{\"amount\":%lld}}", (int)owner.len, owner.ptr,
             (long long)amount);
    txn->api->put(txn, k, belfry_str(state));
    snprintf(title, sizeof(title), "%.*s was assigned to you", (int)name.len, name.ptr);
    struct belfry_recipient to = {.struct_size = sizeof(to), .kind = BELFRY_TO_USER, .name = owner};
    to.reason = belfry_str("owner");
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("record.assigned"),
                                 .subject = k,
                                 .severity = -1,
                                 .title = belfry_str(title),
                                 .link = url,
                                 .audience = &to,
                                 .audience_count = 1};
    return txn->api->emit(txn, &event, err);
}

static const struct belfry_source source_table = {.struct_size = sizeof(source_table), .receive = receive};
static const char *const replaces[] = {"record.assigned", NULL};
static const struct belfry_event_type types[] = {
    {.struct_size = sizeof(types[0]), .type = "record.assigned", .category = "workflow", .replaces = replaces}, {0}};
static const struct plugin source_plugin = {
    .id = "workflow", .desc = {.struct_size = sizeof(struct belfry_plugin), .events = types}, .source = &source_table};
static const struct belfry_delivery inbox_table = {.struct_size = sizeof(inbox_table),
                                                   .flags = BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PER_RECIPIENT};
static const struct plugin inbox_plugin = {.id = "in-app", .delivery = &inbox_table};
static const struct config_instance sources[] = {{.name = "crm", .plugin = &source_plugin}};
static const struct config_instance channels[] = {{.name = "inbox", .plugin = &inbox_plugin}};
static const struct config_deliver deliver = {.channel = &channels[0]};
static const struct config_category categories[] = {{.name = "workflow", .label = "Workflow"}};
static const struct config_rule rules[] = {{.name = "inbox-first", .deliver = &deliver, .deliver_count = 1}};
static struct config_user users[PEOPLE];
static struct config_org org = {.name = "acme", .users = users, .user_count = PEOPLE};
static struct config config = {.refs = 1,
                               .categories = categories,
                               .category_count = 1,
                               .sources = sources,
                               .source_count = 1,
                               .channels = channels,
                               .channel_count = 1,
                               .rules = rules,
                               .rule_count = 1,
                               .orgs = &org,
                               .org_count = 1};

struct slot {
    struct ledger_request request;
    struct ledger_item_result result;
    struct run *run;
};

struct run {
    struct ledger *ledger;
    int next, count, done, batch;
};

static void fill(struct slot *slot, int first, int batch)
{
    struct trigger_set *set = &slot->request.triggers;
    if (!set->arena)
        set->arena = arena_new(2048);
    arena_reset(set->arena);
    set->count = (size_t)batch;
    set->items = arena_alloc(set->arena, (size_t)batch * sizeof(*set->items));
    for (int i = 0; i < batch; i++) {
        int n = first + i;
        char *data = arena_alloc(set->arena, 600), *id = arena_printf(set->arena, "%d", n);
        int len = snprintf(data, 600, data_format, n, n, names[n % PEOPLE], n, n % 100000);
        struct trigger *t = &set->items[i];
        t->data = json_read(str_slice(data, (size_t)len), NULL);
        arena_cleanup(set->arena, (void (*)(void *))json_decref, t->data);
        t->pub = (struct belfry_trigger){.struct_size = sizeof(t->pub),
                                         .id = str_of(id),
                                         .source = STR("https://crm.example"),
                                         .type = STR("record.created"),
                                         .data = str_slice(data, (size_t)len),
                                         .impl = t->data};
    }
}

static void next_request(struct slot *slot);

static void answered(struct ledger_request *request)
{
    struct slot *slot = request->arg;
    if (request->status)
        die(error_text(&request->results[0].err));
    slot->run->done += slot->run->batch;
    next_request(slot);
}

static void next_request(struct slot *slot)
{
    struct run *run = slot->run;
    if (run->next >= run->count)
        return;
    fill(slot, run->next, run->batch);
    run->next += run->batch;
    if (ledger_trigger(run->ledger, &slot->request))
        die("refused");
}

static void started(void *arg, belfry_status status)
{
    *(int *)arg = status ? -1 : 1;
}

static double run_ledger(int count, int in_flight, int batch, double *a_commit)
{
    uv_loop_t loop;
    struct error err = {0};
    uv_loop_init(&loop);
    struct store *store = store_open(dir, NULL, clock_real(), &err);
    if (!store)
        die(error_text(&err));
    store_checkpoint_start(store, NULL);
    struct ledger_settings settings = {.store = store, .clock = clock_real(), .loop = &loop, .data_dir = dir};
    struct ledger_source live = {.instance = &sources[0], .vtable = &source_table, .self = &loop};
    struct ledger_generation generation = {
        .config = &config, .route = route_new(&config), .sources = &live, .source_count = 1};
    struct run run = {.ledger = ledger_new(&settings, &err), .count = count, .batch = batch};
    if (!run.ledger)
        die(error_text(&err));
    int ready = 0;
    ledger_generation_set(run.ledger, &generation, "bench", started, &ready);
    while (!ready)
        uv_run(&loop, UV_RUN_ONCE);
    struct slot *slots = xcalloc((size_t)in_flight, sizeof(*slots));
    struct ledger_item_result *results = xcalloc((size_t)in_flight * (size_t)batch, sizeof(*results));
    double begin = seconds();
    for (int i = 0; i < in_flight; i++) {
        slots[i].run = &run;
        slots[i].request.org = STR("acme");
        slots[i].request.source = "crm";
        slots[i].request.principal = (struct belfry_principal){
            .struct_size = sizeof(struct belfry_principal), .kind = BELFRY_PRINCIPAL_TOKEN, .name = STR("crm-app")};
        slots[i].request.results = &results[(size_t)i * (size_t)batch];
        slots[i].request.done = answered;
        slots[i].request.arg = &slots[i];
        next_request(&slots[i]);
    }
    while (run.done < count)
        uv_run(&loop, UV_RUN_ONCE);
    double took = seconds() - begin;
    struct ledger_numbers numbers;
    ledger_numbers(run.ledger, &numbers);
    *a_commit = (double)numbers.triggers_accepted / (double)numbers.groups;
    ledger_free(run.ledger);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    store_close(store);
    route_free(generation.route);
    for (int i = 0; i < in_flight; i++)
        arena_free(slots[i].request.triggers.arena);
    free(results);
    free(slots);
    clean();
    return count / took;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 200000;
    snprintf(dir, sizeof(dir), "%s/belfry-limit-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(dir))
        die("no directory");
    for (int i = 0; i < PEOPLE; i++) {
        snprintf(names[i], sizeof(names[i]), "u%04d", i);
        users[i].username = names[i];
    }
    config.unmatched = rules[0];
    count -= count % 100;
    double bare = run_bare(count, COMMIT_EVERY);
    double single = run_bare(count / 20, 1);
    double many, some, big;
    double ledger = run_ledger(count, IN_FLIGHT, 1, &many);
    double wide = run_ledger(count, 64, 1, &some);
    double batch = run_ledger(count, 8, 100, &big);
    printf("{\"triggers\":%d,\"bare_256\":%.0f,\"bare_1\":%.0f,\"ledger\":%.0f,\"ledger_64_in_flight\":%.0f,"
           "\"ledger_batch_100\":%.0f,\"triggers_a_commit\":[%.1f,%.1f,%.1f],\"ratio\":%.2f,\"ratio_64\":%.2f,"
           "\"ratio_batch\":%.2f}\n",
           count, bare, single, ledger, wide, batch, many, some, big, ledger / bare, wide / bare, batch / bare);
    rmdir(dir);
    return 0;
}
