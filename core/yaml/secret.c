/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References to secrets. They are replaced in parsed scalars, never in the text: a value cannot change the structure,
 * is never parsed again and is never looked for in keys or comments. Only ${env:...}, ${file:...} and ${cred:...} are
 * references; every other dollar sign is text. Messages name the reference, never a value.
 */
#include "yaml/tree.h"

#include "base/hash.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECRET (64u * 1024u)
#define MAX_NAME 100
#define MAX_LOOKALIKES 100

enum scheme { SCHEME_ENV, SCHEME_FILE, SCHEME_CRED, SCHEME_NONE };

struct secrets {
    struct arena *arena;
    struct diag_set *diags;
    enum yaml_secrets mode;
    const struct yaml_node *searched_node;
    uint32_t searched_to;
    int lookalikes;        /* reported */
    struct hash *reported; /* code and place: a value that is used through aliases is reported once */
};

/* One ${...} of a scalar. */
struct reference {
    enum scheme scheme;
    struct belfry_str whole; /* with ${ and } */
    struct belfry_str name;
    struct belfry_str fallback; /* ptr NULL: none */
    struct diag_span span;
};

/* --- reporting -------------------------------------------------------------------------------------------------- */

/* Where in the file a part of a scalar stands; the whole scalar when it is written with escapes. Parts are asked for in
 * their order, so the search goes on where the last one ended. */
static struct diag_span find_span(struct secrets *s, const struct yaml_node *node, struct belfry_str part)
{
    struct belfry_str text = diag_file_text(s->diags, node->span.file);
    if (s->searched_node != node)
        s->searched_to = node->span.begin;
    s->searched_node = node;
    uint32_t begin = s->searched_to, end = node->span.end;
    const char *at = NULL;
    if (end <= text.len && begin < end && part.len)
        at = memmem(text.ptr + begin, end - begin, part.ptr, part.len);
    s->searched_to = at ? (uint32_t)(at - text.ptr + part.len) : end;
    return at ? diag_span_at(s->diags, node->span.file, (uint32_t)(at - text.ptr), s->searched_to) : node->span;
}

static int is_news(const struct secrets *s, const char *code, struct diag_span span)
{
    char key[64];
    int len = snprintf(key, sizeof(key), "%s %u %u", code, span.file, span.begin);
    return hash_set(s->reported, str_slice(key, (size_t)len), s->reported) == NULL;
}

static void report(const struct secrets *s, const struct yaml_node *node, struct diag_span span, const char *code,
                   enum diag_severity severity, const char *message)
{
    if (!is_news(s, code, span))
        return;
    struct diag *d = diag_add(s->diags, code, severity, span, "%s", message);
    d->path = yaml_path(diag_arena(s->diags), node);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* Docker and Kubernetes mount secrets there for one container; their modes say nothing. */
static int is_mounted(const char *path)
{
    return strncmp(path, "/run/secrets/", 13) == 0 || strncmp(path, "/var/run/secrets/", 17) == 0;
}

/* Reads up to 64 KiB of a regular file. Returns NULL, or what is wrong. */
static const char *read_file(const char *path, struct buf *out, int *open_to_others)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    struct stat st;
    const char *wrong = NULL;
    if (fstat(fd, &st) != 0)
        wrong = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        wrong = "not a regular file";
    *open_to_others = !wrong && (st.st_mode & (S_IROTH | S_IWOTH)) && !is_mounted(path);
    while (!wrong && out->len <= MAX_SECRET) {
        ssize_t n = read(fd, buf_reserve(out, 4096), 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            wrong = strerror(errno);
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    close(fd);
    if (!wrong && out->len > MAX_SECRET)
        wrong = "larger than 64 KiB";
    if (!wrong && (!str_utf8_valid(buf_str(out)) || (out->len && memchr(out->ptr, 0, out->len))))
        wrong = "not UTF-8 text";
    return wrong;
}

/* Editors end a file with a newline that is not part of the secret. */
static size_t without_newline(const struct buf *b)
{
    size_t len = b->len;
    if (len && b->ptr[len - 1] == '\n')
        len--;
    if (len < b->len && len && b->ptr[len - 1] == '\r')
        len--;
    return len;
}

static int append_file(const struct secrets *s, const struct yaml_node *node, const struct reference *ref,
                       const char *path, struct buf *out)
{
    struct buf content = {0};
    int open_to_others = 0;
    const char *wrong = read_file(path, &content, &open_to_others);
    const char *shown = diag_show_path(s->diags, path);
    struct arena *arena = diag_arena(s->diags);
    if (wrong)
        report(s, node, ref->span, "H602", DIAG_ERROR, arena_printf(arena, "secret file `%s`: %s", shown, wrong));
    else
        buf_add(out, content.ptr, without_newline(&content));
    if (!wrong && open_to_others)
        report(s, node, ref->span, "H604", DIAG_WARNING,
               arena_printf(arena, "secret file `%s` is readable by every user of this machine", shown));
    if (content.ptr)
        mem_wipe(content.ptr, content.cap);
    buf_free(&content);
    return !wrong;
}

static int append_env(const struct secrets *s, const struct yaml_node *node, const struct reference *ref,
                      struct buf *out)
{
    char *name = xstrndup(ref->name.ptr, ref->name.len);
    const char *value = getenv(name);
    free(name);
    if (ref->fallback.ptr && (!value || !*value)) {
        buf_adds(out, ref->fallback);
        return 1;
    }
    if (value && str_utf8_valid(str_of(value))) {
        buf_addz(out, value);
        return 1;
    }
    report(s, node, ref->span, "H602", DIAG_ERROR,
           arena_printf(diag_arena(s->diags), "environment variable `%s` is %s", diag_show(s->diags, ref->name),
                        value ? "not UTF-8 text" : "not set"));
    return 0;
}

static int append_credential(const struct secrets *s, const struct yaml_node *node, const struct reference *ref,
                             struct buf *out)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory) {
        report(s, node, ref->span, "H602", DIAG_ERROR,
               arena_printf(diag_arena(s->diags),
                            "credential `%s`: $CREDENTIALS_DIRECTORY is not set (systemd sets it with LoadCredential=)",
                            diag_show(s->diags, ref->name)));
        return 0;
    }
    char *path = xasprintf("%s/%.*s", directory, STR_ARG(ref->name));
    int done = append_file(s, node, ref, path, out);
    free(path);
    return done;
}

