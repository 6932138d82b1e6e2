"""Bearer tokens: whose they are, and every way in which they are none."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.identity.claims import ClaimRules
from server.identity.jwt import TokenVerifier
from server.identity.key_sources import KeyFile, KeySource, KeyUrl
from server.identity.signing_keys import ALGORITHMS, parse
from tests.identity_provider import AUDIENCE, ISSUER, PrivateKey, Provider, claims, jwk, pem, providing, rsa_key

SCOPES = frozenset({"orders.read", "orders.write"})
RSA = rsa_key()
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


def verifier(keys: KeySource, **settings: Any) -> TokenVerifier:
    usual = {
        "issuer": ISSUER,
        "audiences": frozenset({AUDIENCE}),
        "algorithms": ALGORITHMS,
        "rules": ClaimRules(valid_scopes=SCOPES),
    }
    return TokenVerifier(keys, **usual | settings)


def by_url(provider: Provider, clock: Clock, **settings: Any) -> TokenVerifier:
    return verifier(KeyUrl(provider.url, clock=clock, **settings))


def by_file(path: Path, key: PrivateKey = RSA, **settings: Any) -> TokenVerifier:
    path.write_bytes(pem(key))
    return verifier(KeyFile(path), **settings)


def by_set(path: Path, *entries: Any, **settings: Any) -> TokenVerifier:
    path.write_bytes(key_set(*entries))
    return verifier(KeyFile(path), **settings)


def key_set(*entries: Any) -> bytes:
    return json.dumps({"keys": entries}).encode()


def replace(path: Path, data: bytes) -> None:
    """Puts another file in a file's place, as those do who rotate keys."""
    other = path.with_name("other")
    other.write_bytes(data)
    other.replace(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "provider.pem"


async def refused(verifier: TokenVerifier, token: str) -> str:
    """The cause for which a token is refused; no word of the token is in the refusal."""
    with pytest.raises(Refusal) as caught:
        await verifier.verify(token)
    assert caught.value.reason == "UNAUTHENTICATED"
    for part in token.split("."):
        assert len(part) < 12 or part not in caught.value.message
    return caught.value.metadata["cause"]


async def unavailable(verifier: TokenVerifier, token: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await verifier.verify(token)
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
    return caught.value


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def handmade(header: dict[str, Any], payload: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token that the library would not make."""
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    return f"{text}.{b64(sign(text.encode()))}"


async def test_a_valid_token_names_its_bearer(provider: Provider, clock: Clock) -> None:
    expire_time = int(time.time()) + 60
    token = provider.token(
        exp=expire_time, customer_id="c-1", roles=["customer", "fulfilment"], scope="openid orders.read"
    )
    verified = await by_url(provider, clock).verify(token)
    assert verified.expire_time == expire_time
    assert verified.caller == Caller(
        subject="user:jane",
        roles=frozenset({Role.CUSTOMER, Role.FULFILMENT}),
        scopes=frozenset({"orders.read"}),
        customer_id="c-1",
    )


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")]
    + [(P256, "ES256"), (P384, "ES384"), (P521, "ES512"), (EDWARDS, "EdDSA")],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("form", ["pem", "set"])
async def test_every_asymmetric_algorithm_is_understood(key: PrivateKey, algorithm: str, form: str, file: Path) -> None:
    def checking(**settings: Any) -> TokenVerifier:
        if form == "pem":
            return by_file(file, key, **settings)
        return by_set(file, jwk(key, algorithm, kid="k"), **settings)

    token = jwt.encode(claims(), key, algorithm, headers={"kid": "k"})
    assert (await checking().verify(token)).caller.subject == "user:jane"
    assert await refused(checking(algorithms=ALGORITHMS - {algorithm}), token) == "algorithm"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "ES256K", "RS1", ""])
def test_no_other_algorithm_can_be_configured(algorithm: str, file: Path) -> None:
    with pytest.raises(ValueError, match="may be signed with"):
        by_file(file, algorithms=frozenset({"RS256", algorithm}))


@pytest.mark.parametrize(
    "settings",
    [{"issuer": ""}, {"audiences": frozenset()}, {"audiences": frozenset({""})}, {"algorithms": frozenset()}],
)
def test_settings_that_would_let_anybody_in_are_refused(settings: dict[str, Any], file: Path) -> None:
    with pytest.raises(ValueError, match="tokens"):
        by_file(file, **settings)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"exp": time.time() - 31}, "expired"),
        ({"nbf": time.time() + 600}, "not_yet_valid"),
        ({"iat": time.time() + 600}, "not_yet_valid"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"aud": "payments"}, "audience"),
        ({"aud": ["payments", "orders.v2"]}, "audience"),
        ({"aud": {"orders": 1}}, "audience"),
        ({"exp": ...}, "claim_missing"),
        ({"iss": ...}, "claim_missing"),
        ({"aud": ...}, "claim_missing"),
        ({"sub": ...}, "claim_missing"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"nbf": [1]}, "malformed"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "j" * 201}, "subject"),
        ({"sub": "jane\nadmin"}, "subject"),
        ({"sub": "jane\x00"}, "subject"),
        ({"sub": "jane\u202e"}, "subject"),
        ({"sub": "jane\ud800"}, "subject"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "c 1"}, "customer_id"),
        ({"customer_id": "c1\n"}, "customer_id"),
        ({"customer_id": "c" * 129}, "customer_id"),
        ({"customer_id": 7}, "customer_id"),
    ],
)
async def test_claims_that_are_not_right_are_refused(changed: dict[str, Any], cause: str, file: Path) -> None:
    token = jwt.encode(claims(**changed), RSA, "RS256")
    assert await refused(by_file(file), token) == cause


@pytest.mark.parametrize(
    "changed",
    [
        # Small times are from now, and not from when the tests were collected.
        {"exp": -20},
        {"nbf": 20},
        {"iat": 20},
        {"aud": ["payments", AUDIENCE]},
        {"sub": "j" * 200},
        {"sub": "Jörg 猫"},
        {"customer_id": None},
        {"customer_id": "c" * 128},
        {"exp": 10**30},
    ],
)
async def test_claims_at_the_edge_are_right(changed: dict[str, Any], file: Path) -> None:
    payload = claims(**changed)
    for name in ("exp", "nbf", "iat"):
        if abs(changed.get(name, 3600)) < 3600:
            payload[name] = time.time() + changed[name]
    verified = await by_file(file).verify(jwt.encode(payload, RSA, "RS256"))
    assert verified.caller.subject == f"user:{payload['sub']}"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"iss": "https://id2.example"},
            f"the token was issued by https://id2.example; this service accepts tokens issued by {ISSUER}",
        ),
        ({"aud": ["shop", "cms"]}, f"the token is for shop, cms; this service accepts tokens for {AUDIENCE}"),
        ({"aud": {"orders": 1}}, f"the token is for another audience; this service accepts tokens for {AUDIENCE}"),
        ({"exp": 1_000_000_000}, "the token expired at 2001-09-09T01:46:40Z; get a new one"),
        ({"nbf": 4_000_000_000}, "the token is not valid before 2096-10-02T07:06:40Z; check the clocks, or wait"),
    ],
)
async def test_a_refusal_names_the_claim_and_what_is_accepted(changed: dict[str, Any], told: str, file: Path) -> None:
    with pytest.raises(Refusal) as caught:
        await by_file(file).verify(jwt.encode(claims(**changed), RSA, "RS256"))
    assert caught.value.message == told
    assert caught.value.metadata["claim"] == next(iter(changed))


async def test_each_of_several_audiences_is_served(file: Path) -> None:
    checking = by_file(file, audiences=frozenset({"orders", "shop"}))
    for audience in ("orders", "shop"):
        assert (await checking.verify(jwt.encode(claims(aud=audience), RSA, "RS256"))).caller.subject == "user:jane"
    assert await refused(checking, jwt.encode(claims(aud="ship"), RSA, "RS256")) == "audience"


async def test_a_token_without_a_signature_is_refused(file: Path) -> None:
    for algorithm in ("none", "None", "NONE"):
        assert await refused(by_file(file), handmade({"alg": algorithm}, claims(), lambda _: b"")) == "algorithm"


async def test_the_public_key_is_no_shared_secret(file: Path) -> None:
    def sign(text: bytes) -> bytes:
        return hmac.digest(pem(RSA), text, hashlib.sha256)

    assert await refused(by_file(file), handmade({"alg": "HS256"}, claims(), sign)) == "algorithm"
    assert await refused(by_file(file), handmade({"alg": "RS256"}, claims(), sign)) == "signature"


@pytest.mark.parametrize(
    ("published", "algorithm"), [(P256, "RS256"), (RSA, "ES256"), (P384, "ES256"), (EDWARDS, "ES256"), (P256, "EdDSA")]
)
async def test_an_algorithm_that_does_not_fit_the_key_is_refused(
    published: PrivateKey, algorithm: str, file: Path
) -> None:
    signing = {"RS256": RSA, "ES256": P256, "EdDSA": EDWARDS}[algorithm]
    token = jwt.encode(claims(), signing, algorithm)
    assert await refused(by_file(file, published), token) == "unknown_key"


async def test_a_key_that_is_published_for_one_algorithm_is_good_for_no_other(file: Path) -> None:
    checking = by_set(file, jwk(RSA, "RS256", kid="k", alg="RS256"))
    assert await refused(checking, jwt.encode(claims(), RSA, "PS256", headers={"kid": "k"})) == "unknown_key"
    assert await checking.verify(jwt.encode(claims(), RSA, "RS256", headers={"kid": "k"}))


async def test_a_key_that_the_token_brings_along_counts_for_nothing(provider: Provider, clock: Clock) -> None:
    own = rsa_key()
    with providing() as evil:
        brought = {"jwk": jwk(own, "RS256"), "jku": evil.url, "x5u": evil.url, "kid": provider.key_id}
        token = jwt.encode(claims(), own, "RS256", headers=brought)
        assert await refused(by_url(provider, clock), token) == "signature"
        assert evil.requests == 0


async def test_a_changed_payload_is_refused(file: Path) -> None:
    header, _, signature = jwt.encode(claims(), RSA, "RS256").split(".")
    payload = b64(json.dumps(claims(sub="admin")).encode())
    assert await refused(by_file(file), f"{header}.{payload}.{signature}") == "signature"


async def test_a_token_that_is_too_long_is_refused_before_it_is_read(file: Path) -> None:
    checking = by_file(file)
    assert await refused(checking, jwt.encode(claims(note="x" * 6200), RSA, "RS256")) == "too_long"
    assert await checking.verify(jwt.encode(claims(note="x" * 5400), RSA, "RS256"))


@pytest.mark.parametrize(
    ("granted", "roles", "scopes"),
    [
        ({"customer_id": "c-1"}, {"customer"}, {"orders.write"}),
        ({}, set(), {"orders.write"}),
        ({"roles": [], "scope": ""}, set(), set()),
        ({"roles": None, "scope": 7}, set(), set()),
        ({"roles": "admin  payment", "scope": ["orders.read"]}, {"admin", "payment"}, {"orders.read"}),
        (
            {"roles": ["admin", "root", 7, None, ["payment"]], "scope": "orders.* orders.read"},
            {"admin"},
            {"orders.read"},
        ),
        ({"roles": ["ADMIN"], "scope": "ORDERS.READ"}, set(), set()),
    ],
)
async def test_a_token_grants_what_it_says_and_nothing_unknown(
    granted: dict[str, Any], roles: set[str], scopes: set[str], file: Path
) -> None:
    rules = ClaimRules(
        valid_scopes=SCOPES, default_roles=frozenset({Role.CUSTOMER}), default_scopes=frozenset({"orders.write"})
    )
    caller = (await by_file(file, rules=rules).verify(jwt.encode(claims(**granted), RSA, "RS256"))).caller
    assert (caller.roles, caller.scopes) == (roles, scopes)


async def test_claims_are_found_by_name_first_and_then_by_path(file: Path) -> None:
    rules = ClaimRules(
        valid_scopes=SCOPES, customer_id="https://shop.example/customer", roles="realm_access.roles", scopes="scp"
    )
    nested = {"realm_access": {"roles": ["payment"]}, "scp": ["orders.read"], "https://shop.example/customer": "c-1"}
    checking = by_file(file, rules=rules)
    caller = (await checking.verify(jwt.encode(claims(**nested), RSA, "RS256"))).caller
    assert (caller.roles, caller.scopes, caller.customer_id) == ({Role.PAYMENT}, {"orders.read"}, "c-1")
    literal = nested | {"realm_access.roles": ["admin"]}
    assert (await checking.verify(jwt.encode(claims(**literal), RSA, "RS256"))).caller.roles == {Role.ADMIN}
    for broken in ({"realm_access": ["roles"]}, {"realm_access": "roles"}, {}):
        assert not (await checking.verify(jwt.encode(claims(**broken), RSA, "RS256"))).caller.roles


async def test_a_new_key_of_the_provider_is_taken_up_at_once(provider: Provider, clock: Clock) -> None:
    checking = by_url(provider, clock)
    old = provider.token()
    await checking.verify(old)
    provider.rotate()
    clock.now += 10
    assert (await checking.verify(provider.token(sub="joe"))).caller.subject == "user:joe"
    assert provider.requests == 2
    assert await refused(checking, old) == "unknown_key"


async def test_unknown_keys_do_not_make_the_server_fetch_more_than_now_and_then(
    provider: Provider, clock: Clock
) -> None:
    checking = by_url(provider, clock, min_interval=10)
    await checking.verify(provider.token())
    strange = [jwt.encode(claims(), RSA, "RS256", headers={"kid": f"strange-{number}"}) for number in range(5)]
    clock.now += 9.9
    for token in strange:
        assert await refused(checking, token) == "unknown_key"
    assert provider.requests == 1
    clock.now += 0.1
    for token in strange:
        assert await refused(checking, token) == "unknown_key"
    assert provider.requests == 2


async def test_many_who_need_the_keys_fetch_them_once(provider: Provider, clock: Clock) -> None:
    checking = by_url(provider, clock)
    provider.open.clear()
    callers = [asyncio.create_task(checking.verify(provider.token(sub=f"user-{number}"))) for number in range(20)]
    await asyncio.to_thread(provider.asked.wait, 30)
    callers[0].cancel()
    provider.open.set()
    _, *verified = await asyncio.gather(*callers, return_exceptions=True)
    assert callers[0].cancelled()
    assert [one.caller.subject for one in verified] == [f"user:user-{number}" for number in range(1, 20)]
    assert provider.requests == 1


async def test_keys_are_renewed_while_the_known_ones_serve(provider: Provider, clock: Clock) -> None:
    checking = by_url(provider, clock, refresh=300)
    old = provider.token()
    await checking.verify(old)
    provider.rotate()
    provider.asked.clear()
    provider.open.clear()
    clock.now += 299
    await checking.verify(old)
    assert provider.requests == 1
    clock.now += 1
    await checking.verify(old)
    await asyncio.to_thread(provider.asked.wait, 30)
    provider.open.set()
    # Whoever needs a new key waits for the renewal that is under way.
    await checking.verify(provider.token())
    assert provider.requests == 2
    clock.now += 5
    assert await refused(checking, old) == "unknown_key"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, None),
        (200, b"not json"),
        (200, b"[" * 100_000),
        (200, b'{"keys": []}'),
        (200, b'{"keys": {"a": 1}}'),
        (200, b"[]"),
        (200, b'{"keys": [' + b" " * (1 << 20) + b"]}"),
    ],
    ids=range(7),
)
async def test_without_keys_nobody_is_told_apart_and_the_known_ones_go_on(
    status: int, body: bytes | None, provider: Provider, clock: Clock
) -> None:
    checking = by_url(provider, clock, min_interval=10)
    provider.status, provider.body = status, body
    error = await unavailable(checking, provider.token())
    assert error.metadata == {"dependency": "identity_provider"}
    assert error.retry_after == 1.0
    await unavailable(checking, provider.token())
    assert provider.requests == 1
    provider.status, provider.body = 200, None
    clock.now += 1
    await checking.verify(provider.token())
    provider.status, provider.body = status, body
    clock.now += 10
    assert await refused(checking, jwt.encode(claims(), RSA, "RS256", headers={"kid": "strange"})) == "unknown_key"
    assert provider.requests == 3
    await checking.verify(provider.token())


async def test_keys_from_where_the_provider_points_to_are_not_taken(provider: Provider, clock: Clock) -> None:
    with providing() as other:
        provider.status, provider.headers = 302, {"Location": other.url}
        await unavailable(by_url(provider, clock), other.token())
        assert (provider.requests, other.requests) == (1, 0)


async def test_a_provider_that_does_not_listen_is_unavailable(clock: Clock) -> None:
    with providing() as gone:
        pass
    await unavailable(by_url(gone, clock), gone.token())


async def test_a_provider_that_does_not_answer_is_given_up(provider: Provider, clock: Clock) -> None:
    provider.open.clear()
    await unavailable(by_url(provider, clock, timeout=0.05), provider.token())


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example/keys",
        "http://127.0.0.1@login.example/keys",
        "http://localhost.example/keys",
        "http://10.0.0.1/keys",
        "file:///etc/passwd",
        "ftp://127.0.0.1/keys",
        "https:///keys",
        "http://[::1/keys",
        "keys.json",
        "",
    ],
)
def test_keys_come_from_no_address_that_others_could_answer(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|IPv6"):
        KeyUrl(url)


@pytest.mark.parametrize(
    "url", ["https://login.example/keys", "http://127.0.0.1:1/keys", "http://localhost/keys", "http://[::1]:1/keys"]
)
def test_keys_may_come_over_tls_or_from_this_machine(url: str) -> None:
    assert KeyUrl(url)


async def test_a_file_of_keys_is_read_again_when_it_changes(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    new = rsa_key()
    checking = by_file(file)
    before, after = (jwt.encode(claims(), key, "RS256") for key in (RSA, new))
    await checking.verify(before)
    assert await refused(checking, after) == "signature"
    replace(file, b"-----BEGIN nothing")
    for _ in range(3):
        await checking.verify(before)
    assert len([one for one in caplog.records if "cannot be read" in one.message]) == 1
    replace(file, pem(new))
    await checking.verify(after)
    assert await refused(checking, before) == "signature"


async def test_a_file_of_keys_may_be_away_for_a_moment(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    checking, token = by_file(file), jwt.encode(claims(), RSA, "RS256")
    await asyncio.to_thread(file.unlink)
    for _ in range(3):
        await checking.verify(token)
    assert len([one for one in caplog.records if "cannot be read" in one.message]) == 1


async def test_keys_for_other_purposes_and_of_unknown_kinds_are_passed_over(file: Path) -> None:
    odd: list[Any] = [
        jwk(RSA, "RS256", kid="enc", use="enc"),
        jwk(RSA, "RS256", kid="oaep", alg="RSA-OAEP"),
        jwk(RSA, "RS256", kid=["list"]),
        jwk(RSA, "RS256", kid="odd", alg=["RS256"]),
        jwk(rsa_key(1024), "RS256", kid="weak"),
        {"kty": "oct", "k": b64(b"secret" * 8), "kid": "shared"},
        {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "broken"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"},
        {"kty": ["RSA"]},
        {},
        "key",
        None,
    ]
    good = jwk(RSA, "RS256", kid="good")
    assert [key.key_id for key in parse(key_set(*odd, good))] == ["good"]
    token = jwt.encode(claims(), RSA, "RS256", headers={"kid": "enc"})
    assert await refused(by_set(file, *odd, good), token) == "unknown_key"
    with pytest.raises(ValueError, match="no key in it"):
        parse(key_set(*odd))


async def test_a_token_that_names_no_key_is_checked_by_each_that_fits(file: Path) -> None:
    other = rsa_key()
    checking = by_set(file, jwk(other, "RS256", kid="a"), jwk(P256, "ES256", kid="b"), jwk(RSA, "RS256", kid="c"))
    assert await checking.verify(jwt.encode(claims(), RSA, "RS256"))
    assert await refused(checking, jwt.encode(claims(), rsa_key(), "RS256")) == "signature"
    assert await refused(checking, jwt.encode(claims(exp=1), other, "RS256")) == "expired"


@pytest.mark.parametrize("data", [pem(rsa_key(1024)), b"", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"])
def test_a_file_without_a_good_key_is_refused_at_the_start(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(ValueError, match="it"):
        KeyFile(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("kid", "crit", "b64", "typ", "jwk"), JSON) | {"alg": JSON | st.just("RS256")}
)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "roles", "scope", "customer_id"), JSON),
)


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> TokenVerifier:
    return by_file(tmp_path_factory.mktemp("keys") / "provider.pem")


@given(token=st.text() | st.text("abcXYZ019-_=.") | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
async def test_no_text_is_a_token_and_none_makes_it_fail(checking: TokenVerifier, token: str) -> None:
    assert await refused(checking, token) in {"malformed", "algorithm", "too_long"}


@given(header=HEADERS, payload=JSON, signature=st.binary(max_size=300))
async def test_no_made_up_token_is_right(
    checking: TokenVerifier, header: dict[str, Any], payload: Any, signature: bytes
) -> None:
    token = handmade({"alg": "RS256"} | header, payload, lambda _: signature)
    assert await refused(checking, token) in {"malformed", "algorithm", "signature"}


@given(changed=PAYLOADS)
async def test_whatever_the_provider_signs_is_a_caller_or_a_refusal(
    checking: TokenVerifier, changed: dict[str, Any]
) -> None:
    token = handmade({"alg": "RS256"}, claims(**changed), sign_rs256)
    try:
        caller = (await checking.verify(token)).caller
    except Refusal as refusal:
        error = refusal
    else:
        assert caller.subject.startswith("user:")
        assert caller.roles <= frozenset(Role)
        assert caller.scopes <= SCOPES
        return
    assert error.reason == "UNAUTHENTICATED"


def sign_rs256(text: bytes) -> bytes:
    algorithm = jwt.get_algorithm_by_name("RS256")
    return bytes(algorithm.sign(text, RSA))
