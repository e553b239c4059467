/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions that lead out of the hub: what deliveries send to, and with. Included by <belfry/host.h>, whose rules hold
 * here too.
 */
#ifndef BELFRY_OUTBOUND_H
#define BELFRY_OUTBOUND_H

#include <belfry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- belfry.targets/1: endpoints are the host's ------------------------------------------------------------------- */

#define BELFRY_EXT_TARGETS "belfry.targets/1"

/* How deliveries of a target follow each other. */
enum {
    BELFRY_ORDER_BEST_EFFORT = 0,
    BELFRY_ORDER_FIFO = 1 /* of one subject one at a time, in the order of the events; a failing one holds the others
                           * of its subject until it arrives or is given up */
};

struct belfry_target_secret {
    struct belfry_str text;
    int64_t until_ms; /* signs until then; 0: for good */
};

struct belfry_target {
    uint32_t struct_size, flags;
    uint64_t id;
    struct belfry_str name, url, org;
    struct belfry_str secret;   /* plain, for signing; wiped after the attempt */
    struct belfry_str settings; /* JSON, the plugin's own members of the target */
    /* all that sign, newest first, so that a receiver may change to a new one in its own time; `secret` is the first.
     * Those whose time was over at the claim are not among them. */
    const struct belfry_target_secret *secrets;
    size_t secret_count;
    uint32_t rate_per_minute, reserved; /* what its owner allows, 0: no limit; for who tells its receiver */
};

/* What a channel declares for itself in start(): the host makes rows of it, by name, and keeps the state of those that
 * stay. `url`, `secret`, `types` (exact, "prefix.*" or "*"), `when`. */
struct belfry_target_spec {
    uint32_t struct_size, flags;
    const char *name, *url, *secret;
    struct belfry_strs types, orgs; /* none: all */
    const struct belfry_condition *when;
    uint32_t concurrency;     /* 0: 8 */
    uint32_t rate_per_minute; /* 0: none */
    struct belfry_str settings;
    struct belfry_strs secrets; /* all that sign, newest first; none: `secret` alone */
    uint32_t order, reserved;   /* BELFRY_ORDER_* */
};

struct belfry_target_policy {
    uint32_t struct_size, attempts; /* first try included */
    const int64_t *waits_ms;        /* before attempt n+1, attempts - 1 of them */
    int64_t timeout_ms;
};

struct belfry_targets_api {
    uint32_t struct_size, reserved;
    /* [loop] in start() or reload(): the whole set of this channel, in force as soon as the instance is */
    belfry_status (*declare)(const struct belfry_host *host, const struct belfry_target_spec *specs, uint32_t count,
                             const struct belfry_target_policy *policy, struct belfry_error *err);
    /* [loop] the receiver allows so many a minute; 0: it says no more about it. The target's own rate holds too. Until
     * the hub stops or the URL changes. A target that is gone is a no-op. */
    void (*pace)(const struct belfry_host *host, uint64_t target, uint32_t per_minute);
};

/* --- "belfry.endpoints/1", a role beside that of a delivery with BELFRY_DELIVERY_PER_TARGET ------------------------
 *
 * Its targets may be made over the API (POST /v1/{org}/endpoints), not only in its options. The hub knows url,
 * description, types, when, rate, concurrency, order, metadata and enabled; what else somebody says of an endpoint are
 * its settings, which the plugin judges. They are sealed where they lie.
 */
struct belfry_endpoint_draft {
    uint32_t struct_size, reserved;
    struct belfry_str org, url;
    struct belfry_str settings;   /* JSON object: members that the hub does not know, as they were given */
    struct belfry_str before;     /* the settings now; empty: it is a new one */
    struct belfry_str url_before; /* where it leads now; empty: it is a new one */
};

enum { BELFRY_ENDPOINT_REVEAL = 1 << 0 };

