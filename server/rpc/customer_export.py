"""ExportCustomer: a customer's data as JSON Lines."""

import json

from google.protobuf.json_format import MessageToDict
from orders.v1.customer_service_pb2 import ExportCustomerRequest, ExportCustomerResponse

from server.rpc.endpoint import Call
from server.storage.read.customer_data import CustomerDataRepository, Exported

# Characters of a message, unless one line has more.
_AT_ONCE = 1 << 16


async def export(data: CustomerDataRepository, request: ExportCustomerRequest, call: Call) -> None:
    """Writes the lines in messages of a bounded size. Reads more only after a message is accepted."""
    lines: list[str] = []
    size = 0
    async for exported in data.read(request.customer_id):
        lines.append(_line(exported))
        size += len(lines[-1])
        if size >= _AT_ONCE:
            await call.check_caller()
            await call.write(ExportCustomerResponse(lines="".join(lines)).SerializeToString())
            lines, size = [], 0
    await call.write(ExportCustomerResponse(lines="".join(lines), complete=True).SerializeToString())


def _line(exported: Exported) -> str:
    return (
        json.dumps({exported.kind: MessageToDict(exported.message)}, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
