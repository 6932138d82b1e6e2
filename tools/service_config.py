"""Writes docs/service-config.json, the gRPC service config for clients: which methods gRPC may retry without asking."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto
from orders.v1 import access_pb2

ROOT = Path(__file__).parent.parent
PACKAGE = "orders.v1"

# Where the server sends RetryInfo, its delay replaces the backoff: it is in grpc-retry-pushback-ms too. A server that stops answers
# calls that it has not begun with CANCELLED.
RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
}


def config(descriptors: FileDescriptorSet) -> dict[str, Any]:
    """The config. gRPC does not see whether a request has a request_id, so it retries no method that writes."""
    reads = list(_reads(descriptors))
    unary, streams = ([name for name, is_stream in reads if is_stream == wanted] for wanted in (False, True))
    services = [{"service": name} for name in _services(descriptors)]
    return {
        # A server that is about to stop turns NOT_SERVING first: a client that watches its health sends it no more calls.
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [
            {"name": unary, "timeout": "10s", "retryPolicy": RETRY_POLICY},
            {"name": streams, "timeout": "600s", "retryPolicy": RETRY_POLICY},
            {"name": services, "timeout": "30s"},
        ],
    }


def _services(descriptors: FileDescriptorSet) -> list[str]:
    return sorted(
        f"{PACKAGE}.{service.name}" for file in descriptors.file if file.package == PACKAGE for service in file.service
    )


def _reads(descriptors: FileDescriptorSet) -> Iterator[tuple[dict[str, str], bool]]:
    """The methods that read, by name, and whether each is a stream."""
    files = [file for file in descriptors.file if file.package == PACKAGE]
    fields = {
        f".{PACKAGE}.{message.name}": {field.name for field in message.field}
        for file in files
        for message in file.message_type
    }
    for service in sorted((service for file in files for service in file.service), key=lambda each: each.name):
        for method in service.method:
            if _reads_only(method) and "request_id" not in fields[method.input_type]:
                yield {"service": f"{PACKAGE}.{service.name}", "method": method.name}, method.server_streaming


def _reads_only(method: MethodDescriptorProto) -> bool:
    access = method.options.Extensions[access_pb2.access]
    return bool(access.method_class != access_pb2.METHOD_CLASS_WRITE)


def main(out: Path) -> None:
    descriptors = FileDescriptorSet.FromString((ROOT / "generated" / "orders.binpb").read_bytes())
    out.write_text(json.dumps(config(descriptors), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "service-config.json")
