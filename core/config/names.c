/* SPDX-License-Identifier: Apache-2.0 */
/* What names, addresses and zones look like. Faults are sentences without a subject: "is longer than 128 bytes". */
#include "config/build.h"

#include "base/zone.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/unorm2.h>

static int is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int is_word(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const char *config_org_name_fault(struct belfry_str name)
{
    static const char *const reserved[] = {"admin", "v1", "assets", "healthz", "readyz", "metrics"};
    if (name.len == 0)
        return "is empty";
    if (name.len > 63)
        return "is longer than 63 characters";
    if (!is_lower(name.ptr[0]))
        return "does not start with a lower-case letter or a digit";
    for (size_t i = 1; i < name.len; i++) {
        if (!is_lower(name.ptr[i]) && name.ptr[i] != '-')
            return "may have lower-case letters, digits and `-` only";
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (str_eqz(name, reserved[i]))
            return "is reserved: paths of the hub itself begin with it";
    }
    return NULL;
}

static int has_control(struct belfry_str s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t c = str_utf8_next(s, &at);
        if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029)
            return 1;
    }
    return 0;
}

/* Unicode Standard Annex 15: two spellings of one name must not be two people. */
static int is_nfc(struct belfry_str s)
{
    size_t ascii = 0;
    while (ascii < s.len && (unsigned char)s.ptr[ascii] < 0x80)
        ascii++;
    if (ascii == s.len)
        return 1;    /* most names; asked with every trigger */
    UChar wide[256]; /* 128 bytes of UTF-8 are at most 128 units */
    int32_t len = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(wide, (int32_t)(sizeof(wide) / sizeof(wide[0])), &len, s.ptr, (int32_t)s.len, &status);
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    UBool normal = U_SUCCESS(status) ? unorm2_isNormalized(nfc, wide, len, &status) : 0;
    return U_SUCCESS(status) && normal;
}

const char *config_username_fault(struct belfry_str name)
{
    if (name.len == 0)
        return "is empty";
    if (name.len > 128)
        return "is longer than 128 bytes";
    if (!str_utf8_valid(name))
        return "is not UTF-8";
    if (memchr(name.ptr, '/', name.len) || memchr(name.ptr, ':', name.len))
        return "may not have `/` or `:`";
    if (has_control(name))
        return "has a control character";
    if (!is_nfc(name))
        return "is not in Unicode normalization form C";
    return NULL;
}

static const char *name_fault(struct belfry_str name)
{
    if (name.len == 0)
        return "is empty";
    if (name.len > 64)
        return "is longer than 64 characters";
    if (!is_word(name.ptr[0]))
        return "does not start with a letter or a digit";
    for (size_t i = 1; i < name.len; i++) {
        if (!is_word(name.ptr[i]) && !memchr("-_.", name.ptr[i], 3))
            return "may have letters, digits, `-`, `_` and `.` only";
    }
    return NULL;
}

int config_check_name(struct config_build *b, const struct yaml_node *node, const char *what)
{
    const char *fault = name_fault(node->text);
    if (!fault)
        return 1;
    config_error(b, "H214", node, "the name `%s` of this %s %s", config_show(b, node->text), what, fault);
    return 0;
}

/* --- time zones -------------------------------------------------------------------------------------------------- */

static const char *nearest_zone(struct config_build *b, struct belfry_str name)
{
    UErrorCode status = U_ZERO_ERROR;
    UEnumeration *zones = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_CANONICAL, NULL, NULL, &status);
    const char **list = NULL;
    size_t count = 0, cap = 0;
    struct arena *scratch = arena_new(0);
    const char *zone;
    while (U_SUCCESS(status) && (zone = uenum_next(zones, NULL, &status))) {
        if (count == cap) {
            cap = cap ? cap * 2 : 512;
            const char **grown = arena_alloc(scratch, cap * sizeof(*grown));
            if (count)
                memcpy(grown, list, count * sizeof(*grown));
            list = grown;
        }
        list[count++] = arena_strdup(scratch, zone);
    }
    uenum_close(zones);
    const char *nearest = count ? str_nearest(name, list, count) : NULL;
    if (nearest)
        nearest = arena_strdup(diag_arena(b->diags), nearest);
    arena_free(scratch);
    return nearest;
}

