/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mustache templates (the mustache(5) spec 1.4: interpolation, sections, inverted, partials, comments, delimiters; no
 * lambdas, dynamic names, blocks or parents), over views. Escaping is a mode: text (none) for titles and mail, HTML for
 * pages.
 *
 * What the spec leaves to the implementation: a section is skipped for false, null, missing, the empty list and the
 * empty string (0 is a value like others); arrays and objects print nothing by themselves; HTML escapes & < > " and '.
 */
#ifndef TEMPLATE_TEMPLATE_H
#define TEMPLATE_TEMPLATE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/status.h"

#include <belfry/plugin.h>

enum template_escape { TEMPLATE_TEXT, TEMPLATE_HTML };

#define TEMPLATE_MAX_TEXT (256 * 1024)   /* bytes of source */
#define TEMPLATE_MAX_OUTPUT (256 * 1024) /* bytes that one rendering appends */
#define TEMPLATE_MAX_NESTING 64          /* sections in sections, in one template */
#define TEMPLATE_MAX_PARTIALS 32         /* partials in partials */
#define TEMPLATE_MAX_STEPS 100000        /* tags rendered and members looked up */

/*
 * Compiles; lives in arena, text is copied. On a fault returns NULL and err names what and the byte offset (error_set
 * with pointer = decimal offset). [any]
 */
const struct belfry_template *template_compile(struct arena *arena, struct belfry_str text, struct error *err);

/* Finds a partial by name; NULL: not there (renders as nothing). */
typedef const struct belfry_template *(*template_partial_fn)(void *arg, struct belfry_str name);

/*
 * Renders into out. Numbers print as JSON would; null and missing print nothing; limits: output 256 KiB, partial depth
 * 32, 100,000 steps. params and partial may be NULL. 0, or BELFRY_ELIMIT, and then out is as it was. [any]
 */
belfry_status template_render(const struct belfry_template *tpl, const struct belfry_view *params,
                              enum template_escape escape, template_partial_fn partial, void *arg, struct buf *out);
/* How a template of ours is rendered over what is bounded otherwise. */
struct template_how {
    const struct belfry_view *params; /* may be NULL */
    const struct belfry_view *over;   /* an object whose members hide those of params at the top level; may be NULL */
    enum template_escape escape;
    uint32_t times;              /* as much output, and as many steps, as template_render() allows */
    template_partial_fn partial; /* may be NULL */
    void *arg;
};
belfry_status template_render_how(const struct belfry_template *tpl, const struct template_how *how,
                                  struct buf *out); /* [any] */

/* Dotted names that the template reads at its top level, for lints. Sorted, each once; "." is left out. [any] */
const struct belfry_str *template_paths(const struct belfry_template *tpl, size_t *count);
/* The same with those inside of sections, which are members of what the section is about or, where it has no such
 * member, of the top level: for sources that remember only what is read. [any] */
const struct belfry_str *template_reads(const struct belfry_template *tpl, size_t *count);
/* Names of the partials that it includes, sorted, each once. */
const struct belfry_str *template_partials(const struct belfry_template *tpl, size_t *count);

#endif
