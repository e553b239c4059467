/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions: tables that a plugin gets with host->get_extension(host, id) when it names the id in `needs`. The rules
 * of <belfry/plugin.h> hold here too: callbacks come on a later turn of the loop, parameters are borrowed.
 */
#ifndef BELFRY_HOST_H
#define BELFRY_HOST_H

#include <belfry/outbound.h>
#include <belfry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- belfry.timer/1: loop timers, gone with the process (durable ones: txn->timer_set) ---------------------------- */

#define BELFRY_EXT_TIMER "belfry.timer/1"
struct belfry_timer_api {
    uint32_t struct_size, reserved;
    /* [loop] fn(arg) after delay_ms, then every repeat_ms when that is not 0 */
    belfry_status (*start)(const struct belfry_host *host, int64_t delay_ms, int64_t repeat_ms, void (*fn)(void *arg),
                           void *arg, uint64_t *id);
    /* [loop] fn never runs afterwards */
    void (*stop)(const struct belfry_host *host, uint64_t id);
};

/* --- belfry.match/1 and belfry.template/1: pure ------------------------------------------------------------------- */

#define BELFRY_EXT_MATCH "belfry.match/1"
struct belfry_match_api {
    uint32_t struct_size, reserved;
    /* [any] 1 when the condition holds; NULL holds for everything */
    int32_t (*eval)(const struct belfry_condition *condition, const struct belfry_view *view);
    /* [any] dotted paths that the condition reads; valid as long as the condition */
    void (*paths)(const struct belfry_condition *condition, struct belfry_strs *out);
};

/* What others ask of a source's events: for one that keeps of the past only what somebody will want to know. */
#define BELFRY_EXT_RULES "belfry.rules/1"
struct belfry_rules_api {
    uint32_t struct_size, reserved;
    /* [loop] the paths below data that conditions of the configuration's rules read: "data.record.owner",
     * "/data/record/fields/a.b"; sorted, each once. An instance whose plugin needs this extension is replaced when they
     * change. Valid as long as the instance. */
    void (*data_paths)(const struct belfry_host *host, struct belfry_strs *out);
};

#define BELFRY_EXT_TEMPLATE "belfry.template/1"
struct belfry_template_api {
    uint32_t struct_size, reserved;
    /* [any] renders as plain text and hands the result to sink once; EINVAL or ELIMIT when it cannot */
    belfry_status (*render)(const struct belfry_template *tpl, const struct belfry_view *params,
                            void (*sink)(void *arg, struct belfry_str text), void *arg);
    void (*paths)(const struct belfry_template *tpl, struct belfry_strs *out);
};

/* --- belfry.calendar/1: dates, and what clocks show in a time zone; pure -------------------------------------------
 */

#define BELFRY_EXT_CALENDAR "belfry.calendar/1"
#define BELFRY_TIME_SIZE 25 /* "2026-01-31T08:00:00.000Z" */

/* A date of the Gregorian calendar, years 1 to 9999; month and day count from 1. */
struct belfry_date {
    int32_t year, month, day;
};

struct belfry_calendar_api {
    uint32_t struct_size, reserved;
    /* [any] the instant at which clocks in an IANA zone show a minute of the day (0 to 1439) on a date. Where a change
     * of clocks shows it twice: the first time. Where it is skipped: the first instant after the gap, be that on
     * another date. EINVAL when there is no such zone, date or minute. */
    belfry_status (*instant)(struct belfry_str zone, const struct belfry_date *date, int32_t minute, int64_t *out_ms);
    /* [any] what clocks in the zone show at an instant; minute may be NULL. EINVAL when there is no such zone, or
     * outside of the calendar. */
    belfry_status (*local)(struct belfry_str zone, int64_t at_ms, struct belfry_date *date, int32_t *minute);
    /* [any] the date so many calendar days later (negative: earlier). EINVAL when it is no date, or outside. */
    belfry_status (*add_days)(const struct belfry_date *date, int32_t days, struct belfry_date *out);
    /* [any] RFC 3339 full-date, "2026-01-31". EINVAL when it is none. */
    belfry_status (*parse)(struct belfry_str text, struct belfry_date *out);
    /* [any] RFC 3339 date-time, "2026-01-31T08:00:00Z", as an instant. EINVAL when it is none. */
    belfry_status (*parse_time)(struct belfry_str text, int64_t *out_ms);
    /* [any] an instant as RFC 3339 in UTC with milliseconds; ends with a NUL */
    void (*format_time)(int64_t ms, char out[BELFRY_TIME_SIZE]);
};

