/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The approval source: something waits for the decision of people, step by step. The people of the open step are asked,
 * with Approve and Reject in their inbox; the submitter is told how it ended; nobody else hears of it.
 *
 * An approval is one value of state, and nothing else is kept: no list of what is pending, nothing that is read at
 * start. What happens later by itself is a durable timer of the one approval that it concerns.
 */
#include "approval.h"
#include "receive.h"
#include "substitute.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* --- options ------------------------------------------------------------------------------------------------------ */

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }
#define CONFIG(kind, opt_name, member, ...)                                                                            \
    OPTION(kind, opt_name, offsetof(struct approval_config, member), __VA_ARGS__)
#define ESCALATE(kind, opt_name, member, ...)                                                                          \
    OPTION(kind, opt_name, offsetof(struct approval_escalate, member), __VA_ARGS__)
#define SUBSTITUTE(kind, opt_name, member, ...)                                                                        \
    OPTION(kind, opt_name, offsetof(struct approval_substitute_options, member), __VA_ARGS__)

#define LONGEST_MS (INT64_C(366) * 86400000)

static const struct belfry_option to_element[] = {OPTION(RECIPIENT, NULL, 0), {0}};

static const struct belfry_option escalate_options[] = {
    ESCALATE(DURATION, "after", after_ms, .flags = BELFRY_OPT_REQUIRED, .min = 1000, .max = LONGEST_MS,
             .doc = "How long a step may be open before others are told, once a step."),
    ESCALATE(LIST, "to", to, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SCALAR_LIST, .children = to_element, .min = 1,
             .max = 100,
             .doc = "Whom to tell: a username, role:R, email:A, or audience for those who have not decided."),
    {0}};

static const struct belfry_option substitute_options[] = {
    SUBSTITUTE(RECIPIENT, "for", for_, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_PERSON,
               .doc = "Username of who is absent."),
    SUBSTITUTE(RECIPIENT, "by", by, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_PERSON, .unlike = "for",
               .doc = "Username of who is told as well and may decide in their seat."),
    SUBSTITUTE(DATE, "from", from, .doc = "First day, or the instant from which on; absent: from the beginning."),
    SUBSTITUTE(DATE, "until", until, .not_before = "from",
               .doc = "Last day, which counts as a whole where the org is, or the instant at which it ends; absent: "
                      "for good."),
    {0}};

static const struct belfry_option substitute_element[] = {
    OPTION(OBJECT, NULL, 0, .children = substitute_options, .size = sizeof(struct approval_substitute_options)), {0}};

static const struct belfry_option options[] = {
    CONFIG(DURATION, "remind_after", remind_after_ms, .min = 1000, .max = LONGEST_MS,
           .doc = "Reminds those who have not decided after so long, and again after as long, until the step closes; "
                  "absent: never."),
    CONFIG(OBJECT, "escalate", escalate, .flags = BELFRY_OPT_POINTER, .children = escalate_options,
           .size = sizeof(struct approval_escalate), .doc = "Tells others of a step that nobody closes."),
    CONFIG(LIST, "substitutes", substitutes, .children = substitute_element, .max = 1000,
           .doc = "Who decides for whom while they are away."),
    {0}};

/* --- events ------------------------------------------------------------------------------------------------------- */

#define FIELD(name, kind, text)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_##kind, .path = (name), .doc = (text)   \
    }
#define APPROVAL_FIELDS                                                                                                \
    FIELD("approval.id", STRING, "Its id in the system it lives in."),                                                 \
        FIELD("approval.title", STRING, "What is to be approved."),                                                    \
        FIELD("approval.url", STRING, "Where people find it."),                                                        \
        FIELD("approval.submitter", STRING, "Who submitted it."),                                                      \
        FIELD("approval.steps", ARRAY, "Its steps, as they were submitted."),                                          \
        FIELD("approval.*", STRING, "Whatever else was submitted, of whatever type it is."),                           \
        FIELD("step.index", INT, "Number of the step, from 1."), FIELD("step.of", INT, "How many steps there are."),   \
        FIELD("step.name", STRING, "Name of the step.")
#define WAITING_FIELDS                                                                                                 \
    FIELD("waiting", STRING, "For how long the step has been open: 2 days."),                                          \
        FIELD("waiting_for", STRING, "Who has not decided: ann, bob and cara.")

static const struct belfry_field requested_fields[] = {APPROVAL_FIELDS,
                                                       FIELD("reassigned.from", STRING, "Whose seat it was."),
                                                       FIELD("reassigned.by", STRING, "Who gave it to somebody else."),
                                                       {0}};
