/* SPDX-License-Identifier: Apache-2.0 */
/* The SMTP client: each way in which a mail can end, what is heard on the wire, and what is let nowhere near it. */
#include "smtp_bed.h"

#include <dlfcn.h>
#include <netdb.h>

/* mail.example is this machine, though its name does not say so; nowhere.example is none. libcurl's call comes here,
 * because a program's own symbols go first. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (name && strcmp(name, "nowhere.example") == 0)
        return EAI_NONAME;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name && strcmp(name, "mail.example") == 0 ? "127.0.0.1" : name, service, hints, out);
}

/* --- how a mail ends ---------------------------------------------------------------------------------------------- */

enum { PLAIN, STARTTLS, SMTPS, NO_CA, WRONG_NAME, BY_NAME };

static const struct row {
    const char *name;
    struct script script;
    int how;
    const char *username;
    uint32_t error, stage;
    int code;
    const char *enhanced, *text; /* text: how the server's begins; NULL: it is empty */
    const char *why;             /* a part of error_text; NULL: it is empty */
} rows[] = {
    {"accepted", {0}, .error = BELFRY_SMTP_ERR_NONE, .stage = 5, 250, "2.0.0", "queued as 4711"},
    {"accepted with 251", {.end = "251 will forward"}, .error = 0, .stage = 5, 251, "", "will forward"},
    {"greeting 554",
     {.greeting = "554 5.7.1 not you"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 0,
     554,
     "5.7.1",
     "not you"},
    {"greeting 421",
     {.greeting = "421 4.3.2 later"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 0,
     421,
     "4.3.2",
     "later"},
    {"no greeting", {.greeting = ""}, .error = BELFRY_SMTP_ERR_LOST, .stage = 0, .why = ""},
    {"another protocol",
     {.greeting = "HTTP/1.1 400 Bad Request"},
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 0,
     .why = "no SMTP"},
    {"greeting of several lines",
     {.greeting = "220-mail.example\r\n220-no spam\r\n220 ESMTP"},
     .error = 0,
     .stage = 5,
     250,
     "2.0.0",
     "queued"},
    {"EHLO unknown, HELO will do", {.ehlo = "502 5.5.1 what?"}, .error = 0, .stage = 5, 250, "2.0.0", "queued"},
    {"EHLO and HELO refused",
     {.ehlo = "550 5.7.1 no", .helo = "550 5.7.1 no name of yours"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 0,
     550,
     "5.7.1",
     "no name of yours"},

    {"MAIL 4xx",
     {.mail = "451 4.3.0 try later"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     451,
     "4.3.0",
     "try later"},
    {"MAIL 5xx",
     {.mail = "530 5.7.0 Must issue a STARTTLS command first"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     530,
     "5.7.0",
     "Must issue"},
    {"RCPT 4xx",
     {.rcpt = "450 4.2.1 slow down"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     450,
     "4.2.1",
     "slow down"},
    {"RCPT 5xx, several lines",
     {.rcpt = "550-5.1.1 The account\r\n550-5.1.1 does not exist.\r\n550 5.1.1 Sorry"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     550,
     "5.1.1",
     "The account does not exist. Sorry"},
    {"DATA 4xx",
     {.data = "451 4.7.1 greylisted"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     451,
     "4.7.1",
     "greylisted"},
    {"DATA 5xx without an enhanced code",
     {.data = "554 no valid recipients"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     554,
     "",
     "no valid recipients"},
    {"pipelined, MAIL refused",
     {.ehlo = EHLO_PIPELINING,
      .mail = "552 5.3.4 too big",
      .rcpt = "503 5.5.1 MAIL first",
      .data = "503 5.5.1 RCPT first"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     552,
     "5.3.4",
     "too big"},
    {"pipelined, RCPT refused",
     {.ehlo = EHLO_PIPELINING, .rcpt = "550 5.1.1 nobody", .data = "554 5.5.1 no recipients"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     550,
     "5.1.1",
     "nobody"},
    {"pipelined, RCPT refused and content asked for",
     {.ehlo = EHLO_PIPELINING, .rcpt = "550 5.1.1 nobody"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     550,
     "5.1.1",
     "nobody"},
    {"pipelined, RCPT 421",
     {.ehlo = EHLO_PIPELINING, .rcpt = "421 4.3.2 going down"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     421,
     "4.3.2",
     "going down"},
    {"pipelined, RCPT refused and closed",
     {.ehlo = EHLO_PIPELINING, .rcpt = "!550 5.1.1 nobody"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     550,
     "5.1.1",
     "nobody"},
    {"the first MAIL gets 421",
     {.mail = "421 4.3.2 closing"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 3,
     421,
     "4.3.2",
     "closing"},
    {"the first MAIL is cut off", {.mail = ""}, .error = BELFRY_SMTP_ERR_LOST, .stage = 3, .why = "closed"},
    {"RCPT is answered with nonsense",
     {.rcpt = "354 go on"},
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 3,
     .why = "makes no sense"},
    {"MAIL is answered in another language",
     {.mail = "+OK"},
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 3,
     .why = "no SMTP"},

    {"dot 4xx", {.end = "452 4.3.1 disk full"}, .error = BELFRY_SMTP_ERR_REPLY, .stage = 5, 452, "4.3.1", "disk full"},
    {"dot 5xx",
     {.end = "550 5.7.26 unauthenticated"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 5,
     550,
     "5.7.26",
     "unauthenticated"},
    {"dot 421",
     {.end = "421 4.3.0 queue file write error"},
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 5,
     421,
     "4.3.0",
     "queue file"},
    {"cut off after the dot", {.end = ""}, .error = BELFRY_SMTP_ERR_LOST, .stage = 5, .why = "closed"},
    {"dot is answered with nonsense",
     {.end = "354 more"},
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 5,
     .why = "makes no sense"},
    {"two answers to the dot", {.end = "250 2.0.0 ok\r\n250 2.0.0 ok"}, .error = 0, .stage = 5, 250, "2.0.0", "ok"},

    {"AUTH PLAIN",
     {.ehlo = "250-hello\r\n250 AUTH PLAIN"},
     .username = "ann",
     .error = 0,
     .stage = 5,
     250,
     "2.0.0",
     "queued"},
    {"AUTH LOGIN",
     {.ehlo = "250-hello\r\n250 AUTH LOGIN"},
     .username = "ann",
     .error = 0,
     .stage = 5,
     250,
     "2.0.0",
     "queued"},
    {"AUTH 535",
     {.ehlo = EHLO_AUTH, .auth = "535 5.7.8 bad credentials"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_AUTH,
     .stage = 2,
     535,
     "5.7.8",
     "bad credentials",
     .why = ""},
    {"AUTH 454",
     {.ehlo = EHLO_AUTH, .auth = "454 4.7.0 directory is down"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_AUTH,
     .stage = 2,
     454,
     "4.7.0",
     "directory is down",
     .why = ""},
    {"AUTH 421",
     {.ehlo = EHLO_AUTH, .auth = "421 4.7.0 too many"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_REPLY,
     .stage = 2,
     421,
     "4.7.0",
     "too many"},
    {"AUTH is cut off",
     {.ehlo = EHLO_AUTH, .auth = ""},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 2,
     .why = ""},
    {"no AUTH offered",
     {.ehlo = "250 hello"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_AUTH,
     .stage = 2,
     .why = "does not offer AUTH"},
    {"no AUTH that we speak",
     {.ehlo = "250-hello\r\n250 AUTH CRAM-MD5 GSSAPI NTLM"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_AUTH,
     .stage = 2,
     .why = ""},
    {"the password comes back",
     {.ehlo = EHLO_AUTH, .auth = "535 5.7.8 no AGFubgBvcGVuIHNlc2FtZQ== here"},
     .username = "ann",
     .error = BELFRY_SMTP_ERR_AUTH,
     .stage = 2,
     535,
     "5.7.8",
     "(not shown",
     .why = ""},

    {"STARTTLS", {0}, STARTTLS, .error = 0, .stage = 5, 250, "2.0.0", "queued"},
    {"STARTTLS, then AUTH",
     {.ehlo = "250-hello\r\n250 STARTTLS|" EHLO_AUTH},
     STARTTLS,
     "ann",
     .error = 0,
     .stage = 5,
     250,
     "2.0.0",
     "queued"},
    {"AUTH before TLS alone",
     {.ehlo = EHLO_AUTH "\r\n250 STARTTLS|250 hello"},
     STARTTLS,
     "ann",
     BELFRY_SMTP_ERR_TLS,
     .stage = 1,
     .why = ""},
    {"STARTTLS missing", {.ehlo = "250 hello"}, STARTTLS, .error = BELFRY_SMTP_ERR_TLS, .stage = 1, .why = "STARTTLS"},
    {"STARTTLS 454",
     {.starttls = "454 4.7.0 TLS not available"},
     STARTTLS,
     .error = BELFRY_SMTP_ERR_TLS,
     .stage = 1,
     454,
     "4.7.0",
     "TLS not available",
     .why = "STARTTLS"},
    {"STARTTLS is cut off", {.starttls = ""}, STARTTLS, .error = BELFRY_SMTP_ERR_LOST, .stage = 1, .why = ""},
    {"words behind the 220 of STARTTLS",
     {.starttls = "220 go\r\n250-forged\r\n250 SIZE 1"},
     STARTTLS,
     .error = BELFRY_SMTP_ERR_LOST,
     .stage = 1,
     .why = ""},
    {"certificate of an unknown issuer", {0}, NO_CA, .error = BELFRY_SMTP_ERR_TLS, .stage = 1, .why = "certificate"},
    {"certificate for another name", {0}, WRONG_NAME, .error = BELFRY_SMTP_ERR_TLS, .stage = 1, .why = "localhost"},
    {"TLS 1.1", {.tls_1_1 = 1}, STARTTLS, .error = BELFRY_SMTP_ERR_TLS, .stage = 1, .why = ""},
    {"smtps", {.implicit_tls = 1}, SMTPS, .error = 0, .stage = 5, 250, "2.0.0", "queued"},
    {"smtps to a server without", {0}, SMTPS, .error = BELFRY_SMTP_ERR_TLS, .stage = 1, .why = ""},
    {"a name that leads to loopback is no loopback",
     {.ehlo = "250 hello"},
     BY_NAME,
     .error = BELFRY_SMTP_ERR_TLS,
     .stage = 1,
     .why = "STARTTLS"},
};

static void run_row(const struct row *row)
{
    struct bed bed;
    char url[64];
    begin(&bed, &row->script);
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.ca_file = row->how == NO_CA ? NULL : bed.server.ca_file;
    mail.tls = row->how == PLAIN || row->how == BY_NAME ? BELFRY_SMTP_TLS_AUTO : BELFRY_SMTP_TLS_REQUIRED;
    snprintf(url, sizeof(url), "smtp://%s:%d", row->how == WRONG_NAME ? "localhost" : "mail.example", bed.server.port);
    if (row->how == WRONG_NAME || row->how == BY_NAME)
        mail.url = url;
    else if (row->how == SMTPS)
        mail.url = bed.server.tls_url;
    mail.username = row->username;
    mail.password = row->username ? "open sesame" : NULL;
    struct got g = send_mail(&bed, &mail);
    if (g.error != row->error || g.stage != row->stage || g.code != row->code ||
        strcmp(g.enhanced, row->enhanced ? row->enhanced : "") != 0)
        fail_msg("%s: error %u, stage %u, %d %s %s (%s)", row->name, g.error, g.stage, g.code, g.enhanced, g.text,
                 g.error_text);
    if (row->text ? strncmp(g.text, row->text, strlen(row->text)) != 0 : g.text[0] != '\0')
        fail_msg("%s: text %s", row->name, g.text);
    if (row->why ? !strstr(g.error_text, row->why) || !g.error_text[0] : g.error_text[0] != '\0')
        fail_msg("%s: error_text %s", row->name, g.error_text);
    if (g.error == 0 && g.encrypted != (row->how != PLAIN))
        fail_msg("%s: encrypted %u", row->name, g.encrypted);
    assert_int_equal(g.reused, 0);
    assert_int_equal(atomic_load(&bed.server.accepted), 1); /* nothing was tried twice */
    assert_null(strstr(g.text, "sesame"));
    assert_null(strstr(g.text, "AGFubgBv"));
    if (row->stage < BELFRY_SMTP_STAGE_ENVELOPE)
        assert_null(strstr(server_log(&bed.server), "MAIL")); /* the recipient of a bad connection hears of no mail */
    if (row->error == BELFRY_SMTP_ERR_TLS)
        assert_null(strstr(server_log(&bed.server), "AUTH"));
    end(&bed);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_row(&rows[i]);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct bed bed;
    struct got g;
    char url[64];
    begin(&bed, &(struct script){0});
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.url = "smtp://nowhere.example";
    g = send_mail(&bed, &mail);
    assert_int_equal(g.error, BELFRY_SMTP_ERR_DNS);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, and nobody listens */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", ntohs(address.sin_port));
    mail.url = url;
    g = send_mail(&bed, &mail);
    assert_int_equal(g.error, BELFRY_SMTP_ERR_CONNECT);
    assert_int_equal(g.stage, BELFRY_SMTP_STAGE_CONNECT);
    assert_true(g.error_text[0]);
    close(fd);
    mail.url = bed.server.url;
    mail.ca_file = "/nonexistent/ca.pem";
    mail.tls = BELFRY_SMTP_TLS_REQUIRED;
    assert_int_equal(send_mail(&bed, &mail).error, BELFRY_SMTP_ERR_TLS);
    end(&bed);
}

/* --- on the wire -------------------------------------------------------------------------------------------------- */

static void expect_log(struct bed *bed, const char *text)
{
    if (strcmp(server_log(&bed->server), text) != 0)
        fail_msg("heard:\n%sexpected:\n%s", server_log(&bed->server), text);
}

static void test_commands(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed, &(struct script){0});
    struct got g = send_to(&bed, "jane@example.org");
    assert_int_equal(g.error, 0);
    assert_true(g.elapsed_us > 0);
    expect_log(&bed, "1 EHLO bounce.acme.example\n1 MAIL FROM:<b+1.x@bounce.acme.example>\n"
                     "1 RCPT TO:<jane@example.org>\n1 DATA\n");
    end(&bed);
    /* with what the server offers after STARTTLS, and not what it offered before */
    begin(&bed, &(struct script){.ehlo = "250-hello\r\n250-SIZE 5\r\n250 STARTTLS|250-hello\r\n250 AUTH PLAIN"});
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.from = "root@[192.0.2.1]"; /* no name to greet with */
    mail.tls = BELFRY_SMTP_TLS_REQUIRED;
    mail.ca_file = bed.server.ca_file;
    mail.username = "ann";
    mail.password = "open sesame";
    assert_int_equal(send_mail(&bed, &mail).error, 0);
    expect_log(&bed, "1 EHLO localhost\n1 STARTTLS\n1 EHLO localhost\n1 AUTH PLAIN\n1 AGFubgBvcGVuIHNlc2FtZQ==\n"
                     "1 MAIL FROM:<root@[192.0.2.1]>\n1 RCPT TO:<jane@example.org>\n1 DATA\n");
    end(&bed);
    begin(&bed, &(struct script){.ehlo = "250-hello\r\n250-size\r\n250 AUTH LOGIN"});
    mail = mail_to(&bed, "jane@example.org");
    mail.username = "ann";
    mail.password = "open sesame";
    assert_int_equal(send_mail(&bed, &mail).error, 0);
    expect_log(&bed, "1 EHLO bounce.acme.example\n1 AUTH LOGIN\n1 YW5u\n1 b3BlbiBzZXNhbWU=\n"
                     "1 MAIL FROM:<b+1.x@bounce.acme.example> SIZE=23\n1 RCPT TO:<jane@example.org>\n1 DATA\n");
    end(&bed);
}

static void test_content_on_the_wire(void **state)
{
    (void)state;
    static const struct {
        const char *message, *wire;
    } contents[] = {
        {"A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n.\r\n"},
        {".\r\n", "..\r\n.\r\n"},
        {"A: b\r\n\r\n.\r\n..\r\n.x\r\nx.\r\n", "A: b\r\n\r\n..\r\n...\r\n..x\r\nx.\r\n.\r\n"},
        {"A: b\r\n\r\nQUIT\r\n.\r\nMAIL FROM:<evil@example.org>\r\n",
         "A: b\r\n\r\nQUIT\r\n..\r\nMAIL FROM:<evil@example.org>\r\n.\r\n"},
    };
    struct bed bed;
    begin(&bed, &(struct script){0});
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
        mail.message = str_of(contents[i].message);
        assert_int_equal(send_mail(&bed, &mail).error, 0);
        assert_string_equal(bed.server.content.ptr, contents[i].wire);
    }
    assert_int_equal(atomic_load(&bed.server.accepted), 1);
    assert_null(strstr(server_log(&bed.server), "evil"));
    end(&bed);
}

/* More than a socket takes at once. */
static void test_a_large_message(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct bed bed;
        struct buf message = {0}, wire = {0};
        begin(&bed, &(struct script){0});
        for (int i = 0; i < 200000; i++) {
            buf_addf(&message, "%sline %d\r\n", i % 3 ? "" : ".", i);
            buf_addf(&wire, "%sline %d\r\n", i % 3 ? "" : "..", i);
        }
        buf_addz(&wire, ".\r\n");
        struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
        mail.message = buf_str(&message);
        mail.ca_file = bed.server.ca_file;
        mail.tls = tls ? BELFRY_SMTP_TLS_REQUIRED : BELFRY_SMTP_TLS_AUTO;
        struct got g = send_mail(&bed, &mail);
        assert_int_equal(g.error, 0);
        assert_int_equal(g.encrypted, tls);
        assert_true(str_eq(buf_str(&bed.server.content), buf_str(&wire)));
        end(&bed);
        buf_free(&message);
        buf_free(&wire);
    }
}

/* What would be a command of somebody else, or a second message, is sent to nobody. */
static void test_refused_at_the_door(void **state)
{
    (void)state;
    static char long_address[300], long_line[1100];
    snprintf(long_address, sizeof(long_address), "%0244d@example.org", 0);
    memset(long_line, 'x', 999);
    memcpy(long_line + 999, "\r\n", 3);
    const struct {
        const char *url, *from, *to, *username, *password, *message;
        uint32_t tls, error;
    } doors[] = {
        {.to = "", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "@example.org", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@example.org>\r\nRCPT TO:<evil@example.org", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@example.org\nDATA", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@example.org\r", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "<jane@example.org>", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@example.org NOTIFY=NEVER", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@example.org\tx", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "j\x7f@example.org", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "jane@ex\xc3\xa4mple.org", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = "j\xc3\xa4ne@example.org", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.to = long_address, .error = BELFRY_SMTP_ERR_ADDRESS},
        {.from = "", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.from = "<>", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.from = "hub@acme.example> SIZE=1\r\nRSET", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.from = "h\xc3\xbc@acme.example", .error = BELFRY_SMTP_ERR_ADDRESS},
        {.url = "", .error = BELFRY_SMTP_ERR_URL},
        {.url = "127.0.0.1:25", .error = BELFRY_SMTP_ERR_URL},
        {.url = "http://127.0.0.1/", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://127.0.0.1/evil%0d%0aRSET", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://127.0.0.1/name", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://127.0.0.1?x", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://127.0.0.1#x", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://u:p@127.0.0.1", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://u;AUTH=NTLM@127.0.0.1", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://127.0.0.1\r\nx", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://m\xc3\xa4il.example", .error = BELFRY_SMTP_ERR_URL},
        {.url = "smtp://mail.example", .tls = BELFRY_SMTP_TLS_OFF, .error = BELFRY_SMTP_ERR_TLS},
        {.url = "smtp://192.0.2.1", .tls = BELFRY_SMTP_TLS_OFF, .error = BELFRY_SMTP_ERR_TLS},
        {.username = "ann\r\nRSET", .password = "x", .error = BELFRY_SMTP_ERR_AUTH},
        {.username = "ann b", .password = "x", .error = BELFRY_SMTP_ERR_AUTH},
        {.username = "ann", .error = BELFRY_SMTP_ERR_AUTH},
        {.message = "", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\n.\nMAIL FROM:<evil@example.org>\r\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\n.\r\nRSET\r\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\r.\r\nRSET\r\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\r\r\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\nx\r", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = "A: b\r\n\r\n\xc3\xa4\r\n", .error = BELFRY_SMTP_ERR_MESSAGE},
        {.message = long_line, .error = BELFRY_SMTP_ERR_MESSAGE},
    };
    struct bed bed;
    begin(&bed, &(struct script){0});
    for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
        struct belfry_smtp_mail mail = mail_to(&bed, doors[i].to ? doors[i].to : "jane@example.org");
        mail.url = doors[i].url ? doors[i].url : mail.url;
        mail.from = doors[i].from ? doors[i].from : mail.from;
        mail.message = doors[i].message ? str_of(doors[i].message) : mail.message;
        mail.username = doors[i].username;
        mail.password = doors[i].password;
        mail.tls = doors[i].tls;
        struct got g = send_mail(&bed, &mail);
        if (g.error != doors[i].error || !g.error_text[0] || g.code)
            fail_msg("row %zu: error %u (%s)", i, g.error, g.error_text);
    }
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.message = str_slice("A: b\r\n\r\nx\0y\r\n", 13);
    assert_int_equal(send_mail(&bed, &mail).error, BELFRY_SMTP_ERR_MESSAGE);
    mail.url = mail.from = mail.to = NULL;
    assert_int_equal(send_mail(&bed, &mail).error, BELFRY_SMTP_ERR_URL);
    assert_int_equal(atomic_load(&bed.server.accepted), 0);
    assert_true(list_empty(&bed.client->servers));
    end(&bed);
}

static void test_long_replies(void **state)
{
    (void)state;
    static char answer[16000], ehlo[16000];
    snprintf(answer, sizeof(answer), "550-5.1.1 %08000d\r\n550 5.1.1 the end", 0);
    snprintf(ehlo, sizeof(ehlo), "250-X%08000d\r\n250 PIPELINING", 0);
    struct bed bed;
    begin(&bed, &(struct script){.ehlo = ehlo, .rcpt = answer, .data = "503 5.5.1 no"});
    struct got g = send_to(&bed, "jane@example.org");
    assert_int_equal(g.error, BELFRY_SMTP_ERR_REPLY);
    assert_int_equal(g.code, 550);
    assert_string_equal(g.enhanced, "5.1.1");
    assert_int_equal(strlen(g.text), SMTP_TEXT_MAX);
    end(&bed);
}

/* The loop belongs to others too: who never stops talking is left. */
static void test_endless_replies(void **state)
{
    (void)state;
    static const struct script scripts[] = {{.greeting = "*220-no end"},
                                            {.ehlo = "*250-no end"},
                                            {.rcpt = "*250-no end"},
                                            {.end = "*250-no end"},
                                            {.end = "*250 and again"}};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct bed bed;
        begin(&bed, &scripts[i]);
        struct got g = send_to(&bed, "jane@example.org");
        assert_int_equal(g.error, i < 4 ? BELFRY_SMTP_ERR_LOST : BELFRY_SMTP_ERR_NONE);
        end(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_content_on_the_wire),
        cmocka_unit_test(test_a_large_message),
        cmocka_unit_test(test_refused_at_the_door),
        cmocka_unit_test(test_long_replies),
        cmocka_unit_test(test_endless_replies),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
