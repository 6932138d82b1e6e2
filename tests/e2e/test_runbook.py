"""The runbook's questions: each is asked as it says, of a shop with a busy history, and its sample is a part of the answer."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import cart_service_pb2 as carts
from orders.v1 import catalog_service_pb2 as catalog
from orders.v1 import consumer_service_pb2 as consumers
from orders.v1 import customer_service_pb2 as customers
from orders.v1 import fulfilment_service_pb2 as fulfilment
from orders.v1 import order_pb2 as pb
from orders.v1 import order_return_pb2 as returns
from orders.v1 import order_service_pb2 as orders
from orders.v1 import shipment_pb2 as shipments
from orders.v1 import webhook_service_pb2 as webhooks

from server.domain.access import key_texts
from server.domain.base.caller import SCOPES
from server.domain.base.methods import request_type_of, response_type_of
from tests.conftest import Service, as_serving_role
from tests.e2e import processes
from tests.methods import METHODS, method_of, path_of
from tests.rpc.principals import bearer, closed, new_key, revoke_key, wished_key
from tests.shop import HOME, new_order, stocking, usd
from tests.storage.helpers import until

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
ANY = "…"
YEAR = datetime.now(UTC).year


class Question(NamedTuple):
    """A question of the runbook, with the command that answers it and a sample of the answer."""

    title: str
    command: str
    sample: str


def questions() -> Iterator[Question]:
    text = RUNBOOK.read_text(encoding="utf-8").partition("## Questions and answers")[2].replace("-2026-", f"-{YEAR}-")
    for section in re.split(r"^#### ", text, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        for command, sample in re.findall(r"```sh\n(.*?)\n```\n\n```(?:json)?\n(.*?)\n```", section, re.DOTALL):
            yield Question(title, command, sample)


QUESTIONS = list(questions())


@dataclass(frozen=True)
class Shop:
    """A closed server, an admin's key, and the keys that the runbook's commands name."""

    service: Service
    key: str
    names: dict[str, str]
    # Where the commands run.
    folder: Path

    async def send(self, request: Message, *, key: str = "") -> Any:
        method = method_of(request)
        answer = response_type_of(method.name)
        call = self.service.channel.unary_unary(path_of(method), type(request).SerializeToString, answer.FromString)
        return await call(request, metadata=bearer(key or self.key))

    def named(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    async def answer(self, command: str) -> Any:
        """The answer to a command of the runbook: a call's as JSON, or what `orders` prints."""
        words = shlex.split(self.named(command))
        if words[0] == "call":
            method = words[1].partition("/")[2]
            request = ParseDict(json.loads(words[2]), request_type_of(method)())
            # As grpcurl shows it.
            return MessageToDict(await self.send(request))
        variables = {
            "ORDERS_TARGET": self.service.address,
            "ORDERS_KEY": self.key,
            "ORDERS_DATABASE_URL": as_serving_role(self.service.url),
        }
        if words[0] == "head":
            *_, file = words
            return (self.folder / file).read_text().partition("\n")[0]
        finished = await asyncio.to_thread(processes.orders, *words[1:], cwd=self.folder, env=variables)
        return finished.out


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    # Every call is slow.
    async with closed(new_database(), slow_call_seconds=0.000_001) as service:
        admin = await new_key(service, "admin", scopes=sorted(SCOPES), owner="back office")
        night = await new_key(service, "admin", scopes=sorted(SCOPES), owner="night shift")
        unused = key_texts.generate()
        old = wished_key(key_id=unused.key_id, create_time=Timestamp(seconds=1), creator="cli:jane")
        await service.add_key(old, unused.digest)
        revoked = await new_key(service, "admin", owner="left")
        await revoke_key(service, revoked.key_id)
        names = {"KEY_ID": night.key_id, "KEY_UNUSED": unused.key_id, "KEY_REVOKED": revoked.key_id}
        shop = Shop(service, admin.key, names, tmp_path_factory.mktemp("shop"))
        for request in stocking():
            await shop.send(request)
        await trade(shop, night.key)
        await run_warehouse(shop)
        await pay_otherwise(shop)
        await integrate(shop)
        await fail(shop, night.key, revoked.key)
        await until(lambda: sequenced(shop))
        yield shop


