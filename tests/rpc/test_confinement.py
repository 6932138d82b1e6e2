"""Customers see and change what is their own; what is somebody else's answers as if it did not exist."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import grpc
import psycopg
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    ListPointsEntriesRequest,
    ListPointsEntriesResponse,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_METHOD_CREDIT_CARD,
    Order,
    Tracking,
)
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    BatchGetOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    ListOrdersResponse,
    OrderFilter,
    PriceOrderRequest,
    SearchOrdersRequest,
    SearchOrdersResponse,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.caller import Role, role_of
from server.domain.base.methods import access_of
from server.rpc import feed_tokens
from server.storage.arrays import adapters
from tests.conftest import HOME, RefusedCall, Service, new_order, refusal_of, serving, stock_shop
from tests.identity_provider import Provider, providing
from tests.methods import METHODS, name_order, names_order
from tests.rpc.calls import call, outcome
from tests.rpc.principals import Metadata, Principal, closed, key_holder, token_holder
from tests.samples import Subject, request_for
from tests.storage.helpers import imported, locked, until_waiting, upserts

# As long as real ones, so that answers can be compared byte by byte.
NO_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NO_NUMBER = "ORD-2026-999999"

NOT_FOUND = grpc.StatusCode.NOT_FOUND
DENIED = grpc.StatusCode.PERMISSION_DENIED


def is_batch(method: MethodDescriptor) -> bool:
    return "order_ids" in method.input_type.fields_by_name


@dataclass(frozen=True)
class Belongings:
    """A customer, and what belongs to them: a pending order, a confirmed one with its invoice, a cart."""

    principal: Principal
    pending: Order
    confirmed: Order
    cart_id: str

    @property
    def name(self) -> str:
        return self.principal.customer_id


@dataclass(frozen=True)
class Shop:
    """A closed server, its customers anna and ben, and those who work there."""

    service: Service
    anna: Belongings
    ben: Belongings
    admin: Principal
    fulfilment: Principal
    payment: Principal

    async def ask(self, method: str, request: Message, principal: Principal) -> "Answer":
        return await answer_of(self.service, method, request, principal.metadata)


class Answer(NamedTuple):
    """Everything that a caller learns from a call."""

    code: str
    message: str
    bodies: list[bytes]
    details: list[Any]

    def without(self, name: str) -> "Answer":
        """The answer without the name that was asked for."""
        return Answer(
            self.code,
            _without(self.message, name),
            [_without(body, name) for body in self.bodies],
            [(key, _without(value, name)) for key, value in self.details],
        )


def _without(text: Any, name: str) -> Any:
    return text.replace(name.encode(), b"") if isinstance(text, bytes) else text.replace(name, "")


async def answer_of(service: Service, method: str, request: Message, metadata: Metadata) -> Answer:
    try:
        return Answer("OK", "", await call(service, method, request, metadata), [])
    except grpc.aio.AioRpcError as error:
        # Which server answered, when, and under which id, tells nothing of the order.
        details = [
            (key, value) for key, value in error.trailing_metadata() or () if key not in ("date", "x-request-id")
        ]
        return Answer(error.code().name, error.details() or "", [], details)


async def move_in(service: Service, principal: Principal) -> Belongings:
    """Gives a customer their belongings, through an open server; the same to everybody, by the same names."""
    name = principal.customer_id
    orders, customers = service.orders, service.customers
    card = {"payment_method_id": f"card-of-{name}", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": "tok_1"}
    await customers.UpsertCustomer(UpsertCustomerRequest(customer={"customer_id": name, "name": f"The {name}"}))
    await customers.UpsertAddress(
        UpsertAddressRequest(customer_id=name, address={"address_id": f"home-of-{name}"} | HOME)
    )
    await customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id=name, payment_method=card))
    for _ in range(3):
        await customers.AdjustPoints(AdjustPointsRequest(customer_id=name, delta=100, reason="gift"))
    pending, confirmed = [await orders.CreateOrder(new_order(name)) for _ in range(2)]
    confirmed = await orders.TransitionOrder(
        TransitionOrderRequest(order_id=confirmed.order_id, status=ORDER_STATUS_CONFIRMED, override_reason="cash")
    )
    await orders.BatchUpsertOrders(upserts("till", imported(f"till-{name}", name)))
    cart = await service.carts.AddCartItem(AddCartItemRequest(customer_id=name, product_id="mug", quantity=2))
    return Belongings(principal, pending, confirmed, cart.cart_id)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str], provider: Provider) -> AsyncIterator[Shop]:
    async with (
        serving(new_database(), authentication="open", jobs="append_to_feed") as back_door,
        closed(back_door.url, provider, jobs="append_to_feed") as service,
    ):
        await stock_shop(back_door)
        anna, ben = [
            await move_in(back_door, await key_holder(service, "customer", customer_id=name))
            for name in ("anna", "ben")
        ]
        staff = [await key_holder(service, role) for role in ("admin", "fulfilment", "payment")]
        yield Shop(service, anna, ben, *staff)


# One order by its id or number.

# The methods whose requests name orders.
NAMING = [name for name, method in METHODS.items() if names_order(method) or is_batch(method)]
# Those of them that a customer may not call for any order.
NOT_FOR_CUSTOMERS = {method for method in NAMING if Role.CUSTOMER not in map(role_of, access_of(METHODS[method]).roles)}


def requests_about(method: str, reference: str) -> list[Any]:
    """Requests of a method about an order: right ones, ones that ask for something special, and wrong ones."""
    request: Any = request_for(method, Subject(NO_ID))
    if is_batch(METHODS[method]):
        request.order_ids[:] = [reference]
    else:
        name_order(request, reference)
    variants: list[Any] = []
    fields = request.DESCRIPTOR.fields_by_name
    for name, value in (
        ("request_id", f"once-{method}"),
        ("etag", "9"),
        ("validate_only", True),
        ("page_token", "AAAA"),
        ("reason", "\x1b"),
        ("status", ORDER_STATUS_SHIPPED),
        ("status", ORDER_STATUS_CANCELLED),
    ):
        if name in fields and (fields[name].enum_type is None) == isinstance(value, str | bool):
            variants.append(type(request)())
            variants[-1].CopyFrom(request)
            setattr(variants[-1], name, value)
    if method == "UpdateOrder":
        order = {"order_id": reference}
        variants += [
            UpdateOrderRequest(order=order),
            UpdateOrderRequest(order=order | {"etag": "9"}),
            UpdateOrderRequest(order=order | {"status": ORDER_STATUS_CANCELLED}),
            UpdateOrderRequest(order=order, update_mask={"paths": ["nope"]}),
            UpdateOrderRequest(order=order, update_mask={"paths": ["delivery.carrier"]}),
        ]
    return [request, *variants]


@pytest.mark.parametrize("method", NAMING)
async def test_somebody_elses_order_is_answered_like_none_byte_for_byte(shop: Shop, method: str) -> None:
    theirs = (shop.ben.pending, shop.ben.confirmed)
    pairs = [(order.order_id, NO_ID) for order in theirs] + [(order.order_number, NO_NUMBER) for order in theirs]
    pairs += [(there.upper(), none.upper()) for there, none in pairs[:2]]
    before = await shop.service.contents()

    async def ask_all(reference: str) -> list[Answer]:
        requests = requests_about(method, reference)
        return await asyncio.gather(*(shop.ask(method, request, shop.anna.principal) for request in requests))

    for there, none in pairs:
        found, missed = await asyncio.gather(ask_all(there), ask_all(none))
        assert [answer.without(there) for answer in found] == [answer.without(none) for answer in missed]
    assert await shop.service.contents() == before


@dataclass(frozen=True)
class Said:
    """A statement that a server sent to the database, with its parameters, and the cursor that takes what comes back."""

    text: str
    parameters: Any
    rows: int
    cursor: psycopg.AsyncCursor[Any]

    @property
    def answered(self) -> tuple[str, int]:
        """The statement, and how many rows it read; -1 if it is none that reads. In a pipeline they come later."""
        return self.text, max(self.rows, self.cursor.rowcount)


_OF_THE_SERVER = (
    "transaction_read_only",
    "api_keys",
    "job_leases",
    "feed_state",
    "FROM webhook_endpoints AS",
    "DELETE FROM",
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Said]:
    """What servers say to the database, but for what has nothing to do with orders: whose a key is, and whether it answers."""
    execute = psycopg.AsyncCursor.execute
    heard: list[Said] = []

    async def listen(cursor: Any, query: Any, parameters: Any = None, **options: Any) -> Any:
        await execute(cursor, query, parameters, **options)
        # Not those of the server itself, which come at any time.
        if not any(own in query for own in _OF_THE_SERVER):
            heard.append(Said(query, parameters, cursor.rowcount, cursor))
        return cursor

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", listen)
    return heard


async def said_about(shop: Shop, said: list[Said], method: str, request: Message) -> list[Said]:
    """What the database hears when anna asks."""
    said.clear()
    await shop.ask(method, request, shop.anna.principal)
    return said.copy()


def named(belongings: Belongings) -> list[tuple[str, str]]:
    """An order's id and its number, each with one of nothing."""
    order = belongings.confirmed
    return [(order.order_id, NO_ID), (order.order_number, NO_NUMBER)]


