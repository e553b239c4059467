/* SPDX-License-Identifier: Apache-2.0 */
/* One composer, for what goes out and for the examples of the catalogue, so that the two are alike. */
#include "ledger/payload.h"

#include "base/clock.h"
#include "base/json.h"
#include "event/event.h"

static void member(struct buf *out, const char *name, struct belfry_str value)
{
    buf_addz(out, ",\"");
    buf_addz(out, name);
    buf_addz(out, "\":");
    if (value.len)
        json_write_str(value, out);
    else
        buf_addz(out, "null");
}

void ledger_payload(const struct ledger_payload *p, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    time_format(p->time_ms, time);
    buf_addz(out, "{\"type\":");
    json_write_str(p->type, out);
    buf_addz(out, ",\"timestamp\":\"");
    buf_addz(out, time);
    buf_addz(out, "\",\"data\":{\"id\":\"");
    buf_adds(out, p->id);
    buf_addc(out, '"');
    member(out, "org", p->org);
    member(out, "source", p->source);
    member(out, "subject", p->subject);
    member(out, "category", p->category);
    buf_addz(out, ",\"severity\":\"");
    buf_addz(out, severity_name(p->severity));
    buf_addc(out, '"');
    member(out, "title", p->title);
    member(out, "body", p->body);
    member(out, "link", p->link);
    if (p->actor.len)
        member(out, "actor", p->actor);
    if (p->test)
        buf_addz(out, ",\"test\":true");
    buf_addz(out, ",\"object\":");
    buf_adds(out, p->data);
    buf_addz(out, "}}");
}
