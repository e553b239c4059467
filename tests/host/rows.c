/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record becomes state, timers, tasks and rows, and a line each for the test. Rows follow the hub's rules: an
 * operation on a subject acts on rows that are valid and not handled; an event replaces the live rows of the types it
 * replaces for each of its recipients and withdraws those of everybody else.
 */
#include "fake.h"

static int listed(const struct belfry_strs *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        struct belfry_str item = list->items[i];
        int prefix = item.len > 0 && item.ptr[item.len - 1] == '*';
        if (prefix ? strncmp(text, item.ptr, item.len - 1) == 0 : str_eqz(item, text))
            return 1;
    }
    return 0;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

void fake_tell(struct belfry_test *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vaddf(&t->told, format, args);
    va_end(args);
    buf_addc(&t->told, '\n');
}

static void add_names(struct buf *out, const char *before, const struct belfry_strs *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_addf(out, "%s%.*s", i ? ", " : before, STR_ARG(list->items[i]));
}

static const char *event_line(struct belfry_test *t, const struct belfry_test_event *e)
{
    const char *to = "";
    for (size_t i = 0; e->recipients[i]; i++)
        to = arena_printf(t->arena, "%s%s%s", to, i ? ", " : "", e->recipients[i]);
    return arena_printf(t->arena, "%s -> %s: %s", e->type, *to ? to : "nobody", e->title);
}

static void tell_subject_op(struct belfry_test *t, const struct fake_op *op)
{
    static const char *const verbs[] = {[FAKE_WITHDRAW] = "withdraw",
                                        [FAKE_HANDLED] = "handled",
                                        [FAKE_SUPERSEDE] = "supersede",
                                        [FAKE_VALID_UNTIL] = "valid"};
    struct buf line = {0};
    buf_addf(&line, "%s %.*s", verbs[op->kind], STR_ARG(op->key));
    if (op->which.types.count) {
        add_names(&line, " [", &op->which.types);
        buf_addc(&line, ']');
    }
    if (op->kind == FAKE_HANDLED)
        buf_addf(&line, " by %.*s", STR_ARG(op->value));
    if (op->kind == FAKE_VALID_UNTIL && op->when_ms) {
        char time[TIME_TEXT_SIZE];
        time_format(op->when_ms, time);
        buf_addf(&line, " until %s", time);
    } else if (op->kind == FAKE_VALID_UNTIL) {
        buf_addz(&line, " for good");
    }
    add_names(&line, " from ", &op->which.only);
    add_names(&line, " except ", &op->which.except);
    if (op->which.reason.len)
        buf_addf(&line, ": %.*s", STR_ARG(op->which.reason));
    fake_tell(t, "%s", line.ptr);
    buf_free(&line);
}

