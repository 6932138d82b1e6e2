"""The gateway of `orders serve --http-port` beside a real Envoy: the same requests get the same JSON."""

import http.client
import json
import os
import re
import signal
import ssl
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from server.gateway.statuses import BY_REASON
from tests.certificates import make_ca
from tests.e2e import processes
from tests.e2e.processes import Server, orders, start, wait_until
from tests.e2e.test_http import Api, Binding, Query, Response, bindings, call_of, envoy, status_of_health


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with processes.serving(folder / "data", "--http-port", 0) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(server: Server) -> Api:
    return gateway_of(server)


def gateway_of(server: Server) -> Api:
    said = re.search(r"HTTP/JSON on http://(\S+:\d+),", server.welcome)
    assert said, server.welcome
    return Api(said[1])


@pytest.fixture(scope="module")
def both(server: Server, gateway: Api, folder: Path) -> Iterator["Both"]:
    with envoy(folder, server.address) as through_envoy:
        wait_until(lambda: status_of_health(through_envoy) == 200)
        yield Both(through_envoy.address, gateway)


@dataclass(frozen=True)
class Both(Api):
    """Sends each request to Envoy and then to the gateway, and compares. A write is repeated with its request id."""

    gateway: Api

    def call(
        self, verb: str, path: str, body: Any = None, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> Response:
        if verb != "GET":
            body, query = with_request_id(verb, path, body, query)
        theirs = super().call(verb, path, body, query, headers)
        ours = self.gateway.call(verb, path, body, query, headers)
        if theirs.status == 200 and (verb, shape(path)) in ONCE:
            assert ours.status in (200, 404), ours.text
        else:
            compare(theirs, ours)
        return theirs


def with_request_id(verb: str, path: str, body: Any, query: Query) -> tuple[Any, Query]:
    """The request with an id where its method takes one, and does not have one yet."""
    request_id = uuid.uuid4().hex
    body = json.loads(body) if isinstance(body, str) else body
    fields = WRITES.get((verb, shape(path)))
    if fields == "*" and isinstance(body, dict) and not {"request_id", "requestId"} & body.keys():
        return {**body, "request_id": request_id}, query
    if fields not in (None, "*"):
        pairs = list(query.items() if isinstance(query, Mapping) else query)
        return body, [*pairs, *([] if "request_id" in dict(pairs) else [("request_id", request_id)])]
    return body, query


def shape(path: str) -> str:
    """The path of a binding with its variables, or of a request with their values, without either."""
    path, _, custom = re.sub(r"\{[^}]*\}", "x", path).partition(":")
    parts = [part if part in LITERALS else "*" for part in path.split("/")]
    return "/".join(parts) + (f":{custom}" if custom else "")


LITERALS = {part for _, path in bindings() for part in re.split("[/:]", re.sub(r"\{[^}]*\}", "", path))}
LITERALS -= {"x"}


def _writes() -> dict[Binding, str]:
    """The body selectors of the methods that take a request id."""
    from server.gateway.bindings import bindings as every

    return {
        (binding.verb, shape(binding.template.text)): binding.body or "query"
        for binding in every()
        if binding.takes("request_id")
    }


WRITES = _writes()
# Writes without a request id that have nothing left to do the second time.
ONCE = {
    ("DELETE", shape("/v1/consumers/{consumer_id}")),
    ("POST", shape("/v1/customers/{customer_id}:erase")),
    ("POST", shape("/v1/webhooks/{endpoint_id}:recover")),
}


def compare(theirs: Response, ours: Response) -> None:
    if theirs.status == 200:
        assert ours.status in (200, 201), ours.text
        assert shown(ours) == shown(theirs)
        return
    error = theirs.json
    reasons = [detail["reason"] for detail in error["details"] if detail["@type"].endswith("ErrorInfo")]
    assert ours.status == BY_REASON.get(reasons[0] if reasons else "", theirs.status), ours.text
    if reasons:
        assert without_times(ours.json) == without_times(error)


def shown(response: Response) -> list[Any]:
    """The messages of a response, without secrets, which only a first answer has, and without the time of day.

    What is computed anew, such as an estimate or a lag, differs by the time between the two requests.
    """
    lines = TOKEN.sub(r'\1"token"', response.text).splitlines()
    return [json.loads(TIME.sub('"time"', CHANGING.sub(r'\1""', line))) for line in lines]


TIME = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z"')
# A token holds the database's snapshot, which the sequencer of the feed moves on.
TOKEN = re.compile(r'("(?:next_page|previous_page|resume)_token":)"[^"]+"')
CHANGING = re.compile(r'("(?:key|client_secret|secret|lag)":)"[^"]*"')


def without_times(error: Any) -> Any:
    """The delay before a retry has jitter."""
    return [{**detail, "retry_delay": ""} for detail in error["details"]], error["code"], error["message"]


@pytest.mark.parametrize("binding", bindings(), ids=" ".join)
def test_every_binding_answers_as_through_envoy(both: Both, binding: Binding) -> None:
    call_of(binding)(both)


class TestTheProcess:
    def test_a_gateway_that_dies_is_started_again(self, server: Server, gateway: Api) -> None:
        (pid,) = gateways_of(server)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: status_of_health(gateway) == 200 and gateways_of(server) != [pid])

    def test_the_server_takes_the_gateway_with_it(self, folder: Path) -> None:
        with processes.serving(folder / "other", "--http-port", 0) as server:
            gateway = gateway_of(server)
            assert gateway.call("GET", "/healthz").ok == {"status": "SERVING"}
            assert server.stop() == 0
            assert status_of_health(gateway) == 0

    def test_orders_gateway_serves_a_server_elsewhere(self, server: Server) -> None:
        process = start("gateway", "--target", server.address, "--http-port", 0, "--drain-delay", 0)
        try:
            assert process.stdout
            said = re.search(r"on http://(\S+) for", process.stdout.readline())
            assert said
            assert Api(said[1]).call("GET", "/v1/orders").status == 200
        finally:
            process.terminate()
            assert process.wait(60) == 0

    def test_a_port_in_use_is_named(self, gateway: Api) -> None:
        failed = orders("gateway", "--http-port", gateway.address.rpartition(":")[2])
        assert failed.code == 1
        assert "--http-port" in failed.err

    def test_an_open_server_is_not_exposed_to_other_machines(self, server: Server) -> None:
        failed = orders("gateway", "--target", server.address, "--http-host", "0.0.0.0", "--http-port", 0)
        assert "TLS" in failed.err

    def test_a_gateway_serves_https(self, server: Server, folder: Path) -> None:
        authority = make_ca(folder)
        issued = authority.issue("orders.internal")
        env = {"ORDERS_TLS_CERTIFICATE": str(issued.certificate), "ORDERS_TLS_KEY": str(issued.key)}
        process = start("gateway", "--target", server.address, "--http-port", 0, "--drain-delay", 0, env=env)
        try:
            assert process.stdout
            said = re.search(r"on https://(\S+):(\d+) for", process.stdout.readline())
            assert said
            trusted = ssl.create_default_context(cafile=str(authority.certificate))
            trusted.check_hostname = False
            connection = http.client.HTTPSConnection(said[1], int(said[2]), context=trusted, timeout=60)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
        finally:
            process.terminate()
            process.wait(60)


def gateways_of(server: Server) -> list[int]:
    """The processes of gateways that a server runs."""
    children = psutil.Process(server.process.pid).children()
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
