/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled form of a template: private to this room (compile.c makes it, render.c runs it). */
#ifndef TEMPLATE_OPS_H
#define TEMPLATE_OPS_H

#include "template/template.h"

enum template_op_kind {
    TEMPLATE_OP_TEXT,     /* text */
    TEMPLATE_OP_VALUE,    /* path */
    TEMPLATE_OP_SECTION,  /* path, end */
    TEMPLATE_OP_INVERTED, /* path, end */
    TEMPLATE_OP_PARTIAL   /* name, indent, alone */
};

struct template_op {
    uint8_t kind;
    uint8_t line_start; /* first output of a line of the source: where a partial's indentation goes */
    uint8_t raw;        /* VALUE: never escaped */
    uint8_t alone;      /* PARTIAL: the tag has its line to itself */
    uint32_t end;       /* index of the first op after the section */
    union {
        struct belfry_str text;
        struct belfry_strs path; /* segments; none: the implicit iterator */
        struct {
            struct belfry_str name, indent;
        };
    };
};

struct belfry_template {
    const struct template_op *ops;
    uint32_t count;
    struct belfry_strs paths, reads, partials;
};

#endif
