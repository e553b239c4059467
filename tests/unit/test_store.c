/* SPDX-License-Identifier: Apache-2.0 */
/* The database itself: lock, refusals, faults that stick, names, readers, backup and restore, retention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/outcome.h"
#include "store/deliveries.h"
#include "store/events.h"
#include "store/feeds.h"
#include "store/people.h"
#include "store/preferences.h"
#include "store/schema.h"
#include "store/sql.h"
#include "store/state.h"
#include "store/store.h"
#include "store/story.h"
#include "store/upkeep.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static void refuses(struct box *box, belfry_status status, const char *says)
{
    assert_null(store_open(box->dir, NULL, box->clock, &box->err));
    if (box->err.status != status || !strstr(error_text(&box->err), says))
        fail_msg("%d %s", box->err.status, error_text(&box->err));
}

static void sql(const char *file, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void test_identity_and_boots(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct id_key key = *store_id_key(store);
    assert_int_equal(store_boot(store), 1);
    struct stat st;
    assert_int_equal(stat(box->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(store);
    store = open_store(box);
    assert_memory_equal(&key, store_id_key(store), sizeof(key));
    assert_int_equal(store_boot(store), 2);
    store_close(store);
}

static void test_one_process_holds_the_data(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    refuses(box, BELFRY_ECONFLICT, "another process holds");
    store_close(store);
}

static void test_newer_schema_is_refused(void **state)
{
    struct box *box = *state;
    store_close(open_store(box));
    sql(box->file, "PRAGMA user_version=99");
    refuses(box, BELFRY_EUNSUPPORTED, "schema version 99");
}

static void test_foreign_database_is_refused(void **state)
{
    struct box *box = *state;
    sql(box->file, "CREATE TABLE t(a)");
    refuses(box, BELFRY_EUNSUPPORTED, "another program");
    sql(box->file, "PRAGMA user_version=7");
    refuses(box, BELFRY_EUNSUPPORTED, "another program");
}

/* --- migration ---------------------------------------------------------------------------------------------------- */

static char *copied_before(const struct box *box)
{
    return xasprintf("%s/backup/pre-%d.db", box->dir, STORE_SCHEMA_VERSION);
}

