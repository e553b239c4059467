/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a diag_set, for the files of this room that render it. */
#ifndef YAML_DIAG_SET_H
#define YAML_DIAG_SET_H

#include "yaml/diag.h"
#include "yaml/position.h"

struct diag_file {
    const char *name;
    struct belfry_str text;
    struct positions positions;
};

struct diag_set {
    struct arena *arena;
    struct diag_file *files;
    size_t file_count, file_cap;
    struct diag **diags;
    size_t count, cap;
    int sorted;
    struct diag_span *redacted; /* sorted and without overlap when redacted_sorted */
    size_t redacted_count, redacted_cap;
    int redacted_sorted;
};

/* "error", "warning", "note". */
const char *diag_severity_text(enum diag_severity severity);
/* End of the secret that a byte of a file is in, or 0; and whether a span touches one. */
uint32_t diag_redacted_end(struct diag_set *set, uint32_t file, uint32_t at);
int diag_is_redacted(struct diag_set *set, struct diag_span span);
/* Files that the summary counts: all that were added. */
static inline size_t diag_files(const struct diag_set *set)
{
    return set->file_count;
}

#endif
