/* SPDX-License-Identifier: Apache-2.0 */
/* The address guard: first, last and neighbours of every refused range, addresses inside of addresses, allowed ranges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "client/client.h"

#include <arpa/inet.h>

static int allowed(const char *text, const struct client_cidrs *allow)
{
    uint8_t address[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, address) != 1)
        fail_msg("%s is no address", text);
    return client_address_allowed(family, address, allow);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *first, *last, *before, *after; /* NULL: the neighbour is refused too, or there is none */
    } rows[] = {
        {"0.0.0.0", "0.255.255.255", NULL, "1.0.0.0"},
        {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
        {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
        {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
        {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
        {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
        {"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
        {"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
        {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
        {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
        {"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
        {"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
        {"224.0.0.0", "239.255.255.255", "223.255.255.255", NULL},
        {"240.0.0.0", "255.255.255.255", NULL, NULL},
        {"::", "::ffff", NULL, NULL},
        {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
        {"0:1::", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
        {"100::", "100::ffff:ffff:ffff:ffff", NULL, "100:0:0:1::"},
        {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::", NULL},
        {"2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "2001:200::"},
        {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7::", "2001:db9::"},
        {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::", "2003::"},
        {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe::", "3fff:1000::"},
        {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5eff::", "5f01::"},
        {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff::", "fe00::"},
        {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f::", NULL},
        {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
        {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (allowed(rows[i].first, NULL) || allowed(rows[i].last, NULL))
            fail_msg("%s - %s must be refused", rows[i].first, rows[i].last);
        if (rows[i].before && !allowed(rows[i].before, NULL))
            fail_msg("%s must be allowed", rows[i].before);
        if (rows[i].after && !allowed(rows[i].after, NULL))
            fail_msg("%s must be allowed", rows[i].after);
    }
}

static void test_single_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int allowed;
    } rows[] = {{"8.8.8.8", 1},
                {"2606:4700::1111", 1},
                {"::1", 0},
                {"::ffff:8.8.8.8", 1},
                {"::ffff:127.0.0.1", 0},
                {"::ffff:10.0.0.1", 0},
                {"::ffff:169.254.169.254", 0},
                {"::8.8.8.8", 0},        /* v4-compatible */
                {"::ffff:0:8.8.8.8", 0}, /* SIIT */
                {"64:ff9b::8.8.8.8", 1}, /* how a host without IPv4 reaches a public one */
                {"64:ff9b::10.0.0.1", 0},
                {"64:ff9b::169.254.169.254", 0},
                {"64:ff9b:0:1::8.8.8.8", 0},
                {"2002:808:808::", 0},
                {"2002:7f00:1::", 0},
                {"fd00:ec2::254", 0},
                {"100.100.100.200", 0},
                {"fe80::1", 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (allowed(rows[i].address, NULL) != rows[i].allowed)
            fail_msg("%s", rows[i].address);
    assert_int_equal(client_address_allowed(AF_UNIX, "xxxxxxxxxxxxxxxx", NULL), 0);
}

static void test_numbers_in_a_url(void **state)
{
    (void)state;
    static const char *const list[] = {"10.1.0.0/16", "fd00::/8", NULL};
    static const struct {
        const char *url;
        int refused;
    } rows[] = {{"http://127.0.0.1/", 1},
                {"http://127.1:80/x", 1},
                {"http://0x7f.0.0.1/", 1},
                {"http://017700000001/", 1},
                {"http://2130706433/", 1},
                {"http://0/", 1},
                {"https://[::1]:8443/", 1},
                {"https://[::ffff:127.0.0.1]/", 1},
                {"https://[fe80::1%25eth0]/", 1},
                {"http://10.2.0.1/", 1},
                {"http://10.1.0.1/", 0}, /* allowed */
                {"http://[fd00::1]/", 0},
                {"http://8.8.8.8/", 0},
                {"http://[2606:2800::1]/", 0},
                {"http://localhost/", 0}, /* names are judged when they are called */
                {"http://127.0.0.1.example.org/", 0},
                {"nonsense", 0},
                {"", 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (client_url_refused(rows[i].url, list) != rows[i].refused)
            fail_msg("%s", rows[i].url);
    assert_int_equal(client_url_refused("http://10.1.0.1/", NULL), 1);
}

static void test_allowed_ranges(void **state)
{
    (void)state;
    static const char *const list[] = {"10.1.0.0/16", "192.168.7.7", "fd00::/8", "127.0.0.128/25", NULL};
    static const struct {
        const char *address;
        int allowed;
    } rows[] = {{"10.1.0.0", 1},        {"10.1.255.255", 1}, {"10.2.0.0", 0},        {"10.0.255.255", 0},
                {"192.168.7.7", 1},     {"192.168.7.8", 0},  {"127.0.0.127", 0},     {"127.0.0.128", 1},
                {"fd12::1", 1},         {"fc12::1", 0},      {"::ffff:10.1.2.3", 1}, {"64:ff9b::10.1.2.3", 1},
                {"::ffff:10.2.2.3", 0}, {"8.8.8.8", 1}};
    struct client_cidrs *cidrs = client_cidrs_new(list, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (allowed(rows[i].address, cidrs) != rows[i].allowed)
            fail_msg("%s", rows[i].address);
    client_cidrs_free(cidrs);
    static const char *const all[] = {"0.0.0.0/0", "::/0", NULL};
    cidrs = client_cidrs_new(all, NULL);
    assert_true(allowed("127.0.0.1", cidrs) && allowed("::1", cidrs) && allowed("fe80::1", cidrs));
    client_cidrs_free(cidrs);
}

static void test_spellings_of_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int good;
    } rows[] = {{"10.0.0.0/8", 1},    {"10.0.0.1", 1},    {"::1", 1},         {"::/0", 1},      {"10.0.0.0/0", 1},
                {"10.0.0.0/32", 1},   {"10.0.0.0/33", 0}, {"::/129", 0},      {"10.0.0.0/", 0}, {"10.0.0.0/-1", 0},
                {"10.0.0.0/8x", 0},   {"10.0.0/8", 0},    {"/8", 0},          {"", 0},          {"localhost/8", 0},
                {"fe80::1%lo/64", 0}, {"010.0.0.1", 0},   {"10.0.0.0/8/8", 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *list[] = {rows[i].text, NULL};
        struct error err = {0};
        struct client_cidrs *cidrs = client_cidrs_new(list, &err);
        if ((cidrs != NULL) != rows[i].good)
            fail_msg("%s", rows[i].text);
        assert_true(rows[i].good || strstr(error_text(&err), rows[i].text));
        client_cidrs_free(cidrs);
        error_clear(&err);
    }
    struct client_cidrs *none = client_cidrs_new(NULL, NULL);
    assert_non_null(none);
    client_cidrs_free(none);
    client_cidrs_free(NULL);
}

static void test_one_in_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *cidr, *address;
        int in;
    } rows[] = {{"10.0.0.0/8", "10.9.9.9", 1},
                {"10.0.0.0/8", "11.0.0.0", 0},
                {"::1", "::1", 1},
                {"::1", "127.0.0.1", 0},
                {"10.0.0.0/8", "", 0},
                {"nonsense", "10.0.0.1", 0},
                {"10.0.0.0/12", "10.16.0.0", 0},
                {"10.0.0.0/12", "10.15.255.255", 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(client_cidr_has(rows[i].cidr, rows[i].address), rows[i].in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_single_addresses),
        cmocka_unit_test(test_numbers_in_a_url),
        cmocka_unit_test(test_allowed_ranges),
        cmocka_unit_test(test_spellings_of_ranges),
        cmocka_unit_test(test_one_in_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
