"""A small shop to try things on."""

from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, Product, ProductVariant

from server.domain.caller import Caller, Role
from server.domain.commands import Command
from server.storage.catalog import CatalogRepository
from server.storage.writer import Writer

DEMO = Caller(subject="demo", roles=frozenset({Role.ADMIN}))


def _dollars(units: int, cents: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=cents * 10_000_000)


def demo_products() -> list[Product]:
    """Products with and without variants, with and without installation."""
    sofa = Product(
        product_id="sofa",
        sku="SOFA-3",
        name="Three-seat sofa",
        price=_dollars(1250),
        requires_installation=True,
        installation_price=_dollars(100),
    )
    for colour, extra, stock in (("blue", 0, 12), ("leather", 400, 3)):
        sofa.variants.append(
            ProductVariant(
                variant_id=colour,
                sku=f"SOFA-3-{colour.upper()}",
                name=colour.capitalize(),
                price=_dollars(1250 + extra),
                stock=stock,
                attributes={"colour": colour},
            )
        )
    return [
        Product(product_id="mug", sku="MUG-1", name="Stoneware mug", price=_dollars(12, 50), stock=500),
        Product(product_id="lamp", sku="LAMP-7", name="Desk lamp", price=_dollars(49, 90), stock=80),
        Product(product_id="desk", sku="DESK-2", name="Oak desk", price=_dollars(389), stock=20),
        sofa,
    ]


async def load_demo_catalogue(catalog: CatalogRepository, writer: Writer) -> None:
    """Stores the demo products, if the catalogue is empty."""
    if await catalog.is_empty():
        request = BatchUpsertProductsRequest(products=demo_products())
        await writer.execute(Command(request, DEMO))
