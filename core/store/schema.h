/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema, version 5. Every table's rowid that is an id comes from base/id.h (time-ordered, one generator). Names of
 * orgs, instances, types, categories and rules are interned in `name`, so rows are small. Times are ms since the epoch.
 *
 * Row budget of a trigger for one person in the inbox: dedupe, state, event, notification, person (revision).
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#define STORE_SCHEMA_VERSION 5

/* clang-format off */

#define STORE_SCHEMA_1 \
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;" \
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);" \
    "CREATE TABLE boot(id INTEGER PRIMARY KEY, started INTEGER NOT NULL);" \
    "CREATE TABLE generation(id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, at INTEGER NOT NULL, actor TEXT, summary TEXT);" \
    /* one row a person who ever got something or signed in; rev is the person's revision */ \
    "CREATE TABLE person(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, username TEXT NOT NULL, rev INTEGER NOT NULL" \
    " DEFAULT 0, UNIQUE(org, username));" \
    /* people made over the API; those of YAML are in the configuration */ \
    "CREATE TABLE directory(org INTEGER NOT NULL, username TEXT NOT NULL, name TEXT, email TEXT, locale TEXT, timezone TEXT," \
    " PRIMARY KEY(org, username)) WITHOUT ROWID;" \
    "CREATE TABLE role(org INTEGER NOT NULL, role TEXT NOT NULL, username TEXT NOT NULL," \
    " PRIMARY KEY(org, role, username)) WITHOUT ROWID;" \
    "CREATE INDEX role_user ON role(org, username);" \
    /* key: instance and org (4 bytes each), 16 bytes of SHA-256 of the CloudEvents source, 0 and the id or, above 64,
       1 and its SHA-256 */ \
    "CREATE TABLE dedupe(key BLOB PRIMARY KEY, at INTEGER NOT NULL, events INTEGER NOT NULL) WITHOUT ROWID;" \
    "CREATE TABLE state(inst INTEGER NOT NULL, org INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL," \
    " PRIMARY KEY(inst, org, key)) WITHOUT ROWID;" \
    "CREATE TABLE state_version(inst INTEGER NOT NULL, org INTEGER NOT NULL, version INTEGER NOT NULL," \
    " PRIMARY KEY(inst, org)) WITHOUT ROWID;" \
    /* subject_key: SipHash of org, source and subject; live: some row of the event may still be withdrawn or replaced.
       audience: [{"user"|"role"|"email":NAME,"reason":TEXT}]; actions: [{"id","label","type","data"}]; rules: [NAME];
       principal: "token:crm-app", "person:ann", "timer"; note: what went wrong with its texts */ \
    "CREATE TABLE event(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, source INTEGER NOT NULL, type INTEGER NOT NULL," \
    " category INTEGER NOT NULL, severity INTEGER NOT NULL, subject TEXT, subject_key INTEGER NOT NULL, live INTEGER NOT NULL," \
    " validity INTEGER NOT NULL DEFAULT 0, valid_until INTEGER, time INTEGER NOT NULL, actor TEXT, title TEXT NOT NULL," \
    " body TEXT, link TEXT, data TEXT NOT NULL, actions TEXT, audience TEXT NOT NULL, rules TEXT NOT NULL," \
    " generation INTEGER NOT NULL, trigger_source TEXT, trigger_id TEXT, trigger_type TEXT, principal TEXT, note TEXT);" \
    "CREATE INDEX event_subject ON event(subject_key) WHERE live = 1;" \
    "CREATE INDEX event_expiry ON event(valid_until) WHERE validity = 0 AND valid_until IS NOT NULL;" \
    "CREATE TABLE event_text(event INTEGER NOT NULL, locale TEXT NOT NULL, title TEXT NOT NULL, body TEXT," \
    " PRIMARY KEY(event, locale)) WITHOUT ROWID;" \
    /* bytes that every endpoint gets, stored once */ \
    "CREATE TABLE payload(event INTEGER PRIMARY KEY, body BLOB NOT NULL);" \
    /* pos: place in the inbox, an id; NULL until an in-app delivery made the row visible. via: 1 the audience, 2 a
       rule's `to`, 3 both. note: why the row is no longer valid */ \
    "CREATE TABLE notification(id INTEGER PRIMARY KEY, person INTEGER NOT NULL, event INTEGER NOT NULL, pos INTEGER," \
    " category INTEGER NOT NULL, reason TEXT, seen INTEGER, read INTEGER, hidden INTEGER, validity INTEGER NOT NULL DEFAULT 0," \
    " handled_by TEXT, handled_at INTEGER, replaced_by INTEGER, rev INTEGER NOT NULL, via INTEGER NOT NULL DEFAULT 1, note TEXT," \
    " source INTEGER, severity INTEGER);" \
    /* source and severity are the event's: with them the pass over an inbox reads nothing but this index */ \
    "CREATE INDEX notification_list ON notification(person, pos, category, severity, source, hidden) WHERE pos IS NOT NULL" \
    " AND replaced_by IS NULL;" \
    "CREATE INDEX notification_unread ON notification(person, category, seen) WHERE pos IS NOT NULL AND read IS NULL" \
    " AND hidden IS NULL AND validity = 0 AND handled_by IS NULL AND replaced_by IS NULL;" \
    "CREATE UNIQUE INDEX notification_event ON notification(event, person);" \
    /* rows only of deliveries that did not happen in the trigger's own commit. state: enum outcome. open: 1 waits or is
       under way, 0 ended, 2 held (endpoint disabled, channel gone) */ \
    "CREATE TABLE delivery(id INTEGER PRIMARY KEY, event INTEGER NOT NULL, org INTEGER NOT NULL, channel INTEGER NOT NULL," \
    " rule INTEGER NOT NULL, person INTEGER, notification INTEGER, address TEXT, target INTEGER, unless INTEGER NOT NULL" \
    " DEFAULT 0, state INTEGER NOT NULL, open INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0," \
    " lease INTEGER, lease_until INTEGER, detail TEXT, ended INTEGER);" \
    "CREATE INDEX delivery_event ON delivery(event);" \
    "CREATE INDEX delivery_due ON delivery(channel, due) WHERE open = 1 AND target IS NULL AND lease IS NULL;" \
    "CREATE INDEX delivery_target ON delivery(target, due) WHERE open = 1 AND target IS NOT NULL AND lease IS NULL;" \
    "CREATE INDEX delivery_held ON delivery(target, id) WHERE open = 2;" \
    "CREATE INDEX delivery_lease ON delivery(lease) WHERE lease IS NOT NULL;" \
    "CREATE INDEX delivery_dead ON delivery(org, id) WHERE open = 0 AND state = 8;" \
    "CREATE TABLE attempt(id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL," \
    " elapsed_us INTEGER NOT NULL, outcome INTEGER NOT NULL, code INTEGER NOT NULL, detail TEXT, record TEXT);" \
    "CREATE INDEX attempt_delivery ON attempt(delivery);" \
    /* what did not happen at once, and why */ \
    "CREATE TABLE decision(id INTEGER PRIMARY KEY, event INTEGER NOT NULL, recipient TEXT, rule INTEGER, channel INTEGER," \
    " outcome INTEGER NOT NULL, reason TEXT);" \
    "CREATE INDEX decision_event ON decision(event);" \
    "CREATE TABLE timer(inst INTEGER NOT NULL, org INTEGER NOT NULL, key BLOB NOT NULL, due INTEGER NOT NULL, payload BLOB," \
    " retry_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0," \
    " PRIMARY KEY(inst, org, key)) WITHOUT ROWID;" \
    "CREATE INDEX timer_org ON timer(inst, org, retry_at) WHERE dead = 0;" \
    "CREATE TABLE task(id INTEGER PRIMARY KEY, inst INTEGER NOT NULL, org INTEGER NOT NULL, key TEXT NOT NULL, payload BLOB," \
    " due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, lease INTEGER, dead INTEGER NOT NULL DEFAULT 0, detail TEXT);" \
    "CREATE INDEX task_due ON task(due) WHERE dead = 0 AND lease IS NULL;" \
    /* resumable slices. kind: 1 to 9 are the ledger's, 10 and up the inbox's and the host's. state: 0
       waits, 1 under way, 2 done, 3 failed */ \
    "CREATE TABLE job(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, org INTEGER NOT NULL, ref INTEGER, cursor TEXT," \
    " payload TEXT, state INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0);" \
    "CREATE INDEX job_open ON job(id) WHERE state < 2;" \
    "CREATE TABLE target(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, channel INTEGER NOT NULL, name TEXT NOT NULL," \
    " url TEXT NOT NULL, secret BLOB, settings TEXT, enabled INTEGER NOT NULL DEFAULT 1, disabled_at INTEGER, disabled_why TEXT," \
    " first_failure INTEGER, failures INTEGER NOT NULL DEFAULT 0, removed INTEGER, UNIQUE(channel, org, name));" \
    "CREATE TABLE op(id INTEGER PRIMARY KEY, person INTEGER NOT NULL, mark INTEGER NOT NULL);" \
    "CREATE TABLE op_row(op INTEGER NOT NULL, notification INTEGER NOT NULL, seen INTEGER, read INTEGER, hidden INTEGER," \
    " rev INTEGER NOT NULL, PRIMARY KEY(op, notification)) WITHOUT ROWID;" \
    "CREATE TABLE jti(key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;" \
    "CREATE TABLE refused(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, source INTEGER NOT NULL, kind TEXT NOT NULL," \
    " problem TEXT NOT NULL, body BLOB);" \
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT);"

