"""An OpenID provider on this machine: it publishes real keys over real HTTP, and signs tokens with them."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

ISSUER = "https://login.example"
AUDIENCE = "orders"

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_names = itertools.count(1)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(key: PrivateKey) -> bytes:
    """The public half, as a file has it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: PrivateKey, algorithm: str, **fields: Any) -> dict[str, Any]:
    """The public half, as a set of keys has it."""
    return dict(get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)) | fields


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a valid token, changed; a claim changed to `...` is left out."""
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "jane", "iat": now, "exp": now + 600}
    return {name: value for name, value in (usual | changed).items() if value is not ...}


class Provider:
    """Signs with its newest key and publishes all it has, unless told to answer something else."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200
        self.headers: dict[str, str] = {}
        # What it answers instead of its keys.
        self.body: bytes | None = None
        # Set by the first who asks.
        self.asked = threading.Event()
        # Answers wait for it.
        self.open = threading.Event()
        self.open.set()
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate()
        self.url = ""

    def rotate(self) -> str:
        """Has a new key, and none of the old ones; returns its id."""
        self.key_id = f"key-{next(_names)}"
        self.keys = {self.key_id: rsa_key()}
        return self.key_id

    def token(self, **changed: Any) -> str:
        """A token of the newest key."""
        return self.sign(claims(**changed))

    def sign(self, payload: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(payload, self.keys[self.key_id], "RS256", headers={"kid": self.key_id} | headers)

    def answer(self) -> bytes:
        if self.body is not None:
            return self.body
        return json.dumps({"keys": [jwk(key, "RS256", kid=name) for name, key in self.keys.items()]}).encode()


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that listens on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests += 1
            provider.asked.set()
            provider.open.wait(30)
            body = provider.answer()
            self.send_response(provider.status)
            for name, value in provider.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        provider.open.set()
        server.shutdown()
        thread.join()
        server.server_close()
