"""Metrics over HTTP, of one process and of several: where they are, and that nothing is counted twice or forgotten."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import grpc
import psutil
import pytest
from orders.v1.order_service_pb2 import GetOrderRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.config import Settings
from server.runtime.jobs import JOBS
from tests.e2e.processes import Server, orders, serving, wait_until
from tests.e2e.test_exposure import has_callers, workers_of
from tests.scrape import Scrape

JOB_SUCCESS = "orders_job_last_success_timestamp_seconds"


def scrape(server: Server) -> Scrape:
    said = re.search(r" Metrics: (http://127\.0\.0\.1:\d+/metrics)\.", server.welcome)
    assert said, server.welcome
    with urlopen(said[1]) as response:
        return Scrape(response.read().decode())


def not_found(found: Scrape) -> float:
    return found.value("grpc_server_handled_total", grpc_method="GetOrder", grpc_code="NOT_FOUND")


def test_workers_are_scraped_as_one_and_leave_nothing_behind(folder: Path) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    with serving(folder / "counted", "--workers", 2, "--metrics-port", 0, env={"TMPDIR": str(temporary)}) as server:
        assert list(temporary.glob("orders-metrics-*/*.db"))
        workers, calls = workers_of(server), 0
        with ExitStack() as stack:
            # The kernel spreads connections: after some of them, both workers have had one.
            while not all(map(has_callers, workers.values())):
                options = [("grpc.use_local_subchannel_pool", 1)]
                channel = stack.enter_context(grpc.insecure_channel(server.address, options=options))
                with pytest.raises(grpc.RpcError):
                    OrderServiceStub(channel).GetOrder(GetOrderRequest(order_id="ORD-2026-999999"))
                calls += 1
                assert calls < 100, "one of the workers has had no caller"
        assert not_found(scrape(server)) == calls
        wait_until(lambda: scrape(server).value("orders_ready") == 2)
        assert scrape(server).value("orders_build_info") == 2
        jobs = [job.name for job in JOBS if job.applies(Settings())]
        wait_until(lambda: all(scrape(server).value(JOB_SUCCESS, job=job) for job in jobs))
        assert server.stop() == 0
        assert not list(temporary.glob("orders-metrics-*"))


def listening(server: Server) -> set[str]:
    """Addresses besides the one that orders are served on."""
    found = psutil.Process(server.process.pid).net_connections("tcp")
    port = int(server.address.rpartition(":")[2])
    return {each.laddr.ip for each in found if each.status == "LISTEN" and each.laddr.port != port}


def test_metrics_are_served_on_this_machine_alone_and_only_if_asked_for(folder: Path) -> None:
    with serving(folder / "asked", "--metrics-port", 0, "--host", "0.0.0.0", "--insecure") as server:
        assert listening(server) == {"127.0.0.1"}
        assert not_found(scrape(server)) == 0
    with serving(folder / "asked") as server:
        assert listening(server) == set()
        assert "Metrics" not in server.welcome


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_ends_the_start_with_a_line_that_names_the_flag(folder: Path, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        data_dir = folder / "taken"
        finished = orders("serve", "--port", 0, "--metrics-port", port, "--workers", workers, "--data-dir", data_dir)
    assert (finished.code, finished.out) == (1, "")
    (line,) = finished.err.splitlines()
    assert line.startswith(f"orders: cannot serve metrics on 127.0.0.1:{port}: ")
    assert line.endswith("choose another address with --metrics-host and --metrics-port")
    assert not (data_dir / "postmaster.pid").exists()


def test_a_folder_of_another_programs_metrics_is_no_concern_of_the_server(folder: Path) -> None:
    others = {"PROMETHEUS_MULTIPROC_DIR": str(folder / "nowhere"), "prometheus_multiproc_dir": str(folder)}
    with serving(folder / "inherited", "--metrics-port", 0, env=others) as server:
        assert not_found(scrape(server)) == 0
        assert not list(folder.glob("*.db"))


def test_a_blank_address_is_not_every_address(folder: Path) -> None:
    with serving(folder / "blank", "--metrics-port", 0, env={"ORDERS_METRICS_HOST": ""}) as server:
        assert not_found(scrape(server)) == 0