@pytest.mark.parametrize("method", NAMING)
async def test_of_somebody_elses_order_the_server_reads_what_it_reads_of_none(
    shop: Shop, said: list[Said], method: str
) -> None:
    """Nothing, by the same statements. So how long an answer takes does not come from what was read for it."""
    for there, none in named(shop.ben):
        for request, missing in zip(requests_about(method, there), requests_about(method, none), strict=True):
            found = [one.answered for one in await said_about(shop, said, method, request)]
            missed = [one.answered for one in await said_about(shop, said, method, missing)]
            assert found == missed
            assert {rows for text, rows in found if "FROM orders" in text} <= {0}


@pytest.mark.parametrize("method", [method for method in NAMING if method not in NOT_FOR_CUSTOMERS])
async def test_for_somebody_elses_order_the_database_goes_the_way_it_goes_for_none(
    shop: Shop, said: list[Said], method: str
) -> None:
    for there, none in named(shop.ben):
        found, missed = [
            await plans_of(shop, await said_about(shop, said, method, requests_about(method, reference)[0]))
            for reference in (there, none)
        ]
        assert found == missed
        assert found


async def plans_of(shop: Shop, statements: list[Said]) -> list[list[str]]:
    """How the database goes about what is asked of it, with the rows at each step, where tables are too large to be read whole."""
    options = "ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF"
    async with await psycopg.AsyncConnection.connect(shop.service.url, context=adapters()) as connection:
        await connection.execute("SET enable_seqscan = off")
        plans = []
        for one in statements:
            if one.text.startswith("SELECT"):
                cursor = await connection.execute(f"EXPLAIN ({options}) {one.text}", one.parameters)
                plans.append([line for (line,) in await cursor.fetchall() if "Rows Removed by Filter" not in line])
        return plans


