/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories against a model of a page: valid, repeated, reordered and refused triggers, buttons and passing
 * time, on few approvals and people, so that everything meets everything. After each step the answer and the state are
 * what the model says, and some rules hold that no history may break: there is never a second result, nobody but the
 * people of the open step has an open request, and all of them have one. The accepted triggers, replayed from an empty
 * state, lead to the same state.
 */
#include "chance.h"
#include "approval_fixture.h"

#define AT_ONCE 3 /* approvals that are acted on; the window moves on, because what is approved is so for good */
#define MOVES_EACH 20
#define STEPS 900
#define APPROVALS (STEPS / MOVES_EACH + AT_ONCE)
#define SEEDS 8

enum { ANN, BOB, CARA, DAN, EVE, PEOPLE };
static const char *const people[] = {"ann", "bob", "cara", "dan", "eve"};
#define M(who) (1u << (who))

/* Dan stands in for Ann always, Cara for Bob in these days. */
#define OPTIONS                                                                                                        \
    "remind_after: 2d\n"                                                                                               \
    "escalate: {after: 3d, to: eve}\n"                                                                                 \
    "substitutes: [{for: ann, by: dan}, {for: bob, by: cara, from: 2026-01-20, until: 2026-02-09}]"
#define CARA_FROM INT64_C(1768867200000)   /* 2026-01-20T00:00:00Z */
#define CARA_BEFORE INT64_C(1770681600000) /* 2026-02-10T00:00:00Z */

enum { ALL = 0 };
static const struct content {
    struct {
        unsigned approvers;
        int needs;
    } steps[2];
    int count;
} contents[] = {{{{M(ANN) | M(BOB), 1}}, 1},
                {{{M(ANN) | M(BOB) | M(CARA), ALL}}, 1},
                {{{M(ANN) | M(BOB) | M(CARA), 2}, {M(DAN), 1}}, 2},
                {{{M(CARA) | M(ANN), 5}, {M(BOB) | M(DAN), ALL}}, 2},
                {{{M(EVE), 1}, {M(EVE) | M(ANN), 1}}, 2}};
#define CONTENTS (int)(sizeof(contents) / sizeof(contents[0]))

enum status { UNKNOWN, PENDING, APPROVED, REJECTED, RECALLED };

struct model {
    enum status status;
    int content, step;
    unsigned open, voted[2], closers; /* closers: whose repeated decision is known after the end */
    int closer, results;
};

enum kind { SUBMITTED, DECIDED, REASSIGNED, RECALL, BUTTON, TIME, BROKEN };
enum answer { NOTHING, DONE, CONFLICT, INVALID };

struct move {
    enum kind kind;
    int id, by, other, content, reject, step;
    int64_t minutes;
};

/* --- the model ---------------------------------------------------------------------------------------------------- */

static int stands_in(int who, int seat, int64_t now)
{
    return (who == DAN && seat == ANN) || (who == CARA && seat == BOB && now >= CARA_FROM && now < CARA_BEFORE);
}

static int seat_of(const struct model *m, int who, int64_t now)
{
    if (m->status != PENDING || m->voted[m->step] & M(who))
        return -1;
    if (m->open & M(who))
        return who;
    for (int seat = 0; seat < PEOPLE; seat++)
        if (m->open & M(seat) && stands_in(who, seat, now))
            return seat;
    return -1;
}

static void open_step(struct model *m, int step)
{
    m->step = step;
    m->open = contents[m->content].steps[step].approvers;
}

static void finish(struct model *m, enum status status, int by)
{
    m->closers = status == RECALLED ? 0 : (m->voted[0] | m->voted[1]) & ~M(by);
    m->status = status;
    m->closer = by;
    m->results += status != RECALLED;
}

static enum answer submit(struct model *m, int content)
{
    if (m->status == PENDING)
        return m->content == content ? NOTHING : CONFLICT;
    if (m->status == APPROVED)
        return CONFLICT;
    *m = (struct model){.status = PENDING, .content = content, .results = m->results};
    open_step(m, 0);
    return DONE;
}

