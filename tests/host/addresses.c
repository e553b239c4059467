/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.addresses/1 without a hub: mails that the test told of, categories that are off for somebody, and a line for
 * each thing that was done. Answers come on the next turn, with what the hub would say.
 */
#include "fake.h"

#include "base/json.h"

struct question {
    struct belfry_test *test;
    const char *org, *who, *category; /* who: a username or "email:A"; category "": all */
    struct belfry_str given;
    belfry_status status;
    void (*reported)(void *arg, belfry_status status);
    void (*facts)(void *arg, belfry_status status, const struct belfry_mail_facts *facts);
    void (*state)(void *arg, belfry_status status, const struct belfry_subscription_state *state);
    void *arg;
    const struct fake_mail *mail;
    int restore, looks;
};

static struct question *ask(const struct belfry_host *host, const struct belfry_subscription *which, void *arg)
{
    struct belfry_test *t = fake_of(host);
    struct question *q = arena_alloc(t->arena, sizeof(*q));
    *q = (struct question){.test = t, .arg = arg};
    if (!which)
        return q;
    q->org = fake_text(t, which->org);
    q->category = fake_text(t, which->category);
    q->who = which->username.len ? fake_text(t, which->username)
                                 : arena_printf(t->arena, "email:%.*s", STR_ARG(which->address));
    return q;
}

/* --- what the test says ------------------------------------------------------------------------------------------- */

void belfry_test_mail(struct belfry_test *t, const char *delivery, const char *who, const char *category)
{
    *FAKE_ADD(t, &t->mails) = (struct fake_mail){arena_strdup(t->arena, delivery), arena_strdup(t->arena, t->org),
                                                 arena_strdup(t->arena, who), arena_strdup(t->arena, category)};
}