/* --- belfry.http-route/1: answers to the plugin's routes ---------------------------------------------------------- */

#define BELFRY_EXT_HTTP_ROUTE "belfry.http-route/1"

/* Who asks. kind 0: nobody (route with auth none). */
struct belfry_http_request {
    uint32_t struct_size, flags;
    uint64_t id;
    struct belfry_str method, path, query; /* path without query, percent-decoded per segment in params only */
    struct belfry_str org;
    struct belfry_str body, content_type;
    const struct belfry_attr *params; /* {id} and so on, percent-decoded */
    size_t param_count;
    const struct belfry_attr *headers; /* names in lower case */
    size_t header_count;
    const struct belfry_principal *principal;
    struct belfry_str csrf;     /* token for forms of a page */
    struct belfry_str locale;   /* BCP 47, negotiated */
    struct belfry_str timezone; /* IANA */
    struct belfry_str peer;
    void *impl;
};
enum {
    BELFRY_HTTP_COOKIE = 1 << 0, /* authenticated by a session cookie */
    /* a document navigation (Sec-Fetch-Dest document or absent, no prefetch, not HEAD) */
    BELFRY_HTTP_DOCUMENT = 1 << 1,
    BELFRY_HTTP_HEAD = 1 << 2,
    BELFRY_HTTP_NO_SHORTCUTS = 1 << 3 /* the person wants no shortcuts of a single key (WCAG 2.1.4) */
};

struct belfry_http_response {
    uint32_t struct_size, status;
    struct belfry_str content_type, body;
    const struct belfry_attr *headers; /* checked: no CR, LF, NUL */
    size_t header_count;
};

/* One thing that is wrong with a request. */
struct belfry_fault {
    uint32_t struct_size, reserved;
    struct belfry_str pointer; /* JSON Pointer of the field; empty: none is at fault */
    struct belfry_str detail;
};

/* Of a page: its address is a secret, such as the link of a mail. It is told to nobody as a referrer and is not to be
 * found by a search. */
enum { BELFRY_PAGE_SECRET_ADDRESS = 1 << 0 };

struct belfry_http_page {
    uint32_t struct_size, status;
    struct belfry_str title;    /* text; the host escapes it */
    struct belfry_str main;     /* HTML of <main>, already escaped where needed */
    const char *const *scripts; /* asset paths, module scripts; ends at NULL; may be NULL */
    const char *const *styles;  /* ends at NULL; may be NULL */
    uint32_t reload_after_s;    /* the browser asks for the page again; 0: it does not */
    uint32_t reserved;
    struct belfry_str skips;   /* HTML: further skip links, <a class="skip" href="#list">...</a> */
    uint32_t flags, reserved2; /* BELFRY_PAGE_* */
};

