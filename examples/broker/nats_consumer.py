"""Prints changes of orders from NATS JetStream, each change once: pip install nats-py."""

import asyncio
import json
import os

import nats


async def main() -> None:
    client = await nats.connect(os.environ.get("NATS_URL", "nats://localhost:4222"))
    subscription = await client.jetstream().subscribe("orders.>", durable="warehouse", manual_ack=True)
    # The handled version of each order. Store it in your database, in the transaction of your own work.
    versions: dict[str, int] = {}
    async for message in subscription.messages:
        event = json.loads(message.data)
        order_id, version = event["data"]["order_id"], event["data"]["version"]
        if version > versions.get(order_id, 0):
            print(event["type"], event["id"], event["data"]["status"], flush=True)
            versions[order_id] = version
        await message.ack()


asyncio.run(main())
