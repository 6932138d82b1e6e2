"""Where settings come from."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origins:
    """The sources of settings: flag, environment or file. Equal settings are equal wherever they come from."""

    by_name: dict[str, str] = field(default_factory=dict, compare=False)
