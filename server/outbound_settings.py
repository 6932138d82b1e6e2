"""The settings of background jobs, webhooks, the message broker and mails: a part of `server.config.Settings`."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

_BROKER_URL = re.compile(
    r"(((nats|tls)://([^@/\s]+@)?[^@/?,\s]+(,[^@/?,\s]+)*)"
    r"|(amqps?://([^@/\s]+@)?[^@/?,\s]+(/[^@/\s]*)?)"
    r"|(kafka(\+ssl)?://([^@/\s]+@)?[^@/?,\s]+(,[^@/?,\s]+)*(\?sasl_mechanism=[A-Z0-9-]+)?))"
)
_SMTP_URL = re.compile(r"(smtp|smtps|smtp\+plain)://([^@/\s]+@)?[^@/?:\s]+(:[0-9]{1,5})?/?")


class OutboundSettings(BaseModel):
    """The settings of background jobs, webhooks, the message broker, mails and links."""

    jobs: str = Field(
        "all",
        description="Background jobs that this process runs, separated by spaces; all, or none. Jobs that serve this process's own "
        "calls always run.",
    )
    error_docs_url: str = Field(
        "docs/errors.md",
        pattern="^[!-~]{1,200}$",
        description="Address of the page about errors that error responses link to, such as https://docs.example.com/orders/errors. "
        "Default: the page's path in the repository.",
    )
    slow_call_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        1.0, description="Minimum duration of a call that is logged as slow, in seconds; 0 logs none."
    )
    webhook_timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        15.0, description="Timeout of a webhook request, in seconds."
    )
    webhook_allow_http: bool = Field(False, description="Allow webhook endpoints whose URL begins with http://.")
    webhook_allowed_networks: str = Field(
        "",
        description="Networks that webhooks may be sent to besides public addresses, separated by spaces, such as 127.0.0.0/8.",
    )
    webhook_days: Annotated[float, Field(gt=0, le=3650)] = Field(
        30.0, description="Days that finished webhook deliveries are kept."
    )

    broker_url: SecretStr | None = Field(
        None,
        description="Message broker to publish changes to. nats://user:password@host:port (or tls://) needs order-service[nats], "
        "amqp:// (amqps://) order-service[rabbitmq], kafka:// (kafka+ssl://) order-service[kafka]. Default: none.",
    )
    broker_topic: str = Field(
        "orders",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        max_length=200,
        description="First part of the subjects in NATS, exchange in RabbitMQ, topic in Kafka.",
    )
    broker_format: Literal["json", "protobuf"] = Field(
        "json", description="Format of the CloudEvents that are published to the broker."
    )
    broker_payload: Literal["thin", "full"] = Field(
        "thin", description="full adds the order to the data of the events that are published to the broker."
    )

    mails: str = Field(
        "",
        description="Mails to send, separated by spaces: order_received, order_confirmed, order_shipped, order_delivered, "
        "order_cancelled, order_refunded, return_received, endpoint_disabled; or all. Default: none. Needs order-service[mail].",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="SMTP server to send mails with, as smtp://user:password@host:587 (STARTTLS), smtps:// (TLS) or, for private "
        "networks, smtp+plain://.",
    )
    mail_sender: str = Field("", description="Sender of mails, such as Example Shop <orders@example.com>.")
    mail_operator: str = Field("", description="Recipient of the mail endpoint_disabled.")
    mail_languages: str = Field(
        "en DE=de AT=de",
        pattern=r"^[a-z]{2,8}( [A-Z]{2}=[a-z]{2,8})*$",
        description="Default language of mails, followed by the languages of destination countries.",
    )
    mail_templates: Path | None = Field(
        None, description="Folder of templates that replace the built-in ones of the same name."
    )
    mail_days: Annotated[float, Field(ge=4, le=3650)] = Field(
        30.0, description="Days that the records of sent and failed mails are kept."
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _SMTP_URL.fullmatch(url.get_secret_value()):
            text = (
                "Input should be a URL such as smtp://user:password@host:587, smtps://host:465 or smtp+plain://host:25"
            )
            raise PydanticCustomError("smtp_url", text)
        return url

    @field_validator("broker_url")
    @classmethod
    def _is_broker(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _BROKER_URL.fullmatch(url.get_secret_value()):
            text = (
                "Input should be a URL such as nats://user:password@host:4222, amqp://host or kafka://one:9092,two:9092"
            )
            raise PydanticCustomError("broker_url", text)
        return url

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        for network in networks.split():
            try:
                ip_network(network)
            except ValueError as error:
                text = "Input should be networks such as 10.0.0.0/8 or ::1/128, separated by spaces"
                raise PydanticCustomError("networks", text) from error
        return networks
