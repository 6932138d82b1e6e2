"""The parts of Markdown that the pages use."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table without the columns that are empty in every row."""
    lines = [list(row) for row in rows]
    kept = [at for at in range(len(head)) if any(line[at] for line in lines)]
    marked = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(_cell(line[at]) for at in kept) + " |" for line in marked)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def link(name: str, *, page: str = "") -> str:
    """A link to the heading of this name."""
    return f"[{name}]({page}#{name.lower()})"


def fill(page: str, name: str, text: str) -> str:
    """Replaces what is between `<!-- generated: name -->` and `<!-- end -->`, which the page has once."""
    begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
    if page.count(begin) != 1:
        raise ValueError(f"the page has {page.count(begin)} places for {name}, not one")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the place for {name} has no end")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
