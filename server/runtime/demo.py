"""A small furniture shop as demo data."""

from collections.abc import Iterator, Sequence

from google.protobuf.message import Message
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import (
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeliveryMethod,
    DeliveryZone,
    Product,
    ProductVariant,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    SavedPaymentMethod,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    PAYMENT_METHOD_CREDIT_CARD,
    Address,
    Customer,
)

from server.domain.base.caller import Caller, Role
from server.domain.operations import Command
from server.storage.read.catalog import CatalogRepository
from server.storage.read.customers import CustomerRepository
from server.storage.write.writer import Writer

DEMO = Caller(subject="demo", roles=frozenset({Role.ADMIN}))

_DAY_SLOTS = ("08:00-12:00", "12:00-16:00", "16:00-20:00")
# Each spelling is a separate area, because addresses are compared with areas by their text.
_USA = ("US", "USA", "United States")


def _usd(cents: int) -> Money:
    return _money("USD", cents)


def _eur(cents: int) -> Money:
    return _money("EUR", cents)


def _money(currency: str, cents: int) -> Money:
    return Money(currency_code=currency, units=cents // 100, nanos=cents % 100 * 10_000_000)


def _product(
    product_id: str, sku: str, name: str, *, usd: int, eur: int, stock: int = 0, installation: int = 0, tax: str = ""
) -> Product:
    """A product, with prices in cents; `installation` is the installation price in cents in both currencies, if any."""
    product = Product(
        product_id=product_id,
        sku=sku,
        name=name,
        price=_usd(usd),
        prices=[_eur(eur)],
        tax_class=tax,
        image_uri=f"https://shop.example.com/images/{product_id}.jpg",
    )
    if stock:
        product.stock = stock
    if installation:
        product.requires_installation = True
        product.installation_price.CopyFrom(_usd(installation))
        product.installation_prices.append(_eur(installation))
    return product


def _add_variant(product: Product, variant_id: str, attribute: str, *, stock: int, usd: int = 0, eur: int = 0) -> None:
    """Adds a variant that differs in one attribute, optionally with its own prices."""
    name = variant_id.replace("x", " × ") if variant_id[0].isdigit() else variant_id.capitalize()
    variant = ProductVariant(
        variant_id=variant_id,
        sku=f"{product.sku}-{variant_id.upper()}",
        name=name,
        stock=stock,
        attributes={attribute: name},
    )
    if usd:
        variant.price.CopyFrom(_usd(usd))
        variant.prices.append(_eur(eur))
    product.variants.append(variant)


def demo_products() -> list[Product]:
    """Products with and without variants and installation, and food, which has a reduced tax."""
    sofa = _product("sofa", "SOFA-3", "Three-seat sofa", usd=125_000, eur=114_900, installation=10_000)
    _add_variant(sofa, "blue", "color", stock=12)
    _add_variant(sofa, "leather", "material", stock=3, usd=165_000, eur=151_900)
    armchair = _product("armchair", "CHAIR-1", "Armchair", usd=42_000, eur=38_900)
    for color in ("green", "grey", "mustard"):
        _add_variant(armchair, color, "color", stock=9)
    rug = _product("rug", "RUG-W", "Wool rug", usd=24_900, eur=22_900)
    _add_variant(rug, "160x230", "size", stock=14)
    _add_variant(rug, "200x300", "size", stock=6, usd=39_900, eur=36_900)
    bed = _product("bed", "BED-O", "Oak bed", usd=79_900, eur=73_900, installation=8_000)
    _add_variant(bed, "140x200", "size", stock=5)
    _add_variant(bed, "180x200", "size", stock=4, usd=94_900, eur=87_900)
    return [
        _product("mug", "MUG-1", "Stoneware mug", usd=1_250, eur=1_190, stock=500),
        _product("lamp", "LAMP-7", "Desk lamp", usd=4_990, eur=4_590, stock=80),
        _product("desk", "DESK-2", "Oak desk", usd=38_900, eur=35_900, stock=20),
        sofa,
        armchair,
        rug,
        bed,
        _product("bookcase", "CASE-5", "Bookcase", usd=27_900, eur=25_900, stock=15, installation=4_500),
        _product("throw", "THROW-L", "Linen throw", usd=6_500, eur=5_900, stock=60),
        _product("vase", "VASE-S", "Glass vase", usd=3_400, eur=3_100, stock=40),
        _product("coffee", "COFFEE-1", "Coffee beans, 1 kg", usd=1_800, eur=1_650, stock=200, tax="reduced"),
    ]


def demo_zones() -> list[DeliveryZone]:
    """Zones for New York and the rest of the USA, where tax is added, and Germany and Austria, where prices include it."""
    new_york = DeliveryZone(
        zone_id="us-ny",
        name="New York",
        areas=[{"country": country, "state": state} for country in _USA for state in ("NY", "New York")],
        # 8.875 %, rounded to basis points. Food is exempt.
        tax_rates=[{"basis_points": 888}, {"tax_class": "reduced", "basis_points": 0}],
        shipping_tax_class="standard",
        installation_tax_class="standard",
        methods=[
            _method("standard", _usd(990), free_from=_usd(50_000), handling=1, transit=2, slots=_DAY_SLOTS),
            _method("express", _usd(2_490), handling=0, transit=1, slots=_DAY_SLOTS),
        ],
    )
    states = DeliveryZone(
        zone_id="us",
        name="United States",
        areas=[{"country": country} for country in _USA],
        methods=[
            _method("standard", _usd(1_990), free_from=_usd(100_000), handling=1, transit=5),
            _method("express", _usd(4_990), handling=0, transit=2),
        ],
    )
    germany = _european_zone("de", "Germany", ["DE", "Germany", "Deutschland"], standard=1_900, reduced=700, price=490)
    austria = _european_zone("at", "Austria", ["AT", "Austria", "Österreich"], standard=2_000, reduced=1_000, price=890)
    return [new_york, states, germany, austria]


def _european_zone(
    zone_id: str, name: str, countries: list[str], *, standard: int, reduced: int, price: int
) -> DeliveryZone:
    """A zone with included tax, its rates in basis points, and the price of standard delivery in cents."""
    return DeliveryZone(
        zone_id=zone_id,
        name=name,
        areas=[{"country": country} for country in countries],
        tax_rates=[{"basis_points": standard}, {"tax_class": "reduced", "basis_points": reduced}],
        tax_included=True,
        shipping_tax_class="standard",
        installation_tax_class="standard",
        methods=[
            _method("standard", _eur(price), free_from=_eur(10_000), handling=1, transit=3, slots=_DAY_SLOTS),
            _method("express", _eur(1_490), handling=0, transit=1, slots=_DAY_SLOTS),
        ],
    )


def _method(
    method: str, price: Money, *, handling: int, transit: int, free_from: Money | None = None, slots: Sequence[str] = ()
) -> DeliveryMethod:
    """A delivery method, with its handling and transit days."""
    return DeliveryMethod(
        method=method,
        name=f"{method.capitalize()} delivery",
        prices=[price],
        free_from=[free_from] if free_from else [],
        handling_days=handling,
        transit_days=transit,
        time_slots=slots,
    )


def demo_coupons() -> list[Coupon]:
    """A percentage once per customer, an amount off large orders, and a percentage off some products."""
    return [
        Coupon(
            code="WELCOME10",
            type=COUPON_TYPE_PERCENTAGE,
            basis_points=1_000,
            usage_limit_per_customer=1,
            description="10 % off, once for each customer",
        ),
        Coupon(
            code="TAKE20",
            type=COUPON_TYPE_FIXED,
            amounts=[_usd(2_000), _eur(2_000)],
            minimum_subtotals=[_usd(15_000), _eur(15_000)],
            description="20 off orders of 150 or more",
        ),
        Coupon(
            code="SOFA5",
            type=COUPON_TYPE_PERCENTAGE,
            basis_points=500,
            product_ids=["sofa", "armchair"],
            description="5 % off sofas and armchairs",
        ),
    ]


def _customer_requests(
    customer: Customer, *, address: Address, payment_method_id: str, last_four: str, token: str
) -> Iterator[Message]:
    """The requests that create a customer's account: contact, an address, and a card by its token."""
    customer_id = customer.customer_id
    address.name, address.phone = customer.name, customer.phone
    card = SavedPaymentMethod(
        payment_method_id=payment_method_id,
        type=PAYMENT_METHOD_CREDIT_CARD,
        brand="visa",
        last_four=last_four,
        provider_token=token,
        expiry_month=12,
        expiry_year=2099,
    )
    yield UpsertCustomerRequest(customer=customer)
    yield UpsertAddressRequest(customer_id=customer_id, address=address)
    yield UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=card)