struct belfry_http_route_api {
    uint32_t struct_size, reserved;
    /* [loop] once for each request */
    void (*respond)(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *response);
    /* [loop] in the host's page shell: head, CSP without inline code, navigation, locale */
    void (*page)(const struct belfry_host *host, uint64_t request, const struct belfry_http_page *page);
    /* [loop] RFC 9457 problem; pointer may be NULL */
    void (*problem)(const struct belfry_host *host, uint64_t request, uint32_t status, const char *pointer,
                    struct belfry_str detail);
    /* [loop] streams: begin, write any number of times (EAGAIN: the client is slow, wait for drain), end */
    belfry_status (*begin)(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *head,
                           void (*drain)(void *arg), void (*closed)(void *arg), void *arg);
    belfry_status (*write)(const struct belfry_host *host, uint64_t request, struct belfry_str data);
    void (*end)(const struct belfry_host *host, uint64_t request);
    /* [any] a query parameter, percent-decoded; i-th occurrence; ENOTFOUND. The text lives as long as the request. */
    belfry_status (*query)(const struct belfry_http_request *req, const char *name, uint32_t index,
                           struct belfry_str *out);
    /* [any] a field of an application/x-www-form-urlencoded body. One with more than 600 was answered 400 before the
     * plugin heard of it, unless the route is raw */
    belfry_status (*form)(const struct belfry_http_request *req, const char *name, uint32_t index,
                          struct belfry_str *out);
    /* [any] a header by lower-case name; empty when absent */
    struct belfry_str (*header)(const struct belfry_http_request *req, const char *name);
    /* [any] HTML-escapes into scratch memory of the request */
    struct belfry_str (*escape)(const struct belfry_http_request *req, struct belfry_str text);
    /* [any] the text of a message key in the request's language; the key itself when unknown */
    struct belfry_str (*text)(const struct belfry_http_request *req, const char *key);
    /* [any] date and time for people, in the request's locale and time zone */
    struct belfry_str (*datetime)(const struct belfry_http_request *req, int64_t ms);
    /* [loop] a problem with any number of faults, of which the first is the detail, and of members with texts
     * (handled_by) */
    void (*problems)(const struct belfry_host *host, uint64_t request, uint32_t status,
                     const struct belfry_fault *faults, size_t fault_count, const struct belfry_attr *members,
                     size_t member_count);
    /* [loop] ends a stream in a way that tells the client that it is not whole */
    void (*cut)(const struct belfry_host *host, uint64_t request);
};

/* --- belfry.inbox/1: what the in-app delivery shows --------------------------------------------------------------- */

#define BELFRY_EXT_INBOX "belfry.inbox/1"

/* Of a list: rows and the next cursor, neither total nor facets, for who reads on page after page. */
enum { BELFRY_INBOX_ROWS = 1 << 0 };

struct belfry_inbox_filter {
    uint32_t struct_size, flags;                        /* BELFRY_INBOX_* */
    struct belfry_str q;                                /* text that title or body contain, without case */
    struct belfry_strs severity, category, source, ids; /* none: all */
    uint32_t hidden;                                    /* 0 active, 1 hidden */
    uint32_t unread;                                    /* 1: unread only */
};

enum { BELFRY_VALID = 0, BELFRY_EXPIRED = 1, BELFRY_SUPERSEDED = 2, BELFRY_WITHDRAWN = 3 };

struct belfry_inbox_item {
    uint32_t struct_size, severity;
    struct belfry_str id, type, source, category, title, body, subject, actor, reason, link;
    struct belfry_str handled_by, replaced_by;                                   /* empty: none */
    int64_t created_ms, seen_ms, read_ms, hidden_ms, valid_until_ms, handled_ms; /* 0: not */
    uint32_t validity, unread;
    const struct belfry_action *actions; /* empty once handled or invalid */
    size_t action_count;
    int64_t rev;
    struct belfry_str category_label; /* in the person's language */
};

struct belfry_facet {
    uint32_t struct_size, facet; /* 0 severity, 1 category, 2 source */
    struct belfry_str value;
    struct belfry_str label; /* of a category: in the person's language */
    uint64_t count;
};

struct belfry_inbox_page {
    uint32_t struct_size, reserved;
    int64_t rev;
    uint64_t total;
    uint64_t unread;
    const struct belfry_inbox_item *items;
    size_t count;
    const struct belfry_facet *facets;
    size_t facet_count;
    struct belfry_str next; /* cursor; empty at the end */
    struct belfry_str etag; /* as it was when the page was read */
};

