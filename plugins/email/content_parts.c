/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject, text and HTML of a model. Each is tried with the templates that speak for it, from the most to the least
 * specific; one that fails is noted and the next one takes its place, ours at the end, so a mistake in the
 * configuration costs its words and never the mail.
 *
 * Text and HTML go into a layout. The HTML of a template that has only a text is made of that text.
 */
#include "content_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const part_names[CONTENT_PARTS] = {"subject", "text", "html"};

struct run {
    struct writing *w;
    const json_t *model; /* as it is rendered */
    struct made *made;
    char *note;
    size_t note_size;
    const struct content_choice *layout; /* NULL: ours */
};

/* What came of the last part, and of the one before it. */
struct result {
    belfry_status status;
    size_t failed; /* which part */
    char *text;    /* of the last one; NULL: none */
    char fault[160];
};

static void on_part(void *arg, size_t part, belfry_status status, struct belfry_str text)
{
    struct result *r = arg;
    if (r->status != BELFRY_OK)
        return;
    free(r->text);
    r->text = NULL;
    if (status != BELFRY_OK) {
        r->status = status;
        r->failed = part;
        snprintf(r->fault, sizeof(r->fault), "%.*s", (int)text.len, text.ptr ? text.ptr : "");
        return;
    }
    r->text = malloc(text.len + 1);
    if (!r->text) {
        r->status = BELFRY_ENOMEM;
        return;
    }
    memcpy(r->text, text.len ? text.ptr : "", text.len);
    r->text[text.len] = '\0';
}

static belfry_status render_parts(const struct run *run, const struct belfry_part *parts, size_t count,
                                  void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                  void *arg)
{
    const struct content *content = run->w->content;
    struct belfry_view view = content_view(run->model);
    struct belfry_rendering what = {
        .struct_size = sizeof(what), .language = run->w->locale, .parts = parts, .part_count = count, .model = &view};
    return content->pages->render_parts(content->host, &what, sink, arg);
}

static struct result render(const struct run *run, const struct belfry_part *parts, size_t count)
{
    struct result r = {0};
    belfry_status status = render_parts(run, parts, count, on_part, &r);
    if (status != BELFRY_OK && r.status == BELFRY_OK)
        r.status = status;
    if (r.status != BELFRY_OK) {
        free(r.text);
        r.text = NULL;
    }
    return r;
}

/* The first that went wrong is told: it is the one to mend. key NULL: of a trial. */
static void note(const struct run *run, const char *key, int part, const char *fault)
{
    if (!*run->note)
        snprintf(run->note, run->note_size, "%s%s.%s failed: %s. What Belfry has for it was used",
                 key ? "templates." : "template", key ? key : "", part_names[part], fault);
}

static struct belfry_part ours(const char *name, int part, uint32_t around)
{
    return (struct belfry_part){.struct_size = sizeof(struct belfry_part),
                                .escape = part == CONTENT_HTML ? BELFRY_ESCAPE_HTML : BELFRY_ESCAPE_TEXT,
                                .name = name,
                                .around = around};
}

static const char *our_body(const struct writing *w, int part)
{
    if (w->batch->kind == BELFRY_BATCH_SINGLE)
        return part == CONTENT_HTML ? "mail-single-html" : "mail-single-text";
    return part == CONTENT_HTML ? "mail-list-html" : "mail-list-text";
}

/* A body in its layout: the configuration's, else ours. */
static struct result in_layout(struct run *run, const struct belfry_part *body, int part)
{
    struct belfry_part parts[2] = {*body,
                                   ours(part == CONTENT_HTML ? "mail-layout-html" : "mail-layout-text", part, 1)};
    if (run->layout && run->layout->parts[part].struct_size) {
        struct belfry_part own[2] = {*body, run->layout->parts[part]};
        own[1].around = 1;
        struct result r = render(run, own, 2);
        if (r.status == BELFRY_OK || r.failed == 0)
            return r;
        note(run, "layout", part, r.fault);
    }
    return render(run, parts, 2);
}

/* --- HTML of a text ----------------------------------------------------------------------------------------------- */

