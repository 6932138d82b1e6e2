"""h2load, of Debian's nghttp2-client, as the load: one body for all calls, at next to no cost."""

import re
import shutil
import subprocess
import tempfile

from benchmarks.access import METADATA
from benchmarks.callers import CALLERS, CONNECTIONS, CallFailed

_DONE = re.compile(r"finished in (?:[\d.]+m?s), ([\d.]+) req/s")
_REQUESTS = re.compile(r"requests: .* (\d+) done, (\d+) succeeded")
_DATA = re.compile(r"\((\d+)\) data")


def present() -> bool:
    return shutil.which("h2load") is not None


def load(address: str, method: str, request: bytes, *, answer: int, seconds: float) -> tuple[int, float]:
    """How many calls, each with an answer of so many bytes, were made in how many seconds. Raises CallFailed.

    h2load sees statuses of HTTP only; a refusal has no message, so the bytes that came tell.
    """
    with tempfile.NamedTemporaryFile() as body:
        body.write(len(request).to_bytes(5, "big") + request)
        body.flush()
        command = ["h2load", f"--clients={CONNECTIONS}", f"--max-concurrent-streams={CALLERS // CONNECTIONS}"]
        command += [f"--duration={round(1000 * seconds)}ms", "--data", body.name]
        for name, value in (("content-type", "application/grpc"), ("te", "trailers"), *METADATA):
            command += ["--header", f"{name}: {value}"]
        run = subprocess.run([*command, f"http://{address}{method}"], check=True, capture_output=True, text=True)
    done, succeeded = map(int, _found(_REQUESTS, run.stdout).groups())
    data = int(_found(_DATA, run.stdout)[1])
    # Of the last calls, some were answered in part.
    if succeeded != done or not done * (answer + 5) <= data <= (done + CALLERS) * (answer + 5):
        raise CallFailed(f"{succeeded} of {done} calls, with {data} bytes: {run.stdout}")
    return done, done / float(_found(_DONE, run.stdout)[1])


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.search(text)
    if match is None:
        raise CallFailed(f"h2load says something else than expected: {text}")
    return match
