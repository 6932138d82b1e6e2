"""Callers who go on over their limit: each calls twice a second, whatever it is told. Ends when its input does.

python -m benchmarks.crowd ADDRESS KEY ORDER_ID    # prints how many calls were answered and refused
"""

import asyncio
import sys
from collections import Counter

import grpc
from orders.v1.order_service_pb2 import GetOrderRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

CALLERS = 200
_PAUSE = 0.5


async def _crowd(address: str, key: str, order_id: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = OrderServiceStub(channel)

        async def caller(number: int) -> None:
            await asyncio.sleep(_PAUSE * number / CALLERS)
            while True:
                try:
                    await stub.GetOrder(
                        GetOrderRequest(order_id=order_id), metadata=[("authorization", f"Bearer {key}")]
                    )
                    counted["answered"] += 1
                except grpc.aio.AioRpcError as error:
                    counted[error.code().name] += 1
                await asyncio.sleep(_PAUSE)

        callers = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        await asyncio.to_thread(sys.stdin.read)
        for each in callers:
            each.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    return counted


if __name__ == "__main__":
    print(dict(asyncio.run(_crowd(*sys.argv[1:]))))
