import io
import re

from server.transfer.progress import Bar, Lines, Silent, presenter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_a_line_every_few_seconds_and_a_summary() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Lines(stream, every=5, clock=clock)
    progress.start("import", total=2000, unit="bytes")
    for _ in range(12):
        clock.now += 1
        progress.update(done=1000, orders=500, counts={"inserted": 499, "updated": 0, "invalid": 1})
    progress.finish("the end")
    first, second, last = stream.getvalue().splitlines()
    assert first == "import: 50% of 2,000 bytes, 500 orders, 100 orders/s, 499 inserted, 1 invalid"
    assert second.endswith("500 orders, 50 orders/s, 499 inserted, 1 invalid")
    assert last == "the end"


def test_without_a_total_a_line_says_no_share() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Lines(stream, every=0, clock=clock)
    progress.start("export", total=None, unit="orders")
    clock.now += 2
    progress.update(done=10, orders=10, counts={})
    assert stream.getvalue() == "export: 10 orders, 5 orders/s\n"


def test_a_terminal_gets_a_bar_with_rate_and_counts() -> None:
    stream, clock = Terminal(), Clock()
    progress = Bar(stream, clock=clock, width=200)
    progress.start("import", total=1000, unit="bytes")
    clock.now += 10
    progress.update(done=1000, orders=500, counts={"inserted": 500})
    progress.finish("[the] end")
    said = stream.getvalue()
    assert all(part in said for part in ("import", "100%", "50 orders/s", "500 inserted", "[the] end"))


def test_a_bar_fits_sixty_columns_and_loses_no_count() -> None:
    stream, clock = Terminal(), Clock()
    progress = Bar(stream, clock=clock, width=60)
    progress.start("import", total=987_654_321, unit="bytes")
    clock.now += 10
    counts = dict.fromkeys(("inserted", "updated", "unchanged", "invalid", "rejected", "warnings"), 1_234_567)
    progress.update(done=123_456_789, orders=7_407_402, counts=counts)
    progress.finish("the end")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]", text)) <= 60
    words = " ".join(text.split())
    assert all(part in words for part in ("import", "12%", "123.5/987.7 MB", "740,740 orders/s"))
    assert all(f"1,234,567 {name}" in words for name in counts)


def test_the_presenter_suits_the_stream() -> None:
    assert isinstance(presenter(Terminal()), Bar)
    assert isinstance(presenter(io.StringIO()), Lines)
    assert isinstance(presenter(Terminal(), quiet=True), Silent)
