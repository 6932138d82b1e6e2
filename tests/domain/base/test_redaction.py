"""Messages without the fields that their protos mark as secret."""

from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest, ListApiKeysResponse
from orders.v1.order_pb2 import Order

from server.domain.base.redaction import without_secrets


def test_a_secret_is_cleared_in_a_copy() -> None:
    shown = ApiKey(key_id="1", key="ord_secret")
    assert without_secrets(shown) == ApiKey(key_id="1")
    assert shown.key == "ord_secret"


def test_secrets_are_cleared_in_messages_within_messages() -> None:
    request = CreateApiKeyRequest(request_id="r1", api_key={"owner": "shop", "key": "ord_secret"})
    assert without_secrets(request) == CreateApiKeyRequest(request_id="r1", api_key={"owner": "shop"})
    listed = ListApiKeysResponse(api_keys=[{"key_id": "1", "key": "ord_1"}, {"key_id": "2", "key": "ord_2"}])
    assert without_secrets(listed) == ListApiKeysResponse(api_keys=[{"key_id": "1"}, {"key_id": "2"}])


def test_a_message_whose_type_has_no_secrets_is_not_copied() -> None:
    order = Order(order_id="1")
    assert without_secrets(order) is order
