"""The types of the methods. Generated from the protos by `make proto`."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf import empty_pb2
from orders.v1 import accounting_pb2
from orders.v1 import api_key_service_pb2
from orders.v1 import audit_service_pb2
from orders.v1 import cart_service_pb2
from orders.v1 import catalog_service_pb2
from orders.v1 import consumer_service_pb2
from orders.v1 import customer_service_pb2
from orders.v1 import fulfilment_queue_pb2
from orders.v1 import fulfilment_service_pb2
from orders.v1 import invoice_pb2
from orders.v1 import order_pb2
from orders.v1 import order_change_pb2
from orders.v1 import order_return_pb2
from orders.v1 import order_service_pb2
from orders.v1 import server_service_pb2
from orders.v1 import webhook_service_pb2

Request_contra = TypeVar("Request_contra", contravariant=True)
Response_co = TypeVar("Response_co", covariant=True)
Metadata = Sequence[tuple[str, str]]


class Unary(Protocol[Request_contra, Response_co]):
    """A method with one response."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Response_co: ...


class Streaming(Protocol[Request_contra, Response_co]):
    """A method with a stream of responses."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Iterator[Response_co]: ...


class AsyncUnary(Protocol[Request_contra, Response_co]):
    """A method with one response."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Awaitable[Response_co]: ...