static enum answer decide(struct model *m, const struct move *x, int64_t now)
{
    enum status word = x->reject ? REJECTED : APPROVED;
    unsigned before = m->voted[0] | m->voted[1];
    if (m->status != PENDING) {
        int same = (m->closer == x->by && m->status == word) || (!x->reject && m->closers & M(x->by));
        return (m->status == APPROVED || m->status == REJECTED) && same ? NOTHING : CONFLICT;
    }
    if (x->step && x->step != m->step + 1)
        return x->step <= 2 && !x->reject && m->voted[x->step - 1] & M(x->by) ? NOTHING : CONFLICT;
    int seat = seat_of(m, x->by, now);
    if (seat < 0)
        return !x->reject && (x->step ? m->voted[m->step] : before) & M(x->by) ? NOTHING : CONFLICT;
    if (x->reject) {
        finish(m, REJECTED, x->by);
        return DONE;
    }
    int needs = contents[m->content].steps[m->step].needs;
    m->voted[m->step] |= M(x->by);
    m->open &= ~M(seat);
    if (m->open && (needs == ALL || __builtin_popcount(m->voted[m->step]) < needs))
        return DONE;
    if (m->step + 1 < contents[m->content].count)
        open_step(m, m->step + 1);
    else
        finish(m, APPROVED, x->by);
    return DONE;
}

static enum answer reassign(struct model *m, int from, int to)
{
    if (from == to)
        return INVALID;
    if (m->status != PENDING || !(m->open & M(from)) || m->voted[m->step] & M(to))
        return CONFLICT;
    int needs = contents[m->content].steps[m->step].needs;
    int left = __builtin_popcount(m->voted[m->step]) + __builtin_popcount(m->open) - 1;
    if (m->open & M(to) && (needs == ALL || left < needs))
        return CONFLICT;
    m->open = (m->open & ~M(from)) | M(to);
    return DONE;
}

static enum answer recall(struct model *m, int by)
{
    if (m->status != PENDING)
        return CONFLICT;
    finish(m, RECALLED, by);
    return DONE;
}

/* --- triggers ----------------------------------------------------------------------------------------------------- */

static struct move random_move(uint64_t *seed, int step)
{
    static const enum kind kinds[] = {SUBMITTED, SUBMITTED, DECIDED, DECIDED, DECIDED,    DECIDED, DECIDED,
                                      BUTTON,    BUTTON,    TIME,    TIME,    REASSIGNED, RECALL,  BROKEN};
    struct move x = {.kind = kinds[pick(seed, 14)],
                     .id = step / MOVES_EACH + pick(seed, AT_ONCE),
                     .by = pick(seed, PEOPLE),
                     .other = pick(seed, PEOPLE),
                     .content = pick(seed, CONTENTS),
                     .reject = pick(seed, 6) == 0,
                     .step = pick(seed, 4) ? 0 : 1 + pick(seed, 3),
                     .minutes = 1 + pick(seed, 2000)};
    if (x.kind == RECALL && pick(seed, 3))
        x.kind = TIME;
    return x;
}

static const char *submission(const struct move *x)
{
    static char out[1000];
    const struct content *content = &contents[x->content];
    char *p = out + sprintf(out,
                            "{\"approval\":{\"id\":\"%d\",\"title\":\"A%d.\",\"url\":\"/a\",\"submitter\":\"sam\","
                            "\"steps\":[",
                            x->id, x->id);
    for (int i = 0; i < content->count; i++) {
        const char *comma = "";
        p += sprintf(p, "%s{\"name\":\"N\",\"approvers\":[", i ? "," : "");
        for (int who = PEOPLE; who-- > 0; comma = content->steps[i].approvers & M(who) ? "," : comma)
            if (content->steps[i].approvers & M(who))
                p += sprintf(p, "%s\"%s\"", comma, people[who]);
        p += content->steps[i].needs == ALL ? sprintf(p, "],\"needs\":\"all\"}")
                                            : sprintf(p, "],\"needs\":%d}", content->steps[i].needs);
    }
    sprintf(p, "]}}");
    return out;
}

