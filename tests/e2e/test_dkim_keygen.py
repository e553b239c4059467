# SPDX-License-Identifier: Apache-2.0
"""`belfry dkim keygen`: a key nobody else can read, and a DNS record with which others verify what it signs."""
import os
import re
import subprocess
import time

import dkim
import dns.zone
import pytest
import yaml

from support import opendkim
from support.mail import Writer
from support.paths import BIN, PATIENCE, PLUGINS


def keygen(*args, umask=0o022):
    return subprocess.run([BIN, "dkim", "keygen", *map(str, args)], capture_output=True, text=True, timeout=PATIENCE,
                          umask=umask)


def printed(done):
    """name, value and the lines for a zone file, and the configuration"""
    assert (done.returncode, done.stderr) == (0, "")
    name = re.search(r"^  name   (\S+)$", done.stdout, re.M).group(1)
    value = re.search(r"^  value  (.+)$", done.stdout, re.M).group(1)
    zone = re.search(r"^  (\S+ IN TXT .*\))$", done.stdout, re.M | re.S).group(1)
    return name, value, zone, yaml.safe_load(re.search(r"^  dkim: .*$", done.stdout, re.M).group(0))


@pytest.mark.parametrize("kind, letter", [(None, "r"), ("rsa", "r"), ("ed25519", "e")])
def test_what_it_prints_verifies_what_the_key_signs(tmp_path, kind, letter):
    path = tmp_path / "Ann's key.pem"
    before = time.gmtime()
    done = keygen("--domain", "hub.example", "--out", path, *(["--type", kind] if kind else []))
    name, value, zone, config = printed(done)
    months = {time.strftime("%Y%m", before), time.strftime("%Y%m", time.gmtime())}
    selector = config["dkim"][0]["selector"]
    assert selector in {letter + month for month in months}
    assert name == f"{selector}._domainkey.hub.example"
    assert config == {"dkim": [{"selector": selector, "key": f"${{file:{path}}}"}]}

    writer = Writer()
    message = writer.signed([{"selector": selector, "pem": path.read_text()}])
    writer.close()
    assert dkim.verify(message, dnsfunc=lambda asked, timeout=5: {name + ".": value.encode()}[asked.decode()])
    assert opendkim.verify(message, {name: value.encode()}, tmp_path) == {selector: True}

    assert "".join(re.findall(r'"([^"]*)"', done.stdout)) == value  # for who scripts it
    parsed = dns.zone.from_text("$TTL 3600\n" + zone, origin="hub.example", relativize=False, check_origin=False)
    (record,) = [rdata for _, _, rdata in parsed.iterate_rdatas("TXT")]
    assert {str(owner) for owner in parsed} == {name + "."}
    assert b"".join(record.strings).decode() == value
    assert all(len(text) <= 255 for text in record.strings)


def test_without_a_domain_the_name_is_for_the_zone_of_the_sender(tmp_path):
    name, value, zone, config = printed(keygen("--selector", "mail.2026-a", "--out", tmp_path / "key.pem"))
    assert name == "mail.2026-a._domainkey"
    assert zone.startswith("mail.2026-a._domainkey IN TXT ( ")
    assert config["dkim"][0]["selector"] == "mail.2026-a"
    parsed = dns.zone.from_text("$TTL 3600\n" + zone, origin="hub.example", check_origin=False)
    (record,) = [rdata for _, _, rdata in parsed.iterate_rdatas("TXT")]
    assert b"".join(record.strings).decode() == value


@pytest.mark.parametrize("umask", [0, 0o077])
def test_only_its_owner_can_read_the_key(tmp_path, umask):
    path = tmp_path / "key.pem"
    done = keygen("--out", path, umask=umask)
    assert path.stat().st_mode & 0o7777 == 0o600
    secret = path.read_text().split("\n")
    assert secret[0] == "-----BEGIN PRIVATE KEY-----"
    assert all(line not in done.stdout + done.stderr for line in secret[1:-2])


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    keygen("--out", path)
    key = path.read_bytes()
    for there in (path, tmp_path / "link", tmp_path / "dangling"):
        if there != path:
            there.symlink_to(path if there.name == "link" else tmp_path / "nowhere")
        done = keygen("--out", there)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"belfry: cannot write {there}: it exists, and a key is never overwritten\n"
    assert path.read_bytes() == key
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_written_is_said(tmp_path):
    done = keygen("--out", tmp_path / "no" / "key.pem")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"belfry: cannot write {tmp_path}/no/key.pem: No such file or directory\n"


@pytest.mark.parametrize("args, says", [
    ([], "usage: belfry dkim keygen"),
    (["more", "--out", "x"], "usage: belfry dkim keygen"),
    (["--type", "dsa", "--out", "x"], "`dsa` is no type of key: rsa or ed25519"),
    (["--selector", "a b", "--out", "x"], "`a b` is no selector"),
    (["--selector", "", "--out", "x"], "`` is no selector"),
    (["--selector", "a..b", "--out", "x"], "`a..b` is no selector"),
    (["--selector", "-a", "--out", "x"], "`-a` is no selector"),
    (["--selector", "s" * 64, "--out", "x"], "is no selector"),
    (["--domain", "bücher.example", "--out", "x"], "is no domain as the DNS knows it"),
    (["--domain", "hub.example.", "--out", "x"], "is no domain as the DNS knows it"),
    (["--domain", "hub_.example", "--out", "x"], "is no domain as the DNS knows it"),
    (["--bits", "1024", "--out", "x"], "unknown option `--bits`"),
    (["--out"], "option `--out` needs a value"),
])
def test_usage(args, says, tmp_path):
    done = subprocess.run([BIN, "dkim", "keygen", *args], capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_lists_it():
    done = subprocess.run([BIN, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert re.search(r"^  belfry dkim +make a key that mails are signed with", done.stdout, re.M)


def test_the_configuration_it_prints_is_one(tmp_path):
    _, _, _, config = printed(keygen("--domain", "acme.example", "--out", tmp_path / "key.pem"))
    (tmp_path / "belfry.yaml").write_text(yaml.safe_dump({
        "version": 1, "hub": {"listen": "127.0.0.1:0", "public_url": "https://belfry.acme.example", "data_dir": "data"},
        "orgs": {"acme": {}}, "unmatched": {"deliver": ["mail"]},
        "channels": {"inbox": {"plugin": "in-app"},
                     "mail": {"plugin": "email", "smtp": "smtp://127.0.0.1", "from": "n@acme.example", **config}}}))
    done = subprocess.run([BIN, "check", tmp_path / "belfry.yaml"], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, "BELFRY_PLUGIN_PATH": PLUGINS})
    assert "error" not in done.stdout + done.stderr
    assert done.returncode == 0
