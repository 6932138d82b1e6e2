"""Memory that the C library keeps for itself after large requests."""

import asyncio
import ctypes
import sys


def _trim() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


async def return_free_memory() -> None:
    """Returns it to the system, where the C library can. Serving continues meanwhile."""
    if sys.platform == "linux":
        await asyncio.to_thread(_trim)
