/* SPDX-License-Identifier: Apache-2.0 */
/* The documented operations and schemas. tests/e2e/test_openapi.py compares them with the routes of a running hub, both
 * ways, and what the hub answers with the schemas. */
#include "hub/openapi.h"

#define V1 "/v1/{org}/"
#define WINDOW "limit:int before:uuid"
#define CONSOLE_DELIVERIES                                                                                             \
    "channel:text target:text recipient:text rule:text reason:text from:text to:text "                                 \
    "before:text format:text"
#define INBOX "q:text severity*:Severity category*:text source*:text status:Status read:Read limit:int before:text"
#define RUNS "kind:text outcome:RunOutcome admin:text from:text to:text limit:int before:text"
#define RUN                                                                                                            \
    "id:text kind:text? admin:text? state:RunState background:bool outcome:RunOutcome? started_at:time? "              \
    "finished_at:time? duration_ms:int? progress:RunProgress? counts:object? url:text?"

#define DELIVERY                                                                                                       \
    "id:uuid event:uuid title:text? channel:text rule:text? recipient:text? target:text? state:Outcome due_at:time? "  \
    "attempts:int detail:text? ended_at:time?"

/* Members of a webhook endpoint that people set, and all of them. A channel's plugin may have others (`...`). */
#define ENDPOINT_TERMS                                                                                                 \
    "description?:text? types?:[text]? when?:any headers?:{text?}? format?:EndpointFormat? "                           \
    "signatures?:[EndpointSignature]? handshake?:bool? rate?:int? concurrency?:int? order?:EndpointOrder? "            \
    "metadata?:{text?}? enabled?:bool? ..."
#define ENDPOINT                                                                                                       \
    "id:uuid name:text channel:text from:EndpointFrom url:text description:text? types:[text] when:any "               \
    "headers:object format:text signatures?:[text] handshake?:bool rate:int? concurrency:int order:EndpointOrder "     \
    "metadata:object enabled:bool owner:text? version:int? public_key?:text? created_at:time disabled_at:time? "       \
    "disabled_why:text? breaker:Breaker breaker_until:time? failing:bool failing_since:time? pending:int "             \
    "pending_more:bool held:int held_more:bool sending:int oldest_due:time? last_success_at:time?"

