"""ListProducts with `stock_below`: the products of which little is left, looked for page by page."""

from orders.v1.catalog_service_pb2 import ListProductsRequest, ListProductsResponse, Product

from server.domain.base import page_tokens as tokens
from server.rpc.paging import fitting, key_in
from server.storage.read.catalog import CatalogRepository

_DEFAULT_SIZE = 100
# The products that one statement reads, and the most statements of a call.
_AT_ONCE, _MOST_READS = 1_000, 10


async def list_low_stock(catalog: CatalogRepository, request: ListProductsRequest) -> ListProductsResponse:
    """The page that a request asks for."""
    query, below = ListProductsRequest(stock_below=request.stock_below), request.stock_below
    size = request.page_size or _DEFAULT_SIZE
    after = key_in(request.page_token, query, str) if request.page_token else ""
    found: list[Product] = []
    for _ in range(_MOST_READS):
        products = await catalog.page(after=after, limit=_AT_ONCE)
        found += (product for product in products if _is_low(product, below))
        after = products[-1].product_id if products else ""
        if not after or len(found) > size:
            break
    page = fitting(Product, (product.SerializeToString() for product in found[:size]))
    response = ListProductsResponse(products=map(Product.FromString, page))
    if len(page) < len(found):
        after = found[len(page) - 1].product_id
    if after:
        response.next_page_token = tokens.encode(query, [after])
    return response


def _is_low(product: Product, below: int) -> bool:
    if product.variants:
        return any(variant.stock < below for variant in product.variants)
    return bool(product.stock < below)