struct belfry_inbox_counts {
    uint32_t struct_size, reserved;
    int64_t rev;
    uint64_t unread, unseen;
    struct belfry_str etag;
};

enum { BELFRY_MARK_READ = 1, BELFRY_MARK_UNREAD, BELFRY_MARK_HIDE, BELFRY_MARK_UNHIDE, BELFRY_MARK_SEEN };

struct belfry_inbox_failure {
    uint32_t struct_size, reserved;
    struct belfry_str id;
    const char *code; /* "not_found" */
};

struct belfry_inbox_change {
    uint32_t struct_size, reserved;
    belfry_status status;
    struct belfry_str message; /* of a refusal */
    int64_t rev;
    uint64_t unread, changed;
    const struct belfry_inbox_failure *failed;
    size_t failed_count;
    struct belfry_str undo;       /* empty when nothing changed */
    struct belfry_str handled_by; /* of a conflict */
    int64_t handled_ms;
    const struct belfry_fault *faults; /* act: all that the source found; the first one's detail is the message */
    size_t fault_count;
    const struct belfry_attr *members; /* act: what else the source said of its refusal, handled_by among it */
    size_t member_count;
};

/* All calls act as the person of the request: org, username, effective roles (category gates). */
struct belfry_inbox_api {
    uint32_t struct_size, reserved;
    /* [loop] the entity tag for the person's inbox now, from memory, without a query; EAGAIN when it must be asked
     * through count() first. out lives as long as the request. */
    belfry_status (*tag)(const struct belfry_http_request *req, struct belfry_str *etag, int64_t *rev);
    /* [loop] done once with the page, or NULL and a status. before: cursor or empty; limit 1..200 */
    void (*list)(const struct belfry_http_request *req, const struct belfry_inbox_filter *filter,
                 struct belfry_str before, uint32_t limit,
                 void (*done)(void *arg, belfry_status status, const struct belfry_inbox_page *page), void *arg);
    void (*count)(const struct belfry_http_request *req,
                  void (*done)(void *arg, belfry_status status, const struct belfry_inbox_counts *counts), void *arg);
    /* one item; ENOTFOUND also for what this person may not see; rows that wait for their `after` are found too */
    void (*one)(const struct belfry_http_request *req, struct belfry_str id,
                void (*done)(void *arg, belfry_status status, const struct belfry_inbox_item *item), void *arg);
    void (*mark)(const struct belfry_http_request *req, uint32_t mark, struct belfry_str id,
                 void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);
    /* by ids of the filter (flags 0), or by the filter as the list stood at as_of_rev */
    void (*bulk)(const struct belfry_http_request *req, uint32_t mark, const struct belfry_inbox_filter *filter,
                 int64_t as_of_rev, void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);
    /* ENOTFOUND: no such operation of this person; ECLOSED: older than 24 h */
    void (*undo)(const struct belfry_http_request *req, struct belfry_str op,
                 void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);
    /* The action's trigger, submitted as this person under an id of notification, action and person: what was accepted
     * once is answered OK again, whatever has become of the row since. EINVAL with the pointer /comment: over 4,000
     * bytes. ECONFLICT: handled already, or no longer valid; EPERM: the category's actions are for another role. */
    void (*act)(const struct belfry_http_request *req, struct belfry_str id, struct belfry_str action,
                struct belfry_str comment, void (*done)(void *arg, const struct belfry_inbox_change *change),
                void *arg);
    /* hints: fn(arg, rev, unread), first the present state, then after changes, coalesced; rev -1: the session, the
     * role or the org ended and no more comes; until unsubscribe */
    belfry_status (*subscribe)(const struct belfry_http_request *req,
                               void (*fn)(void *arg, int64_t rev, uint64_t unread), void *arg, uint64_t *id);
    void (*unsubscribe)(const struct belfry_host *host, uint64_t id);
};

