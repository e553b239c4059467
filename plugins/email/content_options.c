/* SPDX-License-Identifier: Apache-2.0 */
/* The option `templates`: what stands under an event type, `prefix.*`, `default`, `digest`, `catch_up` or `layout`. */
#include "content_inside.h"

#define OPTION(kind, opt_name, member_offset, ...)                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = (uint32_t)(member_offset),   \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }
#define WORD(opt_name, at, text) OPTION(TEMPLATE, opt_name, at, .choices = content_variables, .doc = (text))

/* What templates may read; docs/admin.md says what each is. */
static const char *const content_variables[] = {"actions",
                                                "actions.*",
                                                "actions_label",
                                                "actor",
                                                "body",
                                                "body_html",
                                                "catch_up",
                                                "category",
                                                "category_label",
                                                "content",
                                                "data",
                                                "data.*",
                                                "digest",
                                                "dir",
                                                "facts",
                                                "facts.*",
                                                "groups",
                                                "groups.*",
                                                "has_actions",
                                                "has_facts",
                                                "has_links",
                                                "headline",
                                                "href",
                                                "inbox",
                                                "items",
                                                "items.*",
                                                "lang",
                                                "link",
                                                "more",
                                                "more_label",
                                                "name",
                                                "org",
                                                "outside",
                                                "preferences",
                                                "preheader",
                                                "reason",
                                                "required",
                                                "severity",
                                                "severity_label",
                                                "severity_colour",
                                                "single",
                                                "source",
                                                "subject",
                                                "t",
                                                "t.*",
                                                "time",
                                                "title",
                                                "total",
                                                "type",
                                                "unsubscribe",
                                                "unsubscribe_all",
                                                "unsubscribe_label",
                                                "waited",
                                                "why",
                                                "info",
                                                "success",
                                                "warning",
                                                "error",
                                                "critical",
                                                NULL};

static const struct belfry_option words_options[] = {
    WORD("subject", offsetof(struct content_words, subject), "Subject in this language."),
    WORD("text", offsetof(struct content_words, text), "Plain text in this language."),
    WORD("html", offsetof(struct content_words, html), "HTML in this language."),
    {0}};
static const struct belfry_option words_element[] = {
    OPTION(OBJECT, NULL, 0, .children = words_options, .size = sizeof(struct content_words)), {0}};

static const struct belfry_option override_options[] = {
    WORD("subject", offsetof(struct content_override, words.subject), "Subject: one line."),
    WORD("text", offsetof(struct content_override, words.text),
         "Plain text, without the foot that says why and how to stop it: that is the layout's."),
    WORD("html", offsetof(struct content_override, words.html),
         "HTML of the same; without it, it is made of the text."),
    OPTION(MAP, "locales", offsetof(struct content_override, locales), .children = words_element, .max = 64,
           .doc = "The same in other languages, by BCP 47 tag: de, de-AT."),
    {0}};

const struct belfry_option content_templates_option[] = {
    OPTION(OBJECT, NULL, 0, .children = override_options, .size = sizeof(struct content_override)), {0}};
