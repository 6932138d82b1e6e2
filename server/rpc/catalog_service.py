"""orders.v1.CatalogService."""

from orders.v1.catalog_service_pb2 import (
    Coupon,
    DeliveryZone,
    GetCouponRequest,
    GetDeliveryZoneRequest,
    GetProductRequest,
    ListCouponsRequest,
    ListCouponsResponse,
    ListDeliveryZonesRequest,
    ListDeliveryZonesResponse,
    ListProductsRequest,
    ListProductsResponse,
    ListStockAdjustmentsRequest,
    ListStockAdjustmentsResponse,
    ListStockMovementsRequest,
    ListStockMovementsResponse,
    Product,
)

from server.rpc.endpoint import Call
from server.rpc.low_stock import list_low_stock
from server.rpc.paging import read_page
from server.rpc.stock_movements import list_movements
from server.storage.read.catalog import CatalogRepository
from server.storage.read.stock_movements import StockMovementRepository


class CatalogServicer:
    """Each method makes one call and returns."""

    def __init__(self, *, catalog: CatalogRepository, movements: StockMovementRepository) -> None:
        self._catalog, self._movements = catalog, movements

    async def GetProduct(self, request: GetProductRequest, call: Call) -> Product:
        return await self._catalog.get(request.product_id)

    async def ListProducts(self, request: ListProductsRequest, call: Call) -> bytes | ListProductsResponse:
        if request.HasField("stock_below"):
            return await list_low_stock(self._catalog, request)
        return await read_page(
            request,
            ListProductsRequest(),
            ListProductsResponse(),
            first="",
            read=lambda after, limit: self._catalog.page(after=after, limit=limit),
            key_of=lambda product: str(product.product_id),
        )

    async def ListStockAdjustments(self, request: ListStockAdjustmentsRequest, call: Call) -> bytes:
        return await read_page(
            request,
            ListStockAdjustmentsRequest(product_id=request.product_id),
            ListStockAdjustmentsResponse(),
            first=0,
            read=lambda before, limit: self._catalog.adjustments(request.product_id, before=before, limit=limit),
            key_of=lambda adjustment: int(adjustment.adjustment_id),
        )

    async def ListStockMovements(self, request: ListStockMovementsRequest, call: Call) -> ListStockMovementsResponse:
        return await list_movements(self._movements, request)

    async def GetCoupon(self, request: GetCouponRequest, call: Call) -> Coupon:
        return await self._catalog.coupon(request.code)

    async def ListCoupons(self, request: ListCouponsRequest, call: Call) -> bytes:
        return await read_page(
            request,
            ListCouponsRequest(),
            ListCouponsResponse(),
            first="",
            read=lambda after, limit: self._catalog.coupons(after=after, limit=limit),
            key_of=lambda coupon: str(coupon.code),
        )

    async def GetDeliveryZone(self, request: GetDeliveryZoneRequest, call: Call) -> DeliveryZone:
        return await self._catalog.zone(request.zone_id)

    async def ListDeliveryZones(self, request: ListDeliveryZonesRequest, call: Call) -> bytes:
        return await read_page(
            request,
            ListDeliveryZonesRequest(),
            ListDeliveryZonesResponse(),
            first="",
            read=lambda after, limit: self._catalog.zones(after=after, limit=limit),
            key_of=lambda zone: str(zone.zone_id),
        )