struct belfry_endpoints {
    uint32_t struct_size, flags;
    /* [loop] sink, once and before it returns: the settings as they are kept, a JSON object; what `before` has and
     * `settings` does not name stays. A secret value that is masked as show() does is the one of before, but where the
     * URL leads to another server: who may change an endpoint and see no credential of it must not have one sent to a
     * server of their own. EINVAL with pointers ("/headers/X-Team", "/url") through host->fail. */
    belfry_status (*check)(void *self, const struct belfry_endpoint_draft *draft,
                           void (*sink)(void *arg, struct belfry_str settings), void *arg, struct belfry_error *err);
    /* [loop] sink, once and before it returns: a secret for the settings, all its keys in one text. given: what
     * somebody brings in; empty: fresh random ones. EINVAL with the pointer "/secret". */
    belfry_status (*secret)(void *self, struct belfry_str settings, struct belfry_str given,
                            void (*sink)(void *arg, struct belfry_str secret), void *arg, struct belfry_error *err);
    /* [loop] sink, once and before it returns: what people are told, a JSON object that is laid over the hub's own
     * members: settings with their defaults, secret values masked, what is public of the secret ("public_key"). With
     * BELFRY_ENDPOINT_REVEAL also "secret" as its receiver needs it; else never. */
    void (*show)(void *self, struct belfry_str settings, struct belfry_str secret, uint32_t flags,
                 void (*sink)(void *arg, struct belfry_str json), void *arg);
    /* [loop] may be NULL: a target of this channel, made over the API or declared, has been removed, and nothing of it
     * is under way. What is remembered of it by its id can be forgotten: no batch comes for that id any more, unless it
     * is declared again. */
    void (*gone)(void *self, uint64_t target);
};

/* --- belfry.http-client/1 ----------------------------------------------------------------------------------------- */

#define BELFRY_EXT_HTTP_CLIENT "belfry.http-client/1"

enum {
    BELFRY_HTTP_ERR_NONE = 0,
    BELFRY_HTTP_ERR_DNS,
    BELFRY_HTTP_ERR_REFUSED,
    BELFRY_HTTP_ERR_RESET,
    BELFRY_HTTP_ERR_TLS,
    BELFRY_HTTP_ERR_TIMEOUT,
    BELFRY_HTTP_ERR_BLOCKED, /* an address that the guard refuses */
    BELFRY_HTTP_ERR_CANCELED,
    BELFRY_HTTP_ERR_URL,
    BELFRY_HTTP_ERR_OTHER
};

struct belfry_http_call {
    uint32_t struct_size, flags;
    const char *method, *url; /* http and https only; redirects are never followed, no proxy from the environment */
    const struct belfry_attr *headers;
    size_t header_count;
    struct belfry_str body;
    int64_t timeout_ms, connect_timeout_ms;
    size_t max_response;            /* bytes kept; more is cut */
    const char *const *allow_cidrs; /* private ranges that are allowed; ends at NULL; may be NULL */
};

struct belfry_http_answer {
    uint32_t struct_size, status; /* 0: no answer */
    uint32_t error, truncated;    /* BELFRY_HTTP_ERR_* */
    struct belfry_str error_text, body;
    const struct belfry_attr *headers; /* names in lower case */
    size_t header_count;
    int64_t elapsed_us;
};

struct belfry_http_client_api {
    uint32_t struct_size, reserved;
    /* [loop] done once */
    belfry_status (*request)(const struct belfry_host *host, const struct belfry_http_call *call,
                             void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg, uint64_t *id);
    void (*cancel)(const struct belfry_host *host, uint64_t id);
    /* [any] 1: a request to this URL would be refused whatever the network says, because its host is the number of an
     * address, in any spelling, that is private and not in allow_cidrs (ends at NULL; may be NULL). Names are not
     * resolved: what they lead to is judged at each request. For a word to whoever enters such a URL. */
    int32_t (*refuses)(const struct belfry_host *host, const char *url, const char *const *allow_cidrs);
};

/* --- belfry.smtp-client/1: one mail to one recipient (RFC 5321) --------------------------------------------------- */