static int append(const struct secrets *s, const struct yaml_node *node, const struct reference *ref, struct buf *out)
{
    if (ref->scheme == SCHEME_ENV)
        return append_env(s, node, ref, out);
    if (ref->scheme == SCHEME_CRED)
        return append_credential(s, node, ref, out);
    char *path = xstrndup(ref->name.ptr, ref->name.len);
    int done = append_file(s, node, ref, path, out);
    free(path);
    return done;
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

/* Scheme of what follows `${`; *len is the length of its name and colon. */
static enum scheme scheme_of(struct belfry_str text, size_t *len)
{
    static const char *const names[] = {"env:", "file:", "cred:"};
    for (size_t i = 0; i < SCHEME_NONE; i++) {
        *len = strlen(names[i]);
        if (str_has_prefix(text, str_of(names[i])))
            return (enum scheme)i;
    }
    return SCHEME_NONE;
}

static int is_name(struct belfry_str name, const char *extra)
{
    if (name.len == 0 || name.ptr[0] == '.' || isdigit((unsigned char)name.ptr[0]))
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_' && !strchr(extra, name.ptr[i]))
            return 0;
    }
    return 1;
}

/* Takes name and default of a reference apart; 0 when it is not well-formed. body: between scheme and }. */
static int parse_reference(struct belfry_str body, struct reference *ref)
{
    ref->name = body;
    const char *at = ref->scheme == SCHEME_ENV && body.len ? memmem(body.ptr, body.len, ":-", 2) : NULL;
    if (at) {
        ref->name = str_slice(body.ptr, (size_t)(at - body.ptr));
        ref->fallback = str_slice(at + 2, body.len - ref->name.len - 2);
    }
    if (ref->scheme == SCHEME_FILE)
        return ref->name.len > 1 && ref->name.ptr[0] == '/';
    return is_name(ref->name, ref->scheme == SCHEME_CRED ? ".-" : "");
}

/* ${SMTP_PASSWORD} in the shell's manner: text here, but hardly meant so. */
static void check_lookalike(struct secrets *s, const struct yaml_node *node, struct belfry_str rest)
{
    const char *close =
        s->lookalikes == MAX_LOOKALIKES ? NULL : memchr(rest.ptr, '}', rest.len < MAX_NAME ? rest.len : MAX_NAME);
    if (!close)
        return;
    struct belfry_str name = str_slice(rest.ptr + 2, (size_t)(close - rest.ptr) - 2);
    if (!is_name(name, ""))
        return;
    for (size_t i = 0; i < name.len; i++) {
        if (islower((unsigned char)name.ptr[i]))
            return;
    }
    s->lookalikes++;
    const char *shown = diag_show(s->diags, name);
    report(s, node, find_span(s, node, str_slice(rest.ptr, name.len + 3)), "H606", DIAG_WARNING,
           arena_printf(diag_arena(s->diags), "`${%s}` stays as it is written; a secret is `${env:%s}`", shown, shown));
}