@pytest.mark.parametrize("method", NAMING)
async def test_an_order_is_not_found_by_whom_it_is_not_for(shop: Shop, method: str) -> None:
    request = requests_about(method, shop.ben.confirmed.order_id)[0]
    foreign, own = [await shop.ask(method, request, someone.principal) for someone in (shop.anna, shop.ben)]
    if method == "BatchGetOrders":
        assert BatchGetOrdersResponse.FromString(foreign.bodies[0]).missing_order_ids == request.order_ids
        assert BatchGetOrdersResponse.FromString(own.bodies[0]).orders
    elif method in NOT_FOR_CUSTOMERS:
        assert foreign == own
        assert own.code == "PERMISSION_DENIED"
    else:
        assert foreign.code == "NOT_FOUND"
        assert own.code != "NOT_FOUND"


async def test_of_several_orders_those_of_others_are_named_as_missing(shop: Shop) -> None:
    anna, ben = shop.anna, shop.ben
    asked = [
        anna.pending.order_id,
        ben.pending.order_id,
        NO_ID,
        ben.confirmed.order_number,
        anna.confirmed.order_number,
        ben.pending.order_id.upper(),
    ]
    answer = await shop.service.orders.BatchGetOrders(
        BatchGetOrdersRequest(order_ids=asked), metadata=anna.principal.metadata
    )
    assert [order.order_id for order in answer.orders] == [anna.pending.order_id, anna.confirmed.order_id]
    assert list(answer.missing_order_ids) == [asked[1], asked[2], asked[3], asked[5]]


