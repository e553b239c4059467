/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICU reads domains (UTS 46, non-transitional): what it gives is ASCII, lower case, of legal labels, and the same for
 * all spellings of one domain. A domain of one label is fine (`postmaster@localhost`); an address literal is not, and a
 * number in place of one neither: mail goes to names.
 */
#include "address.h"
#include "field.h"

#include <string.h>
#include <unicode/uidna.h>

#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */
#define DOMAIN_MAX 253

/* atext of RFC 5322, 3.2.3 */
static int is_atom(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static const char *local_fault(struct belfry_str local)
{
    if (local.len == 0)
        return "has nothing before its @";
    if (local.len > ADDRESS_LOCAL_MAX)
        return "has more than 64 characters before its @";
    if (local.ptr[0] == '"')
        return "has a quoted part before its @";
    for (size_t i = 0; i < local.len; i++) {
        char c = local.ptr[i];
        if (c & 0x80)
            return "has letters outside of ASCII before its @";
        if (c != '.' && !is_atom(c))
            return "has a character before its @ that is not allowed there";
        if (c == '.' && (i == 0 || i + 1 == local.len || local.ptr[i + 1] == '.'))
            return "has an empty piece before its @";
    }
    return NULL;
}

/* ASCII that ICU made: labels of letters, digits and hyphens are left to check for their length and for numbers. */
static const char *labels_fault(const char *domain)
{
    const char *label = domain;
    for (const char *at = domain;; at++) {
        if (*at && *at != '.')
            continue;
        if (at == label)
            return "has an empty label in its domain";
        if (at - label > LABEL_MAX)
            return "has a label of more than 63 characters in its domain";
        if (!*at)
            break;
        label = at + 1;
    }
    return label[strspn(label, "0123456789")] ? NULL : "has a number in place of a domain";
}

static const char *domain_read(struct belfry_str text, char out[ADDRESS_MAX + 1])
{
    if (text.len == 0)
        return "has no domain behind its @";
    if (text.ptr[0] == '[')
        return "has an IP address in place of a domain";
    if (text.len > ADDRESS_MAX)
        return "has a domain that is too long";
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UIDNA *idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                      UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII,
                                  &status);
    int32_t len = uidna_nameToASCII_UTF8(idna, text.ptr, (int32_t)text.len, out, ADDRESS_MAX + 1, &info, &status);
    uidna_close(idna);
    if (status == U_BUFFER_OVERFLOW_ERROR || (U_SUCCESS(status) && len > DOMAIN_MAX))
        return "has a domain that is too long";
    if (U_FAILURE(status) || (info.errors & ~(uint32_t)(UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG)))
        return "has a domain that is no domain name";
    out[len] = '\0';
    return labels_fault(out);
}

static const char *text_fault(struct belfry_str text)
{
    switch (field_flaw(text)) {
    case FIELD_NOT_UTF8:
        return "is not UTF-8";
    case FIELD_CONTROL:
        return "has a control character";
    case FIELD_BIDI:
        return "has a character that turns the direction of text";
    default:
        return NULL;
    }
}

static const char *spec_read(struct belfry_str text, struct address *out)
{
    const char *fault = text_fault(text);
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != '@')
        at--;
    if (!fault && at == 0)
        fault = text.len ? "has no @" : "is empty";
    if (fault)
        return fault;
    struct belfry_str local = {text.ptr, at - 1}, domain = {text.ptr + at, text.len - at};
    fault = local_fault(local);
    if (!fault)
        fault = domain_read(domain, out->domain);
    if (fault)
        return fault;
    size_t domain_len = strlen(out->domain);
    if (local.len + 1 + domain_len > ADDRESS_MAX)
        return "is longer than 254 characters";
    memcpy(out->spec, text.ptr, at);
    memcpy(out->spec + at, out->domain, domain_len + 1);
    return NULL;
}

int address_read(struct belfry_str text, struct address *out, const char **fault)
{
    memset(out, 0, sizeof(*out));
    *fault = spec_read(text, out);
    return *fault == NULL;
}

/* --- with a name -------------------------------------------------------------------------------------------------- */

static struct belfry_str trimmed(struct belfry_str text)
{
    while (text.len && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* A quoted string, or the words before the `<`. The other specials of RFC 5322 mean something to those who write header
 * fields, so they are asked to quote them. */
static const char *name_read(struct belfry_str text, char out[4 * ADDRESS_NAME_MAX + 1])
{
    int quoted = text.len > 0 && text.ptr[0] == '"';
    size_t end = text.len, n = 0, letters = 0;
    if (quoted && (text.len < 2 || text.ptr[text.len - 1] != '"'))
        return "has a quoted name that does not end with its quote";
    for (size_t i = quoted; i < end - (size_t)quoted; i++) {
        char c = text.ptr[i];
        if (quoted && c == '"')
            return "has a quote inside of its quoted name; write \\\" there";
        if (!quoted && strchr("()<>[]:;@\\,\"", c))
            return "has a name with one of ()<>[]:;@\\,\" in it; put the name in double quotes";
        if (quoted && c == '\\' && ++i >= end - 1)
            return "has a quoted name that does not end with its quote";
        letters += (text.ptr[i] & 0xc0) != 0x80;
        if (letters > ADDRESS_NAME_MAX)
            return "has a name of more than 300 characters";
        out[n++] = text.ptr[i];
    }
    out[n] = '\0';
    return NULL;
}

static const char *named_read(struct belfry_str text, struct address *out)
{
    text = trimmed(text);
    const char *fault = text_fault(text);
    if (fault || text.len == 0 || text.ptr[text.len - 1] != '>')
        return fault ? fault : spec_read(text, out);
    size_t open = text.len - 1;
    while (open > 0 && text.ptr[open] != '<')
        open--;
    if (text.ptr[open] != '<')
        return "has a > without a <";
    struct belfry_str name = trimmed((struct belfry_str){text.ptr, open});
    struct belfry_str spec = {text.ptr + open + 1, text.len - open - 2};
    fault = name_read(name, out->name);
    return fault ? fault : spec_read(spec, out);
}

int address_read_named(struct belfry_str text, struct address *out, const char **fault)
{
    memset(out, 0, sizeof(*out));
    *fault = named_read(text, out);
    return *fault == NULL;
}
