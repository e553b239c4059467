/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belfry plugin ABI, version 1: everything that a plugin and the hub know of each other.
 *
 * A plugin is one shared object that exports one symbol, `belfry_entry`. It needs this header and nothing else of
 * Belfry. Service tables that a plugin asks for by name are in <belfry/host.h>; they are part of the same ABI.
 *
 * RULES (each has an id). What can be checked is checked in every build: a call on the wrong thread, a txn that is used
 * outside of its call and an id that is over have no effect and are counted in /metrics as
 * belfry_plugin_calls_ignored_total{instance,call,rule}; functions with a status return EPERM or ECLOSED.
 *  R00 plugin_count is 1: one plugin a file.
 *  R01 Threads. [loop] one thread per process. [txn] inside a ledger transaction: may run at once on several threads
 *      over different snapshots, so it reads only the configuration and what start() made; what it changes lives in
 *      txn state. What changes in `self` belongs to [loop] functions alone. [any] is thread-safe, never blocks and
 *      never calls back inline. [worker] the hub's thread pool, the only place where blocking is legal.
 *  R02 No callback is called inline from a host call; it comes on a later turn of the loop. The txn is the exception:
 *      its calls are plain and synchronous.
 *  R03 In-parameters are borrowed for the call and copied by whoever keeps them. Nobody frees the other's memory.
 *      What a txn call returns is valid until the plugin function returns.
 *  R04 Handles are 64-bit ids, never re-used. A stale id is a counted no-op.
 *  R05 One complete() for each deliver(). Missing at the deadline: cancel(); still missing: it counts as RETRY and the
 *      late answer is ignored.
 *  R06 A plugin never retries, sleeps or dead-letters: it says what happened; policy is the hub's, in one place.
 *  R07 Structs start with struct_size, grow only at the end, use fixed-width types. A struct that is longer than the
 *      hub's is accepted when its unknown tail is zero, and refused otherwise; what a shorter one lacks is zero. The
 *      elements of a table have the size of its first. Structs without struct_size (str, strs, attr, value, calendar,
 *      list, map, role, entry, date) never grow. Flags that the hub does not know are refused.
 *  R08 A new capability is a new extension id. A changed meaning is a new revision ("/2").
 *  R09 Plugins are loaded with RTLD_NOW, RTLD_LOCAL and RTLD_NODELETE and are never unloaded. Several instances of one
 *      plugin may exist; nothing lives in process-global variables.
 *  R10 A bad plugin is refused with a message and the hub keeps running.
 *  R11 No access to the database, to core structs or to the state of other instances.
 *  R12 Options are the only way in for configuration.
 *
 * The header compiles as C11 and as C++17. Strings are UTF-8, borrowed, and not NUL-terminated unless typed
 * `const char *`. Times are milliseconds since the Unix epoch, UTC, unless a name says otherwise.
 */
#ifndef BELFRY_PLUGIN_H
#define BELFRY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BELFRY_MAGIC UINT32_C(0x42464c59) /* "BFLY" */
#define BELFRY_ABI_MAJOR 1
#define BELFRY_ABI_MINOR 0

/* --- status ------------------------------------------------------------------------------------------------------- */

/* name, number, text. Lines are added at the end, never changed. */
#define BELFRY_STATUS_MAP(XX)                                                                                          \
    XX(OK, 0, "ok")                                                                                                    \
    XX(EINVAL, -1, "invalid value")                                                                                    \
    XX(ENOMEM, -2, "out of memory")                                                                                    \
    XX(EAGAIN, -3, "not now, try again later")                                                                         \
    XX(ECONFLICT, -4, "conflicts with the present state")                                                              \
    XX(ENOTFOUND, -5, "not found")                                                                                     \
    XX(EPERM, -6, "not allowed")                                                                                       \
    XX(EIO, -7, "input or output error")                                                                               \
    XX(ECLOSED, -8, "closed")                                                                                          \
    XX(ELIMIT, -9, "limit exceeded")                                                                                   \
    XX(EUNSUPPORTED, -10, "not supported")                                                                             \
    XX(ECANCELED, -11, "canceled")                                                                                     \
    XX(ETIMEDOUT, -12, "timed out")                                                                                    \
    XX(EINTERNAL, -13, "internal error")

typedef int32_t belfry_status;

enum {
#define BELFRY_STATUS_ENUM(name, number, text) BELFRY_##name = number,
    BELFRY_STATUS_MAP(BELFRY_STATUS_ENUM)
#undef BELFRY_STATUS_ENUM
        BELFRY_STATUS_COUNT = 14
};

/* --- plain data --------------------------------------------------------------------------------------------------- */

