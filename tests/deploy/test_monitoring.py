"""Alerts and the dashboard: valid, about metrics that exist, and each alert with a section in the runbook."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from orders.v1.order_service_pb2 import DESCRIPTOR
from prometheus_client import generate_latest

from server.runtime.jobs import JOBS
from server.telemetry.broker_metrics import BrokerMetrics
from server.telemetry.mail_metrics import MailMetrics
from server.telemetry.metrics import Lag, Metrics
from server.telemetry.webhook_metrics import WebhookMetrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RUNBOOK = ROOT / "docs" / "runbook.md"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "orders.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]

# Made by Prometheus itself.
BUILT_IN = {"up"}


def exposed() -> set[str]:
    """The names of all series of a server."""
    metrics = Metrics()
    webhooks = WebhookMetrics(metrics.registry)
    webhooks.note_attempt(status=200, seconds=0.1)
    webhooks.set_queue(failing=0, disabled=0, overdue_seconds=0)
    BrokerMetrics(metrics.registry)
    MailMetrics(metrics.registry, ["order_shipped"])
    metrics.of(DESCRIPTOR.services_by_name["OrderService"].methods_by_name["GetOrder"])
    metrics.count_batch("single", 1, 0.1)
    for job in JOBS:
        metrics.expect_job(job.name)
    metrics.set_feed(watchers=0, lags={"orders.broker": Lag(0, 0.0)})
    metrics.set_use(
        calls=0, commands={"single": 0}, used=0, idle=0, waiting=0, is_ready=True, failing={"no_answer": False}
    )
    return set(re.findall(r"^(\w+)[{ ]", generate_latest(metrics.registry).decode(), re.MULTILINE))


def named_in(expression: str) -> set[str]:
    """The metrics of an expression: names that are neither functions, labels nor texts."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|(by|without) *\([^)]*\)|\{[^}]*\}', " ", expression)
    return set(re.findall(r"\b[a-z]\w*\b(?! *\()", bare)) - {"or", "and", "unless", "by", "without"}


def expressions() -> Iterator[str]:
    yield from (alert["expr"] for alert in ALERTS)
    yield from (target["expr"] for target in TARGETS)


def test_every_metric_that_they_name_exists() -> None:
    names = set().union(*map(named_in, expressions()))
    assert {"orders_ready", "grpc_server_handling_seconds_bucket"} <= names
    assert names - BUILT_IN - exposed() == set()


@pytest.mark.parametrize("part", ["consumer", "feed", "broker", "webhook", "mail", "job"])
def test_the_dashboard_shows_each_part_that_works_after_a_call(part: str) -> None:
    shown = set().union(*(named_in(target["expr"]) for target in TARGETS))
    assert any(name.startswith((f"orders_{part}_", f"orders_{part}s_")) for name in shown)


def test_every_alert_has_a_section_in_the_runbook_and_no_other_has() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sections == [alert["alert"] for alert in ALERTS]
    for alert in ALERTS:
        assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_the_dashboard_has_the_fields_that_grafana_needs() -> None:
    assert {"uid", "title", "schemaVersion", "templating", "time", "panels"} <= DASHBOARD.keys()
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(PANELS)))
    assert used == variables
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert {"id", "type", "title", "gridPos", "datasource", "targets", "fieldConfig", "options"} <= panel.keys()
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_no_panels_overlap() -> None:
    cells = [
        (x, y)
        for panel in PANELS
        for position in [panel["gridPos"]]
        for x in range(position["x"], position["x"] + position["w"])
        for y in range(position["y"], position["y"] + position["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments: object) -> None:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_accepts_the_rules_and_they_fire_as_described() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES.with_name("alerts-test.yaml"))


@needs_promtool
def test_prometheus_accepts_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    variables = {"$job": "orders", "$__rate_interval": "1m"}
    found = [target["expr"] for target in TARGETS]
    for name, value in variables.items():
        found = [expression.replace(name, value) for expression in found]
    rules = [{"record": f"panel{number}", "expr": expression} for number, expression in enumerate(found)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yaml")
