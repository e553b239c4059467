/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the hub itself: source `hub`, category `hub`, replaced by the next of their subject. Those here are for the
 * admins of an org; notice.c has one for people, endpoint_news.c those of endpoints. */
#include "ledger/inside.h"

#include <stdlib.h>

struct hub_command {
    struct ledger_command command;
    char *org, *type, *subject, *text;
};

/* What German admins read; the title has the subject in its middle, where there is an `after`. cause: the English first
 * line follows, which says why. */
static const struct {
    const char *type, *before, *after, *body;
    int cause;
} german[] = {
    {"hub.channel_failing", "`", "` nimmt keine Zustellungen an",
     "Was wartet, geht von selbst hinaus, sobald es wieder geht. Gehen Zugangsdaten oder TLS nicht, ändern Sie die "
     "Konfiguration des Kanals und laden Sie neu.",
     1},
    {"hub.channel_distrusted", "`", "` vertraut dem Absender nicht",
     "Was dorthin soll, wartet, und geht hinaus, sobald SPF, DKIM, DMARC und der Name der eigenen Adresse stimmen.", 1},
    {"hub.source_quarantined", "Die Quelle `", "` ist angehalten",
     "Sie brauchte in einer Minute dreimal mehr als 250 ms. Nach einer Pause geht es von selbst weiter.", 0},
    {"hub.config_rejected", "Eine neue Konfiguration wurde abgelehnt; die alte gilt weiter.", NULL, "", 0},
    {"hub.disk_low", "Der Datenträger ist fast voll; bis wieder Platz ist, werden keine Auslöser angenommen.", NULL, "",
     0},
};

/* As schema.h has `texts`. */
static struct belfry_str texts_of(struct arena *arena, const struct hub_command *c, struct belfry_str first_line)
{
    struct belfry_str subject = str_of(c->subject);
    struct buf out = {NULL, 0, 0};
    for (size_t i = 0; i < sizeof(german) / sizeof(german[0]); i++) {
        if (strcmp(german[i].type, c->type) != 0)
            continue;
        const char *title = german[i].after
                                ? arena_printf(arena, "%s%.*s%s", german[i].before, STR_ARG(subject), german[i].after)
                                : german[i].before;
        const char *body =
            german[i].cause ? arena_printf(arena, "%s\n%.*s", german[i].body, STR_ARG(first_line)) : german[i].body;
        buf_addz(&out, "{\"de\":{\"title\":");
        json_write_str(text_line(arena, str_of(title)), &out);
        buf_addz(&out, ",\"body\":");
        json_write_str(text_body(arena, str_of(body)), &out);
        buf_addz(&out, "}}");
    }
    struct belfry_str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static int32_t severity_of(const char *type)
{
    return strcmp(type, "hub.channel_failing") == 0 ? BELFRY_WARNING : BELFRY_ERROR;
}

void hub_event_apply(struct ledger_txn *txn, struct belfry_str org, struct emitted *event)
{
    const char **replaces = arena_alloc(txn->arena, 2 * sizeof(*replaces));
    replaces[0] = arena_strndup(txn->arena, event->type.ptr, event->type.len);
    replaces[1] = NULL;
    event->category = STR("hub");
    event->replaces = event->replaces ? event->replaces : replaces;
    apply_event(txn, event, STR("hub"), store_name(txn->conn, STR("hub")), org, store_name(txn->conn, org));
}

static belfry_status hub_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct hub_command *c = LIST_OF(command, struct hub_command, command);
    if (!txn->gen)
        return BELFRY_EAGAIN;
    struct arena *arena = txn->arena;
    struct belfry_str body, title = str_cut(str_of(c->text), '\n', &body);
    struct belfry_recipient admins = {
        .struct_size = sizeof(admins), .kind = BELFRY_TO_ROLE, .name = STR("admin"), .reason = STR("role admin")};
    struct buf data = {NULL, 0, 0};
    buf_addz(&data, "{\"subject\":");
    json_write_str(str_of(c->subject), &data);
    buf_addz(&data, ",\"text\":");
    json_write_str(str_of(c->text), &data);
    buf_addc(&data, '}');
    json_t *json = json_read(buf_str(&data), NULL);
    struct emitted event = {.type = str_of(c->type),
                            .subject = str_of(c->subject),
                            .title = text_line(arena, title),
                            .body = body,
                            .texts = texts_of(arena, c, title),
                            .data = buf_str(&data),
                            .severity = severity_of(c->type),
                            .audience = &admins,
                            .audience_count = 1,
                            .json = json};
    hub_event_apply(txn, str_of(c->org), &event);
    json_decref(json);
    buf_free(&data);
    return BELFRY_OK;
}

static void hub_done(struct ledger_command *command, belfry_status status)
{
    struct hub_command *c = LIST_OF(command, struct hub_command, command);
    (void)status;
    free(c->org);
    free(c->type);
    free(c->subject);
    free(c->text);
    free(c);
}

void ledger_emit_hub(struct ledger *ledger, struct belfry_str org, const char *type, struct belfry_str subject,
                     const char *text)
{
    struct hub_command *c = xcalloc(1, sizeof(*c));
    c->org = xstrndup(org.ptr, org.len);
    c->type = xstrdup(type);
    c->subject = xstrndup(subject.ptr ? subject.ptr : "", subject.len);
    c->text = xstrdup(text);
    c->command = (struct ledger_command){.run = hub_run, .done = hub_done, .must = "an event of the hub"};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        hub_done(&c->command, BELFRY_ECLOSED);
}
