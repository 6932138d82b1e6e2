"""The benchmarks send valid requests of every method, and fill databases as a server would."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.grown import grow
from benchmarks.requests import MANY, requests_of
from benchmarks.servers import verify
from benchmarks.template import Template
from tests.methods import METHODS, WRITES
from tests.samples import Subject

SUBJECTS = [Subject(f"order-{number}", key_id=f"key-{number}") for number in range(40)]


@pytest.mark.parametrize("method", METHODS)
def test_the_requests_of_a_write_differ(method: str) -> None:
    sent = requests_of(method, SUBJECTS, name="test")
    assert sent.serialized
    assert sent.read or len(set(sent.serialized)) == len(sent.serialized)
    assert not (sent.read and method in WRITES)


def test_a_batch_is_about_many() -> None:
    sent = requests_of("BatchUpsertOrders", SUBJECTS, name="test").serialized
    batches = [METHODS["BatchUpsertOrders"].input_type._concrete_class.FromString(each) for each in sent]
    assert [len(batch.orders) for batch in batches] == [MANY] * 4


def test_a_template_is_filled_wherever_a_hole_stands_and_is_else_as_it_was() -> None:
    template = Template(b"100 %b of AAA for BB, AAA%", b"AAA", b"BB")
    assert template.fill_bytes(b"tea", b"me") == b"100 %b of tea for me, tea%"
    with pytest.raises(AssertionError):
        template.fill_bytes(b"tea")
    with pytest.raises(AssertionError):
        Template(b"nothing", b"AAA")


def test_a_filled_database_agrees() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        grown = grow(Path(folder) / "data", stack, 50)
        assert len(grown.order_ids) >= 50
        stack.close()
        verify(Path(folder) / "data")
