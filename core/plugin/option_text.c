/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are texts with rules of their own: strings, URLs, recipients, templates. */
#include "base/status.h"
#include "event/event.h"
#include "plugin/option_internal.h"
#include "template/template.h"

#include <stdlib.h>
#include <strings.h>

belfry_status option_string(struct arena *arena, struct diag_set *diags, const struct yaml_node *node, const char **out)
{
    if (node->kind != YAML_SCALAR || node->scalar == YAML_NULL || node->scalar == YAML_BOOL) {
        if (node->unresolved)
            return BELFRY_OK;
        option_wrong_type(diags, "H203", node, "a string");
        return BELFRY_EINVAL;
    }
    if (node->text.len && memchr(node->text.ptr, '\0', node->text.len)) {
        option_report(diags, "H203", DIAG_ERROR, node, "%s must not hold a NUL character", option_subject(diags, node));
        return BELFRY_EINVAL;
    }
    *out = arena_strndup(arena, node->text.ptr ? node->text.ptr : "", node->text.len);
    return BELFRY_OK;
}

/* --- URLs ------------------------------------------------------------------------------------------------------- */

static int is_alpha(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of the scheme before "://", 0 when there is none (RFC 3986 section 3.1). */
static size_t scheme_len(struct belfry_str url)
{
    size_t len = 0;
    while (len < url.len && (is_alpha(url.ptr[len]) || (len > 0 && (is_digit(url.ptr[len]) || url.ptr[len] == '+' ||
                                                                    url.ptr[len] == '-' || url.ptr[len] == '.'))))
        len++;
    return url.len - len > 3 && memcmp(url.ptr + len, "://", 3) == 0 ? len : 0;
}

/* Printable ASCII without the characters that no part of a URL may hold. */
static int has_only_url_bytes(struct belfry_str url)
{
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", url.ptr[i]))
            return 0;
    return 1;
}

/* host [":" port] of an authority without user information. */
static int has_host(struct belfry_str authority)
{
    struct belfry_str user = authority, rest;
    const char *at = memrchr(user.ptr, '@', user.len);
    if (at)
        authority = str_slice(at + 1, user.len - (size_t)(at + 1 - user.ptr));
    if (authority.len && authority.ptr[0] == '[') {
        const char *close = memchr(authority.ptr, ']', authority.len);
        if (!close || close == authority.ptr + 1)
            return 0;
        rest = str_slice(close + 1, authority.len - (size_t)(close + 1 - authority.ptr));
        if (rest.len && rest.ptr[0] != ':')
            return 0;
        rest = rest.len ? str_slice(rest.ptr + 1, rest.len - 1) : rest;
    } else if (str_cut(authority, ':', &rest).len == 0) {
        return 0;
    }
    int64_t port;
    return rest.len == 0 || (str_to_i64(rest, &port) == BELFRY_OK && is_digit(rest.ptr[0]) && port > 0 && port < 65536);
}

/* NULL, or what is wrong with the URL. */
static const char *url_fault(struct belfry_str url)
{
    size_t scheme = scheme_len(url);
    if (scheme == 0)
        return "must be an absolute URL, scheme and host included";
    if (!has_only_url_bytes(url))
        return "must be a URL in ASCII, without spaces";
    struct belfry_str rest = str_slice(url.ptr + scheme + 3, url.len - scheme - 3);
    rest.len = rest.len ? strcspn(rest.ptr, "/?#") < rest.len ? strcspn(rest.ptr, "/?#") : rest.len : 0;
    return has_host(rest) ? NULL : "must be a URL with a host, and a port of 1 to 65535 if any";
}

static int scheme_allowed(const char *url, const char *const *schemes)
{
    size_t len = scheme_len(str_of(url));
    for (; *schemes; schemes++)
        if (strlen(*schemes) == len && strncasecmp(*schemes, url, len) == 0)
            return 1;
    return 0;
}

static const char *join(struct arena *arena, const char *const *words)
{
    struct buf list = {0};
    for (size_t i = 0; words[i]; i++)
        buf_addf(&list, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    const char *joined = arena_strndup(arena, list.ptr ? list.ptr : "", list.len);
    buf_free(&list);
    return joined;
}

belfry_status option_url(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                         const char *const *schemes, const char **out)
{
    const char *url = NULL;
    if (option_string(arena, diags, node, &url) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (node->unresolved) {
        if (url)
            *out = url;
        return BELFRY_OK;
    }
    const char *fault = url_fault(str_of(url));
    if (!fault && schemes && !scheme_allowed(url, schemes))
        fault = arena_printf(diag_arena(diags), "must be a URL of scheme %s", join(diag_arena(diags), schemes));
    if (fault) {
        option_report(diags, "H209", DIAG_ERROR, node, "%s %s", option_subject(diags, node), fault);
        return BELFRY_EINVAL;
    }
    *out = url;
    return BELFRY_OK;
}

/* --- recipients ------------------------------------------------------------------------------------------------- */

#define RECIPIENT_NAME_MAX 128

/* NULL, or what is wrong with a username (product: 1-128 bytes, no control characters, no '/' or ':'). */
static const char *user_fault(struct belfry_str name)
{
    if (name.len == 0 || name.len > RECIPIENT_NAME_MAX)
        return "a username has 1 to 128 bytes";
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == '/' || name.ptr[i] == ':')
            return "a username has no `/`, `:` or control characters";
    return NULL;
}

static const char *role_fault(struct belfry_str name)
{
    if (name.len == 0 || name.len > RECIPIENT_NAME_MAX)
        return "a role has 1 to 128 bytes";
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == ':' || name.ptr[i] == ',')
            return "a role has no `:`, `,`, spaces or control characters";
    return NULL;
}

static const char *email_fault(struct belfry_str address)
{
    return address_valid(address) ? NULL : "this is not a mail address";
}

static const struct prefix {
    const char *text;
    const char *(*fault)(struct belfry_str rest);
} prefixes[] = {{"user:", user_fault}, {"role:", role_fault}, {"email:", email_fault}};
#define PREFIX_COUNT (sizeof(prefixes) / sizeof(prefixes[0]))

/* The plugin's own words: exact ones, and prefixes that need something behind the colon. */
static int is_own_word(struct belfry_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct belfry_str word = str_of(words[i]);
        int is_prefix = word.len > 0 && word.ptr[word.len - 1] == ':';
        if (is_prefix ? text.len > word.len && str_has_prefix(text, word) : str_eq(text, word))
            return 1;
    }
    return 0;
}

