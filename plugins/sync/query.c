/* SPDX-License-Identifier: Apache-2.0 */
/*
 * from and to are instants (RFC 3339), or days, which are whole ones in UTC; both ends belong to the range. A parameter
 * that stands twice is refused: which of the two was meant is anybody's guess.
 */
#include "query.h"
#include "read.h"

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

/* A plus that came as a blank, as in a query nobody escaped, was meant to be one. */
static int read_instant(const struct sync *sync, struct belfry_str text, int64_t *ms)
{
    char copy[48];
    if (text.len >= sizeof(copy))
        return 0;
    memcpy(copy, text.ptr, text.len);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = copy[i] == ' ' ? '+' : copy[i];
    return sync->calendar->parse_time((struct belfry_str){copy, text.len}, ms) == BELFRY_OK;
}

/* The first or the last millisecond of a day in UTC. */
static int read_day(const struct sync *sync, struct belfry_str text, int last, int64_t *ms)
{
    struct belfry_date day;
    if (sync->calendar->parse(text, &day) != BELFRY_OK ||
        sync->calendar->instant(belfry_str("UTC"), &day, 0, ms) != BELFRY_OK)
        return 0;
    *ms += last ? SYNC_DAY_MS - 1 : 0;
    return 1;
}

static int64_t read_time(struct reader *r, const char *name, struct belfry_str *kept, int last, int64_t open)
{
    struct belfry_str text = value(r, name);
    int64_t ms;
    if (text.len == 0)
        return open;
    if (!read_day(r->sync, text, last, &ms) && !read_instant(r->sync, text, &ms)) {
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

/* A time of as many digits as keys have, a slash, and an id. */
static int is_cursor(struct belfry_str text)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    return digits == SYNC_TIME_DIGITS && text.len > digits + 1 && text.ptr[digits] == '/' &&
           text.len <= digits + 1 + SYNC_ID_MAX;
}

static void read_before(struct reader *r)
{
    struct belfry_str text = value(r, "before");
    if (text.len && !is_cursor(text))
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
    char byte[4];
    for (size_t i = 0; i < text.len; i++)
        fwrite(byte, 1, sync_url_byte(text.ptr[i], byte), out);
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
