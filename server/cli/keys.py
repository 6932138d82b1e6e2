"""`orders keys`: creates and changes API keys directly in the database, which is how the first key is created."""

import getpass
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from server.cli.options import DATABASE, Failure, database, with_settings
from server.config import Settings
from server.runtime import interrupts

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from orders.v1.api_key_service_pb2 import ApiKey

    from server.domain.base.errors import Refusal
    from server.storage.database import Database

Result = TypeVar("Result")

keys = typer.Typer(
    name="keys",
    help="Create, list, rotate and revoke API keys. Works directly on the database; servers apply changes within seconds.",
    no_args_is_help=True,
)

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="Key id, as printed by `orders keys list`.")]

_ROLES = ("customer", "fulfilment", "payment", "admin")


@keys.command()
@with_settings(*DATABASE)
def create(
    *,
    settings: Settings,
    owner: Annotated[str, typer.Option("--owner", help="Owner of the key: a team or a person.")],
    role: Annotated[list[str], typer.Option("--role", help=f"Role of the caller: {', '.join(_ROLES)}. Repeatable.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="Scope, such as orders.read; `all` for every scope. Repeatable."),
    ],
    description: Annotated[str, typer.Option("--description", help="Purpose of the key.")] = "",
    customer_id: Annotated[str, typer.Option("--customer-id", help="Customer id, for the role customer.")] = "",
    certificate_name: Annotated[
        str, typer.Option("--certificate-name", help="Name of a client certificate to accept instead of a key.")
    ] = "",
    expires_in_days: Annotated[
        int, typer.Option("--expires-in-days", min=0, help="Days until it expires; 0 for never.")
    ] = 0,
) -> None:
    """Create a key and print it, once: only its hash is stored."""
    from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest

    wished = ApiKey(
        owner=owner,
        roles=map(_role, role),
        scopes=_scopes(scope),
        description=description,
        customer_id=customer_id,
        certificate_name=certificate_name,
    )
    if expires_in_days:
        wished.expire_time.FromDatetime(datetime.now(UTC) + timedelta(days=expires_in_days))
    made = _execute(settings, CreateApiKeyRequest(api_key=wished))
    print(made.key or f"the certificate {made.certificate_name} is accepted as key {made.key_id}")


@keys.command("list")
@with_settings(*DATABASE)
def list_(
    *,
    settings: Settings,
    unused_days: Annotated[
        int, typer.Option("--unused-days", min=0, help="Only valid keys that were not used for this number of days.")
    ] = 0,
) -> None:
    """List keys with their roles, scopes, expiry, last use, creator and description."""
    from rich.console import Console
    from rich.table import Table

    names = ("key id", "owner", "roles", "scopes", "customer or certificate", "state", "last used", "creator")
    table = Table(*names, "description", box=None)
    for api_key in _on_database(settings, _all):
        if not unused_days or _is_unused(api_key, timedelta(days=unused_days)):
            table.add_row(*_columns(api_key))
    Console(width=None if Console().is_terminal else 250).print(table)


def _is_unused(api_key: "ApiKey", time: timedelta) -> bool:
    """Whether a valid key was neither created nor used within a period."""
    last = api_key.last_use_time if api_key.HasField("last_use_time") else api_key.create_time
    return _state(api_key).startswith("valid") and datetime.now(UTC) - last.ToDatetime(UTC) >= time


@keys.command()
@with_settings(*DATABASE)
def rotate(
    key_id: KeyId,
    *,
    settings: Settings,
    overlap_hours: Annotated[
        float, typer.Option("--overlap-hours", min=0, max=720, help="Hours that the old text stays valid.")
    ] = 24.0,
) -> None:
    """Give a key a new text and print it. The old text stays valid for the overlap, so that callers can switch."""
    from orders.v1.api_key_service_pb2 import RotateApiKeyRequest

    request = RotateApiKeyRequest(key_id=key_id, overlap=timedelta(hours=overlap_hours))
    print(_execute(settings, request).key)


@keys.command()
@with_settings(*DATABASE)
def revoke(key_id: KeyId, *, settings: Settings) -> None:
    """Revoke a key permanently."""
    from orders.v1.api_key_service_pb2 import RevokeApiKeyRequest

    revoked = _execute(settings, RevokeApiKeyRequest(key_id=key_id))
    print(f"{revoked.key_id} is revoked; servers refuse it within seconds")


def _execute(settings: Settings, request: "Message") -> "ApiKey":
    """Executes an operation on the database, as a server does, and returns the resulting key."""
    from orders.v1.api_key_service_pb2 import ApiKey

    from server.domain.base.caller import Caller, Role
    from server.domain.operations import Command
    from server.rpc.validation import violations_of
    from server.storage.write.writer import Writer

    _check(request)
    command = Command(request, Caller(_actor(), frozenset({Role.ADMIN})))

    async def work(connections: "Database") -> ApiKey:
        writer = Writer(connections, validate=violations_of)
        try:
            return ApiKey.FromString((await writer.execute(command)).body)
        finally:
            await writer.drain()

    return _on_database(settings, work)


def _on_database(settings: Settings, work: "Callable[[Database], Awaitable[Result]]") -> Result:
    from server.domain.base.errors import Refusal
    from server.runtime.preflight import bring_up_to_date, check_schema
    from server.storage.database import Database

    async def run(url: str) -> Result:
        connections = Database(url, timeout=settings.database_timeout, pool_size=4)
        await connections.open()
        try:
            return await work(connections)
        finally:
            await connections.close()

    with database(settings) as url:
        if settings.database_url is None:
            bring_up_to_date(url)
        check_schema(url)
        try:
            return interrupts.run(run(url))
        except Refusal as error:
            raise _failure(error) from error


async def _all(connections: "Database") -> "list[ApiKey]":
    from server.storage.read.api_keys import ApiKeyRepository

    repository = ApiKeyRepository(connections)
    found: list[ApiKey] = []
    while page := await repository.page(after=found[-1].key_id if found else "", limit=1000):
        found += page
    return found


def _actor() -> str:
    """The user of the command as in the audit log; `cli` if the user has no name, for example in a container."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def _role(name: str) -> str:
    if name not in _ROLES:
        raise Failure(f"--role {name}: choose from {', '.join(_ROLES)}")
    return f"ROLE_{name.upper()}"


def _scopes(names: Iterable[str]) -> list[str]:
    from server.domain.base.caller import SCOPES

    wanted = sorted(SCOPES) if "all" in names else list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in SCOPES]:
        raise Failure(f"--scope {unknown[0]}: choose from {', '.join(sorted(SCOPES))}, all")
    return [f"SCOPE_{name.upper().replace('.', '_')}" for name in wanted]


def _check(request: "Message") -> None:
    from server.domain.base.errors import Refusal
    from server.rpc.validation import check

    try:
        check(request, request.SerializeToString())
    except Refusal as error:
        raise _failure(error) from error


def _failure(error: "Refusal") -> Failure:
    # The key's fields are flags here.
    return Failure(error.message.replace("api_key.", ""))


def _columns(api_key: "ApiKey") -> list[str]:
    from server.domain.base.caller import role_of, scope_name

    return [
        api_key.key_id,
        api_key.owner,
        ", ".join(map(role_of, api_key.roles)),
        ", ".join(map(scope_name, api_key.scopes)),
        api_key.customer_id or api_key.certificate_name,
        _state(api_key),
        _time(api_key, "last_use_time") or "never",
        api_key.creator,
        api_key.description,
    ]


def _state(api_key: "ApiKey") -> str:
    if api_key.HasField("revoke_time"):
        return f"revoked {_time(api_key, 'revoke_time')}"
    if not api_key.HasField("expire_time"):
        return "valid"
    passed = api_key.expire_time.ToDatetime(UTC) <= datetime.now(UTC)
    return f"{'expired' if passed else 'valid until'} {_time(api_key, 'expire_time')}"


def _time(api_key: "ApiKey", field: str) -> str:
    return f"{getattr(api_key, field).ToDatetime():%Y-%m-%d %H:%M}" if api_key.HasField(field) else ""
