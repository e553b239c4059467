/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run as one line of JSON with short names, because millions are kept for good: what is not known is not written.
 * The same run gives the same bytes, in whatever order its triggers came.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *const sync_outcomes[] = {"", "succeeded", "partial", "failed", NULL};

/* --- time --------------------------------------------------------------------------------------------------------- */

struct sync_moment sync_moment_of(const struct belfry_trigger *trigger)
{
    struct sync_moment moment = {trigger->arrived_ms, 0};
    if (trigger->time_ms > 0 && trigger->time_ms >= moment.arrived_ms - SYNC_DAY_MS &&
        trigger->time_ms <= moment.arrived_ms + SYNC_DAY_MS)
        moment.said_ms = trigger->time_ms;
    return moment;
}

int64_t sync_moment_ms(struct sync_moment moment)
{
    return moment.said_ms && moment.said_ms < moment.arrived_ms ? moment.said_ms : moment.arrived_ms;
}

int64_t sync_run_length(const struct sync_run *run)
{
    const struct sync_moment *a = &run->started, *b = &run->finished;
    if (!a->arrived_ms || !b->arrived_ms)
        return -1;
    if (a->said_ms && b->said_ms && b->said_ms >= a->said_ms)
        return b->said_ms - a->said_ms;
    return b->arrived_ms >= a->arrived_ms ? b->arrived_ms - a->arrived_ms : -1;
}

const char *sync_run_state(const struct sync_run *run)
{
    return run->finished.arrived_ms ? "finished" : run->stalled ? "stalled" : "running";
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

size_t sync_url_byte(char c, char out[4])
{
    int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._~", c, 4);
    return (size_t)snprintf(out, 4, plain ? "%c" : "%%%02X", (unsigned char)c);
}

void sync_time_text(int64_t ms, char out[SYNC_TIME_TEXT])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char day[24];
    gmtime_r(&seconds, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, SYNC_TIME_TEXT, "%s.%03dZ", day, (int)(ms % 1000));
}