const struct openapi_operation openapi_operations[] = {
    /* integrators */
    {"POST", V1 "sources/{source}/triggers",
     "Post triggers: CloudEvents 1.0, structured, batch, or binary with ce-* headers."
     " Answered after the commit. A batch is all or nothing unless partial=true.",
     "partial:bool",
     "application/cloudevents+json:CloudEvent application/cloudevents-batch+json:[CloudEvent] application/json:any",
     "202:Accepted 400 404 409 413 415 422 429 503"},
    {"POST", V1 "sources/{source}/xero", "Xero's webhook, signed in x-xero-signature. Answers have no body.", NULL,
     NULL, "200 401=nothing 404 413 503=nothing"},
    {"POST", V1 "sources/{source}/hook",
     "A provider's webhook, signed as `verify` of the source says. Answers have no body, but to Slack's challenge.",
     NULL, NULL, "200=nothing 401=nothing 404 413 503=nothing"},
    {"GET", V1 "sources/{source}/runs", "Runs of a source, newest first, without their logs.", RUNS, NULL,
     "200:Runs 400 404 503"},
    {"GET", V1 "sources/{source}/runs/{id}", "A run and its log.", NULL, NULL, "200:RunWithLog 404 503"},
    /* recipients */
    {"GET", V1 "notifications",
     "The person's inbox, newest first, with facets. ETag. With labels=true items say what people read, too.",
     INBOX " labels:bool", NULL, "200:Inbox 304 400 503"},
    {"GET", V1 "notifications/count", "Unread and unseen. ETag; 204 when since_rev is the present revision.",
     "since_rev:int", NULL, "200:Count 204 304 400 503"},
    {"GET", V1 "notifications/export", "All that the filter lists, newest first, as a file: CSV (RFC 4180) or JSON.",
     INBOX " format:ExportFormat", NULL, "200=text/csv 400 429 503"},
    {"GET", V1 "notifications/{id}", "One notification. With labels=true it says what people read, too.", "labels:bool",
     NULL, "200:Item 304 400 404 503"},
    {"POST", V1 "notifications/{id}/read", "Marks it read. Idempotent.", NULL, NULL, "200:Marked 404 503"},
    {"POST", V1 "notifications/{id}/unread", "Marks it unread. Idempotent.", NULL, NULL, "200:Marked 404 503"},
    {"POST", V1 "notifications/{id}/hide", "Hides it. Idempotent.", NULL, NULL, "200:Marked 404 503"},
    {"POST", V1 "notifications/{id}/unhide", "Shows it again. Idempotent.", NULL, NULL, "200:Marked 404 503"},
    {"POST", V1 "notifications/bulk", "Marks many, by ids or by a filter as of a revision.", NULL, ":Bulk",
     "200:Bulked 400 503"},
    {"POST", V1 "notifications/undo", "Takes a bulk change back where rows were not changed since; for 24 hours.", NULL,
     ":Undo", "200:Bulked 400 404 410 503"},
    {"POST", V1 "notifications/seen", "Notes that these were shown.", NULL, ":Seen", "204 400 503"},
    {"POST", V1 "notifications/{id}/actions/{action}", "Runs one of its actions as this person.", NULL, ":Action",
     "200:Marked 400 404 409 422 503"},
    {"POST", V1 "notifications/refresh",
     "Pulls every feed of the org now and asks its sources. One job an org at a time: who asks while it runs joins it.",
     NULL, NULL, "202:RefreshJob 503"},
    {"GET", V1 "jobs/{id}", "How far a refresh is, and what it brought to this person, who asked for it or joined.",
     NULL, NULL, "200:Job 404 503"},
    {"GET", V1 "stream", "Server-sent events: `rev` with {rev, unread}, hints only.", NULL, NULL,
     "200=text/event-stream 503"},
    {"GET", V1 "preferences", "What the person chose about mail, their language, zone and hours. ETag.", NULL, NULL,
     "200:Preferences 304 503"},
    {"PUT", V1 "preferences",
     "Replaces all of it; what is left out is not chosen. With If-Match only what has that ETag is replaced.", NULL,
     ":PreferencesIn", "200:Preferences 400 412 422 503"},
    {"GET", "/{org}/notifications", "The inbox as a page.", INBOX " job:text", NULL, "200=text/html 303 400"},
    {"POST", "/{org}/notifications/act", "The forms of that page.", NULL, "application/x-www-form-urlencoded:object",
     "303 400 404"},
    {"GET", "/{org}/n/{id}", "Opens what a notification is about, and marks it read when a person navigates there.",
     NULL, NULL, "303 404 410"},
    {"GET", "/{org}/preferences", "The preferences as a page.", "saved:text", NULL, "200=text/html 503=text/html"},
    {"POST", "/{org}/preferences", "The form of that page.", NULL, "application/x-www-form-urlencoded:object",
     "303 412=text/html 422=text/html 503=text/html"},
    {"POST", "/{org}/preferences/address", "The form by which mail goes to the person's address again.", NULL,
     "application/x-www-form-urlencoded:object", "303 503=text/html"},
    {"GET", "/{org}/u/{token}", "Where the reader of a mail can stop it, as a page. Changes nothing.", NULL, NULL,
     "200=text/html 404 503"},
    {"POST", "/{org}/u/{token}",
     "Stops it: List-Unsubscribe=One-Click (RFC 8058) is answered with a line, the buttons of the page with the page.",
     NULL, "application/x-www-form-urlencoded:object multipart/form-data:object",
     "200=text/plain 400 403=text/plain 404 413 503"},
    {"GET", "/{org}/runs", "The sources that have runs, as a page.", NULL, NULL, "200=text/html"},
    {"GET", "/{org}/runs/{source}", "The runs of a source as a page.", RUNS, NULL, "200=text/html"},
    {"GET", "/{org}/runs/{source}/{id}", "A run and its log as a page.", NULL, NULL, "200=text/html 404"},
    /* the portal, as pages */
    {"GET", "/{org}/endpoints", "Endpoints, for who looks after them.", "before:text", NULL,
     "200=text/html 400=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/new", "A form for another one.", NULL, NULL, "200=text/html"},
    {"POST", "/{org}/endpoints/new", "Adds it; the page shows its secret, once.", NULL,
     "application/x-www-form-urlencoded:object", "201=text/html 409=text/html 422=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/types", "Types of events, with examples.", NULL, NULL, "200=text/html"},
    {"GET", "/{org}/endpoints/verify", "How to verify what comes.", NULL, NULL, "200=text/html"},
    {"GET", "/{org}/endpoints/{id}", "One of them, and its latest attempts.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/edit", "A form to change it.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/edit", "Changes it, when it still has the version that the form shows.", NULL,
     "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 412=text/html 422=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/attempts", "Its attempts, with request and response.", "before:text failed:text",
     NULL, "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/attempts", "Sends the delivery of an attempt once more.", NULL,
     "application/x-www-form-urlencoded:object", "303 404=text/html 409=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/test", "A form to send a test, with what would be sent; and what became of one.",
     "type:text delivery:text", NULL, "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/test", "Sends it.", NULL, "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 422=text/html 429=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/rotate", "A form for another secret.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/rotate", "Makes it; the page shows it, once.", NULL,
     "application/x-www-form-urlencoded:object", "200=text/html 404=text/html 409=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/recover", "A form to send again what was missed.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/recover", "Sends it again.", NULL, "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 422=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/enable", "Asks before it is done.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/enable", "Does it.", NULL, "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/disable", "Asks before it is done.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/disable", "Does it.", NULL, "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 503=text/html"},
    {"GET", "/{org}/endpoints/{id}/delete", "Asks before it is done.", NULL, NULL,
     "200=text/html 404=text/html 503=text/html"},
    {"POST", "/{org}/endpoints/{id}/delete", "Does it.", NULL, "application/x-www-form-urlencoded:object",
     "303 404=text/html 409=text/html 412=text/html 503=text/html"},
    /* the console, as pages: each shows what the API says to who asks */
    {"GET", "/{org}/admin", "The console: how the hub does for this org.", NULL, NULL, "200=text/html"},
    {"GET", "/{org}/admin/events", "Events; with format=csv as a file.",
     "source:text type:text subject:text refused:text before:text format:text", NULL, "200=text/html 400=text/html"},
    {"GET", "/{org}/admin/events/{id}", "An event and its story; with `who`, first about one person.", "who:text", NULL,
     "200=text/html 404=text/html"},
    {"POST", "/{org}/admin/events/{id}/reveal", "The same with what the message says; leaves a row in the audit.", NULL,
     "application/x-www-form-urlencoded:object", "200=text/html 404=text/html"},
    {"GET", "/{org}/admin/explain", "The form of a dry run.", "source:text", NULL, "200=text/html"},
    {"POST", "/{org}/admin/explain", "A dry run of a trigger.", NULL, "application/x-www-form-urlencoded:object",
     "200=text/html 409=text/html 422=text/html"},
    {"GET", "/{org}/admin/deliveries", "Deliveries; with format=csv as a file.", CONSOLE_DELIVERIES " state:text", NULL,
     "200=text/html 400=text/html"},
    {"GET", "/{org}/admin/deliveries/{id}", "A delivery and its attempts.", NULL, NULL, "200=text/html 404=text/html"},
    {"POST", "/{org}/admin/deliveries/{id}", "Tries it again or cancels it: `do` is retry or cancel.", NULL,
     "application/x-www-form-urlencoded:object", "303 400=text/html 404=text/html 409=text/html"},
    {"GET", "/{org}/admin/dead-letters", "Deliveries that failed for good, by cause; with format=csv as a file.",
     CONSOLE_DELIVERIES, NULL, "200=text/html 400=text/html"},
    {"POST", "/{org}/admin/dead-letters", "Tries them again or gives them up.", NULL,
     "application/x-www-form-urlencoded:object", "200=text/html 303 400=text/html 409=text/html 422=text/html"},
    {"GET", "/{org}/admin/endpoints", "Endpoints of webhooks; with format=csv as a file.", "before:text format:text",
     NULL, "200=text/html 400=text/html"},
    {"GET", "/{org}/admin/endpoints/{id}", "An endpoint and its latest attempts.", NULL, NULL,
     "200=text/html 404=text/html"},
    {"POST", "/{org}/admin/endpoints/{id}", "Enables, disables or tests it: `do` is enable, disable or test.", NULL,
     "application/x-www-form-urlencoded:object", "303 400=text/html 404=text/html 409=text/html 422=text/html"},
    {"GET", "/{org}/admin/plugins", "What is configured, and how it does.", "before:text", NULL,
     "200=text/html 400=text/html"},
    {"GET", "/{org}/admin/categories", "Categories.", "before:text", NULL, "200=text/html 400=text/html"},
    {"GET", "/{org}/admin/categories/{id}", "Who sees a category; with format=csv as a file.",
     "before:text format:text", NULL, "200=text/html 404=text/html"},
    {"GET", "/{org}/admin/suppressions", "Addresses that get no mail; with format=csv as a file.",
     "address:text reason:text before:text format:text", NULL, "200=text/html 400=text/html"},
    {"POST", "/{org}/admin/suppressions", "Takes an address off that list.", NULL,
     "application/x-www-form-urlencoded:object", "303 400=text/html 404=text/html"},
    {"GET", "/{org}/admin/audit", "Who did what; with format=csv as a file.",
     "who:text what:text from:text to:text before:text format:text", NULL, "200=text/html 400=text/html"},
    /* sessions of browsers */
    {"GET", "/{org}/session", "Opens a session for a JWT, and goes on to `next`.", "token:text next:text ticket:text",
     NULL, "200=text/html 204 303 400 401 404 503"},
    {"POST", "/{org}/session", "The same by a form.", NULL, "application/x-www-form-urlencoded:Door",
     "200=text/html 303 400 401 404 503"},
    {"POST", "/{org}/session/end", "Signs out.", NULL, NULL, "303 403 404"},
    /* admins */
    {"GET", V1 "events",
     "Events, newest first. With refused=true instead what came from feeds, hooks, tasks and timers and was refused;"
     " `source` is the only filter then.",
     WINDOW " source:text type:text subject:text refused:bool", NULL, "200:Events|Refused 400 503"},
    {"GET", V1 "events/{id}",
     "An event and its whole story; as text with Accept: text/plain. Leaves a row in the audit, because it says what"
     " the message says; with bodies=hidden it is without body and data, and without what conditions compared with.",
     "bodies:Bodies", NULL, "200:Story 400 404 503"},
    {"POST", V1 "events/{id}/reveal", "What the message says. Leaves a row in the audit.", NULL, ":Reason",
     "200:Revealed 400 404 422 503"},
    {"POST", V1 "explain",
     "Why did she get this, and why did he not? Of a stored event, without what it says unless it is one's own; or of a"
     " trigger, or of what the mapping of a hook makes of a call, as a dry run.",
     NULL, ":Explain", "200:Story|Explained 400 403 404 409 422 503"},
    {"GET", V1 "deliveries",
     "Deliveries, newest first. `reason` is a part of the detail, `from` and `to` say when they were made. With"
     " total=true also how many the filter lets through; it stops at 100000, and then total_more is true; as_of is when that was. A page may be"
     " short, or empty, and have a next all the same, when it passed over 100000 others.",
     WINDOW " state:Outcome channel:text event:uuid recipient:text target:text rule:text reason:text from:time to:time"
            " total:bool",
     NULL, "200:Deliveries 400 503"},
    {"GET", V1 "deliveries/{id}", "One delivery and its attempts, oldest first, without the message.", NULL, NULL,
     "200:DeliveryWithAttempts 404 503"},
    {"POST", V1 "deliveries/{id}/retry", "Makes it due now, under the id it has.", NULL, ":Reason",
     "200:object 400 404 409 422 503"},
    {"POST", V1 "deliveries/{id}/cancel", "Ends it.", NULL, ":Reason", "200:object 400 404 409 422 503"},
    {"POST", V1 "deliveries/retry",
     "Makes many due now: some by id, or all that a filter lets through, by itself those that failed for good. Answered"
     " after the last; 409 when `expected` is not how many there are. With `as_of` only those that had ended by then.",
     NULL, ":Redrive", "200:Redriven 400 409 422 503"},
    {"POST", V1 "deliveries/discard", "Ends many as cancelled, those that failed for good among them.", NULL,
     ":Redrive", "200:Redriven 400 409 422 503"},
    {"GET", V1 "audit", "Who did what, newest first.", WINDOW " who:text what:text from:time to:time", NULL,
     "200:Audit 400 503"},
    {"GET", V1 "suppressions", "Addresses that get no mail, and why, newest first.",
     WINDOW " address:text reason:SuppressionReason", NULL, "200:Suppressions 400 503"},
    {"DELETE", V1 "suppressions",
     "Takes an address off that list; with `category` only what was said of that alone. It is tried again, and the"
     " person's notice about it is withdrawn.",
     "address:text category:text", NULL, "204 400 404 503"},
    {"DELETE", V1 "suppressions/{address}", "The same with the address in the path.", "category:text", NULL,
     "204 400 404 503"},
    {"POST", V1 "channels/{channel}/test",
     "Sends a test mail now, to whoever asks, to `to` (somebody of the org, or the channel's own sender), or for an"
     " application back to that sender; answers what the server said. Ten an org in ten minutes.",
     NULL, ":TestMailIn", "200:TestMail 400 422 429 502 503"},
    {"POST", V1 "templates/preview",
     "What a mail would say: of a type's example, of `data`, or of a stored event, which the audit notes. Nothing is sent.",
     NULL, ":PreviewIn", "200:Preview 400 404 422 503"},
    {"GET", V1 "overview", "Numbers for the first page: what waits, the last hour by the minute, what is in trouble.",
     NULL, NULL, "200:Overview 503"},
    {"GET", V1 "endpoints",
     "Webhook endpoints and how they do, newest first: those of YAML and those that were made here. A token that may"
     " `endpoints:own` sees those that it made.",
     WINDOW " enabled:bool owner:text", NULL, "200:Endpoints 400 503"},
    {"POST", V1 "endpoints",
     "Makes one. The answer has its `secret`, which is told nowhere else. A member that is left out has its default; what"
     " is wrong with any of them is named by its pointer.",
     NULL, ":EndpointIn", "201:EndpointWithSecret 400 409 422 503"},
    {"GET", V1 "endpoints/{id}", "One of them. ETag: of what people set of it; none of one of YAML.", NULL, NULL,
     "200:Endpoint 404 503"},
    {"PATCH", V1 "endpoints/{id}",
     "Changes what is named (RFC 7396: null is the default again; in `metadata` and `headers` what is not named stays)."
     " With If-Match only what has that ETag. What is so already is no change: the ETag stays.",
     NULL, ":EndpointChange", "200:Endpoint 400 404 409 412 422 503"},
    {"DELETE", V1 "endpoints/{id}", "Removes it. With If-Match only when it has that ETag.", NULL, NULL,
     "204 404 409 412 503"},
    {"POST", V1 "endpoints/{id}/enable", "What was held for it leaves, oldest first.", NULL, ":Reason",
     "200:Endpoint 400 404 409 422 503"},
    {"POST", V1 "endpoints/{id}/disable", "What comes for it is held.", NULL, ":Reason",
     "200:Endpoint 400 404 422 503"},
    {"POST", V1 "endpoints/{id}/rotate",
     "Another secret, brought in or fresh. The one before signs for `overlap` more seconds, a day by itself. With If-Match"
     " only of what has that ETag, so that asking twice makes one.",
     NULL, ":Rotation", "200:EndpointWithSecret 400 404 409 412 422 503"},
    {"POST", V1 "endpoints/{id}/recover",
     "What it has not received goes out again, oldest first, and what happened since then and would be for it now."
     " `since` is the beginning as it was clamped to what is kept.",
     NULL, ":Recovery", "202:Recovered 400 404 409 422 503"},
    {"POST", V1 "endpoints/{id}/test",
     "Sends an event that nobody else gets, once: of `type` (or the first one that it takes) and its example, or with"
     " `data` in the place of the example's object. It goes at once, before what waits, also to a disabled one; ten a"
     " minute at most.",
     NULL, ":EndpointTest", "202:EndpointTested 400 404 409 422 429 503"},
    {"GET", V1 "endpoints/{id}/attempts",
     "Attempts of one, newest first, with what was sent and answered; with failed=true those that did not arrive. A page"
     " may be short, or empty, and have a next all the same. Whoever is not the integrator leaves a row in the audit,"
     " because it says what messages say; not with bodies=hidden, which leaves out what was sent.",
     WINDOW " failed:bool bodies:Bodies", NULL, "200:Attempts 400 404 503"},
    {"POST", V1 "endpoints/{id}/attempts/{attempt}/resend",
     "The delivery of that attempt goes out once more, under the same webhook-id.", NULL, ":Reason",
     "202:Resent 400 404 409 422 503"},
    {"POST", V1 "portal-links",
     "A link that opens, once, the pages of /{org}/endpoints for somebody without a token: all that the maker may see to,"
     " or those of one owner below it. Link and session end at expires_at.",
     NULL, ":PortalLinkIn", "201:PortalLink 400 403 422 503"},
    {"GET", V1 "plugins", "Sources and channels that serve the org, and how they do.", NULL, NULL, "200:Instances"},
    {"GET", V1 "categories", "Categories and who may see them.", NULL, NULL, "200:Categories"},
    {"GET", V1 "categories/{id}/audience",
     "Everybody of the directory, by name, and whether they see the category. `next` is a name.",
     "limit:int before:text", NULL, "200:Audience 400 404 503"},
    {"GET", V1 "event-types",
     "What the org's sources and the hub tell of: of each type the JSON Schema of the body that endpoints get, and an "
     "example of it. `type` is one, or a prefix and `*`; `webhooks` is false where the category goes to no endpoint.",
     "type:text", NULL, "200:EventTypes 400"},
    {"GET", V1 "users/{username}", "One person of the directory.", NULL, NULL, "200:Person 404 503"},
    {"PUT", V1 "users/{username}", "Adds or replaces a person.", NULL, ":PersonIn", "200:Changed 400 409 422 503"},
    {"DELETE", V1 "users/{username}", "Takes a person out of the directory.", NULL, NULL, "204 404 409 503"},
    {"PUT", V1 "users", "Adds or replaces many; with replace=true they are all there are.", "replace:bool", ":People",
     "200:Changed 400 409 422 503"},
    /* operators */
    {"POST", "/v1/admin/reload", "Reads the configuration again. A bad one changes nothing.", NULL, NULL,
     "200:Reloaded 422 503"},
    {"GET", "/v1/admin/config", "The configuration in force, without secrets.", NULL, NULL, "200:Config"},
    {"GET", "/v1/admin/plugins", "What is configured, and which plugin serves it.", NULL, NULL, "200:Plugins"},
    {"POST", "/v1/admin/bounces",
     "A mail that came back: the report of a bounce or of a complaint, a mail that unsubscribes. Each channel is asked "
     "whether it knows it.",
     "recipient:text", "message/rfc822:text", "200:Bounce 400 413 415 503"},
    {"GET", "/v1/admin/audit", "The audit of all orgs, and of the hub as a whole.",
     WINDOW " who:text what:text from:time to:time", NULL, "200:HubAudit 400 503"},
    {"GET", "/v1/admin/feeds", "How the feeds do.", NULL, NULL, "200:Feeds"},
    {"POST", "/v1/admin/login-link", "A link that signs somebody in, once.", NULL, ":LoginLinkIn",
     "200:LoginLink 400 422"},
    {"GET", "/healthz", "Does it live? For local requests, others need auth.metrics_token.", NULL, NULL,
     "200=text/plain 401 503=text/plain"},
    {"GET", "/readyz", "Does it take triggers?", NULL, NULL, "200=text/plain 401 503=text/plain"},
    {"GET", "/metrics", "Numbers for Prometheus.", NULL, NULL, "200=text/plain 401"},
    {"GET", "/openapi.json", "This document.", NULL, NULL, "200:object"},
    {"GET", "/assets/{name}", "Files of pages.", "v:text", NULL, "200=application/octet-stream 304 404"},
    {"GET", "/assets/{owner}/{name}", "Files of a plugin's pages.", "v:text", NULL,
     "200=application/octet-stream 304 404"},
    {"GET", "/favicon.ico", "The bell.", NULL, NULL, "200=image/svg+xml 304"},
};

