"""Counting, where it fails."""

import pytest
from orders.v1.order_service_pb2 import DESCRIPTOR

from server.metrics import Metrics


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device", "/tmp/metrics")


def test_what_cannot_be_counted_fails_nothing_and_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    method = metrics.of(DESCRIPTOR.services_by_name["OrderService"].methods_by_name["GetOrder"])
    monkeypatch.setattr("prometheus_client.Histogram.observe", no_room)
    method.count(code="OK", seconds=0.1)
    metrics.count_batch("single", 3, 0.1)
    assert caplog.messages == ["metrics are lost"] * 2
    assert "error=OSError" in caplog.text
    assert "/tmp/metrics" not in caplog.text
