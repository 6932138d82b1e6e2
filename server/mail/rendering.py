"""Renders mails from jinja2 templates: one template gives the subject, the HTML and the text."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)

from server.mail import texts


class RenderingError(Exception):
    """A template is missing or invalid. The cause has the location."""


class Rendered(NamedTuple):
    """The parts of a mail."""

    subject: str
    text: str
    html: str


class Renderer:
    """The templates of a folder, with the built-in ones as fallback."""

    def __init__(self, folder: Path | None = None) -> None:
        own = [FileSystemLoader(folder)] if folder else []
        loader = ChoiceLoader([*own, PackageLoader("server.mail")])
        self._html = _environment(loader, autoescape=True)
        self._text = _environment(loader, autoescape=False)

    def check(self, kinds: Iterable[str], languages: Iterable[str]) -> None:
        """Raises RenderingError, with the location, if a template is missing or has a syntax error."""
        names = [f"{language}/{kind}.j2" for language in set(languages) for kind in kinds]
        for name in ("layout.txt", "layout.html", "subject.txt", "invoice.html", *names):
            try:
                self._html.get_template(name)
            except TemplateSyntaxError as error:
                raise RenderingError(f"{error.name}, line {error.lineno}: {error.message}") from error
            except (TemplateError, OSError) as error:
                raise RenderingError(f"there is no template {name}") from error

    def render(self, kind: str, language: str, values: Mapping[str, Any]) -> Rendered:
        """The mail in a language. Raises RenderingError."""
        name = f"{language}/{kind}.j2"
        try:
            subject = self._render(self._text, name, "subject.txt", language, values)
            text = self._render(self._text, name, "layout.txt", language, values)
            html = self._render(self._html, name, "layout.html", language, values)
        except Exception as error:
            # Templates run code: any exception can come out of them.
            raise RenderingError(f"template_{type(error).__name__}") from error
        return Rendered(" ".join(subject.split()), f"{text.strip()}\n", html)

    def page(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """An additional HTML page, such as the invoice. Raises RenderingError."""
        try:
            return self._html.get_template(name).render(_context(language, values))
        except Exception as error:
            raise RenderingError(f"template_{type(error).__name__}") from error

    @staticmethod
    def _render(environment: Environment, name: str, layout: str, language: str, values: Mapping[str, Any]) -> str:
        return environment.get_template(name).render(_context(language, values), layout=layout)


def _environment(loader: ChoiceLoader, *, autoescape: bool) -> Environment:
    return Environment(
        loader=loader, autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _context(language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: partial(getattr(texts, name), language=language) for name in ("money", "date")}
    return {**values, **own, "language": language}
