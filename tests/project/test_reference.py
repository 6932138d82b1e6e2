"""The documents about the API name everything that the API has."""

import json
import re
from pathlib import Path

import pytest
from buf.validate import validate_pb2
from orders.v1 import access_pb2
from orders.v1.error_reason_pb2 import ErrorReason

from server.domain.base.caller import SCOPES, Role, role_of, scope_name
from server.domain.lifecycle.lifecycle import STEPS, status_name
from server.domain.orders.update import CHANGEABLE
from tools import jobs, reference, service_config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = reference.load(ROOT / "generated" / "orders.binpb")
MESSAGES = [message for source in SOURCES for message in source.file.message_type]
ENUMS = [enum for source in SOURCES for enum in source.file.enum_type]
METHODS = [method for source in SOURCES for service in source.file.service for method in service.method]
BINDINGS = [(method.name, *binding) for method in METHODS for binding in reference.http_bindings(method)]


@pytest.fixture(scope="module")
def page() -> str:
    return reference.render(SOURCES)


def sections(page: str) -> dict[str, str]:
    """What stands under each heading, by heading."""
    parts = [part.partition("\n") for part in page.replace("\n####", "\n###").split("\n### ")[1:]]
    return {title: text.split("\n## ")[0] for title, _, text in parts}


def test_the_committed_reference_is_what_the_protos_say(page: str) -> None:
    assert (DOCS / "api.md").read_text(encoding="utf-8") == page, "run `python tools/reference.py`"


def test_the_committed_table_of_jobs_is_what_they_declare() -> None:
    page = jobs.PAGE.read_text(encoding="utf-8")
    assert jobs.render(page) == page, "run `python tools/jobs.py`"


def test_the_committed_service_config_is_what_the_protos_say(tmp_path: Path) -> None:
    service_config.main(tmp_path / "config.json")
    committed = (DOCS / "service-config.json").read_text(encoding="utf-8")
    assert committed == (tmp_path / "config.json").read_text(encoding="utf-8"), "run `python tools/service_config.py`"


def test_the_service_config_retries_no_write() -> None:
    first, second, rest = json.loads((DOCS / "service-config.json").read_text(encoding="utf-8"))["methodConfig"]
    retried = {name["method"] for entry in (first, second) for name in entry["name"]}
    assert "retryPolicy" not in rest
    assert {"CreateOrder", "CreateApiKey", "BatchUpsertOrders", "AddCartItem"}.isdisjoint(retried)
    assert {"GetOrder", "SearchOrders", "ListOrders", "GetCart", "ListProducts"} <= retried


