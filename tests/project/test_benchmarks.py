"""The benchmarks know every method: what is forgotten here would only be missed when they run. And what they send is what they mean."""

import pytest

from benchmarks.figures.calls import methods
from benchmarks.requests import Stage, requests_of
from benchmarks.template import Template


def test_there_are_requests_for_every_method() -> None:
    ids = [f"order-{number}" for number in range(40)]
    stage = Stage("test", order_ids=ids, buyers=["jane"], to_confirm=ids, to_pay=ids, to_cancel=ids, key_ids=["key"])
    requests = requests_of(stage)
    assert sorted(requests) == sorted(methods())
    assert all(each.serialized for each in requests.values())


def test_a_template_is_filled_wherever_a_hole_stands_and_is_else_as_it_was() -> None:
    template = Template(b"100 %b of AAA for BB, AAA%", b"AAA", b"BB")
    assert template.fill_bytes(b"tea", b"me") == b"100 %b of tea for me, tea%"
    with pytest.raises(AssertionError):
        template.fill_bytes(b"tea")
    with pytest.raises(AssertionError):
        Template(b"nothing", b"AAA")