static belfry_status unknown_prefix(struct diag_set *diags, const struct yaml_node *node, struct belfry_str prefix,
                                    const char *const *words, size_t count)
{
    struct arena *arena = diag_arena(diags);
    const char **known = arena_alloc(arena, (PREFIX_COUNT + count) * sizeof(*known));
    for (size_t i = 0; i < PREFIX_COUNT + count; i++) {
        const char *word = i < PREFIX_COUNT ? prefixes[i].text : words[i - PREFIX_COUNT];
        size_t len = strlen(word);
        known[i] = arena_strndup(arena, word, len > 0 && word[len - 1] == ':' ? len - 1 : len);
    }
    struct diag *d =
        option_report(diags, "H216", DIAG_ERROR, node, "unknown kind of recipient `%s:`", diag_show(diags, prefix));
    const char *near = str_nearest(prefix, known, PREFIX_COUNT + count);
    if (near)
        diag_suggest(
            diags, d,
            arena_printf(arena, "%s%.*s", near, (int)(node->text.len - prefix.len), node->text.ptr + prefix.len));
    diag_help(diags, d, "recipients are NAME, user:NAME, role:ROLE, email:ADDRESS, audience%s", count ? " and:" : "");
    for (size_t i = 0; i < count; i++)
        d->help = arena_printf(arena, "%s%s %s%s", d->help, i ? "," : "", words[i],
                               words[i][strlen(words[i]) - 1] == ':' ? "NAME" : "");
    return BELFRY_EINVAL;
}

