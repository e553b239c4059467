# SPDX-License-Identifier: Apache-2.0
"""The virtual clock of `belfry run --clock SOCKET`. An answer means that all that was due is committed and handed on."""
import socket

from .paths import PATIENCE

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def milliseconds(text):
    """15m, 3d, 1500ms"""
    unit = text.lstrip("-0123456789.")
    return int(float(text[: -len(unit)]) * UNITS[unit])


class Clock:
    def __init__(self, path, before=None):
        """before: the clock of the process that ran before; this one goes on from there."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE * 2)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.ms = self._say("now")
        if before and before.ms > self.ms:
            self.set(before.ms)

    def _say(self, line):
        self.socket.sendall((line + "\n").encode())
        word, number = self.lines.readline().split()
        assert word == "ok", word
        self.ms = int(number)
        return self.ms

    def advance(self, text):
        return self._say(f"advance {milliseconds(text)}")

    def set(self, ms):
        return self._say(f"set {ms}")

    def now(self):
        return self.ms / 1000