def test_main_writes_the_same_page_each_time(page: str, tmp_path: Path) -> None:
    reference.main(tmp_path / "api.md")
    assert (tmp_path / "api.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_stands_with_its_bindings_and_its_comment(
    page: str, method: reference.MethodDescriptorProto
) -> None:
    section = sections(page)[method.name]
    assert all(f"`{verb} {path}`" in section for verb, path, _ in reference.http_bindings(method))
    assert section.rstrip().endswith((".", "`"))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_every_field_stands_with_its_message(page: str, message: reference.DescriptorProto) -> None:
    rows = [line for line in sections(page)[message.name].splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [field.name for field in message.field]
    assert not [row for row in rows if row.endswith("|  |")], "a field has no comment"


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.name)
def test_every_value_stands_with_its_enum(page: str, enum: reference.EnumDescriptorProto) -> None:
    rows = [line for line in sections(page)[enum.name].splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [value.name for value in enum.value]


def test_every_link_leads_to_one_heading(page: str) -> None:
    headings = [line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")]
    links = {link.partition(")")[0] for link in page.split("](#")[1:]}
    assert len(headings) == len(set(headings))
    assert links <= set(headings)


def test_bounds_are_said_in_words() -> None:
    rules = validate_pb2.FieldRules()
    rules.string.min_len, rules.string.max_len, rules.string.pattern = 1, 2000, "^[!-~]*$"
    assert reference.rules_in_words(rules, {}) == "1 to 2,000 characters; printable ASCII without spaces"


def test_forbidden_values_are_called_by_their_names() -> None:
    rules = validate_pb2.FieldRules()
    rules.enum.not_in.extend([0, 2])
    assert reference.rules_in_words(rules, {0: "UNSPECIFIED", 2: "PLACED"}) == "not `UNSPECIFIED` or `PLACED`"


def test_a_bound_without_words_is_an_error() -> None:
    rules = validate_pb2.FieldRules()
    rules.string.max_bytes = 10
    with pytest.raises(ValueError, match="max_bytes"):
        reference.rules_in_words(rules, {})


def test_pipes_do_not_break_tables() -> None:
    assert reference.table(["A"], [["x|y\nz"]]).splitlines()[-1] == r"| x\|y z |"


@pytest.mark.parametrize(("name", "verb", "path", "body"), BINDINGS, ids=lambda part: part or "-")
def test_the_http_page_names_every_binding(name: str, verb: str, path: str, body: str) -> None:
    rows = methods_table()
    assert f"`{verb} {path}`" in rows[name]
    row = rows[name].split(f"`{verb} {path}` | ")[1]
    assert row.split(" |")[0] == {"": "–", "*": "the request"}.get(body, f"the {body.replace('_', ' ')}")


def methods_table() -> dict[str, str]:
    """The rows of each method in the first table of the page."""
    text = (DOCS / "http-mapping.md").read_text(encoding="utf-8").split("### Requests")[0]
    rows: dict[str, str] = {}
    name = ""
    for line in (line for line in text.splitlines() if line.startswith("| ")):
        name = line.split("`")[1] if line.startswith("| `") else name
        rows[name] = rows.get(name, "") + line + "\n"
    return rows


def test_the_http_page_names_no_binding_that_is_not_there() -> None:
    named = re.findall(
        r"`((?:GET|PUT|POST|DELETE|PATCH) /v1\S*)`", (DOCS / "http-mapping.md").read_text(encoding="utf-8")
    )
    assert set(named) == {f"{verb} {path}" for _, verb, path, _ in BINDINGS}


@pytest.mark.parametrize(
    "name", [name for name in ErrorReason.DESCRIPTOR.values_by_name if not name.endswith("_UNSPECIFIED")]
)
def test_the_errors_page_names_every_reason(name: str) -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert f"\n| `{name.removeprefix('ERROR_REASON_')}` | " in text


def security_table(head: str) -> list[list[str]]:
    """The cells of the table on the security page that begins with this row."""
    text = (DOCS / "security.md").read_text(encoding="utf-8").split(f"\n{head}\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in text.splitlines()[1:]]


def roles_text(roles: frozenset[Role]) -> str:
    return ", ".join(role for role in Role if role in roles)


def test_the_security_page_says_of_every_method_who_may_call_it() -> None:
    expected = []
    for method in METHODS:
        access = method.options.Extensions[access_pb2.access]
        limit = access_pb2.MethodClass.Name(access.method_class).removeprefix("METHOD_CLASS_").lower()
        roles = roles_text(frozenset(map(role_of, access.roles)))
        customer = f"`{access.customer}`" if access.customer else "–"
        expected.append([f"`{method.name}`", f"`{scope_name(access.scope)}`", roles, customer, limit])
    assert sorted(security_table("| Method | Scope | Roles | Customer | Limit |")) == sorted(expected)


def test_the_security_page_has_every_scope_and_role() -> None:
    scopes = [row[0] for row in security_table("| Scope | Good for | Given to |")]
    assert sorted(scopes) == sorted(f"`{scope}`" for scope in SCOPES)
    assert [row[0] for row in security_table("| Role | Is | Sees |")] == [f"`{role}`" for role in Role]


def test_the_security_page_says_who_may_move_an_order() -> None:
    expected = {
        (status_name(before), status_name(after), roles_text(step.who)) for (before, after), step in STEPS.items()
    }
    rows = security_table("| From | To | Who |")
    found = {(before, after, who) for befores, after, who in rows for before in befores.split(", ")}
    assert found == expected


def test_the_security_page_says_who_may_change_each_field() -> None:
    rows = security_table("| Field | Until | Who |")
    found = {(field, until, who) for fields, until, who in rows for field in re.findall(r"`(\S+)`", fields)}
    assert found == {(field, status_name(rule.until), roles_text(rule.who)) for field, rule in CHANGEABLE.items()}


def test_envoy_serves_every_service() -> None:
    config = (ROOT / "deploy" / "envoy.yaml").read_text(encoding="utf-8")
    for service in (service.name for source in SOURCES for service in source.file.service):
        assert f"orders.v1.{service}" in config.split("services: [")[1].split("]")[0]
        assert f"prefix: /orders.v1.{service}/" in config


def test_the_descriptor_set_has_the_details_that_errors_carry() -> None:
    """Envoy answers an error with an empty body if it does not know a type in its details."""
    descriptors = reference.FileDescriptorSet.FromString((ROOT / "generated" / "orders.binpb").read_bytes())
    assert "google/rpc/error_details.proto" in {file.name for file in descriptors.file}
