/* SPDX-License-Identifier: Apache-2.0 */
/* The closed list of outcomes: database, API, pages, metrics, explain. Numbers are stored: lines are only added. */
#ifndef EVENT_OUTCOME_H
#define EVENT_OUTCOME_H

#define OUTCOME_MAP(XX)                                                                                                \
    XX(0, scheduled)                                                                                                   \
    XX(1, held_quiet_hours)                                                                                            \
    XX(2, held_disabled)                                                                                               \
    XX(3, digested)                                                                                                    \
    XX(4, sending)                                                                                                     \
    XX(5, retrying)                                                                                                    \
    XX(6, delivered)                                                                                                   \
    XX(7, unknown)                                                                                                     \
    XX(8, failed)                                                                                                      \
    XX(9, expired)                                                                                                     \
    XX(10, superseded)                                                                                                 \
    XX(11, withdrawn)                                                                                                  \
    XX(12, viewed)                                                                                                     \
    XX(13, handled)                                                                                                    \
    XX(14, duplicate)                                                                                                  \
    XX(15, merged)                                                                                                     \
    XX(16, suppressed_preference)                                                                                      \
    XX(17, suppressed_role)                                                                                            \
    XX(18, suppressed_address)                                                                                         \
    XX(19, suppressed_rate)                                                                                            \
    XX(20, no_recipient)                                                                                               \
    XX(21, no_address)                                                                                                 \
    XX(22, channel_removed)                                                                                            \
    XX(23, recipient_removed)                                                                                          \
    XX(24, cancelled)                                                                                                  \
    XX(25, dropped_by_rule)

enum outcome {
#define OUTCOME_ENUM(number, name) OUTCOME_##name = number,
    OUTCOME_MAP(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME_COUNT = 26
};

/* "suppressed_role"; NULL for numbers that are none. */
const char *outcome_name(int outcome);
/* The number of a name, or -1. */
int outcome_parse(const char *name);

#endif
