"""The options of a channel, and the methods of the services on it."""

from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

Metadata = Sequence[tuple[str, str]]

# Deadlines and the retries of reads.
SERVICE_CONFIG = files(__package__).joinpath("service_config.json").read_text(encoding="utf-8")


class Methods:
    """The methods of a service, by name."""

    def __init__(self, methods: dict[str, Callable[..., Any]]) -> None:
        self.__dict__.update(methods)


def options(given: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The options of the channel; the caller's options come last and take precedence."""
    return [
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", 30_000),
        *given,
    ]


def credentials(
    *, ca: bytes | None, certificate: bytes | None, certificate_key: bytes | None
) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(ca, certificate_key, certificate)


def authorization(key: str) -> Metadata:
    """The metadata of each call of a caller with this API key or token."""
    return (("authorization", f"Bearer {key}"),) if key else ()


def methods_of(service: ServiceDescriptor, channel: Any) -> Iterator[tuple[MethodDescriptor, Callable[..., Any]]]:
    """The methods of a service, each with its callable on a channel of either kind."""
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, True): channel.stream_stream,
    }
    for method in service.methods:
        yield (
            method,
            kinds[method.client_streaming, method.server_streaming](
                f"/{service.full_name}/{method.name}",
                request_serializer=GetMessageClass(method.input_type).SerializeToString,
                response_deserializer=GetMessageClass(method.output_type).FromString,
            ),
        )
