/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one owner (the hub, a plugin) makes its pages from: named Mustache templates that escape for HTML, with each
 * other as partials, and catalogues of texts. A template is rendered over a JSON object; `t` in it is the catalogue in
 * the reader's language, so {{t.list.empty}} is a text.
 */
#ifndef TEMPLATE_PAGES_H
#define TEMPLATE_PAGES_H

#include "template/template.h"
#include "template/texts.h"

#include <belfry/host.h>

struct pages;

struct pages *pages_new(void); /* [any] */
void pages_free(struct pages *pages);
/* From now on a page may be so many times as large as a template makes texts (template.h); of old 1. */
void pages_allow(struct pages *pages, uint32_t times);
/* The catalogues, to be added to and asked. Borrowed. */
struct texts *pages_texts(struct pages *pages);
/* Adds or replaces a template. EINVAL with what is wrong at which byte. */
belfry_status pages_add(struct pages *pages, const char *name, struct belfry_str text, struct error *err);
/*
 * Appends the template to out. model: a JSON object. ENOTFOUND: no template of this name; ELIMIT as
 * template_render_how().
 */
belfry_status pages_render(struct pages *pages, struct belfry_str locale, const char *name, const json_t *model,
                           struct buf *out);
/*
 * All parts of what, in order, over one model; sink as belfry_pages_api.render_parts says. EINVAL when the model is no
 * JSON object.
 */
belfry_status pages_render_parts(struct pages *pages, const struct belfry_rendering *what,
                                 void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                                 void *arg);
/* A time as people of a locale write it, on clocks in a zone (one that does not exist: UTC). style: BELFRY_TIME_*. In
 * arena. */
struct belfry_str pages_time(struct pages *pages, struct belfry_str locale, struct belfry_str zone, uint32_t style,
                             int64_t ms, struct arena *arena);

#endif
