/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anybody can send to the addresses of the bounce domain, so nothing here trusts a byte: the parts that are looked at
 * are bounded in depth and number, fields in number and length, and a message that is mostly fields or parts, which
 * would take a hundred times its size as objects, or has addresses in a thousand nested groups, which would take the
 * stack, is not parsed at all. Texts for people are never decoded, so no charset matters.
 *
 * A delivery is known by the envelope's recipient (VERP), as the MTA says it or as it left it in Delivered-To and its
 * like. A complaint goes to a mailbox that was agreed on, so there the mail that it encloses says it, which may be
 * redacted: the sender of its envelope, or its Message-ID, both signed.
 */
#include "bounce.h"

#include "bounce_scan.h"
#include "bounce_status.h"
#include "token.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 5
#define PARTS_MAX 50
#define HEADERS_MAX 200     /* of one header that are looked at */
#define FIELDS_MAX 20000    /* lines of a message that look like one */
#define COLONS_MAX 1000     /* of one field */
#define DELIMITERS_MAX 5000 /* lines that may begin a part */
#define TEXT_MAX 65536      /* of a part that is read */
#define VALUE_MAX 1000

/* --- which delivery ----------------------------------------------------------------------------------------------- */

typedef int read_fn(const uint8_t key[32], struct belfry_str address, char delivery[37]);

/* The first word of the value that is one of ours: an address among names, commas and brackets. */
static int find_signed(const uint8_t key[32], read_fn *read, struct belfry_str value, char delivery[37])
{
    size_t from = 0;
    if (value.len > VALUE_MAX)
        value.len = VALUE_MAX;
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && value.ptr[i] && !strchr(" \t\r\n<>,;:\"()", value.ptr[i]))
            continue;
        if (i > from && read(key, (struct belfry_str){value.ptr + from, i - from}, delivery))
            return 1;
        from = i + 1;
    }
    delivery[0] = 0;
    return 0;
}

static struct belfry_str raw_value(GMimeHeader *header)
{
    const char *value = g_mime_header_get_raw_value(header);
    return (struct belfry_str){value ? value : "", value ? strlen(value) : 0};
}

/* Whom the MTA delivered it to, where the envelope is not known. */
static int find_in_headers(const uint8_t key[32], read_fn *read, GMimeObject *object, char delivery[37])
{
    static const char *const names[] = {"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To"};
    GMimeHeaderList *list = g_mime_object_get_header_list(object);
    int count = g_mime_header_list_get_count(list);
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        for (int i = 0; i < count && i < HEADERS_MAX; i++) {
            GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
            if (strcasecmp(g_mime_header_get_name(header), names[n]) == 0 &&
                find_signed(key, read, raw_value(header), delivery))
                return 1;
        }
    }
    return 0;
}

static int find_delivery(const uint8_t key[32], read_fn *read, struct belfry_str recipient, GMimeObject *object,
                         char delivery[37])
{
    return find_signed(key, read, recipient, delivery) || find_in_headers(key, read, object, delivery);
}

/* A field of the mail that a complaint is about. */
static int find_in_field(const uint8_t key[32], struct belfry_str name, struct belfry_str value, char delivery[37])
{
    if (scan_is(name, "Return-Path") || scan_is(name, "Original-Mail-From"))
        return find_signed(key, verp_read, value, delivery);
    return scan_is(name, "Message-ID") && find_signed(key, message_id_read, value, delivery);
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* The decoded bytes of a part, to be unreferenced; NULL when it has none. */
static GByteArray *part_bytes(GMimeObject *part)
{
    GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
    GByteArray *bytes = g_byte_array_new();
    if (!content)
        return bytes;
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_data_wrapper_write_to_stream(content, stream);
    g_object_unref(stream);
    return bytes;
}

static struct belfry_str text_of(const GByteArray *bytes)
{
    return (struct belfry_str){bytes->data ? (const char *)bytes->data : "",
                               bytes->len < TEXT_MAX ? bytes->len : TEXT_MAX};
}

static int is_type(GMimeObject *part, const char *type, const char *subtype)
{
    GMimeContentType *content = g_mime_object_get_content_type(part);
    return content && g_mime_content_type_is_type(content, type, subtype);
}

static int is_status(GMimeObject *part)
{
    return is_type(part, "message", "delivery-status") || is_type(part, "message", "global-delivery-status");
}

static int is_complaint(GMimeObject *part)
{
    return is_type(part, "message", "feedback-report");
}

struct walk {
    int parts;
    GMimeMultipart *report; /* one of whose children is `what` */
    GMimeObject *what;
};

/* The first multipart with a child that says what happened: gateways wrap reports once more. */
static void find_report(GMimeObject *object, int depth, struct walk *walk)
{
    if (!GMIME_IS_MULTIPART(object) || depth > DEPTH_MAX)
        return;
    GMimeMultipart *multipart = GMIME_MULTIPART(object);
    int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count && !walk->what && walk->parts < PARTS_MAX; i++) {
        GMimeObject *child = g_mime_multipart_get_part(multipart, i);
        walk->parts++;
        if (is_status(child) || is_complaint(child)) {
            walk->report = multipart;
            walk->what = child;
        } else {
            find_report(child, depth + 1, walk);
        }
    }
}

/* --- RFC 5965 ----------------------------------------------------------------------------------------------------- */

