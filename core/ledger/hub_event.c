/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the hub itself: source `hub`, category `hub`, to the admins of an org, replaced by the next of their
 * subject. */
#include "ledger/inside.h"

#include <stdlib.h>

struct hub_command {
    struct ledger_command command;
    char *org, *type, *subject, *text;
};

static int32_t severity_of(const char *type)
{
    return strcmp(type, "hub.endpoint_failing") == 0 ? BELFRY_WARNING : BELFRY_ERROR;
}

static belfry_status hub_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct hub_command *c = LIST_OF(command, struct hub_command, command);
    if (!txn->gen)
        return BELFRY_EAGAIN;
    struct arena *arena = txn->arena;
    struct belfry_str body, title = str_cut(str_of(c->text), '\n', &body);
    const char **replaces = arena_alloc(arena, 2 * sizeof(*replaces));
    replaces[0] = c->type;
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
                            .category = STR("hub"),
                            .title = text_line(arena, title),
                            .body = body,
                            .data = buf_str(&data),
                            .severity = severity_of(c->type),
                            .audience = &admins,
                            .audience_count = 1,
                            .replaces = replaces,
                            .json = json};
    struct belfry_str org = str_of(c->org);
    apply_event(txn, &event, STR("hub"), store_name(txn->conn, STR("hub")), org, store_name(txn->conn, org));
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
