/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of plugin ABI 1 on 64-bit Unix machines (LP64): where every member of every public struct is and what type
 * it has. A plugin that was built against the first release relies on each line.
 * Lines are added, at the end of their struct, when a struct grows; none is ever edited or removed.
 */
#ifndef ABI_LAYOUT_V1_H
#define ABI_LAYOUT_V1_H

#include <belfry/host.h>
#include <belfry/plugin.h>

#define MEMBER(s, m, offset, ...)                                                                                      \
    _Static_assert(offsetof(struct s, m) == (offset), #s "." #m " has moved");                                         \
    _Static_assert(__builtin_types_compatible_p(__typeof__(((struct s *)0)->m), __VA_ARGS__),                          \
                   #s "." #m " has another type")
/* Structs without struct_size never grow. */
#define FROZEN(s, size) _Static_assert(sizeof(struct s) == (size), #s " has another size")

/* clang-format off */

/* belfry_str */
MEMBER(belfry_str, ptr, 0, const char *);
MEMBER(belfry_str, len, 8, size_t);
FROZEN(belfry_str, 16);

/* belfry_strs */
MEMBER(belfry_strs, items, 0, const struct belfry_str *);
MEMBER(belfry_strs, count, 8, size_t);
FROZEN(belfry_strs, 16);

/* belfry_attr */
MEMBER(belfry_attr, name, 0, struct belfry_str);
MEMBER(belfry_attr, value, 16, struct belfry_str);
FROZEN(belfry_attr, 32);

/* belfry_error */
MEMBER(belfry_error, struct_size, 0, uint32_t);
MEMBER(belfry_error, status, 4, belfry_status);
MEMBER(belfry_error, impl, 8, void *);

/* belfry_value */
MEMBER(belfry_value, type, 0, uint32_t);
MEMBER(belfry_value, count, 4, uint32_t);
MEMBER(belfry_value, i, 8, int64_t);
MEMBER(belfry_value, d, 16, double);
MEMBER(belfry_value, s, 24, struct belfry_str);
MEMBER(belfry_value, node, 40, const void *);
FROZEN(belfry_value, 48);

/* belfry_view */
MEMBER(belfry_view, struct_size, 0, uint32_t);
MEMBER(belfry_view, reserved, 4, uint32_t);
MEMBER(belfry_view, impl, 8, const void *);
MEMBER(belfry_view, root, 16, void (*)(const struct belfry_view *view, struct belfry_value *out));
MEMBER(belfry_view, get, 24, void (*)(const struct belfry_view *view, const struct belfry_value *object,
       struct belfry_str key, struct belfry_value *out));
MEMBER(belfry_view, at, 32, void (*)(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
       struct belfry_value *out));
MEMBER(belfry_view, member, 40, void (*)(const struct belfry_view *view, const struct belfry_value *object,
       uint32_t index, struct belfry_str *key, struct belfry_value *out));

/* belfry_calendar */
MEMBER(belfry_calendar, ms, 0, int64_t);
MEMBER(belfry_calendar, days, 8, int32_t);
MEMBER(belfry_calendar, reserved, 12, int32_t);
FROZEN(belfry_calendar, 16);

/* belfry_list */
MEMBER(belfry_list, items, 0, const void *);
MEMBER(belfry_list, count, 8, uint32_t);
MEMBER(belfry_list, stride, 12, uint32_t);
FROZEN(belfry_list, 16);

/* belfry_map */
MEMBER(belfry_map, keys, 0, const char *const *);
MEMBER(belfry_map, values, 8, const void *);
MEMBER(belfry_map, count, 16, uint32_t);
MEMBER(belfry_map, stride, 20, uint32_t);
FROZEN(belfry_map, 24);

/* belfry_option */
MEMBER(belfry_option, struct_size, 0, uint32_t);
MEMBER(belfry_option, type, 4, uint32_t);
MEMBER(belfry_option, flags, 8, uint32_t);
MEMBER(belfry_option, offset, 12, uint32_t);
MEMBER(belfry_option, name, 16, const char *);
MEMBER(belfry_option, def, 24, const char *);
MEMBER(belfry_option, doc, 32, const char *);
MEMBER(belfry_option, min, 40, int64_t);
MEMBER(belfry_option, max, 48, int64_t);
MEMBER(belfry_option, choices, 56, const char *const *);
MEMBER(belfry_option, requires_, 64, const char *);
MEMBER(belfry_option, conflicts, 72, const char *);
MEMBER(belfry_option, children, 80, const struct belfry_option *);
MEMBER(belfry_option, size, 88, uint32_t);
MEMBER(belfry_option, reserved, 92, uint32_t);
MEMBER(belfry_option, not_before, 96, const char *);
MEMBER(belfry_option, unlike, 104, const char *);

/* belfry_action_text */
MEMBER(belfry_action_text, struct_size, 0, uint32_t);
MEMBER(belfry_action_text, reserved, 4, uint32_t);
MEMBER(belfry_action_text, language, 8, const char *);
MEMBER(belfry_action_text, label, 16, const char *);
MEMBER(belfry_action_text, comment, 24, const char *);

/* belfry_action_type */
MEMBER(belfry_action_type, struct_size, 0, uint32_t);
MEMBER(belfry_action_type, reserved, 4, uint32_t);
MEMBER(belfry_action_type, id, 8, const char *);
MEMBER(belfry_action_type, label, 16, const char *);
MEMBER(belfry_action_type, trigger, 24, const char *);
MEMBER(belfry_action_type, comment, 32, const char *);
MEMBER(belfry_action_type, texts, 40, const struct belfry_action_text *);

/* belfry_field */
MEMBER(belfry_field, struct_size, 0, uint32_t);
MEMBER(belfry_field, value_type, 4, uint32_t);
MEMBER(belfry_field, path, 8, const char *);
MEMBER(belfry_field, doc, 16, const char *);

/* belfry_event_text */
MEMBER(belfry_event_text, struct_size, 0, uint32_t);
MEMBER(belfry_event_text, reserved, 4, uint32_t);
MEMBER(belfry_event_text, language, 8, const char *);
MEMBER(belfry_event_text, title, 16, const char *);
MEMBER(belfry_event_text, body, 24, const char *);

/* belfry_event_type */
MEMBER(belfry_event_type, struct_size, 0, uint32_t);
MEMBER(belfry_event_type, severity, 4, uint32_t);
MEMBER(belfry_event_type, type, 8, const char *);
MEMBER(belfry_event_type, category, 16, const char *);
MEMBER(belfry_event_type, replaces, 24, const char *const *);
MEMBER(belfry_event_type, actions, 32, const struct belfry_action_type *);
MEMBER(belfry_event_type, fields, 40, const struct belfry_field *);
MEMBER(belfry_event_type, title, 48, const char *);
MEMBER(belfry_event_type, body, 56, const char *);
MEMBER(belfry_event_type, doc, 64, const char *);
MEMBER(belfry_event_type, example, 72, const char *);
MEMBER(belfry_event_type, texts, 80, const struct belfry_event_text *);

/* belfry_category_text */
MEMBER(belfry_category_text, struct_size, 0, uint32_t);
MEMBER(belfry_category_text, reserved, 4, uint32_t);
MEMBER(belfry_category_text, language, 8, const char *);
MEMBER(belfry_category_text, label, 16, const char *);

/* belfry_category */
MEMBER(belfry_category, struct_size, 0, uint32_t);
MEMBER(belfry_category, reserved, 4, uint32_t);
MEMBER(belfry_category, name, 8, const char *);
MEMBER(belfry_category, label, 16, const char *);
MEMBER(belfry_category, texts, 24, const struct belfry_category_text *);

/* belfry_route */
MEMBER(belfry_route, struct_size, 0, uint32_t);
MEMBER(belfry_route, flags, 4, uint32_t);
MEMBER(belfry_route, method, 8, const char *);
MEMBER(belfry_route, pattern, 16, const char *);
MEMBER(belfry_route, auth, 24, const char *);
MEMBER(belfry_route, body_limit, 32, int64_t);
MEMBER(belfry_route, handle, 40, void (*)(void *self, const struct belfry_http_request *req));

/* belfry_role */
MEMBER(belfry_role, id, 0, const char *);
MEMBER(belfry_role, vtable, 8, const void *);
FROZEN(belfry_role, 16);

/* belfry_plugin */
MEMBER(belfry_plugin, struct_size, 0, uint32_t);
MEMBER(belfry_plugin, flags, 4, uint32_t);
MEMBER(belfry_plugin, id, 8, const char *);
MEMBER(belfry_plugin, version, 16, const char *);
MEMBER(belfry_plugin, summary, 24, const char *);
MEMBER(belfry_plugin, roles, 32, const struct belfry_role *);
MEMBER(belfry_plugin, needs, 40, const char *const *);
MEMBER(belfry_plugin, options, 48, const struct belfry_option *);
MEMBER(belfry_plugin, config_size, 56, uint64_t);
MEMBER(belfry_plugin, events, 64, const struct belfry_event_type *);
MEMBER(belfry_plugin, routes, 72, const struct belfry_route *);
MEMBER(belfry_plugin, create, 80, belfry_status (*)(const struct belfry_host *host, const void *config, void **self,
       struct belfry_error *err));
MEMBER(belfry_plugin, start, 88, belfry_status (*)(void *self, struct belfry_error *err));
MEMBER(belfry_plugin, stop, 96, void (*)(void *self));
MEMBER(belfry_plugin, destroy, 104, void (*)(void *self));
MEMBER(belfry_plugin, reload, 112, belfry_status (*)(void *self, const void *config, struct belfry_error *err));
MEMBER(belfry_plugin, categories, 120, const struct belfry_category *);

/* belfry_entry */
MEMBER(belfry_entry, magic, 0, uint32_t);
MEMBER(belfry_entry, abi_major, 4, uint16_t);
MEMBER(belfry_entry, abi_minor, 6, uint16_t);
MEMBER(belfry_entry, plugin_count, 8, uint32_t);
MEMBER(belfry_entry, reserved, 12, uint32_t);
MEMBER(belfry_entry, plugins, 16, const struct belfry_plugin *const *);
FROZEN(belfry_entry, 24);

/* belfry_principal */
MEMBER(belfry_principal, struct_size, 0, uint32_t);
MEMBER(belfry_principal, kind, 4, uint32_t);
MEMBER(belfry_principal, name, 8, struct belfry_str);
MEMBER(belfry_principal, roles, 24, struct belfry_strs);

/* belfry_trigger */
MEMBER(belfry_trigger, struct_size, 0, uint32_t);
MEMBER(belfry_trigger, flags, 4, uint32_t);
MEMBER(belfry_trigger, id, 8, struct belfry_str);
MEMBER(belfry_trigger, source, 24, struct belfry_str);
MEMBER(belfry_trigger, type, 40, struct belfry_str);
MEMBER(belfry_trigger, subject, 56, struct belfry_str);
MEMBER(belfry_trigger, time_ms, 72, int64_t);
MEMBER(belfry_trigger, arrived_ms, 80, int64_t);
MEMBER(belfry_trigger, data, 88, struct belfry_str);
MEMBER(belfry_trigger, impl, 104, void *);

/* belfry_person */
MEMBER(belfry_person, struct_size, 0, uint32_t);
MEMBER(belfry_person, reserved, 4, uint32_t);
MEMBER(belfry_person, username, 8, struct belfry_str);
MEMBER(belfry_person, name, 24, struct belfry_str);
MEMBER(belfry_person, email, 40, struct belfry_str);
MEMBER(belfry_person, locale, 56, struct belfry_str);
MEMBER(belfry_person, timezone, 72, struct belfry_str);
MEMBER(belfry_person, roles, 88, struct belfry_strs);

/* belfry_recipient */
MEMBER(belfry_recipient, struct_size, 0, uint32_t);
MEMBER(belfry_recipient, kind, 4, uint32_t);
MEMBER(belfry_recipient, name, 8, struct belfry_str);
MEMBER(belfry_recipient, reason, 24, struct belfry_str);

/* belfry_action */
MEMBER(belfry_action, struct_size, 0, uint32_t);
MEMBER(belfry_action, reserved, 4, uint32_t);
MEMBER(belfry_action, id, 8, struct belfry_str);
MEMBER(belfry_action, label, 24, struct belfry_str);
MEMBER(belfry_action, type, 40, struct belfry_str);
MEMBER(belfry_action, data, 56, struct belfry_str);
MEMBER(belfry_action, comment, 72, struct belfry_str);

/* belfry_event_words */
MEMBER(belfry_event_words, struct_size, 0, uint32_t);
MEMBER(belfry_event_words, reserved, 4, uint32_t);
MEMBER(belfry_event_words, language, 8, struct belfry_str);
MEMBER(belfry_event_words, title, 24, struct belfry_str);
MEMBER(belfry_event_words, body, 40, struct belfry_str);
MEMBER(belfry_event_words, data, 56, struct belfry_str);

/* belfry_event */
MEMBER(belfry_event, struct_size, 0, uint32_t);
MEMBER(belfry_event, flags, 4, uint32_t);
MEMBER(belfry_event, type, 8, struct belfry_str);
MEMBER(belfry_event, subject, 24, struct belfry_str);
MEMBER(belfry_event, category, 40, struct belfry_str);
MEMBER(belfry_event, severity, 56, int32_t);
MEMBER(belfry_event, reserved, 60, uint32_t);
MEMBER(belfry_event, title_template, 64, const struct belfry_template *);
MEMBER(belfry_event, body_template, 72, const struct belfry_template *);
MEMBER(belfry_event, title, 80, struct belfry_str);
MEMBER(belfry_event, body, 96, struct belfry_str);
MEMBER(belfry_event, params, 112, const struct belfry_view *);
MEMBER(belfry_event, link, 120, struct belfry_str);
MEMBER(belfry_event, actor, 136, struct belfry_str);
MEMBER(belfry_event, audience, 152, const struct belfry_recipient *);
MEMBER(belfry_event, audience_count, 160, size_t);
MEMBER(belfry_event, actions, 168, const struct belfry_action *);
MEMBER(belfry_event, action_count, 176, size_t);
MEMBER(belfry_event, data, 184, struct belfry_str);
MEMBER(belfry_event, valid_until_ms, 200, int64_t);
MEMBER(belfry_event, words, 208, const struct belfry_event_words *);
MEMBER(belfry_event, word_count, 216, size_t);

/* belfry_selection */
MEMBER(belfry_selection, struct_size, 0, uint32_t);
MEMBER(belfry_selection, reserved, 4, uint32_t);
MEMBER(belfry_selection, types, 8, struct belfry_strs);
MEMBER(belfry_selection, only, 24, struct belfry_strs);
MEMBER(belfry_selection, except, 40, struct belfry_strs);
MEMBER(belfry_selection, reason, 56, struct belfry_str);

/* belfry_txn_api */
MEMBER(belfry_txn_api, struct_size, 0, uint32_t);
MEMBER(belfry_txn_api, reserved, 4, uint32_t);
MEMBER(belfry_txn_api, get, 8, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key,
       struct belfry_str *value));
MEMBER(belfry_txn_api, scan, 16, belfry_status (*)(struct belfry_txn *txn, struct belfry_str prefix,
       struct belfry_str after, int32_t reverse, uint32_t limit, int32_t (*fn)(void *arg, struct belfry_str key,
       struct belfry_str value), void *arg));
MEMBER(belfry_txn_api, put, 24, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key,
       struct belfry_str value));
