/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the portal room only. */
#ifndef PORTAL_INTERNAL_H
#define PORTAL_INTERNAL_H

#include "portal/portal.h"

/* Who may come in. What they see and do there is judged by the API, which tells them apart. */
#define PORTAL_AUTH "role:admin|token:endpoints|token:endpoints:own|token:admin"

extern const struct view portal_views[];
extern const size_t portal_view_count;
extern const struct deed portal_deeds[];
extern const size_t portal_deed_count;
extern const struct tab portal_tabs[];
extern const size_t portal_tab_count;

/* --- what is in a form (form.c) ----------------------------------------------------------------------------------- */

/* Members of an endpoint that the form has, in its order; ends at NULL. */
extern const char *const form_fields[];
/* What a form says, as the API takes it: members of an endpoint. What is no number stays a text, and what is no
 * condition, too, for the API to say what is wrong; but for what cannot be read at all, which becomes a fault of
 * *faults, a list of {pointer, detail} as in a problem, or {pointer, where, said} in the reader's words. New
 * references. */
json_t *form_read(struct page *page, json_t **faults);
/* The same of an endpoint as the API told it. New reference. */
json_t *form_of(const json_t *endpoint);
/* Sets model.form: the fields with these values, event types of a catalogue (may be NULL) to choose from, and at each
 * field what is wrong with it. faults: as of form_read(), or a problem's `errors`; may be NULL. */
void form_show(struct page *page, const json_t *values, const json_t *catalogue, const json_t *faults);
/* After form_show(): what JSON does not keep of what was typed, such as the comments of a condition, a header that is
 * there twice and a line of metadata that is none, as it was typed. */
void form_keep_typed(struct page *page);
/* A value of `when` as people write it. In the request's arena. */
const char *form_when_text(struct page *page, const json_t *when);
/* A condition in JSON or YAML: 0 with a new reference (NULL: nothing was written), or -1 with what is wrong, in the
 * request's arena (when.c). */
int when_read(struct page *page, struct belfry_str text, json_t **out, const char **fault);

/* --- metadata as lines of a name and a value (metadata.c) --------------------------------------------------------- */

/* New reference. What is no such line, and a name that is there twice, becomes a fault; nothing is read behind the
 * sixtieth of them. */
json_t *metadata_read(struct page *page, struct belfry_str text, json_t *faults);
/* The other way. In the request's arena. */
const char *metadata_write(struct page *page, const json_t *metadata);
/* The number of the line that has a name, from 1 on; 0: none has it. */
int64_t metadata_line(struct page *page, struct belfry_str text, struct belfry_str name);

/* --- what is wrong (faults.c) ------------------------------------------------------------------------------------- */

/* Adds one that was found here, in the reader's words. */
void form_fault(json_t *faults, const char *pointer, struct belfry_str where, struct belfry_str said);
/* form.at.FIELD and form.has_at.FIELD, and all of them, in the form's order, for the summary in model.faults. */
void faults_show(struct page *page, json_t *form, const json_t *values, const json_t *faults);
/* model.refused, of a form that the API refused as a whole: by the view and the status. */
void refusal_show(struct page *page, uint32_t status, const json_t *problem);

/* --- times as people type them (local.c) -------------------------------------------------------------------------- */

/* What a field of type datetime-local says, as the API takes it (RFC 3339); what is no such time stays as it is. last:
 * of a time that clocks show twice the later one. In the request's arena. */
struct belfry_str local_read(struct page *page, struct belfry_str text, int last);
/* The other way, cut to the minute; "" of what is no time. In the request's arena. */
const char *local_write(struct page *page, struct belfry_str iso);

/* --- the views' own parts ----------------------------------------------------------------------------------------- */

/* The path of the API that begins with that of the page's endpoint. In the request's arena. */
const char *endpoint_path(struct page *page, const char *behind);
/* The page of the page's endpoint behind the base. In the request's arena. */
const char *endpoint_page(struct page *page, const char *behind);
void portal_endpoints_show(struct page *page);
void portal_endpoint_ask(struct page *page);
void portal_endpoint_show(struct page *page);
void attempts_ask(struct page *page);
void attempts_show(struct page *page);
/* Makes attempts of an answer ready: request and response as text. */
void attempts_dress(struct page *page, json_t *items);
void attempts_act(struct page *page);
void types_show(struct page *page);
void verify_show(struct page *page);
void new_ask(struct page *page);
void new_show(struct page *page);
void new_act(struct page *page);
void edit_ask(struct page *page);
void edit_show(struct page *page);
void edit_act(struct page *page);
void test_ask(struct page *page);
void test_show(struct page *page);
void test_act(struct page *page);
void rotate_show(struct page *page);
void rotate_act(struct page *page);
void recover_show(struct page *page);
void recover_act(struct page *page);
void confirm_show(struct page *page);
void confirm_act(struct page *page);
/* Shows the secret of an answer, this once. */
void secret_show(struct page *page, const json_t *endpoint);

#endif