static enum bounce_complaint complaint_of(struct belfry_str type)
{
    static const struct {
        const char *word;
        enum bounce_complaint complaint;
    } words[] = {{"abuse", BOUNCE_ABUSE},
                 {"fraud", BOUNCE_ABUSE},
                 {"opt-out", BOUNCE_OPT_OUT},
                 {"opt-out-list", BOUNCE_OPT_OUT}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (scan_is(type, words[i].word))
            return words[i].complaint;
    return BOUNCE_NO_COMPLAINT; /* not-spam, virus, auth-failure, what will come */
}

static void read_complaint(const uint8_t key[32], struct belfry_str text, struct bounce *out)
{
    struct belfry_str name, value;
    for (int fields = 0; fields < HEADERS_MAX && scan_field(&text, &name, &value); fields++) {
        if (scan_is(name, "Feedback-Type"))
            out->complaint = complaint_of(scan_before(value, '('));
        else if (!out->delivery[0])
            find_in_field(key, name, value, out->delivery);
    }
}

/* The mail itself, or only its header. */
static void read_enclosed(const uint8_t key[32], GMimeObject *part, struct bounce *out)
{
    if (GMIME_IS_MESSAGE_PART(part)) {
        GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
        GMimeHeaderList *list = message ? g_mime_object_get_header_list(GMIME_OBJECT(message)) : NULL;
        int count = list ? g_mime_header_list_get_count(list) : 0;
        for (int i = 0; i < count && i < HEADERS_MAX && !out->delivery[0]; i++) {
            GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
            const char *name = g_mime_header_get_name(header);
            find_in_field(key, (struct belfry_str){name, strlen(name)}, raw_value(header), out->delivery);
        }
    } else if (is_type(part, "text", "rfc822-headers") || is_type(part, "message", "rfc822-headers")) {
        GByteArray *bytes = part_bytes(part);
        struct belfry_str text = text_of(bytes), name, value;
        for (int i = 0; i < HEADERS_MAX && !out->delivery[0] && scan_field(&text, &name, &value); i++)
            find_in_field(key, name, value, out->delivery);
        g_byte_array_unref(bytes);
    }
}

/* --- the message -------------------------------------------------------------------------------------------------- */

static void read_report(const uint8_t key[32], const struct walk *walk, struct bounce *out)
{
    GByteArray *bytes = part_bytes(walk->what);
    if (is_status(walk->what)) {
        out->kind = BOUNCE_REPORT;
        bounce_status(text_of(bytes), out);
    } else {
        int count = g_mime_multipart_get_count(walk->report);
        out->kind = BOUNCE_COMPLAINT;
        read_complaint(key, text_of(bytes), out);
        for (int i = 0; i < count && i < PARTS_MAX && !out->delivery[0]; i++)
            read_enclosed(key, g_mime_multipart_get_part(walk->report, i), out);
    }
    g_byte_array_unref(bytes);
}

/* RFC 3834, 5. */
static int is_automatic(GMimeObject *object)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(object);
    GMimeHeader *header = g_mime_header_list_get_header(list, "Auto-Submitted");
    return header && !scan_is(scan_before(scan_before(raw_value(header), ';'), '('), "no");
}

static void read_message(const uint8_t key[32], struct belfry_str recipient, GMimeMessage *message, struct bounce *out)
{
    GMimeObject *object = GMIME_OBJECT(message), *body = g_mime_message_get_mime_part(message);
    struct walk walk = {0};
    if (body)
        find_report(body, 1, &walk);
    int ours = find_delivery(key, verp_read, recipient, object, out->delivery);
    if (walk.what)
        read_report(key, &walk, out);
    else if (is_automatic(object))
        out->kind = BOUNCE_AUTOMATIC;
    else if (!ours && find_delivery(key, unsub_read, recipient, object, out->delivery))
        out->kind = BOUNCE_UNSUBSCRIBE;
}

/* The line of an mbox, which some MTAs write before a message that they pipe. */
static struct belfry_str without_mbox_line(struct belfry_str message)
{
    if (message.len > 5 && memcmp(message.ptr, "From ", 5) == 0)
        scan_line(&message);
    return message;
}

static int count_of(struct belfry_str text, char c)
{
    int count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == c;
    return count;
}

/* "Name: value", as far as a parser may take it for that. */
static int is_field(struct belfry_str line)
{
    size_t n = 0;
    while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] <= '~' && !strchr(":{[\"", line.ptr[n]))
        n++;
    while (n < line.len && n > 0 && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
        n++;
    return n > 0 && n < line.len && line.ptr[n] == ':';
}

/* Nothing that GMime would spend the memory on, fields and parts, or the stack: a colon in a field of addresses begins
 * a group, and groups within groups are read by a function that calls itself. */
static int is_parsable(struct belfry_str message)
{
    int fields = 0, colons = 0, delimiters = 0, in_field = 0;
    while (message.len && fields <= FIELDS_MAX && colons <= COLONS_MAX && delimiters <= DELIMITERS_MAX) {
        struct belfry_str line = scan_line(&message);
        int more = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
        fields += !more && count_of(line, ':') > 0;
        in_field = more ? in_field : is_field(line);
        colons = (more ? colons : 0) + (in_field ? count_of(line, ':') : 0);
        delimiters += line.len > 2 && memcmp(line.ptr, "--", 2) == 0;
    }
    return fields <= FIELDS_MAX && colons <= COLONS_MAX && delimiters <= DELIMITERS_MAX;
}

void bounce_start(void)
{
    g_mime_init();
}

void bounce_read(const uint8_t key[32], struct belfry_str recipient, struct belfry_str message, struct bounce *out)
{
    *out = (struct bounce){.kind = BOUNCE_NOTHING};
    find_signed(key, verp_read, recipient, out->delivery); /* also of what is no message at all */
    message = without_mbox_line(message);
    if (!message.len || !is_parsable(message))
        return;
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(message.ptr, message.len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *parsed = g_mime_parser_construct_message(parser, NULL);
    if (parsed)
        read_message(key, recipient, parsed, out);
    if (parsed)
        g_object_unref(parsed);
    g_object_unref(parser);
    g_object_unref(stream);
}
