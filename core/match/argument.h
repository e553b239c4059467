/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this room: from test.c, which knows the operators, to argument.c, which knows what they take. */
#ifndef MATCH_ARGUMENT_H
#define MATCH_ARGUMENT_H

#include "match/tree.h"

enum match_arg_kind {
    ARG_VALUE,  /* one constant to be equal to */
    ARG_VALUES, /* a list of them */
    ARG_TEXT,
    ARG_GLOB,
    ARG_REGEX,
    ARG_ORDERED, /* a number, a time, a date; a severity where the path is one */
    ARG_RANGE,   /* two of these */
    ARG_BOOL,
    ARG_TEST
};

struct match_operator {
    const char *name;
    uint8_t code, negative, arg;
};

/* The test that is being compiled: which kind of path it is on, and its modifier. */
struct match_context {
    struct match_compiler *c;
    int severity, fold;
};

/* All return 0 (match_read_bool: -1) after an error, which is reported. */
int match_read_argument(struct match_context *x, const struct match_operator *row, const struct match_input *in,
                        struct match_op *op);
/* op is NULL for an item of a list of alternatives. */
int match_read_constant(struct match_context *x, const char *op, const struct match_input *in, struct match_value *out);
int match_read_bool(struct match_compiler *c, const char *name, const struct match_input *in);

#endif