#define STORE_SCHEMA_2 \
    /* how far a feed was pulled. url: SHA-256 of the address that gave the cursor; etag: of its last answer */ \
    "CREATE TABLE feed(inst INTEGER NOT NULL, org INTEGER NOT NULL, url BLOB NOT NULL, cursor TEXT NOT NULL, etag TEXT," \
    " PRIMARY KEY(inst, org)) WITHOUT ROWID;" \
    /* an id, drawn when the row stopped being valid: compared with those of places it says what came first */ \
    "ALTER TABLE notification ADD COLUMN ended INTEGER;" \
    "CREATE INDEX notification_ended ON notification(person, ended) WHERE ended IS NOT NULL;" \
    /* an id, drawn when a Refresh ended; since: one drawn when the person asked for it */ \
    "ALTER TABLE job ADD COLUMN ended INTEGER;" \
    "CREATE TABLE job_member(job INTEGER NOT NULL, person INTEGER NOT NULL, since INTEGER NOT NULL," \
    " PRIMARY KEY(job, person)) WITHOUT ROWID;" \
    "CREATE INDEX refused_org ON refused(org, id);"

#define STORE_SCHEMA_3 \
    /* what an event is called in other languages; a column, because a row each would be a fifth of what a trigger
       writes: {"de":{"title","body","actions":{ID:{"label","comment"}}}}, without what is the same */ \
    "ALTER TABLE event ADD COLUMN texts TEXT;" \
    "DROP TABLE event_text;" \
    /* what people chose, as PUT /v1/{org}/preferences takes it; id: drawn with each change */ \
    "CREATE TABLE preference(org INTEGER NOT NULL, username TEXT NOT NULL, id INTEGER NOT NULL, doc TEXT NOT NULL," \
    " PRIMARY KEY(org, username)) WITHOUT ROWID;" \
    /* held by quiet hours (state 1): asked again when the person changes theirs */ \
    "CREATE INDEX delivery_quiet ON delivery(person) WHERE open = 1 AND state = 1 AND person IS NOT NULL;" \
    /* few among millions, and the console looks for them every ten seconds */ \
    "CREATE INDEX delivery_retried ON delivery(org, id) WHERE open = 1 AND state = 5;" \
    "CREATE INDEX audit_org ON audit(org, id);"