/* The normalized form, or NULL and what is wrong. */
static const char *normalize(struct arena *arena, struct belfry_str text, const char **fault)
{
    for (size_t i = 0; i < PREFIX_COUNT; i++) {
        struct belfry_str prefix = str_of(prefixes[i].text);
        if (!str_has_prefix(text, prefix))
            continue;
        *fault = prefixes[i].fault(str_slice(text.ptr + prefix.len, text.len - prefix.len));
        return *fault ? NULL : arena_strndup(arena, text.ptr, text.len);
    }
    if (str_eqz(text, "audience"))
        return "audience";
    *fault = user_fault(text);
    return *fault ? NULL : arena_printf(arena, "user:%.*s", STR_ARG(text));
}

belfry_status option_recipient(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                               const char *const *words, size_t word_count, const char **out)
{
    const char *text = NULL;
    if (node->kind != YAML_SCALAR || node->scalar == YAML_NULL || node->scalar == YAML_BOOL)
        return node->unresolved ? BELFRY_OK : option_wrong_type(diags, "H203", node, "a recipient");
    if (option_string(arena, diags, node, &text) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (node->unresolved || is_own_word(node->text, words, word_count)) {
        *out = text;
        return BELFRY_OK;
    }
    struct belfry_str rest, before = str_cut(node->text, ':', &rest);
    const char *fault = NULL;
    int known = rest.ptr == NULL;
    for (size_t i = 0; i < PREFIX_COUNT; i++)
        known |= str_has_prefix(node->text, str_of(prefixes[i].text));
    if (!known)
        return unknown_prefix(diags, node, before, words, word_count);
    const char *normal = normalize(arena, node->text, &fault);
    if (!normal) {
        option_report(diags, "H216", DIAG_ERROR, node, "%s is no recipient: %s", option_subject(diags, node), fault);
        return BELFRY_EINVAL;
    }
    *out = normal;
    return BELFRY_OK;
}

/* --- templates -------------------------------------------------------------------------------------------------- */

/* "title" is there, and "data.*" is everything below data. */
static int is_variable(struct belfry_str name, const char *const *variables)
{
    for (; *variables; variables++) {
        struct belfry_str known = str_of(*variables);
        int below = known.len > 2 && known.ptr[known.len - 1] == '*';
        if (below ? str_has_prefix(name, str_slice(known.ptr, known.len - 1)) : str_eq(name, known))
            return 1;
    }
    return 0;
}

static belfry_status check_variables(struct diag_set *diags, const struct yaml_node *node,
                                     const struct belfry_template *tpl, const char *const *variables)
{
    size_t count, known = 0;
    const struct belfry_str *names = template_paths(tpl, &count);
    belfry_status status = BELFRY_OK;
    while (variables[known])
        known++;
    for (size_t i = 0; i < count; i++) {
        if (is_variable(names[i], variables))
            continue;
        struct diag *d =
            option_report(diags, "H217", DIAG_ERROR, node, "%s reads `%s`, which templates here do not have",
                          option_subject(diags, node), diag_show(diags, names[i]));
        const char *near = str_nearest(names[i], variables, known);
        if (near)
            diag_help(diags, d, "did you mean `%s`?", near);
        status = BELFRY_EINVAL;
    }
    return status;
}

belfry_status option_template(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                              const char *const *variables, const struct belfry_template **out)
{
    const char *text = NULL;
    if (option_string(arena, diags, node, &text) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (node->unresolved)
        return BELFRY_OK;
    struct error err = {0};
    const struct belfry_template *compiled = template_compile(arena, str_of(text), &err);
    if (compiled) {
        *out = compiled;
        return variables ? check_variables(diags, node, compiled, variables) : BELFRY_OK;
    }
    const char *offset = err.count > 0 ? err.items[0].pointer : NULL;
    struct diag *d = option_report(diags, "H217", DIAG_ERROR, node, "%s is no template: %s",
                                   option_subject(diags, node), error_text(&err));
    if (offset)
        d->span = option_place(diags, node, strtoul(offset, NULL, 10));
    error_clear(&err);
    return BELFRY_EINVAL;
}
