# SPDX-License-Identifier: Apache-2.0
"""A mail server that answers as scripted and keeps all that came: sessions with their commands, and the mails."""
import base64
import email
import email.policy
import socket
import ssl
import threading
import time

from .paths import PATIENCE

DROP = object()  # hangs up instead of an answer
HOLD = object()  # says nothing until release()
LINE_MAX = 64 * 1024


class Mail:
    """What was handed over: the envelope, and the bytes between DATA and the dot, unstuffed."""

    def __init__(self, session, sender, recipients):
        self.session = session
        self.sender = sender
        self.recipients = recipients
        self.recipient = recipients[0]
        self.data = b""
        self.answer = None  # what was said after the dot
        self.at = time.monotonic()

    @property
    def accepted(self):
        return isinstance(self.answer, str) and self.answer.startswith("2")

    @property
    def message(self):
        """Parsed as strictly as Python can: `message.defects` and those of each header have to be empty."""
        return email.message_from_bytes(self.data, policy=email.policy.SMTP)

    def __getitem__(self, name):
        return self.message[name]

    def part(self, subtype):
        """Text of the alternative: "plain" or "html"."""
        for part in self.message.walk():
            if part.get_content_type() == f"text/{subtype}":
                return part.get_content().replace("\r\n", "\n")
        raise AssertionError(f"no text/{subtype} in {self.data!r}")


class Session:
    """One connection. commands are the lines as they came, the content and what AUTH says left out."""

    def __init__(self, number, peer):
        self.number = number
        self.peer = peer
        self.commands = []
        self.mails = []
        self.tls = None      # its version, once there is TLS
        self.user = None     # who signed in
        self.open = True
        self.socket = None
        self.hello = None
        self.idle = False    # waits for a command, no mail is under way

    def verbs(self):
        return [line.split(" ", 1)[0].split(":", 1)[0].upper() for line in self.commands]