# Lists.

FILTERS: list[dict[str, Any]] = [
    {},
    {"product_id": "mug"},
    {"source": "till"},
    {"external_order_id": "till-ben", "source": "till"},
    {"statuses": [ORDER_STATUS_CONFIRMED]},
    {"total_from": {"currency_code": "USD"}},
    {"create_time_from": {"seconds": 1}},
]


async def listed(shop: Shop, request: ListOrdersRequest, principal: Principal) -> list[Order]:
    pages = await call(shop.service, "ListOrders", request, principal.metadata)
    return [order for page in pages for order in ListOrdersResponse.FromString(page).orders]


async def searched(shop: Shop, request: SearchOrdersRequest, principal: Principal) -> SearchOrdersResponse:
    return await shop.service.orders.SearchOrders(request, metadata=principal.metadata)


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda wanted: " ".join(wanted) or "everything")
@pytest.mark.parametrize("order_by", [1, 2, 3])
async def test_lists_have_the_callers_own_orders_only(shop: Shop, wanted: dict[str, Any], order_by: int) -> None:
    own = {"order_by": order_by, "filter": OrderFilter(**wanted)}
    everything = await listed(shop, ListOrdersRequest(**own), shop.admin)
    assert any(order.customer.customer_id == "ben" for order in everything)
    expected = [order for order in everything if order.customer.customer_id == "anna"]
    assert await listed(shop, ListOrdersRequest(**own, page_size=1), shop.anna.principal) == expected
    found = await searched(shop, SearchOrdersRequest(**own), shop.anna.principal)
    assert (list(found.orders), found.total_size) == (expected, len(expected))
    past = await searched(shop, SearchOrdersRequest(**own, skip=len(expected)), shop.anna.principal)
    assert (list(past.orders), past.next_page_token) == ([], "")


@pytest.mark.parametrize("method", ["ListOrders", "SearchOrders"])
async def test_a_list_of_another_customers_orders_is_refused_by_the_field(shop: Shop, method: str) -> None:
    request = METHODS[method].input_type._concrete_class(filter={"customer_id": "ben"})
    refusal = await outcome(shop.service, method, request, shop.anna.principal.metadata)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (DENIED, "CUSTOMER_ACCESS_DENIED")
    assert refusal.metadata == {"field": "filter.customer_id", "customer_id": "anna"}


async def tokens_of(shop: Shop, method: str, request: Any, principal: Principal) -> list[str]:
    answers = await call(shop.service, method, request, principal.metadata)
    response: Any = METHODS[method].output_type._concrete_class
    token = "resume_token" if method == "ListOrders" else "next_page_token"
    return [found for answer in answers if (found := getattr(response.FromString(answer), token))]


@pytest.mark.parametrize("method", ["ListOrders", "SearchOrders"])
async def test_tokens_of_other_lists_lead_to_no_order_of_others(shop: Shop, method: str) -> None:
    request: Any = METHODS[method].input_type._concrete_class
    field = "resume_token" if method == "ListOrders" else "page_token"
    named = {customer: request(page_size=1, filter={"customer_id": customer}) for customer in ("anna", "ben")}
    foreign = [
        *await tokens_of(shop, method, request(page_size=1), shop.admin),
        *await tokens_of(shop, method, named["ben"], shop.admin),
        *await tokens_of(shop, method, request(page_size=1), shop.ben.principal),
    ]
    assert len(foreign) >= 3
    for token in foreign:
        mine = request(page_size=1, **{field: token})
        if feed_tokens.is_token(token):
            # That of a list's last message: nothing is left to list.
            assert await listed(shop, mine, shop.anna.principal) == []
            continue
        refusal = await outcome(shop.service, method, mine, shop.anna.principal.metadata)
        assert refusal is not None
        assert refusal.reason == "RESUME_TOKEN_INVALID"
    # One that the admin has for anna's own list is good for anna, and leads on in it.
    for token in await tokens_of(shop, method, named["anna"], shop.admin):
        rest = request(page_size=1, **{field: token})
        for answer in await call(shop.service, method, rest, shop.anna.principal.metadata):
            orders = METHODS[method].output_type._concrete_class.FromString(answer).orders
            assert {order.customer.customer_id for order in orders} <= {"anna"}


