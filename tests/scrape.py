"""What a server's metrics say, to look things up in."""

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """What a server's metrics said at one time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """A sample's value; the sum of those that have these labels among others."""
        wanted = set(labels.items())
        return sum(value for (given, have), value in self._samples.items() if given == name and wanted <= have)

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(have)[label] for given, have in self._samples if given == name}