#define BELFRY_EXT_SMTP_CLIENT "belfry.smtp-client/1"

/* Whether the connection is encrypted. An smtps:// URL is encrypted from the first byte, whatever this says. */
enum {
    BELFRY_SMTP_TLS_AUTO = 0,     /* STARTTLS (RFC 3207) is required, except to a loopback address */
    BELFRY_SMTP_TLS_REQUIRED = 1, /* on loopback too */
    BELFRY_SMTP_TLS_OFF = 2       /* never; only to a loopback address, elsewhere an error */
};

/* How far a mail got. Nothing was handed over before DATA. */
enum {
    BELFRY_SMTP_STAGE_CONNECT = 0, /* name, connection, greeting, EHLO */
    BELFRY_SMTP_STAGE_TLS = 1,
    BELFRY_SMTP_STAGE_AUTH = 2,
    BELFRY_SMTP_STAGE_ENVELOPE = 3, /* MAIL FROM, RCPT TO, DATA */
    BELFRY_SMTP_STAGE_CONTENT = 4,  /* the content was being sent: it cannot have been accepted */
    BELFRY_SMTP_STAGE_END = 5       /* the final dot was sent */
};

enum {
    BELFRY_SMTP_ERR_NONE = 0, /* the server took it: 2xx after the final dot */
    BELFRY_SMTP_ERR_REPLY,    /* the server said 4xx or 5xx: code, enhanced, text */
    BELFRY_SMTP_ERR_DNS,
    BELFRY_SMTP_ERR_CONNECT, /* refused, unreachable */
    BELFRY_SMTP_ERR_LOST,    /* the connection broke, or the time was over: stage says what that means */
    BELFRY_SMTP_ERR_TIMEOUT,
    BELFRY_SMTP_ERR_TLS,     /* not offered, refused, or not to be trusted: error_text */
    BELFRY_SMTP_ERR_AUTH,    /* not offered, though there is a user name; or refused: then with code */
    BELFRY_SMTP_ERR_ADDRESS, /* sender or recipient cannot be put into a command: nothing was sent */
    BELFRY_SMTP_ERR_URL,
    BELFRY_SMTP_ERR_CANCELED,
    BELFRY_SMTP_ERR_MESSAGE /* the message is not in canonical form: nothing was sent */
};

struct belfry_smtp_mail {
    uint32_t struct_size, flags;
    const char *url;                 /* smtp://HOST[:25] or smtps://HOST[:465], without a user */
    const char *username, *password; /* NULL: none. With one, a server that offers no AUTH gets no mail. PLAIN, LOGIN */
    const char *ca_file;             /* PEM; NULL: the system's */
    uint32_t tls, max_connections;   /* BELFRY_SMTP_TLS_*; to this server at once, 0: 4 */
    const char *from, *to;           /* addr-spec in ASCII (A-labels), at most 254 bytes */
    struct belfry_str message;       /* RFC 5322 in canonical form, CRLF, 7 bit; dots are stuffed here. Copied. */
    int64_t timeout_ms;              /* in all, once it has its turn; 0: 5 minutes */
    int64_t connect_timeout_ms;      /* of it until the server is ready for a mail: greeting, TLS, AUTH; 0: 30 s */
};

struct belfry_smtp_answer {
    uint32_t struct_size, error;  /* BELFRY_SMTP_ERR_* */
    uint32_t stage;               /* BELFRY_SMTP_STAGE_* */
    int32_t code;                 /* the reply that decided, three digits; 0: none */
    struct belfry_str enhanced;   /* RFC 3463, "5.1.1"; empty: the reply has none */
    struct belfry_str text;       /* the reply's text, lines joined by a blank, at most 500 bytes, printable */
    struct belfry_str error_text; /* what else went wrong, for people; empty: nothing */
    uint32_t reused, encrypted;   /* the connection was there before; 1: TLS */
    int64_t elapsed_us;           /* since it had its turn; 0: it never had one */
};