/* --- belfry.job/1: Refresh ---------------------------------------------------------------------------------------- */

#define BELFRY_EXT_JOB "belfry.job/1"

enum { BELFRY_JOB_QUEUED = 0, BELFRY_JOB_RUNNING = 1, BELFRY_JOB_DONE = 2, BELFRY_JOB_FAILED = 3 };

struct belfry_job {
    uint32_t struct_size, state; /* FAILED: part of it could not be asked, or the hub stopped; what came counts */
    struct belfry_str id;
    uint32_t progress, reserved; /* 0..100 */
    /* of the person of the request, since they asked and until the job ended: rows that appeared and were valid then,
     * rows they had that stopped being valid (replaced ones are not among them: their successors were added) */
    uint64_t added, invalidated;
};

struct belfry_job_api {
    uint32_t struct_size, reserved;
    /* [loop] pulls every feed of the request's org and asks its sources' refresh(). One job an org at a time: who asks
     * while it runs joins it. done once, with the job (id and state only); EPERM: not a person. */
    void (*refresh)(const struct belfry_http_request *req,
                    void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg);
    /* [loop] done once; ENOTFOUND also for a job that this person neither asked for nor joined */
    void (*get)(const struct belfry_http_request *req, struct belfry_str id,
                void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg);
};

/* --- belfry.preferences/1: what people choose about deliveries with BELFRY_DELIVERY_PREFERENCE ---------------------
 */

#define BELFRY_EXT_PREFERENCES "belfry.preferences/1"

enum { BELFRY_PREFERENCE_OFF = 1, BELFRY_PREFERENCE_UNSEEN = 2, BELFRY_PREFERENCE_DIGEST = 3 };

struct belfry_preference_category {
    uint32_t struct_size, required; /* 1: nobody can stop it */
    struct belfry_str name, label;
    uint32_t chosen;   /* BELFRY_PREFERENCE_*; 0: the person said nothing of it */
    uint32_t fallback; /* what counts then: what they chose for all categories, else the configuration's */
};

struct belfry_preferences {
    uint32_t struct_size, reserved;
    struct belfry_str json;                              /* as GET /v1/{org}/preferences answers it */
    struct belfry_str etag;                              /* with its quotes */
    const struct belfry_preference_category *categories; /* that the person sees, by name */
    size_t category_count;
    struct belfry_str address; /* of the directory, where mail goes; empty: none */
    int64_t paused_until_ms;   /* 0: not paused now */
    /* whether a channel of this org asks these choices, and whether one that does makes digests: elsewhere a choice is
     * kept and decides nothing yet, and `digest` is `unseen` */
    uint32_t asked, gathered;
    /* no mail goes to the address: "bounced" or "complained", since when, and what was said; empty: there is no
     * trouble with it */
    struct belfry_str trouble, trouble_detail;
    int64_t trouble_since_ms;
};

struct belfry_preferences_change {
    uint32_t struct_size, reserved;
    belfry_status status;              /* EINVAL: faults; ECONFLICT: they are not those that if_match names */
    struct belfry_str json, etag;      /* as they are now, with OK */
    const struct belfry_fault *faults; /* pointers into the JSON that was given */
    size_t fault_count;
};

