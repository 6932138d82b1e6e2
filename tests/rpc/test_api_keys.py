"""API keys over their service: shown once, stored as hashes, rotated and revoked while callers go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from orders.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    GetApiKeyRequest,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)
from orders.v1.catalog_service_pb2 import GetProductRequest, ListProductsRequest
from orders.v1.order_service_pb2 import ListOrdersRequest

from server.domain.access.key_texts import generate, parse
from tests.conftest import Service, refusal_of, refused
from tests.rpc.principals import Principal, bearer, closed, key_holder, new_key, revoke_key, rotate_key, wished_key
from tests.storage.helpers import imported, upserts

KEYS = "SELECT t::text FROM api_keys t"


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with closed(new_database()) as service:
        yield service


@pytest.fixture(scope="module")
async def admin(service: Service) -> Principal:
    return await key_holder(service, "admin")


async def create(service: Service, admin: Principal, **fields: Any) -> ApiKey:
    request = CreateApiKeyRequest(api_key=wished_key(**fields))
    return await service.api_keys.CreateApiKey(request, metadata=admin.metadata)


async def get(service: Service, admin: Principal, key_id: str) -> ApiKey:
    return await service.api_keys.GetApiKey(GetApiKeyRequest(key_id=key_id), metadata=admin.metadata)


async def rotate(service: Service, admin: Principal, key_id: str, *, overlap: float | None = None) -> ApiKey:
    request = RotateApiKeyRequest(key_id=key_id)
    if overlap is not None:
        request.overlap.CopyFrom(Duration(seconds=int(overlap)))
    return await service.api_keys.RotateApiKey(request, metadata=admin.metadata)


async def revoke(service: Service, admin: Principal, key_id: str) -> ApiKey:
    return await service.api_keys.RevokeApiKey(RevokeApiKeyRequest(key_id=key_id), metadata=admin.metadata)


async def cause(service: Service, text: str) -> str:
    """Why a key is refused; empty if it is not."""
    try:
        await service.catalog.ListProducts(ListProductsRequest(), metadata=bearer(text))
    except Exception as error:
        refusal = refusal_of(error)  # type: ignore[arg-type]
        assert refusal.reason == "UNAUTHENTICATED"
        return refusal.metadata["cause"]
    return ""


async def test_a_key_is_shown_once_and_opens_what_it_says(service: Service, admin: Principal) -> None:
    made = await create(service, admin, roles=["customer"], scopes=["catalog.read"], description="the app's")
    presented = parse(made.key)
    assert presented is not None
    assert presented.key_id == made.key_id
    assert (made.customer_id, made.description, made.creator) == ("jane", "the app's", f"key:{admin_id(admin)}")
    assert abs((made.create_time.ToDatetime(UTC) - datetime.now(UTC)).total_seconds()) < 60
    assert await cause(service, made.key) == ""
    shown = await get(service, admin, made.key_id)
    made.ClearField("key")
    shown.ClearField("last_use_time")
    assert shown == made
    listed = await service.api_keys.ListApiKeys(ListApiKeysRequest(page_size=1000), metadata=admin.metadata)
    assert made.key_id in [api_key.key_id for api_key in listed.api_keys]
    assert not any(api_key.key for api_key in listed.api_keys)


def admin_id(admin: Principal) -> str:
    return admin.metadata[0][1].split("_")[1]


async def test_what_only_the_server_says_of_a_key_is_not_taken_from_a_request(
    service: Service, admin: Principal
) -> None:
    wished = wished_key(key_id="chosen", key="ord_chosen", creator="nobody", revoker="nobody")
    for field in ("create_time", "rotate_time", "revoke_time", "last_use_time", "previous_expire_time"):
        getattr(wished, field).FromSeconds(1)
    made = await service.api_keys.CreateApiKey(CreateApiKeyRequest(api_key=wished), metadata=admin.metadata)
    assert (made.key_id != "chosen", made.creator, made.revoker) == (True, f"key:{admin_id(admin)}", "")
    assert made.create_time.seconds > 1
    assert not any(made.HasField(field) for field in ("rotate_time", "revoke_time", "last_use_time"))
    assert await cause(service, made.key) == ""


async def test_the_database_holds_no_text_of_a_key(service: Service, admin: Principal) -> None:
    # The text that a caller sends along counts for nothing, and is not remembered with the request either.
    wished, sent = wished_key(), generate()
    wished.key = sent.text
    request = CreateApiKeyRequest(api_key=wished, request_id="secret")
    made = await service.api_keys.CreateApiKey(request, metadata=admin.metadata)
    rotation = RotateApiKeyRequest(key_id=made.key_id, request_id="secret")
    renewed = await service.api_keys.RotateApiKey(rotation, metadata=admin.metadata)
    await cause(service, renewed.key)
    rows = [row for (row,) in await service.rows(KEYS)]
    assert any(made.key_id in row for row in rows)
    dump = await service.contents()
    assert len(dump["idempotency_keys"]) == 2
    for text in (made.key, renewed.key, sent.text):
        secret = text.rpartition("_")[2]
        # Not whole, not in part, and not in the bytes of the snapshots, which are shown in hexadecimal.
        for form in (text, secret, secret[:43], secret.encode().hex(), secret[:20], secret[:20].encode().hex()):
            assert not [table for table, found in dump.items() if form in str(found)]


async def test_a_replayed_answer_has_no_text(service: Service, admin: Principal) -> None:
    request = CreateApiKeyRequest(api_key=wished_key(key=generate().text), request_id="lost")
    made = await service.api_keys.CreateApiKey(request, metadata=admin.metadata)
    assert parse(made.key)
    made.ClearField("key")
    for text in (request.api_key.key, generate().text, ""):
        # Nor does it matter which text comes with the request: texts are not compared.
        request.api_key.key = text
        call = service.api_keys.CreateApiKey(request, metadata=admin.metadata)
        assert await call == made
        assert ("idempotency-replayed", "true") in list(await call.trailing_metadata())


async def test_each_change_leaves_an_event_with_its_actor_and_request_id(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    rotation = RotateApiKeyRequest(key_id=made.key_id, request_id="audited")
    renewed = await service.api_keys.RotateApiKey(rotation, metadata=admin.metadata)
    keeper = await new_key(service)
    revocation = RevokeApiKeyRequest(key_id=made.key_id)
    revoked = await service.api_keys.RevokeApiKey(revocation, metadata=bearer(keeper.key))
    # A replay and a revocation of what is revoked change nothing.
    await service.api_keys.RotateApiKey(rotation, metadata=admin.metadata)
    await service.api_keys.RevokeApiKey(revocation, metadata=bearer(keeper.key))
    query = "SELECT method, actor, request_id, event_time FROM audit_events WHERE resource = %s ORDER BY event_time"
    assert await service.rows(query, f"apiKeys/{made.key_id}") == [
        ("CreateApiKey", f"key:{admin_id(admin)}", "", made.create_time.ToDatetime(UTC)),
        ("RotateApiKey", f"key:{admin_id(admin)}", "audited", renewed.rotate_time.ToDatetime(UTC)),
        ("RevokeApiKey", f"key:{keeper.key_id}", "", revoked.revoke_time.ToDatetime(UTC)),
    ]


async def test_keys_are_listed_page_by_page_with_those_that_ended(service: Service, admin: Principal) -> None:
    ended = await create(service, admin)
    await revoke(service, admin, ended.key_id)
    found, token = [], ""
    while True:
        request = ListApiKeysRequest(page_size=2, page_token=token)
        page = await service.api_keys.ListApiKeys(request, metadata=admin.metadata)
        found += [api_key.key_id for api_key in page.api_keys]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(set(found))
    assert ended.key_id in found
    assert [(len(found),)] == await service.rows("SELECT count(*) FROM api_keys")


# Rotation.


async def test_for_the_overlap_both_texts_are_good(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    renewed = await rotate(service, admin, made.key_id, overlap=3600)
    assert renewed.key != made.key
    assert renewed.key_id == made.key_id
    assert renewed.previous_expire_time.ToDatetime() - renewed.rotate_time.ToDatetime() == timedelta(hours=1)
    assert [await cause(service, text) for text in (made.key, renewed.key)] == ["", ""]
    assert await get(service, admin, made.key_id) != renewed
    again = await rotate(service, admin, made.key_id)
    assert again.previous_expire_time.ToDatetime() - again.rotate_time.ToDatetime() == timedelta(days=1)


async def test_without_an_overlap_the_old_text_ends_at_once(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    renewed = await rotate(service, admin, made.key_id, overlap=0)
    assert [await cause(service, text) for text in (made.key, renewed.key)] == ["expired", ""]


async def noted(service: Service, *texts: str) -> None:
    """Uses texts on a server that then stops, which is when it notes uses at the latest."""
    async with closed(service.url) as other:
        for text in texts:
            assert await cause(other, text) == ""


async def test_a_lost_rotation_is_made_again_and_the_text_in_use_goes_on(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    await noted(service, made.key)
    lost = await rotate(service, admin, made.key_id)
    # The old text was, and is, in use: that is no use of the new one, whenever it is noted.
    await noted(service, made.key)
    found = await rotate(service, admin, made.key_id)
    assert [await cause(service, text) for text in (made.key, lost.key, found.key)] == ["", "unknown", ""]


async def test_a_use_before_a_rotation_that_is_noted_after_it_is_no_use_of_the_new_text(
    service: Service, admin: Principal
) -> None:
    made = await create(service, admin)
    async with closed(service.url) as other:
        assert await cause(other, made.key) == ""
        lost = await rotate(service, admin, made.key_id)
    found = await rotate(service, admin, made.key_id)
    assert [await cause(service, text) for text in (made.key, lost.key, found.key)] == ["", "unknown", ""]


async def test_a_rotation_after_the_new_text_was_used_ends_the_oldest_one(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    second = await rotate(service, admin, made.key_id)
    # Some callers have changed over, and others have not: it was used all the same.
    await noted(service, second.key, made.key)
    third = await rotate(service, admin, made.key_id)
    assert [await cause(service, text) for text in (made.key, second.key, third.key)] == ["unknown", "", ""]


async def test_when_a_key_was_used_is_noted(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    unused = await create(service, admin)
    before = datetime.now(UTC)
    await noted(service, made.key)
    used = (await get(service, admin, made.key_id)).last_use_time.ToDatetime(UTC)
    assert before <= used <= datetime.now(UTC)
    assert not (await get(service, admin, unused.key_id)).HasField("last_use_time")


async def test_replicas_that_note_uses_of_the_same_keys_at_once_do_not_get_in_each_others_way(
    service: Service, admin: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    made = [await create(service, admin) for _ in range(20)]
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(closed(service.url)) for _ in range(3)]
        for number, replica in enumerate(replicas):
            for api_key in made[:: -1 if number % 2 else 1]:
                assert await cause(replica, api_key.key) == ""
    assert all([(await get(service, admin, api_key.key_id)).HasField("last_use_time") for api_key in made])
    assert "could not be noted" not in caplog.text


async def test_a_key_is_rotated_under_load_without_a_failed_call(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    texts = [made.key]
    stop = asyncio.Event()

    async def keep_calling() -> int:
        calls = 0
        while not stop.is_set():
            # Each caller takes up the new text when it comes to it.
            assert await cause(service, texts[calls % len(texts)]) == ""
            calls += 1
        return calls

    async with AsyncExitStack() as stack:
        # What has been checked is believed for a while here, as in production: so are old texts, and new ones are taken at once.
        other = await stack.enter_async_context(closed(service.url, key_cache_seconds=60.0))

        async def keep_calling_the_other() -> int:
            calls = 0
            while not stop.is_set():
                assert await cause(other, texts[0]) == ""
                calls += 1
            return calls

        callers = [asyncio.create_task(work()) for work in [keep_calling] * 8 + [keep_calling_the_other] * 2]
        await cause(service, made.key)
        for _ in range(3):
            renewed = await rotate(service, admin, made.key_id, overlap=3600)
            texts[:] = [texts[-1], renewed.key]
            await noted(service, renewed.key)
            # Everybody has gone on to it before the next one.
            texts[:] = [renewed.key]
        stop.set()
        calls = await asyncio.gather(*callers)
    assert all(calls)


# Revocation.


async def test_a_revoked_key_is_refused_by_all_servers(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    async with closed(service.url) as other:
        assert [await cause(server, made.key) for server in (service, other)] == ["", ""]
        revoked = await revoke(service, admin, made.key_id)
        assert revoked.revoker == f"key:{admin_id(admin)}"
        assert [await cause(server, made.key) for server in (service, other)] == ["revoked", "revoked"]
    again = await revoke(service, await key_holder(service, "admin"), made.key_id)
    assert (again.revoke_time, again.revoker) == (revoked.revoke_time, revoked.revoker)
    rotation = RotateApiKeyRequest(key_id=made.key_id)
    refusal = await refused(service.api_keys.RotateApiKey(rotation, metadata=admin.metadata))
    assert refusal.reason == "API_KEY_REVOKED"


async def test_a_server_believes_what_it_has_read_for_as_long_as_it_is_told(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    async with closed(service.url, key_cache_seconds=60.0) as forgetful:
        assert await cause(forgetful, made.key) == ""
        await revoke(service, admin, made.key_id)
        assert await cause(forgetful, made.key) == ""
        # Another text of the same key proves nothing.
        assert await cause(forgetful, made.key[:-1]) == "malformed"
    async with closed(service.url, key_cache_seconds=60.0) as fresh:
        assert await cause(fresh, made.key) == "revoked"


async def test_both_texts_of_a_rotated_key_end_with_it(service: Service, admin: Principal) -> None:
    made = await create(service, admin)
    renewed = await rotate(service, admin, made.key_id, overlap=3600)
    await revoke(service, admin, made.key_id)
    assert [await cause(service, text) for text in (made.key, renewed.key)] == ["revoked", "revoked"]


async def test_who_does_not_hold_a_key_is_not_told_what_became_of_it(service: Service, admin: Principal) -> None:
    made, forged = await new_key(service), await new_key(service)
    await revoke_key(service, made.key_id)
    await rotate_key(service, forged.key_id, overlap=timedelta())
    assert await cause(service, generate(made.key_id).text) == "unknown"
    assert await cause(service, generate(forged.key_id).text) == "unknown"


@pytest.mark.parametrize("place", [4, 10, 16, 20, 40, 60, -7, -1])
async def test_a_typo_is_told_from_a_key_that_is_not_there(service: Service, admin: Principal, place: int) -> None:
    made = await create(service, admin)
    letter = made.key[place]
    typo = made.key[:place] + ("x" if letter != "x" else "y") + (made.key[place + 1 :] if place != -1 else "")
    assert await cause(service, typo) == "malformed"
    assert await cause(service, made.key) == ""


async def test_a_request_with_a_scope_for_keys_alone_opens_nothing_else(service: Service, admin: Principal) -> None:
    keeper = await create(service, admin, scopes=["keys.admin"])
    refusal = await refused(
        service.catalog.GetProduct(GetProductRequest(product_id="mug"), metadata=bearer(keeper.key))
    )
    assert refusal.reason == "SCOPE_MISSING"
    assert await get(service, Principal("keeper", bearer(keeper.key)), keeper.key_id)


async def test_a_stream_ends_when_its_key_is_revoked(service: Service, admin: Principal) -> None:
    for number in range(2):
        orders = [imported(f"{number}-{each}") for each in range(500)]
        await service.orders.BatchUpsertOrders(upserts("streamed", *orders), metadata=admin.metadata)
    made = await create(service, admin)
    stream = service.orders.ListOrders(ListOrdersRequest(page_size=1), metadata=bearer(made.key))
    assert (await stream.read()).orders
    await revoke(service, admin, made.key_id)

    async def rest() -> None:
        while await stream.read() is not grpc.aio.EOF:
            pass

    refusal = await refused(rest())
    assert refusal.reason == "UNAUTHENTICATED"
    assert refusal.metadata == {"cause": "revoked", "key_id": made.key_id}
