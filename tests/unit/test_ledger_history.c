/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories: random requests against a ledger whose disk fills up, fails, or whose process is killed in the middle of a
 * write. A model of a few lines takes every request that was answered, in the order of the answers; at the end the
 * database must be what the model says, to the last revision. BELFRY_LONG=1 runs ten times as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>

#include "chance.h"
#include "ledger_fixture.h"
#include "vfs_fault.h"

#define USERS 6
#define SUBJECTS 4
#define KEYS 5
#define REQUESTS 120
#define ROWS_MAX 2000

#define RULES "[{\"name\":\"inbox\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"after\":300000}]}]"
#define PEOPLE "{\"u0\":[],\"u1\":[],\"u2\":[],\"u3\":[],\"u4\":[],\"u5\":[]}"

static uint64_t seed;

static unsigned draw(unsigned below)
{
    return (unsigned)pick(&seed, (int)below);
}

/* --- requests
 * ------------------------------------------------------------------------------------------------------------------ */

enum verb { PUT, DEL, ASSIGN, NOTE, WITHDRAW, HANDLED, SUPERSEDE, FAIL, VERBS };

struct act {
    enum verb verb;
    int what;       /* key or subject */
    unsigned users; /* bits: audience, or whom an operation is for */
    int except;     /* the users are those who are left alone */
};

struct plan {
    struct act acts[3];
    int count;
};

static struct plan plans[REQUESTS];

static void draw_plans(void)
{
    static const enum verb often[] = {PUT, PUT, DEL, ASSIGN, ASSIGN, ASSIGN, NOTE, NOTE, WITHDRAW, HANDLED, SUPERSEDE};
    for (int i = 0; i < REQUESTS; i++) {
        plans[i].count = 1 + (int)draw(3);
        for (int j = 0; j < plans[i].count; j++) {
            struct act *act = &plans[i].acts[j];
            act->verb = draw(15) == 0 ? FAIL : often[draw(sizeof(often) / sizeof(often[0]))];
            act->what = (int)draw(act->verb <= DEL ? KEYS : SUBJECTS);
            act->users = draw(1u << USERS);
            act->except = (int)draw(2);
            if (act->verb >= WITHDRAW && draw(2))
                act->users = 0; /* everybody */
        }
    }
}

static void add_users(struct buf *out, const char *name, unsigned users)
{
    buf_addf(out, "\"%s\":[", name);
    int first = 1;
    for (int u = 0; u < USERS; u++) {
        if (users & 1u << u)
            buf_addf(out, "%s\"u%d\"", first ? "" : ",", u);
        if (users & 1u << u)
            first = 0;
    }
    buf_addz(out, "]");
}

static void add_act(struct buf *out, const struct act *act, int request)
{
    static const char *const words[] = {"put", "del", "", "", "withdraw", "handled", "supersede", "fail"};
    if (act->verb == PUT)
        buf_addf(out, ",[\"put\",\"k%d\",\"%d\"]", act->what, request);
    else if (act->verb == DEL)
        buf_addf(out, ",[\"del\",\"k%d\"]", act->what);
    else if (act->verb == FAIL)
        buf_addz(out, ",[\"fail\",-4,\"no\"]");
    else if (act->verb == ASSIGN || act->verb == NOTE) {
        buf_addf(out, ",[\"emit\",{\"type\":\"thing.%s\",\"subject\":\"s%d\",\"title\":\"%d\",",
                 act->verb == ASSIGN ? "assigned" : "note", act->what, request);
        add_users(out, "to", act->users);
        buf_addz(out, "}]");
    } else {
        buf_addf(out, ",[\"%s\",\"s%d\",{", words[act->verb], act->what);
        add_users(out, act->except ? "except" : "only", act->users);
        buf_addz(out, act->verb == HANDLED ? "},\"root\"]" : "}]");
    }
}

static char *request_text(int request)
{
    struct buf out = {NULL, 0, 0};
    buf_addf(&out, "[[\"r%d\"", request);
    for (int j = 0; j < plans[request].count; j++)
        add_act(&out, &plans[request].acts[j], request);
    buf_addz(&out, "]]");
    return buf_steal(&out);
}

/* --- the model
 * --------------------------------------------------------------------------------------------------------------------
 */

struct row {
    int user, request, subject, assigned, validity, handled, replaced, rev, mail;
};

struct model {
    int keys[KEYS]; /* request that put it; -1: absent */
    struct row rows[ROWS_MAX];
    int row_count, revs[USERS], accepted;
};

static void model_init(struct model *m)
{
    *m = (struct model){0};
    for (int k = 0; k < KEYS; k++)
        m->keys[k] = -1;
}

static void touch(struct model *m, unsigned *touched, int user)
{
    if (!(*touched & 1u << user))
        m->revs[user]++;
    *touched |= 1u << user;
}

static void end_row(struct model *m, unsigned *touched, struct row *row, int validity, int mail)
{
    touch(m, touched, row->user);
    row->rev = m->revs[row->user];
    row->validity = validity;
    if (row->mail == OUTCOME_scheduled)
        row->mail = mail;
}

