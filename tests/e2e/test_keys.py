"""`orders keys` as a process, on the database of a server; and what the keys it makes are good for."""

import getpass
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from orders.v1.catalog_service_pb2 import ListProductsRequest

from server.domain.access.key_texts import generate, parse
from tests.e2e.processes import Finished, Server, orders, serving

ADMIN = ("--owner", "shop", "--role", "admin", "--scope", "all")


@pytest.fixture(scope="module")
def closed(server: Server, folder: Path) -> Iterator[Server]:
    """A server that starts when there is a key already, on the database of one that was open."""
    assert keys(server, "create", *ADMIN).code == 0
    with serving(server.data_dir, env={"ORDERS_KEY_CACHE_SECONDS": "0"}) as closed:
        yield closed


def keys(server: Server, *arguments: object) -> Finished:
    return orders("keys", *arguments, "--database-url", server.url)


def created(server: Server, *arguments: object) -> str:
    """The text of a new key, which is all that the command says."""
    finished = keys(server, "create", *arguments)
    assert (finished.code, finished.err) == (0, "")
    (text,) = finished.out.splitlines()
    assert parse(text)
    return text


def id_of(text: str) -> str:
    return text.split("_")[1]


def cause(server: Server, text: str) -> str:
    """Why a key is refused; empty if it is not."""
    with server.stubs() as (_, catalog):
        try:
            catalog.ListProducts(ListProductsRequest(), metadata=(("authorization", f"Bearer {text}"),))
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]
            (found,) = re.findall(rb"cause\x12.(\w+)", details)
            return str(found.decode())
    return ""


def test_a_server_says_in_a_line_whether_it_is_open(server: Server, closed: Server) -> None:
    assert "Open to every caller until you create a key" in server.welcome.splitlines()[0]
    (line,) = closed.welcome.splitlines()
    assert "Callers need an API key" in line
    assert line.startswith(f"Serving orders on {closed.address}, ")
    assert cause(server, "nonsense") == ""
    assert cause(closed, "nonsense") == "unknown"


def test_a_key_is_printed_once_and_is_nowhere_in_the_database(closed: Server) -> None:
    text = created(closed, "--owner", "app", "--role", "customer", "--customer-id", "jane", "--scope", "catalog.read")
    listed = keys(closed, "list").out
    (line,) = [line for line in listed.splitlines() if id_of(text) in line]
    assert re.search(r"app +customer +catalog\.read +jane +valid +never", line.strip())
    assert cause(closed, text) == ""
    secret = text.rpartition("_")[2]
    dump = str(closed.execute("SELECT t::text FROM api_keys t"))
    assert id_of(text).encode().hex() in dump
    for form in (secret, secret.encode().hex()):
        assert form not in dump + listed


def test_a_certificate_is_let_in_without_a_text(closed: Server) -> None:
    finished = keys(closed, "create", *ADMIN, "--certificate-name", "packing.example", "--expires-in-days", 1)
    assert re.fullmatch(r"the certificate packing\.example is accepted as key \w{12}\n", finished.out)
    again = keys(closed, "create", *ADMIN, "--certificate-name", "packing.example")
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("orders: another key has the certificate name 'packing.example'")


def test_a_key_is_rotated_and_revoked(closed: Server) -> None:
    old = created(closed, *ADMIN)
    new = keys(closed, "rotate", id_of(old)).out.strip()
    assert id_of(new) == id_of(old)
    assert [cause(closed, text) for text in (old, new)] == ["", ""]
    newest = keys(closed, "rotate", id_of(old), "--overlap-hours", 0).out.strip()
    assert cause(closed, newest) == ""
    # Of the two before it, one was in use; which, is known once their uses are noted. Its time is over, the other is no key.
    assert {cause(closed, text) for text in (old, new)} == {"expired", "unknown"}
    revoked = keys(closed, "revoke", id_of(old))
    assert revoked == Finished(0, f"{id_of(old)} is revoked; servers refuse it within seconds\n", "")
    assert cause(closed, newest) == "revoked"
    again = keys(closed, "rotate", id_of(old))
    assert again == Finished(1, "", f"orders: API key {id_of(old)} is revoked; create a new one\n")
    query = f"SELECT method, actor FROM audit_events WHERE resource = 'apiKeys/{id_of(old)}' ORDER BY event_time"
    actor = f"cli:{getpass.getuser()}"
    methods = ("CreateApiKey", "RotateApiKey", "RotateApiKey", "RevokeApiKey")
    assert closed.execute(query) == [(method, actor) for method in methods]
    assert orders("verify", "--database-url", closed.url).code == 0
    (line,) = [line for line in keys(closed, "list").out.splitlines() if id_of(old) in line]
    assert re.search(r"revoked \d{4}-\d\d-\d\d \d\d:\d\d", line)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "--owner", "x", "--role", "boss", "--scope", "all"), "--role boss: choose from customer, "),
        (("create", "--owner", "x", "--role", "admin", "--scope", "everything"), "--scope everything: choose from "),
        (("create", "--owner", "x", "--role", "customer", "--scope", "all"), "customer_id: is required with the role"),
        (("revoke", "nothing"), "there is no API key 'nothing'"),
        (("rotate", "no thing"), "key_id: "),
    ],
    ids=["role", "scope", "customer", "key", "no id"],
)
def test_what_cannot_be_done_is_said_in_one_line(server: Server, arguments: tuple[str, ...], says: str) -> None:
    finished = keys(server, *arguments)
    assert (finished.code, finished.out) == (1, "")
    (line,) = finished.err.splitlines()
    assert line.startswith("orders: ")
    assert says in line


def test_other_commands_show_their_key_and_are_told_if_it_is_none(closed: Server, folder: Path) -> None:
    text = created(closed, "--owner", "export", "--role", "admin", "--scope", "orders.read")
    export = ("export", "--target", closed.address, "--output")
    assert orders(*export, folder / "orders.jsonl", env={"ORDERS_KEY": text}).code == 0
    refused = orders(*export, folder / "none.jsonl", env={"ORDERS_KEY": generate().text})
    assert refused.code == 1
    assert "UNAUTHENTICATED" in refused.err
    assert "ORDERS_KEY" in refused.err
    assert "interrupted" not in refused.err
    assert "Traceback" not in refused.err
    assert not (folder / "none.jsonl").exists()


def test_the_first_key_is_made_before_there_is_a_server(folder: Path) -> None:
    data_dir = folder / "first"
    made = orders("keys", "create", *ADMIN, "--data-dir", data_dir)
    assert made.code == 0, made
    assert not (data_dir / "postmaster.pid").exists()
    with serving(data_dir) as started:
        assert "Callers need an API key" in started.welcome
        assert cause(started, made.out.strip()) == ""
        assert cause(started, generate().text) == "unknown"
