/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events hub.endpoint_failing, hub.endpoint_disabled and hub.endpoint_recovered: to role admin of the org and to
 * the person who owns the endpoint, in English and German. One subject, the endpoint's name, and each takes the place
 * of whichever of the three was told before. Rules may lead them to other endpoints, which read `data`; never to the
 * one that they are about.
 */
#include "ledger/health.h"
#include "ledger/inside.h"

#include "base/clock.h"

#define ANSWER_MAX 200 /* bytes of what the receiver said */

static const char *const types[] = {
    [ENDPOINT_FAILING] = "hub.endpoint_failing",
    [ENDPOINT_DISABLED] = "hub.endpoint_disabled",
    [ENDPOINT_RECOVERED] = "hub.endpoint_recovered",
};

/* What is said in a language; {words} are those of say(). */
struct language {
    const char *titles[ENDPOINT_RECOVERED + 1];
    const char *since, *answer;
    const char *last[ENDPOINT_RECOVERED + 1]; /* what happens next, and what to do */
};

static const struct language english = {
    .titles = {[ENDPOINT_FAILING] = "Deliveries to the endpoint `{label}` of `{channel}` keep failing",
               [ENDPOINT_DISABLED] = "The endpoint `{label}` of `{channel}` is disabled: {why}",
               [ENDPOINT_RECOVERED] = "The endpoint `{label}` of `{channel}` takes deliveries again"},
    .since = "None has arrived since {since}.",
    .answer = "The last answer was: {answer}",
    .last = {[ENDPOINT_FAILING] =
                 "They are tried again on the schedule. If none arrives before {until}, the endpoint is disabled, and "
                 "what comes for it is held.\n"
                 "What was tried is in the console and on the page of endpoints (/{org}/endpoints), where its address "
                 "can be changed and a test sent; over the API with PATCH /v1/{org}/endpoints/{id}.",
             [ENDPOINT_DISABLED] =
                 "What comes for it is held; nothing is lost.\n"
                 "When it can take deliveries again, enable it: in the console, on the page of endpoints "
                 "(/{org}/endpoints) or with POST /v1/{org}/endpoints/{id}/enable. What is held then leaves, oldest "
                 "first.",
             [ENDPOINT_RECOVERED] = "What waited for it leaves by itself."}};

static const struct language german = {
    .titles = {[ENDPOINT_FAILING] = "Zustellungen an den Endpunkt `{label}` von `{channel}` schlagen fehl",
               [ENDPOINT_DISABLED] = "Der Endpunkt `{label}` von `{channel}` ist abgeschaltet: {why}",
               [ENDPOINT_RECOVERED] = "Der Endpunkt `{label}` von `{channel}` nimmt wieder Zustellungen an"},
    .since = "Seit {since} ist keine angekommen.",
    .answer = "Die letzte Antwort war: {answer}",
    .last = {[ENDPOINT_FAILING] =
                 "Sie werden nach Plan erneut versucht. Kommt vor {until} keine an, wird der Endpunkt abgeschaltet, "
                 "und was für ihn kommt, wird zurückgehalten.\n"
                 "Was versucht wurde, finden Sie in der Konsole und auf der Seite der Endpunkte (/{org}/endpoints); "
                 "dort können Sie seine Adresse ändern und einen Test senden, über die API mit PATCH "
                 "/v1/{org}/endpoints/{id}.",
             [ENDPOINT_DISABLED] =
                 "Was für ihn kommt, wird zurückgehalten; nichts geht verloren.\n"
                 "Wenn er wieder annehmen kann, schalten Sie ihn ein: in der Konsole, auf der Seite der Endpunkte "
                 "(/{org}/endpoints) oder mit POST /v1/{org}/endpoints/{id}/enable. Zurückgehaltenes geht dann hinaus, "
                 "das Älteste zuerst.",
             [ENDPOINT_RECOVERED] = "Was auf ihn gewartet hat, geht von selbst hinaus."}};

struct news {
    enum endpoint_news kind;
    const struct store_target *row;
    const struct ledger_ailing *ailing;
    struct belfry_str org, channel, label;
    char id[ID_TEXT_SIZE];
    struct arena *arena;
};

/* To the minute, in UTC: 2026-03-01 14:05 UTC. */
static const char *minute(struct arena *arena, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_format(ms, text);
    return arena_printf(arena, "%.10s %.5s UTC", text, text + 11);
}

static struct belfry_str cut(struct belfry_str text)
{
    size_t len = text.len < ANSWER_MAX ? text.len : ANSWER_MAX;
    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    return str_slice(text.ptr, len);
}

static void say(const struct news *n, const char *text, struct buf *out)
{
    const struct ledger_ailing *a = n->ailing;
    const struct {
        const char *word;
        struct belfry_str said;
    } words[] = {{"label}", n->label},
                 {"channel}", n->channel},
                 {"why}", str_of(a->why)},
                 {"since}", str_of(minute(n->arena, a->since_ms))},
                 {"until}", str_of(minute(n->arena, a->until_ms))},
                 {"answer}", cut(str_of(a->answer))},
                 {"org}", n->org},
                 {"id}", str_of(n->id)}};
    for (const char *at = text; *at; at++) {
        size_t w = 0;
        while (*at == '{' && w < sizeof(words) / sizeof(words[0]) &&
               strncmp(at + 1, words[w].word, strlen(words[w].word)) != 0)
            w++;
        if (*at != '{' || w == sizeof(words) / sizeof(words[0])) {
            buf_addc(out, *at);
            continue;
        }
        buf_adds(out, words[w].said);
        at += strlen(words[w].word);
    }
}

