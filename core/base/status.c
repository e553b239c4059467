/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status texts and the error that travels with a status. Both arrays of an error grow one by one: errors are rare and
 * short, and a zeroed struct must be a valid empty error.
 */
#include "base/status.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

struct status_row {
    belfry_status status;
    const char *name, *text;
};

static const struct status_row rows[] = {
#define STATUS_ROW(name, number, text) {number, #name, text},
    BELFRY_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == BELFRY_STATUS_COUNT, "a status without a row");

static const struct status_row *find_row(belfry_status status)
{
    for (size_t i = 0; i < BELFRY_STATUS_COUNT; i++)
        if (rows[i].status == status)
            return &rows[i];
    return NULL;
}

const char *status_text(belfry_status status)
{
    const struct status_row *row = find_row(status);
    return row ? row->text : "unknown status";
}

const char *status_name(belfry_status status)
{
    const struct status_row *row = find_row(status);
    return row ? row->name : "UNKNOWN";
}

belfry_status error_vset(struct error *err, belfry_status status, const char *pointer, const char *format, va_list args)
{
    if (!err)
        return status;
    struct buf detail = {0};
    buf_vaddf(&detail, format, args);
    if (err->count == 0)
        err->status = status;
    err->items = xrealloc(err->items, (err->count + 1) * sizeof(*err->items));
    err->items[err->count++] = (struct error_item){xstrdup(pointer ? pointer : ""), buf_steal(&detail)};
    return status;
}

belfry_status error_set(struct error *err, belfry_status status, const char *pointer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(err, status, pointer, format, args);
    va_end(args);
    return status;
}

void error_attr(struct error *err, const char *name, const char *value, size_t len)
{
    if (!err)
        return;
    err->attrs = xrealloc(err->attrs, (err->attr_count + 1) * sizeof(*err->attrs));
    err->attrs[err->attr_count++] = (struct error_attr){xstrdup(name), xstrndup(value, len)};
}

const char *error_text(const struct error *err)
{
    return err->count > 0 ? err->items[0].detail : status_text(err->status);
}

char *error_line(const struct error *err)
{
    const char *at = err->count > 0 ? err->items[0].pointer : NULL;
    return at && *at ? xasprintf("%s: %s", at, error_text(err)) : xstrdup(error_text(err));
}

void error_move(struct error *dst, struct error *src)
{
    if (dst == src)
        return;
    error_clear(dst);
    *dst = *src;
    *src = (struct error){0};
}

void error_clear(struct error *err)
{
    if (!err)
        return;
    for (size_t i = 0; i < err->count; i++) {
        free(err->items[i].pointer);
        free(err->items[i].detail);
    }
    for (size_t i = 0; i < err->attr_count; i++) {
        free(err->attrs[i].name);
        free(err->attrs[i].value);
    }
    free(err->items);
    free(err->attrs);
    *err = (struct error){0};
}