MEMBER(belfry_txn_api, del, 32, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key));
MEMBER(belfry_txn_api, user, 40, belfry_status (*)(struct belfry_txn *txn, struct belfry_str username,
       struct belfry_person *person));
MEMBER(belfry_txn_api, role_members, 48, belfry_status (*)(struct belfry_txn *txn, struct belfry_str role,
       struct belfry_str after, uint32_t limit, struct belfry_strs *usernames));
MEMBER(belfry_txn_api, has_role, 56, int32_t (*)(struct belfry_txn *txn, struct belfry_str username,
       struct belfry_str role));
MEMBER(belfry_txn_api, value_get, 64, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, struct belfry_value *out));
MEMBER(belfry_txn_api, value_str, 72, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, struct belfry_str *out, struct belfry_error *err));
MEMBER(belfry_txn_api, value_int, 80, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, int64_t *out, struct belfry_error *err));
MEMBER(belfry_txn_api, value_bool, 88, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, int32_t *out, struct belfry_error *err));
MEMBER(belfry_txn_api, value_time, 96, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, int64_t *out_ms, struct belfry_error *err));
MEMBER(belfry_txn_api, value_view, 104, const struct belfry_view * (*)(struct belfry_txn *txn,
       const struct belfry_trigger *trigger));
MEMBER(belfry_txn_api, emit, 112, belfry_status (*)(struct belfry_txn *txn, const struct belfry_event *event,
       struct belfry_error *err));
