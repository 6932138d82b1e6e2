"""The public keys that verify tokens, and the algorithms of each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_EDWARDS = frozenset({"EdDSA"})
_BY_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

# Asymmetric only: a verifier of tokens must not be able to sign them.
ALGORITHMS = _RSA | _EDWARDS | frozenset(_BY_CURVE.values())

_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, its id ('' without one), and the algorithms that it may verify."""

    key_id: str
    public: PublicKey
    algorithms: frozenset[str]


def choose(keys: Iterable[SigningKey], *, key_id: str, algorithm: str) -> list[SigningKey]:
    """The keys that may have signed a token: those with its key id, if both have one, and with its algorithm."""
    return [
        key for key in keys if algorithm in key.algorithms and (key.key_id == key_id or not (key.key_id and key_id))
    ]


def parse(data: bytes) -> list[SigningKey]:
    """The usable keys of a PEM or of a JSON Web Key Set; raises ValueError with the reason if there is none."""
    found = _from_pem(data) if data.lstrip().startswith(b"-----BEGIN") else _from_set(data)
    # A set may hold keys for other purposes and of unknown types.
    keys = [key for key in found if key.algorithms]
    if not keys:
        raise ValueError("there is no key in it that can check signatures")
    return keys


def _from_pem(data: bytes) -> Iterator[SigningKey]:
    try:
        public = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it is no public key; it begins with -----BEGIN PUBLIC KEY-----") from error
    if isinstance(public, PublicKey):
        yield SigningKey("", public, _algorithms_of(public))


def _from_set(data: bytes) -> Iterator[SigningKey]:
    try:
        entries = json.loads(data)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError('it is no JSON Web Key Set, which has a list named "keys"') from error
    for entry in entries if isinstance(entries, list) else ():
        if key := _from_entry(entry):
            yield key


def _from_entry(entry: Any) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        public = PyJWK(entry).key
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        return None
    key_id = entry.get("kid", "")
    if not isinstance(public, PublicKey) or not isinstance(key_id, str):
        return None
    algorithms = _algorithms_of(public)
    return SigningKey(key_id, public, algorithms & {entry["alg"]} if "alg" in entry else algorithms)


def _algorithms_of(public: PublicKey) -> frozenset[str]:
    if isinstance(public, RSAPublicKey):
        return _RSA if public.key_size >= _MIN_RSA_BITS else frozenset()
    if isinstance(public, EllipticCurvePublicKey):
        return frozenset({_BY_CURVE[public.curve.name]} if public.curve.name in _BY_CURVE else ())
    return _EDWARDS
