"""orders.v1.ApiKeyService."""

from orders.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    GetApiKeyRequest,
    ListApiKeysRequest,
    ListApiKeysResponse,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)

from server.domain.access.api_keys import DEFAULT_OVERLAP
from server.identity.issuer import KeyIssuer
from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.storage.read.api_keys import ApiKeyRepository


class ApiKeyServicer:
    """Each method makes one call and returns."""

    def __init__(self, *, issuer: KeyIssuer, api_keys: ApiKeyRepository) -> None:
        self._issuer, self._api_keys = issuer, api_keys

    async def CreateApiKey(self, request: CreateApiKeyRequest, call: Call) -> ApiKey:
        return await self._issuer.create(request.api_key, creator=call.caller.subject)

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

    async def RotateApiKey(self, request: RotateApiKeyRequest, call: Call) -> ApiKey:
        overlap = request.overlap.ToTimedelta() if request.HasField("overlap") else DEFAULT_OVERLAP
        return await self._issuer.rotate(request.key_id, overlap=overlap)

    async def RevokeApiKey(self, request: RevokeApiKeyRequest, call: Call) -> ApiKey:
        return await self._issuer.revoke(request.key_id, revoker=call.caller.subject)
