/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text patterns: regular expressions (PCRE2), globs, and case folding.
 *
 * A regex comes from whoever may write a rule, the text from whoever may send a trigger, so neither may cost more than
 * a bounded time. PCRE2's own match limit counts anew at each start position; a callout at every item of the pattern
 * counts all of them, over all searches of one leaf. A repeat of a single character is one item, so the characters
 * between two callouts count as well, and texts are limited in length. Nested counted repeats are unrolled by PCRE2;
 * the size of what it compiles to is bounded by its link size and once more here.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "match/tree.h"

#include <pcre2.h>
#include <unicode/uchar.h>

#define MAX_COMPILED (64 * 1024)
#define MAX_GROUPS 50     /* parentheses in parentheses */
#define HEAP_LIMIT 2048   /* KiB */
#define DEPTH_LIMIT 10000 /* backtracking points at once */

/* --- folding ------------------------------------------------------------------------------------------------------ */

static void add_utf8(struct buf *out, uint32_t cp)
{
    char b[4];
    size_t len = 0;

    if (cp < 0x80) {
        b[len++] = (char)cp;
    } else if (cp < 0x800) {
        b[len++] = (char)(0xc0 | cp >> 6);
        b[len++] = (char)(0x80 | (cp & 0x3f));
    } else if (cp < 0x10000) {
        b[len++] = (char)(0xe0 | cp >> 12);
        b[len++] = (char)(0x80 | (cp >> 6 & 0x3f));
        b[len++] = (char)(0x80 | (cp & 0x3f));
    } else {
        b[len++] = (char)(0xf0 | cp >> 18);
        b[len++] = (char)(0x80 | (cp >> 12 & 0x3f));
        b[len++] = (char)(0x80 | (cp >> 6 & 0x3f));
        b[len++] = (char)(0x80 | (cp & 0x3f));
    }
    buf_add(out, b, len);
}

void match_fold(struct belfry_str text, struct buf *out)
{
    size_t pos = 0;

    while (pos < text.len) {
        char *at = buf_reserve(out, text.len - pos);
        size_t run = 0;
        for (; pos < text.len && (unsigned char)text.ptr[pos] < 0x80; pos++, run++)
            at[run] = (char)(text.ptr[pos] >= 'A' && text.ptr[pos] <= 'Z' ? text.ptr[pos] + 32 : text.ptr[pos]);
        at[run] = '\0';
        out->len += run;
        if (pos < text.len)
            add_utf8(out, (uint32_t)u_foldCase((UChar32)str_utf8_next(text, &pos), U_FOLD_CASE_DEFAULT));
    }
}

/* --- globs: * any text, ? one character, [a-z] [!a-z] a set, \ takes the next character as it is
 * ---------------------- */

const char *match_glob_check(struct belfry_str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '\\') {
            if (++i == pattern.len)
                return "ends in a single backslash";
        } else if (pattern.ptr[i] == '[') {
            size_t first = i + 1 + (i + 1 < pattern.len && pattern.ptr[i + 1] == '!');
            /* a bracket that comes first is a member of the set */
            for (i = first; i < pattern.len && (i == first || pattern.ptr[i] != ']'); i++)
                if (pattern.ptr[i] == '\\')
                    i++;
            if (i >= pattern.len)
                return "has a `[` without `]`";
        }
    }
    return NULL;
}

/* *pos is after the bracket; left after the closing one. */
static int in_set(struct belfry_str pattern, size_t *pos, uint32_t cp)
{
    int negated = pattern.ptr[*pos] == '!', found = 0;
    size_t first;

    *pos += (size_t)negated;
    first = *pos;
    while (*pos < pattern.len && (*pos == first || pattern.ptr[*pos] != ']')) {
        uint32_t low, high;
        if (pattern.ptr[*pos] == '\\')
            (*pos)++;
        low = high = str_utf8_next(pattern, pos);
        if (*pos + 1 < pattern.len && pattern.ptr[*pos] == '-' && pattern.ptr[*pos + 1] != ']') {
            (*pos)++;
            if (pattern.ptr[*pos] == '\\')
                (*pos)++;
            high = str_utf8_next(pattern, pos);
        }
        found |= low <= cp && cp <= high;
    }
    (*pos)++;
    return found != negated;
}

/* Matches one element of the pattern that is no star. *p is moved behind it. */
static int glob_one(struct belfry_str pattern, size_t *p, uint32_t cp)
{
    switch (pattern.ptr[*p]) {
    case '?':
        (*p)++;
        return 1;
    case '[':
        (*p)++;
        return in_set(pattern, p, cp);
    case '\\':
        (*p)++;
        /* fallthrough */
    default:
        return str_utf8_next(pattern, p) == cp;
    }
}