static const struct belfry_field reminder_fields[] = {APPROVAL_FIELDS, WAITING_FIELDS, {0}};
static const struct belfry_field escalated_fields[] = {
    APPROVAL_FIELDS,
    WAITING_FIELDS,
    FIELD("vacant", STRING, "Roles that the step needs and nobody has; absent: it has only been open for long."),
    {0}};
static const struct belfry_field result_fields[] = {
    APPROVAL_FIELDS,
    FIELD("decision", STRING, "approved or rejected."),
    FIELD("by", STRING, "Who decided last."),
    FIELD("seat", STRING, "In whose seat, when it was not their own."),
    FIELD("comment", STRING, "What they said."),
    FIELD("at", STRING, "When, RFC 3339."),
    FIELD("approvals", ARRAY, "All approvals in their order: step, by, at, and seat when it was not their own."),
    {0}};

static const struct belfry_action_text approve_texts[] = {
    {.struct_size = sizeof(*approve_texts), .language = "de", .label = "Genehmigen", .comment = "Kommentar"}, {0}};
static const struct belfry_action_text reject_texts[] = {
    {.struct_size = sizeof(*reject_texts), .language = "de", .label = "Ablehnen", .comment = "Begründung"}, {0}};
static const struct belfry_action_type actions[] = {{.struct_size = sizeof(*actions),
                                                     .id = "approve",
                                                     .label = "Approve",
                                                     .trigger = "approval.decided",
                                                     .comment = "Comment",
                                                     .texts = approve_texts},
                                                    {.struct_size = sizeof(*actions),
                                                     .id = "reject",
                                                     .label = "Reject",
                                                     .trigger = "approval.decided",
                                                     .comment = "Reason",
                                                     .texts = reject_texts},
                                                    {0}};

static const char *const reminder_replaces[] = {"approval.requested", "approval.reminder", NULL};

#define STEP "{{step.name}}, step {{step.index}} of {{step.of}}"
#define BY "{{by}}{{#seat}} for {{seat}}{{/seat}}"
#define COMMENT "{{#comment}}: {{comment}}{{/comment}}"
#define STEP_DE "{{step.name}}, Schritt {{step.index}} von {{step.of}}"
#define BY_DE "{{by}}{{#seat}} für {{seat}}{{/seat}}"
#define GERMAN(title_text, body_text)                                                                                  \
    (const struct belfry_event_text[])                                                                                 \
    {                                                                                                                  \
        {.struct_size = sizeof(struct belfry_event_text),                                                              \
         .language = "de",                                                                                             \
         .title = (title_text),                                                                                        \
         .body = (body_text)},                                                                                         \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define EXAMPLE                                                                                                        \
    "\"approval\":{\"id\":\"42\",\"title\":\"New printer\",\"url\":\"https://erp.example.org/42\",\"submitter\":"      \
    "\"sam\",\"steps\":[{\"name\":\"Finance\",\"approvers\":[\"ann\",\"role:finance\"],\"needs\":\"any\"}]},"          \
    "\"step\":{\"index\":1,\"of\":1,\"name\":\"Finance\"}"
#define EXAMPLE_WAITING ",\"waiting_for\":\"ann and bob\",\"waiting\":\"2 days\""
#define EXAMPLE_RESULT                                                                                                 \
    ",\"by\":\"bob\",\"seat\":\"ann\",\"comment\":\"Two are enough\",\"at\":\"2026-01-08T09:00:00.000Z\",\"approvals\":"

static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "approval.requested",
     .category = "approval",
     .actions = actions,
     .fields = requested_fields,
     .title = "Approve: {{approval.title}}",
     .body = STEP ". Submitted by {{approval.submitter}}."
                  "{{#reassigned}} Reassigned from {{from}} by {{by}}.{{/reassigned}}",
     .texts = GERMAN("Zu genehmigen: {{approval.title}}",
                     STEP_DE ". Eingereicht von {{approval.submitter}}."
                             "{{#reassigned}} Von {{by}} übertragen, bisher {{from}}.{{/reassigned}}"),
     .doc = "Somebody may decide in the open step.",
     .example = "{" EXAMPLE "}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "approval.reminder",
     .category = "approval",
     .replaces = reminder_replaces,
     .actions = actions,
     .fields = reminder_fields,
     .title = "Still to approve: {{approval.title}}",
     .body = STEP ", has been open for {{waiting}}. Submitted by {{approval.submitter}}.",
     .texts = GERMAN("Noch zu genehmigen: {{approval.title}}",
                     STEP_DE ", offen seit: {{waiting}}. Eingereicht von {{approval.submitter}}."),
     .doc = "The step is still open, and so is their seat.",
     .example = "{" EXAMPLE EXAMPLE_WAITING "}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "approval.escalated",
     .category = "approval",
     .fields = escalated_fields,
     .title = "{{#vacant}}Nobody can approve{{/vacant}}{{^vacant}}Not approved yet{{/vacant}}: {{approval.title}}",
     .body = STEP ", {{#vacant}}needs a role that nobody has: {{vacant}}.{{/vacant}}"
                  "{{^vacant}}has been open for {{waiting}} and waits for {{waiting_for}}.{{/vacant}}"
                  " Submitted by {{approval.submitter}}.",
     .texts = GERMAN("{{#vacant}}Niemand kann genehmigen{{/vacant}}{{^vacant}}Noch nicht genehmigt{{/vacant}}: "
                     "{{approval.title}}",
                     STEP_DE ", {{#vacant}}braucht eine Rolle, die niemand hat: {{vacant}}.{{/vacant}}"
                             "{{^vacant}}offen seit: {{waiting}}, wartet auf: {{waiting_for}}.{{/vacant}}"
                             " Eingereicht von {{approval.submitter}}."),
     .doc = "A step has been open for long, or needs a role that nobody has.",
     .example = "{" EXAMPLE EXAMPLE_WAITING "}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_SUCCESS,
     .type = "approval.approved",
     .category = "approval",
     .fields = result_fields,
     .title = "Approved: {{approval.title}}",
     .body = "By " BY COMMENT,
     .texts = GERMAN("Genehmigt: {{approval.title}}", "Von " BY_DE COMMENT),
     .doc = "The last step is complete.",
     .example = "{" EXAMPLE ",\"decision\":\"approved\"" EXAMPLE_RESULT
                "[{\"step\":1,\"by\":\"bob\",\"seat\":\"ann\",\"at\":\"2026-01-08T09:00:00.000Z\"}]}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "approval.rejected",
     .category = "approval",
     .fields = result_fields,
     .title = "Rejected: {{approval.title}}",
     .body = "By " BY ", in " STEP COMMENT,
     .texts = GERMAN("Abgelehnt: {{approval.title}}", "Von " BY_DE ", in " STEP_DE COMMENT),
     .doc = "Somebody rejected it; that is the end of it.",
     .example = "{" EXAMPLE ",\"decision\":\"rejected\"" EXAMPLE_RESULT "[]}"},
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
    struct approval *a = self;
    free(a->substitutes);
    free(a->escalate_to);
    free(a);
}

