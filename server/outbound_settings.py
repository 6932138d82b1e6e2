"""The settings of background jobs and of what the server sends to others: a part of `server.config.Settings`."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError


class OutboundSettings(BaseModel):
    """The settings of background jobs, webhooks and links."""

    jobs: str = Field(
        "all",
        description="Background jobs that this process takes, separated by spaces; all, or none. Jobs that serve this process's own "
        "calls always run.",
    )
    error_docs_url: str = Field(
        "docs/errors.md",
        pattern="^[!-~]{1,200}$",
        description="Address of the page about errors that refusals link to, such as https://docs.example.com/orders/errors. "
        "Default: the page's path in the repository.",
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
