# SPDX-License-Identifier: Apache-2.0
"""Every rule of the plugin ABI has an id in the header and tests that show it; this is the list of both."""
import re

import pytest

from sources import text

HEADER = "core/include/belfry/plugin.h"

TESTS = {
    "R00": ["tests/unit/test_plugin_load.c:test_refused", "tests/plugins/two_plugins.c:R00"],
    "R01": ["tests/e2e/test_plugin_rules.py:test_a_loop_function_on_another_thread_is_refused",
            "tests/e2e/test_plugin_rules.py:test_a_txn_after_its_call_is_refused",
            "tests/unit/test_fake_rules.c:test_a_txn_on_another_thread",
            "tests/unit/test_fake_rules.c:test_a_txn_after_its_call"],
    "R02": ["tests/e2e/test_plugin_rules.py:test_callbacks_come_on_a_later_turn_and_parameters_are_copied",
            "tests/unit/test_fake_host.c:test_callbacks_come_later"],
    "R03": ["tests/e2e/test_plugin_rules.py:test_callbacks_come_on_a_later_turn_and_parameters_are_copied"],
    "R04": ["tests/e2e/test_plugin_rules.py:test_ids_that_are_over_are_counted_and_do_nothing"],
    "R05": ["tests/e2e/test_plugin_rules.py:test_a_batch_is_cancelled_at_its_deadline",
            "tests/e2e/test_plugin_rules.py:test_an_answer_that_never_comes_is_a_retry_and_a_late_one_is_ignored",
            "tests/e2e/test_plugin_rules.py:test_ids_that_are_over_are_counted_and_do_nothing",
            "tests/unit/test_fake_host.c:test_complete", "tests/unit/test_fake_host.c:test_a_missing_complete"],
    "R06": ["tests/e2e/test_webhook.py:test_a_schedule_of_ones_own",
            "tests/e2e/test_webhook.py:test_a_success_ends_the_retries"],
    "R07": ["tests/unit/test_plugin_load.c:test_short_struct",
            "tests/unit/test_plugin_load.c:test_long_struct_with_zero_tail",
            "tests/unit/test_plugin_load.c:test_rows_are_walked_by_their_own_size",
            "tests/unit/test_abi_layout.c:test_every_struct_is_pinned",
            "tests/e2e/test_plugin_rules.py:test_longer_structs_are_taken_when_their_tails_are_zero",
            "tests/e2e/test_plugin_rules.py:test_longer_structs_that_use_what_is_unknown_are_refused"],
    "R08": ["tests/unit/test_plugin_load.c:test_refused", "tests/plugins/missing_extension.c:belfry.telepathy/1",
            "tests/plugins/unknown_role.c:belfry.sink/3"],
    "R09": ["tests/unit/test_plugin_load.c:test_loaded_locally_and_for_good",
            "tests/unit/test_plugin_load.c:test_loaded_once"],
    "R10": ["tests/unit/test_plugin_load.c:test_refused", "tests/unit/test_plugin_load.c:test_create_fails",
            "tests/e2e/test_reload.py:test_what_is_rejected_leaves_the_hub_as_it_was",
            "tests/e2e/test_start.py:create_fails"],
    "R11": ["tests/check/test_exports.py:test_program_offers_no_symbols_to_plugins",
            "tests/check/test_exports.py:test_plugin_exports_its_entry_and_nothing_else"],
    "R12": ["tests/unit/test_plugin_option.c:cmocka_unit_test", "tests/unit/test_config_sample.c:cmocka_unit_test"],
}


def test_the_header_has_these_rules():
    assert re.findall(r"^ \*  (R\d\d) ", text(HEADER), re.M) == list(TESTS)


@pytest.mark.parametrize("rule", TESTS)
def test_the_tests_of_a_rule_exist(rule):
    for place in TESTS[rule]:
        file, _, name = place.partition(":")
        assert name in text(file), place