struct belfry_str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

struct belfry_strs {
    const struct belfry_str *items;
    size_t count;
};

struct belfry_attr {
    struct belfry_str name, value;
};

/* Filled through host->fail() and host->fail_attr(), never by hand. */
struct belfry_error {
    uint32_t struct_size;
    belfry_status status;
    void *impl;
};

/* A borrowed view of one JSON value, whoever owns the tree behind it. */
enum {
    BELFRY_VALUE_MISSING = 0,
    BELFRY_VALUE_NULL = 1,
    BELFRY_VALUE_BOOL = 2,   /* i */
    BELFRY_VALUE_INT = 3,    /* i */
    BELFRY_VALUE_REAL = 4,   /* d */
    BELFRY_VALUE_STRING = 5, /* s */
    BELFRY_VALUE_ARRAY = 6,  /* count, node */
    BELFRY_VALUE_OBJECT = 7  /* count, node */
};

struct belfry_value {
    uint32_t type;
    uint32_t count; /* items of an array, members of an object */
    int64_t i;
    double d;
    struct belfry_str s;
    const void *node; /* for the operations of the view below */
};

/*
 * A tree that conditions and templates read. Functions return the value through `out`; what does not exist is
 * BELFRY_VALUE_MISSING. All are called on the thread that called match or render, during that call only.
 */
struct belfry_view {
    uint32_t struct_size, reserved;
    const void *impl;
    void (*root)(const struct belfry_view *view, struct belfry_value *out);
    void (*get)(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                struct belfry_value *out);
    void (*at)(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
               struct belfry_value *out);
    /* the i-th member of an object, in any stable order; name through `key` */
    void (*member)(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                   struct belfry_str *key, struct belfry_value *out);
};

/* Compiled option values. Opaque; used through "belfry.match/1", "belfry.template/1" and the emit call. */
struct belfry_condition;
struct belfry_template;

enum { BELFRY_INFO = 0, BELFRY_SUCCESS = 1, BELFRY_WARNING = 2, BELFRY_ERROR = 3, BELFRY_CRITICAL = 4 };

/* --- options ------------------------------------------------------------------------------------------------------ */

/*
 * One row is one YAML key. The host parses and validates the YAML against the table, fills a zeroed struct of
 * config_size bytes, and owns all that it points to; the struct outlives the instance.
 *
 * type       C type at `offset`                     YAML
 * STRING     const char *                           string
 * BOOL       uint8_t                                true, false
 * INT        int64_t, within [min, max]             integer
 * DOUBLE     double                                 number
 * DURATION   int64_t milliseconds, [min, max]       5m, -3d (with BELFRY_OPT_CALENDAR: struct belfry_calendar)
 * SIZE       int64_t bytes                          64KiB, 8MiB
 * TIME       int32_t minutes since midnight         "22:00"
 * DATE       const char * RFC 3339 date or instant  "2026-01-31T00:00:00Z"
 * URL        const char *                           an absolute URL; choices, when there, are the schemes allowed
 * CHOICE     int32_t index into choices             one of choices
 * RECIPIENT  const char *, normalized               NAME, user:NAME, role:R, email:A, audience (and choices)
 * TEMPLATE   const struct belfry_template *         Mustache; choices, when there, are what it may read: "title",
 *                                                   "data.*"
 * CONDITION  const struct belfry_condition *        a `when` block; NULL when absent; choices, when there, are the
 *                                                   paths that it may read: "object", "fields.*"
 * OBJECT     struct at offset (embedded), table in children; with BELFRY_OPT_POINTER a pointer, NULL when absent
 * LIST       struct belfry_list of `children[0]`    a list; BELFRY_OPT_SCALAR_LIST accepts one value for a list of one
 * MAP        struct belfry_map, values `children[0]` a mapping of free keys; choices, when there, are what no key may
 *                                                   be in whatever case: "host", "proxy-*"
 *
 * The element of a LIST or MAP is described by children[0], a row whose name is NULL and whose offset is 0; an
 * OBJECT element names its own table in children and its size in size. Names are a-z 0-9 _ -; two rows have the same
 * place only when one of them is deprecated in favour of the other.
 *
 * A default is the bare text of a scalar ("5m", "Hello: {{name}}") and YAML for the other types ("[3d, 7d]"). An
 * embedded OBJECT has the defaults of its members. requires_ and conflicts list siblings, separated by blanks.
 * not_before names a sibling DATE that begins the period which this one ends: a date counts as a whole day, in
 * whichever zone, and an instant lies after the beginning. unlike names a sibling of the same type whose value it may
 * not repeat.
 */
