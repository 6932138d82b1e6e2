"""Refuses proto changes that break clients or stored orders, compared with the last release.

Before the first release, the base is the commit that gave the protos their language options: it changed generated code once.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

ROOT = Path(__file__).parent.parent
IMAGE = "generated/orders.binpb"


def git(*arguments: str) -> bytes | None:
    """What git prints; None if it cannot say."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def first_with(text: str, path: str) -> bytes | None:
    """The commit that brought a text into a file."""
    return git("log", "--reverse", "--format=%H", f"-S{text}", "--", path)


def main(buf: str) -> int:
    base = git("describe", "--tags", "--abbrev=0") or first_with("option go_package", "protos/orders/v1/order.proto")
    before = base and git("show", f"{base.decode().split()[0]}:{IMAGE}")
    if not before:
        print("breaking: skipped, for git has no earlier version to compare with")
        return 0
    with NamedTemporaryFile(suffix=".binpb") as file:
        Path(file.name).write_bytes(before)
        command = [buf, "breaking", IMAGE, "--against", file.name, "--path", "orders", "--exclude-imports"]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
