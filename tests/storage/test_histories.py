"""Long random histories on PostgreSQL: two writers share a database, and many callers call at once.

`tests.histories` has the generator and the oracle; `tests/domain/orders/test_histories.py` runs them on the fake store.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from psycopg import AsyncConnection

from server.domain.base.errors import Refusal
from server.domain.operations import Answer, Command
from tests.domain.builders import Outcome
from tests.histories.oracle import check_store
from tests.histories.world import World, stock
from tests.storage.helpers import Store, disagreements, mend, replica, session
from tests.storage.loaded import load

pytestmark = pytest.mark.every_postgres

STEPS = 100
SIZES = (1, 1, 4, 12, 24)


async def test_everything_agrees_after_many_callers_at_once(new_database: Callable[[], str]) -> None:
    url, world = new_database(), World(seed=7)
    async with replica(url) as first, replica(url) as second, session(url) as outside:
        await first.execute(BatchUpsertProductsRequest(products=stock()))
        await load(outside, world.store)
        for _ in range(STEPS):
            await run(world, [first, second], outside)
    world.ledger.check_documents(world.store)
    check_store(world.store)
    assert await disagreements(url) == []
    assert await mend(url) == 0
    assert {"ETAG_MISMATCH", "INVALID_TRANSITION"} <= set(world.refusals)
    assert len(world.carried_out) > 20
    assert world.replays


async def run(world: World, writers: list[Store], outside: AsyncConnection[Any]) -> None:
    step = world.next_step(world.rng.choice(SIZES))
    outcomes = await asyncio.gather(*(outcome(world.rng.choice(writers), wanted) for wanted in step.commands))
    await load(outside, world.store)
    try:
        world.check(step, outcomes)
    except AssertionError as error:
        error.add_note(f"{step.commands}")
        raise


async def outcome(store: Store, wanted: Command) -> Outcome:
    try:
        answer: Answer = await store.writer.execute(wanted)
        return answer
    except Refusal as error:
        return error
