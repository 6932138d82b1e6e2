"""What every call of a benchmark carries: an API key, so that the server is measured closed, as it ships."""

import subprocess
import sys
from pathlib import Path

# Names and values, as gRPC and h2load send them.
METADATA: list[tuple[str, str]] = []

# The same, for `orders import` and `orders export`.
CLIENT_FLAGS: list[str] = []

_CREATE = [Path(sys.executable).with_name("orders"), "keys", "create", "--owner", "benchmarks"]
_RIGHTS = ["--role", "admin", "--scope", "all"]
_ROW = "SELECT key_id, digest, snapshot FROM api_keys"
_STORE = "INSERT INTO api_keys (key_id, digest, snapshot) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_stored: list[tuple[str, bytes, bytes]] = []


def let_in(folder: Path) -> None:
    """Gives the database of a data folder the run's one key, making it with the first."""
    # Not at the top: processes that only call have no use for them, and start at once.
    import psycopg

    from server.runtime.preflight import bring_up_to_date
    from server.storage import embedded

    postgres = embedded.start(folder)
    try:
        bring_up_to_date(postgres.url)
        if not _stored:
            key = new_key(folder)
            METADATA.append(("authorization", f"Bearer {key}"))
            CLIENT_FLAGS.extend(("--key", key))
        with psycopg.connect(postgres.url) as connection:
            _stored.extend([] if _stored else connection.execute(_ROW).fetchall())
            connection.execute(_STORE, _stored[0])
    finally:
        postgres.stop()


def new_key(folder: Path) -> str:
    """Another key in the database of a data folder."""
    command = [*_CREATE, *_RIGHTS, "--data-dir", folder]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