enum {
    BELFRY_OPT_STRING = 1,
    BELFRY_OPT_BOOL,
    BELFRY_OPT_INT,
    BELFRY_OPT_DOUBLE,
    BELFRY_OPT_DURATION,
    BELFRY_OPT_SIZE,
    BELFRY_OPT_TIME,
    BELFRY_OPT_DATE,
    BELFRY_OPT_URL,
    BELFRY_OPT_CHOICE,
    BELFRY_OPT_RECIPIENT,
    BELFRY_OPT_TEMPLATE,
    BELFRY_OPT_CONDITION,
    BELFRY_OPT_OBJECT,
    BELFRY_OPT_LIST,
    BELFRY_OPT_MAP
};

enum {
    BELFRY_OPT_REQUIRED = 1 << 0,
    BELFRY_OPT_SECRET = 1 << 1,
    BELFRY_OPT_DEPRECATED = 1 << 2,
    BELFRY_OPT_SCALAR_LIST = 1 << 3,
    BELFRY_OPT_POINTER = 1 << 4,
    BELFRY_OPT_CALENDAR = 1 << 5, /* d and w are calendar days */
    BELFRY_OPT_UNIQUE = 1 << 6,   /* string member of a list's objects: no two may be equal (name) */
    BELFRY_OPT_PERSON = 1 << 7,   /* a RECIPIENT that is NAME or user:NAME */
    BELFRY_OPT_HEADERS = 1 << 8 /* a MAP of HTTP headers: as SECRET where the name says that the value is a credential,
                                   such as Authorization */
};

struct belfry_calendar {
    int64_t ms;   /* for ms s m h; 0 otherwise */
    int32_t days; /* for d and w; 0 otherwise */
    int32_t reserved;
};

struct belfry_list {
    const void *items; /* array of the element's C type */
    uint32_t count, stride;
};

struct belfry_map {
    const char *const *keys; /* sorted by byte */
    const void *values;
    uint32_t count, stride;
};

struct belfry_option {
    uint32_t struct_size, type, flags, offset;
    const char *name;
    const char *def;  /* default, as an admin would write it; NULL: zero */
    const char *doc;  /* one sentence: what it does, unit */
    int64_t min, max; /* both 0: no limit; for STRING and LIST the length */
    const char *const *choices;
    const char *requires_, *conflicts;    /* names of sibling options */
    const struct belfry_option *children; /* ends at struct_size 0 */
    uint32_t size;                        /* OBJECT: bytes of the struct */
    uint32_t reserved;
    const char *not_before; /* DATE: name of a sibling DATE */
    const char *unlike;     /* STRING, RECIPIENT: name of a sibling */
};

/* --- events a source can emit ------------------------------------------------------------------------------------- */

/* The words of an action in another language (BCP 47 primary subtag: "de"). comment NULL: as in the action. */
struct belfry_action_text {
    uint32_t struct_size, reserved;
    const char *language, *label, *comment;
};

struct belfry_action_type {
    uint32_t struct_size, reserved;
    const char *id, *label;
    const char *trigger; /* trigger type that the action submits */
    const char *comment; /* label of the field in which a person may say more ("Comment", "Reason"); what they say is at
                          * /comment of the trigger's data. NULL: the inbox asks for none */
    const struct belfry_action_text *texts; /* other languages; ends at struct_size 0; may be NULL */
};

struct belfry_field {
    uint32_t struct_size, value_type; /* BELFRY_VALUE_* */
    const char *path;                 /* dotted, below data: record.owner; a trailing .* means any member */
    const char *doc;
};

/* The default templates of an event in another language. NULL: as in the type. */
struct belfry_event_text {
    uint32_t struct_size, reserved;
    const char *language; /* BCP 47 primary subtag: "de" */
    const char *title, *body;
};

struct belfry_event_type {
    uint32_t struct_size, severity;
    const char *type;                         /* "record.assigned", or a prefix and "*": "workflow.*" */
    const char *category;                     /* default */
    const char *const *replaces;              /* types that an event with the same subject replaces, per recipient */
    const struct belfry_action_type *actions; /* ends at struct_size 0 */
    const struct belfry_field *fields;        /* ends at struct_size 0 */
    const char *title, *body;                 /* default templates */
    const char *doc;
    const char *example;                   /* JSON of data */
    const struct belfry_event_text *texts; /* other languages; ends at struct_size 0; may be NULL */
};

/* The label of a category in another language. */
struct belfry_category_text {
    uint32_t struct_size, reserved;
    const char *language; /* BCP 47 primary subtag: "de" */
    const char *label;
};

/* How people see a category that the plugin's events are in, unless the configuration says a label of its own. Of
 * several plugins that describe one category the first configured counts. */