#define STORE_SCHEMA_4 \
    STORE_SCHEMA_4_SUPPRESSION \
    STORE_SCHEMA_4_TWIN \
    STORE_SCHEMA_4_BUNDLE

#define STORE_SCHEMA_4_SUPPRESSION \
    /* where no mail goes. address: address_key(); category 0: all of them; reason: enum suppression_reason; person: who
       had the address then, 0 for somebody outside; delivery: the mail that showed it, 0: none */ \
    "CREATE TABLE suppression(id INTEGER PRIMARY KEY, org INTEGER NOT NULL, address TEXT NOT NULL, category INTEGER NOT" \
    " NULL DEFAULT 0, reason INTEGER NOT NULL, person INTEGER NOT NULL DEFAULT 0, delivery INTEGER NOT NULL DEFAULT 0," \
    " detail TEXT, UNIQUE(org, address, reason, category));" \
    "CREATE INDEX suppression_list ON suppression(org, id);" \
    "CREATE INDEX suppression_person ON suppression(person) WHERE person > 0;" \
    /* mails that came back for now, one row each, until they are too old to count; delivery: else an id of its own */ \
    "CREATE TABLE soft_bounce(org INTEGER NOT NULL, address TEXT NOT NULL, delivery INTEGER NOT NULL, person INTEGER NOT" \
    " NULL DEFAULT 0, at INTEGER NOT NULL, PRIMARY KEY(org, address, delivery)) WITHOUT ROWID;" \
    "CREATE INDEX soft_bounce_at ON soft_bounce(at);"

