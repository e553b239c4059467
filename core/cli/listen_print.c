/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of a delivery: for people a line and the body, for scripts one JSON object a line. Whatever came from
 * outside is written so that a terminal only shows it: control characters (C0, DEL, C1) stand as \xNN.
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "cli/listen.h"

#include <stdio.h>
#include <stdlib.h>

#define INDENT "    "

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Lines are indented by `indent`; with NULL it is one line. */
static void add_safe(struct buf *out, struct belfry_str text, const char *indent)
{
    size_t pos = 0;
    while (pos < text.len) {
        size_t from = pos;
        uint32_t c = str_utf8_next(text, &pos);
        int malformed = c == 0xfffd && pos - from == 1;
        if (c == '\n' && indent)
            buf_addf(out, "\n%s", indent);
        else if (malformed || c < 0x20 || (c >= 0x7f && c < 0xa0))
            buf_addf(out, "\\x%02x", malformed ? (unsigned char)text.ptr[from] : c);
        else
            buf_add(out, text.ptr + from, pos - from);
    }
}

/* What was sent as Unix seconds, as a time; as it came when it is none. */
static void add_timestamp(struct buf *out, struct belfry_str text)
{
    char time[TIME_TEXT_SIZE];
    int64_t seconds;
    if (str_to_i64(text, &seconds) == BELFRY_OK && seconds >= 0 && seconds < INT64_C(253402300800)) {
        time_format(seconds * 1000, time);
        buf_addf(out, "%.19sZ", time);
    } else {
        add_safe(out, text, NULL);
    }
}

static void add_body(struct buf *out, struct belfry_str body)
{
    json_t *json = json_read(body, NULL);
    char *pretty = json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    buf_addz(out, INDENT);
    add_safe(out, pretty ? str_of(pretty) : body, INDENT);
    buf_addc(out, '\n');
    free(pretty);
    json_decref(json);
}

static void print_text(const struct listen *listen, const struct listen_delivery *d)
{
    char now[TIME_TEXT_SIZE];
    struct buf out = {0};
    time_format(d->now_ms, now);
    buf_addf(&out, "%s  %u  ", now, d->status);
    add_safe(&out, d->type.len ? d->type : STR("(no type)"), NULL);
    buf_addf(&out, "  %s: %s", d->verified ? "verified" : "NOT VERIFIED", d->how);
    if (d->times > 1)
        buf_addf(&out, "; again, for the %u%s time", d->times, d->times == 2 ? "nd" : d->times == 3 ? "rd" : "th");
    buf_addz(&out, "  ");
    add_safe(&out, d->id.len ? d->id : STR("(no webhook-id)"), NULL);
    buf_addz(&out, "  attempt of ");
    add_timestamp(&out, d->timestamp.len ? d->timestamp : STR("(no time)"));
    buf_addc(&out, '\n');
    if (!listen->no_body)
        add_body(&out, d->body);
    fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

/* A string; what is no UTF-8 in it becomes U+FFFD. */
static json_t *string_of(struct belfry_str text)
{
    struct buf quoted = {0};
    json_write_str(text, &quoted);
    json_t *value = json_loadb(quoted.ptr, quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    buf_free(&quoted);
    return value;
}

static json_t *body_of(struct belfry_str body)
{
    json_t *json = json_read(body, NULL);
    return json ? json : string_of(body);
}

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    char lower[256];
    size_t i = 0;
    (void)kind;
    for (; name[i] && i + 1 < sizeof(lower); i++)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 32) : name[i];
    lower[i] = '\0';
    json_object_set_new(arg, lower, string_of(str_of(value)));
    return MHD_YES;
}

static void print_line(json_t *line)
{
    struct buf out = {0};
    json_write(line, &out);
    buf_addc(&out, '\n');
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
    buf_free(&out);
    json_decref(line);
}

static void print_json(const struct listen *listen, const struct listen_delivery *d)
{
    char now[TIME_TEXT_SIZE];
    time_format(d->now_ms, now);
    json_t *headers = json_object();
    MHD_get_connection_values(d->mhd, MHD_HEADER_KIND, add_header, headers);
    json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:i, s:i, s:o}", "at", now, "what", "delivery",
                             "path", string_of(str_of(d->path)), "type", string_of(d->type), "id", string_of(d->id),
                             "timestamp", string_of(d->timestamp), "verified", d->verified, "how", d->how, "times",
                             (int)d->times, "status", (int)d->status, "headers", headers);
    if (!listen->no_body)
        json_object_set_new(line, "body", body_of(d->body));
    print_line(line);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

void listen_print(const struct listen *listen, const struct listen_delivery *delivery)
{
    if (listen->json)
        print_json(listen, delivery);
    else
        print_text(listen, delivery);
    fflush(stdout);
}

void listen_print_handshake(const struct listen *listen, struct belfry_str origin, struct belfry_str rate)
{
    char now[TIME_TEXT_SIZE];
    struct buf out = {0};
    time_format(clock_now_ms(clock_real()), now);
    if (listen->json) {
        print_line(json_pack("{s:s, s:s, s:o, s:o}", "at", now, "what", "handshake", "origin", string_of(origin),
                             "rate", string_of(rate)));
        return;
    }
    buf_addf(&out, "%s  200  handshake: ", now);
    add_safe(&out, origin, NULL);
    buf_addz(&out, " may send");
    if (rate.len) {
        buf_addz(&out, ", ");
        add_safe(&out, rate, NULL);
        buf_addz(&out, " a minute");
    }
    buf_addc(&out, '\n');
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
    buf_free(&out);
}

void listen_print_summary(const struct listen *listen)
{
    if (listen->json)
        print_line(json_pack("{s:s, s:I, s:I, s:I, s:I}", "what", "summary", "deliveries",
                             (json_int_t)listen->deliveries, "verified", (json_int_t)listen->verified, "again",
                             (json_int_t)listen->again, "taken", (json_int_t)listen->answered_2xx));
    else
        printf("\nDeliveries: %lu, of which verified: %lu, come again: %lu, answered with 2xx: %lu\n",
               listen->deliveries, listen->verified, listen->again, listen->answered_2xx);
    fflush(stdout);
}