struct belfry_category {
    uint32_t struct_size, reserved;
    const char *name, *label;
    const struct belfry_category_text *texts; /* other languages; ends at struct_size 0; may be NULL */
};

/* --- HTTP routes of a plugin -------------------------------------------------------------------------------------- */

struct belfry_http_request; /* <belfry/host.h> */

/* An inbound webhook: the plugin itself verifies who calls, over the raw body. auth must be "none", so that no token
 * and no session of a person ever counts; the hub refuses a plugin that says otherwise. */
enum { BELFRY_ROUTE_RAW = 1 << 0 };

/* pattern: "/v1/{org}/notifications/{id}", "/{org}/notifications". {org} is checked by the host before the handler
 * runs. In a source's patterns {instance} is replaced by the instance's name. auth: "none", "person",
 * "token:<may>", "role:<role>", or several separated by "|". */
struct belfry_route {
    uint32_t struct_size, flags;
    const char *method, *pattern, *auth;
    int64_t body_limit; /* bytes; 0: no body accepted */
    /* [loop] answer through belfry.http-route/1, now or later. The request is valid until answered. */
    void (*handle)(void *self, const struct belfry_http_request *req);
};

/* --- the descriptor ----------------------------------------------------------------------------------------------- */

struct belfry_host;

struct belfry_role {
    const char *id; /* "belfry.source/1", "belfry.delivery/1", "belfry.feedback/1", "belfry.endpoints/1" */
    const void *vtable;
};

struct belfry_plugin {
    uint32_t struct_size, flags;
    const char *id, *version, *summary;  /* id = file name without .so = what YAML's `plugin:` names */
    const struct belfry_role *roles;     /* ends at id NULL */
    const char *const *needs;            /* host extensions; ends at NULL; may be NULL */
    const struct belfry_option *options; /* ends at struct_size 0; may be NULL */
    uint64_t config_size;
    const struct belfry_event_type *events; /* ends at struct_size 0; may be NULL */
    const struct belfry_route *routes;      /* ends at struct_size 0; may be NULL */
    /* [loop] no I/O, no threads; *self must not be NULL. On an error fill err through host->fail. */
    belfry_status (*create)(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err);
    /* [loop] open what is needed; optional */
    belfry_status (*start)(void *self, struct belfry_error *err);
    /* [loop] finish, then call host->stopped() once; optional (absent: stopped at once) */
    void (*stop)(void *self);
    /* [loop] exactly when create returned OK, after stopped() */
    void (*destroy)(void *self);
    /* [loop] optional, never for a source role: other options for the running instance, which is replaced when this is
     * absent. OK: the old configuration is gone when it returns. An error keeps the old one, and the reload of the hub
     * is rejected. May be called again with the old options when something else of that reload fails. */
    belfry_status (*reload)(void *self, const void *config, struct belfry_error *err);
    const struct belfry_category *categories; /* ends at struct_size 0; may be NULL */
};

/* The one exported symbol. FROZEN: read before anything else is believed. */
struct belfry_entry {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t plugin_count, reserved;
    const struct belfry_plugin *const *plugins;
};

#if defined(__GNUC__)
#define BELFRY_EXPORT __attribute__((visibility("default")))
#else
#define BELFRY_EXPORT
#endif
#ifdef __cplusplus
#define BELFRY_EXTERN extern "C"
#else
#define BELFRY_EXTERN extern
#endif

/* BELFRY_PLUGIN(my_plugin) once, at file scope, with `static const struct belfry_plugin my_plugin` above it. */
#define BELFRY_PLUGIN(descriptor)                                                                                      \
    static const struct belfry_plugin *const belfry_plugins_[1] = {&(descriptor)};                                     \
    BELFRY_EXTERN BELFRY_EXPORT const struct belfry_entry belfry_entry;                                                \
    const struct belfry_entry belfry_entry = {BELFRY_MAGIC, BELFRY_ABI_MAJOR, BELFRY_ABI_MINOR, 1, 0, belfry_plugins_}

/* --- sources: "belfry.source/1" ----------------------------------------------------------------------------------- */

enum {
    BELFRY_PRINCIPAL_TOKEN = 1,
    BELFRY_PRINCIPAL_PERSON,
    BELFRY_PRINCIPAL_TIMER,
    BELFRY_PRINCIPAL_FEED,
    BELFRY_PRINCIPAL_HOOK,
    BELFRY_PRINCIPAL_TASK
};

struct belfry_principal {
    uint32_t struct_size, kind;
    struct belfry_str name; /* username of a person, name of a token */
    struct belfry_strs roles;
};

