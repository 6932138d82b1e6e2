"""The tables on the pages in docs/ that say what the protos and the rules say, by page and name."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from google.rpc import code_pb2
from orders.v1 import access_pb2
from orders.v1.error_reason_pb2 import ErrorReason

from server.domain.base.caller import Role, role_of, scope_name
from server.domain.base.error_codes import CODES
from server.domain.base.help_links import NEXT_COMMANDS
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.lifecycle import STEPS, guards_of
from server.domain.orders.update import CHANGEABLE
from server.gateway.statuses import BY_CODE, BY_REASON, CREATED, NOT_MODIFIED, OWN, status_of
from tools.reference.jobs import jobs
from tools.reference.markdown import link, table
from tools.reference.protos import PACKAGE, Binding, Method, Source, methods, value_comments


def tables(sources: Sequence[Source]) -> Mapping[str, Mapping[str, str]]:
    """The tables of each page, by name."""
    return {
        "errors.md": {"reasons": _reasons(sources)},
        "operations.md": {"jobs": jobs()},
        "http.md": {"statuses": _http_statuses()},
        "http-mapping.md": {"methods": _http_methods(sources)},
        "security.md": {
            "roles": _roles(sources),
            "scopes": _scopes(sources),
            "transitions": _transitions(),
            "fields": _fields(),
            "methods": _access(sources),
        },
    }


def _reasons(sources: Sequence[Source]) -> str:
    """A section for each reason: refusals link to it."""
    return "\n\n".join(_reason(*each) for each in value_comments(sources, "ErrorReason").items())


def _reason(number: int, comment: Sequence[str]) -> str:
    name = ErrorReason.Name(number).removeprefix("ERROR_REASON_")
    code, command = CODES[number], NEXT_COMMANDS[number]
    labelled = dict(paragraph.split(": ", 1) for paragraph in comment[1:])
    parts = [f"`{code_pb2.Code.Name(code)}`, HTTP {_http_status(code, name)}. {comment[0]}"]
    parts += [f"- Metadata: {labelled['Metadata']}"] if "Metadata" in labelled else []
    parts += [f"- What to do: {labelled['What to do']}"]
    parts += [f"- Next command: `{command}`"] if command else []
    return f"### {name}\n\n{parts[0]}\n\n" + "\n".join(parts[1:])


def _http_status(code: int, reason: str) -> str:
    """The status of the gateway, and that of Envoy, which knows no reasons, where it differs."""
    ours, envoys = status_of(code, reason), status_of(code)
    return str(ours) if ours == envoys else f"{ours}; {envoys} through Envoy"


def _http_statuses() -> str:
    """What the gateway chooses, by status."""
    cases: dict[int, list[str]] = defaultdict(list)
    for code, status in BY_CODE.items():
        cases[status].append(f"`{code_pb2.Code.Name(code)}`")
    for reason, status in BY_REASON.items():
        cases[status].append(f"`{reason}`")
    for status, _, words in OWN.values():
        cases[status].append(words)
    cases[CREATED].append("a `POST` to a method that creates, unless `validate_only` is set; with `Location`")
    cases[NOT_MODIFIED].append("a `GET` with the resource's `ETag` in `If-None-Match`")
    return table(["Status", "When"], ([str(status), ", ".join(words)] for status, words in sorted(cases.items())))


def _http_methods(sources: Sequence[Source]) -> str:
    fields = {
        f".{PACKAGE}.{message.name}": [field.name for field in message.field]
        for source in sources
        for message in source.file.message_type
    }
    rows = (
        [
            f"`{method.name}`" if first else "",
            f"`{binding.verb} {binding.path}`",
            "a list of requests" if method.descriptor.client_streaming else _body(binding),
            _answer(method, fields),
        ]
        for method in methods(sources)
        for first, binding in zip((True, False, False), method.bindings, strict=False)
    )
    return table(["Method", "HTTP", "Body", "Answer"], rows)


def _body(binding: Binding) -> str:
    return {"": "–", "*": "the request"}.get(binding.body, f"`{binding.body}`")


def _answer(method: Method, fields: Mapping[str, Sequence[str]]) -> str:
    """The resource that the method returns, or the fields of a response that is none."""
    output = method.descriptor.output_type
    package, _, name = output.rpartition(".")
    if package != ".orders.v1":
        return "–"
    if not name.endswith("Response"):
        return link(name, page="api.md")
    return ("stream: " if method.descriptor.server_streaming else "") + ", ".join(
        f"`{each}`" for each in fields[output]
    )


def _roles(sources: Sequence[Source]) -> str:
    comments = value_comments(sources, "Role")
    return table(["Role", "Description"], ([f"`{role_of(role)}`", " ".join(text)] for role, text in comments.items()))


def _scopes(sources: Sequence[Source]) -> str:
    used = defaultdict(list)
    for method in methods(sources):
        used[method.access.scope].append(f"`{method.name}`")
    comments = value_comments(sources, "Scope")
    rows = ([f"`{scope_name(scope)}`", " ".join(text), ", ".join(used[scope])] for scope, text in comments.items())
    return table(["Scope", "Description", "Methods"], rows)


def _transitions() -> str:
    return table(["From", "To", "Through", "Who", "Guard"], _transition_rows())


def _transition_rows() -> Iterator[list[str]]:
    for (before, after), step in STEPS.items():
        through = status_name(step.passing) if step.passing else ""
        guards = ", ".join(f"`{guard}`" for guard in guards_of(before, after))
        yield [status_name(before), status_name(after), through, _role_names(step.who), guards]


def _fields() -> str:
    """A row for the fields that the same callers may change until the same status."""
    alike = defaultdict(list)
    for path, rule in CHANGEABLE.items():
        alike[rule].append(f"`{path}`")
    rows = ([", ".join(paths), status_name(rule.until), _role_names(rule.who)] for rule, paths in alike.items())
    return table(["Field", "Until", "Who"], rows)


def _access(sources: Sequence[Source]) -> str:
    return table(["Method", "Scope", "Roles", "Customer", "Limit"], _access_rows(sources))


def _access_rows(sources: Sequence[Source]) -> Iterator[list[str]]:
    for method in methods(sources):
        access = method.access
        roles = "all" if access.any_caller else _role_names(frozenset(map(role_of, access.roles)))
        scope = "–" if access.any_caller else f"`{scope_name(access.scope)}`"
        customer = f"`{access.customer}`" if access.customer else "–"
        limit = access_pb2.MethodClass.Name(access.method_class).removeprefix("METHOD_CLASS_").lower()
        yield [f"`{method.name}`", scope, roles, customer, limit]


def _role_names(roles: frozenset[Role]) -> str:
    return ", ".join(role for role in Role if role in roles)
