"""The order service as one writes it in an afternoon: grpc.aio, SQLAlchemy's ORM, a session and a transaction a call.

python -m benchmarks.baselines.straightforward DATABASE_URL --products 1000
"""

import argparse
import asyncio
import signal

import grpc
import uvloop
from orders.v1.order_service_pb2_grpc import add_OrderServiceServicer_to_server
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from benchmarks.baselines.straightforward.models import Base, Product
from benchmarks.baselines.straightforward.service import Orders


async def serve(url: str, products: int) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=20, max_overflow=0)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with sessions.begin() as session:
        for number in range(products):
            await session.merge(
                Product(
                    product_id=f"p{number:04d}",
                    name=f"Product {number}",
                    price_minor=1000,
                    currency="USD",
                    stock=1_000_000_000,
                )
            )
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 << 20)])
    add_OrderServiceServicer_to_server(Orders(sessions), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"serving on 127.0.0.1:{port}", flush=True)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
    await server.stop(1)
    await engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--products", type=int, default=1000)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.url, arguments.products))