/* A CloudEvents 1.0 event, checked and parsed. */
struct belfry_trigger {
    uint32_t struct_size, flags;
    struct belfry_str id, source, type, subject; /* subject empty when absent */
    int64_t time_ms;                             /* CloudEvents time, 0 when absent */
    int64_t arrived_ms;                          /* when the hub took it */
    struct belfry_str data;                      /* bytes as sent */
    void *impl;
};

struct belfry_person {
    uint32_t struct_size, reserved;
    struct belfry_str username, name, email, locale, timezone; /* empty when unknown */
    struct belfry_strs roles;
};

struct belfry_recipient {
    uint32_t struct_size, kind; /* BELFRY_TO_* */
    struct belfry_str name;     /* username, role or address */
    struct belfry_str reason;   /* "owner", "rule big-deal" */
};
enum { BELFRY_TO_USER = 1, BELFRY_TO_ROLE = 2, BELFRY_TO_EMAIL = 3 };

struct belfry_action {
    uint32_t struct_size, reserved;
    struct belfry_str id, label, type; /* of what the event type declares; label and type may be empty: as declared */
    struct belfry_str data;            /* JSON of that trigger's data */
    struct belfry_str comment;         /* label of the field for a comment; empty: as declared */
};

/*
 * What is said differently in one language. data is laid over the event's data, member by member, for the templates of
 * that language: {"waiting":"2 Tage"}. A title or body takes the place of one that the event brings in itself; one
 * that the event brings and this does not is everybody's.
 */
struct belfry_event_words {
    uint32_t struct_size, reserved;
    struct belfry_str language;    /* BCP 47 primary subtag */
    struct belfry_str title, body; /* empty: none */
    struct belfry_str data;        /* JSON object; empty: none */
};

struct belfry_event {
    uint32_t struct_size, flags;
    struct belfry_str type, subject;
    struct belfry_str category; /* empty: the type's */
    int32_t severity;           /* -1: the type's */
    uint32_t reserved;
    const struct belfry_template *title_template, *body_template; /* NULL: the texts below, else the type's */
    struct belfry_str title, body;
    const struct belfry_view *params; /* what the templates read; NULL: data */
    struct belfry_str link;           /* http, https, or a path of ours; empty: none */
    struct belfry_str actor;          /* whom to leave out; empty: nobody */
    const struct belfry_recipient *audience;
    size_t audience_count;
    const struct belfry_action *actions;
    size_t action_count;
    struct belfry_str data;                 /* JSON object; empty: the trigger's data */
    int64_t valid_until_ms;                 /* 0: for good */
    const struct belfry_event_words *words; /* one a language */
    size_t word_count;
};

/* Which rows an operation on a subject touches. Zeroed: all recipients of all types. */
struct belfry_selection {
    uint32_t struct_size, reserved;
    struct belfry_strs types;  /* event types; none: all */
    struct belfry_strs only;   /* usernames; none: everybody */
    struct belfry_strs except; /* usernames left alone */
    struct belfry_str reason;  /* shown to the recipient and to admins */
};

struct belfry_txn;

