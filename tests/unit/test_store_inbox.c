/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists, facets, counts and search over one inbox, role gates, and that none of the statements walks a whole table. The
 * queries run on the writer's connection: what they read does not depend on the kind of connection.
 */
#include "base/mem.h"
#include "base/str.h"
#include "event/event.h"
#include "store/events.h"
#include "store/inbox.h"
#include "store/people.h"
#include "store/sql.h"

#include <belfry/host.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define START 1700000000000

struct fixture {
    char dir[64];
    struct store *store;
    struct store_conn *conn;
    struct arena *arena;
    struct clock_src *clock;
    struct id_gen ids;
    int64_t ann, bob;
};

/* One row of an inbox. state: letters of s(een) r(ead) h(idden) x(expired) d(one by somebody) R(eplaced) n(ot shown).
 */
struct sample {
    const char *person, *source, *category, *title, *body, *state;
    int severity;
};

static int64_t put_event(struct fixture *f, const struct sample *w)
{
    struct store_event event = {
        .id = id_next(&f->ids, START),
        .org = store_name(f->conn, STR("acme")),
        .source = store_name(f->conn, str_of(w->source)),
        .type = store_name(f->conn, STR("record.assigned")),
        .category = store_name(f->conn, str_of(w->category)),
        .severity = w->severity,
        .time = START,
        .subject = STR("record/deal/7"),
        .title = str_of(w->title),
        .body = str_of(w->body ? w->body : ""),
        .data = STR("{}"),
        .audience = STR("[]"),
        .rules = STR("[]"),
        .link = STR("https://crm.example/7"),
    };
    store_event_add(f->conn, &event);
    return event.id;
}

static int has(const char *state, char letter)
{
    return strchr(state, letter) != NULL;
}

static int64_t put(struct fixture *f, const struct sample *w)
{
    struct store_notification row = {
        .id = id_next(&f->ids, START),
        .person = strcmp(w->person, "ann") == 0 ? f->ann : f->bob,
        .event = put_event(f, w),
        .category = store_name(f->conn, str_of(w->category)),
        .rev = 1,
        .via = STORE_VIA_AUDIENCE,
        .reason = STR("owner"),
    };
    row.pos = has(w->state, 'n') ? 0 : row.id;
    assert_int_equal(store_notification_add(f->conn, &row), 1);
    struct store_inbox_marks marks = {.id = row.id, .rev = 1};
    marks.seen = has(w->state, 's') ? START : 0;
    marks.read = has(w->state, 'r') ? START : 0;
    marks.hidden = has(w->state, 'h') ? START : 0;
    store_inbox_marks_set(f->conn, &marks);
    if (has(w->state, 'x'))
        store_notification_end(f->conn, row.id, BELFRY_EXPIRED, 0, 1, STR(""), id_next(&f->ids, START));
    if (has(w->state, 'R'))
        store_notification_end(f->conn, row.id, BELFRY_SUPERSEDED, row.id + 1, 1, STR(""), id_next(&f->ids, START));
    if (has(w->state, 'd'))
        store_notification_handled(f->conn, row.id, STR("bob"), START, 1);
    return row.id;
}

