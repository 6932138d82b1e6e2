"""The name that the audit log has for the user of `orders keys`."""

import getpass

import pytest

from server.cli.keys import _actor


def test_the_actor_is_the_user_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "jane")
    assert _actor() == "cli:jane"


@pytest.mark.parametrize("error", [KeyError, OSError], ids=["Python 3.12", "Python 3.13"])
def test_a_user_without_a_name_is_the_command(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert _actor() == "cli"