static int live(const struct row *row, int subject)
{
    return row->subject == subject && !row->validity && !row->handled;
}

static void model_emit(struct model *m, unsigned *touched, const struct act *act, int request)
{
    int before = m->row_count;
    for (int u = 0; u < USERS; u++) {
        if (!(act->users & 1u << u))
            continue;
        touch(m, touched, u);
        m->rows[m->row_count++] = (struct row){
            .user = u, .request = request, .subject = act->what, .assigned = act->verb == ASSIGN, .rev = m->revs[u]};
    }
    for (int i = 0; i < before && act->verb == ASSIGN; i++) {
        struct row *row = &m->rows[i];
        if (!row->assigned || !live(row, act->what))
            continue;
        row->replaced = (act->users >> row->user) & 1;
        end_row(m, touched, row, row->replaced ? 2 : 3, row->replaced ? OUTCOME_merged : OUTCOME_withdrawn);
    }
}

static void model_subject(struct model *m, unsigned *touched, const struct act *act)
{
    for (int i = 0; i < m->row_count; i++) {
        struct row *row = &m->rows[i];
        int named = (act->users >> row->user) & 1;
        if (!live(row, act->what) || (act->users && named == act->except))
            continue;
        if (act->verb == HANDLED) {
            touch(m, touched, row->user);
            row->rev = m->revs[row->user];
            row->handled = 1;
            if (row->mail == OUTCOME_scheduled)
                row->mail = OUTCOME_handled;
        } else {
            end_row(m, touched, row, act->verb == WITHDRAW ? 3 : 2,
                    act->verb == WITHDRAW ? OUTCOME_withdrawn : OUTCOME_superseded);
        }
    }
}

static int fails(int request)
{
    for (int j = 0; j < plans[request].count; j++) {
        if (plans[request].acts[j].verb == FAIL)
            return 1;
    }
    return 0;
}

static void model_apply(struct model *m, int request)
{
    unsigned touched = 0;
    m->accepted++;
    for (int j = 0; j < plans[request].count; j++) {
        const struct act *act = &plans[request].acts[j];
        if (act->verb == PUT || act->verb == DEL)
            m->keys[act->what] = act->verb == PUT ? request : -1;
        else if (act->verb == ASSIGN || act->verb == NOTE)
            model_emit(m, &touched, act, request);
        else
            model_subject(m, &touched, act);
    }
}

static void model_compare(const struct model *m, const struct bench *b)
{
    struct buf rows_text = {NULL, 0, 0}, state = {NULL, 0, 0}, people = {NULL, 0, 0};
    for (int i = 0; i < m->row_count; i++) {
        const struct row *r = &m->rows[i];
        buf_addf(&rows_text, "%su%d %d s%d %d %d %d %d %d", i ? "\n" : "", r->user, r->request, r->subject, r->validity,
                 r->handled, r->replaced, r->rev, r->mail);
    }
    for (int k = 0; k < KEYS; k++) {
        if (m->keys[k] >= 0)
            buf_addf(&state, "%sk%d %d", state.len ? "\n" : "", k, m->keys[k]);
    }
    for (int u = 0; u < USERS; u++) {
        if (m->revs[u])
            buf_addf(&people, "%su%d %d", people.len ? "\n" : "", u, m->revs[u]);
    }
    expect_rows(
        b,
        "SELECT p.username, e.title, e.subject, n.validity, n.handled_by IS NOT NULL, n.replaced_by IS NOT NULL, n.rev,"
        " d.state FROM notification n JOIN person p ON p.id = n.person JOIN event e ON e.id = n.event JOIN delivery d"
        " ON d.notification = n.id ORDER BY e.id, p.username",
        rows_text.ptr ? rows_text.ptr : "");
    expect_rows(b, "SELECT key, value FROM state ORDER BY key", state.ptr ? state.ptr : "");
    expect_rows(b, "SELECT username, rev FROM person WHERE rev > 0 ORDER BY username", people.ptr ? people.ptr : "");
    char accepted[16];
    snprintf(accepted, sizeof(accepted), "%d", m->accepted);
    expect_rows(b, "SELECT count(*) FROM dedupe", accepted);
    expect_rows(b, "PRAGMA integrity_check", "ok");
    /* an event lives exactly as long as a row of it, or as it has none and nobody ended it */
    expect_rows(
        b,
        "SELECT count(*) FROM event e WHERE live = 0 AND EXISTS (SELECT 1 FROM notification n WHERE n.event = e.id"
        " AND n.validity = 0 AND n.handled_by IS NULL)",
        "0");
    buf_free(&rows_text);
    buf_free(&state);
    buf_free(&people);
}

/* --- a disk that fails
 * --------------------------------------------------------------------------------------------------------------- */

