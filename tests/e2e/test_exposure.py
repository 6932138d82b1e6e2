"""A server that other machines would reach starts with authentication and TLS, or not at all; and one of several processes."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import grpc
import psutil
from orders.v1.catalog_service_pb2 import ListProductsRequest
from orders.v1.order_service_pb2 import GetOrderRequest, SearchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.conftest import new_order
from tests.e2e.processes import Server, free_port, orders, serving, wait_until


def test_what_is_missing_is_named_in_one_line_before_anything_listens(folder: Path) -> None:
    data_dir = folder / "exposed"
    finished = orders("serve", "--host", "0.0.0.0", "--port", 0, "--data-dir", data_dir)
    assert (finished.code, finished.out) == (1, "")
    (line,) = finished.err.splitlines()
    assert line.startswith(
        "orders: 0.0.0.0 is reachable from other machines, and there is no authentication: create a key"
    )
    assert "no TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY" in line
    assert "--insecure" in line
    # The database that was started for it is stopped again.
    assert not (data_dir / "postmaster.pid").exists()


def workers_of(server: Server) -> dict[int, psutil.Process]:
    """The processes under the server that listen on its port."""
    port = int(server.address.rpartition(":")[2])
    children = psutil.Process(server.process.pid).children(recursive=True)
    return {
        child.pid: child
        for child in children
        if any(found.laddr.port == port and found.status == "LISTEN" for found in child.net_connections())
    }


def has_callers(worker: psutil.Process) -> bool:
    return any(found.status == "ESTABLISHED" for found in worker.net_connections("tcp"))


def test_all_workers_serve_on_one_port_and_stop_with_the_server(folder: Path) -> None:
    with serving(folder / "two", "--workers", 2) as server:
        workers = workers_of(server)
        assert len(workers) == 2
        with server.stubs() as (stub, catalog):
            assert len(catalog.ListProducts(ListProductsRequest()).products) == 11
            order = stub.CreateOrder(new_order())
        with ExitStack() as stack:
            # The kernel spreads connections: after some of them, both workers have had one, and each finds the order.
            for _ in range(100):
                options = [("grpc.use_local_subchannel_pool", 1)]
                channel = stack.enter_context(grpc.insecure_channel(server.address, options=options))
                assert OrderServiceStub(channel).GetOrder(GetOrderRequest(order_id=order.order_id)) == order
                if all(map(has_callers, workers.values())):
                    break
            else:
                raise AssertionError("one of the workers has had no caller")
        assert server.stop(signal.SIGTERM) == 0
        assert not server.postgres_runs
        wait_until(lambda: not any(map(psutil.pid_exists, workers)))
        assert "Traceback" not in server.log.read_text()


def test_when_a_worker_is_killed_all_end_and_say_so(folder: Path) -> None:
    with serving(folder / "killed", "--workers", 2) as server:
        workers = workers_of(server)
        os.kill(next(iter(workers)), signal.SIGKILL)
        assert server.process.wait(300) == 1
        assert not server.postgres_runs
        wait_until(lambda: not any(map(psutil.pid_exists, workers)))
        log = server.log.read_text()
        assert "1 of 2 workers died, and the others are stopped: one was killed by signal 9" in log
        assert "Traceback" not in log


def test_workers_end_with_a_server_that_is_killed(folder: Path) -> None:
    with serving(folder / "orphans", "--workers", 2) as server:
        workers = workers_of(server)
        server.process.kill()
        server.process.wait(300)
        wait_until(lambda: not any(map(psutil.pid_exists, workers)))


def test_workers_serve_on_a_port_that_was_just_served_on_by_one(folder: Path) -> None:
    port = free_port()
    with serving(folder / "first", "--port", port) as server, server.stubs() as (orders, _):
        orders.SearchOrders(SearchOrdersRequest())
        # It closes the connection, and so the port remembers it for a while.
        assert server.stop() == 0
    with serving(folder / "first", "--port", port, "--workers", 2) as server:
        assert len(workers_of(server)) == 2
