/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A booking may be disputed again once the first dispute was settled, of which nobody tells us; so the same words again
 * are nothing and others are news. A shift is cancelled once: the same again is nothing, anything else would be another
 * fee for it and is refused. State is "booking/{id}" and "shift/{id}": the digest of what was said, of a shift also who
 * and when.
 */
#include "notice.h"
#include "digest.h"
#include "json_text.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ID_MAX 256

/* What both have: a thing with an id, a link and an owner, and who acted on it. */
struct notice {
    struct reading *r;
    struct belfry_str key; /* of the state, and subject of the event */
    struct belfry_str url, owner, by;
};

static int read_notice(struct notice *n, struct reading *r, const char *object)
{
    char pointer[32];
    *n = (struct notice){.r = r};
    snprintf(pointer, sizeof(pointer), "/%s", object);
    if (!read_object(r, pointer))
        return 0;
    snprintf(pointer, sizeof(pointer), "/%s/id", object);
    struct belfry_str id = read_id(r, pointer, ID_MAX);
    snprintf(pointer, sizeof(pointer), "/%s/url", object);
    n->url = read_link(r, pointer);
    snprintf(pointer, sizeof(pointer), "/%s/owner", object);
    n->owner = read_user(r, pointer, REQUIRED);
    n->by = read_by(r, REQUIRED);
    read_text(r, "/reason", OPTIONAL);
    char *key = r->txn->api->alloc(r->txn, strlen(object) + 1 + id.len);
    if (!key)
        return 0;
    memcpy(key, object, strlen(object));
    key[strlen(object)] = '/';
    if (id.len > 0)
        memcpy(key + strlen(object) + 1, id.ptr, id.len);
    n->key = (struct belfry_str){key, strlen(object) + 1 + id.len};
    return 1;
}

/* What is known of the thing; empty when it is new. */
static belfry_status known(const struct notice *n, struct belfry_str *out)
{
    *out = (struct belfry_str){NULL, 0};
    belfry_status status = n->r->txn->api->get(n->r->txn, n->key, out);
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

/* The trigger's data with what was computed; who acted stands in it also when a person came themselves. */
static json_t *data_of(const struct notice *n)
{
    json_t *data = json_loadb(n->r->trigger->data.ptr, n->r->trigger->data.len, 0, NULL);
    if (data)
        json_object_set_new(data, "by", json_stringn(n->by.ptr, n->by.len));
    return data;
}

/* Takes data over; german (may be NULL) is what the German texts say otherwise. */
static belfry_status tell(const struct notice *n, const char *type, json_t *data, json_t *german)
{
    struct belfry_event_words words = {.struct_size = sizeof(words), .language = belfry_str("de")};
    struct belfry_str text = json_text(n->r->txn, data);
    struct belfry_recipient to = {sizeof(to), BELFRY_TO_USER, n->owner, belfry_str("owner")};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str(type),
                                 .subject = n->key,
                                 .severity = -1,
                                 .link = n->url,
                                 .audience = &to,
                                 .audience_count = 1,
                                 .data = text,
                                 .words = &words,
                                 .word_count = german ? 1 : 0};
    if (german)
        words.data = json_text(n->r->txn, german);
    return text.ptr && (!german || words.data.ptr) ? n->r->txn->api->emit(n->r->txn, &event, n->r->err) : BELFRY_ELIMIT;
}

/* --- bookings ----------------------------------------------------------------------------------------------------- */

belfry_status notice_booking(struct reading *r)
{
    struct notice n;
    struct belfry_str before;
    if (!read_notice(&n, r, "booking") || r->faults)
        return r->faults ? BELFRY_EINVAL : BELFRY_ELIMIT;
    const struct belfry_str texts[] = {n.url, n.owner, n.by, read_text(r, "/reason", OPTIONAL)};
    struct belfry_str digest = digest_of(r->txn, texts, sizeof(texts) / sizeof(texts[0]), 0);
    belfry_status status = digest.ptr ? known(&n, &before) : BELFRY_ELIMIT;
    if (status != BELFRY_OK || digest_same(digest, before))
        return status;
    status = r->txn->api->put(r->txn, n.key, digest);
    return status == BELFRY_OK ? tell(&n, "booking.disputed", data_of(&n), NULL) : status;
}

