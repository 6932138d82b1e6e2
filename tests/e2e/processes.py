"""Real processes for the tests: the `orders` command of this environment, run as a person would run it."""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import grpc
import psycopg
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.storage import embedded
from tests.conftest import SERVING_ROLE, create_serving_role

ORDERS = Path(sys.executable).with_name("orders")
ROOT = Path(__file__).parents[2]
CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 64 << 20)]


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str


def environment(**variables: str) -> dict[str, str]:
    """This environment without any setting of the program but these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ORDERS_")} | variables


def start(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, **options: object
) -> subprocess.Popen[str]:
    """Starts `orders` with these arguments, away from the repository."""
    return subprocess.Popen(
        [ORDERS, *map(str, arguments)],
        cwd=cwd or tempfile.gettempdir(),
        env=environment(**(env or {})),
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,  # type: ignore[call-overload]
    )


def orders(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
) -> Finished:
    """Runs `orders` to its end."""
    process = start(*arguments, cwd=cwd, env=env, stdin=subprocess.PIPE)
    try:
        out, err = process.communicate(stdin, timeout=300)
    finally:
        process.kill()
    return Finished(process.returncode, out, err)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], *, seconds: float = 300.0) -> None:
    """Looks again and again whether something holds that another process brings about."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it does not come about")
        time.sleep(0.01)


@dataclass(frozen=True)
class Server:
    """A running `orders serve`."""

    process: subprocess.Popen[str]
    data_dir: Path
    address: str
    welcome: str
    log: Path

    @property
    def url(self) -> str:
        """The embedded database."""
        socket_dir = (self.data_dir / "postmaster.pid").read_text().splitlines()[4]
        return f"postgresql://postgres@/postgres?host={quote(socket_dir)}"

    def database(self, name: str) -> str:
        """The URL of a new, empty database beside the server's own, as its owner."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url.replace("/postgres?", f"/{name}?")

    def migrated(self, name: str) -> str:
        """The URL of a new, migrated database, as its owner; SERVING_ROLE may serve from it."""
        if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{SERVING_ROLE}'"):
            create_serving_role(self.url)
        url = self.database(name)
        migrated = orders("migrate", "--database-url", url, "--grant-to", SERVING_ROLE)
        assert re.fullmatch(r"the schema is at \d{4}, it was empty\n", migrated.out), migrated
        return url

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Runs a statement in the database behind the server's back; returns the rows, if it gives any."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self, number: signal.Signals = signal.SIGTERM, *, whole_group: bool = False) -> int:
        """Signals the server, or its process group as a terminal does, and returns its exit code."""
        (os.killpg if whole_group else os.kill)(self.process.pid, number)
        return self.process.wait(300)

    @property
    def postgres_runs(self) -> bool:
        return (self.data_dir / "postmaster.pid").exists()

    @contextmanager
    def stubs(self) -> Iterator[tuple[OrderServiceStub, CatalogServiceStub]]:
        """Blocking stubs on a channel of their own."""
        with grpc.insecure_channel(self.address, options=CHANNEL_OPTIONS) as channel:
            yield OrderServiceStub(channel), CatalogServiceStub(channel)


@cache
def _initialized() -> Path:
    """A data folder on which no server has been yet, for copies."""
    folder = Path(tempfile.mkdtemp(prefix="orders-e2e-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    embedded.start(folder / "data").stop()
    return folder / "data"


@contextmanager
def serving(data_dir: Path, *flags: object, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """An `orders serve` on the embedded PostgreSQL of a folder, once it has said that it is ready."""
    if not data_dir.exists() and "ORDERS_DATABASE_URL" not in (env or {}):
        # What initdb would create, in a tenth of its time.
        subprocess.run(["cp", "-a", _initialized(), data_dir], check=True)
    log = data_dir.with_name(data_dir.name + ".log")
    with log.open("a") as stderr:
        arguments = ["serve", "--data-dir", data_dir, *flags]
        arguments += [
            *([] if "--port" in flags else ["--port", 0]),
            *([] if "--drain-delay" in flags else ["--drain-delay", 0]),
        ]
        process = subprocess.Popen(
            [ORDERS, *map(str, arguments)],
            cwd=data_dir.parent,
            env=environment(**(env or {})),
            text=True,
            stdout=subprocess.PIPE,
            stderr=stderr,
            process_group=0,
        )
    try:
        welcome = _read_welcome(process)
        said = re.search(r"Serving orders on (\S+),", welcome)
        assert said, f"no welcome: {welcome}\n{log.read_text()}"
        yield Server(process, data_dir, said[1], welcome, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(300)


def _read_welcome(process: subprocess.Popen[str]) -> str:
    """Everything that the server says, up to how to stop it."""
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.endswith("Stop with Ctrl-C.\n"):
            break
    return "".join(lines)


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="orders-e2e-"))
    path.chmod(0o755)  # PostgreSQL does not run as root, and has to get at its data
    try:
        yield path
    finally:
        shutil.rmtree(path)