class SmtpServer:
    """script(VERB, ANSWER...): each a line "450 4.2.1 later" (or several, separated by \\n), DROP, HOLD, None for what
    would be said anyway, or a function of (session, line) that gives one of these; the last one repeats. VERB is a
    command, "GREETING" (before the first word), "." (behind the content), or "CONTENT", where DROP hangs up in the
    middle of it.

    tls: an ssl context, offered as STARTTLS, or from the first byte with implicit=True. users: {name: password}, then
    AUTH is offered (mechanisms) and needed.
    """

    def __init__(self, tls=None, implicit=False, users=None, mechanisms="PLAIN LOGIN",
                 extensions=("PIPELINING", "8BITMIME"), host="127.0.0.1", port=0):
        self.tls = tls
        self.implicit = implicit
        self.users = users
        self.mechanisms = mechanisms
        self.extensions = list(extensions)
        self.host = host
        self.sessions = []
        self.scripts = {}
        self.changed = threading.Condition()
        self.released = threading.Event()
        self.closing = False
        self.port = port
        self.listener = None
        self.open()

    # --- life ---------------------------------------------------------------------------------------------------

    def open(self):
        """Listens, on the same port as before."""
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        self.accepting = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.accepting.start()
        return self

    def refuse(self):
        """From now on nobody listens here, and who is connected is cut off."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.accepting.join()  # or it would go on under the number of the socket, which is soon another's
            listener.close()
        self.cut()

    def cut(self):
        """Hangs up on everybody without a word."""
        with self.changed:
            sockets = [s.socket for s in self.sessions if s.open and s.socket]
        for one in sockets:
            _hang_up(one)

    def close(self):
        self.closing = True
        self.release()
        self.refuse()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def url(self, scheme=None, host=None):
        return f"{scheme or ('smtps' if self.implicit else 'smtp')}://{host or self.host}:{self.port}"

    # --- what it says -------------------------------------------------------------------------------------------

    def script(self, verb, *answers):
        with self.changed:
            self.scripts[verb.upper()] = list(answers) or [None]
        return self

    def unscript(self):
        with self.changed:
            self.scripts.clear()
        return self

    def release(self):
        """Whoever is held is answered as usual, now and later."""
        self.released.set()

    def goodbye(self, line="421 4.4.2 idle for too long"):
        """Says so to every connection that waits for a command, and hangs up on it: how servers end idle ones."""
        with self.changed:
            idle = [s for s in self.sessions if s.open and s.idle]
        for session in idle:
            try:
                session.socket.sendall(line.encode() + b"\r\n")
            except OSError:
                pass
            _hang_up(session.socket)
        return len(idle)

    def _answer(self, session, verb, line):
        with self.changed:
            script = self.scripts.get(verb, [None])
            answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(session, line)
        if answer is HOLD:
            self.released.wait(PATIENCE * 4)
            answer = None
        return answer

    # --- what came ----------------------------------------------------------------------------------------------

    def all_mails(self):
        """Also those that were refused after the dot."""
        with self.changed:
            return sorted((m for s in self.sessions for m in s.mails), key=lambda m: m.at)

    def mails(self, to=None):
        """Those it took, oldest first."""
        return [m for m in self.all_mails() if m.accepted and to in (None, m.recipient)]

    def wait(self, count=1, to=None, timeout=PATIENCE):
        """At least so many mails were taken; all of them."""
        with self.changed:
            got = self.changed.wait_for(lambda: self._taken(to) >= count, timeout)
        mails = self.mails(to)
        assert got, f"{len(mails)} mails within {timeout} s, not {count}; sessions: {self.transcript()}"
        return mails

    def wait_for(self, verb, count=1, timeout=PATIENCE):
        """The command came so often, over all sessions ("." is the end of a content)."""
        verb = verb.upper()
        with self.changed:
            got = self.changed.wait_for(lambda: self.count(verb) >= count, timeout)
        assert got, f"{verb}: {self.count(verb)} within {timeout} s, not {count}; sessions: {self.transcript()}"

    def count(self, verb):
        return sum(s.verbs().count(verb.upper()) for s in self.sessions)

    def transcript(self):
        return [s.commands for s in self.sessions]

    def _taken(self, to):
        return sum(m.accepted and to in (None, m.recipient) for s in self.sessions for m in s.mails)

    # --- a session ----------------------------------------------------------------------------------------------

    def _accept(self, listener):
        while not self.closing:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            with self.changed:
                session = Session(len(self.sessions) + 1, peer)
                session.socket = connection
                self.sessions.append(session)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(session, connection), daemon=True).start()

    def _serve(self, session, connection):
        connection.settimeout(PATIENCE * 8)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            _Conversation(self, session, connection).run()
        except (OSError, _Over, ssl.SSLError):
            pass
        finally:
            with self.changed:
                session.open = False
                session.idle = False
                self.changed.notify_all()
            _hang_up(session.socket)
            session.socket.close()


class _Over(Exception):
    """The session ends."""


def _hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class _Conversation:
    def __init__(self, server, session, connection):
        self.server = server
        self.session = session
        self.buffer = b""
        self.sender = None
        self.recipients = []

    def run(self):
        if self.server.implicit:
            self._encrypt()
        self._reply("GREETING", "", "220 mail.test ESMTP")
        while True:
            self._command(self._line(idle=self.sender is None))

    # --- bytes ---

    def _line(self, idle=False):
        with self.server.changed:
            self.session.idle = idle and b"\n" not in self.buffer
        while b"\n" not in self.buffer:
            if len(self.buffer) > LINE_MAX:
                raise _Over
            got = self.session.socket.recv(65536)
            if not got:
                raise _Over
            self.buffer += got
        with self.server.changed:
            self.session.idle = False
        line, self.buffer = self.buffer.split(b"\n", 1)
        return (line + b"\n").removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def _content(self):
        """Up to <CRLF>.<CRLF> and nothing else (RFC 5321, 4.1.1.4)."""
        data = b"\r\n" + self.buffer
        while b"\r\n.\r\n" not in data:
            got = self.session.socket.recv(65536)
            if not got:
                raise _Over
            data += got
        data, self.buffer = data.split(b"\r\n.\r\n", 1)
        return data.replace(b"\r\n.", b"\r\n")[2:] + b"\r\n"

    def _say(self, text):
        lines = text.split("\n")
        for at, line in enumerate(lines):
            if at + 1 < len(lines):  # one of several: 250-SIZE
                line = line[:3] + "-" + line[4:]
            self.session.socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")
        if text.startswith("421"):
            raise _Over

    def _reply(self, verb, line, usual):
        """What was said; a refusal of the greeting ends the session."""
        answer = self.server._answer(self.session, verb, line)
        if answer is DROP:
            raise _Over
        answer = usual if answer is None else answer
        self._say(answer)
        if verb == "GREETING" and not answer.startswith("2"):
            self._line()  # QUIT is all that may come
            raise _Over
        return answer

    def _encrypt(self):
        self.session.socket = self.server.tls.wrap_socket(self.session.socket, server_side=True)
        self.session.tls = self.session.socket.version()

    # --- commands ---

    def _command(self, line):
        verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
        with self.server.changed:
            self.session.commands.append("AUTH ..." if verb == "AUTH" else line)
            self.server.changed.notify_all()
        handle = getattr(self, "_" + verb.lower(), None) if verb in VERBS else None
        if handle:
            handle(line)
        else:
            self._reply(verb, line, "500 5.5.2 what?")

    def _ehlo(self, line):
        self.session.hello = line[5:]
        words = list(self.server.extensions)
        if self.server.tls and not self.session.tls:
            words.append("STARTTLS")
        if self.server.users is not None and (self.session.tls or not self.server.tls) and self.server.mechanisms:
            words.append("AUTH " + self.server.mechanisms)
        self._reply("EHLO", line, "\n".join("250 " + w for w in ["mail.test", *words]))

    def _helo(self, line):
        self.session.hello = line[5:]
        self._reply("HELO", line, "250 mail.test")

    def _starttls(self, line):
        offered = self.server.tls and not self.session.tls
        if self._reply("STARTTLS", line, "220 2.0.0 go on" if offered else "502 5.5.1 no").startswith("2") and offered:
            self.buffer = b""
            self._encrypt()

    def _auth(self, line):
        words = line.split(" ")
        scripted = self.server._answer(self.session, "AUTH", line)
        if scripted is DROP:
            raise _Over
        try:
            name, password = self._plain(words) if words[1].upper() == "PLAIN" else self._login(words)
        except ValueError:  # also "*", which gives up (RFC 4954, 4)
            self._say("501 5.5.2 no credentials in it")
            return
        if scripted:
            self._say(scripted)
        elif self.server.users and self.server.users.get(name) == password:
            self.session.user = name
            self._say("235 2.7.0 welcome")
        else:
            self._say("535 5.7.8 that is not your password")

    def _plain(self, words):
        if len(words) < 3:
            self._say("334 ")
            words.append(self._line())
        _, name, password = base64.b64decode(words[2]).decode().split("\0")
        return name, password

    def _login(self, words):
        if len(words) < 3:
            self._say("334 VXNlcm5hbWU6")
            words.append(self._line())
        self._say("334 UGFzc3dvcmQ6")
        return base64.b64decode(words[2]).decode(), base64.b64decode(self._line()).decode()

    def _mail(self, line):
        usual = "250 2.1.0 ok"
        if self.server.users is not None and not self.session.user:
            usual = "530 5.7.0 sign in first"
        if self._reply("MAIL", line, usual).startswith("2"):
            self.sender = _path(line)
            self.recipients = []

    def _rcpt(self, line):
        usual = "250 2.1.5 ok" if self.sender is not None else "503 5.5.1 MAIL first"
        if self._reply("RCPT", line, usual).startswith("2"):
            self.recipients.append(_path(line))

    def _data(self, line):
        ready = self.sender is not None and self.recipients
        if not self._reply("DATA", line, "354 go on" if ready else "503 5.5.1 RCPT first").startswith("3"):
            return
        mail = Mail(self.session, self.sender, self.recipients)
        if self.server._answer(self.session, "CONTENT", line) is DROP:
            self.session.socket.recv(1)
            raise _Over
        mail.data = self._content()
        with self.server.changed:
            self.session.commands.append(".")
            self.session.mails.append(mail)
            self.server.changed.notify_all()
        self.sender, self.recipients = None, []
        answer = self.server._answer(self.session, ".", line)
        if answer is DROP:
            mail.answer = DROP
            raise _Over
        mail.answer = f"250 2.0.0 taken as {len(self.session.mails)}" if answer is None else answer
        self._say(mail.answer)
        with self.server.changed:
            self.server.changed.notify_all()

    def _rset(self, line):
        self.sender, self.recipients = None, []
        self._reply("RSET", line, "250 2.0.0 ok")

    def _noop(self, line):
        self._reply("NOOP", line, "250 2.0.0 ok")

    def _quit(self, line):
        self._reply("QUIT", line, "221 2.0.0 bye")
        raise _Over


VERBS = {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"}


def _path(line):
    """What stands between < and > in MAIL FROM and RCPT TO."""
    return line[line.index("<") + 1:line.index(">")]
