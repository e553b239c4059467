/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody says through the link in a mail: no more of this category, or of any that can be stopped; and as it was
 * before. A person's answer is a preference like any other, so that the page shows it and the same gate asks it;
 * somebody outside has no preferences and gets a suppression. Taking it back concerns what it was about and nothing
 * that was chosen since: a choice that is not `off` any more stays.
 */
#include "ledger/addresses.h"

#include "event/event.h"
#include "ledger/inside.h"

#define GIVEN_MAX 65536

/* The choices that a call is about, of all those of p: `email` and `default` alone. */
static struct preference about(struct arena *arena, const struct preference *p, struct belfry_str category)
{
    struct preference part;
    preference_init(&part);
    struct preference_choice *some = arena_alloc(arena, (p->email_count + 1) * sizeof(*some));
    for (size_t i = 0; i < p->email_count; i++)
        if (!category.len || str_eq(p->email[i].category, category))
            some[part.email_count++] = p->email[i];
    part.email = some;
    part.fallback = category.len ? PREFERENCE_NONE : p->fallback;
    return part;
}

static struct belfry_str as_text(struct arena *arena, const struct preference *part)
{
    json_t *doc = json_object(), *email = json_object();
    struct buf text = {NULL, 0, 0};
    for (size_t i = 0; i < part->email_count; i++)
        json_object_setn_new(email, part->email[i].category.ptr, part->email[i].category.len,
                             json_string(preference_how(part->email[i].how)));
    json_object_set_new(doc, "email", email);
    if (part->fallback != PREFERENCE_NONE)
        json_object_set_new(doc, "default", json_string(preference_how(part->fallback)));
    json_write(doc, &text);
    json_decref(doc);
    struct belfry_str copy = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

/* It comes back through a browser: what is no choice of a category that there is, is not looked at. */
static struct preference from_text(struct arena *arena, const struct config *config, struct belfry_str given,
                                   struct belfry_str category)
{
    struct preference p;
    preference_init(&p);
    if (given.len && given.len <= GIVEN_MAX)
        preference_load(given, arena, &p);
    struct preference part = about(arena, &p, category);
    struct preference_choice *known = arena_alloc(arena, (part.email_count + 1) * sizeof(*known));
    size_t count = 0;
    for (size_t i = 0; i < part.email_count; i++)
        if (config_category(config, part.email[i].category))
            known[count++] = part.email[i];
    part.email = known;
    part.email_count = count;
    return part;
}

static void set(struct preference_choice *list, size_t *count, struct belfry_str category, int how)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq(list[i].category, category)) {
            list[i].how = how;
            return;
        }
    list[(*count)++] = (struct preference_choice){category, how};
}

/* Everything about it is off, but for what is required. 1 when that changes something. */
static int turn_off(struct arena *arena, const struct config *config, struct belfry_str category, struct preference *p)
{
    struct preference_choice *list = arena_alloc(arena, (p->email_count + 1) * sizeof(*list));
    size_t count = 0;
    int changed = 0;
    for (size_t i = 0; i < p->email_count; i++) {
        const struct config_category *known = config_category(config, p->email[i].category);
        list[count] = p->email[i];
        if (!category.len && !(known && known->required))
            list[count].how = CONFIG_EMAIL_OFF;
        changed |= list[count].how != p->email[i].how;
        count++;
    }
    if (category.len && preference_of(p, category) != CONFIG_EMAIL_OFF) {
        set(list, &count, category, CONFIG_EMAIL_OFF);
        changed = 1;
    }
    if (!category.len) {
        changed |= p->fallback != CONFIG_EMAIL_OFF;
        p->fallback = CONFIG_EMAIL_OFF;
    }
    p->email = list;
    p->email_count = count;
    return changed;
}