static const char *decision(const struct move *x)
{
    static char out[200];
    int len = sprintf(out, "{\"approval\":{\"id\":\"%d\"},\"by\":\"%s\",\"decision\":\"%s\"", x->id, people[x->by],
                      x->reject ? "rejected" : "approved");
    sprintf(out + len, x->step ? ",\"step\":%d}" : "}", x->step);
    return out;
}

static belfry_status send(struct belfry_test *t, const struct move *x)
{
    char data[200], subject[20];
    switch (x->kind) {
    case SUBMITTED:
        return belfry_test_send(t, "approval.submitted", submission(x));
    case DECIDED:
        return belfry_test_send(t, "approval.decided", decision(x));
    case REASSIGNED:
        sprintf(data, "{\"approval\":{\"id\":\"%d\"},\"from\":\"%s\",\"to\":\"%s\",\"by\":\"sam\"}", x->id,
                people[x->by], people[x->other]);
        return belfry_test_send(t, "approval.reassigned", data);
    case RECALL:
        sprintf(data, "{\"approval\":{\"id\":\"%d\"},\"by\":\"%s\"}", x->id, people[x->by]);
        return belfry_test_send(t, "approval.recalled", data);
    case BUTTON:
        sprintf(subject, "approval/%d", x->id);
        return belfry_test_act(t, people[x->by], subject, x->reject ? "reject" : "approve", NULL);
    case BROKEN:
        return belfry_test_send(t, x->reject ? "approval.decided" : "approval.submitted", "{\"approval\":{}}");
    default:
        sprintf(data, "%lldm", (long long)x->minutes);
        belfry_test_advance(t, data);
        return BELFRY_OK;
    }
}

/* A button is there for those who may decide, and decides in the open step. */
static enum answer button(struct model *m, const struct move *x, int64_t now)
{
    struct move y = *x;
    y.step = m->step + 1;
    return seat_of(m, x->by, now) < 0 ? INVALID : decide(m, &y, now);
}

static enum answer apply(struct model *m, const struct move *x, int64_t now)
{
    switch (x->kind) {
    case SUBMITTED:
        return submit(m, x->content);
    case DECIDED:
        return decide(m, x, now);
    case REASSIGNED:
        return reassign(m, x->by, x->other);
    case RECALL:
        return recall(m, x->by);
    case BUTTON:
        return button(m, x, now);
    case BROKEN:
        return INVALID;
    default:
        return DONE;
    }
}

/* --- what no history may break ------------------------------------------------------------------------------------ */

static int has_row(const char *rows, int id)
{
    char requested[60], reminder[60];
    sprintf(requested, "approval.requested: Approve: A%d.", id);
    sprintf(reminder, "approval.reminder: Still to approve: A%d.", id);
    return strstr(rows, requested) || strstr(rows, reminder);
}

static void check_state(struct belfry_test *t, const struct model *m, int id)
{
    static const char *const words[] = {"", "", "approved", "rejected", "recalled"};
    char key[20], want[200];
    sprintf(key, "approval/%d", id);
    const char *state = belfry_test_get(t, key);
    if (m->status == UNKNOWN) {
        assert_null(state);
        return;
    }
    char *p = want;
    if (m->status == PENDING) {
        p += sprintf(p, ",\"open\":[");
        for (int who = 0; who < PEOPLE; who++)
            if (m->open & M(who))
                p += sprintf(p, "%s\"%s\"", p[-1] == '[' ? "" : ",", people[who]);
        sprintf(p, "]");
    } else {
        sprintf(p, "{\"closed\":\"%s\",\"by\":\"%s\"", words[m->status], people[m->closer]);
    }
    if (!strstr(state, want))
        fail_msg("%s is %s, and not %s", key, state, want);
}

