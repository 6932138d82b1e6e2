"""The page about the five documents names HTTP bindings that the protos have."""

import re
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).parents[2]


def bindings() -> set[str]:
    image = FileDescriptorSet.FromString((ROOT / "generated" / "orders.binpb").read_bytes())
    methods = [method for file in image.file for service in file.service for method in service.method]
    rules = [method.options.Extensions[annotations_pb2.http] for method in methods]
    each = [rule for whole in rules for rule in (whole, *whole.additional_bindings)]
    return {f"{verb.upper()} {getattr(rule, verb)}" for rule in each if (verb := rule.WhichOneof("pattern"))}


def test_every_binding_on_the_page_exists() -> None:
    page = (ROOT / "docs" / "five-documents.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:GET|PUT|POST|DELETE|PATCH) /v1\S*)`", page))
    assert named
    assert named <= bindings()