MEMBER(belfry_txn_api, withdraw, 120, belfry_status (*)(struct belfry_txn *txn, struct belfry_str subject,
       const struct belfry_selection *which));
MEMBER(belfry_txn_api, handled, 128, belfry_status (*)(struct belfry_txn *txn, struct belfry_str subject,
       const struct belfry_selection *which, struct belfry_str by));
MEMBER(belfry_txn_api, supersede, 136, belfry_status (*)(struct belfry_txn *txn, struct belfry_str subject,
       const struct belfry_selection *which));
MEMBER(belfry_txn_api, valid_until, 144, belfry_status (*)(struct belfry_txn *txn, struct belfry_str subject,
       const struct belfry_selection *which, int64_t when_ms));
MEMBER(belfry_txn_api, timer_set, 152, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key,
       int64_t when_ms, struct belfry_str payload));
MEMBER(belfry_txn_api, timer_clear, 160, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key));
MEMBER(belfry_txn_api, task, 168, belfry_status (*)(struct belfry_txn *txn, struct belfry_str key,
       struct belfry_str payload, int64_t not_before_ms));
MEMBER(belfry_txn_api, alloc, 176, void * (*)(struct belfry_txn *txn, size_t size));
MEMBER(belfry_txn_api, zone, 184, belfry_status (*)(struct belfry_txn *txn, struct belfry_str *out));
MEMBER(belfry_txn_api, value_link, 192, belfry_status (*)(struct belfry_txn *txn, const struct belfry_trigger *trigger,
       const char *pointer, struct belfry_str *out, struct belfry_error *err));
MEMBER(belfry_txn_api, value_address, 200, belfry_status (*)(struct belfry_txn *txn,
       const struct belfry_trigger *trigger, const char *pointer, struct belfry_str *out, struct belfry_error *err));
MEMBER(belfry_txn_api, value_username, 208, belfry_status (*)(struct belfry_txn *txn,
       const struct belfry_trigger *trigger, const char *pointer, struct belfry_str *out, struct belfry_error *err));

/* belfry_txn */
MEMBER(belfry_txn, struct_size, 0, uint32_t);
MEMBER(belfry_txn, reserved, 4, uint32_t);
MEMBER(belfry_txn, api, 8, const struct belfry_txn_api *);
MEMBER(belfry_txn, host, 16, const struct belfry_host *);
MEMBER(belfry_txn, now_ms, 24, int64_t);
MEMBER(belfry_txn, org, 32, struct belfry_str);
MEMBER(belfry_txn, principal, 48, const struct belfry_principal *);
MEMBER(belfry_txn, impl, 56, void *);

/* belfry_source */
MEMBER(belfry_source, struct_size, 0, uint32_t);
MEMBER(belfry_source, flags, 4, uint32_t);
MEMBER(belfry_source, receive, 8, belfry_status (*)(void *self, struct belfry_txn *txn,
       const struct belfry_trigger *trigger, struct belfry_error *err));
MEMBER(belfry_source, due, 16, belfry_status (*)(void *self, struct belfry_txn *txn, struct belfry_str key,
       struct belfry_str payload, int64_t was_due_ms, struct belfry_error *err));
MEMBER(belfry_source, perform, 24, void (*)(void *self, uint64_t task_id, struct belfry_str org, struct belfry_str key,
       struct belfry_str payload));
MEMBER(belfry_source, refresh, 32, void (*)(void *self, uint64_t job_id, struct belfry_str org));

/* belfry_item */
MEMBER(belfry_item, struct_size, 0, uint32_t);
MEMBER(belfry_item, severity, 4, uint32_t);
MEMBER(belfry_item, delivery_id, 8, uint64_t);
MEMBER(belfry_item, event_id, 16, struct belfry_str);
MEMBER(belfry_item, notification_id, 32, struct belfry_str);
MEMBER(belfry_item, org, 48, struct belfry_str);
MEMBER(belfry_item, source, 64, struct belfry_str);
MEMBER(belfry_item, type, 80, struct belfry_str);
MEMBER(belfry_item, category, 96, struct belfry_str);
MEMBER(belfry_item, subject, 112, struct belfry_str);
MEMBER(belfry_item, title, 128, struct belfry_str);
MEMBER(belfry_item, body, 144, struct belfry_str);
MEMBER(belfry_item, link, 160, struct belfry_str);
MEMBER(belfry_item, actor, 176, struct belfry_str);
MEMBER(belfry_item, data, 192, struct belfry_str);
MEMBER(belfry_item, time_ms, 208, int64_t);
MEMBER(belfry_item, payload, 216, struct belfry_str);
MEMBER(belfry_item, href, 232, struct belfry_str);
MEMBER(belfry_item, flags, 248, uint32_t);
MEMBER(belfry_item, reserved, 252, uint32_t);
MEMBER(belfry_item, reason, 256, struct belfry_str);
MEMBER(belfry_item, category_label, 272, struct belfry_str);
MEMBER(belfry_item, waited_ms, 288, int64_t);
MEMBER(belfry_item, valid_until_ms, 296, int64_t);
MEMBER(belfry_item, actions, 304, const struct belfry_action *);
MEMBER(belfry_item, action_count, 312, size_t);

/* belfry_batch */
MEMBER(belfry_batch, struct_size, 0, uint32_t);
MEMBER(belfry_batch, item_count, 4, uint32_t);
MEMBER(belfry_batch, id, 8, uint64_t);
MEMBER(belfry_batch, deadline_ms, 16, int64_t);
MEMBER(belfry_batch, attempt, 24, uint32_t);
MEMBER(belfry_batch, total, 28, uint32_t);
MEMBER(belfry_batch, items, 32, const struct belfry_item *const *);
MEMBER(belfry_batch, target, 40, const struct belfry_target *);
MEMBER(belfry_batch, person, 48, const struct belfry_person *);
MEMBER(belfry_batch, key, 56, struct belfry_str);
MEMBER(belfry_batch, kind, 72, uint32_t);
MEMBER(belfry_batch, reserved, 76, uint32_t);

/* belfry_result */
MEMBER(belfry_result, struct_size, 0, uint32_t);
MEMBER(belfry_result, outcome, 4, uint32_t);
MEMBER(belfry_result, code, 8, int32_t);
MEMBER(belfry_result, reserved, 12, uint32_t);
MEMBER(belfry_result, retry_after_ms, 16, int64_t);
MEMBER(belfry_result, detail, 24, struct belfry_str);
MEMBER(belfry_result, record, 40, struct belfry_str);

/* belfry_delivery */
MEMBER(belfry_delivery, struct_size, 0, uint32_t);
MEMBER(belfry_delivery, flags, 4, uint32_t);
MEMBER(belfry_delivery, max_batch, 8, uint32_t);
MEMBER(belfry_delivery, max_inflight, 12, uint32_t);
MEMBER(belfry_delivery, deliver, 16, void (*)(void *self, const struct belfry_batch *batch));
MEMBER(belfry_delivery, cancel, 24, void (*)(void *self, uint64_t batch_id));
MEMBER(belfry_delivery, timeout_ms, 32, int64_t);
MEMBER(belfry_delivery, inflight, 40, uint32_t (*)(void *self));

/* belfry_submission */
MEMBER(belfry_submission, struct_size, 0, uint32_t);
MEMBER(belfry_submission, reserved, 4, uint32_t);
MEMBER(belfry_submission, org, 8, struct belfry_str);
MEMBER(belfry_submission, id, 24, struct belfry_str);
MEMBER(belfry_submission, source, 40, struct belfry_str);
MEMBER(belfry_submission, type, 56, struct belfry_str);
MEMBER(belfry_submission, subject, 72, struct belfry_str);
MEMBER(belfry_submission, data, 88, struct belfry_str);
MEMBER(belfry_submission, time_ms, 104, int64_t);
MEMBER(belfry_submission, principal, 112, const struct belfry_principal *);