async def test_the_events_and_points_of_others_are_not_reached_by_their_tokens(shop: Shop) -> None:
    events = ListOrderEventsRequest(order_id=shop.ben.confirmed.order_id, page_size=1)
    (token,) = await tokens_of(shop, "ListOrderEvents", events, shop.ben.principal)
    stolen = ListOrderEventsRequest(order_id=shop.anna.confirmed.order_id, page_token=token)
    refusal = await outcome(shop.service, "ListOrderEvents", stolen, shop.anna.principal.metadata)
    assert refusal is not None
    assert refusal.reason == "RESUME_TOKEN_INVALID"
    own = ListPointsEntriesRequest(page_size=1)
    (token,) = await tokens_of(shop, "ListPointsEntries", own, shop.ben.principal)
    stolen_points = ListPointsEntriesRequest(page_size=1, page_token=token)
    refusal = await outcome(shop.service, "ListPointsEntries", stolen_points, shop.anna.principal.metadata)
    assert refusal is not None
    assert refusal.reason == "RESUME_TOKEN_INVALID"
    (answer,) = await call(shop.service, "ListPointsEntries", own, shop.anna.principal.metadata)
    assert {entry.customer_id for entry in ListPointsEntriesResponse.FromString(answer).entries} == {"anna"}


# What belongs to a customer.


def ordering(**fields: Any) -> CreateOrderRequest:
    """An order of a mug, by whoever asks."""
    return new_order("", **fields)


def from_cart(cart_id: str) -> CreateOrderRequest:
    return CreateOrderRequest(cart_id=cart_id, shipping_address=HOME, payment_method=PAYMENT_METHOD_CREDIT_CARD)


def thefts(ben: Belongings) -> list[tuple[str, Callable[[str], Message], str, str]]:
    """Methods and requests that would use something of ben's, by the name of it; and a name of nothing, equally long."""
    names = {
        "cart": (ben.cart_id, NO_ID),
        "address": (f"home-of-{ben.name}", "home-of-joe"),
        "payment method": (f"card-of-{ben.name}", "card-of-joe"),
    }
    makes: dict[str, list[tuple[str, Callable[[str], Message]]]] = {
        "cart": [
            ("CreateOrder", from_cart),
            ("PriceOrder", lambda name: PriceOrderRequest(order=from_cart(name))),
            ("GetCart", lambda name: GetCartRequest(cart_id=name)),
            ("AddCartItem", lambda name: AddCartItemRequest(cart_id=name, product_id="mug", quantity=1)),
            ("UpdateCartItem", lambda name: UpdateCartItemRequest(cart_id=name, item_id="1", quantity=1)),
            ("RemoveCartItem", lambda name: RemoveCartItemRequest(cart_id=name, item_id="1")),
            ("ClearCart", lambda name: ClearCartRequest(cart_id=name)),
        ],
        "address": [
            ("CreateOrder", lambda name: ordering(shipping_address_id=name)),
            ("CreateOrder", lambda name: ordering(billing_address_id=name)),
            ("PriceOrder", lambda name: PriceOrderRequest(order=ordering(shipping_address_id=name))),
            ("DeleteAddress", lambda name: request_of("DeleteAddress", address_id=name)),
        ],
        "payment method": [
            ("CreateOrder", lambda name: ordering(payment_method_id=name)),
            ("PriceOrder", lambda name: PriceOrderRequest(order=ordering(payment_method_id=name))),
            ("DeletePaymentMethod", lambda name: request_of("DeletePaymentMethod", payment_method_id=name)),
        ],
    }
    return [(method, make, *names[kind]) for kind, named in makes.items() for method, make in named]