static int64_t number(const char *file, const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

#define OLDER "PRAGMA application_id=0x42464c59; CREATE TABLE older(a); INSERT INTO older VALUES(7);"

static void test_a_migration_copies_first(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    struct stat st;
    sql(box->file, OLDER);
    store_close(open_store(box));
    assert_int_equal(number(box->file, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(number(copy, "PRAGMA user_version"), 0);
    assert_int_equal(number(copy, "SELECT a FROM older"), 7);
    assert_int_equal(number(copy, "SELECT count(*) FROM sqlite_schema"), 1);
    unlink(copy);
    store_close(open_store(box));
    assert_int_not_equal(access(copy, F_OK), 0); /* nothing to migrate, nothing to copy */
    free(copy);
}

/* What version 1 wrote: somebody with a row that ended and one that did not, a job, something refused. */
static const char of_version_1[] =
    STORE_SCHEMA_1 "PRAGMA application_id=0x42464c59; PRAGMA user_version=1;"
                   "INSERT INTO name VALUES(1, 'acme'), (2, 'crm'), (3, 'news');"
                   "INSERT INTO person(id, org, username, rev) VALUES(9, 1, 'ann', 4);"
                   "INSERT INTO notification(id, person, event, pos, category, rev, validity) VALUES"
                   " (10, 9, 1, 10, 3, 2, 3), (11, 9, 2, 11, 3, 3, 0);"
                   "INSERT INTO job(id, kind, org, ref, state) VALUES(12, 1, 1, 2, 1);"
                   "INSERT INTO refused(id, org, source, kind, problem, body) VALUES(13, 1, 2, 'task', '{}', 'x');";

/* What version 2 wrote: mail that quiet hours hold, and a person who has chosen nothing, because nobody could. */
static const char of_version_2[] = STORE_SCHEMA_1 STORE_SCHEMA_2
    "PRAGMA application_id=0x42464c59; PRAGMA user_version=2;"
    "INSERT INTO name VALUES(1, 'acme'), (2, 'mail'), (3, 'night');"
    "INSERT INTO person(id, org, username, rev) VALUES(9, 1, 'ann', 4);"
    "INSERT INTO delivery(id, event, org, channel, rule, person, state, open, due) VALUES"
    " (20, 1, 1, 2, 3, 9, 1, 1, 5000), (21, 2, 1, 2, 3, 9, 0, 1, 5000), (22, 3, 1, 2, 3, 8, 1, 1, 5000);";

static void test_a_database_of_version_2_takes_preferences(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    sql(box->file, of_version_2);
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    struct store_preference row;
    assert_int_equal(number(box->file, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
    assert_int_equal(number(copy, "PRAGMA user_version"), 2);
    assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
    assert_true(store_preferences_empty(conn));
    assert_int_equal(store_preference_get(conn, 1, STR("ann"), box->arena, &row), 0);
    store_preference_put(conn, 1, STR("ann"), &(struct store_preference){30, STR("{}")});
    store_preference_put(conn, 1, STR("ann"), &(struct store_preference){31, STR("{\"default\":\"off\"}")});
    store_preference_put(conn, 2, STR("ann"), &(struct store_preference){32, STR("{}")});
    assert_int_equal(store_deliveries_wake(conn, 9, 1000), 1); /* hers, and only what quiet hours hold */
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    assert_int_equal(number(box->file, "SELECT due FROM delivery WHERE id = 20"), 1000);
    assert_int_equal(number(box->file, "SELECT sum(due) FROM delivery WHERE id > 20"), 10000);
    assert_int_equal(store_preference_get(conn, 1, STR("ann"), box->arena, &row), 1);
    assert_int_equal(row.id, 31);
    assert_int_equal(row.doc.len, strlen("{\"default\":\"off\"}"));
    assert_int_equal(store_last_id(conn), 32); /* ids of choices are drawn once, like any others */
    assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
    assert_int_equal(store_preference_del(conn, 1, STR("ann")), 1);
    assert_int_equal(store_preference_del(conn, 1, STR("ann")), 0);
    assert_false(store_preferences_empty(conn)); /* the other org's */
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    store_close(store);
    unlink(copy);
    free(copy);
}

static void test_a_database_of_version_1_is_brought_to_the_present_one(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    sql(box->file, of_version_1);
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    assert_int_equal(number(box->file, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
    assert_int_equal(number(copy, "PRAGMA user_version"), 1);
    assert_int_equal(number(copy, "SELECT count(*) FROM notification"), 2);
    assert_int_equal(number(box->file, "SELECT sum(rev) FROM notification WHERE ended IS NULL"), 5);
    assert_int_equal(number(box->file, "SELECT count(*) FROM job WHERE state = 1 AND ended IS NULL"), 1);
    assert_int_equal(store_last_id(conn), 13);
    struct store_refused_view *kept;
    assert_int_equal(store_refused_list(conn, 1, 0, INT64_MAX, 5, 100, box->arena, &kept), 1);
    assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
    store_job_add(conn, &(struct store_job){.id = 20, .kind = STORE_JOB_REFRESH, .org = 1});
    store_refresh_join(conn, 20, 9, 21);
    store_notification_end(conn, 11, 1, 0, 5, (struct belfry_str){NULL, 0}, 22);
    store_refresh_end(conn, 20, STORE_JOB_DONE, 1, 1, 23);
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    struct store_refresh brought;
    struct belfry_strs none = {NULL, 0};
    assert_int_equal(store_refresh_of(conn, 20, STR("acme"), STR("ann"), &none, &brought), 1);
    assert_int_equal(brought.invalidated, 1); /* not the row that had ended before anybody wrote down when */
    assert_int_equal(brought.added, 0);
    store_close(store);
    unlink(copy);
    free(copy);
}

static void test_a_database_of_version_3_knows_what_goes_out_as_one(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    struct store_delivery *rows;
    int64_t *ids;
    sql(box->file, of_version_2);
    sql(box->file, STORE_SCHEMA_3 "PRAGMA user_version=3; UPDATE delivery SET person = 9, state = 1;"
                                  "UPDATE delivery SET state = 4, lease = 77 WHERE id = 22;");
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    assert_int_equal(store_deliveries_due(conn, 2, 0, 5000, 9, box->arena, &rows), 2);
    assert_true(!rows[0].bundle && !rows[0].kind && !rows[0].category && !rows[0].reason.len);
    assert_int_equal(store_deliveries_held(conn, &rows[0], 5000, box->arena, &ids), 2);
    assert_int_equal(store_deliveries_interrupted(conn, store_boot(store), box->arena, &rows), 1);
    store_close(store);
    unlink(copy);
    free(copy);
}

/* Of its endpoints all are the configuration's, and what is disabled failed; what their settings said lay open. */
static void test_a_database_of_version_4_has_only_the_endpoints_of_its_configuration(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    struct store_target row;
    int64_t *ids;
    sql(box->file, of_version_2);
    sql(box->file, STORE_SCHEMA_3 STORE_SCHEMA_4
        "PRAGMA user_version=4;"
        "INSERT INTO target(id, org, channel, name, url, secret, settings, enabled, disabled_at, disabled_why) VALUES"
        " (40, 1, 2, 'one', 'http://one.example/', x'01', '{\"headers\":{}}', 1, NULL, NULL),"
        " (41, 1, 2, 'two', 'http://two.example/', x'02', NULL, 0, 5000, 'it answered 410 Gone');");
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    assert_int_equal(number(copy, "PRAGMA user_version"), 4);
    assert_int_equal(store_targets_of(conn, 2, STORE_ORIGIN_CONFIG, box->arena, &ids), 2);
    assert_int_equal(store_targets_of(conn, 2, STORE_ORIGIN_API, box->arena, &ids), 0);
    assert_int_equal(store_target_find(conn, 2, 1, STR("one"), box->arena, &row), 1);
    assert_true(row.id == 40 && row.enabled && row.version == 1 && !row.owner.len && !row.doc.len);
    assert_int_equal(row.settings.len, 0);
    assert_int_equal(row.secret.len, 1);
    assert_int_equal(store_target_get(conn, 41, box->arena, &row), 1);
    assert_true(!row.enabled && row.off_by == STORE_OFF_BY_FAILURES);
    assert_int_equal(number(box->file, "SELECT count(*) FROM delivery WHERE lane IS NOT NULL"), 0);
    store_close(store);
    unlink(copy);
    free(copy);
}

static void test_a_migration_that_fails_changes_nothing(void **state)
{
    struct box *box = *state;
    char *copy = copied_before(box);
    sql(box->file, OLDER "CREATE TABLE audit(mine);"); /* the last of the migration's tables */
    refuses(box, BELFRY_EINTERNAL, "cannot bring");
    assert_non_null(strstr(error_text(&box->err), copy));
    assert_int_equal(number(box->file, "PRAGMA user_version"), 0);
    assert_int_equal(number(box->file, "SELECT count(*) FROM sqlite_schema"), 2);
    assert_int_equal(number(copy, "SELECT a FROM older"), 7);
    free(copy);
}

static void test_corrupt_file_is_refused(void **state)
{
    struct box *box = *state;
    FILE *f = fopen(box->file, "w");
    fputs("this is not a database, and it is long enough to be read as one, is it not; well then, let us see", f);
    fclose(f);
    refuses(box, BELFRY_EIO, "belfry restore");
}

static void test_read_only_file_is_refused(void **state)
{
    struct box *box = *state;
    store_close(open_store(box));
    if (getuid() == 0) {
        /* root writes to everything: a folder in place of the file is what it cannot write to */
        unlink(box->file);
        assert_int_equal(mkdir(box->file, 0700), 0);
        refuses(box, BELFRY_EPERM, "cannot be written");
        return;
    }
    chmod(box->file, 0400);
    refuses(box, BELFRY_EPERM, "check its owner and mode");
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

static void test_faults_stick_until_the_rollback(void **state)
{
    struct box *box = *state;
    static const struct {
        enum vfs_fault fault;
        belfry_status status;
    } table[] = {{VFS_FULL, BELFRY_ELIMIT}, {VFS_IOERR, BELFRY_EIO}};
    for (size_t i = 0; i < 2; i++) {
        struct store *store = store_open(box->dir, vfs_fault_name(), box->clock, &box->err);
        assert_non_null(store);
        struct store_conn *conn = store_writer(store);
        assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
        store_state_put(conn, 1, 1, STR("kept"), STR("1"));
        assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
        assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
        store_state_put(conn, 1, 1, STR("lost"), STR("1"));
        vfs_fault_set(table[i].fault, 0, 0);
        assert_int_equal(store_commit(conn, NULL), table[i].status);
        struct belfry_str value;
        assert_int_equal(store_state_get(conn, 1, 1, STR("kept"), box->arena, &value),
                         0); /* nothing is seen any more */
        store_rollback(conn);
        vfs_fault_set(VFS_NONE, 0, 0);
        assert_int_equal(store_begin(conn, NULL), BELFRY_OK);
        assert_int_equal(store_state_get(conn, 1, 1, STR("kept"), box->arena, &value), 1);
        assert_int_equal(store_state_get(conn, 1, 1, STR("lost"), box->arena, &value), 0);
        assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
        store_close(store);
    }
}

static void test_names_survive_a_rollback(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    int64_t a = store_name(conn, STR("acme"));
    store_rollback(conn);
    store_begin(conn, NULL);
    int64_t b = store_name(conn, STR("other"));
    assert_int_equal(store_name(conn, STR("acme")), a); /* the same id, written this time */
    assert_true(a != b);
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    assert_int_equal(store_name(conn, (struct belfry_str){NULL, 0}), 0);
    store_close(store);
    store = open_store(box);
    assert_int_equal(store_name_find(store_writer(store), STR("acme")), a);
    assert_true(str_eqz(store_name_text(store_writer(store), b), "other"));
    assert_int_equal(store_name_text(store_writer(store), 999).len, 0);
    store_close(store);
}

struct keys {
    char text[128];
};

static int add_key(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct keys *keys = arg;
    (void)value;
    size_t len = strlen(keys->text);
    snprintf(keys->text + len, sizeof(keys->text) - len, "%.*s;", STR_ARG(key));
    return 0;
}

static void test_scan_by_prefix(void **state)
{
    struct box *box = *state;
    static const struct {
        const char *prefix, *after;
        int reverse;
        const char *expected;
    } table[] = {
        {"a/", "", 0, "a/1;a/2;a/\xff;"},
        {"a/", "", 1, "a/\xff;a/2;a/1;"},
        {"a/", "a/1", 0, "a/2;a/\xff;"},
        {"a/", "a/2", 1, "a/1;"},
        {"", "", 0, "a;a/1;a/2;a/\xff;b;\xff\xff;"},
        {"\xff", "", 0, "\xff\xff;"},
        {"c", "", 0, ""},
        {"a/", "b", 0, ""},
    };
    static const char *const keys[] = {"a", "a/1", "a/2", "a/\xff", "b", "\xff\xff"};
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        store_state_put(conn, 1, 2, str_of(keys[i]), STR("v"));
    store_state_put(conn, 1, 3, STR("a/other-org"), STR("v"));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct keys got = {{0}};
        store_state_scan(conn, 1, 2, str_of(table[i].prefix), str_of(table[i].after), table[i].reverse, add_key, &got);
        assert_string_equal(got.text, table[i].expected);
    }
    assert_int_equal(store_commit(conn, NULL), BELFRY_OK);
    store_close(store);
}

static void test_directory_of_the_api(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    assert_true(store_directory_empty(conn));
    struct belfry_str roles[] = {STR("boss"), STR("sales")};
    store_directory_put(conn, 1,
                        &(struct store_directory_entry){.username = STR("bea"), .roles = roles, .role_count = 2});
    store_directory_put(conn, 1,
                        &(struct store_directory_entry){.username = STR("abe"), .roles = roles + 1, .role_count = 1});
    struct belfry_str *members;
    assert_int_equal(store_directory_members(conn, 1, STR("sales"), STR(""), 10, box->arena, &members), 2);
    assert_true(str_eqz(members[0], "abe"));
    assert_int_equal(store_directory_members(conn, 1, STR("sales"), STR("abe"), 10, box->arena, &members), 1);
    store_directory_put(
        conn, 1,
        &(struct store_directory_entry){.username = STR("bea"), .name = STR("Bea"), .roles = roles, .role_count = 1});
    struct store_directory_entry entry;
    assert_int_equal(store_directory_get(conn, 1, STR("bea"), box->arena, &entry), 1);
    assert_int_equal(entry.role_count, 1);
    assert_true(str_eqz(entry.name, "Bea"));
    assert_int_equal(store_directory_del(conn, 1, STR("bea")), 1);
    assert_int_equal(store_directory_members(conn, 1, STR("boss"), STR(""), 10, box->arena, &members), 0);
    store_commit(conn, NULL);
    store_close(store);
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

struct reading {
    int found, done;
    belfry_status status;
};

static belfry_status look(struct store_conn *conn, void *arg)
{
    struct reading *r = arg;
    struct arena *arena = arena_new(0);
    struct belfry_str value;
    r->found = store_state_get(conn, 1, 1, STR("k"), arena, &value);
    arena_free(arena);
    return BELFRY_OK;
}

/* Reads one row over and over: no single statement is long, the whole is. */
static belfry_status look_for_ever(struct store_conn *conn, void *arg)
{
    while (!store_fault(conn, NULL)) {
        struct keys keys = {{0}};
        store_state_scan(conn, 1, 1, STR(""), STR(""), 0, add_key, &keys);
    }
    (void)arg;
    return BELFRY_OK;
}

static void on_read(void *arg, belfry_status status)
{
    struct reading *r = arg;
    r->done = 1;
    r->status = status;
}

static void wait_for(uv_loop_t *loop, const struct reading *r)
{
    while (!r->done)
        uv_run(loop, UV_RUN_NOWAIT);
}

static void test_readers_see_what_was_committed_before(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct store_readers *readers = store_readers_new(store, &loop, 2);
    assert_non_null(readers);
    struct reading before = {0}, during = {0}, after = {0};
    assert_int_equal(store_read(readers, look, on_read, &before, 0), BELFRY_OK);
    wait_for(&loop, &before);
    store_begin(conn, NULL);
    store_state_put(conn, 1, 1, STR("k"), STR("v"));
    assert_int_equal(store_read(readers, look, on_read, &during, 0), BELFRY_OK);
    wait_for(&loop, &during);
    store_commit(conn, NULL);
    assert_int_equal(store_read(readers, look, on_read, &after, 0), BELFRY_OK);
    wait_for(&loop, &after);
    assert_int_equal(before.found + during.found, 0);
    assert_int_equal(after.found, 1);
    store_readers_free(readers);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    store_close(store);
}

static void test_long_reads_are_broken_off(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    for (int i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        store_state_put(conn, 1, 1, str_of(key), STR("v"));
    }
    store_commit(conn, NULL);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct store_readers *readers = store_readers_new(store, &loop, 1);
    struct reading endless = {0}, next = {0};
    assert_int_equal(store_read(readers, look_for_ever, on_read, &endless, 30), BELFRY_OK);
    assert_int_equal(store_read(readers, look, on_read, &next, 0), BELFRY_OK);
    wait_for(&loop, &endless);
    assert_int_equal(endless.status, BELFRY_ETIMEDOUT);
    wait_for(&loop, &next); /* the connection goes on */
    assert_int_equal(next.status, BELFRY_OK);
    store_readers_free(readers);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    store_close(store);
}

static void test_readers_have_bounds_and_an_end(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct store_readers *readers = store_readers_new(store, &loop, 1);
    static struct reading many[1300];
    size_t taken = 0;
    memset(many, 0, sizeof(many));
    struct reading endless = {0};
    store_read(readers, look_for_ever, on_read, &endless, 50);
    while (taken < 1300 && store_read(readers, look, on_read, &many[taken], 0) == BELFRY_OK)
        taken++;
    /* without the loop nothing is answered; what the threads took meanwhile makes room for others */
    assert_in_range(taken, 999, 1299);
    store_readers_free(readers);
    for (size_t i = 0; i < taken; i++)
        assert_true(many[i].done && (many[i].status == BELFRY_OK || many[i].status == BELFRY_ECANCELED));
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    store_close(store);
}

/* --- backup ------------------------------------------------------------------------------------------------------- */

static void test_backup_and_restore(void **state)
{
    struct box *box = *state;
    char copy[128], secret[128], beside[140];
    snprintf(copy, sizeof(copy), "%s/copy.db", box->dir);
    snprintf(secret, sizeof(secret), "%s/secret", box->dir);
    snprintf(beside, sizeof(beside), "%s.secret", copy);
    FILE *f = fopen(secret, "w");
    fputs("0123456789abcdef0123456789abcdef", f);
    fclose(f);
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    store_state_put(conn, 1, 1, STR("k"), STR("v"));
    store_commit(conn, NULL);
    assert_int_equal(store_backup(box->dir, copy, 0, &box->err), BELFRY_OK);
    assert_int_not_equal(access(beside, F_OK), 0);
    assert_int_equal(store_backup(box->dir, copy, 1, &box->err), BELFRY_OK);
    assert_int_equal(access(beside, F_OK), 0);
    struct stat st;
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(store_restore(box->dir, copy, &box->err), BELFRY_ECONFLICT); /* the hub runs */
    error_clear(&box->err);
    store_begin(conn, NULL);
    store_state_del(conn, 1, 1, STR("k"));
    store_commit(conn, NULL);
    store_close(store);
    unlink(secret);
    assert_int_equal(store_restore(box->dir, copy, &box->err), BELFRY_OK);
    assert_int_equal(access(secret, F_OK), 0);
    store = open_store(box);
    struct belfry_str value;
    store_begin(store_writer(store), NULL);
    assert_int_equal(store_state_get(store_writer(store), 1, 1, STR("k"), box->arena, &value), 1);
    store_commit(store_writer(store), NULL);
    store_close(store);
}

static void test_damaged_backup_is_not_restored(void **state)
{
    struct box *box = *state;
    char copy[128];
    snprintf(copy, sizeof(copy), "%s/copy.db", box->dir);
    store_close(open_store(box));
    assert_int_equal(store_backup(box->dir, copy, 0, &box->err), BELFRY_OK);
    int fd = open(copy, O_RDWR);
    char junk[3000];
    memset(junk, 0x5a, sizeof(junk));
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096 * 5), (ssize_t)sizeof(junk));
    close(fd);
    assert_int_equal(store_restore(box->dir, copy, &box->err), BELFRY_EIO);
    error_clear(&box->err);
    unlink(copy);
    sql(copy, "CREATE TABLE t(a)");
    assert_int_equal(store_restore(box->dir, copy, &box->err), BELFRY_EINVAL);
    error_clear(&box->err);
    unlink(copy);
    assert_int_equal(store_backup(box->dir, copy, 0, &box->err), BELFRY_OK);
    sql(copy, "PRAGMA user_version=99");
    assert_int_equal(store_restore(box->dir, copy, &box->err), BELFRY_EUNSUPPORTED);
    store_close(open_store(box)); /* what was there is there */
}

static void test_a_backup_does_not_take_the_place_of_the_database(void **state)
{
    struct box *box = *state;
    char other[140];
    struct store *store = open_store(box);
    struct stat before, after;
    assert_int_equal(stat(box->file, &before), 0);
    snprintf(other, sizeof(other), "%s/./belfry.db", box->dir);
    assert_int_equal(store_backup(box->dir, other, 0, &box->err), BELFRY_EINVAL);
    assert_non_null(strstr(error_text(&box->err), "itself"));
    assert_int_equal(stat(box->file, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    store_close(store);
}

/* --- retention ---------------------------------------------------------------------------------------------------- */

static void test_dedupe_is_swept_in_slices(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(box);
    struct store_conn *conn = store_writer(store);
    store_begin(conn, NULL);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%04d", i);
        store_dedupe_add(conn, str_of(key), i % 2 ? START : START - 1000, 1);
    }
    struct store_cursor at = {{0}, 0};
    int slices = 1;
    while (store_trim_dedupe(conn, &at, START, 64))
        slices++;
    assert_int_equal(slices, 16);
    uint32_t events;
    assert_int_equal(store_dedupe_find(conn, STR("key-0000"), 0, &events), 0);
    assert_int_equal(store_dedupe_find(conn, STR("key-0999"), 0, &events), 1);
    assert_int_equal(store_dedupe_find(conn, STR("key-0999"), START + 1, &events), 0);
    store_commit(conn, NULL);
    store_close(store);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_identity_and_boots),
        T(test_one_process_holds_the_data),
        T(test_newer_schema_is_refused),
        T(test_foreign_database_is_refused),
        T(test_a_migration_copies_first),
        T(test_a_database_of_version_1_is_brought_to_the_present_one),
        T(test_a_database_of_version_2_takes_preferences),
        T(test_a_database_of_version_3_knows_what_goes_out_as_one),
        T(test_a_database_of_version_4_has_only_the_endpoints_of_its_configuration),
        T(test_a_migration_that_fails_changes_nothing),
        T(test_corrupt_file_is_refused),
        T(test_read_only_file_is_refused),
        T(test_faults_stick_until_the_rollback),
        T(test_names_survive_a_rollback),
        T(test_scan_by_prefix),
        T(test_directory_of_the_api),
        T(test_readers_see_what_was_committed_before),
        T(test_long_reads_are_broken_off),
        T(test_readers_have_bounds_and_an_end),
        T(test_backup_and_restore),
        T(test_damaged_backup_is_not_restored),
        T(test_a_backup_does_not_take_the_place_of_the_database),
        T(test_dedupe_is_swept_in_slices),
    };
#undef T
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