/* belfry_host */
MEMBER(belfry_host, struct_size, 0, uint32_t);
MEMBER(belfry_host, abi_major, 4, uint16_t);
MEMBER(belfry_host, abi_minor, 6, uint16_t);
MEMBER(belfry_host, impl, 8, void *);
MEMBER(belfry_host, instance, 16, const char *);
MEMBER(belfry_host, get_extension, 24, const void * (*)(const struct belfry_host *host, const char *id));
MEMBER(belfry_host, log, 32, void (*)(const struct belfry_host *host, uint32_t level, const char *message));
MEMBER(belfry_host, now_ms, 40, int64_t (*)(const struct belfry_host *host));
MEMBER(belfry_host, post, 48, belfry_status (*)(const struct belfry_host *host, void (*fn)(void *arg), void *arg));
MEMBER(belfry_host, submit, 56, belfry_status (*)(const struct belfry_host *host,
       const struct belfry_submission *trigger, void (*done)(void *arg, belfry_status status,
       struct belfry_str message), void *arg));
MEMBER(belfry_host, complete, 64, void (*)(const struct belfry_host *host, uint64_t batch_id,
       const struct belfry_result *results, uint32_t n));
MEMBER(belfry_host, task_done, 72, void (*)(const struct belfry_host *host, uint64_t task_id, uint32_t outcome,
       int64_t retry_after_ms, struct belfry_str result));
MEMBER(belfry_host, job_done, 80, void (*)(const struct belfry_host *host, uint64_t job_id, uint32_t added,
       uint32_t invalidated, belfry_status status));
MEMBER(belfry_host, fail, 88, belfry_status (*)(struct belfry_error *err, belfry_status status, const char *pointer,
       const char *format, ...));
MEMBER(belfry_host, fail_attr, 96, void (*)(struct belfry_error *err, const char *name, struct belfry_str value));
MEMBER(belfry_host, stopped, 104, void (*)(const struct belfry_host *host));
MEMBER(belfry_host, feedback_done, 112, void (*)(const struct belfry_host *host, uint64_t id, uint32_t outcome,
       struct belfry_str detail));

/* belfry_feedback */
MEMBER(belfry_feedback, struct_size, 0, uint32_t);
MEMBER(belfry_feedback, flags, 4, uint32_t);
MEMBER(belfry_feedback, take, 8, void (*)(void *self, uint64_t id, struct belfry_str recipient,
       struct belfry_str message));

/* belfry_timer_api */
MEMBER(belfry_timer_api, struct_size, 0, uint32_t);
MEMBER(belfry_timer_api, reserved, 4, uint32_t);
MEMBER(belfry_timer_api, start, 8, belfry_status (*)(const struct belfry_host *host, int64_t delay_ms,
       int64_t repeat_ms, void (*fn)(void *arg), void *arg, uint64_t *id));
MEMBER(belfry_timer_api, stop, 16, void (*)(const struct belfry_host *host, uint64_t id));

/* belfry_match_api */
MEMBER(belfry_match_api, struct_size, 0, uint32_t);
MEMBER(belfry_match_api, reserved, 4, uint32_t);
MEMBER(belfry_match_api, eval, 8, int32_t (*)(const struct belfry_condition *condition,
       const struct belfry_view *view));
MEMBER(belfry_match_api, paths, 16, void (*)(const struct belfry_condition *condition, struct belfry_strs *out));

/* belfry_rules_api */
MEMBER(belfry_rules_api, struct_size, 0, uint32_t);
MEMBER(belfry_rules_api, reserved, 4, uint32_t);
MEMBER(belfry_rules_api, data_paths, 8, void (*)(const struct belfry_host *host, struct belfry_strs *out));

/* belfry_template_api */
MEMBER(belfry_template_api, struct_size, 0, uint32_t);
MEMBER(belfry_template_api, reserved, 4, uint32_t);
MEMBER(belfry_template_api, render, 8, belfry_status (*)(const struct belfry_template *tpl,
       const struct belfry_view *params, void (*sink)(void *arg, struct belfry_str text), void *arg));
MEMBER(belfry_template_api, paths, 16, void (*)(const struct belfry_template *tpl, struct belfry_strs *out));

/* belfry_http_request */
MEMBER(belfry_http_request, struct_size, 0, uint32_t);
MEMBER(belfry_http_request, flags, 4, uint32_t);
MEMBER(belfry_http_request, id, 8, uint64_t);
MEMBER(belfry_http_request, method, 16, struct belfry_str);
MEMBER(belfry_http_request, path, 32, struct belfry_str);
MEMBER(belfry_http_request, query, 48, struct belfry_str);
MEMBER(belfry_http_request, org, 64, struct belfry_str);
MEMBER(belfry_http_request, body, 80, struct belfry_str);
MEMBER(belfry_http_request, content_type, 96, struct belfry_str);
MEMBER(belfry_http_request, params, 112, const struct belfry_attr *);
MEMBER(belfry_http_request, param_count, 120, size_t);
MEMBER(belfry_http_request, headers, 128, const struct belfry_attr *);
MEMBER(belfry_http_request, header_count, 136, size_t);
MEMBER(belfry_http_request, principal, 144, const struct belfry_principal *);
MEMBER(belfry_http_request, csrf, 152, struct belfry_str);
MEMBER(belfry_http_request, locale, 168, struct belfry_str);
MEMBER(belfry_http_request, timezone, 184, struct belfry_str);
MEMBER(belfry_http_request, peer, 200, struct belfry_str);
MEMBER(belfry_http_request, impl, 216, void *);

/* belfry_http_response */
MEMBER(belfry_http_response, struct_size, 0, uint32_t);
MEMBER(belfry_http_response, status, 4, uint32_t);
MEMBER(belfry_http_response, content_type, 8, struct belfry_str);
MEMBER(belfry_http_response, body, 24, struct belfry_str);
MEMBER(belfry_http_response, headers, 40, const struct belfry_attr *);
MEMBER(belfry_http_response, header_count, 48, size_t);

/* belfry_fault */
MEMBER(belfry_fault, struct_size, 0, uint32_t);
MEMBER(belfry_fault, reserved, 4, uint32_t);
MEMBER(belfry_fault, pointer, 8, struct belfry_str);
MEMBER(belfry_fault, detail, 24, struct belfry_str);

/* belfry_http_page */
MEMBER(belfry_http_page, struct_size, 0, uint32_t);
MEMBER(belfry_http_page, status, 4, uint32_t);
MEMBER(belfry_http_page, title, 8, struct belfry_str);
MEMBER(belfry_http_page, main, 24, struct belfry_str);
MEMBER(belfry_http_page, scripts, 40, const char *const *);
MEMBER(belfry_http_page, styles, 48, const char *const *);
MEMBER(belfry_http_page, reload_after_s, 56, uint32_t);
MEMBER(belfry_http_page, reserved, 60, uint32_t);
MEMBER(belfry_http_page, skips, 64, struct belfry_str);
MEMBER(belfry_http_page, flags, 80, uint32_t);
MEMBER(belfry_http_page, reserved2, 84, uint32_t);

/* belfry_http_route_api */
MEMBER(belfry_http_route_api, struct_size, 0, uint32_t);
MEMBER(belfry_http_route_api, reserved, 4, uint32_t);
MEMBER(belfry_http_route_api, respond, 8, void (*)(const struct belfry_host *host, uint64_t request,
       const struct belfry_http_response *response));
MEMBER(belfry_http_route_api, page, 16, void (*)(const struct belfry_host *host, uint64_t request,
       const struct belfry_http_page *page));
MEMBER(belfry_http_route_api, problem, 24, void (*)(const struct belfry_host *host, uint64_t request, uint32_t status,
       const char *pointer, struct belfry_str detail));
MEMBER(belfry_http_route_api, begin, 32, belfry_status (*)(const struct belfry_host *host, uint64_t request,
       const struct belfry_http_response *head, void (*drain)(void *arg), void (*closed)(void *arg), void *arg));
MEMBER(belfry_http_route_api, write, 40, belfry_status (*)(const struct belfry_host *host, uint64_t request,
       struct belfry_str data));
MEMBER(belfry_http_route_api, end, 48, void (*)(const struct belfry_host *host, uint64_t request));
MEMBER(belfry_http_route_api, query, 56, belfry_status (*)(const struct belfry_http_request *req, const char *name,
       uint32_t index, struct belfry_str *out));
MEMBER(belfry_http_route_api, form, 64, belfry_status (*)(const struct belfry_http_request *req, const char *name,
       uint32_t index, struct belfry_str *out));
MEMBER(belfry_http_route_api, header, 72, struct belfry_str (*)(const struct belfry_http_request *req,
       const char *name));
MEMBER(belfry_http_route_api, escape, 80, struct belfry_str (*)(const struct belfry_http_request *req,
       struct belfry_str text));
