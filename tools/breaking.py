"""Refuses proto changes that break clients or stored orders, compared with the last release or else the first commit."""

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


def main(buf: str) -> int:
    base = git("describe", "--tags", "--abbrev=0") or git("rev-list", "--max-parents=0", "HEAD")
    before = base and git("show", f"{base.decode().split()[0]}:{IMAGE}")
    if not before:
        print("breaking: skipped, for git has no earlier version to compare with")
        return 0
    with NamedTemporaryFile(suffix=".binpb") as file:
        Path(file.name).write_bytes(before)
        command = [buf, "breaking", IMAGE, "--against", file.name, "--path", "orders"]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
