/* SPDX-License-Identifier: Apache-2.0 */
/*
 * from and to are instants (RFC 3339), or days, which are whole ones in UTC; both ends belong to the range. A parameter
 * that stands twice is refused: which of the two was meant is anybody's guess.
 */
#include "query.h"
#include "read.h"

#include <time.h>

struct reader {
    struct sync_query *query;
    const struct sync *sync;
    const struct belfry_http_request *req;
    const char *bad, *why;
};

static void complain(struct reader *r, const char *name, const char *why)
{
    if (r->bad)
        return;
    r->bad = name;
    r->why = why;
}

/* Empty when it is absent or bad. */
static struct belfry_str value(struct reader *r, const char *name)
{
    struct belfry_str out = {NULL, 0}, second;
    belfry_status status = r->sync->http->query(r->req, name, 0, &out);
    if (status == BELFRY_OK && r->sync->http->query(r->req, name, 1, &second) == BELFRY_OK)
        complain(r, name, "is given more than once");
    else if (status != BELFRY_OK && status != BELFRY_ENOTFOUND)
        complain(r, name, "is not well-formed UTF-8 in percent-encoding");
    else if (status == BELFRY_OK)
        return out;
    return (struct belfry_str){NULL, 0};
}

/* --- times -------------------------------------------------------------------------------------------------------- */

/* `count` digits at *p; -1 when they are none. */
static int64_t digits(const char **p, const char *end, int count)
{
    int64_t n = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return -1;
        n = n * 10 + (**p - '0');
    }
    return n;
}

static int take(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return 0;
    (*p)++;
    return 1;
}

/* "2026-01-05" as ms of its beginning. */
static int read_day(const char **p, const char *end, int64_t *ms)
{
    struct tm tm = {0}, was;
    int64_t year = digits(p, end, 4), month, day;
    if (year < 0 || !take(p, end, '-') || (month = digits(p, end, 2)) < 0 || !take(p, end, '-') ||
        (day = digits(p, end, 2)) < 0)
        return 0;
    tm.tm_year = (int)year - 1900;
    tm.tm_mon = (int)month - 1;
    tm.tm_mday = (int)day;
    was = tm;
    *ms = (int64_t)timegm(&tm) * 1000;
    return tm.tm_mday == was.tm_mday && tm.tm_mon == was.tm_mon && year >= 1970;
}

/* "T09:30:00.5+02:00" onto the day. A plus that came as a blank was meant to be one. */
static int read_clock(const char **p, const char *end, int64_t *ms)
{
    int64_t hour, minute, second, fraction = 0;
    if ((!take(p, end, 'T') && !take(p, end, 't')) || (hour = digits(p, end, 2)) < 0 || hour > 23 ||
        !take(p, end, ':') || (minute = digits(p, end, 2)) < 0 || minute > 59 || !take(p, end, ':') ||
        (second = digits(p, end, 2)) < 0 || second > 60)
        return 0;
    if (take(p, end, '.'))
        for (int64_t unit = 100, digit = digits(p, end, 1); digit >= 0; unit /= 10) {
            fraction += digit * unit;
            digit = *p < end && **p >= '0' && **p <= '9' ? digits(p, end, 1) : -1;
        }
    *ms += ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    if (take(p, end, 'Z') || take(p, end, 'z'))
        return 1;
    int64_t sign = take(p, end, '-') ? 1 : take(p, end, '+') || take(p, end, ' ') ? -1 : 0;
    if (!sign || (hour = digits(p, end, 2)) < 0 || !take(p, end, ':') || (minute = digits(p, end, 2)) < 0)
        return 0;
    *ms += sign * (hour * 60 + minute) * 60000;
    return 1;
}