static const struct sample samples[] = {
    {"ann", "crm", "workflow", "Deal \"Acme\" is yours", "From Bob", "", BELFRY_INFO},
    {"ann", "crm", "workflow", "STRASSE 9 wants a visit", "", "s", BELFRY_WARNING},
    {"ann", "crm", "workflow", "Die Straße ist gesperrt", "Umleitung", "sr", BELFRY_INFO},
    {"ann", "jobs", "sync", "Import failed", "12 rows of ACME were refused", "", BELFRY_ERROR},
    {"ann", "jobs", "CALC_BLOCKED", "Calculation blocked", "", "", BELFRY_ERROR},
    {"ann", "jobs", "sync", "Import done", "", "h", BELFRY_SUCCESS},
    {"ann", "jobs", "sync", "Overview ready", "", "x", BELFRY_INFO},
    {"ann", "desk", "approval", "Discount of 20 %", "", "d", BELFRY_WARNING},
    {"ann", "desk", "approval", "Discount of 10 %", "", "R", BELFRY_WARNING},
    {"ann", "desk", "approval", "Not shown yet", "", "n", BELFRY_WARNING},
    {"bob", "crm", "workflow", "For Bob only", "", "", BELFRY_INFO},
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct error err = {0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/belfry-inbox-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->clock = clock_virtual_new(START);
    f->store = store_open(f->dir, NULL, f->clock, &err);
    if (!f->store)
        fail_msg("%s", error_text(&err));
    f->conn = store_writer(f->store);
    f->arena = arena_new(0);
    assert_int_equal(store_begin(f->conn, &err), BELFRY_OK);
    f->ann = id_next(&f->ids, START);
    f->bob = id_next(&f->ids, START);
    store_person_add(f->conn, f->ann, store_name(f->conn, STR("acme")), STR("ann"));
    store_person_add(f->conn, f->bob, store_name(f->conn, STR("acme")), STR("bob"));
    store_person_set_rev(f->conn, f->ann, 42);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        put(f, &samples[i]);
    assert_int_equal(store_commit(f->conn, &err), BELFRY_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"belfry.db", "belfry.db-wal", "belfry.db-shm", "lock"};
    arena_free(f->arena);
    store_close(f->store);
    clock_free(f->clock);
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct store_inbox_who ann(void)
{
    return (struct store_inbox_who){.org = STR("acme"), .username = STR("ann")};
}

static struct store_inbox_page list(struct fixture *f, const struct store_inbox_who *who,
                                    const struct store_inbox_filter *filter, int64_t before, size_t limit)
{
    struct store_inbox_page page;
    store_inbox_list(f->conn, who, filter, before, limit, STR("en"), f->arena, &page);
    assert_int_equal(store_fault(f->conn, NULL), BELFRY_OK);
    return page;
}

/* Titles, newest first, joined with "|". */
static const char *titles(struct fixture *f, const struct store_inbox_page *page)
{
    struct buf out = {0};
    for (size_t i = 0; i < page->count; i++) {
        if (i)
            buf_addc(&out, '|');
        buf_adds(&out, page->rows[i].title);
    }
    char *text = arena_strndup(f->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

/* "severity:error=2 category:sync=1 ..." */
static const char *facets(struct fixture *f, const struct store_inbox_page *page)
{
    static const char *const names[] = {"severity", "category", "source"};
    struct buf out = {0};
    for (size_t i = 0; i < page->facet_count; i++) {
        const struct store_inbox_facet *x = &page->facets[i];
        struct belfry_str name = x->facet == STORE_FACET_SEVERITY ? str_of(severity_name(x->severity)) : x->name;
        buf_addf(&out, "%s%s:%.*s=%llu", i ? " " : "", names[x->facet], STR_ARG(name), (unsigned long long)x->count);
    }
    char *text = arena_strndup(f->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void test_list(void **state)
{
    static const struct {
        const char *q, *category, *source, *titles;
        uint32_t severities;
        int hidden, unread;
    } rows[] = {
        {"", "", "",
         "Discount of 20 %|Overview ready|Calculation blocked|Import failed|Die Straße ist gesperrt|"
         "STRASSE 9 wants a visit|Deal \"Acme\" is yours",
         0, 0, 0},
        {"", "", "", "Import done", 0, 1, 0},
        {"", "", "", "Calculation blocked|Import failed|STRASSE 9 wants a visit|Deal \"Acme\" is yours", 0, 0, 1},
        {"", "", "", "", 0, 1, 1},
        {"acme", "", "", "Import failed|Deal \"Acme\" is yours", 0, 0, 0},
        {"strasse", "", "", "Die Straße ist gesperrt|STRASSE 9 wants a visit", 0, 0, 0},
        {"STRAßE", "", "", "Die Straße ist gesperrt|STRASSE 9 wants a visit", 0, 0, 0},
        {"20 %", "", "", "Discount of 20 %", 0, 0, 0},
        {"%", "", "crm", "", 0, 0, 0},
        {"", "sync", "", "Overview ready|Import failed", 0, 0, 0},
        {"", "", "jobs", "Overview ready|Calculation blocked|Import failed", 0, 0, 0},
        {"", "", "jobs", "Calculation blocked|Import failed", 1u << BELFRY_ERROR, 0, 0},
        {"", "unheard-of", "", "", 0, 0, 0},
    };
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_str category = str_of(rows[i].category), source = str_of(rows[i].source);
        struct store_inbox_filter filter = {.q = str_of(rows[i].q),
                                            .severities = rows[i].severities,
                                            .category = {&category, category.len > 0},
                                            .source = {&source, source.len > 0},
                                            .hidden = rows[i].hidden,
                                            .unread = rows[i].unread};
        struct store_inbox_page page = list(f, &who, &filter, 0, 200);
        assert_string_equal(titles(f, &page), rows[i].titles);
        assert_int_equal(page.total, page.count);
        assert_int_equal(page.next, 0);
        assert_int_equal(page.rev, 42);
    }
}

static void test_row(void **state)
{
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    struct store_inbox_filter filter = {.q = STR("discount")};
    struct store_inbox_page page = list(f, &who, &filter, 0, 200);
    const struct store_inbox_row *row = &page.rows[0];
    assert_true(str_eqz(row->type, "record.assigned"));
    assert_true(str_eqz(row->source, "desk"));
    assert_true(str_eqz(row->category, "approval"));
    assert_true(str_eqz(row->subject, "record/deal/7"));
    assert_true(str_eqz(row->link, "https://crm.example/7"));
    assert_true(str_eqz(row->reason, "owner"));
    assert_true(str_eqz(row->handled_by, "bob"));
    assert_int_equal(row->handled_at, START);
    assert_int_equal(row->severity, BELFRY_WARNING);
    assert_int_equal(row->unread, 0);
    assert_int_equal(row->seen, 0);
}

static void test_facets_ignore_their_own_filter(void **state)
{
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    struct store_inbox_filter all = {0};
    struct store_inbox_page page = list(f, &who, &all, 0, 200);
    assert_string_equal(
        facets(f, &page),
        "severity:error=2 severity:warning=2 severity:info=3 category:CALC_BLOCKED=1 category:approval=1 "
        "category:sync=2 category:workflow=3 source:crm=3 source:desk=1 source:jobs=3");
    struct belfry_str sync = STR("sync");
    struct store_inbox_filter filter = {.category = {&sync, 1}, .severities = 1u << BELFRY_ERROR};
    page = list(f, &who, &filter, 0, 200);
    assert_int_equal(page.total, 1);
    assert_string_equal(facets(f, &page), "severity:error=1 severity:info=1 category:CALC_BLOCKED=1 category:sync=1 "
                                          "source:jobs=1");
}

static void test_pages(void **state)
{
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    struct store_inbox_filter all = {0};
    struct buf seen = {0};
    int64_t before = 0;
    int pages = 0;
    do {
        struct store_inbox_page page = list(f, &who, &all, before, 3);
        assert_int_equal(page.total, 7);
        buf_addf(&seen, "[%s]", titles(f, &page));
        before = page.next;
        pages++;
    } while (before);
    assert_int_equal(pages, 3);
    assert_string_equal(seen.ptr, "[Discount of 20 %|Overview ready|Calculation blocked]"
                                  "[Import failed|Die Straße ist gesperrt|STRASSE 9 wants a visit]"
                                  "[Deal \"Acme\" is yours]");
    buf_free(&seen);
}

/* --- counts, one, gates ----------------------------------------------------------------------- */

static void test_counts(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("CALC_BLOCKED");
    struct store_inbox_who who = ann(), gated = ann(), nobody = {.org = STR("acme"), .username = STR("eve")};
    gated.gated = (struct belfry_strs){&gate, 1};
    struct store_inbox_counts counts;
    store_inbox_counts(f->conn, &who, f->arena, &counts);
    assert_int_equal(counts.unread, 4);
    assert_int_equal(counts.unseen, 3);
    assert_int_equal(counts.rev, 42);
    store_inbox_counts(f->conn, &gated, f->arena, &counts);
    assert_int_equal(counts.unread, 3);
    store_inbox_counts(f->conn, &nobody, f->arena, &counts);
    assert_int_equal(counts.unread, 0);
    assert_int_equal(counts.rev, 0);
}

static int64_t id_of(struct fixture *f, const char *title)
{
    struct sql *s =
        sql_use(f->conn, "SELECT n.id FROM notification n JOIN event e ON e.id = n.event WHERE e.title = ?");
    sql_z(s, title);
    return sql_one(s, 0);
}

static void test_one(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("approval");
    struct store_inbox_who who = ann(), gated = ann(), other_org = ann();
    gated.gated = (struct belfry_strs){&gate, 1};
    other_org.org = STR("umbrella");
    struct store_inbox_row row;
    static const struct {
        const char *title;
        int ann, gated;
    } rows[] = {
        {"Deal \"Acme\" is yours", 1, 1}, {"Not shown yet", 1, 0}, {"Discount of 10 %", 1, 0}, {"For Bob only", 0, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t id = id_of(f, rows[i].title);
        assert_int_equal(store_inbox_one(f->conn, &who, id, STR("en"), f->arena, &row), rows[i].ann);
        if (rows[i].ann)
            assert_true(str_eqz(row.title, rows[i].title));
        assert_int_equal(store_inbox_one(f->conn, &gated, id, STR("en"), f->arena, &row), rows[i].gated);
        assert_int_equal(store_inbox_one(f->conn, &other_org, id, STR("en"), f->arena, &row), 0);
    }
    assert_int_equal(store_inbox_one(f->conn, &who, id_of(f, "Discount of 10 %"), STR("en"), f->arena, &row), 1);
    assert_int_equal(row.replaced_by, row.id + 1);
    assert_int_equal(row.unread, 0);
    assert_int_equal(store_inbox_one(f->conn, &who, id_of(f, "Not shown yet"), STR("en"), f->arena, &row), 1);
    assert_int_equal(row.unread, 0);
}

static void test_gate_leaks_nowhere(void **state)
{
    struct fixture *f = *state;
    struct belfry_str gate = STR("CALC_BLOCKED");
    struct store_inbox_who who = ann();
    who.gated = (struct belfry_strs){&gate, 1};
    struct store_inbox_filter filters[] = {{0}, {.q = STR("blocked")}, {.unread = 1}, {.category = {&gate, 1}}};
    static const int totals[] = {6, 0, 3, 0};
    for (size_t i = 0; i < 4; i++) {
        struct store_inbox_page page = list(f, &who, &filters[i], 0, 200);
        assert_int_equal(page.total, totals[i]);
        assert_null(strstr(titles(f, &page), "blocked"));
        assert_null(strstr(facets(f, &page), "CALC"));
        struct store_inbox_marks *marks;
        size_t n = store_inbox_marks_scan(f->conn, &who, &filters[i], 0, 200, STR("en"), f->arena, &marks);
        assert_int_equal(n, totals[i]);
    }
    struct store_inbox_filter errors = {0};
    struct store_inbox_page page = list(f, &who, &errors, 0, 200);
    assert_non_null(strstr(facets(f, &page), "severity:error=1 "));
    struct store_inbox_marks marks;
    int64_t ids[1] = {store_name_find(f->conn, gate)};
    assert_int_equal(store_inbox_marks_get(f->conn, f->ann, id_of(f, "Calculation blocked"), ids, 1, &marks), 0);
    assert_int_equal(store_inbox_marks_get(f->conn, f->ann, id_of(f, "Calculation blocked"), NULL, 0, &marks), 1);
}

static void test_locale(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    store_begin(f->conn, &err);
    struct sql *s =
        sql_use(f->conn, "UPDATE event SET texts = '{\"de\":{\"title\":\"Import gescheitert\",\"body\":\"\"}}'"
                         " WHERE title = 'Import failed'");
    assert_int_equal(sql_run(s), 1);
    store_commit(f->conn, &err);
    static const struct {
        const char *locale, *q, *title;
    } rows[] = {{"en", "import", "Import failed"},
                {"de", "import", "Import gescheitert"},
                {"de-AT", "GESCHEITERT", "Import gescheitert"},
                {"de", "failed", ""},
                {"de", "refused", ""},
                {"fr", "refused", "Import failed"}};
    struct store_inbox_who who = ann();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store_inbox_filter filter = {.q = str_of(rows[i].q)};
        struct store_inbox_page page;
        store_inbox_list(f->conn, &who, &filter, 0, 200, str_of(rows[i].locale), f->arena, &page);
        assert_string_equal(titles(f, &page), rows[i].title);
    }
}

static void test_marks_of_a_revision(void **state)
{
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    struct store_inbox_marks *rows;
    struct store_inbox_filter filter = {.max_rev = 1};
    size_t n = store_inbox_marks_scan(f->conn, &who, &filter, 0, 3, STR("en"), f->arena, &rows);
    assert_int_equal(n, 3);
    int64_t before = rows[2].pos;
    store_notification_set_rev(f->conn, id_of(f, "Import failed"), 2);
    n = store_inbox_marks_scan(f->conn, &who, &filter, before, 200, STR("en"), f->arena, &rows);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(rows[i].pos < before);
    filter.max_rev = 2;
    assert_int_equal(store_inbox_marks_scan(f->conn, &who, &filter, before, 200, STR("en"), f->arena, &rows), 4);
}

/* --- plans ------------------------------------------------------------------------------------ */

static void test_plans_use_the_indexes(void **state)
{
    struct fixture *f = *state;
    struct store_inbox_who who = ann();
    struct store_inbox_filter plain = {0}, search = {.q = STR("x")};
    struct store_inbox_counts counts;
    struct store_inbox_row row;
    list(f, &who, &plain, 0, 200);
    list(f, &who, &search, 0, 200);
    store_inbox_counts(f->conn, &who, f->arena, &counts);
    store_inbox_one(f->conn, &who, 1, STR("en"), f->arena, &row);
    int lists = 0, counters = 0, looked = 0;
    for (size_t i = 0; i < f->conn->size; i++) {
        const struct sql *used = f->conn->slots[i];
        if (!used || strncmp(used->text, "SELECT", 6) != 0 || !strstr(used->text, "notification n"))
            if (!used || !strstr(used->text, "notification_unread"))
                continue;
        char *text = xasprintf("EXPLAIN QUERY PLAN %s", used->text);
        sqlite3_stmt *stmt;
        assert_int_equal(sqlite3_prepare_v2(f->conn->db, text, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(stmt, 3);
            assert_null(strstr(step, "SCAN"));
            assert_null(strstr(step, "TEMP B-TREE"));
            lists += strstr(step, "INDEX notification_list (person=? AND pos>? AND pos<?)") != NULL;
            counters += strstr(step, "INDEX notification_unread (person=?)") != NULL;
        }
        looked++;
        sqlite3_finalize(stmt);
        free(text);
    }
    assert_int_equal(looked, 4);
    assert_int_equal(lists, 2);
    assert_int_equal(counters, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_facets_ignore_their_own_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gate_leaks_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks_of_a_revision, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plans_use_the_indexes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
