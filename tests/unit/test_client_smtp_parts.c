/* SPDX-License-Identifier: Apache-2.0 */
/* What the SMTP client reads and writes, without a connection: replies in pieces, content, addresses, URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chance.h"
#include "client/smtp_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* Less than n, the same each time. */
static unsigned chance(size_t n)
{
    static uint64_t seed;
    return (unsigned)pick(&seed, (int)n);
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *said;
    int code; /* 0: this is no reply */
    const char *enhanced, *text;
} replies[] = {
    {"250 2.1.5 ok\r\n", 250, "2.1.5", "ok"},
    {"250 ok\n", 250, "", "ok"},
    {"250\r\n", 250, "", ""},
    {"250 \r\n", 250, "", ""},
    {"550 5.1.1\r\n", 550, "5.1.1", ""},
    {"550 5.7.515 Access denied\r\n", 550, "5.7.515", "Access denied"},
    {"550-5.1.1 The account\r\n550-5.1.1 that you tried\r\n550 5.1.1 is none\r\n", 550, "5.1.1",
     "The account that you tried is none"},
    {"550-first\r\n550-\r\n550 last\r\n", 550, "", "first last"},
    {"550-No\r\n550 5.1.1 such user\r\n", 550, "5.1.1", "No such user"},
    {"450 5.1.1 mixed up\r\n", 450, "", "5.1.1 mixed up"}, /* not of the same class (RFC 2034) */
    {"550 5.1 too short\r\n", 550, "", "5.1 too short"},
    {"550 5.1.1234 too long\r\n", 550, "", "5.1.1234 too long"},
    {"550 5.1.1x\r\n", 550, "", "5.1.1x"},
    {"550 5..1 x\r\n", 550, "", "5..1 x"},
    {"354 3.0.0 go on\r\n", 354, "", "3.0.0 go on"}, /* there is no such class */
    {"550 \x1b[31mred\x07\t\xc3\xa4\x7f\r\n", 550, "", "?[31mred?????"},
    {"421 4.3.2 bye\r\r\n", 421, "4.3.2", "bye?"},
    {"+OK\r\n", 0, NULL, NULL},
    {"\r\n", 0, NULL, NULL},
    {"25\r\n", 0, NULL, NULL},
    {"2500 ok\r\n", 0, NULL, NULL},
    {"150 early\r\n", 0, NULL, NULL},
    {"650 late\r\n", 0, NULL, NULL},
    {"250-ok\r\nHTTP/1.1\r\n", 0, NULL, NULL},
    {" 250 ok\r\n", 0, NULL, NULL},
};

/* In pieces of this length; 0: of any. What comes last: WHOLE, NONSENSE or MORE. */
static enum smtp_read read_in_pieces(struct smtp_reply *r, const char *said, size_t len, size_t piece)
{
    enum smtp_read read = SMTP_READ_MORE;
    while (len && read != SMTP_READ_WHOLE && read != SMTP_READ_NONSENSE) {
        size_t n = piece ? piece : 1 + chance(7), used = 0;
        n = n < len ? n : len;
        read = smtp_reply_read(r, said, n, &used);
        assert_in_range(used, 1, n);
        said += used;
        len -= used;
    }
    assert_int_equal(len, 0);
    return read;
}

static void test_replies_in_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {100, 1, 2, 3, 0, 0};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
            struct smtp_reply r = {0};
            read_in_pieces(&r, "550-5.5.5 what was before\r\n550 is gone\r\n", 40, pieces[k]);
            enum smtp_read read = read_in_pieces(&r, replies[i].said, strlen(replies[i].said), pieces[k]);
            if (read != (replies[i].code ? SMTP_READ_WHOLE : SMTP_READ_NONSENSE))
                fail_msg("%s: %d", replies[i].said, read);
            if (replies[i].code && (r.code != replies[i].code || strcmp(r.enhanced, replies[i].enhanced) != 0 ||
                                    strcmp(r.text, replies[i].text) != 0))
                fail_msg("%s: %d %s %s", replies[i].said, r.code, r.enhanced, r.text);
        }
}

/* Whatever a server says, what is kept is short and can be shown. */
static void test_replies_of_chance(void **state)
{
    (void)state;
    static const char *const words[] = {"250", "550", " ", "-", "\r\n", "\n", "\r", "5.1.1 ", "x", "\x80", "421 4."};
    static char said[40000];
    for (int round = 0; round < 2000; round++) {
        struct smtp_reply r = {0};
        size_t len = 0, at = 0, used = 0;
        while (len < (round % 20 ? 300u : 30000u)) {
            const char *word = words[chance(sizeof(words) / sizeof(words[0]))];
            for (unsigned again = 1 + chance(round % 20 ? 3 : 3000); again > 0 && len + 8 < sizeof(said); again--)
                len += (size_t)snprintf(said + len, 8, "%s", word);
        }
        said[chance((unsigned)len)] = '\0';
        for (; at < len; at += used) {
            smtp_reply_read(&r, said + at, len - at, &used);
            assert_true(used > 0);
            assert_int_equal(strlen(r.text), r.text_len);
            assert_true(r.text_len <= SMTP_TEXT_MAX && r.line_len <= SMTP_LINE_MAX);
            assert_true(!r.code || (r.code >= 200 && r.code <= 599));
            assert_int_equal(strspn(r.enhanced, "245.0136789"), strlen(r.enhanced));
            for (const char *p = r.text; *p; p++)
                assert_true(*p >= ' ' && *p <= '~');
        }
    }
}

/* --- content ------------------------------------------------------------------------------------------------------ */

