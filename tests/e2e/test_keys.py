"""`orders keys` as a process, on the database of a server; and what the keys it makes are good for."""

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from orders.v1.catalog_service_pb2 import ListProductsRequest

from server.identity.keys import generate, parse
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


def row_of(server: Server, key_id: str) -> str:
    """The line of a key in the list."""
    (line,) = [line for line in keys(server, "list").out.splitlines() if key_id in line]
    return line


def test_a_server_says_in_a_line_whether_it_is_open(server: Server, closed: Server) -> None:
    assert "Open: whoever reaches it may do everything" in server.welcome.splitlines()[0]
    (line,) = closed.welcome.splitlines()
    assert "Callers need an API key" in line
    assert line.startswith(f"Orders are served on {closed.address}, ")
    assert cause(server, "nonsense") == ""
    assert cause(closed, "nonsense") == "unknown"


def test_a_key_is_printed_once_and_is_nowhere_in_the_database(closed: Server) -> None:
    text = created(closed, *ADMIN, "--description", "for tests")
    assert cause(closed, text) == ""
    secret = text.rpartition("_")[2]
    listed = keys(closed, "list")
    assert id_of(text) in listed.out
    assert secret not in listed.out
    dump = str(closed.execute("SELECT t::text FROM api_keys t"))
    assert id_of(text).encode().hex() in dump
    assert secret not in dump
    assert secret.encode().hex() not in dump


def test_the_list_says_what_each_key_is_good_for(closed: Server) -> None:
    text = created(closed, "--owner", "app", "--role", "customer", "--customer-id", "jane", "--scope", "orders.read")
    assert re.search(r"app +customer +orders\.read +jane +valid +never$", row_of(closed, id_of(text)).strip())
    ending = created(closed, *ADMIN, "--expires-in-days", 1)
    assert re.search(r"valid until \d{4}-\d\d-\d\d \d\d:\d\d +never$", row_of(closed, id_of(ending)).strip())


def test_a_certificate_is_let_in_without_a_text(closed: Server) -> None:
    finished = keys(closed, "create", *ADMIN, "--certificate-name", "packing.example")
    assert finished.code == 0
    (key_id,) = re.findall(r"the certificate packing\.example is let in, as key (\w{12})\n", finished.out)
    assert "packing.example" in row_of(closed, key_id)
    again = keys(closed, "create", *ADMIN, "--certificate-name", "packing.example")
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("orders: another key has the certificate name 'packing.example'")


def test_a_rotation_gives_a_new_text_and_leaves_the_old_one_its_time(closed: Server) -> None:
    old = created(closed, *ADMIN)
    rotated = keys(closed, "rotate", id_of(old))
    new = rotated.out.strip()
    assert (rotated.code, id_of(new)) == (0, id_of(old))
    assert [cause(closed, text) for text in (old, new)] == ["", ""]
    newest = keys(closed, "rotate", id_of(old), "--overlap-hours", 0).out.strip()
    assert cause(closed, newest) == ""
    # Of the two before it, one was in use; which, is known once their uses are noted. Its time is over, the other is no key.
    assert {cause(closed, text) for text in (old, new)} == {"expired", "unknown"}


def test_a_revoked_key_is_refused_and_says_so_in_the_list(closed: Server) -> None:
    text = created(closed, *ADMIN)
    revoked = keys(closed, "revoke", id_of(text))
    assert (revoked.code, revoked.out) == (0, f"{id_of(text)} is revoked; servers refuse it within seconds\n")
    assert cause(closed, text) == "revoked"
    assert re.search(r"revoked \d{4}-\d\d-\d\d \d\d:\d\d", row_of(closed, id_of(text)))
    again = keys(closed, "rotate", id_of(text))
    assert (again.code, again.out) == (1, "")
    assert again.err == f"orders: API key {id_of(text)} is revoked; make a new one\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "--owner", "x", "--role", "boss", "--scope", "all"), "--role boss: choose from customer, "),
        (("create", "--owner", "x", "--role", "admin", "--scope", "everything"), "--scope everything: choose from "),
        (("create", "--owner", "x", "--role", "customer", "--scope", "all"), "customer_id: is required with the role"),
        (("create", *ADMIN, "--customer-id", "jane"), "customer_id: is for the role customer only"),
        (("create", *ADMIN[2:], "--owner", ""), "owner: "),
        (("create", *ADMIN, "--certificate-name", "two words"), "certificate_name: "),
        (("rotate", "000000000000"), "there is no API key '000000000000'"),
        (("revoke", "nothing"), "there is no API key 'nothing'"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(server: Server, arguments: tuple[str, ...], says: str) -> None:
    finished = keys(server, *arguments)
    assert (finished.code, finished.out) == (1, "")
    (line,) = finished.err.splitlines()
    assert line.startswith("orders: ")
    assert says in line


def test_other_commands_show_their_key_and_are_told_if_it_is_none(closed: Server, folder: Path) -> None:
    text = created(closed, "--owner", "export", "--role", "admin", "--scope", "orders.read")
    with closed.stubs() as _:
        target = ("--target", closed.address)
        exported = orders("export", "--output", folder / "orders.jsonl", *target, env={"ORDERS_KEY": text})
        assert exported.code == 0, exported
        for key in ("", generate().text):
            refused = orders("export", "--output", folder / "none.jsonl", *target, env={"ORDERS_KEY": key})
            assert refused.code == 1
            assert "UNAUTHENTICATED" in refused.err
            assert "Traceback" not in refused.err
    assert orders("healthcheck", *target).out == "SERVING\n"


def test_the_first_key_is_made_before_there_is_a_server(folder: Path) -> None:
    data_dir = folder / "first"
    made = orders("keys", "create", *ADMIN, "--data-dir", data_dir)
    assert made.code == 0, made
    assert not (data_dir / "postmaster.pid").exists()
    with serving(data_dir) as started:
        assert "Callers need an API key" in started.welcome
        assert cause(started, made.out.strip()) == ""
        assert cause(started, generate().text) == "unknown"