/* --- shifts ------------------------------------------------------------------------------------------------------- */

struct shift {
    int64_t starts_at, cancelled_at;
    struct decimal window_hours, percent;
    int64_t rate_minor, fixed_minor;
    int has_percent;
    struct belfry_str currency;
};

static struct decimal read_decimal(struct reading *r, const char *pointer)
{
    struct belfry_value value;
    struct decimal out = {0, 0};
    if (r->txn->api->value_get(r->txn, r->trigger, pointer, &value) != BELFRY_OK)
        read_fault(r, pointer, "is required");
    else if (value.type != BELFRY_VALUE_INT && value.type != BELFRY_VALUE_REAL)
        read_fault(r, pointer, "must be a number");
    else if (decimal_of(&value, &out) != 0)
        read_fault(r, pointer, "has more than 15 digits or decimals");
    else if (out.digits < 0)
        read_fault(r, pointer, "must be at least 0");
    return out.digits < 0 ? (struct decimal){0, 0} : out;
}

static int is_there(const struct reading *r, const char *pointer)
{
    struct belfry_value value;
    return r->txn->api->value_get(r->txn, r->trigger, pointer, &value) == BELFRY_OK;
}

static void read_terms(struct reading *r, struct shift *s)
{
    if (!read_object(r, "/terms"))
        return;
    int fixed = is_there(r, "/terms/fixed_minor");
    s->has_percent = is_there(r, "/terms/percent");
    s->window_hours = read_decimal(r, "/terms/window_hours");
    s->currency = read_currency(r, "/terms/currency");
    if (fixed == s->has_percent)
        read_fault(r, "/terms/percent",
                   fixed ? "stands beside fixed_minor; one of them it is" : "is required, or fixed_minor");
    if (s->has_percent)
        s->percent = read_decimal(r, "/terms/percent");
    if (s->has_percent || is_there(r, "/terms/rate_minor"))
        s->rate_minor = read_minor(r, "/terms/rate_minor", 0);
    if (fixed)
        s->fixed_minor = read_minor(r, "/terms/fixed_minor", 0);
}

/* Elapsed time, whatever clocks were set to in between; after the start it is inside of every window. */
static int fee_applies(const struct shift *s)
{
    return decimal_hours_exceed(s->window_hours, s->starts_at - s->cancelled_at);
}

static int64_t fee_of(struct reading *r, const struct shift *s)
{
    int64_t fee = s->fixed_minor;
    if (s->has_percent && money_percent(s->rate_minor, s->percent, &fee) != 0)
        read_fault(r, "/terms/rate_minor", "makes a fee that is more than can be counted");
    return fee;
}

static belfry_status refuse_again(const struct notice *n, struct belfry_str before)
{
    const struct invoice *self = n->r->self;
    const char *tab = memchr(before.ptr, '\t', before.len), *end = before.ptr + before.len;
    if (tab && end - tab > BELFRY_TIME_SIZE) { /* digest, when, who */
        self->host->fail_attr(n->r->err, "handled_at", (struct belfry_str){tab + 1, BELFRY_TIME_SIZE - 1});
        self->host->fail_attr(
            n->r->err, "handled_by",
            (struct belfry_str){tab + 1 + BELFRY_TIME_SIZE, (size_t)(end - tab) - 1 - BELFRY_TIME_SIZE});
    }
    return self->host->fail(n->r->err, BELFRY_ECONFLICT, "/data/shift/id", "%.*s was cancelled already, otherwise",
                            (int)n->key.len, n->key.ptr);
}

