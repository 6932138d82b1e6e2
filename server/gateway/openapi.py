"""The OpenAPI and AsyncAPI descriptions, which `make proto` generates with the API's modules."""

from importlib.resources import files


def document(name: str = "openapi.json") -> bytes:
    return files("orders.v1").joinpath(name).read_bytes()