/* All calls act as the person of the request. */
struct belfry_preferences_api {
    uint32_t struct_size, reserved;
    /* [loop] done once, with them or NULL and a status; EPERM: not a person */
    void (*get)(const struct belfry_http_request *req,
                void (*done)(void *arg, belfry_status status, const struct belfry_preferences *preferences), void *arg);
    /* [loop] replaces all of them by what PUT /v1/{org}/preferences takes. if_match: the value of an If-Match header;
     * empty: whatever is there. In force for every request that starts after done. */
    void (*put)(const struct belfry_http_request *req, struct belfry_str json, struct belfry_str if_match,
                void (*done)(void *arg, const struct belfry_preferences_change *change), void *arg);
    /* [any] names of time zones with a place, in byte order; valid for ever */
    void (*zones)(struct belfry_strs *out);
    /* [loop] mail goes to the person's present address again, after it came back or was reported as junk; done once,
     * also when there was nothing to forget. EPERM: not a person */
    void (*trust)(const struct belfry_http_request *req, void (*done)(void *arg, belfry_status status), void *arg);
};

/* --- belfry.samples/1: something to deliver, for who wants to see what it would look like --------------------------
 */

#define BELFRY_EXT_SAMPLES "belfry.samples/1"

struct belfry_sample {
    uint32_t struct_size, reserved;
    struct belfry_str type;     /* that a source of the org declares */
    struct belfry_str data;     /* JSON object; empty: the example that the type declares */
    struct belfry_str event;    /* instead of both: UUID of a stored event of the org */
    struct belfry_str language; /* BCP 47: of its texts */
};

struct belfry_samples_api {
    uint32_t struct_size, reserved;
    /* [loop] an item as deliver() would be given it, in the org of the request. done once, on a later turn; the item is
     * good for that call. Of a stored event the audit says who looked at it, and done comes after that commit.
     * ENOTFOUND: no source of the org has such a type, or there is no such event; EINVAL: data is no JSON object, or
     * the type has no example and there is no data. */
    void (*make)(const struct belfry_host *host, const struct belfry_http_request *req,
                 const struct belfry_sample *what,
                 void (*done)(void *arg, belfry_status status, const struct belfry_item *item), void *arg);
};

/* --- small ones --------------------------------------------------------------------------------------------------- */

#define BELFRY_EXT_WORKER "belfry.worker/1"
struct belfry_worker_api {
    uint32_t struct_size, reserved;
    /* [loop] work on a pool thread, then done on the loop; stopped() only when all work is done */
    belfry_status (*run)(const struct belfry_host *host, void (*work)(void *arg), void (*done)(void *arg), void *arg);
};

#define BELFRY_EXT_FD "belfry.fd/1"
enum { BELFRY_FD_READ = 1, BELFRY_FD_WRITE = 2 };
struct belfry_fd_api {
    uint32_t struct_size, reserved;
    /* [loop] fn(arg, ready) on every turn on which the descriptor is ready for what mask asks, until unwatch(); of an
     * error all of mask is told, so that reading or writing finds it. A descriptor is watched once (ECONFLICT); files
     * and others that are always ready are EINVAL. It stays the plugin's: unwatch before close. */
    belfry_status (*watch)(const struct belfry_host *host, int32_t fd, uint32_t mask,
                           void (*fn)(void *arg, uint32_t ready), void *arg, uint64_t *id);
    /* [loop] fn never runs afterwards */
    void (*unwatch)(const struct belfry_host *host, uint64_t id);
};

#define BELFRY_EXT_METRICS "belfry.metrics/1"
struct belfry_metrics_api {
    uint32_t struct_size, reserved;
    /* [loop] name without prefix; the host adds belfry_ and the label instance */
    belfry_status (*counter)(const struct belfry_host *host, const char *name, const char *help, uint32_t *id);
    belfry_status (*gauge)(const struct belfry_host *host, const char *name, const char *help, uint32_t *id);
    void (*add)(const struct belfry_host *host, uint32_t id, double value); /* [any] */
    void (*set)(const struct belfry_host *host, uint32_t id, double value); /* [any] gauges */
};

#define BELFRY_EXT_SECRET "belfry.secret/1"
struct belfry_secret_api {
    uint32_t struct_size, reserved;
    /* [any] 32 bytes derived from hub.secret for this instance and purpose */
    void (*derive)(const struct belfry_host *host, const char *purpose, uint8_t out[32]);
};

