"""The same server on asyncio's own event loop, instead of uvloop's.

python -m benchmarks.baselines.asyncio_loop serve …    # as `orders serve …`
"""

import asyncio

import uvloop

from server.cli.main import main

if __name__ == "__main__":
    uvloop.run = asyncio.run  # type: ignore[assignment]
    main()
