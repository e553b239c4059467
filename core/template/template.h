/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mustache templates (the mustache(5) spec 1.4: interpolation, sections, inverted, partials, comments, delimiters; no
 * lambdas), over views. Escaping is a mode: text (none) for titles and mail, HTML for pages.
 */
#ifndef TEMPLATE_TEMPLATE_H
#define TEMPLATE_TEMPLATE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/status.h"

#include <belfry/plugin.h>

enum template_escape { TEMPLATE_TEXT, TEMPLATE_HTML };

/*
 * Compiles; lives in arena. On a fault returns NULL and err names what and the byte offset (error_set with pointer =
 * decimal offset). [any]
 */
const struct belfry_template *template_compile(struct arena *arena, struct belfry_str text, struct error *err);

/* Finds a partial by name; NULL: not there (renders as nothing). */
typedef const struct belfry_template *(*template_partial_fn)(void *arg, struct belfry_str name);

/*
 * Renders into out. Numbers print as JSON would; null and missing print nothing; limits: output 256 KiB, partial depth
 * 32, 100,000 steps. 0, BELFRY_ELIMIT, or BELFRY_EINVAL. [any]
 */
belfry_status template_render(const struct belfry_template *tpl, const struct belfry_view *params,
                              enum template_escape escape, template_partial_fn partial, void *arg, struct buf *out);
/* Dotted names that the template reads at its top level, for lints and for sources that remember only those. */
const struct belfry_str *template_paths(const struct belfry_template *tpl, size_t *count);

#endif