const size_t openapi_operation_count = sizeof(openapi_operations) / sizeof(openapi_operations[0]);

const struct openapi_schema openapi_schemas[] = {
    {"Problem", "type:text title:text status:int detail?:text errors?:[Fault] ..."},
    {"Fault", "pointer:text detail:text"},
    {"CloudEvent", "specversion:text id:text source:text type:text time?:time? subject?:text? datacontenttype?:text? "
                   "dataschema?:text? data?:any data_base64?:text? ..."},
    {"Accepted", "accepted:[AcceptedItem]"},
    {"AcceptedItem", "id:text status:AcceptedStatus events?:int problem?:Problem"},
    {"AcceptedStatus", "=accepted|duplicate|refused"},

    {"Preferences", "email:{How} default:How? digest:PreferencesDigest timezone:text? locale:text? pause_until:text? "
                    "quiet:PreferencesQuiet shortcuts:bool"},
    {"PreferencesIn", "email?:{How}? default?:How? digest?:PreferencesDigestIn? timezone?:text? locale?:text? "
                      "pause_until?:text? quiet?:PreferencesQuietIn? shortcuts?:bool?"},
    {"PreferencesDigest", "hour:int? weekdays:[Weekday]?"},
    {"PreferencesDigestIn", "hour?:int? weekdays?:[Weekday]?"},
    {"PreferencesQuiet", "from:text? to:text?"},
    {"PreferencesQuietIn", "from?:text? to?:text?"},
    {"How", "=off|unseen|digest"},
    {"Weekday", "=mon|tue|wed|thu|fri|sat|sun"},

    {"Item",
     "id:uuid type:text source:text category:text category_label?:text severity:Severity title:text body:text href:text "
     "subject:text? actor:text? reason:text? created_at:time seen_at:time? read_at:time? hidden_at:time? "
     "unread:bool validity:Validity valid_until:time? handled_by:text? replaced_by:uuid? "
     "actions:[ItemAction] rev:int"},
    {"ItemAction", "id:text label:text comment?:text?"},
    {"Inbox", "rev:int total:int items:[Item] facets:Facets next:text?"},
    {"Facets", "severity:{int} category:{int} source:{int}"},
    {"Count", "unread:int unseen:int rev:int"},
    {"Marked", "rev:int unread:int"},
    {"RefreshJob", "job:uuid"},
    {"Job", "state:JobState progress:int added:int invalidated:int"},
    {"JobState", "=queued|running|done|failed"},
    {"Bulk", "action:Mark ids?:[text] filter?:Filter as_of_rev?:int"},
    {"Filter", "q?:text? severity?:[Severity]? category?:[text]? source?:[text]? status?:Status? read?:Read?"},
    {"Bulked", "rev:int unread:int changed:int failed:[Failed] undo:text?"},
    {"Failed", "id:text code:text"},
    {"Undo", "op:text"},
    {"Seen", "ids:[text]"},
    {"Action", "comment?:text?"},
    {"Door", "token?:text next?:text ticket?:text"},
    {"Severity", "=info|success|warning|error|critical"},
    {"Status", "=active|hidden"},
    {"Read", "=unread|all"},
    {"ExportFormat", "=csv|json"},
    {"Mark", "=read|unread|hide|unhide"},
    {"Validity", "=valid|expired|superseded|withdrawn"},

    {"Runs", "items:[Run] next:text? scanned:int"},
    {"Run", RUN},
    {"RunWithLog", RUN " log:text?"},
    {"RunState", "=running|stalled|finished"},
    {"RunOutcome", "=succeeded|partial|failed"},
    {"RunProgress", "done:int total:int note:text?"},

    {"Events", "items:[EventRow] next:uuid?"},
    {"EventRow", "id:uuid type:text source:text category:text severity:Severity subject:text title:text time:time"},
    {"Refused", "items:[RefusedItem] next:uuid?"},
    {"RefusedItem", "id:uuid source:text kind:RefusedKind at:time errors:[Fault] body:text body_bytes:int"},
    {"RefusedKind", "=feed|hook|poison|task|timer"},
    {"Story",
     "dry_run:bool generation:int? event:StoryEvent rules:[StoryRule] recipients:[StoryRecipient] "
     "deliveries:[StoryDelivery] left_out:[StoryNote] truncated:bool being_written:StoryProgress? summary:StorySummary"},
    {"StoryProgress", "done:int total:int"},
    {"StoryEvent", "id:uuid? org:text source:text type:text category:text severity:Severity subject:text? actor:text? "
                   "title:text? body:text? link:text? time:time? validity:Validity valid_until:time? note:text? "
                   "trigger:StoryTrigger? data:any"},
    {"StoryTrigger", "source:text? id:text? type:text? principal:text?"},
    {"StoryRule", "name:text file:text? line:int? matched:bool reason:text? conditions:[StoryStep]"},
    {"StoryStep", "part:text depth:int path:text? test:text? actual:text? result:bool note:text?"},
    {"StoryRecipient", "recipient:text kind:text reason:text? may_see:bool notification:StoryRow? "
                       "deliveries:[StoryDelivery]"},
    {"StoryRow", "id:uuid visible_at:time? seen_at:time? read_at:time? hidden_at:time? validity:Validity "
                 "handled_by:text? handled_at:time? replaced_by:uuid? note:text?"},
    {"StoryDelivery", "id:uuid? channel:text? target:text? target_label?:text? rule:text? outcome:Outcome reason:text? "
                      "due_at:time? ended_at:time? unless:[text] attempts:[StoryAttempt]"},
    {"StoryAttempt", "number:int at:time? elapsed_us:int result:text code:int? detail:text?"},
    {"StoryNote", "name:text? rule:text? reason:text?"},
    {"StorySummary", "delivered:int waiting:int not_sent:int"},
    {"Explain", "event?:uuid source?:text trigger?:CloudEvent hook?:HookCall who?:text"},
    {"HookCall", "headers?:object body?:any"},
    {"Explained", "events:[Story] deeds:[Deed] triggers?:[CloudEvent]"},
    {"Deed", "what:text key:text at:time?"},
    {"Bodies", "=hidden|shown"},
    {"Reason", "reason?:text?"},
    {"Revealed", "id:uuid title:text body:text? link:text? data:any"},
    {"Deliveries", "items:[Delivery] next:uuid? total?:int total_more?:bool as_of?:time"},
    {"Delivery", DELIVERY},
    {"DeliveryWithAttempts", DELIVERY " unless:[text] timeline:[Attempt]"},
    {"Redrive", "filter?:DeliveryFilter ids?:[text] expected?:int as_of?:time? reason?:text?"},
    {"DeliveryFilter", "state?:Outcome? channel?:text? event?:uuid? rule?:text? recipient?:text? target?:text? "
                       "reason?:text? from?:time? to?:time?"},
    {"Redriven", "matched:int changed:int"},
    {"Attempts", "items:[Attempt] next:uuid?"},
    {"Attempt", "id:uuid delivery:uuid event:uuid number:int at:time? elapsed_us:int result:text? code:int? "
                "detail:text? record:any"},

    {"Audit", "items:[AuditRow] next:uuid?"},
    {"AuditRow", "id:uuid at:time who:text what:text detail:object"},
    {"HubAudit", "items:[HubAuditRow] next:uuid?"},
    {"HubAuditRow", "id:uuid at:time org:text? who:text what:text detail:object"},

    {"Suppressions", "items:[Suppression] next:uuid?"},
    {"Suppression", "address:text username:text? category:text? reason:SuppressionReason detail:text? since:time "
                    "delivery:uuid?"},
    {"SuppressionReason", "=bounced|complained|unsubscribed"},

    {"TestMailIn", "to?:text?"},
    {"PreviewIn", "type?:text? locale?:text? timezone?:text? data?:object? event?:text? template?:PreviewTemplate? "
                  "kind?:MailKind?"},
    {"PreviewTemplate", "subject?:text? text?:text? html?:text?"},
    {"MailKind", "=single|digest|catch_up"},
    {"Preview", "subject:text text:text html:text note:text?"},
    {"TestMail", "delivered:bool to:text server:text code:int enhanced?:text text?:text message_id:text tls:bool"},

    {"Overview",
     "at:time queues:[Queue] dead_letters:Counted minutes:Minutes endpoints_down:[EndpointDown] "
     "endpoints_failing:[EndpointFailing] quarantined:[text] feeds_failing:[FeedFailing] reload:LastReload"},
    {"Queue", "channel:text open:int more:bool states:{int} oldest_due:time?"},
    {"Counted", "count:int more:bool"},
    {"Minutes", "from:time delivered:[int] failed:[int] suppressed:[int] p50_ms:int? p95_ms:int?"},
    {"EndpointDown", "endpoint:uuid name:text channel:text enabled:bool breaker:Breaker until:time?"},
    {"EndpointFailing", "endpoint:uuid name:text channel:text since:time"},
    {"Breaker", "=closed|open|half_open"},
    {"FeedFailing", "source:text failures:int fault:text? last_success_at:time?"},
    {"LastReload", "generation:int ok:bool at:time restart_required:bool"},

    {"Endpoints", "items:[Endpoint] next:uuid?"},
    {"Endpoint", ENDPOINT},
    {"EndpointWithSecret", ENDPOINT " secret:text"},
    {"EndpointIn", "url:text secret?:text? " ENDPOINT_TERMS},
    {"EndpointChange", "url?:text " ENDPOINT_TERMS},
    {"EndpointFormat", "=standard|thin|cloudevents-structured|cloudevents-binary"},
    {"EndpointSignature", "=v1|v1a"},
    {"EndpointOrder", "=best-effort|fifo"},
    {"EndpointFrom", "=yaml|api"},
    {"Rotation", "overlap?:int? secret?:text? reason?:text?"},
    {"Recovery", "since:time until?:time? reason?:text?"},
    {"Recovered", "count:int since:time"},
    {"EndpointTest", "type?:text? data?:object? reason?:text?"},
    {"EndpointTested", "event:uuid delivery:uuid webhook_id:text"},
    {"Resent", "delivery:uuid"},

    {"Instances", "items:[Instance] next:null"},
    {"Instance", "name:text plugin:text version:text summary:text? role:InstanceRole state:InstanceState "
                 "last_error:text? since:time? paused_until:time?"},
    {"InstanceRole", "=source|delivery"},
    {"InstanceState", "=ok|quarantined|stopped"},
    {"Categories", "items:[Category] next:null"},
    {"Category", "id:text label:text visible_to:[text] actions_for:[text] required:bool email:EmailDefault "
                 "webhooks:bool"},
    {"EmailDefault", "=off|unseen|digest"},
    {"Audience", "items:[Viewer] next:text?"},
    {"Viewer", "username:text name:text? roles:[text] sees:bool through:text?"},
    {"EventTypes", "items:[EventType] next:null"},
    {"EventType", "source:text type:text category:text? severity:Severity replaces:[text] actions:[ItemAction] "
                  "fields:[EventField] doc:text? webhooks:bool schema:object example:any"},
    {"EventField", "path:text type:text? doc:text?"},

    {"Person", "username:text name:text? email:text? roles:[text] locale:text? timezone:text? from:PersonFrom"},
    {"PersonFrom", "=yaml|api"},
    {"PersonIn", "name?:text? email?:text? roles?:[text] locale?:text? timezone?:text?"},
    {"People", "items:[PersonOfList]"},
    {"PersonOfList", "username:text name?:text? email?:text? roles?:[text] locale?:text? timezone?:text?"},
    {"Changed", "changed:int"},

    {"Reloaded", "generation:int changed:object restart_required:[text]"},
    {"Config", "generation:int path:text sha256:text files:[text] config:object"},
    {"Bounce", "taken:bool channel:text? detail:text"},
    {"Plugins", "items:[Plugin] next:null"},
    {"Plugin", "id:text version:text summary:text role:text instance:text build_id:text"},
    {"Feeds", "items:[Feed] next:null"},
    {"Feed",
     "source:text org:text url:text every:text state:FeedState cursor:text? last_success_at:time? next_at:time? "
     "failures:int fault:text? accepted:int duplicate:int refused:int"},
    {"FeedState", "=starting|waiting|pulling|failing"},
    {"LoginLinkIn", "org:text user:text"},
    {"LoginLink", "url:text"},
    {"PortalLinkIn", "owner?:text? expires_in?:int?"},
    {"PortalLink", "url:text expires_at:time"},
};
const size_t openapi_schema_count = sizeof(openapi_schemas) / sizeof(openapi_schemas[0]);
