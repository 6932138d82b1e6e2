"""Envoy retries what its caller would: reads after CANCELLED too, and nothing else."""

import re
from pathlib import Path

from server.domain.base.methods import SERVICES, MethodClass, class_of

CONFIG = (Path(__file__).parents[2] / "deploy" / "envoy.yaml").read_text()


def test_reads_and_nothing_else_are_repeated_after_a_server_has_accepted_them() -> None:
    (pattern,) = re.findall(r'safe_regex: \{regex: "(/orders.*)"\}', CONFIG)
    reads = re.compile(pattern.replace(r"\\", "\\"))
    matched = {
        method.name: class_of(method) is MethodClass.READ or method.server_streaming
        for service in SERVICES
        for method in service.methods
        if reads.fullmatch(f"/{service.full_name}/{method.name}")
    }
    read_methods = {
        method.name for service in SERVICES for method in service.methods if class_of(method) is MethodClass.READ
    }
    assert {"ListOrders", "WatchOrders", *read_methods} <= matched.keys()
    assert all(matched.values())
