"""orders.v1.CartService."""

from datetime import UTC, datetime

from orders.v1.cart_service_pb2 import Cart, ListCartsRequest, ListCartsResponse

from server.domain.base import page_tokens as tokens
from server.rpc.endpoint import Call
from server.rpc.paging import fitting
from server.storage.read.carts import FIRST, LAST, CartRepository

_DEFAULT_SIZE = 100


class CartServicer:
    """The reads of the service, which are not operations."""

    def __init__(self, *, carts: CartRepository) -> None:
        self._carts = carts

    async def ListCarts(self, request: ListCartsRequest, call: Call) -> ListCartsResponse:
        query = ListCartsRequest()
        query.CopyFrom(request)
        query.ClearField("page_size")
        query.ClearField("page_token")
        time, cart_id = _place(request, query)
        size = request.page_size or _DEFAULT_SIZE
        read = await self._carts.page(
            time=time,
            cart_id=cart_id,
            start=request.update_time_from.ToDatetime(UTC) if request.HasField("update_time_from") else FIRST,
            end=request.update_time_to.ToDatetime(UTC) if request.HasField("update_time_to") else LAST,
            product_id=request.product_id,
            limit=size + 1,
        )
        page = read[: len(fitting(Cart, (stored.cart.SerializeToString() for stored in read[:size])))]
        response = ListCartsResponse(carts=[stored.cart for stored in page if _is_wanted(stored.cart, request)])
        if len(read) > len(page):
            response.next_page_token = tokens.encode(query, [page[-1].update_time.isoformat(), page[-1].cart_id])
        return response


def _is_wanted(cart: Cart, request: ListCartsRequest) -> bool:
    if not request.product_id:
        return bool(cart.items)
    return any(item.product_id == request.product_id for item in cart.items)


def _place(request: ListCartsRequest, query: ListCartsRequest) -> tuple[datetime, str]:
    if not request.page_token:
        return FIRST, ""
    time, cart_id = tokens.decode(request.page_token, query, (str, str), field="page_token")
    try:
        return datetime.fromisoformat(time), cart_id
    except ValueError as error:
        raise tokens.token_invalid("page_token") from error
