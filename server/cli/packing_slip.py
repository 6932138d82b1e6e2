"""`orders packing-slip`: writes the packing slip of a shipment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.client import run, with_client
from server.cli.options import Failure

if TYPE_CHECKING:
    from orders.v1.fulfilment_service_pb2 import PackingSlip

    from server.transfer.client import Client


@with_client
def packing_slip(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Order id or number, such as ORD-2026-000001.")],
    shipment: Annotated[
        str, typer.Argument(metavar="[SHIPMENT]", help="Shipment id. [default: the order's only shipment]")
    ] = "",
    *,
    client: "Client",
    output: Annotated[Path | None, typer.Option("--output", help="File to write. [default: standard output]")] = None,
) -> None:
    """Write the packing slip of a shipment as an HTML page, which a browser prints or saves as PDF."""
    from server.views.packing_slip import as_html

    page = as_html(run(client, _load(client, order, shipment)))
    if output is None:
        print(page, end="")
    else:
        output.write_text(page, encoding="utf-8")


async def _load(client: "Client", order: str, shipment: str) -> "PackingSlip":
    from server.views.packing_slip import load

    async with client.channel() as channel:
        try:
            return await load(channel, order, shipment, metadata=client.metadata)
        except ValueError as error:
            raise Failure(str(error)) from error
