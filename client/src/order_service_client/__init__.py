"""The client of the order service."""

from order_service_client.aio import AsyncClient
from order_service_client.client import Client
from order_service_client.errors import OrderServiceError

__all__ = ["AsyncClient", "Client", "OrderServiceError"]