MEMBER(belfry_http_route_api, text, 88, struct belfry_str (*)(const struct belfry_http_request *req, const char *key));
MEMBER(belfry_http_route_api, datetime, 96, struct belfry_str (*)(const struct belfry_http_request *req, int64_t ms));
MEMBER(belfry_http_route_api, problems, 104, void (*)(const struct belfry_host *host, uint64_t request, uint32_t status,
       const struct belfry_fault *faults, size_t fault_count, const struct belfry_attr *members, size_t member_count));
MEMBER(belfry_http_route_api, cut, 112, void (*)(const struct belfry_host *host, uint64_t request));

/* belfry_inbox_filter */
MEMBER(belfry_inbox_filter, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_filter, flags, 4, uint32_t);
MEMBER(belfry_inbox_filter, q, 8, struct belfry_str);
MEMBER(belfry_inbox_filter, severity, 24, struct belfry_strs);
MEMBER(belfry_inbox_filter, category, 40, struct belfry_strs);
MEMBER(belfry_inbox_filter, source, 56, struct belfry_strs);
MEMBER(belfry_inbox_filter, ids, 72, struct belfry_strs);
MEMBER(belfry_inbox_filter, hidden, 88, uint32_t);
MEMBER(belfry_inbox_filter, unread, 92, uint32_t);

/* belfry_inbox_item */
MEMBER(belfry_inbox_item, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_item, severity, 4, uint32_t);
MEMBER(belfry_inbox_item, id, 8, struct belfry_str);
MEMBER(belfry_inbox_item, type, 24, struct belfry_str);
MEMBER(belfry_inbox_item, source, 40, struct belfry_str);
MEMBER(belfry_inbox_item, category, 56, struct belfry_str);
MEMBER(belfry_inbox_item, title, 72, struct belfry_str);
MEMBER(belfry_inbox_item, body, 88, struct belfry_str);
MEMBER(belfry_inbox_item, subject, 104, struct belfry_str);
MEMBER(belfry_inbox_item, actor, 120, struct belfry_str);
MEMBER(belfry_inbox_item, reason, 136, struct belfry_str);
MEMBER(belfry_inbox_item, link, 152, struct belfry_str);
MEMBER(belfry_inbox_item, handled_by, 168, struct belfry_str);
MEMBER(belfry_inbox_item, replaced_by, 184, struct belfry_str);
MEMBER(belfry_inbox_item, created_ms, 200, int64_t);
MEMBER(belfry_inbox_item, seen_ms, 208, int64_t);
MEMBER(belfry_inbox_item, read_ms, 216, int64_t);
MEMBER(belfry_inbox_item, hidden_ms, 224, int64_t);
MEMBER(belfry_inbox_item, valid_until_ms, 232, int64_t);
MEMBER(belfry_inbox_item, handled_ms, 240, int64_t);
MEMBER(belfry_inbox_item, validity, 248, uint32_t);
MEMBER(belfry_inbox_item, unread, 252, uint32_t);
MEMBER(belfry_inbox_item, actions, 256, const struct belfry_action *);
MEMBER(belfry_inbox_item, action_count, 264, size_t);
MEMBER(belfry_inbox_item, rev, 272, int64_t);
MEMBER(belfry_inbox_item, category_label, 280, struct belfry_str);

/* belfry_facet */
MEMBER(belfry_facet, struct_size, 0, uint32_t);
MEMBER(belfry_facet, facet, 4, uint32_t);
MEMBER(belfry_facet, value, 8, struct belfry_str);
MEMBER(belfry_facet, label, 24, struct belfry_str);
MEMBER(belfry_facet, count, 40, uint64_t);

/* belfry_inbox_page */
MEMBER(belfry_inbox_page, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_page, reserved, 4, uint32_t);
MEMBER(belfry_inbox_page, rev, 8, int64_t);
MEMBER(belfry_inbox_page, total, 16, uint64_t);
MEMBER(belfry_inbox_page, unread, 24, uint64_t);
MEMBER(belfry_inbox_page, items, 32, const struct belfry_inbox_item *);
MEMBER(belfry_inbox_page, count, 40, size_t);
MEMBER(belfry_inbox_page, facets, 48, const struct belfry_facet *);
MEMBER(belfry_inbox_page, facet_count, 56, size_t);
MEMBER(belfry_inbox_page, next, 64, struct belfry_str);
MEMBER(belfry_inbox_page, etag, 80, struct belfry_str);

/* belfry_inbox_counts */
MEMBER(belfry_inbox_counts, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_counts, reserved, 4, uint32_t);
MEMBER(belfry_inbox_counts, rev, 8, int64_t);
MEMBER(belfry_inbox_counts, unread, 16, uint64_t);
MEMBER(belfry_inbox_counts, unseen, 24, uint64_t);
MEMBER(belfry_inbox_counts, etag, 32, struct belfry_str);

/* belfry_inbox_failure */
MEMBER(belfry_inbox_failure, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_failure, reserved, 4, uint32_t);
MEMBER(belfry_inbox_failure, id, 8, struct belfry_str);
MEMBER(belfry_inbox_failure, code, 24, const char *);

/* belfry_inbox_change */
MEMBER(belfry_inbox_change, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_change, reserved, 4, uint32_t);
MEMBER(belfry_inbox_change, status, 8, belfry_status);
MEMBER(belfry_inbox_change, message, 16, struct belfry_str);
MEMBER(belfry_inbox_change, rev, 32, int64_t);
MEMBER(belfry_inbox_change, unread, 40, uint64_t);
MEMBER(belfry_inbox_change, changed, 48, uint64_t);
MEMBER(belfry_inbox_change, failed, 56, const struct belfry_inbox_failure *);
MEMBER(belfry_inbox_change, failed_count, 64, size_t);
MEMBER(belfry_inbox_change, undo, 72, struct belfry_str);
MEMBER(belfry_inbox_change, handled_by, 88, struct belfry_str);
MEMBER(belfry_inbox_change, handled_ms, 104, int64_t);
MEMBER(belfry_inbox_change, faults, 112, const struct belfry_fault *);
MEMBER(belfry_inbox_change, fault_count, 120, size_t);
MEMBER(belfry_inbox_change, members, 128, const struct belfry_attr *);
MEMBER(belfry_inbox_change, member_count, 136, size_t);

/* belfry_inbox_api */
MEMBER(belfry_inbox_api, struct_size, 0, uint32_t);
MEMBER(belfry_inbox_api, reserved, 4, uint32_t);
MEMBER(belfry_inbox_api, tag, 8, belfry_status (*)(const struct belfry_http_request *req, struct belfry_str *etag,
       int64_t *rev));
MEMBER(belfry_inbox_api, list, 16, void (*)(const struct belfry_http_request *req,
       const struct belfry_inbox_filter *filter, struct belfry_str before, uint32_t limit, void (*done)(void *arg,
       belfry_status status, const struct belfry_inbox_page *page), void *arg));
MEMBER(belfry_inbox_api, count, 24, void (*)(const struct belfry_http_request *req, void (*done)(void *arg,
       belfry_status status, const struct belfry_inbox_counts *counts), void *arg));
MEMBER(belfry_inbox_api, one, 32, void (*)(const struct belfry_http_request *req, struct belfry_str id,
       void (*done)(void *arg, belfry_status status, const struct belfry_inbox_item *item), void *arg));
MEMBER(belfry_inbox_api, mark, 40, void (*)(const struct belfry_http_request *req, uint32_t mark, struct belfry_str id,
       void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg));
MEMBER(belfry_inbox_api, bulk, 48, void (*)(const struct belfry_http_request *req, uint32_t mark,
       const struct belfry_inbox_filter *filter, int64_t as_of_rev, void (*done)(void *arg,
       const struct belfry_inbox_change *change), void *arg));
MEMBER(belfry_inbox_api, undo, 56, void (*)(const struct belfry_http_request *req, struct belfry_str op,
       void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg));
MEMBER(belfry_inbox_api, act, 64, void (*)(const struct belfry_http_request *req, struct belfry_str id,
       struct belfry_str action, struct belfry_str comment, void (*done)(void *arg,
       const struct belfry_inbox_change *change), void *arg));
MEMBER(belfry_inbox_api, subscribe, 72, belfry_status (*)(const struct belfry_http_request *req, void (*fn)(void *arg,
       int64_t rev, uint64_t unread), void *arg, uint64_t *id));
MEMBER(belfry_inbox_api, unsubscribe, 80, void (*)(const struct belfry_host *host, uint64_t id));

