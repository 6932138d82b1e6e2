"""Releases of grpcio, each with a server of one method that does nothing, in turns. Installs them all in a folder, from the network."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from itertools import repeat
from pathlib import Path

from benchmarks.baselines.bare import METHOD
from benchmarks.bench import Bench, Row
from benchmarks.servers import Server, started
from benchmarks.turns import Turns

# The newest of the series before and behind a step in the cost of a call.
_OTHERS = ("1.75.1", "1.78.2", "1.84.2", "1.85.3")
_BARE = [sys.executable, "-m", "benchmarks.baselines.bare"]


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    ours = version("grpcio")
    releases = [ours, *(each for each in _OTHERS if each != ours)]
    try:
        environments = {release: _with(bench.folder.with_name(release), release) for release in releases}
    except subprocess.CalledProcessError as error:
        print(f"  left out, for they cannot be installed: {error.stderr.strip().splitlines()[-1]}", flush=True)
        return []
    with _servers(environments) as servers:
        measures = {
            f"grpcio {release}": lambda server=server: bench.calls(
                METHOD, repeat(b"request"), server=server, seconds=bench.seconds(0.8)
            )
            for release, server in servers.items()
        }
        for warm in measures.values():
            warm()
        turns.run(measures, rounds=bench.rounds(4))
    return [
        Row(
            f"grpcio {release} ÷ {ours}, the server's CPU for a call",
            turns.ratio(f"grpcio {release}", f"grpcio {ours}", of=lambda value: value.microseconds),
        )
        for release in releases
        if release != ours
    ]


@contextmanager
def _servers(environments: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        yield {
            release: stack.enter_context(started(_BARE, environment=environment))
            for release, environment in environments.items()
        }


def _with(folder: Path, release: str) -> dict[str, str]:
    """An environment in which this release is found before the installed one."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    subprocess.run([*pip, "--target", folder, f"grpcio=={release}"], check=True, stderr=subprocess.PIPE, text=True)
    return {**os.environ, "PYTHONPATH": str(folder)}
