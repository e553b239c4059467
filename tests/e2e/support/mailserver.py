# SPDX-License-Identifier: Apache-2.0
"""Postfix and Dovecot of a test: Postfix takes mail on free ports of 127.0.0.1 and hands it to Dovecot over LMTP, Dovecot
keeps it in Maildirs and shows it over IMAP.

Everything is in one directory of its own, so that any number of them run at once beside whatever the machine runs. Both
are started as root, as a machine's own are: Postfix refuses anything else.
"""
import base64
import imaplib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from .certificates import Authority
from .paths import PATIENCE
from .ports import answers, free_ports
from .wait import until

DOMAIN = "acme.example"  # whose people have mailboxes
BOUNCES = "bounce.hub.example"  # whose mail comes back to the hub
KEEPER = "nobody"  # owns the mailboxes, and runs what mail is piped into
SUBMITTER, SUBMITTER_PASSWORD = "hub", "of the hub: \"quoted\" and long"

DOVECOT = """
base_dir = {root}/dovecot
state_dir = {root}/dovecot-state
log_path = {root}/dovecot.log
instance_name = {root}
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{root}/mail/%n
first_valid_uid = 1
default_vsz_limit = 512M
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {root}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {root}/sasl {{
    mode = 0666
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {root}/passwd
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {root}/passwd
}}
"""

MAIN_CF = """
compatibility_level = 3.7
queue_directory = {root}/queue
data_directory = {root}/postfix-data
maillog_file = {root}/postfix.log
maillog_file_prefixes = {root}
myhostname = mx.{domain}
mydomain = {domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_transport = lmtp:unix:{root}/lmtp
relay_domains = {bounces}
transport_maps = inline:{{{bounces}=bounces:}}
default_transport = error:only loopback
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_tls_security_level = {tls}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {root}/sasl
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
bounce_queue_lifetime = 1h
queue_run_delay = 1s
minimal_backoff_time = 1s
"""

MASTER_CF = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
bounces unix - n n - - pipe
  flags=q user={keeper} argv={bounce_command}
"""


class MailServer:
    """people have mailboxes; bounce_command gets on its standard input what is sent to the bounce domain; with tls
    "encrypt" Postfix takes nothing before STARTTLS on its plain port either."""

    def __init__(self, people=("ann", "bob"), bounce_command="/bin/true", tls="may"):
        assert os.getuid() == 0, "Postfix has to be started by root"
        self.people = list(people)
        self.bounce_command = bounce_command
        self.tls = tls
        self.root = Path(tempfile.mkdtemp(prefix="belfry-mail-"))  # paths of sockets are at most 107 bytes
        self.dovecot = None
        authority = Authority(self.root)
        self.ca, self.certificate = authority.ca_file, authority.server_file("localhost", "127.0.0.1")

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self):
        self.smtp, self.submission, self.smtps, self.imap = free_ports(4)
        self.root.chmod(0o711)
        self._start_dovecot()
        self._start_postfix()
        return self

    def _write(self, path, text, **more):
        (self.root / path).parent.mkdir(exist_ok=True)
        (self.root / path).write_text(text.format(root=self.root, domain=DOMAIN, bounces=BOUNCES, keeper=KEEPER,
                                                  tls=self.tls, certificate=self.certificate, smtp=self.smtp,
                                                  submission=self.submission, smtps=self.smtps, imap=self.imap,
                                                  **more))

    def _start_dovecot(self):
        owner = pwd.getpwnam(KEEPER)
        mail = self.root / "mail"
        mail.mkdir()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        passwords = {**{name: f"of {name}" for name in self.people}, SUBMITTER: SUBMITTER_PASSWORD}
        with open(self.root / "passwd", "w", encoding="utf-8") as f:
            for name, password in passwords.items():
                # a colon would end the field
                assert ":" not in name
                f.write(f"{name}:{{PLAIN.B64}}{_base64(password)}:{owner.pw_uid}:{owner.pw_gid}::{mail}/{name}::\n")
        os.chmod(self.root / "passwd", 0o644)
        self._write("dovecot.conf", DOVECOT)
        self.dovecot = subprocess.Popen(["dovecot", "-F", "-c", self.root / "dovecot.conf"], stdin=subprocess.DEVNULL)
        until(lambda: self._runs_dovecot() and answers(self.imap) and (self.root / "lmtp").exists(), "Dovecot listens")

    def _runs_dovecot(self):
        assert self.dovecot.poll() is None, self.log()
        return True

    def _start_postfix(self):
        for name in ["queue", "postfix-data"]:
            (self.root / name).mkdir()
        shutil.chown(self.root / "postfix-data", "postfix")
        self._write("postfix/main.cf", MAIN_CF)
        self._write("postfix/master.cf", MASTER_CF, bounce_command=self.bounce_command)
        self.postfix("start")
        until(lambda: all(answers(port) for port in [self.smtp, self.submission, self.smtps]), "Postfix listens")

    def postfix(self, *command):
        done = subprocess.run(["postfix", "-c", self.root / "postfix", *command], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr + self.log()

    def close(self):
        try:
            if (self.root / "queue/pid/master.pid").exists():
                self.postfix("stop")
        finally:
            if self.dovecot:
                self.dovecot.terminate()
                self.dovecot.wait(PATIENCE)
            shutil.rmtree(self.root, ignore_errors=True)

    def log(self):
        """What both said."""
        said = [path.read_text(errors="replace") for path in sorted(self.root.glob("*.log"))]
        return "\n".join(said)

    # --- mail -----------------------------------------------------------------------------------------------------

    def mails(self, name):
        """The bytes of every mail that this person has, oldest first, as IMAP gives them."""
        with imaplib.IMAP4("127.0.0.1", self.imap, timeout=PATIENCE) as imap:
            imap.login(name, f"of {name}")
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            return [imap.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in found[0].split()]

    def wait(self, name, count=1):
        """The same when there are so many at least."""
        return until(lambda: (mails := self.mails(name)) and len(mails) >= count and mails, f"{count} mails for {name}")


def _base64(text):
    return base64.b64encode(text.encode()).decode()
