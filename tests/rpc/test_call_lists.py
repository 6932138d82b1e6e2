"""The lists of refused and of slow calls: over all processes, and bounded."""

from collections.abc import Callable

from orders.v1.order_service_pb2 import GetOrderRequest, SearchOrdersRequest
from orders.v1.server_service_pb2 import (
    GetServerInfoRequest,
    ListRefusedCallsRequest,
    ListServersRequest,
    ListSlowCallsRequest,
)
from orders.v1.server_service_pb2_grpc import ServerServiceStub

from server.domain.base.caller import NOBODY, SCOPES, Caller
from server.domain.base.errors import order_not_found, unauthenticated
from server.rpc.refused_calls import RefusedCall, RefusedCallTable, merged
from tests.conftest import refused
from tests.rpc.principals import bearer, closed, new_key, revoke_key
from tests.storage.helpers import until

ABSENT = GetOrderRequest(order_id="ORD-2026-999999")
HOUR = 3600 * 10**9


def refusal(caller: str = "key:abc", cause: str = "", key_id: str = "") -> RefusedCall:
    error = unauthenticated(cause, "no") if cause else order_not_found("x")
    error.key_id = key_id
    known = Caller(caller, frozenset(), owner="shop") if caller else NOBODY
    return RefusedCall("orders.v1.OrderService.GetOrder", known, "ipv4:127.0.0.1:1", "r1", error)


def test_calls_are_counted_by_caller_reason_and_cause() -> None:
    table = RefusedCallTable()
    for call in (refusal(), refusal(), refusal("key:def"), refusal("", "expired"), refusal("", "expired", "k1")):
        table.add(call)
    found = [(group.caller, group.reason, group.cause, group.key_id, group.count) for group in table.listed()]
    assert found == [
        ("key:abc", "ORDER_NOT_FOUND", "", "", 2),
        ("key:def", "ORDER_NOT_FOUND", "", "", 1),
        ("", "UNAUTHENTICATED", "expired", "", 1),
        ("", "UNAUTHENTICATED", "expired", "k1", 1),
    ]


def test_calls_are_forgotten_after_an_hour() -> None:
    now = [HOUR]
    table = RefusedCallTable(clock=lambda: now[0])
    table.add(refusal())
    now[0] += HOUR + 1
    assert table.listed() == []
    table.add(refusal())
    assert [(group.count, group.first_time.ToNanoseconds()) for group in table.listed()] == [(1, now[0])]


def test_made_up_keys_do_not_displace_known_callers() -> None:
    table = RefusedCallTable()
    table.add(refusal())
    for number in range(1000):
        table.add(refusal("", "unknown", f"k{number}"))
    assert len(table.listed()) == 21
    assert table.listed()[0].caller == "key:abc"
    for number in range(1000):
        table.add(refusal(f"key:{number}"))
    assert len(table.listed()) == 70


def test_groups_of_several_processes_add_up() -> None:
    now = [HOUR]
    tables = [RefusedCallTable(clock=lambda: now[0]) for _ in range(2)]
    for table in (*tables, tables[1]):
        now[0] += 1
        table.add(refusal())
    (group,) = merged(group for table in tables for group in table.listed())
    assert (group.count, group.owner) == (3, "shop")
    assert [time.ToNanoseconds() - HOUR for time in (group.first_time, group.last_time)] == [1, 3]


async def test_refused_and_slow_calls_are_listed(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with closed(url, slow_call_seconds=0.000_001) as service, closed(url, rate_limit_read=0.0) as other:
        admin, caller, revoked = [
            await new_key(service, "admin", scopes=sorted(SCOPES), owner=owner) for owner in ("ops", "shop", "gone")
        ]
        await revoke_key(service, revoked.key_id)
        await refused(service.orders.GetOrder(ABSENT, metadata=bearer(caller.key)))
        await refused(service.orders.GetOrder(ABSENT, metadata=bearer(revoked.key)))
        search = SearchOrdersRequest(filter={"customer_id": "jane"})
        await service.orders.SearchOrders(search, metadata=bearer(caller.key))
        stub = ServerServiceStub(other.channel)
        name = f"key:{caller.key_id}"

        async def reported() -> bool:
            request = ListRefusedCallsRequest(caller=name)
            return bool((await stub.ListRefusedCalls(request, metadata=bearer(admin.key))).refused_calls)

        await until(reported)
        groups = (await stub.ListRefusedCalls(ListRefusedCallsRequest(), metadata=bearer(admin.key))).refused_calls
        found = {(group.caller, group.owner, group.reason, group.cause, group.key_id) for group in groups}
        assert found == {
            (name, "shop", "ORDER_NOT_FOUND", "", ""),
            ("", "", "UNAUTHENTICATED", "revoked", revoked.key_id),
        }
        assert not any(caller.key in str(group) or revoked.key in str(group) for group in groups)
        wanted = ListSlowCallsRequest(caller=name, method="SearchOrders")
        (slow,) = (await stub.ListSlowCalls(wanted, metadata=bearer(admin.key))).slow_calls
        assert list(slow.fields) == ["filter.customer_id"]
        assert slow.duration.ToNanoseconds() >= slow.read_duration.ToNanoseconds() > 0
        own = await ServerServiceStub(service.channel).GetServerInfo(GetServerInfoRequest(), metadata=bearer(admin.key))
        assert slow in own.slow_calls
        listed = await stub.ListServers(ListServersRequest(), metadata=bearer(admin.key))
        assert not any(server.slow_calls or server.refused_calls for server in listed.servers)
