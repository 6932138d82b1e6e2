"""The commands on orders in bulk: import, export, verify, rebuild and migrate, against one running server."""

import csv
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf import json_format
from orders.v1.order_pb2 import ORDER_STATUS_PENDING, ORDER_STATUS_SHIPPED, Order
from orders.v1.order_service_pb2 import ListOrdersRequest, OrderFilter

from server.storage.schema.schema import newest_version
from tests.conftest import new_order
from tests.e2e.processes import ORDERS, Finished, Server, environment, orders, start, wait_until

ORDERS_OF_A_SEED = 2000


def seed_order(number: int) -> dict[str, Any]:
    """An order as another system writes it: flat, every value a text."""
    products = [
        {"product_sku_id": f"sku-{number}-{line}", "amount": f"{line}.{number % 100:02}", "qty": str(line + 1)}
        for line in (1, 2, 3)
    ]
    total = sum(Decimal(product["amount"]) * int(product["qty"]) for product in products) - Decimal("0.50")
    return {
        "name": f"Jané Doe {number}",
        "email": f"jane{number}@example.com",
        "phone": "7666804987",
        "address": f'{number} Main St, "Old" Town',
        "products": products,
        "order_id": f"ID-{number}",
        "total_amount": str(total),
        "discount": "0.50",
        "total_qty": "9",
        "refferral_code": "EV78G55H",
        "user_id": str(number),
    }