def demo_customers() -> Iterator[Message]:
    """Jane, who has a valid card and points, and Omar, whose card is declined."""
    yield from _customer_requests(
        Customer(customer_id="jane", name="Jane Doe", email="jane@example.com", phone="+1 212 555 0100"),
        address=Address(
            address_id="home", street="123 Main St", city="New York", state="NY", postal_code="10001", country="US"
        ),
        payment_method_id="pm-visa",
        last_four="4242",
        token="tok_visa",
    )
    yield from _customer_requests(
        Customer(customer_id="omar", name="Omar Haddad", email="omar@example.com", phone="+49 30 5550100"),
        address=Address(address_id="home", street="Torstr. 101", city="Berlin", postal_code="10119", country="DE"),
        payment_method_id="pm-declined",
        last_four="0002",
        token="tok_decline_card_blocked",
    )
    yield AdjustPointsRequest(customer_id="jane", delta=500, reason="welcome gift", request_id="demo-points")


async def load_demo_shop(catalog: CatalogRepository, writer: Writer) -> None:
    """Stores the demo shop, if the catalogue is empty."""
    if not await catalog.is_empty():
        return
    requests = [
        BatchUpsertDeliveryZonesRequest(zones=demo_zones()),
        BatchUpsertCouponsRequest(coupons=demo_coupons()),
        *demo_customers(),
        # Last: after an interruption, the catalogue is still empty, so the next start stores everything.
        BatchUpsertProductsRequest(products=demo_products()),
    ]
    for request in requests:
        await writer.execute(Command(request, DEMO))


async def has_demo_shop(customers: CustomerRepository) -> bool:
    """Whether the database has the shop that the printed commands use."""
    account = await customers.account("jane")
    return any(address.address_id == "home" for address in account.addresses)