/* What passed the option table is one of these, or `audience`, whose kind stays 0. */
static void make_escalation(struct approval *a)
{
    static const struct {
        const char *prefix;
        uint32_t kind;
    } kinds[] = {{"user:", BELFRY_TO_USER}, {"role:", BELFRY_TO_ROLE}, {"email:", BELFRY_TO_EMAIL}};
    const struct approval_escalate *options_ = a->config->escalate;
    const char *const *to = options_ ? options_->to.items : NULL;
    size_t count = options_ ? options_->to.count : 0;
    a->escalate_to = calloc(count + 1, sizeof(*a->escalate_to));
    for (size_t i = 0; i < count; i++) {
        struct belfry_recipient *r = &a->escalate_to[i];
        *r = (struct belfry_recipient){.struct_size = sizeof(*r)};
        for (size_t k = 0; k < 3 && !r->kind; k++) {
            r->name = approval_after(belfry_str(to[i]), kinds[k].prefix);
            r->kind = r->name.ptr ? kinds[k].kind : 0;
        }
        a->escalate_count++;
    }
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct approval *a = calloc(1, sizeof(*a));
    a->host = host;
    a->config = config;
    a->calendar = host->get_extension(host, BELFRY_EXT_CALENDAR);
    make_escalation(a);
    approval_substitutes_make(a);
    (void)err;
    *self = a;
    return BELFRY_OK;
}

static const struct belfry_source source = {
    .struct_size = sizeof(source), .receive = approval_receive, .due = approval_due};

static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_CALENDAR, NULL};

static const struct belfry_category categories[] = {
    {.struct_size = sizeof(struct belfry_category),
     .name = "approval",
     .label = "Approvals",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Freigaben"}, {0}}},
    {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "approval",
                                            .version = "1.0.0",
                                            .summary =
                                                "Asks people for decisions, step by step, and tells how it ended",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct approval_config),
                                            .events = events,
                                            .categories = categories,
                                            .create = create,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);
