# SPDX-License-Identifier: Apache-2.0
"""`belfry listen` as a process: what it prints is read line by line while it runs."""
import json
import signal
import subprocess
import threading

import requests

from .paths import BIN, PATIENCE
from .wait import until


class Listen:
    """In JSON unless text=True."""

    def __init__(self, *args, text=False, env=None):
        self.text = text
        command = [BIN, "listen", "--port", "0", *([] if text else ["--format", "json"]), *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        first = until(lambda: self.lines, "it says where it listens")[0]
        self.url = first.split()[2] if text else json.loads(first)["url"]
        self.secret = None if text else json.loads(first).get("secret")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def said(self, what="delivery"):
        """Lines of this kind so far; only in JSON."""
        return [one for one in map(json.loads, list(self.lines)) if one["what"] == what]

    def wait(self, count=1, what="delivery"):
        return until(lambda: len(self.said(what)) >= count and self.said(what), f"{count} of {what}")

    def post(self, body=b"{}", headers=None, path="", method="POST"):
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, headers=headers, data=body, timeout=PATIENCE)

    def end(self, number=signal.SIGINT):
        """Its exit code and standard error, once all that it printed was read."""
        if self.process.poll() is None and number:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code, self.process.stderr.read()
