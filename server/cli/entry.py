"""The `orders` command from its first moment, so that Ctrl-C prints no traceback while modules load."""

# `signal` would first load modules of its own.
import _signal  # type: ignore[import-not-found]

# There is nothing to clean up: the signal just ends the process, unless a command has it handled.
_signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def main() -> None:
    """Loads the commands and runs one."""
    from server.cli.main import main as run

    run()