async def trade(shop: Shop, night: str) -> None:
    """Orders 1 to 10, and changes of the catalogue, customers and carts."""
    rates = [{"tax_class": "", "name": "VAT", "rate": {"value": "19"}}]
    methods = [{"method": "standard", "prices": [{"currency_code": "USD"}]}]
    taxed = {"zone_id": "new-york", "areas": [{"country": "US", "state": "NY"}], "methods": methods}
    await shop.send(catalog.BatchUpsertDeliveryZonesRequest(zones=[taxed | {"tax_rates": rates, "tax_included": True}]))
    first = await paid(shop, "stripe", event_id="evt_1", payment_id="pi_1")
    await shop.send(orders.TransitionOrderRequest(order_id=first.order_id, status=pb.ORDER_STATUS_PROCESSING))
    shipped = {"status": pb.ORDER_STATUS_SHIPPED, "carrier": "UPS", "tracking_number": "1Z999AA10123456784"}
    await shop.send(orders.TransitionOrderRequest(order_id=first.order_id, **shipped))
    second = await shop.send(new_order())
    await shop.send(orders.CancelOrderRequest(order_id=second.order_id, reason="changed my mind"))
    await paid(shop, "stripe", amount=usd(5))
    fourth = await shop.send(new_order())
    moved = {"order_id": fourth.order_id, "shipping_address": HOME | {"city": "Boston"}}
    await shop.send(orders.UpdateOrderRequest(order=moved, update_mask={"paths": ["shipping_address"]}))
    fifth = await shop.send(new_order(quantity=2))
    fewer = {"order_id": fifth.order_id, "items": [{"product_id": "mug", "quantity": 1}]}
    await shop.send(orders.UpdateOrderRequest(order=fewer, update_mask={"paths": ["items"]}))
    sixth = await shop.send(new_order(payment_method=pb.PAYMENT_METHOD_BANK_TRANSFER))
    override = {"status": pb.ORDER_STATUS_CONFIRMED, "override_reason": "CFO said ok"}
    await shop.send(orders.TransitionOrderRequest(order_id=sixth.order_id, **override))
    await shop.send(new_order(request_id="timeout-4"))
    await shop.send(new_order(product_id="lamp", quantity=2))
    ninth = await paid(shop, "paypal")
    await shop.send(orders.RefundOrderRequest(order_id=ninth.order_id, amount=usd(3), reason="late"))
    await shop.send(new_order(), key=night)
    for price in (usd(5), usd(6)):
        coffee = catalog.Product(product_id="coffee", sku="C", name="Coffee", price=price)
        await shop.send(catalog.BatchUpsertProductsRequest(products=[coffee]))
    zone = {"zone_id": "moon", "areas": [{"country": "Moon"}], "methods": [{"method": "rocket", "prices": [usd(9)]}]}
    await shop.send(catalog.BatchUpsertDeliveryZonesRequest(zones=[zone]))
    await shop.send(catalog.DeleteDeliveryZoneRequest(zone_id="moon"))
    await shop.send(catalog.AdjustStockRequest(product_id="lamp", delta=-7, reason="broken in storage"))
    ada = {"customer_id": "ada", "name": "Ada Byron", "email": "ada@example.com"}
    await shop.send(customers.UpsertCustomerRequest(customer=ada))
    item = {"customer_id": "ada", "product_id": "mug", "quantity": 2, "currency_code": "USD"}
    await shop.send(carts.AddCartItemRequest(**item))
    await shop.send(carts.AddCartItemRequest(**item | {"customer_id": "bob", "product_id": "lamp", "quantity": 1}))
    await shop.send(carts.ClearCartRequest(customer_id="bob"))


async def run_warehouse(shop: Shop) -> None:
    """Order 11, which is held, and order 12, which comes back."""
    held = await paid(shop, "stripe")
    hold = {"reason": shipments.HOLD_REASON_HIGH_RISK_OF_FRAUD, "note": "call the bank"}
    await shop.send(fulfilment.HoldOrderRequest(order_id=held.order_id, **hold))
    order_id = (await paid(shop, "stripe")).order_id
    for status in (pb.ORDER_STATUS_SHIPPED, pb.ORDER_STATUS_DELIVERED):
        label = {"carrier": "UPS", "tracking_number": "1Z999AA10123456785"} if status == pb.ORDER_STATUS_SHIPPED else {}
        await shop.send(orders.TransitionOrderRequest(order_id=order_id, status=status, **label))
    await shop.send(returns.RequestReturnRequest(order_id=order_id, items=[{"item_id": "1", "quantity": 1}]))
    approval = {"return_id": "1", "decision": returns.RETURN_DECISION_APPROVE}
    await shop.send(returns.DecideReturnRequest(order_id=order_id, **approval))
    units = [{"item_id": "1", "quantity": 1, "disposition": returns.RETURN_DISPOSITION_RESTOCK}]
    await shop.send(returns.ReceiveReturnRequest(order_id=order_id, return_id="1", items=units))