struct belfry_smtp_client_api {
    uint32_t struct_size, reserved;
    /* [loop] done once, on a later turn. Connections are kept and used again; the first that turns out to have been
     * closed by the server meanwhile is replaced without a word. What is wrong with the mail itself comes with done
     * too; EINVAL: no done. ECLOSED: the hub stops. */
    belfry_status (*send)(const struct belfry_host *host, const struct belfry_smtp_mail *mail,
                          void (*done)(void *arg, const struct belfry_smtp_answer *answer), void *arg, uint64_t *id);
    void (*cancel)(const struct belfry_host *host, uint64_t id);
};

/* --- belfry.addresses/1: what is known of mail addresses, and what people say through a mail ---------------------- */

#define BELFRY_EXT_ADDRESSES "belfry.addresses/1"

enum {
    BELFRY_ADDRESS_BOUNCED = 1,   /* for good: suppressed at once */
    BELFRY_ADDRESS_SOFT = 2,      /* for now: the fifth within 14 days suppresses */
    BELFRY_ADDRESS_COMPLAINED = 3 /* its owner called a mail of ours junk: suppressed at once */
};

struct belfry_address_report {
    uint32_t struct_size, what;
    struct belfry_str org, address;
    struct belfry_str delivery; /* UUID of the delivery that it is about (batch.key); empty: none */
    struct belfry_str detail;   /* one line for people */
};

/* The mail behind the UUID of a delivery (batch.key), of any org that this channel serves. */
struct belfry_mail_facts {
    uint32_t struct_size, reserved;
    struct belfry_str org, username; /* username empty: an outside address */
    struct belfry_str address;       /* empty: the person has another by now than the mail went to, or none */
    struct belfry_str category;      /* empty: it was about several */
};

/* Whose mail, of which category. */
struct belfry_subscription {
    uint32_t struct_size, reserved;
    struct belfry_str org, username; /* username empty: an outside address */
    struct belfry_str address;       /* of somebody outside */
    struct belfry_str category;      /* empty: all that can be stopped */
};

struct belfry_subscription_state {
    uint32_t struct_size, off;  /* 1: no mail of it goes out now */
    uint32_t required, changed; /* the category cannot be stopped; this call changed something */
    struct belfry_str label;    /* of the category, in the language asked for */
    struct belfry_str address;  /* where mail goes now; empty: nowhere */
    struct belfry_str before;   /* what was chosen before this call, for restore(); JSON */
};

struct belfry_addresses_api {
    uint32_t struct_size, reserved;
    /* [loop] A delivery that was delivered, or may have been, has failed when it came back; what is called junk did
     * arrive. A person whose address is suppressed finds a notice in the inbox. The same report again changes nothing.
     * address empty: where the delivery went, of which nothing is kept when the person has another by now. done once,
     * after the commit; may be NULL. ENOTFOUND: no such org or delivery, or its person is not in the directory any
     * more, and then nothing is kept of the address. */
    void (*report)(const struct belfry_host *host, const struct belfry_address_report *report,
                   void (*done)(void *arg, belfry_status status), void *arg);
    /* [loop] done once; ENOTFOUND */
    void (*delivery)(const struct belfry_host *host, struct belfry_str delivery,
                     void (*done)(void *arg, belfry_status status, const struct belfry_mail_facts *facts), void *arg);
    /* [loop] looks only. ENOTFOUND: no such org, or nobody of that name has anything there. language: BCP 47 */
    void (*state)(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str language,
                  void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                  void *arg);
    /* [loop] no more mail of it, from now on: the person's preference is `off`, an outside address is suppressed. Twice
     * is once. EPERM: the category is required. */
    void (*stop)(const struct belfry_host *host, const struct belfry_subscription *which,
                 void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                 void *arg);
    /* [loop] as it was; before empty: nothing is chosen any more */
    void (*restore)(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str before,
                    void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                    void *arg);
};

#ifdef __cplusplus
}
#endif
#endif
