"""The address of a created resource: the path of the method that gets it."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor

from server.gateway.bindings import Binding

# Returns the path of the resource in a response.
Locate = Callable[[Any], str]


def locator(binding: Binding, bindings: Sequence[Binding]) -> Locate | None:
    """For a binding that creates a resource, finds its path; None for others, and where no method gets the resource."""
    if binding.verb != "POST" or not binding.method.name.startswith("Create"):
        return None
    output = binding.method.output_type
    nested: list[Any] = [field for field in output.fields if field.message_type is not None and not field.is_repeated]
    for path, resource in [("", output), *((field.name, field.message_type) for field in nested)]:
        for getter in bindings:
            if _gets(getter, resource):
                return _locate(getter, path)
    return None


def _gets(getter: Binding, resource: Descriptor) -> bool:
    return (
        getter.verb == "GET"
        and getter.method.name.startswith("Get")
        and getter.method.output_type is resource
        and bool(getter.template.fields)
        and all(name in resource.fields_by_name for name in getter.template.fields)
    )


def _locate(getter: Binding, path: str) -> Locate:
    template = getter.template

    def locate(response: Any) -> str:
        resource = getattr(response, path) if path else response
        text = template.text
        for name in template.fields:
            text = text.replace(f"{{{name}}}", quote(str(getattr(resource, name)), safe=""))
        return text

    return locate
