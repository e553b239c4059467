/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codes, for `belfry help CODE`, documentation and tests. About 80 lines: searched one by one. */
#include "yaml/codes.h"
#include "yaml/diag.h"

#include <strings.h>

static const struct {
    const char *code, *title, *help;
} codes[] = {
#define CODE_ROW(code, title, help) {#code, title, help},
    DIAG_CODES(CODE_ROW)
#undef CODE_ROW
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

static size_t find_code(const char *code)
{
    size_t i = 0;
    while (i < CODE_COUNT && strcasecmp(codes[i].code, code) != 0)
        i++;
    return i;
}

const char *diag_explain(const char *code)
{
    size_t i = find_code(code);
    return i < CODE_COUNT ? codes[i].help : NULL;
}

const char *diag_title(const char *code)
{
    size_t i = find_code(code);
    return i < CODE_COUNT ? codes[i].title : NULL;
}

const char *diag_code_at(size_t i)
{
    return i < CODE_COUNT ? codes[i].code : NULL;
}