class AsyncStreaming(Protocol[Request_contra, Response_co]):
    """A method with a stream of responses."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> AsyncIterator[Response_co]: ...


class OrderService(Protocol):
    """The methods of orders.v1.OrderService."""

    CreateOrder: Unary[order_service_pb2.CreateOrderRequest, order_pb2.Order]
    PriceOrder: Unary[order_service_pb2.PriceOrderRequest, order_service_pb2.PriceOrderResponse]
    GetOrder: Unary[order_service_pb2.GetOrderRequest, order_pb2.Order]
    BatchGetOrders: Unary[order_service_pb2.BatchGetOrdersRequest, order_service_pb2.BatchGetOrdersResponse]
    ListOrders: Streaming[order_service_pb2.ListOrdersRequest, order_service_pb2.ListOrdersResponse]
    SearchOrders: Unary[order_service_pb2.SearchOrdersRequest, order_service_pb2.SearchOrdersResponse]
    UpdateOrder: Unary[order_service_pb2.UpdateOrderRequest, order_pb2.Order]
    TransitionOrder: Unary[order_service_pb2.TransitionOrderRequest, order_pb2.Order]
    CancelOrder: Unary[order_service_pb2.CancelOrderRequest, order_pb2.Order]
    CancelOrderLines: Unary[order_service_pb2.CancelOrderLinesRequest, order_pb2.Order]
    TrackOrder: Unary[order_service_pb2.TrackOrderRequest, order_pb2.Tracking]
    RecordTrackingEvent: Unary[order_service_pb2.RecordTrackingEventRequest, order_pb2.Tracking]
    BatchUpsertOrders: Unary[order_service_pb2.BatchUpsertOrdersRequest, order_service_pb2.BatchUpsertOrdersResponse]
    BatchCreateOrders: Unary[order_service_pb2.BatchCreateOrdersRequest, order_service_pb2.BatchCreateOrdersResponse]
    BatchTransitionOrders: Unary[order_service_pb2.BatchTransitionOrdersRequest, order_service_pb2.BatchTransitionOrdersResponse]
    BatchCancelOrders: Unary[order_service_pb2.BatchCancelOrdersRequest, order_service_pb2.BatchCancelOrdersResponse]
    SummarizeOrders: Unary[order_service_pb2.SummarizeOrdersRequest, order_service_pb2.SummarizeOrdersResponse]
    RecordPayment: Unary[order_service_pb2.RecordPaymentRequest, order_pb2.Order]
    RefundOrder: Unary[order_service_pb2.RefundOrderRequest, order_pb2.Order]
    CapturePayment: Unary[order_service_pb2.CapturePaymentRequest, order_pb2.Order]
    VoidPayment: Unary[order_service_pb2.VoidPaymentRequest, order_pb2.Order]
    GetInvoice: Unary[order_service_pb2.GetInvoiceRequest, invoice_pb2.Invoice]
    ListInvoices: Unary[accounting_pb2.ListInvoicesRequest, accounting_pb2.ListInvoicesResponse]
    ListPayments: Unary[accounting_pb2.ListPaymentsRequest, accounting_pb2.ListPaymentsResponse]
    ListRefunds: Unary[accounting_pb2.ListRefundsRequest, accounting_pb2.ListRefundsResponse]
    ReorderOrder: Unary[order_service_pb2.ReorderOrderRequest, cart_service_pb2.Cart]
    ExplainOrder: Unary[order_service_pb2.ExplainOrderRequest, order_service_pb2.ExplainOrderResponse]
    ExplainPrice: Unary[order_service_pb2.ExplainPriceRequest, order_service_pb2.ExplainPriceResponse]
    ListOrderEvents: Unary[order_service_pb2.ListOrderEventsRequest, order_service_pb2.ListOrderEventsResponse]
    WatchOrders: Streaming[order_service_pb2.WatchOrdersRequest, order_service_pb2.WatchOrdersResponse]
    ListOrderChanges: Unary[order_service_pb2.ListOrderChangesRequest, order_service_pb2.ListOrderChangesResponse]
    WaitOrder: Unary[order_change_pb2.WaitOrderRequest, order_change_pb2.WaitOrderResponse]
    ReconcileOrders: Streaming[Iterator[order_service_pb2.ReconcileOrdersRequest], order_service_pb2.ReconcileOrdersResponse]
    DiffOrder: Unary[order_service_pb2.DiffOrderRequest, order_service_pb2.DiffOrderResponse]
    GetRequest: Unary[order_service_pb2.GetRequestRequest, order_service_pb2.GetRequestResponse]


class AsyncOrderService(Protocol):
    """The methods of orders.v1.OrderService."""

    CreateOrder: AsyncUnary[order_service_pb2.CreateOrderRequest, order_pb2.Order]
    PriceOrder: AsyncUnary[order_service_pb2.PriceOrderRequest, order_service_pb2.PriceOrderResponse]
    GetOrder: AsyncUnary[order_service_pb2.GetOrderRequest, order_pb2.Order]
    BatchGetOrders: AsyncUnary[order_service_pb2.BatchGetOrdersRequest, order_service_pb2.BatchGetOrdersResponse]
    ListOrders: AsyncStreaming[order_service_pb2.ListOrdersRequest, order_service_pb2.ListOrdersResponse]
    SearchOrders: AsyncUnary[order_service_pb2.SearchOrdersRequest, order_service_pb2.SearchOrdersResponse]
    UpdateOrder: AsyncUnary[order_service_pb2.UpdateOrderRequest, order_pb2.Order]
    TransitionOrder: AsyncUnary[order_service_pb2.TransitionOrderRequest, order_pb2.Order]
    CancelOrder: AsyncUnary[order_service_pb2.CancelOrderRequest, order_pb2.Order]
    CancelOrderLines: AsyncUnary[order_service_pb2.CancelOrderLinesRequest, order_pb2.Order]
    TrackOrder: AsyncUnary[order_service_pb2.TrackOrderRequest, order_pb2.Tracking]
    RecordTrackingEvent: AsyncUnary[order_service_pb2.RecordTrackingEventRequest, order_pb2.Tracking]
    BatchUpsertOrders: AsyncUnary[order_service_pb2.BatchUpsertOrdersRequest, order_service_pb2.BatchUpsertOrdersResponse]
    BatchCreateOrders: AsyncUnary[order_service_pb2.BatchCreateOrdersRequest, order_service_pb2.BatchCreateOrdersResponse]
    BatchTransitionOrders: AsyncUnary[order_service_pb2.BatchTransitionOrdersRequest, order_service_pb2.BatchTransitionOrdersResponse]
    BatchCancelOrders: AsyncUnary[order_service_pb2.BatchCancelOrdersRequest, order_service_pb2.BatchCancelOrdersResponse]
    SummarizeOrders: AsyncUnary[order_service_pb2.SummarizeOrdersRequest, order_service_pb2.SummarizeOrdersResponse]
    RecordPayment: AsyncUnary[order_service_pb2.RecordPaymentRequest, order_pb2.Order]
    RefundOrder: AsyncUnary[order_service_pb2.RefundOrderRequest, order_pb2.Order]
    CapturePayment: AsyncUnary[order_service_pb2.CapturePaymentRequest, order_pb2.Order]
    VoidPayment: AsyncUnary[order_service_pb2.VoidPaymentRequest, order_pb2.Order]
    GetInvoice: AsyncUnary[order_service_pb2.GetInvoiceRequest, invoice_pb2.Invoice]
    ListInvoices: AsyncUnary[accounting_pb2.ListInvoicesRequest, accounting_pb2.ListInvoicesResponse]
    ListPayments: AsyncUnary[accounting_pb2.ListPaymentsRequest, accounting_pb2.ListPaymentsResponse]
    ListRefunds: AsyncUnary[accounting_pb2.ListRefundsRequest, accounting_pb2.ListRefundsResponse]
    ReorderOrder: AsyncUnary[order_service_pb2.ReorderOrderRequest, cart_service_pb2.Cart]
    ExplainOrder: AsyncUnary[order_service_pb2.ExplainOrderRequest, order_service_pb2.ExplainOrderResponse]
    ExplainPrice: AsyncUnary[order_service_pb2.ExplainPriceRequest, order_service_pb2.ExplainPriceResponse]
    ListOrderEvents: AsyncUnary[order_service_pb2.ListOrderEventsRequest, order_service_pb2.ListOrderEventsResponse]
    WatchOrders: AsyncStreaming[order_service_pb2.WatchOrdersRequest, order_service_pb2.WatchOrdersResponse]
    ListOrderChanges: AsyncUnary[order_service_pb2.ListOrderChangesRequest, order_service_pb2.ListOrderChangesResponse]
    WaitOrder: AsyncUnary[order_change_pb2.WaitOrderRequest, order_change_pb2.WaitOrderResponse]
    ReconcileOrders: AsyncStreaming[AsyncIterator[order_service_pb2.ReconcileOrdersRequest], order_service_pb2.ReconcileOrdersResponse]
    DiffOrder: AsyncUnary[order_service_pb2.DiffOrderRequest, order_service_pb2.DiffOrderResponse]
    GetRequest: AsyncUnary[order_service_pb2.GetRequestRequest, order_service_pb2.GetRequestResponse]


class CatalogService(Protocol):
    """The methods of orders.v1.CatalogService."""

    BatchUpsertProducts: Unary[catalog_service_pb2.BatchUpsertProductsRequest, catalog_service_pb2.BatchUpsertProductsResponse]
    GetProduct: Unary[catalog_service_pb2.GetProductRequest, catalog_service_pb2.Product]
    ListProducts: Unary[catalog_service_pb2.ListProductsRequest, catalog_service_pb2.ListProductsResponse]
    AdjustStock: Unary[catalog_service_pb2.AdjustStockRequest, catalog_service_pb2.Product]
    ListStockAdjustments: Unary[catalog_service_pb2.ListStockAdjustmentsRequest, catalog_service_pb2.ListStockAdjustmentsResponse]
    ListStockMovements: Unary[catalog_service_pb2.ListStockMovementsRequest, catalog_service_pb2.ListStockMovementsResponse]
    BatchUpsertCoupons: Unary[catalog_service_pb2.BatchUpsertCouponsRequest, catalog_service_pb2.BatchUpsertCouponsResponse]
    GetCoupon: Unary[catalog_service_pb2.GetCouponRequest, catalog_service_pb2.Coupon]
    ListCoupons: Unary[catalog_service_pb2.ListCouponsRequest, catalog_service_pb2.ListCouponsResponse]
    BatchUpsertDeliveryZones: Unary[catalog_service_pb2.BatchUpsertDeliveryZonesRequest, catalog_service_pb2.BatchUpsertDeliveryZonesResponse]
    GetDeliveryZone: Unary[catalog_service_pb2.GetDeliveryZoneRequest, catalog_service_pb2.DeliveryZone]
    ListDeliveryZones: Unary[catalog_service_pb2.ListDeliveryZonesRequest, catalog_service_pb2.ListDeliveryZonesResponse]
    DeleteDeliveryZone: Unary[catalog_service_pb2.DeleteDeliveryZoneRequest, catalog_service_pb2.DeliveryZone]


class AsyncCatalogService(Protocol):
    """The methods of orders.v1.CatalogService."""

    BatchUpsertProducts: AsyncUnary[catalog_service_pb2.BatchUpsertProductsRequest, catalog_service_pb2.BatchUpsertProductsResponse]
    GetProduct: AsyncUnary[catalog_service_pb2.GetProductRequest, catalog_service_pb2.Product]
    ListProducts: AsyncUnary[catalog_service_pb2.ListProductsRequest, catalog_service_pb2.ListProductsResponse]
    AdjustStock: AsyncUnary[catalog_service_pb2.AdjustStockRequest, catalog_service_pb2.Product]
    ListStockAdjustments: AsyncUnary[catalog_service_pb2.ListStockAdjustmentsRequest, catalog_service_pb2.ListStockAdjustmentsResponse]
    ListStockMovements: AsyncUnary[catalog_service_pb2.ListStockMovementsRequest, catalog_service_pb2.ListStockMovementsResponse]
    BatchUpsertCoupons: AsyncUnary[catalog_service_pb2.BatchUpsertCouponsRequest, catalog_service_pb2.BatchUpsertCouponsResponse]
    GetCoupon: AsyncUnary[catalog_service_pb2.GetCouponRequest, catalog_service_pb2.Coupon]
    ListCoupons: AsyncUnary[catalog_service_pb2.ListCouponsRequest, catalog_service_pb2.ListCouponsResponse]
    BatchUpsertDeliveryZones: AsyncUnary[catalog_service_pb2.BatchUpsertDeliveryZonesRequest, catalog_service_pb2.BatchUpsertDeliveryZonesResponse]
    GetDeliveryZone: AsyncUnary[catalog_service_pb2.GetDeliveryZoneRequest, catalog_service_pb2.DeliveryZone]
    ListDeliveryZones: AsyncUnary[catalog_service_pb2.ListDeliveryZonesRequest, catalog_service_pb2.ListDeliveryZonesResponse]
    DeleteDeliveryZone: AsyncUnary[catalog_service_pb2.DeleteDeliveryZoneRequest, catalog_service_pb2.DeliveryZone]


class CartService(Protocol):
    """The methods of orders.v1.CartService."""

    GetCart: Unary[cart_service_pb2.GetCartRequest, cart_service_pb2.Cart]
    ListCarts: Unary[cart_service_pb2.ListCartsRequest, cart_service_pb2.ListCartsResponse]
    AddCartItem: Unary[cart_service_pb2.AddCartItemRequest, cart_service_pb2.Cart]
    UpdateCartItem: Unary[cart_service_pb2.UpdateCartItemRequest, cart_service_pb2.Cart]
    RemoveCartItem: Unary[cart_service_pb2.RemoveCartItemRequest, cart_service_pb2.Cart]
    ClearCart: Unary[cart_service_pb2.ClearCartRequest, cart_service_pb2.Cart]


class AsyncCartService(Protocol):
    """The methods of orders.v1.CartService."""

    GetCart: AsyncUnary[cart_service_pb2.GetCartRequest, cart_service_pb2.Cart]
    ListCarts: AsyncUnary[cart_service_pb2.ListCartsRequest, cart_service_pb2.ListCartsResponse]
    AddCartItem: AsyncUnary[cart_service_pb2.AddCartItemRequest, cart_service_pb2.Cart]
    UpdateCartItem: AsyncUnary[cart_service_pb2.UpdateCartItemRequest, cart_service_pb2.Cart]
    RemoveCartItem: AsyncUnary[cart_service_pb2.RemoveCartItemRequest, cart_service_pb2.Cart]
    ClearCart: AsyncUnary[cart_service_pb2.ClearCartRequest, cart_service_pb2.Cart]


class CustomerService(Protocol):
    """The methods of orders.v1.CustomerService."""

    GetCustomer: Unary[customer_service_pb2.GetCustomerRequest, customer_service_pb2.CustomerAccount]
    ListCustomers: Unary[customer_service_pb2.ListCustomersRequest, customer_service_pb2.ListCustomersResponse]
    SearchCustomers: Unary[customer_service_pb2.SearchCustomersRequest, customer_service_pb2.SearchCustomersResponse]
    UpsertCustomer: Unary[customer_service_pb2.UpsertCustomerRequest, customer_service_pb2.CustomerAccount]
    UpsertAddress: Unary[customer_service_pb2.UpsertAddressRequest, order_pb2.Address]
    DeleteAddress: Unary[customer_service_pb2.DeleteAddressRequest, customer_service_pb2.CustomerAccount]
    UpsertPaymentMethod: Unary[customer_service_pb2.UpsertPaymentMethodRequest, customer_service_pb2.SavedPaymentMethod]
    DeletePaymentMethod: Unary[customer_service_pb2.DeletePaymentMethodRequest, customer_service_pb2.CustomerAccount]
    AdjustPoints: Unary[customer_service_pb2.AdjustPointsRequest, customer_service_pb2.PointsEntry]
    ListPointsEntries: Unary[customer_service_pb2.ListPointsEntriesRequest, customer_service_pb2.ListPointsEntriesResponse]
    EraseCustomer: Unary[customer_service_pb2.EraseCustomerRequest, customer_service_pb2.EraseCustomerResponse]
    ExportCustomer: Streaming[customer_service_pb2.ExportCustomerRequest, customer_service_pb2.ExportCustomerResponse]


class AsyncCustomerService(Protocol):
    """The methods of orders.v1.CustomerService."""

    GetCustomer: AsyncUnary[customer_service_pb2.GetCustomerRequest, customer_service_pb2.CustomerAccount]
    ListCustomers: AsyncUnary[customer_service_pb2.ListCustomersRequest, customer_service_pb2.ListCustomersResponse]
    SearchCustomers: AsyncUnary[customer_service_pb2.SearchCustomersRequest, customer_service_pb2.SearchCustomersResponse]
    UpsertCustomer: AsyncUnary[customer_service_pb2.UpsertCustomerRequest, customer_service_pb2.CustomerAccount]
    UpsertAddress: AsyncUnary[customer_service_pb2.UpsertAddressRequest, order_pb2.Address]
    DeleteAddress: AsyncUnary[customer_service_pb2.DeleteAddressRequest, customer_service_pb2.CustomerAccount]
    UpsertPaymentMethod: AsyncUnary[customer_service_pb2.UpsertPaymentMethodRequest, customer_service_pb2.SavedPaymentMethod]
    DeletePaymentMethod: AsyncUnary[customer_service_pb2.DeletePaymentMethodRequest, customer_service_pb2.CustomerAccount]
    AdjustPoints: AsyncUnary[customer_service_pb2.AdjustPointsRequest, customer_service_pb2.PointsEntry]
    ListPointsEntries: AsyncUnary[customer_service_pb2.ListPointsEntriesRequest, customer_service_pb2.ListPointsEntriesResponse]
    EraseCustomer: AsyncUnary[customer_service_pb2.EraseCustomerRequest, customer_service_pb2.EraseCustomerResponse]
    ExportCustomer: AsyncStreaming[customer_service_pb2.ExportCustomerRequest, customer_service_pb2.ExportCustomerResponse]


class FulfilmentService(Protocol):
    """The methods of orders.v1.FulfilmentService."""

    CreateShipment: Unary[fulfilment_service_pb2.CreateShipmentRequest, order_pb2.Order]
    UpdateShipment: Unary[fulfilment_service_pb2.UpdateShipmentRequest, order_pb2.Order]
    CancelShipment: Unary[fulfilment_service_pb2.CancelShipmentRequest, order_pb2.Order]
    GetPackingSlip: Unary[fulfilment_service_pb2.GetPackingSlipRequest, fulfilment_service_pb2.PackingSlip]
    HoldOrder: Unary[fulfilment_service_pb2.HoldOrderRequest, order_pb2.Order]
    ReleaseHold: Unary[fulfilment_service_pb2.ReleaseHoldRequest, order_pb2.Order]
    RequestReturn: Unary[order_return_pb2.RequestReturnRequest, order_pb2.Order]
    DecideReturn: Unary[order_return_pb2.DecideReturnRequest, order_pb2.Order]
    ReceiveReturn: Unary[order_return_pb2.ReceiveReturnRequest, order_pb2.Order]
    CloseReturn: Unary[order_return_pb2.CloseReturnRequest, order_pb2.Order]
    RateItem: Unary[order_return_pb2.RateItemRequest, order_pb2.Order]
    RequestInstallation: Unary[fulfilment_service_pb2.RequestInstallationRequest, order_pb2.Order]
    ClaimFulfilments: Unary[fulfilment_queue_pb2.ClaimFulfilmentsRequest, fulfilment_queue_pb2.ClaimFulfilmentsResponse]
    ExtendFulfilment: Unary[fulfilment_queue_pb2.ExtendFulfilmentRequest, fulfilment_queue_pb2.Fulfilment]
    CompleteFulfilment: Unary[fulfilment_queue_pb2.CompleteFulfilmentRequest, order_pb2.Order]
    GiveBackFulfilment: Unary[fulfilment_queue_pb2.GiveBackFulfilmentRequest, order_pb2.Order]
    ListFulfilments: Unary[fulfilment_queue_pb2.ListFulfilmentsRequest, fulfilment_queue_pb2.ListFulfilmentsResponse]


class AsyncFulfilmentService(Protocol):
    """The methods of orders.v1.FulfilmentService."""

    CreateShipment: AsyncUnary[fulfilment_service_pb2.CreateShipmentRequest, order_pb2.Order]
    UpdateShipment: AsyncUnary[fulfilment_service_pb2.UpdateShipmentRequest, order_pb2.Order]
    CancelShipment: AsyncUnary[fulfilment_service_pb2.CancelShipmentRequest, order_pb2.Order]
    GetPackingSlip: AsyncUnary[fulfilment_service_pb2.GetPackingSlipRequest, fulfilment_service_pb2.PackingSlip]
    HoldOrder: AsyncUnary[fulfilment_service_pb2.HoldOrderRequest, order_pb2.Order]
    ReleaseHold: AsyncUnary[fulfilment_service_pb2.ReleaseHoldRequest, order_pb2.Order]
    RequestReturn: AsyncUnary[order_return_pb2.RequestReturnRequest, order_pb2.Order]
    DecideReturn: AsyncUnary[order_return_pb2.DecideReturnRequest, order_pb2.Order]
    ReceiveReturn: AsyncUnary[order_return_pb2.ReceiveReturnRequest, order_pb2.Order]
    CloseReturn: AsyncUnary[order_return_pb2.CloseReturnRequest, order_pb2.Order]
    RateItem: AsyncUnary[order_return_pb2.RateItemRequest, order_pb2.Order]
    RequestInstallation: AsyncUnary[fulfilment_service_pb2.RequestInstallationRequest, order_pb2.Order]
    ClaimFulfilments: AsyncUnary[fulfilment_queue_pb2.ClaimFulfilmentsRequest, fulfilment_queue_pb2.ClaimFulfilmentsResponse]
    ExtendFulfilment: AsyncUnary[fulfilment_queue_pb2.ExtendFulfilmentRequest, fulfilment_queue_pb2.Fulfilment]
    CompleteFulfilment: AsyncUnary[fulfilment_queue_pb2.CompleteFulfilmentRequest, order_pb2.Order]
    GiveBackFulfilment: AsyncUnary[fulfilment_queue_pb2.GiveBackFulfilmentRequest, order_pb2.Order]
    ListFulfilments: AsyncUnary[fulfilment_queue_pb2.ListFulfilmentsRequest, fulfilment_queue_pb2.ListFulfilmentsResponse]


class ApiKeyService(Protocol):
    """The methods of orders.v1.ApiKeyService."""

    CreateApiKey: Unary[api_key_service_pb2.CreateApiKeyRequest, api_key_service_pb2.ApiKey]
    GetApiKey: Unary[api_key_service_pb2.GetApiKeyRequest, api_key_service_pb2.ApiKey]
    ListApiKeys: Unary[api_key_service_pb2.ListApiKeysRequest, api_key_service_pb2.ListApiKeysResponse]
    RotateApiKey: Unary[api_key_service_pb2.RotateApiKeyRequest, api_key_service_pb2.ApiKey]
    RevokeApiKey: Unary[api_key_service_pb2.RevokeApiKeyRequest, api_key_service_pb2.ApiKey]


class AsyncApiKeyService(Protocol):
    """The methods of orders.v1.ApiKeyService."""

    CreateApiKey: AsyncUnary[api_key_service_pb2.CreateApiKeyRequest, api_key_service_pb2.ApiKey]
    GetApiKey: AsyncUnary[api_key_service_pb2.GetApiKeyRequest, api_key_service_pb2.ApiKey]
    ListApiKeys: AsyncUnary[api_key_service_pb2.ListApiKeysRequest, api_key_service_pb2.ListApiKeysResponse]
    RotateApiKey: AsyncUnary[api_key_service_pb2.RotateApiKeyRequest, api_key_service_pb2.ApiKey]
    RevokeApiKey: AsyncUnary[api_key_service_pb2.RevokeApiKeyRequest, api_key_service_pb2.ApiKey]


class ConsumerService(Protocol):
    """The methods of orders.v1.ConsumerService."""

    UpsertConsumer: Unary[consumer_service_pb2.UpsertConsumerRequest, consumer_service_pb2.Consumer]
    GetConsumer: Unary[consumer_service_pb2.GetConsumerRequest, consumer_service_pb2.Consumer]
    ListConsumers: Unary[consumer_service_pb2.ListConsumersRequest, consumer_service_pb2.ListConsumersResponse]
    DeleteConsumer: Unary[consumer_service_pb2.DeleteConsumerRequest, empty_pb2.Empty]
    AckConsumer: Unary[consumer_service_pb2.AckConsumerRequest, consumer_service_pb2.Consumer]
    SeekConsumer: Unary[consumer_service_pb2.SeekConsumerRequest, consumer_service_pb2.Consumer]


class AsyncConsumerService(Protocol):
    """The methods of orders.v1.ConsumerService."""

    UpsertConsumer: AsyncUnary[consumer_service_pb2.UpsertConsumerRequest, consumer_service_pb2.Consumer]
    GetConsumer: AsyncUnary[consumer_service_pb2.GetConsumerRequest, consumer_service_pb2.Consumer]
    ListConsumers: AsyncUnary[consumer_service_pb2.ListConsumersRequest, consumer_service_pb2.ListConsumersResponse]
    DeleteConsumer: AsyncUnary[consumer_service_pb2.DeleteConsumerRequest, empty_pb2.Empty]
    AckConsumer: AsyncUnary[consumer_service_pb2.AckConsumerRequest, consumer_service_pb2.Consumer]
    SeekConsumer: AsyncUnary[consumer_service_pb2.SeekConsumerRequest, consumer_service_pb2.Consumer]


class WebhookService(Protocol):
    """The methods of orders.v1.WebhookService."""

    CreateWebhookEndpoint: Unary[webhook_service_pb2.CreateWebhookEndpointRequest, webhook_service_pb2.CreateWebhookEndpointResponse]
    GetWebhookEndpoint: Unary[webhook_service_pb2.GetWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    ListWebhookEndpoints: Unary[webhook_service_pb2.ListWebhookEndpointsRequest, webhook_service_pb2.ListWebhookEndpointsResponse]
    UpdateWebhookEndpoint: Unary[webhook_service_pb2.UpdateWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    DeleteWebhookEndpoint: Unary[webhook_service_pb2.DeleteWebhookEndpointRequest, empty_pb2.Empty]
    RotateWebhookSecret: Unary[webhook_service_pb2.RotateWebhookSecretRequest, webhook_service_pb2.RotateWebhookSecretResponse]
    EnableWebhookEndpoint: Unary[webhook_service_pb2.EnableWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    DisableWebhookEndpoint: Unary[webhook_service_pb2.DisableWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    TestWebhookEndpoint: Unary[webhook_service_pb2.TestWebhookEndpointRequest, webhook_service_pb2.WebhookDelivery]
    ListWebhookDeliveries: Unary[webhook_service_pb2.ListWebhookDeliveriesRequest, webhook_service_pb2.ListWebhookDeliveriesResponse]
    GetWebhookDelivery: Unary[webhook_service_pb2.GetWebhookDeliveryRequest, webhook_service_pb2.WebhookDelivery]
    ResendWebhookDelivery: Unary[webhook_service_pb2.ResendWebhookDeliveryRequest, webhook_service_pb2.WebhookDelivery]
    RecoverWebhookEndpoint: Unary[webhook_service_pb2.RecoverWebhookEndpointRequest, webhook_service_pb2.RecoverWebhookEndpointResponse]


class AsyncWebhookService(Protocol):
    """The methods of orders.v1.WebhookService."""

    CreateWebhookEndpoint: AsyncUnary[webhook_service_pb2.CreateWebhookEndpointRequest, webhook_service_pb2.CreateWebhookEndpointResponse]
    GetWebhookEndpoint: AsyncUnary[webhook_service_pb2.GetWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    ListWebhookEndpoints: AsyncUnary[webhook_service_pb2.ListWebhookEndpointsRequest, webhook_service_pb2.ListWebhookEndpointsResponse]
    UpdateWebhookEndpoint: AsyncUnary[webhook_service_pb2.UpdateWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    DeleteWebhookEndpoint: AsyncUnary[webhook_service_pb2.DeleteWebhookEndpointRequest, empty_pb2.Empty]
    RotateWebhookSecret: AsyncUnary[webhook_service_pb2.RotateWebhookSecretRequest, webhook_service_pb2.RotateWebhookSecretResponse]
    EnableWebhookEndpoint: AsyncUnary[webhook_service_pb2.EnableWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    DisableWebhookEndpoint: AsyncUnary[webhook_service_pb2.DisableWebhookEndpointRequest, webhook_service_pb2.WebhookEndpoint]
    TestWebhookEndpoint: AsyncUnary[webhook_service_pb2.TestWebhookEndpointRequest, webhook_service_pb2.WebhookDelivery]
    ListWebhookDeliveries: AsyncUnary[webhook_service_pb2.ListWebhookDeliveriesRequest, webhook_service_pb2.ListWebhookDeliveriesResponse]
    GetWebhookDelivery: AsyncUnary[webhook_service_pb2.GetWebhookDeliveryRequest, webhook_service_pb2.WebhookDelivery]
    ResendWebhookDelivery: AsyncUnary[webhook_service_pb2.ResendWebhookDeliveryRequest, webhook_service_pb2.WebhookDelivery]
    RecoverWebhookEndpoint: AsyncUnary[webhook_service_pb2.RecoverWebhookEndpointRequest, webhook_service_pb2.RecoverWebhookEndpointResponse]


class ServerService(Protocol):
    """The methods of orders.v1.ServerService."""

    GetServerInfo: Unary[server_service_pb2.GetServerInfoRequest, server_service_pb2.ServerInfo]
    ListServers: Unary[server_service_pb2.ListServersRequest, server_service_pb2.ListServersResponse]
    ListRefusedCalls: Unary[server_service_pb2.ListRefusedCallsRequest, server_service_pb2.ListRefusedCallsResponse]
    ListSlowCalls: Unary[server_service_pb2.ListSlowCallsRequest, server_service_pb2.ListSlowCallsResponse]
    WhoAmI: Unary[server_service_pb2.WhoAmIRequest, server_service_pb2.CallerInfo]
    SetLogLevel: Unary[server_service_pb2.SetLogLevelRequest, server_service_pb2.LogLevelOverride]


class AsyncServerService(Protocol):
    """The methods of orders.v1.ServerService."""

    GetServerInfo: AsyncUnary[server_service_pb2.GetServerInfoRequest, server_service_pb2.ServerInfo]
    ListServers: AsyncUnary[server_service_pb2.ListServersRequest, server_service_pb2.ListServersResponse]
    ListRefusedCalls: AsyncUnary[server_service_pb2.ListRefusedCallsRequest, server_service_pb2.ListRefusedCallsResponse]
    ListSlowCalls: AsyncUnary[server_service_pb2.ListSlowCallsRequest, server_service_pb2.ListSlowCallsResponse]
    WhoAmI: AsyncUnary[server_service_pb2.WhoAmIRequest, server_service_pb2.CallerInfo]
    SetLogLevel: AsyncUnary[server_service_pb2.SetLogLevelRequest, server_service_pb2.LogLevelOverride]


class AuditService(Protocol):
    """The methods of orders.v1.AuditService."""

    ListAuditEvents: Unary[audit_service_pb2.ListAuditEventsRequest, audit_service_pb2.ListAuditEventsResponse]


class AsyncAuditService(Protocol):
    """The methods of orders.v1.AuditService."""

    ListAuditEvents: AsyncUnary[audit_service_pb2.ListAuditEventsRequest, audit_service_pb2.ListAuditEventsResponse]



SERVICES: Mapping[str, ServiceDescriptor] = {
    "OrderService": order_service_pb2.DESCRIPTOR.services_by_name["OrderService"],
    "CatalogService": catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    "CartService": cart_service_pb2.DESCRIPTOR.services_by_name["CartService"],
    "CustomerService": customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"],
    "FulfilmentService": fulfilment_service_pb2.DESCRIPTOR.services_by_name["FulfilmentService"],
    "ApiKeyService": api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"],
    "ConsumerService": consumer_service_pb2.DESCRIPTOR.services_by_name["ConsumerService"],
    "WebhookService": webhook_service_pb2.DESCRIPTOR.services_by_name["WebhookService"],
    "ServerService": server_service_pb2.DESCRIPTOR.services_by_name["ServerService"],
    "AuditService": audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"],
}