/* digest, when it was cancelled, who did. */
static belfry_status remember(const struct notice *n, struct belfry_str digest, int64_t cancelled_at)
{
    size_t size = digest.len + 1 + BELFRY_TIME_SIZE + n->by.len + 1;
    char *text = n->r->txn->api->alloc(n->r->txn, size), at[BELFRY_TIME_SIZE];
    if (!text)
        return BELFRY_ELIMIT;
    n->r->self->calendar->format_time(cancelled_at, at);
    int len = snprintf(text, size, "%.*s\t%s\t%.*s", (int)digest.len, digest.ptr, at, (int)n->by.len, n->by.ptr);
    return n->r->txn->api->put(n->r->txn, n->key, (struct belfry_str){text, (size_t)len});
}

static struct belfry_str digest_of_shift(const struct notice *n, const struct shift *s)
{
    char numbers[200];
    int len = snprintf(numbers, sizeof(numbers),
                       "%" PRId64 " %" PRId64 " %" PRId64 "e%d %d %" PRId64 "e%d %" PRId64 " %" PRId64, s->starts_at,
                       s->cancelled_at, s->window_hours.digits, s->window_hours.scale, s->has_percent,
                       s->percent.digits, s->percent.scale, s->rate_minor, s->fixed_minor);
    const struct belfry_str texts[] = {n->url, n->owner, n->by, s->currency, {numbers, (size_t)len}};
    return digest_of(n->r->txn, texts, sizeof(texts) / sizeof(texts[0]), 0);
}

/* What people read of it, in one language; the times are those that clocks of the org show. */
static void set_words(const struct notice *n, const struct shift *s, int64_t fee, enum words_language language,
                      json_t *data)
{
    const struct invoice *self = n->r->self;
    char text[WORDS_SIZE];
    struct belfry_str zone;
    if (n->r->txn->api->zone(n->r->txn, &zone) != BELFRY_OK)
        zone = belfry_str("UTC");
    json_object_set_new(data, "fee", json_string(words_money(fee, s->currency, language, text)));
    json_object_set_new(data, "starts", json_string(words_time(self, zone, s->starts_at, language, text)));
    json_object_set_new(data, "cancelled", json_string(words_time(self, zone, s->cancelled_at, language, text)));
    json_object_set_new(data, "timezone", json_stringn(zone.ptr, zone.len));
}

static belfry_status tell_shift(const struct notice *n, const struct shift *s, int64_t fee)
{
    json_t *data = data_of(n), *german = json_object();
    if (data) {
        json_object_set_new(data, "fee_applies", json_boolean(fee_applies(s)));
        json_object_set_new(data, "fee_minor", json_integer(fee));
        set_words(n, s, fee, WORDS_ENGLISH, data);
    }
    set_words(n, s, fee, WORDS_GERMAN, german);
    return tell(n, "shift.cancelled", data, german);
}

belfry_status notice_shift(struct reading *r)
{
    struct notice n;
    struct shift s = {0};
    struct belfry_str before;
    int complete = read_notice(&n, r, "shift");
    if (complete)
        s.starts_at = read_time(r, "/shift/starts_at");
    s.cancelled_at = read_time(r, "/cancelled_at");
    read_terms(r, &s);
    int64_t fee = !r->faults && fee_applies(&s) ? fee_of(r, &s) : 0;
    if (!complete || r->faults)
        return r->faults ? BELFRY_EINVAL : BELFRY_ELIMIT;
    struct belfry_str digest = digest_of_shift(&n, &s);
    belfry_status status = digest.ptr ? known(&n, &before) : BELFRY_ELIMIT;
    if (status != BELFRY_OK)
        return status;
    if (before.len >= digest.len && digest_same(digest, (struct belfry_str){before.ptr, digest.len}))
        return BELFRY_OK;
    if (before.len > 0)
        return refuse_again(&n, before);
    status = remember(&n, digest, s.cancelled_at);
    return status == BELFRY_OK ? tell_shift(&n, &s, fee) : status;
}
