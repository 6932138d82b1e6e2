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

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import cart_service_pb2 as carts
from orders.v1 import catalog_service_pb2 as catalog
from orders.v1 import customer_service_pb2 as customers
from orders.v1 import order_pb2 as pb
from orders.v1 import order_service_pb2 as orders

from server.domain.access import key_texts
from server.domain.base.caller import SCOPES
from server.domain.base.methods import request_type_of, response_type_of
from tests.conftest import Service, as_serving_role
from tests.e2e import processes
from tests.methods import METHODS, method_of, path_of
from tests.rpc.principals import bearer, closed, new_key, wished_key
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
            return MessageToDict(await self.send(request), preserving_proto_field_name=True)
        variables = {
            "ORDERS_TARGET": self.service.address,
            "ORDERS_KEY": self.key,
            "ORDERS_DATABASE_URL": as_serving_role(self.service.url),
        }
        finished = await asyncio.to_thread(processes.orders, *words[1:], env=variables)
        assert finished.code == 0, finished.err
        return finished.out


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Shop]:
    async with closed(new_database()) as service:
        admin = await new_key(service, "admin", scopes=sorted(SCOPES), owner="back office")
        night = await new_key(service, "admin", scopes=sorted(SCOPES), owner="night shift")
        unused = key_texts.generate()
        old = wished_key(key_id=unused.key_id, create_time=Timestamp(seconds=1), creator="cli:jane")
        await service.add_key(old, unused.digest)
        shop = Shop(service, admin.key, {"KEY_ID": night.key_id, "KEY_UNUSED": unused.key_id})
        for request in stocking():
            await shop.send(request)
        await trade(shop, night.key)
        yield shop


async def trade(shop: Shop, night: str) -> None:
    """Orders 1 to 10 and the rest of the history that the questions are about."""
    first = await paid(shop, "stripe")
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
    await until(lambda: sequenced(shop))


async def paid(shop: Shop, provider: str, **event: Any) -> Any:
    order = await shop.send(new_order(payment_method=pb.PAYMENT_METHOD_BANK_TRANSFER))
    event |= {"provider": provider, "event_id": f"paid-{order.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    return await shop.send(orders.RecordPaymentRequest(order_id=order.order_id, event=event))


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
    answer = await shop.answer(question.command)
    sample = shop.named(question.sample)
    if isinstance(answer, str):
        assert [line for line in sample.splitlines() if line not in answer] == [], answer
    else:
        assert is_part(json.loads(sample), answer), json.dumps(answer)


def test_the_runbook_has_many_questions() -> None:
    assert len(QUESTIONS) > 25
    assert {
        word.split("/")[1] for each in QUESTIONS for word in re.findall(r"call (\S+)", each.command)
    } <= METHODS.keys()


@pytest.mark.parametrize(("sample", "answer"), [({"a": [1]}, {"a": [2]}), ({"a": ANY}, {}), ([{"b": 1}], [])])
def test_a_wrong_sample_would_be_found(sample: Any, answer: Any) -> None:
    assert not is_part(sample, answer)
