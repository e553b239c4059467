# SPDX-License-Identifier: Apache-2.0
"""Postfix's smtp-sink: a server that takes every mail, or fails in the one way that it was told to."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .mailserver import KEEPER
from .paths import PATIENCE
from .ports import answers, free_ports
from .wait import until

HEAD = re.compile(rb"X-Client-Addr: .*?\nX-Client-Proto: .*?\nX-Helo-Args: .*?\nX-Mail-Args: (.*?)\n"
                  rb"((?:X-Rcpt-Args: .*?\n)+)Received: .*?\n(?![ \t])", re.S)


class Taken:
    """One mail as it came: `data` is what stood between DATA and the dot, with LF."""

    def __init__(self, sender, recipients, data):
        self.sender, self.recipients, self.data = sender, recipients, data

    def header(self, name):
        found = re.search(rb"^" + name.encode() + rb": *(.*(?:\n[ \t].*)*)", self.data.split(b"\n\n")[0], re.M | re.I)
        return found and re.sub(rb"\n[ \t]", b" ", found.group(1)).decode()

    @property
    def message_id(self):
        return self.header("Message-ID")


class SmtpSink:
    """faults: options of smtp-sink, such as "-r", "RCPT" (450), "-f", "." (500), "-q", "." (hangs up), "-w", "1"."""

    def __init__(self, *faults, port=None):
        self.root = Path(tempfile.mkdtemp(prefix="belfry-sink-"))
        self.port = port or free_ports(1)[0]
        if os.getuid() == 0:
            shutil.chown(self.root, KEEPER)
        user = ["-u", KEEPER] if os.getuid() == 0 else []
        self.process = subprocess.Popen(["smtp-sink", *user, "-d", f"{self.root}/mail/", *faults,
                                         f"127.0.0.1:{self.port}", "256"], stdin=subprocess.DEVNULL)
        until(lambda: self._runs() and answers(self.port), "smtp-sink listens")

    def _runs(self):
        assert self.process.poll() is None, "smtp-sink ended"
        return True

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def taken(self):
        """Mails whose end has come, in no order."""
        found = []
        for path in sorted(self.root.glob("mail/*")):
            data = path.read_bytes()
            head = HEAD.match(data)
            if head and data.endswith(b"\n\n"):  # the last line is smtp-sink's own, behind the dot
                found.append(Taken(_argument(head[1]), [_argument(line) for line in head[2].splitlines()],
                                   data[head.end():-1]))
        return found

    def wait(self, count=1):
        return until(lambda: len(got := self.taken()) >= count and got, f"smtp-sink takes {count} mails")

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.root, ignore_errors=True)


def _argument(text):
    return re.search(rb"<(.*?)>", text).group(1).decode()
