/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of a condition: a diagnostic with place, did-you-mean and help when it came from YAML, a fault with a pointer
 * when it came over the API. There the hints become part of the one sentence.
 */
#include "match/tree.h"

static void report_yaml(struct match_compiler *c, enum diag_severity severity, const char *code,
                        struct match_place place, struct match_hint hint, const char *message)
{
    struct diag *d = diag_add(c->diags, code, severity, match_span(place), "%s", message);

    if (place.yaml != NULL)
        d->path = yaml_path(diag_arena(c->diags), place.yaml);
    if (hint.nearest != NULL)
        diag_suggest(c->diags, d, arena_strdup(diag_arena(c->diags), hint.nearest));
    if (hint.replace != NULL)
        d->replacement = arena_strdup(diag_arena(c->diags), hint.replace);
    if (hint.help != NULL)
        diag_help(c->diags, d, "%s", hint.help);
}

static void report_json(struct match_compiler *c, struct match_place place, struct match_hint hint, const char *message)
{
    struct buf text = {0};

    buf_addz(&text, message);
    if (hint.nearest != NULL)
        buf_addf(&text, "; did you mean `%s`?", hint.nearest);
    else if (hint.help != NULL)
        buf_addf(&text, "; %s", hint.help);
    error_set(c->err, BELFRY_EINVAL, place.pointer != NULL ? place.pointer : "", "%s", text.ptr);
    buf_free(&text);
}

void match_error(struct match_compiler *c, const char *code, struct match_place place, struct match_hint hint,
                 const char *format, ...)
{
    struct buf message = {0};
    va_list args;

    va_start(args, format);
    buf_vaddf(&message, format, args);
    va_end(args);
    c->errors++;
    if (c->diags != NULL)
        report_yaml(c, DIAG_ERROR, code, place, hint, message.ptr);
    else
        report_json(c, place, hint, message.ptr);
    buf_free(&message);
}

/* The API has no place for warnings. */
void match_warning(struct match_compiler *c, const char *code, struct match_place place, struct match_hint hint,
                   const char *format, ...)
{
    struct buf message = {0};
    va_list args;

    if (c->diags == NULL)
        return;
    va_start(args, format);
    buf_vaddf(&message, format, args);
    va_end(args);
    report_yaml(c, DIAG_WARNING, code, place, hint, message.ptr);
    buf_free(&message);
}
