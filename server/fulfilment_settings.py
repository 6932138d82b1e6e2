"""The settings of fulfilment: a part of `server.config.Settings`."""

from typing import Annotated

from pydantic import BaseModel, Field


class FulfilmentSettings(BaseModel):
    """The settings of fulfilment."""

    return_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        30, description="Days after the delivery within which customers can request a return; 0 for no limit."
    )
    support_email: str = Field(
        "",
        pattern=r"^([^@\s]+@[^@\s]+)?$",
        max_length=254,
        description="E-mail address of the shop's support, which TrackOrder returns.",
    )
    support_phone: str = Field("", max_length=32, description="Telephone number of the shop's support.")
    support_url: str = Field("", pattern="^(https?://[!-~]{1,490})?$", description="Web page of the shop's support.")
    support_hours: str = Field(
        "", max_length=200, description="Opening hours of the support, such as Mon-Fri 9:00-17:00."
    )