/* Only the last star is ever moved: a longer match of an earlier one cannot help. */
int match_glob(struct match_run *run, struct belfry_str pattern, struct belfry_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

    while (t < text.len) {
        size_t next_t = t, next_p = p;
        if (++run->glob_steps > MATCH_GLOB_STEPS) {
            run->note = "gave up: the pattern takes too many steps on this text";
            return 0;
        }
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.len && glob_one(pattern, &next_p, str_utf8_next(text, &next_t))) {
            p = next_p;
            t = next_t;
        } else if (star != SIZE_MAX) {
            str_utf8_next(text, &star_text);
            p = star;
            t = star_text;
        } else {
            return 0;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* --- regular expressions ------------------------------------------------------------------------------------------ */

struct match_regex {
    pcre2_code *code;
    struct belfry_str pattern;
    int fold;
};

static void free_regex(void *arg)
{
    pcre2_code_free(arg);
}

static pcre2_code *compile_pattern(struct belfry_str pattern, int fold, int *error, size_t *offset)
{
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code;

    if (context == NULL)
        return NULL;
    pcre2_set_max_pattern_length(context, MATCH_REGEX_MAX);
    pcre2_set_parens_nest_limit(context, MAX_GROUPS);
    code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, fold ? options | PCRE2_CASELESS : options, error, offset,
                         context);
    pcre2_compile_context_free(context);
    return code;
}

const struct match_regex *match_regex_compile(struct arena *arena, struct belfry_str pattern, int fold,
                                              const char **message, size_t *offset)
{
    struct match_regex *regex = arena_alloc(arena, sizeof(*regex));
    PCRE2_UCHAR text[128];
    size_t size = 0;
    int error = 0;

    regex->pattern = arena_str(arena, pattern);
    regex->fold = fold;
    *offset = 0;
    if (pattern.len > MATCH_REGEX_MAX) {
        *message = "is longer than 512 bytes";
        return NULL;
    }
    regex->code = compile_pattern(regex->pattern, fold, &error, offset);
    if (regex->code == NULL) {
        if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
            *message = "does not compile";
        else
            *message = arena_strdup(arena, (const char *)text);
        return NULL;
    }
    arena_cleanup(arena, free_regex, regex->code);
    pcre2_pattern_info(regex->code, PCRE2_INFO_SIZE, &size);
    if (size > MAX_COMPILED) {
        *message = "regular expression is too large";
        return NULL;
    }
    return regex;
}

int match_regex_same(const struct match_regex *a, const struct match_regex *b)
{
    return a->fold == b->fold && str_eq(a->pattern, b->pattern);
}

static int count_step(pcre2_callout_block *block, void *arg)
{
    struct match_run *run = arg;
    size_t at = block->current_position, before = run->regex_at;

    run->regex_at = at;
    run->regex_steps += 1 + (uint32_t)((at > before ? at - before : before - at) / 32);
    return run->regex_steps > MATCH_REGEX_STEPS ? PCRE2_ERROR_CALLOUT : 0;
}

/* Made once for an evaluation that searches at all. */
static int prepare(struct match_run *run)
{
    pcre2_match_context *context;

    if (run->match_context != NULL)
        return 1;
    context = pcre2_match_context_create(NULL);
    run->match_data = pcre2_match_data_create(1, NULL);
    run->match_context = context;
    if (context == NULL || run->match_data == NULL)
        return 0;
    pcre2_set_callout(context, count_step, run);
    pcre2_set_match_limit(context, MATCH_REGEX_STEPS);
    pcre2_set_depth_limit(context, DEPTH_LIMIT);
    pcre2_set_heap_limit(context, HEAP_LIMIT);
    return 1;
}

int match_regex_search(struct match_run *run, const struct match_regex *regex, struct belfry_str text)
{
    int found;

    if (text.len > MATCH_REGEX_TEXT) {
        run->note = "not searched: the text is longer than 8192 bytes";
        return 0;
    }
    if (run->regex_steps > MATCH_REGEX_STEPS || !prepare(run)) {
        run->note = "gave up: the items before it took too many steps";
        return 0;
    }
    found = pcre2_match(regex->code, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0, 0, run->match_data,
                        run->match_context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        run->note = "gave up: the pattern takes too many steps on this text";
    return found >= 0;
}

void match_run_end(struct match_run *run)
{
    pcre2_match_data_free(run->match_data);
    pcre2_match_context_free(run->match_context);
    buf_free(&run->folded);
}
