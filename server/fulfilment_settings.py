"""The settings of fulfilment: a part of `server.config.Settings`."""

from typing import Annotated

from pydantic import BaseModel, Field


class FulfilmentSettings(BaseModel):
    """The settings of fulfilment."""

    return_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        30, description="Days after the delivery within which customers can request a return; 0 for no limit."
    )
