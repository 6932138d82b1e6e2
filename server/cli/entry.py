"""The `orders` command from its first moment, so that Ctrl-C prints no traceback while modules load."""

# `signal` would first load other modules.
import _signal  # type: ignore[import-not-found]

# Nothing needs cleanup: the signal ends the process unless a command handles it.
_signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def main() -> None:
    """Loads the commands and runs one."""
    from server.cli.main import main as run

    run()