/* belfry_target */
MEMBER(belfry_target, struct_size, 0, uint32_t);
MEMBER(belfry_target, flags, 4, uint32_t);
MEMBER(belfry_target, id, 8, uint64_t);
MEMBER(belfry_target, name, 16, struct belfry_str);
MEMBER(belfry_target, url, 32, struct belfry_str);
MEMBER(belfry_target, org, 48, struct belfry_str);
MEMBER(belfry_target, secret, 64, struct belfry_str);
MEMBER(belfry_target, settings, 80, struct belfry_str);
MEMBER(belfry_target, secrets, 96, const struct belfry_target_secret *);
MEMBER(belfry_target, secret_count, 104, size_t);
MEMBER(belfry_target, rate_per_minute, 112, uint32_t);
MEMBER(belfry_target, reserved, 116, uint32_t);

/* belfry_target_secret */
MEMBER(belfry_target_secret, text, 0, struct belfry_str);
MEMBER(belfry_target_secret, until_ms, 16, int64_t);

/* belfry_target_spec */
MEMBER(belfry_target_spec, struct_size, 0, uint32_t);
MEMBER(belfry_target_spec, flags, 4, uint32_t);
MEMBER(belfry_target_spec, name, 8, const char *);
MEMBER(belfry_target_spec, url, 16, const char *);
MEMBER(belfry_target_spec, secret, 24, const char *);
MEMBER(belfry_target_spec, types, 32, struct belfry_strs);
MEMBER(belfry_target_spec, orgs, 48, struct belfry_strs);
MEMBER(belfry_target_spec, when, 64, const struct belfry_condition *);
MEMBER(belfry_target_spec, concurrency, 72, uint32_t);
MEMBER(belfry_target_spec, rate_per_minute, 76, uint32_t);
MEMBER(belfry_target_spec, settings, 80, struct belfry_str);
MEMBER(belfry_target_spec, secrets, 96, struct belfry_strs);
MEMBER(belfry_target_spec, order, 112, uint32_t);
MEMBER(belfry_target_spec, reserved, 116, uint32_t);

/* belfry_target_policy */
MEMBER(belfry_target_policy, struct_size, 0, uint32_t);
MEMBER(belfry_target_policy, attempts, 4, uint32_t);
MEMBER(belfry_target_policy, waits_ms, 8, const int64_t *);
MEMBER(belfry_target_policy, timeout_ms, 16, int64_t);

/* belfry_targets_api */
MEMBER(belfry_targets_api, struct_size, 0, uint32_t);
MEMBER(belfry_targets_api, reserved, 4, uint32_t);
MEMBER(belfry_targets_api, declare, 8, belfry_status (*)(const struct belfry_host *host,
       const struct belfry_target_spec *specs, uint32_t count, const struct belfry_target_policy *policy,
       struct belfry_error *err));
MEMBER(belfry_targets_api, pace, 16, void (*)(const struct belfry_host *host, uint64_t target, uint32_t per_minute));

/* belfry_endpoint_draft */
MEMBER(belfry_endpoint_draft, struct_size, 0, uint32_t);
MEMBER(belfry_endpoint_draft, reserved, 4, uint32_t);
MEMBER(belfry_endpoint_draft, org, 8, struct belfry_str);
MEMBER(belfry_endpoint_draft, url, 24, struct belfry_str);
MEMBER(belfry_endpoint_draft, settings, 40, struct belfry_str);
MEMBER(belfry_endpoint_draft, before, 56, struct belfry_str);
MEMBER(belfry_endpoint_draft, url_before, 72, struct belfry_str);

/* belfry_endpoints */
MEMBER(belfry_endpoints, struct_size, 0, uint32_t);
MEMBER(belfry_endpoints, flags, 4, uint32_t);
MEMBER(belfry_endpoints, check, 8, belfry_status (*)(void *self, const struct belfry_endpoint_draft *draft,
       void (*sink)(void *arg, struct belfry_str settings), void *arg, struct belfry_error *err));
MEMBER(belfry_endpoints, secret, 16, belfry_status (*)(void *self, struct belfry_str settings, struct belfry_str given,
       void (*sink)(void *arg, struct belfry_str secret), void *arg, struct belfry_error *err));
MEMBER(belfry_endpoints, show, 24, void (*)(void *self, struct belfry_str settings, struct belfry_str secret,
       uint32_t flags, void (*sink)(void *arg, struct belfry_str json), void *arg));
MEMBER(belfry_endpoints, gone, 32, void (*)(void *self, uint64_t target));

/* belfry_job */
MEMBER(belfry_job, struct_size, 0, uint32_t);
MEMBER(belfry_job, state, 4, uint32_t);
MEMBER(belfry_job, id, 8, struct belfry_str);
MEMBER(belfry_job, progress, 24, uint32_t);
MEMBER(belfry_job, reserved, 28, uint32_t);
MEMBER(belfry_job, added, 32, uint64_t);
MEMBER(belfry_job, invalidated, 40, uint64_t);

/* belfry_job_api */
MEMBER(belfry_job_api, struct_size, 0, uint32_t);
MEMBER(belfry_job_api, reserved, 4, uint32_t);
MEMBER(belfry_job_api, refresh, 8, void (*)(const struct belfry_http_request *req,
       void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg));
MEMBER(belfry_job_api, get, 16, void (*)(const struct belfry_http_request *req, struct belfry_str id,
       void (*done)(void *arg, belfry_status status, const struct belfry_job *job), void *arg));

/* belfry_http_call */
MEMBER(belfry_http_call, struct_size, 0, uint32_t);
MEMBER(belfry_http_call, flags, 4, uint32_t);
MEMBER(belfry_http_call, method, 8, const char *);
MEMBER(belfry_http_call, url, 16, const char *);
MEMBER(belfry_http_call, headers, 24, const struct belfry_attr *);
MEMBER(belfry_http_call, header_count, 32, size_t);
MEMBER(belfry_http_call, body, 40, struct belfry_str);
MEMBER(belfry_http_call, timeout_ms, 56, int64_t);
MEMBER(belfry_http_call, connect_timeout_ms, 64, int64_t);
MEMBER(belfry_http_call, max_response, 72, size_t);
MEMBER(belfry_http_call, allow_cidrs, 80, const char *const *);

/* belfry_http_answer */
MEMBER(belfry_http_answer, struct_size, 0, uint32_t);
MEMBER(belfry_http_answer, status, 4, uint32_t);
MEMBER(belfry_http_answer, error, 8, uint32_t);
MEMBER(belfry_http_answer, truncated, 12, uint32_t);
MEMBER(belfry_http_answer, error_text, 16, struct belfry_str);
MEMBER(belfry_http_answer, body, 32, struct belfry_str);
MEMBER(belfry_http_answer, headers, 48, const struct belfry_attr *);
MEMBER(belfry_http_answer, header_count, 56, size_t);
MEMBER(belfry_http_answer, elapsed_us, 64, int64_t);

/* belfry_http_client_api */
MEMBER(belfry_http_client_api, struct_size, 0, uint32_t);
MEMBER(belfry_http_client_api, reserved, 4, uint32_t);
MEMBER(belfry_http_client_api, request, 8, belfry_status (*)(const struct belfry_host *host,
       const struct belfry_http_call *call, void (*done)(void *arg, const struct belfry_http_answer *answer),
       void *arg, uint64_t *id));
MEMBER(belfry_http_client_api, cancel, 16, void (*)(const struct belfry_host *host, uint64_t id));
MEMBER(belfry_http_client_api, refuses, 24, int32_t (*)(const struct belfry_host *host, const char *url,
       const char *const *allow_cidrs));

/* belfry_worker_api */
MEMBER(belfry_worker_api, struct_size, 0, uint32_t);
MEMBER(belfry_worker_api, reserved, 4, uint32_t);
MEMBER(belfry_worker_api, run, 8, belfry_status (*)(const struct belfry_host *host, void (*work)(void *arg),
       void (*done)(void *arg), void *arg));

/* belfry_fd_api */
MEMBER(belfry_fd_api, struct_size, 0, uint32_t);
MEMBER(belfry_fd_api, reserved, 4, uint32_t);
MEMBER(belfry_fd_api, watch, 8, belfry_status (*)(const struct belfry_host *host, int32_t fd, uint32_t mask,
       void (*fn)(void *arg, uint32_t ready), void *arg, uint64_t *id));