void belfry_test_required(struct belfry_test *t, const char *category)
{
    belfry_test_category(t, category);
    *FAKE_ADD(t, &t->required) = arena_strdup(t->arena, category);
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

static struct belfry_str address_of(const struct question *q)
{
    if (strncmp(q->who, "email:", 6) == 0)
        return str_of(q->who + 6);
    const struct belfry_person *person = fake_person(q->test, str_of(q->org), str_of(q->who));
    return person ? person->email : (struct belfry_str){"", 0};
}

static int exists(const struct question *q)
{
    return strncmp(q->who, "email:", 6) == 0 || fake_person(q->test, str_of(q->org), str_of(q->who));
}

static int is_required(const struct question *q)
{
    for (size_t i = 0; i < q->test->required.count; i++)
        if (strcmp(q->test->required.items[i], q->category) == 0)
            return 1;
    return 0;
}

/* The choice "off" of somebody for a category, or for all; NULL: none. */
static struct fake_off *off(const struct question *q, const char *category)
{
    for (size_t i = 0; i < q->test->off.count; i++) {
        struct fake_off *o = &q->test->off.items[i];
        if (o->is && !strcmp(o->org, q->org) && !strcmp(o->who, q->who) && !strcmp(o->category, category))
            return o;
    }
    return NULL;
}

static struct belfry_str before(const struct question *q)
{
    json_t *doc = json_object(), *email = json_object();
    if (*q->category && off(q, q->category))
        json_object_set_new(email, q->category, json_string("off"));
    if (!*q->category && off(q, ""))
        json_object_set_new(doc, "default", json_string("off"));
    json_object_set_new(doc, "email", email);
    struct buf text = {0};
    json_write(doc, &text);
    json_decref(doc);
    struct belfry_str copy = arena_str(q->test->arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

/* Whether the choice was `off` already before what is taken back now. */
static int was_off(const struct question *q)
{
    json_t *doc = json_read(q->given, NULL);
    const json_t *value =
        *q->category ? json_object_get(json_object_get(doc, "email"), q->category) : json_object_get(doc, "default");
    int yes = str_eqz(json_str(value), "off");
    json_decref(doc);
    return yes;
}

/* --- what is done ------------------------------------------------------------------------------------------------- */

static void set(const struct question *q, int is)
{
    struct fake_off *found = off(q, q->category);
    if (found)
        found->is = is;
    else if (is)
        *FAKE_ADD(q->test, &q->test->off) = (struct fake_off){q->org, q->who, q->category, 1};
}

static void answer(void *arg)
{
    struct question *q = arg;
    struct belfry_subscription_state state = {
        .struct_size = sizeof(state), .required = (uint32_t)is_required(q), .address = address_of(q)};
    belfry_status status = !exists(q)                                   ? BELFRY_ENOTFOUND
                           : state.required && !q->looks && !q->restore ? BELFRY_EPERM
                                                                        : BELFRY_OK;
    if (status != BELFRY_OK) {
        q->state(q->arg, status, NULL);
        return;
    }
    int is = off(q, q->category) != NULL, wanted = q->restore ? was_off(q) : 1;
    state.before = before(q);
    if (!q->looks && is != wanted) {
        set(q, wanted);
        fake_tell(q->test, "%s %s for %s", wanted ? "stop" : "restore", *q->category ? q->category : "all", q->who);
        state.changed = 1;
    }
    state.off = !state.required && (off(q, q->category) || off(q, ""));
    state.label = str_of(q->category);
    q->state(q->arg, BELFRY_OK, &state);
}

static void look(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str language,
                 void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                 void *arg)
{
    struct question *q = ask(host, which, arg);
    (void)language;
    q->state = done;
    q->looks = 1;
    fake_post(q->test, answer, q);
}

static void stop(const struct belfry_host *host, const struct belfry_subscription *which,
                 void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                 void *arg)
{
    struct question *q = ask(host, which, arg);
    q->state = done;
    fake_post(q->test, answer, q);
}

static void restore(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str given,
                    void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                    void *arg)
{
    struct question *q = ask(host, which, arg);
    q->state = done;
    q->restore = 1;
    q->given = str_slice(fake_text(q->test, given), given.len);
    fake_post(q->test, answer, q);
}

static void facts_now(void *arg)
{
    struct question *q = arg;
    if (!q->mail) {
        q->facts(q->arg, BELFRY_ENOTFOUND, NULL);
        return;
    }
    q->org = q->mail->org;
    q->who = q->mail->who;
    struct belfry_mail_facts facts = {.struct_size = sizeof(facts),
                                      .org = str_of(q->org),
                                      .username = strncmp(q->who, "email:", 6) == 0 ? (struct belfry_str){"", 0}
                                                                                    : str_of(q->who),
                                      .address = address_of(q),
                                      .category = str_of(q->mail->category)};
    q->facts(q->arg, BELFRY_OK, &facts);
}

static const struct fake_mail *mail_of(const struct belfry_test *t, struct belfry_str delivery)
{
    for (size_t i = 0; i < t->mails.count; i++)
        if (str_eqz(delivery, t->mails.items[i].delivery))
            return &t->mails.items[i];
    return NULL;
}

static void delivery(const struct belfry_host *host, struct belfry_str id,
                     void (*done)(void *arg, belfry_status status, const struct belfry_mail_facts *facts), void *arg)
{
    struct question *q = ask(host, NULL, arg);
    q->mail = mail_of(q->test, id);
    q->facts = done;
    fake_post(q->test, facts_now, q);
}

static void reported(void *arg)
{
    struct question *q = arg;
    if (q->reported)
        q->reported(q->arg, q->status);
}

static void report(const struct belfry_host *host, const struct belfry_address_report *in,
                   void (*done)(void *arg, belfry_status status), void *arg)
{
    static const char *const words[] = {"?", "bounced", "soft", "complained"};
    struct question *q = ask(host, NULL, arg);
    const struct fake_mail *mail = mail_of(q->test, in->delivery);
    q->reported = done;
    if (in->delivery.len && (!mail || !str_eqz(in->org, mail->org)))
        q->status = BELFRY_ENOTFOUND;
    else
        fake_tell(q->test, "%s %.*s%s%.*s%s%.*s", words[in->what > BELFRY_ADDRESS_COMPLAINED ? 0 : in->what],
                  STR_ARG(in->address), in->delivery.len ? " of " : "", STR_ARG(in->delivery),
                  in->detail.len ? ": " : "", STR_ARG(in->detail));
    fake_post(q->test, reported, q);
}

const struct belfry_addresses_api fake_addresses_api = {
    sizeof(fake_addresses_api), 0, report, delivery, look, stop, restore};
