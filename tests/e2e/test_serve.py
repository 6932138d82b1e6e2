"""`orders serve` as a process: starting, stopping, coming back, and saying what is wrong."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import psycopg
import pytest
from google.type.money_pb2 import Money
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, GetProductRequest, ListProductsRequest, Product
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, GetOrderRequest, ListOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.config import Settings
from tests.certificates import make_ca
from tests.conftest import as_serving_role, new_order
from tests.e2e.processes import Finished, Server, environment, free_port, orders, serving, start, wait_until

SECRET = "s3cret"
# So that no test minds what else listens on the default port.
ANY_PORT = {"ORDERS_PORT": "0"}
# Nobody listens on port 1.
CLOSED = f"postgresql://jane:{SECRET}@127.0.0.1:1/orders"


def only_line(finished: Finished) -> str:
    """The one line that a command failed with."""
    assert finished.code == 1, finished
    assert not finished.out
    (line,) = finished.err.splitlines()
    assert line.startswith("orders: ")
    assert SECRET not in line
    return line


def bulk(count: int, *, source: str) -> BatchUpsertOrdersRequest:
    """Orders of another system, to have many at once."""
    request = BatchUpsertOrdersRequest(source=source)
    for number in range(count):
        order = request.orders.add(external_order_id=str(number), metadata={"note": "x" * 500})
        order.customer.name = "Jane Doe"
        order.items.add(sku="A", quantity=1, unit_price=Money(currency_code="USD", units=1))
    return request


def health(server: Server) -> Finished:
    return orders("healthcheck", "--target", server.address)


class TestStarting:
    def test_it_serves_the_demo_catalogue_from_a_folder_that_was_not_there(self, server: Server) -> None:
        with server.stubs() as (_, catalog):
            products = catalog.ListProducts(ListProductsRequest()).products
        stock = {product.product_id: product.stock for product in products}
        assert len(stock) == 11
        assert {"mug": 500, "lamp": 80, "desk": 20, "sofa": 15}.items() <= stock.items()
        assert server.postgres_runs

    def test_healthcheck_says_serving_for_all_and_by_name(self, server: Server) -> None:
        assert health(server) == Finished(0, "SERVING\n", "")
        named = orders("healthcheck", "--service", "orders.v1.CatalogService", env={"ORDERS_TARGET": server.address})
        assert named == Finished(0, "SERVING\n", "")

    def test_healthcheck_finds_the_server_from_its_settings(self, server: Server, tmp_path: Path) -> None:
        _, _, port = server.address.partition(":")
        (tmp_path / "orders.toml").write_text(f'host = "0.0.0.0"\nport = {port}')
        for env in ({"ORDERS_PORT": port}, {"ORDERS_CONFIG": str(tmp_path / "orders.toml")}):
            assert orders("healthcheck", env=env) == Finished(0, "SERVING\n", "")
        assert orders("healthcheck", "--config", tmp_path / "orders.toml").code == 0
        assert "--target" in only_line(orders("healthcheck", env=ANY_PORT))

    def test_healthcheck_trusts_the_certificate_of_its_settings(self, folder: Path) -> None:
        served = make_ca(folder).issue("orders.internal")
        env = {"ORDERS_TLS_CERTIFICATE": str(served.certificate), "ORDERS_TLS_KEY": str(served.key)}
        env |= {"ORDERS_PORT": str(free_port())}
        with serving(folder / "tls", "--port", env["ORDERS_PORT"], env=env):
            assert orders("healthcheck", env=env) == Finished(0, "SERVING\n", "")

    def test_healthcheck_fails_for_a_service_that_is_not_there_and_for_a_server_that_is_not(
        self, server: Server
    ) -> None:
        assert "NOT_FOUND" in only_line(orders("healthcheck", "--target", server.address, "--service", "no.Such"))
        away = only_line(orders("healthcheck", "--target", "127.0.0.1:1"))
        assert "UNAVAILABLE" in away
        assert "--tls" in away

    def test_it_prints_commands_with_its_own_address(self, server: Server) -> None:
        commands = [line.strip() for line in server.welcome.splitlines() if line.startswith("  ")]
        tools = [line for line in commands if line.startswith("call() {")]
        steps = [line for line in commands if line.startswith("call ")]
        assert (len(tools), len(steps), len(commands)) == (2, 13, 15)
        assert all(server.address in tool for tool in tools)
        assert server.welcome.splitlines()[-1].startswith(f"Serving orders on {server.address},")

    def test_its_log_has_nothing_to_complain_about(self, server: Server) -> None:
        lines = server.log.read_text().splitlines()
        assert [line for line in lines if " INFO server.runtime.registry: serving " not in line] == []

    def test_a_second_server_with_the_same_folder_and_another_port_shares_the_database(self, server: Server) -> None:
        with serving(server.data_dir) as second:
            with second.stubs() as (there, _), server.stubs() as (here, _):
                order = there.CreateOrder(new_order())
                assert here.GetOrder(GetOrderRequest(order_id=order.order_number)) == order
            assert second.stop() == 0
        assert health(server).code == 0


class TestComingBack:
    def test_it_ends_with_its_postgres_and_the_next_start_finds_everything(self, folder: Path) -> None:
        port = free_port()
        data_dir = folder / "back"
        with serving(data_dir, "--port", port) as first:
            assert first.address == f"127.0.0.1:{port}"
            with first.stubs() as (stub, catalog):
                order = stub.CreateOrder(new_order())
                dearer = Product(product_id="mug", name="Dear mug", price=Money(currency_code="USD", units=99))
                catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[dearer]))
            assert first.stop(signal.SIGTERM) == 0
            assert not first.postgres_runs
        # The same port is free again at once, and the catalogue is not loaded over what was changed.
        with serving(data_dir, "--port", port) as second:
            with second.stubs() as (stub, catalog):
                assert stub.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
                mug = catalog.GetProduct(GetProductRequest(product_id="mug"))
                assert (mug.name, mug.price.units, mug.stock) == ("Dear mug", 99, 499)
            # Ctrl-C reaches every process of the terminal's group; PostgreSQL must not go before the server is done with it.
            assert second.stop(signal.SIGINT, whole_group=True) == 0
            assert not second.postgres_runs
            assert "Traceback" not in second.log.read_text()

    async def test_acknowledged_orders_survive_a_kill(self, folder: Path) -> None:
        data_dir = folder / "killed"
        acknowledged: list[Order] = []
        with serving(data_dir) as first:
            async with grpc.aio.insecure_channel(first.address) as channel:
                stub = OrderServiceStub(channel)

                async def create_until_it_breaks() -> None:
                    while True:
                        acknowledged.append(await stub.CreateOrder(new_order()))
                        if len(acknowledged) == 150:
                            first.process.kill()

                results = await asyncio.gather(*(create_until_it_breaks() for _ in range(16)), return_exceptions=True)
            assert {error.code() for error in results} == {grpc.StatusCode.UNAVAILABLE}
            assert first.process.wait(300) == -signal.SIGKILL
            assert first.postgres_runs
        with serving(data_dir) as second:
            with second.stubs() as (stub, _):
                for order in acknowledged:
                    assert stub.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
            # What was not acknowledged is there whole or not at all.
            assert orders("verify", "--data-dir", data_dir).out == "everything is consistent\n"
            assert second.stop() == 0
            assert not second.postgres_runs

    def test_a_stop_while_it_starts_leaves_no_postgres_behind(self, folder: Path) -> None:
        data_dir = folder / "hasty"
        process = start("serve", "--data-dir", data_dir, "--port", 0)
        wait_until(lambda: (data_dir / "postmaster.pid").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1]
        process.terminate()
        assert process.wait(300) in (0, 128 + signal.SIGTERM)
        assert "Traceback" not in process.communicate()[1]
        assert not (data_dir / "postmaster.pid").exists()


class TestStoppingInGoodOrder:
    async def test_calls_in_flight_finish_new_ones_are_refused_and_what_was_acknowledged_is_stored(
        self, folder: Path
    ) -> None:
        data_dir = folder / "draining"
        with serving(data_dir, "--drain-delay", "0.3") as server:
            url = server.url
            async with (
                grpc.aio.insecure_channel(server.address) as channel,
                await psycopg.AsyncConnection.connect(url) as blocker,
            ):
                stub = OrderServiceStub(channel)
                for source in "abc":
                    await stub.BatchUpsertOrders(bulk(1000, source=source))
                # A stream that nobody reads yet, a write that waits for a row, and more behind it.
                pages = aiter(stub.ListOrders(ListOrdersRequest(page_size=50)))
                listed = list((await anext(pages)).orders)
                await blocker.execute("SELECT 1 FROM inventory WHERE product_id = 'mug' FOR UPDATE")
                first = asyncio.ensure_future(stub.CreateOrder(new_order()))
                await asyncio.to_thread(wait_until, lambda: waiting_for_locks(url) > 0)
                more = [asyncio.ensure_future(stub.CreateOrder(new_order())) for _ in range(20)]
                watch = aiter(health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()))
                assert (await anext(watch)).status == health_pb2.HealthCheckResponse.SERVING
                server.process.terminate()
                # Balancers are told, and for a moment calls are still taken.
                assert (await anext(watch)).status == health_pb2.HealthCheckResponse.NOT_SERVING
                assert await CatalogServiceStub(channel).GetProduct(GetProductRequest(product_id="mug"))
                await asyncio.to_thread(wait_until, lambda: not listens(server))
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    async with grpc.aio.insecure_channel(server.address) as another:
                        await OrderServiceStub(another).CreateOrder(new_order())
                assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
                assert not first.done()
                await blocker.rollback()
                created = [await first]
                for answer in await asyncio.gather(*more, return_exceptions=True):
                    if isinstance(answer, grpc.aio.AioRpcError):
                        # Too late. CANCELLED is gRPC's own word for a call that met the stop halfway.
                        assert answer.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
                    else:
                        created.append(answer)
                rest = [page async for page in pages]
                listed += [order for page in rest for order in page.orders]
                assert rest[-1].complete
                assert len({order.order_id for order in listed}) == 3000
            assert server.process.wait(300) == 0
            assert "Traceback" not in server.log.read_text()
        with serving(data_dir) as again, again.stubs() as (stored, _):
            for order in created:
                assert stored.GetOrder(GetOrderRequest(order_id=order.order_id)) == order


def listens(server: Server) -> bool:
    host, _, port = server.address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def waiting_for_locks(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'orders'"
        ((count,),) = connection.execute(query).fetchall()
    return int(count)


class TestWhatIsWrong:
    """Each is one line that says what to do, and no traceback."""

    def test_port_taken(self, server: Server, folder: Path) -> None:
        _, _, port = server.address.partition(":")
        line = only_line(orders("serve", "--port", port, "--data-dir", folder / "unused"))
        assert f"cannot listen on {server.address}: Address already in use" in line
        assert "--port" in line
        assert not (folder / "unused").exists()

    def test_host_that_is_not_ours(self) -> None:
        assert "--host" in only_line(orders("serve", "--host", "192.0.2.1", "--port", 0))

    @pytest.mark.parametrize("command", ["serve", "verify"])
    def test_database_out_of_reach(self, command: str) -> None:
        line = only_line(orders(command, env=ANY_PORT | {"ORDERS_DATABASE_URL": CLOSED}))
        assert "Connection refused" in line
        assert "check ORDERS_DATABASE_URL" in line

    def test_database_that_is_not_there(self, server: Server) -> None:
        url = server.url.replace("/postgres?", "/nowhere?")
        line = only_line(orders("serve", "--port", 0, "--database-url", url))
        assert 'database "nowhere" does not exist; check ORDERS_DATABASE_URL' in line

    def test_database_without_schema(self, server: Server) -> None:
        url = server.database("empty")
        for command in ("serve", "rebuild"):
            line = only_line(orders(command, env=ANY_PORT | {"ORDERS_DATABASE_URL": url}))
            assert line == "orders: the database has no schema yet; run `orders migrate`"

    def test_database_of_a_newer_program(self, server: Server) -> None:
        url = server.database("newer")
        assert orders("migrate", "--database-url", url).code == 0
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        line = only_line(orders("serve", "--port", 0, "--database-url", url))
        assert "the database's schema is 9999" in line
        assert "run a newer program" in line
        line = only_line(orders("migrate", "--database-url", url))
        assert "9999" in line
        assert "run a newer program" in line

    def test_data_folder_below_a_file(self, folder: Path) -> None:
        (folder / "file").touch()
        line = only_line(orders("serve", "--data-dir", folder / "file" / "sub", env=ANY_PORT))
        assert "Not a directory; set ORDERS_DATA_DIR" in line

    def test_data_folder_with_a_space(self, folder: Path) -> None:
        line = only_line(orders("migrate", "--data-dir", folder / "my data"))
        assert "spaces" in line
        assert "set ORDERS_DATA_DIR" in line

    def test_data_folder_of_another_version_of_postgres(self, server: Server) -> None:
        line = only_line(orders("serve", "--port", 0, "--data-dir", server.data_dir, "--postgres-version", 16))
        assert "expecting version 16 but found version 18" in line

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("ORDERS_PORT", "abc", "ORDERS_PORT (--port): Input should be a valid integer"),
            ("ORDERS_PORT", "65536", "ORDERS_PORT (--port): Input should be less than or equal to 65535"),
            ("ORDERS_POSTGRES_VERSION", "17", "ORDERS_POSTGRES_VERSION (--postgres-version): Input should be 18 or 16"),
            ("ORDERS_LOG_LEVEL", "loud", "ORDERS_LOG_LEVEL (--log-level): String should match pattern"),
            ("ORDERS_CONFIG", "missing.toml", "there is no settings file missing.toml"),
            ("ORDERS_PROT", "1", "there is no setting ORDERS_PROT; did you mean ORDERS_PORT?"),
            ("ORDERS_DATABASE_URL", f"jane:{SECRET}", "Input should be postgresql://"),
            ("ORDERS_DATABASE_URL", f"mysql://jane:{SECRET}@host/db", "Input should be postgresql://"),
            # An @ or a slash that is not escaped would make a host of half the password, for all to see.
            ("ORDERS_DATABASE_URL", f"postgresql://jane:p@{SECRET}@host/db", "%40"),
            ("ORDERS_DATABASE_URL", f"postgresql://jane:{SECRET}/p@host/db", "%2F"),
        ],
    )
    def test_variable(self, name: str, value: str, says: str) -> None:
        assert says in only_line(orders("serve", env={name: value}))

    @pytest.mark.parametrize("rest", ["@[::1/db", "@127.0.0.1:1/db?no_such_option=1"])
    def test_url_that_only_the_driver_finds_wrong(self, rest: str) -> None:
        line = only_line(orders("migrate", "--database-url", f"postgresql://jane:{SECRET}{rest}"))
        assert line == "orders: ORDERS_DATABASE_URL cannot be read; write postgresql://user:password@host:port/name"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("prot = 1", "there is no setting prot"),
            ("port = ", "Invalid value"),
            ('port = "x"', "ORDERS_PORT (--port): Input should be a valid integer"),
            ("host = '\udcff'", "utf-8"),
        ],
    )
    def test_file(self, text: str, says: str, tmp_path: Path) -> None:
        file = tmp_path / "orders.toml"
        file.write_bytes(text.encode(errors="surrogateescape"))
        line = only_line(orders("serve", "--config", file))
        assert says in line
        assert str(file) in line or "ORDERS_PORT" in line

    def test_flags_that_make_no_sense_are_a_matter_of_usage(self) -> None:
        for arguments in (["serve", "--port", "abc"], ["serve", "--no-such-flag"], ["no-such-command"]):
            finished = orders(*arguments)
            assert finished.code == 2
            assert "Usage: orders" in finished.err
            assert "Traceback" not in finished.err


class TestYourOwnPostgres:
    def test_it_is_served_once_migrated_and_gets_no_demo(self, server: Server, folder: Path) -> None:
        url = as_serving_role(server.migrated("own")).replace("@", f":{SECRET}@", 1)
        env = {"ORDERS_DATABASE_URL": url, "ORDERS_LOG_LEVEL": "debug"}
        with serving(folder / "no-data", env=env) as own, own.stubs() as (_, catalog):
            assert "stored in your PostgreSQL" in own.welcome
            assert not catalog.ListProducts(ListProductsRequest()).products
            assert own.stop() == 0
            # Not even the most talkative log tells the password.
            log = own.log.read_text()
            assert "stopping" in log
            assert SECRET not in own.welcome + log
        assert not (folder / "no-data").exists()
        assert server.postgres_runs


class TestSettings:
    def test_flags_win_over_variables_and_variables_over_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "orders.toml"
        file.write_text('port = 1\nhost = "file"\npool_size = 11\ndemo = false\n')
        env = {"ORDERS_CONFIG": str(file), "ORDERS_PORT": "2", "ORDERS_HOST": "variable"}
        shown = settings_of(orders("config", "--port", 3, "--reflection", env=env))
        assert shown["ORDERS_PORT"] == "3"
        assert shown["ORDERS_HOST"] == "variable"
        assert shown["ORDERS_POOL_SIZE"] == "11"
        assert shown["ORDERS_DEMO"] == "False"
        assert shown["ORDERS_MAX_BATCH"] == str(Settings.model_fields["max_batch"].default)

    def test_the_flag_for_the_file_wins_over_its_variable(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text("port = 1")
        (tmp_path / "b.toml").write_text("port = 2")
        shown = settings_of(orders("config", "--config", "b.toml", env={"ORDERS_CONFIG": "a.toml"}, cwd=tmp_path))
        assert shown["ORDERS_PORT"] == "2"

    def test_config_shows_every_setting_and_no_secret(self) -> None:
        finished = orders("config", env={"ORDERS_DATABASE_URL": CLOSED})
        assert finished.code == 0
        assert SECRET not in finished.out + finished.err
        shown = settings_of(finished)
        assert list(shown) == [f"ORDERS_{name.upper()}" for name in Settings.model_fields]
        assert shown["ORDERS_DATABASE_URL"]


def settings_of(finished: Finished) -> dict[str, str]:
    assert finished.code == 0, finished
    return dict(line.split("=", 1) for line in finished.out.splitlines())


class TestHelp:
    def test_version_names_the_program_and_its_schema(self) -> None:
        assert re.fullmatch(r"orders \d+\.\d+\.\d+, schema \d{4}\n", orders("version").out)

    def test_version_is_a_flag_too(self) -> None:
        assert orders("--version") == orders("version")

    @pytest.mark.parametrize(
        ("typed", "found"), [("orders imp", "import"), ("orders serve --metrics-p", "--metrics-port")]
    )
    def test_a_shell_completes_commands_and_flags(self, typed: str, found: str) -> None:
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
        assert orders(env=words | {"_ORDERS_COMPLETE": "complete_bash"}).out.split() == [found]

    def test_ctrl_c_while_modules_load_prints_nothing(self) -> None:
        """Python says on stderr which module it has loaded."""
        command = [sys.executable, "-X", "importtime", "-c", "from server.cli.entry import main; main()", "serve"]
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
        assert process.stderr
        for line in process.stderr:
            if line.endswith(" typer\n"):
                process.send_signal(signal.SIGINT)
                break
        assert not [line for line in process.stderr if not line.startswith("import time:")]
        assert process.wait(300) == -signal.SIGINT

    def test_every_command_says_what_it_does_and_what_each_of_its_options_means(self) -> None:
        program = orders("--help")
        commands = re.findall(r"^  ([\w-]+)  +\S", program.out.partition("Commands:")[2], re.MULTILINE)
        assert set(commands) == {
            *("serve", "migrate", "keys", "import", "export", "verify", "rebuild", "healthcheck", "config", "version"),
            *("protos", "gateway", "show", "top", "work", "webhooks", "watch", "report", "packing-slip"),
        }
        for command in commands:
            shown = orders(command, "--help", env={"COLUMNS": "200"})
            assert shown.code == 0
            options = re.findall(r"^  -", shown.out, re.MULTILINE)
            explained = re.findall(r"^  -.*?(?:  |\n {20}) *\S", shown.out, re.MULTILINE)
            assert len(explained) == len(options), shown.out
            if command in ("serve", "config"):
                flags = {"--" + name.replace("_", "-") for name in Settings.model_fields}
                assert all(flag in shown.out for flag in flags)

    def test_without_a_command_it_shows_its_help(self) -> None:
        finished = orders()
        assert finished.code == 2
        assert "Commands:" in finished.out + finished.err


def test_the_environment_of_these_tests_has_no_settings() -> None:
    assert not [name for name in environment() if name.startswith("ORDERS_")]
