"""The manifests in deploy/: valid for the tools that read them, and with settings that exist."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from server.config import Settings
from tests.e2e.tools import TOOLS, find_tool

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
# Schemas of the resources, which .ci/run installs.
SCHEMAS = TOOLS / "kubernetes"
KUBERNETES = "1.34.0"

HELM, COMPOSE, SYSTEMD = map(find_tool, ("helm", "compose-model", "systemd-analyze"))
ENVOY = Path(sys.executable).with_name("envoy")

needs_helm = pytest.mark.skipif(HELM is None, reason="helm is not installed")

# Values for which the chart must be valid, as options of helm.
VALUES = {
    "defaults": [],
    "tls": ["--set", "tls.secret=orders-tls"],
    "everything": [
        *("--set", "autoscaling.enabled=true"),
        *("--set-string", "settings.ORDERS_OTLP_ENDPOINT=http://collector:4317"),
        *("--set", "settingsFrom[0]=orders-settings"),
        *("--set-json", 'networkPolicy.callers=[{"namespaceSelector":{"matchLabels":{"orders":"caller"}}}]'),
        *("--set-json", 'networkPolicy.egress=[{"ports":[{"port":443}]}]'),
        *("--set", "nodeSelector.disk=fast"),
        *("--set", "imagePullSecrets[0].name=registry"),
    ],
}


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(values: list[str]) -> list[dict[str, Any]]:
    text = run(HELM, "template", "orders", CHART, "--namespace", "shop", "--kube-version", KUBERNETES, *values)
    return [document for document in yaml.safe_load_all(text) if document]


@cache
def schema_of(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text())


def validate(document: dict[str, Any]) -> None:
    """Raises ValidationError for a resource that Kubernetes would refuse, or would ignore a field of."""
    group, _, version = document["apiVersion"].rpartition("/")
    suffix = f"{group.partition('.')[0]}-{version}" if group else version
    schemas = Registry(retrieve=lambda uri: DRAFT202012.create_resource(schema_of(uri.rpartition("/")[2])))  # type: ignore[call-arg]
    Draft202012Validator(schema_of(f"{document['kind'].lower()}-{suffix}.json"), registry=schemas).validate(document)


def of_kind(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def test_every_setting_in_a_manifest_exists() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for path in files for name in re.findall(r"\bORDERS_([A-Z_]+)\b", path.read_text())}
    assert "DATABASE_URL" in named
    assert named - {name.upper() for name in Settings.model_fields} == set()


@pytest.mark.skipif(COMPOSE is None, reason="compose-model is not installed")
def test_compose_accepts_its_file() -> None:
    model = json.loads(run(COMPOSE, "-format", "json", DEPLOY / "compose.yaml"))
    order = ["postgres", "migrate", "orders-1", "orders-2", "gateway", "collector", "prometheus", "grafana"]
    assert set(order) == model["services"].keys()


def test_compose_starts_what_depends_on_something_after_it() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("orders-1", "orders-2"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    (scraped,) = prometheus["scrape_configs"]
    assert {target.partition(":")[0] for target in scraped["static_configs"][0]["targets"]} == {"orders-1", "orders-2"}


def test_envoy_accepts_the_configuration_that_compose_makes(tmp_path: Path) -> None:
    gateway = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["gateway"]
    *_, script = gateway["entrypoint"]
    script = script.replace("/tmp/envoy.yaml", str(tmp_path / "envoy.yaml")).replace(
        "exec envoy", f"{ENVOY} --mode validate"
    )
    run("sh", "-c", script)
    made = (tmp_path / "envoy.yaml").read_text()
    assert "{address: orders, port_value: 50051}" in made
    assert "{address: 0.0.0.0, port_value: 8080}" in made
    assert "type: STRICT_DNS" in made


@needs_helm
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_and_kubernetes_accept_the_chart(values: list[str]) -> None:
    run(HELM, "lint", "--strict", "--kube-version", KUBERNETES, CHART, *values)
    if SCHEMAS.exists():
        for document in rendered(values):
            validate(document)


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the schemas of Kubernetes are not installed")
def test_a_misspelt_field_of_a_resource_is_found() -> None:
    service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 50051}]}}
    validate(service)
    service["spec"]["ports"][0]["targetport"] = "grpc"
    with pytest.raises(ValidationError, match="targetport"):
        validate(service)


@needs_helm
@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_fulfil_the_restricted_security_standard(kind: str) -> None:
    pod = of_kind(rendered(VALUES["everything"]), kind)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
    assert not pod["automountServiceAccountToken"]


@needs_helm
def test_pods_have_time_to_finish_their_calls() -> None:
    pod = of_kind(rendered([]), "Deployment")["spec"]["template"]["spec"]
    variables = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    needed = int(variables["ORDERS_DRAIN_DELAY"]) + int(variables["ORDERS_SHUTDOWN_GRACE"])
    assert pod["terminationGracePeriodSeconds"] > needed
    # NOT_SERVING takes a pod out of the service before it stops.
    assert pod["containers"][0]["readinessProbe"]["periodSeconds"] < int(variables["ORDERS_DRAIN_DELAY"])


@needs_helm
def test_the_servers_scale_by_their_calls_and_migrate_before_they_start() -> None:
    documents = rendered(VALUES["everything"])
    scaler = of_kind(documents, "HorizontalPodAutoscaler")
    assert scaler["spec"]["metrics"][0]["pods"]["metric"]["name"] == "orders_calls_in_flight"
    assert "replicas" not in of_kind(documents, "Deployment")["spec"]
    hooks = of_kind(documents, "Job")["metadata"]["annotations"]["helm.sh/hook"]
    assert hooks == "pre-install,pre-upgrade"
    budget = of_kind(documents, "PodDisruptionBudget")["spec"]["selector"]
    assert budget == of_kind(documents, "Deployment")["spec"]["selector"]
    policy = of_kind(documents, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "orders.service").read_text()
    unit = tmp_path / "orders.service"
    unit.write_text(text.replace("/opt/orders/bin/orders", "/bin/true"))
    run(SYSTEMD, "verify", "--man=no", unit)
