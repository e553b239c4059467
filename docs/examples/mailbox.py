#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes mail (SMTP, RFC 5321), prints a line for each and keeps it as a file that any mail program opens. Python alone,
no packages; `./dev up` runs it. It sends nothing on and shows what it gets to whoever reads the directory: for trying
things out on a machine of your own.

    mailbox.py PORT DIRECTORY
"""
import email
import email.policy
import itertools
import os
import socketserver
import sys

PORT = int(sys.argv[1])
DIRECTORY = sys.argv[2]
LIMIT = 10_000_000
number = itertools.count(1)


def say(line):
    """In one write, whoever else is writing."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def keep(recipients, data):
    message = email.message_from_bytes(data, policy=email.policy.default)
    path = os.path.join(DIRECTORY, f"{os.getpid()}-{next(number):04}.eml")
    with open(path, "wb") as f:
        f.write(data)
    say(f"mail to {', '.join(recipients)}: {message['subject']}  ({path})")


def address(argument):
    """What stands between the angle brackets of FROM:<...> and TO:<...>"""
    return argument.partition("<")[2].partition(">")[0]


class Mailbox(socketserver.StreamRequestHandler):
    def answer(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.sender, self.recipients = None, []
        self.answer("220 mailbox ESMTP")
        while line := self.rfile.readline(2000).decode("utf-8", "replace"):
            verb, _, argument = line.strip().partition(" ")
            command = getattr(self, "do_" + verb.upper(), None)
            if not command:
                self.answer("500 5.5.1 what?")
            elif command(argument):
                break

    def do_EHLO(self, _):
        self.answer("250-mailbox")
        self.answer(f"250-SIZE {LIMIT}")
        self.answer("250 ENHANCEDSTATUSCODES")

    def do_HELO(self, _):
        self.answer("250 mailbox")

    def do_MAIL(self, argument):
        self.sender, self.recipients = address(argument), []
        self.answer("250 2.1.0 ok")

    def do_RCPT(self, argument):
        if self.sender is None:
            self.answer("503 5.5.1 MAIL first")
            return
        self.recipients.append(address(argument))
        self.answer("250 2.1.5 ok")

    def do_DATA(self, _):
        if not self.recipients:
            self.answer("503 5.5.1 RCPT first")
            return False
        self.answer("354 end with a dot")
        data = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return True  # hung up in the middle: nothing was taken
            data += line.removeprefix(b".") if len(data) < LIMIT else b""
        if len(data) < LIMIT:
            keep(self.recipients, data)
        self.answer("250 2.0.0 taken" if len(data) < LIMIT else "552 5.3.4 too large")
        self.do_RSET(None, silent=True)
        return False

    def do_RSET(self, _, silent=False):
        self.sender, self.recipients = None, []
        if not silent:
            self.answer("250 2.0.0 ok")

    def do_NOOP(self, _):
        self.answer("250 2.0.0 ok")

    def do_QUIT(self, _):
        self.answer("221 2.0.0 bye")
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


os.makedirs(DIRECTORY, exist_ok=True)
try:
    with Server(("127.0.0.1", PORT), Mailbox) as server:
        server.serve_forever()
except KeyboardInterrupt:
    pass