struct belfry_txn_api {
    uint32_t struct_size, reserved;
    /* state of this instance in this org; keys 1..512 bytes, values up to 1 MiB. ENOTFOUND when absent. */
    belfry_status (*get)(struct belfry_txn *txn, struct belfry_str key, struct belfry_str *value);
    /* keys with the prefix, after `after` (exclusive; empty: from the start), in byte order; fn returns 0 to go on */
    belfry_status (*scan)(struct belfry_txn *txn, struct belfry_str prefix, struct belfry_str after, int32_t reverse,
                          uint32_t limit, int32_t (*fn)(void *arg, struct belfry_str key, struct belfry_str value),
                          void *arg);
    belfry_status (*put)(struct belfry_txn *txn, struct belfry_str key, struct belfry_str value);
    belfry_status (*del)(struct belfry_txn *txn, struct belfry_str key);
    /* the directory as of this transaction. ENOTFOUND when the person is not in it, EINVAL when nobody can have that
     * name: 1-128 bytes of UTF-8 in NFC without control characters, `/` and `:`. */
    belfry_status (*user)(struct belfry_txn *txn, struct belfry_str username, struct belfry_person *person);
    belfry_status (*role_members)(struct belfry_txn *txn, struct belfry_str role, struct belfry_str after,
                                  uint32_t limit, struct belfry_strs *usernames);
    int32_t (*has_role)(struct belfry_txn *txn, struct belfry_str username, struct belfry_str role);
    /* the trigger's data: RFC 6901 pointer below data, "" is data itself. EINVAL with a message naming the pointer in
     * err (may be NULL) when the type differs, ENOTFOUND (also for null) when absent and no err is given. With an err
     * absence is EINVAL "is required". */
    belfry_status (*value_get)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               struct belfry_value *out);
    belfry_status (*value_str)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               struct belfry_str *out, struct belfry_error *err);
    belfry_status (*value_int)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               int64_t *out, struct belfry_error *err);
    belfry_status (*value_bool)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                int32_t *out, struct belfry_error *err);
    /* RFC 3339 instant */
    belfry_status (*value_time)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                int64_t *out_ms, struct belfry_error *err);
    /* a view of the trigger's data for conditions and templates; valid during the call */
    const struct belfry_view *(*value_view)(struct belfry_txn *txn, const struct belfry_trigger *trigger);
    /* everything that can be wrong is checked here: EINVAL with a message in err */
    belfry_status (*emit)(struct belfry_txn *txn, const struct belfry_event *event, struct belfry_error *err);
    /* live rows of the subject become invalid (withdrawn), or handled by `by`, or superseded */
    belfry_status (*withdraw)(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which);
    belfry_status (*handled)(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which,
                             struct belfry_str by);
    belfry_status (*supersede)(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which);
    /* move the end of validity of live rows; 0: for good */
    belfry_status (*valid_until)(struct belfry_txn *txn, struct belfry_str subject,
                                 const struct belfry_selection *which, int64_t when_ms);
    /* durable timers by key; set replaces. due() is called no earlier than when_ms. */
    belfry_status (*timer_set)(struct belfry_txn *txn, struct belfry_str key, int64_t when_ms,
                               struct belfry_str payload);
    belfry_status (*timer_clear)(struct belfry_txn *txn, struct belfry_str key);
    belfry_status (*task)(struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                          int64_t not_before_ms);
    /* scratch memory that lives until the plugin function returns; NULL over the limit */
    void *(*alloc)(struct belfry_txn *txn, size_t size);
    /* IANA name of the org's time zone: the org's own, else the hub's. What to do with it: belfry.calendar/1. */
    belfry_status (*zone)(struct belfry_txn *txn, struct belfry_str *out);
    /* a string that an event may have as its link: http, https or a path of ours, up to 2048 bytes; else as value_str
     */
    belfry_status (*value_link)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                struct belfry_str *out, struct belfry_error *err);
    /* a string that may be the name of a BELFRY_TO_EMAIL recipient, a plain mail address; else as value_str */
    belfry_status (*value_address)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                   struct belfry_str *out, struct belfry_error *err);
    /* a string that may be somebody's name, known or not: 1-128 bytes of UTF-8 in NFC without control characters, `/`
     * and `:`; else as value_str */
    belfry_status (*value_username)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                    struct belfry_str *out, struct belfry_error *err);
};

/* [txn] valid during the call only */
struct belfry_txn {
    uint32_t struct_size, reserved;
    const struct belfry_txn_api *api;
    const struct belfry_host *host;
    int64_t now_ms;
    struct belfry_str org;
    const struct belfry_principal *principal;
    void *impl;
};

struct belfry_source {
    uint32_t struct_size, flags;
    /* [txn] decide what one trigger means. EINVAL 422, ECONFLICT 409, ENOTFOUND 404, EPERM 403, EAGAIN 503. Anything
     * but OK drops what the call recorded. */
    belfry_status (*receive)(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err);
    /* [txn] a timer came due; optional when no timer is ever set */
    belfry_status (*due)(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                         int64_t was_due_ms, struct belfry_error *err);
    /* [loop] a durable task: do the I/O, then host->task_done(). The result comes back as trigger "<key>.result".
     * Optional when no task is ever made. */
    void (*perform)(void *self, uint64_t task_id, struct belfry_str org, struct belfry_str key,
                    struct belfry_str payload);
    /* [loop] optional: a person of the org asked for what is new: bring it in through host->submit(), then
     * host->job_done(job_id), once, when what was submitted has been answered. It has two minutes; afterwards, or when
     * it ends otherwise than with OK, that person is told that not everything could be asked. */
    void (*refresh)(void *self, uint64_t job_id, struct belfry_str org);
};

/* --- deliveries: "belfry.delivery/1" ------------------------------------------------------------------------------ */

enum {
    BELFRY_DELIVERY_IN_COMMIT = 1 << 0,     /* visible in the trigger's own commit; deliver() is never called */
    BELFRY_DELIVERY_PER_RECIPIENT = 1 << 1, /* one delivery a notification */
    BELFRY_DELIVERY_PER_TARGET = 1 << 2,    /* one delivery an event and target of belfry.targets/1 */
    BELFRY_DELIVERY_DIGEST = 1 << 3,        /* may be given several items at once, `total` of which exist */
    /* with PER_RECIPIENT: people choose what reaches them here, by category, pause and quiet hours of their own; what
     * has no mail address, or one that is suppressed, ends before it comes here */
    BELFRY_DELIVERY_PREFERENCE = 1 << 4
};

