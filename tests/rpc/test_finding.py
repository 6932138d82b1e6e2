"""Customers found by their contact, carts by product and age, and the movements of a product's stock."""

from datetime import UTC, datetime, timedelta

import pytest
from orders.v1.cart_service_pb2 import AddCartItemRequest, ListCartsRequest
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    ListProductsRequest,
    ListStockMovementsRequest,
    StockMovement,
)
from orders.v1.customer_service_pb2 import (
    EraseCustomerRequest,
    ListCustomersRequest,
    SearchCustomersRequest,
    UpsertCustomerRequest,
)
from orders.v1.order_service_pb2 import CancelOrderRequest

from tests.conftest import Service, refused
from tests.shop import new_order, usd

ADA = {"customer_id": "ada", "name": "Ada  Byron", "email": "Ada@Example.com", "phone": "+44 20 7946-0018"}


async def found(service: Service, **contact: str) -> list[str]:
    answer = await service.customers.SearchCustomers(SearchCustomersRequest(**contact))
    return [account.customer.customer_id for account in answer.customers]


async def test_customers_are_found_by_email_phone_and_name(service: Service) -> None:
    await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=ADA))
    assert await found(service, email="ada@example.com ") == ["ada"]
    assert await found(service, phone="0044 20 79460018") == ["ada"]
    assert await found(service, name="byron") == ["ada"]
    assert await found(service, name="ada byron", email="else@example.com") == []
    assert (await refused(service.customers.SearchCustomers(SearchCustomersRequest()))).fields.keys() == {"email"}
    listed = (await service.customers.ListCustomers(ListCustomersRequest())).customers
    assert [account.customer.customer_id for account in listed] == ["ada", "jane"]


async def test_a_changed_or_erased_contact_is_not_found(service: Service) -> None:
    for email in ("old@example.com", "new@example.com"):
        customer = {"customer_id": "bob", "name": "Bob", "email": email}
        await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=customer))
    assert await found(service, email="old@example.com") == []
    assert await found(service, email="new@example.com") == ["bob"]
    await service.customers.EraseCustomer(EraseCustomerRequest(customer_id="bob"))
    assert await found(service, email="new@example.com") == []


@pytest.mark.parametrize(("product_id", "customers"), [("mug", ["cora"]), ("lamp", ["dora"]), ("", ["cora", "dora"])])
async def test_carts_are_found_by_product(service: Service, product_id: str, customers: list[str]) -> None:
    for customer_id, wanted in (("cora", "mug"), ("dora", "lamp")):
        item = AddCartItemRequest(customer_id=customer_id, product_id=wanted, quantity=1, currency_code="USD")
        await service.carts.AddCartItem(item)
    answer = await service.carts.ListCarts(ListCartsRequest(product_id=product_id))
    assert sorted(cart.customer_id for cart in answer.carts) == customers
    old = ListCartsRequest(update_time_to=datetime.now(UTC) - timedelta(hours=1))
    assert not (await service.carts.ListCarts(old)).carts


async def test_products_that_run_out_are_found(service: Service) -> None:
    chairs = {"product_id": "chair", "sku": "C", "name": "Chair", "price": usd(5)}
    variants = [{"variant_id": "red", "name": "Red", "sku": "C-R", "stock": 3}, {"variant_id": "blue", "sku": "C-B"}]
    products = [
        chairs | {"variants": [variants[0], variants[1] | {"name": "Blue", "stock": 9}]},
        chairs | {"product_id": "bench", "stock": 4},
        chairs | {"product_id": "desk"},
    ]
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=products))

    async def low(below: int, token: str = "") -> tuple[list[str], str]:
        request = ListProductsRequest(stock_below=below, page_size=2, page_token=token)
        answer = await service.catalog.ListProducts(request)
        return [product.product_id for product in answer.products], answer.next_page_token

    found, token = await low(5)
    assert found == ["bench", "chair"]
    assert await low(5, token) == (["desk"], "")
    assert await low(4) == (["chair", "desk"], "")
    assert (await refused(low(4, token))).reason == "RESUME_TOKEN_INVALID"


async def test_stock_moves_by_adjustments_and_orders(service: Service) -> None:
    await service.catalog.AdjustStock(AdjustStockRequest(product_id="lamp", delta=-7, reason="broken"))
    order = await service.orders.CreateOrder(new_order(product_id="lamp", quantity=2))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    answer = await service.catalog.ListStockMovements(ListStockMovementsRequest(product_id="lamp"))
    newest = [(each.delta, each.order_number, each.reason) for each in answer.movements[:3]]
    assert newest == [(2, order.order_number, ""), (-2, order.order_number, ""), (-7, "", "broken")]
    assert sum(each.delta for each in answer.movements) == await service.stock("lamp")


async def test_pages_of_stock_movements_have_each_once(service: Service) -> None:
    await service.catalog.AdjustStock(AdjustStockRequest(product_id="lamp", delta=3, reason="found"))
    for quantity in (1, 2, 3):
        await service.orders.CreateOrder(new_order(product_id="lamp", quantity=quantity))
    wanted = ListStockMovementsRequest(product_id="lamp")
    whole = list((await service.catalog.ListStockMovements(wanted)).movements)
    assert len(whole) > 4
    wanted.page_size = 2
    pages = list[StockMovement]()
    while True:
        page = await service.catalog.ListStockMovements(wanted)
        pages += page.movements
        assert len(page.movements) <= 2
        if not page.next_page_token:
            break
        wanted.page_token = page.next_page_token
    assert pages == whole
    wanted.product_id = "mug"
    assert (await refused(service.catalog.ListStockMovements(wanted))).reason == "RESUME_TOKEN_INVALID"
