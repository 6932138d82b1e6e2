"""Certificates for tests, as files, of authorities that live as long as the test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """What signs certificates; `certificate` is for those who are to trust it."""

    folder: Path
    certificate: Path
    _issuer: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    def issue(
        self, name: str, *, client: bool = False, names: tuple[str, ...] | None = None, key: PrivateKey | None = None
    ) -> Issued:
        """A certificate whose common name is `name`, and whose alternative names are `names`, or else `name` and this machine.

        One with `://` in it is a URI, any other a DNS name.
        """
        if names is None:
            names = (name,) if client else (name, "localhost")
        alternatives: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(each) if "://" in each else x509.DNSName(each) for each in names
        ]
        if not client:
            alternatives.append(x509.IPAddress(ip_address("127.0.0.1")))
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, key, self._issuer.subject).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        folder = Path(mkdtemp(dir=self.folder))
        issued = Issued(folder / "tls.crt", folder / "tls.key")
        issued.certificate.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        issued.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return issued


def make_ca(folder: Path, name: str = "test authority") -> Authority:
    """An authority that keeps its files in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _builder(name, key, subject).add_extension(basic, critical=True).sign(key, SHA256())
    own = Path(mkdtemp(dir=folder))
    path = own / "ca.crt"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return Authority(own, path, certificate, key)


def _builder(name: str, key: PrivateKey, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