def request_of(method: str, **fields: Any) -> Message:
    return METHODS[method].input_type._concrete_class(**fields)


async def test_what_others_have_is_used_by_nobody_else_and_not_told_from_nothing(shop: Shop) -> None:
    before = await shop.service.contents()
    for method, make, there, none in thefts(shop.ben):
        found = await shop.ask(method, make(there), shop.anna.principal)
        missed = await shop.ask(method, make(none), shop.anna.principal)
        assert found.code in ("NOT_FOUND", "INVALID_ARGUMENT"), method
        assert found.without(there) == missed.without(none), method
    assert await shop.service.contents() == before


async def test_a_customer_need_not_say_who_they_are(shop: Shop) -> None:
    service, metadata = shop.service, shop.anna.principal.metadata
    order = await service.orders.CreateOrder(ordering(), metadata=metadata)
    assert order.customer.customer_id == "anna"
    assert (await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id), metadata=metadata)) == order
    cart = await service.carts.GetCart(GetCartRequest(), metadata=metadata)
    assert (cart.customer_id, cart.cart_id) == ("anna", shop.anna.cart_id)
    account = await service.customers.GetCustomer(request_of("GetCustomer"), metadata=metadata)
    assert account.customer.customer_id == "anna"


@pytest.mark.parametrize("method", ["CreateOrder", "PriceOrder", "GetCustomer", "UpsertCustomer", "GetCart"])
async def test_a_customer_who_says_to_be_another_is_told_which_field_says_so(shop: Shop, method: str) -> None:
    request: Any = request_for(method, Subject(NO_ID))
    path = {"PriceOrder": "order.customer_id", "UpsertCustomer": "customer.customer_id"}.get(method, "customer_id")
    *parents, name = path.split(".")
    target = request
    for parent in parents:
        target = getattr(target, parent)
    setattr(target, name, "ben")
    refusal = await outcome(shop.service, method, request, shop.anna.principal.metadata)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (DENIED, "CUSTOMER_ACCESS_DENIED")
    assert refusal.metadata == {"field": path, "customer_id": "anna"}


# Request ids.


async def test_a_request_id_of_another_caller_brings_nobody_that_answer(shop: Shop) -> None:
    request = ordering(request_id="once")
    order = await shop.service.orders.CreateOrder(request, metadata=shop.ben.principal.metadata)
    own = await shop.service.orders.CreateOrder(request, metadata=shop.anna.principal.metadata)
    assert own.order_id != order.order_id
    assert (order.customer.customer_id, own.customer.customer_id) == ("ben", "anna")
    change = UpdateOrderRequest(order={"order_id": order.order_id, "referral_code": "X"}, request_id="change")
    await shop.service.orders.UpdateOrder(change, metadata=shop.ben.principal.metadata)
    refusal = await outcome(shop.service, "UpdateOrder", change, shop.anna.principal.metadata)
    assert refusal is not None
    assert refusal.reason == "ORDER_NOT_FOUND"


async def test_one_subject_that_acts_for_several_customers_gets_for_each_its_own_answers(
    shop: Shop, provider: Provider
) -> None:
    """A shop front may have one name at the identity provider, and tokens for whoever has logged in."""
    for_ben = token_holder(provider, "customer", customer_id="ben", sub="storefront")
    for_anna = token_holder(provider, "customer", customer_id="anna", sub="storefront")
    order = await shop.service.orders.CreateOrder(ordering(), metadata=for_ben.metadata)
    change = UpdateOrderRequest(order={"order_id": order.order_id, "referral_code": "X"}, request_id="front-1")
    changed = await shop.service.orders.UpdateOrder(change, metadata=for_ben.metadata)
    refusal = await outcome(shop.service, "UpdateOrder", change, for_anna.metadata)
    assert refusal is not None
    assert refusal.reason == "ORDER_NOT_FOUND"
    assert await shop.service.orders.UpdateOrder(change, metadata=for_ben.metadata) == changed