static void tell_when(struct belfry_test *t, const char *what, struct belfry_str key, int64_t when_ms)
{
    char text[32];
    int64_t wait = when_ms - clock_now_ms(t->clock);
    if (wait > 0)
        fake_tell(t, "%s %.*s in %s", what, STR_ARG(key), duration_format(wait, text));
    else
        fake_tell(t, "%s %.*s", what, STR_ARG(key));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int is_live(const struct fake_row *row)
{
    return row->validity == FAKE_LIVE && !row->handled_by;
}

static int is_about(const struct fake_row *row, const char *org, struct belfry_str subject)
{
    return strcmp(row->event->pub.org, org) == 0 && str_eqz(subject, row->event->pub.subject);
}

static void apply_subject_op(struct belfry_test *t, const char *org, const struct fake_op *op)
{
    const struct belfry_selection *which = &op->which;
    for (size_t i = 0; i < t->rows.count; i++) {
        struct fake_row *row = &t->rows.items[i];
        if (!is_live(row) || !is_about(row, org, op->key) ||
            (which->types.count && !listed(&which->types, row->event->pub.type)) ||
            (which->only.count && !listed(&which->only, row->who)) || listed(&which->except, row->who))
            continue;
        if (op->kind == FAKE_HANDLED)
            row->handled_by = fake_text(t, op->value);
        else if (op->kind == FAKE_VALID_UNTIL)
            row->valid_until_ms = op->when_ms;
        else
            row->validity = op->kind == FAKE_WITHDRAW ? FAKE_WITHDRAWN : FAKE_SUPERSEDED;
    }
    tell_subject_op(t, op);
}

static int is_recipient(const struct belfry_test_event *e, const char *who)
{
    for (size_t i = 0; e->recipients[i]; i++) {
        if (strcmp(e->recipients[i], who) == 0)
            return 1;
    }
    return 0;
}

static int replaces(const struct fake_event *event, const char *type)
{
    for (size_t i = 0; event->replaces && event->replaces[i]; i++) {
        struct belfry_str one = str_of(event->replaces[i]);
        if (listed(&(struct belfry_strs){&one, 1}, type))
            return 1;
    }
    return 0;
}

static void apply_event(struct belfry_test *t, const char *org, struct fake_event *event)
{
    const struct belfry_test_event *e = &event->pub;
    for (size_t i = 0; *e->subject && i < t->rows.count; i++) {
        struct fake_row *row = &t->rows.items[i];
        if (is_live(row) && is_about(row, org, str_of(e->subject)) && replaces(event, row->event->pub.type))
            row->validity = is_recipient(e, row->who) ? FAKE_REPLACED : FAKE_WITHDRAWN;
    }
    for (size_t i = 0; e->recipients[i]; i++)
        *FAKE_ADD(t, &t->rows) = (struct fake_row){event, e->recipients[i], FAKE_LIVE, NULL, e->valid_until_ms};
    *FAKE_ADD(t, &t->events) = event;
    fake_tell(t, "%s", event_line(t, e));
}

void fake_expire(struct belfry_test *t)
{
    int64_t now = clock_now_ms(t->clock);
    for (size_t i = 0; i < t->rows.count; i++) {
        struct fake_row *row = &t->rows.items[i];
        if (row->validity == FAKE_LIVE && row->valid_until_ms && row->valid_until_ms <= now)
            row->validity = FAKE_EXPIRED;
    }
}

/* --- the record --------------------------------------------------------------------------------------------------- */

static size_t find_timer(const struct belfry_test *t, const char *org, struct belfry_str key)
{
    for (size_t i = 0; i < t->timers.count; i++) {
        if (str_eqz(t->timers.items[i].org, org) && str_eq(t->timers.items[i].key, key))
            return i;
    }
    return SIZE_MAX;
}

static void set_timer(struct belfry_test *t, const char *org, const struct fake_op *op)
{
    size_t at = find_timer(t, org, op->key);
    struct fake_timer *timer = at == SIZE_MAX ? FAKE_ADD(t, &t->timers) : &t->timers.items[at];
    *timer = (struct fake_timer){str_of(org), op->key, op->value, op->when_ms, op->when_ms, 0};
    tell_when(t, "timer", op->key, op->when_ms);
}

static void clear_timer(struct belfry_test *t, const char *org, const struct fake_op *op)
{
    size_t at = find_timer(t, org, op->key);
    if (at == SIZE_MAX)
        return;
    t->timers.items[at] = t->timers.items[--t->timers.count];
    fake_tell(t, "timer %.*s cleared", STR_ARG(op->key));
}

void fake_apply(struct belfry_test *t, const char *org, const struct fake_record *record)
{
    for (const struct fake_op *op = record->first; op; op = op->next) {
        t->writes += op->kind == FAKE_PUT || op->kind == FAKE_DEL;
        switch (op->kind) {
        case FAKE_PUT:
            fake_state_set(t, str_of(org), op->key, &op->value);
            break;
        case FAKE_DEL:
            fake_state_set(t, str_of(org), op->key, NULL);
            break;
        case FAKE_EMIT:
            apply_event(t, org, op->event);
            break;
        case FAKE_TIMER_SET:
            set_timer(t, org, op);
            break;
        case FAKE_TIMER_CLEAR:
            clear_timer(t, org, op);
            break;
        case FAKE_TASK:
            *FAKE_ADD(t, &t->tasks) =
                (struct fake_task){fake_id(t), str_of(org), op->key, op->value, op->when_ms, 0, 0};
            tell_when(t, "task", op->key, op->when_ms);
            break;
        default:
            apply_subject_op(t, org, op);
        }
    }
}

/* --- what is asked of rows, events and state ---------------------------------------------------------------------- */

static int unmet(const char *file, int line, const char *what, const char *expected, const char *found)
{
    if (strcmp(expected, found) == 0)
        return 1;
    struct buf text = {0};
    buf_addf(&text, "%s:\n  expected: %s\n  found:    %s", what, *expected ? expected : "(nothing)",
             *found ? found : "(nothing)");
    char *copy = buf_steal(&text);
    static char kept[4000]; /* the failure function may never return */
    snprintf(kept, sizeof(kept), "%s", copy);
    free(copy);
    fake_fail(file, line, kept);
    return 0;
}

const char *belfry_test_told(struct belfry_test *t)
{
    size_t len = t->told.len;
    const char *text = arena_strndup(t->arena, len ? t->told.ptr : "", len ? len - 1 : 0);
    buf_clear(&t->told);
    return text;
}

int belfry_test_expect_at(struct belfry_test *t, const char *lines, const char *file, int line)
{
    return unmet(file, line, "what was done", lines, belfry_test_told(t));
}

int belfry_test_expect_error_at(struct belfry_test *t, const char *lines, const char *file, int line)
{
    return unmet(file, line, "the last call's error", lines, belfry_test_error(t));
}

static const char *rows_text(const struct belfry_test *t, const char *who, int all)
{
    static const char *const ends[] = {"", "replaced", "superseded", "withdrawn", "expired"};
    struct buf out = {0};
    for (size_t i = 0; i < t->rows.count; i++) {
        const struct fake_row *row = &t->rows.items[i];
        if (strcmp(row->event->pub.org, t->org) != 0 || strcmp(row->who, who) != 0 || (!all && !is_live(row)))
            continue;
        buf_addf(&out, "%s%s: %s", out.len ? "\n" : "", row->event->pub.type, row->event->pub.title);
        if (row->handled_by)
            buf_addf(&out, " (handled by %s)", row->handled_by);
        else if (row->validity != FAKE_LIVE)
            buf_addf(&out, " (%s)", ends[row->validity]);
    }
    const char *text = arena_strndup(t->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

const char *belfry_test_inbox(const struct belfry_test *t, const char *who)
{
    return rows_text(t, who, 0);
}

int belfry_test_expect_inbox_at(struct belfry_test *t, const char *who, const char *lines, const char *file, int line)
{
    fake_expire(t);
    return unmet(file, line, arena_printf(t->arena, "live rows of %s", who), lines, belfry_test_inbox(t, who));
}

int belfry_test_expect_rows_at(struct belfry_test *t, const char *who, const char *lines, const char *file, int line)
{
    fake_expire(t);
    return unmet(file, line, arena_printf(t->arena, "rows of %s", who), lines, rows_text(t, who, 1));
}

const struct belfry_test_event *belfry_test_event(const struct belfry_test *t, size_t index)
{
    return index < t->events.count ? &t->events.items[index]->pub : NULL;
}

size_t belfry_test_event_count(const struct belfry_test *t)
{
    return t->events.count;
}

const struct belfry_test_event *belfry_test_last(const struct belfry_test *t)
{
    return t->events.count ? &t->events.items[t->events.count - 1]->pub : NULL;
}

const char *belfry_test_state(const struct belfry_test *t)
{
    struct buf out = {0};
    for (size_t i = 0; i < t->state.count; i++) {
        const struct fake_state *s = &t->state.items[i];
        if (str_eqz(s->org, t->org))
            buf_addf(&out, "%s%.*s = %.*s", out.len ? "\n" : "", STR_ARG(s->key), STR_ARG(s->value));
    }
    const char *text = arena_strndup(t->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}

size_t belfry_test_writes(const struct belfry_test *t)
{
    return t->writes;
}

const char *belfry_test_get(const struct belfry_test *t, const char *key)
{
    for (size_t i = 0; i < t->state.count; i++) {
        const struct fake_state *s = &t->state.items[i];
        if (str_eqz(s->org, t->org) && str_eqz(s->key, key))
            return s->value.ptr;
    }
    return NULL;
}

void belfry_test_put(struct belfry_test *t, const char *key, const char *value)
{
    struct belfry_str text = str_of(value);
    fake_state_set(t, str_of(t->org), str_of(key), value ? &text : NULL);
}

const char *belfry_test_timers(const struct belfry_test *t)
{
    struct buf out = {0};
    for (const struct fake_timer *last = NULL;;) { /* in order of time, then key */
        const struct fake_timer *next = NULL;
        for (size_t i = 0; i < t->timers.count; i++) {
            const struct fake_timer *x = &t->timers.items[i];
            int after_last =
                !last || x->due_ms > last->due_ms || (x->due_ms == last->due_ms && str_cmp(x->key, last->key) > 0);
            int before_next =
                !next || x->due_ms < next->due_ms || (x->due_ms == next->due_ms && str_cmp(x->key, next->key) < 0);
            if (str_eqz(x->org, t->org) && after_last && before_next)
                next = x;
        }
        if (!next)
            break;
        char time[TIME_TEXT_SIZE];
        time_format(next->due_ms, time);
        buf_addf(&out, "%s%.*s at %s", out.len ? "\n" : "", STR_ARG(next->key), time);
        last = next;
    }
    const char *text = arena_strndup(t->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return text;
}