static void check_rows(struct belfry_test *t, const struct model *models, int first)
{
    int64_t now = belfry_test_now(t);
    for (int who = 0; who < PEOPLE; who++) {
        const char *rows = belfry_test_inbox(t, people[who]);
        for (int id = first; id < first + AT_ONCE; id++)
            if (has_row(rows, id) != (seat_of(&models[id], who, now) >= 0))
                fail_msg("%s %s an open request of approval %d", people[who], has_row(rows, id) ? "has" : "has not",
                         id);
    }
}

/* The step's people are asked, Eve is escalated to, and Sam is told the result; nobody else ever hears a thing. */
static int check_event(const struct belfry_test_event *e)
{
    int is_result = strcmp(e->type, "approval.approved") == 0 || strcmp(e->type, "approval.rejected") == 0;
    for (size_t i = 0; e->recipients[i]; i++) {
        const char *who = e->recipients[i];
        assert_int_equal(strcmp(who, "sam") == 0, is_result);
        if (strcmp(e->type, "approval.escalated") == 0)
            assert_string_equal(who, "eve");
    }
    assert_string_equal(e->actor, "");
    return is_result;
}

/* *results: that were told so far. */
static void check_step(struct belfry_test *t, const struct model *models, int first, size_t first_event, int *results)
{
    int wanted = 0;
    for (size_t i = first_event; i < belfry_test_event_count(t); i++)
        *results += check_event(belfry_test_event(t, i));
    for (int id = 0; id < APPROVALS; id++)
        wanted += models[id].results;
    assert_int_equal(*results, wanted);
    for (int id = first; id < first + AT_ONCE; id++)
        check_state(t, &models[id], id);
    check_rows(t, models, first);
}

static void check_answer(struct belfry_test *t, const struct move *x, enum answer answer, belfry_status status)
{
    static const belfry_status statuses[] = {BELFRY_OK, BELFRY_OK, BELFRY_ECONFLICT, BELFRY_EINVAL};
    belfry_status want = x->kind == BUTTON && answer == INVALID ? BELFRY_ENOTFOUND : statuses[answer];
    if (status != want)
        fail_msg("%d of %s on %d is %d, and not %d: %s", x->kind, people[x->by], x->id, status, want,
                 belfry_test_error(t));
}

/* --- histories ---------------------------------------------------------------------------------------------------- */

static struct belfry_test *begin(void)
{
    struct belfry_test *t = approval_new(OPTIONS);
    belfry_test_until(t, "2026-01-05T09:00:00Z");
    return t;
}

static size_t play(struct belfry_test *t, uint64_t seed, struct move *accepted)
{
    struct model models[APPROVALS] = {0};
    size_t count = 0;
    int results = 0;
    for (int i = 0; i < STEPS; i++) {
        struct move x = random_move(&seed, i);
        char *before = strdup(belfry_test_state(t));
        size_t first_event = belfry_test_event_count(t);
        enum answer answer = apply(&models[x.id], &x, belfry_test_now(t));
        check_answer(t, &x, answer, send(t, &x));
        if (answer != DONE)
            assert_string_equal(belfry_test_state(t), before);
        if (answer != DONE)
            assert_int_equal(belfry_test_event_count(t), first_event);
        check_step(t, models, i / MOVES_EACH, first_event, &results);
        if (answer == DONE)
            accepted[count++] = x;
        free(before);
    }
    return count;
}

static void test_histories(void **state)
{
    static struct move accepted[STEPS];
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct belfry_test *t = begin(), *again = begin();
        size_t count = play(t, seed * UINT64_C(0x9e3779b97f4a7c15), accepted);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(send(again, &accepted[i]), BELFRY_OK);
        assert_string_equal(belfry_test_state(again), belfry_test_state(t));
        assert_string_equal(belfry_test_timers(again), belfry_test_timers(t));
        belfry_test_free(t);
        belfry_test_free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests_name("approval against a model", tests, NULL, NULL);
}
