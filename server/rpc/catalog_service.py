"""orders.v1.CatalogService."""

from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    GetProductRequest,
    ListProductsRequest,
    ListProductsResponse,
    Product,
)

from server.domain import tokens
from server.rpc.endpoint import Call
from server.rpc.writes import execute
from server.storage.catalog import CatalogRepository
from server.storage.writer import Writer


class CatalogServicer:
    """Each method makes one call and returns."""

    def __init__(self, *, writer: Writer, catalog: CatalogRepository) -> None:
        self._writer, self._catalog = writer, catalog

    async def BatchUpsertProducts(self, request: BatchUpsertProductsRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def GetProduct(self, request: GetProductRequest, call: Call) -> Product:
        return await self._catalog.get(request.product_id)

    async def ListProducts(self, request: ListProductsRequest, call: Call) -> ListProductsResponse:
        query = ListProductsRequest()
        size = request.page_size or 100
        after = ""
        if request.page_token:
            (after,) = tokens.decode(request.page_token, query, shape=(str,), field="page_token")
        found = await self._catalog.page(after=after, limit=size + 1)
        token = tokens.encode(query, [found[size - 1].product_id]) if len(found) > size else ""
        return ListProductsResponse(products=found[:size], next_page_token=token)

    async def AdjustStock(self, request: AdjustStockRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)