MEMBER(belfry_fd_api, unwatch, 16, void (*)(const struct belfry_host *host, uint64_t id));

/* belfry_metrics_api */
MEMBER(belfry_metrics_api, struct_size, 0, uint32_t);
MEMBER(belfry_metrics_api, reserved, 4, uint32_t);
MEMBER(belfry_metrics_api, counter, 8, belfry_status (*)(const struct belfry_host *host, const char *name,
       const char *help, uint32_t *id));
MEMBER(belfry_metrics_api, gauge, 16, belfry_status (*)(const struct belfry_host *host, const char *name,
       const char *help, uint32_t *id));
MEMBER(belfry_metrics_api, add, 24, void (*)(const struct belfry_host *host, uint32_t id, double value));
MEMBER(belfry_metrics_api, set, 32, void (*)(const struct belfry_host *host, uint32_t id, double value));

/* belfry_secret_api */
MEMBER(belfry_secret_api, struct_size, 0, uint32_t);
MEMBER(belfry_secret_api, reserved, 4, uint32_t);
MEMBER(belfry_secret_api, derive, 8, void (*)(const struct belfry_host *host, const char *purpose, uint8_t out[32]));

/* belfry_site_api */
MEMBER(belfry_site_api, struct_size, 0, uint32_t);
MEMBER(belfry_site_api, reserved, 4, uint32_t);
MEMBER(belfry_site_api, url, 8, struct belfry_str (*)(const struct belfry_host *host));

/* belfry_alarm_api */
MEMBER(belfry_alarm_api, struct_size, 0, uint32_t);
MEMBER(belfry_alarm_api, reserved, 4, uint32_t);
MEMBER(belfry_alarm_api, raise, 8, void (*)(const struct belfry_host *host, uint32_t what, struct belfry_str name,
       struct belfry_str why));

/* belfry_state_api */
MEMBER(belfry_state_api, struct_size, 0, uint32_t);
MEMBER(belfry_state_api, reserved, 4, uint32_t);
MEMBER(belfry_state_api, get, 8, void (*)(const struct belfry_host *host, struct belfry_str org, struct belfry_str key,
       void (*done)(void *arg, belfry_status status, struct belfry_str value), void *arg));
MEMBER(belfry_state_api, scan, 16, void (*)(const struct belfry_host *host, struct belfry_str org,
       struct belfry_str prefix, struct belfry_str after, int32_t reverse, uint32_t limit,
       void (*done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count), void *arg));

/* belfry_directory_api */
MEMBER(belfry_directory_api, struct_size, 0, uint32_t);
MEMBER(belfry_directory_api, reserved, 4, uint32_t);
MEMBER(belfry_directory_api, person, 8, belfry_status (*)(const struct belfry_host *host, struct belfry_str org,
       struct belfry_str username, struct belfry_person *out));

/* belfry_asset_api */
MEMBER(belfry_asset_api, struct_size, 0, uint32_t);
MEMBER(belfry_asset_api, reserved, 4, uint32_t);
MEMBER(belfry_asset_api, add, 8, belfry_status (*)(const struct belfry_host *host, const char *name,
       const char *content_type, const void *bytes, size_t size));

/* belfry_pages_api */
MEMBER(belfry_pages_api, struct_size, 0, uint32_t);
MEMBER(belfry_pages_api, reserved, 4, uint32_t);
MEMBER(belfry_pages_api, texts, 8,
       belfry_status (*)(const struct belfry_host *host, const char *language, struct belfry_str json,
                         struct belfry_error *err));
MEMBER(belfry_pages_api, add, 16,
       belfry_status (*)(const struct belfry_host *host, const char *name, struct belfry_str text,
                         struct belfry_error *err));
MEMBER(belfry_pages_api, render, 24,
       belfry_status (*)(const struct belfry_host *host, const struct belfry_http_request *req, const char *name,
                         struct belfry_str json, void (*sink)(void *arg, struct belfry_str html), void *arg));
MEMBER(belfry_pages_api, format, 32,
       struct belfry_str (*)(const struct belfry_host *host, const struct belfry_http_request *req, const char *key,
                             const struct belfry_value *args, size_t count));
MEMBER(belfry_pages_api, ago, 40,
       struct belfry_str (*)(const struct belfry_host *host, const struct belfry_http_request *req, int64_t ms));
MEMBER(belfry_pages_api, render_parts, 48,
       belfry_status (*)(const struct belfry_host *host, const struct belfry_rendering *what,
                         void (*sink)(void *arg, size_t part, belfry_status status, struct belfry_str text),
                         void *arg));
MEMBER(belfry_pages_api, format_in, 56,
       void (*)(const struct belfry_host *host, struct belfry_str language, const char *key,
                const struct belfry_value *args, size_t count, void (*sink)(void *arg, struct belfry_str text),
                void *arg));
MEMBER(belfry_pages_api, time_in, 64,
       void (*)(const struct belfry_host *host, struct belfry_str language, struct belfry_str zone, uint32_t style,
                int64_t ms, void (*sink)(void *arg, struct belfry_str text), void *arg));
MEMBER(belfry_pages_api, language_of, 72,
       struct belfry_str (*)(const struct belfry_host *host, struct belfry_str locale));
MEMBER(belfry_pages_api, zone_of, 80,
       struct belfry_str (*)(const struct belfry_host *host, struct belfry_str org, struct belfry_str zone));

/* belfry_part */
MEMBER(belfry_part, struct_size, 0, uint32_t);
MEMBER(belfry_part, escape, 4, uint32_t);
MEMBER(belfry_part, name, 8, const char *);
MEMBER(belfry_part, compiled, 16, const struct belfry_template *);
MEMBER(belfry_part, text, 24, struct belfry_str);
MEMBER(belfry_part, around, 40, uint32_t);
MEMBER(belfry_part, reserved, 44, uint32_t);

/* belfry_rendering */
MEMBER(belfry_rendering, struct_size, 0, uint32_t);
MEMBER(belfry_rendering, reserved, 4, uint32_t);
MEMBER(belfry_rendering, language, 8, struct belfry_str);
MEMBER(belfry_rendering, json, 24, struct belfry_str);
MEMBER(belfry_rendering, parts, 40, const struct belfry_part *);
MEMBER(belfry_rendering, part_count, 48, size_t);
MEMBER(belfry_rendering, model, 56, const struct belfry_view *);

/* belfry_sample */
MEMBER(belfry_sample, struct_size, 0, uint32_t);
MEMBER(belfry_sample, reserved, 4, uint32_t);
MEMBER(belfry_sample, type, 8, struct belfry_str);
MEMBER(belfry_sample, data, 24, struct belfry_str);
MEMBER(belfry_sample, event, 40, struct belfry_str);
MEMBER(belfry_sample, language, 56, struct belfry_str);

/* belfry_samples_api */
MEMBER(belfry_samples_api, struct_size, 0, uint32_t);
MEMBER(belfry_samples_api, reserved, 4, uint32_t);
MEMBER(belfry_samples_api, make, 8,
       void (*)(const struct belfry_host *host, const struct belfry_http_request *req, const struct belfry_sample *what,
                void (*done)(void *arg, belfry_status status, const struct belfry_item *item), void *arg));

/* belfry_preference_category */
MEMBER(belfry_preference_category, struct_size, 0, uint32_t);
MEMBER(belfry_preference_category, required, 4, uint32_t);
MEMBER(belfry_preference_category, name, 8, struct belfry_str);
MEMBER(belfry_preference_category, label, 24, struct belfry_str);
MEMBER(belfry_preference_category, chosen, 40, uint32_t);
MEMBER(belfry_preference_category, fallback, 44, uint32_t);

/* belfry_preferences */
MEMBER(belfry_preferences, struct_size, 0, uint32_t);
MEMBER(belfry_preferences, reserved, 4, uint32_t);
MEMBER(belfry_preferences, json, 8, struct belfry_str);
MEMBER(belfry_preferences, etag, 24, struct belfry_str);
MEMBER(belfry_preferences, categories, 40, const struct belfry_preference_category *);
MEMBER(belfry_preferences, category_count, 48, size_t);
MEMBER(belfry_preferences, address, 56, struct belfry_str);
MEMBER(belfry_preferences, paused_until_ms, 72, int64_t);
MEMBER(belfry_preferences, asked, 80, uint32_t);
MEMBER(belfry_preferences, gathered, 84, uint32_t);
MEMBER(belfry_preferences, trouble, 88, struct belfry_str);
MEMBER(belfry_preferences, trouble_detail, 104, struct belfry_str);
MEMBER(belfry_preferences, trouble_since_ms, 120, int64_t);