#define STORE_SCHEMA_4_TWIN \
    /* an event may have 100,000 deliveries, and each claim asks whether this person has another one of it */ \
    "DROP INDEX delivery_event;" \
    "CREATE INDEX delivery_event ON delivery(event, person);"

#define STORE_SCHEMA_4_BUNDLE \
    /* category: of a row that goes, or went, into a digest: the event's. bundle: rows that go out as one have the id of
       the first of them, from the first time on; kind: BELFRY_BATCH_* of that. reason: why an address is told. mailed:
       address_mark() of where a person's row went last, so that what comes back is about that address */ \
    "ALTER TABLE delivery ADD COLUMN category INTEGER;" \
    "ALTER TABLE delivery ADD COLUMN bundle INTEGER;" \
    "ALTER TABLE delivery ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;" \
    "ALTER TABLE delivery ADD COLUMN reason TEXT;" \
    "ALTER TABLE delivery ADD COLUMN mailed INTEGER;" \
    "CREATE INDEX delivery_digest ON delivery(person, channel, category, due) WHERE open = 1 AND state = 3;" \
    "CREATE INDEX delivery_bundle ON delivery(bundle) WHERE bundle IS NOT NULL;" \
    /* when somebody's last digest was put together */ \
    "CREATE TABLE digest(person INTEGER NOT NULL, channel INTEGER NOT NULL, category INTEGER NOT NULL, at INTEGER NOT" \
    " NULL, PRIMARY KEY(person, channel, category)) WITHOUT ROWID;"

#define STORE_SCHEMA_5 \
    STORE_SCHEMA_5_ENDPOINT \
    STORE_SCHEMA_5_LANE \
    STORE_SCHEMA_5_TWIN

#define STORE_SCHEMA_5_ENDPOINT \
    /* origin: 0 the configuration, 1 the API. owner: "token:crm-app", "person:ann"; version: of what people set, raised
       by each change of it; doc: {"description","types","when","rate","concurrency","order","metadata"} of one of the
       API's. secret and settings are sealed; secrets that sign until the time with them are in secret too */ \
    "ALTER TABLE target ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;" \
    "ALTER TABLE target ADD COLUMN owner TEXT;" \
    "ALTER TABLE target ADD COLUMN version INTEGER NOT NULL DEFAULT 1;" \
    "ALTER TABLE target ADD COLUMN doc TEXT;" \
    /* off_by: of a disabled one, enum store_off_by. Settings lay open before; those in force are declared at each
       start */ \
    "ALTER TABLE target ADD COLUMN off_by INTEGER NOT NULL DEFAULT 0;" \
    "UPDATE target SET settings = NULL;"

#define STORE_SCHEMA_5_LANE \
    /* lane: of a row to a target that takes one of a subject at a time: event.subject_key (lanes.h) */ \
    "ALTER TABLE delivery ADD COLUMN lane INTEGER;" \
    "CREATE INDEX delivery_lane ON delivery(target, lane, event) WHERE lane IS NOT NULL AND open > 0;" \
    "CREATE INDEX delivery_lane_busy ON delivery(target, lane) WHERE lane IS NOT NULL AND lease IS NOT NULL;" \
    /* an event may go to 10,000 endpoints, and each claim asks whether this one has another row of it */ \
    "DROP INDEX delivery_event;" \
    "CREATE INDEX delivery_event ON delivery(event, person, target);" \
    /* what was told of its failures last: enum target_told (deliveries.h) */ \
    "ALTER TABLE target ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"

#define STORE_SCHEMA_5_TWIN \
    /* a claim asks for other rows of the event to the same target; the event may have gone to thousands */ \
    "DROP INDEX delivery_event;" \
    "CREATE INDEX delivery_event ON delivery(event, person, target);"

/* clang-format on */

#endif
