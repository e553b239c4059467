/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of a mail, byte for byte as GMime's own parts, streams and filters write them, over texts of chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gmime/gmime.h>

#include "../../plugins/email/message.h"

#include "chance.h"

#define ROOM 4000

static struct address from, to;

static GMimeObject *gmime_part(const char *subtype, struct belfry_str text)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.ptr, text.len);
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_object_unref(content);
    g_object_unref(stream);
    return GMIME_OBJECT(part);
}

static GMimeObject *gmime_body(const struct message *m, const char *boundary)
{
    if (!m->html.len)
        return gmime_part("plain", m->text);
    GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
    GMimeObject *parts[] = {gmime_part("plain", m->text), gmime_part("html", m->html)};
    g_mime_multipart_set_boundary(both, boundary);
    for (size_t i = 0; i < 2; i++) {
        g_mime_multipart_add(both, parts[i]);
        g_object_unref(parts[i]);
    }
    return GMIME_OBJECT(both);
}

/* With a newline at the end, which a mail has. */
static GString *gmime_bytes(const struct message *m, const char *boundary)
{
    GMimeObject *body = gmime_body(m, boundary);
    GMimeStream *stream = g_mime_stream_mem_new();
    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_object_write_to_stream(body, options, stream);
    const GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    GString *out = g_string_new_len((const char *)bytes->data, (gssize)bytes->len);
    if (out->str[out->len - 1] != '\n')
        g_string_append(out, "\r\n");
    g_mime_format_options_free(options);
    g_object_unref(stream);
    g_object_unref(body);
    return out;
}

static void expect_same(const struct message *m)
{
    size_t size;
    const char *fault;
    char boundary[64] = "", *written = message_write(m, &size, &fault);
    assert_non_null(written);
    const char *at = strstr(written, "; boundary=\""), *body = strstr(written, "\r\nContent-Type: ");
    assert_int_equal(at != NULL, m->html.len > 0);
    if (at)
        memcpy(boundary, at + 12, strcspn(at + 12, "\""));
    GString *expected = gmime_bytes(m, boundary);
    assert_non_null(body);
    assert_string_equal(body + 2, expected->str);
    assert_int_equal(written + size - (body + 2), expected->len);
    g_string_free(expected, TRUE);
    free(written);
}

static struct belfry_str text_of_chance(uint64_t *seed, char out[ROOM])
{
    static const char *const pieces[] = {"a",
                                         "word ",
                                         " ",
                                         "\t",
                                         "\n",
                                         "\n\n",
                                         " \n",
                                         "\t\n",
                                         "=",
                                         "\n.\n",
                                         "...",
                                         "\nFrom",
                                         "é",
                                         "€",
                                         "\x01",
                                         "\x7f",
                                         "\u00a0",
                                         "\u2028",
                                         "日本語",
                                         "\U0001f468",
                                         "--",
                                         "=_",
                                         "=\n",
                                         "&amp;",
                                         "<p class=\"x\">",
                                         "a sentence of some length, as people write them",
                                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    size_t len = 0;
    for (int n = pick(seed, pick(seed, 2) ? 6 : 50); n > 0; n--) {
        const char *piece = pieces[pick(seed, sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(out + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return (struct belfry_str){out, len};
}

static void test_bodies_are_gmimes(void **state)
{
    (void)state;
    static char text[ROOM], html[ROOM];
    uint64_t seed = 20260101;
    struct message m = {.from = &from,
                        .to = &to,
                        .subject = belfry_str("x"),
                        .message_id = belfry_str("d.1@hub.example"),
                        .date_ms = 1763668740000};
    for (int run = 0; run < 4000; run++) {
        m.text = text_of_chance(&seed, text);
        m.html = text_of_chance(&seed, html);
        if (run % 4 == 0)
            m.html.len = 0;
        expect_same(&m);
    }
}

static int setup(void **state)
{
    const char *fault;
    (void)state;
    g_mime_init();
    return !(address_read(belfry_str("notify@hub.example"), &from, &fault) &&
             address_read(belfry_str("jane@example.org"), &to, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_are_gmimes),
    };
    return cmocka_run_group_tests_name("bodies", tests, setup, NULL);
}
