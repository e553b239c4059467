# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition instead of for a time."""
import time

from .paths import PATIENCE


def until(condition, what="", timeout=PATIENCE):
    """Calls condition until it gives something true, and gives that back."""
    end = time.monotonic() + timeout
    pause = 0.002
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what or condition}; last: {got!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def stays(condition, what="", seconds=0.3):
    """The condition holds the whole time: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        assert got, f"did not stay: {what or condition}; {got!r}"
        time.sleep(0.02)