enum {
    BELFRY_DELIVERED = 1,
    BELFRY_RETRY = 2,       /* uses up an attempt */
    BELFRY_UNAVAILABLE = 3, /* the whole channel or target is down; uses up none */
    BELFRY_REJECTED = 4,    /* never will work: dead letter */
    BELFRY_UNKNOWN = 5,     /* may have arrived: one to a person is sent once more, a quarter of an hour later */
    BELFRY_TARGET_GONE = 6, /* the target asks to be disabled (410) */
    /* not tried: what leads to this recipient rests (the mail domain asked for a pause). Uses up no attempt, others of
     * the channel go on; retry_after_ms says when to ask again. */
    BELFRY_DEFERRED = 7,
    /* as RETRY, and the target has too much to do: nothing else goes to it for retry_after_ms, or for a moment. Where
     * there are no targets it is a RETRY. */
    BELFRY_THROTTLED = 8
};

/* Why several items are one batch (only with BELFRY_DELIVERY_DIGEST). */
enum {
    BELFRY_BATCH_SINGLE = 0,
    BELFRY_BATCH_DIGEST = 1,  /* of one category: what came since the last one, as the person chose */
    BELFRY_BATCH_CATCH_UP = 2 /* what quiet hours held, of any category */
};

enum {
    BELFRY_ITEM_REQUIRED = 1 << 0, /* its category is required: nobody can stop what is sent about it */
    BELFRY_ITEM_TEST = 1 << 1      /* nothing happened: somebody tries a target; the payload says so, too */
};

/* What is sent. One item of a batch. */
struct belfry_item {
    uint32_t struct_size, severity;
    uint64_t delivery_id;
    struct belfry_str event_id, notification_id; /* UUIDs; notification empty for targets */
    struct belfry_str org, source, type, category, subject, title, body, link, actor;
    struct belfry_str data;    /* JSON of the event */
    int64_t time_ms;           /* of the event */
    struct belfry_str payload; /* PER_TARGET: the body, bytes stored once with the event */
    struct belfry_str href;    /* absolute URL of /{org}/n/{id}; empty for targets and outside addresses */
    uint32_t flags, reserved;  /* BELFRY_ITEM_* */
    struct belfry_str reason;  /* PER_RECIPIENT: why this person: "owner", "role sales-manager", "rule big-deal" */
    struct belfry_str category_label;    /* in the person's language */
    int64_t waited_ms;                   /* the rule's `after`, for which it was left to be seen; 0: it was not */
    int64_t valid_until_ms;              /* 0: for good */
    const struct belfry_action *actions; /* PER_RECIPIENT: what this person can do, labels in their language */
    size_t action_count;
};

struct belfry_target; /* <belfry/host.h> */

struct belfry_batch {
    uint32_t struct_size, item_count;
    uint64_t id;
    int64_t deadline_ms;
    uint32_t attempt; /* 1 is the first */
    uint32_t total;   /* of a digest: items that exist, of which item_count are shown */
    const struct belfry_item *const *items;
    const struct belfry_target *target; /* PER_TARGET */
    const struct belfry_person *person; /* PER_RECIPIENT */
    struct belfry_str
        key; /* UUID that is the same on every attempt, and no other batch's: a Message-ID is made of it */
    uint32_t kind, reserved; /* BELFRY_BATCH_* */
};

struct belfry_result {
    uint32_t struct_size, outcome;
    int32_t code; /* HTTP or SMTP status; 0: none */
    uint32_t reserved;
    int64_t retry_after_ms;   /* 0: the host's schedule */
    struct belfry_str detail; /* one line for people */
    struct belfry_str record; /* JSON up to 32 KiB, kept with the attempt */
};

struct belfry_delivery {
    uint32_t struct_size, flags;
    uint32_t max_batch, max_inflight;
    /* [loop] must not block; owes one host->complete(). The batch is valid until then. */
    void (*deliver)(void *self, const struct belfry_batch *batch);
    /* [loop] hurry; the complete() is still owed */
    void (*cancel)(void *self, uint64_t batch_id);
    /* from deliver() to the batch's deadline; 0: 30 s. Of PER_TARGET the policy says it */
    int64_t timeout_ms;
    /* [loop] optional: how many batches it has use for at once, 1 to max_inflight. Asked before each claim: what it can
     * begin soon is worth claiming, the rest waits in the hub, where each gate is asked again. */
    uint32_t (*inflight)(void *self);
};

