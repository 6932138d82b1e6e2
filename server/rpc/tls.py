"""TLS of the server: certificates from files, read again when they are replaced."""

import logging
from pathlib import Path
from threading import Lock

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.identity.files import fingerprint
from server.tasks import contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

_CERTIFICATE = "ORDERS_TLS_CERTIFICATE"
_KEY = "ORDERS_TLS_KEY"
_CLIENT_CA = "ORDERS_TLS_CLIENT_CA"

# Other faults would show at each handshake, not at startup.
_CURVES = ("secp256r1", "secp384r1")


class TlsError(Exception):
    """TLS cannot be set up; the message names the setting and the fault."""


def server_credentials(*, certificate: Path, key: Path, client_ca: Path | None) -> grpc.ServerCredentials:
    """TLS 1.2 and 1.3 for one port; with `client_ca`, clients need a certificate of it. Raises TlsError."""
    files = _Files(certificate, key, client_ca)
    return grpc.dynamic_ssl_server_credentials(
        files.load(), files.load_if_changed, require_client_authentication=client_ca is not None
    )


class _Files:
    """The files of the settings. gRPC checks them for changes at each handshake, from its own threads."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._lock = Lock()
        self._seen = self._look()

    def load(self) -> grpc.ServerCertificateConfiguration:
        """The contents of the files. Raises TlsError unless all are valid."""
        chain, key = _read(self._certificate, _CERTIFICATE), _read(self._key, _KEY)
        _check_pair(_certificates(chain, _CERTIFICATE)[0], _private_key(key))
        authorities = None if self._client_ca is None else _read(self._client_ca, _CLIENT_CA)
        if authorities is not None:
            _certificates(authorities, _CLIENT_CA)
        return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=authorities)

    def load_if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The current contents of the files; None if they are unchanged or not valid: files are replaced one by one."""
        with self._lock:
            seen = self._look()
            if seen == self._seen:
                return None
            self._seen = seen
            try:
                loaded = self.load()
            except TlsError as error:
                setting = str(error).partition(" ")[0]
                log.warning(
                    "the new TLS files are not used yet; the previous ones stay in use",
                    extra=fields(error, setting=setting),
                )
                return None
            except BaseException as error:
                log.warning(
                    "the new TLS files are not used yet; the previous ones stay in use", extra=fields(contain(error))
                )
                return None
            log.info("using the new TLS files")
            return loaded

    def _look(self) -> list[object]:
        return [fingerprint(path) for path in (self._certificate, self._key, self._client_ca) if path is not None]


def _check_pair(certificate: x509.Certificate, key: PrivateKeyTypes) -> None:
    public = key.public_key()
    if not isinstance(public, RSAPublicKey) and not (
        isinstance(public, EllipticCurvePublicKey) and public.curve.name in _CURVES
    ):
        raise TlsError(f"{_KEY} has a type that gRPC clients do not accept; use RSA, or EC with P-256 or P-384")
    try:
        belongs = certificate.public_key() == public
    except (ValueError, UnsupportedAlgorithm):
        belongs = False
    if not belongs:
        raise TlsError(f"{_KEY} is not the key of the first certificate in {_CERTIFICATE}; use a matching pair")


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(f"{setting} cannot be read: {path}: {error.strerror or error}") from error


def _certificates(data: bytes, setting: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise TlsError(
            f"{setting} holds no certificates in PEM form, which begin with -----BEGIN CERTIFICATE-----"
        ) from error


def _private_key(data: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(data, password=None)
    except TypeError as error:
        raise TlsError(f"{_KEY} is encrypted; decrypt it, as with `openssl pkey`") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TlsError(
            f"{_KEY} holds no private key in PEM form, which begins with -----BEGIN PRIVATE KEY-----"
        ) from error