/* A default may be a secret too. */
static struct diag_span fallback_span(const struct secrets *s, const struct yaml_node *node,
                                      const struct reference *ref)
{
    if (ref->span.end - ref->span.begin != ref->whole.len)
        return node->span;
    uint32_t begin = ref->span.begin + (uint32_t)(ref->fallback.ptr - ref->whole.ptr);
    return diag_span_at(s->diags, ref->span.file, begin, begin + (uint32_t)ref->fallback.len);
}

static void resolve(const struct secrets *s, struct yaml_node *node, const struct reference *ref, struct buf *out)
{
    node->tainted = 1;
    if (ref->fallback.len)
        diag_redact(s->diags, fallback_span(s, node, ref));
    if (s->mode == YAML_SECRETS_REQUIRE && append(s, node, ref, out))
        return;
    if (s->mode == YAML_SECRETS_SKIP)
        report(s, node, ref->span, "H601", DIAG_NOTE,
               arena_printf(diag_arena(s->diags), "secret `%s` is not resolved by this check",
                            diag_show(s->diags, ref->name)));
    node->unresolved = 1;
    buf_adds(out, ref->whole);
}

/* Handles the `${` at the start of rest; returns the bytes it took, 0 for plain text. */
static size_t take_reference(struct secrets *s, struct yaml_node *node, struct belfry_str rest, struct buf *out)
{
    size_t prefix;
    struct reference ref = {.scheme = scheme_of(str_slice(rest.ptr + 2, rest.len - 2), &prefix)};
    if (ref.scheme == SCHEME_NONE) {
        check_lookalike(s, node, rest);
        return 0;
    }
    const char *close = memchr(rest.ptr, '}', rest.len);
    ref.whole = str_slice(rest.ptr, close ? (size_t)(close - rest.ptr) + 1 : rest.len);
    struct belfry_str body = str_slice(rest.ptr + 2 + prefix, close ? ref.whole.len - prefix - 3 : 0);
    ref.span = find_span(s, node, ref.whole);
    if (!close || !parse_reference(body, &ref)) {
        report(s, node, ref.span, "H607", DIAG_ERROR,
               close ? "the name in this secret reference is not well-formed" : "`${` is not closed");
        node->tainted = node->unresolved = 1;
        buf_adds(out, ref.whole);
        return ref.whole.len;
    }
    resolve(s, node, &ref, out);
    return ref.whole.len;
}

static int is_escape(struct belfry_str rest)
{
    size_t prefix;
    return str_has_prefix(rest, STR("$${")) && scheme_of(str_slice(rest.ptr + 3, rest.len - 3), &prefix) != SCHEME_NONE;
}

static void substitute_scalar(struct secrets *s, struct yaml_node *node)
{
    struct belfry_str text = node->text;
    if (!text.len || !memmem(text.ptr, text.len, "${", 2))
        return;
    struct buf out = {0};
    for (size_t at = 0; at < text.len;) {
        struct belfry_str rest = str_slice(text.ptr + at, text.len - at);
        size_t taken = 0;
        if (is_escape(rest)) {
            buf_addz(&out, "${");
            taken = 3;
        } else if (str_has_prefix(rest, STR("${"))) {
            taken = take_reference(s, node, rest, &out);
        }
        if (taken == 0)
            buf_addc(&out, text.ptr[at++]);
        at += taken;
    }
    if (!str_eq(buf_str(&out), text))
        node->text = arena_str(s->arena, buf_str(&out));
    if (node->tainted)
        node->scalar = YAML_STRING;
    mem_wipe(out.ptr, out.cap);
    buf_free(&out);
}

static void substitute_node(struct secrets *s, const struct yaml_node *node)
{
    /* The tree is ours until it is handed on: const keeps the others out. */
    if (node->kind == YAML_SCALAR)
        substitute_scalar(s, (struct yaml_node *)(uintptr_t)node);
    for (size_t i = 0; i < node->count; i++)
        substitute_node(s, node->kind == YAML_MAP ? node->pairs[i].value : node->items[i]);
}

void yaml_substitute(struct arena *arena, struct diag_set *diags, const struct yaml_node *root, enum yaml_secrets mode)
{
    struct secrets s = {.arena = arena, .diags = diags, .mode = mode, .reported = hash_new()};
    if (root)
        substitute_node(&s, root);
    hash_free(s.reported, NULL);
}
