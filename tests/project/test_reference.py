"""The reference in docs/ is generated: what the generator cannot put into words or place, it refuses."""

import json
from pathlib import Path

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.reference import __main__ as main
from tools.reference import api, configuration, service_config
from tools.reference.bounds import rules_in_words
from tools.reference.markdown import fill, table
from tools.reference.protos import load, methods, services

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "generated" / "orders.binpb"
SOURCES = load(IMAGE)


@pytest.fixture(scope="module")
def page() -> str:
    return api.render(SOURCES)


def test_every_method_field_and_value_has_a_description(page: str) -> None:
    assert [method.name for method in methods(SOURCES) if not method.summary.endswith(".")] == []
    assert [row for row in page.splitlines() if row.startswith("| `") and row.endswith("|  |")] == []


def test_every_link_leads_to_one_heading(page: str) -> None:
    headings = [line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")]
    links = {link.partition(")")[0] for link in page.split("](#")[1:]}
    assert len(headings) == len(set(headings))
    assert links <= set(headings)


def test_the_service_config_retries_no_write() -> None:
    first, second, rest = json.loads(service_config.render(SOURCES))["methodConfig"]
    retried = {name["method"] for entry in (first, second) for name in entry["name"]}
    assert "retryPolicy" not in rest
    assert {"CreateOrder", "CreateApiKey", "BatchUpsertOrders", "AddCartItem"}.isdisjoint(retried)
    assert {"GetOrder", "SearchOrders", "ListOrders", "GetCart", "ListProducts"} <= retried


def test_bounds_are_said_in_words() -> None:
    rules = validate_pb2.FieldRules()
    rules.string.min_len, rules.string.max_len, rules.string.pattern = 1, 2000, "^[!-~]*$"
    assert rules_in_words(rules, {}) == "1 to 2,000 characters; printable ASCII without spaces"


def test_forbidden_values_are_called_by_their_names() -> None:
    rules = validate_pb2.FieldRules()
    rules.enum.not_in.extend([0, 2])
    assert rules_in_words(rules, {0: "UNSPECIFIED", 2: "PLACED"}) == "not `UNSPECIFIED` or `PLACED`"


def test_a_bound_without_words_is_an_error() -> None:
    rules = validate_pb2.FieldRules()
    rules.string.max_bytes = 10
    with pytest.raises(ValueError, match="max_bytes"):
        rules_in_words(rules, {})


def test_a_setting_without_a_group_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server, *others = configuration.GROUPS
    monkeypatch.setattr(configuration, "GROUPS", (server._replace(names=server.names[1:]), *others))
    with pytest.raises(ValueError, match=r"group: host$"):
        configuration.render()


def test_pipes_do_not_break_tables() -> None:
    assert table(["A"], [["x|y\nz"]]).splitlines()[-1] == r"| x\|y z |"


def test_a_table_is_replaced_between_its_markers() -> None:
    before = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb"
    assert fill(before, "x", "new") == "a\n<!-- generated: x -->\n\nnew\n\n<!-- end -->\nb"
    assert fill(fill(before, "x", "new"), "x", "new") == fill(before, "x", "new")


@pytest.mark.parametrize(
    "text", ["", "<!-- generated: x -->", "<!-- generated: x --><!-- end --><!-- generated: x --><!-- end -->"]
)
def test_a_page_without_one_place_for_a_table_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="for x"):
        fill(text, "x", "new")


def test_the_check_names_a_page_that_is_not_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, text in main.pages():
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(main, "DOCS", tmp_path)
    assert main.check() == []
    errors = tmp_path / "errors.md"
    errors.write_text(errors.read_text(encoding="utf-8").replace("### INTERNAL\n", "### FAULT\n"), encoding="utf-8")
    assert main.check() == ["errors.md"]


def test_envoy_serves_every_service() -> None:
    config = (ROOT / "deploy" / "envoy.yaml").read_text(encoding="utf-8")
    for service in services(SOURCES):
        assert f"orders.v1.{service.name}" in config.split("services: [")[1].split("]")[0]
        assert f"prefix: /orders.v1.{service.name}/" in config


def test_the_descriptor_set_has_the_details_that_errors_carry() -> None:
    """Envoy answers an error with an empty body if it does not know a type in its details."""
    descriptors = FileDescriptorSet.FromString(IMAGE.read_bytes())
    assert "google/rpc/error_details.proto" in {file.name for file in descriptors.file}
