"""In random histories, every write is tried first: the dry run answers as the write then does, and tells its effects."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message

from server.domain.base.errors import Refusal
from server.domain.base.methods import response_type_of
from server.domain.base.redaction import without_secrets
from server.domain.operations import Answer, Command
from tests.domain.builders import Outcome, Store
from tests.domain.orders.test_histories import static_rules
from tests.histories.world import World, stock

# The fields in which a dry answer differs: ids are new each time, and numbers and hashes are left out.
_DIFFERING = {
    "order_id",
    "order_number",
    "invoice_number",
    "credit_note_number",
    "replaced_invoice_number",
    "event_hash",
    "exchange_order_id",
    "refund_id",
    "cart_id",
    "claim_id",
    "entry_id",
    "key_id",
    "endpoint_id",
    "delivery_id",
    "webhook_id",
    "address_id",
    "payment_method_id",
}


@pytest.mark.parametrize("seed", [11, 12])
def test_a_dry_run_says_what_the_write_then_does(seed: int) -> None:
    world = World(seed)
    world.store.put_products(*stock())
    compared: Counter[str] = Counter()
    for _ in range(150):
        world.store.time.seconds += world.rng.choice([0, 1, 3600])
        step = world.next_step(1)
        (wanted,) = step.commands
        tried = try_out(wanted, world.store)
        before = counts(world.store)
        (outcome,) = world.store.execute(wanted, validate=static_rules)
        world.check(step, [outcome])
        if tried is not None and not is_repeated(tried) and not is_repeated(outcome):
            check_same(wanted, tried, outcome)
            check_effects(tried, before, counts(world.store))
            compared[wanted.operation.method] += 1
    assert len(compared) > 15


def try_out(wanted: Command, store: Store) -> Outcome | None:
    """The outcome of a dry run; None for a command that writes nothing or is an internal one."""
    if wanted.dry or not isinstance(wanted.request, Message):
        return None
    request = type(wanted.request)()
    request.CopyFrom(wanted.request)
    request.validate_only = True
    (outcome,) = store.execute(replace(wanted, request=request, explain=True), validate=static_rules)
    return outcome


def is_repeated(outcome: Outcome) -> bool:
    if isinstance(outcome, Refusal):
        return outcome.reason == "IDEMPOTENCY_KEY_REUSED"
    return isinstance(outcome, Answer) and outcome.replayed is not None


def check_same(wanted: Command, tried: Outcome, outcome: Outcome) -> None:
    if isinstance(outcome, Refusal):
        assert isinstance(tried, Refusal)
        assert (tried.reason, tried.message, tried.metadata) == (outcome.reason, outcome.message, outcome.metadata)
        assert tried.violations == outcome.violations
        return
    assert isinstance(tried, Answer), tried
    assert isinstance(outcome, Answer)
    response = response_type_of(wanted.operation.method)
    assert comparable(response.FromString(tried.body)) == comparable(response.FromString(outcome.body))


def comparable(message: Any) -> Any:
    """A response without what differs in a dry run."""
    shown = without_secrets(message)
    _clear(shown)
    return shown


def _clear(message: Any) -> None:
    for field, value in message.ListFields():
        if field.name in _DIFFERING or (field.name == "etag" and field.containing_type.name == "UpsertResult"):
            message.ClearField(field.name)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                _clear(each)


def counts(store: Store) -> dict[str, Any]:
    """What effects change: the stock and the uses of coupons, and how many entries, events and documents there are."""
    uses = {code: used for (code, customer_id), used in store.counters["coupon_uses"].items() if not customer_id}
    return {
        "stock": Counter(store.counters["stock"]),
        "reserved": Counter(store.counters["reserved"]),
        "uses": Counter(uses),
        "points": len(store.points_entries),
        "events": sum(map(len, store.events.values())),
        "documents": len(store.documents),
    }


def check_effects(tried: Outcome, before: dict[str, Any], after: dict[str, Any]) -> None:
    if not isinstance(tried, Answer):
        assert before == after
        return
    effects = tried.effects
    assert effects is not None
    for effect in effects.stock:
        before["stock"][effect.product_id, effect.variant_id] += effect.available_delta
        before["reserved"][effect.product_id, effect.variant_id] += effect.reserved_delta
    for effect in effects.coupons:
        before["uses"][effect.code] += effect.delta
    for name in ("points", "events", "documents"):
        before[name] += len(getattr(effects, name))
    assert before == after