void sync_length_text(int64_t ms, char out[SYNC_LENGTH_TEXT])
{
    static const struct {
        int64_t s;
        const char *symbol;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t s = ms / 1000;
    size_t i = 0;
    while (i < 3 && s < units[i].s)
        i++;
    int64_t rest = i < 3 ? s % units[i].s / units[i + 1].s : 0;
    if (rest)
        snprintf(out, SYNC_LENGTH_TEXT, "%" PRId64 " %s %" PRId64 " %s", s / units[i].s, units[i].symbol, rest,
                 units[i + 1].symbol);
    else
        snprintf(out, SYNC_LENGTH_TEXT, "%" PRId64 " %s", s / units[i].s, units[i].symbol);
}

void sync_kind_name(struct belfry_str kind, char out[SYNC_NAME_TEXT])
{
    if (kind.len == 0 || kind.len >= SYNC_NAME_TEXT) {
        strcpy(out, "Run");
        return;
    }
    for (size_t i = 0; i < kind.len; i++)
        out[i] = kind.ptr[i] == '_' || kind.ptr[i] == '-' ? ' ' : kind.ptr[i];
    out[kind.len] = '\0';
    if (out[0] >= 'a' && out[0] <= 'z')
        out[0] = (char)(out[0] - 'a' + 'A');
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static struct belfry_str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return (struct belfry_str){NULL, 0};
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void read_progress(const json_t *list, struct sync_progress *out)
{
    const json_t *note = json_array_get(list, 3);
    out->done = json_integer_value(json_array_get(list, 0));
    out->total = json_integer_value(json_array_get(list, 1));
    out->at_ms = json_integer_value(json_array_get(list, 2));
    if (json_is_string(note))
        out->note = (struct belfry_str){json_string_value(note), json_string_length(note)};
}

static void read_members(const json_t *doc, struct sync_run *run)
{
    run->kind = text_of(doc, "k");
    run->admin = text_of(doc, "a");
    run->url = text_of(doc, "u");
    run->started = (struct sync_moment){number_of(doc, "s"), number_of(doc, "S")};
    run->finished = (struct sync_moment){number_of(doc, "f"), number_of(doc, "F")};
    run->first_ms = number_of(doc, "n");
    run->outcome = (int)number_of(doc, "o");
    if (run->outcome < SYNC_UNFINISHED || run->outcome > SYNC_FAILED)
        run->outcome = SYNC_UNFINISHED;
    run->background = number_of(doc, "b") != 0;
    run->stalled = number_of(doc, "t") != 0;
    run->has_log = number_of(doc, "l") != 0;
    run->told = (uint32_t)number_of(doc, "w");
    run->counts = json_object_get(doc, "c");
    read_progress(json_object_get(doc, "p"), &run->progress);
}

int sync_run_parse(struct belfry_str key, struct belfry_str value, struct sync_run *run)
{
    memset(run, 0, sizeof(*run));
    if (!sync_cut(&key, SYNC_AT) || key.len <= SYNC_TIME_DIGITS + 1 || key.ptr[SYNC_TIME_DIGITS] != '/')
        return 0;
    run->doc = json_loadb(value.ptr, value.len, 0, NULL);
    if (!json_is_object(run->doc)) {
        sync_run_fini(run);
        return 0;
    }
    memcpy(run->place, key.ptr, SYNC_TIME_DIGITS);
    run->id = (struct belfry_str){key.ptr + SYNC_TIME_DIGITS + 1, key.len - SYNC_TIME_DIGITS - 1};
    read_members(run->doc, run);
    return 1;
}

void sync_run_fini(struct sync_run *run)
{
    json_decref(run->doc);
    run->doc = NULL;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

struct belfry_str sync_key(struct belfry_txn *txn, const char *prefix, struct belfry_str id)
{
    size_t len = strlen(prefix);
    char *key = txn->api->alloc(txn, len + id.len);
    if (!key)
        return (struct belfry_str){NULL, 0};
    memcpy(key, prefix, len);
    if (id.len)
        memcpy(key + len, id.ptr, id.len);
    return (struct belfry_str){key, len + id.len};
}

static struct belfry_str place_key(struct belfry_txn *txn, const char *place, struct belfry_str id)
{
    char prefix[sizeof(SYNC_AT) + SYNC_TIME_DIGITS + 1];
    snprintf(prefix, sizeof(prefix), SYNC_AT "%s/", place);
    return sync_key(txn, prefix, id);
}

belfry_status sync_run_load(struct belfry_txn *txn, struct belfry_str id, struct sync_run *run)
{
    struct belfry_str key = sync_key(txn, "run/", id), value;
    char place[SYNC_TIME_DIGITS + 1] = "";
    memset(run, 0, sizeof(*run));
    run->id = id;
    if (!key.ptr)
        return BELFRY_ELIMIT;
    belfry_status status = txn->api->get(txn, key, &value);
    if (status != BELFRY_OK || value.len != SYNC_TIME_DIGITS)
        return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
    memcpy(place, value.ptr, SYNC_TIME_DIGITS);
    key = place_key(txn, place, id);
    if (!key.ptr)
        return BELFRY_ELIMIT;
    status = txn->api->get(txn, key, &value);
    if (status == BELFRY_OK)
        sync_run_parse(key, value, run);
    run->id = id;
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void set_text(json_t *object, const char *name, struct belfry_str value)
{
    if (value.ptr)
        json_object_set_new(object, name, json_stringn(value.ptr, value.len));
}

static void set_number(json_t *object, const char *name, int64_t value)
{
    if (value)
        json_object_set_new(object, name, json_integer(value));
}

static json_t *progress_json(const struct sync_progress *p)
{
    json_t *list = json_pack("[I,I,I]", (json_int_t)p->done, (json_int_t)p->total, (json_int_t)p->at_ms);
    if (p->note.ptr)
        json_array_append_new(list, json_stringn(p->note.ptr, p->note.len));
    return list;
}

static char *write_members(const struct sync_run *run)
{
    json_t *doc = json_object();
    set_text(doc, "k", run->kind);
    set_text(doc, "a", run->admin);
    set_text(doc, "u", run->url);
    set_number(doc, "s", run->started.arrived_ms);
    set_number(doc, "S", run->started.said_ms);
    set_number(doc, "f", run->finished.arrived_ms);
    set_number(doc, "F", run->finished.said_ms);
    if (!run->started.arrived_ms && !run->finished.arrived_ms)
        set_number(doc, "n", run->first_ms);
    set_number(doc, "o", run->outcome);
    set_number(doc, "b", run->background);
    set_number(doc, "t", run->stalled);
    set_number(doc, "l", run->has_log);
    set_number(doc, "w", run->told);
    if (run->counts)
        json_object_set(doc, "c", run->counts);
    if (run->progress.at_ms)
        json_object_set_new(doc, "p", progress_json(&run->progress));
    char *text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    return text;
}

static int64_t place_ms(const struct sync_run *run)
{
    if (run->started.arrived_ms)
        return sync_moment_ms(run->started);
    return run->finished.arrived_ms ? sync_moment_ms(run->finished) : run->first_ms;
}

/* To another place when the time that counts has become known. */
static belfry_status move(struct belfry_txn *txn, struct sync_run *run, const char *place)
{
    struct belfry_str key = sync_key(txn, "run/", run->id), old = place_key(txn, run->place, run->id);
    if (!key.ptr || !old.ptr)
        return BELFRY_ELIMIT;
    belfry_status status = run->place[0] ? txn->api->del(txn, old) : BELFRY_OK;
    memcpy(run->place, place, sizeof(run->place));
    return status == BELFRY_OK ? txn->api->put(txn, key, belfry_str(run->place)) : status;
}

belfry_status sync_run_save(struct belfry_txn *txn, struct sync_run *run)
{
    char place[32];
    belfry_status status = BELFRY_OK;
    snprintf(place, sizeof(place), "%0*" PRId64, SYNC_TIME_DIGITS, place_ms(run));
    if (strcmp(place, run->place) != 0)
        status = move(txn, run, place);
    struct belfry_str key = place_key(txn, run->place, run->id);
    if (status != BELFRY_OK || !key.ptr)
        return status != BELFRY_OK ? status : BELFRY_ELIMIT;
    char *text = write_members(run);
    status = text ? txn->api->put(txn, key, belfry_str(text)) : BELFRY_ENOMEM;
    free(text);
    return status;
}
