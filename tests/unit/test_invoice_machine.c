/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the machine: what must be true of any such table, and that docs/sources/invoice.md prints this one. */
#include "../../plugins/invoice/machine.h"

#include "unit/invoice_fixture.h"

#ifndef BELFRY_SRCDIR
#define BELFRY_SRCDIR "."
#endif

/* One row as the page has it. */
static void print_row(char *out, size_t size, enum machine_input input)
{
    size_t len = (size_t)snprintf(out, size, "| %s |", machine_input_text(input));
    for (int state = 0; state < STATE_COUNT; state++) {
        const struct machine_step *step = machine_step((enum machine_state)state, input);
        if (step->refusal)
            len += (size_t)snprintf(out + len, size - len, " 409 %s", machine_refusal_text(step->refusal));
        else if (step->next == (enum machine_state)state && !step->effects)
            len += (size_t)snprintf(out + len, size - len, " nothing");
        else
            len += (size_t)snprintf(out + len, size - len, " → %s", machine_state_text(step->next));
        for (int bit = 0; bit < EFFECT_COUNT; bit++)
            if (step->effects & 1u << bit)
                len +=
                    (size_t)snprintf(out + len, size - len, "; %s", machine_effect_text((enum machine_effect_bit)bit));
        len += (size_t)snprintf(out + len, size - len, " |");
    }
    snprintf(out + len, size - len, "\n");
}

static void the_page_prints_the_table(void **state)
{
    char path[1000], line[4000], row[4000] = "| |";
    (void)state;
    snprintf(path, sizeof(path), "%s/docs/sources/invoice.md", BELFRY_SRCDIR);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) && strcmp(line, "<!-- machine -->\n") != 0)
        ;
    for (int i = 0; i < STATE_COUNT; i++)
        snprintf(row + strlen(row), sizeof(row) - strlen(row), " %s |", machine_state_text((enum machine_state)i));
    strcat(row, "\n");
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, row);
    assert_non_null(fgets(line, sizeof(line), file));
    for (int input = 0; input < INPUT_COUNT; input++) {
        assert_non_null(fgets(line, sizeof(line), file));
        print_row(row, sizeof(row), (enum machine_input)input);
        assert_string_equal(line, row);
    }
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, "<!-- end -->\n");
    fclose(file);
}

static int is_paid(enum machine_state state)
{
    return state == STATE_PAID || state == STATE_PAID_DISPUTED;
}

static void what_holds_of_every_cell(void **state)
{
    (void)state;
    for (int from = 0; from < STATE_COUNT; from++) {
        for (int in = 0; in < INPUT_COUNT; in++) {
            enum machine_state was = (enum machine_state)from;
            const struct machine_step *step = machine_step(was, (enum machine_input)in);
            if (step->refusal) {
                assert_int_equal(step->effects, 0);
                continue;
            }
            /* paid is entered by a confirmation or by money, and told exactly then */
            int enters = is_paid(step->next) && !is_paid(was);
            if (enters)
                assert_true(in == INPUT_CONFIRMED || in == INPUT_RECEIVED_ALL || in == INPUT_RECEIVED_MORE);
            assert_int_equal(!!(step->effects & EFFECT_TELL_PAID), enters);
            /* void is never left, and only entered by invoice.voided */
            if (was == STATE_VOID)
                assert_int_equal(step->next, STATE_VOID);
            else if (step->next == STATE_VOID)
                assert_int_equal(in, INPUT_VOIDED);
            /* chasers end where open ends */
            int was_open = was >= STATE_OPEN && was <= STATE_CLAIMED_DISPUTED;
            int is_open = step->next >= STATE_OPEN && step->next <= STATE_CLAIMED_DISPUTED;
            assert_int_equal(!!(step->effects & EFFECT_CHASERS_END), was_open && !is_open);
            assert_false(is_open && was != STATE_UNKNOWN && !was_open);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_prints_the_table),
        cmocka_unit_test(what_holds_of_every_cell),
    };
    return cmocka_run_group_tests_name("invoice_machine", tests, NULL, NULL);
}