/* What is off becomes what it was. */
static int turn_back(struct arena *arena, struct belfry_str category, const struct preference *was,
                     struct preference *p)
{
    struct preference_choice *list = arena_alloc(arena, (p->email_count + was->email_count + 1) * sizeof(*list));
    size_t count = 0;
    int changed = 0;
    for (size_t i = 0; i < p->email_count; i++) {
        const struct preference_choice *own = &p->email[i];
        int ours = (!category.len || str_eq(own->category, category)) && own->how == CONFIG_EMAIL_OFF;
        int before = preference_of(was, own->category);
        if (!ours || before != PREFERENCE_NONE)
            list[count++] = (struct preference_choice){own->category, ours ? before : own->how};
        changed |= ours && before != CONFIG_EMAIL_OFF;
    }
    if (!category.len && p->fallback == CONFIG_EMAIL_OFF) {
        changed |= was->fallback != CONFIG_EMAIL_OFF;
        p->fallback = was->fallback;
    }
    p->email = list;
    p->email_count = count;
    return changed;
}

/* --- of a person -------------------------------------------------------------------------------------------------- */

static belfry_status by_person(struct ledger_txn *txn, struct ledger_subscription *s, int64_t org)
{
    const struct config *config = txn->gen->pub->config;
    const struct route_directory *d = &txn->directory.pub;
    struct belfry_person person = {.struct_size = sizeof(person)};
    struct store_preference row;
    struct preference p;
    preference_init(&p);
    int chose = store_preference_get(txn->conn, org, s->username, txn->arena, &row);
    if (!chose && d->person(d->arg, txn->arena, s->org, s->username, &person))
        return BELFRY_ENOTFOUND;
    if (chose)
        preference_load(row.doc, txn->arena, &p);
    struct preference before = about(txn->arena, &p, s->category);
    struct preference was = from_text(txn->arena, config, s->given, s->category);
    s->before = as_text(s->arena, &before);
    s->changed =
        s->restore ? turn_back(txn->arena, s->category, &was, &p) : turn_off(txn->arena, config, s->category, &p);
    if (s->changed)
        preferences_replace(txn, org, s->username, &p);
    return BELFRY_OK;
}

/* --- of somebody outside ------------------------------------------------------------------------------------------ */

#define WAS_OFF "{\"off\":true}"
#define WAS_ON "{\"off\":false}"

static belfry_status by_address(struct ledger_txn *txn, struct ledger_subscription *s, int64_t org)
{
    int64_t category = s->category.len ? store_name(txn->conn, s->category) : 0;
    if (!address_valid(s->address))
        return BELFRY_EINVAL;
    if (!s->restore) {
        struct store_suppression row = {.id = ledger_txn_id(txn),
                                        .org = org,
                                        .category = category,
                                        .reason = SUPPRESSION_unsubscribed,
                                        .address = s->address};
        s->changed = store_suppression_add(txn->conn, &row);
        s->before = s->changed ? STR(WAS_ON) : STR(WAS_OFF);
        return BELFRY_OK;
    }
    if (str_eqz(s->given, WAS_OFF))
        return BELFRY_OK;
    s->changed = store_suppression_del(txn->conn, org, s->address, s->given.len || category ? category : -1,
                                       SUPPRESSION_unsubscribed) > 0;
    s->before = s->changed ? STR(WAS_OFF) : STR(WAS_ON);
    return BELFRY_OK;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static belfry_status subscription_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ledger_subscription *s = LIST_OF(command, struct ledger_subscription, command);
    s->changed = 0;
    s->before = (struct belfry_str){NULL, 0};
    if (!txn->gen)
        return BELFRY_EAGAIN;
    int64_t org = addresses_org(txn, s->channel, s->org);
    const struct config_category *category = config_category(txn->gen->pub->config, s->category);
    if (!org)
        return BELFRY_ENOTFOUND;
    if (category && category->required && !s->restore)
        return BELFRY_EPERM;
    belfry_status status = s->username.len ? by_person(txn, s, org) : by_address(txn, s, org);
    if (status || !s->changed)
        return status;
    addresses_audit(txn, s->org, STR("mail link"), s->restore ? "mail.restore" : "mail.stop", json_object(),
                    s->username, s->username.len ? (struct belfry_str){NULL, 0} : s->address, s->category);
    return BELFRY_OK;
}

static void subscription_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_subscription *s = LIST_OF(command, struct ledger_subscription, command);
    s->done(s, status);
}

void ledger_subscription(struct ledger *ledger, struct ledger_subscription *s)
{
    s->command = (struct ledger_command){.run = subscription_run, .done = subscription_done};
    if (ledger_submit(ledger, &s->command) != BELFRY_OK)
        subscription_done(&s->command, BELFRY_ECLOSED);
}