static struct belfry_str text_at(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* The text alone, without its layout, as markup in the model under text_html. */
static struct result html_of_text(struct run *run, const struct belfry_part *text)
{
    const json_t *model = run->w->model;
    const struct belfry_str links[] = {text_at(model, "href"), text_at(model, "inbox"), text_at(model, "preferences"),
                                       text_at(model, "unsubscribe")};
    struct result r = render(run, text, 1);
    if (r.status != BELFRY_OK)
        return r;
    char *html = content_html(belfry_str(r.text), links, sizeof(links) / sizeof(links[0]));
    free(r.text);
    r.text = NULL;
    json_t *with = html ? json_copy(run->w->model) : NULL;
    struct belfry_part body = ours("mail-text-html", CONTENT_HTML, 0);
    if (with) {
        content_put(with, "text_html", belfry_str(html));
        run->model = with;
        r = in_layout(run, &body, CONTENT_HTML);
        run->model = model;
    } else {
        r.status = BELFRY_ENOMEM;
    }
    json_decref(with);
    free(html);
    return r;
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

static void tell_fault(struct run *run, const struct content_choice *choice, int part, const struct result *r)
{
    if (!choice->key && r->status == BELFRY_EINVAL)
        snprintf(run->w->trial->faults[part], sizeof(run->w->trial->faults[part]), "%s", r->fault);
    note(run, choice->key, part, r->fault);
}

/* The configuration's, NULL: it has none, or none that works. */
static char *configured(struct run *run, const struct content_choice *choices, size_t count, int part)
{
    for (size_t i = 0; i < count; i++) {
        const struct belfry_part *own = &choices[i].parts[part], *text = &choices[i].parts[CONTENT_TEXT];
        struct result r;
        if (part == CONTENT_HTML && !own->struct_size && text->struct_size)
            r = html_of_text(run, text);
        else if (!own->struct_size)
            continue;
        else
            r = part == CONTENT_SUBJECT ? render(run, own, 1) : in_layout(run, own, part);
        if (r.status == BELFRY_OK && part == CONTENT_HTML && strlen(r.text) > CONTENT_HTML_MAX) {
            r.status = BELFRY_ELIMIT;
            snprintf(r.fault, sizeof(r.fault), "it comes to more than 90 KB");
            if (run->w->last) /* nothing is left to be cut */
                free(r.text);
            else
                return r.text;
        }
        if (r.status == BELFRY_OK)
            return r.text;
        tell_fault(run, &choices[i], part, &r);
    }
    return NULL;
}

static void on_ours(void *arg, size_t part, belfry_status status, struct belfry_str text)
{
    struct made *made = arg;
    if (part % 2 == 1 && status == BELFRY_OK) /* the layouts, around what is before them */
        made->parts[part / 2 + CONTENT_TEXT] = strndup(text.len ? text.ptr : "", text.len);
}

/* Text and HTML where the configuration has nothing to say. */
static void render_ours(const struct run *run)
{
    const struct belfry_part parts[] = {
        ours(our_body(run->w, CONTENT_TEXT), CONTENT_TEXT, 0), ours("mail-layout-text", CONTENT_TEXT, 1),
        ours(our_body(run->w, CONTENT_HTML), CONTENT_HTML, 0), ours("mail-layout-html", CONTENT_HTML, 1)};
    render_parts(run, parts, sizeof(parts) / sizeof(parts[0]), on_ours, run->made);
}

/* A line that says something; NULL when nothing is left of it. */
static char *subject_of(char *made)
{
    char *line = made ? content_line(belfry_str(made)) : NULL;
    free(made);
    if (line && *line)
        return line;
    free(line);
    return NULL;
}

int content_parts(struct writing *w, struct made *made, char *note_text, size_t note_size)
{
    struct content_choice choices[CONTENT_CHOICES], layout;
    struct run run = {.w = w, .model = w->model, .made = made, .note = note_text, .note_size = note_size};
    size_t count = w->plain ? 0 : content_choices(w, choices);
    run.layout = !w->plain && content_layout(w, &layout) ? &layout : NULL;
    *made = (struct made){{NULL}};
    made->parts[CONTENT_SUBJECT] = subject_of(configured(&run, choices, count, CONTENT_SUBJECT));
    if (!made->parts[CONTENT_SUBJECT])
        made->parts[CONTENT_SUBJECT] = content_line(text_at(w->model, "headline"));
    if (count == 0 && !run.layout)
        render_ours(&run);
    for (int part = CONTENT_TEXT; part <= CONTENT_HTML && (count || run.layout); part++) {
        made->parts[part] = configured(&run, choices, count, part);
        struct belfry_part body = ours(our_body(w, part), part, 0);
        if (!made->parts[part])
            made->parts[part] = in_layout(&run, &body, part).text;
    }
    return made->parts[CONTENT_SUBJECT] && made->parts[CONTENT_TEXT] && made->parts[CONTENT_HTML];
}

void content_parts_free(struct made *made)
{
    for (int i = 0; i < CONTENT_PARTS; i++)
        free(made->parts[i]);
}
