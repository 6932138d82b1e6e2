"""What a started server says."""

from server.welcome import welcome


def test_with_the_demo_shop_come_commands_for_the_next_order() -> None:
    text = welcome(host="127.0.0.1", port=50051, embedded=True, number="ORD-2026-000007")
    assert "ORD-2026-000007" in text
    assert "NUMBER" not in text
    assert "CART" not in text
    assert text.endswith("Stop with Ctrl-C.")


def test_without_the_demo_shop_there_is_nothing_to_paste() -> None:
    text = welcome(host="::", port=50051, embedded=True, number="")
    assert text == "Orders are served on [::]:50051, kept in the embedded PostgreSQL. Stop with Ctrl-C."