static int is_canonical(struct belfry_str s)
{
    size_t line = 0;
    for (size_t i = 0; i < s.len; i++, line++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == 0 || c > 0x7f || line > 999)
            return 0;
        if (c == '\r' && (i + 1 == s.len || s.ptr[i + 1] != '\n'))
            return 0;
        if (c == '\n' && (i == 0 || s.ptr[i - 1] != '\r'))
            return 0;
        if (c == '\n')
            line = (size_t)-1;
    }
    return s.len >= 2 && s.ptr[s.len - 1] == '\n';
}

/* As a server does it (RFC 5321 section 4.5.2): up to the first line that is a dot. Returns what is left behind it. */
static struct belfry_str unstuff(struct belfry_str wire, struct buf *out)
{
    for (;;) {
        const char *lf = memchr(wire.ptr, '\n', wire.len);
        assert_non_null(lf);
        size_t n = (size_t)(lf - wire.ptr) + 1;
        struct belfry_str line = str_slice(wire.ptr, n);
        wire = str_slice(wire.ptr + n, wire.len - n);
        if (str_eq(line, STR(".\r\n")))
            return wire;
        buf_adds(out, line.ptr[0] == '.' ? str_slice(line.ptr + 1, n - 1) : line);
    }
}

/* What a server makes of it is the message, byte by byte, or nothing is sent at all. */
static void test_content_of_chance(void **state)
{
    (void)state;
    static const char *const words[] = {"\r\n", "\r\n", ".",  "\r\n.", "\r\n.\r\n", "x",
                                        "..",   "\n",   "\r", "QUIT",  "\x80"};
    struct buf message = {0}, wire = {0}, back = {0};
    int sent = 0, refused = 0;
    for (int round = 0; round < 20000; round++) {
        buf_clear(&message);
        buf_clear(&wire);
        buf_clear(&back);
        /* mostly of words that are right, else hardly one of them would be sent */
        for (unsigned n = chance(12); n > 0; n--)
            buf_addz(&message, words[chance(chance(8) ? 7 : sizeof(words) / sizeof(words[0]))]);
        if (chance(4))
            buf_addz(&message, "\r\n");
        if (message.len && !chance(50))
            message.ptr[chance((unsigned)message.len)] = '\0';
        const char *fault = smtp_content(buf_str(&message), &wire);
        assert_int_equal(fault == NULL, is_canonical(buf_str(&message)));
        sent += !fault;
        refused += fault != NULL;
        if (fault)
            continue;
        assert_int_equal(unstuff(buf_str(&wire), &back).len, 0);
        assert_true(str_eq(buf_str(&back), buf_str(&message)));
    }
    assert_true(sent > 2000 && refused > 2000);
    buf_free(&message);
    buf_free(&wire);
    buf_free(&back);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void test_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int loopback;
    } addresses[] = {{"127.0.0.1", 1},
                     {"127.255.255.254", 1},
                     {"::1", 1},
                     {"::ffff:127.0.0.1", 1},
                     {"126.255.255.255", 0},
                     {"128.0.0.1", 0},
                     {"0.0.0.0", 0},
                     {"10.0.0.1", 0},
                     {"::", 0},
                     {"::2", 0},
                     {"::ffff:10.0.0.1", 0},
                     {"::127.0.0.1", 0},
                     {"fe80::1", 0},
                     {"7f00::1", 0},
                     {"192.0.2.127", 0}};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        unsigned char bytes[16];
        int family = strchr(addresses[i].address, ':') ? AF_INET6 : AF_INET;
        assert_int_equal(inet_pton(family, addresses[i].address, bytes), 1);
        if (smtp_address_is_loopback(family, bytes) != addresses[i].loopback)
            fail_msg("%s", addresses[i].address);
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        int port, implicit_tls, loopback;
    } urls[] = {{"smtp://127.0.0.1", "127.0.0.1", 25, 0, 1},
                {"smtp://127.1:2525", "127.0.0.1", 2525, 0, 1},
                {"smtp://2130706433", "127.0.0.1", 25, 0, 1},
                {"smtp://[::1]:25", "[::1]", 25, 0, 1},
                {"smtp://[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", 25, 0, 1},
                {"smtp://localhost/", "localhost", 25, 0, 1},
                {"SMTP://LOCALHOST:587", "LOCALHOST", 587, 0, 1},
                {"smtps://mail.example", "mail.example", 465, 1, 0},
                {"smtps://mail.example:25", "mail.example", 25, 1, 0},
                {"smtp://localhost.mail.example", "localhost.mail.example", 25, 0, 0},
                {"smtp://127.0.0.1.mail.example", "127.0.0.1.mail.example", 25, 0, 0},
                {"smtp://xn--mil-qla.example", "xn--mil-qla.example", 25, 0, 0},
                {"smtp://[::]", "[::]", 25, 0, 0},
                {"smtp://0.0.0.0", "0.0.0.0", 25, 0, 0},
                {"smtp://[fe80::127]", "[fe80::127]", 25, 0, 0},
                {"smtp://192.0.2.1", "192.0.2.1", 25, 0, 0}};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct smtp_address a = {0};
        const char *fault = smtp_url_read(urls[i].url, &a);
        if (fault || strcmp(a.host, urls[i].host) != 0 || a.port != urls[i].port ||
            a.implicit_tls != urls[i].implicit_tls || a.loopback != urls[i].loopback)
            fail_msg("%s: %s %s %d %d %d", urls[i].url, fault ? fault : "", a.host, a.port, a.implicit_tls, a.loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_in_pieces),
        cmocka_unit_test(test_replies_of_chance),
        cmocka_unit_test(test_content_of_chance),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
