"""Finds the binding of a request."""

from collections import defaultdict
from collections.abc import Iterable

from server.gateway.bindings import Binding
from server.gateway.templates import Template


class NoSuchPath(Exception):
    """No binding has the path."""


class NoSuchVerb(Exception):
    """Other bindings have the path, with the verbs in `allowed`."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(", ".join(allowed))
        self.allowed = allowed


class Router:
    """The bindings by path. Literal segments take precedence over variables."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        by_template: dict[str, tuple[Template, dict[str, Binding]]] = {}
        for binding in bindings:
            _, verbs = by_template.setdefault(_shape(binding.template), (binding.template, {}))
            verbs.setdefault(binding.verb, binding)
        self._by_verb: dict[str, list[dict[str, Binding]]] = defaultdict(list)
        for template, verbs in sorted(by_template.values(), key=lambda pair: pair[0].variables):
            self._by_verb[template.verb].append(verbs)

    def find(self, verb: str, path: str) -> tuple[Binding, dict[str, str]]:
        """The binding and its path variables, for a path that is still percent-encoded. Raises NoSuchPath and NoSuchVerb."""
        prefix, custom = self._split(path)
        allowed: set[str] = set()
        for bindings in self._by_verb[custom]:
            binding = bindings.get(verb) or next(iter(bindings.values()))
            values = binding.template.match(prefix)
            if values is None:
                continue
            if verb in bindings:
                return binding, values
            allowed |= set(bindings)
        if allowed:
            raise NoSuchVerb(sorted(allowed))
        raise NoSuchPath

    def _split(self, path: str) -> tuple[str, str]:
        """The path and its custom verb: what follows the last colon, if some binding has that verb."""
        prefix, colon, custom = path.rpartition(":")
        return (prefix, custom) if colon and custom in self._by_verb else (path, "")


def _shape(template: Template) -> str:
    """Templates of one shape match the same paths."""
    return f"{template.pattern.pattern}:{template.verb}"
