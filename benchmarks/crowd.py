"""Callers who go on over their limit: each calls twice a second, whatever it is told. Ends when its input does.

python -m benchmarks.crowd ADDRESS KEY METHOD REQUEST    # REQUEST in hex; prints how many calls were answered and refused
"""

import os
import sys
from itertools import repeat, takewhile
from threading import Thread

from google.rpc.code_pb2 import Code

from benchmarks.access import METADATA
from benchmarks.callers import call

CALLERS = 200
_EVERY = 0.5


def main(address: str, key: str, method: str, request: str) -> None:
    METADATA.append(("authorization", f"Bearer {key}"))
    # Lives as long as nobody has ended the input.
    listener = Thread(target=os.read, args=(sys.stdin.fileno(), 1), daemon=True)
    listener.start()
    requests = takewhile(lambda _: listener.is_alive(), repeat(bytes.fromhex(request)))
    answered = call(address, method, requests, callers=CALLERS, every=_EVERY, count_refused=True)
    refused = {Code.Name(status): count for status, count in answered.refused.items()}
    print({"answered": len(answered.latencies), **refused})


if __name__ == "__main__":
    main(*sys.argv[1:])