# Those who may read an order, and not change it in every way.


async def test_who_may_read_an_order_may_not_change_it_in_every_way(shop: Shop) -> None:
    orders, own = shop.service.orders, shop.anna
    pending, confirmed = own.pending.order_id, own.confirmed.order_id
    cases: list[tuple[str, Principal, str, Message, str]] = [
        ("fulfilment cancels", shop.fulfilment, "CancelOrder", CancelOrderRequest(order_id=pending), "admin, customer"),
        ("payment cancels", shop.payment, "CancelOrder", CancelOrderRequest(order_id=pending), "admin, customer"),
        (
            "fulfilment moves it to CANCELLED",
            shop.fulfilment,
            "TransitionOrder",
            TransitionOrderRequest(order_id=pending, status=ORDER_STATUS_CANCELLED),
            "admin, customer",
        ),
        (
            "payment moves it to CANCELLED",
            shop.payment,
            "UpdateOrder",
            UpdateOrderRequest(order={"order_id": pending, "status": ORDER_STATUS_CANCELLED}),
            "admin, customer",
        ),
        (
            "the customer ships it",
            own.principal,
            "TransitionOrder",
            TransitionOrderRequest(order_id=confirmed, status=ORDER_STATUS_SHIPPED),
            "admin, fulfilment",
        ),
        (
            "the customer ships it with a carrier",
            own.principal,
            "TransitionOrder",
            TransitionOrderRequest(order_id=confirmed, status=ORDER_STATUS_SHIPPED, carrier="me", tracking_number="1"),
            "admin, fulfilment",
        ),
        (
            "the customer confirms it",
            own.principal,
            "TransitionOrder",
            TransitionOrderRequest(order_id=pending, status=ORDER_STATUS_CONFIRMED, override_reason="trust me"),
            "admin, payment",
        ),
        (
            "the customer sets the carrier",
            own.principal,
            "UpdateOrder",
            UpdateOrderRequest(order={"order_id": pending, "delivery": {"carrier": "me"}}),
            "admin, fulfilment",
        ),
        (
            "the customer cancels it too late",
            own.principal,
            "CancelOrder",
            CancelOrderRequest(order_id=confirmed),
            "admin",
        ),
        (
            "fulfilment changes the address",
            shop.fulfilment,
            "UpdateOrder",
            UpdateOrderRequest(order={"order_id": pending, "shipping_address": {"street": "mine"}}),
            "admin, customer",
        ),
        (
            "payment overrides what is not paid",
            shop.payment,
            "TransitionOrder",
            TransitionOrderRequest(order_id=pending, status=ORDER_STATUS_CONFIRMED, override_reason="it will be"),
            "",
        ),
        (
            "payment packs it",
            shop.payment,
            "TransitionOrder",
            TransitionOrderRequest(order_id=confirmed, status=ORDER_STATUS_PROCESSING),
            "admin, fulfilment",
        ),
    ]
    before = await shop.service.contents()
    for name, principal, method, request, allowed in cases:
        reading = GetOrderRequest(order_id=pending)
        assert (await orders.GetOrder(reading, metadata=principal.metadata)).order_id == pending, name
        refusal = await outcome(shop.service, method, request, principal.metadata)
        assert refusal is not None, name
        assert (refusal.code, refusal.reason) == (DENIED, "ORDER_ACCESS_DENIED"), name
        named = dict(refusal.metadata)
        assert named.pop("roles", "") == allowed, name
        if "method" in named:
            assert named == {"method": "CancelOrder"}, name
        else:
            status = {"status": "PENDING" if named["order_id"] == pending else "CONFIRMED"} if allowed else {}
            assert named == {"order_id": getattr(request, "order_id", pending) or pending} | status, name
    assert await shop.service.contents() == before


# Calls that share a batch.


