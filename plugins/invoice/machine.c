/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table itself. A claim is a signal: no cell of payment.claimed leads to a paid state, only claim.confirmed and
 * payment.received do. A paid state is entered once, and only on entering it the owner is told so: money that comes
 * after a confirmed claim is the money that was claimed, until there is more of it than the amount.
 */
#include "machine.h"

#define TO(state, effects)                                                                                             \
    {                                                                                                                  \
        REFUSED_NOT, STATE_##state, (effects)                                                                          \
    }
#define NO(why)                                                                                                        \
    {                                                                                                                  \
        REFUSED_##why, 0, 0                                                                                            \
    }
#define DO(name) EFFECT_##name

#define PAY (DO(CHASERS_END) | DO(TELL_PAID))
#define PAY_CLAIM (DO(CLAIM_HANDLED) | PAY)
#define MORE DO(TELL_OVERPAID)

static const struct machine_step table[INPUT_COUNT][STATE_COUNT] =
    {
        /* clang-format off */
    [INPUT_ISSUED] = {
        [STATE_UNKNOWN]          = TO(OPEN, DO(CHASERS_START)),
        [STATE_OPEN]             = TO(OPEN, 0),
        [STATE_CLAIMED]          = TO(CLAIMED, 0),
        [STATE_DISPUTED]         = TO(DISPUTED, 0),
        [STATE_CLAIMED_DISPUTED] = TO(CLAIMED_DISPUTED, 0),
        [STATE_PAID]             = TO(PAID, 0),
        [STATE_PAID_DISPUTED]    = TO(PAID_DISPUTED, 0),
        [STATE_VOID]             = TO(VOID, 0),
    },
    [INPUT_ISSUED_OTHERWISE] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED), /* never asked: what is unknown has no other content */
        [STATE_OPEN]             = NO(OTHER_CONTENT),
        [STATE_CLAIMED]          = NO(OTHER_CONTENT),
        [STATE_DISPUTED]         = NO(OTHER_CONTENT),
        [STATE_CLAIMED_DISPUTED] = NO(OTHER_CONTENT),
        [STATE_PAID]             = NO(OTHER_CONTENT),
        [STATE_PAID_DISPUTED]    = NO(OTHER_CONTENT),
        [STATE_VOID]             = NO(OTHER_CONTENT),
    },
    [INPUT_CLAIMED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(CLAIMED, DO(TELL_CLAIMED)),
        [STATE_CLAIMED]          = TO(CLAIMED, DO(TELL_CLAIMED)),
        [STATE_DISPUTED]         = TO(CLAIMED_DISPUTED, DO(TELL_CLAIMED)),
        [STATE_CLAIMED_DISPUTED] = TO(CLAIMED_DISPUTED, DO(TELL_CLAIMED)),
        [STATE_PAID]             = NO(IS_PAID),
        [STATE_PAID_DISPUTED]    = NO(IS_PAID),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_CONFIRMED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = NO(NO_CLAIM),
        [STATE_CLAIMED]          = TO(PAID, PAY_CLAIM),
        [STATE_DISPUTED]         = NO(NO_CLAIM),
        [STATE_CLAIMED_DISPUTED] = TO(PAID_DISPUTED, PAY_CLAIM),
        [STATE_PAID]             = NO(NO_CLAIM),
        [STATE_PAID_DISPUTED]    = NO(NO_CLAIM),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_REJECTED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = NO(NO_CLAIM),
        [STATE_CLAIMED]          = TO(OPEN, DO(CLAIM_HANDLED)),
        [STATE_DISPUTED]         = NO(NO_CLAIM),
        [STATE_CLAIMED_DISPUTED] = TO(DISPUTED, DO(CLAIM_HANDLED)),
        [STATE_PAID]             = NO(NO_CLAIM),
        [STATE_PAID_DISPUTED]    = NO(NO_CLAIM),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_DISPUTED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(DISPUTED, DO(CHASERS_PAUSE) | DO(TELL_DISPUTED)),
        [STATE_CLAIMED]          = TO(CLAIMED_DISPUTED, DO(CHASERS_PAUSE) | DO(TELL_DISPUTED)),
        [STATE_DISPUTED]         = NO(IS_DISPUTED),
        [STATE_CLAIMED_DISPUTED] = NO(IS_DISPUTED),
        [STATE_PAID]             = TO(PAID_DISPUTED, DO(TELL_DISPUTED)),
        [STATE_PAID_DISPUTED]    = NO(IS_DISPUTED),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_RESOLVED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = NO(NOT_DISPUTED),
        [STATE_CLAIMED]          = NO(NOT_DISPUTED),
        [STATE_DISPUTED]         = TO(OPEN, DO(DISPUTE_HANDLED) | DO(CHASERS_RESUME)),
        [STATE_CLAIMED_DISPUTED] = TO(CLAIMED, DO(DISPUTE_HANDLED) | DO(CHASERS_RESUME)),
        [STATE_PAID]             = NO(NOT_DISPUTED),
        [STATE_PAID_DISPUTED]    = TO(PAID, DO(DISPUTE_HANDLED)),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_RECEIVED_PART] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(OPEN, 0),
        [STATE_CLAIMED]          = TO(CLAIMED, 0),
        [STATE_DISPUTED]         = TO(DISPUTED, 0),
        [STATE_CLAIMED_DISPUTED] = TO(CLAIMED_DISPUTED, 0),
        [STATE_PAID]             = TO(PAID, 0),
        [STATE_PAID_DISPUTED]    = TO(PAID_DISPUTED, 0),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_RECEIVED_ALL] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(PAID, PAY),
        [STATE_CLAIMED]          = TO(PAID, PAY_CLAIM),
        [STATE_DISPUTED]         = TO(PAID_DISPUTED, PAY),
        [STATE_CLAIMED_DISPUTED] = TO(PAID_DISPUTED, PAY_CLAIM),
        [STATE_PAID]             = TO(PAID, 0),
        [STATE_PAID_DISPUTED]    = TO(PAID_DISPUTED, 0),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_RECEIVED_MORE] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(PAID, PAY | MORE),
        [STATE_CLAIMED]          = TO(PAID, PAY_CLAIM | MORE),
        [STATE_DISPUTED]         = TO(PAID_DISPUTED, PAY | MORE),
        [STATE_CLAIMED_DISPUTED] = TO(PAID_DISPUTED, PAY_CLAIM | MORE),
        [STATE_PAID]             = TO(PAID, MORE),
        [STATE_PAID_DISPUTED]    = TO(PAID_DISPUTED, MORE),
        [STATE_VOID]             = NO(IS_VOID),
    },
    [INPUT_VOIDED] = {
        [STATE_UNKNOWN]          = NO(NOT_ISSUED),
        [STATE_OPEN]             = TO(VOID, DO(CHASERS_END)),
        [STATE_CLAIMED]          = TO(VOID, DO(CLAIM_WITHDRAWN) | DO(CHASERS_END)),
        [STATE_DISPUTED]         = TO(VOID, DO(DISPUTE_WITHDRAWN) | DO(CHASERS_END)),
        [STATE_CLAIMED_DISPUTED] = TO(VOID, DO(CLAIM_WITHDRAWN) | DO(DISPUTE_WITHDRAWN) | DO(CHASERS_END)),
        [STATE_PAID]             = TO(VOID, 0),
        [STATE_PAID_DISPUTED]    = TO(VOID, DO(DISPUTE_WITHDRAWN)),
        [STATE_VOID]             = TO(VOID, 0),
    },
        /* clang-format on */
};

const struct machine_step *machine_step(enum machine_state state, enum machine_input input)
{
    return &table[input][state];
}

#define TEXT(name, text) text,

const char *machine_state_text(enum machine_state state)
{
    static const char *const texts[] = {MACHINE_STATES(TEXT)};
    return texts[state];
}

const char *machine_input_text(enum machine_input input)
{
    static const char *const texts[] = {MACHINE_INPUTS(TEXT)};
    return texts[input];
}

const char *machine_effect_text(enum machine_effect_bit bit)
{
    static const char *const texts[] = {MACHINE_EFFECTS(TEXT)};
    return texts[bit];
}

const char *machine_refusal_text(enum machine_refusal refusal)
{
    static const char *const texts[] = {"", MACHINE_REFUSALS(TEXT)};
    return texts[refusal];
}