def write_lines(path: Path, records: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


@pytest.fixture(scope="module")
def seed(folder: Path) -> Path:
    """A file of 2,000 orders with three items each."""
    return write_lines(folder / "seed.jsonl", map(seed_order, range(ORDERS_OF_A_SEED)))


Command = Callable[..., Finished]


@pytest.fixture(scope="module")
def do(server: Server, folder: Path) -> Command:
    """Runs a command against the server."""
    return lambda *arguments, **options: orders(
        *arguments, env={"ORDERS_TARGET": server.address}, **{"cwd": folder} | options
    )


@pytest.fixture(scope="module")
def seeded(do: Command, seed: Path) -> Finished:
    """The import of the seed, done once."""
    return do("import", seed, "--source", "shop", "--currency", "EGP")


def stored(server: Server, source: str) -> dict[str, Order]:
    """The orders of a source, by its ids."""
    with server.stubs() as (stub, _):
        pages = list(stub.ListOrders(ListOrdersRequest(filter=OrderFilter(source=source), page_size=1000)))
    found = [order for page in pages for order in page.orders]
    by_id = {order.external_order_id: order for order in found}
    assert len(by_id) == len(found)
    return by_id


def money(amount: Any) -> str:
    return f"{amount.units}.{amount.nanos // 10_000_000:02}"


def as_seed(order: Order) -> dict[str, Any]:
    """A stored order as the file had it, every field of it."""
    return {
        "name": order.customer.name,
        "email": order.customer.email,
        "phone": order.customer.phone,
        "address": order.shipping_address.street,
        "products": [
            {"product_sku_id": item.sku, "amount": money(item.unit_price), "qty": str(item.quantity)}
            for item in order.items
        ],
        "order_id": order.external_order_id,
        "total_amount": money(order.pricing.total),
        "discount": money(order.pricing.discount),
        "total_qty": str(order.total_quantity),
        "refferral_code": order.referral_code,
        "user_id": order.customer.customer_id,
    }


class TestImport:
    def test_every_order_of_the_file_is_stored_as_it_stands_there(
        self, server: Server, seeded: Finished, seed: Path
    ) -> None:
        assert seeded.code == 0
        assert seeded.out == ""
        assert "2,000 read: 2,000 inserted, 0 updated, 0 unchanged, 0 invalid, 0 rejected, 0 warnings" in seeded.err
        found = stored(server, "shop")
        expected = [json.loads(line) for line in seed.read_text().splitlines()]
        assert [as_seed(found[record["order_id"]]) for record in expected] == expected
        assert len(found) == ORDERS_OF_A_SEED
        assert {order.pricing.total.currency_code for order in found.values()} == {"EGP"}
        assert not seed.with_name("seed.jsonl.rejects.jsonl").exists()

    def test_a_second_run_doubles_and_changes_nothing(
        self, server: Server, do: Command, seeded: Finished, seed: Path
    ) -> None:
        before = stored(server, "shop")
        again = do("import", seed, "--source", "shop", "--currency", "EGP", "--batch-size", 1000, "--concurrency", 1)
        assert again.code == 0
        assert "2,000 read: 0 inserted, 0 updated, 2,000 unchanged" in again.err
        assert stored(server, "shop") == before

    def test_orders_of_batch_upsert_and_of_export_and_csv_are_told_apart_by_themselves(
        self, server: Server, do: Command, folder: Path
    ) -> None:
        price = {"currency_code": "USD", "units": "12", "nanos": 500_000_000}
        upsert = {
            "external_order_id": "U-1",
            "customer": {"customer_id": "jane", "name": "Jane"},
            "items": [{"sku": "MUG", "name": "Mug", "quantity": 2, "unit_price": price}],
            "shipping_address": {"street": "123 Main St", "city": "New York"},
            "status": "ORDER_STATUS_SHIPPED",
            "metadata": {"channel": "web"},
        }
        camel = {"externalOrderId": "U-2", "customer": {}, "items": [{**upsert["items"][0], "unitPrice": price}]}  # type: ignore[index]
        del camel["items"][0]["unit_price"]
        write_lines(folder / "upsert.ndjson", [upsert, camel])
        assert do("import", "upsert.ndjson", "--source", "ours").code == 0
        (folder / "flat.csv").write_text(
            "order_id,name,product_sku_id,amount,qty,total_amount,city,status\n"
            "C-1,Jane,MUG,12.50,2,20,Cairo,shipped\n"
            "C-1,,LAMP,1,1,,,\n"
            "C-2,Joe,MUG,3,1,3,,\n"
        )
        assert do("import", "flat.csv", "--source", "ours").code == 0
        found = stored(server, "ours")
        assert set(found) == {"U-1", "U-2", "C-1", "C-2"}
        assert found["U-1"].status == ORDER_STATUS_SHIPPED
        assert found["U-1"].metadata == {"channel": "web"}
        assert found["U-1"].items[0].name == "Mug"
        assert [item.sku for item in found["C-1"].items] == ["MUG", "LAMP"]
        assert found["C-1"].status == ORDER_STATUS_SHIPPED
        assert money(found["C-1"].pricing.total) == "20.00"
        assert found["C-2"].status == ORDER_STATUS_PENDING

    def test_a_document_with_data_is_read_from_standard_input(self, server: Server, do: Command) -> None:
        document = json.dumps({"data": [seed_order(1), seed_order(2)]}, indent=2)
        assert do("import", "-", "--source", "document", stdin=document).code == 0
        assert set(stored(server, "document")) == {"ID-1", "ID-2"}

    def test_lines_that_are_refused_go_to_a_file_with_their_reasons_and_the_others_are_stored(
        self, server: Server, do: Command, folder: Path
    ) -> None:
        good, no_price = seed_order(1), seed_order(2)
        no_price["products"][1]["amount"] = "much"
        too_many = seed_order(3)
        too_many["products"][0]["qty"] = "0"
        file = write_lines(folder / "mixed.jsonl", [good, no_price, too_many, {"name": "Jane", "products": []}])
        file.write_text(file.read_text() + "not json\n")
        finished = do("import", file, "--source", "mixed")
        assert finished.code == 3
        assert "1 inserted, 0 updated, 0 unchanged, 1 invalid, 3 rejected" in finished.err
        assert f"refused records and their reasons: {file}.rejects.jsonl" in finished.err
        rejects = [json.loads(line) for line in Path(f"{file}.rejects.jsonl").read_text().splitlines()]
        assert {(reject["line"], reject["external_order_id"]): reject["reason"] for reject in rejects} == {
            (2, "ID-2"): "products[1].amount: is not an amount of money: 'much'",
            (3, "ID-3"): "items[0].quantity: must be greater than 0 and less than or equal to 1000000",
            (4, ""): "external_order_id: is missing",
            (5, ""): "not JSON: Expecting value at column 1",
        }
        assert set(stored(server, "mixed")) == {"ID-1"}
        # The file of rejects, once mended, is a matter of its lines' `raw`.
        assert [json.loads(reject["raw"]) for reject in rejects if reject["line"] == 2] == [no_price]

    def test_lines_refused_from_standard_input_go_to_the_working_folder(self, do: Command, tmp_path: Path) -> None:
        assert do("import", "-", "--source", "mixed", stdin="nonsense\n", cwd=tmp_path).code == 3
        assert json.loads((tmp_path / "orders.rejects.jsonl").read_text())["line"] == 1

    def test_rejects_go_where_they_are_told_and_spare_what_is_no_file(self, do: Command, folder: Path) -> None:
        """As root, to remove what stands for a stream would remove it for everybody: /dev/null, for one."""
        fine = write_lines(folder / "fine.jsonl", [seed_order(1)])
        os.mkfifo(folder / "fifo")
        (folder / "link").symlink_to("elsewhere")
        (folder / "elsewhere").touch()
        for name in ("fifo", "link"):
            assert do("import", fine, "--source", "fine", "--rejects", name).code == 0
        assert (folder / "fifo").is_fifo()
        assert (folder / "link").is_symlink()
        assert do("import", "-", "--source", "fine", "--rejects", "link", stdin="nonsense\n").code == 3
        assert "nonsense" in (folder / "elsewhere").read_text()

    def test_validate_only_stores_nothing(self, server: Server, do: Command, folder: Path) -> None:
        file = write_lines(folder / "trial.jsonl", [seed_order(1)])
        finished = do("import", file, "--source", "trial", "--validate-only")
        assert finished.code == 0
        assert "1 inserted" in finished.err
        assert not stored(server, "trial")

    def test_interrupted_and_run_again_it_is_complete_and_nothing_is_doubled(
        self, server: Server, do: Command, seed: Path
    ) -> None:
        arguments = ["import", seed, "--source", "interrupted", "--target", server.address]
        process = start(*arguments, "--batch-size", 10, "--concurrency", 1)
        wait_until(lambda: count(server, "interrupted") > 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 130
        assert "interrupted; run the same command again to continue" in err
        assert "Traceback" not in err
        half = count(server, "interrupted")
        assert 0 < half < ORDERS_OF_A_SEED
        assert f"{half:,} read: {half:,} inserted" in err
        again = do(*arguments)
        assert again.code == 0
        assert f"{ORDERS_OF_A_SEED - half:,} inserted, 0 updated, {half:,} unchanged" in again.err
        assert count(server, "interrupted") == ORDERS_OF_A_SEED

    def test_a_second_signal_gives_up_at_once_and_without_a_traceback(self, server: Server, seed: Path) -> None:
        with psycopg.connect(server.url) as blocker:
            blocker.execute("LOCK TABLE order_events IN EXCLUSIVE MODE")
            process = start("import", seed, "--source", "given-up", "--target", server.address)
            wait_until(lambda: server.execute("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):  # it waits for what is on its way
                process.wait(0.2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["missing.jsonl"], "No such file or directory: 'missing.jsonl'"),
            (["seed.jsonl", "--currency", "dollars"], "not an ISO 4217 currency code: 'dollars'"),
            (["seed.jsonl", "--rejects", "seed.jsonl"], "the rejects would overwrite the file to be imported"),
            (["seed.jsonl", "--source", "two words"], "--source 'two words': use "),
        ],
    )
    def test_what_cannot_be_done_ends_with_one_line(
        self, do: Command, seed: Path, arguments: list[str], says: str
    ) -> None:
        finished = do("import", *(["--source", "wrong"] if "--source" not in arguments else []), *arguments)
        assert finished.code == 1
        assert says in finished.err.splitlines()[-1]
        assert finished.err.splitlines()[-1].startswith("orders: ")
        assert "Traceback" not in finished.err
        assert seed.stat().st_size > 0


@contextmanager
def narrow(address: str, *, size: int) -> Iterator[str]:
    """The address of a way to a server that lets so many bytes of its answers through, and then no more."""
    host, _, port = address.partition(":")
    ends: list[socket.socket] = []

    def forward(source: socket.socket, target: socket.socket, left: float) -> None:
        with suppress(OSError):
            while left > 0 and (data := source.recv(int(min(left, 65536)))):
                target.sendall(data)
                left -= len(data)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection((host, int(port)))
                ends.extend((here, there))
                threading.Thread(target=forward, args=(here, there, float("inf")), daemon=True).start()
                threading.Thread(target=forward, args=(there, here, size), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for end in ends:
                end.close()


def count(server: Server, source: str) -> int:
    ((found,),) = server.execute(f"SELECT count(*) FROM orders WHERE source = '{source}'")
    assert isinstance(found, int)
    return found


@pytest.mark.usefixtures("seeded")
class TestExport:
    def test_json_lines_are_the_orders_as_the_service_has_them(self, server: Server, do: Command, folder: Path) -> None:
        finished = do("export", "--source", "shop", "-o", "out.jsonl")
        assert finished.code == 0
        assert finished.out == ""
        assert "2,000 orders" in finished.err
        lines = (folder / "out.jsonl").read_text().splitlines()
        exported = [json_format.Parse(line, Order()) for line in lines]
        assert {order.external_order_id: order for order in exported} == stored(server, "shop")
        assert len(exported) == ORDERS_OF_A_SEED
        # Oldest first.
        assert exported == sorted(exported, key=lambda order: (order.create_time.ToNanoseconds(), order.order_id))
        assert not (folder / "out.jsonl.resume").exists()

    def test_csv_has_a_row_for_each_item_with_everything_that_was_imported(self, do: Command, folder: Path) -> None:
        assert do("export", "--source", "shop", "-o", "out.csv").code == 0
        with (folder / "out.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 3 * ORDERS_OF_A_SEED
        for number in range(ORDERS_OF_A_SEED):
            expected = seed_order(number)
            row = rows[3 * number]
            # Within a batch the orders keep the order of the file; batches go in parallel.
            record = seed_order(int(row["customer_id"]))
            mine = rows[3 * number : 3 * number + 3]
            assert {line["external_order_id"] for line in mine} == {record["order_id"]}
            assert [
                {"product_sku_id": line["sku"], "amount": line["unit_price"], "qty": line["quantity"]} for line in mine
            ] == record["products"]
            assert row["customer_name"] == record["name"]
            assert row["email"] == record["email"]
            assert row["phone"] == record["phone"]
            assert row["street"] == record["address"]
            assert row["total"] == record["total_amount"]
            assert row["discount"] == record["discount"]
            assert row["total_quantity"] == record["total_qty"]
            assert row["referral_code"] == record["refferral_code"]
            assert (row["currency"], row["status"]) == ("EGP", "PENDING")
            assert expected["order_id"]
        assert len({row["external_order_id"] for row in rows}) == ORDERS_OF_A_SEED

    @pytest.mark.parametrize("format", ["jsonl", "csv"])
    def test_piped_into_an_import_of_another_source_the_same_orders_come_back(
        self, server: Server, format: str
    ) -> None:
        target = f"copy-{format}"
        command = f"{ORDERS} export --source shop --format {format} | {ORDERS} import - --source {target}"
        piped = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=environment(ORDERS_TARGET=server.address),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert piped.returncode == 0, piped.stderr
        copies = stored(server, target)
        assert {key: as_seed(order) for key, order in copies.items()} == {
            record["order_id"]: record for record in map(seed_order, range(ORDERS_OF_A_SEED))
        }

    def test_piped_output_is_nothing_but_plain_lines(self, do: Command) -> None:
        finished = do("export", "--source", "shop", "--limit", 7)
        assert finished.code == 0
        lines = finished.out.splitlines()
        assert len(lines) == 7
        assert all(json.loads(line)["source"] == "shop" for line in lines)
        assert "\x1b" not in finished.out + finished.err
        assert "\r" not in finished.err

    def test_a_reader_that_has_had_enough_is_no_failure(self, server: Server) -> None:
        piped = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{ORDERS} export | head -n 1"],
            env=environment(ORDERS_TARGET=server.address),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert piped.returncode == 0
        assert len(piped.stdout.splitlines()) == 1
        assert "Traceback" not in piped.stderr
        assert "BrokenPipe" not in piped.stderr

    def test_interrupted_and_run_again_it_gives_each_order_once(
        self, server: Server, do: Command, folder: Path
    ) -> None:
        arguments = ["export", "--order-by", "total", "--source", "shop", "-o", folder / "half.jsonl"]
        sidecar = folder / "half.jsonl.resume"
        size = sum(order.ByteSize() for order in stored(server, "shop").values())
        with narrow(server.address, size=size * 3 // 4) as target:  # the first of two pages, but not the second
            process = start(*arguments, "--target", target)
            wait_until(lambda: sidecar.exists() and json.loads(sidecar.read_text())["checkpoint"]["orders"] > 0)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted; with a file as output, the same command resumes from here" in err
        half = len((folder / "half.jsonl").read_text().splitlines())
        assert 0 < half < ORDERS_OF_A_SEED
        assert do(*arguments[:3], *arguments[5:]).code == 1  # another export is not mixed into it
        again = do(*arguments)
        assert again.code == 0
        assert f"{half:,} of them from an earlier run" in again.err
        exported = [json_format.Parse(line, Order()) for line in (folder / "half.jsonl").read_text().splitlines()]
        assert {order.external_order_id: order for order in exported} == stored(server, "shop")
        assert len(exported) == ORDERS_OF_A_SEED
        totals = [(order.pricing.total.units, order.pricing.total.nanos) for order in exported]
        assert totals == sorted(totals)

    def test_filters_limit_and_overwrite(self, do: Command, folder: Path) -> None:
        one = do("export", "--customer", "7", "--source", "shop", "-o", "one.jsonl")
        assert one.code == 0
        (line,) = (folder / "one.jsonl").read_text().splitlines()
        assert json.loads(line)["external_order_id"] == "ID-7"
        refused = do("export", "-o", "one.jsonl")
        assert refused.code == 1
        assert "one.jsonl exists already" in refused.err
        assert do("export", "-o", "one.jsonl", "--limit", 2, "--overwrite").code == 0
        assert len((folder / "one.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("command", [["import", "-", "--source", "x"], ["export"], ["healthcheck"]])
def test_without_a_server_a_command_ends_with_one_line(command: list[str], tmp_path: Path) -> None:
    finished = orders(*command, env={"ORDERS_TARGET": "127.0.0.1:1"}, stdin=json.dumps(seed_order(1)), cwd=tmp_path)
    assert finished.code == 1
    assert finished.out == ""
    last = finished.err.splitlines()[-1]
    assert last.startswith("orders: ")
    assert "UNAVAILABLE" in last
    assert "Connection refused" in last
    assert "Traceback" not in finished.err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["import", "missing.jsonl", "--source", "x"], "No such file or directory: 'missing.jsonl'"),
        (["import", ".", "--source", "x"], "Is a directory: '.'"),
        (["import", "-", "--source", "x", "--currency", "dollars"], "not an ISO 4217 currency code"),
        (["import", "-", "--source", "x", "--rejects", "no/r"], "there is no folder no for the rejects; create it"),
        (["export", "-o", "no/such/all.jsonl"], "there is no folder no/such; create it, or name another with --output"),
        (["export", "-o", "."], "is a folder; name a file in it with --output"),
        (["healthcheck", "--tls-ca", "no.crt"], "No such file or directory: 'no.crt'"),
    ],
)
def test_a_wrong_file_is_reported_before_a_missing_server(command: list[str], says: str, tmp_path: Path) -> None:
    finished = orders(*command, env={"ORDERS_TARGET": "127.0.0.1:1"}, cwd=tmp_path)
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("orders: ")
    assert says in line
    assert "Errno" not in line


class TestVerifyAndRebuild:
    def test_after_all_that_everything_agrees(self, server: Server, seeded: Finished) -> None:
        with server.stubs() as (stub, _):
            stub.CreateOrder(new_order())
        assert orders("verify", env={"ORDERS_DATABASE_URL": server.url}) == Finished(
            0, "everything is consistent\n", ""
        )

    def test_damage_is_named_and_what_can_be_is_mended(self, server: Server) -> None:
        with server.stubs() as (stub, _):
            order = stub.CreateOrder(new_order(quantity=3))
        env = {"ORDERS_DATABASE_URL": server.url}
        server.execute(f"UPDATE orders SET customer_id = 'joe' WHERE order_id = '{order.order_id}'")
        server.execute(
            f"UPDATE order_items SET quantity = 2, total_price_minor = 2500 WHERE order_id = '{order.order_id}'"
        )
        server.execute("UPDATE inventory SET available = available - 1 WHERE product_id = 'lamp'")
        found = orders("verify", env=env)
        assert found.code == 1
        assert found.out.splitlines() == [
            f"{order.order_number}: orders.customer_id is 'joe', the snapshot says 'jane'",
            f"{order.order_number}: order_items has 1 rows that are not the snapshot's 1 items",
            "product lamp: inventory has 79; the adjustments less what orders hold are 80",
        ]
        assert found.err == "orders: 3 mismatches; `orders rebuild` fixes columns, items, terms and the work queue\n"
        assert orders("rebuild", env=env) == Finished(0, "1 orders rebuilt\n", "")
        server.execute("UPDATE inventory SET available = available + 1 WHERE product_id = 'lamp'")
        assert orders("verify", env=env) == Finished(0, "everything is consistent\n", "")


class TestMigrate:
    def test_two_at_once_make_one_schema_and_a_third_finds_nothing_to_do(self, server: Server) -> None:
        env = {"ORDERS_DATABASE_URL": server.database("migrated")}
        both = [start("migrate", env=env) for _ in range(2)]
        outs = sorted(process.communicate(timeout=60)[0] for process in both)
        assert [process.returncode for process in both] == [0, 0]
        newest = newest_version()
        assert outs == [f"the schema is at {newest}\n", f"the schema is at {newest}, it was empty\n"]
        assert orders("migrate", env=env) == Finished(0, f"the schema is at {newest}\n", "")