/* belfry_preferences_change */
MEMBER(belfry_preferences_change, struct_size, 0, uint32_t);
MEMBER(belfry_preferences_change, reserved, 4, uint32_t);
MEMBER(belfry_preferences_change, status, 8, belfry_status);
MEMBER(belfry_preferences_change, json, 16, struct belfry_str);
MEMBER(belfry_preferences_change, etag, 32, struct belfry_str);
MEMBER(belfry_preferences_change, faults, 48, const struct belfry_fault *);
MEMBER(belfry_preferences_change, fault_count, 56, size_t);

/* belfry_preferences_api */
MEMBER(belfry_preferences_api, struct_size, 0, uint32_t);
MEMBER(belfry_preferences_api, reserved, 4, uint32_t);
MEMBER(belfry_preferences_api, get, 8,
       void (*)(const struct belfry_http_request *req,
                void (*done)(void *arg, belfry_status status, const struct belfry_preferences *preferences),
                void *arg));
MEMBER(belfry_preferences_api, put, 16,
       void (*)(const struct belfry_http_request *req, struct belfry_str json, struct belfry_str if_match,
                void (*done)(void *arg, const struct belfry_preferences_change *change), void *arg));
MEMBER(belfry_preferences_api, zones, 24, void (*)(struct belfry_strs *out));
MEMBER(belfry_preferences_api, trust, 32,
       void (*)(const struct belfry_http_request *req, void (*done)(void *arg, belfry_status status), void *arg));

/* belfry_date */
MEMBER(belfry_date, year, 0, int32_t);
MEMBER(belfry_date, month, 4, int32_t);
MEMBER(belfry_date, day, 8, int32_t);
FROZEN(belfry_date, 12);

/* belfry_calendar_api */
MEMBER(belfry_calendar_api, struct_size, 0, uint32_t);
MEMBER(belfry_calendar_api, reserved, 4, uint32_t);
MEMBER(belfry_calendar_api, instant, 8, belfry_status (*)(struct belfry_str zone, const struct belfry_date *date,
       int32_t minute, int64_t *out_ms));
MEMBER(belfry_calendar_api, local, 16, belfry_status (*)(struct belfry_str zone, int64_t at_ms,
       struct belfry_date *date, int32_t *minute));
MEMBER(belfry_calendar_api, add_days, 24, belfry_status (*)(const struct belfry_date *date, int32_t days,
       struct belfry_date *out));
MEMBER(belfry_calendar_api, parse, 32, belfry_status (*)(struct belfry_str text, struct belfry_date *out));
MEMBER(belfry_calendar_api, parse_time, 40, belfry_status (*)(struct belfry_str text, int64_t *out_ms));
MEMBER(belfry_calendar_api, format_time, 48, void (*)(int64_t ms, char out[BELFRY_TIME_SIZE]));
/* belfry_smtp_mail */
MEMBER(belfry_smtp_mail, struct_size, 0, uint32_t);
MEMBER(belfry_smtp_mail, flags, 4, uint32_t);
MEMBER(belfry_smtp_mail, url, 8, const char *);
MEMBER(belfry_smtp_mail, username, 16, const char *);
MEMBER(belfry_smtp_mail, password, 24, const char *);
MEMBER(belfry_smtp_mail, ca_file, 32, const char *);
MEMBER(belfry_smtp_mail, tls, 40, uint32_t);
MEMBER(belfry_smtp_mail, max_connections, 44, uint32_t);
MEMBER(belfry_smtp_mail, from, 48, const char *);
MEMBER(belfry_smtp_mail, to, 56, const char *);
MEMBER(belfry_smtp_mail, message, 64, struct belfry_str);
MEMBER(belfry_smtp_mail, timeout_ms, 80, int64_t);
MEMBER(belfry_smtp_mail, connect_timeout_ms, 88, int64_t);

/* belfry_smtp_answer */
MEMBER(belfry_smtp_answer, struct_size, 0, uint32_t);
MEMBER(belfry_smtp_answer, error, 4, uint32_t);
MEMBER(belfry_smtp_answer, stage, 8, uint32_t);
MEMBER(belfry_smtp_answer, code, 12, int32_t);
MEMBER(belfry_smtp_answer, enhanced, 16, struct belfry_str);
MEMBER(belfry_smtp_answer, text, 32, struct belfry_str);
MEMBER(belfry_smtp_answer, error_text, 48, struct belfry_str);
MEMBER(belfry_smtp_answer, reused, 64, uint32_t);
MEMBER(belfry_smtp_answer, encrypted, 68, uint32_t);
MEMBER(belfry_smtp_answer, elapsed_us, 72, int64_t);

/* belfry_smtp_client_api */
MEMBER(belfry_smtp_client_api, struct_size, 0, uint32_t);
MEMBER(belfry_smtp_client_api, reserved, 4, uint32_t);
MEMBER(belfry_smtp_client_api, send, 8, belfry_status (*)(const struct belfry_host *host,
       const struct belfry_smtp_mail *mail, void (*done)(void *arg, const struct belfry_smtp_answer *answer),
       void *arg, uint64_t *id));
MEMBER(belfry_smtp_client_api, cancel, 16, void (*)(const struct belfry_host *host, uint64_t id));

/* belfry_address_report */
MEMBER(belfry_address_report, struct_size, 0, uint32_t);
MEMBER(belfry_address_report, what, 4, uint32_t);
MEMBER(belfry_address_report, org, 8, struct belfry_str);
MEMBER(belfry_address_report, address, 24, struct belfry_str);
MEMBER(belfry_address_report, delivery, 40, struct belfry_str);
MEMBER(belfry_address_report, detail, 56, struct belfry_str);

/* belfry_mail_facts */
MEMBER(belfry_mail_facts, struct_size, 0, uint32_t);
MEMBER(belfry_mail_facts, reserved, 4, uint32_t);
MEMBER(belfry_mail_facts, org, 8, struct belfry_str);
MEMBER(belfry_mail_facts, username, 24, struct belfry_str);
MEMBER(belfry_mail_facts, address, 40, struct belfry_str);
MEMBER(belfry_mail_facts, category, 56, struct belfry_str);

/* belfry_subscription */
MEMBER(belfry_subscription, struct_size, 0, uint32_t);
MEMBER(belfry_subscription, reserved, 4, uint32_t);
MEMBER(belfry_subscription, org, 8, struct belfry_str);
MEMBER(belfry_subscription, username, 24, struct belfry_str);
MEMBER(belfry_subscription, address, 40, struct belfry_str);
MEMBER(belfry_subscription, category, 56, struct belfry_str);

/* belfry_subscription_state */
MEMBER(belfry_subscription_state, struct_size, 0, uint32_t);
MEMBER(belfry_subscription_state, off, 4, uint32_t);
MEMBER(belfry_subscription_state, required, 8, uint32_t);
MEMBER(belfry_subscription_state, changed, 12, uint32_t);
MEMBER(belfry_subscription_state, label, 16, struct belfry_str);
MEMBER(belfry_subscription_state, address, 32, struct belfry_str);
MEMBER(belfry_subscription_state, before, 48, struct belfry_str);

/* belfry_addresses_api */
MEMBER(belfry_addresses_api, struct_size, 0, uint32_t);
MEMBER(belfry_addresses_api, reserved, 4, uint32_t);
MEMBER(belfry_addresses_api, report, 8,
       void (*)(const struct belfry_host *host, const struct belfry_address_report *report,
                void (*done)(void *arg, belfry_status status), void *arg));
MEMBER(belfry_addresses_api, delivery, 16,
       void (*)(const struct belfry_host *host, struct belfry_str delivery,
                void (*done)(void *arg, belfry_status status, const struct belfry_mail_facts *facts), void *arg));
MEMBER(belfry_addresses_api, state, 24,
       void (*)(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str language,
                void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                void *arg));
MEMBER(belfry_addresses_api, stop, 32,
       void (*)(const struct belfry_host *host, const struct belfry_subscription *which,
                void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                void *arg));
MEMBER(belfry_addresses_api, restore, 40,
       void (*)(const struct belfry_host *host, const struct belfry_subscription *which, struct belfry_str before,
                void (*done)(void *arg, belfry_status status, const struct belfry_subscription_state *state),
                void *arg));

/* clang-format on */

#undef MEMBER
#undef FROZEN

#endif