#define BELFRY_EXT_SITE "belfry.site/1"
struct belfry_site_api {
    uint32_t struct_size, reserved;
    /* [loop] where people reach this hub, without a slash at its end ("https://belfry.example.org"): addresses of its
     * pages begin with it. Lives as long as the instance. */
    struct belfry_str (*url)(const struct belfry_host *host);
};

#define BELFRY_EXT_ALARM "belfry.alarm/1"
enum {
    BELFRY_ALARM_FAILING = 1,   /* what this instance hands deliveries to takes none: "mail.example.org:25" */
    BELFRY_ALARM_DISTRUSTED = 2 /* a receiver does not take what is sent because of who sends: "example.org" */
};
struct belfry_alarm_api {
    uint32_t struct_size, reserved;
    /* [loop] an event of the hub for the admins of every org that the instance serves (hub.channel_failing,
     * hub.channel_distrusted), in the place of an earlier one about the same. name: as above; why: one line. For what
     * somebody has to look after, once each time it begins: the log has the rest. */
    void (*raise)(const struct belfry_host *host, uint32_t what, struct belfry_str name, struct belfry_str why);
};

#define BELFRY_EXT_STATE "belfry.state/1"
struct belfry_state_api {
    uint32_t struct_size, reserved;
    /* [loop] read-only look at a source's own state; done once, value NULL ptr when absent */
    void (*get)(const struct belfry_host *host, struct belfry_str org, struct belfry_str key,
                void (*done)(void *arg, belfry_status status, struct belfry_str value), void *arg);
    /* [loop] keys with the prefix, after `after` (exclusive; empty: from the start), in byte order; limit 1..1000. done
     * once, with all of them: name is the key. */
    void (*scan)(const struct belfry_host *host, struct belfry_str org, struct belfry_str prefix,
                 struct belfry_str after, int32_t reverse, uint32_t limit,
                 void (*done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count),
                 void *arg);
};

#define BELFRY_EXT_DIRECTORY "belfry.directory/1"
struct belfry_directory_api {
    uint32_t struct_size, reserved;
    /* [loop] ENOTFOUND when unknown; strings live until the next turn */
    belfry_status (*person)(const struct belfry_host *host, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out);
};

#define BELFRY_EXT_ASSET "belfry.asset/1"
struct belfry_asset_api {
    uint32_t struct_size, reserved;
    /* [loop] in start(): static bytes served at /assets/<plugin>/<name> and at /assets/<instance>/<name>, which may be
     * kept for a year under their address with a content hash (pages have that) and are asked for again without; the
     * bytes must live as long as the process */
    belfry_status (*add)(const struct belfry_host *host, const char *name, const char *content_type, const void *bytes,
                         size_t size);
};

/* --- belfry.pages/1: templates and texts of pages ----------------------------------------------------------------- */

#define BELFRY_EXT_PAGES "belfry.pages/1"

enum { BELFRY_ESCAPE_TEXT = 0, BELFRY_ESCAPE_HTML = 1 };

/* One of the texts that are made of one model. One of name, compiled and text says from what. */
struct belfry_part {
    uint32_t struct_size, escape;           /* BELFRY_ESCAPE_* */
    const char *name;                       /* a template of the plugin */
    const struct belfry_template *compiled; /* of an option */
    struct belfry_str text;                 /* compiled for this once */
    uint32_t around; /* 1: what the part before it came to, without newlines at its end, is {{{content}}} */
    uint32_t reserved;
};

/* Texts for somebody who is not asking: a mail. */
struct belfry_rendering {
    uint32_t struct_size, reserved;
    struct belfry_str language; /* BCP 47 */
    struct belfry_str json;     /* the model, an object */
    const struct belfry_part *parts;
    size_t part_count;
    const struct belfry_view *model; /* in place of json, when not NULL; `member` of it is not called */
};