/* --- what comes back: "belfry.feedback/1", beside the role of a delivery -------------------------------------------
 */

/* What became of a message that take() was given. */
enum {
    BELFRY_FEEDBACK_FOREIGN = 0, /* not about anything that this instance sent: the next one is asked */
    BELFRY_FEEDBACK_TAKEN = 1,   /* understood, whether there was something to do or not */
    BELFRY_FEEDBACK_LATER = 2    /* not now: whoever brought it is asked to come again */
};

struct belfry_feedback {
    uint32_t struct_size, flags;
    /* [loop] a mail that came back (RFC 5322), at most 1 MiB, as it was sent or cut at that. recipient is the
     * envelope's, an addr-spec; empty: not known. Both may hold anything. Must not block; owes one
     * host->feedback_done(). */
    void (*take)(void *self, uint64_t id, struct belfry_str recipient, struct belfry_str message);
};

/* --- the host ----------------------------------------------------------------------------------------------------- */

enum { BELFRY_LOG_DEBUG = 0, BELFRY_LOG_INFO = 1, BELFRY_LOG_WARN = 2, BELFRY_LOG_ERROR = 3 };

/* CloudEvents attributes of a trigger that a plugin submits. */
struct belfry_submission {
    uint32_t struct_size, reserved;
    struct belfry_str org, id, source, type, subject, data;
    int64_t time_ms;
    const struct belfry_principal *principal; /* NULL: kind hook */
};

struct belfry_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    void *impl;
    const char *instance;
    /* [any] NULL when absent or not named in needs */
    const void *(*get_extension)(const struct belfry_host *host, const char *id);
    /* [any] one line, no newline */
    void (*log)(const struct belfry_host *host, uint32_t level, const char *message);
    /* [any] the hub's clock, which tests may drive */
    int64_t (*now_ms)(const struct belfry_host *host);
    /* [any] fn(arg) on the loop, later */
    belfry_status (*post)(const struct belfry_host *host, void (*fn)(void *arg), void *arg);
    /* [loop] a trigger to this very source; done once, after the commit or the refusal. A duplicate of an earlier one
     * is OK. message is empty on OK, else the first fault behind its pointer: "/data/id: is required". What was refused
     * is kept among the refused items. */
    belfry_status (*submit)(const struct belfry_host *host, const struct belfry_submission *trigger,
                            void (*done)(void *arg, belfry_status status, struct belfry_str message), void *arg);
    /* [any] n = 1 (for the whole batch) or item_count */
    void (*complete)(const struct belfry_host *host, uint64_t batch_id, const struct belfry_result *results,
                     uint32_t n);
    /* [any] outcome is BELFRY_DELIVERED (result: JSON data of the result trigger), RETRY, UNAVAILABLE (what it asks is
     * away: uses up no try; say in retry_after_ms when to ask again) or REJECTED (never; result is the reason, kept) */
    void (*task_done)(const struct belfry_host *host, uint64_t task_id, uint32_t outcome, int64_t retry_after_ms,
                      struct belfry_str result);
    /* [any] ends what refresh() was asked for. added and invalidated are for the log: what people are told is counted
     * in their own rows. An id that is over is a counted no-op. */
    void (*job_done)(const struct belfry_host *host, uint64_t job_id, uint32_t added, uint32_t invalidated,
                     belfry_status status);
    /* [any] what, where (JSON pointer from /data, or NULL) and what instead; may be called several times. Returns
     * status, so that `return host->fail(...)` reads well. */
    belfry_status (*fail)(struct belfry_error *err, belfry_status status, const char *pointer, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 4, 5)))
#endif
        ;
    /* [any] a member of the problem document: handled_by, handled_at */
    void (*fail_attr)(struct belfry_error *err, const char *name, struct belfry_str value);
    /* [any] once, after stop() */
    void (*stopped)(const struct belfry_host *host);
    /* [any] once for each take(): BELFRY_FEEDBACK_*, and one line about it for people, without what the message says of
     * itself. An id that is over is a counted no-op. */
    void (*feedback_done)(const struct belfry_host *host, uint64_t id, uint32_t outcome, struct belfry_str detail);
};

/* True when the struct behind s reaches as far as member m and m is not NULL. */
#define BELFRY_HAS(s, m) ((s)->struct_size >= offsetof(__typeof__(*(s)), m) + sizeof((s)->m) && (s)->m)

static inline struct belfry_str belfry_str(const char *z)
{
    struct belfry_str s = {z, 0};
    while (z && z[s.len])
        s.len++;
    return s;
}

#ifdef __cplusplus
}
#endif
#endif
