"""Counting, where it fails."""

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from orders.v1.order_service_pb2 import DESCRIPTOR

from server.config import Settings
from server.runtime.metrics_server import serving_for_workers
from server.runtime.preflight import StartError
from server.telemetry.metrics import Metrics


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


def test_without_a_folder_for_their_counts_no_workers_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    told = "workers cannot keep their metrics: No such file or directory; set TMPDIR"
    with pytest.raises(StartError, match=told), serving_for_workers(Settings(metrics_port=0)):
        pass


def test_without_room_for_their_counts_no_workers_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    told = f"in {tmp_path}, where 64 MB must be free; make room, or set TMPDIR"
    with pytest.raises(StartError, match=told), serving_for_workers(Settings(metrics_port=0)):
        pass
    assert list(tmp_path.iterdir()) == []
