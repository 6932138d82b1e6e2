"""orders.v1.CartService."""

from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)

from server.rpc.endpoint import Call
from server.rpc.writes import execute
from server.storage.write.writer import Writer


class CartServicer:
    """Each method is a command: looking at a cart prices it, as changing it does."""

    def __init__(self, *, writer: Writer) -> None:
        self._writer = writer

    async def GetCart(self, request: GetCartRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def AddCartItem(self, request: AddCartItemRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def UpdateCartItem(self, request: UpdateCartItemRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def RemoveCartItem(self, request: RemoveCartItemRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def ClearCart(self, request: ClearCartRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)
