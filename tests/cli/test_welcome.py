"""What a started server says."""

from server.cli.welcome import welcome
from server.runtime.app import Started


def test_with_the_demo_shop_come_commands_for_the_next_order() -> None:
    text = welcome(
        Started("127.0.0.1", 50051, is_open=True, has_tls=False, metrics_url="", next_order_number="ORD-2026-000007"),
        embedded=True,
    )
    assert "ORD-2026-000007" in text
    assert "NUMBER" not in text
    assert "CART" not in text
    assert text.endswith("Stop with Ctrl-C.")


def test_without_the_demo_shop_there_is_nothing_to_paste() -> None:
    text = welcome(
        Started("::", 50051, is_open=True, has_tls=False, metrics_url="", next_order_number=""), embedded=True
    )
    assert text.startswith("Serving orders on [::]:50051, stored in the embedded PostgreSQL. Open to every caller ")
    assert text.endswith("Stop with Ctrl-C.")
    assert text.count("\n") == 0


def test_whoever_needs_a_key_is_told_so_and_gets_no_commands_without_one() -> None:
    text = welcome(
        Started("127.0.0.1", 50051, is_open=False, has_tls=False, metrics_url="", next_order_number="ORD-2026-000007"),
        embedded=True,
    )
    assert "Callers need an API key" in text
    assert "grpcurl" not in text


def test_where_metrics_are_is_said_if_there_are_any() -> None:
    started = Started(
        "127.0.0.1",
        50051,
        is_open=True,
        has_tls=True,
        metrics_url="http://127.0.0.1:9464/metrics",
        next_order_number="",
    )
    assert "stored in your PostgreSQL. Metrics: http://127.0.0.1:9464/metrics. Open to every caller " in welcome(
        started, embedded=False
    )