@pytest.mark.parametrize(
    "request_type", [GetOrderRequest, TrackOrderRequest, GetInvoiceRequest], ids=lambda each: each.__name__
)
async def test_a_batch_of_reads_gives_nobody_what_is_for_another(shop: Shop, request_type: type[Message]) -> None:
    chance = random.Random(7)
    askers = [shop.anna.principal, shop.ben.principal, shop.admin]
    # Those that have an invoice.
    orders = [shop.anna.confirmed, shop.ben.confirmed]
    orders += [] if request_type is GetInvoiceRequest else [shop.anna.pending, shop.ben.pending]
    ask = getattr(shop.service.orders, request_type.__name__.removesuffix("Request"))
    asked = [
        (asker, order, reference)
        for asker, order in itertools.product(askers, orders)
        for reference in (order.order_id, order.order_number, order.order_id.upper())
    ] * 15
    chance.shuffle(asked)
    answers = await asyncio.gather(
        *(
            attempt(ask(request_type(order_id=reference), metadata=asker.metadata))  # type: ignore[call-arg]
            for asker, _, reference in asked
        )
    )
    for (asker, order, reference), answer in zip(asked, answers, strict=True):
        if asker.customer_id in ("", order.customer.customer_id):
            assert isinstance(answer, Order | Tracking | Invoice), (asker.name, answer)
            assert answer.order_id == order.order_id
        else:
            assert isinstance(answer, RefusedCall)
            assert (answer.reason, answer.metadata) == ("ORDER_NOT_FOUND", {"order_id": reference})


async def attempt(call: Any) -> Any:
    """The call's answer, or how it was refused."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)


async def test_a_batch_of_writes_lets_nobody_change_what_is_anothers(shop: Shop) -> None:
    orders, admin = shop.service.orders, shop.admin.metadata
    of = {name: await orders.CreateOrder(new_order(name), metadata=admin) for name in ("anna", "ben")}
    callers = {"anna": shop.anna.principal, "ben": shop.ben.principal, "": shop.admin}
    plan = [
        (caller, owner, reference)
        for caller, owner in itertools.product(callers, of)
        for reference in (of[owner].order_id, of[owner].order_number)
    ] * 4
    random.Random(11).shuffle(plan)
    condition = f"order_id = '{of['anna'].order_id}'"
    async with locked(shop.service.url, "orders", condition) as outside:
        # While this one waits for the lock, all the others gather behind it, and go together.
        first = asyncio.ensure_future(orders.UpdateOrder(referral(of["anna"].order_id, "first"), metadata=admin))
        await until_waiting(outside)
        calls = [
            asyncio.ensure_future(
                attempt(
                    orders.UpdateOrder(referral(reference, f"{caller}-{number}"), metadata=callers[caller].metadata)
                )
            )
            for number, (caller, _, reference) in enumerate(plan)
        ]
        # An answered read shows that the server has taken in what came before it.
        await attempt(orders.GetOrder(GetOrderRequest(order_id=NO_ID), metadata=admin))
    await first
    answers = await asyncio.gather(*calls)
    for (caller, owner, reference), answer in zip(plan, answers, strict=True):
        if caller in ("", owner):
            assert isinstance(answer, Order)
            assert answer.order_id == of[owner].order_id
        else:
            assert isinstance(answer, RefusedCall)
            assert (answer.reason, answer.metadata) == ("ORDER_NOT_FOUND", {"order_id": reference})
    # They did share transactions, or this would prove nothing.
    ids = [order.order_id for order in of.values()]
    query = "SELECT count(DISTINCT xid), count(*) FROM order_events WHERE order_id = ANY(%s::uuid[])"
    ((transactions, events),) = await shop.service.rows(query, ids)
    assert events > 20
    assert transactions < events / 4


def referral(reference: str, code: str) -> UpdateOrderRequest:
    return UpdateOrderRequest(order={"order_id": reference, "referral_code": code})


async def test_a_customer_who_sends_nothing_overwrites_nothing(shop: Shop) -> None:
    refusal = await outcome(shop.service, "UpsertCustomer", UpsertCustomerRequest(), shop.anna.principal.metadata)
    assert refusal is not None
    assert refusal.reason == "INVALID_ORDER_DATA"
    assert "customer" in refusal.fields
