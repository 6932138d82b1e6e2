"""orders.v1.ApiKeyService."""

from orders.v1.api_key_service_pb2 import ApiKey, GetApiKeyRequest, ListApiKeysRequest, ListApiKeysResponse

from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.storage.read.api_keys import ApiKeyRepository


class ApiKeyServicer:
    """Each method makes one call and returns."""

    def __init__(self, *, api_keys: ApiKeyRepository) -> None:
        self._api_keys = api_keys

    async def GetApiKey(self, request: GetApiKeyRequest, call: Call) -> ApiKey:
        return await self._api_keys.get(request.key_id)

    async def ListApiKeys(self, request: ListApiKeysRequest, call: Call) -> bytes:
        return await read_page(
            request,
            ListApiKeysRequest(),
            ListApiKeysResponse(),
            first="",
            read=lambda after, limit: self._api_keys.page(after=after, limit=limit),
            key_of=lambda api_key: str(api_key.key_id),
        )