enum {
    BELFRY_TIME_DATE = 0,    /* "5 Jan 2026" */
    BELFRY_TIME_MINUTES = 1, /* "5 Jan 2026, 09:00" */
    BELFRY_TIME_ZONED = 2    /* "5 Jan 2026, 09:00 CET" */
};

struct belfry_pages_api {
    uint32_t struct_size, reserved;
    /* [loop] in start(): the plugin's texts in one language (BCP 47 primary subtag: "de"). A JSON object whose objects
     * group; a string is a text, with {0} and {1} for arguments, an object with the member `other` the plural forms of
     * one ("one", "other": CLDR's keywords). The language that is added first stands in for what others lack. EINVAL
     * with what is wrong and where. */
    belfry_status (*texts)(const struct belfry_host *host, const char *language, struct belfry_str json,
                           struct belfry_error *err);
    /* [loop] in start(): a Mustache template that escapes for HTML; the plugin's others are its partials */
    belfry_status (*add)(const struct belfry_host *host, const char *name, struct belfry_str text,
                         struct belfry_error *err);
    /* [loop] renders a template over a JSON object and hands the HTML to sink once, for page() or for more JSON. `t` is
     * the plugin's texts in the request's language: {{t.list.empty}}. ENOTFOUND: no such template; EINVAL: no JSON
     * object; ELIMIT: over 256 KiB, or too many steps */
    belfry_status (*render)(const struct belfry_host *host, const struct belfry_http_request *req, const char *name,
                            struct belfry_str json, void (*sink)(void *arg, struct belfry_str html), void *arg);
    /* [loop] the text of a dotted key in the request's language. args: STRING, INT and REAL for {0}, {1}; numbers and
     * plural forms by the language; the first number decides the form. The key itself when there is no such text. Lives
     * as long as the request. */
    struct belfry_str (*format)(const struct belfry_host *host, const struct belfry_http_request *req, const char *key,
                                const struct belfry_value *args, size_t count);
    /* [loop] how long ago, in words of the request's language ("5 minutes ago"); from a week on, and for what lies
     * ahead, date and time in the request's zone. Lives as long as the request. */
    struct belfry_str (*ago)(const struct belfry_host *host, const struct belfry_http_request *req, int64_t ms);
    /* [loop] renders the parts in turn; `t` is the plugin's texts in the language, its templates are the partials of
     * all. sink is told of each, in order: OK and the text, or what is wrong: ENOTFOUND, EINVAL (a text that is no
     * template), ELIMIT as render(), ECANCELED (around one that failed). EINVAL, sink not called: no object as model */
    belfry_status (*render_parts)(const struct belfry_host *host, const struct belfry_rendering *what,
                                  void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                  void *arg);
    /* [loop] as format(), in a language; handed to sink once */
    void (*format_in)(const struct belfry_host *host, struct belfry_str language, const char *key,
                      const struct belfry_value *args, size_t count, void (*sink)(void *arg, struct belfry_str text),
                      void *arg);
    /* [loop] a time in the words of a language, as clocks in an IANA zone show it (one that does not exist: UTC); style
     * is BELFRY_TIME_*; handed to sink once */
    void (*time_in)(const struct belfry_host *host, struct belfry_str language, struct belfry_str zone, uint32_t style,
                    int64_t ms, void (*sink)(void *arg, struct belfry_str text), void *arg);
    /* [loop] the language of the plugin's texts for a locale: "de" for "de-AT", the first for what it has not. Lives as
     * long as the instance. */
    struct belfry_str (*language_of)(const struct belfry_host *host, struct belfry_str locale);
    /* [loop] the zone that counts for somebody in an org whose own is `zone`: that, where it exists, else the org's,
     * else the hub's. Lives until the next turn. */
    struct belfry_str (*zone_of)(const struct belfry_host *host, struct belfry_str org, struct belfry_str zone);
};

#ifdef __cplusplus
}
#endif
#endif