int config_check_timezone(struct config_build *b, const struct yaml_node *node)
{
    if (!config_is_text(node) || node->unresolved || zone_exists(node->text))
        return 1;
    struct diag *d = config_error(b, "H208", node, "there is no time zone `%s`", config_show(b, node->text));
    diag_suggest(b->diags, d, nearest_zone(b, node->text));
    if (!d->label)
        diag_help(b->diags, d, "a zone is a name of the tz database: Europe/Berlin, America/New_York, UTC");
    return 0;
}

/* --- addresses --------------------------------------------------------------------------------------------------- */

static int is_ip(struct belfry_str s, int family)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    if (s.len == 0 || s.len >= sizeof(text))
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return inet_pton(family, text, bytes) == 1;
}

static int is_number(struct belfry_str s, int64_t max)
{
    int64_t value;
    return s.len > 0 && s.len < 6 && s.ptr[0] >= '0' && s.ptr[0] <= '9' && str_to_i64(s, &value) == BELFRY_OK &&
           value >= 0 && value <= max;
}

const char *config_address_fault(struct belfry_str address)
{
    const char *colon = address.len ? memrchr(address.ptr, ':', address.len) : NULL;
    if (!colon)
        return "has no port";
    struct belfry_str host = str_slice(address.ptr, (size_t)(colon - address.ptr));
    struct belfry_str port = str_slice(colon + 1, address.len - host.len - 1);
    if (!is_number(port, 65535))
        return "has no port between 0 and 65535";
    if (host.len == 0)
        return "has no address before the port; 0.0.0.0 is all of this machine's";
    if (host.ptr[0] == '[') {
        struct belfry_str inner = str_slice(host.ptr + 1, host.len > 1 ? host.len - 2 : 0);
        return host.ptr[host.len - 1] == ']' && is_ip(inner, AF_INET6) ? NULL : "is no IPv6 address in brackets";
    }
    if (memchr(host.ptr, ':', host.len))
        return "needs brackets around the IPv6 address";
    return is_ip(host, AF_INET) ? NULL : "is no IP address; host names are not looked up";
}

const char *config_cidr_fault(struct belfry_str cidr)
{
    struct belfry_str bits, address = str_cut(cidr, '/', &bits);
    int v6 = is_ip(address, AF_INET6);
    if (!v6 && !is_ip(address, AF_INET))
        return "is no IP address or range";
    if (bits.ptr && !is_number(bits, v6 ? 128 : 32))
        return v6 ? "has no prefix length between 0 and 128" : "has no prefix length between 0 and 32";
    return NULL;
}

const char *config_origin_fault(struct belfry_str url, int with_path)
{
    struct belfry_str rest = url;
    if (str_has_prefix(url, STR("https://")))
        rest = str_slice(url.ptr + 8, url.len - 8);
    else if (str_has_prefix(url, STR("http://")))
        rest = str_slice(url.ptr + 7, url.len - 7);
    else
        return "does not start with http:// or https://";
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)rest.ptr[i] <= ' ' || rest.ptr[i] == 0x7F || rest.ptr[i] == '\\')
            return "has a space or another character that a URL cannot have";
    }
    size_t host = 0;
    while (host < rest.len && !memchr("/?#", rest.ptr[host], 3))
        host++;
    if (host == 0 || rest.ptr[0] == ':')
        return "has no host";
    if (memchr(rest.ptr, '@', host))
        return "has a user name";
    if (!with_path && host < rest.len)
        return "has more than scheme, host and port";
    return NULL;
}

/* --- event types -------------------------------------------------------------------------------------------------- */

#define TYPE_MAX 200

int config_type_pattern(struct belfry_str type)
{
    struct belfry_str rest = type;
    while (rest.ptr) {
        struct belfry_str word = str_cut(rest, '.', &rest);
        if (str_eqz(word, "*"))
            return !rest.ptr;
        if (!word.len)
            return 0;
        for (size_t i = 0; i < word.len; i++) {
            char c = word.ptr[i];
            if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
                return 0;
        }
    }
    return type.len <= TYPE_MAX;
}