static void test_history_with_a_failing_disk(void **state)
{
    (void)state;
    int lives = getenv("BELFRY_LONG") ? 50 : 5;
    for (int life = 0; life < lives; life++) {
        seed = (uint64_t)life * 7919 + 1;
        draw_plans();
        struct model *model = xcalloc(1, sizeof(*model));
        model_init(model);
        struct bench *b = bench_new(RULES, PEOPLE);
        bench_start(b, vfs_fault_name());
        int open[REQUESTS], left = REQUESTS, failed = 0;
        for (int i = 0; i < REQUESTS; i++)
            open[i] = i;
        while (left > 0) {
            static const enum vfs_fault kinds[] = {VFS_FULL, VFS_IOERR};
            int width = left < 8 ? left : 8, kept = 0;
            if (left == REQUESTS || draw(3) == 0)
                vfs_fault_set(kinds[draw(2)], (int)draw(30), 1 + (int)draw(4));
            struct sent *sent[8];
            for (int i = 0; i < width; i++) {
                char *text = request_text(open[i]);
                sent[i] = send_begin(b, "crm", text, 0);
                free(text);
            }
            for (int i = 0; i < width; i++) {
                belfry_status status = send_end(b, sent[i]);
                if (status == BELFRY_EIO) {
                    open[kept++] = open[i]; /* sent again later, in this order */
                    failed++;
                } else {
                    assert_int_equal(status, fails(open[i]) ? BELFRY_ECONFLICT : BELFRY_OK);
                    if (!status)
                        assert_int_equal(sent[i]->results[0].state, LEDGER_ACCEPTED);
                    if (!status)
                        model_apply(model, open[i]);
                }
                send_free(sent[i]);
            }
            memmove(open + kept, open + width, (size_t)(left - width) * sizeof(open[0]));
            left -= width - kept;
        }
        vfs_fault_set(VFS_NONE, 0, 0);
        assert_true(failed > 0);
        model_compare(model, b);
        bench_stop(b);
        bench_start(b, NULL);
        model_compare(model, b);
        bench_free(b);
        free(model);
    }
}

/* --- a process that is killed
 * --------------------------------------------------------------------------------------------------------- */

/* In a child: sends what is open, tells each answer through the pipe, dies in the middle of a write. */
static void life_of_a_child(struct bench *b, const int *open, int left, int until_kill, int out)
{
    struct sent *sent[REQUESTS];
    vfs_fault_name();
    vfs_fault_set(VFS_NONE, 0, 0);
    bench_start(b, vfs_fault_name());
    vfs_fault_set(VFS_KILL, until_kill, 0);
    for (int at = 0; at < left; at += 6) {
        int width = left - at < 6 ? left - at : 6;
        for (int i = 0; i < width; i++) {
            char *text = request_text(open[at + i]);
            sent[at + i] = send_begin(b, "crm", text, 0);
            free(text);
        }
        for (int i = 0; i < width; i++) {
            struct {
                int request, accepted;
            } answer = {open[at + i], send_end(b, sent[at + i]) == BELFRY_OK};
            if (write(out, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
                _exit(1);
        }
    }
    _exit(0);
}

static int drop_answered(struct model *model, int *open, int left, int in)
{
    struct {
        int request, accepted;
    } answer;
    while (read(in, &answer, sizeof(answer)) == (ssize_t)sizeof(answer)) {
        int at = 0;
        while (at < left && open[at] != answer.request)
            at++;
        assert_true(at < left);
        assert_int_equal(answer.accepted, !fails(answer.request));
        if (answer.accepted)
            model_apply(model, answer.request);
        left--;
        memmove(open + at, open + at + 1, (size_t)(left - at) * sizeof(open[0]));
    }
    return left;
}

static void test_history_with_kills(void **state)
{
    (void)state;
    int kills = 0, wanted = getenv("BELFRY_LONG") ? 200 : 20;
    for (uint64_t history = 1; kills < wanted; history++) {
        seed = history * 104729;
        draw_plans();
        struct model *model = xcalloc(1, sizeof(*model));
        model_init(model);
        struct bench *b = bench_new(RULES, PEOPLE);
        int open[REQUESTS], left = REQUESTS;
        for (int i = 0; i < REQUESTS; i++)
            open[i] = i;
        while (left > 0) {
            int pipes[2], until_kill = (int)draw(400);
            assert_int_equal(pipe(pipes), 0);
            pid_t pid = fork();
            if (pid == 0) {
                alarm(60);
                close(pipes[0]);
                life_of_a_child(b, open, left, until_kill, pipes[1]);
            }
            close(pipes[1]);
            left = drop_answered(model, open, left, pipes[0]);
            close(pipes[0]);
            int status;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                        (WIFEXITED(status) && WEXITSTATUS(status) == 0));
            kills += WIFSIGNALED(status);
        }
        bench_start(b, NULL);
        model_compare(model, b);
        bench_free(b);
        free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_with_a_failing_disk),
        cmocka_unit_test(test_history_with_kills),
    };
    return cmocka_run_group_tests_name("ledger_history", tests, NULL, NULL);
}