async def pay_otherwise(shop: Shop) -> None:
    """Orders 13 to 16: held, disputed, with a coupon, and cancelled after payment."""
    await paid(shop, "stripe", type=pb.PAYMENT_EVENT_TYPE_AUTHORIZED)
    disputed = await paid(shop, "stripe")
    event = {"provider": "stripe", "event_id": "evt_2", "type": pb.PAYMENT_EVENT_TYPE_DISPUTE_OPENED}
    amount = disputed.pricing.total
    await shop.send(orders.RecordPaymentRequest(order_id=disputed.order_id, event=event | {"amount": amount}))
    await shop.send(new_order(coupon_code="TENTH"))
    overpaid = await paid(shop, "stripe")
    await shop.send(orders.CancelOrderRequest(order_id=overpaid.order_id, reason="sold out"))


async def integrate(shop: Shop) -> None:
    """A consumer, a webhook endpoint that cannot be reached, and two imports."""
    await shop.send(consumers.UpsertConsumerRequest(consumer={"consumer_id": "erp"}))
    await until(lambda: sequenced(shop))
    await shop.send(consumers.SeekConsumerRequest(consumer_id="erp", start_time=Timestamp(seconds=2_000_000_000)))
    await shop.send(consumers.SeekConsumerRequest(consumer_id="erp", start_time=Timestamp(seconds=1)))
    wanted = {"url": "https://hooks.invalid/orders"}
    hook = await shop.send(webhooks.CreateWebhookEndpointRequest(endpoint=wanted))
    shop.names["ENDPOINT_ID"] = hook.endpoint.endpoint_id
    product = {"product_sku_id": "cup", "amount": "4.00", "qty": "1"}
    for name in ("Jane", "Joan"):
        order = {"order_id": "A", "name": name, "email": "j@example.com", "products": [product], "total_amount": "4.00"}
        wrong = order | {"order_id": "B", "products": [product | {"qty": "0"}]}
        (shop.folder / "erp.jsonl").write_text("\n".join(map(json.dumps, (order, wrong))))
        await shop.answer("orders import erp.jsonl --source erp")


async def fail(shop: Shop, night: str, revoked: str) -> None:
    """Calls that are refused."""
    for request, key in ((new_order(coupon_code="TWELFTH"), night), (new_order(), revoked)):
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.send(request, key=key)


async def paid(shop: Shop, provider: str, **event: Any) -> Any:
    order = await shop.send(new_order(payment_method=pb.PAYMENT_METHOD_BANK_TRANSFER))
    event = {"event_id": f"paid-{order.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID} | event
    return await shop.send(orders.RecordPaymentRequest(order_id=order.order_id, event=event | {"provider": provider}))


async def sequenced(shop: Shop) -> bool:
    """Whether the feed, which the audit searches, has every event."""
    query = "SELECT (SELECT count(*) FROM feed) = (SELECT count(*) FROM order_events) AND EXISTS (SELECT FROM servers)"
    return bool((await shop.service.rows(query))[0][0])


def is_part(sample: Any, answer: Any) -> bool:
    """Whether a sample is a part of an answer; each element of a list is a part of some element."""
    if sample == ANY:
        return answer is not None
    if isinstance(sample, dict):
        return isinstance(answer, dict) and all(is_part(value, answer.get(key)) for key, value in sample.items())
    if isinstance(sample, list):
        return isinstance(answer, list) and all(any(is_part(each, one) for one in answer) for each in sample)
    return bool(sample == answer)


@pytest.mark.parametrize("question", QUESTIONS, ids=[f"{each.title} {each.command[:60]}" for each in QUESTIONS])
async def test_the_runbook_answers(shop: Shop, question: Question) -> None:
    # Orders have not waited for days, and this is the slow call.
    command = question.command.replace("259200s", "1s").replace("86400s", "1s")
    await shop.send(orders.SearchOrdersRequest(filter={"customer_id": "jane"}))
    sample = shop.named(question.sample)
    answers = list[Any]()

    async def is_answered() -> bool:
        # Other processes report, and orders wait, in a moment.
        answers[:] = [await shop.answer(command)]
        if isinstance(answers[0], str):
            return all(line in answers[0] for line in sample.splitlines())
        return is_part(json.loads(sample), answers[0])

    try:
        await until(is_answered, seconds=20)
    except TimeoutError:
        pytest.fail(f"the answer lacks the sample: {json.dumps(answers)}")


def test_the_runbook_has_many_questions() -> None:
    assert len(QUESTIONS) > 50
    assert {
        word.split("/")[1] for each in QUESTIONS for word in re.findall(r"call (\S+)", each.command)
    } <= METHODS.keys()


@pytest.mark.parametrize(("sample", "answer"), [({"a": [1]}, {"a": [2]}), ({"a": ANY}, {}), ([{"b": 1}], [])])
def test_a_wrong_sample_would_be_found(sample: Any, answer: Any) -> None:
    assert not is_part(sample, answer)
