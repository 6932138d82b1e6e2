"""docs/service-config.json, the gRPC service config for clients: the methods that gRPC may retry automatically."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto
from orders.v1 import access_pb2

from tools.reference.protos import PACKAGE, Method, Source, methods, services

# If the server sends RetryInfo, its delay, which is also in grpc-retry-pushback-ms, replaces the backoff. A stopping server answers
# calls that it has not started with CANCELLED.
RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
}


def render(sources: Sequence[Source]) -> str:
    """Returns the file. gRPC cannot see whether a request has a request_id, so it retries no method that writes."""
    reads = list(_reads(sources))
    config = {
        # A server that is about to stop turns NOT_SERVING first: a client that watches its health sends it no more calls.
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [
            {"name": _names(reads, streams=False), "timeout": "10s", "retryPolicy": RETRY_POLICY},
            {"name": _names(reads, streams=True), "timeout": "600s", "retryPolicy": RETRY_POLICY},
            {"name": [{"service": f"{PACKAGE}.{service.name}"} for service in services(sources)], "timeout": "30s"},
        ],
    }
    return json.dumps(config, indent=2) + "\n"


def _reads(sources: Sequence[Source]) -> Iterator[Method]:
    messages = [message for source in sources for message in source.file.message_type]
    with_request_id = {_full_name(each) for each in messages if any(field.name == "request_id" for field in each.field)}
    # Batches of such requests.
    with_request_id |= {
        _full_name(each)
        for each in messages
        if any(field.name == "requests" and field.type_name in with_request_id for field in each.field)
    }
    for method in methods(sources):
        is_write = method.access.method_class == access_pb2.METHOD_CLASS_WRITE
        if not is_write and method.descriptor.input_type not in with_request_id:
            yield method


def _full_name(message: DescriptorProto) -> str:
    return f".{PACKAGE}.{message.name}"


def _names(reads: Sequence[Method], *, streams: bool) -> list[dict[str, Any]]:
    return [
        {"service": f"{PACKAGE}.{method.service}", "method": method.name}
        for method in reads
        if method.descriptor.server_streaming == streams
    ]
