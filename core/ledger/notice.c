/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notice "mail to your address comes back", which a person finds in the inbox, since no mail can tell them. It is
 * there as long as it is true: a row of `suppression` about the person, and about the address that they have now. The
 * address is not in it, nor what the server said: events stay when a person is erased.
 */
#include "ledger/inside.h"

#include "ledger/addresses.h"

#define TYPE "hub.address_bounces"

struct words {
    const char *title, *body;
};

static const struct words english[] = {
    {"Mail to your address comes back",
     "Nothing is mailed to you until that is settled; you find everything here. What the mail server said, and a button "
     "to try your address again, are in your preferences."},
    {"You get no more mail from here",
     "A mail to your address was reported as junk, so nothing is mailed to you any more; you find everything here. If "
     "that was a mistake, you can allow it again in your preferences."}};
static const struct words german[] = {
    {"E-Mails an Ihre Adresse kommen zurück",
     "Bis das geklärt ist, bekommen Sie keine E-Mails; hier finden Sie alles. Was der Mailserver gesagt hat, und einen "
     "Knopf, um es mit Ihrer Adresse erneut zu versuchen, finden Sie in Ihren Einstellungen."},
    {"Sie bekommen von hier keine E-Mails mehr",
     "Eine E-Mail an Ihre Adresse wurde als unerwünscht gemeldet, deshalb bekommen Sie keine mehr; hier finden Sie "
     "alles. War das ein Versehen, können Sie es in Ihren Einstellungen wieder erlauben."}};

static struct belfry_str subject_of(struct arena *arena, struct belfry_str username)
{
    return str_of(arena_printf(arena, "user/%.*s", STR_ARG(username)));
}

/* As schema.h has `texts`. */
static struct belfry_str texts_of(struct arena *arena, const struct words *words)
{
    struct buf out = {NULL, 0, 0};
    buf_addz(&out, "{\"de\":{\"title\":");
    json_write_str(str_of(words->title), &out);
    buf_addz(&out, ",\"body\":");
    json_write_str(str_of(words->body), &out);
    buf_addz(&out, "}}");
    struct belfry_str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

void notice_tell(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username, int reason)
{
    struct arena *arena = txn->arena;
    int junk = reason == SUPPRESSION_complained;
    struct belfry_recipient to = {
        .struct_size = sizeof(to), .kind = BELFRY_TO_USER, .name = username, .reason = STR("your mail address")};
    json_t *json = json_pack("{s:s}", "reason", suppression_name(reason));
    const char *data = arena_printf(arena, "{\"reason\":\"%s\"}", suppression_name(reason));
    struct emitted event = {.type = STR(TYPE),
                            .subject = subject_of(arena, username),
                            .title = str_of(english[junk].title),
                            .body = str_of(english[junk].body),
                            .texts = texts_of(arena, &german[junk]),
                            .link = str_of(arena_printf(arena, "/%.*s/preferences", STR_ARG(org))),
                            .data = str_of(data),
                            .severity = BELFRY_WARNING,
                            .audience = &to,
                            .audience_count = 1,
                            .json = json};
    hub_event_apply(txn, org, &event);
    json_decref(json);
}

/* The address that somebody has now; empty: none. */
static struct belfry_str address_of(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username)
{
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    return d->person(d->arg, txn->arena, org, username, &person) ? (struct belfry_str){NULL, 0} : person.email;
}

int notice_holds(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username)
{
    int64_t org_id = store_name_find(txn->conn, org);
    return store_suppressed(txn->conn, org_id, address_of(txn, org, username), 0, 1, txn->arena, NULL);
}

void notice_check(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username)
{
    if (notice_holds(txn, org, username))
        return;
    struct belfry_str type = STR(TYPE);
    struct op op = {.kind = OP_WITHDRAW,
                    .key = subject_of(txn->arena, username),
                    .which = {.struct_size = sizeof(op.which), .types = {&type, 1}, .reason = STR("it is settled")}};
    subject_apply(txn, &op, store_name(txn->conn, STR("hub")), store_name(txn->conn, org));
}

void notice_check_all(struct ledger_txn *txn)
{
    int64_t *people, after = 0;
    size_t count;
    do {
        count = store_suppressions_people(txn->conn, after, SLICE, txn->arena, &people);
        for (size_t i = 0; i < count; i++) {
            int64_t org, rev;
            struct belfry_str username;
            if (store_person_get(txn->conn, people[i], txn->arena, &org, &username, &rev))
                notice_check(txn, store_name_text(txn->conn, org), username);
            after = people[i];
        }
    } while (count == SLICE && !store_fault(txn->conn, NULL));
}

void ledger_txn_address_changed(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username)
{
    int64_t person = cache_person_find(txn, store_name(txn->conn, org), username);
    if (txn->gen && person && store_suppressions_of(txn->conn, person))
        notice_check(txn, org, username);
}

void ledger_txn_address_erase(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username)
{
    int64_t org_id = store_name(txn->conn, org);
    store_suppressions_erase(txn->conn, org_id, cache_person_find(txn, org_id, username),
                             address_of(txn, org, username));
}
