"""The sources of settings."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origins:
    """The sources of settings: flag, environment or file. Sources do not affect the equality of settings."""

    by_name: dict[str, str] = field(default_factory=dict, compare=False)
