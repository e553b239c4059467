/* SPDX-License-Identifier: Apache-2.0 */
/* CSV. Every cell goes through one function, so that no column can be forgotten when it comes to formulas. */
#include "csv.h"

#include "item.h"

static const char head[] = "id,created_at,severity,category,source,type,title,body,subject,actor,reason,unread,seen_at,"
                           "read_at,hidden_at,validity,valid_until,handled_by,replaced_by,href\r\n";

void csv_head(struct text *out)
{
    text_z(out, head);
}

static int begins_formula(struct belfry_str s)
{
    return s.len > 0 && memchr("=+-@\t\r", s.ptr[0], 6) != NULL;
}

static int needs_quotes(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '"' || s.ptr[i] == ',' || s.ptr[i] == '\r' || s.ptr[i] == '\n')
            return 1;
    return 0;
}

void csv_cell(struct text *out, struct belfry_str value)
{
    int formula = begins_formula(value), quoted = formula || needs_quotes(value);
    if (!quoted) {
        text_str(out, value);
        return;
    }
    text_z(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"')
            text_z(out, "\"");
        text_add(out, value.ptr + i, 1);
    }
    text_z(out, "\"");
}

static void next(struct text *out, struct belfry_str value)
{
    text_z(out, ",");
    csv_cell(out, value);
}

static void next_time(struct text *out, int64_t ms)
{
    text_z(out, ",");
    if (ms)
        text_time(out, ms);
}

void csv_row(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item)
{
    struct text href = {0};
    item_href(&href, org, item->id);
    csv_cell(out, item->id);
    next_time(out, item->created_ms);
    next(out, belfry_str(item_severity(item)));
    next(out, item->category);
    next(out, item->source);
    next(out, item->type);
    next(out, item->title);
    next(out, item->body);
    next(out, item->subject);
    next(out, item->actor);
    next(out, item->reason);
    next(out, belfry_str(item->unread ? "true" : "false"));
    next_time(out, item->seen_ms);
    next_time(out, item->read_ms);
    next_time(out, item->hidden_ms);
    next(out, belfry_str(item_validity(item)));
    next_time(out, item->valid_until_ms);
    next(out, item->handled_by);
    next(out, item->replaced_by);
    next(out, text_view(&href));
    text_z(out, "\r\n");
    text_free(&href);
}
