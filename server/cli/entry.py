"""The `orders` command from its first moment, so that Ctrl-C prints no traceback while modules load."""

import signal

# There is nothing to clean up: the signal just ends the process, unless a command has it handled.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Loads the commands and runs one."""
    from server.cli.main import main as run

    run()
