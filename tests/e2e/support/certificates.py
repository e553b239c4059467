# SPDX-License-Identifier: Apache-2.0
"""An authority and certificates of its own, so that TLS is checked as it is in earnest."""
import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIVES = datetime.timedelta(days=365)


class Authority:
    """Written into `root`: ca_file is what a client has to trust."""

    def __init__(self, root, name="Authority of a test"):
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca_file = self.root / "ca.pem"
        certificate = self._sign(self.name, self.key, [x509.BasicConstraints(ca=True, path_length=0)])
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, key, extensions, lives=LIVES):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - LIVES).not_valid_after(now + lives))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server_file(self, *names, lives=LIVES):
        """A file with the certificate and the key of a server with these names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_name(name) for name in names])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server of a test")])
        certificate = self._sign(subject, key, [alternatives], lives)
        path = self.root / f"{certificate.serial_number:x}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        path.chmod(0o600)
        return path

    def server(self, *names, lives=LIVES):
        """The TLS context of such a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file(*names, lives=lives))
        return context


def _name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