static struct belfry_str title_of(const struct news *n, const struct language *l)
{
    struct buf out = {0};
    say(n, l->titles[n->kind], &out);
    struct belfry_str title = text_line(n->arena, buf_str(&out));
    buf_free(&out);
    return title;
}

static struct belfry_str body_of(const struct news *n, const struct language *l)
{
    struct buf out = {0};
    if (n->ailing->since_ms) {
        say(n, l->since, &out);
        buf_addc(&out, '\n');
    }
    if (n->ailing->answer && *n->ailing->answer) {
        say(n, l->answer, &out);
        buf_addc(&out, '\n');
    }
    say(n, l->last[n->kind], &out);
    struct belfry_str body = text_body(n->arena, buf_str(&out));
    buf_free(&out);
    return body;
}

/* As schema.h has `texts`. */
static struct belfry_str texts_of(const struct news *n)
{
    struct buf out = {0};
    buf_addz(&out, "{\"de\":{\"title\":");
    json_write_str(title_of(n, &german), &out);
    buf_addz(&out, ",\"body\":");
    json_write_str(body_of(n, &german), &out);
    buf_addz(&out, "}}");
    struct belfry_str text = arena_str(n->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static void set_time(json_t *doc, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    if (!ms)
        return;
    time_format(ms, text);
    json_object_set_new(doc, key, json_string(text));
}

/* No URL: its query may hold a credential. */
static json_t *data_of(const struct news *n, struct belfry_str text)
{
    json_t *doc = json_object(), *endpoint = json_pack("{s:s}", "id", n->id);
    json_set_str(doc, "subject", n->row->name);
    json_set_str(doc, "text", text);
    json_set_str(endpoint, "name", n->row->name);
    json_set_str(endpoint, "channel", n->channel);
    if (n->row->owner.len)
        json_set_str(endpoint, "owner", n->row->owner);
    json_object_set_new(doc, "endpoint", endpoint);
    set_time(doc, "since", n->ailing->since_ms);
    if (n->kind == ENDPOINT_FAILING)
        set_time(doc, "disabled_at", n->ailing->until_ms);
    if (n->ailing->answer && *n->ailing->answer)
        json_set_str(doc, "answer", cut(str_of(n->ailing->answer)));
    return doc;
}

/* "person:ann", and whoever has a link that ann made: "portal:ann/customer". Empty: no person. */
static struct belfry_str person_of(struct belfry_str owner)
{
    struct belfry_str rest = {0};
    if (str_has_prefix(owner, STR("person:")))
        return str_slice(owner.ptr + 7, owner.len - 7);
    if (!str_has_prefix(owner, STR("portal:")))
        return rest;
    return str_cut(str_slice(owner.ptr + 7, owner.len - 7), '/', &rest);
}

void endpoint_news(struct ledger_txn *txn, const struct store_target *row, enum endpoint_news kind,
                   const struct ledger_ailing *ailing)
{
    static const char *const replaces[] = {"hub.endpoint_failing", "hub.endpoint_disabled", "hub.endpoint_recovered",
                                           NULL};
    const struct route_target *route = target_route(txn, row->id);
    struct news n = {.kind = kind,
                     .row = row,
                     .ailing = ailing,
                     .org = store_name_text(txn->conn, row->org),
                     .channel = store_name_text(txn->conn, row->channel),
                     .label = route && route->label.len ? route->label : row->name,
                     .arena = txn->arena};
    struct belfry_str owner = person_of(row->owner);
    struct belfry_recipient to[] = {
        {.struct_size = sizeof(to[0]), .kind = BELFRY_TO_ROLE, .name = STR("admin"), .reason = STR("role admin")},
        {.struct_size = sizeof(to[0]), .kind = BELFRY_TO_USER, .name = owner, .reason = STR("your endpoint")}};
    id_format(store_id_key(txn->ledger->store), row->id, n.id);
    struct belfry_str body = body_of(&n, &english);
    json_t *json = data_of(&n, body);
    struct buf data = {0};
    json_write(json, &data);
    struct emitted event = {.type = str_of(types[kind]),
                            .subject = row->name,
                            .title = title_of(&n, &english),
                            .body = body,
                            .texts = texts_of(&n),
                            .data = buf_str(&data),
                            .severity = kind == ENDPOINT_FAILING    ? BELFRY_WARNING
                                        : kind == ENDPOINT_DISABLED ? BELFRY_ERROR
                                                                    : BELFRY_SUCCESS,
                            .replaces = replaces,
                            .audience = to,
                            .audience_count = owner.len ? 2 : 1,
                            .json = json};
    hub_event_apply(txn, n.org, &event);
    buf_free(&data);
    json_decref(json);
}

void endpoint_news_enabled(struct ledger_txn *txn, const struct store_target *row)
{
    struct belfry_str type = str_of(types[ENDPOINT_DISABLED]);
    struct op op = {.kind = OP_WITHDRAW,
                    .key = row->name,
                    .which = {.struct_size = sizeof(op.which), .types = {&type, 1}, .reason = STR("it was enabled")}};
    if (row->told == LEDGER_TOLD_DISABLED)
        subject_apply(txn, &op, store_name(txn->conn, STR("hub")), row->org);
}
