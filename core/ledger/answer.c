/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the ledger's thread to the loop. Everything that the loop is to hear goes through one queue, in the order of the
 * commits: news first, so that what the loop keeps in memory is new before anybody is answered, then the commands, then
 * generations that nobody uses any more.
 */
#include "ledger/inside.h"

#include <stdlib.h>

struct answer {
    struct list node;
    struct arena *arena; /* of the news; NULL: none */
    struct ledger_news news;
    struct list commands, released;
    void (*fn)(void *arg);
    void *arg;
};

static struct answer *answer_new(void)
{
    struct answer *answer = xcalloc(1, sizeof(*answer));
    list_init(&answer->node);
    list_init(&answer->commands);
    list_init(&answer->released);
    return answer;
}

static void push(struct ledger *ledger, struct answer *answer)
{
    if (queue_push(&ledger->answers, &answer->node) == 0)
        uv_async_send(&ledger->wake);
}

static void take_news(struct answer *answer, struct ledger_txn *txn)
{
    if (!txn->changed_people && !txn->deliveries && !txn->tasks && !txn->target_count)
        return;
    answer->arena = arena_new(512);
    struct ledger_person_change *people = arena_alloc(answer->arena, (txn->changed_people_count + 1) * sizeof(*people));
    size_t count = 0;
    for (const struct person *p = txn->changed_people; p; p = p->next_changed)
        people[count++] = (struct ledger_person_change){.person = p->id,
                                                        .org = p->org,
                                                        .rev = p->rev,
                                                        .org_name = store_name_text(txn->conn, p->org),
                                                        .username = arena_str(answer->arena, p->username)};
    answer->news = (struct ledger_news){
        .people = people,
        .people_count = count,
        .deliveries = txn->deliveries,
        .tasks = txn->tasks,
        .targets = arena_memdup(answer->arena, txn->targets, txn->target_count * sizeof(int64_t)),
        .target_count = txn->target_count,
    };
}

void answer_group(struct ledger *ledger, struct list *commands)
{
    struct ledger_txn *txn = &ledger->txn;
    struct answer *answer = answer_new();
    list_move(&answer->commands, commands);
    list_move(&answer->released, &txn->released);
    take_news(answer, txn);
    if (list_empty(&answer->commands) && list_empty(&answer->released) && !answer->arena)
        free(answer);
    else
        push(ledger, answer);
}

/* Whatever ails the database, a caller can do the same: send it again. ELIMIT and EPERM are what a command itself says.
 */
static belfry_status failure(belfry_status status)
{
    return status == BELFRY_ECANCELED || status == BELFRY_EINTERNAL ? status : BELFRY_EIO;
}

void answer_failed(struct ledger *ledger, struct list *commands, belfry_status status)
{
    struct answer *answer = answer_new();
    LIST_EACH(node, commands)
    {
        struct ledger_command *command = LIST_OF(node, struct ledger_command, node);
        command->status = failure(status);
        command->ails = command->status == BELFRY_EIO ? ailment_of(status) : NULL;
    }
    list_move(&answer->commands, commands);
    push(ledger, answer);
}

void ledger_post(struct ledger *ledger, void (*fn)(void *arg), void *arg)
{
    struct answer *answer = answer_new();
    answer->fn = fn;
    answer->arg = arg;
    push(ledger, answer);
}

struct alarm {
    struct ledger *ledger;
    char *type, *subject, *text;
};

static void on_alarm(void *arg)
{
    struct alarm *alarm = arg;
    const struct ledger_settings *settings = &alarm->ledger->settings;
    if (settings->alarm)
        settings->alarm(settings->arg, alarm->type, str_of(alarm->subject), alarm->text);
    free(alarm->type);
    free(alarm->subject);
    free(alarm->text);
    free(alarm);
}

void ledger_alarm(struct ledger *ledger, const char *type, struct belfry_str subject, const char *text)
{
    struct alarm *alarm = xcalloc(1, sizeof(*alarm));
    *alarm = (struct alarm){ledger, xstrdup(type), xstrndup(subject.ptr, subject.len), xstrdup(text)};
    ledger_post(ledger, on_alarm, alarm);
}

/* --- on the loop -------------------------------------------------------------------------------------------------- */

static void release(struct gen *gen)
{
    struct ledger_generation *generation = gen->pub;
    gen_free(gen);
    generation->inside = NULL;
    if (generation->released)
        generation->released(generation->arg, generation);
}

static void deliver(struct ledger *ledger, struct answer *answer)
{
    struct list *node;
    if (answer->arena && ledger->settings.news)
        ledger->settings.news(ledger->settings.arg, &answer->news);
    while ((node = list_pop_front(&answer->commands))) {
        struct ledger_command *command = LIST_OF(node, struct ledger_command, node);
        atomic_fetch_sub(&ledger->pending_commands, command->weight ? command->weight : 1);
        atomic_fetch_sub(&ledger->pending_bytes, command->bytes);
        if (command->done)
            command->done(command, command->status);
    }
    while ((node = list_pop_front(&answer->released))) {
        struct release *r = LIST_OF(node, struct release, node);
        release(r->gen);
        free(r);
    }
    if (answer->fn)
        answer->fn(answer->arg);
    arena_free(answer->arena);
    free(answer);
}

void answer_all(struct ledger *ledger)
{
    struct list ready;
    struct list *node;
    queue_take_all(&ledger->answers, &ready);
    while ((node = list_pop_front(&ready)))
        deliver(ledger, LIST_OF(node, struct answer, node));
}