static int64_t read_time(struct reader *r, const char *name, struct belfry_str *kept, int last, int64_t open)
{
    struct belfry_str text = value(r, name);
    const char *p = text.ptr, *end = text.ptr + text.len;
    int64_t ms = 0;
    if (text.len == 0)
        return open;
    int good = read_day(&p, end, &ms);
    if (good && p == end)
        ms += last ? INT64_C(86399999) : 0;
    else
        good = good && read_clock(&p, end, &ms) && p == end;
    if (!good) {
        complain(r, name, "must be a day (2026-01-05) or an RFC 3339 time");
        return open;
    }
    *kept = text;
    return ms;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void read_kind(struct reader *r)
{
    struct belfry_str kind = value(r, "kind");
    if (kind.len && !sync_is_kind(kind))
        complain(r, "kind", "must be a word of 1 to 64 of a-z, 0-9, _ and -");
    else
        r->query->kind = kind;
}

static void read_outcome(struct reader *r)
{
    struct belfry_str text = value(r, "outcome");
    for (int i = 1; text.len && sync_outcomes[i]; i++)
        if (sync_same(text, sync_outcomes[i]))
            r->query->outcome = i;
    if (text.len && !r->query->outcome)
        complain(r, "outcome", "must be succeeded, partial or failed");
}

static void read_admin(struct reader *r)
{
    struct belfry_str name = value(r, "admin");
    int bad = name.len > 128;
    for (size_t i = 0; i < name.len; i++)
        bad |= (unsigned char)name.ptr[i] < 0x20 || memchr("/:\x7f", name.ptr[i], 3) != NULL;
    if (bad)
        complain(r, "admin", "is no username");
    else
        r->query->admin = name;
}

static void read_limit(struct reader *r)
{
    struct belfry_str text = value(r, "limit");
    uint32_t n = 0;
    r->query->limit = SYNC_LIMIT_DEFAULT;
    if (!text.len)
        return;
    for (size_t i = 0; i < text.len && n <= SYNC_LIMIT_MAX; i++)
        n = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? n * 10 + (uint32_t)(text.ptr[i] - '0') : SYNC_LIMIT_MAX + 1;
    if (n < 1 || n > SYNC_LIMIT_MAX)
        complain(r, "limit", "must be a number from 1 to 200");
    else
        r->query->limit = n;
}

static void read_before(struct reader *r)
{
    struct belfry_str text = value(r, "before");
    const char *p = text.ptr, *end = text.ptr + text.len;
    if (!text.len)
        return;
    if (text.len > SYNC_TIME_DIGITS + 1 + SYNC_ID_MAX || digits(&p, end, SYNC_TIME_DIGITS) < 0 || !take(&p, end, '/') ||
        p == end)
        complain(r, "before", "is no cursor of this list; take `next` of the page before");
    else
        r->query->before = text;
}

const char *sync_query_read(struct sync_query *query, const struct sync *sync, const struct belfry_http_request *req,
                            const char **why)
{
    struct reader r = {query, sync, req, NULL, NULL};
    memset(query, 0, sizeof(*query));
    read_kind(&r);
    read_outcome(&r);
    read_admin(&r);
    query->from_ms = read_time(&r, "from", &query->from, 0, INT64_MIN);
    query->to_ms = read_time(&r, "to", &query->to, 1, INT64_MAX);
    read_limit(&r);
    read_before(&r);
    *why = r.why;
    return r.bad;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void sync_url_write(struct belfry_str text, FILE *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._~", c, 4);
        if (plain)
            fputc(c, out);
        else
            fprintf(out, "%%%02X", c);
    }
}

void sync_query_write(const struct sync_query *query, struct belfry_str before, FILE *out)
{
    char limit[16] = "";
    if (query->limit != SYNC_LIMIT_DEFAULT)
        snprintf(limit, sizeof(limit), "%u", (unsigned)query->limit);
    const struct {
        const char *name;
        struct belfry_str value;
    } members[] = {{"kind", query->kind},   {"outcome", belfry_str(sync_outcomes[query->outcome])},
                   {"admin", query->admin}, {"from", query->from},
                   {"to", query->to},       {"limit", belfry_str(limit)},
                   {"before", before}};
    const char *mark = "?";
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!members[i].value.len)
            continue;
        fprintf(out, "%s%s=", mark, members[i].name);
        sync_url_write(members[i].value, out);
        mark = "&amp;";
    }
}
