# SPDX-License-Identifier: Apache-2.0
"""Ports of servers in tests, wherever the system has its own."""
import pytest

from support import ports


@pytest.mark.parametrize("own,found", [
    ("32768\t60999\n", range(10_000, 32_768)),
    ("10001\t60999\n", range(10_000, 10_001)),
    ("10000\t60999\n", range(61_000, 65_536)),
    ("1024\t60999\n", range(61_000, 65_536)),
    ("1024\t5000\n", range(10_000, 65_536)),
    ("1024\t65535\n", range(1024, 65_536)),
])
def test_they_are_not_those_that_the_system_gives_away_unless_it_gives_away_all(monkeypatch, tmp_path, own, found):
    (tmp_path / "range").write_text(own)
    monkeypatch.setattr(ports, "RANGE", tmp_path / "range")
    assert ports.candidates() == found
