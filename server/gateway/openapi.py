"""The OpenAPI description, which `make proto` generates beside the API's modules."""

from importlib.resources import files


def document() -> bytes:
    return files("orders.v1").joinpath("openapi.json").read_bytes()
