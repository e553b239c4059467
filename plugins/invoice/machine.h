/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an invoice as one table: what each input means in each state. It is printed in docs/sources/invoice.md
 * by the same words, and a test compares the two. Pure.
 */
#ifndef INVOICE_MACHINE_H
#define INVOICE_MACHINE_H

/* What an invoice is, by what is open on it. */
#define MACHINE_STATES(XX)                                                                                             \
    XX(UNKNOWN, "unknown")                                                                                             \
    XX(OPEN, "open")                                                                                                   \
    XX(CLAIMED, "claimed")                                                                                             \
    XX(DISPUTED, "disputed")                                                                                           \
    XX(CLAIMED_DISPUTED, "claimed, disputed")                                                                          \
    XX(PAID, "paid")                                                                                                   \
    XX(PAID_DISPUTED, "paid, disputed")                                                                                \
    XX(VOID, "void")

/* A trigger, told apart by what it comes to where that matters. */
#define MACHINE_INPUTS(XX)                                                                                             \
    XX(ISSUED, "invoice.issued")                                                                                       \
    XX(ISSUED_OTHERWISE, "invoice.issued, other content")                                                              \
    XX(CLAIMED, "payment.claimed")                                                                                     \
    XX(CONFIRMED, "claim.confirmed")                                                                                   \
    XX(REJECTED, "claim.rejected")                                                                                     \
    XX(DISPUTED, "invoice.disputed")                                                                                   \
    XX(RESOLVED, "dispute.resolved")                                                                                   \
    XX(RECEIVED_PART, "payment.received, less than the amount in all")                                                 \
    XX(RECEIVED_ALL, "payment.received, the amount in all")                                                            \
    XX(RECEIVED_MORE, "payment.received, more than the amount in all")                                                 \
    XX(VOIDED, "invoice.voided")

/* What is done, in this order. */
#define MACHINE_EFFECTS(XX)                                                                                            \
    XX(CLAIM_HANDLED, "claim handled")                                                                                 \
    XX(CLAIM_WITHDRAWN, "claim withdrawn")                                                                             \
    XX(DISPUTE_HANDLED, "dispute handled")                                                                             \
    XX(DISPUTE_WITHDRAWN, "dispute withdrawn")                                                                         \
    XX(CHASERS_START, "chasers start")                                                                                 \
    XX(CHASERS_PAUSE, "chasers pause")                                                                                 \
    XX(CHASERS_RESUME, "chasers resume")                                                                               \
    XX(CHASERS_END, "chasers end")                                                                                     \
    XX(TELL_CLAIMED, "**invoice.payment_claimed**")                                                                    \
    XX(TELL_DISPUTED, "**invoice.disputed**")                                                                          \
    XX(TELL_PAID, "**invoice.paid**")                                                                                  \
    XX(TELL_OVERPAID, "**invoice.overpaid**")

/* Why it is refused, 409. */
#define MACHINE_REFUSALS(XX)                                                                                           \
    XX(NOT_ISSUED, "not issued")                                                                                       \
    XX(OTHER_CONTENT, "issued otherwise")                                                                              \
    XX(NO_CLAIM, "no open claim")                                                                                      \
    XX(IS_PAID, "paid")                                                                                                \
    XX(IS_VOID, "void")                                                                                                \
    XX(IS_DISPUTED, "disputed already")                                                                                \
    XX(NOT_DISPUTED, "not disputed")

#define MACHINE_STATE_ENUM(name, text) STATE_##name,
#define MACHINE_INPUT_ENUM(name, text) INPUT_##name,
#define MACHINE_EFFECT_BIT(name, text) EFFECT_BIT_##name,
#define MACHINE_EFFECT_ENUM(name, text) EFFECT_##name = 1 << EFFECT_BIT_##name,
#define MACHINE_REFUSAL_ENUM(name, text) REFUSED_##name,
enum machine_state { MACHINE_STATES(MACHINE_STATE_ENUM) STATE_COUNT };
enum machine_input { MACHINE_INPUTS(MACHINE_INPUT_ENUM) INPUT_COUNT };
enum machine_effect_bit { MACHINE_EFFECTS(MACHINE_EFFECT_BIT) EFFECT_COUNT };
enum machine_effect { MACHINE_EFFECTS(MACHINE_EFFECT_ENUM) EFFECTS_END };
enum machine_refusal { REFUSED_NOT, MACHINE_REFUSALS(MACHINE_REFUSAL_ENUM) REFUSAL_COUNT };

struct machine_step {
    enum machine_refusal refusal; /* REFUSED_NOT: what follows happens */
    enum machine_state next;
    unsigned effects; /* enum machine_effect */
};

const struct machine_step *machine_step(enum machine_state state, enum machine_input input);

/* The words of the table. */
const char *machine_state_text(enum machine_state state);
const char *machine_input_text(enum machine_input input);
const char *machine_effect_text(enum machine_effect_bit bit);
const char *machine_refusal_text(enum machine_refusal refusal);

#endif
