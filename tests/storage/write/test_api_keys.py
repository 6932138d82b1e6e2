"""Changes of API keys in batches and from several replicas: one transaction each, with its audit event."""

from collections.abc import AsyncIterator, Callable

import pytest
from orders.v1.access_pb2 import ROLE_ADMIN, SCOPE_ORDERS_READ
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest, RevokeApiKeyRequest, RotateApiKeyRequest

from server.domain.access import key_texts
from server.domain.base.errors import Refusal
from server.domain.operations import Answer
from tests.storage.helpers import Store, locked, outcomes, reason, replica, session, until_waiting


@pytest.fixture(scope="module")
async def stores(new_database: Callable[[], str]) -> AsyncIterator[tuple[Store, Store]]:
    """Two writers on one database, as two replicas have them."""
    url = new_database()
    async with replica(url) as one, replica(url) as other:
        yield one, other


def new_key(certificate_name: str = "", request_id: str = "") -> CreateApiKeyRequest:
    api_key = ApiKey(owner="tests", roles=[ROLE_ADMIN], scopes=[SCOPE_ORDERS_READ], certificate_name=certificate_name)
    return CreateApiKeyRequest(api_key=api_key, request_id=request_id)


async def create(store: Store, request: CreateApiKeyRequest) -> ApiKey:
    return shown(await store.execute(request))


def shown(outcome: Answer | BaseException) -> ApiKey:
    assert isinstance(outcome, Answer), outcome
    return ApiKey.FromString(outcome.body)


async def raced(stores: tuple[Store, Store], request: CreateApiKeyRequest) -> list[Answer | BaseException]:
    """The outcomes of one request at both replicas, which have both found the certificate's name free before either writes."""
    url, name = stores[0].url, request.api_key.certificate_name
    async with session(url) as outside, session(url, autocommit=False) as holder:
        query = "INSERT INTO api_keys (key_id, certificate_name, snapshot) VALUES ('held', %s, '')"
        await holder.execute(query, [name])
        tasks = [task for store in stores for task in store.submit(request)]
        await until_waiting(outside, 2)
        await holder.rollback()
        return await outcomes(tasks)


async def events_of(store: Store, key_id: str) -> list[str]:
    query = "SELECT method FROM audit_events WHERE resource = %s ORDER BY event_time, event_id"
    return [method for (method,) in await store.rows(query, f"apiKeys/{key_id}")]


async def test_one_of_two_replicas_gets_a_certificate_name(stores: tuple[Store, Store]) -> None:
    found = await raced(stores, new_key("raced.example"))
    assert sorted(map(reason, found)) == ["", "CERTIFICATE_NAME_TAKEN"]
    query = "SELECT count(*) FROM api_keys WHERE certificate_name = 'raced.example'"
    assert await stores[0].rows(query) == [(1,)]


async def test_a_request_at_two_replicas_makes_one_key(stores: tuple[Store, Store]) -> None:
    first, second = await raced(stores, new_key("retried.example", request_id="retried"))
    assert shown(first) == shown(second)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert sorted([first.replayed is not None, second.replayed is not None]) == [False, True]
    assert await events_of(stores[0], shown(first).key_id) == ["CreateApiKey"]


async def test_two_keys_of_a_batch_cannot_share_a_certificate_name(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    found = await outcomes(store.submit(new_key("shared.example"), new_key("shared.example"), new_key()))
    assert list(map(reason, found)) == ["", "CERTIFICATE_NAME_TAKEN", ""]


async def test_a_batch_hands_a_certificate_name_on(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    old = await create(store, new_key("handed.example"))
    revoked, made = await outcomes(store.submit(RevokeApiKeyRequest(key_id=old.key_id), new_key("handed.example")))
    assert shown(revoked).key_id == old.key_id
    query = "SELECT key_id FROM api_keys WHERE certificate_name = 'handed.example'"
    assert await store.rows(query) == [(shown(made).key_id,)]


async def test_revoking_a_key_again_leaves_its_name_to_the_next_holder(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    old = await create(store, new_key("next.example"))
    await store.execute(RevokeApiKeyRequest(key_id=old.key_id))
    await create(store, new_key("next.example"))
    found = await outcomes(store.submit(RevokeApiKeyRequest(key_id=old.key_id), new_key("next.example")))
    assert list(map(reason, found)) == ["", "CERTIFICATE_NAME_TAKEN"]
    assert await events_of(store, old.key_id) == ["CreateApiKey", "RevokeApiKey"]


async def test_rotations_at_two_replicas_happen_one_after_the_other(stores: tuple[Store, Store]) -> None:
    store, other = stores
    made = await create(store, new_key())
    rotation = RotateApiKeyRequest(key_id=made.key_id)
    async with locked(store.url, "api_keys", f"key_id = '{made.key_id}'") as outside:
        tasks = [*store.submit(rotation), *other.submit(rotation)]
        await until_waiting(outside, 2)
    texts = [shown(outcome).key for outcome in await outcomes(tasks)]
    query = "SELECT digest, previous_digest FROM api_keys WHERE key_id = %s"
    ((newest, previous),) = await store.rows(query, made.key_id)
    # No text was used yet, so the first one stays valid beside the newest.
    assert previous == digest_of(made.key)
    assert newest in map(digest_of, texts)
    assert await events_of(store, made.key_id) == ["CreateApiKey", "RotateApiKey", "RotateApiKey"]


def digest_of(text: str) -> bytes:
    presented = key_texts.parse(text)
    assert presented is not None
    return presented.digest


async def test_changes_of_a_key_in_one_batch_see_each_other(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    made = await create(store, new_key())
    rotation, revocation = RotateApiKeyRequest(key_id=made.key_id), RevokeApiKeyRequest(key_id=made.key_id)
    found = await outcomes(store.submit(rotation, revocation, rotation))
    assert list(map(reason, found)) == ["", "", "API_KEY_REVOKED"]
    query = "SELECT digest, snapshot FROM api_keys WHERE key_id = %s"
    ((digest, snapshot),) = await store.rows(query, made.key_id)
    assert digest == digest_of(shown(found[0]).key)
    assert ApiKey.FromString(snapshot) == shown(found[1])


async def test_a_failed_change_leaves_no_event(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    before = await store.rows("SELECT count(*) FROM audit_events")
    for key_id in ("nothing", "\n"):
        with pytest.raises(Refusal, match="there is no API key"):
            await store.execute(RevokeApiKeyRequest(key_id=key_id))
    assert await store.rows("SELECT count(*) FROM audit_events") == before
